"""What a service manager is told: that the gateway is ready, that it lives, that it stops (sd_notify(3)).

In charge of: the datagrams that systemd expects of ``Type=notify`` with ``WatchdogSec``; no library is needed
for a line of text. Does nothing where no manager asked. Not in charge of: the unit (``docs/operations``).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator, Mapping

READY, STOPPING, ALIVE = "READY=1", "STOPPING=1", "WATCHDOG=1"
_SOCKET, _WATCHDOG = "NOTIFY_SOCKET", "WATCHDOG_USEC"
OURS_ALONE = frozenset({_SOCKET, _WATCHDOG, "WATCHDOG_PID"})  # variables that are not for child processes


def tell(word: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Say a word to the manager. False: nobody asked, or nobody listens any more; neither matters here."""
    address = environment.get(_SOCKET, "")
    if not address.startswith(("/", "@")):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
        try:
            out.connect(f"\0{address[1:]}" if address.startswith("@") else address)
            out.send(word.encode())
        except OSError:
            return False
    return True


@contextlib.contextmanager
def watched(environment: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Say that the event loop turns, twice as often as asked for. A loop that hangs says nothing, and the
    manager starts the program anew."""
    microseconds = environment.get(_WATCHDOG, "")
    beating = None
    if microseconds.isdigit() and int(microseconds):
        beating = asyncio.create_task(_beat(int(microseconds) / 2_000_000, environment))
    try:
        yield
    finally:
        if beating is not None:
            beating.cancel()


async def _beat(every: float, environment: Mapping[str, str]) -> None:
    while True:
        tell(ALIVE, environment)
        await asyncio.sleep(every)
