"""The made-up exchange: repeatable, with the shares that were asked for, shaped like a real one, marked."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway import app
from gateway.cli import main
from gateway.clock import ScenarioClock
from gateway.config import load
from gateway.errors import NotReady
from gateway.flow import conservation
from gateway.flow.log_verify import verify_log
from gateway.flow.operate import LOCAL, run
from gateway.model.canonical import canonical_json
from gateway.model.text import Instant
from gateway.practice.synthetic import Exchange, events
from gateway.practice.synthetic_home import MARKER, Simulated, simulate
from gateway.practice.synthetic_plan import LOAD_3, Plan, Story
from gateway.practice.synthetic_time import DAY, HOUR, day_of, midnight
from tests.world import World

NO_STORIES: frozenset[Story] = frozenset()
BROAD = Plan(days=12, documents_per_day=700, seed=7, stories=NO_STORIES)
TOLD = Plan(days=14, documents_per_day=400, seed=3)
Body = dict[str, Any]


@lru_cache(maxsize=4)
def bodies(plan: Plan) -> list[Body]:
    return [orjson.loads(made.body) for made in events(plan)]


def of(plan: Plan, kind: str) -> list[Body]:
    return [body for body in bodies(plan) if body["type"] == kind]


def near(found: float, wanted: float, by: float) -> bool:
    return abs(found - wanted) <= by


def made_documents() -> list[Body]:
    """Of the province itself: new and replacing ones."""
    return [
        body
        for body in of(BROAD, "document.accepted")
        if body["kind"] in ("new", "replace") and body["sender_level"] != "outside"
    ]


def test_the_same_seed_gives_the_same_events_and_another_seed_others() -> None:
    plan = Plan(days=2, documents_per_day=60, seed=5)
    first = [made.body for made in events(plan)]
    assert first == [made.body for made in events(plan)]
    assert first != [made.body for made in events(Plan(days=2, documents_per_day=60, seed=6))]


def test_events_come_in_the_order_of_their_time_and_no_id_comes_twice() -> None:
    keys = [(made.at, made.id) for made in events(TOLD)]
    assert keys == sorted(keys)
    assert len({id for _, id in keys}) == len(keys)


def test_bodies_are_canonical_and_columns_are_projections_of_them() -> None:
    for made in events(Plan(days=3, documents_per_day=150)):
        body = orjson.loads(made.body)
        assert canonical_json(body) == made.body
        for name in ("at", "id", "type", "document", "message", "delivery", "sender", "recipient"):
            assert body.get(name) == getattr(made, name), (made.type, name)


async def test_events_have_the_shape_of_real_ones(world: World) -> None:
    """Each field of a real event is there, but for receipts, which nobody was given."""
    await world.send("H37", to=["H37.03"], document_id="D1")
    await world.fetch("H37.03")
    await world.report("H37.03", "03", "D1")
    rows = await world.rows("events_after", at=0, id="", limit=1000)
    real: dict[str, set[str]] = {}
    for row in rows:
        body = orjson.loads(bytes(row["body"]))  # type: ignore[call-overload]
        real.setdefault(body["type"], set(body))
    left_out = {"receipt", "receipt_sha256", "commitments", "policies"}
    for kind in (
        "document.accepted",
        "delivery.queued",
        "delivery.fetched",
        "delivery.delivered",
        "status.reported",
    ):
        assert real[kind] - left_out <= set(of(TOLD, kind)[0]), kind


def test_the_load_by_level_is_as_asked() -> None:
    count = Counter(body["sender_level"] for body in made_documents())
    whole = sum(count.values())
    province = LOAD_3["office"] + LOAD_3["department"] + LOAD_3["subordinate"]
    assert near(count["province"] / whole, province, 0.03)
    assert near(count["district"] / whole, LOAD_3["district"], 0.03)
    assert near(count["commune"] / whole, LOAD_3["commune"], 0.03)


def test_a_working_day_has_its_load_and_a_day_off_little_of_it() -> None:
    days = Counter(day_of(Instant(body["at"])) for body in of(BROAD, "document.accepted"))
    assert near(days[date(2020, 4, 8)], 700, 90)  # a Wednesday
    assert 0 < days[date(2020, 4, 2)] < 50  # Hùng Kings
    assert 0 < days[date(2020, 4, 5)] < 50  # a Sunday


def test_fan_out_urgency_and_refusals_are_as_asked() -> None:
    documents = made_documents()
    sizes = [len(body["recipients"]) for body in documents]
    assert near(sum(size == 1 for size in sizes) / len(sizes), 0.6, 0.05)
    assert 3 <= sum(sizes) / len(sizes) <= 4.5
    assert max(sizes) > 30
    assert near(sum(body["urgency"] > 0 for body in documents) / len(documents), 0.06, 0.015)
    answers = Counter(body["status"] for body in of(BROAD, "status.reported"))
    assert 0.005 <= answers["02"] / (answers["02"] + answers["03"]) <= 0.02
    assert all(
        body["refusal"].startswith("R") for body in of(BROAD, "status.reported") if body["status"] == "02"
    )
    refused = len(of(BROAD, "submission.refused")) / len(documents)
    assert near(refused, BROAD.shares.refused_at_gate, 0.004)


def test_units_sign_both_ways_and_in_time_as_asked() -> None:
    documents = made_documents()
    both = [{"person", "agency"} <= roles_passed(body) for body in documents]
    assert near(sum(both) / len(both), 0.92, 0.03)
    late = [signed_late(body) for body in documents if roles_passed(body) and not body["urgency"]]
    assert near(1 - sum(late) / len(late), 0.955, 0.025)


def roles_passed(body: Body) -> set[str]:
    verdicts = [one for one in body["verdicts"] if one["file"] == 0]
    return {one["role"] for one in verdicts if one["indication"] == "TOTAL-PASSED"}


def signed_late(body: Body) -> bool:
    """After the noon of the next working day; the calendar of the test is that of the exchange."""
    calendar = Exchange(BROAD).calendar
    day = date.fromisoformat(body["promulgation_date"])
    deadline = midnight(calendar.next_working_day(day)) + 12 * HOUR
    return bool(body["at"] > deadline)


def test_clerks_answer_on_the_same_day_as_asked() -> None:
    arrived = {
        (body["document"], body["recipient"]): day_of(Instant(body["at"]))
        for body in of(BROAD, "delivery.delivered")
        if body["at"] < midnight(BROAD.last) - 7 * DAY // 7
    }
    answered: dict[tuple[str, str], date] = {}
    for body in of(BROAD, "status.reported"):
        if body["status"] in ("02", "03"):
            answered.setdefault((body["document"], body["sender"]), day_of(Instant(body["at"])))
    same = sum(answered.get(key) == day for key, day in arrived.items())
    assert near(same / len(arrived), 0.915, 0.03)


def test_a_commune_signs_three_days_with_an_expired_certificate() -> None:
    told = story(Story.CERTIFICATE)
    sent = [body for body in of(TOLD, "document.accepted") if body["sender"] == told.agency]
    expired = [
        date.fromisoformat(body["promulgation_date"])
        for body in sent
        if any(verdict["sub_indication"] == "EXPIRED" for verdict in body["verdicts"])
    ]
    assert expired
    assert told.first <= min(expired) <= max(expired) <= told.last
    assert (told.last - told.first).days >= 2


def test_a_department_signs_by_its_leader_only() -> None:
    told = story(Story.LEADER)
    sent = [body for body in of(TOLD, "document.accepted") if body["sender"] == told.agency]
    assert sent
    assert all(roles_passed(body) == {"person"} for body in sent)


def test_a_stuck_unit_fetches_nothing_until_it_is_mended() -> None:
    told = story(Story.STUCK)
    queued = [body for body in of(TOLD, "delivery.queued") if body["recipient"] == told.agency]
    fetched = [body for body in of(TOLD, "delivery.fetched") if body["recipient"] == told.agency]
    begin = midnight(told.first)
    assert any(body["at"] >= begin for body in queued)
    assert fetched  # before
    assert not [body for body in fetched if begin + 5 * HOUR // 60 < body["at"] < begin + 10 * DAY]


def test_nothing_happens_while_the_gateway_is_away_and_the_outage_is_recorded() -> None:
    told = story(Story.OUTAGE)
    [recorded] = of(TOLD, "outage.recorded")
    begin, end = recorded["from"], recorded["to"]
    assert (begin, end) == (midnight(told.first) + 605 * HOUR // 60, midnight(told.first) + 700 * HOUR // 60)
    assert not [body for body in bodies(TOLD) if begin <= body["at"] < end]
    assert recorded["proposed_by"] != recorded["approver"]
    at_once = [body for body in of(TOLD, "document.accepted") if end <= body["at"] < end + HOUR]
    assert at_once


def test_a_merged_commune_is_still_addressed_by_its_old_code() -> None:
    plan = Plan(date(2025, 6, 30), 8, 400, 1, 2, frozenset({Story.MERGED}))
    [told] = Exchange(plan).planted.told
    named = [body for body in bodies(plan) if body.get("addressed") == told.agency]
    assert named
    assert all(day_of(Instant(body["at"])) >= date(2025, 7, 1) for body in named)
    assert all(body["recipient"] != told.agency and body["recipient_level"] == "commune" for body in named)
    since = midnight(date(2025, 7, 1))
    senders = {body["sender_level"] for body in of(plan, "document.accepted") if body["at"] >= since}
    assert senders == {"province", "commune", "outside"}


def test_a_register_declares_no_fewer_documents_than_were_sent() -> None:
    sent: Counter[tuple[str, str]] = Counter()
    for body in made_documents():
        if body["decision"] == "accept":
            sent[body["sender"], day_of(Instant(body["at"])).isoformat()] += 1
    declared = {
        (body["agency"], body["from"]): body["outgoing_total"] for body in of(BROAD, "totals.declared")
    }
    less = [key for key, total in declared.items() if total < sent[key]]
    assert len(less) < 0.01 * len(declared)
    agencies = defaultdict(set)
    for agency, day in declared:
        agencies[agency].add(day)
    assert all(len(days) == BROAD.days for days in agencies.values())


def story(which: Story) -> Any:
    [told] = [one for one in Exchange(TOLD).planted.told if one.story is which]
    return told


SMALL = Plan(days=3, documents_per_day=120, seed=4)


async def made(home: Path, plan: Plan = SMALL) -> Simulated:
    return await simulate(home, plan)


async def test_the_same_seed_gives_the_same_log_root(tmp_path: Path) -> None:
    one, two = await made(tmp_path / "one"), await made(tmp_path / "two")
    assert (one.size, one.root) == (two.size, two.root)
    assert one.size == one.events + 2  # directory and signers were imported
    other = await made(tmp_path / "three", Plan(days=3, documents_per_day=120, seed=5))
    assert other.root != one.root


async def test_the_home_is_marked_and_can_be_looked_at_like_a_real_one(tmp_path: Path) -> None:
    home = tmp_path / "home"
    simulated = await made(home)
    assert "MÔ PHỎNG" in (home / MARKER).read_text("utf-8")
    config = load(home)
    assert config.gateway.synthetic
    clock = ScenarioClock(midnight(SMALL.last + timedelta(days=1)))
    gw = await app.open_services(home, config, clock, "test")
    try:
        listed = (await run(gw, "trace.list", {"limit": 5}))["documents"]
        trace = await run(gw, "trace.show", {"reference": listed[0]["id"]})
        verified = await verify_log(gw, LOCAL)
    finally:
        await gw.close()
    assert "(mô phỏng)" in listed[0]["subject"]
    assert trace["deliveries"]
    assert {event["type"] for event in trace["events"]} >= {"document.accepted", "delivery.queued"}
    assert verified["fits"], verified
    assert simulated.documents > 100


async def test_deliveries_stand_where_their_events_leave_them(tmp_path: Path) -> None:
    home = tmp_path / "home"
    await made(home)
    gw = await app.open_services(
        home, load(home), ScenarioClock(midnight(SMALL.last + timedelta(days=1))), "test"
    )
    try:
        while await conservation.count(gw):
            pass
        differences = [await conservation.compare(gw) for _ in range(4)]
    finally:
        await gw.close()
    assert differences == [0, 0, 0, 0]


async def test_a_folder_without_the_marker_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("mine")
    with pytest.raises(NotReady):
        await made(tmp_path)
    assert (tmp_path / "letter").read_text() == "mine"


def test_the_command_tells_what_was_planted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "simulate",
        "province",
        "--home",
        str(tmp_path / "home"),
        "--days",
        "2",
        "--documents-per-day",
        "50",
    ]
    assert main([*words, "--stories", "leader", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["synthetic"] is True
    assert [one["story"] for one in told["stories"]] == ["leader"]
    assert len(told["log"]["root"]) == 64


def test_an_unknown_story_is_a_wrong_call(tmp_path: Path) -> None:
    assert main(["simulate", "province", "--home", str(tmp_path / "home"), "--stories", "dragons"]) == 2
