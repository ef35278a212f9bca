"""Totals that agencies declare of their registers: the denominator that a gateway cannot see.

In charge of: checking a declaration, writing it whole or not at all, recording it, comparing it with what was
observed, and reading a CSV file of many. Used by the API, the command line and the console's form. Not in
charge of: which declarations cover a period (``docs/figures.md``).

Secret documents have a number series of their own (NĐ 30/2020 Đ15.2): only their number is declared, and
``outgoing_total`` does not hold them.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from gateway.clock import local_day
from gateway.errors import BadRequest, NotPermitted
from gateway.flow import record
from gateway.flow.door import Caller
from gateway.model.event import Event, EventType
from gateway.model.finding import Finding, Severity
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.services import Services
from gateway.store import declared, events
from gateway.store.contract import Tx
from gateway.store.declared import Declared
from gateway.store.people import Role

Source = Literal["api", "csv", "form"]
Problem = tuple[int, str, Bilingual]  # which declaration, which column, what is wrong
COLUMNS = ("agency", "from", "to", "outgoing_total", "paper_only", "secret_count", "to_non_state")
MOST_LINES = 5000
LONGEST_DAYS = 366
LARGEST = 10_000_000
_SEES_ALL = (Role.AUDITOR, Role.OPERATOR, Role.ADMINISTRATOR)
_ANYBODY = (Role.OPERATOR, Role.ADMINISTRATOR)  # may declare what an agency told them
_NUMBER = re.compile(r"\d{1,8}")


@dataclass(frozen=True, slots=True)
class Total:
    """What one declaration says; both days are included."""

    agency: str
    from_day: date
    to_day: date
    outgoing_total: int
    paper_only: int = 0
    secret_count: int = 0
    to_non_state: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """A declaration that was taken. ``replaced``: of the same days there was one. ``overlaps``: declarations
    of other stretches that share days with it; ``observed``: documents that the gateway took then."""

    declared: Declared
    replaced: bool
    overlaps: int
    observed: int

    @property
    def contradicts(self) -> bool:
        """True when the register holds fewer than the gateway took: then the total is not used."""
        return self.declared.outgoing_total < self.observed


@dataclass(frozen=True, slots=True)
class Expected:
    """What would be declared. ``replaces``: of the same days there is one already."""

    agency: AgencyCode
    total: Total
    replaces: bool
    observed: int


async def declare(gw: Services, caller: Caller, totals: Sequence[Total], source: Source) -> list[Taken]:
    """Take declarations, all or none. ``BadRequest`` lists what is wrong, line by line; ``NotPermitted`` for
    another agency's."""
    check(gw, caller, totals, source)

    def unit(tx: Tx) -> list[Taken]:
        return [_take(tx, gw, caller, one, source) for one in totals]

    return await gw.store.write(unit)


def check(gw: Services, caller: Caller, totals: Sequence[Total], source: Source) -> None:
    """Raise what ``declare`` would say against them; nothing is written."""
    today = local_day(gw.clock.now())
    place = _line_of_csv if source == "csv" else _line_of_json
    problems = [
        Finding("totals.line", Severity.REFUSE, place(number, column), text)
        for number, column, text in (*_wrong(gw, totals, today), *_twice(gw, totals))
    ]
    if problems or not 0 < len(totals) <= MOST_LINES:
        raise BadRequest(_WRONG, code="totals.wrong", findings=tuple(problems[:100]))
    for one in totals:
        _require(caller, gw.directory.canonical(one.agency))


async def preview_csv(gw: Services, caller: Caller, text: str) -> list[Expected]:
    """What a CSV file would declare, with what the gateway took in those days; nothing is written."""
    totals = read_totals_csv(text)
    check(gw, caller, totals, "csv")

    def unit(tx: Tx) -> list[Expected]:
        return [_expected(tx, gw, one) for one in totals]

    return await gw.store.read(unit)


async def declare_csv(gw: Services, caller: Caller, text: str) -> list[Taken]:
    """Take a CSV file with the columns ``COLUMNS`` (UTF-8, comma or semicolon), all lines or none."""
    return await declare(gw, caller, read_totals_csv(text), "csv")


