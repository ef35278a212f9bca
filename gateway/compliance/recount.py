"""The recount: figures counted again from an exported log, for an auditor without an installation.

In charge of: the command, and what it prints. It shares nothing with the program that made the report: of
``gateway.compliance`` it uses only the files named ``recount…`` (a test holds that), of the shipped data the
calendar and the rules of clauses. ``gateway report recount`` is the same. Page: ``docs/recount.md``.
Not in charge of: counting and comparing (``recount_compare.py``).

    python -m gateway.compliance.recount REPORT.json --log EXPORT [--key KEYS] [--json]
    python -m gateway.compliance.recount EXPORT --report REPORT.json
    python -m gateway.compliance.recount EXPORT --period 2020-04-13..2020-04-19

Exit code 0: equal, or counted where there is no report; 1: not equal, with the reason; 2: called wrongly.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import orjson

from gateway.clock import SystemClock
from gateway.compliance.recount_compare import Cell, Outcome, recount_period, recount_report
from gateway.compliance.recount_log import is_log
from gateway.errors import BadRequest
from gateway.model.text import Bilingual

MOST_ROWS = 200  # of differences and of counts on the screen; --json has all


def recount(
    file: Path,
    log: Path | None = None,
    report: Path | None = None,
    period: str = "",
    keys: str = "",
    excluded: Sequence[str] = (),
) -> Outcome:
    """``file`` is a report or an export, told by its content; the other one is ``log`` or ``report``.

    ``period``: ``FROM..TO`` (ISO days), instead of a report. ``keys``: text with the log's public keys.
    ``BadRequest`` when something is missing or is neither.
    """
    if is_log(file):
        log = file
    else:
        report = file
    if log is None or not is_log(log):
        raise BadRequest(_NEEDS_LOG, code="recount.no_log")
    if report is not None:
        return recount_report(log, _read(report), keys, SystemClock().now() / 1_000_000)
    if not period:
        raise BadRequest(_NEEDS_PERIOD, code="recount.no_period")
    first, last = _days(period)
    return recount_period(log, first, last, excluded)


def lines(outcome: Outcome) -> Iterator[str]:
    """What a person reads."""
    for reason in outcome.reasons:
        yield f"✗ {reason.text.vi}"
        yield f"  {reason.text.en}"
    if outcome.equal and outcome.compared:
        yield (
            f"✓ Đếm lại khớp: {_number(outcome.compared)} ô số liệu, {_number(outcome.leaves)} sự kiện. "
            f"(equal: {outcome.compared} cells, {outcome.leaves} events)"
        )
    yield from _differences(outcome.cells)
    if not outcome.compared and not outcome.reasons:
        yield from _counts(outcome)


def main(words: Sequence[str] | None = None) -> int:
    """The command of this file."""
    given = _arguments().parse_args(words)
    try:
        keys = "\n".join(file.read_text("utf-8") for file in given.key)
        outcome = recount(given.file, given.log, given.report, given.period, keys, given.exclude)
    except BadRequest as error:
        print(f"✗ {error.text.vi}\n  {error.text.en}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"✗ {error}", file=sys.stderr)
        return 2
    if given.json:
        print(orjson.dumps(outcome.as_json(), option=orjson.OPT_INDENT_2).decode())
    else:
        print("\n".join(lines(outcome)))
    return 0 if outcome.equal else 1


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="recount", description="Đếm lại số liệu từ nhật ký đã xuất. Recount."
    )
    parser.add_argument("file", type=Path, help="báo cáo JSON hoặc bản xuất nhật ký (report or export)")
    parser.add_argument("--log", type=Path, help="bản xuất nhật ký (gateway log export)")
    parser.add_argument("--report", type=Path, help="báo cáo đã công bố (frozen-report/1)")
    parser.add_argument("--period", default="", help="TỪ..ĐẾN, e.g. 2020-04-13..2020-04-19")
    parser.add_argument("--key", type=Path, action="append", default=[], help="public keys of the log")
    parser.add_argument("--exclude", action="append", default=[], help="an agency that is not counted")
    parser.add_argument("--json", action="store_true")
    return parser


def _read(report: Path) -> dict[str, Any]:
    try:
        found = orjson.loads(report.read_bytes())
    except orjson.JSONDecodeError as error:
        raise BadRequest(_NO_REPORT, code="recount.no_report") from error
    if not isinstance(found, dict):
        raise BadRequest(_NO_REPORT, code="recount.no_report")
    return found


def _days(period: str) -> tuple[date, date]:
    first, _, last = period.partition("..")
    try:
        days = date.fromisoformat(first), date.fromisoformat(last or first)
    except ValueError as error:
        raise BadRequest(_NEEDS_PERIOD, code="recount.no_period") from error
    if days[0] > days[1]:
        raise BadRequest(_NEEDS_PERIOD, code="recount.no_period")
    return days


def _differences(cells: Sequence[Cell]) -> Iterator[str]:
    if not cells:
        return
    yield ""
    yield f"{'Đơn vị (agency)':<24} {'Số đếm (count)':<26} {'Báo cáo':>12} {'Đếm lại':>12}"
    for cell in cells[:MOST_ROWS]:
        yield f"{cell.agency:<24} {cell.name:<26} {_number(cell.report):>12} {_number(cell.recount):>12}"
    if len(cells) > MOST_ROWS:
        yield f"… {_number(len(cells) - MOST_ROWS)} (--json)"


def _counts(outcome: Outcome) -> Iterator[str]:
    """Sums over all agencies: there is no report to compare with."""
    sums: dict[str, int] = {}
    for names in outcome.counts.values():
        for name, number in names.items():
            sums[name] = sums.get(name, 0) + number
    yield f"{'Số đếm (count)':<26} {'Tổng (all agencies)':>20}"
    for name in sorted(sums):
        yield f"{name:<26} {_number(sums[name]):>20}"


def _number(value: int | str | None) -> str:
    if isinstance(value, int):
        return f"{value:,}".replace(",", ".")
    return "—" if value is None else value


_NEEDS_LOG = Bilingual(
    "Cần tệp nhật ký đã xuất (gateway log export). Hãy chỉ ra bằng --log.",
    "The exported log is needed (gateway log export): name it with --log.",
)
_NEEDS_PERIOD = Bilingual(
    "Cần báo cáo (--report TỆP) hoặc kỳ cần đếm (--period 2020-04-13..2020-04-19).",
    "A report (--report FILE) or a period (--period 2020-04-13..2020-04-19) is needed.",
)
_NO_REPORT = Bilingual(
    "Tệp này không phải báo cáo đã công bố và cũng không phải bản xuất nhật ký.",
    "This file is neither a published report nor an exported log.",
)

if __name__ == "__main__":
    sys.exit(main())
