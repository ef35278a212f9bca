"""Every push kind against its partner, good and bad (``adapter_contract.py``)."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.serialization import Encoding

from adapters import KINDS, make_adapters
from adapters.folder.drop import Folder
from adapters.langson.axis import LangsonAxis
from adapters.peer import Peer
from adapters.vxp.axis import Axis
from adapters.webhook import Webhook
from gateway.clock import ScenarioClock
from gateway.edxml.digest import content_digest
from gateway.edxml.parse import parse_envelope
from gateway.model.receipt import Receipt
from gateway.net import Net
from gateway.practice.axis_store import System
from gateway.practice.langson_axis import Account, SimulatedLangsonAxis
from gateway.signature.keyring import Keyring
from gateway.signature.seal import issue_receipt
from tests.contract.adapter_contract import SECRET, START, AdapterContract, Bench, Mood, parcel

KEPT = 1_048_576  # of a message that is larger the stand-ins keep nothing
LOOPBACK = "127.0.0.0/8"


class Http:
    """A partner on this machine: ``answer`` is given to a request whose body was read, and kept if small."""

    def __init__(self, answer: Callable[[web.Request, bytes], web.Response]) -> None:
        self.answer = answer
        self.mood = Mood.GOOD
        self.server: TestServer | None = None
        self.release = asyncio.Event()

    async def start(self) -> None:
        app = web.Application(client_max_size=0)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self.server = TestServer(app)
        await self.server.start_server()

    @property
    def url(self) -> str:
        assert self.server is not None
        return str(self.server.make_url("/hook"))

    async def stop(self) -> None:
        self.release.set()
        if self.server is not None:
            await self.server.close()

    async def _handle(self, request: web.Request) -> web.Response:
        body, size = bytearray(), 0
        async for chunk in request.content.iter_chunked(65_536):
            size += len(chunk)
            if size <= KEPT:
                body += chunk
        if self.mood is Mood.DOWN:
            assert request.transport is not None
            request.transport.abort()
        if self.mood is Mood.SLOW:
            await self.release.wait()
        if self.mood is Mood.BUSY:
            return web.Response(status=503, headers={"Retry-After": "7"})
        return self.answer(request, bytes(body) if size <= KEPT else b"")


class HttpBench(Bench):
    """A bench whose partner listens."""

    def __init__(self, adapter: Callable[[Net, ScenarioClock], Webhook | Peer | Axis], http: Http) -> None:
        self.clock = ScenarioClock(START)
        self.net = Net(LOOPBACK, 1)
        self.adapter = adapter(self.net, self.clock)
        self.http = http
        self.kept: dict[str, bytes] = {}

    async def behave(self, mood: Mood) -> None:
        self.http.mood = mood

    def stored(self) -> list[bytes]:
        return list(self.kept.values())

    async def close(self) -> None:
        await self.net.close()
        await self.http.stop()


# ---------------------------------------------------------------- webhook


class WebhookBench(HttpBench):
    """Stores each ``Idempotency-Key`` once. Any 2xx counts as taken, so its rubbish is a proxy's 502."""

    def __init__(self) -> None:
        super().__init__(Webhook, Http(self.take))
        self.wrong_settings = ({"url": ""}, {"url": "ftp://may/hook"}, {"secret": ""}, {"secret": "ngan"})

    def take(self, request: web.Request, body: bytes) -> web.Response:
        if self.http.mood is Mood.RUBBISH:
            return web.Response(status=502, text="<html><h1>Bad Gateway")
        if self.http.mood is Mood.REFUSING:
            return web.json_response({"detail": "Đơn vị đã giải thể"}, status=410)
        if body:
            self.kept.setdefault(request.headers["Idempotency-Key"], body)
        return web.json_response({"id": "DV-17"})


class TestWebhook(AdapterContract):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[Bench]:
        bench = WebhookBench()
        await bench.http.start()
        bench.settings = {"url": bench.http.url, "secret": SECRET}
        yield bench
        await bench.close()


# ---------------------------------------------------------------- another gateway


