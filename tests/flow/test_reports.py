"""Published reports: frozen, signed, recorded; a later count shows the difference and overwrites nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from gateway.clock import from_datetime
from gateway.compliance import frozen, reports
from gateway.compliance.frozen import Frozen
from gateway.compliance.gathering import Counted
from gateway.compliance.periods import Period, parse
from gateway.errors import BadRequest, NotFound, NotPermitted, WrongState
from gateway.exchange_log.compromised import Compromised
from gateway.flow import log
from gateway.flow.door import Caller
from gateway.flow.operate import LOCAL
from gateway.model.event import EventType
from gateway.model.text import AgencyCode, Instant
from gateway.services import Services
from gateway.signature.keyring import Keyring
from gateway.signature.seal import RECEIPT_TYPE, sign_statement
from gateway.store import outages
from gateway.store import reports as rows
from gateway.store.outages import Outage
from gateway.store.people import Role
from tests.world import World

AUDITOR = Caller("auditor", "Kiểm toán", Role.AUDITOR, frozenset())
CLERK = Caller("clerk", "Văn thư", Role.CLERK, frozenset({AgencyCode("H37")}))
OPERATOR = Caller("operator", "Vận hành", Role.OPERATOR, frozenset())
WEEK = "2020-W16"
AFTER = from_datetime(datetime(2020, 4, 21, 2, tzinfo=UTC))


@dataclass
class Tables:
    """Figures as the tables would hold them, over the log as it is."""

    counts: dict[str, dict[str, int]] = field(
        default_factory=lambda: {"H37": {"D.sent": 40, "K2.both": 39, "K3.n": 40, "K3.qd28": 30}}
    )

    async def __call__(self, gw: Services, period: Period) -> Counted:
        head = await gw.store.read(lambda tx: rows.events_since(tx, 0, 2**40))
        size = sum(head.values())
        empty: dict[str, Any] = {"root": "", "size": 0}
        answer = await log.make_checkpoint(gw, LOCAL) if size else empty
        counts = {code: dict(row) for code, row in self.counts.items()}
        return Counted(counts, gw.clock.now(), answer["size"], answer["root"])


async def publish(world: World, tables: Tables, **given: Any) -> Frozen:
    return await reports.publish(world.gw, OPERATOR, given.pop("period", WEEK), count=tables, **given)


@pytest.fixture
async def tables(world: World) -> Tables:
    await world.send()
    return Tables()


async def test_a_published_report_is_kept_signed_and_recorded(world: World, tables: Tables) -> None:
    report = await publish(world, tables)
    kept = await reports.load(world.gw, report.id)
    assert kept == report
    assert frozen.holds(frozen.verify(kept, world.gw.keyring.receipt_certificates))
    (event,) = [orjson.loads(row["body"]) for row in await events_of(world, EventType.REPORT_PUBLISHED)]
    assert event["report"] == report.id
    assert event["sha256"] == report.sha256
    assert event["period"] == {"name": WEEK, "from": "2020-04-13", "to": "2020-04-19"}
    assert event["data_as_of"] == report.body["data_as_of"]


async def test_what_is_smuggled_in_beside_the_signed_body_is_no_report(world: World, tables: Tables) -> None:
    file = (await publish(world, tables)).file()
    forged = file.replace(b'"K2.both":39', b'"K2.both":40').rpartition(b',"jws":')[0][1:]
    smuggled = (b"{" + forged + b"," + file[1:], b'{"note":"100 %",' + file[1:])
    assert frozen.read(file).file() == file
    for data in smuggled:
        with pytest.raises(BadRequest) as refused:
            frozen.read(data)
        assert refused.value.code == "report.unreadable"


async def events_of(world: World, kind: EventType) -> list[Mapping[str, Any]]:
    found = await world.rows("events_after", at=0, id="", limit=10_000)
    return [row for row in found if row["type"] == kind.value]


async def test_the_root_that_a_report_names_is_of_a_signed_checkpoint(world: World, tables: Tables) -> None:
    report = await publish(world, tables)
    note = await log.newest_checkpoint(world.gw)
    assert str(report.body["data_as_of"]["size"]) in note.splitlines()[1]


async def test_the_file_in_the_home_is_the_one_that_was_published(world: World, tables: Tables) -> None:
    report = await publish(world, tables)
    file = world.home / "reports" / reports.file_name(report)
    assert file.read_bytes() == await reports.file_of(world.gw, report.id)
    assert frozen.read(file.read_bytes()) == report
    assert [one.name for one in file.parent.iterdir()] == [file.name]


async def test_who_may_publish_and_who_may_look(world: World, tables: Tables) -> None:
    for caller in (AUDITOR, CLERK):
        with pytest.raises(NotPermitted):
            await reports.publish(world.gw, caller, WEEK, count=tables)
    with pytest.raises(NotPermitted):
        await reports.make(world.gw, CLERK, WEEK, count=tables)
    assert (await reports.make(world.gw, AUDITOR, WEEK, count=tables))["counts"] == tables.counts
    assert await reports.published(world.gw) == []


async def test_a_period_that_is_not_over_is_published_as_provisional(world: World, tables: Tables) -> None:
    assert (await publish(world, tables)).body["provisional"] is True
    world.clock.jump_to(AFTER)
    assert (await publish(world, tables)).body["provisional"] is False


async def test_a_period_is_over_by_the_clock_though_nothing_happened_since(world: World) -> None:
    await world.send()
    world.clock.jump_to(AFTER)
    report = await reports.publish(world.gw, OPERATOR, WEEK)
    assert report.body["provisional"] is False
    assert report.counts["H37"]["D.sent"] == 1
    assert {rate["key"] for rate in report.body["rates"]} == report.body["definitions"].keys()


async def test_a_status_after_the_period_closed_changes_the_count_and_not_the_report(world: World) -> None:
    await world.send(document_id="H37,2020,1")
    await world.fetch("H37.03")
    world.clock.jump_to(AFTER)
    report = await reports.publish(world.gw, OPERATOR, WEEK)
    await world.report("H37.03", "03", "H37,2020,1")
    await log.make_checkpoint(world.gw, LOCAL)
    found = await reports.compare_now(world.gw, AUDITOR, report.id)
    moved = {(one.agency, one.name): (one.before, one.after, one.causes) for one in found.differences}
    assert moved["H37.03", "K5.later"] == (0, 1, ("events",))
    assert found.events["status.reported"] == 1
    assert (await reports.load(world.gw, report.id)).counts["H37.03"]["K5.none"] == 1


async def test_a_later_report_of_the_period_names_the_earlier_and_what_differs(
    world: World, tables: Tables
) -> None:
    first = await publish(world, tables)
    tables.counts["H37"]["K3.qd28"] = 31
    world.clock.jump_to(AFTER)
    second = await publish(world, tables)
    earlier = second.body["earlier"]
    assert (earlier["id"], earlier["sha256"]) == (first.id, first.sha256)
    (moved,) = earlier["differences"]
    assert (moved["agency"], moved["name"], moved["before"], moved["after"]) == ("H37", "K3.qd28", 30, 31)
    assert "events" in moved["causes"]
    assert await reports.load(world.gw, first.id) == first
    assert [one.id for one in await reports.published(world.gw, period=WEEK)] == [second.id, first.id]


async def test_reports_of_other_periods_are_not_earlier_ones(world: World, tables: Tables) -> None:
    await publish(world, tables)
    assert (await publish(world, tables, period="2020-04")).body["earlier"] is None


async def test_two_who_publish_a_period_at_once_do_not_both_succeed(world: World, tables: Tables) -> None:
    first = await publish(world, tables)
    overtaken = frozen.freeze(world.gw.keyring, {**first.body, "id": world.gw.new_id(), "earlier": None})
    period = parse(WEEK)
    with pytest.raises(WrongState) as refused:
        await world.gw.store.write(
            lambda tx: reports._keep(tx, world.gw, OPERATOR, overtaken, period, world.clock.now())
        )
    assert refused.value.code == "report.raced"
    assert len(await reports.published(world.gw)) == 1


async def test_counting_again_with_nothing_new_shows_no_difference(world: World, tables: Tables) -> None:
    report = await publish(world, tables)
    found = await reports.compare_now(world.gw, AUDITOR, report.id, count=tables)
    assert found.same
    assert found.differences == ()


async def test_late_statuses_are_shown_as_the_reason(world: World, tables: Tables) -> None:
    report = await publish(world, tables)
    await world.fetch("H37.03")
    tables.counts["H37"]["K5.same_day"] = 7
    found = await reports.compare_now(world.gw, AUDITOR, report.id, count=tables)
    assert not found.same
    assert [cause.key for cause in found.causes] == ["events"]
    assert found.events["delivery.delivered"] == 1
    assert found.differences[0].causes == ("events",)


async def test_an_outage_recorded_later_explains_only_what_is_counted_without_outages(
    world: World, tables: Tables
) -> None:
    report = await publish(world, tables)
    at = world.clock.now()
    outage = Outage("o-1", AgencyCode(""), Instant(at - 10), at, "Mất điện", "one", at)

    def approve(tx: Any) -> None:
        outages.propose(tx, outage)
        outages.decide(tx, "o-1", True, "two", at, "e-1")

    await world.gw.store.write(approve)
    old, new = (
        report,
        {**report.body, "outages": [{"outage": "o-1"}], "counts": {"H37": {"K3x.n": 1, "K2.both": 1}}},
    )
    found = await reports.compare_now(world.gw, AUDITOR, report.id, count=tables)
    assert "outages" in [cause.key for cause in found.causes]
    causes = {one.name: one.causes for one in frozen.compare(old, Frozen(new, "", ""))}
    assert causes["K3x.n"] == ("outages",)
    assert causes["K2.both"] == ()  # nothing explains it: somebody has to look


async def test_a_calendar_corrected_after_publication_is_named_with_its_days(
    world: World, tables: Tables
) -> None:
    report = await publish(world, tables)
    day = {
        "date": "2020-04-14",
        "kind": "holiday",
        "name": {"vi": "Nghỉ", "en": "Off"},
        "source": "x",
        "doubtful": False,
    }
    calendar = {"version": "2", "sha256": "0", "days": [*report.body["calendar"]["days"], day]}
    new = Frozen({**report.body, "calendar": calendar, "counts": {"H37": {"K3.qd28": 40}}}, "", "")
    (cause,) = frozen.causes(report, new)
    assert cause.key == "calendar"
    assert "→ 2" in cause.text.vi
    assert frozen.days_changed(report, new) == ["2020-04-14"]
    assert {one.name: one.causes for one in frozen.compare(report, new)}["K3.qd28"] == ("calendar",)


async def test_a_log_that_was_changed_below_a_report_is_noticed(world: World, tables: Tables) -> None:
    report = await publish(world, tables)
    data = {**report.body["data_as_of"], "root": "00" * 32}
    forged = frozen.freeze(world.gw.keyring, {**report.body, "data_as_of": data})

    found = await world.gw.store.read(lambda tx: reports._compared(tx, forged, report))
    assert found.causes[0].key == "log.changed"


async def test_a_shorter_log_is_noticed(world: World, tables: Tables) -> None:
    report = await publish(world, tables)
    data = {**report.body["data_as_of"], "size": 1}
    assert frozen.causes(report, Frozen({**report.body, "data_as_of": data}, "", ""))[0].key == "log.shorter"


# ---------------------------------------------------------------- verification, offline


@pytest.mark.parametrize("where", ["counts", "published_at", "id"])
async def test_a_changed_report_does_not_verify(world: World, tables: Tables, where: str) -> None:
    report = await publish(world, tables)
    value: Any = {"H37": {"D.sent": 41}} if where == "counts" else "2020-04-19T00:00:00+07:00"
    body = {**report.body, where: value}
    keys = world.gw.keyring.receipt_certificates
    kept_hash = frozen.verify(Frozen(body, report.sha256, report.jws), keys)
    assert "report.hash" in [row.code for row in kept_hash if not row.holds]
    new_hash = frozen.verify(Frozen(body, frozen.digest_of(body), report.jws), keys)
    assert [row.code for row in new_hash if not row.holds] == ["report.signature"]


async def test_a_report_signed_by_another_gateway_does_not_verify(
    world: World, tables: Tables, tmp_path: Any
) -> None:
    report = await publish(world, tables)
    other = Keyring.create(tmp_path / "other", "truc-khac", world.clock.now())
    assert not frozen.holds(frozen.verify(report, other.receipt_certificates))
    resigned = frozen.freeze(other, report.body)
    assert not frozen.holds(frozen.verify(resigned, world.gw.keyring.receipt_certificates))


async def test_a_receipt_is_no_signature_of_a_report(world: World, tables: Tables) -> None:
    report = await publish(world, tables)
    jws = sign_statement(
        world.gw.keyring,
        RECEIPT_TYPE,
        {"sha256": report.sha256, "id": report.id, "published_at": report.body["published_at"]},
    )
    rows_ = frozen.verify(Frozen(report.body, report.sha256, jws), world.gw.keyring.receipt_certificates)
    assert not frozen.holds(rows_)


async def test_without_keys_nothing_is_believed(world: World, tables: Tables) -> None:
    rows_ = frozen.verify(await publish(world, tables), ())
    assert [row.holds for row in rows_] == [True, None]
    assert not frozen.holds(rows_)


async def test_a_report_signed_with_a_lost_key_says_so(world: World, tables: Tables) -> None:
    report = await publish(world, tables)
    certificate = world.gw.keyring.receipt_certificate
    lost = Compromised({certificate: world.clock.now()})
    rows_ = frozen.verify(report, (certificate,), lost)
    assert [row.code for row in rows_ if not row.holds] == ["report.key_lost"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"body":{},"sha256":"","jws":""}',
        b'{"body":{"form":"frozen-report/2"},"sha256":"","jws":""}',
        b"\xff",
    ],
)
def test_what_is_no_report_is_refused(data: bytes) -> None:
    with pytest.raises(BadRequest) as refused:
        frozen.read(data)
    assert refused.value.code == "report.unreadable"


async def test_a_report_with_a_count_that_is_no_number_is_refused(world: World, tables: Tables) -> None:
    report = await publish(world, tables)
    file = report.file().replace(b'"K2.both":39', b'"K2.both":"39"')
    with pytest.raises(BadRequest):
        frozen.read(file)


async def test_an_unknown_report_and_an_unreadable_period_are_named(world: World, tables: Tables) -> None:
    with pytest.raises(NotFound) as unknown:
        await reports.load(world.gw, "nothing")
    assert unknown.value.code == "report.unknown"
    with pytest.raises(BadRequest) as unreadable:
        await publish(world, tables, period="tuần 16")
    assert unreadable.value.code == "period.unreadable"
    assert await events_of(world, EventType.REPORT_PUBLISHED) == []
