"""What an agency's software does, as fast as it can."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp

POLL_SECONDS = 0.1  # far more often than any agency polls, and not so often that polling is what is measured


class Client:
    """One agency's connection to the gateway."""

    def __init__(self, session: aiohttp.ClientSession, base: str, key: str, agency: str) -> None:
        self._session, self._base, self._agency = session, base, agency
        self._headers = {"X-API-Key": key}

    async def submit(self, data: bytes | AsyncIterator[bytes]) -> str:
        """The signed receipt."""
        headers = self._headers | {"Content-Type": "application/xml"}
        async with self._session.post(f"{self._base}/api/v1/documents", data=data, headers=headers) as answer:
            if answer.status != 202:
                raise RuntimeError(f"{answer.status}: {await answer.text()}")
            return str((await answer.json())["receipt_jws"])

    async def items(self) -> list[dict[str, Any]]:
        """The first page of what waits."""
        url = f"{self._base}/api/v1/inbox?agency={self._agency}&limit=100"
        async with self._session.get(url, headers=self._headers) as answer:
            return list((await answer.json())["items"])

    async def take(self, delivery: str) -> None:
        url = f"{self._base}/api/v1/inbox/{delivery}"
        async with self._session.get(url, headers=self._headers) as answer:
            if answer.status != 200:
                raise RuntimeError(f"{answer.status}: {await answer.text()}")
            await answer.read()
        async with self._session.post(f"{url}/done", headers=self._headers) as answer:
            if answer.status != 200:
                raise RuntimeError(f"{answer.status}: {await answer.text()}")
            await answer.read()

    async def take_small(self, expected: int) -> None:
        """Take ``expected`` small messages: bytes with the list, done for all at once."""
        taken = 0
        while taken < expected:
            url = f"{self._base}/api/v1/inbox?agency={self._agency}&limit=100&content=true"
            async with self._session.get(url, headers=self._headers) as answer:
                items = (await answer.json())["items"]
            if len(items) < 100:
                await asyncio.sleep(POLL_SECONDS)
            if not items:
                continue
            body = {"done": [item["delivery"] for item in items if item["content"]]}
            url = f"{self._base}/api/v1/inbox"
            async with self._session.post(url, json=body, headers=self._headers) as answer:
                taken += sum(line["state"] == "delivered" for line in (await answer.json())["items"])

    async def take_all(self, expected: int, at_once: int = 16) -> None:
        """Take until ``expected`` messages have been taken."""
        taken = 0
        while taken < expected:
            waiting = [item["delivery"] for item in await self.items()]
            if len(waiting) < 100:
                await asyncio.sleep(POLL_SECONDS)
            for start in range(0, len(waiting), at_once):
                batch = waiting[start : start + at_once]
                await asyncio.gather(*(self.take(delivery) for delivery in batch))
                taken += len(batch)


async def submit_all(client: Client, envelopes: Sequence[bytes], at_once: int) -> None:
    """Hand in all envelopes, ``at_once`` of them in flight."""
    queue = list(reversed(envelopes))

    async def worker() -> None:
        while queue:
            await client.submit(queue.pop())

    await asyncio.gather(*(worker() for _ in range(at_once)))
