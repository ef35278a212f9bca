"""``gateway policy``: how strict the gate is beyond its default, and what stricter rules would have done.

In charge of: these commands and their tables. Not in charge of: deciding (``flow/policies.py``), counting
(``flow/policy_rehearsal.py``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate

ACTIONS = {"refuse": "từ chối", "hold": "tạm giữ", "accept_and_report": "miễn áp dụng"}
DIRECTIONS = {"sends": "gửi đi", "receives": "nhận về"}
STANDINGS = {"in force": "đang áp dụng", "future": "sẽ áp dụng", "over": "hết hạn", "ended": "đã bãi bỏ"}
NAMED = 5  # documents that a row of the table names; --json names up to a hundred
_DAY = click.DateTime(["%Y-%m-%d"])
_action = click.option(
    "--action",
    type=click.Choice(["refuse", "hold"]),
    default="refuse",
    show_default=True,
    help="What follows.",
)
_direction = click.option(
    "--direction",
    type=click.Choice(["sends", "receives"]),
    default="sends",
    show_default=True,
    help="What the agency sends, or what it is to receive.",
)
_reason = click.option("--reason", required=True, help="Why; stands in the record and in the finding.")


@click.group()
@common_options
def policy() -> None:
    """Quy định chặt hơn và miễn áp dụng. How strict the gate is beyond its default."""


@policy.command("list")
@common_options
@click.option("--all", "over", is_flag=True, help="Also those that are over.")
@click.pass_obj
def list_(frame: Frame, over: bool) -> None:
    """Các quy định đang và sẽ áp dụng. Policies in force, and those to come."""
    rows = operate(frame, "policy.list", over=over)
    output.show(frame, {"policies": rows}, lambda console: _print_policies(console, rows))


@policy.command("set")
@common_options
@click.argument("rule")
@_action
@click.option("--agency", default="", help="Only for this agency (default: for all).")
@_direction
@click.option("--from", "start", type=_DAY, help="First day (default: today).")
@click.option("--to", "end", type=_DAY, help="Last day (default: open).")
@_reason
@click.pass_obj
def set_(
    frame: Frame,
    rule: str,
    action: str,
    agency: str,
    direction: str,
    start: datetime | None,
    end: datetime | None,
    reason: str,
) -> None:
    """Áp dụng chặt hơn với RULE. Refuse or hold what RULE (signature.pdf_unsigned, signature.*) finds."""
    answer = operate(
        frame,
        "policy.set",
        rule=rule,
        action=action,
        agency=agency,
        direction=direction,
        valid_from=_day(start),
        valid_to=_day(end),
        reason=reason,
    )
    _show_decided(frame, answer, "Đã áp dụng", "decided")


@policy.command()
@common_options
@click.argument("rule")
@click.option("--agency", required=True, help="The agency that is exempt.")
@_direction
@click.option("--from", "start", type=_DAY, help="First day (default: today).")
@click.option("--to", "end", type=_DAY, required=True, help="Last day; no exemption is for ever.")
@click.option("--approved-by", required=True, help="Account (name or id) of another administrator.")
@_reason
@click.pass_obj
def exempt(
    frame: Frame,
    rule: str,
    agency: str,
    direction: str,
    start: datetime | None,
    end: datetime,
    approved_by: str,
    reason: str,
) -> None:
    """Miễn RULE cho một đơn vị, có thời hạn và người phê duyệt. Exempt one agency from a stricter rule."""
    answer = operate(
        frame,
        "policy.exempt",
        rule=rule,
        agency=agency,
        direction=direction,
        valid_from=_day(start),
        valid_to=_day(end),
        approved_by=approved_by,
        reason=reason,
    )
    _show_decided(frame, answer, "Đã miễn áp dụng", "exempted")


@policy.command()
@common_options
@click.argument("policy_id", metavar="ID")
@click.option("--reason", required=True, help="Why; stands in the record.")
@click.pass_obj
def end(frame: Frame, policy_id: str, reason: str) -> None:
    """Bãi bỏ một quy định trước hạn. Withdraw a policy or an exemption now."""
    answer = operate(frame, "policy.end", policy=policy_id, reason=reason)
    _show_decided(frame, answer, "Đã bãi bỏ", "withdrawn")


@policy.command()
@common_options
@click.option("--rule", default="", help="Rule to try (default: the policies that begin later).")
@_action
@click.option("--agency", default="", help="Only this agency.")
@_direction
@click.option("--days", type=click.IntRange(1, 3660), default=30, show_default=True, help="How far back.")
@click.pass_obj
def rehearse(frame: Frame, rule: str, action: str, agency: str, direction: str, days: int) -> None:
    """Thử quy định chặt hơn trên văn bản đã nhận. What stricter rules would have refused or held."""
    answer = operate(
        frame, "policy.rehearse", rule=rule, action=action, agency=agency, direction=direction, days=days
    )
    output.show(frame, answer, lambda console: _print_rehearsal(console, answer))


def _day(value: datetime | None) -> str | None:
    return value.date().isoformat() if value else None


def _show_decided(frame: Frame, answer: dict[str, Any], words: str, english: str) -> None:
    line = f"[bold green]✓[/] {words}: {escape(_sentence(answer))}. [dim]({english}: {answer['id']})[/]"
    output.show(frame, answer, lambda console: console.print(line, soft_wrap=True))


def _sentence(row: dict[str, Any]) -> str:
    whom = row["agency"] or "mọi đơn vị"
    until = f" đến hết {output.day(row['period']['end'])}" if row["period"]["end"] else ""
    return (
        f"{ACTIONS[row['action']]} {row['rule']}, văn bản {whom} {DIRECTIONS[row['direction']]}, "
        f"từ {output.day(row['period']['start'])}{until}"
    )


def _print_policies(console: Console, rows: list[dict[str, Any]]) -> None:
    if not rows:
        console.print("Không có quy định riêng; trục áp dụng mặc định. [dim](no policies: the default)[/]")
        return
    for row in rows:
        one = row["policy"]
        names = [f"{row['decided_by_name']}, {output.moment(one['decided_at'])}"]
        if one["approved_by"]:
            names.append(f"{row['approved_by_name']} phê duyệt")
        title = f"{ACTIONS[one['action']]} ({one['action']}): {one['rule']}"
        facts = [
            ("Trạng thái", STANDINGS[row["standing"]]),
            ("Đơn vị", f"{one['agency'] or 'mọi đơn vị'}, văn bản {DIRECTIONS[one['direction']]}"),
            ("Thời hạn", f"{output.day(one['period']['start'])} – {output.day(one['period']['end']) or '…'}"),
            ("Lý do", one["reason"]),
            ("Người quyết định", "; ".join(names)),
            ("Mã", one["id"]),
        ]
        console.print(output.facts(title, facts))


def _print_rehearsal(console: Console, answer: dict[str, Any]) -> None:
    since, until = output.moment(answer["since"])[:10], output.moment(answer["until"])[:10]
    console.print(
        f"[bold]Diễn tập[/] {since} – {until}, {answer['messages']} gói tin đã nhận [dim](rehearsal)[/]"
    )
    for one in answer["policies"]:
        whom = one["agency"] or "mọi đơn vị"
        words = f"{ACTIONS[one['action']]} {one['rule']} · {whom} · {DIRECTIONS[one['direction']]}"
        console.print(f"  [dim]nếu (if)[/] {escape(words)}")
    counts = [
        ("Văn bản bị từ chối tại trục (refused)", answer["refused"]),
        ("Văn bản bị tạm giữ (held)", answer["held"]),
        ("Lượt gửi bị nơi nhận từ chối (deliveries rejected)", answer["rejected"]),
        ("Lượt gửi bị nơi nhận đề nghị tạm giữ (deliveries held)", answer["deliveries_held"]),
        ("Được miễn áp dụng (exempted)", answer["exempted"]),
    ]
    console.print(output.facts("", [(name, count) for name, count in counts if count]))
    if not answer["rows"]:
        console.print("[bold green]✓[/] Không văn bản nào bị ảnh hưởng. [dim](nothing would have changed)[/]")
        return
    headings = ("Đơn vị", "Hướng", "Quy tắc", "Kết quả", "Số văn bản", "Mã văn bản")
    cells = [_cells(row) for row in answer["rows"]]
    console.print(output.table("", headings, cells, whole=("Hướng", "Quy tắc", "Kết quả", "Mã văn bản")))


def _cells(row: dict[str, Any]) -> tuple[object, ...]:
    named = "\n".join(row["documents"][:NAMED])
    more = row["count"] - min(NAMED, len(row["documents"]))
    return (
        f"{row['agency']}\n{row['name']}",
        DIRECTIONS[row["direction"]],
        row["rule"],
        ACTIONS[row["action"]],
        row["count"],
        f"{named}\n… và {more} văn bản khác" if more > 0 else named,
    )
