"""Prefixes of signing, and the list of authorised signers by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from checks_world import SOUND

from gateway.checks.authority import AuthorityList, Signatory, ask, finding_of, prefixes_of
from gateway.checks.metadata import FIELDS, missing_metadata
from gateway.model.authority import Authority, SignerAuthority
from gateway.model.envelope import OtherInfo, SignerInfo
from gateway.model.text import AgencyCode

H37, DAY = AgencyCode("H37"), date(2020, 4, 13)
HEAD = Authority(H37, "aa", "Chủ tịch", ("TM", "none"))
HE = Signatory("aa", "H37", "Chủ tịch", DAY)


@pytest.mark.parametrize(
    ("competence", "position", "prefixes"),
    [
        ("TM. ỦY BAN NHÂN DÂN", "Chủ tịch", {"TM"}),
        ("TM. UBND\nKT.CHỦ TỊCH", "Phó Chủ tịch", {"TM", "KT"}),
        ("tuq. giám đốc", "", {"TUQ"}),
        ("", "KT. GIÁM ĐỐC", {"KT"}),
        ("Q. Giám đốc", "", {"Q"}),
        ("KT", "", {"KT"}),
        ("CHỦ TỊCH", "Chủ tịch", set()),
        ("Ủy ban TP.TM", "", set()),
        ("TL", "TM. UBND", {"TL"}),
    ],
)
def test_prefixes_are_read_as_people_write_them(competence: str, position: str, prefixes: set[str]) -> None:
    assert prefixes_of(replace(SOUND, signer=SignerInfo(competence, position))) == prefixes


def asked(row: Authority, *prefixes: str, who: Signatory = HE, kind: str = "Quyết định") -> SignerAuthority:
    return ask(AuthorityList([row]), (H37,), [who], frozenset(prefixes), kind, DAY)


def test_every_prefix_must_be_allowed() -> None:
    assert asked(HEAD, "TM") is SignerAuthority.LISTED
    assert asked(HEAD, "TM", "KT") is SignerAuthority.PREFIX_NOT_ALLOWED
    assert asked(HEAD) is SignerAuthority.LISTED
    assert asked(replace(HEAD, prefixes=("TM",))) is SignerAuthority.PREFIX_NOT_ALLOWED


def test_a_row_by_title_names_nobody_of_another_agency() -> None:
    by_title = replace(HEAD, certificate_sha256="", title="CHỦ TỊCH")
    assert asked(by_title, "TM") is SignerAuthority.LISTED
    assert asked(by_title, "TM", who=replace(HE, agency="H37.05")) is SignerAuthority.NOT_LISTED


def test_a_kind_of_document_is_compared_as_people_write_it() -> None:
    row = replace(HEAD, types=("quyết định",))
    assert asked(row, "TM", kind="QUYẾT ĐỊNH (cá biệt)") is SignerAuthority.LISTED
    assert asked(row, "TM", kind="Công văn") is SignerAuthority.NOT_LISTED


def test_what_is_found_is_said_in_both_languages_and_cites_its_clause() -> None:
    told = finding_of(SignerAuthority.PREFIX_NOT_ALLOWED, frozenset({"KT", "TM"}))
    assert told is not None
    assert "TM., KT." in told.text.vi
    assert "TM., KT." in told.text.en
    assert told.clause == "NĐ 30/2020 PL I"
    assert finding_of(SignerAuthority.LISTED, frozenset()) is None
    assert finding_of(SignerAuthority.UNREGISTERED, frozenset()) is None


def test_a_complete_header_lacks_nothing_and_an_empty_one_everything_but_the_urgency() -> None:
    assert missing_metadata(replace(SOUND, signer=SignerInfo("", "Chủ tịch", "A"))) == []
    names = [field.name for field in FIELDS if field.name != "OtherInfo/Priority"]
    assert missing_metadata(type(SOUND)(kind=SOUND.kind, sender=type(SOUND.sender)(""))) == names


def test_an_urgency_that_cannot_be_read_is_missing() -> None:
    odd = replace(SOUND, other=OtherInfo(priority_raw="9"), signer=SignerInfo("", "Chủ tịch", "A"))
    assert missing_metadata(odd) == ["OtherInfo/Priority"]
