"""What a reorganisation will do to the exchange, seen before it happens.

In charge of: the lanes that move on a day, and what the agencies that take over still lack: an account, a
connection, a certificate of the agency, a registered signer. Nothing is changed. Not in charge of: the lanes
themselves (``directory/rehearsal.py``), mending anything (``office.py``).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from gateway.clock import local_day
from gateway.directory.load import merge, read_directory, to_directory
from gateway.directory.rehearsal import Lane, Way, lanes
from gateway.directory.snapshot import Directory
from gateway.flow.door import Caller
from gateway.flow.look import SEES_ALL
from gateway.flow.signers import list_signers
from gateway.model.agency import Signer
from gateway.model.text import AgencyCode, Bilingual
from gateway.services import Services
from gateway.store import deliveries
from gateway.store.people import Principal


class Need(enum.Enum):
    """What an agency lacks that takes over."""

    ACCOUNT = "account"  # nobody may send or fetch for it
    CONNECTION = "connection"  # a predecessor is connected by something else than the inbox, it is not
    CERTIFICATE = "certificate"  # no certificate of the agency is registered for the day
    SIGNER = "signer"  # no competent person is registered for the day


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that a successor lacks. ``until``: so long the certificates of a predecessor serve it."""

    need: Need
    agency: AgencyCode
    name: str
    predecessors: tuple[AgencyCode, ...]
    text: Bilingual
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The outcome, as of ``on``."""

    on: date
    lanes: tuple[Lane, ...]
    gaps: tuple[Gap, ...]
    counts: dict[str, int]  # lanes by way, gaps by need


@dataclass(frozen=True, slots=True)
class _Scene:
    """What the gaps are found in: the directory, the accounts and the signer register as of the day."""

    directory: Directory
    principals: tuple[Principal, ...]
    signers: tuple[Signer, ...]
    on: date

    def acts_for(self, principal: Principal, code: AgencyCode) -> bool:
        below = (scope.agency for scope in principal.scopes if not scope.outside)
        return code in principal.agencies or any(
            self.directory.within(code, agency, self.on) for agency in below
        )

    def accounts_of(self, codes: Iterable[AgencyCode]) -> tuple[str, ...]:
        """Names of the accounts that act for one of these agencies."""
        wanted = tuple(codes)
        acting = (p for p in self.principals if p.active and any(self.acts_for(p, c) for c in wanted))
        return tuple(principal.name for principal in acting)

    def has_signer(self, codes: Iterable[AgencyCode], role: str) -> bool:
        """True when a row of that role holds for one of these agencies on the day."""
        wanted = frozenset(codes)
        return any(
            row.agency in wanted and row.role == role and row.period.holds_on(self.on) for row in self.signers
        )


async def rehearse_directory(
    gw: Services, caller: Caller, on: date, text: str = "", format: str = "csv"
) -> Rehearsal:
    """What will be different on ``on``; with ``text``, as if this import file had been imported before."""
    caller.require(*SEES_ALL)
    directory = gw.directory
    if text:
        merged = merge(directory, read_directory(text, format))
        directory = to_directory(merged, directory.level_sets or None, directory.profiles)
    waiting = await gw.store.read(deliveries.waiting_by_recipient)
    found = tuple(
        replace(lane, waiting=waiting.get(lane.code, 0))
        for lane in lanes(directory, on, local_day(gw.clock.now()))
    )
    signers = tuple(await list_signers(gw, caller))
    scene = _Scene(directory, tuple(gw.people.principals), signers, on)
    gaps = tuple(gap for agency, old in _taking_over(found).items() for gap in _gaps(scene, agency, old))
    return Rehearsal(on, found, gaps, _counts(found, gaps))


def _taking_over(found: Iterable[Lane]) -> dict[AgencyCode, tuple[AgencyCode, ...]]:
    """Successor -> the closed codes whose documents may reach it, by code."""
    old: dict[AgencyCode, list[AgencyCode]] = {}
    for lane in found:
        for successor in lane.successors:
            old.setdefault(successor, []).append(lane.code)
    return {agency: tuple(old[agency]) for agency in sorted(old)}


def _gaps(scene: _Scene, agency: AgencyCode, old: tuple[AgencyCode, ...]) -> Iterator[Gap]:
    directory, on = scene.directory, scene.on
    name = directory.name(agency, on)
    if not scene.accounts_of([agency]):
        yield Gap(Need.ACCOUNT, agency, name, old, _no_account(name, agency, scene.accounts_of(old)))
    connected = frozenset(profile.agency for profile in directory.profiles)
    kinds = sorted({directory.profile(code).adapter for code in old if code in connected} - {"inbox"})
    if kinds and directory.profile(agency).agency not in connected:
        yield Gap(Need.CONNECTION, agency, name, old, _no_connection(name, agency, kinds))
    served = {code: until for code in old if (until := directory.signs_for(code, agency, on)) is not None}
    for need, role, words in _ROLES:
        if scene.has_signer([agency], role):
            continue
        lending = [code for code in served if scene.has_signer([code], role)]
        until = max((served[code] for code in lending), default=None)
        yield Gap(need, agency, name, old, _no_signer(name, agency, words, until), until)


def _counts(found: Iterable[Lane], gaps: Iterable[Gap]) -> dict[str, int]:
    counted = dict.fromkeys([*(way.value for way in Way), *(need.value for need in Need)], 0)
    for key in [*(lane.way.value for lane in found), *(gap.need.value for gap in gaps)]:
        counted[key] += 1
    return counted


def _no_account(name: str, agency: AgencyCode, of_old: tuple[str, ...]) -> Bilingual:
    listed = ", ".join(of_old)
    vi = f" Tài khoản của đơn vị cũ: {listed}." if of_old else ""
    en = f" Accounts of its predecessors: {listed}." if of_old else ""
    return Bilingual(
        f"{name} ({agency}) chưa có tài khoản nào để gửi và nhận. Hãy mở tài khoản: gateway agency add.{vi}",
        f"No account acts for {name} ({agency}). Give its system one: gateway agency add.{en}",
    )


def _no_connection(name: str, agency: AgencyCode, kinds: Iterable[str]) -> Bilingual:
    listed = ", ".join(kinds)
    return Bilingual(
        f"{name} ({agency}) chưa được đặt cách kết nối, nên văn bản chờ trong hộp nhận; đơn vị cũ kết nối "
        f"qua {listed}. Hãy đặt kết nối: gateway agency connect.",
        f"{name} ({agency}) has no connection, so documents wait in its inbox; its predecessors are "
        f"connected by {listed}. Set it: gateway agency connect.",
    )


def _no_signer(name: str, agency: AgencyCode, words: Bilingual, until: date | None) -> Bilingual:
    vi = f"{name} ({agency}) chưa đăng ký {words.vi}."
    en = f"{name} ({agency}) has not registered {words.en}."
    if until is None:
        return Bilingual(
            f"{vi} Hãy nạp vào danh sách người ký: gateway signers import.",
            f"{en} Add it to the signer register: gateway signers import.",
        )
    return Bilingual(
        f"{vi} Chứng thư số của đơn vị cũ còn dùng được đến hết ngày {until:%d/%m/%Y}.",
        f"{en} Certificates of a predecessor serve until {until.isoformat()}.",
    )


_ROLES = (
    (
        Need.CERTIFICATE,
        "agency",
        Bilingual("chứng thư số của cơ quan, tổ chức", "a certificate of the agency"),
    ),
    (
        Need.SIGNER,
        "person",
        Bilingual("chứng thư số của người có thẩm quyền", "a certificate of a competent person"),
    ),
)
