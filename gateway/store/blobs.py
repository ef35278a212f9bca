"""Payload files: encrypted from the first byte, durable before the row that names them.

In charge of: staging bytes while they arrive, making them durable, reading them back with proof that they are
the same, and sweeping what nobody claims. Not in charge of: which rows refer to a file (``payloads``), or
keeping the data key (``signature/keyring`` wraps it, the row holds it).

Each payload has an AES-256 key of its own, used once, so that forgetting the key is destroying the payload.
Counter mode gives no integrity of its own: the SHA-256 of the plain bytes does, and it stands in the row.

All functions are plain and block. Each call costs little (64 KiB: about 0.1 ms); for a large payload let
``make_durable``, ``chunks`` and ``sweep`` run on a thread. One ``Staging`` belongs to one task at a time.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from gateway.clock import random_bytes
from gateway.errors import Busy, TooLarge
from gateway.store.places import (
    CHUNK,
    Chunks,
    Damaged,
    Files,
    Lying,
    Place,
    Sealed,
    checked,
    disk_may_be_full,
    file_chunks,
    owner_only,
)

if TYPE_CHECKING:
    from gateway.store.objects import Objects  # it needs obstore, which a gateway with files does without

KEY_BYTES = 32
INLINE_LIMIT = 16_384  # bytes: below this a row in the database is cheaper than a file
MEMORY_LIMIT = 1_048_576  # bytes: up to this a staged payload waits in memory (encrypted) for its verdict
_STAGED = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Durable:
    """Where a payload came to rest: a ``file`` of that name, or ``inline`` (encrypted) in the row."""

    file: str | None
    inline: bytes | None


@dataclass(frozen=True, slots=True)
class Aged:
    """Payload files of one place that nobody touched for long, by rising names."""

    place: Place
    names: list[str]


class Blobs:
    """The folder of payloads: ``staging/`` while bytes arrive, ``payloads/aa/<sha256>.<random>`` after.

    With a bucket (``objects``) new payloads go there, unless ``into_bucket`` says otherwise; both are read.
    """

    def __init__(
        self,
        folder: Path,
        inline_limit: int = INLINE_LIMIT,
        memory_limit: int = MEMORY_LIMIT,
        random: Callable[[int], bytes] = random_bytes,
        objects: Objects | None = None,
        into_bucket: bool = True,
    ) -> None:
        self.inline_limit = inline_limit
        self.memory_limit = max(inline_limit, memory_limit)
        self.random = random
        self.staging = folder / "staging"
        self.files = Files(folder / "payloads", self.staging)
        for made in (self.staging, self.payloads):
            made.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.objects = objects
        self.place: Files | Objects = objects if objects is not None and into_bucket else self.files
        self._removing = ThreadPoolExecutor(1, "removing")

    @property
    def payloads(self) -> Path:
        """The folder of the files."""
        return self.files.folder

    @payloads.setter
    def payloads(self, folder: Path) -> None:
        self.files.folder = folder

    def stage(self, max_size: int | None = None) -> Staging:
        """Begin to take bytes in; more than ``max_size`` of them are ``TooLarge``."""
        return Staging(self, max_size)

    def is_far(self, file: str | None) -> bool:
        """Whether ``read`` may have to wait for the bucket: it belongs on a thread then."""
        return file is not None and self.objects is not None and self._local(file) is None

    def read(
        self, file: str | None, inline: bytes | None, *, data_key: bytes, size: int, sha256: bytes
    ) -> Iterator[bytes]:
        """The plain bytes, in chunks. ``Damaged`` at once for a wrong size, after the last chunk for a wrong
        hash: whoever passes chunks on must be able to break off. From the bucket the whole is fetched and
        proven first (``Busy``: it does not answer).
        """
        if self.objects is not None and file is not None and self._local(file) is None:
            name = checked(file)
            opened = self.objects.open(name, size, lambda found: _is_intact(found, data_key, sha256))
            return _verified(_decrypted(Chunks(opened), data_key), sha256)
        sealed = _slices(inline) if inline is not None else file_chunks(self._path(file or ""))
        found = len(inline) if inline is not None else self._local(file or "")
        if found != size:
            raise Damaged()
        return _verified(_decrypted(sealed, data_key), sha256)

    def prove(self, file: str, *, data_key: bytes, size: int, sha256: bytes) -> None:
        """``Damaged`` unless the file, where it lies and past the cache, is what was received."""
        chunks = _verified(_decrypted(self.sealed(file), data_key), sha256)
        if sum(map(len, chunks)) != size:
            raise Damaged()

    def sealed(self, file: str) -> Iterator[bytes]:
        """The bytes of a payload file as they lie there, encrypted. ``Damaged``: there is none."""
        if self.objects is not None and self._local(file) is None:
            return self.objects.parts(file)
        return file_chunks(self._path(file))

    def put_back(self, file: str, sealed: bytes) -> bool:
        """A payload file with these (encrypted) bytes is durable on return; False: one was there before."""
        return self.lay(self.place, file, [sealed])

    def lay(self, place: Place, file: str, sealed: Iterable[bytes]) -> bool:
        """On return the place has a file of that name, whole; False: it had one. Its bytes come encrypted."""
        if place.size(checked(file)) is not None:
            return False
        path = self.staging / self.random(16).hex()
        out = open(path, "xb", opener=owner_only)  # noqa: SIM115
        staged = Sealed(bytearray(), path, out)
        try:
            with disk_may_be_full():
                for chunk in sealed:
                    out.write(chunk)
            place.keep(file, staged)
        finally:
            out.close()
            path.unlink(missing_ok=True)
        return True

    def remove(self, file: str) -> None:
        """Delete a payload file. On return it is gone from the disk's directory too; none there: no error.
        From the bucket it goes a moment later, or with the sweep."""
        local = self._local(file) is not None
        self.files.remove(file)
        if self.objects is not None and not local:
            self._removing.submit(self._remove_object, file)

    def sweep_staged(self, older_than: float) -> int:
        """Remove staged files that a crash left, untouched for ``older_than`` seconds; how many. Age is told
        by the file system's own clock, because ours may run in a scenario."""
        before = self.files.now() - older_than
        staged = [path for path in self.staging.iterdir() if _STAGED.fullmatch(path.name)]
        return sum(_remove_if_old(path, before) for path in staged)

    def aged(self, older_than: float) -> Iterator[Aged]:
        """Payload files untouched for ``older_than`` seconds of their place's own clock, a page at a time.

        Those that no row names are what a crash or a lost race left (``drop`` them). ``older_than`` must
        exceed the longest request: a payload is durable before its row is committed. Other names than we
        give are passed over.
        """
        for place in self.places():
            before = place.now() - older_than
            for page in place.pages():
                names = [lying.name for lying in page if lying.changed_at < before]
                if names:
                    yield Aged(place, names)

    def drop(self, place: Place, names: Iterable[str]) -> int:
        """Delete payload files of one place; how many."""
        gone = 0
        for name in names:
            place.remove(name)
            gone += 1
        return gone

    def places(self) -> list[Place]:
        """Wherever payloads may lie."""
        return [self.files] if self.objects is None else [self.files, self.objects]

    def lying(self, file: str) -> Lying | None:
        """Where a payload file is found, by any place; ``None``: nowhere."""
        for place in self.places():
            size = place.size(checked(file))
            if size is not None:
                return Lying(file, size, 0.0)
        return None

    def close(self) -> None:
        """Let go of the opened folders; what is being removed from the bucket is waited for."""
        self._removing.shutdown(cancel_futures=True)
        self.files.close()

    def _remove_object(self, file: str) -> None:
        assert self.objects is not None
        with suppress(Busy):  # the sweep takes it
            self.objects.remove(file)

    def _local(self, file: str) -> int | None:
        return self.files.size(file)

    def _path(self, file: str) -> Path:
        return self.files.path(file)


