"""The gateway's own keys: the only place, with its files, where private keys are.

In charge of: making and rotating the kinds of keys in one folder, and using them. Wrapping keys
(AES-256) protect the data key of each payload and the secrets that must be used (contracts: secrecy, who
acts); the receipt key (ECDSA P-256) signs receipts; the log key (Ed25519) signs heads of our exchange log,
the witness key (Ed25519, made on first use) those of others. A rotation adds a key; old ones stay, so that
what they protected can still be opened and what they signed can still be verified.
Not in charge of: what a receipt says (``seal``), the files (``key_files``), whom we trust (``trust``), the
demo's keys (``practice/pki``).
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import pkcs12

from gateway.clock import from_datetime
from gateway.errors import NotReady
from gateway.model.text import Instant
from gateway.signature import keyring_texts as texts
from gateway.signature.key_files import (
    INDEX,
    LOG,
    RECEIPT_KEY_DAYS,
    WITNESS,
    Entry,
    ReceiptKey,
    State,
    index_version,
    one_at_a_time,
    private_pem,
    read_state,
    refuse_loose_permissions,
    self_signed,
    write_index,
    write_new,
)

__all__ = ["LOG", "RECEIPT_KEY_DAYS", "WITNESS", "KeyRow", "Keyring", "client_tls", "key_id"]

_WRAPPED_KEY = 1  # first byte of what wrap() returns
_SECRET = 2  # first byte of what encrypt_secret() returns
_WRAPPED_SIZE = 1 + 2 + 40  # version, number of the wrapping key, RFC 3394 wrap of 32 bytes
_NONCE = bytes(12)  # constant: each secret is encrypted under a fresh key that is used once


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key for ``gateway key list``. ``created`` and ``expires`` are UTC microseconds."""

    name: str
    algorithm: str
    created: Instant
    expires: Instant | None  # None: rotated by hand
    current: bool
    certificate_sha256: str = ""  # hex, of the certificate in DER; other gateways pin it
    compromised_since: Instant | None = None  # what it made from then on is nobody's word


