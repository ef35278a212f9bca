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

import errno
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from gateway.clock import random_bytes
from gateway.errors import GatewayError, TooLarge
from gateway.store.contract import FULL_RETRY, StoreFull

CHUNK = 262_144  # bytes that one step of a read yields
KEY_BYTES = 32
INLINE_LIMIT = 16_384  # bytes: below this a row in the database is cheaper than a file
MEMORY_LIMIT = 1_048_576  # bytes: up to this a staged payload waits in memory (encrypted) for its verdict
# EFBIG: the limit of the file system, or of the process (ulimit -f), not of the disk; the cure is the same.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_PAYLOAD = re.compile(r"([0-9a-f]{2})/\1[0-9a-f]{62}\.[0-9a-f]{16}")
_STAGED = re.compile(r"[0-9a-f]{32}")


class Damaged(GatewayError):
    """A stored payload is missing, or is not what was received."""

    code = "payload.damaged"
    http_status = 500
    vi = "Nội dung đã lưu bị mất hoặc không còn đúng như khi nhận; hãy khôi phục từ bản sao lưu."


@dataclass(frozen=True, slots=True)
class Durable:
    """Where a payload came to rest: a ``file`` below ``payloads/``, or ``inline`` (encrypted) in the row."""

    file: str | None
    inline: bytes | None


@dataclass(frozen=True, slots=True)
class Swept:
    """How many files a sweep removed."""

    staged: int
    payloads: int


