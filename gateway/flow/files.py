"""The signatures of the attached PDFs, judged between reading a message and deciding about it.

In charge of: finding the files in the bytes that count (of a signed message only those that its signature
covers, ADR 4), and having each read by a worker, one file after another. One way for gate, preflight and
``gateway check``. Not in charge of: what follows from the verdicts (``examine.py``), limits of one file
(``signature/workers.py``).

Memory: only as many documents as there are workers, and one more, have files decoded at one time, and each
has one file in memory; the others wait with their bytes on disk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Protocol

from gateway.checks.secrecy import mark_on_page
from gateway.edxml.limits import Limits
from gateway.edxml.parse import EnvelopeReader
from gateway.flow.door import Upload
from gateway.flow.examine import PDF, Bench, Reading, places_of
from gateway.model.verdict import Verdict
from gateway.signature.pdf_facts import Pages, PdfSignature
from gateway.signature.pdf_judge import judge_pdf
from gateway.signature.workers import PdfWorkers

STAGE = "files"
_CHUNK = 262_144  # bytes of a signed message that are decoded at a time


class Offload(Protocol):
    """``Services.offload``: runs work on so many bytes where it does not hold up others."""

    def __call__(self, size: int, function: Callable[..., Any], /, *args: Any) -> Awaitable[Any]: ...


async def judge_files(
    upload: Upload, reading: Reading, bench: Bench, workers: PdfWorkers, offload: Offload
) -> Reading:
    """The reading with a verdict for each signature of each attached PDF, in the order of the files, and the
    files whose first page may bear a mark of secrecy.

    Without PDFs, and where there is nothing to judge them by, no verdict is added.
    """
    wanted = [i for i, file in enumerate(reading.envelope.attachments) if file.format == PDF]
    if not wanted or bench.trust is None:
        return replace(reading, signed_bytes=None) if reading.signed_bytes else reading
    started = bench.clock.now()
    verdicts: list[Verdict] = []
    marked: list[int] = []
    pages: dict[int, Pages] = {}
    async with workers.turns:
        files = files_of(_bytes_that_count(upload, reading), bench.limits, frozenset(wanted))
        while (found := await offload(upload.size, next, files, None)) is not None:
            index, data = found
            facts = await workers.read_file(data)
            verdicts += await offload(len(data), _judge, reading, index, facts.signatures, bench)
            if mark_on_page(facts.pages.first_text):
                marked.append(index)
            pages[index] = replace(facts.pages, first_text="")
    upload.timings[STAGE] = bench.clock.now() - started
    judged = (*reading.verdicts, *verdicts)
    return replace(reading, verdicts=judged, marked_pages=tuple(marked), pages=pages, signed_bytes=None)


def files_of(chunks: Iterable[bytes], limits: Limits, wanted: frozenset[int]) -> Iterator[tuple[int, bytes]]:
    """Index (in ``Envelope.attachments``) and bytes of each wanted file, decoded and unwrapped.

    Each is given out when its last byte has passed, so that one is in memory at a time.
    """
    shelf = _Shelf(wanted)
    reader = EnvelopeReader(limits, open_file=shelf.open)
    for chunk in chunks:
        reader.feed(chunk)
        yield from shelf.taken()
    reader.close()
    shelf.end()
    yield from shelf.taken()


class _Shelf:
    """Where the reader writes: the file that is passing, and those that have passed."""

    def __init__(self, wanted: frozenset[int]) -> None:
        self._wanted = wanted
        self._index = -1
        self._passing: list[bytes] = []
        self._passed: deque[tuple[int, bytes]] = deque()

    def open(self, index: int) -> _Shelf:
        """See ``EnvelopeReader``: a new file begins, so the one before has ended."""
        self.end()
        if index in self._wanted:
            self._index = index
        return self

    def write(self, data: bytes, /) -> None:
        if self._index >= 0:
            self._passing.append(data)

    def end(self) -> None:
        if self._index >= 0:
            self._passed.append((self._index, b"".join(self._passing)))
        self._index, self._passing = -1, []

    def taken(self) -> Iterator[tuple[int, bytes]]:
        while self._passed:
            yield self._passed.popleft()


def _judge(
    reading: Reading, index: int, signatures: tuple[PdfSignature, ...], bench: Bench
) -> tuple[Verdict, ...]:
    envelope, now = reading.envelope, bench.clock.now()
    at = now if bench.received_at is None else bench.received_at
    assert bench.trust is not None
    place, sha256 = places_of(envelope)[index], envelope.attachments[index].sha256.hex()
    declared = envelope.promulgation_date.value
    return judge_pdf(place, signatures, bench.trust, at, declared, sha256=sha256, now=now)


def _bytes_that_count(upload: Upload, reading: Reading) -> Iterable[bytes]:
    signed = reading.signed_bytes
    if signed is None:
        return upload.staging.chunks()
    return (signed[start : start + _CHUNK] for start in range(0, len(signed), _CHUNK))


__all__ = ["files_of", "judge_files"]
