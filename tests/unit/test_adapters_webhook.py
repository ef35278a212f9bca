"""The webhook against a real HTTP server with the faults that partners have."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import unquote

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from adapters import make_adapters
from adapters.webhook import Webhook
from gateway.clock import ScenarioClock, from_datetime
from gateway.model.envelope import Kind
from gateway.model.text import AgencyCode, DocumentId
from gateway.net import Net
from gateway.port import Delivered, Outcome, Parcel, Refused, TryLater

SECRET = "khoa-bi-mat-dung-chung"
BODY = "<edXML>Công văn</edXML>".encode() * 4000
START = datetime(2020, 4, 13, 8, 30, tzinfo=UTC)
Reply = Callable[[], Awaitable[web.Response]]


@dataclass(slots=True)
class Partner:
    """A recipient's system: remembers what came, stores each delivery once, answers as told."""

    url: str = ""
    reply: Reply | None = None
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    stored: dict[str, bytes] = field(default_factory=dict)

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.requests.append((dict(request.headers), body))
        if self.reply is not None:
            return await self.reply()
        self.stored.setdefault(request.headers["Idempotency-Key"], body)
        return web.json_response({"id": "DV-17"})


@pytest.fixture
async def partner() -> AsyncIterator[Partner]:
    found = Partner()
    app = web.Application()
    app.router.add_post("/hook", found.handle)
    server = TestServer(app)
    await server.start_server()
    found.url = str(server.make_url("/hook"))
    yield found
    await server.close()


@pytest.fixture
async def webhook() -> AsyncIterator[Webhook]:
    net = Net("127.0.0.0/8", 1)
    yield Webhook(net, ScenarioClock(from_datetime(START)))
    await net.close()


def parcel_to(url: str, **changes: object) -> Parcel:
    async def opened() -> AsyncIterator[bytes]:
        for start in range(0, len(BODY), 65_536):
            yield BODY[start : start + 65_536]

    parcel = Parcel(
        delivery_id="01900000-0000-7000-8000-000000000001",
        message_id="01900000-0000-7000-8000-000000000002",
        kind=Kind.NEW,
        sender=AgencyCode("H37"),
        document_id=DocumentId("000.00.00.H37,2020/04/13,362/UBND-Đề án"),
        recipient=AgencyCode("H37.03"),
        urgency=2,
        envelope_sha256=hashlib.sha256(BODY).hexdigest(),
        size=len(BODY),
        attempt=1,
        settings={"url": url, "secret": SECRET},
        open=opened,
    )
    return replace(parcel, **changes)  # type: ignore[arg-type]


def answering(status: int, text: str = "", **headers: str) -> Reply:
    async def reply() -> web.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, text=text, headers=named)

    return reply


async def test_the_envelope_arrives_byte_for_byte_and_the_proof_names_the_answer(
    webhook: Webhook, partner: Partner
) -> None:
    assert await webhook.deliver(parcel_to(partner.url)) == Delivered("HTTP 200, id DV-17")
    assert partner.requests[0][1] == BODY


async def test_a_receiver_can_verify_the_signature_as_the_readme_says(
    webhook: Webhook, partner: Partner
) -> None:
    await webhook.deliver(parcel_to(partner.url))
    headers, body = partner.requests[0]
    stamp, delivery = headers["X-Gateway-Timestamp"], headers["X-Gateway-Delivery"]
    signed = f"{stamp}.{delivery}.{hashlib.sha256(body).hexdigest()}".encode()
    expected = "v1=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert headers["X-Gateway-Signature"] == expected
    assert int(stamp) == int(START.timestamp())


async def test_the_headers_say_whose_message_it_is(webhook: Webhook, partner: Partner) -> None:
    await webhook.deliver(parcel_to(partner.url, attempt=3))
    headers = partner.requests[0][0]
    named = {
        name[len("X-Gateway-") :]: value for name, value in headers.items() if name.startswith("X-Gateway")
    }
    assert unquote(named["Document-Id"]) == "000.00.00.H37,2020/04/13,362/UBND-Đề án"
    assert (named["Sender"], named["Recipient"], named["Kind"]) == ("H37", "H37.03", "new")
    assert (named["Urgency"], named["Attempt"]) == ("2", "3")
    assert named["SHA256"] == hashlib.sha256(BODY).hexdigest()


async def test_a_repeat_carries_the_same_key_so_the_receiver_stores_it_once(
    webhook: Webhook, partner: Partner
) -> None:
    await webhook.deliver(parcel_to(partner.url))
    again = await webhook.deliver(parcel_to(partner.url, attempt=2))
    assert isinstance(again, Delivered)
    assert len(partner.requests) == 2
    assert list(partner.stored) == ["01900000-0000-7000-8000-000000000001"]


async def test_rubbish_with_a_2xx_counts_as_delivered(webhook: Webhook, partner: Partner) -> None:
    partner.reply = answering(202, "<html><body>Welcome to nginx!")
    assert await webhook.deliver(parcel_to(partner.url)) == Delivered("HTTP 202")


