"""Reporting periods: the presets, and the texts that name them.

In charge of: reading ``2020-W16`` and its like, the days of each, the period before, how people call it.
Pure. Not in charge of: what is counted within (``counting``).

Where the presets come from (docs/figures.md has the rest): ISO weeks (ISO 8601), weeks that begin on another
day, calendar months, quarters, halves, nine months and years; and the reporting practice of periods which end
on the 14th (TT 06/2025/TT-TTCP Đ7: quarter 1 is 15 December to 14 March, nine months end on 14 September);
the state as of 31 December (NĐ 307/2025 Đ8). A period "15-14" is named for the month in which it ends.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.errors import BadRequest
from gateway.model.text import Bilingual

MOST_DAYS = 3_700  # ten years and a little; a longer period is a slip of the pen
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TAIL = "/15-14"
_FIRST_YEAR, _LAST_YEAR = 1990, 2200
_ONE = timedelta(days=1)
_WEEK = timedelta(days=7)
_DAYS_VI = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")
_DAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
EXAMPLES = "2020-W16, 2020-W16/fri, 2020-04, 2020-04/15-14, 2020-Q1, 2020-H1, 2020-9M, 2020"
MORE_EXAMPLES = "2020-04-13, 2020-04-13..2020-04-19, as-of 2025-12-31"


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days at +07:00, both ends within. ``name`` is the text that reads back to an equal period."""

    name: str
    from_: date
    to: date
    words: Bilingual
    ends: bool = False  # the state as of its last day is meant, not what happened during it

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.to - self.from_).days + 1

    def is_over(self, today: date) -> bool:
        """True when nothing that is counted on its days can begin any more."""
        return self.to < today

    def as_json(self) -> dict[str, str]:
        """As frozen reports hold it."""
        return {"name": self.name, "from": self.from_.isoformat(), "to": self.to.isoformat()}


@dataclass(frozen=True, slots=True)
class Preset:
    """One choice of a list: ``key`` is stable, ``words`` are for people."""

    key: str
    words: Bilingual
    period: Period


def parse(text: str) -> Period:
    """The period that ``text`` names. ``BadRequest`` (``period.unreadable``) says which texts there are."""
    written = text.strip()
    for pattern, read in _FORMS:
        if found := pattern.fullmatch(written):
            try:
                period = read(*found.groups())
            except (ValueError, OverflowError):
                break  # a week 54, a month 13, 30 February
            return _within(period, written)
    raise BadRequest(_unreadable(written[:60]), code="period.unreadable")


def week(year: int, number: int, first: int = 0) -> Period:
    """The seven days from weekday ``first`` (0: Monday) which end within that ISO week."""
    monday = date.fromisocalendar(year, number, 1)
    begin = monday if first == 0 else monday - _WEEK + timedelta(days=first)
    name = f"{year}-W{number:02}" + (f"/{WEEKDAYS[first]}" if first else "")
    vi, en = f"Tuần {number} năm {year}", f"Week {number} of {year}"
    if first:
        vi += f", tính từ {_DAYS_VI[first]} đến {_DAYS_VI[first - 1]}"
        en += f", from {_DAYS_EN[first]} to {_DAYS_EN[first - 1]}"
    return _period(name, begin, begin + 6 * _ONE, vi, en)


def month(year: int, number: int) -> Period:
    """A calendar month."""
    first = date(year, number, 1)
    vi, en = f"Tháng {number} năm {year}", f"{first:%B} {year}"
    return _period(f"{year}-{number:02}", first, _month_end(year, number), vi, en)


def months(year: int, name: str, first: int, last: int, vi: str, en: str) -> Period:
    """Calendar months ``first`` to ``last`` of a year."""
    return _period(name, date(year, first, 1), _month_end(year, last), vi, en)


def quarter(year: int, number: int) -> Period:
    """A calendar quarter."""
    if not 1 <= number <= 4:
        raise ValueError("quarters are 1 to 4")
    vi, en = f"Quý {_ROMAN[number]} năm {year}", f"Quarter {number} of {year}"
    return months(year, f"{year}-Q{number}", 3 * number - 2, 3 * number, vi, en)


def half(year: int, number: int) -> Period:
    """Half a calendar year."""
    vi = f"6 tháng {'đầu' if number == 1 else 'cuối'} năm {year}"
    en = f"{'First' if number == 1 else 'Second'} half of {year}"
    return months(year, f"{year}-H{number}", 6 * number - 5, 6 * number, vi, en)


def nine_months(year: int) -> Period:
    """January to September."""
    return months(year, f"{year}-9M", 1, 9, f"9 tháng năm {year}", f"Nine months of {year}")


