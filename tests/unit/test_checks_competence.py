"""Who may send, and who signed on what authority."""

from __future__ import annotations

from dataclasses import replace

import pytest
from checks_world import PROVINCE, SOUND, STATUS, code, findings, rules

from gateway.checks.competence import NOT_YOURS
from gateway.model.envelope import Organization, SignerInfo
from gateway.model.finding import Severity


def test_sound_message_of_the_callers_agency_has_no_findings() -> None:
    assert findings() == []


def test_sending_in_another_agencys_name_is_refused() -> None:
    said = rules(caller_agencies=frozenset({code("H37.05")}))
    assert said[NOT_YOURS] is Severity.REFUSE


def test_sender_that_spells_no_agency_is_refused() -> None:
    message = replace(SOUND, sender=Organization("H37.99"))
    [finding] = [f for f in findings(message) if f.rule == NOT_YOURS]
    assert "H37.99" in finding.text.vi


def test_agency_below_the_callers_is_not_the_callers() -> None:
    message = replace(SOUND, sender=Organization("H37.31.21"))
    assert NOT_YOURS in rules(message, caller_agencies=frozenset({PROVINCE}))


def test_status_in_another_agencys_name_is_refused() -> None:
    assert NOT_YOURS in rules(STATUS, caller_agencies=frozenset({PROVINCE}))


def test_without_a_caller_the_sender_is_not_machine_checkable() -> None:
    assert rules(caller_agencies=None)["sender.not_checkable"] is Severity.INFO


def test_from_the_axis_nobody_asks_whose_agency_the_sender_is() -> None:
    said = rules(caller_agencies=None, from_axis=True)
    assert not {"sender.not_checkable", NOT_YOURS}.intersection(said)


def test_closed_sender_travels_with_a_warning() -> None:
    message = replace(SOUND, sender=Organization("H37.63"))
    said = rules(message, caller_agencies=frozenset({code("H37.63")}))
    assert said["sender.closed"] is Severity.WARNING


def test_missing_signer_is_a_warning() -> None:
    message = replace(SOUND, signer=SignerInfo("KT. CHỦ TỊCH", "Phó Chủ tịch", ""))
    assert rules(message) == {"signer.missing": Severity.WARNING}


@pytest.mark.parametrize(
    "competence",
    ["TM. ỦY BAN NHÂN DÂN", "KT. CHỦ TỊCH", "TL. CHỦ TỊCH", "TUQ. GIÁM ĐỐC", "Q. GIÁM ĐỐC", "kt.", "TM", ""],
)
def test_known_prefix_of_signing_is_accepted(competence: str) -> None:
    signer = SignerInfo(competence, "Phó Chủ tịch", "Người ký mẫu")
    assert "signer.prefix_unknown" not in rules(replace(SOUND, signer=signer))


def test_head_who_signs_in_his_own_right_needs_no_prefix() -> None:
    signer = SignerInfo("GIÁM ĐỐC", "Giám đốc", "Người ký mẫu")
    assert "signer.prefix_unknown" not in rules(replace(SOUND, signer=signer))


@pytest.mark.parametrize("competence", ["PP. GIÁM ĐỐC", "QUYỀN GIÁM ĐỐC", "TMX. A", "CHỦ TỊCH"])
def test_unknown_prefix_of_signing_is_a_warning(competence: str) -> None:
    signer = SignerInfo(competence, "Phó Chủ tịch", "Người ký mẫu")
    assert rules(replace(SOUND, signer=signer)) == {"signer.prefix_unknown": Severity.WARNING}
