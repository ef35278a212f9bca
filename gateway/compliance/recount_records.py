"""What the recount remembers of documents, deliveries and recalls while it reads a log.

In charge of: one record a document, columns of numbers for deliveries (a year has more than a million), one
record a recall. Not in charge of: what an event does to them (``recount_events.py``), what is counted of them
(``recount_counts.py``). Instants are UTC microseconds, 0 for never; days are numbers of days.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field

from gateway.compliance.recount_signatures import Signatures

NO_DATE = -1


@dataclass(slots=True)
class Document:
    """A D, as its ``document.accepted`` says and as later events change it."""

    id: str
    message: str
    agency: str
    level: str
    at: int
    day: int
    replaces: bool
    held: bool  # by the gate; until ``released``
    urgent: bool
    paper: bool
    paper_outside: bool
    promulgated: int  # a day, or ``NO_DATE``
    series: tuple[str, int, str, str] | None  # sender, year, number, notation: who has the same is a twin
    authority: str
    metadata: bool  # every field is there
    subject: bool
    pdfs: int
    files: int
    unopened: bool
    signatures: Signatures
    rules: tuple[str, ...]  # of findings that stay when signatures are judged again
    signature_rules: tuple[str, ...]
    released: bool = False
    misaddressed: bool = False  # somebody refused it with R01
    first: bool = False  # it is the first submission of its DocumentId

    @property
    def sent(self) -> bool:
        """True unless the gate keeps it back."""
        return self.released or not self.held


class Deliveries:
    """All R, one place in each column; an agency or level is a number of ``names``."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._documents: dict[str, int] = {}
        self._places: dict[int, int] = {}
        self.document = array("q")
        self.agency, self.level = array("l"), array("l")
        self.made, self.fetched, self.arrived, self.system = (array("q") for _ in range(4))
        self.answered, self.refused, self.accepted, self.moved = (array("q") for _ in range(4))
        self.withdrawn, self.ended, self.overturned = bytearray(), bytearray(), bytearray()
        self.refusal: dict[int, str] = {}
        self.of_document: Counter[int] = Counter()

    def __len__(self) -> int:
        return len(self.made)

    def name(self, text: str) -> int:
        """The number of an agency or level."""
        number = self._numbers.get(text)
        if number is None:
            number = self._numbers[text] = len(self.names)
            self.names.append(text)
        return number

    def _pair(self, document: str, agency: str) -> int:
        number = self._documents.setdefault(document, len(self._documents))
        return number << 24 | self.name(agency)

    def place(self, document: str, agency: str) -> int:
        """Where the R of an agency stands, -1 when it has none."""
        return self._places.get(self._pair(document, agency), -1)

    def add(self, document: str, agency: str, level: str, at: int) -> None:
        """A new R."""
        pair = self._pair(document, agency)
        self._places[pair] = len(self.made)
        self.document.append(pair >> 24)
        self.agency.append(pair & 0xFFFFFF)
        self.level.append(self.name(level))
        self.made.append(at)
        for column in (self.fetched, self.arrived, self.system, self.answered):
            column.append(0)
        for column in (self.refused, self.accepted, self.moved):
            column.append(0)
        for flags in (self.withdrawn, self.ended, self.overturned):
            flags.append(0)
        self.of_document[pair >> 24] += 1

    def move(self, document: str, old: str, new: str, level: str) -> None:
        """The R of ``old`` becomes that of ``new``; when that has one already, the old one ends."""
        place = self._places.pop(self._pair(document, old), -1)
        if place < 0:
            return
        pair = self._pair(document, new)
        if pair in self._places:
            self.ended[place] = 1
            self.of_document[pair >> 24] -= 1
            return
        self._places[pair] = place
        self.agency[place], self.level[place] = pair & 0xFFFFFF, self.name(level)

    def count_of(self, document: str) -> int:
        """How many R a document has."""
        number = self._documents.get(document, -1)
        return self.of_document[number] if number >= 0 else 0


@dataclass(slots=True)
class Recall:
    """One message that asks one recipient for a document."""

    agency: str
    level: str
    asked: int
    state: str
    answered: int = 0


@dataclass(slots=True)
class Declared:
    """What an agency says that its register holds; days included, both ends."""

    agency: str
    first: int
    last: int
    total: int


@dataclass(slots=True)
class Reference:
    """What the log itself says of the data that figures rest on: calendars by version, outages, totals."""

    calendars: dict[str, str] = field(default_factory=dict)  # version -> SHA-256
    outages: dict[str, tuple[int, int, str]] = field(default_factory=dict)  # id -> from, to, agency
    totals: list[Declared] = field(default_factory=list)


__all__ = ["NO_DATE", "Declared", "Deliveries", "Document", "Recall", "Reference"]
