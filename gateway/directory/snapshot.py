"""The directory as it stands: immutable, indexed, asked by everybody.

In charge of: answering who an identifier means, and what an agency is on a day: its name, level, parent,
standing, successors, and how it is connected. Lookups are one or two dictionary steps. Not in charge of:
reading files (``load.py``), deciding hops (``route.py``), storing rows (``store/``).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from gateway.directory import codes
from gateway.directory.data import grouped
from gateway.directory.succession import final, find_cycle, parents_graph, serving, successions_graph
from gateway.model.agency import Agency, Alias, LevelSet, Profile, Succession
from gateway.model.text import AgencyCode, nfc

OUTSIDE = "outside"  # a level word that belongs to no level set: ministries, enterprises
SERVES = "serves"  # profile setting; SUBTREE: the agencies below without a profile of their own use it too
SUBTREE = "subtree"
OTHERS = "others"  # all agencies that are neither connected nor, by the setting ``ours``, of our own side
OURS = "ours"  # profile setting with OTHERS: the root agencies of our side, comma-separated
CODES = "codes"  # profile setting: the form of agency codes that the partner wants
AS_RECEIVED = "as_received"
CODE_FORMS = (AS_RECEIVED, "qcvn102", "qd20", "vxp")
EACH = "each"  # every agency below has an inbox of its own here, whatever serves a wider subtree


class StandingKind(enum.Enum):
    """Whether an agency can be addressed on a day."""

    ACTIVE = "active"
    CLOSED = "closed"  # look at the successors
    NOT_YET = "not_yet"  # known, but its first period begins later
    UNKNOWN = "unknown"
    TEST = "test"  # a test code: real traffic must not address it


@dataclass(frozen=True, slots=True)
class Standing:
    """``successors``: only when closed; the final ones, active on the day asked for."""

    kind: StandingKind
    successors: tuple[AgencyCode, ...] = ()


@dataclass(frozen=True, slots=True)
class Directory:
    """All agencies, aliases, successions, level sets and profiles at one moment.

    One code may have several ``Agency`` rows, one for each period. ``ValueError`` when one alias spells two
    codes, or when successions or parents run in a circle: ``load.read_directory`` says the same with a line.
    """

    agencies: tuple[Agency, ...] = ()
    aliases: tuple[Alias, ...] = ()
    successions: tuple[Succession, ...] = ()
    level_sets: tuple[LevelSet, ...] = ()
    profiles: tuple[Profile, ...] = ()
    _rows: Mapping[AgencyCode, tuple[Agency, ...]] = field(init=False, repr=False, compare=False)
    _spelled: Mapping[str, AgencyCode] = field(init=False, repr=False, compare=False)
    _written: Mapping[AgencyCode, tuple[Alias, ...]] = field(init=False, repr=False, compare=False)
    _by_old: Mapping[AgencyCode, tuple[Succession, ...]] = field(init=False, repr=False, compare=False)
    _below: Mapping[AgencyCode, tuple[AgencyCode, ...]] = field(init=False, repr=False, compare=False)
    _connected: Mapping[AgencyCode, Profile] = field(init=False, repr=False, compare=False)
    _others: Profile | None = field(init=False, repr=False, compare=False)
    _ours: frozenset[AgencyCode] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _refuse_circles(self.agencies, self.successions)
        rows = _rows_by_code(self.agencies)
        index = object.__setattr__  # a frozen value fills its own indexes once, here
        index(self, "_rows", rows)
        index(self, "_spelled", _spellings(self.aliases, rows))
        index(self, "_written", grouped(self.aliases, lambda alias: alias.code))
        index(self, "_by_old", grouped(self.successions, lambda row: row.old))
        index(self, "_below", _children(self.agencies))
        index(self, "_connected", {profile.agency: profile for profile in self.profiles})
        others = next((one for one in self.profiles if (SERVES, OTHERS) in one.settings), None)
        index(self, "_others", others)
        roots = dict(others.settings).get(OURS, "") if others else ""
        index(self, "_ours", frozenset(AgencyCode(self.canonical(text)) for text in roots.split(",")))

    # -- which agency does this text mean?

    def resolve(self, text: str) -> AgencyCode | None:
        """The known agency that ``text`` spells: by an alias of any date, or in either identifier scheme."""
        spelled = codes.normal(text)
        code = self._spelled.get(spelled) or codes.to_canonical(spelled)
        return code if code in self._rows else None

    def canonical(self, text: str) -> str:
        """A stable spelling for digests and keys, of known and unknown identifiers alike."""
        return self.resolve(text) or codes.to_canonical(text) or nfc(text).strip()

    # -- what is it, on a day?

    def agency(self, code: AgencyCode, on: date) -> Agency | None:
        """The row whose period holds on ``on``."""
        return next((row for row in self._rows.get(code, ()) if row.period.holds_on(on)), None)

    def periods_of(self, code: AgencyCode) -> tuple[Agency, ...]:
        """Every row of the code, earliest period first."""
        return self._rows.get(code, ())

    def name(self, code: AgencyCode, on: date) -> str:
        """Its name on the day, or the one nearest before (else after) when it was not active; "" unknown."""
        row = self._nearest(code, on)
        return row.name if row else ""

    def level(self, code: AgencyCode, on: date) -> str:
        """Its tier on the day; "" when unknown, or when the level set in force has no such tier."""
        row = self._nearest(code, on)
        if row is None:
            return ""
        in_force = self.levels(on)
        return row.level if not in_force or row.level in in_force or row.level == OUTSIDE else ""

    def levels(self, on: date) -> tuple[str, ...]:
        """The tiers in force, highest first; empty when no level set covers the day."""
        return next((s.levels for s in self.level_sets if s.period.holds_on(on)), ())

    def is_test(self, code: AgencyCode | None) -> bool:
        """True for a code that only tests use."""
        return any(row.test for row in self._rows.get(code, ())) if code else False

    def standing(self, code: AgencyCode, on: date, *, by: AgencyCode | None = None) -> Standing:
        """Whether the code can be addressed on the day, and who stands in for it when it is closed.

        ``by`` is who addresses it: test codes may address each other.
        """
        rows = self._rows.get(code)
        if not rows:
            return Standing(StandingKind.UNKNOWN)
        if self.is_test(code) and not self.is_test(by):
            return Standing(StandingKind.TEST)
        if self._active(code, on):
            return Standing(StandingKind.ACTIVE)
        if all(row.period.start is not None and row.period.start > on for row in rows):
            return Standing(StandingKind.NOT_YET)
        return Standing(StandingKind.CLOSED, self.final_successors(code, on))

    def last_day(self, code: AgencyCode, on: date) -> date | None:
        """The end of its last period before the day; ``None``: unknown, or it is not closed."""
        ends = [row.period.end for row in self._rows.get(code, ()) if row.period.end is not None]
        return max((end for end in ends if end < on), default=None)

    def final_successors(self, code: AgencyCode, on: date) -> tuple[AgencyCode, ...]:
        """Who stands in for ``code`` on the day, at the end of all chains; itself while it is active."""
        return final(code, on, self._by_old, lambda at: self._active(at, on))

    def signs_for(self, signer: AgencyCode, sender: AgencyCode, on: date) -> date | None:
        """The last day on which certificates of ``signer`` serve ``sender``; ``None``: on ``on`` they do not.

        An agency's own serve it always (``date.max``). A predecessor's serve as long as every succession
        between the two says so.
        """
        return serving(signer, sender, on, self._by_old)

    # -- where does it stand?

    def within(self, code: AgencyCode, ancestor: AgencyCode, on: date) -> bool:
        """True when ``ancestor`` is ``code`` or stands above it, by the parents of that day."""
        at: AgencyCode | None = code
        while at is not None:
            if at == ancestor:
                return True
            row = self._nearest(at, on)
            at = row.parent if row else None
        return False

    def reach(self, code: AgencyCode, on: date, *, outside: bool = False) -> frozenset[AgencyCode]:
        """``code`` and everything below it, by the parents of that day; with ``outside`` all others."""
        found, waiting = {code}, [code]
        while waiting:
            for below in self._below.get(waiting.pop(), ()):
                row = self._nearest(below, on)
                if below not in found and row is not None and row.parent in found:
                    found.add(below)
                    waiting.append(below)
        return frozenset(self._rows.keys() - found) if outside else frozenset(found)

    def children(self, code: AgencyCode, on: date) -> tuple[Agency, ...]:
        """The agencies directly below on the day, by code."""
        rows = (self.agency(below, on) for below in sorted(self._below.get(code, ())))
        return tuple(row for row in rows if row is not None and row.parent == code)

    def all(self, on: date) -> tuple[Agency, ...]:
        """Every agency active on the day, by code; test codes too (their ``test`` is true)."""
        return tuple(row for code in sorted(self._rows) if (row := self.agency(code, on)) is not None)

    # -- how is it written and reached?

    def written_form(self, code: AgencyCode, scheme: str, on: date) -> str:
        """The spelling to put into a message for a partner that uses ``scheme`` (qcvn102, qd20, vxp, other).

        A dated alias of the scheme decides; the latest wins. With aliases of the scheme but none for the day,
        the canonical code; without any, the computed old form for ``qcvn102`` where the code has one.
        """
        known = [alias for alias in self._written.get(code, ()) if alias.scheme == scheme]
        held = [alias for alias in known if alias.period.holds_on(on)]
        if held:
            return max(held, key=lambda alias: alias.period.start or date.min).alias
        if known or scheme != "qcvn102":
            return code
        return codes.to_qcvn102(code) or code

    def preferred_codes(self, code: AgencyCode) -> str:
        """In which of ``CODE_FORMS`` the software of an agency wants the codes in what it is sent."""
        return dict(self.profile(code).settings).get(CODES) or AS_RECEIVED

    def aliases_of(self, code: AgencyCode) -> tuple[Alias, ...]:
        """Every recorded alias, for screens and exports."""
        return self._written.get(code, ())

    @property
    def others(self) -> Profile | None:
        """The connection that serves everybody who is neither connected nor of our side."""
        return self._others

    def profile(self, code: AgencyCode) -> Profile:
        """How it is connected: its own profile, else that of the nearest agency above whose profile serves
        its subtree; else the one that serves all others, if the agency is not of our side; else the inbox
        here. ``Profile.agency`` is whose connection it is. A profile that serves ``each`` ends the search:
        whoever is below has an inbox of its own."""
        own = self._connected.get(code)
        if own is not None:
            return own
        rows = self._rows.get(code, ())
        ours = code in self._ours
        above = rows[-1].parent if rows else None
        while above is not None:
            ours = ours or above in self._ours
            profile = self._connected.get(above)
            served = profile.settings if profile is not None else ()
            if profile is not None and (SERVES, SUBTREE) in served:
                return profile
            if (SERVES, EACH) in served:
                return Profile(agency=code)
            rows = self._rows.get(above, ())
            above = rows[-1].parent if rows else None
        return Profile(agency=code) if ours or self._others is None else self._others

    # -- inside

    def _active(self, code: AgencyCode, on: date) -> bool:
        return self.agency(code, on) is not None

    def _nearest(self, code: AgencyCode, on: date) -> Agency | None:
        """The row of the day, else the last one that had begun, else the first of all."""
        rows = self._rows.get(code, ())
        begun = [row for row in rows if row.period.start is None or row.period.start <= on]
        return self.agency(code, on) or (begun[-1] if begun else rows[0] if rows else None)


def _refuse_circles(agencies: Iterable[Agency], successions: Iterable[Succession]) -> None:
    graphs = {"successions": successions_graph(successions), "parents": parents_graph(agencies)}
    for name, graph in graphs.items():
        if cycle := find_cycle(graph):
            raise ValueError(f"{name} run in a circle: {' -> '.join(cycle)}")


def _rows_by_code(agencies: Iterable[Agency]) -> dict[AgencyCode, tuple[Agency, ...]]:
    """Rows of one code together, earliest period first."""
    by_code = grouped(agencies, lambda row: row.code)
    for code, rows in by_code.items():
        if len(rows) > 1:
            by_code[code] = tuple(sorted(rows, key=lambda row: row.period.start or date.min))
    return by_code


def _children(agencies: Iterable[Agency]) -> dict[AgencyCode, tuple[AgencyCode, ...]]:
    below: dict[AgencyCode, dict[AgencyCode, None]] = {}  # a dict keeps each child once
    for row in agencies:
        if row.parent is not None:
            below.setdefault(row.parent, {})[row.code] = None
    return {code: tuple(kids) for code, kids in below.items()}


def _spellings(aliases: Iterable[Alias], known: Mapping[AgencyCode, object]) -> dict[str, AgencyCode]:
    spelled: dict[str, AgencyCode] = {}
    for alias in aliases:
        text = codes.normal(alias.alias)
        reading = codes.to_canonical(text)
        owner = spelled.setdefault(text, alias.code)
        if reading is not None and reading != alias.code and reading in known:
            owner = reading
        if owner != alias.code:
            raise ValueError(f"alias {alias.alias} spells both {owner} and {alias.code}")
    return spelled
