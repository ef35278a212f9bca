"""Printing: tables for people, one JSON document for scripts, and errors that say what to do next.

In charge of: how values and errors look. Vietnamese first, English beneath. Not in charge of: what is said.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import click
import orjson
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from gateway.cli.frame import Frame
from gateway.clock import local
from gateway.errors import BadRequest, GatewayError, NotReady
from gateway.model.finding import Finding
from gateway.model.text import Bilingual, Instant

# What to try after an error, by the longest prefix of its code.
NEXT_STEPS: dict[str, str] = {
    "home.missing": "gateway init --home DIR",
    "home.exists": "gateway serve",
    "config.wrong": "gateway config describe",
    "store.locked": "gateway doctor",
    "trust": "gateway doctor",
    "directory": "gateway directory import FILE",
    "agency.unknown": "gateway directory show",
    "signers.unknown_agency": "gateway directory show",
    "signer": "gateway signers proposals",
    "policy": "gateway policy list",
    "policy.proposal_unknown": "gateway policy proposals",
    "policy.decided": "gateway policy proposals",
    "policy.nothing_to_rehearse": "gateway policy rehearse --help",
    "profile": "gateway agency connect --help",
    "caller.unknown": "gateway agency add NAME --agency CODE",
    "caller.not_permitted": "gateway agency list",
    "sender.not_yours": "gateway agency list",
    "principal": "gateway agency list",
    "credential": "gateway key list",
    "document.unknown": "gateway trace --list",
    "delivery.unknown": "gateway queue show",
    "delivery": "gateway trace DOCUMENT",
    "inbox": "gateway inbox",
    "submission": "gateway check FILE",
    "envelope": "gateway check FILE",
    "duplicate": "gateway trace DOCUMENT",
}


def write_secret(path: Path, secret: str) -> None:
    """A new file that only its owner reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secret + "\n")


def show(frame: Frame, value: Any, people: Callable[[Console], None]) -> None:
    """Print ``value`` as JSON, or let ``people`` print it."""
    if frame.json:
        print_json(value)
    else:
        people(frame.screen)


def print_json(value: Any) -> None:
    """One JSON document on one line of standard output."""
    sys.stdout.write(orjson.dumps(value, default=str).decode() + "\n")
    sys.stdout.flush()


def show_error(frame: Frame, error: GatewayError) -> None:
    """The Vietnamese sentence, the English beneath, the findings, the code and the next step."""
    step = next_step(error.code)
    if frame.json:
        print_json(error_json(error, step))
        return
    lines = [f"[bold red]✗[/] {escape(error.text.vi)}", f"  [dim]{escape(error.text.en)}[/]"]
    for finding in error.findings:
        lines.append(f"  • {escape(finding.text.vi)}")
        lines.append(f"    [dim]{escape(finding.text.en)} ({escape(finding.rule)})[/]")
    lines.append(f"  [dim]Mã lỗi (code): {escape(error.code)}[/]")
    if step:
        lines.append(f"  → Bước tiếp theo (next): [bold]{escape(step)}[/]")
    for line in lines:
        frame.aside.print(line, soft_wrap=True)


def forbidden(error: PermissionError) -> GatewayError:
    """The operating system does not let this account do it."""
    place = error.filename or ""
    text = Bilingual(
        f"Tài khoản đang dùng không có quyền với {place}. Hãy dùng tài khoản đã cài đặt trục.",
        f"This account may not use {place}. Use the account that made the installation.",
    )
    return NotReady(text, code="home.forbidden")


def reader_left() -> int:
    """Whoever read our output went away (``| head``): be silent about it, as other programs are."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141  # 128 + SIGPIPE


def error_json(error: GatewayError, step: str = "") -> dict[str, Any]:
    """The shape of an error in ``--json`` output."""
    body: dict[str, Any] = {"code": error.code, **error.text.as_json()}
    if error.findings:
        body["findings"] = [finding.as_json() for finding in error.findings]
    if step:
        body["next"] = step
    return {"error": body}


def next_step(code: str) -> str:
    """What to try after an error with that code, or ``""``."""
    parts = code.split(".")
    for length in range(len(parts), 0, -1):
        if step := NEXT_STEPS.get(".".join(parts[:length])):
            return step
    return ""


def show_usage_error(frame: Frame, error: click.ClickException) -> None:
    """A call that the command line does not understand."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    step = f"{context.command_path} --help" if context else "gateway --help"
    message = error.format_message()
    vi = f"Lệnh chưa đúng cú pháp. Hãy xem: {step}"
    if frame.json:
        print_json({"error": {"code": "command.usage", "vi": vi, "en": message, "next": step}})
        return
    frame.aside.print(f"[bold red]✗[/] {escape(vi)}")
    frame.aside.print(f"  [dim]{escape(message)}[/]")