class Blobs:
    """The folder of payloads: ``staging/`` while bytes arrive, ``payloads/aa/<sha256>.<random>`` after."""

    def __init__(
        self,
        folder: Path,
        inline_limit: int = INLINE_LIMIT,
        memory_limit: int = MEMORY_LIMIT,
        random: Callable[[int], bytes] = random_bytes,
    ) -> None:
        self.inline_limit = inline_limit
        self.memory_limit = max(inline_limit, memory_limit)
        self.random = random
        self.staging = folder / "staging"
        self.payloads = folder / "payloads"
        self._folders: dict[Path, int] = {}  # payload folders whose own names are on disk, opened for fsync
        for made in (self.staging, self.payloads):
            made.mkdir(parents=True, exist_ok=True, mode=0o700)

    def stage(self, max_size: int | None = None) -> Staging:
        """Begin to take bytes in; more than ``max_size`` of them are ``TooLarge``."""
        return Staging(self, max_size)

    def read(
        self, file: str | None, inline: bytes | None, *, data_key: bytes, size: int, sha256: bytes
    ) -> Iterator[bytes]:
        """The plain bytes, in chunks. ``Damaged`` at once for a wrong size, after the last chunk for a wrong
        hash: whoever passes chunks on must be able to break off.
        """
        sealed = _slices(inline) if inline is not None else _file_chunks(self._path(file or ""))
        found = len(inline) if inline is not None else _size(self._path(file or ""))
        if found != size:
            raise Damaged()
        return _verified(_decrypted(sealed, data_key), sha256)

    def sealed(self, file: str) -> Iterator[bytes]:
        """The bytes of a payload file as they lie there, encrypted. ``Damaged``: there is none."""
        return _file_chunks(self._path(file))

    def put_back(self, file: str, sealed: bytes) -> None:
        """On return a payload file with these (encrypted) bytes is on disk; one that is there stays."""
        path = self._path(file)
        if path.exists():
            return
        folder = self.open_folder(path.parent)
        temporary = self.staging / self.random(16).hex()
        with open(temporary, "xb", opener=_owner_only) as out:
            out.write(sealed)
            out.flush()
            os.fsync(out.fileno())
        temporary.rename(path)
        os.fsync(folder)

    def remove(self, file: str) -> None:
        """Delete a payload file. On return it is gone from the disk's directory too; none there: no error."""
        path = self._path(file)
        with suppress(FileNotFoundError):
            path.unlink()
            _sync_folder(path.parent)

    def sweep(self, known: Callable[[str], bool], older_than: float) -> Swept:
        """Remove what a crash or a lost race left: staged files, and payload files that are not ``known``.

        Only files untouched for ``older_than`` seconds, which must exceed the longest request: a payload
        is durable before its row is committed. Age is told by the file system's own clock, because ours may
        run in a scenario. Files with other names than we give are left alone.
        """
        before = self._file_time() - older_than
        staged = (path for path in self.staging.iterdir() if _STAGED.fullmatch(path.name))
        payloads = (path for path in self.payloads.glob("*/*") if _PAYLOAD.fullmatch(self._name(path)))
        return Swept(
            sum(_remove_if_old(path, before) for path in staged),
            sum(_remove_if_old(path, before) for path in payloads if not known(self._name(path))),
        )

    def open_folder(self, folder: Path) -> int:
        """A folder of payloads whose own name is on disk, opened so that it can be synced. The fsync above it
        once a process: another may have made it and died before its own."""
        if folder not in self._folders:
            folder.mkdir(mode=0o700, exist_ok=True)
            _sync_folder(folder.parent)
            self._folders[folder] = os.open(folder, os.O_RDONLY)
        return self._folders[folder]

    def close(self) -> None:
        """Let go of the opened folders."""
        while self._folders:
            os.close(self._folders.popitem()[1])

    def _file_time(self) -> float:
        """Now, as the file system stamps it (seconds)."""
        probe = self.staging / ".now"
        probe.touch(0o600)
        return probe.stat().st_mtime

    def _name(self, path: Path) -> str:
        return path.relative_to(self.payloads).as_posix()

    def _path(self, file: str) -> Path:
        """The path of a payload file; a name that we never give is an error of the program."""
        if not _PAYLOAD.fullmatch(file):
            raise ValueError(f"not the name of a payload file: {file!r}")
        return self.payloads / file


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
        self._memory = bytearray()
        self._path: Path | None = None
        self._out: BinaryIO | None = None
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
        self._memory += self._cipher.update(chunk)
        if self._out is not None or self.size > self._blobs.memory_limit:
            self._spill()

    def chunks(self) -> Iterator[bytes]:
        """The plain bytes taken so far, from the beginning."""
        if self._out is not None:
            with _disk_may_be_full():
                self._out.flush()
        sealed = _file_chunks(self._path) if self._path else _slices(bytes(self._memory))
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
                self._durable = Durable(None, bytes(self._memory))
            else:
                self._durable = Durable(self._settle(), None)
        return self._durable

    def discard(self) -> None:
        """Forget the key and the staged bytes; calling it again does nothing.

        After ``make_durable`` the file stays: a write whose outcome is unknown may have made it somebody's.
        It is unreadable unless the key was committed, and ``Blobs.remove`` or the sweep takes it.
        """
        self._key = b""
        self._memory.clear()
        if self._out is not None:
            with suppress(OSError):  # a full disk refuses the last flush; the bytes are not wanted anyway
                self._out.close()
            self._out = None
        if self._durable is None and self._path is not None:
            self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def _spill(self) -> None:
        """Move what is in memory (encrypted) to the file."""
        with _disk_may_be_full():
            if self._out is None:
                self._path = self._blobs.staging / self._blobs.random(16).hex()
                self._out = open(self._path, "xb", 65_536, opener=_owner_only)  # noqa: SIM115
            self._out.write(self._memory)
            self._memory.clear()

    def _settle(self) -> str:
        """Write or rename, fsync the file, fsync the folder; the name below ``payloads/``.

        A file that was not staged is written under its final name at once: until a row names it, it is as
        much an orphan as one in ``staging/``.
        """
        name = f"{self.hexdigest[:2]}/{self.hexdigest}.{self._blobs.random(8).hex()}"
        final = self._blobs.payloads / name
        with _disk_may_be_full():
            folder = self._blobs.open_folder(final.parent)
            if self._out is None:
                self._path = final
                self._out = open(final, "xb", 65_536, opener=_owner_only)  # noqa: SIM115
                self._out.write(self._memory)
                self._memory.clear()
            self._out.flush()
            os.fsync(self._out.fileno())
            self._out.close()
            self._out = None
            if self._path is not None and self._path != final:
                self._path.rename(final)
                self._path = final
            os.fsync(folder)
        return name


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


def _file_chunks(path: Path) -> Iterator[bytes]:
    try:
        file = path.open("rb", 0)
    except FileNotFoundError as error:
        raise Damaged() from error
    with file:
        while chunk := file.read(CHUNK):
            yield chunk


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError as error:
        raise Damaged() from error


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_if_old(path: Path, before: float) -> bool:
    with suppress(FileNotFoundError):
        if path.stat().st_mtime < before:
            path.unlink()
            return True
    return False


@contextmanager
def _disk_may_be_full() -> Iterator[None]:
    """``StoreFull`` for the errors that mean it."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFull(retry_after=FULL_RETRY) from error
        raise
