"""``gateway conservation``: the ledger of a day, and whether it holds.

In charge of: showing. Not in charge of: counting (``flow/conservation.py``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate

_HEADINGS = (
    "Cơ quan", "Đầu ngày", "Mới", "Nhận thay", "Đã đến", "Từ chối", "Hủy", "Chuyển giao", "Chờ gửi",
    "Tạm giữ", "Không gửi được", "Cuối ngày", "",
)  # fmt: skip
_FIELDS = (
    "agency", "opening", "made", "taken_over", "delivered", "rejected", "cancelled", "handed_on", "queued",
    "held", "dead", "closing",
)  # fmt: skip
_TITLES = {
    ("sender", "document"): "Văn bản, theo bên gửi (documents by sender)",
    ("recipient", "document"): "Văn bản, theo bên nhận (documents by recipient)",
    ("sender", "status"): "Trạng thái, theo bên gửi (statuses by sender)",
    ("recipient", "status"): "Trạng thái, theo bên nhận (statuses by recipient)",
}


@click.command()
@common_options
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="The day (+07:00); today by default.")
@click.option("--agency", default="", help="Only this agency.")
@click.option("--recount", is_flag=True, help="Count everything again from the events and compare.")
@click.option("--rebuild", is_flag=True, help="Write the tables anew from the events, then compare.")
@click.pass_obj
def conservation(frame: Frame, day: datetime | None, agency: str, recount: bool, rebuild: bool) -> int:
    """Bảo toàn số lượt gửi: đầu ngày + mới = đã đến + từ chối + hủy + cuối ngày.

    Nothing appears, nothing vanishes: the ledger of a day. Exit code 1 when it does not hold.
    """
    if recount or rebuild:
        counted = operate(frame, "conservation.recount", rebuild=rebuild)
        output.show(frame, counted, lambda console: _print_recount(console, counted))
        return 1 if counted["unlike"] else 0
    on = {"day": day.date().isoformat()} if day else {}
    answer = operate(frame, "conservation.show", agency=agency, **on)
    output.show(frame, answer, lambda console: _print(console, answer))
    return 0 if answer["holds"] else 1


def _print(console: Console, answer: dict[str, Any]) -> None:
    for (side, what), title in _TITLES.items():
        lines = [one for one in answer["lines"] if (one["side"], one["what"]) == (side, what)]
        if lines:
            console.print(output.table(title, _HEADINGS, [_cells(one) for one in lines]))
    for one in answer["successions"]:
        what = "văn bản" if one["what"] == "document" else "trạng thái"
        words = f"{one['predecessor']} → {one['successor']}: {one['deliveries']} lượt gửi {what}"
        console.print(f"  Kế thừa (successor): {escape(words)}")
    _print_differences(console, answer["differences"])
    if answer["uncounted"]:
        console.print(
            f"[yellow]![/] Còn {answer['uncounted']} sự kiện chưa được đếm. [dim](not counted yet)[/]"
        )
    mark = "[bold green]✓[/] Số liệu khớp" if answer["holds"] else "[bold red]✗[/] Số liệu KHÔNG khớp"
    whole = output.moment(answer["compared_at"]) or "chưa lần nào"
    console.print(f"{mark} ngày {output.day(answer['day'])}. Đối chiếu toàn bộ lượt gửi lần cuối: {whole}")


def _cells(line: dict[str, Any]) -> list[object]:
    mark = "✓" if line["holds"] else f"✗ lệch {line['difference']:+d}"
    return [*(line[name] for name in _FIELDS), mark]


def _print_differences(console: Console, differences: list[dict[str, Any]]) -> None:
    if not differences:
        return
    rows = [
        (
            one["document"],
            one["delivery"],
            one["events_say"] or "(không có sự kiện)",
            one["row_says"] or "(không có dòng)",
            output.moment(one["found_at"]),
        )
        for one in differences
    ]
    headings = ("Văn bản", "Lượt gửi", "Theo sự kiện", "Theo bảng lượt gửi", "Phát hiện lúc")
    title = "Lượt gửi có sự kiện và dữ liệu không khớp (events and row differ)"
    console.print(output.table(title, headings, rows, whole=("Lượt gửi",)))


def _print_recount(console: Console, counted: dict[str, Any]) -> None:
    for one in counted["unlike"]:
        console.print(f"[bold red]✗[/] {escape(str(one))}", soft_wrap=True)
    mark = "[bold red]✗[/]" if counted["unlike"] else "[bold green]✓[/]"
    console.print(f"{mark} Đếm lại {counted['leaves']} sự kiện: {len(counted['unlike'])} dòng không khớp.")
