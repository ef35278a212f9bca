"""What the steps of a connection test are made of: asking, sending as the test agency, waiting for events.

In charge of: one base class whose methods read like the steps, and its values. Not in charge of: the steps
(``conform``).
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.clock import local
from gateway.model.text import Bilingual, Instant
from gateway.practice import letters
from gateway.practice.letters import Draft, Office

Operate = Callable[[str, dict[str, Any]], Awaitable[Any]]
Body = dict[str, Any]
NOTATION = "KTKN"


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
class Watch:
    """One software under test, and the test agency. ``hashes``: the messages of a step, by what they are."""

    operate: Operate
    candidate: Body
    prompt: Prompt
    tell: Tell
    patience: Patience = field(default_factory=Patience)
    hashes: list[tuple[str, str]] = field(default_factory=list)
    _number: int = 0
    _sent: tuple[Draft, datetime, str] | None = None  # the document that can be recalled

    async def _document_from_software(self, step: str, since: int) -> Body:
        code, name = self._partner.code, self._partner.name
        words = Bilingual(
            f"Hãy gửi một văn bản mới từ phần mềm tới {name} ({code}).",
            f"Send a new document from the software to {name} ({code}).",
        )
        await self.prompt(Ask(step, words, code))
        queued = await self._until(
            lambda events: first_event(events, "delivery.queued", sender=self._code, recipient=code),
            since,
            self.patience.person,
            f"chưa thấy văn bản nào gửi tới {code}",
            f"no document to {code} came",
        )
        accepted = first_event(await self._events(since), "document.accepted", message=queued["message"])
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
            lambda events: first_event(events, "delivery.fetched", **at),
            since,
            wait,
            "chưa lấy gói tin về",
            "never fetched",
        )
        await self._until(
            lambda events: first_event(events, "delivery.delivered", **at),
            since,
            wait,
            "đã lấy gói tin nhưng không báo done",
            "fetched, but never said done",
        )
        await self._until(
            lambda events: first_event(
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


def is_event(event: Body, type_: str, /, **fields: str) -> bool:
    return event["type"] == type_ and all(event.get(name) == value for name, value in fields.items())


def first_event(events: list[Body], type_: str, /, **fields: str) -> Body | None:
    return next((event for event in events if is_event(event, type_, **fields)), None)
