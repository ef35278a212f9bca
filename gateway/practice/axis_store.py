"""What the simulated axis keeps: systems, messages, and what became of each item.

In charge of: items (one for each message and recipient) with their states, who may see which, and surviving a
restart when a folder is given: each change is a line of ``journal.jsonl``, on disk before the call is
answered. Not in charge of: HTTP (``axis``), what a call means (``axis_calls``), how messages are written
anew (``axis_rewrite``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import orjson

INITIAL, PROCESSING, DONE, FAIL = "initial", "processing", "done", "fail"
OPEN = (INITIAL, PROCESSING)


@dataclass(frozen=True, slots=True)
class System:
    """One system id. ``codes``: agencies it serves, with everything below them, in either form of code.

    ``strict``: its ``from`` must equal the system id, as on the real axis.
    """

    system_id: str
    secret: str = field(repr=False)
    codes: tuple[str, ...] = ()
    strict: bool = False

    def serves(self, code: str) -> bool:
        """True for its own id, its agencies and what lies below them."""
        return code == self.system_id or any(_below(code, own) for own in self.codes)


@dataclass(slots=True)
class Item:
    """One message for one recipient. ``fetched`` and ``confirmed`` count, so that repeats are seen."""

    doc_id: str
    sender_doc_id: str  # what the sender was told
    kind: str  # edoc, status
    sender: str
    recipient: str
    system: str
    document_id: str
    title: str
    notation: str
    created: int  # UTC microseconds
    updated: int
    state: str = INITIAL
    description: str = ""
    fetched: int = 0
    confirmed: int = 0

    @property
    def open(self) -> bool:
        return self.state in OPEN


@dataclass(frozen=True, slots=True)
class Message:
    """One accepted send: the bytes as they came, and as the axis wrote them."""

    doc_id: str
    kind: str
    sender: str
    system: str  # that sent it; "" when a test put it there
    document_id: str
    raw: bytes = field(repr=False)
    written: bytes = field(repr=False)


class Book:
    """All items and messages, in the order in which they came."""

    def __init__(self, folder: Path | None = None) -> None:
        self.items: dict[str, Item] = {}
        self.messages: dict[str, Message] = {}
        self.agencies: dict[str, dict[str, Any]] = {}  # registered while running; a closed one is ``{}``
        self._folder = folder
        self._journal: BinaryIO | None = None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._replay(folder / "journal.jsonl")
            self._journal = (folder / "journal.jsonl").open("ab")

    def close(self) -> None:
        """Let go of the journal."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def add(self, message: Message, items: Sequence[Item]) -> None:
        """A message and its items. On return they are on disk, if there is a folder."""
        if self._folder is not None:
            _write(self._folder / f"{message.doc_id}.raw", message.raw)
            _write(self._folder / f"{message.doc_id}.edxml", message.written)
        about = {name: getattr(message, name) for name in _KEPT}
        self._note("message", message=about, items=[asdict(item) for item in items])
        self._take(message, items)

    def add_item(self, item: Item) -> None:
        """One more item of a message that is there."""
        self._note("item", item=asdict(item))
        self.items[item.doc_id] = item

    def move(self, item: Item, state: str, description: str, at: int) -> None:
        """Another state; one that was confirmed before only counts once more."""
        item.state, item.description, item.updated = state, description, at
        item.confirmed += state == DONE
        self._note("state", item=asdict(item))

    def set_agency(self, code: str, row: dict[str, Any]) -> None:
        """An agency was registered, or (``{}``) closed."""
        self.agencies[code] = row
        self._note("agency", code=code, row=row)

    def of(self, system: System) -> Iterator[Item]:
        """Items for the agencies of one system, oldest first."""
        return (item for item in self.items.values() if item.system == system.system_id)

    def sent_by(self, system: System) -> Iterator[Item]:
        """Items of what one system sent, oldest first."""
        return (
            item
            for item in self.items.values()
            if self.messages[item.sender_doc_id].system == system.system_id
        )

    def bytes_of(self, item: Item) -> bytes:
        """The message as the axis wrote it."""
        return self.messages[item.sender_doc_id].written

    def _take(self, message: Message, items: Sequence[Item]) -> None:
        self.messages[message.doc_id] = message
        for item in items:
            self.items[item.doc_id] = item

    def _note(self, what: str, **fields: Any) -> None:
        if self._journal is None:
            return
        self._journal.write(orjson.dumps({"what": what, **fields}) + b"\n")
        self._journal.flush()
        os.fsync(self._journal.fileno())

    def _replay(self, journal: Path) -> None:
        """Everything as it was. A last line that was cut off by a crash was never answered: it is dropped."""
        if not journal.exists():
            return
        data = journal.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            _write(journal, whole)
        for line in whole.splitlines():
            self._again(orjson.loads(line))

    def _again(self, noted: dict[str, Any]) -> None:
        assert self._folder is not None
        match noted["what"]:
            case "message":
                about = noted["message"]
                place = self._folder / about["doc_id"]
                raw = place.with_suffix(".raw").read_bytes()
                message = Message(**about, raw=raw, written=place.with_suffix(".edxml").read_bytes())
                self._take(message, [Item(**item) for item in noted["items"]])
            case "agency":
                self.agencies[noted["code"]] = noted["row"]
            case _:
                self.items[noted["item"]["doc_id"]] = Item(**noted["item"])


_KEPT = ("doc_id", "kind", "sender", "system", "document_id")


def _below(code: str, own: str) -> bool:
    """True for ``own`` and what lies below it: root-first (H37 -> H37.31) or leaf-first (000.21.31.H37)."""
    if code == own or code.startswith(f"{own}."):
        return True
    groups = [group for group in reversed(code.split(".")) if group.strip("0")]
    return ".".join(groups) == own or ".".join(groups).startswith(f"{own}.")


def _write(path: Path, data: bytes) -> None:
    growing = path.with_suffix(path.suffix + ".part")
    with growing.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    growing.replace(path)
