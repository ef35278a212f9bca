"""Who is told of alerts: once, signed, tried again, given up, and never in the way of anything."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import orjson
import pytest

from gateway.clock import SECOND
from gateway.config import NetSection
from gateway.delivery.alert_senders import AlertSender
from gateway.errors import BadRequest
from gateway.flow import alerts
from gateway.flow.operate import LOCAL
from gateway.model.text import Instant
from gateway.net import Net
from gateway.store import alerts as rows
from gateway.store.contract import Store
from tests.flow.alert_bed import SECRET, UNREAD, Hook, Mailbox, mail_server, receiver, settings, watching


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    async with receiver() as made:
        yield made


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
    said = sorted(subject.split(": ")[1] for subject in subjects)  # both are sent at the same time
    assert said == ["0 mới, 1 đã hết (alerts)", "2 mới, 0 đã hết (alerts)"]


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


async def test_a_try_shows_whether_messages_arrive(store: Store, tmp_path: Path, mailbox: Mailbox) -> None:
    async with watching(store, tmp_path, settings()) as watched:
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
