"""``gateway migrate``: bring the database up to this release, say what that would take, or copy it elsewhere.

In charge of: the command. Not in charge of: the steps (``store/migrate.py``), copying
(``flow/copy_database.py``). ``gateway serve`` takes them
too when it starts; an operator who wants them at a time of their own, or under an account that may change
tables, runs this first.
"""

from __future__ import annotations

import time
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
@click.option("--to", "url", default="", help="Copy it to this empty database; the server is stopped.")
@click.pass_obj
def migrate(frame: Frame, dry_run: bool, url: str) -> None:
    """Nâng cấp cơ sở dữ liệu, hoặc chép sang nơi khác. Bring the database up to this release, or copy it."""
    if url:
        answer = wait(_copy(frame, url))
        output.show(frame, answer, lambda console: _print_copied(console, answer))
        return
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


async def _copy(frame: Frame, url: str) -> dict[str, Any]:
    from gateway.flow.copy_database import copy_database

    started = time.perf_counter()
    done = await copy_database(frame.home, load(frame.home), SystemClock(), url)
    tables = {one.table: {"rows": one.rows, "sha256": one.sha256} for one in done.tables}
    seconds = round(time.perf_counter() - started, 3)
    return {"rows": done.rows, "leaves": done.leaves, "seconds": seconds, "tables": tables}


def _print_copied(console: Console, answer: dict[str, Any]) -> None:
    console.print(
        f"[bold green]✓[/] Đã chép {answer['rows']} dòng; số dòng và mã băm của {len(answer['tables'])} bảng "
        f"ở hai bên bằng nhau, {answer['leaves']} sự kiện của nhật ký khớp. [dim](copied and verified)[/]",
        soft_wrap=True,
    )
    console.print(
        "  → Bước tiếp theo (next): ghi địa chỉ mới vào mục [bold]\\[database] url[/] của gateway.toml (hoặc "
        "GATEWAY_DATABASE_URL_FILE), rồi gateway serve. Giữ cơ sở dữ liệu cũ đến khi kiểm tra xong.",
        soft_wrap=True,
    )


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
