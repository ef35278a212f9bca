"""Units of work that wait at the same moment share one transaction, and so one fsync.

In charge of: the queue in front of an engine's single writer, and telling every caller what became of its
unit. Not in charge of: transactions and savepoints (``sqlite`` hands in a function that commits a batch).

Nobody waits for a batch to fill: whoever is there when the writer becomes free goes together. Alone, a unit
pays for its own fsync; sixty-four at once pay for one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from gateway.store.contract import AWAY_RETRY, OUTCOME_UNKNOWN, StoreClosed, Unit

T = TypeVar("T")

BATCH = 256  # units in one transaction at most: bounds the wait, and what one failed COMMIT takes with it


@dataclass(slots=True, eq=False)
class Job:
    """A unit that waits for the writer, who fills in ``value`` or ``error``."""

    unit: Unit[Any]
    future: asyncio.Future[Any]
    value: Any = None
    error: BaseException | None = None


class GroupCommit:
    """The queue. ``commit(jobs)`` runs every unit of a batch and returns once those without an ``error`` are
    on disk; if it raises, none of them is."""

    def __init__(self, commit: Callable[[list[Job]], Awaitable[None]]) -> None:
        self._commit = commit
        self._waiting = deque[Job]()
        self._pump: asyncio.Task[None] | None = None
        self.units = 0
        self.batches = 0

    async def write(self, unit: Unit[T]) -> T:
        """Run ``unit`` in the next batch; see ``Store.write``."""
        job = Job(unit, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        if self._pump is None:
            self._start_pump()
        value: T = await job.future
        return value

    async def finished(self) -> None:
        """Return when nothing waits any more."""
        while self._pump is not None:
            await asyncio.wait({self._pump})
            await asyncio.sleep(0)  # ``ended`` runs now, and may have started another

    async def _drain(self) -> None:
        while jobs := self._take():
            await self._write_batch(jobs)

    def _start_pump(self) -> None:
        def ended(pump: asyncio.Task[None]) -> None:
            self._pump = None
            if pump.cancelled():  # the loop is being torn down; units that did not begin never will
                _settle(self._waiting, StoreClosed(retry_after=AWAY_RETRY))
                self._waiting.clear()
            elif self._waiting:  # handed in between the last look and this call
                self._start_pump()

        self._pump = asyncio.create_task(self._drain(), name="store-writer")
        self._pump.add_done_callback(ended)

    def _take(self) -> list[Job]:
        """The next batch; a unit whose caller went away before it began is not run."""
        jobs = list[Job]()
        while self._waiting and len(jobs) < BATCH:
            job = self._waiting.popleft()
            if not job.future.done():
                jobs.append(job)
        return jobs

    async def _write_batch(self, jobs: list[Job]) -> None:
        self.units += len(jobs)
        self.batches += 1
        try:
            await self._commit(jobs)
        except Exception as error:
            _settle(jobs, error)  # also where a unit failed by itself: what it saw is gone
        except BaseException:  # the loop is being torn down: committed or not, nobody can say
            _settle(jobs, StoreClosed(code=OUTCOME_UNKNOWN, retry_after=AWAY_RETRY))
            raise
        else:
            _settle(jobs)


def _settle(jobs: Iterable[Job], error: Exception | None = None) -> None:
    """Tell the callers that are still there: ``error``, or what became of each unit."""
    for job in jobs:
        if job.future.done():
            continue
        if (problem := error or job.error) is None:
            job.future.set_result(job.value)
        else:
            job.future.set_exception(problem)
            job.future.exception()  # counts as seen, even if the caller is cancelled this very moment
