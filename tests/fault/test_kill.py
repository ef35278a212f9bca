"""kill -9 under load: what was acknowledged is there, what was refused left nothing, nobody gets it twice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.client import Client
from tests.server import Bed, prepare, started
from tests.world import PDF, make_envelope

CYCLES = 3
PER_CYCLE = 40


@pytest.fixture
async def bed(tmp_path: Path) -> Bed:
    return await prepare(tmp_path / "home")


async def send_until_killed(bed: Bed, numbers: list[int]) -> dict[int, str]:
    """Hand documents in, eight at a time; the server is killed in the middle. Number -> receipt."""
    receipts: dict[int, str] = {}
    async with started(bed) as (base, pid), aiohttp.ClientSession() as session:
        client = Client(session, base, bed.keys["H37"], "H37")
        queue = list(numbers)

        async def worker() -> None:
            while queue:
                number = queue.pop(0)
                with contextlib.suppress(aiohttp.ClientError):
                    receipts[number] = await client.submit(envelope(number))
                if len(receipts) == len(numbers) // 2:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)

        await asyncio.gather(*(worker() for _ in range(8)))
    return receipts


def envelope(number: int) -> bytes:
    """Small and large ones, so that both inline payloads and payload files are hit."""
    body = PDF + bytes(200_000 if number % 2 else 100)
    return make_envelope("H37", ["H37.03", "H37.31.21"], number=str(number), files={"a.pdf": body})


async def test_nothing_acknowledged_is_lost_or_doubled_by_kill_9(bed: Bed) -> None:
    acknowledged: dict[int, str] = {}
    for cycle in range(CYCLES):
        numbers = list(range(cycle * PER_CYCLE, (cycle + 1) * PER_CYCLE))
        acknowledged |= await send_until_killed(bed, numbers)
    assert len(acknowledged) >= CYCLES * PER_CYCLE // 2 - 1
    async with started(bed) as (base, _), aiohttp.ClientSession() as session:
        sender = Client(session, base, bed.keys["H37"], "H37")
        for number, receipt in acknowledged.items():
            assert await sender.submit(envelope(number)) == receipt
        for recipient in ("H37.03", "H37.31.21"):
            client = Client(session, base, bed.keys[recipient], recipient)
            found = await everything_waiting(client)
            assert len(found) == len(set(found))
            assert {f"H37,2020/04/13,{number}/UBND-KGVX" for number in acknowledged} <= set(found)


async def everything_waiting(client: Client) -> list[str]:
    found: list[str] = []
    while items := await client.items():
        for item in items:
            await client.take(item["delivery"])
            found.append(item["document_id"])
    return found


async def test_an_upload_cut_off_by_the_kill_left_no_row(bed: Bed) -> None:
    async with started(bed) as (base, pid), aiohttp.ClientSession() as session:
        client = Client(session, base, bed.keys["H37"], "H37")
        reached = asyncio.Event()

        async def slowly() -> AsyncIterator[bytes]:
            data = envelope(1)
            yield data[:150_000]
            reached.set()
            await asyncio.sleep(30)
            yield data[150_000:]

        upload = asyncio.create_task(client.submit(slowly()))
        await reached.wait()
        await asyncio.sleep(0.2)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(aiohttp.ClientError):
            await upload
    async with started(bed) as (base, _), aiohttp.ClientSession() as session:
        client = Client(session, base, bed.keys["H37.03"], "H37.03")
        assert await client.items() == []
        assert await Client(session, base, bed.keys["H37"], "H37").submit(envelope(1))
        assert len(await client.items()) == 1
