"""``gateway recall``: a sender asks for a document back, and everybody's answer on one page.

In charge of: showing it. Not in charge of: what a recall changes (``flow/withdraw.py``).
"""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.queue import STATES
from gateway.cli.reach import operate
from gateway.model.recall import RecallState

CAUSES = {
    "status": "trạng thái 13",
    "revoke": "gói tin thu hồi",
    "update": "cập nhật, bỏ nơi nhận",
    "incident": "sự cố",
}


@click.group()
@common_options
def recall() -> None:
    """Thu hồi văn bản. Ask for a document back, see who gave it back."""


@recall.command()
@common_options
@click.argument("document")
@click.option("--reason", required=True, help="Why; every recipient reads it.")
@click.option("--to", "recipients", multiple=True, metavar="AGENCY", help="Only from this one; repeatable.")
@click.option("--as", "agency", default="", metavar="AGENCY", help="The sender, where the id is not enough.")
@click.pass_obj
def send(frame: Frame, document: str, reason: str, recipients: tuple[str, ...], agency: str) -> None:
    """Yêu cầu thu hồi thay mặt cơ quan gửi. Ask for a document back in its sender's name."""
    answer = operate(
        frame, "recall.send", document=document, reason=reason, to=list(recipients), agency=agency
    )
    output.show(frame, answer, lambda console: print_recall(console, answer))


@recall.command()
@common_options
@click.argument("document")
@click.pass_obj
def show(frame: Frame, document: str) -> None:
    """Kết quả thu hồi ở từng nơi nhận. Every recipient: withdrawn, agreed, refused, silent."""
    answer = operate(frame, "recall.show", reference=document)
    output.show(frame, answer, lambda console: print_recall(console, answer))


@recall.command()
@common_options
@click.option("--limit", type=click.IntRange(1, 10_000), default=200, show_default=True)
@click.pass_obj
def silent(frame: Frame, limit: int) -> None:
    """Các nơi nhận chưa trả lời yêu cầu thu hồi. Recipients that have not answered."""
    found = operate(frame, "recall.silent", limit=limit)
    output.show(frame, {"silent": found}, lambda console: _print_silent(console, found))


def print_recall(console: Console, answer: dict[str, Any]) -> None:
    """Every recipient once, then earlier requests, then who was not asked."""
    facts = [
        ("Cơ quan gửi", answer["sender"]),
        ("Bản của cơ quan gửi bị đóng băng từ", output.moment(answer["frozen_at"])),
        ("Chưa yêu cầu thu hồi", ", ".join(answer["not_asked"])),
    ]
    console.print(output.facts(f"Thu hồi {answer['document_id']}", facts))
    _print_lines(console, "Kết quả theo nơi nhận", answer["lines"])
    if answer["earlier"]:
        _print_lines(console, "Các lần yêu cầu trước", answer["earlier"])


def _print_lines(console: Console, title: str, lines: list[dict[str, Any]]) -> None:
    headings = ("Nơi nhận", "Kết quả", "Yêu cầu lúc", "Trả lời lúc", "Nội dung, người trả lời", "Nhắc")
    console.print(output.table(title, headings, [_cells(line) for line in lines]))
    for cause, reason in dict.fromkeys((line["cause"], line["reason"]) for line in lines):
        console.print(f"  Lý do ({CAUSES[cause]}): {escape(reason) or '(không ghi)'}", soft_wrap=True)


def _cells(line: dict[str, Any]) -> tuple[object, ...]:
    answer = " · ".join(part for part in (line["answer_reason"], line["answered_by"]) if part)
    tried = (
        f" (đã thử gửi {line['attempts']} lần)" if line["state"] == "withdrawn" and line["attempts"] else ""
    )
    waiting = line["state"] == "asked" and line["notice"] != "delivered"
    notice = f" (yêu cầu: {STATES.get(line['notice'], line['notice'])})" if waiting and line["notice"] else ""
    return (
        f"{line['name']} ({line['recipient']})",
        RecallState(line["state"]).words.vi + tried + notice,
        output.moment(line["asked_at"]),
        output.moment(line["answered_at"]),
        answer,
        line["reminders"] or "",
    )


def _print_silent(console: Console, found: list[dict[str, Any]]) -> None:
    rows = [
        (
            one["document_id"],
            one["sender"],
            f"{one['line']['name']} ({one['line']['recipient']})",
            output.moment(one["line"]["asked_at"]),
            one["line"]["reminders"],
            STATES.get(one["line"]["notice"], one["line"]["notice"]),
        )
        for one in found
    ]
    headings = ("Văn bản", "Cơ quan gửi", "Nơi nhận chưa trả lời", "Từ lúc", "Đã nhắc", "Yêu cầu thu hồi")
    console.print(output.table(f"{len(rows)} yêu cầu thu hồi chưa được trả lời", headings, rows))
