"""The bundle that a flow is handed.

In charge of: naming what a flow may use, and keeping the in-memory snapshots (directory, principals, signers,
policies) as fresh as their revision in the store. Not in charge of: making any of it (``app.py``) or deciding
anything.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from gateway.calendar_data import shipped_calendar
from gateway.checks import secrecy_table
from gateway.checks.authority import AuthorityList
from gateway.clock import Clock, local_day, new_id
from gateway.config import CHECKPOINTS, Config
from gateway.directory.snapshot import Directory
from gateway.exchange_log.sequence import Sequencer
from gateway.metrics import Metrics
from gateway.model.attendance import Attendance
from gateway.model.calendar import Calendar
from gateway.model.node import Fleet
from gateway.model.policy import Policy
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.signature.in_use import CertificatesInUse
from gateway.signature.keyring import LOG, Keyring
from gateway.signature.register import SignerRegister
from gateway.signature.revocation import Unusable
from gateway.signature.revocation_cache import Place, RevocationCache
from gateway.signature.trust import TrustStore
from gateway.signature.verify import Trust
from gateway.signature.workers import PdfWorkers
from gateway.store import authority, calendars, certificates, nodes, policies, registry
from gateway.store.blobs import Blobs
from gateway.store.contract import Store
from gateway.store.people import PRINCIPALS, People, Principal, read
from gateway.store.proofs import KnownProofs
from gateway.store.revocation import REVOCATION, Source, all_sources, evidence
from gateway.store.second_copy import SecondCopies

if TYPE_CHECKING:
    from gateway.net import Net  # it needs aiohttp too
    from gateway.port import Collector, Tracer  # it needs aiohttp, which ``gateway check`` does without

Operation = Callable[..., Awaitable[Any]]  # called with the services, the caller and named arguments
P = ParamSpec("P")
T = TypeVar("T")

# What nodes call to each other: what you have in memory is old; there is more to deliver than I can carry.
CHANGED, WORK = "changed", "work"
# Work on fewer bytes than this is done at once: a hop to a thread costs more than the work.
OFFLOAD_FROM_BYTES = 65_536


class Bell:
    """Rung after a commit that made work. A lost ring costs the worker's own timer, not a document."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake whoever waits."""
        self._event.set()

    async def wait(self, seconds: float) -> None:
        """Return when the bell rang since the last wait, or after ``seconds``."""
        try:
            await asyncio.wait_for(self._event.wait(), seconds)
        except TimeoutError:
            return
        finally:
            self._event.clear()


@dataclass(slots=True)
class Calls:
    """Words that the other nodes are to hear; said together, a moment later."""

    words: set[str] = field(default_factory=set)
    bell: Bell = field(default_factory=Bell)


@dataclass(slots=True)
class Lesson:
    """One call of a system that a connection test turns away for some seconds. Instants are UTC microseconds.

    ``early`` counts calls that came again before the time was over.
    """

    principal: str
    call: str  # send or done
    seconds: int
    taught_at: Instant
    struck_at: Instant | None = None
    passed_at: Instant | None = None
    early: int = 0


