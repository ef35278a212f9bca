"""The two doors through which a simulated document system reaches the gateway.

In charge of: the same four calls over the national SDK's dialect and over the native interface, and telling
"not now" from "no". Not in charge of: what a system does with them (``vendor``).
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Protocol

import aiohttp

from adapters.vxp.client import Failed, VxpClient
from gateway.clock import SystemClock
from gateway.net import Net
from gateway.port import Unavailable
from gateway.practice.agency import AgencyClient, TurnedAway

SDK_WAIT = 5.0  # seconds; the SDK does not show Retry-After to its caller
ANY_ADDRESS = "0.0.0.0/0,::/0"
_PASSING = frozenset({"gateway.busy", "caller.too_many", "caller.too_many_bytes", "gateway.not_ready"})


class NotNow(Exception):
    """The gateway cannot at the moment; try again after ``seconds``."""

    def __init__(self, seconds: float, words: str) -> None:
        self.seconds, self.words = seconds, words
        super().__init__(words)


class SaidNo(Exception):
    """The gateway refused, and said why."""


class Door(Protocol):
    """How the system reaches the gateway. Every method may raise ``NotNow`` or ``SaidNo``."""

    async def waiting(self) -> list[str]:
        """Ids of what waits, documents and statuses."""
        ...

    async def fetch(self, item: str) -> bytes: ...

    async def done(self, item: str) -> None: ...

    async def send(self, data: bytes, sender: str, kind: str) -> str:
        """Hand in a message; the id that the gateway gave it."""
        ...


class SdkDoor:
    """The calls of the national SDK."""

    def __init__(self, client: VxpClient, wait_seconds: float = SDK_WAIT) -> None:
        self._client = client
        self._wait = wait_seconds

    async def waiting(self) -> list[str]:
        async with self._told():
            rows = [*await self._client.received("edoc"), *await self._client.received("status")]
        return list(dict.fromkeys(str(row["docId"]) for row in rows))

    async def fetch(self, item: str) -> bytes:
        async with self._told():
            return b"".join([chunk async for chunk in self._client.download(item)])

    async def done(self, item: str) -> None:
        async with self._told():
            await self._client.update_status(item, "done")

    async def send(self, data: bytes, sender: str, kind: str) -> str:
        async with self._told():
            return await self._client.send(data, sender, kind)

    @contextlib.asynccontextmanager
    async def _told(self) -> AsyncIterator[None]:
        try:
            yield
        except Unavailable as problem:
            raise NotNow(self._wait, problem.text.vi) from problem
        except Failed as no:
            if no.code in _PASSING or no.code.startswith("http.5"):
                raise NotNow(self._wait, no.words) from no
            raise SaidNo(no.words) from no


class NativeDoor:
    """The native interface of the gateway."""

    def __init__(self, client: AgencyClient) -> None:
        self._client = client

    async def waiting(self) -> list[str]:
        async with self._told():
            return [item.delivery for item in await self._client.inbox()]

    async def fetch(self, item: str) -> bytes:
        async with self._told():
            return await self._client.fetch(item)

    async def done(self, item: str) -> None:
        async with self._told():
            await self._client.done(item)

    async def send(self, data: bytes, sender: str, kind: str) -> str:
        async with self._told():
            return str((await self._client.submit(data))["message"])

    @contextlib.asynccontextmanager
    async def _told(self) -> AsyncIterator[None]:
        try:
            yield
        except aiohttp.ClientError as error:
            raise NotNow(SDK_WAIT, str(error)) from error
        except TurnedAway as no:
            if no.status in (408, 429) or no.status >= 500:
                seconds = float(no.problem.get("retry_after") or SDK_WAIT)
                raise NotNow(seconds, str(no.problem.get("detail", ""))) from no
            raise SaidNo(_reasons(no)) from no


@contextlib.asynccontextmanager
async def opened(url: str, code: str, secret: str, system_id: str = "") -> AsyncIterator[Door]:
    """A door to the gateway at ``url``: of the SDK when there is a system id, else the native interface."""
    if not system_id:
        async with aiohttp.ClientSession() as session:
            yield NativeDoor(AgencyClient(session, url, secret, code))
        return
    net = Net(ANY_ADDRESS, 60)
    try:
        yield SdkDoor(VxpClient(net, f"{url.rstrip('/')}/vxp", system_id, secret, SystemClock()))
    finally:
        await net.close()


def _reasons(no: TurnedAway) -> str:
    """What the gateway said, as a screen shows it: the sentences of its findings."""
    findings = [str(finding.get("vi", "")) for finding in no.problem.get("findings", ())]
    return " ".join(filter(None, findings)) or str(no.problem.get("detail", no))
