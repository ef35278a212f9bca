"""The caller's side of the control socket.

In charge of: one call of a command to a running server. It stands apart from the server's side, so that a
command does not load the whole gateway to speak to one. Not in charge of: answering (``control.py``), where
the socket lies (``control_socket.py``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import orjson

from gateway.web.control_socket import SOCKET, NoServer, short_name
from gateway.web.problems import MEDIA_TYPE, error_of

__all__ = ["SOCKET", "NoServer", "call_control"]


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
