"""``gateway outage``: hours in which documents could not be exchanged, approved by a second person.

In charge of: the commands. Not in charge of: who may (``flow/outages.py``), what it takes out of a figure
(``docs/figures.md``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
from rich.console import Console

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate

_TIME = click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"])
_STANDINGS = {
    "proposed": "chờ phê duyệt",
    "declined": "không đồng ý",
    "in force": "có hiệu lực",
    "withdrawn": "đã rút",
}


@click.group()
@common_options
def outage() -> None:
    """Sự cố làm gián đoạn gửi, nhận: đề nghị, phê duyệt, rút. Outages that figures are also shown without."""


@outage.command()
@common_options
@click.option("--from", "from_at", type=_TIME, required=True, help="When it began (+07:00).")
@click.option("--to", "to_at", type=_TIME, required=True, help="When it was over (+07:00).")
@click.option("--agency", default="", help="Only this agency's system; left out: the gateway.")
@click.option("--reason", required=True, help="What happened; stands in the record.")
@click.pass_obj
def propose(frame: Frame, from_at: datetime, to_at: datetime, agency: str, reason: str) -> None:
    """Đề nghị ghi nhận một sự cố. Propose an outage; it counts once a second person approved it."""
    times = {"from_at": from_at.isoformat(), "to_at": to_at.isoformat()}
    answer = operate(frame, "outage.propose", agency=agency, reason=reason, **times)
    words = (
        f"[bold green]✓[/] Đã đề nghị sự cố {answer['id']}.\n"
        f"  → Người thứ hai: gateway outage decide {answer['id']} --approve --key-file FILE"
    )
    output.show(frame, answer, lambda console: console.print(words, soft_wrap=True))


@outage.command()
@common_options
@click.argument("outage_id", metavar="OUTAGE")
@click.option("--approve/--decline", required=True, help="What is decided.")
@click.option("--reason", default="", help="What the second person adds.")
@click.option("--key-file", type=click.File("r"), help="API key of the person who decides.")
@click.pass_obj
def decide(frame: Frame, outage_id: str, approve: bool, reason: str, key_file: Any) -> None:
    """Người thứ hai phê duyệt hoặc không. Approve or decline, as another person than who proposed."""
    key = key_file.read().strip() if key_file else ""
    answer = operate(frame, "outage.decide", outage=outage_id, approve=approve, reason=reason, key=key)
    said = "đã phê duyệt" if answer["decision"] == "approved" else "không đồng ý"
    output.show(
        frame, answer, lambda console: console.print(f"[bold green]✓[/] Sự cố {answer['id']}: {said}")
    )


@outage.command()
@common_options
@click.argument("outage_id", metavar="OUTAGE")
@click.option("--reason", required=True, help="Why; stands in the record.")
@click.pass_obj
def withdraw(frame: Frame, outage_id: str, reason: str) -> None:
    """Rút một sự cố đã ghi nhận. Its hours count again; published reports stay as they are."""
    answer = operate(frame, "outage.withdraw", outage=outage_id, reason=reason)
    output.show(frame, answer, lambda console: console.print(f"[bold green]✓[/] Đã rút sự cố {answer['id']}"))


@outage.command("list")
@common_options
@click.option("--from", "from_at", type=_TIME, help="Only what lies after it.")
@click.option("--to", "to_at", type=_TIME, help="Only what lies before it.")
@click.pass_obj
def list_(frame: Frame, from_at: datetime | None, to_at: datetime | None) -> None:
    """Các sự cố và lý do. Outages, their reasons and where they stand."""
    given = {"from_at": from_at, "to_at": to_at}
    times = {name: moment.isoformat() for name, moment in given.items() if moment}
    answer = operate(frame, "outage.list", **times)
    output.show(frame, answer, lambda console: _print(console, answer))


def _print(console: Console, answer: list[dict[str, Any]]) -> None:
    rows = [
        (
            one["id"],
            one["agency"] or "trục",
            output.moment(one["from_at"]),
            output.moment(one["to_at"]),
            _STANDINGS[one["standing"]],
            one["reason"],
        )
        for one in answer
    ]
    headings = ("Mã", "Cơ quan", "Từ lúc", "Đến lúc", "Tình trạng", "Lý do")
    console.print(output.table("Sự cố (outages)", headings, rows, whole=("Mã",)))
