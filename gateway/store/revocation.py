"""Rows of revocation sources: where answers come from, the newest answer, how the last try went.

In charge of: the table ``revocation_source``; the answers' bytes stand in ``proof``. Not in charge of: asking
(``delivery/revocation.py``), what an answer says (``signature``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.clock import SECOND
from gateway.model.text import Instant
from gateway.store import proofs
from gateway.store.contract import Row, Tx, Value

REVOCATION = "revocation"
LEASE = 180 * SECOND  # longer than any question may take

Key = tuple[str, str, str]  # kind, url, certificate


@dataclass(frozen=True, slots=True)
class Source:
    """One source. Hashes are hex SHA-256, ``""`` for none; instants are UTC microseconds."""

    kind: str  # crl, ocsp
    url: str
    certificate: str  # whom an OCSP answer is about; "" for a CRL
    issuer: str  # its certificate stands in ``proof``
    answer: str = ""
    this_update: Instant | None = None
    next_update: Instant | None = None
    fetched_at: Instant | None = None
    tried_at: Instant | None = None
    due_at: Instant = Instant(0)
    failures: int = 0
    problem: str = ""
    wanted_at: Instant = Instant(0)

    @property
    def key(self) -> Key:
        """What makes it one source."""
        return self.kind, self.url, self.certificate

    @property
    def is_being_asked(self) -> bool:
        """True between ``claim`` and what came of it."""
        return self.tried_at is not None and self.due_at == self.tried_at + LEASE


def add(tx: Tx, source: Source) -> None:
    """A source that a verdict needs, due at once; one that is there already keeps what is known of it."""
    tx.run(
        "add_revocation_source",
        kind=source.kind,
        url=source.url,
        certificate=source.certificate,
        issuer=source.issuer,
        due_at=source.due_at,
        wanted_at=source.wanted_at,
    )
    tx.run("bump_revision", name=REVOCATION)


def touch(tx: Tx, wanted: Mapping[Key, Instant]) -> None:
    """Verdicts needed these sources at those moments."""
    tx.many("touch_revocation_source", [{**_named(key), "wanted_at": at} for key, at in wanted.items()])


def due(tx: Tx, now: Instant, wanted_since: Mapping[str, Instant], limit: int) -> list[Source]:
    """Sources to ask now, longest due first; those last wanted before ``wanted_since`` (by kind) rest."""
    rows = tx.all(
        "due_revocation_sources",
        now=now,
        crl_since=wanted_since["crl"],
        ocsp_since=wanted_since["ocsp"],
        limit=limit,
    )
    return [_source(row) for row in rows]


def claim(tx: Tx, sources: Iterable[Source], now: Instant) -> list[Source]:
    """Those of the sources that nobody else claimed since they were read: ours for a ``LEASE``."""
    return [source for source in sources if _claim(tx, source, now, Instant(now + LEASE))]


def answered(tx: Tx, source: Source) -> None:
    """The source gave its newest answer; ``source`` is the row as it shall be (but for ``wanted_at``)."""
    tx.run(
        "answer_revocation_source",
        **_named(source.key),
        issuer=source.issuer,
        answer=source.answer,
        this_update=source.this_update,
        next_update=source.next_update,
        fetched_at=source.fetched_at,
        due_at=source.due_at,
        failures=source.failures,
        problem=source.problem,
    )
    tx.run("bump_revision", name=REVOCATION)


def failed(tx: Tx, key: Key, problem: str, failures: int, due_at: Instant) -> None:
    """The source could not be asked, or its answer is of no use. The newest good answer stays."""
    tx.run("fail_revocation_source", **_named(key), problem=problem, failures=failures, due_at=due_at)
    tx.run("bump_revision", name=REVOCATION)


def ask_all(tx: Tx, at: Instant) -> int:
    """Have every source asked at ``at``, whatever its turn; how many. Those that rest stay at rest."""
    count = tx.run("ask_revocation_sources", at=at)
    tx.run("bump_revision", name=REVOCATION)
    return count


def drop_unused(tx: Tx, before: Instant) -> int:
    """Let go of sources that no verdict needed since ``before``; how many."""
    count = tx.run("drop_revocation_sources", before=before)
    if count:
        tx.run("bump_revision", name=REVOCATION)
    return count


def all_sources(tx: Tx) -> tuple[Source, ...]:
    """Every source, by kind and address."""
    return tuple(map(_source, tx.all("all_revocation_sources")))


def evidence(tx: Tx, source: Source) -> tuple[bytes | None, bytes | None, bytes | None]:
    """DER of the newest answer, of the issuer's certificate, and of the certificate an OCSP answer is about;
    ``None`` for what is not here."""
    found = [
        proofs.find(tx, sha256) if sha256 else None
        for sha256 in (source.answer, source.issuer, source.certificate)
    ]
    answer, issuer, subject = (None if proof is None else proof.data for proof in found)
    return answer, issuer, subject


def _claim(tx: Tx, source: Source, now: Instant, until: Instant) -> bool:
    changed = tx.run(
        "claim_revocation_source", **_named(source.key), seen_due_at=source.due_at, now=now, until=until
    )
    return changed > 0


def _named(key: Key) -> dict[str, Value]:
    return dict(zip(("kind", "url", "certificate"), key, strict=True))


def _source(row: Row) -> Source:
    return Source(
        row["kind"],
        row["url"],
        row["certificate"],
        row["issuer"],
        row["answer"],
        row["this_update"],
        row["next_update"],
        row["fetched_at"],
        row["tried_at"],
        row["due_at"],
        row["failures"],
        row["problem"],
        row["wanted_at"],
    )


__all__ = [
    "LEASE",
    "REVOCATION",
    "Key",
    "Source",
    "add",
    "all_sources",
    "answered",
    "ask_all",
    "claim",
    "drop_unused",
    "due",
    "evidence",
    "failed",
    "touch",
]
