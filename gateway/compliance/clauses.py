"""The composite test of one document: C1 content, C2 competence, C3 format, C4 signatures, C5 authentication,
C6 time, C7 metadata and recipients.

In charge of: the outcome of each clause with its evidence, as ``docs/figures.md`` ("Clauses") defines it, and
the data that assigns findings to clauses (``schemas/rules/clauses.toml``). Pure but for reading that file
once. Not in charge of: the facts (``facts.py``), deadlines (``calendar.py``), counting
(``contributions.py``), words for people (``clause_words.py``).

Evidence is short and stable, ``kind:value``: ``rule:number.missing``, ``verdict:0`` (index among the event's
verdicts), ``file:<sha256>``, ``attachment:1`` (number among the PDFs), ``metadata:Subject``, ``late:qd28``.
"""

from __future__ import annotations

import enum
import functools
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.compliance.facts import (
    AGENCY,
    FAILED,
    INDETERMINATE,
    PERSON,
    WRONG_PLACE,
    DocumentRecord,
    Timeliness,
    VerdictFact,
)
from gateway.model.authority import SignerAuthority
from gateway.model.text import Bilingual
from gateway.resources import shipped


class Clause(enum.Enum):
    """The words of the notice; their texts and sources stand in the data."""

    C1 = "C1"  # nội dung
    C2 = "C2"  # thẩm quyền
    C3 = "C3"  # thể thức
    C4 = "C4"  # chữ ký số
    C5 = "C5"  # xác thực
    C6 = "C6"  # thời hạn
    C7 = "C7"  # siêu dữ liệu, nơi nhận


class Outcome(enum.Enum):
    """What a clause came to."""

    PASS = "pass"
    FAIL = "fail"
    UNCHECKED = "unchecked"  # not machine-checkable
    NA = "na"  # nothing there to check


class SignedAs(enum.Enum):
    """How the main file of a document is signed (K2)."""

    INVALID = "invalid"
    BOTH = "both"
    LEADER = "leader"
    AGENCY = "agency"
    UNCHECKED = "unchecked"  # undecided, or by nobody in the register
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ClauseResult:
    """An outcome and what it rests on; a pass needs no evidence."""

    outcome: Outcome
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClauseRules:
    """Which findings count against which clause. ``paper_too``: agencies that may get paper besides."""

    version: str
    by_clause: Mapping[Clause, frozenset[str]]
    names: Mapping[Clause, Bilingual]
    sources: Mapping[Clause, str]
    none: frozenset[str]
    paper_too: frozenset[str]

    def clause_of(self, rule: str) -> Clause | None:
        """The clause that a finding counts against; ``None``: none."""
        return next((clause for clause, rules in self.by_clause.items() if rule in rules), None)


_Chosen = Callable[[VerdictFact], bool]
PASSED_CLAUSE = ClauseResult(Outcome.PASS)
_UNCHECKED_AUTHORITY = frozenset({SignerAuthority.NO_LIST.value, SignerAuthority.UNREGISTERED.value})
_REFUSED_AUTHORITY = frozenset({SignerAuthority.NOT_LISTED.value, SignerAuthority.PREFIX_NOT_ALLOWED.value})


def judge_clauses(
    document: DocumentRecord, timeliness: Timeliness, rules: ClauseRules | None = None
) -> dict[Clause, ClauseResult]:
    """Every clause of a document, in their order. ``rules``: those that are shipped, unless given."""
    by_clause = (rules or clause_rules()).by_clause
    return {
        Clause.C1: _content(document, by_clause[Clause.C1]),
        Clause.C2: _competence(document),
        Clause.C3: _result(_told(document, by_clause[Clause.C3])),
        Clause.C4: _signatures(document),
        Clause.C5: _authentication(document),
        Clause.C6: _time(timeliness),
        Clause.C7: _metadata(document, by_clause[Clause.C7]),
    }


def composite(results: Mapping[Clause, ClauseResult]) -> Outcome:
    """K9: fail when a clause fails, unchecked when one is unchecked, else pass."""
    found = {result.outcome for result in results.values()}
    if Outcome.FAIL in found:
        return Outcome.FAIL
    return Outcome.UNCHECKED if Outcome.UNCHECKED in found else Outcome.PASS


def signed_as(document: DocumentRecord) -> SignedAs:
    """K2, of the main file."""
    main = document.main_verdicts()
    if any(one.indication == FAILED for one in main):
        return SignedAs.INVALID
    roles = {one.role for one in main if one.passed}
    if PERSON in roles:
        return SignedAs.BOTH if AGENCY in roles else SignedAs.LEADER
    if AGENCY in roles:
        return SignedAs.AGENCY
    return SignedAs.UNCHECKED if main else SignedAs.NONE


def unsigned_attachments(document: DocumentRecord) -> list[int]:
    """Numbers of the PDFs beside the main file that no valid signature of an agency stands on
    (NĐ 30/2020 PL I: the agency signs each separate file)."""
    sealed = {one.file for one in document.verdicts if one.passed and one.role == AGENCY}
    return [number for number in range(1, len(document.pdfs())) if number not in sealed]


