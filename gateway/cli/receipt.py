"""``gateway receipt``: a receipt, its proof in the exchange log, and whether proof and timestamp hold.

In charge of: showing. Not in charge of: having checkpoints stamped (``delivery/stamp.py``).
"""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate

HOLDS = ("", "timestamp.off", "timestamp.pending")  # the log proves it, with or without a timestamp


@click.group()
@common_options
def receipt() -> None:
    """Phiếu xác nhận của trục. Receipts of the gateway."""


@receipt.command()
@common_options
@click.argument("receipt_id", metavar="ID")
@click.pass_obj
def show(frame: Frame, receipt_id: str) -> int:
    """Phiếu và bằng chứng trong nhật ký. The receipt and its proof; exit code 1 unless what there is
    holds."""
    answer = operate(frame, "receipt.show", receipt=receipt_id)
    output.show(frame, answer, lambda console: _print(console, answer))
    return 0 if answer["problem"] in HOLDS else 1


def _print(console: Console, answer: dict[str, Any]) -> None:
    mark = "[green]✓[/]" if answer["problem"] in HOLDS else "[bold red]✗[/]"
    console.print(f"{mark} {escape(answer['text']['vi'])}", soft_wrap=True)
    console.print(f"  [dim]{escape(answer['text']['en'])}[/]", soft_wrap=True)
    if answer["time"]:
        console.print(f"  Thời điểm (time): {answer['time']}")
        console.print(f"  Nơi cấp (authority): {escape(answer['authority'])}", soft_wrap=True)
    console.print(f"  Sự kiện thứ {answer['leaf'] + 1} trong {answer['size']} sự kiện dưới mốc chốt:")
    console.print(f"[dim]{escape(answer['checkpoint'])}[/]", soft_wrap=True)
    console.print(escape(answer["jws"]), soft_wrap=True, highlight=False)
