"""Whom we trust: anchors, intermediates and CRLs of one folder, and the path from a certificate to an anchor.

In charge of: reading the trust folder, building and checking a path at a given time, and saying in a sentence
why a path does not hold. The path itself is decided by ``cryptography``'s verifier; what this module adds can
only refuse. Not in charge of: who a certificate belongs to (``register``), what the gate does (``judge``),
fetching revocation data (further ``RevocationSource`` objects are handed in).

The folder holds certificates (PEM or DER) and CRLs (``*.crl``, ``*.crl.pem``). A self-issued certificate is
an anchor, except in ``intermediates/``. A sidecar ``trust.toml`` may date an anchor and say what its CA
omits:

    [anchors."root.crt.pem"]
    valid_from = 2019-01-01            # Vietnamese days on which we trust it, both included
    valid_to = 2039-01-01
    revocation = "not_published"       # this CA gives out no CRL; shown with every verdict
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.x509 import verification

from gateway.clock import VIETNAM, from_datetime, local, local_day
from gateway.errors import NotReady
from gateway.model.agency import Period
from gateway.model.text import Bilingual, Instant
from gateway.model.verdict import Indication
from gateway.signature import trust_texts as texts
from gateway.signature.certificates import (
    CA_CURVES,
    fingerprint,
    is_self_issued,
    is_strong_hash,
    is_strong_key,
)
from gateway.signature.revocation import RevocationAnswer, RevocationSource, Standing, weigh
from gateway.signature.revocation_cache import RevocationCache
from gateway.signature.revocation_crl import Crl, CrlShelf, UnusableCrl

_SUFFIXES = (".pem", ".crt", ".cer", ".der")
_MOST_OTHERS = 8  # certificates taken from a message to build a path with
_CACHE_SIZE = 4096  # paths; full means start again


FolderState = frozenset[tuple[str, int, int]]  # file, modified (ns), size


@dataclass(frozen=True, slots=True)
class Anchor:
    """A certificate that we trust because an administrator put it in the folder."""

    certificate: x509.Certificate
    file: str
    period: Period
    publishes_revocation: bool


@dataclass(frozen=True, slots=True)
class PathResult:
    """What became of a certificate. ``chain`` is leaf first, anchor last, and empty when there is none;
    ``answers`` are the revocation answers used, one per certificate below the anchor."""

    indication: Indication
    sub_indication: str  # ETSI EN 319 102-1, or "" when passed
    reason: Bilingual
    chain: tuple[x509.Certificate, ...] = ()
    answers: tuple[RevocationAnswer, ...] = ()


@dataclass(frozen=True, slots=True)
class TrustStore:
    """Everything that was in the trust folder. ``problems`` says which CRLs are left out, and why."""

    anchors: tuple[Anchor, ...]
    intermediates: tuple[x509.Certificate, ...] = ()
    sources: tuple[RevocationSource, ...] = ()
    problems: tuple[Bilingual, ...] = ()
    state: FolderState = frozenset()
    _paths: dict[tuple[str, date], tuple[x509.Certificate, ...]] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, folder: Path, further_sources: Sequence[RevocationSource] = ()) -> TrustStore:
        """Read ``folder``. ``NotReady`` names the file that cannot be read; an empty folder trusts nobody."""
        if not folder.is_dir():
            raise NotReady(texts.folder_missing(folder), code="trust.missing")
        state = folder_state(folder)  # first: what changes while we read is seen as a change later
        certificates = _read_certificates(folder)
        inner = [c for _, c in _read_certificates(folder / "intermediates")]
        marks = _read_sidecar(folder)
        anchors = tuple(_anchor(file, c, marks) for file, c in certificates if is_self_issued(c))
        inner += [c for _, c in certificates if not is_self_issued(c)]
        shelf, problems = _read_crls(folder, [*(a.certificate for a in anchors), *inner])
        for source in further_sources:
            if isinstance(source, RevocationCache):
                source.consult(shelf)
        return cls(anchors, tuple(inner), (shelf, *further_sources), tuple(problems), state)

    @property
    def crls(self) -> tuple[Crl, ...]:
        """The CRLs of the folder that count."""
        return tuple(c for source in self.sources if isinstance(source, CrlShelf) for c in source.lists)

    def check_path(
        self,
        certificate: x509.Certificate,
        others: Iterable[x509.Certificate],
        at: Instant,
        now: Instant | None = None,
    ) -> PathResult:
        """Does ``certificate`` lead to an anchor, and was everything in order at ``at`` (the signing time)?

        ``others`` are certificates that travelled with the signature: used to build the path, never trusted.
        ``now`` decides only whether a CRL is stale; it is ``at`` unless given.
        """
        fault = _fault_of_leaf(certificate, at)
        if fault is not None:
            return fault
        helpers = tuple(others)[:_MOST_OTHERS]
        chain = self._path(certificate, helpers, at)
        if not chain:
            return self._explain(certificate, helpers, at)
        return self._check_revocation(chain, at, at if now is None else now)

    def _path(
        self, certificate: x509.Certificate, helpers: tuple[x509.Certificate, ...], at: Instant
    ) -> tuple[x509.Certificate, ...]:
        """A path at ``at``, or ``()``. Paths that hold the whole day are remembered for that day."""
        day = local_day(at)
        key = (fingerprint(certificate), day)
        if key in self._paths:
            return self._paths[key]
        anchors = [a.certificate for a in self.anchors if a.period.holds_on(day)]
        chain = _verify(certificate, (*self.intermediates, *helpers), anchors, at)
        if chain and all(_holds_all_day(c, day) for c in chain):
            if len(self._paths) >= _CACHE_SIZE:
                self._paths.clear()
            self._paths[key] = chain
        return chain

    def _check_revocation(self, chain: tuple[x509.Certificate, ...], at: Instant, now: Instant) -> PathResult:
        answers = tuple(self._ask(c, issuer, at, now) for c, issuer in pairwise(chain))
        for answer, certificate in zip(answers, chain, strict=False):
            if answer.standing is Standing.REVOKED and not answer.is_hold:
                reason = texts.revoked(certificate, answer)
                return PathResult(Indication.FAILED, "REVOKED", reason, chain, answers)
        open_question = next((a for a in answers if a.standing is not Standing.GOOD), None)
        if open_question is None:
            return PathResult(Indication.PASSED, "", texts.passed(answers), chain, answers)
        anchor = next(a for a in self.anchors if a.certificate == chain[-1])
        if not anchor.publishes_revocation and not any(a.is_hold for a in answers):
            return PathResult(Indication.PASSED, "", texts.not_published(anchor.file), chain, answers)
        reason = texts.no_answer(open_question, chain[answers.index(open_question)])
        return PathResult(Indication.INDETERMINATE, "TRY_LATER", reason, chain, answers)

    def _ask(
        self, certificate: x509.Certificate, issuer: x509.Certificate, at: Instant, now: Instant
    ) -> RevocationAnswer:
        answers = [source.answer(certificate, issuer, at, now) for source in self.sources]
        return weigh(answers, fingerprint(certificate))

    def _explain(
        self, certificate: x509.Certificate, helpers: tuple[x509.Certificate, ...], at: Instant
    ) -> PathResult:
        """Why there is no path at ``at``. Only words: nothing here turns a missing path into one."""
        pool = (*self.intermediates, *helpers)
        every = [a.certificate for a in self.anchors]
        if _verify(certificate, pool, every, at):
            return _unclear("NO_CERTIFICATE_CHAIN_FOUND", texts.anchor_out_of_period())
        for other_time in _times_of_validity(certificate):
            if _verify(certificate, pool, every, other_time):
                return _outside_validity(certificate, at)
        path = _path_by_name(certificate, pool)
        roots = [c for c in every if c.subject == path[-1].issuer]
        if not roots:
            return _unclear("NO_CERTIFICATE_CHAIN_FOUND", texts.unknown_issuer(path[-1]))
        weak = [c for c in (*path[1:], *roots) if not is_strong_key(c, CA_CURVES)]
        weak += [c for c in path[1:] if not is_strong_hash(c)]  # a root's own signature proves nothing
        if weak:
            return _failed("CRYPTO_CONSTRAINTS_FAILURE", texts.weak(weak[0]))
        return _unclear("CERTIFICATE_CHAIN_GENERAL_FAILURE", texts.broken_chain(certificate))


def folder_state(folder: Path) -> FolderState:
    """Equal for two looks at the folder unless a file came, went or changed."""
    looked = ((path, path.stat()) for path in folder.rglob("*") if path.is_file())
    return frozenset((str(path), status.st_mtime_ns, status.st_size) for path, status in looked)


def _fault_of_leaf(certificate: x509.Certificate, at: Instant) -> PathResult | None:
    """What is wrong with the certificate alone, whoever issued it."""
    if not (is_strong_key(certificate) and is_strong_hash(certificate)):
        return _failed("CRYPTO_CONSTRAINTS_FAILURE", texts.weak(certificate))
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return _failed("CHAIN_CONSTRAINTS_FAILURE", texts.unreadable_extensions(certificate))
    if usage.digital_signature or usage.content_commitment:
        return None
    return _failed("CHAIN_CONSTRAINTS_FAILURE", texts.wrong_usage(certificate))


def _outside_validity(certificate: x509.Certificate, at: Instant) -> PathResult:
    if at > from_datetime(certificate.not_valid_after_utc):
        return _failed("EXPIRED", texts.expired(certificate, at))
    if at < from_datetime(certificate.not_valid_before_utc):
        return _failed("NOT_YET_VALID", texts.not_yet_valid(certificate, at))
    return _unclear("CERTIFICATE_CHAIN_GENERAL_FAILURE", texts.issuer_outside_validity(certificate, at))


def _path_by_name(certificate: x509.Certificate, pool: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """As far up as the names lead, leaf first; nothing is verified."""
    path = [certificate]
    for _ in range(len(pool)):
        issuer = next((c for c in pool if c.subject == path[-1].issuer and not is_self_issued(c)), None)
        if issuer is None:
            break
        path.append(issuer)
    return path


def _times_of_validity(certificate: x509.Certificate) -> tuple[Instant, ...]:
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return from_datetime(start), from_datetime(start + (end - start) / 2), from_datetime(end)


def _failed(sub_indication: str, reason: Bilingual) -> PathResult:
    return PathResult(Indication.FAILED, sub_indication, reason)


def _unclear(sub_indication: str, reason: Bilingual) -> PathResult:
    return PathResult(Indication.INDETERMINATE, sub_indication, reason)


def _verify(
    certificate: x509.Certificate,
    pool: Sequence[x509.Certificate],
    anchors: list[x509.Certificate],
    at: Instant,
) -> tuple[x509.Certificate, ...]:
    """The path that ``cryptography`` finds, leaf first, or ``()``."""
    if not anchors:
        return ()
    builder = (
        verification.PolicyBuilder()
        .store(verification.Store(anchors))
        .time(local(at).astimezone(UTC))
        .max_chain_depth(4)
        .extension_policies(ca_policy=_CA_POLICY, ee_policy=_LEAF_POLICY)
    )
    try:
        return tuple(builder.build_client_verifier().verify(certificate, list(pool)).chain)
    except (verification.VerificationError, ValueError):
        return ()


def _require_cert_sign(_: verification.Policy, __: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("may not sign certificates")


# Government CAs leave out what the web requires (AKI) and mark certificatePolicies critical, so the web's
# profile cannot be used. A critical extension that is not named here still refuses (RFC 5280 section 4.2).
_AGNOSTIC = verification.Criticality.AGNOSTIC
_LEAF_POLICY = (
    verification.ExtensionPolicy.permit_all()
    .may_be_present(x509.CertificatePolicies, _AGNOSTIC, None)
    .may_be_present(x509.ExtendedKeyUsage, _AGNOSTIC, None)
)
_CA_POLICY = (
    verification.ExtensionPolicy.permit_all()
    .may_be_present(x509.CertificatePolicies, _AGNOSTIC, None)
    .require_present(x509.BasicConstraints, _AGNOSTIC, None)  # the verifier itself asks for cA
    .may_be_present(x509.KeyUsage, _AGNOSTIC, _require_cert_sign)
)


def _holds_all_day(certificate: x509.Certificate, day: date) -> bool:
    start = datetime.combine(day, time(), VIETNAM)
    end = start + timedelta(days=1)
    return certificate.not_valid_before_utc <= start and end <= certificate.not_valid_after_utc


def _anchor(file: str, certificate: x509.Certificate, marks: dict[str, Any]) -> Anchor:
    mark = marks.get(file, {})
    period = Period(mark.get("valid_from"), mark.get("valid_to"))
    return Anchor(certificate, file, period, mark.get("revocation") != "not_published")


def _read_sidecar(folder: Path) -> dict[str, Any]:
    path = folder / "trust.toml"
    if not path.exists():
        return {}
    try:
        marks: dict[str, Any] = tomllib.loads(path.read_text("utf-8")).get("anchors", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise NotReady(texts.unreadable(path, str(problem)), code="trust.unreadable") from problem
    for file, mark in marks.items():
        _check_mark(path, file, mark)
    return marks


def _check_mark(path: Path, file: str, mark: Any) -> None:
    """A misspelt key or file would silently trust more than was meant."""
    known = {"valid_from": date, "valid_to": date, "revocation": str}
    if not (path.parent / file).is_file():
        raise NotReady(texts.unreadable(path, f"no such anchor: {file}"), code="trust.unreadable")
    for key, value in mark.items():
        is_date = isinstance(value, date) and not isinstance(value, datetime)
        if known.get(key) not in (date, str) or (known[key] is date) != is_date:
            raise NotReady(texts.unreadable(path, f"{file}: {key}"), code="trust.unreadable")
    if mark.get("revocation", "published") not in ("published", "not_published"):
        raise NotReady(texts.unreadable(path, f"{file}: revocation"), code="trust.unreadable")


def _read_certificates(folder: Path) -> list[tuple[str, x509.Certificate]]:
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix in _SUFFIXES and not _is_crl(path):
            found += [(path.name, certificate) for certificate in _load_certificates(path)]
    return found


def _load_certificates(path: Path) -> list[x509.Certificate]:
    body = path.read_bytes()
    try:
        if b"-----BEGIN" in body:
            return x509.load_pem_x509_certificates(body)
        return [x509.load_der_x509_certificate(body)]
    except ValueError as problem:
        raise NotReady(texts.unreadable(path, str(problem)), code="trust.unreadable") from problem


def _read_crls(folder: Path, issuers: list[x509.Certificate]) -> tuple[CrlShelf, list[Bilingual]]:
    shelf, problems = CrlShelf(), []
    for path in (p for p in sorted(folder.rglob("*")) if _is_crl(p)):
        try:
            shelf.add(path.name, _load_crl(path), issuers)
        except UnusableCrl as problem:
            problems.append(texts.crl_left_out(path.name, str(problem)))
    return shelf, problems


def _load_crl(path: Path) -> x509.CertificateRevocationList:
    body = path.read_bytes()
    try:
        if b"-----BEGIN" in body:
            return x509.load_pem_x509_crl(body)
        return x509.load_der_x509_crl(body)
    except ValueError as problem:
        raise UnusableCrl("garbage", f"it cannot be read ({problem})") from problem


def _is_crl(path: Path) -> bool:
    return path.name.endswith((".crl", ".crl.pem"))
