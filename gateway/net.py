"""The one outbound HTTP client.

In charge of: opening connections to partners: timeouts, a cap on answers, mutual TLS, the address guard. No
proxy from the environment, no cookies, no redirects (a redirect is an answer like any other). Not in charge
of: which addresses are allowed (``addresses``), what a partner's answer means (``adapters/``), client keys (a
ready ``SSLContext`` is handed in).

The guard stands where a socket is made, after every name was resolved, so it sees the very address that is
dialled: a name that changes its address between look-up and connect gains nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from gateway.addresses import AddressGuard
from gateway.model.text import Bilingual

ANSWER_BYTES = 65_536  # of a partner's answer no more is read
BODY_SECONDS = 5.0  # once the status is there, for no longer is the rest of an answer waited for
CONNECT_SECONDS = 10.0
IDLE_SECONDS = 4.0  # an idle connection is dropped before common servers drop it (Node: 5 s)
SLOWEST_BYTES_PER_SECOND = 1_000_000  # an upload may take its time by size on top of the timeout
_USER_AGENT = "document-gateway"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Header names are lower case.

    Of a ``post``, ``body`` holds at most ``ANSWER_BYTES``; it is empty as well when it broke off or came too
    slowly: the status alone is the answer. Of ``get`` and ``post_bytes`` it is whole.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Streamed:
    """What comes back, its body read as it comes. Header names are lower case. Reading ``chunks`` raises
    ``Unreachable`` when the body is cut off or too slow."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]


class Unreachable(Exception):
    """No answer that can be read. ``code`` is stable (``connect.refused``), ``text`` says it for people."""

    def __init__(self, code: str, text: Bilingual) -> None:
        self.code = code
        self.text = text
        super().__init__(f"{code}: {text.en}")


class ForbiddenAddress(Unreachable):
    """The address lies where this gateway does not call, unless ``net.allow_private`` lists its network."""


