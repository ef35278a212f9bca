"""The outbound client: which addresses it dials, and what it makes of partners that fail."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import TestServer, unused_port

from gateway import net as net_module
from gateway.addresses import AddressGuard
from gateway.errors import NotReady
from gateway.net import ANSWER_BYTES, Answer, ForbiddenAddress, Net, Unreachable, url_problem

LOCAL = "127.0.0.0/8"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def one_chunk(data: bytes = b"xin chao") -> AsyncIterator[bytes]:
    yield data


async def push(net: Net, url: str, data: bytes = b"xin chao") -> Answer:
    return await net.post(url, one_chunk(data), len(data), {"X-Test": "1"})


@pytest.fixture
async def local() -> AsyncIterator[Net]:
    """A client that may call this machine, with a short patience."""
    net = Net(LOCAL, 1)
    yield net
    await net.close()


@pytest.fixture
async def strict() -> AsyncIterator[Net]:
    """A client with the default: no private network is allowed."""
    net = Net("", 1)
    yield net
    await net.close()


@pytest.fixture
async def partner() -> AsyncIterator[Callable[[Handler], Awaitable[str]]]:
    """Start a real HTTP server that answers with the handler; its URL."""
    servers = []

    async def start(handler: Handler) -> str:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", handler)
        server = TestServer(app)
        await server.start_server()
        servers.append(server)
        return str(server.make_url("/hook"))

    yield start
    for server in servers:
        await server.close()


@contextlib.asynccontextmanager
async def listening(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """A partner that speaks HTTP byte by byte, so that it can misbehave; its URL."""
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    server.close()
    await server.wait_closed()


FORBIDDEN_TEXT = """
127.0.0.1 127.8.8.8 ::1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 ::
224.0.0.1 255.255.255.255 198.18.0.1 203.0.113.5 fe80::1%eth0 fd00::1 fec0::1 ff02::1 2001:db8::1 2001::1
::ffff:127.0.0.1 ::ffff:10.0.0.1 ::7f00:1 2002:7f00:1:: 2002:a9fe:a9fe:: 64:ff9b::a00:1 64:ff9b:1::1
"""
FORBIDDEN = FORBIDDEN_TEXT.split()


@pytest.mark.parametrize("address", FORBIDDEN)
def test_addresses_that_are_not_public_are_not_dialled(address: str) -> None:
    assert not AddressGuard("").permits(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_dialled(address: str) -> None:
    assert AddressGuard("").permits(address)


def test_a_private_network_is_dialled_once_the_operator_allows_it() -> None:
    guard = AddressGuard("10.64.0.0/16, fd00:1::/64")
    assert guard.permits("10.64.3.4")
    assert guard.permits("::ffff:10.64.3.4")
    assert guard.permits("fd00:1::9")
    assert not guard.permits("10.65.3.4")
    assert not guard.permits("fd00:2::9")


def test_a_network_that_does_not_parse_stops_the_start() -> None:
    with pytest.raises(NotReady, match=r"net\.allow_private"):
        AddressGuard("10.0.0.1/8")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "[::1]", "10.0.0.1", "169.254.169.254", "[::ffff:127.0.0.1]", "localhost",
        "2130706433", "017700000001", "0x7f000001", "127.1", "0177.0.0.1", "0", "１２７.0.0.1", "127.0.0.1.",
    ],
)  # fmt: skip
async def test_every_spelling_of_a_private_address_is_refused(strict: Net, host: str) -> None:
    with pytest.raises(ForbiddenAddress) as caught:
        await push(strict, f"http://{host}:{unused_port()}/hook")
    assert caught.value.code == "address.forbidden"
    assert "net.allow_private" in caught.value.text.vi


class FakeNames(AbstractResolver):
    """A name server in the attacker's hand: answers from a list, one address for each question."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=a, port=port, family=socket.AF_INET, proto=0, flags=0)
            for a in self.addresses
        ]

    async def close(self) -> None:
        pass


async def test_a_name_that_resolves_to_private_addresses_is_refused() -> None:
    net = Net("", 1, FakeNames("127.0.0.1", "10.0.0.1"))
    with pytest.raises(ForbiddenAddress):
        await push(net, "http://partner.example/hook")
    await net.close()


