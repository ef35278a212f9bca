"""The national axis as our partner: we call it, as the Java SDK would (kind ``axis``).

In charge of: both ways of that connection. Outbound: one parcel becomes one ``sendEdoc``. Inbound: what waits
there, in the words of ``port.Collector``. Not in charge of: the calls (``client.py``), when to come
(``gateway/delivery``), whether we take what waits (``gateway/flow/collect.py``).

Settings: ``url``, ``system_id``, the sealed ``secret`` (the HMAC key); ``from``, the code that sends are made
under (the system id when it is missing: the axis wants them to be equal); ``poll_seconds``. Which agencies go
this way: ``serves`` (``gateway/directory/snapshot.py``).

The secret is known to the operator of the axis as well, and the proof says so: it shows that the axis, or
somebody with its secret, answered, and cannot convince a third party.
"""

from __future__ import annotations

import contextlib
import unicodedata
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import ClassVar

from adapters.vxp.client import Failed, VxpClient
from adapters.vxp.wire import read_time
from gateway.clock import Clock
from gateway.model.envelope import Kind
from gateway.model.text import Bilingual
from gateway.net import Net, url_problem
from gateway.port import (
    Delivered,
    ListedAgency,
    ListedDocument,
    Outcome,
    Parcel,
    Refused,
    TryLater,
    Unavailable,
    Waiting,
)

EDOC, STATUS = "edoc", "status"
DONE, FAIL = "done", "fail"
SECRET_CHARACTERS = 8
SHORTEST_POLL = 5  # seconds
WORDS = 200  # characters of our reason that are told to the axis
# ErrorCodes after which the same bytes would only be refused again. There is no public list: these are the
# words of the axis simulator and of gateways of our own kind. Every other code is tried again.
FINAL = {
    "edxml": "gói tin không đúng edXML",
    "size": "gói tin quá lớn",
    "receiver.unknown": "không có đơn vị nhận trên trục",
    "envelope.unreadable": "gói tin không đọc được",
    "envelope.refused": "gói tin bị từ chối",
    "request.too_large": "gói tin quá lớn",
    "upload.too_large": "gói tin quá lớn",
    "recipient.unknown": "không có đơn vị nhận trên trục",
    "recipient.closed": "đơn vị nhận đã ngừng hoạt động",
    "recipient.test_code": "mã nơi nhận là mã thử",
    "recipient.not_in_envelope": "gói tin không ghi nơi nhận này",
    "duplicate.conflict": "mã văn bản đã dùng cho nội dung khác",
    "secrecy.marked": "văn bản mang dấu mật",
    "status.unknown_code": "mã trạng thái không có trong danh mục",
    "status.not_recipient": "đơn vị báo không phải nơi nhận",
}
# Spoken of by name because an administrator has to act: settings, not documents.
MENDABLE = {
    "401": "sai systemid, khóa bí mật hoặc đồng hồ",
    "from": "from không thuộc mã hệ thống này",
    "100": "lỗi gọi trục",
}


class Axis:
    """A push kind (``port.Adapter``) and a ``port.Collector``."""

    kind: ClassVar[str] = "axis"
    pull: ClassVar[bool] = False

    def __init__(self, net: Net, clock: Clock) -> None:
        self._net = net
        self._clock = clock

    def check_settings(self, settings: Mapping[str, str]) -> list[Bilingual]:
        """An address that can be called, a system id and its secret; nothing is dialled."""
        problems = [url_problem(settings.get("url", ""))]
        if not settings.get("system_id"):
            problems.append(_NO_SYSTEM)
        if len(settings.get("secret", "")) < SECRET_CHARACTERS:
            problems.append(_NO_SECRET)
        poll = settings.get("poll_seconds", "")
        if poll and not (poll.isascii() and poll.isdigit() and int(poll[:9]) >= SHORTEST_POLL):
            problems.append(_NO_POLL)
        if settings.get("codes", "") not in _CODES:
            problems.append(_NO_CODES)
        if settings.get("serves") == "others" and not settings.get("ours"):
            problems.append(_NO_OURS)
        return [problem for problem in problems if problem is not None]

    async def deliver(self, parcel: Parcel) -> Outcome:
        """Hand in once. A wrong setting is ``TryLater``, because an administrator can mend it."""
        if problems := self.check_settings(parcel.settings):
            return TryLater("settings.wrong", problems[0])
        status = parcel.kind is Kind.STATUS
        client = self._client(parcel.settings)
        try:
            doc_id = await client.send_stream(
                parcel.open(),
                parcel.size,
                bytes.fromhex(parcel.envelope_sha256),
                parcel.settings.get("from") or parcel.settings["system_id"],
                STATUS if status else EDOC,
                () if status or not parcel.named else (parcel.named,),
            )
        except Failed as no:
            return Refused(_code(no), _no(no)) if no.code in FINAL else TryLater(_code(no), _no(no))
        except Unavailable as error:
            return TryLater(error.code, error.text)
        return Delivered(f"DocId {doc_id[:100]}; rests on a shared secret (HMAC)")

    async def waiting(self, settings: Mapping[str, str]) -> Sequence[Waiting]:
        """Documents, then statuses, each docId once, in the order of the axis."""
        client = self._client(settings)
        found: dict[str, Waiting] = {}
        for kind in (EDOC, STATUS):
            with _refusal_is_unavailable():
                rows = await client.received(kind)
            for row in rows:
                item = _waiting({name: text_of(value) for name, value in row.items()}, kind)
                if item.doc_id:
                    found.setdefault(item.doc_id, item)
        return list(found.values())

    async def fetch(self, waiting: Waiting, settings: Mapping[str, str]) -> AsyncIterator[bytes]:
        """The bytes of one message, as they come."""
        with _refusal_is_unavailable():
            async for chunk in self._client(settings).download(waiting.doc_id):
                yield chunk

    async def confirm(
        self, waiting: Waiting, settings: Mapping[str, str], taken: bool, description: str = ""
    ) -> None:
        """Say ``done``, or ``fail`` with the reason. HTTP headers carry no accents: the words go without."""
        with _refusal_is_unavailable():
            await self._client(settings).update_status(
                waiting.doc_id, DONE if taken else FAIL, _plain(description)[:WORDS]
            )

    async def agencies(self, settings: Mapping[str, str]) -> AsyncIterator[ListedAgency]:
        """The agency list, streamed."""
        with _refusal_is_unavailable():
            async for row in self._client(settings).stream_agencies():
                text = {name: text_of(value) for name, value in row.items()}
                yield ListedAgency(
                    code=text.get("code", ""),
                    name=text.get("name", ""),
                    parent=text.get("pid", ""),
                    other_code=text.get("oldCode", "")
                    or text.get("code102", "")
                    or text.get("centerCode", ""),
                    mail=text.get("mail", ""),
                    ref=text.get("id", ""),
                    closed=text.get("deleted", "").lower() in ("true", "1"),
                )

    async def sent(self, settings: Mapping[str, str], doc_id: str = "") -> Sequence[ListedDocument]:
        """What the axis lists of what we sent, documents and statuses."""
        client = self._client(settings)
        listed = []
        for kind in (EDOC, STATUS):
            with _refusal_is_unavailable():
                listed += await client.sent(doc_id, kind)
        return [_listed({name: text_of(value) for name, value in row.items()}) for row in listed]

    async def close(self) -> None:
        """Connections belong to ``Net``."""

    def _client(self, settings: Mapping[str, str]) -> VxpClient:
        """A client object for one call, so that its time is the present one and no header is left over."""
        return VxpClient(
            self._net,
            settings.get("url", ""),
            settings.get("system_id", ""),
            settings.get("secret", ""),
            self._clock,
        )