class Net:
    """Outbound calls. Opens its connections on first use; belongs to the event loop that first calls."""

    def __init__(
        self,
        allow_private: str,
        timeout_seconds: int,
        resolver: AbstractResolver | None = None,
        folders: str = "",
        tls: ssl.SSLContext | None = None,
        identified: bool = False,
    ) -> None:
        self.tls = tls  # towards partners whose CA is our own, or that know us by ...
        self.identified = identified  # ... a client certificate, when it holds one
        self.folders = Path(folders) if folders else None  # below it lie all drop folders (``net.folders``)
        self._guard = AddressGuard(allow_private)
        self._timeout = timeout_seconds
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    async def post(
        self,
        url: str,
        data: AsyncIterator[bytes],
        size: int,
        headers: Mapping[str, str],
        tls: ssl.SSLContext | None = None,
    ) -> Answer:
        """POST ``size`` bytes with a Content-Length. ``tls`` carries a client certificate or own anchors.

        ``ForbiddenAddress`` for a target that may not be called, ``Unreachable`` when no answer came. What
        ``data`` raises comes out as it is.
        """
        target = _target(url)
        source = _Source(data)
        try:
            return await self._post(target, source, size, headers, tls)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            if source.error is not None:
                raise source.error from error
            raise _translated(error, target) from error

    async def get(self, url: str, limit_bytes: int) -> Answer:
        """GET something whose bytes matter, such as a CRL.

        ``Unreachable`` also when the body is cut off, too slow, or larger than ``limit_bytes``
        (``answer.too_large``): part of it is worth nothing.
        """
        return await self._whole("GET", url, b"", {}, limit_bytes)

    async def post_bytes(self, url: str, data: bytes, headers: Mapping[str, str], limit_bytes: int) -> Answer:
        """POST a small question whose answer's bytes matter, such as OCSP. Errors as with ``get``."""
        return await self._whole("POST", url, data, headers, limit_bytes)

    @contextlib.asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        data: bytes = b"",
        body: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> AsyncIterator[Streamed]:
        """A call whose answer may be large. There is no limit on the whole, only on each silence
        (``net.timeout_seconds``). ``body``: send ``data`` even when it is empty (a Content-Length of 0)."""
        target = _target(url)
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=min(CONNECT_SECONDS, self._timeout), sock_read=self._timeout
        )
        try:
            response = await self._opened().request(
                method,
                target,
                data=data if data or body else None,
                headers=headers,
                allow_redirects=False,
                timeout=timeout,
                ssl=tls or True,
            )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _translated(error, target) from error
        async with response:
            lower = {name.lower(): value for name, value in response.headers.items()}
            yield Streamed(response.status, lower, _chunks_of(response, target))

    async def close(self) -> None:
        """Let go of all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(
        self, url: URL, source: _Source, size: int, headers: Mapping[str, str], tls: ssl.SSLContext | None
    ) -> Answer:
        timeout = aiohttp.ClientTimeout(
            total=self._timeout + size / SLOWEST_BYTES_PER_SECOND,
            sock_connect=min(CONNECT_SECONDS, self._timeout),
            sock_read=self._timeout,
        )
        async with self._opened().post(
            url,
            data=source.chunks(),
            headers={**headers, "Content-Length": str(size)},
            allow_redirects=False,
            timeout=timeout,
            ssl=tls or True,
        ) as response:
            body = await _body(response, source)
            lower = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, lower, body)

    async def _whole(
        self, method: str, url: str, data: bytes, headers: Mapping[str, str], limit: int
    ) -> Answer:
        target = _target(url)
        timeout = aiohttp.ClientTimeout(
            total=self._timeout + limit / SLOWEST_BYTES_PER_SECOND,
            sock_connect=min(CONNECT_SECONDS, self._timeout),
            sock_read=self._timeout,
        )
        try:
            async with self._opened().request(
                method, target, data=data or None, headers=headers, allow_redirects=False, timeout=timeout
            ) as response:
                body = await _read_whole(response, limit)
                lower = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status, lower, body)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _translated(error, target) from error

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=0,  # the worker limits attempts, in all and for each destination
                keepalive_timeout=IDLE_SECONDS,
                resolver=self._resolver,
                socket_factory=self._open_socket,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": _USER_AGENT, "Accept-Encoding": "identity"},
                auto_decompress=False,  # the cap on answers counts bytes of the wire
                trust_env=False,
            )
        return self._session

    def _open_socket(self, info: tuple[int, int, int, str, tuple[str | int, ...]]) -> socket.socket:
        """A socket towards one resolved address; ``_Forbidden`` if the guard does not let it through."""
        family, kind, protocol, _, target = info
        if not self._guard.permits(str(target[0])):
            raise _Forbidden(errno.EACCES, "address not allowed")
        return socket.socket(family, kind, protocol)


class _Forbidden(OSError):
    """Raised for each address in the same words, so that aiohttp keeps the type when a name has several."""


class _Source:
    """The upload, remembering why it broke off (aiohttp would report a lost connection), or that it ended."""

    def __init__(self, data: AsyncIterator[bytes]) -> None:
        self._data = data
        self.error: Exception | None = None
        self.ended = False

    async def chunks(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._data:
                yield chunk
            self.ended = True
        except Exception as error:
            self.error = error
            raise


def url_problem(url: str) -> Bilingual | None:
    """What is wrong with the address of a partner, before anything is dialled; ``None`` when usable."""
    try:
        parsed = URL(url)
        usable = parsed.scheme in ("http", "https") and bool(parsed.host) and parsed.port is not None
    except ValueError:
        usable = False
    if not usable:
        return Bilingual(
            "Địa chỉ nhận phải có dạng https://máy-chủ/đường-dẫn.",
            "The address must have the form https://host/path.",
        )
    if parsed.user or parsed.password:
        return Bilingual(
            "Địa chỉ nhận không được chứa tên đăng nhập hoặc mật khẩu.",
            "The address must not hold a user name or password.",
        )
    return None


def _target(url: str) -> URL:
    if problem := url_problem(url):
        raise Unreachable("url.wrong", problem)
    return URL(url)


async def _body(response: aiohttp.ClientResponse, source: _Source) -> bytes:
    """The answer's body, or nothing when it is broken or slow.

    Pushing again what a partner already took, because of a word that it did not finish, helps nobody. An
    answer that came before the upload ended says nothing about the whole, so there the error stands.
    """
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read_up_to(response.content, ANSWER_BYTES)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        if not source.ended:
            raise
        response.close()
        return b""


async def _chunks_of(response: aiohttp.ClientResponse, target: URL) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.content.iter_any():
            yield chunk
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise _translated(error, target) from error


async def _read_whole(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The whole body; what says that it is larger than ``limit`` is not even begun."""
    if (response.content_length or 0) > limit:
        response.close()
        raise _too_large(limit)
    body = await _read_up_to(response.content, limit + 1)
    if len(body) > limit:
        response.close()
        raise _too_large(limit)
    return body


