"""``gateway authority``: who may sign for an agency, and under which prefix, by day (NĐ 30/2020 Đ13).

In charge of: showing and importing the lists. Not in charge of: what an import does (``flow/authority.py``),
the certificates themselves (``gateway signers``).
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

SHOWN = 20  # rows of one kind of change that a preview lists
OWN_RIGHT = {"none": "ký trực tiếp", "*": "mọi quyền hạn"}


@click.group()
@common_options
def authority() -> None:
    """Danh sách người có thẩm quyền ký. Who may sign for an agency."""


@authority.command("import")
@common_options
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--preview", is_flag=True, help="Only show what would change.")
@click.pass_obj
def import_(frame: Frame, file: Path, preview: bool) -> None:
    """Nạp danh sách từ FILE (CSV). Take over the lists of the agencies in FILE.

    Columns: agency, certificate_sha256 (or empty), title, prefixes (TM. Q. KT. TL. TUQ. none *), types (apart
    by ;, empty: all), valid_from, valid_to, source. Each agency's list is replaced as a whole.
    """
    answer = operate(frame, "authority.import", text=output.read_text(file), preview=preview)
    output.show(frame, answer, lambda console: _print_changes(console, answer, preview))


@authority.command("list")
@common_options
@click.option("--agency", default="", help="Only this agency.")
@click.pass_obj
def list_(frame: Frame, agency: str) -> None:
    """Người có thẩm quyền ký. The lists as they are."""
    rows = operate(frame, "authority.list", agency=agency)
    cells = [
        (
            row["agency"],
            row["title"] or f"{row['certificate_sha256'][:16]}…",
            _prefixes(row),
            "; ".join(row["types"]) or "mọi loại",
            output.day(row["period"]["start"]),
            output.day(row["period"]["end"]),
            row["source"],
        )
        for row in rows
    ]
    headings = ("Đơn vị", "Người ký", "Quyền hạn ký", "Loại văn bản", "Từ ngày", "Đến ngày", "Căn cứ")
    made = output.table(f"{len(rows)} dòng người có thẩm quyền ký", headings, cells)
    output.show(frame, {"authority": rows}, lambda console: console.print(made))


def _print_changes(console: Console, answer: dict[str, Any], preview: bool) -> None:
    added, removed = answer["added"], answer["removed"]
    counts = f"thêm {len(added)}, bỏ {len(removed)}, giữ nguyên {answer['unchanged']}"
    agencies = f"{len(answer['agencies'])} đơn vị"
    if preview:
        console.print(f"[bold]Xem trước (chưa thay đổi gì)[/], {agencies}: {counts}")
    else:
        console.print(f"[bold green]✓[/] Đã nạp danh sách của {agencies}: {counts}. [dim](imported)[/]")
    for mark, rows in (("[green]+[/]", added), ("[red]-[/]", removed)):
        for row in rows[:SHOWN]:
            who = row["title"] or f"{row['certificate_sha256'][:16]}…"
            words = f"{row['agency']}  {who}  {_prefixes(row)}"
            console.print(f"  {mark} {escape(words)}")


def _prefixes(row: dict[str, Any]) -> str:
    return ", ".join(OWN_RIGHT.get(prefix, f"{prefix}.") for prefix in row["prefixes"])
