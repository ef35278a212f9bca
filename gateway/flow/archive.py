"""Taking closed months out of a PostgreSQL database, and bringing them back.

In charge of: which month may go, the order that loses nothing (out of the tables, into a file, read back,
recorded; thrown away only when asked for again), coming back, and the list. Not in charge of: the file
(``archive_file.py``), the tables (``store/archive.py``).

Each step may be repeated after a crash: a month that is out of the tables without a file gets its file.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from gateway.clock import local_day
from gateway.errors import BadRequest, NotReady, WrongState
from gateway.flow import archive_file, facts, record
from gateway.flow.door import Caller, stated
from gateway.model.event import Event, EventType
from gateway.model.text import Bilingual, Instant
from gateway.services import Services
from gateway.store import archive, events
from gateway.store.archive import Month, shown
from gateway.store.contract import Tx
from gateway.store.people import Role

_READERS = (Role.AUDITOR, Role.OPERATOR, Role.ADMINISTRATOR)


async def list_months(gw: Services, caller: Caller) -> dict[str, Any]:
    """The months that are here, and those that were taken out with their file and its SHA-256."""
    caller.require(*_READERS)
    here, taken = await gw.store.read(lambda tx: (archive.present(tx), archive.everything(tx)))
    months: list[dict[str, Any]] = [{"month": month, "state": "here"} for month in here]
    months += [_shown(month) for month in taken if month.is_away]
    return {
        "has_months": gw.store.shared,
        "keep_months": gw.config.database.keep_months,
        "folder": str(gw.archive_folder or ""),
        "months": sorted(months, key=lambda one: str(one["month"])),
    }


async def detach(gw: Services, caller: Caller, month: str, reason: str, drop: bool = False) -> dict[str, Any]:
    """Take a month out of the tables into a file that was read back; with ``drop`` also throw its tables
    away, which is done only to a month that is out already and whose file still fits."""
    caller.require(Role.ADMINISTRATOR)
    name, reason, folder = _named(month), stated(reason), _folder(gw)
    found = await gw.store.read(lambda tx: archive.find(tx, name))
    if drop:
        return await _drop(gw, caller, found, name, reason, folder)
    if found is None or not found.is_away:
        _require_closed(gw, name)
        found = await gw.store.write(lambda tx: _take_out(tx, gw, name))
    if not found.file:
        file, sha256 = await archive_file.write_month(gw, found, folder)
        taken = partial(_note_file, gw=gw, caller=caller, month=found, file=file, sha256=sha256, why=reason)
        found = await gw.store.write(taken)
    return _shown(found)


async def attach(gw: Services, caller: Caller, month: str, reason: str) -> dict[str, Any]:
    """Bring a month back, from its tables or from its file, which is verified first."""
    caller.require(Role.ADMINISTRATOR)
    name, reason, folder = _named(month), stated(reason), _folder(gw)
    found = await gw.store.read(lambda tx: archive.find(tx, name))
    if found is None or not found.is_away:
        raise WrongState(_here(name), code="archive.here")
    if found.state == "dropped":
        await archive_file.verify(gw, found, folder / found.file, found.sha256)
        await _fill(gw, found, folder / found.file)

    def unit(tx: Tx) -> Month:
        at = gw.clock.now()
        archive.attach(tx, name, at)
        events.record(tx, _event(gw, EventType.ARCHIVE_ATTACHED, caller, at, found, reason))
        return _found(tx, name)

    return _shown(await gw.store.write(unit))


def _take_out(tx: Tx, gw: Services, name: str) -> Month:
    """Out of the tables, unless something in it is still going on."""
    if name not in archive.present(tx):
        raise WrongState(_no_month(name), code="archive.no_month")
    if going_on := archive.obstacles(tx, name):
        raise WrongState(_going_on(name, going_on), code="archive.open")
    return archive.detach(tx, name, gw.clock.now())


def _note_file(tx: Tx, gw: Services, caller: Caller, month: Month, file: str, sha256: str, why: str) -> Month:
    at = gw.clock.now()
    archive.note_file(tx, month.month, file, sha256, at)
    noted = _found(tx, month.month)
    events.record(tx, _event(gw, EventType.ARCHIVE_DETACHED, caller, at, noted, why))
    return noted


async def _drop(
    gw: Services, caller: Caller, found: Month | None, name: str, reason: str, folder: Path
) -> dict[str, Any]:
    if found is None or found.state != "detached" or not found.file:
        raise WrongState(_not_out(name), code="archive.not_detached")
    await archive_file.verify(gw, found, folder / found.file, found.sha256)

    def unit(tx: Tx) -> Month:
        at = gw.clock.now()
        if _found(tx, name) != found:
            raise WrongState(_not_out(name), code="archive.not_detached")
        archive.drop(tx, name, at)
        events.record(tx, _event(gw, EventType.ARCHIVE_DROPPED, caller, at, found, reason))
        return _found(tx, name)

    return _shown(await gw.store.write(unit))


async def _fill(gw: Services, month: Month, path: Path) -> None:
    """The tables of a month from its file, beside the others: nobody sees half of it."""
    await gw.store.write(lambda tx: archive.lay(tx, month.month))
    filled = 0
    for table, lines in _lines(path, month.month):
        filled += await gw.store.write(partial(archive.fill, month=month.month, table=table, lines=lines))
    if filled != month.rows:
        raise NotReady(_filled(month, filled), code="archive.file")


def _lines(path: Path, month: str) -> Iterator[tuple[str, list[str]]]:
    for table, rows in archive_file.pages(path, month):
        yield table, [orjson.dumps(row).decode() for row in rows]


def _require_closed(gw: Services, name: str) -> None:
    """Not the present month, nor one of the ``database.keep_months`` before it."""
    keep, today = gw.config.database.keep_months, local_day(gw.clock.now())
    oldest = today.replace(day=1)
    for _ in range(keep):
        oldest = (oldest - timedelta(days=1)).replace(day=1)
    if name >= archive.month_of(oldest):
        raise WrongState(_too_young(name, keep), code="archive.young")


def _found(tx: Tx, name: str) -> Month:
    found = archive.find(tx, name)
    assert found is not None
    return found


def _folder(gw: Services) -> Path:
    if not gw.store.shared or gw.archive_folder is None:
        raise WrongState(_ONE_FILE, code="archive.one_file")
    return gw.archive_folder


def _named(month: str) -> str:
    """``2026-01``, ``202601`` or ``01/2026`` as months are named in the store. ``BadRequest``."""
    text = month.strip()
    if "/" in text:
        text = "".join(reversed(text.split("/")))
    text = text.replace("-", "")
    try:
        return archive.month_of(date.fromisoformat(f"{text}01"))
    except ValueError as error:
        raise BadRequest(_no_such(month), code="archive.month") from error


def _event(gw: Services, kind: EventType, caller: Caller, at: Instant, month: Month, reason: str) -> Event:
    what = {
        "month": month.month,
        "file": month.file,
        "archive_sha256": month.sha256,
        "rows": month.rows,
        "first_leaf": month.first_leaf,
        "last_leaf": month.last_leaf,
    }
    return record.event(gw, kind, caller.principal, at, facts=what, private=facts.salted({"reason": reason}))


def _shown(month: Month) -> dict[str, Any]:
    return {
        "month": month.month,
        "state": month.state if month.is_away else "here",
        "file": month.file,
        "sha256": month.sha256,
        "rows": month.rows,
        "first_leaf": month.first_leaf,
        "last_leaf": month.last_leaf,
        "detached_at": month.detached_at,
    }


_ONE_FILE = Bilingual(
    "Bản cài đặt này dùng SQLite: mọi tháng nằm chung một tệp nên không tách được. Chỉ PostgreSQL có bảng "
    "theo tháng (xem docs/postgresql.md).",
    "This installation uses SQLite: one file holds all months and none can be taken out. Only PostgreSQL has "
    "tables by month (docs/postgresql.md).",
)
_WORDS = {
    "deliveries": ("lượt gửi chưa kết thúc", "open deliveries"),
    "recalls": ("yêu cầu thu hồi chưa có trả lời", "recalls without an answer"),
    "leaves": ("sự kiện chưa được chốt hoặc chưa được đếm", "events not sealed or not counted yet"),
    "incidents": ("sự cố chưa đóng", "incidents not closed"),
}


def _going_on(name: str, going_on: dict[str, int]) -> Bilingual:
    vi = ", ".join(f"{many} {_WORDS[kind][0]}" for kind, many in going_on.items())
    en = ", ".join(f"{many} {_WORDS[kind][1]}" for kind, many in going_on.items())
    return Bilingual(
        f"Chưa tách được tháng {shown(name)}: còn {vi}. Hãy xử lý xong rồi thử lại.",
        f"Month {shown(name)} cannot be taken out yet: {en}. Settle them, then try again.",
    )


def _too_young(name: str, keep: int) -> Bilingual:
    return Bilingual(
        f"Chưa được tách tháng {shown(name)}: {keep} tháng gần nhất phải ở trong cơ sở dữ liệu "
        "(database.keep_months).",
        f"Month {shown(name)} may not be taken out yet: the last {keep} months stay in the database "
        "(database.keep_months).",
    )


def _no_month(name: str) -> Bilingual:
    return Bilingual(
        f"Tháng {shown(name)} không có bảng riêng. Xem các tháng: gateway archive list",
        f"Month {shown(name)} has no tables of its own. See the months: gateway archive list",
    )


def _here(name: str) -> Bilingual:
    return Bilingual(
        f"Tháng {shown(name)} không bị tách ra nên không cần gắn lại.",
        f"Month {shown(name)} is not away; there is nothing to attach.",
    )


def _not_out(name: str) -> Bilingual:
    command = f"gateway archive detach {name[:4]}-{name[4:]} --reason"
    return Bilingual(
        f"Chỉ xóa bảng của tháng đã tách ra và đã ghi vào tệp. Hãy chạy trước: {command} LÝ_DO",
        f"Only a month that was taken out into its file can be dropped. First run: {command} WHY",
    )


def _no_such(month: str) -> Bilingual:
    return Bilingual(
        f"“{month}” không phải là một tháng. Hãy ghi như 2026-01.",
        f"“{month}” is no month. Write it like 2026-01.",
    )


def _filled(month: Month, filled: int) -> Bilingual:
    return Bilingual(
        f"Tệp lưu trữ tháng {shown(month.month)} có {filled} dòng, phải là {month.rows}. Chưa gắn lại gì.",
        f"The archive file of month {shown(month.month)} holds {filled} rows, not {month.rows}. Nothing was "
        "attached.",
    )
