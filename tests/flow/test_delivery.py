"""The worker: what is pushed, what is tried again, what gives up, and what never overtakes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import ClassVar

import pytest

from gateway.clock import SECOND, ScenarioClock
from gateway.delivery.janitor import Janitor, free_expired_leases, sweep_payloads
from gateway.delivery.retry import GIVE_UP_AFTER, WAITS, wait_after
from gateway.delivery.settle import Attempt, settle
from gateway.delivery.worker import Worker, claim_due
from gateway.directory.data import DirectoryData
from gateway.edxml.parse import parse_envelope
from gateway.errors import BadRequest, NotPermitted, WrongState
from gateway.flow import hold, office
from gateway.flow.door import Caller
from gateway.flow.operate import LOCAL
from gateway.model.agency import Agency, Period, Profile, Succession, SuccessionKind
from gateway.model.envelope import Kind
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.port import Delivered, Outcome, Parcel, Refused, TryLater
from gateway.store import deliveries
from gateway.store.contract import Conflict
from gateway.store.people import Role
from tests.world import MONDAY, World

DOWN = TryLater("connect.refused", Bilingual("Không kết nối được.", "Connection refused."))
DOCUMENT = "H37,2020/04/13,362/UBND-KGVX"


class Partner:
    """A recipient's system behind a push adapter: answers as told, remembers what it got."""

    kind: ClassVar[str] = "webhook"
    pull: ClassVar[bool] = False

    def __init__(self) -> None:
        self.answers: dict[str, Outcome | Exception] = {}
        self.got: list[tuple[str, str, bytes]] = []
        self.seen: list[str] = []

    def check_settings(self, settings: Mapping[str, str]) -> list[Bilingual]:
        return []

    async def deliver(self, parcel: Parcel) -> Outcome:
        data = b"".join([chunk async for chunk in parcel.open()])
        self.seen.append(parcel.delivery_id)
        answer = self.answers.get(parcel.recipient, Delivered("200 OK"))
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Delivered):
            self.got.append((parcel.recipient, parcel.kind.value, data))
        return answer

    async def close(self) -> None:
        return None


@pytest.fixture
async def partner(world: World) -> Partner:
    for code in ("H37.03", "H37.05"):
        await office.set_profile(world.gw, LOCAL, Profile(AgencyCode(code), "webhook"))
    return Partner()


async def turn(world: World, partner: Partner) -> int:
    """One turn of the worker: claim what is due, carry it, settle it. How many attempts."""
    worker = Worker(world.gw, {"webhook": partner})
    attempts = await world.gw.store.write(lambda tx: claim_due(tx, world.gw, 32))
    await asyncio.gather(*(worker._carry(attempt) for attempt in attempts))
    return len(attempts)


async def drain(world: World, partner: Partner) -> None:
    while await turn(world, partner):
        continue


async def row(world: World, document: str, recipient: str = "H37.03") -> dict[str, object]:
    rows = await world.rows("deliveries_of_document", document=document)
    return next(r for r in rows if r["recipient"] == recipient and r["kind"] != "status")


def wait(world: World, microseconds: int) -> None:
    world.clock.jump_to(Instant(world.clock.now() + microseconds))


def limit_destination(world: World, attempts: int) -> None:
    delivery = world.gw.config.delivery.model_copy(update={"per_destination": attempts})
    world.gw.config = world.gw.config.model_copy(update={"delivery": delivery})


async def test_a_push_recipient_gets_the_bytes_and_the_sender_its_01(world: World, partner: Partner) -> None:
    submission = await world.send()
    await drain(world, partner)
    assert (await row(world, submission.document))["state"] == "delivered"
    [taken] = await world.fetch("H37")
    status = parse_envelope(taken.data).envelope.status
    assert status is not None
    assert status.code == "01"


async def test_a_partner_that_is_down_costs_retries_and_no_document(world: World, partner: Partner) -> None:
    submission = await world.send()
    partner.answers["H37.03"] = DOWN
    await drain(world, partner)
    assert (await row(world, submission.document))["state"] == "queued"
    partner.answers.clear()
    wait(world, 40 * SECOND)
    await drain(world, partner)
    assert (await row(world, submission.document))["state"] == "delivered"
    assert len(partner.got) == 1


async def test_an_adapter_that_raises_counts_as_try_later(world: World, partner: Partner) -> None:
    submission = await world.send()
    partner.answers["H37.03"] = RuntimeError("a bug in an adapter")
    await drain(world, partner)
    assert (await row(world, submission.document))["state"] == "queued"
    attempts = await world.rows(
        "attempts_of_delivery", delivery=str((await row(world, submission.document))["id"])
    )
    assert [attempt["code"] for attempt in attempts] == ["attempt.error"]


