"""Heads of a log as signed notes, in the forms of C2SP: ``signed-note``, ``tlog-checkpoint``,
``tlog-cosignature``.

In charge of: the text of a checkpoint, reading it back, signature lines, public keys as text, and verifying.
Stands alone, on the standard library and ``cryptography``. Not in charge of: private keys (a function that
signs is handed in), the tree (``merkle``), what is to be believed (``verify``).

A note is a text that ends with a line feed, an empty line, and one line for each signature::

    truc-lang-son/3f2a9c1d            origin: which log
    1234                              number of leaves
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2  head over them, base64
    time 2026-11-23T17:00:00+07:00    further lines (ours: when it was signed, the day that it closes)

    — truc-lang-son/3f2a9c1d Az3grl…  key name; base64 of 4 bytes of key hash and the signature
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LOG_KEY, WITNESS_KEY = 0x01, 0x04  # algorithm bytes of signed-note: Ed25519, and timestamped cosignatures
COMPROMISED = "#compromised "
_DASH = "— "  # U+2014 and a space begin a signature line
_NAME = re.compile(r"[^\s+]+")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_EPOCH = re.compile(r"/e[1-9][0-9]*-[0-9a-f]{8}$")  # behind the name of a log that went on after a restore
LONGEST_NOTE = 100_000  # characters; strangers hand notes in

Sign = Callable[[bytes], bytes]  # message -> 64 bytes of Ed25519


class NotANote(ValueError):
    """The text does not have the form; says where."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One head of one log. ``extra``: further lines of the text, none empty."""

    origin: str
    size: int
    root: bytes
    extra: tuple[str, ...] = ()

    def text(self) -> str:
        """What is signed."""
        head = base64.b64encode(self.root).decode()
        return "".join(f"{line}\n" for line in (self.origin, str(self.size), head, *self.extra))

    def stated(self, name: str) -> str:
        """What the further line ``name …`` says; empty when there is none."""
        found = [line.partition(" ")[2] for line in self.extra if line.partition(" ")[0] == name]
        return found[0] if found else ""


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: the key's name, its 4 bytes of hash, and what was made with it."""

    name: str
    key_hash: bytes
    value: bytes

    def line(self) -> str:
        """As it stands in a note, without its line feed."""
        return f"{_DASH}{self.name} {base64.b64encode(self.key_hash + self.value).decode()}"


@dataclass(frozen=True, slots=True)
class Note:
    """A text and its signatures. Reading one proves nothing."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return f"{self.text}\n" + "".join(f"{one.line()}\n" for one in self.signatures)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public Ed25519 key with its name; as text ``name+hash+base64``, the form of signed-note."""

    name: str
    key: bytes
    algorithm: int = LOG_KEY

    @property
    def key_hash(self) -> bytes:
        """First 4 bytes of SHA-256(name, line feed, algorithm, key)."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.algorithm]) + self.key).digest()[:4]

    def __str__(self) -> str:
        coded = base64.b64encode(bytes([self.algorithm]) + self.key).decode()
        return f"{self.name}+{self.key_hash.hex()}+{coded}"


@dataclass(frozen=True, slots=True)
class Seen:
    """A signature that holds. ``time``: seconds since 1970 that a witness signed; ``None`` for the log."""

    key: PublicKey
    time: int | None


def read_checkpoint(text: str) -> Checkpoint:
    """The head in the text of a note. ``NotANote`` says which line is wrong."""
    if not text.endswith("\n"):
        raise NotANote("the text does not end with a line feed")
    lines = text[:-1].split("\n")
    if len(lines) < 3:
        raise NotANote("the text has fewer than three lines")
    origin, size, head, *extra = lines
    if not origin:
        raise NotANote("line 1: the origin is empty")
    if not _SIZE.fullmatch(size):
        raise NotANote("line 2: not a number of leaves")
    root = _base64(head)
    if root is None or len(root) != 32:
        raise NotANote("line 3: not the base64 of 32 bytes")
    if "" in extra:
        raise NotANote("a further line is empty")
    return Checkpoint(origin, int(size), root, tuple(extra))


def read_note(note: str) -> Note:
    """The text and its signature lines. ``NotANote`` says what is wrong."""
    if len(note) > LONGEST_NOTE:
        raise NotANote("the note is too long")
    if any(ord(letter) < 32 and letter != "\n" for letter in note):
        raise NotANote("the note holds control characters")
    text, gap, lines = note.rpartition("\n\n")
    if not gap or not lines.endswith("\n"):
        raise NotANote("no empty line and signatures after the text")
    return Note(f"{text}\n", tuple(read_signature(line) for line in lines[:-1].split("\n")))


def read_signature(line: str) -> Signature:
    """One signature line. ``NotANote`` when it is none."""
    name, space, coded = line.removeprefix(_DASH).partition(" ")
    data = _base64(coded)
    if not line.startswith(_DASH) or not space or not _NAME.fullmatch(name) or not data or len(data) < 5:
        raise NotANote(f"not a signature line: {line[:80]}")
    return Signature(name, data[:4], data[4:])


def read_key(text: str) -> PublicKey:
    """A key as text. ``NotANote`` when it is none, or its hash is of another."""
    name, plus, rest = text.strip().partition("+")
    hashed, _, coded = rest.partition("+")
    data = _base64(coded)
    if not plus or not _NAME.fullmatch(name) or not data or len(data) != 33:
        raise NotANote(f"not a key of the form name+hash+base64: {text.strip()[:80]}")
    key = PublicKey(name, data[1:], data[0])
    if key.algorithm not in (LOG_KEY, WITNESS_KEY) or key.key_hash.hex() != hashed.lower():
        raise NotANote(f"the hash of the key {name} does not fit it")
    return key


def read_keys(text: str) -> list[PublicKey]:
    """The keys of a file: one a line; empty lines and those that begin with # are for people."""
    lines = [line.strip() for line in text.splitlines()]
    return [read_key(line) for line in lines if line and not line.startswith("#")]


