"""``gateway send`` and ``gateway inbox``: acting for one agency from this machine.

In charge of: sending a file through the gate, listing, fetching and confirming. Both go to the running server
over its socket, or open the installation when none runs. A system on another machine uses the HTTP interface
with its API key instead (README). Not in charge of: the gate and the inbox (``flow/``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate
from gateway.cli.trace import KINDS, number_of, status_words
from gateway.errors import BadRequest
from gateway.model.text import Bilingual


@click.command()
@common_options
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--as", "agency", required=True, metavar="AGENCY", help="Code of the sending agency.")
@click.pass_obj
def send(frame: Frame, file: Path, agency: str) -> None:
    """Gửi gói tin edXML trong FILE thay mặt một cơ quan. Send an edXML file for an agency."""
    with output.progress(frame) as bar:
        bar.add_task("Đang kiểm tra và ghi nhận…", total=None)
        answer = operate(frame, "document.send", agency=agency, path=str(file.resolve()))
    output.show(frame, answer, lambda console: _print_sent(console, answer))


@click.command()
@common_options
@click.option("--as", "agency", default="", metavar="AGENCY", help="Whose inbox; without: counts of all.")
@click.option("--fetch", metavar="DELIVERY", help="Fetch this message into the file of -o.")
@click.option("-o", "--output", "target", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--reason", default="", help="With --fetch: why a person opens the content; it is recorded.")
@click.option("--done", metavar="DELIVERY", help="Confirm that this message is stored on your side.")
@click.option("--report", nargs=2, metavar="DELIVERY STATUS", help="Report a status, e.g. 03.")
@click.option("--text", default="", help="With --report: the reason or remark.")
@click.pass_obj
def inbox(
    frame: Frame,
    agency: str,
    fetch: str | None,
    target: Path | None,
    reason: str,
    done: str | None,
    report: tuple[str, str] | None,
    text: str,
) -> None:
    """Hộp nhận của một cơ quan: xem, lấy về, xác nhận, báo trạng thái. An agency's inbox."""
    chosen = [given for given in (fetch, done, report) if given]
    if len(chosen) > 1:
        raise click.UsageError("Use one of --fetch, --done and --report at a time.")
    if fetch:
        _fetch(frame, fetch, target, reason)
    elif done:
        settled = operate(frame, "inbox.done", delivery=done)
        words = "[bold green]✓[/] Đã xác nhận nhận đủ gói tin. [dim](done)[/]"
        output.show(frame, settled, lambda console: console.print(words))
    elif report:
        answer = operate(frame, "inbox.report", delivery=report[0], code=report[1], description=text)
        words_ = f"[bold green]✓[/] Đã báo trạng thái {escape(status_words(report[1]))}. [dim](reported)[/]"
        output.show(frame, answer, lambda console: console.print(words_))
    elif agency:
        page = operate(frame, "inbox.list", agency=agency)
        output.show(frame, page, lambda console: _print_inbox(console, page["items"]))
    else:
        waiting = [lane for lane in operate(frame, "queue.show", limit=1)["summary"] if lane["pull"]]
        output.show(frame, {"waiting": waiting}, lambda console: _print_waiting(console, waiting))


def _fetch(frame: Frame, delivery: str, target: Path | None, reason: str) -> None:
    if target is None:
        raise click.UsageError("--fetch needs -o FILE.")
    if target.exists():
        vi, en = f"Tệp {target} đã có.", f"{target} exists already."
        raise BadRequest(Bilingual(vi, en), code="file.exists")
    with output.progress(frame) as bar:
        bar.add_task("Đang lấy về…", total=None)
        answer = operate(frame, "inbox.fetch", delivery=delivery, path=str(target.resolve()), reason=reason)
    words = (
        f"[bold green]✓[/] Đã lấy {answer['size']} byte vào {escape(str(target))}. [dim](fetched)[/]\n"
        f"  → Khi đã lưu xong: gateway inbox --done {escape(delivery)}"
    )
    output.show(frame, answer, lambda console: console.print(words, soft_wrap=True))


def _print_sent(console: Console, answer: dict[str, Any]) -> None:
    held = answer["decision"] == "hold"
    mark = "[bold yellow]‖ Trục đã nhận và tạm giữ[/]" if held else "[bold green]✓ Trục đã nhận[/]"
    again = " (gói tin này đã được nhận trước đây; đây là phiếu xác nhận cũ)" if answer["repeated"] else ""
    console.print(f"{mark}{again}")
    console.print(f"  [dim]{'held' if held else 'accepted'}; document {answer['document']}[/]")
    for finding in answer["findings"]:
        mark, style = output.MARKS[_severity(finding)]
        console.print(f"  [{style}]{mark}[/] {escape(finding['text']['vi'])}")
    console.print(f"  Phiếu xác nhận (receipt): {answer['receipt']}")
    console.print(f"  → gateway trace {answer['document']}")


def _severity(finding: dict[str, Any]) -> str:
    return ("info", "warning", "hold", "refuse")[finding["severity"]]


def _print_inbox(console: Console, items: list[dict[str, Any]]) -> None:
    rows = [
        (
            item["delivery"],
            KINDS.get(item["kind"]) or status_words(item["header"].get("status", "")),
            number_of(item["header"]) or item["document_id"],
            item["subject"],
            item["sender"],
            output.moment(item["accepted_at"]),
            "đã lấy, chưa xác nhận" if item["fetched"] else "",
        )
        for item in items
    ]
    headings = ("Lượt gửi", "Loại", "Số, ký hiệu", "Trích yếu", "Từ", "Trục nhận lúc", "")
    console.print(output.table(f"{len(rows)} gói tin đang chờ", headings, rows, whole=("Lượt gửi",)))


def _print_waiting(console: Console, waiting: list[dict[str, Any]]) -> None:
    rows = [(w["destination"], w["deliveries"], output.moment(w["oldest"])) for w in waiting]
    headings = ("Cơ quan", "Gói tin đang chờ", "Cũ nhất")
    console.print(output.table("Hộp nhận của các cơ quan", headings, rows))
    if rows:
        console.print(f"  → gateway inbox --as {rows[0][0]}")
