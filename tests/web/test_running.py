"""The whole gateway as ``gateway serve`` runs it: web, control socket, worker, webhook."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.webhook import signature
from gateway import app
from gateway.clock import SystemClock
from gateway.config import Config, NetSection, ServerSection
from gateway.errors import NotReady
from gateway.web.control_call import NoServer, call_control
from tests.web.conftest import XML
from tests.world import AGENCIES, make_envelope

SECRET = "khoa-bi-mat-dung-chung"
CONFIG = Config(server=ServerSection(port=0), net=NetSection(allow_private="127.0.0.0/8"))


@dataclass(slots=True)
class Receiver:
    """A recipient's system; ``failing`` makes it answer 503."""

    url: str = ""
    failing: bool = False
    bodies: dict[str, bytes] = field(default_factory=dict)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.headers.append(dict(request.headers))
        if self.failing:
            return web.Response(status=503, text="bảo trì", headers={"Retry-After": "60"})
        self.bodies[request.headers["Idempotency-Key"]] = body
        return web.json_response({"id": "CV-1"})


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    found = Receiver()
    application = web.Application()
    application.router.add_post("/hook", found.take)
    server = TestServer(application)
    await server.start_server()
    found.url = str(server.make_url("/hook"))
    yield found
    await server.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    app.init_home(tmp_path / "home", "truc-thu", SystemClock())
    return tmp_path / "home"


@dataclass(frozen=True, slots=True)
class Sender:
    """The system of H37 over HTTP."""

    home: Path
    url: str
    key: str
    session: aiohttp.ClientSession

    async def send(self, data: bytes) -> dict[str, Any]:
        headers = XML | {"X-API-Key": self.key}
        async with self.session.post(f"{self.url}/api/v1/documents", data=data, headers=headers) as response:
            assert response.status == 202, await response.text()
            return dict(await response.json())

    async def delivery(self, document: str) -> dict[str, Any]:
        """The document's only delivery to the recipient."""
        trace = await call_control(self.home, "trace.show", {"reference": document})
        [found] = [delivery for delivery in trace["deliveries"] if delivery["kind"] == "new"]
        return dict(found)

    async def until(self, document: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        async with asyncio.timeout(10):
            while not holds(delivery := await self.delivery(document)):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return delivery


async def set_up(home: Path, receiver: Receiver) -> str:
    """Import agencies, connect H37.03 by webhook, give H37 a key; the key."""
    rows = [f"{a.code},{a.name},{a.level},{a.parent or ''}" for a in AGENCIES]
    text = "\n".join(["code,name,level,parent", *rows])
    await call_control(home, "directory.import", {"text": text, "apply": True})
    connection = {
        "agency": "H37.03",
        "adapter": "webhook",
        "settings": {"url": receiver.url},
        "secret": SECRET,
    }
    await call_control(home, "agency.connect", connection)
    made = await call_control(home, "agency.add_system", {"name": "QLVB", "agencies": ["H37"]})
    return str(made["api_key"])


async def exchange(
    home: Path, receiver: Receiver, work: Callable[[Sender], Awaitable[None]], key: str = ""
) -> str:
    """Run a gateway on ``home`` while ``work`` runs; the key of H37."""
    async with app.running(home, CONFIG, SystemClock()) as (_, port), aiohttp.ClientSession() as session:
        key = key or await set_up(home, receiver)
        await work(Sender(home, f"http://127.0.0.1:{port}", key, session))
    return key


async def test_a_document_is_pushed_signed_and_its_arrival_reported(home: Path, receiver: Receiver) -> None:
    data = make_envelope()

    async def work(sender: Sender) -> None:
        sent = await sender.send(data)
        delivery = await sender.until(sent["document"], lambda found: found["state"] == "delivered")
        assert delivery["proof"] == "HTTP 200, id CV-1"
        assert receiver.bodies == {delivery["id"]: data}
        headers = {"X-API-Key": sender.key}
        async with sender.session.get(f"{sender.url}/api/v1/inbox", headers=headers) as response:
            [arrival] = (await response.json())["items"]
        assert (arrival["kind"], arrival["sender"]) == ("status", "H37.03")

    await exchange(home, receiver, work)
    [headers] = receiver.headers
    stamp, delivery = int(headers["X-Gateway-Timestamp"]), headers["X-Gateway-Delivery"]
    digest = hashlib.sha256(data).hexdigest()
    assert headers["X-Gateway-Signature"] == signature(SECRET.encode(), stamp, delivery, digest)


async def test_a_failing_receiver_gets_it_later_even_after_a_restart(home: Path, receiver: Receiver) -> None:
    receiver.failing = True
    documents: list[str] = []

    async def send(sender: Sender) -> None:
        documents.append((await sender.send(make_envelope()))["document"])
        await sender.until(documents[0], lambda found: found["attempts"] == 1 and not found["leased_until"])

    async def retry(sender: Sender) -> None:
        delivery = await sender.delivery(documents[0])
        assert delivery["state"] == "queued"
        await call_control(home, "queue.retry", {"delivery_id": delivery["id"], "reason": "đã sửa xong"})
        await sender.until(documents[0], lambda found: found["state"] == "delivered")

    key = await exchange(home, receiver, send)
    receiver.failing = False
    await exchange(home, receiver, retry, key)
    assert [headers["X-Gateway-Attempt"] for headers in receiver.headers] == ["1", "2"]
    assert len({headers["Idempotency-Key"] for headers in receiver.headers}) == 1


async def test_a_stopped_gateway_leaves_no_socket_and_can_start_again(home: Path, receiver: Receiver) -> None:
    async def nothing(sender: Sender) -> None:
        assert (await call_control(home, "status", {}))["clock"]["source"] == "system"

    for _ in range(2):
        await exchange(home, receiver, nothing)
        with pytest.raises(NoServer):
            await call_control(home, "status", {})


async def test_two_gateways_do_not_run_on_one_home(home: Path) -> None:
    async with app.running(home, CONFIG, SystemClock()):
        with pytest.raises(NotReady):
            async with app.running(home, CONFIG, SystemClock()):
                pass
