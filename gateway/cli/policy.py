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
_second = click.option(
    "--key-file",
    type=click.File("r"),
    help="API key of a second administrator, who approves at once; without it the proposal waits.",
)
CHANGES = {"set": "áp dụng", "exempted": "miễn áp dụng", "ended": "bãi bỏ"}
DECISIONS = {"": "chờ người thứ hai", "approved": "đã phê duyệt", "declined": "không đồng ý"}


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
@_second
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
    key_file: Any,
) -> None:
    """Đề nghị chặt hơn với RULE. Propose to refuse or hold what RULE (signature.pdf_unsigned) finds."""
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
        key=_key(key_file),
    )
    _show_change(frame, answer)


@policy.command()
@common_options
@click.argument("rule")
@click.option("--agency", required=True, help="The agency that is exempt.")
@_direction
@click.option("--from", "start", type=_DAY, help="First day (default: today).")
@click.option("--to", "end", type=_DAY, required=True, help="Last day; no exemption is for ever.")
@_reason
@_second
@click.pass_obj
def exempt(
    frame: Frame,
    rule: str,
    agency: str,
    direction: str,
    start: datetime | None,
    end: datetime,
    reason: str,
    key_file: Any,
) -> None:
    """Đề nghị miễn RULE cho một đơn vị, có thời hạn. Propose to exempt one agency from a stricter rule."""
    answer = operate(
        frame,
        "policy.exempt",
        rule=rule,
        agency=agency,
        direction=direction,
        valid_from=_day(start),
        valid_to=_day(end),
        reason=reason,
        key=_key(key_file),
    )
    _show_change(frame, answer)


@policy.command()
@common_options
@click.argument("policy_id", metavar="ID")
@click.option("--reason", required=True, help="Why; stands in the record.")
@_second
@click.pass_obj
def end(frame: Frame, policy_id: str, reason: str, key_file: Any) -> None:
    """Đề nghị bãi bỏ một quy định trước hạn. Propose to withdraw a policy or an exemption."""
    _show_change(frame, operate(frame, "policy.end", policy=policy_id, reason=reason, key=_key(key_file)))


@policy.command()
@common_options
@click.option("--all", "decided", is_flag=True, help="Also those that were decided.")
@click.pass_obj
def proposals(frame: Frame, decided: bool) -> None:
    """Các đề nghị chờ người thứ hai. Proposals that wait for a second person."""
    rows = operate(frame, "policy.proposals", decided=decided)
    output.show(frame, {"proposals": rows}, lambda console: _print_proposals(console, rows))


@policy.command()
@common_options
@click.argument("proposal")
@click.option("--approve/--decline", required=True, help="What is decided.")
@click.option("--reason", required=True, help="Why; stands in the record.")
@click.option("--key-file", type=click.File("r"), help="API key of the administrator who decides.")
@click.pass_obj
def decide(frame: Frame, proposal: str, approve: bool, reason: str, key_file: Any) -> None:
    """Người thứ hai phê duyệt hoặc không. Approve or decline, as another person than who proposed."""
    key = _key(key_file)
    answer = operate(frame, "policy.decide", proposal=proposal, approve=approve, reason=reason, key=key)
    _show_change(frame, answer)


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


def _key(key_file: Any) -> str:
    return key_file.read().strip() if key_file else ""


def _show_change(frame: Frame, answer: dict[str, Any]) -> None:
    """A proposal, or what became of it; while it waits, also what the second person types."""
    words = (
        f"[bold green]✓[/] Đề nghị {CHANGES[answer['change']]} – {DECISIONS[answer['decision']]}: "
        f"{escape(_sentence(answer))}. [dim]({answer['decision'] or 'waits'}: {answer['id']})[/]"
    )
    if not answer["decision"]:
        words += (
            f"\n  → Người thứ hai: gateway policy decide {answer['id']} --approve --reason … --key-file FILE"
        )
    output.show(frame, answer, lambda console: console.print(words, soft_wrap=True))


def _print_proposals(console: Console, rows: list[dict[str, Any]]) -> None:
    if not rows:
        console.print("Không có đề nghị nào. [dim](no proposals)[/]")
        return
    for row in rows:
        facts = [
            ("Nội dung", _sentence(row)),
            ("Trạng thái", DECISIONS[row["decision"]]),
            ("Lý do", row["reason"]),
            ("Người đề nghị", f"{row['proposed_by']}, {output.moment(row['proposed_at'])}"),
        ]
        console.print(output.facts(f"{CHANGES[row['change']]}: {row['id']}", facts))


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
