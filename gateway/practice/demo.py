"""The demo: a province exchanges documents for a week of April 2020, in some seconds.

In charge of: starting a whole gateway on loopback with a scenario clock, letting the agencies' software send,
receive and report over HTTP at the scenario's times, and jumping over the time in between. The clock runs at
rate 1 and jumps only while nothing is on its way: no attempt is running, no delivery is due, no simulated
agency has anything left to fetch. Not in charge of: what is told about it (``demo_tally``, ``cli/demo``).
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from adapters.vxp.client import VxpClient
from gateway import app
from gateway.clock import SECOND, ScenarioClock, SystemClock, from_datetime, random_bytes
from gateway.config import load
from gateway.edxml.parse import parse_envelope
from gateway.flow.operate import run
from gateway.model.envelope import Kind
from gateway.model.status import StatusCode
from gateway.model.text import AgencyCode, Instant
from gateway.net import Net
from gateway.practice import demo_beyond as beyond
from gateway.practice import demo_home, province
from gateway.practice.agency import AgencyClient, AgencySoftware, Cabinet, Item, PushReceiver, TurnedAway
from gateway.practice.axis import SimulatedAxis
from gateway.practice.demo_home import Folder, Signers
from gateway.practice.demo_letters import Desk, document_id, with_one_byte_changed, write_letter
from gateway.practice.scenario import (
    AXIS,
    FURTHER,
    HABITS,
    MINISTRY,
    PROVINCE,
    RECALL,
    REFUSAL,
    REFUSED,
    REFUSER,
    START,
    YOURS,
    Attempt,
    Door,
    Fault,
    FurtherStatus,
    Habit,
    Letter,
)
from gateway.practice.scenario_letters import AT_THE_GATE, LETTERS, YOUR_LETTER
from gateway.services import Bell, Services
from gateway.signature.workers import PdfWorkers

POLL_SECONDS = 1.0  # how often an agency looks into its inbox unasked
PATIENCE = 30.0  # seconds of real time for one step to come to rest
MINUTE = 60 * SECOND

Tell = Callable[[str, int, int], None]  # what is going on, steps done, steps in all


CLERK_SECONDS = 3.0  # after the week: until a clerk takes in what somebody sends by hand


class Stuck(Exception):
    """Something did not come to rest in time; the message says what waits."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A letter that the gateway took, with its answer."""

    letter: Letter
    answer: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RefusedUpload:
    """What the gate said to an upload. ``problem`` is its problem+json; empty: it was taken after all."""

    attempt: Attempt
    status: int
    problem: dict[str, Any]


@dataclass(slots=True)
class Week:
    """The running demo, and what it has seen."""

    folder: Folder
    gw: Services
    port: int
    clock: ScenarioClock
    axis: SimulatedAxis
    softwares: dict[AgencyCode, AgencySoftware] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    refused: list[RefusedUpload] = field(default_factory=list)
    asked_back: dict[str, Any] = field(default_factory=dict)  # the answer to the recall
    seconds: float = 0.0  # of real time, from the empty folder to the end of the week

    @property
    def url(self) -> str:
        """Where the gateway answers."""
        return f"http://127.0.0.1:{self.port}"


@contextlib.asynccontextmanager
async def played(home: Path, port: int | None, tell: Tell) -> AsyncIterator[Week]:
    """Make the folder anew, start everything, play the week; yields with all still running."""
    watch = SystemClock()
    began = watch.now()
    clock = ScenarioClock(from_datetime(START))
    tell("Tạo thư mục, khóa và chứng thư", 0, 1)
    folder = demo_home.make_folder(home, demo_home.free_port(port), clock)
    async with contextlib.AsyncExitStack() as stack:
        workers = await stack.enter_async_context(_warming())
        signers = await asyncio.to_thread(demo_home.make_signers, folder)
        writing = asyncio.create_task(asyncio.to_thread(_write_files, folder, signers))
        axis = await stack.enter_async_context(beyond.national_axis(clock))
        running = app.running(home, load(home, {}), clock, workers)
        gw, bound = await stack.enter_async_context(running)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        week = Week(folder, gw, bound, clock, axis)
        await demo_home.open_accounts(gw, folder)
        await beyond.join(gw, axis)
        director = Director(week, await writing, tell)
        await stack.enter_async_context(_offices(week, session, director.received))
        await director.play()
        week.seconds = (watch.now() - began) / SECOND
        yield week


@contextlib.asynccontextmanager
async def _warming() -> AsyncIterator[PdfWorkers]:
    """The gateway's PDF workers, which take longer to come up than everything else."""
    workers = PdfWorkers()
    warm = asyncio.create_task(workers.start())
    try:
        yield workers
    finally:
        await workers.close()
        await asyncio.gather(warm, return_exceptions=True)


