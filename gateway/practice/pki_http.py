"""The servers of a demo CA on loopback: CRL download, OCSP responder, timestamp service, with knobs.

In charge of: real HTTP on real sockets, and everything that can go wrong with it. Not in charge of: what an
answer says (``pki_answers``). Not for production.

    async with PkiServers(pki) as servers:
        person = pki.issue_person("H37", "UBND tỉnh", "Nguyễn Văn A", servers.addressed())
        servers.knobs.ocsp.says = Revoked(yesterday, x509.ReasonFlags.superseded)
        servers.knobs.crl.fault = Fault.HTML

Each kind of service has a port of its own, so that one can be closed while the others answer.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import enum
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import TracebackType
from typing import Self
from urllib.parse import unquote

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from gateway.clock import Clock, SystemClock, local
from gateway.practice.pki import GOOD, DemoPki, Knobs
from gateway.practice.pki_answers import Answers, CrlMistake, OcspMistake, Revoked, TsaMistake

HOST = "127.0.0.1"
KINDS = ("crl", "ocsp", "tsa")
_MOST_REQUEST_BYTES = 65_536
_HUGE_BYTES = 64 * 1024 * 1024
_TYPES = {
    "crl": "application/pkix-crl",
    "ocsp": "application/ocsp-response",
    "tsa": "application/timestamp-reply",
}


class Fault(enum.Enum):
    """What goes wrong on the way, whatever the service would have said."""

    NONE = "none"
    RESET = "reset"  # the connection is reset instead of answered
    GARBAGE = "garbage"  # random bytes, with the right type
    HTML = "html"  # a login page with status 200
    EMPTY = "empty"  # status 200 and no body
    NOT_FOUND = "404"
    SERVER_ERROR = "500"
    CUT_OFF = "cut off"  # half of the body that Content-Length promised
    HUGE = "huge"  # 64 MiB of zeros


@dataclass(slots=True)
class Line:
    """What happens on the way. ``seconds`` pass before the answer; both change at run time."""

    fault: Fault = Fault.NONE
    seconds: float = 0.0


@dataclass(slots=True)
class CrlLine(Line):
    """The download of CRLs, and of CA certificates."""

    mistake: CrlMistake = CrlMistake.NONE


@dataclass(slots=True)
class OcspLine(Line):
    """The responder. ``says``: of every certificate; ``None``: what the CRL says."""

    mistake: OcspMistake = OcspMistake.NONE
    says: ocsp.OCSPCertStatus | Revoked | None = None


@dataclass(slots=True)
class TsaLine(Line):
    """The timestamp service."""

    mistake: TsaMistake = TsaMistake.NONE


@dataclass(slots=True)
class ServerKnobs:
    """One set of knobs for each kind of service."""

    crl: CrlLine = field(default_factory=CrlLine)
    ocsp: OcspLine = field(default_factory=OcspLine)
    tsa: TsaLine = field(default_factory=TsaLine)


class PkiServers:
    """The three services of one PKI. ``requests`` counts by kind (``crl``, ``ocsp``, ``tsa``)."""

    def __init__(self, pki: DemoPki, clock: Clock | None = None) -> None:
        self.knobs = ServerKnobs()
        self.requests: Counter[str] = Counter()
        self._pki = pki
        self._clock = clock or SystemClock()
        self._answers = Answers(pki)
        self._servers: dict[str, asyncio.Server] = {}
        self._ports: dict[str, int] = {}
        self._open: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        for kind in KINDS:
            await self.reopen(kind)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in KINDS:
            await self.close(name)
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def close(self, kind: str) -> None:
        """Stop listening: on return, connections are refused. Requests that run are answered."""
        server = self._servers.pop(kind, None)
        if server is not None:
            server.close()

    async def reopen(self, kind: str) -> None:
        """Listen again, on the same port as before."""
        if kind in self._servers:
            return
        server = await asyncio.start_server(
            lambda reader, writer: self._accept(kind, reader, writer), HOST, self._ports.get(kind, 0)
        )
        self._servers[kind] = server
        self._ports[kind] = server.sockets[0].getsockname()[1]

    def addressed(self, knobs: Knobs = GOOD) -> Knobs:
        """``knobs`` with the addresses of the authority that will issue the certificate."""
        return replace(
            knobs,
            crl_url=self.crl_url_of(knobs.issued_by),
            ocsp_url=self.ocsp_url,
            issuers_url=f"http://{HOST}:{self._ports['crl']}/{knobs.issued_by}.cer",
        )

    def crl_url_of(self, authority: str) -> str:
        """Where the CRL of that authority is."""
        return f"http://{HOST}:{self._ports['crl']}/{authority}.crl"

    @property
    def crl_url(self) -> str:
        """Where the CRL of the first issuing CA is."""
        return self.crl_url_of("issuing")

    @property
    def ocsp_url(self) -> str:
        """The responder, for every authority of the PKI."""
        return f"http://{HOST}:{self._ports['ocsp']}/ocsp"

    @property
    def tsa_url(self) -> str:
        """The timestamp service."""
        return f"http://{HOST}:{self._ports['tsa']}/tsa"

    def _accept(self, kind: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._converse(kind, reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _converse(self, kind: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer, and goodbye."""
        try:
            method, target, body = await _read_request(reader)
            self.requests[kind] += 1
            line: Line = getattr(self.knobs, kind)
            await asyncio.sleep(line.seconds)
            if line.fault is Fault.RESET:
                writer.transport.abort()  # unread or unsent bytes make this a reset
                return
            await self._reply(kind, line.fault, method, target, body, writer)
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return  # the caller went away, or does not speak HTTP
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _reply(
        self, kind: str, fault: Fault, method: str, target: str, body: bytes, writer: asyncio.StreamWriter
    ) -> None:
        status, content_type, answer = "200 OK", _TYPES[kind], b""
        try:
            answer = self._good(kind, method, target, body)
        except LookupError:
            status = "404 Not Found"
        except ValueError:
            status = "400 Bad Request"
        if fault in (Fault.NOT_FOUND, Fault.SERVER_ERROR):
            status, answer = f"{fault.value} by knob", b""
        if fault is Fault.HTML:
            content_type, answer = "text/html", b"<!DOCTYPE html><title>Sign in</title><p>Please sign in."
        if fault is Fault.GARBAGE:
            answer = bytes(range(255, -1, -1))
        if fault is Fault.EMPTY:
            answer = b""
        length = _HUGE_BYTES if fault is Fault.HUGE else len(answer)
        head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n".encode())
        writer.write(answer[: len(answer) // 2] if fault is Fault.CUT_OFF else answer)
        await writer.drain()
        for _ in range(length // 65_536 if fault is Fault.HUGE else 0):
            writer.write(bytes(65_536))
            await writer.drain()

    def _good(self, kind: str, method: str, target: str, body: bytes) -> bytes:
        """What the service says. ``LookupError``: no such thing here; ``ValueError``: not understood."""
        now: datetime = local(self._clock.now())
        if kind == "crl":
            return self._file(target.lstrip("/"), now)
        if kind == "ocsp":
            line = self.knobs.ocsp
            request = ocsp.load_der_ocsp_request(body if method == "POST" else _from_path(target))
            return self._answers.ocsp_answer(request, line.says, line.mistake, now)
        return self._answers.timestamp_answer(body, self.knobs.tsa.mistake, now)

    def _file(self, name: str, now: datetime) -> bytes:
        authority, _, suffix = name.rpartition(".")
        if suffix == "crl":
            return self._answers.crl_answer(authority, self.knobs.crl.mistake, now)
        if suffix == "cer":
            return self._pki.authorities[authority].certificate.public_bytes(Encoding.DER)
        raise LookupError(name)


async def _read_request(reader: asyncio.StreamReader) -> tuple[str, str, bytes]:
    """Method, target and body of an HTTP/1.1 request, with Content-Length or chunked."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    length = min(int(headers.get("content-length", "0")), _MOST_REQUEST_BYTES)
    if headers.get("transfer-encoding", "") == "chunked":
        return method, target, await _read_chunks(reader)
    return method, target, await reader.readexactly(length)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(min(size, _MOST_REQUEST_BYTES))
        await reader.readline()
    await reader.readline()
    return body


def _from_path(target: str) -> bytes:
    """The request in the address of a GET (RFC 6960 appendix A.1)."""
    return base64.b64decode(unquote(target.removeprefix("/ocsp").lstrip("/")), validate=True)


__all__ = [
    "CrlMistake",
    "Fault",
    "OcspMistake",
    "PkiServers",
    "Revoked",
    "ServerKnobs",
    "TsaMistake",
]
