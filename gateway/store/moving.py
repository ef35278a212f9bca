"""Moving one payload file between the folder and the bucket.

In charge of: the order that loses nothing: laid down, read back, compared, and only then taken away. Not in
charge of: which ones, and when (``flow/payload_places.py``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from gateway.store.blobs import Blobs
from gateway.store.objects import Objects
from gateway.store.places import Damaged, Files, file_chunks


def move(blobs: Blobs, objects: Objects, file: str, target: Files | Objects, size: int) -> bool:
    """On return the file lies in ``target`` and nowhere else, the same bytes; False: it lay there before.
    ``Damaged``: it is nowhere, or the copy differs (then nothing was taken away)."""
    source: Files | Objects = blobs.files if target is objects else objects
    if source.size(file) is None:
        if target.size(file) != size:
            raise Damaged()
        return False
    blobs.lay(target, file, _sealed(source, file))
    if target.size(file) != size or _digest(_sealed(target, file)) != _digest(_sealed(source, file)):
        raise Damaged()
    source.remove(file)
    return True


def _sealed(place: Files | Objects, file: str) -> Iterator[bytes]:
    return file_chunks(place.path(file)) if isinstance(place, Files) else place.parts(file)


def _digest(chunks: Iterable[bytes]) -> bytes:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.digest()
