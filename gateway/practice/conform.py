"""The connection test: a vendor's software is taken through the whole exchange with this gateway.

In charge of: the steps, what each expects, and reading from the gateway's own events what happened. The other
side is played by a test agency. Not in charge of: waiting and sending (``conform_watch``), printing
(``cli/conform``), the report's forms (``conform_report``).

Nothing is believed that the gateway did not record, with one exception: whether a screen shows a reason, a
person has to say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from gateway.model.text import Bilingual
from gateway.practice import letters
from gateway.practice.conform_report import Outcome, Report, StepResult
from gateway.practice.conform_watch import (
    Ask,
    Body,
    Missed,
    Watch,
    first_event,
    is_event,
)
from gateway.practice.letters import Draft

NOWHERE = "T99.99.KHONG.CO"
STEPS = ("send", "status", "refused", "fetch", "recall", "duplicate", "busy", "large", "urgent")
HOA_TOC = 3


@dataclass(slots=True)
class Course(Watch):
    """One run of the test."""

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
            lambda events: first_event(events, "delivery.delivered", kind="status", recipient=self._code),
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
            lambda events: first_event(events, "submission.refused", actor=self._principal),
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
                first_event(events, "status.reported", document=document, status=code)
                for code in ("15", "16")
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
        again = [one for one in events if is_event(one, "status.reported", document=document, status="03")]
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
            e for e in await self._events(since) if is_event(e, "document.accepted", actor=self._principal)
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
            lambda events: first_event(events, "delivery.fetched", document=document),
            since,
            self.patience.urgent,
            f"quá {self.patience.urgent:.0f} giây chưa lấy văn bản hỏa tốc",
            f"not fetched within {self.patience.urgent:.0f} seconds",
        )
        seconds = loop.time() - began
        await self._taken(document, since)
        return _seen(f"lấy về sau {seconds:.1f} giây", f"fetched after {seconds:.1f} seconds"), _PASSED


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
