"""A report counted again from an exported log, and every cell that differs, with the reason.

In charge of: whether the export is the log that the report rests on; counting it again; comparing. Not in
charge of: the command (``recount.py``), the form of reports (``frozen.py``).
"""

from __future__ import annotations

import gc
import hashlib
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Self

import orjson

from gateway.compliance import recount_log
from gateway.compliance import recount_texts as texts
from gateway.compliance.recount_calendar import Limits, WorkingDays, instant_of, limits_of, number_of
from gateway.compliance.recount_counts import Counts, Frame, Rules, count
from gateway.compliance.recount_data import is_in_force, rules_at_hand, working_days
from gateway.compliance.recount_events import Ledger
from gateway.compliance.recount_log import Checked, LogFlaw, check_log, read_leaves
from gateway.compliance.recount_rates import NOT_COUNTED, rates_of
from gateway.compliance.recount_texts import Reason
from gateway.model.canonical import canonical_json

FORM = "frozen-report/1"
_LARGE = 64 * 1024 * 1024  # bytes of an export from which hashing gets a process of its own
_MOST_DAYS = 10  # that are named


@dataclass(frozen=True, slots=True)
class Asked:
    """What to count: days, both ends; of how many leaves (``None``: all), up to when."""

    first: date
    last: date
    days: WorkingDays
    limits: Limits = Limits()  # noqa: RUF009 - frozen
    excluded: tuple[str, ...] = ()
    size: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell; a count that is not there is 0. Of rates ``agency`` is their scope (a level, or ``all``), of
    times of recalls it is empty."""

    agency: str
    name: str
    report: int | str | None
    recount: int | str | None

    def as_json(self) -> dict[str, Any]:
        """``{"agency", "name", "report", "recount"}``."""
        return {
            "agency": self.agency,
            "name": self.name,
            "report": self.report,
            "recount": self.recount,
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """Equal when there is no reason why not. ``leaves`` were counted, ``cells`` differ."""

    reasons: tuple[Reason, ...]
    cells: tuple[Cell, ...]
    counts: Mapping[str, Mapping[str, int]]
    leaves: int
    compared: int = 0

    @property
    def equal(self) -> bool:
        """True when every cell agrees and nothing else was wrong."""
        return not self.reasons

    def as_json(self) -> dict[str, Any]:
        """The answer for programs."""
        return {
            "equal": self.equal,
            "leaves": self.leaves,
            "compared": self.compared,
            "reasons": [reason.as_json() for reason in self.reasons],
            "differences": [cell.as_json() for cell in self.cells],
            "counts": {agency: dict(sorted(names.items())) for agency, names in sorted(self.counts.items())},
        }


def recount_report(log: Path, report: Mapping[str, Any], keys: str = "", now: float = 0.0) -> Outcome:
    """Count the report's period from ``log`` and compare.

    ``keys``: text with public keys of the log, one a line; with them the checkpoints are verified too, and
    ``now`` (seconds since 1970) tells those of the future.
    """
    rules = rules_at_hand()
    try:
        body = report["body"]
        asked, stated_root = _asked(body), str(body["data_as_of"]["root"])
        reasons = [*_of_report(report, body, rules)]
    except (KeyError, TypeError, ValueError, AttributeError):
        return _without_count([texts.REPORT_UNREADABLE])
    try:
        counted = read_log(log, asked, rules)
    except LogFlaw as flaw:
        return _without_count([*reasons, texts.of_flaw(flaw)])
    reasons += _of_log(counted, asked, stated_root, body)
    if not any(reason.code.startswith("log.") for reason in reasons) and keys:
        reasons += _of_checkpoints(log, keys, now)
    if any(reason.code.startswith("log.") for reason in reasons):
        return Outcome(tuple(reasons), (), counted.counts.by_agency, counted.leaves)
    cells, compared = _compare(body, counted.counts)
    reasons += [texts.cells_differ(len(cells))] if cells else []
    return Outcome(tuple(reasons), tuple(cells), counted.counts.by_agency, counted.leaves, compared)


def recount_period(log: Path, first: date, last: date, excluded: Sequence[str] = ()) -> Outcome:
    """Counts of a period under the shipped calendar and the usual clocks, of all leaves."""
    asked = Asked(first, last, working_days({"version": "", "days": []}), excluded=tuple(excluded))
    try:
        counted = read_log(log, asked, rules_at_hand())
    except LogFlaw as flaw:
        return _without_count([texts.of_flaw(flaw)])
    return Outcome(tuple(counted.flaws), (), counted.counts.by_agency, counted.leaves)


@dataclass(frozen=True, slots=True)
class Counted:
    """What was read: the log's size and root (over ``asked.size`` leaves), its records, the counts."""

    ledger: Ledger
    counts: Counts
    checked: Checked
    leaves: int
    flaws: tuple[Reason, ...] = ()


