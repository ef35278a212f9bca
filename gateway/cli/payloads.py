"""``gateway payloads``: where the bytes of documents lie, and whether they are whole.

In charge of: the commands, a page after the other. Not in charge of: doing it (``flow/payload_places.py``).
"""

from __future__ import annotations

from typing import Any

import click

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate


@click.group()
@common_options
def payloads() -> None:
    """Nội dung văn bản nằm ở đâu, có nguyên vẹn không. Where payloads lie, and whether they are whole."""


@payloads.command()
@common_options
@click.option("--to", type=click.Choice(["bucket", "files"]), required=True)
@click.pass_obj
def move(frame: Frame, to: str) -> int:
    """Chuyển nội dung giữa thư mục và kho S3. Move payloads between folder and bucket; may be repeated."""
    answer = _all_pages(frame, "payloads.move", to=to)
    words = f"[bold green]✓[/] Đã chuyển {answer.get('moved', 0)}/{answer['looked_at']} nội dung."
    return _show(frame, answer, words)


@payloads.command()
@common_options
@click.option("--deep", is_flag=True, help="Decrypt and hash each, not only look at its size.")
@click.pass_obj
def verify(frame: Frame, deep: bool) -> int:
    """Kiểm tra từng nội dung đã lưu. Look at every payload: there, of the right size, or proven."""
    answer = _all_pages(frame, "payloads.verify", deep=deep)
    words = f"[bold green]✓[/] {answer.get('good', 0)}/{answer['looked_at']} nội dung nguyên vẹn."
    return _show(frame, answer, words)


def _all_pages(frame: Frame, operation: str, **arguments: Any) -> dict[str, Any]:
    """The pages' answers added up."""
    total: dict[str, Any] = {"looked_at": 0, "damaged": []}
    after = ""
    while True:
        page = operate(frame, operation, **arguments, after=after)
        for name, value in page.items():
            if name != "after":
                total[name] = total.get(name, type(value)()) + value
        after = page["after"]
        if not after:
            return total


def _show(frame: Frame, answer: dict[str, Any], words: str) -> int:
    damaged = answer["damaged"]
    if damaged:
        words = (
            f"[bold red]✗[/] {len(damaged)} nội dung bị mất hoặc hỏng; hãy khôi phục từ bản sao lưu.\n"
            + ("\n".join(f"  {sha256}" for sha256 in damaged))
        )
    output.show(frame, answer, lambda console: console.print(words, soft_wrap=True))
    return 1 if damaged else 0