async def test_a_failing_recipient_blocks_nobody_else(world: World, partner: Partner) -> None:
    partner.answers["H37.03"] = DOWN
    for number in range(10):
        await world.send(number=str(number), to=["H37.03"])
    other = await world.send(number="99", to=["H37.05"])
    await drain(world, partner)
    assert (await row(world, other.document, "H37.05"))["state"] == "delivered"


async def test_a_failing_lane_is_probed_by_one_attempt_at_a_time(world: World, partner: Partner) -> None:
    partner.answers["H37.03"] = DOWN
    for number in range(10):
        await world.send(number=str(number))
    await drain(world, partner)
    before = len(partner.seen)
    wait(world, 45 * SECOND)
    await drain(world, partner)
    assert len(partner.seen) == before + 1


async def test_after_an_outage_the_backlog_drains_by_urgency_then_age(world: World, partner: Partner) -> None:
    limit_destination(world, 1)
    partner.answers["H37.03"] = DOWN
    for number, priority in (("1", 0), ("2", 0), ("3", 3), ("4", 1), ("5", 4)):
        await world.send(number=number, priority=priority)
        await drain(world, partner)
    partner.answers.clear()
    wait(world, 600 * SECOND)
    await turn(world, partner)
    wait(world, SECOND)
    while await turn(world, partner):
        continue
    numbers = [parse_envelope(data).envelope.code_number for _, _, data in partner.got]
    assert numbers == ["3", "5", "4", "1", "2"]


async def test_a_refusing_partner_makes_a_dead_letter_and_the_sender_is_told_why(
    world: World, partner: Partner
) -> None:
    submission = await world.send()
    partner.answers["H37.03"] = Refused("http.410", Bilingual("Hệ thống đã ngừng.", "Gone."))
    await drain(world, partner)
    dead = await row(world, submission.document)
    assert (dead["state"], dead["reason_code"]) == ("dead", "http.410")
    [taken] = await world.fetch("H37")
    status = parse_envelope(taken.data).envelope.status
    assert status is not None
    assert status.code == "02"
    assert "Hệ thống đã ngừng." in status.description


async def test_words_that_no_text_can_hold_keep_no_refusal_from_being_written_down(
    world: World, partner: Partner
) -> None:
    partner.answers["H37.03"] = Refused("no\x00", Bilingual("không \x00 nhận \ufffe", "no \x00"))
    submission = await world.send()
    await turn(world, partner)
    (delivery,) = await world.rows("deliveries_of_message", message=submission.message)
    assert (delivery["state"], delivery["reason_code"]) == ("dead", "no ")
    (told,) = await world.fetch("H37")
    assert "không   nhận" in told.data.decode()


async def test_retries_end_after_five_days_and_the_original_is_kept(world: World, partner: Partner) -> None:
    submission = await world.send()
    partner.answers["H37.03"] = DOWN
    wait(world, GIVE_UP_AFTER)
    await drain(world, partner)
    assert (await row(world, submission.document))["reason_code"] == "retry.exhausted"
    partner.answers.clear()
    dead = str((await row(world, submission.document))["id"])
    await hold.retry(world.gw, LOCAL, dead, "Đơn vị đã khôi phục hệ thống")
    wait(world, 3600 * SECOND)
    await drain(world, partner)
    assert [kind for _, kind, _ in partner.got] == ["new"]


async def test_a_recall_never_overtakes_its_document(world: World, partner: Partner) -> None:
    await world.send()
    partner.answers["H37.03"] = DOWN
    await drain(world, partner)
    await world.send(kind=Kind.REVOKE, document_id=DOCUMENT, priority=4, reason="Sai thể thức")
    partner.answers.clear()
    wait(world, 3600 * SECOND)
    await drain(world, partner)
    assert partner.got == []  # nobody had it, so neither of the two goes out (and see test_recall.py)


async def test_an_update_never_overtakes_a_dead_original(world: World, partner: Partner) -> None:
    await world.send()
    partner.answers["H37.03"] = Refused("http.400", Bilingual("Không nhận.", "No."))
    await drain(world, partner)
    partner.answers.clear()
    await world.send(kind=Kind.UPDATE, document_id=DOCUMENT)
    wait(world, 3600 * SECOND)
    await drain(world, partner)
    assert partner.got == []


