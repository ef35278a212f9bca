"""The software of one agency, as a vendor would write it: sends, fetches, stores, reports statuses.

In charge of: a small client of the native HTTP interface, a cabinet on disk that stores each delivery once,
and a receiver for agencies to which the gateway pushes. Knows nothing of the gateway but its HTTP interface
and the page ``adapters/README.md``. Not in charge of: what its clerks decide (``demo``).

A message counts as received when its bytes are on our disk under their final name; only then do we say done
(or answer 200). A crash before that costs a second fetch, and the delivery id recognises it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote
from uuid import UUID

import aiohttp
import orjson
from aiohttp import web

API = "/api/v1"
PUSH_PATH = "/edxml"
FRESH_SECONDS = 300  # an older signature of a push is refused
MOST_BYTES = 200 * 1024**2


class TurnedAway(Exception):
    """The gateway said no. ``problem`` is its problem+json: ``code``, ``detail``, ``findings`` …"""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status = status
        self.problem = problem
        super().__init__(f"{status} {problem.get('code', '')}: {problem.get('detail_en', '')}")


class Damaged(Exception):
    """What was fetched are not the bytes that were announced: never stored, fetched again."""


@dataclass(frozen=True, slots=True)
class Item:
    """One message, as the inbox lists it or a push names it."""

    delivery: str
    message: str
    kind: str
    sender: str
    document_id: str
    envelope_sha256: str


class Client(Protocol):
    """The calls that an agency's software needs, over whatever interface. All may raise ``TurnedAway``."""

    @property
    def code(self) -> str: ...

    async def submit(self, envelope: bytes) -> dict[str, Any]: ...

    async def inbox(self) -> list[Item]: ...

    async def fetch(self, delivery: str) -> bytes: ...

    async def done(self, delivery: str) -> None: ...


class AgencyClient:
    """The calls of the native interface. One session may serve several clients."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, api_key: str, code: str) -> None:
        self._session = session
        self._url = base_url.rstrip("/") + API
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._code = code

    @property
    def code(self) -> str:
        """The agency."""
        return self._code

    async def submit(self, envelope: bytes) -> dict[str, Any]:
        """Send an edXML file; the answer with the signed receipt. ``TurnedAway`` carries the findings."""
        headers = {"Content-Type": "application/xml"}
        return await self._json("POST", "/documents", data=envelope, headers=headers)

    async def inbox(self) -> list[Item]:
        """What waits for us, in the order in which to fetch it."""
        answer = await self._json("GET", "/inbox", params={"agency": self._code})
        return [Item(**{name: line[name] for name in Item.__slots__}) for line in answer["items"]]

    async def fetch(self, delivery: str) -> bytes:
        """The bytes of one waiting message."""
        async with self._call("GET", f"/inbox/{delivery}") as response:
            return await response.read()

    async def done(self, delivery: str) -> None:
        """Tell the gateway that the message is on our disk."""
        async with self._call("POST", f"/inbox/{delivery}/done"):
            return

    async def status(self, delivery: str, code: str, description: str) -> dict[str, Any]:
        """Report what became of a document that was delivered to us."""
        body = {"code": code, "description": description}
        return await self._json("POST", f"/inbox/{delivery}/status", json=body)

    async def ask_back(self, document: str, reason: str) -> dict[str, Any]:
        """Ask every recipient for a document back; the answer has a line for each."""
        return await self._json("POST", f"/documents/{document}/recall", json={"reason": reason})

    async def _json(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        async with self._call(method, path, **arguments) as response:
            answer: dict[str, Any] = orjson.loads(await response.read())
            return answer

    @contextlib.asynccontextmanager
    async def _call(self, method: str, path: str, **arguments: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = self._headers | arguments.pop("headers", {})
        async with self._session.request(method, self._url + path, headers=headers, **arguments) as response:
            if response.status >= 400:
                raise TurnedAway(response.status, _problem(await response.read()))
            yield response


class Cabinet:
    """Where an agency keeps what it sent and received: ``folder/received`` and ``folder/sent``."""

    def __init__(self, folder: Path) -> None:
        self.received = folder / "received"
        self.sent = folder / "sent"
        for made in (self.received, self.sent):
            made.mkdir(parents=True, exist_ok=True)

    def has(self, delivery: str) -> bool:
        """True when that delivery was stored before."""
        return self._place(delivery, ".json").exists()

    def store(self, item: Item, envelope: bytes) -> bool:
        """Keep a message. On return it is on disk; False when it was there already.

        ``Damaged`` when the bytes are not those that the gateway announced.
        """
        if hashlib.sha256(envelope).hexdigest() != item.envelope_sha256:
            raise Damaged(item.delivery)
        if self.has(item.delivery):
            return False
        _write_durably(self._place(item.delivery, ".edxml"), envelope)
        _write_durably(self._place(item.delivery, ".json"), orjson.dumps(asdict(item)))
        return True

    def keep_receipt(self, answer: dict[str, Any], envelope: bytes = b"") -> None:
        """Keep the gateway's signed promise, and what we sent (nothing for a status that it wrote for us).
        The SDK gets no receipt: then the id is all there is."""
        stem = self.sent / answer["message"]
        if receipt := answer.get("receipt_jws"):
            stem.with_suffix(".jws").write_text(receipt, encoding="ascii")
        if envelope:
            stem.with_suffix(".edxml").write_bytes(envelope)

    def items(self) -> list[Item]:
        """Everything received, read back from disk."""
        return [Item(**orjson.loads(path.read_bytes())) for path in sorted(self.received.glob("*.json"))]

    def bytes_of(self, item: Item) -> bytes:
        """The stored bytes."""
        return self._place(item.delivery, ".edxml").read_bytes()

    def receipts(self) -> list[str]:
        """Every receipt, as a compact JWS."""
        return [path.read_text(encoding="ascii") for path in sorted(self.sent.glob("*.jws"))]

    def sent_without_receipt(self) -> list[bytes]:
        """What was sent through an interface that gives none."""
        paths = sorted(self.sent.glob("*.edxml"))
        return [path.read_bytes() for path in paths if not path.with_suffix(".jws").exists()]

    def _place(self, delivery: str, ending: str) -> Path:
        """``ValueError`` for an id that is no UUID: it came over the network and becomes a file's name."""
        return self.received / f"{UUID(delivery)}{ending}"


