"""``gateway views`` and ``gateway open``: who looked at a document, and opening its content oneself.

In charge of: showing, and asking for a reason. Not in charge of: who may (``flow/footprints.py``,
``flow/open_content.py``).
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


@click.command()
@common_options
@click.argument("document")
@click.pass_obj
def views(frame: Frame, document: str) -> None:
    """Ai đã xem hoặc mở một văn bản. Who looked at a document, and who opened its content."""
    answer = {"views": operate(frame, "document.views", reference=document)}
    output.show(frame, answer, lambda console: _print(console, answer["views"]))


@click.command("open")
@common_options
@click.argument("document")
@click.option("--reason", required=True, help="Why; stands in the record and is shown to the sender.")
@click.option("-o", "--output", "file", required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def open_(frame: Frame, document: str, reason: str, file: Path) -> None:
    """Mở nội dung một văn bản, có lý do và được ghi lại. Open a document's content, on the record."""
    path = str(file.absolute())
    answer = operate(frame, "document.open", document=document, path=path, reason=reason)
    words = f"[bold green]✓[/] {answer['size']} byte → {escape(answer['path'])}"
    output.show(frame, answer, lambda console: console.print(words, soft_wrap=True))


def _print(console: Console, found: list[dict[str, Any]]) -> None:
    rows = [
        (
            output.moment(one["at"]),
            one["actor"],
            one["role"],
            "mở nội dung" if one["content"] else "xem thông tin",
            one["reason"],
        )
        for one in found
    ]
    headings = ("Lúc", "Tài khoản", "Vai trò", "Việc", "Lý do")
    console.print(output.table(f"{len(rows)} lượt xem", headings, rows, whole=("Tài khoản",)))
