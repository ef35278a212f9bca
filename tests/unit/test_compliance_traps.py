"""The ten traps of counting official documents (reference, section 4.4), each by its name."""

from __future__ import annotations

from gateway.compliance.contributions import Key, Outage
from gateway.compliance.forms_307 import score
from gateway.compliance.scorecard import ESTIMATED, Known, rate, rates
from gateway.compliance.sheet import Ratio
from tests.made_events import accepted, at, both, delivered, moved, reference, status, sums, tables

SIXTY = [f"H37.40.{number:02}" for number in range(60)]


def test_trap_1_one_document_to_sixty_recipients_is_one_document_and_sixty_deliveries() -> None:
    events = [accepted("13/04 09:00"), *(one for code in SIXTY for one in delivered("13/04 09:00", code))]
    found = tables(events)
    assert found[Key("2020-04-13", "H37", "province")]["K2.both"] == 1
    assert found[Key("2020-04-13", "H37", "province")]["D.recipients"] == 60
    assert sum(counts.get("K5.n", 0) for counts in found.values()) == 60


def test_trap_2_resend_recall_and_update_make_no_document_and_a_replacement_does() -> None:
    first = accepted("13/04 09:00")
    again = accepted("13/04 10:00")  # the same gateway document
    update = accepted("13/04 11:00", kind="update")
    recall = accepted("13/04 12:00", kind="revoke")
    replacement = accepted("14/04 09:00", "d2", kind="replace")
    counts = sums([first, again, update, recall, replacement])
    assert counts["D.sent"] == 2
    assert counts["D.replace"] == 1


def test_trap_3_what_arrives_after_a_merger_is_the_successors_and_the_old_units_history() -> None:
    queued = moved("queued", "2025-07-02 09:00", "H37.31.21", addressed="H37.31.20")
    arrived = moved("delivered", "2025-07-02 09:05", "H37.31.21")
    found = tables([queued, arrived])
    assert found[Key("2025-07-02", "H37.31.20", "commune")] == {"R.history": 1}
    assert found[Key("2025-07-02", "H37.31.21", "commune")]["R.n"] == 1


def test_trap_4_an_empty_denominator_is_a_dash_and_a_small_one_is_marked() -> None:
    assert rate("K4", "H37", 0, 0).text == "—"
    assert rate("K4", "H37", 19, 19).small
    assert not rate("K4", "H37", 20, 20).small


def test_trap_5_a_late_status_changes_the_day_it_belongs_to() -> None:
    events = [*delivered("13/04 09:00")]
    before = tables(events)[Key("2020-04-13", "H37.03", "province")]
    after = tables([*events, status("03", "20/05 09:00")])[Key("2020-04-13", "H37.03", "province")]
    assert before["K5.none"] == 1
    assert after["K5.later"] == after["K11.n"] == 1


def test_trap_6_an_outage_is_shown_with_and_without() -> None:
    ref = reference(Outage("", at("20/04 10:05"), at("20/04 11:40")))
    late = accepted("20/04 14:00", verdicts=both("17/04 16:30"))
    [with_outage, without] = [
        one for one in rates({"H37": sums([late], ref=ref)}) if one.key in ("K3", "K3x")
    ]
    assert (with_outage.numerator, with_outage.denominator) == (0, 1)
    assert without.text == "—"


def test_trap_7_what_is_not_all_prints_at_most_99_9() -> None:
    assert rate("K2", "all", 9996, 10_000).text == "99,9 %"


def test_trap_8_the_score_goes_by_whole_steps_beside_the_raw_ratio() -> None:
    ratio = Ratio(749, 1000)
    assert ratio.tenths == 749
    assert score(ratio, False) == score(Ratio(700, 1000), False)
    assert score(Ratio(750, 1000), False) != score(ratio, False)


def test_trap_9_an_arrival_on_a_sunday_night_has_two_readings() -> None:
    counts = sums([*delivered("19/04 22:00"), status("03", "20/04 08:00")], "H37.03")
    assert "K5.same_day" not in counts
    assert counts["K5.next_day"] == counts["K5w.same_day"] == 1


def test_trap_10_an_estimate_from_the_number_series_is_labelled() -> None:
    made = rates({"H37": {"D.sent": 50}}, outgoing={"H37": Known(80, 50, 0, ESTIMATED)})
    assert next(one for one in made if one.key == "K1").source == ESTIMATED
