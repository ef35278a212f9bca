"""``gateway alerts``: delivery objectives that are missed too fast, and who was told.

In charge of: the commands. Not in charge of: when an alert begins (``compliance/objectives.py``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
from rich.console import Console

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate
from gateway.clock import from_datetime

_REASON = click.option("--reason", required=True, help="Why; stands in the record.")
_DAY = click.DateTime(["%Y-%m-%d"])
_MEASURES = {"fetched": "lấy văn bản về", "acknowledged": "phản hồi trong ngày"}
_SPANS = {"fast": "1 giờ làm việc", "slow": "3 ngày làm việc"}


@click.group()
@common_options
def alerts() -> None:
    """Cảnh báo và mục tiêu nhận văn bản. Delivery objectives, alerts about them, and who was told."""


@alerts.command()
@common_options
@click.option("--agency", default="", help="Only this agency.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, help="At most so many.")
@click.pass_obj
def show(frame: Frame, agency: str, limit: int) -> None:
    """Cảnh báo mới nhất, mục tiêu riêng và thư đã gửi. Newest alerts, objectives and messages."""
    answer = operate(frame, "alerts.show", agency=agency, limit=limit)
    output.show(frame, answer, lambda console: _print(console, answer))


@alerts.command("set")
@common_options
@click.argument("measure", type=click.Choice(sorted(_MEASURES)))
@click.argument("percent", type=click.FloatRange(0, 99.9))
@click.option(
    "--minutes", type=click.IntRange(0, 10_000), default=0, help="Of working time; 0: the same day."
)
@click.option("--agency", default="", help="Only this agency; left out: every one without its own.")
@click.option("--from", "valid_from", type=_DAY, help="First day; today by default.")
@click.option("--to", "valid_to", type=_DAY, help="Last day.")
@_REASON
@click.pass_obj
def set_(
    frame: Frame,
    measure: str,
    percent: float,
    minutes: int,
    agency: str,
    valid_from: datetime | None,
    valid_to: datetime | None,
    reason: str,
) -> None:
    """Đặt mục tiêu: ít nhất PERCENT % đúng hạn; 0: không có mục tiêu. Set an objective."""
    days = {"valid_from": valid_from, "valid_to": valid_to}
    given = {name: day.date().isoformat() for name, day in days.items() if day}
    answer = operate(
        frame,
        "alerts.set",
        measure=measure,
        per_mille=round(percent * 10),
        minutes=minutes,
        agency=agency,
        reason=reason,
        **given,
    )
    output.show(frame, answer, lambda console: console.print(f"[bold green]✓[/] Mục tiêu {answer['id']}"))


@alerts.command()
@common_options
@click.argument("objective")
@_REASON
@click.pass_obj
def end(frame: Frame, objective: str, reason: str) -> None:
    """Bỏ một mục tiêu riêng. End an objective; what holds for everybody takes its place."""
    answer = operate(frame, "alerts.end", objective=objective, reason=reason)
    output.show(frame, answer, lambda console: console.print(f"[bold green]✓[/] Đã bỏ {answer['ended']}"))


@alerts.command("try")
@common_options
@click.pass_obj
def try_(frame: Frame) -> None:
    """Gửi thư thử tới mọi nơi nhận cảnh báo. Send a test message to everybody who is alerted."""
    answer = operate(frame, "alerts.try")
    words = (
        "[bold green]✓[/] Đã xếp hàng thư thử; xem kết quả: gateway alerts show\n"
        "  [dim]queued; a running gateway sends it[/]"
    )
    output.show(frame, answer, lambda console: console.print(words))


def _print(console: Console, answer: dict[str, Any]) -> None:
    rows = [_alert_cells(one) for one in answer["alerts"]]
    headings = ("Cơ quan", "Mục tiêu", "Trong", "Lỡ/đến hạn", "Tốc độ", "Từ lúc", "Đến lúc")
    console.print(output.table("Cảnh báo (alerts)", headings, rows))
    if answer.get("objectives"):
        shown = [_objective_cells(one) for one in answer["objectives"]]
        titles = ("Mã", "Cơ quan", "Mục tiêu", "Tỷ lệ", "Thời hạn")
        console.print(output.table("Mục tiêu riêng (objectives)", titles, shown, whole=("Mã",)))
    if answer.get("notices"):
        told = [_notice_cells(one) for one in answer["notices"]]
        about = ("Nơi nhận", "Lúc", "Lần thử", "Kết quả")
        console.print(output.table("Thư cảnh báo (messages)", about, told))


def _alert_cells(one: dict[str, Any]) -> tuple[object, ...]:
    times = [output.moment(_instant(one[name])) for name in ("raised_at", "ended_at")]
    who = f"{one['name']} ({one['agency']})"
    counts = f"{one['missed']}/{one['due']}"
    burn = f"{one['burn']:.1f}".replace(".", ",")
    return (who, _MEASURES[one["measure"]], _SPANS[one["span"]], counts, burn, *times)


def _objective_cells(one: dict[str, Any]) -> tuple[object, ...]:
    share = f"{one['per_mille'] / 10:.1f} %".replace(".", ",") if one["per_mille"] else "không có"
    minutes = f"{one['minutes']} phút làm việc" if one["minutes"] else "trong ngày"
    return (one["id"], one["agency"] or "mọi cơ quan", _MEASURES[one["measure"]], share, minutes)


def _notice_cells(one: dict[str, Any]) -> tuple[object, ...]:
    if one["sent_at"] is not None:
        result = f"đã gửi {output.moment(one['sent_at'])}"
    else:
        result = f"{'đã thôi gửi' if one['given_up_at'] is not None else 'chờ gửi'}: {one['problem']}"
    return (one["channel"], output.moment(one["made_at"]), one["tries"], result)


def _instant(text: str) -> int | None:
    return from_datetime(datetime.fromisoformat(text)) if text else None
