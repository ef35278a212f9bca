"""``gateway queue``: what has not arrived yet, and a person's decisions about it, each with a reason.

In charge of: showing lanes and deliveries, and hold, release, choose, reject, retry, give-up. Not in charge
of: what these change (``flow/hold.py``, ``flow/choose.py``).
"""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate

STATES = {
    "queued": "chờ gửi",
    "held": "tạm giữ",
    "delivered": "đã gửi đến",
    "rejected": "đã từ chối",
    "dead": "không gửi được",
    "cancelled": "đã hủy",
    "recalled": "đã thu hồi",
}


@click.group()
@common_options
def queue() -> None:
    """Hàng đợi gửi. What waits, is held or could not be delivered."""


@queue.command()
@common_options
@click.option("--limit", type=click.IntRange(1, 10_000), default=200, show_default=True)
@click.pass_obj
def show(frame: Frame, limit: int) -> None:
    """Hàng đợi theo nơi nhận, và các lượt gửi cũ nhất. The queue by destination, oldest first."""
    answer = operate(frame, "queue.show", limit=limit)
    output.show(frame, answer, lambda console: _print_queue(console, answer))


def _decision(name: str, operation: str, sentence: str) -> None:
    """Register one command that decides about a delivery."""

    @queue.command(name, help=sentence)
    @common_options
    @click.argument("delivery")
    @click.option("--reason", required=True, help="Why; stands in the record.")
    @click.pass_obj
    def decide(frame: Frame, delivery: str, reason: str) -> None:
        answer = operate(frame, operation, delivery_id=delivery, reason=reason)
        state = STATES.get(answer["state"], answer["state"])
        words = f"[bold green]✓[/] Lượt gửi {escape(delivery)} nay là: [bold]{state}[/]"
        output.show(frame, answer, lambda console: console.print(words))


@queue.command()
@common_options
@click.argument("delivery")
@click.option("--to", multiple=True, required=True, metavar="CODE", help="A successor; repeatable.")
@click.option("--reason", required=True, help="Why; stands in the record.")
@click.pass_obj
def choose(frame: Frame, delivery: str, to: tuple[str, ...], reason: str) -> None:
    """Chọn đơn vị kế thừa cho lượt gửi đang chờ. Choose who takes the place of a closed recipient."""
    answer = operate(frame, "queue.choose", delivery_id=delivery, to=list(to), reason=reason)
    output.show(frame, answer, lambda console: _print_choice(console, answer))


def _print_choice(console: Console, answer: dict[str, Any]) -> None:
    for d in answer["deliveries"]:
        state = STATES.get(d["state"], d["state"])
        words = f"Lượt gửi {d['id']} → {recipient_of(d)} nay là: [bold]{state}[/]"
        console.print(f"[bold green]✓[/] {words}")
        if d["reason"]:
            console.print(f"  {escape(d['reason']['vi'])}")
    for code in answer["had_it"]:
        console.print(f"  [dim]{escape(code)} đã có lượt gửi riêng (has a delivery already)[/]")


def recipient_of(delivery: dict[str, Any]) -> str:
    """Who is to have it, and under which old name it was sent."""
    recipient, addressed = delivery["recipient"], delivery["addressed"]
    return recipient if addressed == recipient else f"{recipient} (gửi tới tên cũ: {addressed})"


_decision("hold", "queue.hold", "Tạm giữ một lượt gửi đang chờ. Keep a queued delivery back.")
_decision("release", "queue.release", "Cho gửi tiếp lượt đang tạm giữ. Let a held delivery go on.")
_decision("reject", "queue.reject", "Từ chối hẳn lượt đang tạm giữ; báo bên gửi. Refuse a held delivery.")
_decision("retry", "queue.retry", "Gửi lại ngay. Put a dead delivery back, or try a waiting one now.")
_decision("give-up", "queue.give_up", "Thôi không gửi nữa; báo bên gửi. Close an undelivered delivery.")


def delivery_rows(deliveries: list[dict[str, Any]]) -> list[tuple[object, ...]]:
    """Cells of deliveries, as the queue and the trace show them."""
    return [
        (
            d["id"],
            d["document_id"] if d["kind"] != "status" else f"(trạng thái) {d['document_id']}",
            f"{d['sender']} → {recipient_of(d)}",
            STATES.get(d["state"], d["state"]),
            output.moment(d["accepted_at"]),
            d["attempts"],
            d["reason"]["vi"] if d["reason"] else "",
        )
        for d in deliveries
    ]


def _print_queue(console: Console, answer: dict[str, Any]) -> None:
    lanes = [
        (
            lane["destination"],
            "chờ đơn vị lấy về" if lane["pull"] else lane["adapter"],
            STATES.get(lane["state"], lane["state"]),
            lane["deliveries"],
            output.moment(lane["oldest"]),
            lane["attempts"],
        )
        for lane in answer["summary"]
    ]
    if not lanes:
        console.print("[bold green]✓[/] Hàng đợi trống. [dim](the queue is empty)[/]")
        return
    headings = ("Nơi nhận", "Cách gửi", "Tình trạng", "Số lượt", "Cũ nhất", "Số lần thử")
    console.print(output.table("Hàng đợi theo nơi nhận", headings, lanes))
    details = ("Lượt gửi", "Văn bản", "Từ → đến", "Tình trạng", "Nhận vào", "Lần thử", "Lý do")
    rows = delivery_rows(answer["deliveries"])
    console.print(output.table("Các lượt gửi cũ nhất", details, rows, whole=("Lượt gửi",)))
