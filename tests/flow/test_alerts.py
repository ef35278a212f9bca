"""Objectives that are missed too fast: raised once, told once, over when it stays calm; real receivers."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from gateway.clock import SECOND, from_datetime
from gateway.config import AlertsSection, Config, NetSection
from gateway.delivery.alert_senders import AlertSender
from gateway.delivery.alerts import Alerting
from gateway.directory.data import DirectoryData
from gateway.errors import BadRequest, NotFound, NotPermitted
from gateway.flow import alerts
from gateway.flow.door import Caller
from gateway.flow.operate import LOCAL, run
from gateway.model.agency import Agency
from gateway.model.objective import Alert, Measure, Span
from gateway.model.text import AgencyCode, Instant
from gateway.net import Net
from gateway.store import alerts as rows
from gateway.store.contract import Store
from gateway.store.people import Role
from tests.world import World, make_world

SECRET = "khoa-bi-mat-cua-canh-bao"
LOOPBACK = NetSection(allow_private="127.0.0.0/8")
AUDITOR = Caller("auditor-1", "Thanh tra viên", Role.AUDITOR, frozenset())
UNREAD = "H37.03"  # its software fetches nothing


@dataclass(slots=True)
class Mailbox:
    """What a mail server took; ``answer`` is what it says to the next message."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    answer: str = "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answer.startswith("2"):
            assert isinstance(envelope.content, bytes)
            self.mails.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return self.answer


