"""Worker processes that read PDFs: warmed, limited in time and memory, replaced when they fail.

In charge of: keeping so many workers, handing each one file at a time, and answering for a worker that hangs
or dies. Not in charge of: making one (``nursery``), what is read (``pdf``), who may use how much (the door
admits uploads).

A worker's limits bound accidents and hostile files; they are no sandbox against a fault in the interpreter.
"""

from __future__ import annotations

import asyncio
import io
import pickle
import struct
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any

from gateway.model.text import Bilingual
from gateway.model.verdict import Indication
from gateway.signature import pdf_texts as texts
from gateway.signature.nursery import Child, Nursery, WorkerLost
from gateway.signature.pdf import (
    Failure,
    PdfFacts,
    PdfSignature,
    may_be_signed,
    may_have_pages,
    undecided,
    without_pages,
)
from gateway.signature.pdf_facts import Coverage, Later, Pages, Token
from gateway.signature.pdf_text import pages_in
from gateway.signature.pdf_worker import LENGTH, QUESTION

__all__ = ["PdfWorkers", "WorkerLost", "answer_in"]

_ANSWERED = frozenset(
    (kind.__module__, kind.__qualname__)
    for kind in (PdfSignature, Failure, Coverage, Later, Token, Bilingual, Indication)
)
_PIECE = 256 * 1024
_LARGE = 4 * 1024 * 1024  # bytes; searching more blocks the event loop for milliseconds
_PAGES_SECONDS = 3.0  # for the pages, which takes milliseconds


