"""A provincial axis of the Lạng Sơn dialect as our partner: we call it.

In charge of: being the kind ``langson_axis``, both ways: handing a parcel over, and what waits there for us
(``port.Collector``). Not in charge of: the calls (``client.py``), when to come (``gateway/delivery``).

Settings: ``url`` (what stands before ``/v1``), ``username``, ``system_id``, ``application_code``, ``days``
(how far back lists are asked for), and the sealed ``secret``: the password in its first line, the secret key
in its second; one line alone is both.

The dialect cannot narrow a send: the envelope reaches all its recipients at the axis with the first delivery,
and the axis recognises the others as repeats.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from adapters.langson import wire
from adapters.langson.client import Account, LangsonClient
from adapters.langson.reading import Failed, Later, clean, text_of
from gateway.clock import Clock, local_day
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

DAYS = 30
MOST_WAITING = 5_000  # items of one look, documents and statuses apart
DONE, FAIL = "done", "fail"
# What trying again cannot change: the file, its sender, its recipient.
FINAL = {
    wire.Code.INVALID_FILE.value: "tệp không hợp lệ",
    wire.Code.RECEIVER_UNKNOWN.value: "không có đơn vị nhận này trên trục của tỉnh",
    wire.Code.SENDER_NOT_REGISTERED.value: "đơn vị gửi chưa đăng ký trên trục của tỉnh",
    wire.Code.NOT_CONFORMING.value: "gói tin không đúng quy định",
    wire.Code.RECEIVER_LOCKED.value: "đơn vị nhận đã bị khóa",
}
# The known client gives up on 20 and 21 too; their words are of a passing trouble, so we come again. 15 is a
# setting: a person mends it, and the document still arrives.
RETRIED = {
    wire.Code.WRONG_SYSTEM.value: "sai SystemId hoặc SecretKey",
    wire.Code.SYSTEM_ERROR.value: "lỗi hệ thống của trục tỉnh",
    wire.Code.FILE_PROCESSING.value: "lỗi xử lý tệp ở trục tỉnh",
}
# Both halves share one login for each account: on the real axis a new one may end the one before.
_clients: WeakKeyDictionary[Net, dict[Account, LangsonClient]] = WeakKeyDictionary()


class LangsonAxis:
    """A push kind (``port.Adapter``) and a ``port.Collector``."""

    kind: ClassVar[str] = "langson_axis"
    pull: ClassVar[bool] = False

    def __init__(self, net: Net, clock: Clock) -> None:
        self._net = net
        self._clock = clock

    def check_settings(self, settings: Mapping[str, str]) -> list[Bilingual]:
        """An address that can be called, an account and its secrets; nothing is dialled."""
        problems = [url_problem(settings.get("url", ""))]
        problems += [_missing(name) for name in ("username", "system_id") if not settings.get(name)]
        if not all(_secrets(settings)):
            problems.append(_NO_SECRET)
        if _days(settings) is None:
            problems.append(_NO_DAYS)
        return [problem for problem in problems if problem is not None]

    async def deliver(self, parcel: Parcel) -> Outcome:
        """Hand in once. A wrong setting is ``TryLater``, because an administrator can mend it."""
        if problems := self.check_settings(parcel.settings):
            return TryLater("settings.wrong", problems[0])
        kind = wire.STATUS if parcel.kind is Kind.STATUS else wire.EDOC
        client = self._client(parcel.settings)
        try:
            doc_id = await client.send(parcel.open, parcel.size, parcel.envelope_sha256, kind)
        except Failed as no:
            return _outcome(no)
        except Later as error:
            return TryLater(error.code, error.text, error.retry_after)
        except Unavailable as error:
            return TryLater(error.code, error.text)
        return Delivered(f"DocId {clean(doc_id, 100)} at the provincial axis (token and shared secret key)")

    async def waiting(self, settings: Mapping[str, str]) -> Sequence[Waiting]:
        """Documents and statuses, each once, without those that the axis lists as done. At most
        ``MOST_WAITING`` of each: what was confirmed makes room for the rest."""
        client, today = self._client(settings), local_day(self._clock.now())
        since = (today - timedelta(days=_days(settings) or DAYS)).strftime(wire.DAY)
        until = (today + timedelta(days=1)).strftime(wire.DAY)
        found: dict[str, Waiting] = {}
        for kind in (wire.EDOC, wire.STATUS):
            with _refusal_is_unavailable():
                items = await _not_done(client.received(kind, since, until), kind)
            for doc_id, item in items.items():
                found.setdefault(doc_id, item)
        return list(found.values())

    async def fetch(self, waiting: Waiting, settings: Mapping[str, str]) -> AsyncIterator[bytes]:
        """The bytes of one message."""
        with _refusal_is_unavailable():
            async for chunk in self._client(settings).fetch(waiting.doc_id):
                yield chunk

    async def confirm(
        self, waiting: Waiting, settings: Mapping[str, str], taken: bool, description: str = ""
    ) -> None:
        """Say ``done``, or ``fail`` with the reason."""
        with _refusal_is_unavailable():
            await self._client(settings).update_status(waiting.doc_id, DONE if taken else FAIL, description)

    async def agencies(self, settings: Mapping[str, str]) -> AsyncIterator[ListedAgency]:
        """The agency list, streamed."""
        with _refusal_is_unavailable():
            async for row in self._client(settings).agencies():
                text = {name: text_of(value) for name, value in row.items()}
                if text.get("orgCode"):
                    yield ListedAgency(
                        text["orgCode"],
                        text.get("orgName", ""),
                        parent=text.get("parentCode", ""),
                        mail=text.get("email", ""),
                    )

    async def sent(self, settings: Mapping[str, str], doc_id: str = "") -> Sequence[ListedDocument]:
        """What the axis says became of what we sent."""
        with _refusal_is_unavailable():
            listed = await self._client(settings).receive_status(doc_id)
        return [_listed({name: text_of(value) for name, value in row.items()}) for row in listed]

    async def close(self) -> None:
        """Connections belong to ``Net``."""

    def _client(self, settings: Mapping[str, str]) -> LangsonClient:
        """The client of the account that the settings name."""
        password, key = _secrets(settings)
        account = Account(
            settings.get("url", ""),
            settings.get("username", ""),
            password,
            settings.get("application_code", ""),
            settings.get("system_id", ""),
            key,
        )
        known = _clients.setdefault(self._net, {})
        if account not in known:
            known[account] = LangsonClient(self._net, account, self._clock)
        return known[account]


@contextlib.contextmanager
def _refusal_is_unavailable() -> Iterator[None]:
    """Within a collector the axis' own no is one more reason why nothing can be had now."""
    try:
        yield
    except Failed as error:
        raise Unavailable(f"axis.{error.code}", _no(error)) from error