@dataclass(slots=True)
class Hook:
    """What an HTTP receiver took."""

    url: str = ""
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    status: int = 204

    async def take(self, request: web.Request) -> web.Response:
        self.calls.append(({k.lower(): v for k, v in request.headers.items()}, await request.read()))
        return web.Response(status=self.status)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    box.port = free_port()
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    yield box
    controller.stop()


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    made = Hook()
    app = web.Application()
    app.router.add_post("/canh-bao", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/canh-bao"
    yield made
    await runner.cleanup()


def settings(mailbox: Mailbox | None = None, hook: Hook | None = None, **others: Any) -> Config:
    given: dict[str, Any] = {}
    if mailbox is not None:
        given |= {
            "email_to": "truc@example.vn, van-phong@example.vn",
            "email_from": "truc-lien-thong@example.vn",
            "smtp_host": "127.0.0.1",
            "smtp_port": mailbox.port,
            "smtp_security": "none",
        }
    if hook is not None:
        given |= {"webhook_url": hook.url, "webhook_secret": SECRET}
    return Config(net=LOOPBACK, alerts=AlertsSection.model_validate(given | others))


@dataclass(slots=True)
class Watched:
    """A world with both loops, turned by hand."""

    world: World
    watch: Alerting
    sender: AlertSender

    def at(self, day: int, hour: int, minute: int = 0) -> None:
        """A day of April 2020."""
        self.world.clock.jump_to(from_datetime(datetime(2020, 4, day, hour, minute)))

    async def open(self) -> list[Alert]:
        return await self.world.gw.store.read(rows.open_alerts)

    async def send(self, count: int, first: int = 1, to: str = UNREAD) -> None:
        for number in range(first, first + count):
            await self.world.send(to=[to], number=str(number))

    async def stuck(self) -> None:
        """Five documents wait since Tuesday morning, and nobody came for four working hours."""
        self.at(14, 8)
        await self.send(5)
        self.at(14, 14)
        await self.watch.round()

    async def events(self, kind: str) -> list[dict[str, Any]]:
        found = await self.world.rows("events_after", at=0, id="", limit=10_000)
        return [orjson.loads(bytes(row["body"])) for row in found if row["type"] == kind]  # type: ignore[call-overload]


@contextlib.asynccontextmanager
async def watching(store: Store, home: Path, config: Config) -> AsyncIterator[Watched]:
    async with make_world(store, home, config=config) as world:
        net = Net(config.net.allow_private, 5)
        yield Watched(world, Alerting(world.gw), AlertSender(world.gw, net))
        await net.close()


@pytest.fixture
async def watched(store: Store, tmp_path: Path) -> AsyncIterator[Watched]:
    async with watching(store, tmp_path, settings()) as made:
        yield made


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# ------------------------------------------------------------------ raised and over


async def test_documents_that_nobody_fetches_for_four_working_hours_raise_an_alert(watched: Watched) -> None:
    await watched.stuck()
    found = {(one.agency, one.measure, one.span, one.due, one.missed) for one in await watched.open()}
    assert found == {
        (UNREAD, Measure.FETCHED, Span.FAST, 5, 5),
        (UNREAD, Measure.FETCHED, Span.SLOW, 5, 5),
    }
    bodies = await watched.events("alert.raised")
    assert {(body["agency"], body["burn_hundredths"]) for body in bodies} == {(UNREAD, 2000)}


async def test_before_four_working_hours_are_over_there_is_no_alert(watched: Watched) -> None:
    watched.at(14, 8, 30)
    await watched.send(5)
    watched.at(14, 13, 59)  # lunch does not count
    assert await watched.watch.round() == (0, 0)
    watched.at(14, 14, 1)
    await watched.watch.round()
    assert len(await watched.open()) == 2


async def test_a_night_and_a_weekend_are_no_waiting_time(watched: Watched) -> None:
    watched.at(17, 16)  # Friday
    await watched.send(5)
    watched.at(20, 9)  # Monday: two working hours and a half
    await watched.watch.round()
    assert await watched.open() == []
    watched.at(20, 10, 31)
    await watched.watch.round()
    assert {one.span for one in await watched.open()} == {Span.FAST, Span.SLOW}


async def test_nobody_is_alerted_outside_working_hours(watched: Watched) -> None:
    watched.at(14, 8)
    await watched.send(5)
    watched.at(14, 20)
    assert await watched.watch.round() == (0, 0)
    watched.at(15, 7, 30)
    assert await watched.watch.round() == (1, 0)


async def test_an_agency_that_fetches_in_time_is_none(watched: Watched) -> None:
    watched.at(14, 8)
    await watched.send(5)
    watched.at(14, 11)
    await watched.world.fetch(UNREAD)
    watched.at(14, 14)
    assert await watched.watch.round() == (0, 0)


async def test_what_was_not_acknowledged_the_same_day_is_told_the_next_morning(watched: Watched) -> None:
    watched.at(14, 8)
    await watched.send(5)
    watched.at(14, 9)
    await watched.world.fetch(UNREAD)  # arrived, but no 02 or 03
    watched.at(14, 16, 59)
    assert await watched.watch.round() == (0, 0)
    watched.at(15, 7, 31)
    await watched.watch.round()
    assert {one.measure for one in await watched.open()} == {Measure.ACKNOWLEDGED}


async def test_an_acknowledgement_on_the_day_of_arrival_is_in_time(watched: Watched) -> None:
    watched.at(14, 8)
    await watched.send(5)
    watched.at(14, 9)
    fetched = await watched.world.fetch(UNREAD)
    watched.at(14, 20)  # late in the evening, but the same day
    for one in fetched:
        await watched.world.report(UNREAD, "03", one.item.document_id)
    watched.at(15, 8)
    assert await watched.watch.round() == (0, 0)


async def test_an_alert_that_goes_on_is_raised_once(watched: Watched) -> None:
    await watched.stuck()
    watched.at(14, 14, 5)
    assert await watched.watch.round() == (0, 0)
    assert len(await watched.events("alert.raised")) == 2


async def test_two_nodes_raise_it_once(watched: Watched) -> None:
    other = Alerting(watched.world.gw)
    watched.at(14, 8)
    await watched.send(5)
    watched.at(14, 14)
    assert await watched.watch.round() == (2, 0)
    assert await other.round() == (0, 0)


async def test_a_loop_that_begins_anew_counts_what_came_due_before_its_start(watched: Watched) -> None:
    watched.at(14, 8)
    await watched.send(5)
    watched.at(15, 9)
    assert await Alerting(watched.world.gw).round() == (1, 0)  # the slow span; the last hour was quiet


async def test_an_alert_is_over_only_after_it_stayed_calm(watched: Watched) -> None:
    await watched.stuck()
    await watched.world.fetch(UNREAD)
    watched.at(14, 15, 30)  # nothing came due within the hour, nothing waits
    assert await watched.watch.round() == (0, 0)
    watched.at(14, 16)
    assert await watched.watch.round() == (0, 0)  # calm for half an hour only
    watched.at(14, 16, 31)
    assert await watched.watch.round() == (0, 1)
    [ended] = await watched.events("alert.ended")
    assert ended["span"] == "fast"
    assert [one.span for one in await watched.open()] == [Span.SLOW]


async def test_an_hour_without_new_documents_does_not_end_the_alert_of_a_stuck_system(
    watched: Watched,
) -> None:
    await watched.stuck()
    watched.at(14, 15, 30)
    await watched.watch.round()
    watched.at(14, 16, 59)
    assert await watched.watch.round() == (0, 0)
    assert all(one.calm_since is None for one in await watched.open())


async def test_an_agency_beyond_the_province_is_not_watched(store: Store, tmp_path: Path) -> None:
    beyond = Agency(AgencyCode("G22"), "Văn phòng Chính phủ", "outside", None)
    async with make_world(store, tmp_path, agencies=DirectoryData((beyond,))) as world:
        watched = Watched(world, Alerting(world.gw), AlertSender(world.gw, Net("", 5)))
        watched.at(14, 8)
        await watched.send(5, to="G22")
        watched.at(14, 14)
        assert await watched.watch.round() == (0, 0)


async def test_an_agency_without_an_objective_raises_none(watched: Watched) -> None:
    await alerts.set_objective(watched.world.gw, LOCAL, Measure.FETCHED, 0, "Chưa có phần mềm", 240, UNREAD)
    await watched.stuck()
    assert await watched.open() == []


# ------------------------------------------------------------------ objectives


async def test_an_objective_of_an_agency_takes_the_place_of_everybodys(watched: Watched) -> None:
    watched.at(14, 7)
    await alerts.set_objective(watched.world.gw, LOCAL, Measure.FETCHED, 900, "Cần nhanh hơn", 60, UNREAD)
    watched.at(14, 8)
    await watched.send(5)
    watched.at(14, 9, 1)
    await watched.watch.round()
    [changed] = await watched.events("objective.changed")
    assert (changed["agency"], changed["per_mille"], changed["minutes"]) == (UNREAD, 900, 60)
    assert {round(one.burn) for one in await watched.open()} == {10}


async def test_an_objective_that_was_ended_gives_way_and_cannot_end_twice(watched: Watched) -> None:
    gw = watched.world.gw
    made = await alerts.set_objective(gw, LOCAL, Measure.FETCHED, 0, "Tạm dừng", 240, UNREAD)
    await alerts.end_objective(gw, LOCAL, made.id, "Hoạt động lại")
    await watched.stuck()
    assert len(await watched.open()) == 2
    with pytest.raises(NotFound):
        await alerts.end_objective(gw, LOCAL, made.id, "Lần nữa")


async def test_an_alert_is_over_when_its_objective_is_taken_away(watched: Watched) -> None:
    await watched.stuck()
    await alerts.set_objective(watched.world.gw, LOCAL, Measure.FETCHED, 0, "Đang nâng cấp", 240, UNREAD)
    watched.at(14, 14, 10)
    await watched.watch.round()
    watched.at(14, 15, 11)
    await watched.watch.round()
    assert [one.span for one in await watched.open()] == [Span.SLOW]


async def test_objectives_need_an_administrator_a_reason_and_days_to_come(watched: Watched) -> None:
    gw = watched.world.gw
    with pytest.raises(NotPermitted):
        await alerts.set_objective(gw, AUDITOR, Measure.FETCHED, 900, "Vì", 60)
    for wrong in ({"per_mille": 1000}, {"reason": " "}, {"valid_from": date(2020, 4, 12)}, {"minutes": -1}):
        given: dict[str, Any] = {"per_mille": 900, "reason": "Vì", "minutes": 60} | wrong
        with pytest.raises(BadRequest):
            await alerts.set_objective(gw, LOCAL, Measure.FETCHED, **given)
    with pytest.raises(NotFound):
        await alerts.set_objective(gw, LOCAL, Measure.FETCHED, 900, "Vì", 60, "H99")


async def test_an_agency_sees_its_own_alerts_only(watched: Watched) -> None:
    gw = watched.world.gw
    await watched.stuck()
    own = await alerts.show_alerts(gw, watched.world.caller(UNREAD), UNREAD)
    assert [one["agency"] for one in own["alerts"]] == [UNREAD, UNREAD]
    assert "notices" not in own
    for code in ("", "H37"):
        with pytest.raises(NotPermitted):
            await alerts.show_alerts(gw, watched.world.caller(UNREAD), code)
    assert (await run(gw, "alerts.show", {}, AUDITOR))["alerts"] == own["alerts"]


# ------------------------------------------------------------------ told


async def test_one_mail_and_one_signed_call_tell_of_all_that_began(
    store: Store, tmp_path: Path, mailbox: Mailbox, hook: Hook
) -> None:
    async with watching(store, tmp_path, settings(mailbox, hook)) as watched:
        await watched.stuck()
        assert await watched.sender.round() == 2
    [mail] = mailbox.mails
    assert mail["To"] == "truc@example.vn, van-phong@example.vn"
    assert "2 mới" in mail["Subject"]
    text = mail.get_content()
    assert "Sở Thông tin và Truyền thông (H37.03): 5/5 văn bản chưa đạt “lấy văn bản về”" in text
    assert "V/v" not in text  # never anything of a document
    [(headers, body)] = hook.calls
    signed = (
        f"{headers['x-gateway-timestamp']}.{headers['idempotency-key']}.{hashlib.sha256(body).hexdigest()}"
    )
    right = hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).hexdigest()
    assert headers["x-gateway-signature"] == f"v1={right}"
    assert [(one["agency"], one["missed"]) for one in orjson.loads(body)["raised"]] == [(UNREAD, 5)] * 2