class Director:
    """Lets each thing happen at its time. What is to happen lies in a heap, by time, then by order."""

    def __init__(self, week: Week, files: dict[str, bytes], tell: Tell) -> None:
        self._week = week
        self._files = files
        self._tell = tell
        self._order = itertools.count()
        self._agenda: list[tuple[Instant, int, str, Callable[[], Awaitable[None]]]] = []
        self._delivered: dict[tuple[str, str], Item] = {}  # (recipient, DocumentId) -> the document
        self._done = 0
        self._over = False  # from then on clerks answer in real time
        self._later: list[asyncio.Task[None]] = []
        self._habits = {habit.code: habit for habit in HABITS}

    async def play(self) -> None:
        """The whole week, until nothing is left to happen."""
        self._fill_agenda()
        while self._agenda:
            when, _, what, happen = heapq.heappop(self._agenda)
            self._tell(what, self._done, self._done + 1 + len(self._agenda))
            if when > self._week.clock.now() + SECOND:  # else it is time already, or as good as
                self._week.clock.jump_to(when)
            await happen()
            self._done += 1
            await self._come_to_rest()
        self._over = True

    async def received(self, habit: Habit, item: Item) -> None:
        """An agency's clerk will look at a document after some minutes, and take it in or refuse it."""
        if item.kind == Kind.STATUS.value:
            self._heard(habit, item)
            return
        self._delivered[habit.code, item.document_id] = item
        code, text = StatusCode.ACCEPTED, "Văn thư đã tiếp nhận, vào sổ văn bản đến"
        if habit.code == REFUSER and item.document_id.endswith(f",{REFUSED}"):
            code, text = StatusCode.REFUSED, REFUSAL
        self._will_report(habit, item, code, text)

    def _heard(self, habit: Habit, item: Item) -> None:
        """Of the statuses only a 13 wants something of the clerk: to give a document back."""
        status = parse_envelope(self._week.softwares[habit.code].cabinet.bytes_of(item)).envelope.status
        if status is not None and status.code == StatusCode.RECALL_ASKED.value:
            about = self._delivered[habit.code, item.document_id]
            self._will_report(habit, about, StatusCode.CHANGE_AGREED, RECALL.agreement)

    def _will_report(self, habit: Habit, about: Item, code: StatusCode, text: str) -> None:
        async def report() -> None:
            await self._week.softwares[habit.code].report(about, code.value, text)

        if self._over:
            self._later.append(asyncio.create_task(_after(CLERK_SECONDS, report)))
        else:
            when = Instant(self._week.clock.now() + habit.minutes * MINUTE)
            self._at(when, f"{habit.code} báo {code.value}", report)

    def _fill_agenda(self) -> None:
        for letter in LETTERS:
            self._at(from_datetime(letter.at), f"{letter.sender} gửi {letter.code}", self._sending(letter))
        for attempt in AT_THE_GATE:
            what = f"{attempt.letter.sender} gửi thử gói tin lỗi"
            self._at(from_datetime(attempt.letter.at), what, self._trying(attempt))
        for further in FURTHER:
            what = f"{further.recipient} báo {further.status}"
            self._at(from_datetime(further.at), what, self._reporting(further))
        self._at(from_datetime(RECALL.at), f"{PROVINCE} thu hồi {RECALL.document}", self._ask_back)

    def _at(self, when: Instant, what: str, happen: Callable[[], Awaitable[None]]) -> None:
        heapq.heappush(self._agenda, (when, next(self._order), what, happen))

    def _sending(self, letter: Letter) -> Callable[[], Awaitable[None]]:
        async def happen() -> None:
            answer = await self._week.softwares[letter.sender].send(self._files[file_name(letter)])
            self._week.sent.append(Sent(letter, answer))

        return happen

    def _trying(self, attempt: Attempt) -> Callable[[], Awaitable[None]]:
        async def happen() -> None:
            file = self._files[file_name(attempt.letter, attempt.fault)]
            try:
                await self._week.softwares[attempt.letter.sender].send(file)
                self._week.refused.append(RefusedUpload(attempt, 202, {}))
            except TurnedAway as no:
                self._week.refused.append(RefusedUpload(attempt, no.status, no.problem))

        return happen

    def _reporting(self, further: FurtherStatus) -> Callable[[], Awaitable[None]]:
        async def happen() -> None:
            letter = next(one for one in LETTERS if one.code == further.document)
            about = document_id(letter, province.directory())
            delivered = self._delivered[further.recipient, about]
            await self._week.softwares[further.recipient].report(delivered, further.status, further.text)

        return happen

    async def _ask_back(self) -> None:
        """The sender of a document asks for it back."""
        sent = next(one for one in self._week.sent if one.letter.code == RECALL.document)
        client = self._week.softwares[sent.letter.sender].client
        assert isinstance(client, AgencyClient)
        self._week.asked_back = await client.ask_back(sent.answer["document"], RECALL.reason)

    async def _come_to_rest(self) -> None:
        """Wait until nothing is on its way; agencies for which something waits are told to look."""
        clock = SystemClock()
        until = clock.now() + PATIENCE * SECOND
        while waiting := await self._on_its_way():
            if clock.now() > until:
                raise Stuck(f"still on its way after {PATIENCE:.0f} s: {waiting}")
            await asyncio.sleep(0.005)

    async def _on_its_way(self) -> list[str]:
        """What still moves: deliveries that are due or leased or wait to be fetched, and busy agencies."""
        summary = (await run(self._week.gw, "queue.show", {"limit": 1}))["summary"]
        moving = []
        for lane in summary:
            software = self._week.softwares.get(lane["destination"])
            if lane["state"] != "queued" or (lane["pull"] and software is None):
                continue
            if lane["pull"] and software is not None and software.idle:
                software.look_now()
            moving.append(f"{lane['deliveries']} → {lane['destination']}")
        busy = [f"{code} busy" for code, software in self._week.softwares.items() if not software.idle]
        return moving + busy + self._at_the_axis()

    def _at_the_axis(self) -> list[str]:
        """What waits there; whom it is for is told to look."""
        for item in self._week.axis.open_items():
            software = self._week.softwares[MINISTRY]
            if item.system == beyond.OURS:
                self._week.gw.partner_bells.setdefault(AXIS, Bell()).ring()
            elif software.idle:
                software.look_now()
        return [f"{item.doc_id} at the axis" for item in self._week.axis.open_items()]


