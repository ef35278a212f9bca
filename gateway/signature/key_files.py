"""The files of a keyring: one folder, its index, and each key in a file of its own.

In charge of: reading and writing them whole and in the right order, refusing what others may read, and the
certificate that a receipt key gets. Not in charge of: using or rotating keys (``keyring``).

The folder is 0700 and every file in it 0600; anything looser is refused, because whoever reads these files
reads every payload. ``keyring.json`` lists the keys; it is replaced atomically, after the files it names.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import orjson
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from gateway.clock import local
from gateway.errors import NotReady
from gateway.model.text import Instant
from gateway.signature import keyring_texts as texts

RECEIPT_KEY_DAYS = 730  # two years; ``gateway key list`` shows the date, rotation overlaps
LOG, WITNESS = "log", "witness"  # kinds of Ed25519 keys
INDEX = "keyring.json"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of ``keyring.json``."""

    kind: str  # wrapping, receipt, log, witness
    number: int  # counts from 1 within the kind; the highest is in use
    created: Instant
    compromised: Instant | None = None

    @property
    def name(self) -> str:
        """How its files begin."""
        return f"{self.kind}-{self.number:04d}"


@dataclass(frozen=True, slots=True)
class ReceiptKey:
    """What signs receipts, and the certificate by which others check them."""

    private_key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


@dataclass(frozen=True, slots=True)
class State:
    """Everything that a rotation replaces at once, so that readers in other threads see old or new."""

    gateway: str
    entries: tuple[Entry, ...]
    wrapping: dict[int, bytes]
    receipt: dict[int, ReceiptKey]
    notes: dict[tuple[str, int], ed25519.Ed25519PrivateKey]  # by kind and number


def self_signed(key: ec.EllipticCurvePrivateKey, name: str, now: Instant) -> x509.Certificate:
    """The certificate of a receipt key, for two years."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name[:64])])
    start = local(now).replace(microsecond=0)
    usage = x509.KeyUsage(True, True, False, False, False, False, False, False, False)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=RECEIPT_KEY_DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def private_pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    """PKCS8, unencrypted: the folder is what protects it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def read_state(folder: Path) -> State:
    """Everything in the folder; ``OSError``, ``ValueError`` or ``KeyError`` when it does not fit together."""
    index = orjson.loads((folder / INDEX).read_bytes())
    entries = tuple(
        Entry(row["kind"], row["number"], Instant(row["created"]), row.get("compromised"))
        for row in index["keys"]
    )
    wrapping = {e.number: _read_wrapping(folder, e) for e in entries if e.kind == "wrapping"}
    receipt = {e.number: _read_receipt(folder, e) for e in entries if e.kind == "receipt"}
    notes = {(e.kind, e.number): _read_note_key(folder, e) for e in entries if e.kind in (LOG, WITNESS)}
    if not wrapping or not receipt:
        raise ValueError("a wrapping key and a receipt key are needed")
    return State(index["gateway"], entries, wrapping, receipt, notes)


def _read_wrapping(folder: Path, entry: Entry) -> bytes:
    key = (folder / f"{entry.name}.key").read_bytes()
    if len(key) != 32:
        raise ValueError(f"{entry.name}.key does not hold 32 bytes")
    return key


def _read_receipt(folder: Path, entry: Entry) -> ReceiptKey:
    key = serialization.load_pem_private_key((folder / f"{entry.name}.key.pem").read_bytes(), password=None)
    certificate = x509.load_pem_x509_certificate((folder / f"{entry.name}.crt.pem").read_bytes())
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise ValueError(f"{entry.name}: key and certificate do not belong together")
    return ReceiptKey(key, certificate)


def _read_note_key(folder: Path, entry: Entry) -> ed25519.Ed25519PrivateKey:
    return _note_key(entry.name, (folder / f"{entry.name}.key.pem").read_bytes())


def _note_key(name: str, pem: bytes) -> ed25519.Ed25519PrivateKey:
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise ValueError(f"{name} is no Ed25519 key")
    return key


def public_note_keys(files: Mapping[str, bytes], kind: str) -> set[bytes]:
    """Public keys (32 bytes each) of a keyring whose files are in memory. ``ValueError``, ``KeyError`` or
    ``TypeError`` when they do not fit together."""
    entries = [
        Entry(row["kind"], row["number"], row["created"]) for row in orjson.loads(files[INDEX])["keys"]
    ]
    names = [entry.name for entry in entries if entry.kind == kind]
    keys = [_note_key(name, files[f"{name}.key.pem"]).public_key() for name in names]
    return {key.public_bytes_raw() for key in keys}


def index_version(folder: Path) -> tuple[int, int, int]:
    """Changes whenever the index was written; nothing of a keyring changes without that."""
    found = (folder / INDEX).stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


@contextlib.contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Other processes that want to change the folder wait until we have."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def write_index(folder: Path, state: State) -> None:
    """Name the keys of ``state``; they lie in the folder already."""
    rows = [
        {"kind": e.kind, "number": e.number, "created": e.created}
        | ({} if e.compromised is None else {"compromised": e.compromised})
        for e in state.entries
    ]
    body = orjson.dumps({"gateway": state.gateway, "keys": rows}, option=orjson.OPT_INDENT_2)
    temporary = folder / f"{INDEX}.new"
    temporary.unlink(missing_ok=True)
    write_new(temporary, body)
    temporary.replace(folder / INDEX)
    _sync_folder(folder)


def write_new(path: Path, body: bytes) -> None:
    """Create ``path`` with mode 0600, written and fsynced; a leftover of a crashed rotation is replaced."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def refuse_loose_permissions(folder: Path) -> None:
    """``NotReady`` (``keyring.permissions``) when others may read the folder or a file in it."""
    for path in (folder, *sorted(folder.iterdir())):
        if path.stat().st_mode & 0o077:
            raise NotReady(texts.text_loose(path), code="keyring.permissions")
