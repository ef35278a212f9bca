"""What a form is made from: the counts of one period with everything that stands in its head.

In charge of: reading it from the body of a frozen report (``frozen-report/1``), and sums over units. The same
for counts that were not published. Not in charge of: which form shows what (``forms_*.py``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from gateway.clock import from_datetime, local
from gateway.compliance.catalogue import PARTS
from gateway.compliance.sheet import Ratio, Say, thousands
from gateway.model.text import Instant

Counts = Mapping[str, int]
LEVEL_NAMES = {
    "province": ("Cấp tỉnh", "Province"),
    "district": ("Cấp huyện", "District"),
    "commune": ("Cấp xã", "Commune"),
}
SYNTHETIC = ("DỮ LIỆU MÔ PHỎNG, không phải số liệu thật", "SYNTHETIC DATA, no real figures")


@dataclass(frozen=True, slots=True)
class Unit:
    """An agency of the report, as it was called and placed on the last day of the period."""

    code: str
    name: str
    level: str
    listed: bool = True  # of the level set on the last day; false: gone, but counted in the period


@dataclass(frozen=True, slots=True)
class Outage:
    """An approved interval in which the gateway, or one agency (``agency``), could not send or receive."""

    id: str
    start: Instant
    stop: Instant
    agency: str = ""


@dataclass(frozen=True, slots=True)
class Data:
    """One period. ``sha256`` is empty for counts that were not published."""

    gateway: str
    synthetic: bool
    period: str
    first: date
    last: date
    made_at: Instant
    as_of: Instant
    size: int
    root: str
    levels: tuple[str, ...]
    level_set: str
    calendar: str
    rule_sets: tuple[str, ...]
    clauses: str
    units: tuple[Unit, ...]
    counts: Mapping[str, Counts]
    outages: tuple[Outage, ...]
    totals: Mapping[str, tuple[int, bool]]  # agency -> all outgoing documents; declared (true) or estimated
    excluded: tuple[tuple[str, str], ...]
    recalls: tuple[int, int | None, int | None]  # answered, median and 95th percentile in minutes
    sha256: str = ""
    number: str = ""  # of the published report

    def of(self, code: str) -> Counts:
        """The counts of one unit; none is nothing counted."""
        return self.counts.get(code, {})

    def at(self, level: str) -> tuple[Unit, ...]:
        """The units of a level."""
        return tuple(unit for unit in self.units if unit.level == level)

    def sum_of(self, units: Iterable[Unit]) -> Counter[str]:
        """Counts of several units together."""
        return added(self.of(unit.code) for unit in units)

    def whole(self) -> Counter[str]:
        """All counts, also of units that are gone."""
        return added(self.counts.values())

    def name_of(self, code: str) -> str:
        """How people call a unit; its code when nobody knows."""
        return next((unit.name for unit in self.units if unit.code == code and unit.name), code)


def added(several: Iterable[Counts]) -> Counter[str]:
    """The sum, name by name."""
    whole: Counter[str] = Counter()
    for counts in several:
        whole.update(counts)
    return whole


def rate(counts: Counts, key: str) -> Ratio:
    """A rate of ``PARTS``."""
    above, below = PARTS[key]
    return Ratio(_signed(counts, above), _signed(counts, below))


def _signed(counts: Counts, names: Iterable[str]) -> int:
    return sum(-counts.get(name[1:], 0) if name.startswith("-") else counts.get(name, 0) for name in names)


def connected(data: Data, units: Iterable[Unit]) -> Ratio:
    """K0: units of the level set that sent at least one document and took at least one in / all of them."""
    listed = [data.of(unit.code) for unit in units if unit.listed]
    return Ratio(sum(one.get("D.sent", 0) > 0 < one.get("A.pulled", 0) for one in listed), len(listed))


def level_name(level: str, say: Say) -> str:
    """``Cấp tỉnh``; the level's own word when it is none of those we know."""
    return say(*LEVEL_NAMES.get(level, (level, level)))