def show_stopped(frame: Frame) -> None:
    """Somebody pressed Ctrl-C."""
    if frame.json:
        vi, en = "Đã dừng theo yêu cầu.", "Stopped as asked."
        print_json({"error": {"code": "command.stopped", "vi": vi, "en": en}})
    else:
        frame.aside.print("Đã dừng theo yêu cầu. [dim](stopped)[/]")


def table(
    title: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    whole: Collection[str] = (),
    rest: Collection[str] = (),
) -> Table:
    """A table for the screen; cells are plain text, never markup.

    Columns named in ``whole`` are never wrapped; those in ``rest`` share the room that the others leave.
    """
    made = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=SIMPLE_HEAD)
    made.expand = bool(rest)
    for heading in headings:
        ratio = 1 if heading in rest else None
        made.add_column(heading, overflow="fold", no_wrap=heading in whole, ratio=ratio)
    for row in rows:
        made.add_row(*(escape("" if cell is None else str(cell)) for cell in row))
    return made


def facts(title: str, rows: Iterable[tuple[str, object]]) -> Table:
    """Names on the left, values on the right; what is empty is left out."""
    made = Table(title=title, title_justify="left", title_style="bold", show_header=False, box=None)
    made.add_column(style="dim")
    made.add_column(overflow="fold")
    for name, value in rows:
        if value not in ("", None):
            made.add_row(f"  {name}", escape(str(value)))
    return made


def read_text(file: Path) -> str:
    """A UTF-8 text file. ``BadRequest`` says how to save it so from a spreadsheet."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        text = Bilingual(
            f"Tệp {file} không phải văn bản UTF-8. Trong Excel, hãy lưu dạng “CSV UTF-8 (Comma delimited)”.",
            f"{file} is not UTF-8 text. In Excel, save it as “CSV UTF-8 (Comma delimited)”.",
        )
        raise BadRequest(text, code="file.encoding") from error


def progress(frame: Frame) -> Progress:
    """A progress bar on standard error; silent when nobody watches."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=frame.aside,
        disable=not frame.shows_progress,
        transient=True,
    )


def moment(instant: int | None) -> str:
    """An instant as people here write it: ``13/04/2020 15:30:02``; empty when it has not happened."""
    return "" if instant is None else local(Instant(instant)).strftime("%d/%m/%Y %H:%M:%S")


def day(text: str | date | None) -> str:
    """A day as people here write it: ``13/04/2020``; text that is no ISO date stays as it is."""
    if not text:
        return ""
    try:
        value = date.fromisoformat(text) if isinstance(text, str) else text
    except ValueError:
        return str(text)
    return value.strftime("%d/%m/%Y")


def span(microseconds: int | None) -> str:
    """A duration that one can compare at a glance: ``4,2 ms``, ``1,3 s``, ``2 phút 5 s``."""
    if microseconds is None:
        return ""
    if microseconds < 1_000_000:
        return f"{microseconds / 1000:.1f} ms".replace(".", ",")
    seconds = microseconds / 1_000_000
    if seconds < 60:
        return f"{seconds:.1f} s".replace(".", ",")
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} giờ {minutes} phút"
    return f"{minutes} phút {rest} s" if rest else f"{minutes} phút"


def seconds(value: float) -> str:
    """``12,4 giây``"""
    return f"{value:.1f} giây".replace(".", ",")


def finding_lines(console: Console, findings: Iterable[Finding], file_name: str = "") -> None:
    """Findings, one after another, heaviest first; one about the whole names the file."""
    for finding in sorted(findings, key=lambda finding: -finding.severity):
        mark, style = MARKS[finding.severity.name.lower()]
        clause = f" [dim]({escape(finding.clause)})[/]" if finding.clause else ""
        console.print(f"  [{style}]{mark}[/] {escape(finding.text.vi)}{clause}")
        place = escape(f"{finding.rule}, {finding.where or file_name}")
        console.print(f"    [dim]{escape(finding.text.en)} ({place})[/]")


MARKS: dict[str, tuple[str, str]] = {
    "refuse": ("✗ từ chối", "bold red"),
    "hold": ("‖ tạm giữ", "bold yellow"),
    "warning": ("! cảnh báo", "yellow"),
    "info": ("i lưu ý", "cyan"),
}