class PeerBench(HttpBench):
    """A gateway that signs receipts, stores by content, and answers problems as ours do."""

    def __init__(self, home: Path) -> None:
        super().__init__(Peer, Http(self.take))
        self.keyring = Keyring.create(home / "peer", "truc-huyen", START)
        der = self.keyring.receipt_certificate.public_bytes(Encoding.DER)
        self.pin = hashlib.sha256(der).hexdigest()
        self.wrong_settings = (
            {"url": ""},
            {"url": "http://truc-huyen.example"},  # the key would travel in the clear
            {"secret": ""},
            {"secret": "khóa có dấu không dùng được"},
            {"receipt_sha256": ""},
            {"receipt_sha256": "abc"},
        )

    def take(self, request: web.Request, body: bytes) -> web.Response:
        if self.http.mood is Mood.RUBBISH:
            return web.Response(status=202, text='{"receipt_jws": "một.nửa')
        if self.http.mood is Mood.REFUSING:
            problem = {"code": "recipient.unknown", "detail": "Không có nơi nhận.", "detail_en": "Unknown."}
            return web.json_response(problem, status=422, content_type="application/problem+json")
        if not body:
            return web.json_response({}, status=202)
        self.kept.setdefault(hashlib.sha256(body).hexdigest(), body)
        return web.json_response({"document": "d", "receipt_jws": self.receipt(body)}, status=202)

    def receipt(self, body: bytes) -> str:
        """A receipt as a gateway of ours writes it."""
        envelope = parse_envelope(body).envelope
        receipt = Receipt(
            id="r",
            gateway="truc-huyen",
            message="m",
            sender=envelope.sender.organ_id,
            document_id=envelope.document_id,
            kind=envelope.kind.value,
            envelope_sha256=hashlib.sha256(body).hexdigest(),
            content_digest=content_digest(envelope, str).hex(),
            accepted_at=START,
            decision="accept",
            recipients=("H37.03",),
        )
        return issue_receipt(self.keyring, receipt)


class TestPeer(AdapterContract):
    @pytest.fixture
    async def bench(self, tmp_path: Path) -> AsyncIterator[Bench]:
        bench = PeerBench(tmp_path)
        await bench.http.start()
        url = bench.http.url.removesuffix("/hook")
        bench.settings = {"url": url, "secret": SECRET, "receipt_sha256": bench.pin}
        yield bench
        await bench.close()


# ---------------------------------------------------------------- folder


class FolderBench(Bench):
    """A folder is there, is away (a share that is not mounted), or has become a link."""

    moods = frozenset({Mood.GOOD, Mood.DOWN, Mood.RUBBISH})

    def __init__(self, root: Path) -> None:
        self.clock = ScenarioClock(START)
        self.net = Net("", 1, folders=str(root))
        self.adapter = Folder(self.net, self.clock)
        self.home = root / "H37.03"
        self.settings = {"path": "H37.03"}
        self.wrong_settings = tuple(
            {"path": path} for path in ("", "../etc", "/etc", "a//b", "a/.ssh", "a\\b", "a\nb", "..", ".")
        )
        (self.home / "in").mkdir(parents=True)

    async def behave(self, mood: Mood) -> None:
        here, away = self.home / "in", self.home / "away"
        if here.is_symlink():
            here.unlink()
        if away.exists():
            away.rename(here)
        if mood is not Mood.GOOD:
            here.rename(away)
        if mood is Mood.RUBBISH:
            here.symlink_to(away)

    def stored(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted((self.home / "in").glob("*.edxml"))]


@pytest.fixture
async def folder(tmp_path: Path) -> AsyncIterator[FolderBench]:
    bench = FolderBench(tmp_path)
    yield bench
    await bench.adapter.close()


class TestFolder(AdapterContract):
    @pytest.fixture
    async def bench(self, folder: FolderBench) -> Bench:
        return folder


async def test_a_folder_without_a_root_is_a_problem_of_the_administrator(tmp_path: Path) -> None:
    adapter = Folder(Net("", 1), ScenarioClock(START))
    (problem,) = adapter.check_settings({"path": "H37.03"})
    assert "net.folders" in problem.vi


async def test_a_dropped_file_that_somebody_changed_is_not_taken_for_delivered(folder: FolderBench) -> None:
    await folder.adapter.deliver(parcel(folder.settings))
    (path,) = (folder.home / "in").glob("*.edxml")
    path.write_bytes(b"another")
    outcome = await folder.adapter.deliver(parcel(folder.settings, attempt=2))
    assert getattr(outcome, "code", "") == "folder.name_taken"
    assert folder.stored() == [b"another"]


async def test_half_a_message_is_never_seen_and_leaves_nothing_behind(folder: FolderBench) -> None:
    wrong = parcel(folder.settings, envelope_sha256="0" * 64)
    outcome = await folder.adapter.deliver(wrong)
    assert getattr(outcome, "code", "") == "payload.changed"
    await folder.adapter.deliver(parcel(folder.settings, attempt=2))
    names = sorted(path.suffix for path in (folder.home / "in").iterdir())
    assert names == [".edxml", ".json"]


async def test_what_a_dead_attempt_left_is_swept_by_the_next(folder: FolderBench) -> None:
    made = parcel(folder.settings, attempt=2)
    (folder.home / "in" / f".{made.delivery_id}.1.part").write_bytes(b"half")
    await folder.adapter.deliver(made)
    assert not list((folder.home / "in").glob(".*"))