def read_log(log: Path, asked: Asked, rules: Rules) -> Counted:
    """Hash and count, side by side where the export is large. ``LogFlaw``: it does not hold."""
    ledger = Ledger(asked.excluded, asked.limits.clock, rules.paper_too)
    flaws: list[Reason] = []
    try:
        with _Beside(log, asked.size) as checking:
            leaves = _take_all(log, asked.size, ledger, flaws)
            checked = checking.answer()
    except LogFlaw as flaw:
        flaw.after = ledger.newest
        raise
    end = ledger.newest if asked.end is None else asked.end
    frame = Frame(number_of(asked.first), number_of(asked.last), end, asked.days, asked.limits, rules)
    return Counted(ledger, count(ledger, frame), checked, leaves, tuple(flaws))


class _Beside:
    """Hashing on the second core while this process counts; for a small export, and where it fails, here."""

    def __init__(self, log: Path, size: int | None) -> None:
        self._log, self._size = log, size
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        if self._log.stat().st_size >= _LARGE:
            words = [sys.executable, "-m", recount_log.__name__, str(self._log), str(self._size)]
            self._process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, *error: object) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            self._process.communicate()

    def answer(self) -> Checked:
        """``LogFlaw``, as ``check_log`` raises it."""
        if self._process is not None:
            said = self._process.communicate()[0].decode().split()
            if self._process.returncode == 0:
                return Checked(int(said[0]), said[1])
        return check_log(self._log, self._size)