async def _after(seconds: float, happen: Callable[[], Awaitable[None]]) -> None:
    await asyncio.sleep(seconds)
    with contextlib.suppress(TurnedAway, aiohttp.ClientError):
        await happen()


def file_name(letter: Letter, fault: Fault | None = None) -> str:
    """The name of a letter's edXML file, without ending."""
    return f"{letter.sender}-{letter.code.replace('/', '_')}" + (f"-{fault.name.lower()}" if fault else "")


@contextlib.asynccontextmanager
async def _offices(
    week: Week, session: aiohttp.ClientSession, received: Callable[[Habit, Item], Awaitable[None]]
) -> AsyncIterator[None]:
    """The software of every agency, polling; and the receivers of those to which the gateway pushes."""
    async with contextlib.AsyncExitStack() as stack:
        tasks = []
        net = await stack.enter_async_context(beyond.way_out())
        for habit in HABITS:
            software = _software(week, session, net, habit, received)
            week.softwares[habit.code] = software
            if habit.webhook:
                secret = random_bytes(32).hex()
                receiver = PushReceiver(software, secret, lambda: week.clock.now() // SECOND)
                url = await stack.enter_async_context(receiver.listening())
                await demo_home.connect_push(week.gw, habit.code, url, secret)
            else:
                tasks.append(asyncio.create_task(software.run()))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _software(
    week: Week,
    session: aiohttp.ClientSession,
    net: Net,
    habit: Habit,
    received: Callable[[Habit, Item], Awaitable[None]],
) -> AgencySoftware:
    async def hear(item: Item) -> None:
        await received(habit, item)

    cabinet = Cabinet(week.folder.drawer(habit.code))
    if habit.door is Door.AXIS:
        vxp = beyond.ministry(net, week.axis, week.clock)
        return beyond.software(vxp, habit, cabinet, hear, POLL_SECONDS, week.clock)
    key = week.folder.key_file(habit.code).read_text(encoding="ascii").strip()
    if habit.door is Door.SDK:
        vxp = VxpClient(net, f"{week.url}/vxp", habit.code, key, week.clock)
        return beyond.software(vxp, habit, cabinet, hear, POLL_SECONDS, week.clock)
    return AgencySoftware(AgencyClient(session, week.url, key, habit.code), cabinet, hear, POLL_SECONDS)


def _write_files(folder: Folder, signers: dict[AgencyCode, Signers]) -> dict[str, bytes]:
    """Every edXML file of the scenario, by its name."""
    _write_try(folder, signers)
    desks = {habit.code: _desk(habit, signers[habit.code]) for habit in HABITS if habit.signatory}
    files = {file_name(letter): write_letter(letter, desks[letter.sender]) for letter in LETTERS}
    for attempt in AT_THE_GATE:
        letter = attempt.letter
        data = write_letter(letter, desks[letter.sender], signed_paper=False)
        if attempt.fault is Fault.TAMPERED:
            data = with_one_byte_changed(data)
        files[file_name(letter, attempt.fault)] = data
    return files


def _desk(habit: Habit, signers: Signers) -> Desk:
    answered = {letter.code: letter for letter in LETTERS}
    return Desk(habit, province.directory(), signers.person, signers.agency, answered)


def _write_try(folder: Folder, signers: dict[AgencyCode, Signers]) -> None:
    """A letter of the office that nobody plays, ready to be sent by hand."""
    desk = _desk(demo_home.YOUR_HABIT, signers[YOURS])
    (folder.try_folder / f"{file_name(YOUR_LETTER)}.edxml").write_bytes(write_letter(YOUR_LETTER, desk))
