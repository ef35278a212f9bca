"""``gateway signers``: the register of who signs with which certificate (contracts: who signed)."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate


@click.group()
@common_options
def signers() -> None:
    """Danh sách người ký. The signer register."""


@signers.command("import")
@common_options
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_obj
def import_(frame: Frame, file: Path) -> None:
    """Nạp danh sách người ký từ FILE (CSV). Add or correct rows of the signer register."""
    answer = operate(frame, "signers.import", text=output.read_text(file))
    words = f"[bold green]✓[/] Đã nạp {answer['rows']} dòng người ký. [dim]({answer['rows']} rows written)[/]"
    output.show(frame, answer, lambda console: console.print(words))