class Keyring:
    """The keys of one gateway, loaded. Made by ``create`` or ``open``."""

    def __init__(self, folder: Path, state: State) -> None:
        self._folder = folder
        self._state = state
        self._version = (0, 0, 0)

    @classmethod
    def create(cls, folder: Path, gateway_name: str, now: Instant) -> Keyring:
        """A new keyring with one key of each kind. On return its files are on disk.

        ``NotReady`` when the folder already holds a keyring: keys are never overwritten.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (folder / INDEX).exists():
            raise NotReady(texts.text_exists(folder), code="keyring.exists")
        folder.chmod(0o700)
        keyring = cls(folder, State(gateway_name, (), {}, {}, {}))
        keyring._add_wrapping_key(now)
        keyring._add_receipt_key(now)
        keyring._add_note_key(LOG, now)
        return keyring

    @classmethod
    def open(cls, folder: Path) -> Keyring:
        """The keyring of ``folder``. ``NotReady`` when it is missing, incomplete or readable by others."""
        if not (folder / INDEX).is_file():
            raise NotReady(texts.text_missing(folder), code="keyring.missing")
        refuse_loose_permissions(folder)
        keyring = cls(folder, State("", (), {}, {}, {}))
        keyring.reread()
        return keyring

    @classmethod
    def without_keys(cls, folder: Path) -> Keyring:
        """For those who verify with public keys that they were handed: it signs and opens nothing."""
        return cls(folder, State("", (), {}, {}, {}))

    def reread(self) -> bool:
        """Take in what another process has changed in the folder; True when it has. ``NotReady`` when the
        folder does not fit together: what is loaded stays in use."""
        try:
            version = index_version(self._folder)
            if version == self._version:
                return False
            self._state, self._version = read_state(self._folder), version
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise NotReady(texts.text_damaged(self._folder, problem), code="keyring.damaged") from problem
        return True

    def wrap(self, data_key: bytes) -> bytes:
        """``data_key`` (16, 24 or 32 bytes) wrapped under the current wrapping key (RFC 3394)."""
        number = max(self._state.wrapping)
        wrapped = keywrap.aes_key_wrap(self._state.wrapping[number], data_key)
        return bytes([_WRAPPED_KEY]) + number.to_bytes(2) + wrapped

    def unwrap(self, wrapped: bytes) -> bytes:
        """The data key. ``NotReady`` when its wrapping key is not here, ``ValueError`` when changed."""
        if len(wrapped) < 4 or wrapped[0] != _WRAPPED_KEY:
            raise ValueError("not a key wrapped by this keyring")
        number = int.from_bytes(wrapped[1:3])
        if number not in self._state.wrapping:
            self.reread()  # another node may have begun to use it a moment ago
        if number not in self._state.wrapping:
            raise NotReady(texts.text_no_wrapping_key(number), code="keyring.key_missing")
        try:
            return keywrap.aes_key_unwrap(self._state.wrapping[number], wrapped[3:])
        except keywrap.InvalidUnwrap:
            raise ValueError("the wrapped key was changed or belongs to another keyring") from None

    def encrypt_secret(self, secret: bytes) -> bytes:
        """``secret`` under a key of its own, which travels wrapped in front of it."""
        key = AESGCM.generate_key(256)
        return bytes([_SECRET]) + self.wrap(key) + AESGCM(key).encrypt(_NONCE, secret, None)

    def decrypt_secret(self, encrypted: bytes) -> bytes:
        """The secret. ``ValueError`` when a byte was changed; ``NotReady`` as ``unwrap``."""
        if len(encrypted) <= _WRAPPED_SIZE or encrypted[0] != _SECRET:
            raise ValueError("not a secret encrypted by this keyring")
        key = self.unwrap(encrypted[1 : 1 + _WRAPPED_SIZE])
        try:
            return AESGCM(key).decrypt(_NONCE, encrypted[1 + _WRAPPED_SIZE :], None)
        except InvalidTag:
            raise ValueError("the secret was changed") from None

    def tag(self, purpose: str, data: bytes) -> bytes:
        """HMAC-SHA256 over ``data`` under a key that serves this one purpose, derived (HKDF, RFC 5869
        section 2) from the current wrapping key. Every node that holds the keyring makes the same."""
        return _tag(self._state.wrapping[max(self._state.wrapping)], purpose, data)

    def is_tag(self, purpose: str, data: bytes, tag: bytes) -> bool:
        """True for a tag that ``tag()`` made, also before the wrapping key was rotated."""
        lost = {e.number for e in self._state.entries if e.kind == "wrapping" and e.compromised is not None}
        keys = [key for number, key in self._state.wrapping.items() if number not in lost]
        made = [_tag(key, purpose, data) for key in keys]
        return any(hmac.compare_digest(one, tag) for one in made)

    def sign_receipt(self, data: bytes) -> bytes:
        """ES256 signature of ``data`` as JWS wants it: r and s, 32 bytes each (RFC 7518 section 3.4)."""
        der = self._current_receipt_key.private_key.sign(data, ec.ECDSA(hashes.SHA256()))
        r, s = utils.decode_dss_signature(der)
        return r.to_bytes(32) + s.to_bytes(32)

    @property
    def receipt_certificate(self) -> x509.Certificate:
        """The self-signed certificate of the receipt key in use."""
        return self._current_receipt_key.certificate

    @property
    def receipt_certificate_pem(self) -> bytes:
        """The same in PEM, to be handed to partners and auditors."""
        return self.receipt_certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def receipt_certificates(self) -> tuple[x509.Certificate, ...]:
        """Every receipt certificate, newest first: receipts of rotated keys stay verifiable."""
        return tuple(self._state.receipt[number].certificate for number in sorted(self._state.receipt)[::-1])

    @property
    def receipt_key_id(self) -> str:
        """``kid`` of the receipts signed now."""
        return key_id(self.receipt_certificate)

    def rotate_receipt_key(self, now: Instant) -> None:
        """A new receipt key is in use on return, and on disk."""
        with self._alone():
            self._add_receipt_key(now)

    @property
    def folder(self) -> Path:
        """Where the keys lie."""
        return self._folder

    @property
    def gateway(self) -> str:
        """The name under which the keyring was made; a later change of settings does not change it."""
        return self._state.gateway

    def sign_note(self, kind: str, data: bytes) -> bytes:
        """Ed25519 signature (64 bytes) of ``data`` by the newest key of that kind. ``LookupError``: none."""
        return self._state.notes[kind, self._newest_note(kind)].sign(data)

    def note_keys(self, kind: str) -> tuple[bytes, ...]:
        """Public Ed25519 keys of that kind (32 bytes each), newest first; empty when there is none."""
        numbers = sorted((number for k, number in self._state.notes if k == kind), reverse=True)
        return tuple(self._state.notes[kind, number].public_key().public_bytes_raw() for number in numbers)

    def ensure_note_key(self, kind: str, now: Instant) -> None:
        """On return there is a key of that kind: keyrings of earlier releases have no log key."""
        if not self.note_keys(kind):
            with self._alone():
                if not self.note_keys(kind):
                    self._add_note_key(kind, now)

    def rotate_note_key(self, kind: str, now: Instant) -> None:
        """A new log or witness key is in use on return, and on disk."""
        with self._alone():
            self._add_note_key(kind, now)

    def rotate_wrapping_key(self, now: Instant) -> None:
        """A new wrapping key is in use on return, and on disk; data keys wrapped before stay readable."""
        with self._alone():
            self._add_wrapping_key(now)

    def compromise(self, name: str, since: Instant, now: Instant) -> None:
        """No longer to be believed from ``since`` on; a key in use is replaced at once, without overlap. On
        return both are on disk; may be repeated. ``LookupError``: no such key; an earlier ``since`` stays."""
        with self._alone():
            self._compromise(name, since, now)

    def _compromise(self, name: str, since: Instant, now: Instant) -> None:
        entry = next((one for one in self._state.entries if one.name == name), None)
        if entry is None:
            raise LookupError(name)
        if entry.number == max(one.number for one in self._state.entries if one.kind == entry.kind):
            self._add(entry.kind, now)
        marked = replace(entry, compromised=min(since, entry.compromised or since))
        entries = tuple(marked if one.name == name else one for one in self._state.entries)
        self._write(replace(self._state, entries=entries))

    def import_receipt_key(self, container: bytes, password: bytes, now: Instant) -> None:
        """Begin to use the receipt key of a PKCS#12 file (P-256 key and its certificate). ``ValueError``: it
        cannot be opened, holds something else, or the key is none for ES256."""
        key, certificate, _ = pkcs12.load_key_and_certificates(container, password)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise ValueError("no P-256 key in the file")
        if certificate is None or certificate.public_key() != key.public_key():
            raise ValueError("no certificate of the key in the file")
        with self._alone():
            self._keep_receipt_key(ReceiptKey(key, certificate), now)

    def compromised_certificates(self) -> tuple[tuple[x509.Certificate, Instant], ...]:
        """Receipt certificates that are believed no more, and since when."""
        lost = [e for e in self._state.entries if e.kind == "receipt" and e.compromised is not None]
        return tuple((self._state.receipt[e.number].certificate, Instant(e.compromised or 0)) for e in lost)

    def compromised_notes(self, kind: str) -> tuple[tuple[bytes, Instant], ...]:
        """Public Ed25519 keys of that kind that are believed no more, and since when."""
        lost = [e for e in self._state.entries if e.kind == kind and e.compromised is not None]
        keys = [self._state.notes[kind, e.number].public_key().public_bytes_raw() for e in lost]
        return tuple((key, Instant(e.compromised or 0)) for key, e in zip(keys, lost, strict=True))

    def is_wrapped_by(self, wrapped: bytes, name: str) -> bool:
        """True when that wrapping key, by name, is needed to open it (a data key, or a sealed secret)."""
        inner = wrapped[1:] if wrapped[:1] == bytes([_SECRET]) else wrapped
        return f"wrapping-{int.from_bytes(inner[1:3]):04d}" == name

    def rewrap(self, wrapped: bytes) -> bytes:
        """The same data key or sealed secret under the wrapping key in use."""
        if wrapped[:1] == bytes([_SECRET]):
            return self.encrypt_secret(self.decrypt_secret(wrapped))
        return self.wrap(self.unwrap(wrapped))

    def describe(self) -> list[KeyRow]:
        """Every key, oldest first, without any secret."""
        newest = {entry.kind: entry.number for entry in self._state.entries}
        return [self._describe(entry, newest[entry.kind]) for entry in self._state.entries]

    @property
    def _current_receipt_key(self) -> ReceiptKey:
        return self._state.receipt[max(self._state.receipt)]

    def _describe(self, entry: Entry, newest: int) -> KeyRow:
        name, made, lost, current = entry.name, entry.created, entry.compromised, entry.number == newest
        if entry.kind != "receipt":
            algorithm = "AES-256 key wrap" if entry.kind == "wrapping" else "Ed25519"
            return KeyRow(name, algorithm, made, None, current, compromised_since=lost)
        certificate = self._state.receipt[entry.number].certificate
        expires = from_datetime(certificate.not_valid_after_utc)
        pin = hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()
        return KeyRow(name, "ECDSA P-256 SHA-256", made, expires, current, pin, lost)

    def _add(self, kind: str, now: Instant) -> None:
        match kind:
            case "wrapping":
                self._add_wrapping_key(now)
            case "receipt":
                self._add_receipt_key(now)
            case _:
                self._add_note_key(kind, now)

    def _add_wrapping_key(self, now: Instant) -> None:
        entry = Entry("wrapping", max(self._state.wrapping, default=0) + 1, now)
        key = AESGCM.generate_key(256)
        write_new(self._folder / f"{entry.name}.key", key)
        self._commit(entry, wrapping=self._state.wrapping | {entry.number: key})

    def _add_receipt_key(self, now: Instant) -> None:
        private_key = ec.generate_private_key(ec.SECP256R1())
        certificate = self_signed(private_key, self._state.gateway, now)
        self._keep_receipt_key(ReceiptKey(private_key, certificate), now)

    def _keep_receipt_key(self, key: ReceiptKey, now: Instant) -> None:
        entry = Entry("receipt", max(self._state.receipt, default=0) + 1, now)
        write_new(self._folder / f"{entry.name}.key.pem", private_pem(key.private_key))
        write_new(
            self._folder / f"{entry.name}.crt.pem", key.certificate.public_bytes(serialization.Encoding.PEM)
        )
        self._commit(entry, receipt=self._state.receipt | {entry.number: key})

    def _add_note_key(self, kind: str, now: Instant) -> None:
        entry = Entry(kind, self._newest_note(kind) + 1, now)
        key = ed25519.Ed25519PrivateKey.generate()
        write_new(self._folder / f"{entry.name}.key.pem", private_pem(key))
        self._commit(entry, notes=self._state.notes | {(kind, entry.number): key})

    def _newest_note(self, kind: str) -> int:
        return max((number for k, number in self._state.notes if k == kind), default=0)

    def _commit(
        self,
        entry: Entry,
        *,
        wrapping: dict[int, bytes] | None = None,
        receipt: dict[int, ReceiptKey] | None = None,
        notes: dict[tuple[str, int], ed25519.Ed25519PrivateKey] | None = None,
    ) -> None:
        state = replace(
            self._state,
            entries=(*self._state.entries, entry),
            wrapping=wrapping or self._state.wrapping,
            receipt=receipt or self._state.receipt,
            notes=notes or self._state.notes,
        )
        self._write(state)

    def _write(self, state: State) -> None:
        write_index(self._folder, state)
        self._state, self._version = state, index_version(self._folder)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """For a change: no other process makes one meanwhile, and what one made before is known here. Else
        two would give two keys the same number, and the second would overwrite the first."""
        with one_at_a_time(self._folder):
            self.reread()
            yield


def _tag(key: bytes, purpose: str, data: bytes) -> bytes:
    derived = HKDF(hashes.SHA256(), 32, salt=None, info=purpose.encode()).derive(key)
    return hmac.digest(derived, data, "sha256")


def client_tls(certificate: Path | None, key: Path | None, authorities: Path | None) -> ssl.SSLContext:
    """How we prove ourselves in TLS (PEM files; ``key`` may lie in the certificate's file), and whom we
    believe beside the machine's CAs. ``NotReady`` names what does not fit."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if certificate is not None:
            context.load_cert_chain(certificate, key)
        if authorities is not None:
            context.load_verify_locations(authorities)
    except OSError as error:  # SSLError is one
        raise NotReady(texts.text_tls(error), code="config.wrong") from error
    return context


def key_id(certificate: x509.Certificate) -> str:
    """``kid``: the first 16 hex digits of the SHA-256 of the certificate."""
    return hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()[:16]