def whole_year(year: int) -> Period:
    """A calendar year."""
    return months(year, f"{year}", 1, 12, f"Năm {year}", f"Year {year}")


def tailed(period: Period) -> Period:
    """The same with the practice of the 15th: from the 15th of the month before to the 14th of its last."""
    before = period.from_ - _ONE
    vi, en = f"{period.words.vi}, kỳ từ ngày 15 đến ngày 14", f"{period.words.en}, from the 15th to the 14th"
    begin, end = before.replace(day=15), period.to.replace(day=14)
    return Period(period.name + TAIL, begin, end, _dated(_bare(vi), _bare(en), begin, end))


def day(on: date) -> Period:
    """One day."""
    words = Bilingual(f"Ngày {_vi(on)}", f"{on.isoformat()}")
    return Period(on.isoformat(), on, on, words)


def span(first: date, last: date) -> Period:
    """Any days. ``ValueError`` when they end before they begin."""
    if last < first:
        raise ValueError("a period ends after it begins")
    words = Bilingual(f"Từ {_vi(first)} đến {_vi(last)}", f"{first.isoformat()} to {last.isoformat()}")
    return Period(f"{first.isoformat()}..{last.isoformat()}", first, last, words)


def as_of(on: date) -> Period:
    """From 1 January to that day: "số liệu đến ngày …"."""
    words = Bilingual(f"Số liệu năm tính đến {_vi(on)}", f"The year as of {on.isoformat()}")
    return Period(f"as-of {on.isoformat()}", date(on.year, 1, 1), on, words, ends=True)


def before(period: Period) -> Period:
    """The period of the same sort before: last week, the quarter before, as many days before a span."""
    return parse(_name_before(period))


def presets(today: date) -> tuple[Preset, ...]:
    """What people choose from, as of ``today``: those under way (marked so) and those that ended last."""
    year, number, _ = today.isocalendar()
    this_week = week(year, number)
    this_month = month(today.year, today.month)
    in_tail = this_month if today.day <= 14 else _next_month(this_month)
    this_quarter, this_half = _quarter_with(today), _half_with(today)
    this_year = whole_year(today.year)
    chosen = (
        ("week", "Tuần này", "This week", this_week),
        ("last_week", "Tuần trước", "Last week", before(this_week)),
        ("week_fri", "Tuần tính từ thứ Sáu đến thứ Năm", "Week from Friday", _week_around(today, 4)),
        ("month", "Tháng này", "This month", this_month),
        ("last_month", "Tháng trước", "Last month", before(this_month)),
        ("month_15", "Tháng, kỳ 15–14", "Month, 15th to 14th", tailed(in_tail)),
        ("last_month_15", "Tháng trước, kỳ 15–14", "Month before, 15th to 14th", before(tailed(in_tail))),
        ("quarter", "Quý này", "This quarter", this_quarter),
        ("last_quarter", "Quý trước", "Last quarter", before(this_quarter)),
        ("quarter_15", "Quý, kỳ 15–14", "Quarter, 15th to 14th", tailed(_quarter_with(in_tail.to))),
        ("half", "6 tháng này", "This half year", this_half),
        ("half_15", "6 tháng, kỳ 15–14", "Half year, 15th to 14th", tailed(_half_with(in_tail.to))),
        ("nine_months", "9 tháng", "Nine months", nine_months(today.year)),
        (
            "nine_months_15",
            "9 tháng, kỳ 15–14",
            "Nine months to 14 September",
            tailed(nine_months(today.year)),
        ),
        ("year", "Năm nay", "This year", this_year),
        ("last_year", "Năm trước", "Last year", before(this_year)),
        ("year_15", "Năm, kỳ 15–14", "Year, 15th to 14th", tailed(whole_year(in_tail.to.year))),
        (
            "as_of",
            "Số liệu đến 31/12 năm trước",
            "As of 31 December last",
            as_of(date(today.year - 1, 12, 31)),
        ),
    )
    return tuple(Preset(key, Bilingual(vi, en), period) for key, vi, en, period in chosen)


def _name_before(period: Period) -> str:
    body, tail = period.name.removesuffix(TAIL), TAIL if period.name.endswith(TAIL) else ""
    if period.ends:
        return f"as-of {_year_before(period.to).isoformat()}"
    if found := re.fullmatch(r"(\d{4})-W(\d\d)(/\w+)?", body):
        year, number, _ = (date.fromisocalendar(int(found[1]), int(found[2]), 1) - _ONE).isocalendar()
        return f"{year}-W{number:02}{found[3] or ''}"
    if found := re.fullmatch(r"(\d{4})-(\d\d|Q\d|H\d)", body):
        return _part_before(int(found[1]), found[2]) + tail
    if found := re.fullmatch(r"(\d{4})(-9M)?", body):
        return f"{int(found[1]) - 1}{found[2] or ''}{tail}"
    length = timedelta(days=period.days)
    first, last = period.from_ - length, period.to - length
    return first.isoformat() if first == last else f"{first.isoformat()}..{last.isoformat()}"


