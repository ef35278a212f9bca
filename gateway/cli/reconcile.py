"""``gateway reconcile``: what a partner took from us, and what it lists.

In charge of: showing what only one side has. Not in charge of: comparing (``flow/reconcile.py``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
from rich.console import Console

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate

SHOWN = 50


@click.command()
@common_options
@click.argument("partner")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Vietnamese day (default: yesterday).")
@click.pass_obj
def reconcile(frame: Frame, partner: str, day: datetime | None) -> int:
    """Đối soát với trục PARTNER. Compare a day with what the partner lists; exit code 1 on differences."""
    given = {"day": day.date().isoformat()} if day else {}
    found = operate(frame, "partner.reconcile", partner=partner, **given)
    output.show(frame, found, lambda console: _print(console, found))
    return 1 if found["only_ours"] or found["only_theirs"] else 0


def _print(console: Console, found: dict[str, Any]) -> None:
    console.print(
        f"Ngày {found['day']}: trục này ghi {found['ours']} lượt gửi, trục {found['partner']} ghi "
        f"{found['theirs']}."
    )
    if not found["only_ours"] and not found["only_theirs"]:
        console.print("[green]✓[/] Hai bên khớp nhau.  [dim]Both sides agree.[/]")
        return
    _print_side(
        console, "Chỉ trục này có", found["only_ours"], ("delivery", "doc_id", "recipient", "document_id")
    )
    _print_side(
        console, "Chỉ trục kia có", found["only_theirs"], ("doc_id", "sender", "recipient", "notation")
    )
    console.print(
        "  → Tra cứu từng lượt bằng [bold]gateway trace MÃ[/]; nếu trục kia không có, gửi lại bằng "
        "[bold]gateway send[/] hoặc báo đơn vị vận hành trục."
    )


def _print_side(console: Console, title: str, rows: list[dict[str, str]], columns: tuple[str, ...]) -> None:
    if rows:
        cells = [tuple(row[column] for column in columns) for row in rows[:SHOWN]]
        console.print(output.table(f"{title}: {len(rows)}", columns, cells))
