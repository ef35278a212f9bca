"""A vendor's document system, as agencies use one: registers what comes, reports statuses, answers recalls.

In charge of: one agency's system with the habits, good and bad, of real ones. Not in charge of: reaching the
gateway (``doors``), writing messages (``letters``).

A message counts as received when the cabinet has it on disk; then the system says done, enters the document
in its register and reports 01, 03, 06. What it was told when a send failed stands in ``shown``.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from gateway.edxml.parse import parse_envelope
from gateway.errors import Unreadable
from gateway.model.envelope import Envelope, Kind
from gateway.model.text import Bilingual
from gateway.practice import letters
from gateway.practice.agency import Cabinet, Item
from gateway.practice.doors import Door, NotNow, SaidNo
from gateway.practice.letters import Draft, Office

TRIES = 5
_WORDS = {
    "01": "Hệ thống đã nhận",
    "02": "Từ chối tiếp nhận",
    "03": "Đã tiếp nhận, vào sổ văn bản đến",
    "04": "Đã phân công xử lý",
    "05": "Đang xử lý",
    "06": "Đã xử lý xong",
    "15": "Đồng ý cho lấy lại",
    "16": "Không đồng ý cho lấy lại",
}


class Crashed(Exception):
    """The system died where its habit says so; the next look is that of a fresh start."""


@dataclass(slots=True)
class Habits:
    """How the system behaves; the defaults are those of a good one."""

    says_done: bool = True
    reports: tuple[str, ...] = ("01", "03", "06")
    answers_recall: str = "15"  # 15, 16, or nothing
    slow_seconds: float = 0.0  # between fetching and storing
    crashes_after_fetch: int = 0  # so many times, before it says done
    sends_twice: bool = False
    old_statuses: bool = False  # its clock is a year behind, and it reports backwards
    registers_twice: bool = False  # does not recognise what it has
    waits_when_told: bool = True  # for Retry-After; else it tries again at once
    shows_reasons: bool = True


@dataclass(slots=True)
class DocumentSystem:
    """One agency's system. ``register``: documents entered, by (sender, DocumentId, kind)."""

    office: Office
    door: Door
    cabinet: Cabinet
    now: Callable[[], datetime]
    habits: Habits = field(default_factory=Habits)
    register: list[tuple[str, str, str]] = field(default_factory=list)
    repeats: int = 0  # known messages that came again, and were recognised
    statuses: list[tuple[str, str]] = field(default_factory=list)  # (DocumentId, code) that came for us
    shown: list[str] = field(default_factory=list)  # what its screen told the clerk
    sent: list[str] = field(default_factory=list)  # ids that the gateway gave
    _seen: set[str] = field(default_factory=set)  # items that were entered
    _damaged: Counter[str] = field(default_factory=Counter)  # items that could not be read, how often

    async def run(self, seconds: float) -> None:
        """Look again and again, until cancelled; a crash is followed by a fresh start."""
        while True:
            with contextlib.suppress(NotNow, SaidNo, Crashed):
                await self.look()
            await asyncio.sleep(seconds)

    async def look(self) -> int:
        """Take in everything that waits; how many messages that was."""
        waiting = await self.door.waiting()
        for item in waiting:
            with contextlib.suppress(NotNow, SaidNo):  # one that cannot be taken now keeps no other
                await self._take(item)
        return len(waiting)

    async def write(self, to: Sequence[Office], draft: Draft, files: dict[str, bytes] | None = None) -> str:
        """Send a document; the gateway's id, or nothing when it refused (then ``shown`` says why)."""
        data = letters.write(self.office, to, draft, self.now(), files)
        first = await self.send(data, "edoc")
        if self.habits.sends_twice and first:
            await self.send(data, "edoc")
        return first

    async def send(self, data: bytes, kind: str) -> str:
        """Send a message, patiently; the gateway's id, or nothing when it refused."""
        for _ in range(TRIES):
            try:
                given = await self.door.send(data, self.office.code, kind)
            except NotNow as later:
                await asyncio.sleep(later.seconds if self.habits.waits_when_told else 0)
            except SaidNo as no:
                self._show(str(no))
                return ""
            else:
                self.sent.append(given)
                return given
        self._show("Không gửi được sau nhiều lần thử")
        return ""

    async def _take(self, item: str) -> None:
        """Store, say done, enter it in the register. What was stored is not fetched again, and is entered
        whatever came of the done: its answer may be lost, and then the message is never listed again."""
        if not self.cabinet.has(item) or self.habits.registers_twice:
            data = await self.door.fetch(item)
            await asyncio.sleep(self.habits.slow_seconds)
            self._crash()
            self._require_readable(item, data)
            self._store(item, data)
            if self.habits.registers_twice:
                await self._received(data)
        if self.habits.says_done:
            with contextlib.suppress(NotNow, SaidNo):  # said again while it is listed
                await self.door.done(item)
        if item not in self._seen and not self.habits.registers_twice:
            self._seen.add(item)
            await self._received(self.cabinet.bytes_of(_stored(item)))

    def _require_readable(self, item: str, data: bytes) -> None:
        """What was damaged on its way is fetched again; what is still unreadable then was sent so."""
        try:
            parse_envelope(data)
        except Unreadable as error:
            self._damaged[item] += 1
            if self._damaged[item] < TRIES:
                raise NotNow(0, error.text.vi) from error

    def _crash(self) -> None:
        if self.habits.crashes_after_fetch:
            self.habits.crashes_after_fetch -= 1
            raise Crashed

    def _store(self, item: str, data: bytes) -> None:
        self.cabinet.store(_stored(item, hashlib.sha256(data).hexdigest()), data)

    async def _received(self, data: bytes) -> None:
        """Enter a document in the register and report; look at a status."""
        try:
            envelope = parse_envelope(data).envelope
        except Unreadable as error:
            self._show(error.text.vi)
            return
        if envelope.kind is Kind.STATUS:
            await self._heard(envelope)
            return
        entry = (envelope.sender.organ_id, envelope.document_id, envelope.kind.value)
        if entry in self.register and not self.habits.registers_twice:
            self.repeats += 1
            return
        self.register.append(entry)
        await self._report(envelope)

    async def _report(self, about: Envelope) -> None:
        at, codes = self.now(), self.habits.reports
        if self.habits.old_statuses:
            at, codes = at - timedelta(days=365), codes[::-1]
        for second, code in enumerate(codes):
            when = at + timedelta(seconds=second)
            await self.send(letters.status(self.office, about, code, when, _WORDS[code]), "status")

    async def _heard(self, envelope: Envelope) -> None:
        assert envelope.status is not None
        self.statuses.append((envelope.document_id, envelope.status.code))
        if envelope.status.code == "13" and self.habits.answers_recall:
            code = self.habits.answers_recall
            answer = letters.answer_to_recall(self.office, envelope, code, self.now(), _WORDS[code])
            await self.send(answer, "status")

    def _show(self, words: str) -> None:
        if self.habits.shows_reasons:
            self.shown.append(words)


