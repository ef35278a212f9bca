"""Reading the directory for people: the tree on a day, finding an agency, everything about one.

In charge of: views for those who keep the exchange running, and for auditors. Nothing here changes anything.
Not in charge of: changes (``office.py``), lanes (``look_queue.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from gateway.directory.snapshot import Directory, Standing
from gateway.errors import NotFound
from gateway.flow import authority, certificates, look_queue, policies, signers
from gateway.flow.certificates import CertificateLine
from gateway.flow.door import Caller
from gateway.flow.look import SEES_ALL
from gateway.flow.look_queue import AgeRow
from gateway.flow.policies import Listed
from gateway.flow.terms import folded
from gateway.model.agency import Agency, Alias, Profile, Signer, Succession
from gateway.model.authority import Authority
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.services import Services
from gateway.store import presence, registry
from gateway.store.contract import Tx
from gateway.store.partners import PartnerCredential
from gateway.store.people import Credential, Principal, Role

ROWS = 100  # agencies of one page or one branch
FOUND = 50
CALLS = 5_000  # newest calls among which the last one of each system is looked for
_ENOUGH = 200  # rows of one list on an agency's page


@dataclass(frozen=True, slots=True)
class Node:
    """One agency on a day. ``below``: how many stand directly below it; ``closed``: not in force that day."""

    code: AgencyCode
    name: str
    level: str
    below: int
    adapter: str
    test: bool = False
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Branch:
    """Agencies of one place in the tree, by code; ``after`` is where the next page begins, or empty."""

    nodes: tuple[Node, ...]
    after: str = ""


@dataclass(frozen=True, slots=True)
class System:
    """What acts for an agency. ``seen_at``: when it last came, as far as ``SystemList.looked_to`` tells."""

    principal: Principal
    own: bool  # it names this agency; else a scope of it reaches here
    credentials: tuple[Credential, ...]
    partner: tuple[PartnerCredential, ...]
    seen_at: Instant | None


@dataclass(frozen=True, slots=True)
class SystemList:
    """The systems of an agency. ``looked_to``: calls before this instant were not looked at."""

    systems: tuple[System, ...]
    looked_to: Instant | None


@dataclass(frozen=True, slots=True)
class AgencyView:
    """Everything about one agency, as of ``on``."""

    code: AgencyCode
    on: date
    rows: tuple[Agency, ...]
    level: str
    path: tuple[Node, ...]  # who stands above, highest first
    standing: Standing
    aliases: tuple[Alias, ...]
    gave_way: tuple[Succession, ...]
    came_from: tuple[Succession, ...]
    below: Branch
    profile: Profile
    own_profile: bool
    has_secret: bool
    queue: tuple[AgeRow, ...]
    last_sent: Instant | None
    last_taken: Instant | None
    people: SystemList
    signers: tuple[Signer, ...]
    authority: tuple[Authority, ...]
    certificates: tuple[CertificateLine, ...]
    policies: tuple[Listed, ...]


async def tree(
    gw: Services, caller: Caller, on: date, under: AgencyCode | None = None, after: str = ""
) -> Branch:
    """Who stands directly below an agency on a day; without one, who stands at the top."""
    caller.require(*SEES_ALL)
    directory = gw.directory
    if under is not None:
        rows: Sequence[Agency] = directory.children(under, on)
    else:
        size = 100 * len(directory.agencies)
        rows = await gw.offload(size, _roots, _Same(directory), on)
    rest = [row for row in rows if row.code > after]
    nodes = tuple(_node(directory, row, on) for row in rest[:ROWS])
    return Branch(nodes, rest[ROWS - 1].code if len(rest) > ROWS else "")


async def find(gw: Services, caller: Caller, text: str, on: date) -> list[Node]:
    """Agencies that a code in any form, or words of a name of any time, mean; at most ``FOUND``."""
    caller.require(*SEES_ALL)
    directory = gw.directory
    exact, words = directory.resolve(text), folded(text).split()
    size = 100 * len(directory.agencies)
    names = await gw.offload(size, _names, _Same(directory)) if words else ()
    codes = {code for name, code in names if all(word in name for word in words)}
    rows = [row for code in codes if (row := _row(directory, code, on)) is not None]
    rows.sort(key=lambda row: (row.code != exact, not row.period.holds_on(on), len(row.name), row.code))
    if exact is not None and exact not in codes and (row := _row(directory, exact, on)) is not None:
        rows.insert(0, row)
    return [_node(directory, row, on) for row in rows[:FOUND]]


async def agency(gw: Services, caller: Caller, code: AgencyCode, on: date) -> AgencyView:
    """One agency; ``NotFound`` when the directory has none of that code."""
    caller.require(*SEES_ALL)
    directory = gw.directory
    rows = directory.periods_of(code)
    if not rows:
        raise NotFound(_unknown(code), code="agency.unknown")
    profile = directory.profile(code)
    lane = await look_queue.ages(gw, caller, profile.agency)
    last_sent, last_taken, has_secret = await gw.store.read(lambda tx: _last(tx, code, profile))
    listed = await policies.list_policies(gw, caller)
    ending = await certificates.list_certificates(gw, caller)
    return AgencyView(
        code=code,
        on=on,
        rows=rows,
        level=directory.level(code, on),
        path=_path(directory, code, on),
        standing=directory.standing(code, on, by=code),
        aliases=directory.aliases_of(code),
        gave_way=tuple(step for step in directory.successions if step.old == code),
        came_from=tuple(step for step in directory.successions if step.new == code),
        below=await tree(gw, caller, on, code),
        profile=profile,
        own_profile=profile in directory.profiles and profile.agency == code,
        has_secret=has_secret,
        queue=tuple(lane),
        last_sent=last_sent,
        last_taken=last_taken,
        people=await systems(gw, caller, code),
        signers=tuple(await signers.list_signers(gw, caller, code))[:_ENOUGH],
        authority=tuple(await authority.list_authority(gw, caller, code))[:_ENOUGH],
        certificates=tuple(one for one in ending if one.used_by == code)[:_ENOUGH],
        policies=tuple(one for one in listed if one.policy.agency in ("", code)),
    )


async def systems(gw: Services, caller: Caller, code: AgencyCode) -> SystemList:
    """What acts for an agency: its own systems first, then those whose scope reaches it."""
    caller.require(*SEES_ALL)
    acting = [
        one
        for one in gw.people.principals
        if one.role in (Role.SYSTEM, Role.CLERK) and code in gw.agencies_of(one)
    ]
    seen, looked_to = await gw.store.read(lambda tx: presence.calls(tx, CALLS))
    found = [
        System(
            one,
            code in one.agencies,
            tuple(c for c in gw.people.credentials if c.principal == one.id),
            tuple(c for c in gw.people.partner_credentials if c.principal == one.id),
            _latest(gw.attendance.last_seen(one.id), seen.get(one.id)),
        )
        for one in acting
    ]
    return SystemList(tuple(sorted(found, key=lambda one: (not one.own, one.principal.name))), looked_to)


def _latest(*instants: Instant | None) -> Instant | None:
    return max((one for one in instants if one is not None), default=None)


def _last(tx: Tx, code: AgencyCode, profile: Profile) -> tuple[Instant | None, Instant | None, bool]:
    sealed = registry.sealed_secret(tx, profile.agency)
    return presence.last_sent(tx, code), presence.last_taken(tx, profile.agency), sealed is not None


def _path(directory: Directory, code: AgencyCode, on: date) -> tuple[Node, ...]:
    above: list[Node] = []
    row = _row(directory, code, on)
    while row is not None and row.parent is not None:
        row = _row(directory, row.parent, on)
        if row is not None:
            above.append(_node(directory, row, on))
    return tuple(reversed(above))


def _row(directory: Directory, code: AgencyCode, on: date) -> Agency | None:
    """The row of the day, else the last one that had begun, else the first."""
    rows = directory.periods_of(code)
    begun = [row for row in rows if row.period.start is None or row.period.start <= on]
    return directory.agency(code, on) or (begun[-1] if begun else rows[0] if rows else None)


def _node(directory: Directory, row: Agency, on: date) -> Node:
    return Node(
        row.code,
        row.name,
        directory.level(row.code, on) or row.level,
        len(directory.children(row.code, on)),
        directory.profile(row.code).adapter,
        row.test,
        not row.period.holds_on(on),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Same:
    """A directory as a key of a cache: the same object, not one that looks alike."""

    directory: Directory

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.directory is self.directory

    def __hash__(self) -> int:
        return id(self.directory)


@lru_cache(maxsize=2)
def _roots(key: _Same, on: date) -> tuple[Agency, ...]:
    rows = key.directory.all(on)
    known = {row.code for row in rows}
    return tuple(row for row in rows if row.parent is None or row.parent not in known)


@lru_cache(maxsize=2)
def _names(key: _Same) -> tuple[tuple[str, AgencyCode], ...]:
    """Every name of any time and every spelling, folded, with whose it is."""
    directory = key.directory
    named: Iterable[tuple[str, AgencyCode]] = (
        (f"{folded(row.name)} {row.code.casefold()}", row.code) for row in directory.agencies
    )
    spelled = ((alias.alias.casefold(), alias.code) for alias in directory.aliases)
    return (*dict.fromkeys(named), *dict.fromkeys(spelled))


def _unknown(code: str) -> Bilingual:
    return Bilingual(
        f"Danh mục không có đơn vị mang mã {code}.", f"The directory does not know the agency {code}."
    )
