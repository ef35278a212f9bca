"""Calendars as files: the shipped one, and those that a person imports.

In charge of: reading TOML (``schemas/calendar/vn.toml`` is the example) and CSV, and saying in one answer
everything that is wrong with a file. Not in charge of: which calendar is in force (``store/calendars.py``),
approving one (``flow/calendar.py``).
"""

from __future__ import annotations

import csv
import functools
import io
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from gateway.errors import BadRequest
from gateway.model.calendar import SATURDAY, Calendar, Day, DayKind
from gateway.model.text import Bilingual
from gateway.resources import shipped

MOST_DAYS = 5000  # a file with more is none of a calendar
NAMED = 10  # problems that an answer spells out; all are counted
_YEARS = range(1990, 2200)
_COLUMNS = ("date", "kind", "vi", "en", "source", "doubtful")
_TRUE, _FALSE = frozenset({"true", "1", "yes", "x", "có"}), frozenset({"", "false", "0", "no", "không"})
_KINDS = {kind.value: kind for kind in DayKind}
_WORDS = {
    DayKind.HOLIDAY: "ngày lễ",
    DayKind.SUBSTITUTE: "ngày nghỉ bù",
    DayKind.REST: "ngày nghỉ do hoán đổi",
    DayKind.MAKE_UP: "ngày làm bù",
}

Row = Mapping[str, Any]


@functools.cache
def shipped_calendar() -> Calendar:
    """The calendar that this release ships; in force until a person approves another."""
    return read_toml(shipped("schemas", "calendar", "vn.toml").read_text("utf-8"))


def read_calendar(text: str, version: str = "") -> Calendar:
    """A calendar from TOML or CSV, told apart by the header line. ``version`` names it, or the TOML itself.

    ``BadRequest`` (``calendar.file``) says what is wrong, every line.
    """
    text = text.removeprefix("\ufeff")
    first = next((line for line in text.splitlines() if line.strip()), "")
    if first.lower().replace(" ", "").startswith("date,"):
        return read_csv(text, version)
    return read_toml(text, version)


