"""``gateway totals``: what agencies declare of their registers, the denominator that a gateway cannot see.

In charge of: the commands. Not in charge of: checking (``flow/declared.py``).
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate

_DAY = click.DateTime(["%Y-%m-%d"])
_NUMBER = click.IntRange(min=0)
_HEADINGS = ("Cơ quan", "Từ ngày", "Đến ngày", "Văn bản đi", "Chỉ giấy", "Mật", "Ngoài nhà nước", "Nguồn")


@click.group()
@common_options
def totals() -> None:
    """Số liệu sổ văn bản do cơ quan khai. Totals that agencies declare of their registers."""


@totals.command()
@common_options
@click.argument("agency")
@click.option("--from", "from_day", type=_DAY, required=True, help="First day.")
@click.option("--to", "to_day", type=_DAY, required=True, help="Last day, included.")
@click.option("--outgoing", type=_NUMBER, required=True, help="All outgoing documents, without secret ones.")
@click.option("--paper-only", type=_NUMBER, default=0, help="Of these: on paper only.")
@click.option("--secret", type=_NUMBER, default=0, help="Secret documents (their number only).")
@click.option(
    "--to-non-state", type=_NUMBER, default=0, help="Of the outgoing: to others than state agencies."
)
@click.pass_obj
def declare(
    frame: Frame,
    agency: str,
    from_day: datetime,
    to_day: datetime,
    outgoing: int,
    paper_only: int,
    secret: int,
    to_non_state: int,
) -> None:
    """Khai số văn bản đi của một cơ quan. Declare the outgoing documents of an agency for some days."""
    answer = operate(
        frame,
        "totals.declare",
        agency=agency,
        from_day=from_day.date().isoformat(),
        to_day=to_day.date().isoformat(),
        outgoing_total=outgoing,
        paper_only=paper_only,
        secret_count=secret,
        to_non_state=to_non_state,
    )
    output.show(frame, answer, lambda console: _print_taken(console, [answer]))


@totals.command("import")
@common_options
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_obj
def import_(frame: Frame, file: Path) -> None:
    """Nhập tệp CSV: agency, from, to, outgoing_total, paper_only, secret_count, to_non_state.

    All lines are taken, or none.
    """
    answer = operate(frame, "totals.import", text=output.read_text(file))
    output.show(frame, answer, lambda console: _print_taken(console, answer))


@totals.command()
@common_options
@click.option("--from", "from_day", type=_DAY, required=True, help="First day.")
@click.option("--to", "to_day", type=_DAY, required=True, help="Last day, included.")
@click.option("--agency", default="", help="Only this agency.")
@click.option("--replaced", is_flag=True, help="Also declarations that later ones took the place of.")
@click.pass_obj
def show(frame: Frame, from_day: datetime, to_day: datetime, agency: str, replaced: bool) -> None:
    """Số liệu đã khai. Declarations that share a day with the period."""
    days = {"from_day": from_day.date().isoformat(), "to_day": to_day.date().isoformat()}
    answer = operate(frame, "totals.list", agency=agency, replaced=replaced, **days)
    output.show(frame, answer, lambda console: _print(console, answer))


def _print(console: Console, answer: list[dict[str, Any]]) -> None:
    rows = [_cells(one) for one in answer]
    console.print(output.table("Số liệu sổ văn bản (declared totals)", _HEADINGS, rows))


def _print_taken(console: Console, answer: list[dict[str, Any]]) -> None:
    _print(console, [one["declared"] for one in answer])
    for one in answer:
        said, seen = one["declared"]["outgoing_total"], one["observed"]
        who = escape(one["declared"]["agency"])
        if said < seen:
            console.print(
                f"[yellow]![/] {who}: khai {said} văn bản, trục đã nhận {seen}; số khai không được dùng.",
                soft_wrap=True,
            )
        if one["overlaps"]:
            console.print(
                f"[yellow]![/] {who}: trùng ngày với {one['overlaps']} lần khai khác.", soft_wrap=True
            )


def _cells(one: dict[str, Any]) -> tuple[object, ...]:
    days = (output.day(one["from_day"]), output.day(one["to_day"]))
    numbers = ("outgoing_total", "paper_only", "secret_count", "to_non_state", "source")
    return (one["agency"], *days, *(one[name] for name in numbers))
