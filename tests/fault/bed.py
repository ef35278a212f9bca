"""One installation under test: its servers come and go, its senders and recipients stay and remember.

In charge of: starting servers through the zygote, traffic, recovery, the recipient that is pushed to. Not in
charge of: what goes wrong (``plan``, ``scenarios``), what may not (``ledger``).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import orjson
from aiohttp import web

from gateway import app
from gateway.clock import SystemClock
from gateway.config import load
from gateway.flow import office
from gateway.flow.operate import LOCAL
from gateway.model.agency import Profile
from gateway.model.envelope import Kind
from gateway.model.text import AgencyCode
from gateway.practice.s3 import SimulatedBucket
from tests.fault.database import Database
from tests.fault.ledger import Ledger, Sent
from tests.fault.plan import Plan
from tests.fault.steps import BY_NAME
from tests.server import Bed as Home
from tests.server import prepare
from tests.world import PDF, make_envelope, make_status

ROOT = Path(__file__).parents[2]
SENDER, INBOX, PUSHED = "H37", "H37.03", "H37.31"
AHEAD = 3600  # seconds by which each server lives later than the one before: leases and waits are over
POLL_SECONDS = 0.05  # between two looks of those who wait
PATIENCE = 30.0  # seconds until what did not arrive counts as lost
DAY = "2020/04/13"
_AWAY = (aiohttp.ClientError, OSError, TimeoutError)
_SETTINGS = """[net]
allow_private = "127.0.0.0/8"
[delivery]
timeout_seconds = 2
lease_seconds = 5
[exchange_log]
checkpoint_seconds = 1
"""
_BUCKET = """[payloads]
url = "s3://bucket/payloads"
endpoint = "{url}"
access_key = "fault"
secret_key = "bed"
allow_http = true
timeout_seconds = 2
"""


class Zygote:
    """The process that forks servers (``zygote``); one server at a time."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.pid = 0

    @classmethod
    async def started(cls, settings: Mapping[str, str]) -> Zygote:
        """``settings``: of its servers, as environment variables."""
        command, env = [sys.executable, "-m", "tests.fault.zygote"], os.environ | dict(settings)
        return cls(await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=env, stdin=PIPE, stdout=PIPE))

    async def serve(self, plan: Plan) -> str:
        """Fork a server; its base URL once it listens."""
        assert self._process.stdin is not None
        self._process.stdin.write(orjson.dumps(plan.as_json()) + b"\n")
        line = await self._line()
        if not line.startswith("port="):
            raise RuntimeError(f"the server did not start: {line}")
        port, pid = (part.split("=")[1] for part in line.split())
        self.pid = int(pid)
        return f"http://127.0.0.1:{port}"

    def tell(self, number: signal.Signals) -> None:
        """A signal to the server; none there is no error."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    async def ended(self) -> int:
        """Wait until the server is gone; its exit code, negative for a signal."""
        return int((await self._line()).split()[1])

    async def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    async def _line(self) -> str:
        assert self._process.stdout is not None
        return (await asyncio.wait_for(self._process.stdout.readline(), 60)).decode().strip()


@dataclass(slots=True)
class Pushed:
    """The system of H37.31: remembers what it was pushed, and misbehaves when told."""

    ledger: Ledger
    mode: str = "sound"  # hang: never answers; lose: keeps it and breaks off the answer

    async def take(self, request: web.Request) -> web.StreamResponse:
        if self.mode == "hang":
            await asyncio.sleep(30)
        try:
            data = await request.read()
        except ConnectionError:  # whoever was kept waiting has gone
            return web.Response(status=400)
        self.ledger.arrived(PUSHED, data, request.headers["Idempotency-Key"])
        if self.mode == "lose" and request.transport is not None:
            request.transport.abort()
        return web.Response(text="ok")


@dataclass(slots=True)
class Bed:
    """The installation, its people, and the server that lives now."""

    home: Home
    ledger: Ledger
    pushed: Pushed
    zygote: Zygote
    session: aiohttp.ClientSession
    base: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    database: Database | None = None
    bucket: SimulatedBucket | None = None
    other: Zygote | None = None  # of a second node
    lives: int = 0
    step_number: int = 0  # on the page, where the server that lives now is to die
    documents: int = 0
    answer_seconds: list[float] = field(default_factory=list)
    checkpoints: list[str] = field(default_factory=list)

    async def start(self, plan: Plan) -> None:
        """The next server."""
        self.lives += 1
        self.step_number = BY_NAME[plan.step].number if plan.step else 0
        self.base = await self.zygote.serve(plan)

    async def start_other(self, pace: float) -> str:
        """A second node beside the one that lives; its base URL."""
        self.other = self.other or await Zygote.started(self.settings)
        home = self.home.home.with_name("other")  # a folder of its own, with the same keys and payloads
        home.mkdir(exist_ok=True)
        for name in ("gateway.toml", "keys", "trust", "payloads"):
            if not (home / name).exists():
                (home / name).symlink_to(self.home.home / name)
        plan = Plan(str(home), (self.lives - 1) * AHEAD, pace=pace)
        return await self.other.serve(plan)

    def plan(self, **faults: object) -> Plan:
        """A plan for the next server of this installation."""
        return Plan(str(self.home.home), ahead=self.lives * AHEAD, **faults)  # type: ignore[arg-type]

    async def submit(self, sent: Sent) -> bool:
        """Hand one message in; False when nobody knows whether it was taken."""
        headers = {"X-API-Key": self.home.keys[sent.sender], "Content-Type": "application/xml"}
        began = asyncio.get_running_loop().time()
        try:
            url = f"{self.base}/api/v1/documents"
            async with self.session.post(url, data=io.BytesIO(sent.data), headers=headers) as answer:
                body = await answer.read()
        except _AWAY:
            return False
        if answer.status in (429, 500, 503):
            return False
        if answer.status != 202:
            self.ledger.faults.append(f"{answer.status} for {sent.sha256}: {body.decode()[:500]}")
            return False
        self.answer_seconds.append(asyncio.get_running_loop().time() - began)
        receipt = str(orjson.loads(body)["receipt_jws"])
        self.ledger.acknowledged(sent, receipt, _sha_in(receipt))
        return True

    async def is_dead(self) -> bool:
        """True when nobody answers any more."""
        try:
            async with self.session.get(f"{self.base}/healthz") as answer:
                await answer.read()
        except _AWAY:
            return True
        return False

    async def traffic(self, documents: int = 4) -> None:
        """A few documents with everything that follows. Ends early where the server does not answer."""
        letters = [self._letter() for _ in range(documents)]
        with contextlib.suppress(*_AWAY):
            await asyncio.gather(*map(self.submit, letters))
            await self.take(INBOX)
            statuses = [self._status(INBOX, "03", one) for one in letters if one.receipt]
            await asyncio.gather(*map(self.submit, statuses))
            if (INBOX, letters[0].sha256) in self.ledger.seen:
                await self._recall(letters[0])
            if letters[1].receipt:
                await self.submit(self._update(letters[1]))
            await self.take(SENDER)
            await self._look_at_log()

    async def settle(self) -> None:
        """Senders get through with everything that nobody answered, recipients fetch what waits."""
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE
        while loop.time() < until and (self.ledger.unresolved() or await self._take_both()):
            for sent in self.ledger.unresolved():
                await self.submit(sent)
            await asyncio.sleep(POLL_SECONDS)

    async def _take_both(self) -> int:
        with contextlib.suppress(*_AWAY):
            return await self.take(INBOX) + await self.take(SENDER)
        return 0

    async def recover(self) -> None:
        """What any sender and recipient does after a breakdown: try again, and fetch what waits."""
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE
        while loop.time() < until:
            with contextlib.suppress(*_AWAY):
                for sent in self.ledger.unresolved():
                    await self.submit(sent)
                taken = await self.take(INBOX) + await self.take(SENDER)
                if not taken and not self.ledger.unresolved() and not self.ledger.missing():
                    return
            await asyncio.sleep(POLL_SECONDS)
        for sent in self.ledger.unresolved():
            self.ledger.faults.append(f"{sent.sender} cannot hand in {sent.sha256}")

    async def take(self, agency: str) -> int:
        """Fetch everything that waits for an agency, and say done."""
        headers, taken = {"X-API-Key": self.home.keys[agency]}, 0
        while items := await self._items(agency, headers):
            for item in items:
                self.ledger.offered(item["delivery"])
                url = f"{self.base}/api/v1/inbox/{item['delivery']}"
                async with self.session.get(url, headers=headers) as answer:
                    data = await answer.read()
                if answer.status != 200:
                    return taken
                self.ledger.arrived(agency, data, item["delivery"])
                async with self.session.post(f"{url}/done", headers=headers) as answer:
                    await answer.read()
                if answer.status != 200:
                    return taken
                self.ledger.settled.add(item["delivery"])
                taken += 1
        return taken

    async def _items(self, agency: str, headers: dict[str, str]) -> list[dict[str, str]]:
        url = f"{self.base}/api/v1/inbox?agency={agency}&limit=100"
        async with self.session.get(url, headers=headers) as answer:
            found = await answer.json() if answer.status == 200 else {"items": []}
        return list(found["items"])

    async def _recall(self, letter: Sent) -> None:
        """The sender wants it back, the recipient's system agrees."""
        letter.recalled_from = INBOX
        await self.submit(self._status(SENDER, "13", letter, INBOX))
        await self.take(INBOX)
        await self.submit(self._status(INBOX, "15", letter))

    async def _look_at_log(self) -> None:
        async with self.session.get(f"{self.base}/api/v1/log/checkpoint") as answer:
            if answer.status == 200:
                self.checkpoints.append(await answer.text())

    def _letter(self) -> Sent:
        """Small and large ones, so that both inline payloads and payload files are hit."""
        self.documents += 1
        body = PDF + bytes(60_000 if self.documents % 2 else 100)
        number = f"{self.documents}"
        data = make_envelope(SENDER, [INBOX, PUSHED], number=number, files={"a.pdf": body})
        document = f"{SENDER},{DAY},{number}/UBND-KGVX"
        return self.ledger.hand_in(Sent(SENDER, data, (INBOX, PUSHED), document=document))

    def _update(self, letter: Sent) -> Sent:
        data = make_envelope(
            SENDER,
            [INBOX, PUSHED],
            number=self._number(letter),
            kind=Kind.UPDATE,
            reason="Bổ sung phụ lục",
            files={"b.pdf": PDF},
        )
        return self.ledger.hand_in(Sent(SENDER, data, (INBOX, PUSHED)))

    def _status(self, reporter: str, code: str, letter: Sent, to: str = SENDER) -> Sent:
        data = make_status(reporter, code, letter.document, about=SENDER if to == SENDER else to)
        return self.ledger.hand_in(Sent(reporter, data, (to,)))

    def _number(self, letter: Sent) -> str:
        return letter.data.split(b"CodeNumber>")[1].split(b"<")[0].decode()