def _part_before(year: int, part: str) -> str:
    letter, number = part.rstrip("0123456789"), int(part.lstrip("QH"))
    parts = {"": 12, "Q": 4, "H": 2}[letter]
    year, number = (year - 1, parts) if number == 1 else (year, number - 1)
    return f"{year}-{letter}{number if letter else f'{number:02}'}"


def _read_week(year: str, number: str, first: str | None) -> Period:
    return week(int(year), int(number), WEEKDAYS.index(first.lower()) if first else 0)


def _read_part(year: str, part: str, tail: str | None) -> Period:
    made = _part(int(year), part.upper())
    return tailed(made) if tail else made


def _part(year: int, part: str) -> Period:
    if part == "":
        return whole_year(year)
    if part == "-9M":
        return nine_months(year)
    if part[1] in "QH":
        return (quarter if part[1] == "Q" else half)(year, int(part[2]))
    return month(year, int(part[1:]))


_ISO = r"(\d{4}-\d\d-\d\d)"
_FORMS: tuple[tuple[re.Pattern[str], Callable[..., Period]], ...] = (
    (re.compile(rf"(\d{{4}})-?W(\d\d)(?:/({'|'.join(WEEKDAYS)}))?", re.I | re.A), _read_week),
    (re.compile(r"(\d{4})(-9M|-Q[1-4]|-H[12]|-\d\d|)(/15-14)?", re.I | re.A), _read_part),
    (re.compile(_ISO, re.A), lambda text: day(date.fromisoformat(text))),
    (
        re.compile(rf"{_ISO}\s*\.\.\s*{_ISO}", re.A),
        lambda first, last: span(date.fromisoformat(first), date.fromisoformat(last)),
    ),
    (re.compile(rf"as-of[ -]{_ISO}", re.I | re.A), lambda text: as_of(date.fromisoformat(text))),
)
_ROMAN = ("", "I", "II", "III", "IV")


def _period(name: str, begin: date, end: date, vi: str, en: str) -> Period:
    return Period(name, begin, end, _dated(vi, en, begin, end))


def _dated(vi: str, en: str, begin: date, end: date) -> Bilingual:
    return Bilingual(f"{vi} ({_vi(begin)} – {_vi(end)})", f"{en} ({begin.isoformat()} to {end.isoformat()})")


def _bare(words: str) -> str:
    """Without the days in brackets."""
    return re.sub(r" \([^)]*\)", "", words)


def _within(period: Period, text: str) -> Period:
    in_years = period.from_.year >= _FIRST_YEAR and period.to.year <= _LAST_YEAR
    if period.days > MOST_DAYS or not in_years:
        raise BadRequest(_too_far(text), code="period.too_long")
    return period


def _week_around(today: date, first: int) -> Period:
    """The week from weekday ``first`` on that holds ``today``."""
    last = today + timedelta(days=(first - 1 - today.weekday()) % 7)
    year, number, _ = last.isocalendar()
    return week(year, number, first)


def _quarter_with(on: date) -> Period:
    return quarter(on.year, (on.month + 2) // 3)


def _half_with(on: date) -> Period:
    return half(on.year, 1 if on.month <= 6 else 2)


def _next_month(this: Period) -> Period:
    after = this.to + _ONE
    return month(after.year, after.month)


def _month_end(year: int, number: int) -> date:
    return date(year, number, monthrange(year, number)[1])


def _year_before(on: date) -> date:
    return date(on.year - 1, on.month, min(on.day, monthrange(on.year - 1, on.month)[1]))


def _vi(on: date) -> str:
    return on.strftime("%d/%m/%Y")


def _unreadable(text: str) -> Bilingual:
    return Bilingual(
        f"Không hiểu kỳ báo cáo “{text}”. Hãy ghi theo một trong các dạng: {EXAMPLES}, {MORE_EXAMPLES}.",
        f"Cannot read the period “{text}”. Write one of: {EXAMPLES}, {MORE_EXAMPLES}.",
    )


def _too_far(text: str) -> Bilingual:
    return Bilingual(
        f"Kỳ báo cáo “{text}” dài quá 10 năm, hoặc nằm ngoài các năm {_FIRST_YEAR}–{_LAST_YEAR}.",
        f"The period “{text}” is longer than ten years, or outside {_FIRST_YEAR} to {_LAST_YEAR}.",
    )


__all__ = ["MOST_DAYS", "Period", "Preset", "as_of", "before", "parse", "presets", "span", "tailed", "week"]
