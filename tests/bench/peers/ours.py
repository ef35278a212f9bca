"""Our gateway at the same work: signed envelopes in, receipts verified, fetched by the recipient.

In charge of: one timed round. Not in charge of: the installation (``tests.server``).
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import aiohttp

from gateway.signature.keyring import Keyring
from gateway.signature.seal import read_receipt, sign_envelope
from tests.bench.peers import SENDERS, Round
from tests.client import Client
from tests.server import Bed, family_pss, family_seconds
from tests.world import make_envelope

FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True)
class Ours:
    """A running gateway on ``bed``."""

    bed: Bed
    base: str
    pid: int

    async def round(self, count: int, size: int, seed: int) -> Round:
        """Send ``count`` documents from ``SENDERS`` processes, and take them all at the recipient."""
        share = count // SENDERS
        ends = [self._start(share, size, f"{seed}-{number}") for number in range(SENDERS)]
        for _, end in ends:
            await asyncio.to_thread(end.recv)
        loop = asyncio.get_running_loop()
        cpu, own, began = family_seconds(self.pid), time.process_time(), loop.time()
        for _, end in ends:
            end.send("go")
        await self._take(share * SENDERS)
        answers: list[dict[str, Any]] = [await asyncio.to_thread(end.recv) for _, end in ends]
        wall, cpu = loop.time() - began, family_seconds(self.pid) - cpu
        for process, _ in ends:
            process.join()
        return Round(
            documents=share * SENDERS,
            failed=sum(one["failed"] for one in answers),
            wall=wall,
            cpu=cpu + (time.process_time() - own) + sum(one["cpu"] for one in answers),
            seconds=[second for one in answers for second in one["seconds"]],
            pss=family_pss(self.pid),
        )

    def _start(self, share: int, size: int, name: str) -> tuple[Any, Connection]:
        mine, theirs = FORK.Pipe()
        process = FORK.Process(target=_sender, args=(self, share, size, name, theirs))
        process.start()
        return process, mine

    async def _take(self, count: int) -> None:
        async with aiohttp.ClientSession() as session:
            await Client(session, self.base, self.bed.keys["H37.03"], "H37.03").take_all(count)


def _sender(ours: Ours, share: int, size: int, name: str, end: Connection) -> None:
    """A process of its own: signs, sends, verifies the receipt, one document after another."""
    plain = [_envelope(name, number, size) for number in range(share)]
    end.send("ready")
    end.recv()
    cpu = time.process_time()
    seconds = asyncio.run(_send(ours, plain))
    end.send({"seconds": seconds, "failed": share - len(seconds), "cpu": time.process_time() - cpu})


async def _send(ours: Ours, plain: list[bytes]) -> list[float]:
    signer, seconds = ours.bed.signer, []
    certificate = Keyring.open(ours.bed.home / "keys").receipt_certificate
    async with aiohttp.ClientSession() as session:
        client = Client(session, ours.base, ours.bed.keys["H37"], "H37")
        for data in plain:
            began = time.perf_counter()
            receipt = await client.submit(sign_envelope(data, signer.private_key, signer.chain))
            read_receipt(receipt, [certificate])
            seconds.append(time.perf_counter() - began)
    return seconds


def _envelope(name: str, number: int, size: int) -> bytes:
    body = b"%PDF-1.7\n" + os.urandom(size * 3 // 4 - 4000)
    return make_envelope("H37", ["H37.03"], number=f"{name}-{number}", files={"a.pdf": body})


def signed(bed: Bed, size: int) -> list[bytes]:
    """Eight envelopes of that size, as the senders send them: for the floor."""
    plain = (_envelope("floor", number, size) for number in range(8))
    return [sign_envelope(data, bed.signer.private_key, bed.signer.chain) for data in plain]
