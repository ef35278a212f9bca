"""A world with the loops of alerts turned by hand, a real mail server and a real HTTP receiver."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from gateway.clock import from_datetime
from gateway.config import AlertsSection, Config, NetSection
from gateway.delivery.alert_senders import AlertSender
from gateway.delivery.alerts import Alerting
from gateway.model.objective import Alert
from gateway.net import Net
from gateway.store import alerts as rows
from gateway.store.contract import Store
from tests.world import World, make_world

SECRET = "khoa-bi-mat-cua-canh-bao"
LOOPBACK = NetSection(allow_private="127.0.0.0/8")
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


@contextlib.contextmanager
def mail_server() -> Iterator[Mailbox]:
    box = Mailbox()
    box.port = free_port()
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    yield box
    controller.stop()


@contextlib.asynccontextmanager
async def receiver() -> AsyncIterator[Hook]:
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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
