"""A partner's agency list, laid beside our directory.

In charge of: reading the list as it streams, mapping its codes, and the import that would make our directory
say the same about agencies that are the partner's side; with ``apply`` that import is done (``office.py``).
Never touched are agencies of our own side: the partner does not tell us who we are. Not in charge of: when.

An agency that the list no longer has is proposed for closing, but a list that suddenly lacks many is believed
to be incomplete, and closes nobody. Where no person looks, only agencies that the list itself calls closed
are closed, and only a few at one time.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from gateway.clock import local_day
from gateway.directory import codes
from gateway.directory.changes import Changes
from gateway.directory.data import DirectoryData
from gateway.directory.snapshot import OTHERS, OUTSIDE, SERVES, Directory
from gateway.flow import record
from gateway.flow.door import Caller
from gateway.flow.office import import_directory
from gateway.flow.peers import settings_of
from gateway.flow.reconcile import collector_of
from gateway.model.agency import Agency, Alias, Period, Profile
from gateway.model.event import EventType
from gateway.model.text import AgencyCode, Bilingual, nfc, readable
from gateway.port import ListedAgency, Unavailable
from gateway.services import Services
from gateway.store import collected, events
from gateway.store.contract import Tx
from gateway.store.people import Role

MOST_CLOSED = 0.05  # of the agencies known beyond the partner; more are missing only from a broken list
MOST_LISTED = 1_000_000  # rows; a list without end must not fill the memory
LISTED = 50  # examples that are shown of what was left aside
_TEST_WORDS = re.compile(r"\b(?:test|demo|thử nghiệm|kiểm thử|dùng thử)\b", re.IGNORECASE)
_TEST_ROOT = re.compile(r"[A-Y][A-Z]\d")  # TT2, JB2: level-1 codes end in two digits (QĐ 20/2020 Đ4)


@dataclass(frozen=True, slots=True)
class Sync:
    """What a list says. ``left_open``: missing from it or called closed by it, and not closed: they are too
    many, or no person looked."""

    partner: AgencyCode
    applied: bool
    listed: int
    changes: Changes
    ours: int  # rows about our own side, not looked at further
    test: int
    repeated: int
    unreadable: tuple[str, ...] = ()  # codes that spell nothing; the first ones
    unreadable_count: int = 0
    left_open: tuple[AgencyCode, ...] = ()


@dataclass(slots=True)
class _List:
    """The list so far. ``rows``: canonical code -> its row; ``refs``: the partner's row id -> code."""

    directory: Directory
    partner: AgencyCode
    listed: int = 0
    ours: int = 0
    repeated: int = 0
    rows: dict[AgencyCode, ListedAgency] = field(default_factory=dict)
    refs: dict[str, AgencyCode] = field(default_factory=dict)
    closed: set[AgencyCode] = field(default_factory=set)
    unreadable: list[str] = field(default_factory=list)

    def take(self, row: ListedAgency) -> None:
        self.listed += 1
        code = self.directory.resolve(row.code) or codes.to_canonical(row.code)
        code = code or self.directory.resolve(row.other_code) or codes.to_canonical(row.other_code)
        if code is None or not row.name or not (row.code + row.other_code).isprintable():
            self.unreadable.append(readable(row.code))
            return
        if row.ref:
            self.refs.setdefault(row.ref, code)
        if self.is_ours(code):
            self.ours += 1
        elif row.closed:
            self.closed.add(code)
        elif code in self.rows:
            self.repeated += 1
        else:
            self.rows[code] = row

    def is_ours(self, code: AgencyCode) -> bool:
        """True for what the directory reaches otherwise than through this partner; for an unknown code its
        nearest known ancestor, by the groups of the code, decides."""
        groups = code.split(".")
        for length in range(len(groups), 0, -1):
            known = self.directory.resolve(".".join(groups[:length]))
            if known == self.partner:
                return length == len(groups)  # its own row stays as it is; who is below it lies beyond
            if known is not None:
                return self.directory.profile(known).agency != self.partner
        return False


async def sync_agencies(
    gw: Services, caller: Caller, partner: str, apply: bool = False, *, unattended: bool = False
) -> Sync:
    """Compare, and with ``apply`` import. ``Unavailable`` when the list cannot be had to its end.

    ``unattended``: no person looks, so a list that lacks agencies closes nobody.
    """
    caller.require(Role.ADMINISTRATOR)
    code, collector = collector_of(gw, partner)
    found = await _read(_List(gw.directory, code), collector.agencies(await settings_of(gw, code)))
    profile = gw.directory.profile(code)
    incoming, left_open = await gw.offload(
        found.listed * 100, _import_of, found, profile, local_day(gw.clock.now()), unattended
    )
    changes = await import_directory(gw, caller, incoming, apply=apply)
    result = Sync(
        partner=code,
        applied=apply,
        listed=found.listed,
        changes=changes,
        ours=found.ours,
        test=sum(agency.test for agency in incoming.agencies),
        repeated=found.repeated,
        unreadable=tuple(found.unreadable[:LISTED]),
        unreadable_count=len(found.unreadable),
        left_open=left_open,
    )
    await _note(gw, caller, result)
    return result


async def _read(into: _List, rows: AsyncIterator[ListedAgency]) -> _List:
    async for row in rows:
        into.take(row)
        if into.listed > MOST_LISTED:
            raise Unavailable("answer.too_large", _TOO_LONG)
    return into


