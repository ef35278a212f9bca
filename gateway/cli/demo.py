"""``gateway demo``: a province exchanges documents for a week, and then keeps running for you.

In charge of: the progress bar, the tables, and what to try next. Not in charge of: what happens
(``practice/demo``), counting (``practice/demo_tally``).
"""

from __future__ import annotations

import contextlib
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from gateway.cli import output
from gateway.cli.directory import LEVELS
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import wait
from gateway.cli.scorecard import print_scorecard
from gateway.cli.serve import set_up_log, stop_on_signals
from gateway.cli.trace import STAGES
from gateway.config import LogSection
from gateway.errors import NotReady
from gateway.model.text import Bilingual
from gateway.practice.demo import Tell, Week, played
from gateway.practice.demo_evidence import leave_evidence
from gateway.practice.demo_people import Login, open_console
from gateway.practice.demo_scorecard import week_card
from gateway.practice.demo_tally import DocumentLine, Figures, Tally, Way, tally
from gateway.practice.province import as_of, directory, note
from gateway.practice.scenario import PROVINCE, YOURS, Fault
from gateway.store.lock import WriterLock

DEFAULT_HOME = Path("var/demo")
SUBJECT_WIDTH = 70  # letters of a subject
WAY_WIDTH = 24  # columns for sender and recipients


@click.command()
@common_options
@click.option("--once", is_flag=True, help="Stop when the week is over.")
@click.option("--port", type=click.IntRange(1, 65535), help="Default: 8080, or the next free one.")
@click.pass_obj
def demo(frame: Frame, once: bool, port: int | None) -> int:
    """Trình diễn: một tỉnh gửi, nhận văn bản trong một tuần. A province exchanges documents for a week.

    The folder (--home, default ./var/demo) is made anew. Exit code 1: something was lost, doubled or missing.
    """
    home = frame.given_home or DEFAULT_HOME
    _refuse_while_running(home)
    set_up_log(LogSection(level="warning", json_lines=False))
    return wait(_demo(frame, home, once, port))


async def _demo(frame: Frame, home: Path, once: bool, port: int | None) -> int:
    async with contextlib.AsyncExitStack() as stack:
        with _progress(frame) as tell:
            week = await stack.enter_async_context(played(home, port, tell))
        counted = await tally(week)
        files = await leave_evidence(week)
        card = await week_card(week)
        logins = () if once else await open_console(week)
        if frame.json:
            evidence = [str(file) for file in files]
            door = {"console": _console(week, logins)} if logins else {}
            output.print_json(counted.as_json() | {"evidence": evidence, "scorecard": card} | door)
        else:
            _print_tally(frame.screen, counted)
            print_scorecard(frame.screen, card)
        if once:
            return 0 if counted.holds else 1
        stop = stop_on_signals()
        if not frame.json:
            _print_next(frame.screen, week, files)
            _print_logins(frame.screen, week, logins)
        await stop.wait()
        return 0


@contextlib.contextmanager
def _progress(frame: Frame) -> Iterator[Tell]:
    with output.progress(frame) as bar:
        task = bar.add_task("Chuẩn bị…", total=None)

        def tell(what: str, done: int, of: int) -> None:
            bar.update(task, description=escape(what), completed=done, total=of)

        yield tell


def _refuse_while_running(home: Path) -> None:
    """The folder of a demo that still runs must not be deleted under it."""
    database = home / "gateway.db"
    if not database.exists():
        return
    lock = WriterLock(database.with_name(database.name + ".lock"), "gateway demo")
    try:
        lock.take()
    except NotReady as error:
        raise NotReady(_running(home), code="demo.running") from error
    lock.release()


def _print_tally(console: Console, counted: Tally) -> None:
    _print_documents(console, counted)
    _print_refusals(console, counted)
    _print_levels(console, counted)
    mark, style = ("✓", "bold green") if counted.holds else ("✗", "bold red")
    vi, en = _summary(counted.figures)
    console.print(f"[{style}]{mark} {vi}[/]")
    console.print(f"  [dim]{en}[/]")
    console.print(f"  [dim]{escape(note().vi)}[/]")