class Staging:
    """One payload on its way in; made by ``Blobs.stage``.

    Up to ``memory_limit`` bytes wait in memory, more go to a file, encrypted either way: most uploads touch
    the disk once, and refused ones never. As a context manager
    it discards itself at the end, which after ``make_durable`` only forgets the key.
    """

    def __init__(self, blobs: Blobs, max_size: int | None) -> None:
        self._blobs = blobs
        self._max_size = max_size
        self._key = blobs.random(KEY_BYTES)
        self._cipher = _cipher(self._key).encryptor()
        self._hash = hashlib.sha256()
        self._sealed = Sealed(bytearray())
        self._name = ""
        self._durable: Durable | None = None
        self.size = 0

    @property
    def sha256(self) -> bytes:
        """SHA-256 of the plain bytes so far."""
        return self._hash.digest()

    @property
    def hexdigest(self) -> str:
        """``sha256`` as lower-case hex."""
        return self._hash.hexdigest()

    @property
    def data_key(self) -> bytes:
        """The key of these bytes: whoever has it reads them. ``ValueError`` after ``discard``."""
        if not self._key:
            raise ValueError("this payload was discarded, its key is forgotten")
        return self._key

    def write(self, chunk: bytes) -> None:
        """Take the next bytes. ``TooLarge`` over the limit, ``StoreFull`` when the disk is."""
        if self._durable is not None or not self._key:
            raise ValueError("this payload is complete or discarded")
        if self._max_size is not None and self.size + len(chunk) > self._max_size:
            raise TooLarge()
        self.size += len(chunk)
        self._hash.update(chunk)
        self._sealed.memory += self._cipher.update(chunk)
        if self._sealed.out is not None or self.size > self._blobs.memory_limit:
            self._spill()

    def chunks(self) -> Iterator[bytes]:
        """The plain bytes taken so far, from the beginning."""
        if self._durable is not None and self._durable.file is not None:  # it may be far away by now
            key, sha256 = self.data_key, self.sha256
            return self._blobs.read(self._durable.file, None, data_key=key, size=self.size, sha256=sha256)
        if self._sealed.out is not None:
            with disk_may_be_full():
                self._sealed.out.flush()
        path = self._sealed.path
        sealed = file_chunks(path) if path else _slices(bytes(self._sealed.memory))
        return _decrypted(sealed, self.data_key)

    def make_durable(self) -> Durable:
        """Finish. On return the payload is on disk under its final name, or small enough for the row.

        To be called before the row is committed: a crash in between leaves an unreadable file for the sweep,
        and never a row without its file. Calling it again gives the same answer.
        """
        if self._durable is None:
            if not self._key:
                raise ValueError("this payload was discarded")
            if self.size <= self._blobs.inline_limit:
                self._durable = Durable(None, bytes(self._sealed.memory))
            else:
                self._durable = Durable(self._settle(), None)
        return self._durable

    def discard(self) -> None:
        """Forget the key and the staged bytes; calling it again does nothing.

        After ``make_durable`` the file stays: a write whose outcome is unknown may have made it somebody's.
        It is unreadable unless the key was committed, and ``Blobs.remove`` or the sweep takes it.
        """
        self._key = b""
        self._sealed.memory.clear()
        if self._sealed.out is not None:
            with suppress(OSError):  # a full disk refuses the last flush; the bytes are not wanted anyway
                self._sealed.out.close()
            self._sealed.out = None
        if self._durable is None and self._sealed.path is not None:
            self._sealed.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def _spill(self) -> None:
        """Move what is in memory (encrypted) to the file."""
        sealed = self._sealed
        with disk_may_be_full():
            if sealed.out is None:
                sealed.path = self._blobs.staging / self._blobs.random(16).hex()
                sealed.out = open(sealed.path, "xb", 65_536, opener=owner_only)  # noqa: SIM115
            sealed.out.write(sealed.memory)
            sealed.memory.clear()

    def _settle(self) -> str:
        """Hand the bytes to the place; the name there. The same name if it has to be tried again."""
        if not self._name:
            self._name = f"{self.hexdigest[:2]}/{self.hexdigest}.{self._blobs.random(8).hex()}"
        self._blobs.place.keep(self._name, self._sealed)
        return self._name


def _cipher(key: bytes) -> Cipher[CTR]:
    """The counter may begin at zero, because a key encrypts exactly one payload."""
    return Cipher(AES256(key), CTR(bytes(16)))


def _decrypted(sealed: Iterator[bytes], key: bytes) -> Iterator[bytes]:
    cipher: CipherContext = _cipher(key).decryptor()
    for chunk in sealed:
        yield cipher.update(chunk)


def _verified(chunks: Iterator[bytes], sha256: bytes) -> Iterator[bytes]:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
        yield chunk
    if digest.digest() != sha256:
        raise Damaged()


def _slices(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), CHUNK):
        yield data[start : start + CHUNK]


def _is_intact(file: BinaryIO, key: bytes, sha256: bytes) -> bool:
    """Whether an open file decrypts to the bytes with that hash."""
    digest, cipher = hashlib.sha256(), _cipher(key).decryptor()
    while chunk := file.read(CHUNK):
        digest.update(cipher.update(chunk))
    return digest.digest() == sha256


def _remove_if_old(path: Path, before: float) -> bool:
    with suppress(FileNotFoundError):
        if path.stat().st_mtime < before:
            path.unlink()
            return True
    return False
