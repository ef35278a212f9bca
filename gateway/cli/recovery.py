"""``gateway recovery``: after an older backup was restored.

In charge of: the commands and what they show. Not in charge of: restoring (``gateway restore``), opening the
epoch of the log (``flow/recovery.py``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
@common_options
def recovery() -> None:
    """Sau khi khôi phục bản sao lưu cũ. After an older backup was restored: go on, take back, report."""


@recovery.command()
@common_options
@click.option("--reason", required=True, help="Why; stands in the record.")
@click.option("--checkpoint", "checkpoints", type=_FILE, multiple=True, help="A checkpoint kept elsewhere.")
@click.option("--key-file", type=click.File("r"), help="API key of the administrator who decides.")
@click.pass_obj
def accept(frame: Frame, reason: str, checkpoints: tuple[Path, ...], key_file: Any) -> None:
    """Mở kỳ nhật ký mới trên dữ liệu đã khôi phục. Open a new epoch of the log over what was restored."""
    notes = [file.read_text("utf-8") for file in checkpoints]
    key = str(key_file.read()).strip() if key_file else ""
    answer = operate(frame, "recovery.accept", reason=reason, checkpoints=notes, key=key)
    output.show(frame, answer, lambda console: _print_opened(console, answer))


def _print_opened(console: Console, answer: dict[str, Any]) -> None:
    console.print(
        f"[bold green]✓[/] Kỳ nhật ký mới: [bold]{escape(answer['origin'])}[/], nối tiếp "
        f"{answer['shared']} sự kiện đầu. [dim](epoch opened)[/]",
        soft_wrap=True,
    )
    if answer["missing"]:
        console.print(
            f"  [yellow]![/] {answer['missing']} sự kiện đã chốt của kỳ trước không có ở đây; mốc chốt cũ "
            "được giữ nguyên.",
            soft_wrap=True,
        )
