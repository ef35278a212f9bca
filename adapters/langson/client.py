"""A client of an axis of the Lạng Sơn dialect: logs in, and calls as the known client does.

In charge of: the token (kept, and fetched anew once when the axis says 401), the headers, the form of
``sendEdoc`` with its Content-Length. Not in charge of: what an answer means (``reading.py``), when to call
(``axis.py``, ``gateway/delivery``).

Every method raises ``Failed`` for the axis' own no and ``Unavailable`` when there is no usable answer.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import orjson

from adapters.langson.reading import Failed, file_in, read_answer, rows, rows_in, text_of
from gateway.clock import SECOND, Clock
from gateway.model.text import Bilingual, Instant
from gateway.net import Answer, Net, Streamed, Unreachable
from gateway.port import Unavailable

JSON = "application/json"
SMALL_BYTES = 16_777_216  # of a list no more is read
LOGIN_BYTES = 65_536
TOKEN_SECONDS = 1_500  # a token holds for thirty minutes, or less
UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class Account:
    """Where the axis is and what it knows us by."""

    url: str
    username: str
    password: str = field(repr=False)
    application_code: str
    system_id: str
    secret_key: str = field(repr=False)


class LangsonClient:
    """One account at one axis. Calls may run side by side: they share one token."""

    def __init__(self, net: Net, account: Account, clock: Clock) -> None:
        self._net = net
        self._account = account
        self._base = account.url.rstrip("/") + "/v1/"
        self._clock = clock
        self._token = ""
        self._until = Instant(0)
        self._logging_in = asyncio.Lock()

    async def send(
        self, opened: Callable[[], AsyncIterator[bytes]], size: int, sha256: str, message_type: str
    ) -> str:
        """Hand in one edXML file of ``size`` bytes (``opened`` gives them, from the beginning each time); the
        axis' docId."""
        boundary = f"gateway-{sha256[:48]}"  # no file holds its own hash
        head, tail = _form(boundary, message_type)
        for _ in range(2):
            headers = await self._headers()
            headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
            body = _within(head, opened(), tail)
            answer = await self._post("sendEdoc", body, len(head) + size + len(tail), headers)
            if not self._rejected(answer.status, headers):
                return _doc_id(read_answer(answer.status, answer.body, answer.headers))
        raise Unavailable("axis.unauthorized", _UNAUTHORIZED)

    async def received(
        self, message_type: str, since: str = "", until: str = ""
    ) -> AsyncGenerator[dict[str, Any], None]:
        """What waits for us, row by row. Days as ``YYYY/MM/DD``."""
        query = {"messageType": message_type, "fromDate": since, "toDate": until}
        async with self._opened("GET", f"syncReceivedEdocList?{urlencode(query)}") as answer:
            async for row in rows_in(answer.status, answer.chunks):
                yield row

    async def fetch(self, doc_id: str) -> AsyncIterator[bytes]:
        """One waiting message, as it comes."""
        async with self._opened("GET", f"getEdoc?{urlencode({'docId': doc_id})}") as answer:
            async for chunk in file_in(answer.status, answer.chunks):
                yield chunk

    async def update_status(self, doc_id: str, status: str, description: str = "") -> None:
        """``done`` or ``fail`` of one received message, or a two-digit code of the document."""
        body = {"docId": doc_id, "status": status} | ({"description": description} if description else {})
        await self._json("POST", "updateStatus", body=body)

    async def agencies(self) -> AsyncIterator[dict[str, Any]]:
        """The agency list, row by row."""
        async with self._opened("GET", "getAgenciesList") as answer:
            async for row in rows_in(answer.status, answer.chunks):
                yield row

    async def receive_status(self, doc_id: str = "") -> list[dict[str, Any]]:
        """What became of what we sent."""
        return rows(await self._json("GET", "getReceiveStatus", {"docId": doc_id} if doc_id else {}))

    async def register_agency(self, agency: Mapping[str, str]) -> None:
        """Ask for an agency below our own."""
        await self._json("POST", "registerAgency", body=dict(agency))

    async def _json(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        if query:
            path += f"?{urlencode(query)}"
        data = orjson.dumps(body) if body is not None else b""
        async with self._opened(method, path, data) as answer:
            return read_answer(answer.status, await _whole(answer), answer.headers)

    @contextlib.asynccontextmanager
    async def _opened(self, method: str, path: str, data: bytes = b"") -> AsyncIterator[Streamed]:
        """The answer to a call; on 401 after one more login."""
        try:
            for _ in range(2):
                headers = await self._headers() | ({"Content-Type": JSON} if data else {})
                async with self._net.stream(method, self._base + path, headers, data) as answer:
                    if not self._rejected(answer.status, headers):
                        yield answer
                        return
        except Unreachable as error:
            raise Unavailable(error.code, error.text) from error
        raise Unavailable("axis.unauthorized", _UNAUTHORIZED)

    async def _post(
        self, path: str, data: AsyncIterator[bytes], size: int, headers: Mapping[str, str]
    ) -> Answer:
        try:
            return await self._net.post(self._base + path, data, size, headers)
        except Unreachable as error:
            raise Unavailable(error.code, error.text) from error

    def _rejected(self, status: int, headers: Mapping[str, str]) -> bool:
        """True for a 401; the token that was sent is not used again."""
        if status != UNAUTHORIZED:
            return False
        if headers["Authorization"] == f"Bearer {self._token}":
            self._token = ""
        return True

    async def _headers(self) -> dict[str, str]:
        async with self._logging_in:
            if not self._token or self._clock.now() >= self._until:
                self._token = await self._log_in()
                self._until = Instant(self._clock.now() + TOKEN_SECONDS * SECOND)
            return {
                "Authorization": f"Bearer {self._token}",
                "X-SystemId": self._account.system_id,
                "X-SecretKey": self._account.secret_key,
            }

    async def _log_in(self) -> str:
        account = self._account
        body = {
            "username": account.username,
            "password": account.password,
            "applicationCode": account.application_code,
            "otp": None,
            "twoFactorProvider": None,
            "typeObjs": [0, 1],
        }
        url = self._base + "auth/login?allow_anonymous=true"
        try:
            answer = await self._net.post_bytes(url, orjson.dumps(body), {"Content-Type": JSON}, LOGIN_BYTES)
        except Unreachable as error:
            raise Unavailable(error.code, error.text) from error
        if answer.status == UNAUTHORIZED:
            raise Unavailable("axis.login_refused", _LOGIN_REFUSED)
        return _token_in(answer)


def _token_in(answer: Answer) -> str:
    try:
        found = read_answer(answer.status, answer.body, answer.headers)
    except Failed as error:
        raise Unavailable("axis.login_refused", _LOGIN_REFUSED) from error
    data = found.get("data")
    token = text_of(data.get("token")) if isinstance(data, dict) else ""
    if not token or not token.isascii() or not token.isprintable():
        raise Unavailable("axis.no_token", _NO_TOKEN)
    return token


def _form(boundary: str, message_type: str) -> tuple[bytes, bytes]:
    """What stands before and behind the file."""
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="messageType"\r\n\r\n{message_type}\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="edocFile"; '
        f'filename="{message_type}.edxml"\r\nContent-Type: application/xml\r\n\r\n'
    )
    return head.encode(), f"\r\n--{boundary}--\r\n".encode()


