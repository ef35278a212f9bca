"""``gateway scorecard``: the compliance figures of a period, and the documents behind one of them.

In charge of: the tables. Not in charge of: figures (``compliance/``), reports (``gateway report``).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click
from rich.console import Console

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate

# What a line of an agency shows; the whole stands in `--agency CODE`, `--json`, and in reports.
_OF_AGENCY = ("K2", "K3", "K5", "K8", "K9")
_LEVELS = {
    "all": "Toàn tỉnh",
    "province": "Cấp tỉnh",
    "district": "Cấp huyện",
    "commune": "Cấp xã",
}
_period = click.option("--period", default="", help="2020-W16, 2020-04, 2020-Q1 …; this week by default.")
_level = click.option("--level", default="", help="Only this level.")
_agency = click.option("--agency", default="", help="Only this agency.")


@click.group(invoke_without_command=True)
@common_options
@_period
@click.option("--by", type=click.Choice(["level", "agency"]), default="level", help="One line for each.")
@_level
@_agency
@click.pass_context
def scorecard(ctx: click.Context, period: str, by: str, level: str, agency: str) -> None:
    """Bảng chỉ tiêu gửi, nhận của một kỳ, theo cấp hoặc theo đơn vị. The compliance figures of a period.

    What each figure is: docs/figures.md.
    """
    if ctx.invoked_subcommand is not None:
        return
    frame = ctx.ensure_object(Frame)
    answer = operate(frame, "scorecard.show", period=period, by=by, level=level, agency=agency)
    output.show(frame, answer, lambda console: print_scorecard(console, answer))


@scorecard.command()
@common_options
@click.argument("name", metavar="COUNT")
@_period
@_level
@_agency
@click.option("--limit", type=click.IntRange(1, 500), default=50, help="At most so many.")
@click.option("--cursor", default="", help="Where the page before ended.")
@click.pass_obj
def documents(frame: Frame, name: str, period: str, level: str, agency: str, limit: int, cursor: str) -> None:
    """Văn bản đứng sau một con số, ví dụ K2.none, C4.fail. The documents behind a count, and why."""
    _list(frame, "documents", name, period, level, agency, limit, cursor)


@scorecard.command()
@common_options
@click.argument("name", metavar="COUNT")
@_period
@_level
@_agency
@click.option("--limit", type=click.IntRange(1, 500), default=50, help="At most so many.")
@click.option("--cursor", default="", help="Where the page before ended.")
@click.pass_obj
def deliveries(
    frame: Frame, name: str, period: str, level: str, agency: str, limit: int, cursor: str
) -> None:
    """Lượt nhận đứng sau một con số, ví dụ K5.none, K8.never. The deliveries behind a count."""
    _list(frame, "deliveries", name, period, level, agency, limit, cursor)


def print_scorecard(console: Console, answer: Mapping[str, Any]) -> None:
    """Levels, or one agency, beside each other; a list of agencies one below the other."""
    lines = answer["lines"]
    title = f"{answer['period']['words']['vi']} ({answer['period']['words']['en']})"
    if answer["synthetic"]:
        title = f"DỮ LIỆU MÔ PHỎNG (synthetic) – {title}"
    if answer["by"] == "agency" and len(lines) != 1:
        console.print(_agencies(title, lines))
    else:
        console.print(_beside(title, lines, answer["measures"]))
    data = answer["data_as_of"]
    when = output.moment(data["at"]) if data["size"] else "chưa có sự kiện nào"
    console.print(f"Số liệu đến (data as of) {when}: {data['size']} sự kiện; * mẫu số dưới 20 (small).")
    if answer["provisional"]:
        console.print("Kỳ chưa kết thúc nên số liệu còn thay đổi. [dim](the period is not over)[/]")


def _beside(title: str, lines: list[dict[str, Any]], measures: Mapping[str, Any]) -> Any:
    """One row for each measure, one column for each scope."""
    headings = ["", "Chỉ tiêu", *(_scope(line) for line in lines)]
    counted = (
        ("", "Văn bản đã gửi (documents sent)", "D.sent"),
        ("", "Lượt nhận (deliveries)", "R.n"),
    )
    rows = [
        [key, words, *(f"{line['counts'].get(name, 0):,}".replace(",", ".") for line in lines)]
        for key, words, name in counted
    ]
    found = [{rate["key"]: rate for rate in line["rates"]} for line in lines]
    for key, measure in measures.items():
        rows.append([key, measure["name"]["vi"], *(_rate(one.get(key)) for one in found)])
    return output.table(title, headings, rows, whole=headings[:1], rest=("Chỉ tiêu",))


def _agencies(title: str, lines: list[dict[str, Any]]) -> Any:
    rows = []
    for line in lines:
        found = {rate["key"]: rate for rate in line["rates"]}
        counts = (line["counts"].get("D.sent", 0), line["counts"].get("R.n", 0))
        rows.append([line["scope"], line["name"], *counts, *(_rate(found.get(key)) for key in _OF_AGENCY)])
    return output.table(title, ("Mã", "Cơ quan", "Gửi", "Nhận", *_OF_AGENCY), rows, whole=("Mã",))


def _scope(line: Mapping[str, Any]) -> str:
    return str(line["name"] or _LEVELS.get(line["scope"], line["scope"]))


def _rate(rate: Mapping[str, Any] | None) -> str:
    if rate is None:
        return ""
    marks = {"estimated": " ước tính", "declared": " khai"}
    mark = marks.get(rate["source"], "") if rate["denominator"] else ""
    return f"{rate['text']}{mark}"


def _list(
    frame: Frame, kind: str, name: str, period: str, level: str, agency: str, limit: int, cursor: str
) -> None:
    answer = operate(
        frame,
        f"scorecard.{kind}",
        measure=name,
        period=period,
        level=level,
        agency=agency,
        limit=limit,
        cursor=cursor,
    )
    output.show(frame, answer, lambda console: _print_list(console, name, answer))


def _print_list(console: Console, name: str, answer: Mapping[str, Any]) -> None:
    rows = [
        (
            output.day(one["day"]),
            one["agency"],
            one["document_id"] or one["id"],
            "\n".join(_why(text) for text in one["evidence"]),
        )
        for one in answer["rows"]
    ]
    console.print(output.table(name, ("Ngày", "Cơ quan", "Văn bản", "Vì sao"), rows, whole=("Ngày",)))
    if answer["cursor"]:
        console.print(f"  → Trang sau (next page): --cursor '{answer['cursor']}'", soft_wrap=True)
    if answer["rows"]:
        console.print("  → Từng văn bản: gateway trace DOCUMENT · gateway evidence export DOCUMENT -o FILE")


def _why(text: str) -> str:
    """``sent:2020-04-13T15:30:00+07:00`` with the moment as people write it."""
    kind, _, value = text.partition(":")
    try:
        return f"{kind}: {datetime.fromisoformat(value):%d/%m/%Y %H:%M:%S}"
    except ValueError:
        return text
