"""``gateway report``: make, publish, show, verify, compare and count again the figures of a period.

In charge of: the commands. Not in charge of: counting and freezing (``compliance/``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from gateway.cli import output
from gateway.cli.evidence import trusted_by
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate
from gateway.cli.report_files import form, recount
from gateway.compliance import frozen
from gateway.errors import BadRequest
from gateway.model.canonical import canonical_json
from gateway.model.text import Bilingual

PERIOD = click.option(
    "--period",
    required=True,
    help="2020-W16, 2020-W16/fri, 2020-04, 2020-04/15-14, 2020-Q1, 2020-H1, 2020-9M, 2020, "
    "2020-04-13..2020-04-19, or 'as-of 2025-12-31'.",
)
OUT = click.option(
    "-o", "--output", "target", type=click.Path(path_type=Path, dir_okay=False), help="New file."
)
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
MOST_ROWS = 40  # of differences on the screen; --json has all


@click.group()
@common_options
def report() -> None:
    """Báo cáo số liệu gửi, nhận: lập, công bố, đối chiếu. Published figures that anybody may count again."""


@report.command()
@common_options
@PERIOD
@OUT
@click.pass_obj
def make(frame: Frame, period: str, target: Path | None) -> None:
    """Lập số liệu của một kỳ, chưa công bố. The figures of a period as of now, not published."""
    body = operate(frame, "report.make", period=period)
    if target is not None:
        _write(target, canonical_json(body))
    output.show(frame, body, lambda console: _print_body(console, body, published=False))


@report.command()
@common_options
@PERIOD
@click.pass_obj
def publish(frame: Frame, period: str) -> None:
    """Công bố số liệu của một kỳ: ký số, không sửa được nữa. Freeze, sign and publish a period."""
    answer = operate(frame, "report.publish", period=period)
    output.show(frame, answer, lambda console: _print_published(console, answer))


@report.command("list")
@common_options
@click.option("--period", default="", help="Only reports of this period.")
@click.pass_obj
def list_(frame: Frame, period: str) -> None:
    """Các báo cáo đã công bố, mới nhất trước. Published reports, newest first."""
    found = operate(frame, "report.list", period=period)
    rows = [
        (
            one["id"],
            one["period"],
            f"{output.day(one['from_'])} – {output.day(one['to'])}",
            output.moment(one["published_at"]),
            "tạm tính" if one["provisional"] else "",
        )
        for one in found
    ]
    headings = ("Báo cáo", "Kỳ", "Từ – đến", "Công bố lúc", "")
    table = output.table(f"{len(rows)} báo cáo", headings, rows, whole=("Báo cáo", "Kỳ", "Từ – đến"))
    output.show(frame, {"reports": found}, lambda console: console.print(table))


@report.command()
@common_options
@click.argument("report_id", metavar="REPORT")
@OUT
@click.pass_obj
def show(frame: Frame, report_id: str, target: Path | None) -> None:
    """Một báo cáo đã công bố. One published report; -o writes the signed file."""
    answer = operate(frame, "report.show", report=report_id)
    if target is not None:
        _write(target, canonical_json(answer))
    output.show(frame, answer, lambda console: _print_body(console, answer["body"], published=True))


@report.command()
@common_options
@click.argument("file", type=FILE)
@click.option("--key", "key_files", multiple=True, type=FILE, help="Public keys; else those of --home.")
@click.pass_obj
def verify(frame: Frame, file: Path, key_files: tuple[Path, ...]) -> int:
    """Kiểm tra một báo cáo, không cần mạng. Check hash and signature offline; exit code 0: it holds.

    Keys (``gateway evidence keys``) come from --key, else from the installation's home; never from the file.
    """
    trusted = trusted_by(frame, key_files, None)
    found = frozen.read(file.read_bytes())
    rows = frozen.verify(found, trusted.certificates, trusted.compromised)
    answer = {
        "file": file.name,
        "holds": frozen.holds(rows),
        "report": found.id,
        "period": found.body["period"]["name"],
        "rows": [{"code": row.code, "holds": row.holds, **row.text.as_json()} for row in rows],
    }
    output.show(frame, answer, lambda console: _print_rows(console, answer))
    return 0 if answer["holds"] else 1


@report.command()
@common_options
@click.argument("report_id", metavar="REPORT")
@click.pass_obj
def compare(frame: Frame, report_id: str) -> int:
    """Đếm lại và nêu điểm khác báo cáo. Count again, show what changed and why; exit code 1: something did.

    Nothing is overwritten: to publish the new figures, publish the period again.
    """
    answer = operate(frame, "report.compare", report=report_id)
    output.show(frame, answer, lambda console: _print_comparison(console, answer))
    return 0 if answer["same"] else 1


def _write(target: Path, data: bytes) -> None:
    try:
        with target.open("xb") as file:
            file.write(data)
    except OSError as error:
        text = Bilingual(f"Không ghi được tệp {target}: {error}", f"Cannot write {target}: {error}")
        raise BadRequest(text, code="file.unwritable") from error


def _print_published(console: Console, answer: dict[str, Any]) -> None:
    period = answer["period"]
    console.print(
        f"[bold green]✓[/] Đã công bố báo cáo {escape(period['name'])}: [bold]{answer['id']}[/] "
        f"[dim](published)[/]",
        soft_wrap=True,
    )
    if answer["provisional"]:
        console.print("  Kỳ chưa kết thúc: số liệu là tạm tính. [dim](provisional)[/]")
    if answer["earlier"]:
        console.print(
            f"  Thay cho báo cáo {answer['earlier']}, khác {answer['differences']} ô số liệu; "
            "báo cáo cũ vẫn được giữ. [dim](names the earlier one)[/]",
            soft_wrap=True,
        )
    console.print(f"  [dim]SHA-256 {answer['sha256']} · reports/{escape(answer['file'])}[/]", soft_wrap=True)


def _print_body(console: Console, body: dict[str, Any], *, published: bool) -> None:
    period, data = body["period"], body["data_as_of"]
    if body["synthetic"]:
        console.print("[bold yellow]DỮ LIỆU MÔ PHỎNG / SYNTHETIC[/]")
    state = "đã công bố" if published else "chưa công bố"
    rows = [
        ("Kỳ", period["words"]["vi"]),
        ("Tình trạng", f"{state}, tạm tính" if body["provisional"] else state),
        ("Số liệu tính đến", data["at"]),
        ("Nhật ký", f"{data['size']} bản ghi, gốc {data['root']}"),
        ("Bộ phân cấp", f"{body['level_set']['version']} ({', '.join(body['level_set']['levels'])})"),
        ("Lịch làm việc", body["calendar"]["version"]),
        ("Bộ quy tắc", ", ".join([*body["rule_sets"], body["clauses_version"]])),
        ("Sự cố được trừ", len(body["outages"])),
        ("Đơn vị không tính", ", ".join(one["code"] for one in body["excluded"])),
    ]
    console.print(output.facts(f"Báo cáo {body.get('id', '')}", rows))
    if body["rates"]:
        headings = ("Phạm vi", "Chỉ tiêu", "Tử số", "Mẫu số", "Tỷ lệ")
        lines = [
            (rate["scope"], rate["key"], rate["numerator"], rate["denominator"], rate["text"])
            for rate in body["rates"]
        ]
        console.print(output.table("Các tỷ lệ (rates)", headings, lines))


def _print_rows(console: Console, answer: dict[str, Any]) -> None:
    for row in answer["rows"]:
        mark = {True: "[green]✓[/]", False: "[bold red]✗[/]", None: "[yellow]–[/]"}[row["holds"]]
        console.print(f"{mark} {escape(row['vi'])}", soft_wrap=True)
        console.print(f"  [dim]{escape(row['en'])} ({row['code']})[/]", soft_wrap=True)
    if answer["holds"]:
        console.print(f"[bold green]Báo cáo đứng vững.[/] [dim](It holds: {escape(answer['file'])})[/]")
    else:
        console.print(f"[bold red]Không được tin báo cáo này.[/] [dim]({escape(answer['file'])})[/]")


def _print_comparison(console: Console, answer: dict[str, Any]) -> None:
    if answer["same"]:
        console.print("[bold green]✓[/] Đếm lại cho cùng số liệu. [dim](The same figures.)[/]")
    for cause in answer["causes"]:
        console.print(f"• {escape(cause['vi'])}", soft_wrap=True)
        console.print(f"  [dim]{escape(cause['en'])} ({cause['key']})[/]", soft_wrap=True)
    if answer["days"]:
        console.print(f"  Ngày khác nhau: {', '.join(output.day(day) for day in answer['days'])}")
    if answer["events"]:
        listed = [f"{kind} {count}" for kind, count in answer["events"].items()]
        console.print(f"  [dim]{escape(', '.join(listed))}[/]", soft_wrap=True)
    _print_differences(console, answer)


def _print_differences(console: Console, answer: dict[str, Any]) -> None:
    if answer["rates"]:
        rates = [(one["scope"], one["key"], one["before"], one["after"]) for one in answer["rates"]]
        headings = ("Phạm vi", "Chỉ tiêu", "Đã công bố", "Bây giờ")
        console.print(output.table("Tỷ lệ khác (rates that differ)", headings, rates))
    found = answer["differences"]
    if found:
        lines = [
            (one["agency"], one["name"], one["before"], one["after"], ", ".join(one["causes"]) or "không rõ")
            for one in found[:MOST_ROWS]
        ]
        title = f"{len(found)} ô số liệu khác" + (f", nêu {MOST_ROWS}" if len(found) > MOST_ROWS else "")
        console.print(
            output.table(
                title, ("Đơn vị", "Số liệu", "Đã công bố", "Bây giờ", "Do"), lines, whole=("Số liệu",)
            )
        )


report.add_command(form)
report.add_command(recount)
