"""``gateway simulate axis``, ``agency``, ``langson`` and ``province``: somebody to practise with.

In charge of: starting the simulators, printing address, ids and the secrets that were made. Not in charge of:
what they do (``practice/axis``, ``practice/vendor``).
"""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import click
from rich.markup import escape

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import wait
from gateway.cli.serve import stop_on_signals
from gateway.cli.simulate_langson import langson
from gateway.cli.simulate_province import province
from gateway.cli.simulate_s3 import s3
from gateway.clock import SystemClock, local
from gateway.practice.agency import Cabinet
from gateway.practice.axis import SimulatedAxis, invented_agencies
from gateway.practice.axis_page import ControlPage
from gateway.practice.axis_systems import kept, make_secret, read_systems, read_words
from gateway.practice.doors import opened
from gateway.practice.letters import Draft, Office
from gateway.practice.vendor import KNOWN_HABITS, DocumentSystem, habits_of

HABITS = "; ".join(f"{name}: {words.en}" for name, (words, _) in KNOWN_HABITS.items())


@click.group()
@common_options
def simulate() -> None:
    """Trục, phần mềm mô phỏng để tập dượt. Simulators to practise with; not for production."""


@simulate.command()
@common_options
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: any free port.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="Remember across restarts.")
@click.option("--systems", type=click.Path(path_type=Path, dir_okay=False), help="TOML, [[system]] tables.")
@click.option("--system", "words", multiple=True, metavar="ID=CODE,…", help="A system id; repeatable.")
@click.option(
    "--agencies", type=click.IntRange(min=0), default=0, help="So many made-up agencies in its list."
)
@click.option("--knob", "knobs", multiple=True, metavar="[CALL:]NAME=HOW[@ARG]", help="Repeatable.")
@click.option("--seed", type=int, default=0, help="Makes probabilities repeatable.")
@click.pass_obj
def axis(
    frame: Frame,
    host: str,
    port: int,
    folder: Path | None,
    systems: Path | None,
    words: tuple[str, ...],
    agencies: int,
    knobs: tuple[str, ...],
    seed: int,
) -> None:
    """Trục quốc gia mô phỏng (SDKVXP 2.0.1), có núm gây lỗi. A stand-in national axis with fault knobs.

    HOW is on, off, a probability (0.3) or a number of times (3x); the control page turns knobs while it runs.
    """
    given = [*(read_systems(systems) if systems else ()), *read_words(words)]
    if not given and not (folder and folder.exists()):
        raise click.UsageError("Name a system: --system ID=CODE or --systems FILE.")
    made = SimulatedAxis(
        kept(folder, given),
        folder=folder,
        agencies=invented_agencies(agencies),
        seed=seed,
        host=host,
        port=port,
    )
    for knob in knobs:
        try:
            made.knobs.set(knob)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--knob") from error
    wait(_serve_axis(frame, made))


async def _serve_axis(frame: Frame, made: SimulatedAxis) -> None:
    token = make_secret()
    ControlPage(made, token)
    stop = stop_on_signals()
    async with made:
        control = f"{made.url}/?token={token}"
        systems = [
            {"system_id": one.system_id, "secret": one.secret, "codes": list(one.codes)}
            for one in made.systems.values()
        ]
        about = {"url": made.url, "control": control, "token": token, "systems": systems}
        if frame.json:
            output.print_json(about)
        else:
            frame.screen.print(f"[bold green]●[/] Trục mô phỏng tại [bold]{made.url}[/] (dừng: Ctrl-C)")
            for one in systems:
                codes = ", ".join(one["codes"])
                words = f"  {one['system_id']}  {one['secret']}  ({codes})"
                frame.screen.print(escape(words), soft_wrap=True)
            frame.screen.print(f"  Núm gây lỗi: {escape(control)}", soft_wrap=True)
        await stop.wait()


@simulate.command(
    help="Phần mềm văn bản mô phỏng của một cơ quan. A vendor-like document system of one agency.\n\nHabits: "
    + HABITS
)
@common_options
@click.option("--gateway", "url", required=True, metavar="URL", help="Base URL of the gateway.")
@click.option("--agency", "code", required=True, metavar="CODE")
@click.option("--name", default="", help="Its name.")
@click.option("--system-id", default="", help="Speak as the national SDK, with this id; else the native API.")
@click.option("--secret-file", type=click.File("r"), required=True, help="Its secret or API key.")
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="Its cabinet."
)
@click.option("--poll", type=click.FloatRange(min=0.1), default=5.0, show_default=True, help="Seconds.")
@click.option("--send-to", multiple=True, metavar="CODE", help="Send documents to it; repeatable.")
@click.option("--every", type=click.FloatRange(min=0.1), default=30.0, show_default=True, help="Seconds.")
@click.option("--habit", "habits", multiple=True, metavar="NAME[=VALUE]", help="Repeatable; see above.")
@click.pass_obj
def agency(
    frame: Frame,
    url: str,
    code: str,
    name: str,
    system_id: str,
    secret_file: Any,
    folder: Path,
    poll: float,
    send_to: tuple[str, ...],
    every: float,
    habits: tuple[str, ...],
) -> None:
    try:
        behaves = habits_of(habits)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--habit") from error

    async def play() -> None:
        async with opened(url, code, secret_file.read().strip(), system_id) as door:
            clock = SystemClock()
            office = Office(code, name or code)
            made = DocumentSystem(office, door, Cabinet(folder), lambda: local(clock.now()), behaves)
            await _play(frame, made, poll, [Office(one, one) for one in send_to], every)

    wait(play())


async def _play(frame: Frame, made: DocumentSystem, poll: float, to: list[Office], every: float) -> None:
    stop = stop_on_signals()
    frame.aside.print(f"[bold green]●[/] {escape(made.office.code)} đang chạy (dừng: Ctrl-C)")
    tasks = [asyncio.create_task(made.run(poll)), asyncio.create_task(_send(made, to, every))]
    await stop.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    told = {
        "sent": made.sent,
        "registered": [list(entry) for entry in made.register],
        "repeats": made.repeats,
        "statuses": [list(one) for one in made.statuses],
        "shown": made.shown,
    }
    rows = [(key, len(value) if isinstance(value, list) else value) for key, value in told.items()]
    output.show(frame, told, lambda console: console.print(output.facts(made.office.code, rows)))


async def _send(made: DocumentSystem, to: list[Office], every: float) -> None:
    for number, one in zip(itertools.count(1), itertools.cycle(to), strict=False):
        await made.write([one], Draft(str(number), "TD", "V/v tập dượt liên thông văn bản"))
        await asyncio.sleep(every)


simulate.add_command(langson)
simulate.add_command(province)
simulate.add_command(s3)