async def declare_one(
    gw: Services,
    caller: Caller,
    agency: str,
    from_day: date,
    to_day: date,
    outgoing_total: int,
    paper_only: int = 0,
    secret_count: int = 0,
    to_non_state: int = 0,
) -> Taken:
    """Take what a person typed into a form."""
    total = Total(agency, from_day, to_day, outgoing_total, paper_only, secret_count, to_non_state)
    return (await declare(gw, caller, (total,), "form"))[0]


async def list_declared(
    gw: Services, caller: Caller, from_day: date, to_day: date, agency: str = "", replaced: bool = False
) -> list[Declared]:
    """Declarations that share a day with the period. Who does not see all names one of its own agencies."""
    code = AgencyCode(gw.directory.canonical(agency)) if agency else AgencyCode("")
    if caller.role not in _SEES_ALL and not (code and caller.acts_for(code)):
        raise NotPermitted(code="totals.not_yours")
    return await gw.store.read(lambda tx: declared.within(tx, from_day, to_day, code, replaced))


def read_totals_csv(text: str) -> list[Total]:
    """The lines of a CSV file. ``BadRequest`` names the columns that are missing, or every wrong line."""
    lines = text.lstrip("\ufeff").splitlines()
    separator = ";" if lines and lines[0].count(";") > lines[0].count(",") else ","
    reader = csv.DictReader(io.StringIO("\n".join(lines)), delimiter=separator, strict=True)
    problems: list[Finding] = []
    totals: list[Total] = []
    try:
        missing = [name for name in COLUMNS[:4] if name not in (reader.fieldnames or ())]
        if missing:
            raise BadRequest(_columns(missing), code="totals.columns")
        for number, row in enumerate(reader):
            try:
                totals.append(_from_row(row))
            except ValueError as error:
                where = _line_of_csv(number, str(error))
                problems.append(Finding("totals.line", Severity.REFUSE, where, _cell(str(error))))
    except csv.Error as error:
        raise BadRequest(_not_csv(error), code="totals.not_csv") from error
    if problems:
        raise BadRequest(_WRONG, code="totals.wrong", findings=tuple(problems[:100]))
    return totals


def _expected(tx: Tx, gw: Services, total: Total) -> Expected:
    code = AgencyCode(gw.directory.canonical(total.agency))
    near = declared.within(tx, total.from_day, total.to_day, code)
    replaces = any((one.from_day, one.to_day) == (total.from_day, total.to_day) for one in near)
    return Expected(code, total, replaces, declared.observed(tx, code, total.from_day, total.to_day))


def _take(tx: Tx, gw: Services, caller: Caller, total: Total, source: Source) -> Taken:
    code, at = AgencyCode(gw.directory.canonical(total.agency)), gw.clock.now()
    event = _event(gw, caller, code, total, source, at)
    new = Declared(
        gw.new_id(),
        code,
        total.from_day,
        total.to_day,
        total.outgoing_total,
        total.paper_only,
        total.secret_count,
        total.to_non_state,
        source,
        event.id,
        caller.principal,
        at,
    )
    near = declared.within(tx, total.from_day, total.to_day, code)
    others = sum((one.from_day, one.to_day) != (total.from_day, total.to_day) for one in near)
    events.record(tx, event)
    replaced = declared.put(tx, new)
    return Taken(new, replaced, others, declared.observed(tx, code, total.from_day, total.to_day))


def _event(
    gw: Services, caller: Caller, code: AgencyCode, total: Total, source: Source, at: Instant
) -> Event:
    what = {
        "agency": code,
        "from": total.from_day.isoformat(),
        "to": total.to_day.isoformat(),
        "outgoing_total": total.outgoing_total,
        "paper_only": total.paper_only,
        "secret_count": total.secret_count,
        "to_non_state": total.to_non_state,
        "source": source,
    }
    return record.event(gw, EventType.TOTALS_DECLARED, caller.principal, at, facts=what)


def _require(caller: Caller, code: str) -> None:
    if caller.role not in _ANYBODY and not caller.acts_for(AgencyCode(code)):
        raise NotPermitted(_not_yours(code), code="totals.not_yours")


