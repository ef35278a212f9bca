"""The frame of the loops: no error ends one, and stop does not wait for the end of a rest."""

from __future__ import annotations

import asyncio

import structlog
from structlog.testing import capture_logs

from gateway.delivery.rounds import Rounds


class Counting(Rounds):
    """Fails in its first round and would rest for an hour after its second."""

    def __init__(self) -> None:
        super().__init__(structlog.get_logger("test"), 0.001)
        self.begun = 0
        self.rests = asyncio.Event()

    async def turn(self) -> float:
        self.begun += 1
        if self.begun == 1:
            raise RuntimeError("the world is unavailable")
        self.rests.set()
        return 3600


async def test_a_failed_round_is_logged_and_followed_by_the_next() -> None:
    loop = Counting()
    with capture_logs() as logged:
        running = asyncio.create_task(loop.run())
        await asyncio.wait_for(loop.rests.wait(), 5)
    loop.stop()
    await asyncio.wait_for(running, 5)
    assert [entry["event"] for entry in logged] == ["round failed, trying again"]
    assert loop.begun == 2


async def test_stop_cuts_the_rest_short() -> None:
    loop = Counting()
    running = asyncio.create_task(loop.run())
    await asyncio.wait_for(loop.rests.wait(), 5)
    loop.stop()
    await asyncio.wait_for(running, 5)
    assert loop.begun == 2


async def test_a_loop_that_was_stopped_begins_nothing() -> None:
    loop = Counting()
    loop.stop()
    await asyncio.wait_for(loop.run(), 5)
    assert loop.begun == 0