@contextmanager
def _no_cycles() -> Iterator[None]:
    """Millions of records without a cycle among them: looking for cycles would cost a tenth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _take_all(log: Path, size: int | None, ledger: Ledger, flaws: list[Reason]) -> int:
    """Feed the first ``size`` leaves; how many there were. The first event that lacks something is named."""
    place, take, read = 0, ledger.take, orjson.loads
    with log.open("rb") as opened, _no_cycles():
        for _, body in read_leaves(opened):
            if place == size:
                break
            try:
                take(read(body))
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                if not flaws:
                    flaws.append(texts.unreadable_event(place, f"{type(error).__name__}: {error}"))
            place += 1
    return place


def _asked(body: Mapping[str, Any]) -> Asked:
    """What the report says that it counted. ``KeyError``, ``TypeError``, ``ValueError`` or ``AttributeError``
    when it is not of our form."""
    data, period = body["data_as_of"], body["period"]
    end = instant_of(str(data["at"]))
    numbers = [data["size"], *(number for names in body["counts"].values() for number in names.values())]
    if body["form"] != FORM or end is None or any(type(number) is not int for number in numbers):
        raise ValueError(FORM)
    if not isinstance(body["recalls"], Mapping):
        raise TypeError("recalls")
    return Asked(
        date.fromisoformat(period["from"]),
        date.fromisoformat(period["to"]),
        working_days(body["calendar"]),
        limits_of(body["clocks"]),
        tuple(row["code"] for row in body["excluded"]),
        data["size"],
        end,
    )


def _of_report(report: Mapping[str, Any], body: Mapping[str, Any], rules: Rules) -> list[Reason]:
    """What the report alone shows."""
    found = []
    if hashlib.sha256(canonical_json(body)).hexdigest() != report.get("sha256"):
        found.append(texts.REPORT_CHANGED)
    if body["clauses_version"] != rules.version:
        found.append(texts.other_rules(str(body["clauses_version"]), rules.version))
    return found


def _of_log(counted: Counted, asked: Asked, root: str, body: Mapping[str, Any]) -> list[Reason]:
    """Whether these are the events that the report counted, under the calendar that was approved."""
    found = list(counted.flaws)
    size = asked.size or 0
    if counted.checked.leaves < size:
        found.append(texts.log_short(counted.checked.leaves, size, _empty_days(counted, asked)))
    elif counted.checked.root != root:
        found.append(texts.other_root(size, _empty_days(counted, asked)))
    calendar, approved = body["calendar"], counted.ledger.reference.calendars
    if not is_in_force(calendar, approved):
        found.append(texts.other_calendar(str(calendar["version"]), next(reversed(approved), "")))
    return found


def _of_checkpoints(log: Path, keys: str, now: float) -> list[Reason]:
    from gateway.exchange_log.checkpoint import NotANote, compromised_keys, read_keys
    from gateway.exchange_log.replay import WHAT, DoesNotFit
    from gateway.exchange_log.verify import verify_export
    from gateway.model.text import Bilingual

    try:
        with log.open("rb") as opened:
            verify_export(opened, read_keys(keys), now, (), compromised_keys(keys))
    except NotANote as error:
        return [texts.checkpoint_wrong(Bilingual(str(error), str(error)))]
    except DoesNotFit as wrong:
        problem = wrong.problem
        (vi, en), (there_vi, there_en) = WHAT[problem.what], problem.where()
        return [texts.checkpoint_wrong(Bilingual(f"{vi}, {there_vi}", f"{en}, {there_en}"))]
    return []


def _empty_days(counted: Counted, asked: Asked) -> str:
    """Working days of the period on which the export has nothing at all: where a part was left out."""
    first, last = number_of(asked.first), number_of(asked.last)
    empty = [
        day for day in range(first, last + 1) if asked.days.works(day) and day not in counted.ledger.days
    ]
    named = [f"{asked.first + timedelta(days=day - first):%d/%m/%Y}" for day in empty[:_MOST_DAYS]]
    return ", ".join(named) + (" …" if len(empty) > _MOST_DAYS else "")


def _compare(body: Mapping[str, Any], counts: Counts) -> tuple[list[Cell], int]:
    """Cells that differ, and how many were compared."""
    stated: Mapping[str, Mapping[str, int]] = body["counts"]
    found, compared = [], 0
    for agency in sorted({*stated, *counts.by_agency}):
        theirs, ours = stated.get(agency, {}), counts.by_agency.get(agency, {})
        for name in sorted({*theirs, *ours}):
            compared += 1
            if theirs.get(name, 0) != ours.get(name, 0):
                found.append(Cell(agency, name, theirs.get(name, 0), ours.get(name, 0)))
    rows = [*_recalls(body["recalls"], counts), *_rates(body, counts)]
    found += [cell for cell in rows if cell.report != cell.recount]
    return found, compared + len(rows)


def _recalls(stated: Mapping[str, Any], counts: Counts) -> Iterator[Cell]:
    yield Cell("", "recalls.n", stated.get("n"), len(counts.recall_minutes))
    yield Cell("", "recalls.p50_minutes", stated.get("p50_minutes"), counts.recall_time(50))
    yield Cell("", "recalls.p95_minutes", stated.get("p95_minutes"), counts.recall_time(95))


def _rates(body: Mapping[str, Any], counts: Counts) -> Iterator[Cell]:
    """Printed rates of the whole and of levels. One that does not follow from counts, other than those of
    ``NOT_COUNTED``, differs from nothing at all; so does one that the report keeps to itself."""
    rows = body.get("rates")
    if rows is None:
        return
    ours = rates_of(counts, body.get("agencies", ()))
    scopes = {scope for scope, _ in ours}
    for row in rows:
        own = ours.get((row["scope"], row["key"]))
        if own is None:
            if row["key"] not in NOT_COUNTED or row["scope"] not in scopes:
                yield Cell(row["scope"], row["key"], str(row["text"]), None)
            continue
        stated = (row["numerator"], row["denominator"], str(row["text"]).rstrip("*"), row["small"])
        parts = ("numerator", "denominator", "text", "small")
        for part, theirs, mine in zip(parts, stated, own, strict=True):
            yield Cell(row["scope"], f"{row['key']} {part}", theirs, mine)
    for scope, key in sorted(ours.keys() - {(row["scope"], row["key"]) for row in rows}):
        yield Cell(scope, key, None, ours[scope, key][2])


def _without_count(reasons: Sequence[Reason]) -> Outcome:
    return Outcome(tuple(reasons), (), {}, 0)


__all__ = ["Asked", "Cell", "Counted", "Outcome", "read_log", "recount_period", "recount_report"]
