"""Keys that are believed no more: what they signed before counts only where somebody else saw it in time.

In charge of: the lines about them in a list of public keys, whether a head was seen by a timestamp service or
a witness before the key was lost, and the row about it when evidence is verified. Not in charge of: ending a
key (``flow/compromise.py``).

A list of keys names a compromised key in a line of its own and nowhere else. So a verifier that does not know
such lines believes nothing that the key signed.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.exchange_log.checkpoint import (
    PublicKey,
    compromised_line,
    read_compromised,
    read_key,
    read_note,
    verify,
)
from gateway.exchange_log.sequence import log_origin
from gateway.model.text import Bilingual, Instant
from gateway.signature.keyring import LOG, Keyring
from gateway.store import log
from gateway.store.contract import Tx
from gateway.store.log import SignedHead

_CERTIFICATE = "certificate:"
SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Compromised:
    """Keys of one gateway that are believed no more, and since when (UTC microseconds)."""

    certificates: Mapping[x509.Certificate, Instant] = field(default_factory=dict)
    log_keys: Mapping[PublicKey, Instant] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """True when no key was lost."""
        return not self.certificates and not self.log_keys


def of_keyring(keyring: Keyring) -> Compromised:
    """The gateway's own lost keys."""
    origin = log_origin(keyring) if keyring.note_keys(LOG) else ""
    lost = {PublicKey(origin, key): since for key, since in keyring.compromised_notes(LOG)}
    return Compromised(dict(keyring.compromised_certificates()), lost)


def lines_of(lost: Compromised) -> Iterator[str]:
    """The lines of a list of public keys."""
    for key, since in lost.log_keys.items():
        yield compromised_line(str(key), since)
    for certificate, since in lost.certificates.items():
        coded = base64.urlsafe_b64encode(certificate.public_bytes(Encoding.DER)).decode()
        yield compromised_line(_CERTIFICATE + coded, since)


def read_lines(text: str) -> Compromised:
    """The lost keys that a list names. ``ValueError`` says what cannot be read."""
    certificates: dict[x509.Certificate, Instant] = {}
    log_keys: dict[PublicKey, Instant] = {}
    for key, since in read_compromised(text):
        if key.startswith(_CERTIFICATE):
            der = base64.urlsafe_b64decode(key[len(_CERTIFICATE) :])
            certificates[x509.load_der_x509_certificate(der)] = Instant(since)
        else:
            log_keys[read_key(key)] = Instant(since)
    return Compromised(certificates, log_keys)


def judged(
    lost: Compromised,
    used: Iterable[x509.Certificate | PublicKey],
    seen_at: Instant | None,
    seen_by: Bilingual,
) -> Iterator[tuple[bool, Bilingual]]:
    """For each lost key among ``used``: whether what it signed was seen before it was lost, and how to say
    it. ``seen_at``: when a trusted timestamp or a known witness saw the head; ``None``: nobody did."""
    for key in used:
        since = lost.certificates.get(key) if isinstance(key, x509.Certificate) else lost.log_keys.get(key)
        if since is None:
            continue
        if seen_at is not None and seen_at < since:
            yield (
                True,
                Bilingual(
                    f"Một khóa đã ký hồ sơ sau đó bị lộ; nội dung vẫn tin được vì {seen_by.vi} trước lúc đó",
                    f"A key that signed was compromised later; it holds because {seen_by.en} before that",
                ),
            )
        else:
            yield (
                False,
                Bilingual(
                    "Khóa đã ký bị lộ và không có dấu thời gian hay nhân chứng nào trước lúc đó; chỉ tin "
                    "được khi trục xác nhận lại",
                    "The key that signed is compromised, and no timestamp or witness saw this before: it "
                    "counts only when the gateway confirms it anew",
                ),
            )


def is_doubtful(tx: Tx, lost: Compromised, head: SignedHead) -> bool:
    """True for a head of ours that only a lost key vouches for: no timestamp and no witness in time."""
    signers = {seen.key for seen in verify(read_note(head.note), lost.log_keys) if seen.time is None}
    if not signers:
        return False
    since = min(lost.log_keys[key] for key in signers)
    if head.stamped_at is not None and head.stamped_at < since:
        return False
    return not any(one.at < since for one in log.cosignatures(tx, head.number))


def over(tx: Tx, keyring: Keyring, leaf: int) -> SignedHead | None:
    """The head to prove a leaf with: as ``log.over``, but none that only a lost key vouches for while a newer
    one of another key is there."""
    head, lost = log.over(tx, leaf), of_keyring(keyring)
    if head is None or not lost.log_keys or not is_doubtful(tx, lost, head):
        return head
    newest = log.published(tx)
    return newest if newest is not None and newest.size > leaf else head
