"""``make faults``: real servers, struck in every way, thousands of times; what was lost and doubled.

    make faults                          200 cycles
    make faults N=2000                   the figure of a release
    make faults ARGS="--only flood"      one scenario
    make faults N=2000 ARGS="--write"    and the table into docs/reliability.md

The last line is ``cycles=N lost=N duplicated=N``; exit 1 unless nothing was. Writes var/bench/faults.json.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from datetime import date
from pathlib import Path
from statistics import quantiles

from rich.console import Console
from rich.table import Table

from tests.fault.run import Job, Outcome, do
from tests.fault.scenarios import BY_NAME, SCENARIOS, Scenario

FOLDER, PAGE = Path("var/bench"), Path("docs/reliability.md")
BEGIN, END = "<!-- faults: make faults N=2000 ARGS=--write -->\n", "<!-- end of faults -->\n"
CHUNK = 40  # cycles on one installation at most
PROCESSES = 2
COLUMNS = ("scenario", "cycles", "struck", "acknowledged", "lost", "doubled", "repeats", "p99 ms", "problems")


def jobs(total: int, seed: int, chosen: tuple[Scenario, ...]) -> list[Job]:
    """``total`` cycles, by the scenarios' shares; every scenario begins before one goes on."""
    whole = sum(one.share for one in chosen)
    found = []
    for scenario in chosen:
        cycles = max(1, round(total * scenario.share / whole))
        found += [
            Job(scenario.name, min(CHUNK, cycles - first), seed, first) for first in range(0, cycles, CHUNK)
        ]
    return sorted(found, key=lambda job: (job.first, -job.cycles))


def done_by(pool: Executor, todo: list[Job], at_once: int, until: float) -> Iterator[Outcome]:
    """As jobs end; none begins after ``until`` (``time.monotonic``)."""
    waiting, running = iter(todo), set[Future[Outcome]]()
    while True:
        while len(running) < at_once and time.monotonic() < until and (job := next(waiting, None)):
            running.add(pool.submit(do, job))
        if not running:
            return
        ended, running = wait(running, return_when=FIRST_COMPLETED)
        yield from (one.result() for one in ended)


def together(outcomes: list[Outcome]) -> list[Outcome]:
    """One line for each scenario, in the order of the table."""
    lines = []
    for scenario in SCENARIOS:
        parts = [one for one in outcomes if one.scenario == scenario.name]
        if parts:
            lines.append(
                Outcome(
                    scenario.name,
                    *(sum(getattr(one, name) for one in parts) for name in _SUMS),
                    tuple(problem for one in parts for problem in one.problems),
                    tuple(second for one in parts for second in one.seconds),
                )
            )
    return lines


_SUMS = ("cycles", "struck", "acknowledged", "lost", "doubled", "repeats")


def cells(line: Outcome) -> tuple[str, ...]:
    """One row of the table."""
    p99 = f"{quantiles(line.seconds, n=100)[98] * 1000:.0f}" if len(line.seconds) > 1 else ""
    numbers = (str(getattr(line, name)) for name in _SUMS)
    return line.scenario, *numbers, p99, str(len(line.problems))


def show(lines: list[Outcome], console: Console) -> None:
    """The table, and every problem in words."""
    table = Table(title="faults")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == "scenario" else "right")
    for line in lines:
        table.add_row(*cells(line))
    console.print(table)
    for line in lines:
        for problem in line.problems[:20]:
            console.print(f"{line.scenario}: {problem}", markup=False)


def write(lines: list[Outcome], seconds: float) -> None:
    """Put the table between its two markers of the page."""
    total = sum(line.cycles for line in lines)
    rows = [
        f"{total} cycles in {seconds / 60:.0f} minutes on {date.today():%d/%m/%Y}: {os.cpu_count()} cores, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}.",
        "",
        "| what goes wrong | cycles | struck | acknowledged | lost | doubled | recognised repeats |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for line in lines:
        words = BY_NAME[line.scenario].words
        rows.append("| " + " | ".join((words, *(str(getattr(line, name)) for name in _SUMS))) + " |")
    before, rest = PAGE.read_text("utf-8").split(BEGIN)
    PAGE.write_text(before + BEGIN + "\n".join(rows) + "\n" + END + rest.split(END)[1], "utf-8")


def main() -> int:
    """Run, print, keep; the exit code."""
    parser = argparse.ArgumentParser(prog="make faults")
    parser.add_argument("cycles", type=int, nargs="?", default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=[one.name for one in SCENARIOS], action="append")
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--minutes", type=float, default=0, help="begin nothing new after so many")
    parser.add_argument("--write", action="store_true", help=f"write the table into {PAGE}")
    given = parser.parse_args()
    chosen = tuple(one for one in SCENARIOS if not given.only or one.name in given.only)
    todo, console, began = jobs(given.cycles, given.seed, chosen), Console(width=130), time.monotonic()
    outcomes = []
    until = began + 60 * given.minutes if given.minutes else math.inf
    with ProcessPoolExecutor(given.processes, multiprocessing.get_context("spawn")) as pool:
        for one in done_by(pool, todo, given.processes, until):
            outcomes.append(one)
            at = f"{time.monotonic() - began:5.0f} s {len(outcomes)}/{len(todo)}"
            told = f"{one.scenario}: {one.cycles} cycles, {one.lost} lost, {one.doubled} doubled"
            print(at, told, *one.problems[:3], sep="  ", file=sys.stderr, flush=True)
    lines = together(outcomes)
    show(lines, console)
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "faults.json").write_text(
        json.dumps([dict(zip(COLUMNS, cells(line), strict=True)) for line in lines], indent=2)
    )
    if given.write:
        write(lines, time.monotonic() - began)
    cycles, lost, doubled = (
        sum(getattr(one, name) for one in lines) for name in ("cycles", "lost", "doubled")
    )
    print(f"cycles={cycles} lost={lost} duplicated={doubled}", flush=True)
    return 0 if all(line.sound for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