def _summary(f: Figures) -> tuple[str, str]:
    """The figures in one sentence, Vietnamese and English."""
    vi = (
        f"{f.documents} văn bản, {f.deliveries} lượt gửi: {f.delivered} đã đến, {f.acknowledged} đã được trả "
        f"lời (trong đó {f.refused_by_recipient} bị đơn vị nhận từ chối); {f.refused_at_gate} gói tin bị "
        f"trục từ chối; qua trục quốc gia: {f.axis_up} gửi lên, {f.axis_down} nhận về; thu hồi {f.recalled} "
        f"văn bản ({f.given_back} nơi nhận đồng ý, {f.withdrawn} lượt gửi được rút lại); mất {f.lost}, trùng "
        f"{f.duplicated}; hết {output.seconds(f.seconds)}"
    )
    en = (
        f"{f.documents} documents, {f.deliveries} deliveries: {f.delivered} delivered, {f.acknowledged} "
        f"acknowledged ({f.refused_by_recipient} of them refused by the recipient); {f.refused_at_gate} "
        f"refused at the gate; over the national axis {f.axis_up} up, {f.axis_down} down; {f.recalled} "
        f"recalled ({f.given_back} gave it back, {f.withdrawn} withdrawn unfetched); {f.lost} lost, "
        f"{f.duplicated} duplicated"
    )
    return vi, en


def _print_documents(console: Console, counted: Tally) -> None:
    lines = sorted(counted.documents, key=lambda line: line.letter.at)
    rows = [
        (
            f"{line.letter.at:%d/%m %H:%M}",
            f"{line.letter.code}\n{_short(line.letter.subject)}",
            textwrap.fill(f"{line.letter.sender} → {', '.join(line.letter.recipients)}", WAY_WIDTH),
            _result(line),
        )
        for line in lines
    ]
    headings = ("Gửi lúc", "Văn bản", "Từ → đến", "Kết quả")
    title = "Văn bản trong tuần 13–19/4/2020 (documents of the week)"
    whole = ("Gửi lúc", "Từ → đến", "Kết quả")
    console.print(output.table(title, headings, rows, whole=whole, rest=("Văn bản",)))
    if counted.recipients_reason:
        console.print(f"  Lý do đơn vị nhận từ chối (02): “{escape(counted.recipients_reason)}”\n")
    _print_timings(console, lines)


def _result(line: DocumentLine) -> str:
    """What became of one document, a line for each thing."""
    said = [f"{line.delivered}/{line.deliveries} đến", f"{line.acknowledged - line.refused} tiếp nhận"]
    said += [f"{line.refused} TỪ CHỐI"] if line.refused else []
    said += [f"THU HỒI: {line.given_back} đồng ý, {line.withdrawn} rút lại"] if line.withdrawn else []
    said += [WAYS[line.way]] if line.way in WAYS else []
    return "\n".join(said)


def _short(subject: str) -> str:
    return textwrap.shorten(subject.removeprefix("V/v "), SUBJECT_WIDTH, placeholder=" …")


def _print_timings(console: Console, lines: list[DocumentLine]) -> None:
    """Each stage at the gate, then how long until the last recipient had it and had answered."""
    rows = [
        (
            line.letter.code,
            *(_milliseconds(line.stages.get(stage)) for stage in STAGES),
            _milliseconds(sum(line.stages.values())),
            _milliseconds(line.arrived_after),
            output.span(line.acknowledged_after),
        )
        for line in lines
    ]
    headings = ("Văn bản", *STAGES.values(), "tại trục", "đến sau", "trả lời sau")
    title = "Thời gian từng bước, mili giây (timings, milliseconds)"
    console.print(output.table(title, headings, rows, whole=("Văn bản", "đến sau", "trả lời sau")))


def _milliseconds(microseconds: int | None) -> str:
    return "" if microseconds is None else f"{microseconds / 1000:.1f}".replace(".", ",")