async def test_of_a_name_with_several_addresses_only_the_allowed_one_is_dialled(
    partner: Callable[[Handler], Awaitable[str]],
) -> None:
    called: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        called.append(request.host)
        return web.Response()

    port = (await partner(answer)).split(":")[2].split("/")[0]
    net = Net("127.0.0.1/32", 1, FakeNames("10.255.255.1", "127.0.0.1"))
    reply = await push(net, f"http://partner.example:{port}/hook")
    await net.close()
    assert reply.status == 200
    assert called == [f"partner.example:{port}"]


async def test_the_upload_has_a_content_length_and_arrives_whole(
    local: Net, partner: Callable[[Handler], Awaitable[str]]
) -> None:
    seen: dict[str, object] = {}

    async def answer(request: web.Request) -> web.Response:
        seen.update(length=request.content_length, encoding=request.headers.get("Transfer-Encoding"))
        seen.update(body=await request.read(), header=request.headers["X-Test"])
        return web.Response(status=201, text="kept", headers={"X-Answer": "yes"})

    reply = await push(local, await partner(answer))
    assert seen == {"length": 8, "encoding": None, "body": b"xin chao", "header": "1"}
    assert (reply.status, reply.body, reply.headers["x-answer"]) == (201, b"kept", "yes")


async def test_a_redirect_is_an_answer_and_is_not_followed(
    local: Net, partner: Callable[[Handler], Awaitable[str]]
) -> None:
    calls: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        calls.append(request.path)
        return web.Response(status=307, headers={"Location": "http://169.254.169.254/latest/"})

    reply = await push(local, await partner(answer))
    assert (reply.status, calls) == (307, ["/hook"])


async def test_of_a_huge_answer_only_the_beginning_is_read(
    local: Net, partner: Callable[[Handler], Awaitable[str]]
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * (4 * ANSWER_BYTES))

    assert len((await push(local, await partner(answer))).body) == ANSWER_BYTES


async def test_a_compressed_answer_is_not_unpacked(
    local: Net, partner: Callable[[Handler], Awaitable[str]]
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=b"\x1f\x8b not gzip", headers={"Content-Encoding": "gzip"})

    assert (await push(local, await partner(answer))).body.startswith(b"\x1f\x8b")


