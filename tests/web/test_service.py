"""Health, readiness, metrics, the page at the root; starting, draining and stopping."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import NamedTuple

import aiohttp
import orjson
import pytest

from gateway.config import Config, ServerSection
from gateway.errors import NotReady
from gateway.store.contract import StoreUnavailable
from gateway.store.people import Role
from gateway.web import api_service, render, server
from gateway.web.endpoint import DESK
from gateway.web.server import make_web_app, serve_web
from tests.web.conftest import XML, Site, eventually, issue_key
from tests.world import World, make_envelope


class Usage(NamedTuple):
    total: int
    used: int
    free: int


async def test_the_process_says_that_it_lives_to_anybody(site: Site) -> None:
    reply = await site.get("/healthz", None)
    assert (reply.status, reply.json) == (200, {"status": "ok"})
    assert (await site.call("HEAD", "/healthz", None)).status == 200


async def test_a_gateway_that_can_take_documents_is_ready(site: Site) -> None:
    reply = await site.get("/readyz", None)
    assert reply.status == 200
    assert reply.json["free_bytes"] > 0


async def test_a_full_disk_is_not_ready(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(1000, 999, api_service.FREE_BYTES - 1))
    reply = await site.get("/readyz", None)
    assert (reply.status, reply.code) == (503, "ready.disk")
    assert reply.headers["retry-after"] == "60"


async def test_a_store_that_does_not_answer_is_not_ready(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(store: object, unit: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(api_service, "READ_SECONDS", 0.05)
    monkeypatch.setattr(type(site.world.gw.store), "read", silent)
    assert (await site.get("/readyz", None)).code == "ready.store"


async def test_a_store_that_is_away_is_not_ready(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(store: object, unit: object) -> None:
        raise StoreUnavailable(retry_after=5)

    monkeypatch.setattr(type(site.world.gw.store), "read", away)
    assert (await site.get("/readyz", None)).code == "store.unavailable"


async def test_metrics_count_what_the_gate_decided(site: Site) -> None:
    await site.send()
    await site.send(b"rubbish")
    await site.get("/api/v1/inbox", None)
    text = (await site.get("/metrics", None)).body.decode()
    assert 'gateway_submissions_total{decision="accept"} 1.0' in text
    assert 'gateway_submissions_total{decision="refuse"} 1.0' in text
    assert "gateway_unauthenticated_total 1.0" in text
    assert "H37" not in text


async def test_metrics_behind_a_proxy_need_the_key_of_somebody_who_watches(site: Site) -> None:
    forwarded = {"X-Forwarded-For": "203.0.113.7"}
    assert (await site.get("/metrics", None, **forwarded)).status == 401
    assert (await site.get("/metrics", "H37", **forwarded)).status == 403
    for who in ("auditor", "operator", "administrator"):
        assert (await site.get("/metrics", who, **forwarded)).status == 200


async def test_the_page_at_the_root_says_in_vietnamese_what_this_is(site: Site) -> None:
    reply = await site.get("/", None)
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    text = reply.body.decode()
    assert text.startswith('<!doctype html><html lang="vi">')
    assert "Trục liên thông văn bản" in text
    for href in re.findall(r'href="([^"]+)"', text):
        assert (await site.get(href, None)).status == 200


def test_a_page_escapes_whatever_it_is_given() -> None:
    evil = render.Bilingual("<script>alert(1)</script>", '"&')
    body = render.page(evil, [evil], [('"><script>', evil)]).text or ""
    assert "<script" not in body
    assert body.count("&lt;script&gt;") == 5


async def test_while_draining_running_uploads_end_and_new_requests_are_sent_away(world: World) -> None:
    data, begun, go_on = make_envelope(), asyncio.Event(), asyncio.Event()

    async def slow_body() -> AsyncIterator[bytes]:
        yield data[:100]
        begun.set()
        await go_on.wait()
        yield data[100:]

    headers = XML | {"X-API-Key": await issue_key(world, Role.SYSTEM, ("H37",))}
    app, stop = make_web_app(world.gw), asyncio.Event()
    config = Config(server=ServerSection(port=0, drain_seconds=0))
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def serve() -> None:
        async with serve_web(app, config, world.home) as number:
            port.set_result(number)
            await stop.wait()

    serving = asyncio.create_task(serve())
    url = f"http://127.0.0.1:{await port}"
    async with aiohttp.ClientSession(url) as session:
        upload = asyncio.create_task(
            _status(session.post("/api/v1/documents", data=slow_body(), headers=headers))
        )
        await begun.wait()
        await eventually(lambda: app[DESK].running == 1)
        stop.set()
        await eventually(lambda: app[DESK].draining)
        async with session.get("/api/v1/gateway", headers=headers) as response:
            assert (response.status, response.headers["Retry-After"]) == (503, "10")
            assert response.headers["Connection"] == "close"
            assert orjson.loads(await response.read())["code"] == "gateway.draining"
        assert await _status(session.get("/healthz")) == 200
        go_on.set()
        assert await upload == 202
        await serving
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", await port)


async def test_a_node_that_leaves_is_not_ready_and_serves_open_connections_to_their_next_answer(
    world: World,
) -> None:
    headers = {"X-API-Key": await issue_key(world, Role.SYSTEM, ("H37",))}
    app, stop = make_web_app(world.gw), asyncio.Event()
    config = Config(server=ServerSection(port=0, drain_seconds=20))
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def serve() -> None:
        async with serve_web(app, config, world.home) as number:
            port.set_result(number)
            await stop.wait()

    serving = asyncio.create_task(serve())
    async with aiohttp.ClientSession(f"http://127.0.0.1:{await port}") as session:
        for path in ("/readyz", "/healthz"):  # two connections
            assert await _status(session.get(path)) == 200
        stop.set()
        await eventually(lambda: app[DESK].leaving)
        async with session.get("/api/v1/gateway", headers=headers) as response:
            assert (response.status, response.headers["Connection"]) == (200, "close")
        async with session.get("/readyz") as response:
            assert response.status == 503
            assert orjson.loads(await response.read())["code"] == "gateway.draining"
        assert not app[DESK].draining
    async with asyncio.timeout(10):  # less than it may wait: nobody is connected any more
        await serving


async def _status(request: AbstractAsyncContextManager[aiohttp.ClientResponse]) -> int:
    async with request as response:
        return response.status


async def test_a_connection_that_never_says_anything_is_closed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "FIRST_REQUEST_SECONDS", 0.3)
    async with serve_web(make_web_app(world.gw), world.gw.config, world.home) as port:
        silent, silent_out = await asyncio.open_connection("127.0.0.1", port)
        talking, talking_out = await asyncio.open_connection("127.0.0.1", port)
        silent_out.write(b"GET /healthz HTTP/1.1\r\nHost:")
        for _ in range(2):
            talking_out.write(b"GET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n")
            assert b"200" in await talking.readuntil(b'{"status":"ok"}')
            await asyncio.sleep(0.35)
        assert await asyncio.wait_for(silent.read(), 5) == b""
        for writer in (silent_out, talking_out):
            writer.close()
            await writer.wait_closed()


async def test_a_missing_tls_file_stops_the_start_with_its_reason(world: World) -> None:
    config = Config(server=ServerSection(port=0, tls_certificate="none.pem"))
    with pytest.raises(NotReady) as caught:
        async with serve_web(make_web_app(world.gw), config, world.home):
            pass
    assert caught.value.code == "config.wrong"


async def test_a_port_that_is_taken_stops_the_start(site: Site, world: World, tmp_path: Path) -> None:
    taken = Config(server=ServerSection(port=int(site.url.rsplit(":", 1)[1])))
    with pytest.raises(OSError, match="address already in use"):
        async with serve_web(make_web_app(world.gw), taken, tmp_path):
            pass


async def test_metrics_say_whether_the_node_is_ready_and_why_not(site: Site, world: World) -> None:
    assert (await site.get("/readyz", None)).status == 200
    text = (await site.get("/metrics", None)).body.decode()
    assert "gateway_ready 1.0" in text
    assert "gateway_not_ready{" not in text
    assert 'gateway_responses_total{status="200"}' in text
    assert 'gateway_request_seconds_count{door="service"} 1.0' in text
    site.desk.gw.fleet.leaving = True
    text = (await site.get("/metrics", None)).body.decode()
    assert "gateway_ready 0.0" in text
    assert 'gateway_not_ready{code="gateway.draining"} 1.0' in text
