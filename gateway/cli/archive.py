"""``gateway archive``: months that leave a PostgreSQL database and come back.

In charge of: the commands. Not in charge of: doing it (``flow/archive.py``).
"""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate

_REASON = click.option("--reason", required=True, help="Why; stands in the record.")
_STATES = {"here": "trong cơ sở dữ liệu", "detached": "đã tách, bảng còn giữ", "dropped": "chỉ còn trong tệp"}


@click.group()
@common_options
def archive() -> None:
    """Tách các tháng cũ khỏi PostgreSQL và gắn lại. Take old months out of PostgreSQL and back."""


@archive.command("list")
@common_options
@click.pass_obj
def list_(frame: Frame) -> None:
    """Các tháng, và tháng nào đã tách ra. The months, and which of them are away."""
    answer = operate(frame, "archive.list")
    output.show(frame, answer, lambda console: _print(console, answer))


@archive.command()
@common_options
@click.argument("month", metavar="MONTH")
@_REASON
@click.option("--drop", is_flag=True, help="Throw the tables of a month away that is in its file already.")
@click.pass_obj
def detach(frame: Frame, month: str, reason: str, drop: bool) -> None:
    """Tách một tháng đã đóng ra tệp. Take a closed month out into a file, which is read back and verified."""
    answer = operate(frame, "archive.detach", month=month, reason=reason, drop=drop)
    output.show(frame, answer, lambda console: console.print(_taken(answer, month), soft_wrap=True))


@archive.command()
@common_options
@click.argument("month", metavar="MONTH")
@_REASON
@click.pass_obj
def attach(frame: Frame, month: str, reason: str) -> None:
    """Gắn lại một tháng. Bring a month back; its file is verified first."""
    answer = operate(frame, "archive.attach", month=month, reason=reason)
    month = _shown(answer["month"])
    words = f"[bold green]✓[/] Tháng {month} đã trở lại cơ sở dữ liệu: {answer['rows']} dòng."
    output.show(frame, answer, lambda console: console.print(words, soft_wrap=True))


def _taken(answer: dict[str, Any], month: str) -> str:
    words = (
        f"[bold green]✓[/] Tháng {_shown(answer['month'])}: {answer['rows']} dòng, tệp {answer['file']}\n"
        f"  SHA-256 {answer['sha256']}\n"
    )
    if answer["state"] == "dropped":
        return words + "  Bảng đã xóa; hãy giữ tệp này cùng bản sao lưu. [dim](the file is all there is)[/]"
    return words + (
        "  → Chép tệp sang nơi lưu trữ, rồi xóa bảng: "
        f"gateway archive detach {month} --drop --reason …   [dim](copy the file, then drop)[/]"
    )


def _print(console: Console, answer: dict[str, Any]) -> None:
    if not answer["has_months"]:
        console.print(
            "SQLite: mọi tháng nằm chung một tệp, không có gì để tách. [dim](one file holds all)[/]"
        )
        return
    rows = [
        (_shown(one["month"]), _STATES[one["state"]], one.get("rows", ""), one.get("file", ""))
        for one in answer["months"]
    ]
    console.print(output.table("Các tháng", ("Tháng", "Ở đâu", "Số dòng", "Tệp"), rows))
    console.print(
        f"{answer['keep_months']} tháng gần nhất luôn ở trong cơ sở dữ liệu. Thư mục tệp: {answer['folder']}",
        soft_wrap=True,
    )


def _shown(month: str) -> str:
    return f"{month[4:]}/{month[:4]}"
