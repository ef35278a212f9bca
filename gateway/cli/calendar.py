"""``gateway calendar``: working days, the deadlines that follow from them, and replacing the calendar.

In charge of: these commands and their tables. Not in charge of: deadlines (``compliance/deadlines.py``),
approving (``flow/calendar.py``).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate

KINDS = {
    "holiday": "ngày lễ",
    "substitute": "nghỉ bù",
    "rest": "nghỉ do hoán đổi",
    "make_up": "làm bù",
}
WEEKDAYS = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")
NAMED = 20  # deadlines that a preview spells out; --json names all


@click.group()
@common_options
def calendar() -> None:
    """Lịch làm việc: ngày nghỉ, ngày làm bù, hạn gửi. Working days and the deadlines they give."""


@calendar.command()
@common_options
@click.argument("year", type=click.IntRange(1990, 2199), required=False)
@click.option("--version", default="", help="Another version than the one in force.")
@click.pass_obj
def show(frame: Frame, year: int | None, version: str) -> None:
    """Ngày nghỉ và ngày làm bù của một năm. Days off and days worked instead, of a year or of all."""
    answer = operate(frame, "calendar.show", year=year or 0, version=version)
    output.show(frame, answer, lambda console: _print_days(console, answer, year))


@calendar.command()
@common_options
@click.argument("signed")
@click.pass_obj
def check(frame: Frame, signed: str) -> None:
    """Hạn gửi của văn bản ký lúc SIGNED (2026-08-21T15:00). Both deadlines of what was signed then."""
    answer = operate(frame, "calendar.check", signed=signed)
    output.show(frame, answer, lambda console: _print_check(console, answer))


@calendar.command("import")
@common_options
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--version", default="", help="Name of the new version (a CSV has none of its own).")
@click.option("--approve", is_flag=True, help="Put it in force from now on (without it: a preview).")
@click.option("--reason", default="", help="Why, with --approve; stands in the record.")
@click.pass_obj
def import_(frame: Frame, file: Path, version: str, approve: bool, reason: str) -> None:
    """Nhập lịch mới (TOML, CSV): xem trước, rồi phê duyệt. Preview a new calendar, or approve it."""
    answer = operate(
        frame,
        "calendar.import",
        text=output.read_text(file),
        version=version,
        approve_it=approve,
        reason=reason,
    )
    output.show(frame, answer, lambda console: _print_preview(console, answer, file))


@calendar.command()
@common_options
@click.pass_obj
def versions(frame: Frame) -> None:
    """Các phiên bản lịch và người phê duyệt. Every version, and who approved it."""
    rows = operate(frame, "calendar.versions")
    output.show(frame, {"versions": rows}, lambda console: _print_versions(console, rows))


def _print_days(console: Console, answer: dict[str, Any], year: int | None) -> None:
    title = f"Lịch làm việc {answer['version']}" + (f", năm {year}" if year else "")
    if not answer["covered"]:
        console.print(
            f"[yellow]![/] Lịch {escape(answer['version'])} không có dữ liệu năm {year}: chỉ tính thứ Bảy, "
            "Chủ nhật là ngày nghỉ. [dim](no data for this year: weekends alone)[/]"
        )
        return
    rows = [
        (
            output.day(day["date"]),
            _weekday(day["date"]),
            KINDS[day["kind"]] + (" (chưa xác nhận)" if day["doubtful"] else ""),
            day["name"]["vi"],
            day["source"],
        )
        for day in answer["days"]
    ]
    headings = ("Ngày", "Thứ", "Loại", "Tên", "Nguồn")
    console.print(output.table(title, headings, rows, whole=("Ngày", "Thứ")))
    console.print(f"[dim]SHA-256 {answer['sha256']}[/]", soft_wrap=True)


def _print_check(console: Console, answer: dict[str, Any]) -> None:
    rest = " (ngày nghỉ)" if answer["on_rest_day"] else ""
    rows = [
        ("Ký lúc", _moment(answer["signed"]) + rest),
        ("QĐ 28/2018 Đ6.2", f"chậm nhất {_moment(answer['qd28'])} (buổi sáng ngày làm việc tiếp theo)"),
        ("NĐ 30/2020 Đ18.1", f"hết ngày {output.day(answer['next_working_day'])} (ngày làm việc tiếp theo)"),
        ("Nếu là văn bản khẩn", f"gửi ngay; tính đúng hạn đến {_moment(answer['urgent'])}"),
        ("Lịch", answer["version"]),
    ]
    console.print(output.facts("Hạn gửi (deadlines)", rows))
    for reason in answer["why"]:
        console.print(f"  [dim]·[/] {escape(reason['vi'])}")
    if not answer["covered"]:
        console.print(
            "[yellow]![/] Lịch không có dữ liệu của năm này: chỉ tính thứ Bảy, Chủ nhật là ngày nghỉ. Hãy "
            "nhập lịch có năm này. [dim](no data for the year: weekends alone)[/]"
        )
    for day in answer["doubts"]:
        console.print(f"[yellow]![/] {output.day(day['date'])} chưa xác nhận: {escape(day['source'])}")
    if other := answer["otherwise"]:
        console.print(
            f"  Nếu các ngày chưa xác nhận không phải ngày nghỉ: QĐ 28 {_moment(other['qd28'])}, "
            f"NĐ 30 hết ngày {output.day(other['next_working_day'])}. [dim](if those days are none)[/]"
        )


def _print_preview(console: Console, answer: dict[str, Any], file: Path) -> None:
    if answer["approved"]:
        console.print(
            f"[bold green]✓[/] Lịch {escape(answer['version'])} được áp dụng từ bây giờ, thay "
            f"{escape(answer['against'])}. Báo cáo đã công bố giữ lịch cũ. "
            "[dim](in force; published reports keep theirs)[/]"
        )
    else:
        console.print(
            f"Xem trước lịch {escape(answer['version'])} ({answer['days']} ngày, {answer['doubtful']} ngày "
            f"chưa xác nhận) so với {escape(answer['against'])} đang áp dụng. Chưa thay đổi gì. "
            "[dim](preview)[/]"
        )
    _print_changes(console, answer["changes"])
    _print_moved(console, answer["deadlines"])
    if answer["years_lost"]:
        years = ", ".join(map(str, answer["years_lost"]))
        console.print(f"[yellow]![/] Lịch mới không còn dữ liệu các năm: {years}. [dim](years lost)[/]")
    if not answer["approved"]:
        console.print(
            "[dim]Phê duyệt (approve):[/] "
            f'gateway calendar import {escape(str(file))} --approve --reason "…"',
            soft_wrap=True,
        )


def _print_changes(console: Console, changes: list[dict[str, Any]]) -> None:
    if not changes:
        console.print("Không có ngày nào khác. [dim](no day differs)[/]")
        return
    rows = [
        (
            output.day(one["date"]),
            _weekday(one["date"]),
            _day_words(one["before"]),
            _day_words(one["after"]),
        )
        for one in changes
    ]
    headings = ("Ngày", "Thứ", "Trước", "Sau")
    console.print(output.table("Ngày thay đổi (days)", headings, rows, whole=("Ngày", "Thứ")))


def _print_moved(console: Console, moved: list[dict[str, Any]]) -> None:
    if not moved:
        return
    rows = [
        (
            output.day(one["signed"]),
            output.day(one["before"]),
            output.day(one["after"]),
            "đã qua" if one["past"] else "",
        )
        for one in moved[:NAMED]
    ]
    headings = ("Ký ngày", "Hạn trước", "Hạn sau", "")
    console.print(output.table("Hạn gửi thay đổi (deadlines)", headings, rows))
    if len(moved) > NAMED:
        console.print(f"… và {len(moved) - NAMED} ngày ký khác. [dim](--json names all)[/]")
    over = sum(one["past"] for one in moved)
    if over:
        console.print(
            f"[yellow]![/] {over} ngày ký có hạn gửi thuộc kỳ đã qua sẽ tính lại trong số liệu hiện hành; "
            "báo cáo đã công bố không đổi. "
            "[dim](past deadlines move in live figures; published reports do not)[/]"
        )


def _print_versions(console: Console, rows: list[dict[str, Any]]) -> None:
    shown = [
        (
            row["version"] + (" ← đang áp dụng" if row["in_force"] else ""),
            f"{row['years'][0]}–{row['years'][-1]}",
            row["days"],
            output.moment(row["valid_from"]) if row["approved_by"] else "",
            row["approved_by"] or "kèm phần mềm",
            row["reason"],
        )
        for row in rows
    ]
    headings = ("Phiên bản", "Năm", "Số ngày", "Áp dụng từ", "Phê duyệt", "Lý do")
    console.print(output.table("Phiên bản lịch làm việc", headings, shown, whole=("Phiên bản",)))


def _day_words(day: dict[str, Any] | None) -> str:
    if day is None:
        return "ngày thường"
    doubt = " (chưa xác nhận)" if day["doubtful"] else ""
    return f"{KINDS[day['kind']]}: {day['name']['vi']}{doubt}"


def _weekday(day: str) -> str:
    return WEEKDAYS[date.fromisoformat(day).weekday()]


def _moment(text: str) -> str:
    """``21/08/2026 15:00`` from RFC 3339."""
    return f"{output.day(text[:10])} {text[11:16]}"
