"""Bodies that are too large, too slow, cut off, compressed, chunked; callers that are too many."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator

import pytest

from gateway import intake
from gateway.config import Config
from gateway.flow.door import SMALL_BYTES
from tests.web.conftest import XML, Site, config_for, eventually
from tests.world import PDF, make_envelope

BIG = make_envelope(files={"a.pdf": PDF + b"x" * 1_500_000})  # more than waits in memory
LIMIT = 4_000_000


@pytest.fixture
def config() -> Config:
    """Small limits: room for two uploads of the largest size."""
    return config_for(upload_bytes=LIMIT, attachment_bytes=3_000_000, bytes_in_flight=2 * LIMIT)


class Wire:
    """A client that speaks HTTP byte by byte, so that it can misbehave."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def upload(cls, site: Site, *headers: str, key: str = "") -> Wire:
        """Send the head of an upload."""
        reader, writer = await asyncio.open_connection("127.0.0.1", int(site.url.rsplit(":", 1)[1]))
        lines = [
            "POST /api/v1/documents HTTP/1.1",
            "Host: gateway",
            f"X-API-Key: {key or site.keys['H37']}",
            "Content-Type: application/xml",
            *headers,
        ]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        return cls(reader, writer)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def status(self) -> int:
        """Status of the next answer."""
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 5)
        return int(head.split()[1])

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


async def until_nothing_runs(site: Site) -> None:
    await eventually(lambda: not site.desk.running and not site.desk.admission.bytes_in_flight)


async def pieces(data: bytes, size: int = 10_000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def test_an_upload_that_is_cut_off_leaves_nothing_behind(site: Site) -> None:
    wire = await Wire.upload(site, f"Content-Length: {len(BIG)}")
    await wire.send(BIG[:1_800_000])
    await eventually(lambda: len(site.staged()) == 1)
    await wire.close()
    await until_nothing_runs(site)
    assert site.staged() == []
    recorded = await site.world.event_types()
    assert set(recorded) == {"directory.imported", "principal.created", "credential.issued"}


async def test_after_a_cut_off_upload_the_whole_one_is_a_first_submission(site: Site) -> None:
    wire = await Wire.upload(site, f"Content-Length: {len(BIG)}")
    await wire.send(BIG[:100_000])
    await wire.close()
    await until_nothing_runs(site)
    assert (await site.send(BIG)).json["repeated"] is False


async def test_an_upload_may_come_in_chunks_of_unknown_total(site: Site) -> None:
    reply = await site.call("POST", "/api/v1/documents", "H37", XML, data=pieces(BIG))
    assert reply.status == 202
    assert (await site.waiting())[0]["size"] == len(BIG)


async def test_a_chunked_upload_that_breaks_its_framing_is_cut_off(site: Site) -> None:
    wire = await Wire.upload(site, "Transfer-Encoding: chunked")
    await wire.send(b"400\r\n" + BIG[:1024] + b"\r\nrubbish\r\n")
    assert await wire.status() == 400
    await wire.close()
    assert site.staged() == []


async def test_an_announced_size_over_the_limit_is_refused_before_the_body(site: Site) -> None:
    wire = await Wire.upload(site, f"Content-Length: {LIMIT + 1}")
    assert await wire.status() == 413
    await wire.close()


async def test_a_chunked_upload_over_the_limit_is_refused_while_it_comes(site: Site) -> None:
    data = make_envelope(files={"a.pdf": b"x" * 2_000_000, "b.pdf": b"x" * 2_000_000})
    reply = await site.call("POST", "/api/v1/documents", "H37", XML, data=pieces(data))
    assert (reply.status, reply.code) == (413, "request.too_large")
    assert site.staged() == []


async def test_expect_continue_is_answered_only_when_the_body_is_wanted(site: Site) -> None:
    wire = await Wire.upload(site, f"Content-Length: {len(BIG)}", "Expect: 100-continue")
    assert await wire.status() == 100
    await wire.send(BIG)
    assert await wire.status() == 202
    await wire.close()
    unknown = await Wire.upload(site, f"Content-Length: {len(BIG)}", "Expect: 100-continue", key="gw_wrong")
    assert await unknown.status() == 401
    await unknown.close()


async def test_an_upload_that_stalls_is_given_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "IDLE_SECONDS", 0.1)
    wire = await Wire.upload(site, f"Content-Length: {len(BIG)}")
    await wire.send(BIG[:1000])
    assert await wire.status() == 408
    await wire.close()
    assert site.staged() == []


async def test_an_upload_that_drips_is_given_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "IDLE_SECONDS", 0.3)
    wire = await Wire.upload(site, f"Content-Length: {len(BIG)}")
    for byte in BIG[:20]:
        await wire.send(bytes([byte]))
        await asyncio.sleep(0.03)
    assert await wire.status() == 408
    await wire.close()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip"])
