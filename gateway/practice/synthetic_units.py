"""Who takes part in the synthetic exchange, and what each unit is like.

In charge of: the units of a day from the demo province's directory (three levels until 30 June 2025, two from
then on), their weight, habits, certificates and software. Not in charge of: what they send
(``synthetic_letters``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from gateway.directory.changes import merge
from gateway.directory.data import DirectoryData
from gateway.directory.load import read_directory, to_directory
from gateway.directory.snapshot import OUTSIDE, Directory
from gateway.model.agency import Agency, Period, Profile, Signer
from gateway.model.text import AgencyCode, Instant
from gateway.practice import province
from gateway.practice.synthetic_dice import Dice, Table
from gateway.practice.synthetic_plan import FROM_OUTSIDE, LOAD_2, LOAD_3, Plan, Shares

PUSHED, OWN_01 = 0.4, 0.15
SKEWED = (95, -410, 780)  # seconds by which the clocks of three units are wrong


@dataclass(frozen=True, slots=True)
class Unit:
    """One agency on one stretch of days, with habits that it keeps. Shares 0 to 1, ``skew`` microseconds."""

    code: AgencyCode
    name: str
    level: str
    category: str  # office, department, subordinate, district, commune, outside
    parent: str
    weight: float
    principal: str
    person: str  # hex SHA-256 of the leader's certificate; no such certificate exists
    seal: str
    leader: str
    both: float
    on_time: float
    same_day: float
    refuses: float
    seals_attachments: float
    adapter: str
    reports_arrival: bool
    declares: bool
    skew: int = 0

    @property
    def pulls(self) -> bool:
        """True when its software comes for its documents."""
        return self.adapter == "inbox"


@dataclass(frozen=True, slots=True)
class Census:
    """The units of one day. ``inside`` are those of the province."""

    units: dict[AgencyCode, Unit]
    inside: tuple[Unit, ...]
    outside: tuple[Unit, ...]
    senders: Table[Unit]
    near: dict[AgencyCode, tuple[Unit, ...]] = field(repr=False)

    def of(self, category: str) -> list[Unit]:
        """Units of one category, by code."""
        return [unit for unit in self.inside if unit.category == category]


class Units:
    """All units of a plan, by day; ``skewed`` are those with a wrong clock."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.directory = directory()
        self._by_standing: dict[tuple[AgencyCode, ...], Census] = {}
        self._by_day: dict[date, Census] = {}

    def on(self, day: date) -> Census:
        """The census of a day; the same object as long as nothing changes in the directory."""
        found = self._by_day.get(day)
        if found is None:
            agencies = [one for one in self.directory.all(day) if takes_part(self.directory, one, day)]
            key = tuple(one.code for one in agencies)
            found = self._by_standing.get(key) or self._census(agencies, day)
            self._by_standing[key] = self._by_day[day] = found
        return found

    def _census(self, agencies: Sequence[Agency], day: date) -> Census:
        wrong = dict(zip(_with_wrong_clocks(self._plan.seed, agencies), SKEWED, strict=False))
        units = {
            one.code: make_unit(self._plan, self.directory, one, day, wrong.get(one.code, 0))
            for one in agencies
        }
        inside = tuple(unit for unit in units.values() if unit.category != OUTSIDE)
        outside = tuple(unit for unit in units.values() if unit.category == OUTSIDE)
        return Census(units, inside, outside, _senders(inside, outside), _circles(units))


@lru_cache(maxsize=1)
def data() -> DirectoryData:
    """The demo province of 2020 with the reorganisation of 2025 in it: dated rows of both."""
    return merge(province.data(), read_directory(province.reorganisation_csv(), "csv"))


@lru_cache(maxsize=1)
def directory() -> Directory:
    """The same, indexed."""
    return to_directory(data())


def takes_part(names: Directory, agency: Agency, day: date) -> bool:
    """Units of the tiers in force and agencies outside; nothing that only tests use."""
    return not agency.test and bool(names.level(agency.code, day))


def category_of(agency: Agency, level: str) -> str:
    """What kind of unit it is: its level, and within the province office, department or subordinate unit."""
    if level != "province":
        return level
    if agency.code in (province.home(), f"{province.home()}.01"):
        return "office"
    return "department" if agency.parent == province.home() else "subordinate"