def _print_refusals(console: Console, counted: Tally) -> None:
    rows = [
        (
            f"{FAULTS[line.fault]}\n{line.letter.sender}, {line.letter.code}\n→ {line.status} {line.code}",
            f"{line.reason.vi}\n{line.reason.en}\n",
        )
        for line in counted.refusals
    ]
    title = "Trục không chuyển (refused at the gate)"
    console.print(output.table(title, ("Gói tin thử", "Lý do"), rows, rest=("Lý do",)))


def _print_levels(console: Console, counted: Tally) -> None:
    shares = [
        f"cấp {LEVELS[level]}: gửi {counts['sent']}, nhận {counts['received']}"
        for level, counts in counted.levels.items()
    ]
    console.print("  " + " · ".join(shares))


def _print_next(console: Console, week: Week, files: Sequence[Path]) -> None:
    """Addresses and commands, with the paths of this run."""
    folder = week.folder
    key = f'-H "Authorization: Bearer $(cat {folder.key_file(YOURS)})"'
    [letter] = folder.try_folder.glob("*.edxml")
    yours = directory().name(YOURS, as_of())
    lines = [
        f"[bold green]●[/] Trục vẫn đang chạy. Mở [bold]{week.url}/[/] (dừng: Ctrl-C)",
        "  [dim]The gateway keeps running; open the address, stop with Ctrl-C. Try next:[/]",
        f"  1. Đóng vai {escape(yours)}: gửi một văn bản [dim](send a document)[/]",
        f"     curl {key} -H 'Content-Type: application/xml' \\",
        f"       --data-binary @{letter} {week.url}/api/v1/documents",
        "  2. Vài giây sau, xem trạng thái 01 và 03 trả về [dim](statuses come back)[/]",
        f"     curl {key} {week.url}/api/v1/inbox",
        "  3. Xem đường đi của một văn bản [dim](trace)[/]",
        f"     {_program()} trace --list --home {folder.home}",
        "  4. Kiểm tra một gói tin trước khi gửi [dim](preflight)[/]",
        f"     {_program()} check {letter} --home {folder.home}",
        "  5. Kiểm tra một hồ sơ minh chứng, không cần trục [dim](evidence, offline)[/]",
        f"     {_program()} evidence verify {files[0]} --key {files[-1]}",
        f"  Khóa API của từng đơn vị: {folder.home}/agencies/*/api-key, ví dụ {folder.key_file(PROVINCE)}",
    ]
    for line in lines:
        console.print(line, soft_wrap=True)


def _console(week: Week, logins: Sequence[Login]) -> dict[str, object]:
    return {"url": f"{week.url}/console", "logins": [one.as_json() for one in logins]}


def _print_logins(console: Console, week: Week, logins: Sequence[Login]) -> None:
    """Where people look, and as whom; the passwords stand nowhere else."""
    console.print(
        f"[bold green]●[/] Màn hình quản trị: [bold]{week.url}/console[/] "
        "[dim](console; passwords are made anew in each run)[/]",
        soft_wrap=True,
    )
    for one in logins:
        part = one.part
        said = f"{part.sees.vi} [dim]({part.sees.en})[/]"
        console.print(f"     {part.login:<9} [bold]{one.password}[/]  {said}", soft_wrap=True)


def _program() -> str:
    """How this program can be called again: ``.venv/bin/gateway`` after ``make demo``."""
    called = Path(sys.argv[0])
    return str(called) if called.name == "gateway" else "python -m gateway"


def _running(home: Path) -> Bilingual:
    return Bilingual(
        f"Bản trình diễn trong {home} đang chạy. Hãy dừng nó (Ctrl-C) rồi chạy lại.",
        f"The demo in {home} is running. Stop it (Ctrl-C), then start again.",
    )


WAYS = {Way.UP: "lên trục quốc gia", Way.DOWN: "từ trục quốc gia"}
FAULTS = {
    Fault.TAMPERED: "Gói tin đã ký bị sửa một byte\n(tampered)",
    Fault.UNKNOWN_RECIPIENT: "Nơi nhận không có trong danh mục\n(unknown recipient)",
    Fault.SECRET: "Văn bản có dấu mật\n(marked secret)",
    Fault.CONFLICT: "Trùng mã định danh, khác nội dung\n(conflicting duplicate)",
}
