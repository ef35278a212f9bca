"""How calls of the national axis SDK (SDKVXP 2.0.1) are signed: parameters in headers, HMAC over their text.

In charge of: building and checking the signature, the SDK's time text, and its hash of a file. Pure text
work: no request, no clock, no keyring. Not in charge of: whose secret it is (``flow/door.py``) or what a call
means (``inbound.py``, ``client.py``).

Each parameter ``x`` travels as the header ``XroadVnpt-x``. ``XroadVnpt-sign-header`` is a JSON object of the
prefixed headers, ``XroadVnpt-hash-header`` the hex HMAC-SHA256 over *the exact text* of it. The SDK keeps one
header map for all calls of a client object, so a call also carries headers of earlier calls that it did not
sign: those are not believed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.clock import SECOND, VIETNAM, from_datetime, local
from gateway.model.text import Bilingual, Instant

PREFIX = "XroadVnpt-"
SIGN_KEYS, SIGN_TEXT, SIGN_HASH = "sign-header-key", "sign-header", "hash-header"
ALWAYS_SIGNED = ("systemid", "timestamp")
_STAMP = re.compile(r"(\d{8}T\d{6})\+(\d{1,4})")


class BadSignature(Exception):
    """The headers prove nothing. ``code`` is stable; ``text`` says what to do."""

    def __init__(self, code: str, text: Bilingual) -> None:
        self.code = code
        self.text = text
        super().__init__(f"{code}: {text.en}")


@dataclass(frozen=True, slots=True)
class Signed:
    """What a call says over its signature, before anybody has proved it. Names are lower case."""

    parameters: Mapping[str, str]
    at: Instant
    texts: tuple[bytes, ...]  # what may have been signed; more than one only where it is not ASCII
    shown: str  # the HMAC that came with it

    @property
    def system_id(self) -> str:
        return self.parameters["systemid"]

    def proved_by(self, secret: bytes) -> bool:
        """True when this secret made the signature. Where the texts part is not told by the time it takes."""
        shown = _bytes(self.shown.lower())
        made = [hmac.new(secret, text, hashlib.sha256).hexdigest().encode() for text in self.texts]
        return any(hmac.compare_digest(one, shown) for one in made)

    def fresh(self, now: Instant, seconds: int) -> bool:
        """True when it was signed within the window, before or after ``now``: clocks differ both ways."""
        return abs(now - self.at) <= seconds * SECOND


def sign(parameters: Mapping[str, str], secret: bytes) -> dict[str, str]:
    """The headers of a call: the parameters in their order, and the three of the signature."""
    headers = {PREFIX + name: value for name, value in parameters.items()}
    text = json.dumps(headers, ensure_ascii=False, separators=(",", ":"))
    return headers | {
        PREFIX + SIGN_KEYS: ";".join(parameters),
        PREFIX + SIGN_TEXT: text,
        PREFIX + SIGN_HASH: hmac.new(secret, text.encode(), hashlib.sha256).hexdigest(),
    }


def read_signed(values_of: Callable[[str], Sequence[str]]) -> Signed:
    """What the headers say, if each signed value was really sent. ``values_of`` gives all values of a header,
    whatever its letter case. ``BadSignature`` names what does not fit.

    A header may have come twice: ``docId`` of an earlier call beside ``docid`` of this one. One of them has
    to be the signed value, and only that one counts.
    """
    text, shown = _only(values_of, SIGN_TEXT), _only(values_of, SIGN_HASH)
    parameters: dict[str, str] = {}
    for header, value in _pairs(text):
        if not header.lower().startswith(PREFIX.lower()):
            raise BadSignature("signature.malformed", _MALFORMED)
        name = header[len(PREFIX) :].lower()
        if parameters.setdefault(name, value) != value:
            raise BadSignature("signature.ambiguous", _twice(name))
        if value not in values_of(header):
            raise BadSignature("signature.header_changed", _changed(name))
    for name in ALWAYS_SIGNED:
        if not parameters.get(name):
            raise BadSignature("signature.incomplete", _unsigned(name))
    at = read_stamp(parameters["timestamp"])
    if at is None:
        raise BadSignature("signature.timestamp", _NO_STAMP)
    return Signed(parameters, at, _readings(text), shown)


def stamp(at: Instant) -> str:
    """``ddMMyyyy'T'HHmmss+SSSS``, Vietnamese time; the last part is milliseconds, not a zone."""
    moment = local(at)
    return f"{moment:%d%m%YT%H%M%S}+{moment.microsecond // 1000:04d}"


def read_stamp(text: str) -> Instant | None:
    """The instant of an SDK time text, or ``None`` when it is none."""
    found = _STAMP.fullmatch(text)
    if found is None:
        return None
    try:
        moment = datetime.strptime(found[1], "%d%m%YT%H%M%S").replace(tzinfo=VIETNAM)
    except ValueError:
        return None
    milliseconds = int(found[2])  # 1000 and above can only be a zone that somebody wrote there
    return from_datetime(moment + timedelta(milliseconds=milliseconds if milliseconds < 1000 else 0))


def hash_texts(digest: bytes) -> tuple[str, str]:
    """A digest as the SDK writes it (a byte below 0x10 gives one digit), and as everybody else does.

    The first cannot be read back into bytes: compare text with text.
    """
    return "".join(f"{byte:x}" for byte in digest), digest.hex()


def same_hash(text: str, digest: bytes) -> bool:
    """True when ``text`` is the digest in either form."""
    return text.strip().lower() in hash_texts(digest)


def _pairs(text: str) -> list[tuple[str, str]]:
    """Names and values of the signed object; a name that stands there twice stays twice."""
    try:
        pairs = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError) as error:
        raise BadSignature("signature.malformed", _MALFORMED) from error
    if not isinstance(pairs, list) or not all(
        isinstance(pair, tuple) and isinstance(pair[1], str) for pair in pairs
    ):
        raise BadSignature("signature.malformed", _MALFORMED)
    return pairs


def _only(values_of: Callable[[str], Sequence[str]], name: str) -> str:
    values = values_of(PREFIX + name)
    if len(values) != 1 or not values[0]:
        raise BadSignature("signature.missing", _missing(name))
    return values[0]


def _readings(text: str) -> tuple[bytes, ...]:
    """The bytes that may have been signed. Beyond ASCII, some HTTP libraries write headers in Latin-1 while
    the HMAC was made over UTF-8."""
    raw = _bytes(text)
    return (raw,) if raw.isascii() else (raw, raw.decode("latin-1").encode())


def _bytes(text: str) -> bytes:
    """The bytes of a header as they came."""
    return text.encode("utf-8", "surrogateescape")


def _missing(name: str) -> Bilingual:
    return Bilingual(
        f"Lời gọi thiếu tiêu đề {PREFIX}{name}, hoặc có nhiều hơn một.",
        f"The call has no header {PREFIX}{name}, or more than one.",
    )


def _changed(name: str) -> Bilingual:
    return Bilingual(
        f"Tiêu đề {PREFIX}{name} khác với giá trị đã ký. Phần mềm hoặc máy chủ trung gian đã sửa tiêu đề.",
        f"The header {PREFIX}{name} differs from the value that was signed; something changed it on the way.",
    )


def _twice(name: str) -> Bilingual:
    return Bilingual(
        f"Tham số {name} được ký hai lần với hai giá trị khác nhau.",
        f"The parameter {name} was signed twice with different values.",
    )


def _unsigned(name: str) -> Bilingual:
    return Bilingual(
        f"Tham số {name} chưa được ký. Hãy đưa {name} vào sign-header-key.",
        f"The parameter {name} was not signed. Put {name} into sign-header-key.",
    )


_MALFORMED = Bilingual(
    "Tiêu đề XroadVnpt-sign-header không phải là đối tượng JSON gồm các tiêu đề XroadVnpt-….",
    "The header XroadVnpt-sign-header is not a JSON object of XroadVnpt-… headers.",
)
_NO_STAMP = Bilingual(
    "Thời điểm ký (timestamp) không đúng dạng ddMMyyyyTHHmmss+SSSS.",
    "The timestamp does not have the form ddMMyyyyTHHmmss+SSSS.",
)
