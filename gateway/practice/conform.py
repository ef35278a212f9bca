"""The connection test: a vendor's software is taken through the whole exchange with this gateway.

In charge of: the steps, what each expects, and reading from the gateway's own events what happened. The other
side is played by a test agency. Not in charge of: reaching the gateway (``operate`` is handed in), printing
(``cli/conform``), the report's forms (``conform_report``).

Nothing is believed that the gateway did not record, with one exception: whether a screen shows a reason, a
person has to say.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.clock import local
from gateway.model.text import Bilingual, Instant
from gateway.practice import letters
from gateway.practice.conform_report import Outcome, Report, StepResult
from gateway.practice.letters import Draft, Office

Operate = Callable[[str, dict[str, Any]], Awaitable[Any]]
Body = dict[str, Any]
NOWHERE = "T99.99.KHONG.CO"
NOTATION = "KTKN"
STEPS = ("send", "status", "refused", "fetch", "recall", "duplicate", "busy", "large", "urgent")
HOA_TOC = 3


@dataclass(frozen=True, slots=True)
class Ask:
    """What the person at the software is to do, or is asked. ``to``: whom to send a document to."""

    step: str
    words: Bilingual
    to: str = ""
    question: bool = False


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each thing may take, in seconds; sizes in bytes."""

    person: float = 600  # until somebody has sent a document by hand
    software: float = 300  # until the software has fetched, confirmed, reported
    urgent: float = 120  # for a hỏa tốc document, until it is fetched
    turned_away: int = 5  # Retry-After
    settle: float = 3  # afterwards, to see that nothing comes twice
    large_bytes: int = 20 * 1024**2
    poll: float = 0.5


Prompt = Callable[[Ask], Awaitable[bool | None]]  # the answer to a question; None: nobody answers
Tell = Callable[[str, float, float], None]  # step, seconds waited, seconds at most


class Missed(Exception):
    """What was expected did not come."""

    def __init__(self, vi: str, en: str) -> None:
        self.seen = Bilingual(vi, en)
        super().__init__(en)


