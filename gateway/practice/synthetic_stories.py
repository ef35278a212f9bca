"""Planted stories: what an auditor should find in the synthetic figures.

In charge of: choosing whom a story is about and when, and answering for it while the exchange is made. Each
story is one function. Not in charge of: the exchange itself (``synthetic_way``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.practice.synthetic_dice import Dice
from gateway.practice.synthetic_plan import TWO_LEVELS_FROM, Plan, Story, WorkingDays
from gateway.practice.synthetic_time import HOUR, MINUTE, midnight
from gateway.practice.synthetic_units import Unit, Units

EXPIRED_DAYS, STUCK_DAYS = 3, 10
OLD_CODE_SHARE = 0.5  # of what its successor gets still names the old code


@dataclass(frozen=True, slots=True)
class Told:
    """What was planted: about whom, from when until when (both days included), in a sentence."""

    story: Story
    agency: str
    first: date
    last: date
    text: Bilingual


@dataclass(frozen=True, slots=True)
class Planted:
    """All that was planted, as the exchange asks for it. Times are UTC microseconds."""

    told: tuple[Told, ...] = ()
    expired: tuple[str, frozenset[date]] = ("", frozenset())
    leader: str = ""
    stuck: tuple[str, Instant, Instant] = ("", Instant(0), Instant(0))
    outage: tuple[Instant, Instant] | None = None
    old_code: Mapping[str, str] = field(default_factory=dict)  # successor -> closed code, since the day below

    def way(self, unit: Unit, day: date, way: str) -> str:
        """How the unit signs on the day, where a story says so."""
        if unit.code == self.leader:
            return "leader"
        if unit.code == self.expired[0] and day in self.expired[1]:
            return "expired"
        return way

    def open(self, at: Instant) -> Instant:
        """``at``, or when the gateway takes it after the outage, in the order of coming."""
        if self.outage is None or not self.outage[0] <= at < self.outage[1]:
            return at
        return Instant(self.outage[1] + 1 + (at - self.outage[0]) // 2)

    def fetching(self, unit: Unit, at: Instant) -> Instant:
        """``at``, or when the stuck unit was repaired."""
        code, begin, end = self.stuck
        if unit.code != code or not begin <= at < end:
            return at
        return Instant(end + (at - begin) % (2 * HOUR))


def plant(plan: Plan, units: Units, calendar: WorkingDays) -> Planted:
    """The stories of the plan that its days have room for."""
    planted = Planted()
    for story, tell in _STORIES.items():
        if story in plan.stories:
            planted = tell(planted, plan, units, calendar)
    return planted


def expired_certificate(planted: Planted, plan: Plan, units: Units, calendar: WorkingDays) -> Planted:
    """A commune signs for three working days with an agency certificate that has expired: the leader's
    signatures hold, the seal's do not, until somebody puts the new one in."""
    days = _working(plan, calendar)
    start = len(days) // 3
    chosen = days[start : start + EXPIRED_DAYS]
    if len(chosen) < EXPIRED_DAYS:
        return planted
    commune = _busy(plan, units, chosen[0], "commune", "expired")
    text = Bilingual(
        f"{commune.name} ký bằng chứng thư số cơ quan đã hết hạn.",
        f"{commune.code} signs with an agency certificate that has expired.",
    )
    told = Told(Story.CERTIFICATE, commune.code, chosen[0], chosen[-1], text)
    return replace(planted, told=(*planted.told, told), expired=(commune.code, frozenset(chosen)))


def leader_only(planted: Planted, plan: Plan, units: Units, calendar: WorkingDays) -> Planted:
    """A department whose records office never puts the seal on: only leaders' signatures."""
    department = _busy(plan, units, plan.first, "department", "leader")
    text = Bilingual(
        f"{department.name} chỉ có chữ ký số của người có thẩm quyền, không có chữ ký số của cơ quan.",
        f"{department.code} signs by its leader only, never with the agency's certificate.",
    )
    told = Told(Story.LEADER, department.code, plan.first, plan.last, text)
    return replace(planted, told=(*planted.told, told), leader=department.code)


