"""Reaching an installation: through its running server, or by opening it ourselves.

In charge of: one function. A running server holds the lock and is the only writer (contracts: one writer), so
commands speak to its socket; when no server runs they take the lock for as long as the command lasts. Not in
charge of: what operations do (``flow/operate.py``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from gateway.cli.frame import Frame
from gateway.clock import SystemClock

T = TypeVar("T")


def operate(frame: Frame, operation: str, **arguments: Any) -> Any:
    """Do one operation on the installation; a JSON value. ``GatewayError`` says what is wrong."""
    return wait(reach(frame, operation, arguments))


def wait(work: Coroutine[Any, Any, T]) -> T:
    """Run asynchronous work from a command."""
    return asyncio.run(work)


async def reach(frame: Frame, operation: str, arguments: dict[str, Any]) -> Any:
    from gateway.web.control_call import NoServer, call_control  # slow to import, and no help text needs it

    try:
        return await call_control(frame.home, operation, arguments)
    except NoServer:
        return await _open_and_do(frame, operation, arguments)


async def _open_and_do(frame: Frame, operation: str, arguments: dict[str, Any]) -> Any:
    from gateway import app  # the whole gateway, which a running server has already
    from gateway.config import load
    from gateway.flow.operate import run

    gw = await app.open_services(frame.home, load(frame.home), SystemClock(), f"gateway {operation}")
    try:
        return await run(gw, operation, arguments)
    finally:
        await gw.close()
