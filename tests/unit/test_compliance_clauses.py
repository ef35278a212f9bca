"""The seven clauses: what fails each, what cannot be checked, and that no rule of the gate is forgotten."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.compliance.clause_words import evidence_words, said_of
from gateway.compliance.clauses import (
    Clause,
    ClauseResult,
    Outcome,
    SignedAs,
    clause_rules,
    composite,
    judge_clauses,
    read_rules,
    signed_as,
    unsigned_attachments,
)
from gateway.compliance.facts import DocumentRecord, FileFact, Timeliness, VerdictFact, judged_again
from gateway.edxml import problems
from gateway.edxml.explain import Fault
from gateway.model.authority import SignerAuthority
from gateway.model.text import Instant
from gateway.resources import shipped

ROOT = Path(__file__).parents[2]
AT = Instant(1_586_764_800_000_000)
IN_TIME = Timeliness(AT, qd28=True, nd30=True)
LEADER = VerdictFact("TOTAL-PASSED", "person", AT, "timestamp", "revision")
SEAL = VerdictFact("TOTAL-PASSED", "agency", AT, "timestamp", "whole file")
SOUND = DocumentRecord(
    id="d",
    sender="H37",
    level="province",
    at=AT,
    message="m",
    kind="new",
    held=False,
    authority="listed",
    verdicts=(LEADER, SEAL, replace(SEAL, file=1)),
    files=(FileFact("aa", "pdf", True, 2), FileFact("bb", "pdf", True, 1), FileFact("cc", "docx")),
)
# Literals of this shape in the gate's rooms that name no rule of a finding.
NO_RULES = re.compile(
    r"(accept\.xsd|levels\.toml|trust\..*|keyring\..*|timestamp\..*|config\..*|directory\..*|gateway\..*|backup\..*"
    r"|signers\.malformed|authority\.malformed)"
)


def record(**changes: object) -> DocumentRecord:
    return replace(SOUND, **changes)  # type: ignore[arg-type]


def judged(
    clause: Clause, document: DocumentRecord = SOUND, timeliness: Timeliness = IN_TIME
) -> tuple[str, tuple[str, ...]]:
    result = judge_clauses(document, timeliness)[clause]
    return result.outcome.value, result.evidence


def rules_in_the_code() -> Iterator[str]:
    """Every dotted literal in the rooms that make findings."""
    folders = ("checks", "edxml", "signature", "directory")
    files = [file for folder in folders for file in sorted((ROOT / "gateway" / folder).glob("*.py"))]
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and re.fullmatch(r"[a-z][a-z_]*(\.[a-z][a-z_]*)+", text):
                yield text
    yield from problems.rules()
    yield from (f"schema.{fault.value}" for fault in Fault)


def test_a_sound_document_passes_every_clause() -> None:
    results = judge_clauses(SOUND, IN_TIME)
    assert list(results) == list(Clause)
    assert set(results.values()) == {ClauseResult(Outcome.PASS)}
    assert composite(results) is Outcome.PASS


def test_every_rule_of_the_gate_counts_against_a_clause_or_is_named_as_counting_against_none() -> None:
    rules = clause_rules()
    placed = rules.none.union(*rules.by_clause.values())
    known = {rule for rule in rules_in_the_code() if not NO_RULES.fullmatch(rule)}
    assert len(known) > 100
    assert sorted(known - placed) == []
    assert sorted(placed - known) == []


def test_a_rule_stands_in_one_place_only() -> None:
    text = shipped("schemas", "rules", "clauses.toml").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match=r"file\.empty"):
        read_rules(text.replace('"type.missing",', '"type.missing", "file.empty",'))


def test_every_clause_has_its_row() -> None:
    text = shipped("schemas", "rules", "clauses.toml").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="clause"):
        read_rules(text.replace('code = "C6"', 'code = "C5"'))


@pytest.mark.parametrize("clause", [Clause.C1, Clause.C3, Clause.C7])
def test_a_listed_finding_fails_its_clause_and_no_other(clause: Clause) -> None:
    rule = min(clause_rules().by_clause[clause])
    results = judge_clauses(record(findings=(rule, "type.not_listed")), IN_TIME)
    assert results[clause] == ClauseResult(Outcome.FAIL, (f"rule:{rule}",))
    assert [c for c, r in results.items() if r.outcome is not Outcome.PASS] == [clause]
    assert clause_rules().clause_of(rule) is clause
    assert clause_rules().clause_of("type.not_listed") is None


def test_a_document_without_files_or_subject_fails_its_content() -> None:
    empty = record(files=(), subject_present=False)
    assert judged(Clause.C1, empty) == ("fail", ("files:none", "subject:empty"))


def test_a_file_that_does_not_open_leaves_the_content_unchecked() -> None:
    closed = record(files=(FileFact("aa", "pdf", False), *SOUND.files[1:]))
    assert judged(Clause.C1, closed) == ("unchecked", ("file:aa",))


def test_a_file_that_nobody_tried_to_open_is_no_objection() -> None:
    assert judged(Clause.C1, record(files=(FileFact("aa", "pdf"), *SOUND.files[1:]))) == ("pass", ())


@pytest.mark.parametrize(
    ("authority", "outcome"),
    [
        ("listed", "pass"),
        ("not_listed", "fail"),
        ("prefix_not_allowed", "fail"),
        ("no_list", "unchecked"),
        ("unregistered", "unchecked"),
    ],
)
def test_competence_follows_the_list_of_authorised_signers(authority: str, outcome: str) -> None:
    assert judged(Clause.C2, record(authority=authority))[0] == outcome


@pytest.mark.parametrize(
    ("verdicts", "state"),
    [
        ((LEADER, SEAL), SignedAs.BOTH),
        ((LEADER,), SignedAs.LEADER),
        ((SEAL,), SignedAs.AGENCY),
        ((replace(LEADER, indication="INDETERMINATE"),), SignedAs.UNCHECKED),
        ((replace(LEADER, role="not machine-checkable"),), SignedAs.UNCHECKED),
        ((LEADER, SEAL, replace(SEAL, indication="TOTAL-FAILED")), SignedAs.INVALID),
        ((replace(SEAL, file=1), replace(LEADER, file=-1)), SignedAs.NONE),
    ],
)
def test_the_main_file_decides_how_a_document_is_signed(
    verdicts: tuple[VerdictFact, ...], state: SignedAs
) -> None:
    assert signed_as(record(verdicts=verdicts)) is state


def test_one_signature_of_the_two_fails_the_signatures() -> None:
    assert judged(Clause.C4, record(verdicts=(SEAL,), files=SOUND.files[:1])) == (
        "fail",
        ("signature:agency",),
    )


def test_a_separate_pdf_without_the_agencys_signature_fails_the_signatures() -> None:
    document = record(verdicts=(LEADER, SEAL, replace(LEADER, file=1)))
    assert unsigned_attachments(document) == [1]
    assert judged(Clause.C4, document) == ("fail", ("attachment:1",))


def test_a_signature_that_could_not_be_checked_is_no_failure() -> None:
    undecided = record(verdicts=(replace(SEAL, indication="INDETERMINATE"),))
    assert judged(Clause.C4, undecided) == ("unchecked", ("signature:unchecked",))
    assert judged(Clause.C5, undecided) == ("unchecked", ("verdict:0",))


def test_without_signatures_there_is_nothing_to_authenticate() -> None:
    unsigned = record(verdicts=(replace(SEAL, file=-1),))
    assert judged(Clause.C5, unsigned) == ("na", ())
    assert judged(Clause.C4, unsigned)[0] == "fail"


def test_an_invalid_signature_and_one_overtaken_by_a_change_fail_authentication() -> None:
    verdicts = (replace(LEADER, indication="TOTAL-FAILED"), replace(SEAL, file=1, coverage="changed"))
    assert judged(Clause.C5, record(verdicts=verdicts)) == ("fail", ("verdict:0", "verdict:1"))


def test_what_fails_is_asked_before_what_cannot_be_checked() -> None:
    results = judge_clauses(record(authority="no_list", findings=("number.missing",)), IN_TIME)
    assert composite(results) is Outcome.FAIL
    assert composite(judge_clauses(record(authority="no_list"), IN_TIME)) is Outcome.UNCHECKED


def test_a_late_document_fails_by_the_stricter_reading() -> None:
    late = Timeliness(AT, rough=True, qd28=False, nd30=True)
    assert judged(Clause.C6, SOUND, late) == ("fail", ("late:qd28", f"signed:{AT}", "signed:rough"))


def test_an_urgent_document_that_waited_fails_although_the_day_was_kept() -> None:
    assert judged(Clause.C6, SOUND, replace(IN_TIME, urgent=False))[1][0] == "late:urgent"


def test_without_a_signing_time_nothing_is_said_about_the_deadline() -> None:
    assert judged(Clause.C6, SOUND, Timeliness(None)) == ("unchecked", ("signed:unknown",))


def test_missing_metadata_and_a_refusal_for_the_wrong_place_fail_the_last_clause() -> None:
    document = record(metadata=("Subject",), misaddressed=True)
    assert judged(Clause.C7, document) == ("fail", ("metadata:Subject", "refusal:R01"))


def test_every_piece_of_evidence_has_a_sentence_in_both_languages() -> None:
    late = Timeliness(AT, rough=True, qd28=False, nd30=False, urgent=False)
    bad = record(
        files=(FileFact("aa", "pdf", False), FileFact("bb", "pdf")),
        findings=("number.missing",),
        metadata=("Subject", "X"),
        misaddressed=True,
        authority="not_listed",
        verdicts=(replace(SEAL, indication="INDETERMINATE"),),
    )
    worse = record(files=(), subject_present=False, verdicts=())
    said = [
        one
        for document, when in ((bad, late), (worse, Timeliness(None)))
        for one in said_of(judge_clauses(document, when))
    ]
    assert {one.outcome for one in said} >= {"fail", "unchecked", "na"}
    assert all(reason.vi.endswith(".") and reason.en.endswith(".") for one in said for reason in one.reasons)
    assert all(len(one.reasons) == len(one.evidence) for one in said)
    words = " ".join(reason.vi for one in said for reason in one.reasons)
    assert "Trích yếu" in words
    assert "15:00 13/04/2020" in words


@pytest.mark.parametrize(
    "authority", [one.value for one in SignerAuthority if one is not SignerAuthority.LISTED]
)
def test_what_the_list_says_is_told(authority: str) -> None:
    assert evidence_words(f"authority:{authority}").vi


@pytest.mark.parametrize("state", [one.value for one in SignedAs if one is not SignedAs.BOTH])
def test_how_the_main_file_is_signed_is_told(state: str) -> None:
    assert evidence_words(f"signature:{state}").en


def test_judging_again_asks_about_competence_again() -> None:
    document = record(authority="unregistered")
    judged_again(document, {"message": "m", "authority": "not_listed"})
    assert judged(Clause.C2, document)[0] == "fail"
    judged_again(document, {"message": "m"})
    assert document.authority == "not_listed"