def make_unit(plan: Plan, names: Directory, agency: Agency, day: date, skew: int) -> Unit:
    """The unit with its habits; they hang on seed and code alone, so a unit keeps them."""
    dice, shares = Dice(plan.seed, "unit", agency.code), plan.shares
    level = names.level(agency.code, day)
    category = category_of(agency, level)
    return Unit(
        code=agency.code,
        name=agency.name,
        level=level,
        category=category,
        parent=agency.parent or "",
        weight=dice.spread(1.0, 0.5),
        principal=dice.id(Instant(0)),
        person=_certificate(agency.code, "person"),
        seal=_certificate(agency.code, "agency"),
        leader=" ".join((_TITLES.get(category, _HEAD), *(dice.pick(names) for names in _NAMES))),
        both=_both(dice, shares, level),
        on_time=dice.between(*shares.on_time),
        same_day=dice.between(*shares.same_day),
        refuses=dice.between(*shares.refused),
        seals_attachments=dice.between(0.9, 1.0),
        adapter="axis" if category == OUTSIDE else "webhook" if dice.chance(PUSHED) else "inbox",
        reports_arrival=category == OUTSIDE or dice.chance(OWN_01),
        declares=dice.chance(shares.declares),
        skew=skew * 1_000_000,
    )


def profiles(units: Sequence[Unit]) -> list[Profile]:
    """How they are connected, as the directory says it. Nothing can be reached: all of it is made up."""
    return [
        Profile(unit.code, "inbox", reports_arrival=unit.reports_arrival)
        for unit in units
        if unit.reports_arrival and unit.category != OUTSIDE
    ]


def signers(units: Sequence[Unit]) -> list[Signer]:
    """The signer register: two certificates for each unit of the province."""
    return [
        row
        for unit in units
        if unit.category != OUTSIDE
        for row in (
            Signer(unit.person, unit.code, _TITLES.get(unit.category, _HEAD), "person"),
            Signer(unit.seal, unit.code, "", "agency"),
        )
    ]


def _both(dice: Dice, shares: Shares, level: str) -> float:
    return dice.between(*(shares.signed_both_commune if level == "commune" else shares.signed_both))


def _certificate(code: str, role: str) -> str:
    return hashlib.sha256(f"synthetic certificate\n{code}\n{role}".encode()).hexdigest()


def _with_wrong_clocks(seed: int, agencies: Sequence[Agency]) -> list[AgencyCode]:
    """Three offices that no reorganisation touches, so that they stay the same."""
    lasting = sorted(one.code for one in agencies if one.parent == province.home() and one.period == Period())
    return Dice(seed, "clocks").some(lasting, len(SKEWED))


def _senders(inside: Sequence[Unit], outside: Sequence[Unit]) -> Table[Unit]:
    """Every unit with its part of all documents."""
    load = LOAD_3 if any(unit.category == "district" for unit in inside) else LOAD_2
    total = {category: sum(unit.weight for unit in inside if unit.category == category) for category in load}
    rows = [
        (unit, (1 - FROM_OUTSIDE) * load[unit.category] * unit.weight / total[unit.category])
        for unit in inside
    ]
    return Table([*rows, *((unit, FROM_OUTSIDE / len(outside)) for unit in outside)])


def _circles(units: dict[AgencyCode, Unit]) -> dict[AgencyCode, tuple[Unit, ...]]:
    """Whom each unit mostly writes to: its parent, the units below it, and those beside it."""
    office = units[AgencyCode(f"{province.home()}.01")]
    below: dict[str, list[Unit]] = {}
    for unit in units.values():
        if unit.category != OUTSIDE:
            below.setdefault(unit.parent, []).append(unit)
    circles = {}
    for unit in units.values():
        near = [office, *below.get(unit.code, ()), *below.get(unit.parent, ())]
        if unit.parent in units:
            near += [units[AgencyCode(unit.parent)]] * 5
        circles[unit.code] = tuple(one for one in near if one.code != unit.code)
    return circles


_TITLES = {
    "office": "Chánh Văn phòng",
    "department": "Giám đốc",
    "subordinate": "Giám đốc",
    "district": "Chủ tịch",
    "commune": "Chủ tịch",
}
_HEAD = "Thủ trưởng"
_NAMES = (
    ("Nguyễn", "Trần", "Lê", "Hoàng", "Nông", "Vi", "Lương", "Lý", "Hà", "Chu", "Đinh", "Bế"),
    ("Văn", "Thị", "Đức", "Minh", "Thanh", "Ngọc", "Quang", "Thu", "Hồng", "Xuân"),
    ("Mẫu", "Giả Định", "Thử", "Minh Họa", "Mô Phỏng"),
)

__all__ = ["Census", "Unit", "Units", "data", "directory", "make_unit", "profiles", "signers"]