class _Answer(pickle.Unpickler):
    """Takes our own values only: a hostile file may have taken over the process that answers."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ANSWERED:  # whole names: "enum.bltns.eval" is reached through any module
            raise pickle.UnpicklingError(f"{module}.{name}")
        return super().find_class(module, name)


def answer_in(data: bytes) -> list[PdfSignature]:
    """``WorkerLost``: no answer, but what somebody wrote who took over the process."""
    try:
        answer = list(_Answer(io.BytesIO(data)).load())
    except Exception as problem:  # unpickling raises whatever comes up
        raise WorkerLost from problem
    if not all(isinstance(one, PdfSignature) for one in answer):
        raise WorkerLost
    return answer


class _Worker:
    """One process. Use it for one file at a time; after any error ``kill`` it."""

    def __init__(self, child: Child) -> None:
        self._child = child

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def is_alive(self) -> bool:
        return self._child.is_alive

    async def ask(self, data: bytes, with_pages: bool) -> list[PdfSignature]:
        """``WorkerLost`` when no whole answer comes. The pages are heard afterwards (``hear_pages``)."""
        try:
            writer = self._child.writer
            writer.write(struct.pack(QUESTION, len(data), with_pages))
            for at in range(0, len(data), _PIECE):  # one large write would be copied while everybody waits
                writer.write(memoryview(data)[at : at + _PIECE])
                await writer.drain()
            return answer_in(await self._hear())
        except (OSError, EOFError) as problem:
            raise WorkerLost from problem

    async def hear_pages(self) -> Pages:
        """``WorkerLost`` when they do not come."""
        try:
            return pages_in(await self._hear())
        except (OSError, EOFError, ValueError, TypeError, RecursionError) as problem:
            raise WorkerLost from problem

    async def _hear(self) -> bytes:
        reader = self._child.reader
        (size,) = struct.unpack(LENGTH, await reader.readexactly(struct.calcsize(LENGTH)))
        return await reader.readexactly(size)

    async def kill(self) -> None:
        """On return the process is gone."""
        await self._child.kill()


def _unread(signed: bool, reason: Bilingual) -> PdfFacts:
    """A file that was not read to the end; nothing is said about signatures that it cannot have. Time ran out
    or a process died: the file is read again later."""
    failure = Failure("SIGNED_DATA_NOT_FOUND", reason, is_passing=True)
    return PdfFacts((undecided(failure),) if signed else ())


async def _off_loop(question: Callable[[bytes], bool], data: bytes) -> bool:
    """The answer, found on a thread when the file is large."""
    return await asyncio.to_thread(question, data) if len(data) > _LARGE else question(data)


class PdfWorkers:
    """``count`` processes for one event loop. ``async with PdfWorkers() as workers: await workers.read(…)``

    ``seconds`` is wall-clock time for one file, ``memory_bytes`` the address space of one process.
    """

    def __init__(self, count: int = 2, seconds: float = 20, memory_bytes: int = 1 << 30) -> None:
        self._count = count
        self._seconds = seconds
        self._nursery = Nursery(seconds, memory_bytes)
        self._idle: asyncio.LifoQueue[_Worker | None] = asyncio.LifoQueue()  # warm ones first
        self._all: set[_Worker] = set()
        self.lost = 0  # processes that died, hung or were ended over a file, so far
        # For whoever decodes files to hand them in: each worker has one at hand, and one more is ready.
        self.turns = asyncio.Semaphore(count + 1)
        for _ in range(count):
            self._idle.put_nowait(None)  # a place without a process

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that live."""
        return sorted(worker.pid for worker in self._all if worker.is_alive)

    async def start(self) -> None:
        """On return every worker is warm, so that the first file is as fast as the next ones."""
        places = [self._idle.get_nowait() for _ in range(self._idle.qsize())]
        try:
            places = [await self._alive(place) for place in places]
        finally:
            for place in places:
                self._idle.put_nowait(place)

    async def read(self, data: bytes) -> list[PdfSignature]:
        """What ``read_pdf_signatures`` says, within the limits. A file that cannot be signed wakes nobody.

        When the worker hangs or dies it is replaced and the answer is one undecided entry.
        """
        if not await _off_loop(may_be_signed, data):
            return []
        return list((await self._read(data, signed=True, with_pages=False)).signatures)

    async def read_file(self, data: bytes) -> PdfFacts:
        """As ``read``, and the pages, also of an unsigned file; nothing is known of them when that fails."""
        signed, paged = await _off_loop(may_be_signed, data), await _off_loop(may_have_pages, data)
        if not (signed or paged):
            return PdfFacts(pages=without_pages(data))
        return await self._read(data, signed, with_pages=paged)

    async def _read(self, data: bytes, signed: bool, with_pages: bool) -> PdfFacts:
        """A worker may have died of something else than this file, so a second one is asked."""
        for _ in range(2):
            with suppress(WorkerLost):
                return await self._try(data, signed, with_pages)
        return _unread(signed, texts.worker_died())

    async def _try(self, data: bytes, signed: bool, with_pages: bool) -> PdfFacts:
        """``WorkerLost`` when the process ended; another has taken its place."""
        place = await self._idle.get()
        try:
            place = await self._alive(place)
            signatures = await self._ask(place, data, with_pages)
            pages = without_pages(data)
            if with_pages:
                pages, place = await self._hear_pages(place)
            return PdfFacts(tuple(signatures), pages)
        except TimeoutError:
            place = await self._replace(place)
            return _unread(signed, texts.too_slow(self._seconds))
        except (WorkerLost, OSError) as problem:
            place = await self._replace(place)
            raise WorkerLost from problem
        except BaseException:  # cancelled: the process is still busy with a file that nobody waits for
            if place is not None:
                await asyncio.shield(self._discard(place))
            place = None
            raise
        finally:
            self._idle.put_nowait(place)

    async def close(self) -> None:
        """On return no worker is left; files that are being read are answered as undecided."""
        self._nursery.stop()
        for worker in list(self._all):
            await self._discard(worker)
        await self._nursery.close()

    async def __aenter__(self) -> PdfWorkers:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _ask(self, worker: _Worker, data: bytes, with_pages: bool) -> list[PdfSignature]:
        async with asyncio.timeout(self._seconds):
            return await worker.ask(data, with_pages)

    async def _hear_pages(self, worker: _Worker) -> tuple[Pages, _Worker | None]:
        """The pages, and the worker or who replaced it: a page that cannot be read costs no verdict."""
        try:
            async with asyncio.timeout(_PAGES_SECONDS):
                return await worker.hear_pages(), worker
        except (TimeoutError, WorkerLost):
            return Pages(), await self._replace(worker)

    async def _alive(self, place: _Worker | None) -> _Worker:
        """The worker of this place, or a new one where it is missing or died while idle."""
        if place is not None and place.is_alive:
            return place
        if place is not None:
            await self._discard(place)
        worker = _Worker(await self._nursery.fork())
        self._all.add(worker)
        return worker

    async def _replace(self, place: _Worker | None) -> _Worker | None:
        """A new process in its place; ``None`` when there can be none."""
        self.lost += 1
        if place is not None:
            await self._discard(place)
        try:
            return await self._alive(None)
        except (WorkerLost, OSError):
            return None

    async def _discard(self, worker: _Worker) -> None:
        self._all.discard(worker)
        await worker.kill()