async def test_what_is_over_is_told_as_well(store: Store, tmp_path: Path, mailbox: Mailbox) -> None:
    async with watching(store, tmp_path, settings(mailbox)) as watched:
        await watched.stuck()
        await watched.world.fetch(UNREAD)
        for minutes in (90, 160):
            watched.world.clock.jump_to(Instant(watched.world.clock.now() + minutes * 60 * SECOND // 2))
            await watched.watch.round()
        await watched.sender.round()
    subjects = [mail["Subject"] for mail in mailbox.mails]
    assert len(subjects) == 2
    assert "0 mới, 1 đã hết" in subjects[1]


async def test_the_same_alert_again_within_the_quiet_hours_is_recorded_and_not_told(
    store: Store, tmp_path: Path, mailbox: Mailbox
) -> None:
    async with watching(store, tmp_path, settings(mailbox)) as watched:
        await watched.stuck()
        for one in await watched.open():
            await watched.world.gw.store.write(lambda tx, one=one: rows.end(tx, one.id, one.raised_at))  # type: ignore[misc]
        watched.at(14, 14, 1)
        assert await watched.watch.round() == (2, 0)
        await watched.sender.round()
        told = [body["told"] for body in await watched.events("alert.raised")]
    assert told == [True, True, False, False]
    assert len(mailbox.mails) == 1


async def test_a_mail_server_that_is_away_holds_nothing_up_and_is_tried_again_later(
    store: Store, tmp_path: Path, mailbox: Mailbox, hook: Hook
) -> None:
    async with watching(store, tmp_path, settings(mailbox, hook)) as watched:
        mailbox.answer = "451 Try again later"
        await watched.stuck()
        assert await watched.sender.round() == 1  # the call, at the same time
        assert await watched.sender.round() == 0  # not at once again
        mailbox.answer = "250 OK"
        watched.at(14, 14, 2)
        assert await watched.sender.round() == 1
        shown = await alerts.show_alerts(watched.world.gw, LOCAL)
        sent = watched.world.gw.metrics.alert_notices.labels("email", "sent")._value.get()
    assert len(mailbox.mails) == 1
    assert {one.sent_at is not None for one in shown["notices"]} == {True}
    assert sent == 1


async def test_after_a_day_a_message_is_given_up_and_the_reason_stays(
    store: Store, tmp_path: Path, hook: Hook
) -> None:
    async with watching(store, tmp_path, settings(hook=hook)) as watched:
        hook.status = 500
        await watched.stuck()
        await watched.sender.round()
        watched.at(15, 15)
        await watched.sender.round()
        [notice] = (await alerts.show_alerts(watched.world.gw, LOCAL))["notices"]
        assert await watched.world.gw.store.read(rows.waiting_notices) == 0
    assert (notice.tries, notice.problem, notice.given_up_at is not None) == (2, "HTTP 500", True)


async def test_a_receiver_in_a_network_that_nobody_allowed_is_not_dialled(
    store: Store, tmp_path: Path, mailbox: Mailbox, hook: Hook
) -> None:
    config = settings(mailbox, hook).model_copy(update={"net": NetSection()})
    async with watching(store, tmp_path, config) as watched:
        await watched.stuck()
        assert await watched.sender.round() == 0
        notices = (await alerts.show_alerts(watched.world.gw, LOCAL))["notices"]
    assert {one.problem.split(":")[0] for one in notices} == {"mail.forbidden", "address.forbidden"}
    assert (mailbox.mails, hook.calls) == ([], [])


@pytest.mark.parametrize(
    ("others", "code"),
    [
        ({"smtp_security": "starttls"}, "mail.no_tls"),
        ({"smtp_security": "tls"}, "mail.tls"),
        ({"smtp_user": "truc", "smtp_password": "sai"}, "mail.no_tls"),
        ({"email_to": "khong-phai-dia-chi@"}, "alerts.email_to"),
    ],
    ids=["no-starttls", "no-tls", "no-login", "no-address"],
)
async def test_a_wrong_setting_is_named_beside_the_message(
    store: Store, tmp_path: Path, mailbox: Mailbox, others: dict[str, str], code: str
) -> None:
    async with watching(store, tmp_path, settings(mailbox, **others)) as watched:
        await alerts.try_channels(watched.world.gw, LOCAL)
        await watched.sender.round()
        [notice] = (await alerts.show_alerts(watched.world.gw, LOCAL))["notices"]
    assert notice.problem.startswith(code)


async def test_a_try_shows_whether_messages_arrive(
    store: Store, tmp_path: Path, mailbox: Mailbox, watched: Watched
) -> None:
    with pytest.raises(BadRequest):
        await alerts.try_channels(watched.world.gw, LOCAL)  # nobody is configured
    watched.world.gw.config = settings(mailbox)
    await alerts.try_channels(watched.world.gw, LOCAL)
    await watched.sender.round()
    assert "thư thử" in mailbox.mails[0].get_content()


async def test_two_senders_send_one_message_once(store: Store, tmp_path: Path, hook: Hook) -> None:
    async with watching(store, tmp_path, settings(hook=hook)) as watched:
        await alerts.try_channels(watched.world.gw, LOCAL)
        net = Net("127.0.0.0/8", 5)
        other = AlertSender(watched.world.gw, net)
        assert sum(await asyncio.gather(watched.sender.round(), other.round())) == 1
        await net.close()
    assert len(hook.calls) == 1
