"""The recount counts what ``docs/figures.md`` says, from events alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.compliance.recount_calendar import instant_of
from tests.recount_world import Log, both, counts, verdict

SENDER, RECIPIENT = "H37", "H37.03"


@pytest.fixture
def log() -> Log:
    return Log()


def of_sender(log: Log, tmp_path: Path, **asked: Any) -> dict[str, int]:
    return counts(log, tmp_path, **asked).get(SENDER, {})


def of_recipient(log: Log, tmp_path: Path, **asked: Any) -> dict[str, int]:
    return counts(log, tmp_path, **asked).get(RECIPIENT, {})


def test_a_document_that_nothing_is_wrong_with_passes_every_clause(log: Log, tmp_path: Path) -> None:
    log.accepted()
    log.delivered()
    found = of_sender(log, tmp_path)
    assert {name for name in found if name[0] == "C"} == {f"C{n}.pass" for n in range(1, 8)}
    names = ("D.sent", "D.recipients", "K2.both", "K3.n", "K3.qd28", "K3.nd30", "K9.pass", "K10.full")
    assert {name: found[name] for name in names} == dict.fromkeys(names, 1)
    assert {name: found[name] for name in ("Kf.n", "K2f.both", "K9f.pass")} == {
        "Kf.n": 1,
        "K2f.both": 1,
        "K9f.pass": 1,
    }


def test_one_document_to_sixty_counts_once_and_sixty_deliveries(log: Log, tmp_path: Path) -> None:
    log.accepted()
    for number in range(60):
        log.moved("queued", "13/04 10:00", to=f"H37.99.{number}")
        log.moved("delivered", "13/04 10:05", to=f"H37.99.{number}")
    found = counts(log, tmp_path)
    assert (found[SENDER]["D.sent"], found[SENDER]["D.recipients"]) == (1, 60)
    assert sum(names.get("K5.n", 0) for names in found.values()) == 60


@pytest.mark.parametrize(("kind", "documents"), [("update", 1), ("revoke", 1), ("replace", 2)])
def test_only_a_replacement_makes_another_document(
    log: Log, tmp_path: Path, kind: str, documents: int
) -> None:
    log.accepted()
    log.accepted("d2" if kind == "replace" else "d1", "14/04 10:00", kind=kind, message="m2")
    found = of_sender(log, tmp_path)
    assert (found["D.sent"], found.get("D.replace", 0)) == (documents, documents - 1)


@pytest.mark.parametrize(
    ("verdicts", "name"),
    [
        (both(), "K2.both"),
        ([verdict("person")], "K2.leader"),
        ([verdict("agency")], "K2.agency"),
        ([verdict("not machine-checkable")], "K2.unchecked"),
        ([verdict(indication="INDETERMINATE")], "K2.unchecked"),
        ([*both(), verdict(indication="TOTAL-FAILED")], "K2.invalid"),
        ([], "K2.none"),
        ([verdict(file=-1), verdict("agency", file=-1)], "K2.none"),
    ],
)
def test_who_signed_puts_a_document_under_one_name(
    log: Log, tmp_path: Path, verdicts: list[dict[str, Any]], name: str
) -> None:
    log.accepted(verdicts=verdicts)
    assert [one for one in of_sender(log, tmp_path) if one.startswith("K2.")] == [name]


def test_an_attachment_without_the_agencys_signature_fails_c4(log: Log, tmp_path: Path) -> None:
    pdf = {"format": "pdf"}
    log.accepted("d1", files=[pdf, {"format": "docx"}, pdf], verdicts=[*both(), verdict("agency", file=1)])
    log.accepted("d2", files=[pdf, pdf], verdicts=[*both(), verdict("person", file=1)])
    found = of_sender(log, tmp_path)
    assert (found["K2.attachments_unsigned"], found["C4.pass"], found["C4.fail"]) == (1, 1, 1)


def test_judging_again_replaces_signatures_and_what_was_found_about_them(log: Log, tmp_path: Path) -> None:
    log.accepted(verdicts=[verdict(indication="INDETERMINATE")], findings=[{"rule": "file.missing"}])
    log.add("document.rejudged", "14/04 08:00", document="d1", message="m-d1", verdicts=both(), findings=[])
    log.add("document.rejudged", "14/04 09:00", document="d1", message="other", verdicts=[], findings=[])
    found = of_sender(log, tmp_path)
    assert (found["K2.both"], found["C1.fail"], found["C5.pass"]) == (1, 1, 1)


def test_a_held_document_counts_as_sent_on_its_own_day_once_released(log: Log, tmp_path: Path) -> None:
    log.accepted("d1", "13/04 10:00", decision="hold")
    log.accepted("d2", "12/04 10:00", decision="hold")
    log.accepted("d3", "13/04 10:00", decision="hold")
    for document in ("d1", "d2"):
        log.moved("released", "15/04 10:00", document)
    log.moved("released", "15/04 10:00", "d3", kind="revoke")
    found = of_sender(log, tmp_path)
    assert (found["D.sent"], found["D.held"], found["Kf.n"]) == (1, 1, 2)
    assert "K2f.both" not in found


# Friday 10 April was signed: Monday 13 April, noon, and its end.
@pytest.mark.parametrize(
    ("when", "names"),
    [
        ("13/04 12:00", {"K3.qd28", "K3.nd30"}),
        ("13/04 12:01", {"K3.nd30"}),
        ("13/04 23:59", {"K3.nd30"}),
        ("14/04 00:00", set()),
    ],
)
def test_the_two_deadlines_are_told_apart(log: Log, tmp_path: Path, when: str, names: set[str]) -> None:
    log.accepted(when=when, verdicts=both("2020-04-10T16:30:00+07:00"))
    assert {one for one in of_sender(log, tmp_path) if one in ("K3.qd28", "K3.nd30")} == names


def test_a_holiday_puts_the_deadline_off(log: Log, tmp_path: Path) -> None:
    # Wednesday 1 April 2020; 2 April is Hùng Kings' Day: deadline Friday 3 April. Sent on that morning.
    log.accepted(when="03/04 11:00", verdicts=both("2020-04-01T10:00:00+07:00"))
    from datetime import date

    from gateway.compliance.recount_compare import recount_period

    outcome = recount_period(log.export(tmp_path), date(2020, 4, 1), date(2020, 4, 5))
    assert outcome.counts[SENDER]["K3.qd28"] == 1


def test_without_a_signing_time_the_promulgation_date_is_taken_as_rough(log: Log, tmp_path: Path) -> None:
    log.accepted("d1", verdicts=[], urgency=2)
    log.accepted("d2", verdicts=[], promulgation_date="ngày 13")
    found = of_sender(log, tmp_path)
    assert (found["K3.n"], found["K3.rough"], found["K3.unknown"]) == (1, 1, 1)
    assert "K4.n" not in found
    assert (found["C6.pass"], found["C6.unchecked"], found["C5.na"]) == (1, 1, 2)


def test_the_best_source_of_the_signing_time_counts_and_its_latest(log: Log, tmp_path: Path) -> None:
    early, late = "2020-04-01T09:00:00+07:00", "2020-04-13T09:00:00+07:00"
    declared = verdict("agency", late, time_source="declared")
    log.accepted("d1", verdicts=[verdict("person", early), declared])
    log.accepted("d2", verdicts=[verdict("person", early), verdict("agency", late)])
    assert of_sender(log, tmp_path)["K3.qd28"] == 1


@pytest.mark.parametrize(("minutes", "in_time"), [(60, 1), (61, 0)])
def test_urgent_documents_are_timed_by_minutes(log: Log, tmp_path: Path, minutes: int, in_time: int) -> None:
    log.accepted(when=f"13/04 {9 + minutes // 60:02}:{minutes % 60:02}", urgency=1)
    found = of_sender(log, tmp_path)
    assert (found["K4.n"], found.get("K4.in_time", 0), found.get("C6.fail", 0)) == (1, in_time, 1 - in_time)


def test_an_outage_on_the_deadline_morning_leaves_numerator_and_denominator(log: Log, tmp_path: Path) -> None:
    log.accepted("d1", "13/04 13:00", verdicts=both("2020-04-10T09:00:00+07:00"))
    outage = {"outage": "o1", "from": 1_586_747_100_000_000, "to": 1_586_752_800_000_000}
    log.add("outage.recorded", "14/04 10:00", **outage)  # 13/04 10:05 to 11:40
    found = of_sender(log, tmp_path)
    assert (found["K3.n"], found.get("K3x.n", 0), found["K3x.n30"], found["K3x.nd30"]) == (1, 0, 1, 1)
    log.add("outage.withdrawn", "15/04 10:00", outage="o1")
    assert of_sender(log, tmp_path)["K3x.n"] == 1


@pytest.mark.parametrize(
    ("answered", "name"),
    [
        ("13/04 23:59", "K5.same_day"),
        ("14/04 00:00", "K5.next_day"),
        ("14/04 23:59", "K5.next_day"),
        ("15/04 00:00", "K5.later"),
        ("", "K5.none"),
    ],
)
def test_acknowledged_on_the_day_of_arrival_or_later(
    log: Log, tmp_path: Path, answered: str, name: str
) -> None:
    log.accepted()
    log.delivered()
    log.status("01", "13/04 10:05", automatic=True)
    if answered:
        log.status("03", answered)
    found = of_recipient(log, tmp_path)
    bands = {"K5.same_day", "K5.next_day", "K5.later", "K5.none"}
    assert (bands & set(found), found["K5.system"]) == ({name}, 1)


def test_an_arrival_after_hours_counts_for_the_next_working_day_in_the_second_reading(
    log: Log, tmp_path: Path
) -> None:
    log.accepted()
    log.delivered("17/04 17:01")  # Friday
    log.status("02", "20/04 23:00", refusal="R05")
    found = of_recipient(log, tmp_path)
    assert ("K5.same_day" in found, found["K5.next_day"], found["K5w.same_day"]) == (False, 1, 1)
    assert (found["K6.refused"], found["K6.R05"]) == (1, 1)


def test_a_notice_of_the_gateway_is_nobodys_refusal(log: Log, tmp_path: Path) -> None:
    log.accepted()
    log.moved("queued", "13/04 10:00")
    log.status("02", "13/04 11:00", notice=True, automatic=True)
    assert "K6.refused" not in of_recipient(log, tmp_path)


def test_a_refusal_for_the_wrong_address_fails_c7_of_the_sender(log: Log, tmp_path: Path) -> None:
    log.accepted()
    log.delivered()
    log.status("02", "13/04 11:00", refusal="R01")
    log.status("03", "13/04 12:00")
    found = counts(log, tmp_path)
    assert (found[SENDER]["C7.fail"], found[RECIPIENT]["K6.overturned"]) == (1, 1)


def test_what_nobody_fetched_is_late_only_when_it_is_old_enough(log: Log, tmp_path: Path) -> None:
    log.accepted()
    log.moved("queued", "13/04 10:00")
    young = of_recipient(log, tmp_path, end="15/04 09:59")
    old = of_recipient(log, tmp_path, end="15/04 10:00")
    assert (young["K8.never"], young["K8.young"], old["K8.never"], "K8.young" in old) == (1, 1, 1, False)


def test_a_delivery_withdrawn_before_anybody_had_it_is_excluded(log: Log, tmp_path: Path) -> None:
    log.accepted()
    log.moved("queued", "13/04 10:00")
    log.moved("cancelled", "13/04 11:00")
    assert of_recipient(log, tmp_path) == {"R.excluded": 1}


def test_a_successor_handles_what_the_old_unit_keeps_for_history(log: Log, tmp_path: Path) -> None:
    log.accepted()
    log.moved("held", "13/04 10:00", to="H37.09")
    log.moved("rerouted", "14/04 10:00", addressed="H37.09", rerouted_from="H37.09")
    log.moved("delivered", "14/04 10:05")
    log.moved("queued", "13/04 10:00", to="H37.04", addressed="H37.08")
    found = counts(log, tmp_path)
    assert (found["H37.09"], found["H37.08"]) == ({"R.history": 1}, {"R.history": 1})
    assert (found[RECIPIENT]["R.n"], found[RECIPIENT]["K5.n"], found["H37.04"]["R.n"]) == (1, 1, 1)
    assert found[SENDER]["D.recipients"] == 2


def test_the_first_submission_is_the_refused_one(log: Log, tmp_path: Path) -> None:
    refused = {"sender": SENDER, "sender_level": "province", "document_id": "id-d1", "kind": "new"}
    log.add("submission.refused", "13/04 09:00", reason_code="signature.tampered", findings=[], **refused)
    log.accepted()
    found = of_sender(log, tmp_path)
    assert (found["Kf.n"], found["G.refused"], found["K2.both"]) == (1, 1, 1)
    assert "K2f.both" not in found


def test_secrecy_and_duplicates_are_no_first_submissions(log: Log, tmp_path: Path) -> None:
    sender = {"sender": SENDER, "sender_level": "province"}
    secret = [{"rule": "secrecy.marked", "severity": "refuse"}]
    log.add("submission.refused", "13/04 09:00", reason_code="secrecy.marked", findings=secret, **sender)
    log.add("submission.refused", "13/04 09:01", reason_code="duplicate.conflict", findings=[], **sender)
    found = of_sender(log, tmp_path)
    assert found == {"G.secret": 1, "G.refused": 1, "K14.conflict": 1}


def test_agencies_outside_and_excluded_ones_are_in_no_figure(log: Log, tmp_path: Path) -> None:
    log.accepted("d1", sender_level="outside")
    log.accepted("d2", sender="H37.77")
    log.accepted("d3")
    log.moved("queued", "13/04 10:00", "d3", to="G22", recipient_level="outside")
    found = counts(log, tmp_path, excluded=("H37.77",))
    assert set(found) == {SENDER}
    assert found[SENDER]["D.recipients"] == 1


def test_the_same_number_twice_in_a_year_counts_both(log: Log, tmp_path: Path) -> None:
    log.accepted("d1", number="12")
    log.accepted("d2", number="12")
    log.accepted("d3", number="12", promulgation_date="2019-04-13")
    assert of_sender(log, tmp_path)["K14.number"] == 2


def test_recalls_by_what_became_of_them_and_how_long_they_took(log: Log, tmp_path: Path) -> None:
    for number, state in enumerate(("withdrawn", "asked", "asked", "attempt")):
        log.add(
            "recall.asked",
            "13/04 10:00",
            message=f"r{number}",
            recipient=RECIPIENT,
            recipient_level="province",
            to_state=state,
        )
    log.add("recall.answered", "13/04 11:30", message="r1", recipient=RECIPIENT, to_state="agreed")
    found = of_recipient(log, tmp_path)
    assert found == {"K7.asked": 4, "K7.withdrawn": 1, "K7.confirmed": 1, "K7.open": 2}


@pytest.mark.parametrize(
    ("declared", "names"),
    [
        ("2020/04/13 10:55:00", {"K13.n"}),
        ("2020-04-13T03:55:00Z", {"K13.n"}),
        ("2020/04/13 10:54:59", {"K13.n", "K13.skewed"}),
        ("2020/04/13", set()),
        ("13/04/2020 10:55:00", set()),
    ],
)
def test_clocks_are_compared_where_a_time_of_day_was_declared(
    log: Log, tmp_path: Path, declared: str, names: set[str]
) -> None:
    log.status("03", "13/04 11:00", declared_time=declared)
    assert set(of_recipient(log, tmp_path)) == names


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0.0),
        ("1970/01/01 07:00:00", 0.0),
        ("1970-01-01 07:00:00.25", 0.25),
        ("1970-01-01T07:00:00.1234567+07:00", 0.123456),
        ("1969-12-31T19:00:01-05:00", 1.0),
        ("2020-02-29T00:00:00Z", 1_582_934_400.0),
        ("2021-02-29T00:00:00Z", None),
        ("1970-01/01 07:00:00", None),
        ("1970-01-01 24:00:00", None),
        ("1970-01-01 07:60:00", None),
        ("1970-01-01 07:00", None),
        ("1970-01-01 07:00:00+25:00", None),
        ("1970-01-01  07:00:00", None),
        ("hôm nay", None),
        ("", None),
    ],
)
def test_a_moment_is_read_in_the_forms_that_the_definitions_name(text: str, seconds: float | None) -> None:
    assert instant_of(text) == (None if seconds is None else round(seconds * 1_000_000))


def test_statuses_beyond_acceptance_within_fifteen_days(log: Log, tmp_path: Path) -> None:
    log.accepted()
    log.delivered()
    log.status("03", "13/04 11:00")
    log.status("06", "28/04 11:00")
    assert of_recipient(log, tmp_path, end="30/04 00:00")["K11.moved"] == 1
    log.bodies[-1]["at"] += 1
    late = of_recipient(log, tmp_path, end="30/04 00:00")
    assert (late["K11.n"], "K11.moved" in late, "K11.young" in late) == (1, False, False)


def test_paper_beside_the_electronic_document_is_counted(log: Log, tmp_path: Path) -> None:
    log.accepted("d1", paper="1")
    log.accepted("d2", paper=" 0 ")
    found = of_sender(log, tmp_path)
    assert (found["K12.paper"], found["K12.outside"]) == (1, 1)