def stuck_puller(planted: Planted, plan: Plan, units: Units, calendar: WorkingDays) -> Planted:
    """A unit whose software fetches nothing for ten days; once it was mended it takes all that waits within
    two hours."""
    first = plan.first + timedelta(days=plan.days // 3)
    last = first + timedelta(days=STUCK_DAYS - 1)
    unit = _busy(plan, units, first, "district" if _has_districts(units, first) else "commune", "stuck")
    text = Bilingual(
        f"Phần mềm của {unit.name} ngừng lấy văn bản về.", f"The software of {unit.code} fetches nothing."
    )
    told = Told(Story.STUCK, unit.code, first, min(last, plan.last), text)
    begin, end = midnight(first), Instant(midnight(last + timedelta(days=1)) + 8 * HOUR)
    return replace(planted, told=(*planted.told, told), stuck=(unit.code, begin, end))


def outage(planted: Planted, plan: Plan, units: Units, calendar: WorkingDays) -> Planted:
    """The gateway is away from 10:05 to 11:40 on the morning after a rest, on which what was signed on Friday
    is due by noon; what comes meanwhile is taken in order until half past twelve."""
    mornings = [
        day
        for day in _working(plan, calendar)
        if day > plan.first and not calendar.is_working(day - timedelta(days=1))
    ]
    if not mornings:
        return planted
    day = mornings[len(mornings) // 2]
    begin = Instant(midnight(day) + 10 * HOUR + 5 * MINUTE)
    end = Instant(midnight(day) + 11 * HOUR + 40 * MINUTE)
    text = Bilingual(
        f"Trục ngừng hoạt động từ 10:05 đến 11:40 ngày {day:%d/%m/%Y}.",
        f"The gateway is away from 10:05 to 11:40 on {day}.",
    )
    told = Told(Story.OUTAGE, "", day, day, text)
    return replace(planted, told=(*planted.told, told), outage=(begin, end))


def merged_commune(planted: Planted, plan: Plan, units: Units, calendar: WorkingDays) -> Planted:
    """Since 1 July 2025 a commune is part of another one; half of what the new one gets still names the old
    code and is rerouted."""
    first = max(plan.first, TWO_LEVELS_FROM)
    if plan.last < first:
        return planted
    here = units.on(first)
    merged = [
        one
        for one in units.directory.successions
        if one.on == TWO_LEVELS_FROM and one.new in here.units and here.units[one.new].category == "commune"
    ]
    chosen = Dice(plan.seed, "merged").pick(sorted(merged, key=lambda one: one.old))
    assert chosen.new is not None
    text = Bilingual(
        f"Văn bản gửi {chosen.new} vẫn ghi mã cũ {chosen.old}, đã sáp nhập từ 01/07/2025.",
        f"Documents for {chosen.new} still name {chosen.old}, which merged on 2025-07-01.",
    )
    told = Told(Story.MERGED, chosen.old, first, plan.last, text)
    return replace(planted, told=(*planted.told, told), old_code={chosen.new: chosen.old})


def _working(plan: Plan, calendar: WorkingDays) -> list[date]:
    days = (plan.first + timedelta(days=number) for number in range(plan.days))
    return [day for day in days if calendar.is_working(day)]


def _has_districts(units: Units, day: date) -> bool:
    return any(unit.category == "district" for unit in units.on(day).inside)


def _busy(plan: Plan, units: Units, day: date, category: str, word: str) -> Unit:
    """One of the busiest third of the category that comes for its documents, so that the story shows."""
    found = [unit for unit in units.on(day).of(category) if unit.pulls] or units.on(day).of(category)
    ranked: Sequence[Unit] = sorted(found, key=lambda unit: (-unit.weight, unit.code))
    return Dice(plan.seed, "story", word).pick(ranked[: max(len(ranked) // 3, 1)])


_STORIES: dict[Story, Callable[[Planted, Plan, Units, WorkingDays], Planted]] = {
    Story.CERTIFICATE: expired_certificate,
    Story.LEADER: leader_only,
    Story.STUCK: stuck_puller,
    Story.OUTAGE: outage,
    Story.MERGED: merged_commune,
}

__all__ = ["OLD_CODE_SHARE", "AgencyCode", "Planted", "Told", "plant"]
