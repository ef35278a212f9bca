"""``gateway conform SYSTEM``: a vendor's software is taken through the whole exchange with this gateway.

In charge of: telling the person at the software what to do, showing what is waited for, and writing the
report. Not in charge of: the steps (``practice/conform``). Exit code 1: a step failed or was not confirmed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.markup import escape

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import wait
from gateway.practice.conform import STEPS, Course
from gateway.practice.conform_report import OUTCOMES, Report
from gateway.practice.conform_watch import Ask, Patience
from gateway.web.control_call import call_control

MEGABYTE = 1024**2
_USUAL = Patience()


@click.command()
@common_options
@click.argument("system", metavar="SYSTEM")
@click.option("--partner", default="", metavar="CODE", help="Test code that plays the other side.")
@click.option("--step", "steps", multiple=True, type=click.Choice(STEPS), help="Only these; repeatable.")
@click.option("--large-mb", type=click.IntRange(1, 48), default=20, show_default=True)
@click.option("--urgent-seconds", type=click.IntRange(1), default=int(_USUAL.urgent), show_default=True)
@click.option("--software-seconds", type=click.IntRange(1), default=int(_USUAL.software), show_default=True)
@click.option("--person-seconds", type=click.IntRange(1), default=int(_USUAL.person), show_default=True)
@click.option("--shown/--not-shown", default=None, help="Answer beforehand: are reasons shown on the screen?")
@click.option(
    "-o",
    "--output",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Report: .html, .md, .json.",
)
@click.pass_obj
def conform(
    frame: Frame,
    system: str,
    partner: str,
    steps: tuple[str, ...],
    large_mb: int,
    urgent_seconds: int,
    software_seconds: int,
    person_seconds: int,
    shown: bool | None,
    target: Path | None,
) -> int:
    """Kiểm thử kết nối phần mềm của một đơn vị và lập biên bản. A connection test and its report.

    SYSTEM is an account or system id that acts for a test code (column test of the directory). The gateway
    must be running; what happened is read from its own events.
    """
    patience = Patience(
        person=person_seconds,
        software=software_seconds,
        urgent=urgent_seconds,
        large_bytes=large_mb * MEGABYTE,
    )
    asked = steps or STEPS
    report = wait(_run(frame, system, partner, [one for one in STEPS if one in asked], patience, shown))
    if target is not None:
        target.write_text(_written(report, target.suffix), encoding="utf-8")
    output.show(frame, report.as_json(), lambda console: _print(console, report, target))
    return 0 if report.passed else 1


async def _run(
    frame: Frame, system: str, partner: str, steps: Sequence[str], patience: Patience, shown: bool | None
) -> Report:
    async def operate(name: str, arguments: dict[str, Any]) -> Any:
        return await call_control(frame.home, name, arguments)

    candidate = await operate("conform.who", {"system": system, "partner": partner})
    with output.progress(frame) as bar:
        task = bar.add_task("…", total=1)

        def tell(words: str, waited: float, seconds: float) -> None:
            bar.update(task, description=f"{escape(words)}…", completed=waited, total=seconds)

        async def prompt(ask: Ask) -> bool | None:
            if not ask.question:
                frame.aside.print(f"→ [bold]{escape(ask.words.vi)}[/]\n  [dim]{escape(ask.words.en)}[/]")
                return None
            if shown is not None or not frame.shows_progress:
                return shown
            return await asyncio.to_thread(click.confirm, f"{ask.words.vi}\n({ask.words.en})", err=True)

        return await Course(operate, candidate, prompt, tell, patience).run(steps)


def _written(report: Report, ending: str) -> str:
    """The report in the form that the file's ending names."""
    if ending == ".json":
        return orjson.dumps(report.as_json(), option=orjson.OPT_INDENT_2).decode() + "\n"
    return report.page() if ending in (".html", ".htm") else report.markdown()


def _print(console: Console, report: Report, target: Path | None) -> None:
    rows = [
        (step.title.vi, step.expected.vi, step.seen.vi, OUTCOMES[step.outcome].vi, f"{step.seconds:.1f} s")
        for step in report.steps
    ]
    console.print(
        output.table("Kiểm thử kết nối", ("Bước", "Yêu cầu", "Ghi nhận", "Kết quả", "Thời gian"), rows)
    )
    verdict = report.verdict()
    style = "green" if report.passed else "red" if report.failed else "yellow"
    console.print(f"[bold {style}]{escape(verdict.vi)}[/] [dim]({escape(verdict.en)})[/]")
    if target is not None:
        console.print(f"Biên bản: {escape(str(target))}")