def text_of(value: object) -> str:
    """A field of a row: the axis writes the word ``null`` for nothing."""
    text = "" if value is None else str(value).strip()
    return "" if text == "null" else text


@contextlib.contextmanager
def _refusal_is_unavailable() -> Iterator[None]:
    """Within a collector the axis' own no is one more reason why nothing can be had now."""
    try:
        yield
    except Failed as error:
        raise Unavailable(_code(error), _no(error)) from error


def _waiting(row: Mapping[str, str], kind: str) -> Waiting:
    """One row of the list. ``messageType`` of the row decides, if it says one of the two."""
    named = row.get("messageType", "").lower()
    kept = ("from", "to", "created_time", "updated_time", "status", "status_desc")
    return Waiting(
        row.get("docId", ""),
        named if named in (EDOC, STATUS) else kind,
        sender=row.get("from", ""),
        declared={name: row[name] for name in kept if row.get(name)},
    )


def _listed(row: Mapping[str, str]) -> ListedDocument:
    return ListedDocument(
        doc_id=row.get("senderDocId", ""),
        sender=row.get("fromCode", ""),
        recipient=row.get("toCode", ""),
        notation=row.get("notation", ""),
        sent_time=row.get("sentTime", ""),
        state=row.get("receiveStatus", ""),
        sent_at=read_time(row.get("sentTime", "")),
    )


def _code(no: Failed) -> str:
    return f"axis.{no.code[:50]}"


def _no(no: Failed) -> Bilingual:
    meaning = FINAL.get(no.code) or MENDABLE.get(no.code) or "mã chưa có trong bảng"
    said = f": “{no.words}”" if no.words else ""
    return Bilingual(
        f"Trục quốc gia không nhận, mã lỗi {no.code} ({meaning}){said}.",
        f"The national axis said FAIL with code {no.code}{said}.",
    )


def _plain(text: str) -> str:
    """Vietnamese without accents, one line: other bytes do not survive in headers."""
    decomposed = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return " ".join(decomposed.encode("ascii", "ignore").decode().split())


_CODES = ("", "as_received", "qcvn102", "qd20", "vxp")
_NO_CODES = Bilingual(
    "Thiết lập codes chỉ nhận as_received, qcvn102, qd20 hoặc vxp.",
    "The setting codes is as_received, qcvn102, qd20 or vxp.",
)
_NO_SYSTEM = Bilingual(
    "Kết nối trục quốc gia cần mã hệ thống (system_id).", "A connection to the axis needs a system_id."
)
_NO_SECRET = Bilingual(
    f"Kết nối trục quốc gia cần khóa bí mật dài ít nhất {SECRET_CHARACTERS} ký tự.",
    f"A connection to the axis needs a secret of at least {SECRET_CHARACTERS} characters.",
)
_NO_POLL = Bilingual(
    f"Thiết lập poll_seconds là số giây, ít nhất {SHORTEST_POLL}.",
    f"The setting poll_seconds is a number of seconds, at least {SHORTEST_POLL}.",
)
_NO_OURS = Bilingual(
    "Với serves=others, hãy ghi ours = mã các cơ quan gốc của tỉnh (cách nhau bằng dấu phẩy).",
    "With serves=others, ours must name the root agencies of our own side (comma-separated).",
)
