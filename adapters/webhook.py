"""Webhook: the gateway pushes each message to a URL of the recipient's system, signed and repeatable.

In charge of: the wire format of the push (``adapters/README.md`` tells receivers how to check it) and what an
answer means. Not in charge of: when to try again, opening connections (``gateway/net.py``).

One POST for each attempt; the body is the edXML envelope, byte for byte. All attempts of one delivery carry
the same ``Idempotency-Key``. The signature is HMAC-SHA256, keyed with the shared secret, over
``timestamp "." delivery id "." SHA-256 of the body in hex``, so neither can be exchanged for another.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar
from urllib.parse import quote

import orjson

from gateway.clock import SECOND, Clock, from_datetime
from gateway.model.text import Bilingual
from gateway.net import Answer, Net, Unreachable, url_problem
from gateway.port import Delivered, Outcome, Parcel, Refused, TryLater

SIGNATURE_VERSION = "v1"
SECRET_CHARACTERS = 16  # fewer can be guessed
WORDS = 300  # characters of a partner's answer that are kept
# The partner is busy, or sees a conflict that time resolves; every other 4xx is its refusal.
# 401, 403 and 404 are what a proxy or a changed key says: a person mends that, and the document still
# arrives.
_PASSING = {401, 403, 404, 408, 425, 429}
_WORD_FIELDS = ("detail", "message", "error_description", "error", "title")


class Webhook:
    """A push kind (``port.Adapter``). Settings: ``url``, and the sealed ``secret``."""

    kind: ClassVar[str] = "webhook"
    pull: ClassVar[bool] = False

    def __init__(self, net: Net, clock: Clock) -> None:
        self._net = net
        self._clock = clock

    def check_settings(self, settings: Mapping[str, str]) -> list[Bilingual]:
        """A URL that can be called and a secret long enough; nothing is dialled."""
        problems = [url_problem(settings.get("url", ""))]
        if len(settings.get("secret", "")) < SECRET_CHARACTERS:
            problems.append(_NO_SECRET)
        return [problem for problem in problems if problem is not None]

    async def deliver(self, parcel: Parcel) -> Outcome:
        """Push once. A wrong setting is ``TryLater``, because an administrator can mend it."""
        if problems := self.check_settings(parcel.settings):
            return TryLater("settings.wrong", problems[0])
        headers = headers_of(parcel, timestamp=self._clock.now() // SECOND)
        try:
            answer = await self._net.post(parcel.settings["url"], parcel.open(), parcel.size, headers)
        except Unreachable as error:
            return TryLater(error.code, error.text)
        return self._outcome(answer)

    async def close(self) -> None:
        """Connections belong to ``Net``."""

    def _outcome(self, answer: Answer) -> Outcome:
        status = answer.status
        if 200 <= status < 300:
            return Delivered(_proof(answer))
        if 300 <= status < 400:
            return TryLater("answer.redirect", _redirected(answer))
        text = _answered(status, _words(answer))
        if 400 <= status < 500 and status not in _PASSING:
            return Refused(f"answer.{status}", text)
        return TryLater(f"answer.{status}", text, self._retry_after(answer.headers.get("retry-after", "")))

    def _retry_after(self, text: str) -> int:
        """Seconds from ``Retry-After``, given as such or as a date; 0 when absent or unreadable."""
        if text.isascii() and text.isdigit():
            return int(text[:9])
        try:
            until = from_datetime(parsedate_to_datetime(text))
        except ValueError:
            return 0
        return max(0, -((self._clock.now() - until) // SECOND))


def headers_of(parcel: Parcel, timestamp: int) -> dict[str, str]:
    """The headers of one attempt; ``timestamp`` is UTC seconds."""
    secret = parcel.settings["secret"].encode()
    return {
        "Content-Type": "application/xml",
        "Idempotency-Key": parcel.delivery_id,
        "X-Gateway-Delivery": parcel.delivery_id,
        "X-Gateway-Message": parcel.message_id,
        "X-Gateway-Document-Id": quote(parcel.document_id, safe=""),
        "X-Gateway-Sender": quote(parcel.sender),
        "X-Gateway-Recipient": quote(parcel.recipient),
        "X-Gateway-Kind": parcel.kind.value,
        "X-Gateway-Urgency": str(parcel.urgency),
        "X-Gateway-Attempt": str(parcel.attempt),
        "X-Gateway-SHA256": parcel.envelope_sha256,
        "X-Gateway-Timestamp": str(timestamp),
        "X-Gateway-Signature": signature(secret, timestamp, parcel.delivery_id, parcel.envelope_sha256),
    }


def signature(secret: bytes, timestamp: int, delivery_id: str, sha256: str) -> str:
    """``v1=`` and the hex HMAC that a receiver compares."""
    signed = f"{timestamp}.{delivery_id}.{sha256}".encode()
    return f"{SIGNATURE_VERSION}={hmac.new(secret, signed, hashlib.sha256).hexdigest()}"


def _proof(answer: Answer) -> str:
    """The status, and the id that the receiver gave, if its answer names one."""
    given = _fields(answer.body).get("id")
    name = _clean(str(given), 100) if isinstance(given, str | int) else ""
    return f"HTTP {answer.status}, id {name}" if name else f"HTTP {answer.status}"


def _words(answer: Answer) -> str:
    """What the partner said, short enough for a screen: a field of its JSON answer, or the answer's text."""
    fields = _fields(answer.body)
    named = [fields[name] for name in _WORD_FIELDS if isinstance(fields.get(name), str)]
    text = named[0] if named else answer.body.decode("utf-8", "replace")
    return _clean(text, WORDS)


def _fields(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _clean(text: str, limit: int) -> str:
    """One line without control characters, cut at ``limit`` characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 8 * limit]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _answered(status: int, words: str) -> Bilingual:
    said = f": “{words}”" if words else ""
    return Bilingual(
        f"Hệ thống nhận trả lời HTTP {status}{said}.", f"The recipient's system answered HTTP {status}{said}."
    )


def _redirected(answer: Answer) -> Bilingual:
    target = _clean(answer.headers.get("location", ""), WORDS)
    return Bilingual(
        f"Hệ thống nhận chuyển hướng sang “{target}”; trục không đi theo chuyển hướng. Hãy khai báo địa chỉ "
        "cuối cùng trong kết nối của đơn vị.",
        f"The recipient's system redirects to “{target}”; the gateway follows no redirects. Put the final "
        "address into the agency's connection.",
    )


_NO_SECRET = Bilingual(
    f"Kết nối webhook cần một khóa bí mật chung dài ít nhất {SECRET_CHARACTERS} ký tự.",
    f"A webhook needs a shared secret of at least {SECRET_CHARACTERS} characters.",
)