def data_of(body: Mapping[str, Any], sha256: str = "") -> Data:
    """The body of a frozen report, published (``sha256``) or not. ``KeyError`` for what is no such body."""
    period, seen = body["period"], body["data_as_of"]
    units = {one["code"]: Unit(one["code"], one.get("name", ""), one["level"]) for one in body["agencies"]}
    for code in body["counts"]:  # units that are gone, but counted in the period
        name = body.get("names", {}).get(code, "")
        units.setdefault(code, Unit(code, name, body.get("levels", {}).get(code, ""), listed=False))
    recalls = body.get("recalls", {})
    as_of = _instant(seen["at"])
    return Data(
        gateway=body["gateway"],
        synthetic=bool(body.get("synthetic")),
        period=period["name"],
        first=date.fromisoformat(period["from"]),
        last=date.fromisoformat(period["to"]),
        made_at=_instant(body["published_at"]) if body.get("published_at") else as_of,
        as_of=as_of,
        size=int(seen["size"]),
        root=seen["root"],
        levels=tuple(body["level_set"]["levels"]),
        level_set=body["level_set"]["version"],
        calendar=body["calendar"]["version"],
        rule_sets=tuple(body.get("rule_sets", ())),
        clauses=str(body.get("clauses_version", "")),
        units=tuple(sorted(units.values(), key=lambda unit: unit.code)),
        counts=body["counts"],
        outages=tuple(_outage(one) for one in body.get("outages", ())),
        totals=_totals(body, date.fromisoformat(period["from"]), date.fromisoformat(period["to"])),
        excluded=tuple((one["code"], one.get("reason", "")) for one in body.get("excluded", ())),
        recalls=(recalls.get("n", 0), recalls.get("p50_minutes"), recalls.get("p95_minutes")),
        sha256=sha256,
        number=body.get("id", "") if sha256 else "",
    )


def _outage(one: Mapping[str, Any]) -> Outage:
    return Outage(one["outage"], _instant(one["from"]), _instant(one["to"]), one.get("agency") or "")


def _totals(body: Mapping[str, Any], first: date, last: date) -> dict[str, tuple[int, bool]]:
    """All outgoing documents of each agency, where somebody said or estimated them."""
    found = {
        one["agency"]: (int(one["total"]), one["source"] == "declared")
        for one in body.get("outgoing", ())
        if one["source"] in ("declared", "estimated")
    }
    by_agency: dict[str, dict[tuple[date, date], int]] = {}
    for one in body.get("declared", ()):
        days = (date.fromisoformat(one["from"]), date.fromisoformat(one["to"]))
        by_agency.setdefault(one["agency"], {})[days] = int(one["outgoing_total"])
    for agency, declared in by_agency.items():
        if (total := declared_total(declared, first, last)) is not None:
            found[agency] = (total, True)
    return found


def declared_total(declared: Mapping[tuple[date, date], int], first: date, last: date) -> int | None:
    """The sum of declarations that cover each day of the period once; ``None`` when they do not."""
    total, due = 0, first
    for (start, stop), count in sorted(declared.items()):
        if start < first or stop > last:
            continue  # not within the period
        if start != due:
            return None  # a day twice, or not at all
        total, due = total + count, stop + timedelta(days=1)
    return total if due > last else None


def _instant(value: int | str) -> Instant:
    """Microseconds, or RFC 3339."""

    return Instant(value) if isinstance(value, int) else from_datetime(datetime.fromisoformat(value))


def day_text(day: date) -> str:
    """``13/04/2020``."""
    return f"{day:%d/%m/%Y}"


def moment_text(at: Instant) -> str:
    """``13/04/2020 15:30:00``, Vietnamese time."""
    return f"{local(at):%d/%m/%Y %H:%M:%S}"


def head_of(data: Data, say: Say) -> tuple[tuple[str, str], ...]:
    """What stands above every form: one can count again with it."""
    state = (
        say(f"Đã công bố, số {data.number}", f"Published, number {data.number}")
        if data.sha256
        else say("Chưa công bố: số liệu có thể còn thay đổi", "Not published: figures may still change")
    )
    rules = ", ".join(filter(None, (*data.rule_sets, data.clauses))) or "—"
    return (
        (say("Kỳ báo cáo", "Period"), f"{data.period} ({day_text(data.first)} – {day_text(data.last)})"),
        (say("Tình trạng", "State"), state),
        (say("Lập lúc", "Made at"), moment_text(data.made_at)),
        (say("Số liệu tính đến", "Data as of"), moment_text(data.as_of)),
        (say("Bộ cấp hành chính", "Level set"), f"{data.level_set} ({', '.join(data.levels)})"),
        (say("Bộ quy tắc", "Rule sets"), rules),
        (say("Lịch làm việc", "Calendar"), data.calendar),
        (
            say("Nhật ký", "Log"),
            say(f"{thousands(data.size)} bản ghi, gốc ", f"{thousands(data.size)} entries, root ")
            + data.root,
        ),
        (say("Trục", "Gateway"), data.gateway),
        (say("Mã băm báo cáo (SHA-256)", "Report hash (SHA-256)"), data.sha256 or "—"),
    )


__all__ = [
    "LEVEL_NAMES",
    "PARTS",
    "SYNTHETIC",
    "Counts",
    "Data",
    "Outage",
    "Unit",
    "added",
    "connected",
    "data_of",
    "day_text",
    "declared_total",
    "head_of",
    "level_name",
    "moment_text",
    "rate",
]