def _outcome(no: Failed) -> Outcome:
    if no.code in FINAL:
        return Refused(f"axis.{no.code}", _no(no))
    return TryLater(f"axis.{no.code}", _no(no))


def _no(no: Failed) -> Bilingual:
    meaning = (FINAL | RETRIED).get(no.code, "mã lạ")
    said = f": “{no.words}”" if no.words else ""
    return Bilingual(
        f"Trục của tỉnh trả lời mã {no.code} ({meaning}){said}.",
        f"The provincial axis answered with code {no.code}{said}.",
    )


async def _not_done(rows: AsyncGenerator[dict[str, Any], None], kind: str) -> dict[str, Waiting]:
    """The items of one list that still wait, by their docId."""
    found: dict[str, Waiting] = {}
    async with contextlib.aclosing(rows) as listed:
        async for row in listed:
            item = _waiting({name: text_of(value) for name, value in row.items()}, kind)
            if item.doc_id and item.declared.get("status", "").lower() != DONE:
                found.setdefault(item.doc_id, item)
            if len(found) == MOST_WAITING:
                break
    return found


def _waiting(row: Mapping[str, str], kind: str) -> Waiting:
    """One row of the list. ``messageType`` of the row decides, if it says one of the two."""
    named = row.get("messageType", "").lower()
    kept = ("from", "to", "createdTime", "updatedTime", "status", "statusDesc")
    return Waiting(
        row.get("docId", ""),
        named if named in (wire.EDOC, wire.STATUS) else kind,
        sender=row.get("from", ""),
        declared={name: row[name] for name in kept if row.get(name)},
    )


def _listed(row: Mapping[str, str]) -> ListedDocument:
    return ListedDocument(
        row.get("docId", ""),
        row.get("from", ""),
        row.get("to", ""),
        notation=row.get("notation", ""),
        sent_time=row.get("sentTime", ""),
        state=row.get("status", ""),
    )


def _secrets(settings: Mapping[str, str]) -> tuple[str, str]:
    """Password and secret key."""
    lines = [line.strip() for line in settings.get("secret", "").splitlines() if line.strip()]
    return (lines[0], lines[-1]) if lines and len(lines) <= 2 else ("", "")


def _days(settings: Mapping[str, str]) -> int | None:
    text = settings.get("days", str(DAYS))
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text) <= 366 else None


def _missing(name: str) -> Bilingual:
    return Bilingual(
        f"Kết nối langson_axis thiếu thiết lập {name}.", f"A langson_axis connection needs {name}."
    )


_NO_SECRET = Bilingual(
    "Kết nối langson_axis cần tệp bí mật: dòng đầu là mật khẩu đăng nhập, dòng sau là SecretKey (một dòng "
    "nếu giống nhau).",
    "A langson_axis connection needs a secret file: the password, then the secret key (one line if equal).",
)
_NO_DAYS = Bilingual("Thiết lập days phải là số từ 1 đến 366.", "The setting days is a number from 1 to 366.")
