"""Records of a document and a delivery: what events say, and the form in which they are kept."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import local_day
from gateway.compliance.facts import (
    DeliveryRecord,
    Passage,
    day_of,
    document_made,
    dump_delivery,
    dump_document,
    iso_day,
    judged_again,
    load_delivery,
    load_document,
    midnight,
    read_instant,
    status_given,
)
from gateway.model.text import Instant
from tests.made_events import accepted, at, verdict


def test_a_document_is_kept_and_read_back_unchanged() -> None:
    facts: dict[str, Any] = {
        "metadata": ["Subject"],
        "findings": [{"rule": "number.missing", "severity": "warn"}],
    }
    made = document_made(accepted("13/04 09:00", **facts))
    made.misaddressed, made.deliveries, made.first = True, 3, True
    assert load_document(dump_document(made)) == made


def test_a_delivery_is_kept_and_read_back_unchanged() -> None:
    record = DeliveryRecord("d1", "H37.03", "province", at("13/04 09:00"), "province")
    record.passages = (Passage("H37.31", "district", "2020-04-13"),)
    record.refusal, record.withdrawn = "R01", True
    assert load_delivery("d1", "H37.03", dump_delivery(record)) == record


def test_an_old_event_without_the_newer_facts_is_read_as_the_page_says() -> None:
    body = accepted("13/04 09:00")
    for name in ("authority", "metadata", "recipients"):
        del body[name]
    body["files"] = [{"sha256": "aa", "size": 1, "format": "pdf"}]
    made = document_made(body)
    assert made.authority == "no_list"
    assert made.metadata == ()
    assert made.subject_present
    assert made.files[0].opens is None
    assert [one.file for one in made.verdicts] == [0, 0]


def test_judging_again_replaces_verdicts_and_findings_about_signatures_alone() -> None:
    rules = [{"rule": "signature.unknown"}, {"rule": "number.missing"}]
    made = document_made(accepted("13/04 09:00", findings=rules))
    told = [{"rule": "signature.revoked"}, {"rule": "subject.missing"}]
    judged_again(made, {"message": made.message, "verdicts": [verdict("agency")], "findings": told})
    assert made.findings == ("number.missing", "signature.revoked")
    assert [one.role for one in made.verdicts] == ["agency"]


def test_judging_another_message_of_the_document_again_changes_nothing() -> None:
    made = document_made(accepted("13/04 09:00"))
    judged_again(made, {"message": "an update", "verdicts": [], "findings": []})
    assert len(made.verdicts) == 2


def test_the_first_answer_of_a_kind_counts_and_later_ones_do_not() -> None:
    record = DeliveryRecord("d1", "H37.03")
    for code, moment in (("03", 5), ("02", 6), ("02", 7), ("03", 8), ("04", 9), ("06", 10)):
        status_given(record, code, Instant(moment), "")
    assert (record.accepted, record.refused, record.acknowledged, record.moved) == (5, 6, 5, 9)
    assert record.refusal == "R99"
    assert not record.overturned


def test_an_acceptance_after_a_refusal_overturns_it() -> None:
    record = DeliveryRecord("d1", "H37.03")
    status_given(record, "02", Instant(5), "R04")
    status_given(record, "03", Instant(6), "")
    assert record.overturned
    assert record.refusal == "R04"


@given(st.integers(0, 4_000_000_000_000_000))
def test_days_are_those_of_the_clock(moment: int) -> None:
    day = day_of(Instant(moment))
    assert day == local_day(Instant(moment))
    assert midnight(day) <= moment < midnight(date.fromordinal(day.toordinal() + 1))


@pytest.mark.parametrize("text", ["", "2020-4-13", "13/04/2020", "2020-02-30", "20200413", "2020-04-13T"])
def test_what_is_no_iso_day_is_no_date(text: str) -> None:
    assert iso_day(text) is None


def test_a_signing_time_without_an_offset_is_vietnamese() -> None:
    assert read_instant("2020-04-13T08:00:00") == read_instant("2020-04-13T01:00:00Z") == at("13/04 08:00")
    assert read_instant("yesterday") is None
