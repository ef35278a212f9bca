"""Reading the answers of an axis of the Lạng Sơn dialect, large ones while they come.

In charge of: telling an answer from rubbish, the axis' own no, a file as base64 within JSON, and rows of a
list of any length. Texts that say "null" are nothing. Not in charge of: asking (``client.py``).
"""

from __future__ import annotations

import base64
import binascii
import codecs
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.model.text import Bilingual
from gateway.port import Unavailable

WORDS = 300  # characters of a partner's answer that are kept
HEAD_BYTES = 65_536  # before the file or the list begins; an answer without either is no longer
ROW_CHARACTERS = 65_536
GOOD = ("", "0", "200")
_FILE = re.compile(rb'"data"\s*:\s*"')
_LIST = re.compile(r'"data"\s*:\s*\[')
# What JSON writers make of characters of base64 that need no escape.
_ESCAPED = {
    rb"\/": b"/",
    rb"\u002b": b"+",
    rb"\u002B": b"+",
    rb"\u002f": b"/",
    rb"\u002F": b"/",
    rb"\u003d": b"=",
    rb"\u003D": b"=",
    rb"\r": b"",
    rb"\n": b"",
}


class Failed(Exception):
    """The axis said no: one of its codes (or another), and its words."""

    def __init__(self, code: str, words: str) -> None:
        self.code = code
        self.words = clean(words)
        super().__init__(f"{code}: {self.words}")


class Later(Unavailable):
    """The axis asks to come again in ``retry_after`` seconds (0: it does not say when)."""

    def __init__(self, code: str, text: Bilingual, retry_after: int = 0) -> None:
        super().__init__(code, text)
        self.retry_after = retry_after


def text_of(value: object) -> str:
    """A value as text; nothing, ``null`` and the text "null" are the same."""
    text = "" if value is None else str(value).strip()
    return "" if text.lower() == "null" else text


def clean(text: str, limit: int = WORDS) -> str:
    """One printable line of at most ``limit`` characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 8 * limit]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def read_answer(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The object of a success. ``Failed`` for the axis' no; ``Unavailable`` for what is no answer."""
    if status == 429 or status >= 500:
        raise Later(f"answer.{status}", _answered(status, body), _seconds((headers or {}).get("retry-after")))
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict) or not {"success", "code", "data", "docId"} & answer.keys():
        raise Unavailable("answer.empty" if not body.strip() else "answer.not_json", _answered(status, body))
    code = _error_code(answer)
    if status >= 400 or code or text_of(answer.get("success")).lower() == "false":
        raise Failed(code or f"http.{status}", _words(answer))
    return answer


