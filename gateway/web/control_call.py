"""The caller's side of the control socket, and the name under which both sides find it.

In charge of: one call of a command to a running server. It stands apart from the server's side, so that a
command does not load the whole gateway to speak to one. Not in charge of: answering (``control.py``).

A Unix socket's path holds at most 108 bytes, a home folder's may be longer, and changing the working
directory would change it for the whole process. So both sides open the folder and name the socket through
its descriptor: ``/proc/self/fd/7/control.sock``.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from gateway.web.problems import MEDIA_TYPE, error_of

SOCKET = "control.sock"


class NoServer(Exception):
    """No server runs on this home folder."""


async def call_control(home: Path, operation: str, arguments: dict[str, Any]) -> Any:
    """Do one operation on the server of ``home``; its JSON value.

    ``NoServer`` when none runs; otherwise the ``GatewayError`` that the operation raised.
    """
    with short_name(home) as name:
        connector = aiohttp.UnixConnector(name)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            try:
                body = orjson.dumps({"operation": operation, "arguments": arguments})
                headers = {"Content-Type": "application/json"}
                async with session.post("http://control/run", data=body, headers=headers) as response:
                    answer = orjson.loads(await response.read())
            except aiohttp.ClientConnectorError as error:
                raise NoServer from error
    if response.content_type == MEDIA_TYPE:
        raise error_of(answer)
    return answer


@contextlib.contextmanager
def short_name(home: Path) -> Iterator[str]:
    """A name of the socket that is short however long the folder's path is. ``NoServer`` without a folder."""
    try:
        folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError as error:
        raise NoServer from error
    try:
        yield f"/proc/self/fd/{folder}/{SOCKET}"
    finally:
        os.close(folder)
