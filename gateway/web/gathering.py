"""The metrics of all processes that answer on one socket, for whoever asks any one of them.

In charge of: a file of each process in the home folder, written every few seconds, and putting them together,
each sample with the process that it is of. Without this a scrape would meet another process each time, and
every counter would seem to jump. Not in charge of: what is counted (``metrics.py``).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

FOLDER = "metrics"
EVERY = 5.0  # seconds between two writings


class Gathering(Collector):
    """One process among those that share ``home`` and its socket. ``run`` until cancelled."""

    def __init__(self, home: Path, registry: CollectorRegistry, pid: int | None = None) -> None:
        self._folder, self._registry = home / FOLDER, registry
        self._pid = os.getpid() if pid is None else pid

    async def run(self, look: Callable[[], Awaitable[None]]) -> None:
        """Keep this process's file fresh; it is gone on return. ``look`` brings in what must be asked for."""
        try:
            while True:
                await look()
                with contextlib.suppress(OSError):  # a full disk must not end it; others see an older file
                    await asyncio.to_thread(self.write)
                await asyncio.sleep(EVERY)
        finally:
            self._file(self._pid).unlink(missing_ok=True)

    def write(self) -> None:
        """This process's counts, for the others. The file is whole at any time."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        beside = self._folder / f"{self._pid}.new"
        beside.write_bytes(generate_latest(self._registry))
        beside.replace(self._file(self._pid))

    def text(self) -> bytes:
        """Prometheus text of all processes: this one as it is now, the others as of some seconds ago."""
        gathered = CollectorRegistry(auto_describe=False)
        gathered.register(self)
        return generate_latest(gathered)

    def collect(self) -> Iterator[Metric]:
        """Every metric once, with the samples of all processes that live."""
        families: dict[str, Metric] = {}
        for pid, text in self._texts():
            for family in text_string_to_metric_families(text):
                into = families.setdefault(
                    family.name, Metric(family.name, family.documentation, family.type)
                )
                into.samples += [
                    one._replace(labels={**one.labels, "process": str(pid)}) for one in family.samples
                ]
        yield from families.values()

    def _texts(self) -> Iterator[tuple[int, str]]:
        yield self._pid, generate_latest(self._registry).decode()
        for path in sorted(self._folder.glob("*.prom")):
            pid = int(path.stem)
            if pid == self._pid:
                continue
            if not Path(f"/proc/{pid}").exists():  # it was killed
                path.unlink(missing_ok=True)
                continue
            with contextlib.suppress(FileNotFoundError):  # it ended just now
                yield pid, path.read_text()

    def _file(self, pid: int) -> Path:
        return self._folder / f"{pid}.prom"