def rows(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a small list; ``null`` and a missing list are an empty one."""
    found = answer.get("data")
    if found is None or found == "null":
        return []
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise Unavailable("answer.no_list", _NO_LIST)
    return found


async def file_in(status: int, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The file that the answer holds as base64, decoded as it comes. ``Failed`` and ``Unavailable`` as
    ``read_answer``; ``Unavailable`` too when it is cut off, empty or no base64."""
    head, text = bytearray(), _Base64()
    async for chunk in chunks:
        if text.begun:
            piece = text.feed(chunk)
        else:
            head += chunk
            found = _FILE.search(head) if status == 200 else None
            if found is None:
                if len(head) > HEAD_BYTES:
                    break
                continue
            piece = text.feed(bytes(head[found.end() :]))
        if piece:
            yield piece
    if not text.begun:
        read_answer(status, bytes(head))
        raise Unavailable("answer.no_file", _NO_FILE)
    text.close()


async def rows_in(status: int, chunks: AsyncIterator[bytes]) -> AsyncIterator[dict[str, Any]]:
    """The rows of a list, each as it comes: 120 000 agencies are never held at once. What stands around them
    is judged as an answer at the end."""
    decoder, scan = codecs.getincrementaldecoder("utf-8")("replace"), json.JSONDecoder()
    head, buffer, ended = "", "", False
    async for chunk in chunks:
        buffer += decoder.decode(chunk)
        if not head:
            found = _LIST.search(buffer) if status == 200 else None
            if found is None:
                if len(buffer) > HEAD_BYTES:
                    break
                continue
            head, buffer = buffer[: found.end()], buffer[found.end() :]
        if not ended:
            whole, at, ended = _some(scan, buffer)
            for row in whole:
                yield row
            buffer = buffer[at:]
        if len(buffer) > ROW_CHARACTERS:
            raise Unavailable("answer.no_list", _NO_LIST)
    if head and not ended:
        raise Unavailable("answer.cut_off", _CUT_OFF)
    for row in rows(read_answer(status, (head + buffer).encode())):
        yield row


def _some(scan: json.JSONDecoder, buffer: str) -> tuple[list[dict[str, Any]], int, bool]:
    """The rows that lie whole in the buffer, where the rest begins, and whether the list ended."""
    found: list[dict[str, Any]] = []
    at = 0
    while True:
        while at < len(buffer) and buffer[at] in " \r\n\t,":
            at += 1
        if buffer.startswith("]", at):
            return found, at, True
        try:
            row, end = scan.raw_decode(buffer, at)
        except ValueError:
            return found, at, False
        if not isinstance(row, dict):
            raise Unavailable("answer.no_list", _NO_LIST)
        found.append(row)
        at = end


@dataclass(slots=True)
class _Base64:
    """Text of a JSON string that is base64, in pieces."""

    begun: bool = False
    ended: bool = False
    _size: int = 0
    _rest: bytes = b""  # an escape or a group of four that is not whole yet

    def feed(self, piece: bytes) -> bytes:
        """What can be decoded so far."""
        self.begun = True
        if self.ended:
            return b""
        text, quote, _ = (self._rest + piece).partition(b'"')
        self.ended = bool(quote)
        text, self._rest = (text, b"") if self.ended else _without_open_escape(text)
        plain = _unescaped(text)
        whole = len(plain) if self.ended else len(plain) - len(plain) % 4
        if self._size == 0 and plain == b"null":  # nothing, unless more follows
            whole = 0
        self._rest = plain[whole:] + self._rest
        return self._decoded(plain[:whole])

    def close(self) -> None:
        """``Unavailable`` unless the text ended and held something."""
        if not self.ended:
            raise Unavailable("answer.cut_off", _CUT_OFF)
        if self._size == 0:
            raise Unavailable("answer.no_file", _NO_FILE)

    def _decoded(self, text: bytes) -> bytes:
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Unavailable("answer.not_base64", _NOT_BASE64) from error
        self._size += len(data)
        return data


def _without_open_escape(text: bytes) -> tuple[bytes, bytes]:
    """The text, and from its end an escape of which more may come."""
    at = text.rfind(b"\\", -6)
    if at < 0 or (len(text) - at >= 2 and text[at + 1 : at + 2] != b"u") or len(text) - at >= 6:
        return text, b""
    return text[:at], text[at:]


def _unescaped(text: bytes) -> bytes:
    if b"\\" not in text:
        return text
    for escaped, plain in _ESCAPED.items():
        text = text.replace(escaped, plain)
    return text


def _error_code(answer: Mapping[str, Any]) -> str:
    """The code of a failure, wherever it stands; empty for a success."""
    data, details = answer.get("data"), answer.get("errorDetail")
    places: list[object] = [data.get("errorCode")] if isinstance(data, dict) else []
    if isinstance(details, list) and details and isinstance(details[0], dict):
        places.append(details[0].get("errorCode"))
    places += [answer.get("errorCode"), answer.get("code")]
    return next((text for place in places if (text := text_of(place)) not in GOOD), "")


def _words(answer: Mapping[str, Any]) -> str:
    data = answer.get("data")
    described = text_of(data.get("errorDesc")) if isinstance(data, dict) else ""
    return described or text_of(answer.get("message"))


def _seconds(text: str | None) -> int:
    return int(text[:6]) if text and text.isascii() and text.isdigit() else 0


def _answered(status: int, body: bytes) -> Bilingual:
    words = clean(body[: 8 * WORDS].decode("utf-8", "replace"))
    said = f": “{words}”" if words else ""
    return Bilingual(
        f"Trục của tỉnh trả lời HTTP {status}{said}.", f"The provincial axis answered HTTP {status}{said}."
    )


_NO_FILE = Bilingual(
    "Trục của tỉnh báo thành công nhưng không trả về nội dung gói tin.",
    "The provincial axis said OK without the content of the message.",
)
_NO_LIST = Bilingual("Trục của tỉnh không trả về danh sách.", "The provincial axis gave no list.")
_NOT_BASE64 = Bilingual(
    "Nội dung trục của tỉnh trả về không phải base64.", "What the provincial axis gave is not base64."
)
_CUT_OFF = Bilingual(
    "Câu trả lời của trục tỉnh bị ngắt giữa chừng.", "The answer of the provincial axis broke off."
)