def habits_of(words: Sequence[str]) -> Habits:
    """Habits by name, as ``gateway simulate agency --habit`` takes them. ``ValueError`` names the known."""
    habits = Habits()
    for word in words:
        name, _, value = word.partition("=")
        if name not in KNOWN_HABITS:
            raise ValueError(f"“{name}”: {', '.join(KNOWN_HABITS)}")
        habits = KNOWN_HABITS[name][1](habits, value)
    return habits


KNOWN_HABITS: dict[str, tuple[Bilingual, Callable[[Habits, str], Habits]]] = {
    "slow": (
        Bilingual("chậm: chờ N giây trước khi lưu", "slow: N seconds before it stores"),
        lambda habits, value: replace(habits, slow_seconds=float(value or 10)),
    ),
    "crash": (
        Bilingual("hỏng N lần sau khi lấy về, trước khi báo done", "dies N times before done"),
        lambda habits, value: replace(habits, crashes_after_fetch=int(value or 1)),
    ),
    "twice": (
        Bilingual("gửi mỗi văn bản hai lần", "sends each document twice"),
        lambda habits, value: replace(habits, sends_twice=True),
    ),
    "old-statuses": (
        Bilingual("báo trạng thái cũ và ngược thứ tự", "statuses a year old, backwards"),
        lambda habits, value: replace(habits, old_statuses=True),
    ),
    "never-done": (
        Bilingual("không bao giờ báo done", "never says done"),
        lambda habits, value: replace(habits, says_done=False),
    ),
    "refuse-recall": (
        Bilingual("từ chối cho lấy lại (16)", "refuses recalls (16)"),
        lambda habits, value: replace(habits, answers_recall="16"),
    ),
    "ignore-recall": (
        Bilingual("không trả lời yêu cầu lấy lại", "does not answer recalls"),
        lambda habits, value: replace(habits, answers_recall=""),
    ),
    "forgetful": (
        Bilingual("không nhận ra gói tin đã có", "does not recognise what it has"),
        lambda habits, value: replace(habits, registers_twice=True),
    ),
    "impatient": (
        Bilingual("không chờ theo Retry-After", "does not wait for Retry-After"),
        lambda habits, value: replace(habits, waits_when_told=False),
    ),
}


def _stored(item: str, sha256: str = "") -> Item:
    """What the cabinet writes on a message."""
    return Item(item, "", "", "", "", sha256)
