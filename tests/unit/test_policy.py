"""Policies make the gate stricter, exemptions take that back, nothing softens what must be refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.checks.policies import HELD, REJECTED, apply_policies, demand_of, meet_demands
from gateway.clock import SECOND, from_datetime
from gateway.edxml import problems
from gateway.model.agency import Period
from gateway.model.delivery import Hop
from gateway.model.finding import Decision, Finding, Severity, decide
from gateway.model.policy import EVERY_AGENCY, Action, Direction, Policy
from gateway.model.text import AgencyCode, Bilingual, Instant

H37, H03 = AgencyCode("H37"), AgencyCode("H37.03")
AT = from_datetime(datetime(2020, 4, 13, 8, 30, tzinfo=UTC))
TODAY, TOMORROW, YESTERDAY = date(2020, 4, 13), date(2020, 4, 14), date(2020, 4, 12)
INFO, WARNING, HOLD, REFUSE = Severity.INFO, Severity.WARNING, Severity.HOLD, Severity.REFUSE
# What the gate refuses whatever anybody decided (contracts: decision at the gate), by the rule that says so.
FIXED = (
    "signature.tampered",
    "signature.malformed",
    "signature.revoked",
    "signature.wrong_agency",
    "signature.pdf_tampered",
    "signature.pdf_changed",
    "signature.pdf_revoked",
    "secrecy.marked",
    "recipient.unknown",
    "recipient.not_in_envelope",
    "duplicate.conflict",
    "status.unknown_document",
    "sender.not_yours",
    *(rule for rule, words in problems._RULES.items() if words.severity is Severity.REFUSE),  # unreadable
)


def finding(rule: str = "signature.pdf_unsigned", severity: Severity = WARNING) -> Finding:
    return Finding(rule, severity, "a.pdf", Bilingual("Tệp chưa ký.", "Not signed."))


def policy(action: Action = Action.REFUSE, rule: str = "signature.pdf_unsigned", **fields: object) -> Policy:
    made = Policy(
        "p-1", EVERY_AGENCY, Direction.SENDS, rule, action, Period(), "Chỉ thị số 1.", "an", "", Instant(0)
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def exemption(**fields: object) -> Policy:
    given = {"id": "e-1", "agency": H37, "approved_by": "bình", "period": Period(None, TOMORROW)}
    return policy(Action.ACCEPT_AND_REPORT, **(given | fields))


def weighed(*policies: Policy, sender: AgencyCode | None = H37, severity: Severity = WARNING) -> Severity:
    [one] = apply_policies([finding(severity=severity)], sender, AT, policies)
    return one.severity


TABLE = [
    ("none", (), WARNING),
    ("refuse", (policy(),), REFUSE),
    ("hold", (policy(Action.HOLD),), HOLD),
    ("the strictest counts", (policy(Action.HOLD), policy()), REFUSE),
    ("a prefix", (policy(rule="signature.*"),), REFUSE),
    ("a star alone", (policy(rule="*"),), REFUSE),
    ("another prefix", (policy(rule="form.*"),), WARNING),
    ("a rule that only begins so", (policy(rule="signature.pdf"),), WARNING),
    ("this agency", (policy(agency=H37),), REFUSE),
    ("another agency", (policy(agency=H03),), WARNING),
    ("what it receives", (policy(direction=Direction.RECEIVES),), WARNING),
    ("from today", (policy(period=Period(TODAY)),), REFUSE),
    ("from tomorrow", (policy(period=Period(TOMORROW)),), WARNING),
    ("until today", (policy(period=Period(None, TODAY)),), REFUSE),
    ("until yesterday", (policy(period=Period(None, YESTERDAY)),), WARNING),
    ("withdrawn", (policy(ended_at=AT),), WARNING),
    ("withdrawn later", (policy(ended_at=Instant(AT + 1)),), REFUSE),
    ("decided later", (policy(decided_at=Instant(AT + SECOND)),), WARNING),
    ("exempt", (policy(), exemption()), WARNING),
    ("exempt by prefix", (policy(), exemption(rule="signature.*")), WARNING),
    ("another is exempt", (policy(), exemption(agency=H03)), REFUSE),
    ("exempt from another rule", (policy(), exemption(rule="signature.expired")), REFUSE),
    ("exemption over", (policy(), exemption(period=Period(None, YESTERDAY))), REFUSE),
]


@pytest.mark.parametrize(("policies", "severity"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_a_finding_weighs_as_the_policies_in_force_say(
    policies: tuple[Policy, ...], severity: Severity
) -> None:
    assert weighed(*policies) is severity


def test_a_policy_never_makes_a_finding_lighter() -> None:
    assert weighed(policy(Action.HOLD), severity=REFUSE) is REFUSE
    assert weighed(policy(Action.ACCEPT_AND_REPORT), severity=HOLD) is HOLD


def test_an_unknown_sender_is_under_what_holds_for_all() -> None:
    assert weighed(policy(), sender=None) is REFUSE
    assert weighed(policy(agency=H37), sender=None) is WARNING


def test_the_sentence_says_that_a_policy_did_it_and_why() -> None:
    [one] = apply_policies([finding()], H37, AT, [policy()])
    assert one.text.vi.startswith("Tệp chưa ký. ")
    assert "Lý do: Chỉ thị số 1." in one.text.vi
    assert one.as_json()["policy"] == "p-1"


def test_the_exempted_finding_names_the_exemption() -> None:
    [one] = apply_policies([finding()], H37, AT, [policy(), exemption()])
    assert (one.exempted_by, one.policy) == ("e-1", "")
    assert one.as_json()["exempted_by"] == "e-1"
    assert one.text == finding().text


def test_an_exemption_from_nothing_leaves_no_trace() -> None:
    assert apply_policies([finding()], H37, AT, [exemption()]) == [finding()]


ACTIONS = st.sampled_from(Action)
PATTERNS = st.sampled_from([*FIXED, "signature.pdf_unsigned", "signature.*", "secrecy.*", "recipient.*", "*"])
AGENCIES = st.sampled_from([EVERY_AGENCY, H37, H03])
POLICIES = st.lists(
    st.builds(policy, ACTIONS, PATTERNS, agency=AGENCIES, direction=st.sampled_from(Direction)), max_size=6
)
SEVERITIES = st.sampled_from(Severity)


@given(st.sampled_from(FIXED), POLICIES)
def test_what_the_gate_must_refuse_no_policy_softens(rule: str, policies: list[Policy]) -> None:
    refused = finding(rule, REFUSE)
    assert apply_policies([refused], H37, AT, policies) == [refused]
    assert decide(apply_policies([refused, finding()], H37, AT, policies)) is Decision.REFUSE


@given(st.lists(st.builds(finding, PATTERNS, SEVERITIES), max_size=5), POLICIES)
def test_policies_only_ever_add_weight_and_keep_every_finding(
    findings: list[Finding], policies: list[Policy]
) -> None:
    weighed = apply_policies(findings, H37, AT, policies)
    assert [f.rule for f in weighed] == [f.rule for f in findings]
    assert all(after.severity >= before.severity for before, after in zip(findings, weighed, strict=True))


def wanted(*policies: Policy) -> Action | None:
    demand = demand_of(H03, [finding(), finding("form.subject_missing")], AT, policies)
    return demand.action if demand else None


def receiving(action: Action = Action.REFUSE, **fields: object) -> Policy:
    return policy(action, direction=Direction.RECEIVES, **fields)


@pytest.mark.parametrize(
    ("policies", "action"),
    [
        ((), None),
        ((policy(),), None),
        ((receiving(),), Action.REFUSE),
        ((receiving(agency=H03),), Action.REFUSE),
        ((receiving(agency=H37),), None),
        ((receiving(Action.HOLD),), Action.HOLD),
        ((receiving(Action.HOLD, rule="form.*"), receiving()), Action.REFUSE),
        ((receiving(), exemption(agency=H03, direction=Direction.RECEIVES)), None),
    ],
    ids=["none", "sends", "all", "own", "another's", "hold", "strictest", "exempt"],
)
def test_a_recipient_decides_about_its_own_delivery(
    policies: tuple[Policy, ...], action: Action | None
) -> None:
    assert wanted(*policies) is action


def test_other_recipients_are_not_touched() -> None:
    hops = [Hop(H37, H37, "inbox", True), Hop(H03, H03, "inbox", True)]
    [first, second], told = meet_demands(hops, [finding()], AT, [receiving(agency=H03)])
    assert first == hops[0]
    assert (second.held_code, second.rejected_by) == ("signature.pdf_unsigned", "p-1")
    assert [(f.rule, f.where) for f in told] == [(REJECTED, "H37.03")]


def test_a_held_delivery_is_not_rejected() -> None:
    [hop], told = meet_demands([Hop(H03, H03, "inbox", True)], [finding()], AT, [receiving(Action.HOLD)])
    assert hop.held is not None
    assert hop.rejected_by == ""
    assert [(f.rule, f.severity) for f in told] == [(HELD, INFO)]
