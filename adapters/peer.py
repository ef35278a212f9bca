"""Gateway: another gateway of ours, from province to district to commune and back.

In charge of: pushing a message to the peer's native door (``POST /api/v1/documents``), believing the peer
only when its signed receipt holds, and asking it what became of a message. Not in charge of: verifying
signatures and the list of gateways passed (``gateway/flow/peers.py``), when to try again.

Settings: ``url`` (https://peer), the sealed ``secret`` (an API key that the peer gave us; none where our
client certificate, ``net.tls_certificate``, proves us), and ``receipt_sha256``: the fingerprints of the
certificates with which the peer signs receipts, comma-separated.
A call names one recipient (``to``): the envelope may name others, who are reached on other ways.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

import orjson
from yarl import URL

from gateway.clock import Clock
from gateway.flow import peers
from gateway.flow.peers import PeerReceipt
from gateway.model.envelope import Kind
from gateway.model.text import Bilingual
from gateway.net import Answer, Net, Unreachable, url_problem
from gateway.port import Delivered, Outcome, Parcel, Refused, TryLater, Unavailable

SECRET_CHARACTERS = 16
TRACE_BYTES = 4_194_304
WORDS = 300
PROBLEM = "application/problem+json"
FINAL = frozenset({409, 413, 422})  # the peer's gate says no; time or a person mends all other answers
_PIN = re.compile("[0-9a-f]{64}")
_HERE = frozenset({"127.0.0.1", "::1", "localhost"})


class Peer:
    """A push kind (``port.Adapter``) whose partner can be asked (``port.Tracer``)."""

    kind: ClassVar[str] = "gateway"
    pull: ClassVar[bool] = False

    def __init__(self, net: Net, clock: Clock) -> None:
        self._net = net

    def check_settings(self, settings: Mapping[str, str]) -> list[Bilingual]:
        """An address that protects the key on its way, a key, and whose receipts to believe."""
        problems = [_address_problem(settings.get("url", ""))]
        secret = settings.get("secret", "")
        shown = secret.isascii() and secret.isprintable() and len(secret) >= SECRET_CHARACTERS
        if not shown and not (self._net.identified and not secret):
            problems.append(_NO_SECRET)
        if not _pins(settings):
            problems.append(_NO_PIN)
        return [problem for problem in problems if problem is not None]

    async def deliver(self, parcel: Parcel) -> Outcome:
        """Push once; delivered only with a receipt that holds."""
        if problems := self.check_settings(parcel.settings):
            return TryLater("settings.wrong", problems[0])
        url = _base(parcel.settings) + "/api/v1/documents"
        if parcel.kind is not Kind.STATUS:  # a status has one addressee anyway
            url += f"?to={quote(parcel.addressed or parcel.recipient, safe='')}"
        headers = _key(parcel.settings) | {
            "Content-Type": "application/xml",
            peers.WAY_HEADER: ", ".join(quote(name, safe="") for name in parcel.way),
        }
        try:
            answer = await self._net.post(url, parcel.open(), parcel.size, headers, self._net.tls)
        except Unreachable as error:
            return TryLater(error.code, error.text)
        return _outcome(parcel, answer)

    async def trace(self, settings: Mapping[str, str], answer: str) -> Mapping[str, Any]:
        """The peer's view of the document, as ``GET /api/v1/documents/{id}`` shows it to us."""
        document = str(orjson.loads(answer).get("document", ""))
        url = f"{_base(settings)}/api/v1/documents/{quote(document, safe='')}"
        body = bytearray()
        try:
            async with self._net.stream("GET", url, _key(settings), tls=self._net.tls) as found:
                async for chunk in found.chunks:
                    body += chunk
                    if len(body) > TRACE_BYTES:
                        raise Unavailable("answer.too_large", _not_told("> 4 MB"))
        except Unreachable as error:
            raise Unavailable(error.code, error.text) from error
        told = _object(bytes(body))
        if found.status != 200 or not told:
            raise Unavailable(f"answer.{found.status}", _not_told(f"HTTP {found.status}"))
        return told

    async def close(self) -> None:
        """Connections belong to ``Net``."""


def _outcome(parcel: Parcel, answer: Answer) -> Outcome:
    body = _object(answer.body)
    if answer.status in (200, 202):
        return _believed(parcel, body)
    words = _words(answer, body)
    gate = answer.headers.get("content-type", "").startswith(PROBLEM)
    if gate and answer.status in FINAL:
        return Refused(str(body.get("code") or f"answer.{answer.status}"), words)
    code = str(body.get("code") or "") if gate else ""
    return TryLater(code or f"answer.{answer.status}", words, _seconds(answer))


def _believed(parcel: Parcel, body: dict[str, Any]) -> Outcome:
    """Delivered, if the peer signed for exactly these bytes of this message."""
    jws = body.get("receipt_jws")
    if not isinstance(jws, str) or not jws:
        return TryLater("receipt.missing", _NO_RECEIPT)
    try:
        receipt = peers.read_receipt(jws, _pins(parcel.settings))
    except ValueError as error:
        return TryLater("receipt.not_genuine", _not_genuine(str(error)))
    if parcel.way and receipt.gateway == parcel.way[-1]:
        return TryLater("receipt.same_name", _same_name(receipt.gateway))
    if not _speaks_of(receipt, parcel):
        return TryLater("receipt.of_another", _OF_ANOTHER)
    document = str(body.get("document") or "")
    kept = {"gateway": receipt.gateway, "receipt": receipt.receipt, "document": document, "jws": jws}
    digest = hashlib.sha256(jws.encode()).hexdigest()
    proof = f"receipt {receipt.receipt} of {receipt.gateway} ({receipt.decision}), SHA-256 {digest}"
    return Delivered(proof, orjson.dumps(kept).decode())


