"""``gateway recovery``: after an older backup was restored.

In charge of: the commands and what they show. Not in charge of: restoring (``gateway restore``), opening the
epoch of the log (``flow/recovery.py``).
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
from gateway.clock import VIETNAM, from_datetime

FATES = {
    "recovered": "đã lấy lại",
    "lost": "chưa lấy lại được",
    "repeated": "đã gửi lại",
    "partner_has": "trục khác có",
}
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_NEW = click.Path(path_type=Path, dir_okay=False)


@click.group()
@common_options
def recovery() -> None:
    """Sau khi khôi phục bản sao lưu cũ. After an older backup was restored: go on, take back, report."""


@recovery.command()
@common_options
@click.option("--reason", required=True, help="Why; stands in the record.")
@click.option("--checkpoint", "checkpoints", type=_FILE, multiple=True, help="A checkpoint kept elsewhere.")
@click.option("--key-file", type=click.File("r"), help="API key of the administrator who decides.")
@click.pass_obj
def accept(frame: Frame, reason: str, checkpoints: tuple[Path, ...], key_file: Any) -> None:
    """Mở kỳ nhật ký mới và lấy lại bản thứ hai. Open a new epoch of the log and take back second copies."""
    notes = [file.read_text("utf-8") for file in checkpoints]
    key = str(key_file.read()).strip() if key_file else ""
    answer = operate(frame, "recovery.accept", reason=reason, checkpoints=notes, key=key)
    output.show(frame, answer, lambda console: _print_opened(console, answer))


def _print_opened(console: Console, answer: dict[str, Any]) -> None:
    console.print(
        f"[bold green]✓[/] Kỳ nhật ký mới: [bold]{escape(answer['origin'])}[/], nối tiếp "
        f"{answer['shared']} sự kiện đầu. [dim](epoch opened)[/]",
        soft_wrap=True,
    )
    if answer["missing"]:
        console.print(
            f"  [yellow]![/] {answer['missing']} sự kiện đã chốt của kỳ trước không có ở đây; mốc chốt cũ "
            "được giữ nguyên.",
            soft_wrap=True,
        )
    _print_counts(console, answer["reconciled"])


@recovery.command()
@common_options
@click.option(
    "--log", "logs", type=_FILE, multiple=True, help="An exported log that is newer than the backup."
)
@click.option(
    "--partners/--no-partners", default=True, show_default=True, help="Ask partners what they have."
)
@click.pass_obj
def reconcile(frame: Frame, logs: tuple[Path, ...], partners: bool) -> int:
    """Tìm lại những gì có sau bản sao lưu. Look for what followed the backup; exit 1: some is lost."""
    files = [str(file.resolve()) for file in logs]
    answer = operate(frame, "recovery.reconcile", logs=files, partners=partners)
    output.show(frame, answer, lambda console: _print_counts(console, answer))
    return 1 if answer["counts"]["lost"] or answer["unanswered"] else 0


@recovery.command()
@common_options
@click.option("-o", "--output", "target", type=_NEW, help="Signed, as JWS.")
@click.pass_obj
def report(frame: Frame, target: Path | None) -> None:
    """Báo cáo khôi phục (NĐ 30/2020 PL VI IV.1e). The restore report: lost, back, cannot be honoured."""
    answer = operate(frame, "recovery.report")
    if target is not None:
        target.write_text(answer["jws"], encoding="ascii")
    output.show(frame, answer, lambda console: _print_report(console, answer))


@recovery.command()
@common_options
@click.pass_obj
def prepare(frame: Frame) -> None:
    """Đánh dấu ổ đĩa lưu bản thứ hai. Mark the folder of durability.second_copy as the second disk."""
    answer = operate(frame, "recovery.prepare")
    words = f"[bold green]✓[/] {escape(answer['folder'])} [dim](prepared)[/]"
    if answer["same_disk"] == "yes":
        words += "\n  [yellow]![/] Thư mục này cùng ổ đĩa với trục: không bảo vệ khi hỏng ổ đĩa."
    output.show(frame, answer, lambda console: console.print(words, soft_wrap=True))


@recovery.command()
@common_options
@click.option("--before", type=click.DateTime(), required=True, help="Time of a newer backup, at +07:00.")
@click.pass_obj
def prune(frame: Frame, before: datetime) -> None:
    """Xóa bản thứ hai đã có trong bản sao lưu. Delete second copies of what a newer backup holds."""
    instant = from_datetime(before.replace(tzinfo=VIETNAM))
    answer = operate(frame, "recovery.prune", before=instant)
    words = f"[bold green]✓[/] Đã xóa {answer['pruned']} bản. [dim](pruned)[/]"
    output.show(frame, answer, lambda console: console.print(words))


def _print_counts(console: Console, answer: dict[str, Any]) -> None:
    counts = answer["counts"]
    console.print(
        f"  Lấy lại được {counts['recovered']}, cơ quan gửi đã gửi lại {counts['repeated']}, chưa lấy lại "
        f"được {counts['lost']}, trục khác có mà ở đây không có {counts['partner_has']}. "
        "[dim](recovered, repeated, lost, partner has)[/]",
        soft_wrap=True,
    )
    for one in answer["unanswered"]:
        console.print(f"  [yellow]![/] {one['partner']}: {escape(one['text'])}", soft_wrap=True)
    if counts["lost"] or counts["partner_has"]:
        console.print("  → Từng văn bản và việc phải làm: [bold]gateway recovery report[/]", soft_wrap=True)


def _print_report(console: Console, answer: dict[str, Any]) -> None:
    names = (
        ("Trục", "gateway"),
        ("Bản sao lưu lúc", "backup_at"),
        ("Mở kỳ mới lúc", "opened_at"),
        ("Người mở", "opened_by"),
        ("Lý do", "reason"),
        ("Kỳ nhật ký", "epoch"),
        ("Sự kiện không có ở đây", "events_not_here"),
    )
    facts = [(label, answer[name]) for label, name in names]
    console.print(output.facts("Báo cáo khôi phục", facts))
    rows = [
        (
            one["sender"],
            one["document_id"],
            one["receipt"] or one["id"],
            FATES[one["fate"]],
            one["to_do"]["vi"],
        )
        for one in answer["items"]
    ]
    headings = ("Cơ quan gửi", "Mã văn bản", "Phiếu", "Tình trạng", "Việc phải làm")
    if rows:
        console.print(output.table(f"{len(rows)} văn bản", headings, rows, whole=("Phiếu",)))