async def test_a_held_delivery_blocks_only_its_own_document(world: World, partner: Partner) -> None:
    first = await world.send()
    held = await row(world, first.document)
    await hold.hold(world.gw, LOCAL, str(held["id"]), "Chờ xác minh")
    await world.send(kind=Kind.UPDATE, document_id=DOCUMENT)
    await world.send(number="400")
    await drain(world, partner)
    assert [parse_envelope(d).envelope.code_number for _, _, d in partner.got] == ["400"]
    await hold.release(world.gw, LOCAL, str(held["id"]), "Đã xác minh")
    await drain(world, partner)
    assert [kind for _, kind, _ in partner.got] == ["new", "new", "update"]


async def test_an_attempt_that_never_comes_back_is_tried_again_and_its_late_answer_changes_nothing(
    world: World, partner: Partner
) -> None:
    submission = await world.send()
    [lost] = await world.gw.store.write(lambda tx: claim_due(tx, world.gw, 1))
    wait(world, 3600 * SECOND)
    assert await world.gw.store.write(lambda tx: free_expired_leases(tx, world.gw)) == 1
    await drain(world, partner)
    assert (await row(world, submission.document))["state"] == "delivered"
    late = await world.gw.store.write(lambda tx: settle(tx, world.gw, lost, DOWN))
    assert late is False
    assert (await row(world, submission.document))["state"] == "delivered"
    assert (await world.event_types()).count("delivery.delivered") == 1


async def test_on_many_nodes_a_lease_is_lost_by_time_counted_here_and_not_by_clocks(
    world: World, partner: Partner, engine: str
) -> None:
    """A leader whose clock is an hour ahead must not take an attempt from the node that makes it."""
    time = [0.0]
    janitor = Janitor(world.gw, lambda: time[0])
    submission = await world.send()
    assert len(await world.gw.store.write(lambda tx: claim_due(tx, world.gw, 1))) == 1
    await janitor.round()
    wait(world, 3600 * SECOND)
    time[0] += world.gw.config.delivery.lease_seconds - 1
    await janitor.round()
    leased = (await row(world, submission.document))["lease"]
    assert (leased is None) is (engine == "sqlite")  # where there is one clock, it knows
    time[0] += 2
    await janitor.round()
    assert (await row(world, submission.document))["lease"] is None


async def test_a_recall_is_no_older_than_its_document_though_the_clock_was_set_back(
    world: World, partner: Partner
) -> None:
    """As from a node that is some minutes behind: the order of a document does not hang on clocks."""
    first = await world.send()
    world.gw.clock = ScenarioClock(Instant(world.clock.now() - 600 * SECOND))
    second = await world.send(kind=Kind.UPDATE, document_id=DOCUMENT)
    history = await world.rows("messages_of_document", document=first.document)  # by time
    assert [message["id"] for message in history] == [first.message, second.message]
    world.gw.clock = world.clock
    await drain(world, partner)
    assert [kind for _, kind, _ in partner.got] == ["new", "update"]


async def test_attempt_and_next_time_are_on_disk_before_anything_goes_out(
    world: World, partner: Partner
) -> None:
    submission = await world.send()
    [attempt] = await world.gw.store.write(lambda tx: claim_due(tx, world.gw, 1))
    leased = await row(world, submission.document)
    assert leased["attempts"] == 1
    assert leased["due_at"] is not None
    assert int(str(leased["due_at"])) > attempt.started_at
    assert partner.seen == []


async def test_two_workers_never_hold_one_delivery(world: World, partner: Partner) -> None:
    for number in range(20):
        await world.send(number=str(number), to=["H37.03", "H37.05"])
    claims = await asyncio.gather(
        *(world.gw.store.write(lambda tx: claim_due(tx, world.gw, 8)) for _ in range(6))
    )
    leased = [attempt.delivery.id for claimed in claims for attempt in claimed]
    assert leased
    assert len(leased) == len(set(leased))


async def test_what_is_leased_already_cannot_be_leased_again(world: World, partner: Partner) -> None:
    await world.send()
    [attempt] = await claimed(world, 1)
    again = attempt.delivery
    with pytest.raises(Conflict):
        await world.gw.store.write(lambda tx: deliveries.lease(tx, [(again, "another")], MONDAY))
    assert [row["number"] for row in await world.rows("attempts_of_delivery", delivery=again.id)] == [1]