@contextlib.asynccontextmanager
async def opened(
    folder: Path,
    database: Database | None = None,
    settings: Mapping[str, str] | None = None,
    bucket: SimulatedBucket | None = None,
) -> AsyncIterator[Bed]:
    """A new installation with a sender, an inbox, and a recipient that is pushed to."""
    more = _BUCKET.format(url=bucket.url) if bucket else ""
    home = await prepare(folder / "home", database.url if database else "", _SETTINGS + more)
    ledger = Ledger()
    pushed = Pushed(ledger)
    async with _listening(pushed) as url, aiohttp.ClientSession() as session:
        await _connect(home, url)
        zygote = await Zygote.started(settings or {})
        bed = Bed(
            home, ledger, pushed, zygote, session, settings=settings or {}, database=database, bucket=bucket
        )
        try:
            yield bed
        finally:
            for one in (zygote, *([bed.other] if bed.other else [])):
                one.tell(signal.SIGKILL)
                await one.close()


@contextlib.asynccontextmanager
async def _listening(pushed: Pushed) -> AsyncIterator[str]:
    application = web.Application(client_max_size=2**26)
    application.router.add_post("/push", pushed.take)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/push"
    finally:
        await runner.cleanup()


async def _connect(home: Home, url: str) -> None:
    gw = await app.open_services(home.home, load(home.home), SystemClock(), "fault bed")
    try:
        profile = Profile(AgencyCode(PUSHED), "webhook", (("url", url),))
        await office.set_profile(gw, LOCAL, profile, "a secret of the fault bed")
    finally:
        await gw.close()


def _sha_in(receipt: str) -> str:
    """The SHA-256 that a receipt promises (its signature is checked by ``audit``)."""
    payload = receipt.split(".")[1]
    claims = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return str(claims["envelope_sha256"])