def _wrong(gw: Services, totals: Sequence[Total], today: date) -> Iterator[Problem]:
    """What is wrong with each declaration, whoever declares it."""
    for number, one in enumerate(totals):
        numbers = (one.outgoing_total, one.paper_only, one.secret_count, one.to_non_state)
        if gw.directory.resolve(one.agency) is None:
            yield number, "agency", _unknown(one.agency)
        if one.to_day < one.from_day or (one.to_day - one.from_day).days >= LONGEST_DAYS:
            yield number, "to", _DAYS
        if one.to_day > today:
            yield number, "to", _FUTURE
        if not all(0 <= value <= LARGEST for value in numbers):
            yield number, "outgoing_total", _RANGE
        elif max(one.paper_only, one.to_non_state) > one.outgoing_total:
            yield number, "outgoing_total", _PARTS


def _twice(gw: Services, totals: Sequence[Total]) -> Iterator[Problem]:
    seen: set[tuple[str, date, date]] = set()
    for number, one in enumerate(totals):
        key = (gw.directory.canonical(one.agency), one.from_day, one.to_day)
        if key in seen:
            yield number, "agency", _TWICE
        seen.add(key)


def _from_row(row: dict[str, str | None]) -> Total:
    """``ValueError`` with the name of the column that is wrong."""

    def cell(name: str) -> str:
        return (row.get(name) or "").strip()

    def number(name: str) -> int:
        text = cell(name) or ("" if name == "outgoing_total" else "0")
        if not _NUMBER.fullmatch(text):
            raise ValueError(name)
        return int(text)

    def day(name: str) -> date:
        try:
            return date.fromisoformat(cell(name))
        except ValueError:
            raise ValueError(name) from None

    return Total(cell("agency"), day("from"), day("to"), *(number(name) for name in COLUMNS[3:]))


def _line_of_json(number: int, column: str) -> str:
    return f"totals.{number}.{column}"


def _line_of_csv(number: int, column: str) -> str:
    return f"line {number + 2}, {column}"  # the first line names the columns


def _cell(column: str) -> Bilingual:
    if column in ("from", "to"):
        return Bilingual(
            f"Cột “{column}” phải là một ngày dạng 2020-04-13.",
            f"The column “{column}” must hold a day such as 2020-04-13.",
        )
    return Bilingual(
        f"Cột “{column}” phải là số nguyên không âm.", f"The column “{column}” must hold a whole number."
    )


def _columns(missing: list[str]) -> Bilingual:
    listed = ", ".join(missing)
    return Bilingual(
        f"Tệp CSV thiếu cột: {listed}. Dòng đầu phải là tên các cột: {', '.join(COLUMNS)}.",
        f"The CSV file lacks columns: {listed}. Its first line names them: {', '.join(COLUMNS)}.",
    )


def _not_csv(error: csv.Error) -> Bilingual:
    return Bilingual(f"Không đọc được tệp CSV: {error}.", f"The CSV file cannot be read: {error}.")


def _unknown(text: str) -> Bilingual:
    return Bilingual(
        f"Danh mục không có đơn vị mang mã {text}.", f"The directory does not know the agency {text}."
    )


def _not_yours(code: str) -> Bilingual:
    return Bilingual(
        f"Hệ thống hoặc người khai không thuộc đơn vị {code} nên không được khai số liệu của đơn vị này.",
        f"The caller does not act for the agency {code}, so it may not declare its totals.",
    )


_WRONG = Bilingual(
    "Số liệu khai báo chưa hợp lệ nên chưa ghi nhận dòng nào; từng lỗi được nêu bên dưới.",
    "The declaration is wrong, so no line of it was taken; each problem is named below.",
)
_DAYS = Bilingual(
    f"Ngày cuối phải từ ngày đầu trở đi và khoảng khai không quá {LONGEST_DAYS} ngày.",
    f"The last day must not come before the first, and at most {LONGEST_DAYS} days are declared at once.",
)
_FUTURE = Bilingual(
    "Chưa thể khai số liệu cho ngày chưa tới.", "Days that have not come cannot be declared yet."
)
_RANGE = Bilingual(
    "Các con số phải là số nguyên không âm và không quá lớn.",
    "Numbers are whole, not negative, not huge.",
)
_PARTS = Bilingual(
    "Số văn bản chỉ phát hành giấy, hoặc gửi ngoài cơ quan nhà nước, không thể lớn hơn tổng số văn bản đi.",
    "Documents on paper only, or to others than state agencies, cannot be more than all outgoing documents.",
)
_TWICE = Bilingual(
    "Cùng một đơn vị và cùng khoảng ngày được khai hai lần.", "The same agency and days stand there twice."
)