def compromised_line(key: str, since: int) -> str:
    """The line of a list of keys that says so: ``#compromised MICROSECONDS KEY``. Whoever does not know such
    lines passes them over, and so believes nothing that the key signed."""
    return f"{COMPROMISED}{since} {key}\n"


def read_compromised(text: str) -> list[tuple[str, int]]:
    """(key as text, UTC microseconds since when it is not believed) of every such line. ``NotANote``."""
    found = []
    for line in text.splitlines():
        if line.startswith(COMPROMISED):
            since, _, key = line[len(COMPROMISED) :].strip().partition(" ")
            if not since.isdigit() or not key:
                raise NotANote("a line about a compromised key cannot be read")
            found.append((key, int(since)))
    return found


def compromised_keys(text: str) -> dict[PublicKey, int]:
    """The compromised keys of logs in a list of keys; those of receipts are passed over."""
    return {read_key(key): since for key, since in read_compromised(text) if "+" in key}


def sign(checkpoint: Checkpoint, key: PublicKey, by: Sign) -> Note:
    """The note of the log itself: the text and one signature."""
    text = checkpoint.text()
    return Note(text, (Signature(key.name, key.key_hash, by(text.encode())),))


def cosign(text: str, key: PublicKey, time: int, by: Sign) -> Signature:
    """The line of a witness that has seen ``text`` at ``time`` (seconds) and found it consistent."""
    return Signature(key.name, key.key_hash, time.to_bytes(8) + by(_cosigned(text, time)))


def verify(note: Note, keys: Iterable[PublicKey]) -> list[Seen]:
    """The signatures of these keys that hold. ``NotANote`` when one names such a key and does not hold
    (signed-note: a note with a bad signature of a known key is to be rejected); others are passed over."""
    known = _by_hash(keys, note.text.partition("\n")[0])
    found = []
    for one in note.signatures:
        key = known.get((one.name, one.key_hash))
        if key is None:
            continue
        seen = _verify(note.text, one, key)
        if seen is None:
            raise NotANote(f"the signature of {one.name} does not hold")
        found.append(seen)
    return found


def signed_by_log(note: Note, keys: Sequence[PublicKey]) -> bool:
    """True when a key of the log itself, named as its origin, has signed."""
    origin = note.text.partition("\n")[0]
    return any(seen.time is None and is_key_of(seen.key, origin) for seen in verify(note, keys))


def log_of(origin: str) -> str:
    """The log that an origin is an epoch of: the same name in every epoch of one log."""
    return _EPOCH.sub("", origin)


def is_key_of(key: PublicKey, origin: str) -> bool:
    """True for a key of the log itself: the keys of a log are those of all its epochs."""
    return key.algorithm == LOG_KEY and key.name in (origin, log_of(origin))


def key_name(text: str) -> str:
    """``text`` as a name of a key may be: no spaces, no plus."""
    return "-".join(re.split(r"[\s+]+", text.strip())) or "log"


def _by_hash(keys: Iterable[PublicKey], origin: str) -> dict[tuple[str, bytes], PublicKey]:
    """Keys by how a signature line names them: in a later epoch the key of a log goes by the epoch's name."""
    given = list(keys)
    named = {(key.name, key.key_hash): key for key in given}
    if log_of(origin) != origin:
        of_log = [key for key in given if is_key_of(key, origin)]
        named = {(origin, PublicKey(origin, key.key).key_hash): key for key in of_log} | named
    return named


def _verify(text: str, one: Signature, key: PublicKey) -> Seen | None:
    if key.algorithm == WITNESS_KEY:
        time = int.from_bytes(one.value[:8])
        held = len(one.value) == 72 and _holds(key.key, one.value[8:], _cosigned(text, time))
        return Seen(key, time) if held else None
    return Seen(key, None) if _holds(key.key, one.value, text.encode()) else None


def _cosigned(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _holds(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _base64(text: str) -> bytes | None:
    """Strict: a text that does not encode back to itself was changed."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None


__all__ = [
    "LOG_KEY",
    "WITNESS_KEY",
    "Checkpoint",
    "NotANote",
    "Note",
    "PublicKey",
    "Seen",
    "Signature",
    "cosign",
    "is_key_of",
    "key_name",
    "log_of",
    "read_checkpoint",
    "read_key",
    "read_keys",
    "read_note",
    "read_signature",
    "sign",
    "signed_by_log",
    "verify",
]