async def test_no_proxy_is_taken_from_the_environment(
    local: Net, partner: Callable[[Handler], Awaitable[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="direct")

    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{unused_port()}")
    assert (await push(local, await partner(answer))).body == b"direct"


async def test_a_stopped_partner_is_unreachable(local: Net) -> None:
    with pytest.raises(Unreachable) as caught:
        await push(local, f"http://127.0.0.1:{unused_port()}/hook")
    assert caught.value.code == "connect.refused"


async def test_an_unknown_name_is_unreachable(local: Net) -> None:
    with pytest.raises(Unreachable) as caught:
        await push(local, "http://no-such-host.invalid/hook")
    assert caught.value.code == "connect.dns"


async def test_a_partner_that_does_not_answer_in_time_is_unreachable(
    partner: Callable[[Handler], Awaitable[str]],
) -> None:
    release = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        await release.wait()
        return web.Response()

    net = Net(LOCAL, 1)
    with pytest.raises(Unreachable) as caught:
        await push(net, await partner(answer))
    release.set()
    await net.close()
    assert caught.value.code == "answer.timeout"


@pytest.mark.parametrize(
    ("bytes_sent", "code"),
    [
        (b"rubbish\r\n\r\n", "answer.unreadable"),
        (b"", "answer.cut_off"),
        (b"HTTP/1.1 200 OK\r\nConte", "answer.cut_off"),
    ],
)
async def test_a_partner_that_answers_rubbish_or_hangs_up_is_unreachable(
    local: Net, bytes_sent: bytes, code: str
) -> None:
    async def rubbish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(bytes_sent)
        writer.close()

    server = await asyncio.start_server(rubbish, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(Unreachable) as caught:
        await push(local, f"http://127.0.0.1:{port}/")
    server.close()
    await server.wait_closed()
    assert caught.value.code == code


@pytest.mark.parametrize(
    "bytes_sent",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ],
)
async def test_an_answer_whose_body_breaks_off_counts_by_its_status(local: Net, bytes_sent: bytes) -> None:
    async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(8)
        writer.write(bytes_sent)
        writer.close()

    async with listening(broken) as url:
        reply = await push(local, url)
    assert (reply.status, reply.body) == (200, b"")


async def test_an_answer_whose_body_never_ends_counts_by_its_status(
    local: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(net_module, "BODY_SECONDS", 0.1)
    hung_up = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(8)
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 10\r\n\r\nabc")
        await reader.read()
        hung_up.set()
        writer.close()

    async with listening(slow) as url:
        reply = await push(local, url)
        await asyncio.wait_for(hung_up.wait(), 5)
    assert (reply.status, reply.body) == (202, b"")


async def test_a_broken_answer_that_came_before_the_upload_ended_does_not_count(local: Net) -> None:
    answered = asyncio.Event()

    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        writer.close()
        await writer.wait_closed()
        answered.set()

    async def stuck() -> AsyncIterator[bytes]:
        yield b"half"
        await asyncio.Event().wait()

    async with listening(hasty) as url:
        with pytest.raises(Unreachable) as caught:
            await local.post(url, stuck(), 8, {})
    assert answered.is_set()
    assert caught.value.code == "answer.cut_off"


async def test_plain_http_where_tls_is_meant_is_unreachable(
    local: Net, partner: Callable[[Handler], Awaitable[str]]
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response()

    url = (await partner(answer)).replace("http:", "https:")
    with pytest.raises(Unreachable) as caught:
        await push(local, url)
    assert caught.value.code == "connect.tls"


async def test_what_breaks_the_upload_comes_out_as_it_is(
    local: Net, partner: Callable[[Handler], Awaitable[str]]
) -> None:
    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response()

    async def damaged() -> AsyncIterator[bytes]:
        yield b"half"
        raise ArithmeticError("the payload is damaged")

    with pytest.raises(ArithmeticError, match="damaged"):
        await local.post(await partner(answer), damaged(), 8, {})


@pytest.mark.parametrize(
    "url", ["", "ftp://a.example/", "file:///etc/passwd", "https://", "a.example/x", "http://a:99999/"]
)
async def test_only_web_addresses_are_called(strict: Net, url: str) -> None:
    assert url_problem(url) is not None
    with pytest.raises(Unreachable) as caught:
        await push(strict, url)
    assert caught.value.code == "url.wrong"


def test_an_address_with_a_password_in_it_is_refused() -> None:
    problem = url_problem("https://user:pass@partner.example/hook")
    assert problem is not None
    assert "mật khẩu" in problem.vi


def test_a_proper_address_has_no_problem() -> None:
    assert url_problem("https://partner.example/hook") is None


# answers whose bytes matter


async def test_get_returns_the_whole_body(local: Net, partner: Callable[[Handler], Awaitable[str]]) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.method == "GET"
        return web.Response(body=b"c" * 300_000)

    got = await local.get(await partner(answer), 300_000)
    assert (got.status, len(got.body)) == (200, 300_000)


@pytest.mark.parametrize("chunked", [False, True])
async def test_get_refuses_what_is_larger_than_its_limit(
    local: Net, partner: Callable[[Handler], Awaitable[str]], chunked: bool
) -> None:
    async def answer(request: web.Request) -> web.Response:
        response = web.Response(body=b"c" * 1001)
        if chunked:
            response.enable_chunked_encoding()
        return response

    with pytest.raises(Unreachable) as caught:
        await local.get(await partner(answer), 1000)
    assert caught.value.code == "answer.too_large"


async def test_get_of_a_body_that_breaks_off_is_no_answer(local: Net) -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        writer.close()

    async with listening(half) as url:
        with pytest.raises(Unreachable) as caught:
            await local.get(url, 100)
    assert caught.value.code == "answer.cut_off"


async def test_get_of_a_body_that_stops_coming_ends_in_time(local: Net) -> None:
    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        await writer.drain()
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    async with listening(stall) as url:
        with pytest.raises(Unreachable) as caught:
            await local.get(url, 100)
    assert caught.value.code == "answer.timeout"


async def test_get_follows_no_redirect(local: Net, partner: Callable[[Handler], Awaitable[str]]) -> None:
    async def elsewhere(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "http://169.254.169.254/"})

    assert (await local.get(await partner(elsewhere), 100)).status == 302


async def test_post_bytes_sends_and_returns_bytes(
    local: Net, partner: Callable[[Handler], Awaitable[str]]
) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.content_type == "application/ocsp-request"
        return web.Response(body=(await request.read())[::-1])

    got = await local.post_bytes(
        await partner(answer), b"abc", {"Content-Type": "application/ocsp-request"}, 10
    )
    assert got.body == b"cba"


async def test_get_is_guarded_like_every_call(strict: Net) -> None:
    for url in ("http://10.0.0.1/a.crl", "http://169.254.169.254/latest", "http://[::1]/a.crl"):
        with pytest.raises(ForbiddenAddress):
            await strict.get(url, 100)
