"""Lines of an import file, read as agencies, aliases and successions.

In charge of: believing a ``RawRow`` or noting what is wrong with it, with line and column. Not in charge of:
whether all lines together make a directory (``load.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from gateway.directory import codes, rows
from gateway.directory.data import DirectoryData
from gateway.directory.rows import RawRow
from gateway.model.agency import Agency, Alias, Period, Succession, SuccessionKind
from gateway.model.finding import Finding, Severity
from gateway.model.text import AgencyCode, Bilingual

V = TypeVar("V")


class Reader:
    """Collects rows and problems; nothing is believed until all lines are read."""

    def __init__(self, levels: frozenset[str]) -> None:
        self.levels = levels
        self.agencies: list[Agency] = []
        self.aliases: list[Alias] = []
        self.successions: list[Succession] = []
        self.findings: list[Finding] = []
        self.lines: dict[AgencyCode, int] = {}
        self._periods: dict[AgencyCode, list[Period]] = {}

    def data(self) -> DirectoryData:
        """What was believed; only of use while ``findings`` is empty."""
        return DirectoryData(tuple(self.agencies), tuple(self.aliases), tuple(self.successions))

    def take(self, raw: RawRow) -> None:
        """Believe one line, or note what is wrong with it."""
        code = codes.to_canonical(raw.code)
        if code is None:
            self._wrong(raw, "code", f"{raw.code or '(trống)'} không phải mã định danh", "not an agency code")
            return
        if not raw.name:
            self._wrong(raw, "name", "thiếu tên cơ quan", "the name is missing")
        if raw.level not in self.levels:
            known = ", ".join(sorted(self.levels))
            self._wrong(raw, "level", f"cấp phải là một trong: {known}", f"the level must be one of: {known}")
        period = self._period(raw, code)
        parent = self._code(raw, "parent", raw.parent) if raw.parent else None
        test = self._value(raw, "test", raw.test, rows.read_flag) or False
        made_up = self._value(raw, "made_up", raw.made_up, rows.read_flag) or False
        self.lines.setdefault(code, raw.line)
        self.agencies.append(Agency(code, raw.name, raw.level, parent, period, test, made_up))
        self._take_aliases(raw, code)
        self._take_successors(raw, code, period)

    def _take_aliases(self, raw: RawRow, code: AgencyCode) -> None:
        for text in rows.split(raw.aliases):
            if read := self._value(raw, "aliases", text, rows.read_alias):
                alias, scheme, period = read
                self.aliases.append(Alias(alias, code, scheme, period))

    def _take_successors(self, raw: RawRow, code: AgencyCode, period: Period) -> None:
        new = [self._code(raw, "successors", text) for text in rows.split(raw.successors)]
        kind = raw.succession_kind or ("split" if len(new) > 1 else "merge" if new else "")
        if not kind:
            return
        if kind not in {k.value for k in SuccessionKind} or (kind == "dissolve") == bool(new):
            vi = "phải là merge, split hoặc rename khi có cơ quan kế thừa; dissolve khi không có"
            en = "must be merge, split or rename with successors, dissolve without"
            self._wrong(raw, "succession_kind", vi, en)
        elif period.end is None:
            vi = "cơ quan có cơ quan kế thừa hoặc đã giải thể thì phải có ngày kết thúc"
            self._wrong(raw, "valid_to", vi, "an agency that gave way to others needs a last day")
        else:
            on = period.end + timedelta(days=1)
            until = self._value(raw, "certificates_until", raw.certificates_until, rows.read_date)
            steps = [Succession(code, to, SuccessionKind(kind), on, until) for to in (new or [None])]
            self.successions.extend(steps)

    def _period(self, raw: RawRow, code: AgencyCode) -> Period:
        start = self._value(raw, "valid_from", raw.valid_from, rows.read_date)
        end = self._value(raw, "valid_to", raw.valid_to, rows.read_date)
        period = Period(start, end)
        if start and end and end < start:
            self._wrong(
                raw, "valid_to", "ngày kết thúc trước ngày bắt đầu", "the last day is before the first"
            )
        elif any(_overlap(period, other) for other in self._periods.setdefault(code, [])):
            vi = f"{code} đã có một dòng khác có thời gian chồng lên dòng này"
            self._wrong(raw, "code", vi, f"another line of {code} covers the same days")
        self._periods.setdefault(code, []).append(period)
        return period

    def _code(self, raw: RawRow, column: str, text: str) -> AgencyCode | None:
        code = codes.to_canonical(text)
        if code is None:
            self._wrong(raw, column, f"{text} không phải mã định danh", f"{text} is not an agency code")
        return code

    def _value(self, raw: RawRow, column: str, text: str, read: Callable[[str], V]) -> V | None:
        try:
            return read(text)
        except ValueError:
            self._wrong(raw, column, f"không đọc được giá trị {text}", f"the value {text} cannot be read")
            return None

    def _wrong(self, raw: RawRow, column: str, vi: str, en: str) -> None:
        text = Bilingual(f"Dòng {raw.line}, cột {column}: {vi}.", f"Line {raw.line}, column {column}: {en}.")
        self.findings.append(Finding("directory.line", Severity.REFUSE, f"line {raw.line}", text))


def _overlap(one: Period, other: Period) -> bool:
    starts_in_time = one.start is None or other.end is None or one.start <= other.end
    return starts_in_time and (other.start is None or one.end is None or other.start <= one.end)
