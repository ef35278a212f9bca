"""When things happen in the synthetic exchange.

In charge of: the shape of a day and of a month, signing before sending, acknowledging after arrival, and
writing instants as the standard does. Not in charge of: what happens.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache

from gateway.clock import SECOND, VIETNAM, from_datetime
from gateway.model.text import Instant
from gateway.practice.synthetic_dice import Dice, Table
from gateway.practice.synthetic_plan import Plan, WorkingDays

MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
_LOCAL = 7 * HOUR
_ONE = timedelta(days=1)
_EPOCH = date(1970, 1, 1)
# Hours of a working day and their part of it: peaks from nine to eleven and from two to half past four.
SHAPE = Table(
    [
        ((7.0, 8.0), 0.02),
        ((8.0, 9.0), 0.10),
        ((9.0, 11.0), 0.31),
        ((11.0, 12.0), 0.07),
        ((12.0, 13.5), 0.02),
        ((13.5, 14.0), 0.05),
        ((14.0, 16.5), 0.35),
        ((16.5, 17.5), 0.06),
        ((17.5, 19.0), 0.02),
    ]
)
BATCH_AFTER_REST, BATCH = 0.35, 0.12  # of a morning's documents, signed on the afternoon before
LATE_BY_HOURS = 0.6  # of the late ones: on the afternoon of the deadline's day, so late by one reading only


def midnight(day: date) -> Instant:
    """At which the day begins (+07:00)."""
    return from_datetime(datetime.combine(day, time(), VIETNAM))


def day_of(at: Instant) -> date:
    """The local day."""
    return _day((at + _LOCAL) // DAY)


@lru_cache(maxsize=4096)
def _day(number: int) -> date:
    return _EPOCH + timedelta(days=number)


@lru_cache(maxsize=4096)
def _words(number: int) -> tuple[str, str]:
    day = _day(number)
    return day.isoformat(), f"{day:%Y/%m/%d}"


def rfc3339(at: Instant) -> str:
    """As ``clock.to_rfc3339``, without building a datetime."""
    number, rest = divmod(at + _LOCAL, DAY)
    seconds, micro = divmod(rest, SECOND)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{_words(number)[0]}T{hour:02}:{minute:02}:{second:02}.{micro:06}+07:00"


def declared(at: Instant) -> str:
    """A status's time as edXML writes it."""
    number, rest = divmod(at + _LOCAL, DAY)
    minutes, second = divmod(rest // SECOND, 60)
    hour, minute = divmod(minutes, 60)
    return f"{_words(number)[1]} {hour:02}:{minute:02}:{second:02}"


def count_of(day: date, plan: Plan, calendar: WorkingDays, dice: Dice) -> int:
    """How many documents are sent on a day: more before a long rest, few on days off."""
    if not calendar.is_working(day):
        return round(plan.load * plan.shares.weekend * dice.between(0.7, 1.3))
    ahead = [day + timedelta(days=number) for number in range(1, 13)]
    rest = max((_rest_from(start, calendar) for start in ahead[:6]), default=0)
    surge = 1.35 if rest >= 5 else 1.0
    return round(plan.load * surge * dice.between(0.92, 1.08))


def _rest_from(day: date, calendar: WorkingDays) -> int:
    """How many days off in a row begin with the day."""
    days = 0
    while not calendar.is_working(day):
        days, day = days + 1, day + _ONE
    return days


def sending(start: Instant, dice: Dice) -> Instant:
    """A moment of the day for a document to be sent."""
    low, high = dice.of(SHAPE)
    return Instant(start + int(dice.between(low, high) * HOUR))


def before(day: date, calendar: WorkingDays, count: int = 1) -> date:
    """The working day so many before the day."""
    while count:
        day -= _ONE
        count -= calendar.is_working(day)
    return day


def signing(sent: Instant, on_time: float, calendar: WorkingDays, dice: Dice) -> Instant:
    """When a document was signed that is sent now: kept its deadline with this share, by QĐ 28."""
    day = day_of(sent)
    morning = sent <= midnight(day) + 12 * HOUR
    if dice.chance(on_time):
        rested = not calendar.is_working(day - _ONE)
        if morning and calendar.is_working(day) and dice.chance(BATCH_AFTER_REST if rested else BATCH):
            return _on(before(day, calendar), dice, 15.0, 17.4)
        return _same_day(sent, day, dice)
    if not morning and calendar.is_working(day) and dice.chance(LATE_BY_HOURS):
        return _on(before(day, calendar), dice, 8.0, 17.0)
    return _on(before(day, calendar, dice.whole(2, 5)), dice, 8.0, 17.0)


def urgent_signing(sent: Instant, in_time: float, dice: Dice) -> Instant:
    """The same for an urgent one: at most an hour ago, or up to five."""
    if dice.chance(in_time):
        return Instant(sent - int(dice.between(2, 55) * MINUTE))
    return Instant(max(sent - int(dice.between(65, 300) * MINUTE), midnight(day_of(sent)) + MINUTE))


def acknowledging(arrived: Instant, same_day: float, calendar: WorkingDays, dice: Dice) -> Instant | None:
    """When the recipient's clerk takes a document in; ``None``: never."""
    day = day_of(arrived)
    end = midnight(day) + 24 * HOUR
    if dice.chance(same_day if calendar.is_working(day) else same_day / 2):
        close = max(midnight(day) + int(17.5 * HOUR), arrived + (end - arrived) // 2)
        return Instant(arrived + 1 + int((close - arrived - 2) * dice.share() ** 2))
    how = dice.share()
    if how < 0.7:
        return _on(calendar.next_working_day(day), dice, 7.5, 11.5)
    if how < 0.95:
        later = day
        for _ in range(dice.whole(2, 5)):
            later = calendar.next_working_day(later)
        return _on(later, dice, 7.5, 17.0)
    return None


def _same_day(sent: Instant, day: date, dice: Dice) -> Instant:
    """Minutes to hours before it was sent, on the same day."""
    earliest = midnight(day) + MINUTE
    return Instant(max(earliest, sent - int((4 + 200 * dice.share() ** 2) * MINUTE)))


def _on(day: date, dice: Dice, low: float, high: float) -> Instant:
    return Instant(midnight(day) + int(dice.between(low, high) * HOUR))


__all__ = [
    "DAY",
    "HOUR",
    "MINUTE",
    "acknowledging",
    "before",
    "count_of",
    "day_of",
    "declared",
    "midnight",
    "rfc3339",
    "sending",
    "signing",
    "urgent_signing",
]