def _import_of(
    found: _List, profile: Profile, today: date, unattended: bool
) -> tuple[DirectoryData, tuple[AgencyCode, ...]]:
    """The import that says what the list says, and only that; and who was left open."""
    top = None if (SERVES, OTHERS) in profile.settings else found.partner
    agencies: list[Agency] = []
    aliases: list[Alias] = []
    taken: set[str] = set()
    parents = _without_circles({code: _parent(found, code, row) for code, row in found.rows.items()})
    for code, row in found.rows.items():
        known = found.directory.agency(code, today)
        wanted = _agency(code, row, parents[code] or top, known)
        extra = _spellings(found, code, row, taken)
        if wanted != known or extra:
            agencies += _all_periods(found.directory, known, wanted)
            aliases += [*found.directory.aliases_of(code), *extra]
    closing, left_open = _closing(found, profile, today, unattended)
    for agency in closing:
        ended = replace(agency, period=Period(agency.period.start, today - timedelta(days=1)))
        agencies += _all_periods(found.directory, agency, ended)
        aliases += found.directory.aliases_of(agency.code)
    named = {agency.code for agency in agencies}
    successions = tuple(step for step in found.directory.successions if step.old in named)
    return DirectoryData(tuple(agencies), tuple(aliases), successions), left_open


def _parent(found: _List, code: AgencyCode, row: ListedAgency) -> AgencyCode | None:
    """Who stands above, where the list names somebody that it has too (or that we know)."""
    if not row.parent or row.parent == row.ref:
        return None
    parent = found.refs.get(row.parent) or found.directory.resolve(row.parent)
    parent = parent or codes.to_canonical(row.parent)
    known = parent in found.rows or (parent is not None and found.directory.resolve(parent) is not None)
    return parent if known and parent != code else None


def _without_circles(
    parents: dict[AgencyCode, AgencyCode | None],
) -> dict[AgencyCode, AgencyCode | None]:
    """The same; who stands above himself in the list stands at the top instead."""
    safe: set[AgencyCode] = set()
    for code in parents:
        path: dict[AgencyCode, None] = {}
        at: AgencyCode | None = code
        while at is not None and at not in safe and at not in path:
            path[at] = None
            at = parents.get(at)
        if at is not None and at in path:
            parents[at] = None
        safe.update(path)
    return parents


def _agency(code: AgencyCode, row: ListedAgency, parent: AgencyCode | None, known: Agency | None) -> Agency:
    """The row as it should be: of a known agency only the name and who stands above it change."""
    name = " ".join(nfc(readable(row.name)).split())
    if known is not None:
        return replace(known, name=name, parent=parent or known.parent)
    test = bool(_TEST_WORDS.search(name)) or bool(_TEST_ROOT.fullmatch(code.split(".")[0]))
    return Agency(code, name, OUTSIDE, parent, Period(), test=test)


def _spellings(found: _List, code: AgencyCode, row: ListedAgency, taken: set[str]) -> list[Alias]:
    """Spellings of the list that lead to the agency neither by themselves nor yet, and to nobody else: no
    code of our own side either, that is still to be given out. ``taken`` grows by them."""
    new = []
    for text in (row.code, row.other_code):
        spelled = codes.normal(text)
        reading = codes.to_canonical(spelled)
        known = reading == code or reading in found.rows or found.directory.resolve(spelled) is not None
        known = known or (reading is not None and found.is_ours(reading))
        if spelled and not known and spelled not in taken:
            taken.add(spelled)
            new.append(Alias(text, code, codes.scheme_of(text)))
    return new


def _all_periods(directory: Directory, known: Agency | None, wanted: Agency) -> list[Agency]:
    """An import replaces every period of an agency: the others go along as they are."""
    others = [row for row in directory.periods_of(wanted.code) if row != known]
    return [*others, wanted]


def _closing(
    found: _List, profile: Profile, today: date, unattended: bool
) -> tuple[list[Agency], tuple[AgencyCode, ...]]:
    """Agencies beyond the partner that the list lacks, or calls closed; and who of them stays open."""
    beyond = [
        agency
        for agency in found.directory.all(today)
        if agency.code != found.partner and found.directory.profile(agency.code).agency == profile.agency
    ]
    missing = [agency for agency in beyond if agency.code not in found.rows]
    certain = [agency for agency in missing if agency.code in found.closed]
    lost = [agency for agency in missing if agency.code not in found.closed]
    most = max(1, MOST_CLOSED * len(beyond))
    closing = [
        *(certain if len(certain) <= most or not unattended else ()),
        *(lost if len(lost) <= most and not unattended else ()),
    ]
    ended = {agency.code for agency in closing}
    return closing, tuple(agency.code for agency in missing if agency.code not in ended)


async def _note(gw: Services, caller: Caller, result: Sync) -> None:
    """When it was compared; that nothing was applied is an event of its own, the import has one."""
    at = gw.clock.now()
    counts: Mapping[str, Any] = {
        "partner": result.partner,
        "listed": result.listed,
        "added": len(result.changes.added),
        "changed": len(result.changes.changed),
        "closed": len(result.changes.closed),
        "left_open": len(result.left_open),
        "unreadable": result.unreadable_count,
    }
    compared = record.event(gw, EventType.DIRECTORY_COMPARED, caller.principal, at, facts=counts)

    def unit(tx: Tx) -> None:
        collected.compared(tx, result.partner, at)
        if not result.applied:
            events.record(tx, compared)

    await gw.store.write(unit)


_TOO_LONG = Bilingual(
    "Danh sách cơ quan của trục dài bất thường nên không được đọc tiếp.",
    "The partner's agency list has no reasonable end, so it is read no further.",
)
