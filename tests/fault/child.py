"""A gateway in whose process things go wrong, as its plan says.

In charge of: arming on SIGUSR1, mending on SIGUSR2, and the faults that must happen inside. Not in charge of:
what happens outside (``scenarios``).
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import random
import resource
import signal
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from gateway.app import running
from gateway.clock import Discipline, Look, SystemClock
from gateway.config import load
from gateway.delivery.leader import PACE, Pace
from gateway.model.text import Instant
from gateway.signature.workers import PdfWorkers
from tests.fault import bugs
from tests.fault.plan import Plan
from tests.fault.steps import BY_NAME, POSTGRES, Trap


class Ahead:
    """The machine's clock, some seconds ahead, and set forward and back when told."""

    def __init__(self, seconds: int) -> None:
        self._step = seconds * 1_000_000_000
        self._clock = SystemClock(wall=lambda: time.time_ns() + self._step)

    source, offset = "system", None

    def now(self) -> Instant:
        return self._clock.now()

    def look(self) -> Look:
        return Look(0, Discipline(False, None))

    def step(self, seconds: int) -> None:
        """As if somebody set the machine's clock."""
        self._step += seconds * 1_000_000_000


class Faults:
    """Everything of a plan that begins when it is armed."""

    def __init__(self, plan: Plan, clock: Ahead, shared: bool) -> None:
        self._plan, self._clock = plan, clock
        self._dice = random.Random(plan.seed)
        self._on = False
        self._trap = None
        if plan.step:
            place = POSTGRES.get(plan.step, "") if shared else ""
            self._trap = Trap(BY_NAME[plan.step], plan.moment, plan.passage, place)
        if plan.commit_fails:
            self._break_commit()
        if plan.fsync_fails:
            self._break_fsync()
        if plan.bug:
            bugs.plant(plan.bug)

    def arm(self) -> None:
        """SIGUSR1."""
        self._on = True
        if self._trap is not None:
            self._trap.arm()
        if self._plan.file_bytes:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self._plan.file_bytes, resource.RLIM_INFINITY))
        self._clock.step(self._plan.clock_step)

    def mend(self) -> None:
        """SIGUSR2."""
        self._on = False
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self._clock.step(-self._plan.clock_step)

    def _strikes(self, share: float) -> bool:
        return self._on and self._dice.random() < share

    def _break_commit(self) -> None:
        """The disk reports an error at COMMIT; of half of them everything was written."""
        from gateway.store import sqlite

        commit = sqlite._commit

        def failing(connection: sqlite3.Connection) -> None:
            if not self._strikes(self._plan.commit_fails):
                return commit(connection)
            if self._dice.random() < 0.5:
                commit(connection)
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            raise sqlite.StoreUnavailable(code=sqlite.OUTCOME_UNKNOWN, retry_after=1) from error

        sqlite._commit = failing

    def _break_fsync(self) -> None:
        fsync = os.fsync

        def failing(descriptor: int) -> None:
            if self._strikes(self._plan.fsync_fails):
                raise OSError(errno.EIO, "Input/output error")
            fsync(descriptor)

        os.fsync = failing


class LazyWorkers(PdfWorkers):
    """No PDF of these documents is signed, so no process reads them: it would cost each cycle a second."""

    async def start(self) -> None:
        """Nothing; a file that needs one starts it."""


async def serve(plan: Plan) -> None:
    """Serve until SIGTERM; prints ``port=N`` when it listens."""
    logging.disable()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    home, clock, stop = Path(plan.home), Ahead(plan.ahead), asyncio.Event()
    config = load(home)
    config = config.model_copy(update={"server": config.server.model_copy(update={"port": 0})})
    faults = Faults(plan, clock, config.database.url.startswith("postgresql"))
    loop = asyncio.get_running_loop()
    told: tuple[tuple[signal.Signals, Any], ...] = (
        (signal.SIGTERM, stop.set),
        (signal.SIGUSR1, faults.arm),
        (signal.SIGUSR2, faults.mend),
    )
    for number, heard in told:
        loop.add_signal_handler(number, heard)
    with suppress(AttributeError):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    pace = Pace(plan.pace, 4 * plan.pace) if plan.pace else PACE
    async with running(home, config, clock, LazyWorkers(), pace) as (_, port):
        print(f"port={port} pid={os.getpid()}", flush=True)
        await stop.wait()
