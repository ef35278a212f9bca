"""``gateway simulate langson``: a provincial axis of the Lạng Sơn dialect to practise with.

In charge of: starting the simulator, printing its address and the keys that were made. Not in charge of: what
it does (``practice/langson_axis``).
"""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import wait
from gateway.cli.serve import stop_on_signals
from gateway.practice.axis import invented_agencies
from gateway.practice.axis_systems import kept, read_words
from gateway.practice.langson_axis import Account, SimulatedLangsonAxis


@click.command()
@common_options
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: any free port.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="Remember across restarts.")
@click.option("--system", "words", multiple=True, metavar="ID=CODE,…", help="A system id; repeatable.")
@click.option(
    "--agencies", type=click.IntRange(min=0), default=0, help="So many made-up agencies in its list."
)
@click.option("--knob", "knobs", multiple=True, metavar="[CALL:]NAME=HOW[@ARG]", help="Repeatable.")
@click.option("--seed", type=int, default=0, help="Makes probabilities repeatable.")
@click.pass_obj
def langson(
    frame: Frame,
    host: str,
    port: int,
    folder: Path | None,
    words: tuple[str, ...],
    agencies: int,
    knobs: tuple[str, ...],
    seed: int,
) -> None:
    """Trục của tỉnh theo giao thức Lạng Sơn, mô phỏng. A stand-in provincial axis with fault knobs.

    Each system id is also the user name of its login, and its key the password. HOW is on, off, a probability
    (0.3) or a number of times (3x); stale rotates the token early.
    """
    if not words and not (folder and folder.exists()):
        raise click.UsageError("Name a system: --system ID=CODE.")
    made = SimulatedLangsonAxis(
        [Account(one.system_id, one.secret, one) for one in kept(folder, read_words(words))],
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
    wait(_serve(frame, made))


async def _serve(frame: Frame, made: SimulatedLangsonAxis) -> None:
    stop = stop_on_signals()
    async with made:
        systems = [
            {"system_id": one.system.system_id, "secret": one.system.secret, "codes": list(one.system.codes)}
            for one in made.accounts.values()
        ]
        if frame.json:
            output.print_json({"url": made.url, "systems": systems})
        else:
            frame.screen.print(f"[bold green]●[/] Trục tỉnh mô phỏng tại [bold]{made.url}[/] (dừng: Ctrl-C)")
            for one in systems:
                codes = ", ".join(one["codes"])
                line = f"  {one['system_id']}  {one['secret']}  ({codes})"
                frame.screen.print(escape(line), soft_wrap=True)
        await stop.wait()