@dataclass(slots=True)
class Course:
    """One run. ``hashes``: what was sent and received in a step, by what it is."""

    operate: Operate
    candidate: Body
    prompt: Prompt
    tell: Tell
    patience: Patience = field(default_factory=Patience)
    hashes: list[tuple[str, str]] = field(default_factory=list)
    _number: int = 0
    _sent: tuple[Draft, datetime, str] | None = None  # the document that can be recalled

    async def run(self, steps: Iterable[str] = STEPS) -> Report:
        """Take the steps in order; one that fails does not keep the others."""
        results = [await self._step(name) for name in steps]
        return Report(self.candidate, tuple(results))

    async def _step(self, name: str) -> StepResult:
        title, expected, work = _TABLE[name]
        loop, self.hashes = asyncio.get_running_loop(), []
        began, since = loop.time(), await self._now()
        try:
            seen, outcome = await work(self, since)
        except Missed as missed:
            seen, outcome = missed.seen, Outcome.FAILED
        seconds = loop.time() - began
        return StepResult(name, title, expected, seen, outcome, seconds, since, tuple(self.hashes))

    # ---------------------------------------------------------------- the steps

    async def send(self, since: int) -> tuple[Bilingual, Outcome]:
        queued = await self._document_from_software("send", since)
        await self._partner_takes(queued["delivery"])
        return _seen("văn bản đã qua trục và tới mã thử", "the document passed the gate and arrived"), _PASSED

    async def status(self, since: int) -> tuple[Bilingual, Outcome]:
        """The partner's 03 about the document of the step before waits for the software."""

        began = int(self.candidate["now"])  # it may have been fetched during the step before
        await self._until(
            lambda events: _first(events, "delivery.delivered", kind="status", recipient=self._code),
            began,
            self.patience.software,
            "phần mềm chưa lấy trạng thái 03",
            "the status 03 was not fetched",
        )
        return _seen("đã lấy trạng thái 03 và báo done", "fetched the status 03 and said done"), _PASSED

    async def refused(self, since: int) -> tuple[Bilingual, Outcome]:
        words = Bilingual(
            f"Hãy gửi một văn bản tới mã không tồn tại {NOWHERE}. Trục sẽ từ chối.",
            f"Send a document to {NOWHERE}, which does not exist. The gateway will refuse it.",
        )
        await self.prompt(Ask("refused", words, NOWHERE))
        event = await self._until(
            lambda events: _first(events, "submission.refused", actor=self._principal),
            since,
            self.patience.person,
            "trục chưa thấy văn bản nào bị từ chối",
            "nothing was refused",
        )
        self._hash("refused", event.get("envelope_sha256", ""))
        rules = ", ".join(sorted({str(one["rule"]) for one in event.get("findings", [])}))
        question = Bilingual(
            f"Màn hình của phần mềm có hiện lý do từ chối của trục không ({rules})?",
            f"Does the software's screen show the gateway's reason ({rules})?",
        )
        shown = await self.prompt(Ask("refused", question, question=True))
        if shown is False:
            raise Missed(
                f"bị từ chối ({rules}) nhưng phần mềm không hiện lý do", f"refused ({rules}), not shown"
            )
        outcome = _PASSED if shown else Outcome.UNCONFIRMED
        return _seen(f"bị từ chối: {rules}", f"refused: {rules}"), outcome

    async def fetch(self, since: int) -> tuple[Bilingual, Outcome]:
        document = await self._put("V/v kiểm thử kết nối")
        await self._taken(document, since)
        return _seen("đã lấy, báo done và báo 03", "fetched, said done, reported 03"), _PASSED

    async def recall(self, since: int) -> tuple[Bilingual, Outcome]:
        if self._sent is None:
            raise Missed("chưa có văn bản để lấy lại (bước fetch)", "no document to recall (step fetch)")
        draft, sent_at, document = self._sent
        reason = Draft(draft.number, draft.notation, draft.subject, reason="Kiểm thử lấy lại văn bản")
        await self._hand_in(
            letters.recall(self._partner, self._office, reason, await self._moment(), sent_at)
        )

        def answered(events: list[Body]) -> Body | None:
            found = (
                _first(events, "status.reported", document=document, status=code) for code in ("15", "16")
            )
            return next((one for one in found if one and one["actor"] == self._principal), None)

        event = await self._until(
            answered, since, self.patience.software, "chưa trả lời 15 hoặc 16", "answered neither 15 nor 16"
        )
        return _seen(f"trả lời {event['status']}", f"answered {event['status']}"), _PASSED

    async def duplicate(self, since: int) -> tuple[Bilingual, Outcome]:
        await self._teach("done")
        document = await self._put("V/v kiểm thử gói tin đến hai lần")
        await self._taken(document, since)
        await asyncio.sleep(self.patience.settle)
        events = await self._events(since)
        again = [one for one in events if _is(one, "status.reported", document=document, status="03")]
        lesson = await self._lesson("done", since)
        if lesson.get("struck_at") is None:
            raise Missed("phần mềm không báo done qua trục", "no done came")
        if len(again) > 1:
            raise Missed(f"vào sổ {len(again)} lần (báo 03 nhiều lần)", f"registered {len(again)} times")
        vi, en = (
            "done bị trả lại một lần, gói tin hiện lại; chỉ vào sổ một lần",
            "done once refused, registered once",
        )
        return _seen(vi, en), _PASSED

    async def busy(self, since: int) -> tuple[Bilingual, Outcome]:
        await self._teach("send")
        try:
            await self._document_from_software("busy", since)
        except Missed as missed:
            early = int((await self._lesson("send", since)).get("early", 0))
            vi, en = missed.seen.vi, missed.seen.en
            raise Missed(f"{vi}; gọi lại sớm {early} lần", f"{en}; {early} calls too early") from missed
        lesson = await self._lesson("send", since)
        if lesson.get("struck_at") is None:
            raise Missed("trục chưa kịp trả lời 503", "no call was turned away")
        accepted = [
            e for e in await self._events(since) if _is(e, "document.accepted", actor=self._principal)
        ]
        early = int(lesson["early"])
        vi = f"bị 503 rồi gửi lại; {len(accepted)} văn bản được nhận; gọi lại sớm {early} lần"
        en = f"turned away, then sent again; {len(accepted)} accepted; {early} calls too early"
        if early and self.candidate["dialects"] == ["native"]:
            raise Missed(vi, en)
        return _seen(vi, en), _PASSED

    async def large(self, since: int) -> tuple[Bilingual, Outcome]:
        document = await self._put("V/v kiểm thử tệp lớn", size=self.patience.large_bytes)
        await self._taken(document, since)
        size = f"{self.patience.large_bytes / 1024**2:.0f} MB"
        return _seen(f"đã lấy trọn tệp {size}, done, 03", f"fetched {size} in full, done, 03"), _PASSED

    async def urgent(self, since: int) -> tuple[Bilingual, Outcome]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        document = await self._put("V/v kiểm thử văn bản hỏa tốc", urgency=HOA_TOC)
        await self._until(
            lambda events: _first(events, "delivery.fetched", document=document),
            since,
            self.patience.urgent,
            f"quá {self.patience.urgent:.0f} giây chưa lấy văn bản hỏa tốc",
            f"not fetched within {self.patience.urgent:.0f} seconds",
        )
        seconds = loop.time() - began
        await self._taken(document, since)
        return _seen(f"lấy về sau {seconds:.1f} giây", f"fetched after {seconds:.1f} seconds"), _PASSED

    # ---------------------------------------------------------------- what steps are made of

    async def _document_from_software(self, step: str, since: int) -> Body:
        code, name = self._partner.code, self._partner.name
        words = Bilingual(
            f"Hãy gửi một văn bản mới từ phần mềm tới {name} ({code}).",
            f"Send a new document from the software to {name} ({code}).",
        )
        await self.prompt(Ask(step, words, code))
        queued = await self._until(
            lambda events: _first(events, "delivery.queued", sender=self._code, recipient=code),
            since,
            self.patience.person,
            f"chưa thấy văn bản nào gửi tới {code}",
            f"no document to {code} came",
        )
        accepted = _first(await self._events(since), "document.accepted", message=queued["message"])
        self._hash("document", (accepted or {}).get("envelope_sha256", ""))
        return queued

    async def _put(self, subject: str, *, urgency: int = 0, size: int = 0) -> str:
        """A document of the test agency for the software; the gateway's id of it."""
        self._number += 1
        at = await self._moment()
        draft = Draft(f"{at:%H%M%S}{self._number}", NOTATION, subject, urgency)
        data = letters.write(self._partner, [self._office], draft, at, {"kiem-thu.pdf": letters.pdf(size)})
        self._hash("document", hashlib.sha256(data).hexdigest())
        document = str((await self._hand_in(data))["document"])
        self._sent = (draft, at, document)
        return document

    async def _taken(self, document: str, since: int) -> None:
        """Fetched, done, and 03 by the software itself."""
        wait = self.patience.software
        at = {"document": document, "recipient": self._code}
        await self._until(
            lambda events: _first(events, "delivery.fetched", **at),
            since,
            wait,
            "chưa lấy gói tin về",
            "never fetched",
        )
        await self._until(
            lambda events: _first(events, "delivery.delivered", **at),
            since,
            wait,
            "đã lấy gói tin nhưng không báo done",
            "fetched, but never said done",
        )
        await self._until(
            lambda events: _first(
                events, "status.reported", document=document, status="03", actor=self._principal
            ),
            since,
            wait,
            "đã báo done nhưng không báo 03 (đã tiếp nhận)",
            "said done, but never reported 03",
        )

    async def _partner_takes(self, delivery: str) -> None:
        """The test agency fetches, says done and reports 03."""
        with tempfile.TemporaryDirectory() as folder:
            place = str(Path(folder) / "received.edxml")
            await self.operate(
                "inbox.fetch", {"delivery": delivery, "path": place, "reason": "kiểm thử kết nối (conform)"}
            )
        await self.operate("inbox.done", {"delivery": delivery})
        await self.operate(
            "inbox.report", {"delivery": delivery, "code": "03", "description": "Đã tiếp nhận"}
        )

    async def _hand_in(self, data: bytes) -> Body:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "message.edxml"
            place.write_bytes(data)
            answer: Body = await self.operate(
                "document.send", {"agency": self._partner.code, "path": str(place)}
            )
        return answer

    async def _until(
        self, found: Callable[[list[Body]], Body | None], since: int, seconds: float, vi: str, en: str
    ) -> Body:
        """Wait for an event. ``Missed`` with these words when it does not come."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while (event := found(await self._events(since))) is None:
            waited = loop.time() - began
            if waited > seconds:
                raise Missed(vi, en)
            self.tell(vi, waited, seconds)
            await asyncio.sleep(self.patience.poll)
        return event

    async def _teach(self, call: str) -> None:
        seconds = self.patience.turned_away
        await self.operate("conform.teach", {"principal": self._principal, "call": call, "seconds": seconds})

    async def _lesson(self, call: str, since: int) -> Body:
        looked = await self._look(since)
        return next((one for one in looked["lessons"] if one["call"] == call), {})

    async def _events(self, since: int) -> list[Body]:
        found: list[Body] = (await self._look(since))["events"]
        return found

    async def _look(self, since: int) -> Body:
        asked = {"principal": self._principal, "agency": self._code, "since": since}
        found: Body = await self.operate("conform.look", asked)
        return found

    async def _now(self) -> int:
        return int((await self._look(2**62))["now"])

    async def _moment(self) -> datetime:
        return local(Instant(await self._now()))

    def _hash(self, what: str, sha256: str) -> None:
        if sha256:
            self.hashes.append((what, sha256))

    @property
    def _principal(self) -> str:
        return str(self.candidate["principal"])

    @property
    def _code(self) -> str:
        return self._office.code

    @property
    def _office(self) -> Office:
        return Office(self.candidate["agency"]["code"], self.candidate["agency"]["name"])

    @property
    def _partner(self) -> Office:
        return Office(self.candidate["partner"]["code"], self.candidate["partner"]["name"])


_PASSED = Outcome.PASSED
Work = Callable[[Course, int], Awaitable[tuple[Bilingual, Outcome]]]
_TABLE: dict[str, tuple[Bilingual, Bilingual, Work]] = {
    "send": (
        Bilingual("Gửi văn bản tới mã thử", "Send a document to the test agency"),
        Bilingual("trục nhận, có biên nhận, tới bên nhận", "accepted with a receipt, and delivered"),
        Course.send,
    ),
    "status": (
        Bilingual("Nhận trạng thái của bên nhận", "Receive the recipient's status"),
        Bilingual("lấy trạng thái 03 và báo done", "the status 03 is fetched and confirmed"),
        Course.status,
    ),
    "refused": (
        Bilingual("Văn bản bị trục từ chối", "A send that is refused"),
        Bilingual("phần mềm hiện lý do của trục cho văn thư", "the clerk sees the gateway's reason"),
        Course.refused,
    ),
    "fetch": (
        Bilingual("Nhận văn bản", "Receive a document"),
        Bilingual("lấy về, báo done sau khi lưu, báo 03", "fetched, done once stored, 03 reported"),
        Course.fetch,
    ),
    "recall": (
        Bilingual("Trả lời yêu cầu lấy lại (13)", "Answer a recall (13)"),
        Bilingual("trả lời 15 hoặc 16", "15 or 16 is reported"),
        Course.recall,
    ),
    "duplicate": (
        Bilingual("Gói tin đến lần hai", "A message that comes twice"),
        Bilingual(
            "nhận ra gói tin đã có, vào sổ một lần, báo done lại", "recognised, registered once, done again"
        ),
        Course.duplicate,
    ),
    "busy": (
        Bilingual("Trục đầy tải (503, Retry-After)", "The gateway is full (503, Retry-After)"),
        Bilingual("chờ rồi gửi lại đúng văn bản đó", "waits, then sends the same document again"),
        Course.busy,
    ),
    "large": (
        Bilingual("Tệp lớn", "A large file"),
        Bilingual("lấy trọn, báo done, báo 03", "fetched in full, done, 03"),
        Course.large,
    ),
    "urgent": (
        Bilingual("Văn bản hỏa tốc", "A hỏa tốc document"),
        Bilingual("lấy về trong thời hạn", "fetched in time"),
        Course.urgent,
    ),
}


def _seen(vi: str, en: str) -> Bilingual:
    return Bilingual(vi, en)


def _is(event: Body, type_: str, /, **fields: str) -> bool:
    return event["type"] == type_ and all(event.get(name) == value for name, value in fields.items())


def _first(events: list[Body], type_: str, /, **fields: str) -> Body | None:
    return next((event for event in events if _is(event, type_, **fields)), None)