Received = Callable[[Item], Awaitable[None]]


class AgencySoftware:
    """Client and cabinet together: the loop that empties the inbox. ``received`` hears of new messages."""

    def __init__(self, client: Client, cabinet: Cabinet, received: Received, poll_seconds: float) -> None:
        self.client = client
        self.cabinet = cabinet
        self.idle = True
        self._received = received
        self._poll_seconds = poll_seconds
        self._wanted = asyncio.Event()

    def look_now(self) -> None:
        """Do not wait for the next poll."""
        self.idle = False
        self._wanted.set()

    async def run(self) -> None:
        """Empty the inbox again and again, until cancelled. An unreachable gateway is tried again later."""
        while True:
            self.idle = False
            self._wanted.clear()
            with contextlib.suppress(aiohttp.ClientError, TurnedAway, Damaged):
                await self.empty_inbox()
            self.idle = not self._wanted.is_set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), self._poll_seconds)

    async def empty_inbox(self) -> None:
        """Fetch, store, say done; repeat until nothing waits."""
        while items := await self.client.inbox():
            for item in items:
                await self._take(item)

    async def send(self, envelope: bytes) -> dict[str, Any]:
        """Send a file and keep its receipt."""
        answer = await self.client.submit(envelope)
        self.cabinet.keep_receipt(answer, envelope)
        return answer

    async def push_received(self, item: Item, envelope: bytes) -> None:
        """A message that the gateway pushed to us."""
        if self.cabinet.store(item, envelope):
            await self._received(item)

    async def report(self, item: Item, code: str, text: str) -> None:
        """Say what became of a document that was delivered to us; the gateway writes the message."""
        assert isinstance(self.client, AgencyClient)  # others write it themselves
        self.cabinet.keep_receipt(await self.client.status(item.delivery, code, text))

    async def _take(self, item: Item) -> None:
        new = None
        if not self.cabinet.has(item.delivery):
            new, data = await self._fetched(item)
            self.cabinet.store(new, data)
        await self.client.done(item.delivery)
        if new is not None:
            await self._received(new)

    async def _fetched(self, item: Item) -> tuple[Item, bytes]:
        return item, await self.client.fetch(item.delivery)


class PushReceiver:
    """The web server of an agency to which the gateway pushes (``adapters/README.md``)."""

    def __init__(self, software: AgencySoftware, secret: str, now: Callable[[], int]) -> None:
        self._software = software
        self._secret = secret.encode()
        self._now = now  # seconds since 1970

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Listen on loopback; yields the URL to push to."""
        application = web.Application(client_max_size=MOST_BYTES)
        application.router.add_post(PUSH_PATH, self._take)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            port = runner.addresses[0][1]
            yield f"http://127.0.0.1:{port}{PUSH_PATH}"
        finally:
            await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if not self._genuine(request, body):
            return web.Response(status=503, text="the signature does not fit: check secret and clock")
        await self._software.push_received(_pushed_item(request), body)
        return web.Response(status=200, text="stored")

    def _genuine(self, request: web.Request, body: bytes) -> bool:
        stamp = request.headers.get("X-Gateway-Timestamp", "")
        if not stamp.isdigit() or abs(self._now() - int(stamp)) > FRESH_SECONDS:
            return False
        digest = hashlib.sha256(body).hexdigest()
        signed = f"{stamp}.{request.headers.get('X-Gateway-Delivery', '')}.{digest}".encode()
        expected = "v1=" + hmac.new(self._secret, signed, hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected, request.headers.get("X-Gateway-Signature", ""))


def _pushed_item(request: web.Request) -> Item:
    headers = request.headers
    return Item(
        delivery=headers["X-Gateway-Delivery"],
        message=headers["X-Gateway-Message"],
        kind=headers["X-Gateway-Kind"],
        sender=unquote(headers["X-Gateway-Sender"]),
        document_id=unquote(headers["X-Gateway-Document-Id"]),
        envelope_sha256=headers["X-Gateway-SHA256"],
    )


def _write_durably(path: Path, data: bytes) -> None:
    """On return the file is on disk under its name."""
    growing = path.with_suffix(path.suffix + ".part")
    with growing.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    growing.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _problem(body: bytes) -> dict[str, Any]:
    with contextlib.suppress(orjson.JSONDecodeError):
        problem = orjson.loads(body)
        if isinstance(problem, dict):
            return problem
    return {"code": "answer.unreadable", "detail": body[:200].decode("utf-8", "replace")}