async def test_a_batch_takes_no_more_than_a_lane_holds_and_counts_what_runs(
    world: World, partner: Partner
) -> None:
    for number in range(6):
        await world.send(number=str(number), to=("H37.03", "H37.05"))
    first = await claimed(world, 5)
    second = await claimed(world, 32)
    assert len(first) == 5
    lanes = Counter(attempt.delivery.destination for attempt in [*first, *second])
    assert lanes == {"H37.03": 4, "H37.05": 4}  # delivery.per_destination
    assert await claimed(world, 32) == []


async def claimed(world: World, limit: int) -> list[Attempt]:
    return await world.gw.store.write(lambda tx: claim_due(tx, world.gw, limit))


async def test_a_person_must_give_a_reason_and_have_the_right(world: World, partner: Partner) -> None:
    submission = await world.send()
    delivery = str((await row(world, submission.document))["id"])
    with pytest.raises(BadRequest):
        await hold.hold(world.gw, LOCAL, delivery, "   ")
    auditor = Caller("x", "Kiểm tra", Role.AUDITOR, frozenset())
    with pytest.raises(NotPermitted):
        await hold.hold(world.gw, auditor, delivery, "Chờ")
    with pytest.raises(WrongState):
        await hold.release(world.gw, LOCAL, delivery, "Chưa giữ")


async def test_rejecting_a_held_delivery_tells_the_sender(world: World) -> None:
    submission = await world.send(files={"QD_123_MAT.pdf": b"%PDF-1.7\n%%EOF\n"})
    held = await row(world, submission.document)
    await hold.reject(world.gw, LOCAL, str(held["id"]), "Có dấu hiệu bí mật nhà nước")
    assert (await row(world, submission.document))["state"] == "rejected"
    [taken] = await world.fetch("H37")
    status = parse_envelope(taken.data).envelope.status
    assert status is not None
    assert (status.code, "Có dấu hiệu bí mật nhà nước" in status.description) == ("02", True)


async def test_giving_up_two_deliveries_in_one_second_tells_the_sender_twice(world: World) -> None:
    submission = await world.send(to=["H37.31", "H37.32"])
    for recipient in ("H37.31", "H37.32"):
        found = await row(world, submission.document, recipient)
        await hold.give_up(world.gw, LOCAL, str(found["id"]), "Gửi nhầm")
    assert len(await world.fetch("H37")) == 2


async def test_the_janitor_sweeps_what_no_row_owns_and_nothing_else(world: World) -> None:
    await world.send(files={"a.pdf": b"%PDF-1.7\n" + b"x" * 100_000})
    staging = world.gw.blobs.stage()
    staging.write(b"y" * 100_000)
    staging.make_durable()
    staging.discard()
    payloads = world.home / "payloads" / "payloads"
    assert len([p for p in payloads.rglob("*") if p.is_file()]) == 2
    known = {str(r["file"]) for r in await world.rows("payload_files", first=b"", last=b"\xff" * 32)}
    assert await sweep_payloads(world.gw, -1) == 1
    assert {p.relative_to(payloads).as_posix() for p in payloads.rglob("*") if p.is_file()} == known
    await Janitor(world.gw).round()


def test_waits_grow_and_are_spread_by_at_most_a_tenth() -> None:
    for attempt, wait_ in enumerate(WAITS, start=1):
        spread = [wait_after(attempt, f"delivery-{n}") for n in range(50)]
        assert all(wait_ <= w < wait_ * 1.1 + 1 for w in spread)
        assert len(set(spread)) > 1


def test_a_partner_that_names_a_time_is_believed_up_to_an_hour() -> None:
    assert wait_after(1, "x", retry_after=120) == 120 * SECOND
    assert wait_after(1, "x", retry_after=86_400) == 3600 * SECOND


async def test_a_slow_destination_keeps_nobody_else_from_a_turn(world: World, partner: Partner) -> None:
    """Its attempts run and run; another destination's single document is claimed all the same."""
    for number in range(140):
        await world.send(number=str(number), to=["H37.03"])
    other = await world.send(number="999", to=["H37.05"])
    claimed = []
    for _ in range(3):
        claimed += await world.gw.store.write(lambda tx: claim_due(tx, world.gw, 32))
    assert other.document in [attempt.delivery.document for attempt in claimed]
    running = [attempt for attempt in claimed if attempt.delivery.recipient == "H37.03"]
    assert len(running) == world.gw.config.delivery.per_destination


async def test_an_absurd_retry_after_silences_nobody_for_longer_than_a_lane_rests(
    world: World, partner: Partner
) -> None:
    submission = await world.send()
    partner.answers["H37.03"] = TryLater("answer.503", DOWN.text, retry_after=999_999_999)
    await drain(world, partner)
    partner.answers.clear()
    wait(world, 3601 * SECOND)
    await drain(world, partner)
    assert (await row(world, submission.document))["state"] == "delivered"