async def test_a_link_instead_of_an_agencys_folder_leads_nowhere(folder: FolderBench, tmp_path: Path) -> None:
    (tmp_path / "secret" / "in").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    outcome = await folder.adapter.deliver(parcel({"path": "link"}))
    assert getattr(outcome, "code", "") == "folder.link"
    assert list((tmp_path / "secret" / "in").iterdir()) == []


# ---------------------------------------------------------------- a provincial axis (Lạng Sơn)


class LangsonBench(Bench):
    """The simulated provincial axis."""

    KNOBS: Mapping[Mood, tuple[str, str]] = {
        Mood.DOWN: ("reset", ""),
        Mood.SLOW: ("delay", "3"),
        Mood.BUSY: ("busy", "7"),
        Mood.RUBBISH: ("html", ""),
    }

    def __init__(self) -> None:
        self.clock = ScenarioClock(START)
        self.net = Net(LOOPBACK, 1)
        self.adapter = LangsonAxis(self.net, self.clock)
        accounts = [Account(code, SECRET, System(code, SECRET, (code,))) for code in ("H37", "H37.03")]
        self.axis = SimulatedLangsonAxis(accounts, clock=self.clock)
        self.drain = Http(lambda *_: web.json_response({"code": 200, "data": {"token": "t"}}))
        self.wrong_settings = (
            {"url": ""},
            {"username": ""},
            {"system_id": ""},
            {"secret": ""},
            {"days": "x"},
        )

    async def behave(self, mood: Mood) -> None:
        self.axis.knobs.clear()
        self.axis.locked.clear()
        if mood in self.KNOBS:
            name, argument = self.KNOBS[mood]
            self.axis.knobs.turn(name, argument=argument)
        if mood is Mood.REFUSING:
            self.axis.locked.add("H37.03")

    def stored(self) -> list[bytes]:
        return [message.raw for message in self.axis.book.messages.values()]

    async def sink(self) -> Mapping[str, str]:
        await self.drain.start()
        return {**self.settings, "url": self.drain.url}


class TestLangsonAxis(AdapterContract):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[Bench]:
        bench = LangsonBench()
        async with bench.axis:
            bench.settings = {
                "url": bench.axis.url,
                "username": "H37",
                "system_id": "H37",
                "secret": SECRET,
            }
            yield bench
            await bench.net.close()
            await bench.drain.stop()


# ---------------------------------------------------------------- the national axis


class AxisBench(HttpBench):
    """An axis that knows each file by its hash and gives its first DocId again."""

    def __init__(self) -> None:
        super().__init__(Axis, Http(self.take))
        self.wrong_settings = (
            {"url": ""},
            {"system_id": ""},
            {"secret": ""},
            {"poll_seconds": "1"},
            {"codes": "moi"},
            {"serves": "others"},  # and who is ours?
        )

    def take(self, request: web.Request, body: bytes) -> web.Response:
        if self.http.mood is Mood.RUBBISH:
            return web.Response(text='{"status": "OK", "DocI')
        if self.http.mood is Mood.REFUSING:
            words = "Không có đơn vị nhận"
            return web.json_response({"status": "FAIL", "ErrorCode": "receiver.unknown", "ErrorDesc": words})
        digest = request.headers["XroadVnpt-hash-file"]
        if body:
            self.kept.setdefault(digest, body.removesuffix(b"\r\n"))
        return web.json_response({"status": "OK", "ErrorCode": "0", "ErrorDesc": "", "DocId": digest})


class TestAxis(AdapterContract):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[Bench]:
        bench = AxisBench()
        await bench.http.start()
        url = bench.http.url.removesuffix("/hook")
        bench.settings = {"url": url, "system_id": "H37", "secret": SECRET}
        yield bench
        await bench.close()


# ---------------------------------------------------------------- the register


def test_every_kind_is_registered_under_its_own_name_and_says_whether_it_is_pulled() -> None:
    adapters = make_adapters(Net("", 1), ScenarioClock(START))
    assert {kind: adapter.kind for kind, adapter in adapters.items()} == {kind: kind for kind in KINDS}
    assert {kind: adapter.pull for kind, adapter in adapters.items()} == {
        kind: made.pull for kind, made in KINDS.items()
    }


BENCHES: dict[str, type[Bench]] = {
    Axis.kind: AxisBench,
    Folder.kind: FolderBench,
    LangsonAxis.kind: LangsonBench,
    Peer.kind: PeerBench,
    Webhook.kind: WebhookBench,
}


def test_every_push_kind_has_its_bench() -> None:
    assert {kind for kind, made in KINDS.items() if not made.pull} == set(BENCHES)
