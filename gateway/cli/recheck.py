"""``gateway signatures``: have the signatures of a document judged again.

In charge of: a person's request, with a reason, and showing what came of it. Not in charge of: judging
(``flow/rejudge.py``); what waits for an answer is judged again without anybody asking.
"""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate
from gateway.cli.signatures import print_signatures

OUTCOMES = {
    "changed": "kết quả đã thay đổi",
    "unchanged": "kết quả không thay đổi",
    "unread": "lúc này chưa đọc được tệp PDF, giữ kết quả cũ; hãy thử lại sau ít phút",
    "given_up": "vẫn không đọc được tệp PDF, giữ kết quả cũ và không tự thử lại nữa",
    "gone": "nội dung không còn, giữ kết quả cũ",
}


@click.group()
@common_options
def signatures() -> None:
    """Chữ ký số của văn bản đã nhận. Signatures of documents that were accepted."""


@signatures.command()
@common_options
@click.argument("document")
@click.option("--reason", required=True, help="Why; stands in the record.")
@click.pass_obj
def recheck(frame: Frame, document: str, reason: str) -> None:
    """Kiểm tra lại chữ ký số của văn bản. Judge the signatures of DOCUMENT again, now."""
    answer = operate(frame, "signatures.recheck", reference=document, reason=reason)
    output.show(frame, {"judged": answer}, lambda console: _print(console, answer))


def _print(console: Console, answer: list[dict[str, Any]]) -> None:
    for judged in answer:
        console.print(f"Gói tin {judged['message']}: [bold]{OUTCOMES[judged['outcome']]}[/]")
        if judged["verdicts"]:
            print_signatures(console, judged["verdicts"])
        if judged["held"]:
            console.print(f"[bold yellow]‖[/] Đã tạm giữ {len(judged['held'])} lượt gửi chưa đến nơi nhận.")
