"""Sends messages about alerts: e-mail, and a signed POST.

In charge of: trying, trying again, giving up after a day, and what a message looks like. A receiver that is
away costs a row, nothing else waits for it. Not in charge of: what is told (``flow/alerts.py``), opening
connections (``net.py``, ``mail.py``).

The POST is signed as a push to an agency is (``adapters/README.md``): HMAC-SHA256 over ``timestamp "." id "."
SHA-256 of the body in hex``; all tries of one message carry the same ``Idempotency-Key``.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Any

import orjson
import structlog

from gateway.clock import SECOND
from gateway.delivery.rounds import Rounds
from gateway.flow.alerts import EMAIL, channels
from gateway.mail import MailFailed, MailServer
from gateway.model.objective import MEASURES, SPANS, Measure, Span
from gateway.model.text import Instant
from gateway.net import Net, Unreachable
from gateway.services import Services
from gateway.store import alerts
from gateway.store.alerts import Notice

log = structlog.get_logger("gateway.alerts")

ROUND_SECONDS = 15.0
BATCH = 20
TRY_SECONDS = 60  # then a try is lost
WAITS = (60, 300, 900, 3600)  # seconds before the next try; the last one again and again
GIVE_UP = 24 * 3600 * SECOND
SECRET_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class _Failed(Exception):
    """A try that came to nothing, and why (English: it stands in the log and beside the message)."""

    reason: str


class AlertSender(Rounds):
    """One loop of one process; a message is tried by one process at a time."""

    def __init__(self, gw: Services, net: Net) -> None:
        super().__init__(log, ROUND_SECONDS)
        self._gw, self._net = gw, net

    async def turn(self) -> float:
        await self.round()
        return ROUND_SECONDS

    async def round(self) -> int:
        """Every message that is due, once, all at the same time; how many were sent."""
        now = self._gw.clock.now()
        due = await self._gw.store.read(lambda tx: alerts.due_notices(tx, now, BATCH))
        sent = await asyncio.gather(*(self._try(one, now) for one in due))
        self._gw.metrics.alert_notices_waiting.set(await self._gw.store.read(alerts.waiting_notices))
        return sum(sent)

    async def _try(self, notice: Notice, now: Instant) -> bool:
        until = Instant(now + 2 * TRY_SECONDS * SECOND)
        if not await self._gw.store.write(lambda tx: alerts.claim(tx, notice, until)):
            return False
        try:
            async with asyncio.timeout(TRY_SECONDS):
                await self._send(notice)
        except _Failed as error:
            await self._failed(notice, error.reason)
        except TimeoutError:
            await self._failed(notice, f"took longer than {TRY_SECONDS} seconds")
        else:
            at = self._gw.clock.now()
            await self._gw.store.write(lambda tx: alerts.settle(tx, notice.id, sent_at=at))
            self._gw.metrics.alert_notices.labels(notice.channel, "sent").inc()
            return True
        return False

    async def _send(self, notice: Notice) -> None:
        if notice.channel not in channels(self._gw.config.alerts):
            raise _Failed("this channel is not configured any more")
        if notice.channel == EMAIL:
            await self._mail(notice)
        else:
            await self._post(notice)

    async def _failed(self, notice: Notice, reason: str) -> None:
        now = self._gw.clock.now()
        over = now - notice.made_at >= GIVE_UP
        wait = WAITS[min(notice.tries, len(WAITS) - 1)]
        due = None if over else Instant(now + wait * SECOND)
        ended = now if over else None
        await self._gw.store.write(
            lambda tx: alerts.settle(tx, notice.id, due_at=due, problem=reason[:500], given_up_at=ended)
        )
        outcome = "given_up" if over else "failed"
        self._gw.metrics.alert_notices.labels(notice.channel, outcome).inc()
        log.warning("alert not sent", channel=notice.channel, outcome=outcome, reason=reason)

    async def _mail(self, notice: Notice) -> None:
        settings = self._gw.config.alerts
        server = MailServer(
            settings.smtp_host,
            settings.smtp_port,
            settings.smtp_security,
            settings.smtp_user,
            settings.smtp_password,
            self._gw.config.net.allow_private,
            self._net.tls,
        )
        sender = settings.email_from or f"gateway@{settings.smtp_host}"
        try:
            message = mail_of(notice, sender, settings.email_to)
            await asyncio.to_thread(server.send, message)
        except MailFailed as error:
            raise _Failed(str(error)) from error
        except (ValueError, IndexError) as error:
            raise _Failed(f"alerts.email_to or alerts.email_from is no address: {error}") from error

    async def _post(self, notice: Notice) -> None:
        settings, body = self._gw.config.alerts, orjson.dumps({"id": notice.id, **notice.body})
        if len(settings.webhook_secret) < SECRET_CHARACTERS:
            raise _Failed(f"alerts.webhook_secret needs at least {SECRET_CHARACTERS} characters")
        headers = headers_of(notice.id, body, settings.webhook_secret, self._gw.clock.now() // SECOND)
        try:
            answer = await self._net.post(settings.webhook_url, _once(body), len(body), headers)
        except Unreachable as error:
            raise _Failed(str(error)) from error
        if not 200 <= answer.status < 300:
            raise _Failed(f"HTTP {answer.status}")


def headers_of(notice: str, body: bytes, secret: str, timestamp: int) -> dict[str, str]:
    """The headers of one try; ``timestamp`` is UTC seconds."""
    signed = f"{timestamp}.{notice}.{hashlib.sha256(body).hexdigest()}".encode()
    return {
        "Content-Type": "application/json",
        "Idempotency-Key": notice,
        "X-Gateway-Timestamp": str(timestamp),
        "X-Gateway-Signature": f"v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}",
    }


def mail_of(notice: Notice, sender: str, recipients: str) -> EmailMessage:
    """The message for people: Vietnamese first. ``ValueError`` when an address is none."""
    addresses = [Address(addr_spec=one.strip()) for one in recipients.split(",") if one.strip()]
    message = EmailMessage()
    message["Subject"] = _subject(notice.body)
    message["From"] = Address(addr_spec=sender)
    message["To"] = addresses
    message["Message-ID"] = make_msgid(notice.id, domain="gateway.invalid")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n".join(_lines(notice.body)) + "\n")
    return message


def _subject(body: dict[str, Any]) -> str:
    name = body["gateway"]
    if body.get("test"):
        return f"[{name}] Thư thử cảnh báo (test)"
    raised, ended = len(body["raised"]), len(body["ended"])
    return f"[{name}] Cảnh báo gửi, nhận văn bản: {raised} mới, {ended} đã hết (alerts)"


def _lines(body: dict[str, Any]) -> list[str]:
    if body.get("test"):
        return [
            "Đây là thư thử: nơi nhận cảnh báo hoạt động.",
            "This is a test: alerts arrive here.",
        ]
    lines = []
    for title, items in (
        ("Mục tiêu đang bị lỡ quá nhanh (missed too fast):", body["raised"]),
        ("Đã trở lại bình thường (over):", body["ended"]),
    ):
        if items:
            lines += [title, *(line for item in items for line in _item(item)), ""]
    return [*lines, "Chi tiết (details): gateway alerts"]


def _item(item: dict[str, Any]) -> list[str]:
    what, when = MEASURES[Measure(item["measure"])], SPANS[Span(item["span"])]
    missed, due = item["missed"], item["due"]
    return [
        f"- {item['name']} ({item['agency']}): {missed}/{due} văn bản chưa đạt “{what.vi}” {when.vi}.",
        f"  {missed} of {due} due were not {what.en} {when.en}.",
    ]


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