async def test_what_waits_behind_a_destination_that_never_answers_is_given_up_too_and_its_sender_told(
    world: World, partner: Partner
) -> None:
    partner.answers["H37.03"] = DOWN
    submissions = [await world.send(number=str(number)) for number in range(6)]
    await drain(world, partner)
    wait(world, GIVE_UP_AFTER + 7200 * SECOND)
    await Janitor(world.gw).round()
    rows = [await row(world, submission.document) for submission in submissions]
    assert {(str(r["state"]), str(r["reason_code"])) for r in rows} == {("dead", "retry.exhausted")}
    assert len(await world.fetch("H37")) == 6


async def test_what_waits_follows_a_changed_connection_both_ways(world: World, partner: Partner) -> None:
    first = await world.send(to=["H37.31"])
    await office.set_profile(world.gw, LOCAL, Profile(AgencyCode("H37.31"), "webhook"))
    await drain(world, partner)
    assert (await row(world, first.document, "H37.31"))["state"] == "delivered"
    partner.answers["H37.03"] = DOWN
    await world.send(number="400")
    await drain(world, partner)
    await office.set_profile(world.gw, LOCAL, Profile(AgencyCode("H37.03"), "inbox"))
    assert [taken.item.header["number"] for taken in await world.fetch("H37.03")] == ["400"]


async def test_a_connection_changed_during_an_attempt_is_followed_when_the_attempt_ends(
    world: World, partner: Partner
) -> None:
    await world.send()
    [attempt] = await world.gw.store.write(lambda tx: claim_due(tx, world.gw, 1))
    await office.set_profile(world.gw, LOCAL, Profile(AgencyCode("H37.03"), "inbox"))
    assert await world.gw.store.write(lambda tx: settle(tx, world.gw, attempt, DOWN))
    assert len(await world.fetch("H37.03")) == 1


async def test_a_revived_delivery_has_five_days_again(world: World, partner: Partner) -> None:
    submission = await world.send()
    partner.answers["H37.03"] = DOWN
    wait(world, GIVE_UP_AFTER)
    await drain(world, partner)
    dead = await row(world, submission.document)
    assert dead["state"] == "dead"
    await hold.retry(world.gw, LOCAL, str(dead["id"]), "Đơn vị báo đã khôi phục")
    await drain(world, partner)
    assert (await row(world, submission.document))["state"] == "queued"


async def test_our_own_fault_with_one_document_does_not_rest_its_destination(
    world: World, partner: Partner
) -> None:
    await world.send(number="1")
    partner.answers["H37.03"] = RuntimeError("our own bug")
    await drain(world, partner)
    partner.answers.clear()
    second = await world.send(number="2")
    await drain(world, partner)
    assert (await row(world, second.document))["state"] == "delivered"


async def test_the_loops_outlive_an_unexpected_error(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = 0

    async def failing(self: Janitor) -> None:
        nonlocal rounds
        rounds += 1
        janitor.stop()
        raise PermissionError("somebody changed the folder's rights")

    monkeypatch.setattr(Janitor, "round", failing)
    janitor = Janitor(world.gw)
    await janitor.run()
    assert rounds == 1


async def test_a_delivery_to_a_closed_agency_with_several_successors_is_never_released_to_it(
    world: World,
) -> None:
    closed = Agency(
        AgencyCode("H37.40"),
        "Đơn vị đã chia tách",
        "district",
        AgencyCode("H37"),
        Period(end=date(2020, 1, 31)),
    )
    heirs = tuple(
        Succession(closed.code, AgencyCode(heir), SuccessionKind.SPLIT, date(2020, 2, 1))
        for heir in ("H37.31", "H37.32")
    )
    await office.import_directory(world.gw, LOCAL, DirectoryData((closed,), (), heirs), apply=True)
    submission = await world.send(to=["H37.40"])
    held = await row(world, submission.document, "H37.40")
    assert held["state"] == "held"
    with pytest.raises(WrongState) as refused:
        await hold.release(world.gw, LOCAL, str(held["id"]), "Cho gửi tiếp")
    assert refused.value.code == "recipient.several_successors"
    await hold.reject(world.gw, LOCAL, str(held["id"]), "Đề nghị gửi lại đến đơn vị kế thừa")
    assert len(await world.fetch("H37")) == 1
