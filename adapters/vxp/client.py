"""A client of an axis that speaks VXP: signs and calls as the Java SDK 2.0.1 does.

In charge of: every call of the SDK, its headers and bodies byte for byte as recorded
(``tests/corpus/vectors/vxp-requests.json``), and telling an answer from rubbish. Not in charge of: when to
call, what to keep (``axis.py`` and ``gateway/delivery``).

Unlike the SDK, which takes an empty or unreadable answer for a success without items, this client raises
``Unavailable`` for it. ``Failed`` is the axis' own no.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from typing import Any

import orjson
from multidict import CIMultiDict

from adapters.vxp import sign
from adapters.vxp.rows import RowReader, read_rows
from gateway.clock import Clock
from gateway.model.text import Bilingual
from gateway.net import Net, Streamed, Unreachable
from gateway.port import Unavailable

AGENT = "JAVASDKAgent/1.0.0 XRoad/VPCP"
VERSION = "3.0.201608"
JSON, STREAM = "application/json", "application/octet-stream"
CRLF = b"\r\n"  # the SDK writes it after the file
SMALL_BYTES = 16_777_216  # of a small answer no more is read
MOST_WAITING = 5_000  # rows of one list
LIST_BYTES = 134_217_728  # of an agency list (120 000 rows are some 25 MB)
MESSAGE_BYTES = 209_715_200  # of one message in base64
WORDS = 300  # characters of a partner's answer that are kept


class Failed(Exception):
    """The axis said no, in its own words: ``code`` and ``words`` as they came."""

    def __init__(self, code: str, words: str) -> None:
        self.code = code
        self.words = words[:WORDS]
        super().__init__(f"{code}: {self.words}")


class VxpClient:
    """One system id at one axis.

    ``sticky``: behave like one SDK object that lives long: the time is set once, and headers of earlier calls
    go along unsigned. Without, each call is like one of a fresh object.
    """

    def __init__(
        self, net: Net, base_url: str, system_id: str, secret: str, clock: Clock, *, sticky: bool = False
    ) -> None:
        self._net = net
        self._base = base_url.rstrip("/")
        self._system_id = system_id
        self._secret = secret.encode()
        self._clock = clock
        self._map: dict[str, str] | None = {} if sticky else None
        self._stamp = sign.stamp(clock.now()) if sticky else ""

    async def send(self, data: bytes, sender: str, message_type: str = "edoc", to: Sequence[str] = ()) -> str:
        """Hand in one edXML file; the axis' DocId. ``to`` narrows the recipients of the file."""
        digest = hashlib.sha256(data).digest()
        return await self.send_stream(_once(data), len(data), digest, sender, message_type, to)

    async def send_stream(
        self,
        chunks: AsyncIterator[bytes],
        size: int,
        sha256: bytes,
        sender: str,
        message_type: str = "edoc",
        to: Sequence[str] = (),
    ) -> str:
        """The same for ``size`` bytes that come in chunks, whose SHA-256 is known beforehand."""
        parameters = self._of_type(message_type) | {
            "hash-file": sign.hash_texts(sha256)[0],
            "from": sender,
        }
        if to:
            parameters["to"] = orjson.dumps(list(to)).decode()
        headers = self._headers(parameters, STREAM)
        try:
            body = _with_crlf(chunks)
            answer = await self._net.post(f"{self._base}/sendEdoc", body, size + len(CRLF), headers)
        except Unreachable as error:
            raise Unavailable(error.code, error.text) from error
        doc_id = str(read_answer(answer.status, answer.body).get("DocId") or "")
        if not doc_id:
            raise Unavailable("answer.no_doc_id", _NO_DOC_ID)
        return doc_id

    async def received(self, message_type: str, since: str = "", until: str = "") -> list[dict[str, Any]]:
        """What waits for us: rows of ``getReceivedEdocList``. Times as ``dd/MM/yyyy HH:mm:ss``.

        At most ``MOST_WAITING``: after a long outage the list is longer than anybody holds, and what was
        confirmed leaves it.
        """
        parameters = {"fromDate": since} if since else {}
        parameters |= self._of_type(message_type)
        if until:
            parameters["toDate"] = until
        found: list[dict[str, Any]] = []
        async with contextlib.aclosing(self._stream_rows("/getReceivedEdocList", parameters)) as listed:
            async for row in listed:
                found.append(row)
                if len(found) == MOST_WAITING:
                    break
        return found

    async def sent(self, doc_id: str = "", message_type: str = "edoc") -> list[dict[str, Any]]:
        """What the axis knows of what we sent: rows of ``getSentEdocList``."""
        parameters = self._of_type(message_type) | ({"docId": doc_id} if doc_id else {})
        return _rows(await self._json("/getSentEdocList", parameters))

    async def get(self, doc_id: str) -> bytes:
        """One waiting message through ``getEdoc``, whole (the answer is base64 within JSON)."""
        parameters = {"systemid": self._system_id, "docId": doc_id, "filePath": "edoc"}
        answer = await self._json("/getEdoc", parameters, b"{}", limit=MESSAGE_BYTES)
        try:
            return base64.b64decode(str(answer.get("data") or ""))
        except (binascii.Error, ValueError) as error:
            raise Unavailable("answer.not_base64", _NOT_BASE64) from error

    async def download(self, doc_id: str) -> AsyncIterator[bytes]:
        """One waiting message through ``downloadEdoc``, as it comes."""
        parameters = {"systemid": self._system_id, "docId": doc_id, "filePath": "edoc"}
        headers = self._headers(parameters, JSON)
        try:
            async with self._net.stream("GET", f"{self._base}/downloadEdoc", headers) as answer:
                if answer.status != 200 or answer.headers.get("content-type", "").startswith((JSON, "text/")):
                    _no_file(answer.status, await _whole(answer, SMALL_BYTES))
                async for chunk in answer.chunks:
                    yield chunk
        except Unreachable as error:
            raise Unavailable(error.code, error.text) from error

    async def update_status(
        self, doc_id: str, status: str, description: str = "", spelling: str = "docid"
    ) -> None:
        """Say ``done``, ``fail`` or ``processing`` of one received message."""
        parameters = {"systemid": self._system_id, spelling: doc_id}
        last = {"status": status} | ({"description": description} if description else {})
        await self._json("/updateStatus", parameters, b"{}", last=last)

    async def count(self, message_type: str) -> int:
        """How many documents (``edoc``) or statuses wait."""
        path = "/countReceiveEdoc" if message_type == "edoc" else "/countReceiveStatus"
        answer = await self._json(path, self._of_type(message_type), b"{}")
        try:
            return int(answer.get("count") or 0)
        except (TypeError, ValueError) as error:
            raise Unavailable("answer.no_count", _NO_COUNT) from error

    async def agencies(self) -> list[dict[str, Any]]:
        """Rows of ``getAgenciesList``."""
        parameters = {"systemid": self._system_id}
        return _rows(await self._json("/getAgenciesList", parameters, limit=LIST_BYTES))

    async def stream_agencies(self) -> AsyncIterator[dict[str, Any]]:
        """The same row by row: nobody holds the whole list. The rows of a list that breaks off are followed
        by ``Unavailable``."""
        async for row in self._stream_rows("/getAgenciesList", {"systemid": self._system_id}):
            yield row

    async def agencies_qd20(self, level: str = "") -> list[dict[str, Any]]:
        """Rows of ``getAgenciesListQD20``: codes of QĐ 20/2020 beside the old ones."""
        parameters = {"systemid": self._system_id} | ({"level": level} if level else {})
        return _rows(await self._json("/getAgenciesListQD20", parameters, limit=LIST_BYTES))

    async def units(self) -> list[dict[str, Any]]:
        """Rows of ``getSynchronizeUnit``: closed ones too."""
        parameters = {"systemid": self._system_id}
        return _rows(await self._json("/getSynchronizeUnit", parameters, limit=LIST_BYTES))

    async def register_agency(self, agency: Mapping[str, str]) -> str:
        """Ask for an agency to be added; the axis' words."""
        answer = await self._json(
            "/registerAgency", {"systemid": self._system_id}, orjson.dumps(dict(agency))
        )
        return str(answer.get("ErrorDesc") or "")

    async def delete_agency(self, code: str) -> str:
        """Ask for an agency to be closed; the axis' words."""
        parameters = {"systemid": self._system_id, "AgencyCode": code}
        return str((await self._json("/deleteAgency", parameters, b"{}")).get("ErrorDesc") or "")

    async def _stream_rows(
        self, path: str, parameters: Mapping[str, str]
    ) -> AsyncGenerator[dict[str, Any], None]:
        headers, reader = self._headers(parameters, JSON), RowReader()
        try:
            async with self._net.stream("POST", self._base + path, headers, b"", body=True) as answer:
                try:
                    async for row in read_rows(answer.chunks, reader):
                        yield row
                except ValueError as error:
                    raise Unavailable(*_rubbish(answer.status, reader.rest())) from error
                _rows(read_answer(answer.status, reader.rest()))
        except Unreachable as error:
            raise Unavailable(error.code, error.text) from error

    def _of_type(self, message_type: str) -> dict[str, str]:
        return {"systemid": self._system_id, "servicetype": "eDoc", "messagetype": message_type}

    def _headers(
        self, parameters: Mapping[str, str], media_type: str, last: Mapping[str, str] | None = None
    ) -> Mapping[str, str]:
        """The headers of one call: signed ones, and for a sticky client those of earlier calls. ``last`` are
        parameters that the SDK signs after the time."""
        times = {"timestamp": self._stamp or sign.stamp(self._clock.now()), "Content-Type": media_type}
        signed = sign.sign({**parameters, **times, **(last or {})}, self._secret)
        own = {"Content-Type": media_type, "User-Agent": AGENT, sign.PREFIX + "version": VERSION}
        if self._map is None:
            return signed | own
        self._map |= signed | own
        return _on_the_wire(self._map)

    async def _json(
        self,
        path: str,
        parameters: Mapping[str, str],
        data: bytes = b"",
        limit: int = SMALL_BYTES,
        last: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """One POST; the answer's object when its status is OK."""
        headers = self._headers(parameters, JSON, last)
        try:
            async with self._net.stream("POST", self._base + path, headers, data, body=True) as answer:
                return read_answer(answer.status, await _whole(answer, limit))
        except Unreachable as error:
            raise Unavailable(error.code, error.text) from error


def _on_the_wire(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The SDK's map tells ``docId`` and ``docid`` apart, HTTP does not: one header that comes twice."""
    spelled = {name.lower(): name for name in reversed(list(headers))}
    wire: CIMultiDict[str] = CIMultiDict()
    for name, value in headers.items():
        wire.add(spelled[name.lower()], value)
    return wire


def read_answer(status: int, body: bytes) -> dict[str, Any]:
    """The object of an OK answer. ``Failed`` for the partner's no, ``Unavailable`` for what is no answer."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict) or not {"status", "ErrorCode"} & answer.keys():
        raise Unavailable(*_rubbish(status, body))
    code = str(answer.get("ErrorCode", ""))
    if status != 200 or str(answer.get("status", "OK")).upper() != "OK" or code not in ("", "0"):
        raise Failed(code or f"http.{status}", str(answer.get("ErrorDesc") or ""))
    return answer


def _rows(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a list answer; ``null`` and a missing list are an empty one."""
    rows = answer.get("data") or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Unavailable("answer.no_list", _NO_LIST)
    return rows


def _no_file(status: int, body: bytes) -> None:
    """Raise for what came instead of a file."""
    answer = read_answer(status, body)
    raise Failed(str(answer.get("ErrorCode", "")), str(answer.get("ErrorDesc") or ""))


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _with_crlf(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        yield chunk
    yield CRLF


async def _whole(answer: Streamed, limit: int) -> bytes:
    body = bytearray()
    async for chunk in answer.chunks:
        body += chunk
        if len(body) > limit:
            raise Unavailable("answer.too_large", _TOO_LARGE)
    return bytes(body)


def _rubbish(status: int, body: bytes) -> tuple[str, Bilingual]:
    if not body.strip():
        return "answer.empty", Bilingual(
            f"Trục trả lời rỗng (HTTP {status}).", f"The axis gave an empty answer (HTTP {status})."
        )
    words = body[:WORDS].decode("utf-8", "replace")
    return "answer.not_json", Bilingual(
        f"Trục trả lời không phải JSON của VXP (HTTP {status}): {words}",
        f"The axis' answer is not JSON of VXP (HTTP {status}): {words}",
    )


_NO_DOC_ID = Bilingual("Trục báo thành công nhưng không cho DocId.", "The axis said OK without a DocId.")
_NOT_BASE64 = Bilingual("Nội dung trục trả về không phải base64.", "The axis' data is not base64.")
_NO_COUNT = Bilingual("Trục không trả về số lượng.", "The axis gave no count.")
_NO_LIST = Bilingual("Trục không trả về danh sách.", "The axis gave no list.")
_TOO_LARGE = Bilingual("Câu trả lời của trục lớn quá mức.", "The axis' answer is too large.")