def _speaks_of(receipt: PeerReceipt, parcel: Parcel) -> bool:
    """The hash binds everything that is in the envelope; sender and DocumentId are in it."""
    return receipt.envelope_sha256 == parcel.envelope_sha256 and receipt.kind == parcel.kind.value


def _pins(settings: Mapping[str, str]) -> tuple[str, ...]:
    """The pinned fingerprints, as ``openssl`` or ``gateway key list`` write them; empty if one is none."""
    texts = [text for text in settings.get("receipt_sha256", "").replace(" ", "").split(",") if text]
    pins = tuple(text.replace(":", "").lower() for text in texts)
    return pins if all(_PIN.fullmatch(pin) for pin in pins) else ()


def _base(settings: Mapping[str, str]) -> str:
    return settings["url"].rstrip("/")


def _key(settings: Mapping[str, str]) -> dict[str, str]:
    """The API key; without one our client certificate speaks for us."""
    secret = settings.get("secret", "")
    return {"X-API-Key": secret} if secret else {}


def _address_problem(url: str) -> Bilingual | None:
    if problem := url_problem(url):
        return problem
    parsed = URL(url)
    return None if parsed.scheme == "https" or parsed.host in _HERE else _NO_TLS


def _seconds(answer: Answer) -> int:
    text = answer.headers.get("retry-after", "")
    return int(text[:9]) if text.isascii() and text.isdigit() else 0


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _words(answer: Answer, body: dict[str, Any]) -> Bilingual:
    """The peer speaks both languages; anything else is quoted."""
    plain = _clean(answer.body.decode("utf-8", "replace"))
    vi, en = (_clean(str(body.get(name) or plain)) for name in ("detail", "detail_en"))
    if reason := _first_reason(body):
        vi, en = f"{vi} {_clean(str(reason.get('vi')))}", f"{en} {_clean(str(reason.get('en')))}"
    status = answer.status
    return Bilingual(
        f"Trục của nơi nhận trả lời HTTP {status}: {vi}", f"The recipient's gateway says HTTP {status}: {en}"
    )


def _first_reason(body: dict[str, Any]) -> dict[str, Any]:
    """The first finding for which the gate refused, unless the detail says the same."""
    findings = body.get("findings")
    for finding in findings if isinstance(findings, list) else ():
        if isinstance(finding, dict) and finding.get("severity") == "refuse":
            return finding if finding.get("vi") != body.get("detail") else {}
    return {}


def _clean(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 8 * WORDS]).split())
    return line if len(line) <= WORDS else line[: WORDS - 1] + "…"


def _not_genuine(why: str) -> Bilingual:
    return Bilingual(
        "Phiếu xác nhận của trục nơi nhận không đúng chữ ký đã ghim (receipt_sha256); trục không coi là đã "
        f"gửi. Hãy kiểm tra với quản trị viên trục đó. ({why})",
        "The receipt of the recipient's gateway is not signed with a pinned certificate (receipt_sha256), so "
        f"nothing counts as delivered. Ask that gateway's administrator. ({why})",
    )


def _same_name(name: str) -> Bilingual:
    return Bilingual(
        f"Trục của nơi nhận cũng tên là “{name}”. Hãy đặt gateway.name khác nhau cho từng trục.",
        f"The recipient's gateway is called “{name}” too. Give each gateway a gateway.name of its own.",
    )


def _not_told(why: str) -> Bilingual:
    return Bilingual(
        f"Trục của nơi nhận không cho biết quá trình xử lý ({why}).",
        f"The recipient's gateway does not tell what became of it ({why}).",
    )


_NO_TLS = Bilingual(
    "Địa chỉ của trục khác phải bắt đầu bằng https:// vì khóa API đi trên đường này.",
    "The address of another gateway must begin with https://, because an API key travels there.",
)
_NO_SECRET = Bilingual(
    "Kết nối với trục khác cần khóa API do trục đó cấp (--secret-file), hoặc chứng thư ở "
    "net.tls_certificate.",
    "A connection to another gateway needs the API key that it issued (--secret-file), or a certificate in "
    "net.tls_certificate.",
)
_NO_PIN = Bilingual(
    "Thiết lập receipt_sha256 phải là dấu vân tay SHA-256 (64 chữ số hex) của chứng thư ký phiếu xác nhận ở "
    "trục kia; xem bằng: gateway key list.",
    "receipt_sha256 must be the SHA-256 (64 hex digits) of the certificate that signs the peer's receipts; "
    "gateway key list shows it there.",
)
_NO_RECEIPT = Bilingual(
    "Trục của nơi nhận không trả phiếu xác nhận nên chưa coi là đã gửi.",
    "The recipient's gateway gave no receipt, so nothing counts as delivered.",
)
_OF_ANOTHER = Bilingual(
    "Phiếu xác nhận nói về gói tin khác nên chưa coi là đã gửi.",
    "The receipt is about another message, so nothing counts as delivered.",
)
