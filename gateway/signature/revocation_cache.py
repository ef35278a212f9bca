"""Fetched revocation answers in memory, and the wishes for those that are missing.

In charge of: answering at once from what is known (the gate never waits for the network), noting which source
a verdict needed, and what went wrong with a source. Asked only about certificates of a chain that was built
to an anchor (``trust``), so no address of a stranger's certificate ever becomes a wish. Not in charge of:
fetching (``delivery/revocation.py``), keeping (``store/revocation.py``).

A CRL answers for all certificates of its issuer, so OCSP is asked only where no CRL answers.

Threads ask (``Services.offload``) while the event loop writes: each change is one dictionary operation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cryptography import x509

from gateway.model.text import Instant
from gateway.signature.certificates import fingerprint
from gateway.signature.ocsp import OcspAnswer, read_ocsp
from gateway.signature.revocation import (
    RevocationAnswer,
    RevocationSource,
    Standing,
    Unusable,
    crl_addresses,
    key_of,
    ocsp_addresses,
    weigh,
)
from gateway.signature.revocation_crl import Crl, read_crl

_MOST_ISSUERS = 4  # of one source
_MOST_CERTIFICATES = 16_384  # whose addresses are remembered; full means start again


@dataclass(frozen=True, slots=True)
class Place:
    """One source: where an answer comes from. ``certificate``: hex SHA-256 for OCSP, ``""`` for a CRL."""

    kind: str  # crl, ocsp
    url: str
    certificate: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """A source that a verdict needed and that nobody has asked yet."""

    place: Place
    subject: x509.Certificate = field(repr=False)  # whose revocation is in question
    issuer: x509.Certificate = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Addresses:
    certificate: str
    issuer: bytes
    crl: tuple[Place, ...]
    ocsp: tuple[Place, ...]


class RevocationCache:
    """A ``RevocationSource``. ``enabled=False`` makes no wishes: a site without a way out."""

    def __init__(self, enabled: bool = True) -> None:
        self._enabled = enabled
        self._answers: dict[tuple[Place, bytes], Crl | OcspAnswer] = {}
        self._problems: dict[Place, str] = {}
        self._needed: dict[Place, Instant] = {}
        self._wishes: dict[Place, Wish] = {}
        self._issuers: dict[Place, dict[bytes, x509.Certificate]] = {}
        self._known: set[Place] = set()  # places that are in the store
        self._addresses: dict[tuple[x509.Certificate, bytes], _Addresses] = {}
        self._ring: Callable[[], None] = lambda: None
        self._folder: RevocationSource | None = None

    def answer(
        self, certificate: x509.Certificate, issuer: x509.Certificate, at: Instant, now: Instant
    ) -> RevocationAnswer | None:
        """See ``RevocationSource``. Never waits; what is missing becomes a wish."""
        addresses = self._addresses_of(certificate, issuer)
        said = self._said(addresses.crl, addresses.issuer, certificate, at, now)
        asked = list(addresses.crl)
        if not any(_settles(answer) for answer in said):
            asked += addresses.ocsp
        said += self._said(addresses.ocsp, addresses.issuer, certificate, at, now)
        is_open = not any(_settles(answer) for answer in said)
        for place in asked if self._enabled else ():
            self._need(Wish(place, certificate, issuer), now, is_open)
        if said:
            return weigh(said, addresses.certificate)
        return self._silence(asked, addresses.certificate) if self._enabled else None

    def consult(self, folder: RevocationSource) -> None:
        """Whom else to ask whether an OCSP responder was revoked: the CRLs of the trust folder."""
        self._folder = folder

    def listen(self, ring: Callable[[], None]) -> None:
        """Call ``ring`` (from any thread) when a verdict stays open for want of an answer."""
        self._ring = ring

    def ring(self) -> None:
        """Tell whoever listens that there is something to ask."""
        self._ring()

    def take_wishes(self) -> list[Wish]:
        """The wishes since the last time."""
        wishes = []
        while self._wishes:
            _, wish = self._wishes.popitem()
            wishes.append(wish)
        return wishes

    def give_back(self, wishes: Sequence[Wish]) -> None:
        """They could not be written down."""
        for wish in wishes:
            self._wishes.setdefault(wish.place, wish)

    def take_needed(self) -> dict[Place, Instant]:
        """When each source was last needed, since the last time."""
        needed, self._needed = self._needed, {}
        return needed

    def issuers_of(self, place: Place) -> list[x509.Certificate]:
        """Issuers whose certificates name this source: more than one at a roll-over of keys."""
        return list(self._issuers.get(place, {}).values())

    def read(
        self,
        place: Place,
        data: bytes,
        subject: x509.Certificate | None,
        issuers: Sequence[x509.Certificate],
        at: Instant,
    ) -> Crl | OcspAnswer:
        """The verified answer in ``data``, received at ``at`` from ``place``; ``Unusable`` says why not.

        ``subject`` is needed for OCSP only, whose issuer is the first.
        """
        if place.kind == "crl" or subject is None:
            return read_crl(place.url, data, issuers, at)
        issuer = issuers[0]
        return read_ocsp(
            place.url, data, subject, issuer, at, lambda one: self._is_known_revoked(one, issuer, at)
        )

    def read_stored(
        self, place: Place, data: bytes, subject: bytes | None, issuer: bytes, at: Instant
    ) -> Crl | OcspAnswer:
        """As ``read``, from DER; ``Unusable`` also when a certificate is damaged."""
        try:
            issuers = [x509.load_der_x509_certificate(issuer)]
            about = None if subject is None else x509.load_der_x509_certificate(subject)
        except ValueError as problem:
            raise Unusable("garbage", str(problem)) from problem
        return self.read(place, data, about, issuers, at)

    def held(self, place: Place) -> tuple[Crl | OcspAnswer, ...]:
        """The answers of this source in memory, one for each issuer."""
        return tuple(answer for (where, _), answer in list(self._answers.items()) if where == place)

    def put(self, place: Place, answer: Crl | OcspAnswer) -> bool:
        """Take in a verified answer. False when a newer one is known: nothing goes back in time."""
        key = (place, answer.owner)
        known = self._answers.get(key)
        if known is not None and known.this_update > answer.this_update:
            return False
        self._answers[key] = answer
        return True

    def note(self, place: Place, problem: str) -> None:
        """How the last try went: ``""`` for well, else what was wrong. The place is one of the store's."""
        self._known.add(place)
        if problem:
            self._problems[place] = problem
        else:
            self._problems.pop(place, None)

    @property
    def known(self) -> frozenset[Place]:
        """The sources that stand in the store."""
        return frozenset(self._known)

    def forget(self, place: Place) -> None:
        """The store no longer has this source."""
        self._known.discard(place)
        self._problems.pop(place, None)
        self._issuers.pop(place, None)
        for key in [key for key in self._answers if key[0] == place]:
            del self._answers[key]

    def _is_known_revoked(self, certificate: x509.Certificate, issuer: x509.Certificate, at: Instant) -> bool:
        """True when a CRL in memory says so; makes no wish."""
        key = key_of(issuer)
        crls = [a for (_, owner), a in list(self._answers.items()) if owner == key and isinstance(a, Crl)]
        answers = [crl.answer(certificate, at, at) for crl in crls]
        if self._folder is not None:
            answers.append(self._folder.answer(certificate, issuer, at, at))
        return any(a is not None and a.standing is Standing.REVOKED for a in answers)

    def _said(
        self,
        places: tuple[Place, ...],
        issuer: bytes,
        certificate: x509.Certificate,
        at: Instant,
        now: Instant,
    ) -> list[RevocationAnswer]:
        found = [self._answers.get((place, issuer)) for place in places]
        answers = [one.answer(certificate, at, now) for one in found if one is not None]
        return [answer for answer in answers if answer is not None]

    def _need(self, wish: Wish, now: Instant, is_open: bool) -> None:
        place = wish.place
        is_first = place not in self._needed
        self._needed[place] = now
        issuers = self._issuers.setdefault(place, {})
        if len(issuers) < _MOST_ISSUERS:
            issuers.setdefault(key_of(wish.issuer), wish.issuer)
        if place not in self._known:
            self._wishes.setdefault(place, wish)
        if is_first and is_open:
            self._ring()

    def _silence(self, asked: list[Place], certificate: str) -> RevocationAnswer | None:
        """Nobody answered yet: is the question on its way, or did a source fail?"""
        if not asked:
            return None
        for place in asked:
            if problem := self._problems.get(place, ""):
                return RevocationAnswer(
                    Standing.UNREACHABLE, certificate, place.url, reason=problem, kind=place.kind
                )
        return RevocationAnswer(Standing.UNKNOWN, certificate, asked[0].url, kind=asked[0].kind)

    def _addresses_of(self, certificate: x509.Certificate, issuer: x509.Certificate) -> _Addresses:
        owner = key_of(issuer)
        found = self._addresses.get((certificate, owner))
        if found is None:
            digest = fingerprint(certificate)
            found = _Addresses(
                digest,
                owner,
                tuple(Place("crl", url) for url in crl_addresses(certificate)),
                tuple(Place("ocsp", url, digest) for url in ocsp_addresses(certificate)),
            )
            if len(self._addresses) >= _MOST_CERTIFICATES:
                self._addresses.clear()
            self._addresses[certificate, owner] = found
        return found


def _settles(answer: RevocationAnswer) -> bool:
    return answer.standing in (Standing.GOOD, Standing.REVOKED)