@pytest.mark.parametrize("status", [401, 403, 404, 408, 425, 429, 500, 502, 503, 504])
async def test_a_busy_or_broken_receiver_is_tried_later(
    webhook: Webhook, partner: Partner, status: int
) -> None:
    partner.reply = answering(status, "<html>\n<h1>Bad Gateway</h1></html>")
    outcome = await webhook.deliver(parcel_to(partner.url))
    assert isinstance(outcome, TryLater)
    assert outcome.code == f"answer.{status}"
    assert "Bad Gateway" in outcome.text.vi
    assert "\n" not in outcome.text.en


@pytest.mark.parametrize("status", [400, 409, 410, 413, 422])
async def test_a_receiver_that_says_no_has_refused_in_its_own_words(
    webhook: Webhook, partner: Partner, status: int
) -> None:
    partner.reply = answering(status, '{"error": "x", "detail": "Đơn vị đã giải thể"}')
    outcome = await webhook.deliver(parcel_to(partner.url))
    assert isinstance(outcome, Refused)
    assert outcome.code == f"answer.{status}"
    assert "Đơn vị đã giải thể" in outcome.text.vi


async def test_the_partners_words_are_bounded_and_without_control_characters(
    webhook: Webhook, partner: Partner
) -> None:
    partner.reply = answering(410, "gone\x1b[31m\u202e\x00 " + "x" * 50_000)
    outcome = await webhook.deliver(parcel_to(partner.url))
    assert isinstance(outcome, Refused)
    assert len(outcome.text.en) < 400
    assert all(character.isprintable() for character in outcome.text.en)


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("120", 120),
        (format_datetime(START.replace(minute=32), usegmt=True), 120),
        (format_datetime(START.replace(minute=1), usegmt=True), 0),
        ("soon", 0),
        ("-5", 0),
    ],
)
async def test_the_time_that_a_receiver_asks_for_is_passed_on(
    webhook: Webhook, partner: Partner, retry_after: str, seconds: int
) -> None:
    partner.reply = answering(429, "slow down", Retry_After=retry_after)
    outcome = await webhook.deliver(parcel_to(partner.url))
    assert isinstance(outcome, TryLater)
    assert outcome.retry_after == seconds


async def test_a_redirect_into_a_private_network_is_not_followed(webhook: Webhook, partner: Partner) -> None:
    partner.reply = answering(308, Location="http://169.254.169.254/latest/meta-data")
    outcome = await webhook.deliver(parcel_to(partner.url))
    assert isinstance(outcome, TryLater)
    assert outcome.code == "answer.redirect"
    assert "169.254.169.254" in outcome.text.vi
    assert len(partner.requests) == 1


async def test_a_stopped_receiver_is_tried_later(webhook: Webhook) -> None:
    outcome = await webhook.deliver(parcel_to(f"http://127.0.0.1:{unused_port()}/hook"))
    assert isinstance(outcome, TryLater)
    assert outcome.code == "connect.refused"


async def test_a_slow_receiver_is_tried_later(webhook: Webhook, partner: Partner) -> None:
    release = asyncio.Event()

    async def slow() -> web.Response:
        await release.wait()
        return web.Response()

    partner.reply = slow
    outcome = await webhook.deliver(parcel_to(partner.url))
    release.set()
    assert isinstance(outcome, TryLater)
    assert outcome.code == "answer.timeout"


async def test_a_private_address_is_not_called_unless_allowed(partner: Partner) -> None:
    net = Net("", 1)
    outcome: Outcome = await Webhook(net, ScenarioClock(from_datetime(START))).deliver(parcel_to(partner.url))
    await net.close()
    assert isinstance(outcome, TryLater)
    assert outcome.code == "address.forbidden"
    assert partner.requests == []


@pytest.mark.parametrize(
    "settings",
    [{}, {"url": "https://a.example/"}, {"url": "file:///etc/passwd", "secret": SECRET}, {"secret": SECRET}],
)
async def test_a_wrong_connection_profile_waits_for_the_administrator(
    webhook: Webhook, settings: dict[str, str]
) -> None:
    assert webhook.check_settings(settings)
    outcome = await webhook.deliver(parcel_to("", settings=settings))
    assert isinstance(outcome, TryLater)
    assert outcome.code == "settings.wrong"


def test_a_complete_connection_profile_has_no_problems(webhook: Webhook) -> None:
    assert webhook.check_settings({"url": "https://partner.example/hook", "secret": SECRET}) == []


async def test_an_inbox_has_no_settings_and_is_never_carried(webhook: Webhook) -> None:
    inbox = make_adapters(Net("", 1), ScenarioClock(from_datetime(START)))["inbox"]
    assert inbox.check_settings({}) == []
    with pytest.raises(RuntimeError, match="waits in an inbox"):
        await inbox.deliver(parcel_to(""))