class Lessons:
    """What connection tests (``gateway conform``) have set up. Of this process alone: where several nodes run
    nothing is set up (``flow/conform.py``)."""

    def __init__(self) -> None:
        self._lessons: dict[tuple[str, str], Lesson] = {}

    def teach(self, lesson: Lesson) -> None:
        """Turn away the principal's next call of that sort; an older lesson about it ends."""
        self._lessons[lesson.principal, lesson.call] = lesson

    def of(self, principal: str) -> list[Lesson]:
        """What was set up for a principal, and how it went."""
        return [lesson for lesson in self._lessons.values() if lesson.principal == principal]

    def seconds_left(self, principal: str, call: str, now: Instant) -> int:
        """For how long this call has to wait; 0: it may go on."""
        lesson = self._lessons.get((principal, call))
        if lesson is None or lesson.passed_at is not None:
            return 0
        if lesson.struck_at is None:
            lesson.struck_at = now
            return lesson.seconds
        left = lesson.struck_at + lesson.seconds * 1_000_000 - now
        if left > 0:
            lesson.early += 1
            return -(-left // 1_000_000)
        lesson.passed_at = now
        return 0


def identity_of(keyring: Keyring) -> str:
    """Which installation has these keys; empty before its first log."""
    keys = keyring.note_keys(LOG)
    return hashlib.sha256(keys[-1]).hexdigest() if keys else ""


def _no_way_out() -> Net:
    from gateway.net import Net

    return Net("", 30)


async def _nowhere(url: str) -> int:
    raise OSError(f"nothing to reach {url} with")


async def _nothing() -> None:
    """There is nothing to let go of."""


@dataclass(slots=True)
class Services:
    """What flows work with. ``kinds`` maps an adapter kind to True when the recipient pulls."""

    config: Config
    clock: Clock
    store: Store
    blobs: Blobs
    keyring: Keyring
    trust_store: TrustStore
    kinds: Mapping[str, bool]
    connection_problems: Callable[[str, Mapping[str, str]], list[Bilingual]] = lambda kind, settings: []
    metrics: Metrics = field(default_factory=Metrics)
    bell: Bell = field(default_factory=Bell)
    directory: Directory = field(default_factory=Directory)
    signers: SignerRegister = field(default_factory=lambda: SignerRegister(()))
    people: People = field(default_factory=lambda: People((), ()))
    policies: tuple[Policy, ...] = ()
    lists: AuthorityList = field(default_factory=AuthorityList)  # of authorised signers
    calendar: Calendar = field(default_factory=shipped_calendar)  # working days, the version in force
    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2, "offload"))
    disk_threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(8, "disk"))
    certificates_in_use: CertificatesInUse = field(default_factory=CertificatesInUse)
    revocation: RevocationCache = field(default_factory=RevocationCache)
    known_proofs: KnownProofs = field(default_factory=KnownProofs)
    lessons: Lessons = field(default_factory=Lessons)
    fleet: Fleet = field(default_factory=Fleet)  # this node among others
    calls: Calls = field(default_factory=Calls)  # to other nodes
    attendance: Attendance = field(default_factory=Attendance)  # who came, not written down yet
    pdf_workers: PdfWorkers = field(default_factory=PdfWorkers)  # processes begin with the first file
    partner_bells: dict[AgencyCode, Bell] = field(default_factory=dict)  # rung: look at that partner now
    collectors: Mapping[str, Collector] = field(default_factory=dict)  # kinds whose partner keeps messages
    net: Net = field(default_factory=_no_way_out)  # calls of flows: the identity provider
    reach: Callable[[str], Awaitable[int]] = field(default=_nowhere)  # HTTP status of an address, for a test
    log_folder: Path | None = None  # where published checkpoints lie
    reports_folder: Path | None = None  # where frozen reports lie, beside the rows
    archive_folder: Path | None = None  # where months lie that were taken out of the database
    tracers: Mapping[str, Tracer] = field(default_factory=dict)  # kinds whose partner can be asked
    hang_up: Callable[[], Awaitable[None]] = field(default=_nothing)  # connections of the collectors
    operations: Mapping[str, Operation] = field(default_factory=dict)  # of rooms above the flows: figures
    _revisions: dict[str, int] = field(default_factory=dict)
    _sequencer: Sequencer | None = None
    _second: SecondCopies | None = None
    _reach: dict[tuple[str, date], frozenset[AgencyCode]] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """Which installation this is, whatever its database or bucket: the hash of the key of its log."""
        return identity_of(self.keyring)

    @property
    def trust(self) -> Trust:
        """Anchors, signer register and rule sets as of now."""
        return Trust(self.trust_store, self.signers)

    @property
    def rule_set(self) -> str:
        """What a decision rests on: the rules for signatures and the table of secrecy marks, by version."""
        return self.rule_set_at(self.clock.now())

    def rule_set_at(self, received: Instant) -> str:
        """The same for a message that was received then."""
        return f"{self.trust.rule_set_at(received)}+secrecy-{secrecy_table.VERSION}"

    def new_id(self) -> str:
        """A UUIDv7 for now."""
        return new_id(self.clock.now())

    def agencies_of(self, principal: Principal) -> frozenset[AgencyCode]:
        """Every agency that a principal acts for today, scopes spelled out."""
        if not principal.scopes:
            return principal.agencies
        today = local_day(self.clock.now())
        reach = self._reach.get((principal.id, today))
        if reach is None:
            below = [
                self.directory.reach(scope.agency, today, outside=scope.outside) for scope in principal.scopes
            ]
            reach = self._reach[principal.id, today] = principal.agencies.union(*below)
        return reach

    @property
    def sequencer(self) -> Sequencer:
        """The steps of the exchange log; one for the process, so that its own calls wait for each other."""
        if self._sequencer is None:
            folders = (self.log_folder, self.second_log_folder)
            self._sequencer = Sequencer(self.store, self.keyring, self.clock, *folders)
        return self._sequencer

    @property
    def second_log_folder(self) -> Path | None:
        """Where the newest checkpoint lies once more, on another disk."""
        second = self.config.durability.second_copy
        return Path(second) / CHECKPOINTS if second else None

    @property
    def second(self) -> SecondCopies | None:
        """The second disk; ``None``: there is one disk."""
        if self._second is None and self.config.durability.second_copy:
            self._second = SecondCopies(Path(self.config.durability.second_copy))
        return self._second

    async def offload(self, size: int, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run CPU work on ``size`` bytes: at once when small, else on a thread, to keep the loop free."""
        if size < OFFLOAD_FROM_BYTES:
            return function(*args, **kwargs)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads, lambda: function(*args, **kwargs))

    def ring_for(self, agencies: Iterable[AgencyCode]) -> None:
        """Wake the worker if one of them is pushed to: what waits in an inbox is no work for it."""
        if any(not self.kinds.get(self.directory.profile(code).adapter, True) for code in agencies):
            self.bell.ring()

    async def on_disk(self, size: int, function: Callable[[], T]) -> T:
        """Run work that waits for the disk; ``size`` bytes that stay in the row wait for nothing."""
        if size <= self.blobs.inline_limit:
            return function()
        return await asyncio.get_running_loop().run_in_executor(self.disk_threads, function)

    def call(self, word: str) -> None:
        """Call a word to the other nodes, soon (``delivery/wakes.py``); nothing may rest on it."""
        if self.store.shared:
            self.calls.words.add(word)
            self.calls.bell.ring()

    async def tell_nodes(self) -> None:
        """Say what there is to call; others have timers for what cannot be said."""
        words, self.calls.words = self.calls.words, set()
        ours = self.fleet.me.id if self.fleet.me else ""
        for word in sorted(words):
            await self.store.write(partial(nodes.call, word=f"{word} {ours}"))

    async def refresh(self, *, tell: bool = True) -> None:
        """Read again whatever changed in the store since the last time. Whoever made the change has the other
        nodes told; who only looks (``tell=False``) does not."""
        found = await self.store.read(registry.revisions)
        changed = {name for name, number in found.items() if self._revisions.get(name) != number}
        if changed and tell and self._revisions:
            self.call(CHANGED)
        if registry.DIRECTORY in changed:
            data = await self.store.read(registry.read)
            self.directory = await self.offload(
                100 * len(data.agencies),
                Directory,
                data.agencies,
                data.aliases,
                data.successions,
                data.level_sets,
                data.profiles,
            )
        if registry.SIGNERS in changed:
            self.signers = SignerRegister(await self.store.read(registry.read_signers))
        if PRINCIPALS in changed:
            self.people = People(*await self.store.read(read))
        if policies.POLICIES in changed:
            self.policies = await self.store.read(policies.read)
        if authority.AUTHORITY in changed:
            self.lists = AuthorityList(await self.store.read(authority.read))
        if calendars.CALENDARS in changed:
            self.calendar = await self.store.read(lambda tx: calendars.in_force(tx, self.clock.now()))
        if REVOCATION in changed:
            await self._load_revocation()
        if changed & {registry.DIRECTORY, PRINCIPALS}:
            self._reach.clear()
        self._revisions = found

    async def _load_revocation(self) -> None:
        """Take in the answers and problems that another node, or this one before its restart, wrote down."""
        sources = await self.store.read(all_sources)
        places = {Place(*source.key): source for source in sources}
        for place in self.revocation.known - places.keys():
            self.revocation.forget(place)
        for place, source in places.items():
            self.revocation.note(place, source.problem)
            held = any(answer.sha256 == source.answer for answer in self.revocation.held(place))
            if source.answer and not held:
                await self._load_answer(place, source)

    async def _load_answer(self, place: Place, source: Source) -> None:
        answer, issuer, subject = await self.store.read(lambda tx: evidence(tx, source))
        if answer is None or issuer is None:
            return
        read = partial(self.revocation.read_stored, place, answer, subject, issuer)
        at = source.fetched_at or self.clock.now()
        try:
            self.revocation.put(place, await self.offload(len(answer), read, at))
        except Unusable:  # written by another release; it is fetched again when it is due
            return

    async def keep_certificates(self) -> None:
        """Write down the certificates that were used since the last time; nothing is lost if that fails."""
        taken = self.certificates_in_use.take()
        if not taken:
            return
        try:
            await self.store.write(lambda tx: certificates.touch(tx, taken))
        except BaseException:
            self.certificates_in_use.give_back(taken)
            raise

    async def close(self) -> None:
        """Let go of worker processes, threads, connections and the store."""
        await self.hang_up()
        await self.pdf_workers.close()
        self.threads.shutdown(wait=True)
        self.disk_threads.shutdown(wait=True)
        self.blobs.close()
        try:
            await self.keep_certificates()
            with suppress(Exception):  # others notice a little later
                await self.tell_nodes()
        finally:
            await self.store.close()