async def _within(head: bytes, chunks: AsyncIterator[bytes], tail: bytes) -> AsyncIterator[bytes]:
    yield head
    async for chunk in chunks:
        yield chunk
    yield tail


def _doc_id(answer: Mapping[str, Any]) -> str:
    data = answer.get("data")
    doc_id = text_of(answer.get("docId")) or (text_of(data.get("docId")) if isinstance(data, dict) else "")
    if not doc_id:
        raise Unavailable("answer.no_doc_id", _NO_DOC_ID)
    return doc_id


async def _whole(answer: Streamed) -> bytes:
    body = bytearray()
    async for chunk in answer.chunks:
        body += chunk
        if len(body) > SMALL_BYTES:
            raise Unavailable("answer.too_large", _TOO_LARGE)
    return bytes(body)


_UNAUTHORIZED = Bilingual(
    "Trục của tỉnh vẫn từ chối (401) sau khi trục đã đăng nhập lại.",
    "The provincial axis goes on refusing (401) after a new login.",
)
_LOGIN_REFUSED = Bilingual(
    "Trục của tỉnh không chấp nhận tài khoản đăng nhập. Hãy kiểm tra tên và mật khẩu trong kết nối.",
    "The provincial axis refuses the login. Check user name and password of the connection.",
)
_NO_TOKEN = Bilingual("Trục của tỉnh không trả về token.", "The provincial axis gave no token.")
_NO_DOC_ID = Bilingual(
    "Trục của tỉnh báo thành công nhưng không cho docId.", "The provincial axis said OK without a docId."
)
_TOO_LARGE = Bilingual(
    "Câu trả lời của trục tỉnh lớn quá mức.", "The answer of the provincial axis is too large."
)