@functools.cache
def clause_rules() -> ClauseRules:
    """The shipped data."""
    return read_rules(shipped("schemas", "rules", "clauses.toml").read_text(encoding="utf-8"))


def read_rules(text: str) -> ClauseRules:
    """Rules from TOML. ``ValueError`` when a clause is missing, or a rule stands in two places."""
    data: dict[str, Any] = tomllib.loads(text)
    rows = {Clause(row["code"]): row for row in data["clause"]}
    if set(rows) != set(Clause):
        raise ValueError("a clause is missing")
    groups: list[Sequence[str]] = [row["rules"] for row in (*data["clause"], *data["none"])]
    placed = [rule for group in groups for rule in group]
    if twice := sorted({rule for rule in placed if placed.count(rule) > 1}):
        raise ValueError(f"in two places: {', '.join(twice)}")
    return ClauseRules(
        version=data["version"],
        by_clause={clause: frozenset(rows[clause]["rules"]) for clause in Clause},
        names={clause: Bilingual(rows[clause]["vi"], rows[clause]["en"]) for clause in Clause},
        sources={clause: rows[clause]["source"] for clause in Clause},
        none=frozenset(rule for group in data["none"] for rule in group["rules"]),
        paper_too=frozenset(data["paper_too"]),
    )


# ---- one clause each


def _result(against: Sequence[str], unchecked: Sequence[str] = ()) -> ClauseResult:
    """What fails is asked before what cannot be checked."""
    if against:
        return ClauseResult(Outcome.FAIL, tuple(against))
    return ClauseResult(Outcome.UNCHECKED, tuple(unchecked)) if unchecked else PASSED_CLAUSE


def _told(document: DocumentRecord, rules: frozenset[str]) -> list[str]:
    return [f"rule:{rule}" for rule in document.findings if rule in rules]


def _content(document: DocumentRecord, rules: frozenset[str]) -> ClauseResult:
    """C1. What the content says is for its reader to judge."""
    against = _told(document, rules)
    if not document.files:
        against.append("files:none")
    if not document.subject_present:
        against.append("subject:empty")
    closed = [f"file:{one.sha256}" for one in document.files if one.opens is False]
    return _result(against, closed)


def _competence(document: DocumentRecord) -> ClauseResult:
    """C2, as the gate found it against the list of authorised signers of the day."""
    evidence = [f"authority:{document.authority}"]
    if document.authority in _REFUSED_AUTHORITY:
        return _result(evidence)
    return _result((), evidence) if document.authority in _UNCHECKED_AUTHORITY else PASSED_CLAUSE


def _signatures(document: DocumentRecord) -> ClauseResult:
    """C4 (NĐ 30/2020 Đ5.1): the competent person's and the agency's, and the agency's on each other PDF."""
    state = signed_as(document)
    evidence = [f"signature:{state.value}"]
    if state is SignedAs.UNCHECKED:
        return _result((), evidence)
    against = evidence if state is not SignedAs.BOTH else []
    return _result([*against, *(f"attachment:{number}" for number in unsigned_attachments(document))])


def _authentication(document: DocumentRecord) -> ClauseResult:
    """C5: no signature that is invalid or overtaken by a change, none that is undecided."""
    if not document.file_verdicts():
        return ClauseResult(Outcome.NA)
    invalid = list(_indexes(document, lambda one: one.file == 0 and one.indication == FAILED))
    changed = list(_indexes(document, lambda one: one.passed and one.coverage == "changed"))
    open_ = list(_indexes(document, lambda one: one.indication == INDETERMINATE))
    return _result([*invalid, *changed], open_)


def _indexes(document: DocumentRecord, chosen: _Chosen) -> Iterator[str]:
    """Verdicts about files by their place in the event."""
    for index, one in enumerate(document.verdicts):
        if one.file >= 0 and chosen(one):
            yield f"verdict:{index}"


def _time(timeliness: Timeliness) -> ClauseResult:
    """C6 by the stricter reading, QĐ 28/2018 Đ6.2."""
    if timeliness.signed is None:
        return _result((), ["signed:unknown"])
    against = ["late:qd28"] if timeliness.qd28 is False else []
    against += ["late:urgent"] if timeliness.urgent is False else []
    if against:
        against.append(f"signed:{timeliness.signed}")
        against += ["signed:rough"] if timeliness.rough else []
    return _result(against)


def _metadata(document: DocumentRecord, rules: frozenset[str]) -> ClauseResult:
    """C7 (QĐ 28/2018 Đ8.2, Đ10.2)."""
    against = [f"metadata:{field}" for field in document.metadata]
    against += [f"refusal:{WRONG_PLACE}"] if document.misaddressed else []
    return _result([*against, *_told(document, rules)])


__all__ = [
    "Clause",
    "ClauseResult",
    "ClauseRules",
    "Outcome",
    "SignedAs",
    "clause_rules",
    "composite",
    "judge_clauses",
    "read_rules",
    "signed_as",
    "unsigned_attachments",
]