def read_toml(text: str, version: str = "") -> Calendar:
    """A calendar from TOML. ``BadRequest``."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _wrong([Bilingual(f"không đọc được TOML: {error}", f"not TOML: {error}")]) from error
    sources, table = data.get("sources", {}), data.get("calendar", {})
    rows = table.get("days") if isinstance(table, dict) else None
    if not isinstance(rows, list) or not isinstance(sources, dict):
        raise _wrong([Bilingual("thiếu bảng calendar.days", "the table calendar.days is missing")])
    named = [_with_source(row, sources) for row in rows]
    return make_calendar(version or str(data.get("version", "")), named)


def read_csv(text: str, version: str) -> Calendar:
    """A calendar from CSV with the columns date, kind, vi, en, source, doubtful. ``BadRequest``."""
    try:
        reader = csv.DictReader(io.StringIO(text), strict=True)
        rows = [{str(key).strip(): value for key, value in row.items()} for row in reader]
    except csv.Error as error:
        raise _wrong([Bilingual(f"không đọc được CSV: {error}", f"not CSV: {error}")]) from error
    return make_calendar(version, rows)


def make_calendar(version: str, rows: Iterable[Row]) -> Calendar:
    """A calendar from rows. ``BadRequest`` lists everything that is wrong with them."""
    given, problems, days = list(rows), list[Bilingual](), list[Day]()
    if not version.strip():
        problems.append(Bilingual("thiếu tên phiên bản", "the version has no name"))
    if not given:
        problems.append(Bilingual("không có ngày nào", "there is no day in it"))
    if len(given) > MOST_DAYS:
        raise _wrong([Bilingual(f"quá {MOST_DAYS} dòng", f"more than {MOST_DAYS} rows")])
    for number, row in enumerate(given, 1):
        found = list(_row_problems(row))
        problems += [_at(number, row, problem) for problem in found]
        if not found:
            days.append(_day(row))
    problems += _problems_together(days)
    if problems:
        raise _wrong(problems)
    return Calendar(version.strip(), {day.date: day for day in sorted(days, key=lambda day: day.date)})


def _with_source(row: Any, sources: Mapping[str, Any]) -> Row:
    """A row of the TOML with its source spelled out."""
    if not isinstance(row, dict):
        return {}
    named = row.get("source", "")
    return {**row, "source": sources.get(named, named) if isinstance(named, str) else ""}


def _row_problems(row: Row) -> Iterator[Bilingual]:
    if foreign := sorted(set(row) - set(_COLUMNS)):
        yield Bilingual(f"cột lạ: {', '.join(foreign)}", f"unknown columns: {', '.join(foreign)}")
    day, kind = _date_of(row), _KINDS.get(_text(row, "kind"))
    if day is None:
        yield Bilingual("ngày phải ghi dạng 2026-09-02", "the date must read like 2026-09-02")
    if kind is None:
        yield Bilingual(f"kind phải là {', '.join(_KINDS)}", f"kind must be one of {', '.join(_KINDS)}")
    if not _text(row, "vi") or not _text(row, "en"):
        yield Bilingual("thiếu tên ngày (vi, en)", "the day has no name (vi, en)")
    if not _text(row, "source"):
        yield Bilingual(
            "thiếu nguồn (văn bản thông báo ngày nghỉ)", "no source is named (the notice of the day off)"
        )
    if _text(row, "doubtful").lower() not in _TRUE | _FALSE:
        yield Bilingual("doubtful phải là true hoặc false", "doubtful must be true or false")
    if day is not None and kind is not None:
        yield from _weekday_problems(day, kind)


def _weekday_problems(day: date, kind: DayKind) -> Iterator[Bilingual]:
    """A swap or a substitute is there to change what the weekday says; one that does not is a mistake."""
    weekend = day.weekday() >= SATURDAY
    if kind is DayKind.MAKE_UP and not weekend:
        yield Bilingual(
            "ngày làm bù phải là thứ Bảy hoặc Chủ nhật; ngày này vốn đã là ngày làm việc",
            "a make-up day must be a Saturday or Sunday; this is a working day already",
        )
    if kind in (DayKind.SUBSTITUTE, DayKind.REST) and weekend:
        yield Bilingual(
            f"{_WORDS[kind]} rơi vào ngày nghỉ hằng tuần", f"a {kind.value} day on a weekly day of rest"
        )


def _problems_together(days: list[Day]) -> Iterator[Bilingual]:
    for day, times in sorted(Counter(day.date for day in days).items()):
        if times > 1:
            yield Bilingual(
                f"ngày {_local(day)} có {times} dòng; mỗi ngày chỉ một dòng",
                f"{day} stands there {times} times; once is enough",
            )
    named = {day.date for day in days}
    years = {day.year for day in named}
    for year in range(min(years, default=0), max(years, default=-1) + 1):
        if date(year, 1, 1) not in named:
            yield Bilingual(
                f"năm {year} không có ngày Tết Dương lịch 1/1 nên coi là thiếu dữ liệu cả năm",
                f"the year {year} has no New Year's Day, so its data is missing",
            )


def _day(row: Row) -> Day:
    found = _date_of(row)
    assert found is not None  # looked at before
    return Day(
        date=found,
        kind=_KINDS[_text(row, "kind")],
        name=Bilingual(_text(row, "vi"), _text(row, "en")),
        source=_text(row, "source"),
        doubtful=_text(row, "doubtful").lower() in _TRUE,
    )


def _date_of(row: Row) -> date | None:
    value = row.get("date")
    try:
        found = value if type(value) is date else date.fromisoformat(_text(row, "date"))
    except ValueError:
        return None
    return found if found.year in _YEARS else None


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value).strip()


def _at(number: int, row: Row, problem: Bilingual) -> Bilingual:
    day = _date_of(row)
    where = f" ({_local(day)})" if day else ""
    return Bilingual(f"dòng {number}{where}: {problem.vi}", f"row {number}{where}: {problem.en}")


def _local(day: date) -> str:
    return day.strftime("%d/%m/%Y")


def _wrong(problems: list[Bilingual]) -> BadRequest:
    more = len(problems) - NAMED
    vi = "; ".join(problem.vi for problem in problems[:NAMED]) + (f"; và {more} lỗi khác" if more > 0 else "")
    en = "; ".join(problem.en for problem in problems[:NAMED]) + (f"; and {more} more" if more > 0 else "")
    return BadRequest(
        Bilingual(
            f"Tệp lịch chưa dùng được: {vi}. Hãy sửa tệp rồi nhập lại.", f"The calendar is wrong: {en}."
        ),
        code="calendar.file",
    )


__all__ = ["make_calendar", "read_calendar", "read_csv", "read_toml", "shipped_calendar"]