async def test_a_compressed_upload_is_refused_and_not_unpacked(site: Site, encoding: str) -> None:
    headers = XML | {"Content-Encoding": encoding}
    reply = await site.call("POST", "/api/v1/documents", "H37", headers, data=b"\x1f\x8b")
    assert (reply.status, reply.code) == (415, "request.media_type")


@pytest.mark.parametrize("media_type", ["application/json", "multipart/form-data; boundary=x", "image/png"])
async def test_another_media_type_is_refused(site: Site, media_type: str) -> None:
    headers = {"Content-Type": media_type}
    reply = await site.call("POST", "/api/v1/documents", "H37", headers, data=b"x")
    assert (reply.status, reply.code) == (415, "request.media_type")


@pytest.mark.parametrize("media_type", ["application/octet-stream", "text/xml; charset=utf-8"])
async def test_media_types_that_client_libraries_send_are_taken(site: Site, media_type: str) -> None:
    headers = {"Content-Type": media_type}
    reply = await site.call("POST", "/api/v1/documents", "H37", headers, data=io.BytesIO(make_envelope()))
    assert reply.status == 202


async def hold(site: Site, who: str, size: int, *headers: str) -> Wire:
    """An upload of which the first ``size`` bytes came in; then it rests."""
    framing = headers or ("Transfer-Encoding: chunked",)
    before = site.desk.admission.bytes_in_flight
    wire = await Wire.upload(site, *framing, key=site.keys[who])
    data = BIG[:size]
    await wire.send(data if headers else b"%x\r\n%b\r\n" % (size, data))
    await eventually(lambda: site.desk.admission.bytes_in_flight >= before + size - SMALL_BYTES)
    return wire


async def test_uploads_that_only_announce_their_size_take_no_room_from_others(site: Site) -> None:
    waiting = [await Wire.upload(site, f"Content-Length: {LIMIT}", key=site.keys["H37.05"]) for _ in range(4)]
    waiting += [await Wire.upload(site, "Transfer-Encoding: chunked", key=site.keys["H37.05"])]
    await eventually(lambda: site.desk.running == 5)
    assert site.desk.admission.bytes_in_flight == 0
    assert (await site.send(BIG)).status == 202
    for wire in waiting:
        await wire.close()


async def test_one_caller_that_uploads_all_it_can_leaves_room_for_others(site: Site) -> None:
    mine = make_envelope("H37.05", ["H37.03"], files={"a.pdf": PDF + b"x" * 1_500_000})
    waiting = [await hold(site, "H37.05", 1_500_000), await hold(site, "H37.05", 900_000)]
    over = await site.send(mine, "H37.05")
    assert (over.status, over.code, over.headers["retry-after"]) == (429, "caller.too_many_bytes", "2")
    assert (await site.send(BIG)).status == 202
    for wire in waiting:
        await wire.close()
    await until_nothing_runs(site)
    assert (await site.send(mine, "H37.05")).status == 202


async def test_a_callers_only_upload_may_be_larger_than_its_share(site: Site) -> None:
    data = make_envelope(files={"a.pdf": PDF + b"x" * 2_900_000})
    assert len(data) > 7_000_000 // 2
    site.desk.gw.config = config_for(
        upload_bytes=LIMIT, attachment_bytes=3_000_000, bytes_in_flight=7_000_000
    )
    assert (await site.send(data)).status == 202


async def test_when_the_room_for_uploads_is_taken_a_caller_is_told_when_to_come_back(site: Site) -> None:
    waiting = [await hold(site, who, 2_000_000) for who in ("H37.03", "H37.05", "clerk")]
    reply = await site.send(BIG)
    assert (reply.status, reply.code) == (503, "gateway.busy")
    assert reply.headers["retry-after"] == "2"
    assert reply.json["retry_after"] == 2
    for wire in waiting:
        await wire.close()
    await until_nothing_runs(site)
    assert (await site.send(BIG)).status == 202


async def test_an_upload_of_unknown_size_is_told_when_the_room_runs_out_on_its_way(site: Site) -> None:
    waiting = [await hold(site, who, 2_000_000) for who in ("H37.03", "H37.05", "clerk")]
    reply = await site.call("POST", "/api/v1/documents", "H37", XML, data=pieces(BIG))
    assert (reply.status, reply.code) == (503, "gateway.busy")
    assert len(site.staged()) == 3
    for wire in waiting:
        await wire.close()


async def test_a_small_upload_passes_while_the_room_is_taken(site: Site) -> None:
    waiting = [await hold(site, who, 2_000_000) for who in ("H37.03", "H37.05", "clerk")]
    assert (await site.send()).status == 202
    assert (await site.get("/api/v1/inbox")).status == 200
    for wire in waiting:
        await wire.close()
