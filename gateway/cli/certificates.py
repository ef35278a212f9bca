"""``gateway certificates``: the certificates in use, by the day on which they end, with the next step.

In charge of: showing the list. Not in charge of: warning of itself (``delivery/watch.py``).
"""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate

SOON, NEAR = 14, 60  # days: red, yellow
USERS = {"issuer": "tổ chức chứng thực", "gateway": "trục của tỉnh", "": "chưa đăng ký"}


@click.command()
@common_options
@click.option("--within", type=click.IntRange(min=0), help="Only those that end within so many days.")
@click.pass_obj
def certificates(frame: Frame, within: int | None) -> None:
    """Chứng thư số đang dùng, theo ngày hết hạn. Certificates in use, first to end first."""
    rows = operate(frame, "certificates.list", within=within)
    output.show(frame, {"certificates": rows}, lambda console: _print(console, rows))


def _print(console: Console, rows: list[dict[str, Any]]) -> None:
    if not rows:
        console.print("[bold green]✓[/] Không có chứng thư số nào sắp hết hạn. [dim](none)[/]")
        return
    for row in rows:
        left = row["days_left"]
        color = "red" if left <= SOON else "yellow" if left <= NEAR else "green"
        when = f"còn {left} ngày" if left >= 0 else f"đã hết hạn {-left} ngày"
        user = USERS.get(row["used_by"]) or f"{row['used_by']} {row['name']}"
        console.print(
            f"[{color}]{output.moment(row['not_after'])}[/]  [bold]{when}[/]  {escape(user)}", soft_wrap=True
        )
        console.print(f"  {escape(row['subject'])}", soft_wrap=True)
        console.print(f"  [dim]SHA-256 {row['sha256']}[/]", soft_wrap=True)
        console.print(f"  → {escape(row['next_step']['vi'])}", soft_wrap=True)
        console.print(f"    [dim]{escape(row['next_step']['en'])}[/]", soft_wrap=True)
