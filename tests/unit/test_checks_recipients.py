"""Every recipient must be reachable, or nothing is sent and the whole list is told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from checks_world import AGENCIES, SOUND, STATUS, agency, directory, findings, rules, to

from gateway.model.envelope import Envelope
from gateway.model.finding import Decision, Severity, decide


def addressed(*codes: str) -> Envelope:
    return replace(SOUND, recipients=to(*codes))


@pytest.mark.parametrize(
    ("recipient", "rule"),
    [
        ("H37.99", "recipient.unknown"),
        ("000.00.99.H37", "recipient.unknown"),
        ("", "recipient.unknown"),
        ("H37.63", "recipient.closed"),
        ("H37.64", "recipient.not_yet"),
        ("000.00.01.W00", "recipient.test_code"),
    ],
)
def test_recipient_out_of_reach_is_refused(recipient: str, rule: str) -> None:
    assert rules(addressed(recipient)) == {rule: Severity.REFUSE}


def test_empty_recipient_is_placed_by_its_field() -> None:
    assert [finding.where for finding in findings(addressed(""))] == ["To/OrganId"]


@pytest.mark.parametrize("recipient", ["H37.05", "000.00.05.H37", "vxp.saas.12", "H37.61", "H37.62", "G22"])
def test_recipient_that_somebody_can_have_it_for_is_accepted(recipient: str) -> None:
    assert rules(addressed(recipient)) == {}


def test_one_unknown_among_thirty_refuses_the_submission_and_is_named() -> None:
    many = tuple(agency(f"H37.31.{n}", parent="H37.31", level="commune") for n in range(30, 59))
    known = directory((*AGENCIES, *many))
    codes = [row.code for row in many]
    codes.insert(17, "000.00.99.H37")  # type: ignore[arg-type]
    said = findings(addressed(*codes), directory=known)
    assert decide(said) is Decision.REFUSE
    assert [finding.where for finding in said] == ["000.00.99.H37"]
    assert "000.00.99.H37" in said[0].text.vi


def test_every_recipient_out_of_reach_is_listed_once() -> None:
    said = findings(addressed("H37.99", "H37.03", "H37.63", "H37.99"))
    refused = [(finding.rule, finding.where) for finding in said if finding.severity is Severity.REFUSE]
    assert refused == [("recipient.unknown", "H37.99"), ("recipient.closed", "H37.63")]


def test_from_the_axis_recipients_that_are_not_ours_are_only_recorded() -> None:
    said = findings(addressed("H53.13", "H37.03"), from_axis=True)
    assert [(f.rule, f.severity, f.where) for f in said] == [
        ("recipient.not_ours", Severity.INFO, "H53.13"),
    ]


def test_without_a_directory_recipients_are_not_machine_checkable() -> None:
    assert rules(addressed("H37.99"), directory=None) == {"recipient.not_checkable": Severity.INFO}


def test_call_for_some_recipients_is_judged_by_those_alone() -> None:
    message = addressed("H37.03", "H37.99")
    assert rules(message, narrow_to=("000.00.03.H37",)) == {}
    assert rules(message, narrow_to=("H37.99",)) == {"recipient.unknown": Severity.REFUSE}


def test_call_for_a_recipient_that_the_envelope_does_not_name_is_refused() -> None:
    said = rules(addressed("H37.03"), narrow_to=("H37.05",))
    assert said == {"recipient.not_in_envelope": Severity.REFUSE}


def test_status_has_no_recipients_to_judge() -> None:
    assert not any(rule.startswith("recipient") for rule in rules(STATUS))
