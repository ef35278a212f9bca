"""``gateway migrate``: bring the database up to this release, or say what that would take.

In charge of: the command. Not in charge of: the steps (``store/migrate.py``). ``gateway serve`` takes them
too when it starts; an operator who wants them at a time of their own, or under an account that may change
tables, runs this first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import wait
from gateway.clock import SystemClock
from gateway.config import load
from gateway.store import open_store, pending_steps
from gateway.store.migrate import Migration


@click.command()
@common_options
@click.option("--dry-run", is_flag=True, help="Only say which steps are missing; nothing is changed.")
@click.pass_obj
def migrate(frame: Frame, dry_run: bool) -> None:
    """Nâng cấp cơ sở dữ liệu theo phiên bản phần mềm này. Bring the database up to this release."""
    steps = wait(_migrate(frame, dry_run))
    answer = {
        "dry_run": dry_run,
        "steps": [{"version": step.version, "name": step.name} for step in steps],
    }
    output.show(frame, answer, lambda console: _print(console, answer))


async def _migrate(frame: Frame, dry_run: bool) -> Sequence[Migration]:
    """The steps that were missing; taken, unless it is only asked for. Others that migrate at this moment
    wait for us, or we for them."""
    config = load(frame.home)
    missing = await pending_steps(config.database.url, frame.home)
    if missing and not dry_run:
        store = await open_store(
            config.database.url, frame.home, clock=SystemClock(), purpose="gateway migrate"
        )
        await store.close()
    return missing


def _print(console: Console, answer: dict[str, Any]) -> None:
    steps = answer["steps"]
    if not steps:
        console.print("[bold green]✓[/] Cơ sở dữ liệu đã đúng phiên bản này. [dim](nothing to do)[/]")
        return
    for step in steps:
        console.print(f"  {step['version']:04} {step['name']}")
    if answer["dry_run"]:
        console.print(
            f"Còn {len(steps)} bước, chưa thực hiện. Hãy sao lưu rồi chạy: gateway migrate "
            "[dim](nothing was changed; back up, then migrate)[/]",
            soft_wrap=True,
        )
    else:
        console.print(f"[bold green]✓[/] Đã thực hiện {len(steps)} bước. [dim](done)[/]")
