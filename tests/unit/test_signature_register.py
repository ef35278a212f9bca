"""The signer register: who a certificate belongs to, on which day, and what a wrong line says."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.errors import BadRequest
from gateway.model.agency import Period, Signer
from gateway.model.text import AgencyCode
from gateway.signature.register import SignerRegister, read_signers_csv

DIGEST = "10feec72970764e82e8a214db69e434184f584e11ed0f46053ba3be4461cfbc1"
HEADER = "certificate_sha256,agency,title,role,valid_from,valid_to\n"
LINE = f"{DIGEST},H37,Phó Chủ tịch,person,2019-01-01,2039-01-01\n"


def test_row_is_read_whole() -> None:
    period = Period(date(2019, 1, 1), date(2039, 1, 1))
    assert read_signers_csv(HEADER + LINE) == [
        Signer(DIGEST, AgencyCode("H37"), "Phó Chủ tịch", "person", period)
    ]


def test_digest_may_be_written_as_openssl_prints_it() -> None:
    printed = ":".join(DIGEST[i : i + 2] for i in range(0, 64, 2)).upper()
    assert read_signers_csv(HEADER + LINE.replace(DIGEST, printed))[0].certificate_sha256 == DIGEST


def test_dates_may_be_open_and_a_byte_order_mark_may_lead() -> None:
    (row,) = read_signers_csv(f"\ufeff{HEADER}{DIGEST},H37,,agency,,\n")
    assert row.period == Period(None, None)


def test_agency_is_made_canonical_by_the_caller() -> None:
    (row,) = read_signers_csv(
        HEADER + LINE.replace(",H37,", ",000.00.00.H37,"), lambda text: AgencyCode(text.split(".")[-1])
    )
    assert row.agency == "H37"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (LINE.replace(DIGEST, DIGEST[:-2]), "64 hex digits"),
        (LINE.replace(DIGEST, "xy" * 32), "hexadecimal"),
        (LINE.replace("person", "chief"), "person or agency"),
        (LINE.replace("2019-01-01", "01/01/2019"), "01/01/2019"),
        (f"{DIGEST},H37\n", "line 3"),
    ],
)
def test_wrong_line_is_named(line: str, problem: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        read_signers_csv(HEADER + LINE + line)
    assert "dòng 3" in refusal.value.text.vi
    assert problem in refusal.value.text.en


def test_agency_that_the_caller_cannot_read_is_named() -> None:
    def unknown(text: str) -> AgencyCode:
        raise ValueError(f"unknown agency {text}")

    with pytest.raises(BadRequest, match="unknown agency H37"):
        read_signers_csv(HEADER + LINE, unknown)


def test_missing_column_is_named() -> None:
    with pytest.raises(BadRequest, match="role"):
        read_signers_csv("certificate_sha256,agency,title,valid_from,valid_to\n")


def test_certificate_is_found_only_on_its_days() -> None:
    register = SignerRegister(read_signers_csv(HEADER + LINE))
    assert register.find(DIGEST.upper(), date(2039, 1, 1)) is not None
    assert register.find(DIGEST, date(2039, 1, 2)) is None
    assert register.find(DIGEST, date(2018, 12, 31)) is None
    assert register.find("00" * 32, date(2020, 1, 1)) is None


def test_certificate_that_changed_hands_is_found_by_day() -> None:
    first = Signer(DIGEST, AgencyCode("H37.03"), "", "agency", Period(None, date(2025, 6, 30)))
    second = Signer(DIGEST, AgencyCode("H37.07"), "", "agency", Period(date(2025, 7, 1), None))
    register = SignerRegister([first, second])
    assert register.find(DIGEST, date(2025, 6, 30)) is first
    assert register.find(DIGEST, date(2025, 7, 1)) is second
