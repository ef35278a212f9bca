"""``gateway retention``: what may be forgotten beside the log, by decision of two persons, and what must not.

In charge of: the commands. Not in charge of: erasing (``flow/retention.py``).
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

_REASON = click.option("--reason", required=True, help="Why; stands in the record.")
_DAY = click.DateTime(["%Y-%m-%d"])
_DECISIONS = {"": "chờ quyết định", "approved": "đã phê duyệt", "declined": "không đồng ý"}


@click.group()
@common_options
def retention() -> None:
    """Thời hạn lưu: đề nghị, quyết định, xóa, phong tỏa. What may be forgotten beside the log."""


@retention.command()
@common_options
@click.pass_obj
def show(frame: Frame) -> None:
    """Các nhóm thời hạn, lệnh phong tỏa, đề nghị. Classes, freezes and decisions."""
    answer = operate(frame, "retention.show")
    output.show(frame, answer, lambda console: _print(console, answer))


@retention.command()
@common_options
@click.argument("name", metavar="CLASS")
@_REASON
@click.pass_obj
def propose(frame: Frame, name: str, reason: str) -> None:
    """Đề nghị xóa những gì đã hết hạn lưu của một nhóm. Propose to erase what is due; nothing is erased."""
    answer = operate(frame, "retention.propose", name=name, reason=reason)
    words = (
        f"[bold green]✓[/] Đề nghị {answer['id']}: thông tin riêng của {answer['found']} sự kiện trước "
        f"{output.moment(answer['before'])}.\n"
        f"  → Người thứ hai: gateway retention decide {answer['id']} --approve --reason … --key-file FILE"
    )
    output.show(frame, answer, lambda console: console.print(words, soft_wrap=True))


@retention.command()
@common_options
@click.argument("decision")
@click.option("--approve/--decline", required=True, help="What is decided.")
@_REASON
@click.option("--key-file", type=click.File("r"), help="API key of the administrator who decides.")
@click.pass_obj
def decide(frame: Frame, decision: str, approve: bool, reason: str, key_file: Any) -> None:
    """Người thứ hai phê duyệt hoặc không. Approve or decline, as another person than who proposed."""
    key = key_file.read().strip() if key_file else ""
    answer = operate(frame, "retention.decide", decision=decision, approve=approve, reason=reason, key=key)
    words = f"[bold green]✓[/] Đề nghị {answer['id']}: {_DECISIONS[answer['decision']]}"
    output.show(frame, answer, lambda console: console.print(words))


@retention.command()
@common_options
@click.argument("decision")
@click.pass_obj
def run(frame: Frame, decision: str) -> None:
    """Xóa theo quyết định đã phê duyệt. Erase what was approved; what is frozen stays, events stay."""
    answer = operate(frame, "retention.run", decision=decision)
    words = f"[bold green]✓[/] Đã xóa {answer['erased']} giá trị; mọi sự kiện còn nguyên. [dim](erased)[/]"
    output.show(frame, answer, lambda console: console.print(words))


@retention.command()
@common_options
@click.option("--document", default="", help="A document, by its id or DocumentId.")
@click.option("--agency", default="", help="An agency, as sender or recipient.")
@click.option("--from", "from_day", type=_DAY, help="First day of a period.")
@click.option("--to", "to_day", type=_DAY, help="Last day of a period.")
@_REASON
@click.pass_obj
def freeze(
    frame: Frame, document: str, agency: str, from_day: datetime | None, to_day: datetime | None, reason: str
) -> None:
    """Phong tỏa: không xóa gì thuộc phạm vi này. Let nothing of this be erased (a legal hold)."""
    days = {"from_day": from_day, "to_day": to_day}
    given = {name: day.date().isoformat() for name, day in days.items() if day}
    answer = operate(frame, "retention.freeze", document=document, agency=agency, reason=reason, **given)
    output.show(frame, answer, lambda console: console.print(f"[bold green]✓[/] Phong tỏa {answer['id']}"))


@retention.command()
@common_options
@click.argument("freeze_id", metavar="FREEZE")
@_REASON
@click.pass_obj
def thaw(frame: Frame, freeze_id: str, reason: str) -> None:
    """Gỡ phong tỏa. End a freeze."""
    answer = operate(frame, "retention.thaw", freeze_id=freeze_id, reason=reason)
    words = f"[bold green]✓[/] Đã gỡ phong tỏa {escape(freeze_id)}"
    output.show(frame, answer, lambda console: console.print(words))


def _print(console: Console, answer: dict[str, Any]) -> None:
    classes = [
        (
            one["name"],
            one["text"]["vi"],
            f"{one['months']} tháng" if one["months"] else "theo văn bản",
            one["source"],
        )
        for one in answer["classes"]
    ]
    console.print(output.table("Nhóm thời hạn lưu", ("Nhóm", "Gồm", "Thời hạn", "Căn cứ"), classes))
    frozen = [(f["id"], f["document"], f["agency"], output.moment(f["frozen_at"])) for f in answer["freezes"]]
    if frozen:
        console.print(output.table("Đang phong tỏa", ("Mã", "Văn bản", "Cơ quan", "Từ lúc"), frozen))
    decided = [
        (d["id"], d["retention_class"], d["found"], _DECISIONS[d["decision"]], d["erased"])
        for d in answer["decisions"]
    ]
    if decided:
        headings = ("Mã", "Nhóm", "Số sự kiện", "Quyết định", "Đã xóa")
        console.print(output.table("Đề nghị và quyết định", headings, decided, whole=("Mã",)))