async def _read_up_to(content: aiohttp.StreamReader, limit: int) -> bytes:
    body = bytearray()
    while len(body) < limit and (chunk := await content.read(limit - len(body))):
        body += chunk
    return bytes(body)


def _translated(error: Exception, url: URL) -> Unreachable:
    """Our word for what aiohttp reports."""
    host = url.host or ""
    match error:
        case aiohttp.InvalidURL():  # an address in a form that is only used to slip past guards (2130706433)
            return _forbidden(host)
        case aiohttp.ClientConnectorDNSError():
            return Unreachable("connect.dns", _NO_NAME)
        case aiohttp.ClientSSLError():
            return Unreachable("connect.tls", _tls(error))
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, _Forbidden):
            return _forbidden(host)
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, ConnectionRefusedError):
            return Unreachable("connect.refused", _REFUSED)
        case aiohttp.ClientConnectorError():
            return Unreachable("connect.failed", _NO_WAY)
        case aiohttp.ConnectionTimeoutError():
            return Unreachable("connect.timeout", _NO_WAY)
        case TimeoutError():
            return Unreachable("answer.timeout", _SLOW)
        case aiohttp.ClientResponseError():
            return Unreachable("answer.unreadable", _UNREADABLE)
        case _:
            return Unreachable("answer.cut_off", _CUT_OFF)


def _forbidden(host: str) -> ForbiddenAddress:
    return ForbiddenAddress(
        "address.forbidden",
        Bilingual(
            f"Trục không được phép gọi đến {host}: địa chỉ nội bộ hoặc không công khai. Nếu đây là hệ thống "
            "của đơn vị nhận, quản trị viên hãy thêm dải mạng vào net.allow_private.",
            f"The gateway may not call {host}: its address is not public. If it is the recipient's system, "
            "an administrator must add its network to net.allow_private.",
        ),
    )


def _too_large(limit: int) -> Unreachable:
    return Unreachable(
        "answer.too_large",
        Bilingual(
            f"Câu trả lời lớn hơn mức cho phép ({limit} byte) nên không được nhận.",
            f"The answer is larger than the {limit} bytes that are taken.",
        ),
    )


def _tls(error: Exception) -> Bilingual:
    return Bilingual(
        f"Không thiết lập được kết nối TLS tin cậy với hệ thống nhận: {error}",
        f"No trusted TLS connection to the recipient's system: {error}",
    )


_NO_NAME = Bilingual(
    "Không tìm thấy tên máy chủ của hệ thống nhận. Hãy kiểm tra địa chỉ nhận và máy chủ tên miền (DNS).",
    "The host name of the recipient's system is not known. Check the address and the name server (DNS).",
)
_REFUSED = Bilingual(
    "Hệ thống nhận từ chối kết nối: phần mềm bên nhận đang dừng hoặc sai cổng.",
    "The recipient's system refuses connections: it is stopped, or the port is wrong.",
)
_NO_WAY = Bilingual(
    "Không kết nối được đến hệ thống nhận.",
    "The recipient's system cannot be reached.",
)
_SLOW = Bilingual(
    "Hệ thống nhận không trả lời trong thời gian cho phép.",
    "The recipient's system did not answer in time.",
)
_CUT_OFF = Bilingual(
    "Kết nối bị ngắt trước khi hệ thống nhận trả lời.",
    "The connection broke before the recipient's system answered.",
)
_UNREADABLE = Bilingual(
    "Hệ thống nhận trả lời không đúng giao thức HTTP.",
    "The recipient's system answered something that is not HTTP.",
)
