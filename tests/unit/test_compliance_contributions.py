"""What a document and a delivery add to the counts (docs/figures.md); one test changes one thing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.compliance.contributions import Key, Outage
from tests.made_events import (
    Body,
    accepted,
    at,
    both,
    delivered,
    in_batches,
    moved,
    recall,
    reference,
    refused,
    status,
    sums,
    tables,
    verdict,
)

FRIDAY, MONDAY = "17/04", "20/04"


def of_sender(*events: Body, **given: Any) -> dict[str, int]:
    return sums(events, "H37", **given)


def of_recipient(*events: Body, agency: str = "H37.03", **given: Any) -> dict[str, int]:
    return sums(events, agency, **given)


# ---- documents


def test_a_sound_document_passes_everything() -> None:
    counts = of_sender(accepted("13/04 09:00"))
    for name in ("D.sent", "K2.both", "K3.n", "K3.qd28", "K3.nd30", "K9.pass", "K10.full", "C5.pass"):
        assert counts[name] == 1, name
    assert counts["Kf.n"] == counts["K2f.both"] == counts["K9f.pass"] == 1


def test_a_held_document_is_sent_once_it_is_released_on_its_own_day() -> None:
    held = accepted("13/04 09:00", decision="hold")
    assert of_sender(held) == {"D.held": 1, "Kf.n": 1}
    found = tables([held, moved("held", "13/04 09:00"), moved("released", "15/04 09:00")])
    counts = found[Key("2020-04-13", "H37", "province")]
    assert counts["D.sent"] == 1
    assert "D.held" not in counts


def test_releasing_the_notice_of_a_recall_releases_no_document() -> None:
    held = accepted("13/04 09:00", decision="hold")
    assert "D.sent" not in of_sender(held, moved("released", "13/04 10:00", kind="revoke"))


@pytest.mark.parametrize(
    ("verdicts", "name"),
    [
        ([], "K2.none"),
        ([verdict("person", "13/04 08:00")], "K2.leader"),
        ([verdict("agency", "13/04 08:00")], "K2.agency"),
        ([verdict("not machine-checkable")], "K2.unchecked"),
        ([verdict("person", indication="INDETERMINATE")], "K2.unchecked"),
        ([*both(), verdict("agency", indication="TOTAL-FAILED")], "K2.invalid"),
        ([*both(), verdict("agency", indication="TOTAL-FAILED", file=-1)], "K2.both"),
        ([*both(), verdict("agency", indication="TOTAL-FAILED", file=1)], "K2.both"),
    ],
)
def test_each_document_counts_under_exactly_one_way_of_being_signed(verdicts: list[Body], name: str) -> None:
    counts = of_sender(accepted("13/04 09:00", verdicts=verdicts))
    ways = ("K2.invalid", "K2.both", "K2.leader", "K2.agency", "K2.unchecked", "K2.none")
    assert [way for way in ways if way in counts] == [name]


def test_another_pdf_without_the_seal_is_an_unsigned_attachment() -> None:
    files = [{"format": "pdf"}, {"format": "docx"}, {"format": "pdf"}]
    assert of_sender(accepted("13/04 09:00", files=files))["K2.attachments_unsigned"] == 1
    sealed = [*both(), verdict("agency", "13/04 08:00", file=1)]
    assert "K2.attachments_unsigned" not in of_sender(accepted("13/04 09:00", files=files, verdicts=sealed))


def test_the_best_source_of_a_signing_time_decides_and_then_the_latest() -> None:
    late = [
        verdict("person", "10/04 08:00"),
        verdict("agency", "10/04 09:00"),
        verdict("agency", "13/04 08:00", time_source="declared"),
    ]
    counts = of_sender(accepted("13/04 13:00", verdicts=late))  # Friday 10 April to Monday 13 April
    assert "K3.qd28" not in counts
    assert counts["K3.nd30"] == 1


def test_a_date_alone_is_the_end_of_its_day_and_rough() -> None:
    counts = of_sender(accepted("13/04 09:00", verdicts=[], urgency=1))
    assert counts["K3.rough"] == counts["K3.qd28"] == 1
    assert "K4.n" not in counts


def test_without_a_readable_date_the_signing_time_is_unknown() -> None:
    counts = of_sender(accepted("13/04 09:00", verdicts=[], promulgation_date="tháng 4"))
    assert counts["K3.unknown"] == counts["C6.unchecked"] == 1
    assert "K3.n" not in counts


def test_a_signing_time_in_the_future_counts_as_the_moment_of_sending() -> None:
    counts = of_sender(accepted("13/04 09:00", verdicts=both("14/04 09:00"), urgency=2))
    assert counts["K3.qd28"] == counts["K4.in_time"] == 1


@pytest.mark.parametrize(
    ("sent", "qd28", "nd30"),
    [(f"{MONDAY} 12:00", 1, 1), (f"{MONDAY} 12:01", 0, 1), (f"{MONDAY} 23:59", 0, 1), ("21/04 00:00", 0, 0)],
)
def test_the_two_readings_end_at_noon_and_at_midnight(sent: str, qd28: int, nd30: int) -> None:
    counts = of_sender(accepted(sent, verdicts=both(f"{FRIDAY} 16:30")))
    assert (counts.get("K3.qd28", 0), counts.get("K3.nd30", 0)) == (qd28, nd30)


def test_a_document_signed_on_a_rest_day_is_told() -> None:
    assert of_sender(accepted("19/04 10:00", verdicts=both("19/04 09:00")))["D.rest_day"] == 1


@pytest.mark.parametrize(("sent", "in_time"), [("13/04 09:00", 1), ("13/04 09:01", 0)])
def test_urgent_documents_have_sixty_minutes(sent: str, in_time: int) -> None:
    counts = of_sender(accepted(sent, urgency=1))
    assert counts["D.urgent"] == counts["K4.n"] == 1
    assert counts.get("K4.in_time", 0) == in_time


def test_an_outage_takes_a_late_document_out_and_leaves_one_in_time() -> None:
    outage = reference(Outage("", at(f"{MONDAY} 10:05"), at(f"{MONDAY} 11:40")))
    late = of_sender(accepted(f"{MONDAY} 14:00", verdicts=both(f"{FRIDAY} 16:30")), ref=outage)
    assert late["K3.n"] == 1
    assert "K3x.n" not in late
    assert late["K3x.n30"] == late["K3x.nd30"] == 1
    timely = of_sender(accepted(f"{MONDAY} 09:00", verdicts=both(f"{FRIDAY} 16:30")), ref=outage)
    assert timely["K3x.n"] == timely["K3x.qd28"] == 1


@pytest.mark.parametrize(
    "outage",
    [
        Outage("H37.31", at(f"{MONDAY} 10:05"), at(f"{MONDAY} 11:40")),
        Outage("", at(f"{MONDAY} 12:00"), at(f"{MONDAY} 13:00")),
        Outage("", at(f"{FRIDAY} 15:00"), at(f"{FRIDAY} 16:30")),
    ],
    ids=["another agency's", "after the deadline", "before the signing"],
)
def test_an_outage_that_lies_elsewhere_excuses_nothing(outage: Outage) -> None:
    late = of_sender(accepted(f"{MONDAY} 14:00", verdicts=both(f"{FRIDAY} 16:30")), ref=reference(outage))
    assert late["K3x.n"] == 1


@pytest.mark.parametrize(("paper", "counted"), [("", 0), ("0", 0), (" 0 ", 0), ("1", 1), ("có", 1)])
def test_paper_besides_is_what_is_neither_empty_nor_zero(paper: str, counted: int) -> None:
    assert of_sender(accepted("13/04 09:00", paper=paper)).get("K12.paper", 0) == counted


def test_two_documents_of_a_year_with_one_number_both_count_as_duplicates() -> None:
    same = {"number": "5", "notation": "UBND"}
    first, second = accepted("13/04 09:00", "d1", **same), accepted("14/04 09:00", "d2", **same)
    assert of_sender(first, second)["K14.number"] == 2
    other = accepted("14/04 09:00", "d2", **same, promulgation_date="2019-12-31")
    assert "K14.number" not in of_sender(first, other)


def test_refusing_at_the_gate_keeps_the_first_submission_in_the_count() -> None:
    counts = of_sender(refused("13/04 08:00", "id-d1"), accepted("13/04 09:00"))
    assert counts["Kf.n"] == counts["G.refused"] == 1
    assert "K2f.both" not in counts
    assert counts["K2.both"] == 1


def test_a_refusal_without_an_identifier_is_a_first_submission_of_its_own() -> None:
    assert of_sender(refused("13/04 08:00"), refused("13/04 08:01"))["Kf.n"] == 2


@pytest.mark.parametrize("rule", ["secrecy.mark", "duplicate.conflict"])
def test_secrets_and_duplicates_use_up_no_first_submission(rule: str) -> None:
    counts = of_sender(refused("13/04 08:00", "id-d1", rule=rule), accepted("13/04 09:00"))
    assert counts["Kf.n"] == counts["K2f.both"] == 1
    assert ("G.secret" in counts) == rule.startswith("secrecy")
    assert ("K14.conflict" in counts) == rule.startswith("duplicate")


def test_a_refused_status_is_no_first_submission() -> None:
    assert "Kf.n" not in of_sender(refused("13/04 08:00", kind="status"))


def test_agencies_outside_are_in_no_figure() -> None:
    outside = accepted("13/04 09:00", sender="G22") | {"sender_level": "outside"}
    inside = [outside, moved("queued", "13/04 09:00")]
    assert sums(inside, "G22") == {}
    assert sums(inside, "H37.03") == {"R.n": 1, "K8.never": 1}


# ---- deliveries


def test_a_delivery_that_nobody_fetched_counts_as_never() -> None:
    assert of_recipient(moved("queued", "13/04 09:00")) == {"R.n": 1, "K8.never": 1}


def test_a_delivery_without_fetch_is_fetched_when_it_arrived() -> None:
    counts = of_recipient(moved("queued", "13/04 09:00"), moved("delivered", "13/04 09:05"))
    assert "K8.never" not in counts
    assert counts["A.pulled"] == 1


@pytest.mark.parametrize(("fetched", "late"), [("15/04 09:00", 0), ("15/04 09:01", 1)])
def test_fetching_is_late_after_forty_eight_hours(fetched: str, late: int) -> None:
    counts = of_recipient(moved("queued", "13/04 09:00"), moved("fetched", fetched))
    assert counts.get("K8.late", 0) == late


@pytest.mark.parametrize("how", ["cancelled", "rejected"])
def test_what_was_withdrawn_before_anybody_had_it_is_excluded(how: str) -> None:
    assert of_recipient(moved("queued", "13/04 09:00"), moved(how, "13/04 10:00")) == {"R.excluded": 1}


def test_what_was_withdrawn_and_arrived_after_all_counts() -> None:
    events = [moved("queued", "13/04 09:00"), moved("cancelled", "13/04 10:00"), *delivered("13/04 11:00")]
    assert of_recipient(*events)["R.n"] == 1


def test_deliveries_of_statuses_and_notices_are_not_looked_at() -> None:
    for kind in ("status", "revoke"):
        assert of_recipient(moved("queued", "13/04 09:00", kind=kind)) == {}


@pytest.mark.parametrize(
    ("answered", "band"),
    [
        ("13/04 23:59", "same_day"),
        ("14/04 00:00", "next_day"),
        ("14/04 23:59", "next_day"),
        ("15/04 00:00", "later"),
    ],
)
def test_acknowledging_is_counted_by_the_day_of_arrival(answered: str, band: str) -> None:
    counts = of_recipient(*delivered("13/04 09:00"), status("03", answered))
    found = [one for one in ("same_day", "next_day", "later", "none") if f"K5.{one}" in counts]
    assert found == [band]


def test_the_next_working_day_after_a_friday_is_monday() -> None:
    assert of_recipient(*delivered(f"{FRIDAY} 09:00"), status("02", f"{MONDAY} 20:00"))["K5.next_day"] == 1


def test_the_systems_answer_is_not_the_clerks() -> None:
    counts = of_recipient(*delivered("13/04 09:00"))
    assert counts["K5.system"] == counts["K5.none"] == 1


def test_the_gateways_own_notice_is_nobodys_refusal() -> None:
    counts = of_recipient(*delivered("13/04 09:00"), status("02", "13/04 10:00", notice=True))
    assert "K6.refused" not in counts


def test_a_refusal_counts_by_its_reason_and_overturned_when_accepted_later() -> None:
    events = [
        *delivered("13/04 09:00"),
        status("02", "13/04 10:00", refusal="R03"),
        status("03", "14/04 10:00"),
    ]
    counts = of_recipient(*events)
    assert counts["K6.refused"] == counts["K6.R03"] == counts["K6.overturned"] == 1


def test_a_return_for_the_wrong_addressee_fails_the_senders_document() -> None:
    back = status("02", "13/04 10:00", refusal="R01")
    counts = of_sender(accepted("13/04 09:00"), *delivered("13/04 09:00"), back)
    assert counts["C7.fail"] == counts["K9.fail"] == 1


@pytest.mark.parametrize(
    ("moved_on", "counted"), [("28/04 10:00", 1), ("28/04 10:01", 0), ("12/04 10:00", 1)]
)
def test_a_further_status_is_due_within_fifteen_days(moved_on: str, counted: int) -> None:
    events = [*delivered("13/04 09:00"), status("03", "13/04 10:00"), status("05", moved_on)]
    counts = of_recipient(*events)
    assert counts["K11.n"] == 1
    assert counts.get("K11.moved", 0) == counted


def test_rerouting_moves_the_delivery_and_leaves_the_old_unit_its_history() -> None:
    events = [
        moved("held", "13/04 09:00", "H37.31.21"),
        moved("rerouted", "14/04 09:00", "H37.31", rerouted_from="H37.31.21", addressed="H37.31.21"),
        moved("delivered", "14/04 10:00", "H37.31"),
    ]
    found = tables([accepted("13/04 09:00"), *events])
    assert found[Key("2020-04-13", "H37.31.21", "commune")] == {"R.history": 1}
    assert found[Key("2020-04-13", "H37.31", "district")]["R.n"] == 1
    assert found[Key("2020-04-14", "H37.31", "district")]["A.pulled"] == 1
    assert found[Key("2020-04-13", "H37", "province")]["D.recipients"] == 1


def test_a_recall_counts_by_its_newest_answer_on_the_day_it_was_asked() -> None:
    asked = recall("asked", "13/04 09:00", "asked")
    assert of_recipient(asked) == {"K7.asked": 1, "K7.open": 1}
    answers = [recall("answered", "14/04 09:00", "refused"), recall("answered", "15/04 09:00", "agreed")]
    assert of_recipient(asked, *answers) == {"K7.asked": 1, "K7.confirmed": 1}
    assert of_recipient(recall("asked", "13/04 09:00", "withdrawn")) == {"K7.asked": 1, "K7.withdrawn": 1}


@pytest.mark.parametrize(
    ("declared", "counts"),
    [
        ("2020/04/13 10:05:00", {"K13.n": 1}),
        ("2020-04-13T03:00:00Z", {"K13.n": 1}),
        ("2020/04/13 10:05:01", {"K13.n": 1, "K13.skewed": 1}),
        ("2020/04/13", {}),
        ("13/04/2020 10:00:00", {}),
        ("2020/04-13 10:00:00", {}),
        ("2020/04/31 10:00:00", {}),
    ],
)
def test_clocks_are_compared_where_a_time_of_day_can_be_read(declared: str, counts: dict[str, int]) -> None:
    found = of_recipient(status("13", "13/04 10:00", declared_time=declared))
    assert found == counts


# ---- batches

_TIMES = st.sampled_from([f"{day:02}/04 {hour:02}:00" for day in (13, 17, 18, 20) for hour in (8, 16, 22)])
_DOCUMENTS = st.sampled_from(["d1", "d2"])
_AGENCIES = st.sampled_from(["H37.03", "H37.31", "H37.31.21"])
_KINDS = st.sampled_from(["new", "update", "replace", "status", "revoke"])
_EVENTS = st.one_of(
    st.builds(
        lambda when, document, decision, number: accepted(
            when, document, decision=decision, number=number, notation="UBND"
        ),
        _TIMES, _DOCUMENTS, st.sampled_from(["accept", "hold"]), st.sampled_from(["1", "2"]),
    ),
    st.builds(
        lambda what, when, recipient, document, kind: moved(
            what, when, recipient, document, kind=kind, rerouted_from="H37.31.21", addressed="H37.31.21"
        ),
        st.sampled_from(
            ["queued", "held", "released", "rerouted", "fetched", "delivered", "cancelled", "rejected"]
        ),
        _TIMES, _AGENCIES, _DOCUMENTS, _KINDS,
    ),
    st.builds(
        lambda code, when, reporter, document: status(code, when, reporter, document, refusal="R01"),
        st.sampled_from(["01", "02", "03", "04", "06", "13"]), _TIMES, _AGENCIES, _DOCUMENTS,
    ),
    st.builds(
        lambda word, when, state: recall(word, when, state),
        st.sampled_from(["asked", "answered"]), _TIMES, st.sampled_from(["asked", "agreed", "refused"]),
    ),
    st.builds(lambda when, document: refused(when, f"id-{document}"), _TIMES, _DOCUMENTS),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(_EVENTS, max_size=30), st.lists(st.integers(1, 6), max_size=30))
def test_any_order_in_any_batches_gives_the_same_tables_as_one_pass(
    events: list[Body], sizes: list[int]
) -> None:
    batches, place = [], 0
    for size in [*sizes, len(events)]:
        batches.append(events[place : place + size])
        place += size
    found = in_batches(batches)
    assert found == tables(events)
    assert all(number > 0 for counts in found.values() for number in counts.values())
