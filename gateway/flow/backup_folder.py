"""What a folder of backups looks like.

In charge of: names, the manifest and its signature, files that are written and read with their hashes. Not in
charge of: making (``backup.py``), verifying (``backup_verify.py``), restoring (``restore.py``).

A folder holds any number of backups, each in a folder of its own, and one ``payloads/`` that they share::

    20261124T131500Z-3f2a/manifest.json    what it is; written last: without it there is no backup
    20261124T131500Z-3f2a/manifest.sig     signed by the log key of the gateway
    20261124T131500Z-3f2a/rows.gz          every row of the database (``store/dump.py``)
    20261124T131500Z-3f2a/payloads.gz      payload files that the rows name: name, size, SHA-256 as stored
    20261124T131500Z-3f2a/keys.sealed      the keyring, encrypted (``signature/key_archive.py``)
    20261124T131500Z-3f2a/home/…           settings without secrets, trust, checkpoints, reports, archive
    payloads/aa/…                          encrypted, as they lie in the installation
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from gateway.errors import NotReady, WrongState
from gateway.exchange_log.checkpoint import PublicKey, read_key
from gateway.exchange_log.sequence import log_keys
from gateway.model.text import Bilingual, Instant
from gateway.signature.keyring import LOG, Keyring

MANIFEST, SIGNATURE, ROWS, PAYLOAD_LIST, SEALED = (
    "manifest.json",
    "manifest.sig",
    "rows.gz",
    "payloads.gz",
    "keys.sealed",
)
PAYLOADS, HOME = "payloads", "home"
FORM = "gateway-backup/1"
PIECE = 1_048_576  # bytes that are read at once


@dataclass(frozen=True, slots=True)
class File:
    """A file as it lies on disk; ``sha256`` is hex."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one backup is. ``at`` (UTC microseconds) is before its first row was read."""

    gateway: str
    version: str
    schema: int
    engine: str
    at: Instant
    checkpoint: str  # newest published head that the rows know, as a note; '' = none
    log_keys: list[str]
    tables: dict[str, dict[str, Any]]  # rows, sha256
    files: list[dict[str, Any]]  # File, of the backup's own folder
    payloads: int
    payload_bytes: int
    destroyed: list[str]  # payload files that were destroyed while the backup ran
    missing: list[str]  # payload files that should have been there
    left_out: list[str]  # settings with secrets
    form: str = FORM

    def bytes(self) -> bytes:
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)


def backups_in(folder: Path) -> list[Path]:
    """Every finished backup, oldest first."""
    return sorted(path.parent for path in folder.glob(f"[0-9]*Z-*/{MANIFEST}"))


def chosen(folder: Path) -> tuple[Path, Path]:
    """The folder of backups and the one that was meant: itself, or the newest in it. ``NotReady``: none."""
    if (folder / MANIFEST).is_file():
        return folder.resolve().parent, folder.resolve()
    if not (found := backups_in(folder)):
        raise NotReady(_none(folder), code="backup.missing")
    return folder.resolve(), found[-1].resolve()


def read_manifest(backup: Path) -> Manifest:
    """``WrongState``: it is none of ours, or was changed."""
    try:
        return Manifest(**orjson.loads((backup / MANIFEST).read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise WrongState(_unreadable(backup / MANIFEST), code="backup.damaged") from error


def sign(backup: Path, manifest: Path, keyring: Keyring) -> None:
    """Write the signature of the manifest. It cannot be taken for that of a head: its text has two lines."""
    signature = keyring.sign_note(LOG, _signed(manifest))
    key = str(log_keys(keyring)[0])
    write(backup / SIGNATURE, _signature(key, signature))


def signer_of(backup: Path) -> PublicKey | None:
    """The key that signed the manifest as it stands; ``None``: no signature holds."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        body = (backup / SIGNATURE).read_bytes()
        told = orjson.loads(body)
        key = read_key(told["key"])
        signature = bytes.fromhex(told["signature"])
        Ed25519PublicKey.from_public_bytes(key.key).verify(signature, _signed(backup / MANIFEST))
    except (OSError, ValueError, KeyError, TypeError, InvalidSignature):
        return None
    return key if body == _signature(str(key), signature) else None  # any other way to write it is damage


def _signature(key: str, signature: bytes) -> bytes:
    return orjson.dumps({"key": key, "signature": signature.hex()})


def _signed(manifest: Path) -> bytes:
    return f"{FORM}\n{hashlib.sha256(manifest.read_bytes()).hexdigest()}\n".encode()


def write(path: Path, body: bytes) -> None:
    """A new file, on disk on return, read by its owner only."""
    with owned(path) as file:
        file.write(body)


@contextlib.contextmanager
def owned(path: Path) -> Iterator[BinaryIO]:
    """A new file that only its owner reads; on disk at the end."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def copied(source: Path, target: Path) -> File:
    """Copy a file; on disk on return. An old half copy is replaced. ``FileNotFoundError``: no source."""
    with source.open("rb") as file:
        return stored(iter(lambda: file.read(PIECE), b""), target)


def stored(chunks: Iterable[bytes], target: Path) -> File:
    """Write a file from its parts; on disk under its name on return."""
    digest, size = hashlib.sha256(), 0
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        with owned(part) as out:
            for piece in chunks:
                out.write(piece)
                digest.update(piece)
                size += len(piece)
        part.rename(target)
    finally:
        part.unlink(missing_ok=True)
    return File(target.name, size, digest.hexdigest())


def measured(path: Path, name: str) -> File:
    """A file as it lies there."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
            size += len(piece)
    return File(name, size, digest.hexdigest())


def payload_list(backup: Path) -> Iterator[File]:
    """The payload files that a backup names, in the order of names."""
    with gzip.open(backup / PAYLOAD_LIST, "rb") as file:
        for line in file:
            yield File(**orjson.loads(line))


def sync(folder: Path) -> None:
    """On return the names in the folder are on disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else makes or prunes backups in the folder meanwhile. ``NotReady`` when somebody does."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise NotReady(_BUSY, code="backup.busy") from None
    finally:
        os.close(handle)


_BUSY = Bilingual(
    "Một lệnh sao lưu khác đang dùng thư mục này. Hãy chờ lệnh đó xong rồi chạy lại.",
    "Another backup is at work in this folder. Wait until it is done, then try again.",
)


def _none(folder: Path) -> Bilingual:
    return Bilingual(
        f"Trong {folder} không có bản sao lưu hoàn chỉnh nào (thiếu manifest.json). Hãy xem lại đường dẫn.",
        f"There is no whole backup in {folder} (no manifest.json). Check the path.",
    )


def _unreadable(path: Path) -> Bilingual:
    return Bilingual(
        f"Không đọc được {path}: bản sao lưu bị hỏng hoặc của phiên bản khác. Hãy dùng bản sao lưu khác.",
        f"{path} cannot be read: the backup is damaged or of another release. Use another one.",
    )
