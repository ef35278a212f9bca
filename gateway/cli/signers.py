"""``gateway signers``: the register of who signs with which certificate (contracts: who signed).

In charge of: the register, its import, and deciding about the certificates that valid signatures proposed.
Not in charge of: what these change (``flow/signers.py``, ``flow/office.py``).
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate

ROLES = {"person": "người có thẩm quyền", "agency": "cơ quan, tổ chức"}
SHOWN = 20  # rows of one kind of change that a preview lists
_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
@common_options
def signers() -> None:
    """Danh sách người ký. The signer register."""


@signers.command("import")
@common_options
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--preview", is_flag=True, help="Only show what would change.")
@click.pass_obj
def import_(frame: Frame, file: Path, preview: bool) -> None:
    """Nạp danh sách người ký từ FILE (CSV). Add or correct rows of the signer register."""
    answer = operate(frame, "signers.import", text=output.read_text(file), preview=preview)
    output.show(frame, answer, lambda console: _print_changes(console, answer, preview))


@signers.command("list")
@common_options
@click.option("--agency", default="", help="Only this agency.")
@click.pass_obj
def list_(frame: Frame, agency: str) -> None:
    """Các chứng thư số đã đăng ký. The certificates that are registered."""
    rows = operate(frame, "signers.list", agency=agency)
    cells = [
        (
            row["agency"],
            ROLES[row["role"]],
            row["title"],
            output.day(row["period"]["start"]),
            output.day(row["period"]["end"]),
            row["certificate_sha256"],
        )
        for row in rows
    ]
    headings = ("Đơn vị", "Người ký", "Chức vụ", "Từ ngày", "Đến ngày", "SHA-256")
    made = output.table(f"{len(rows)} dòng người ký", headings, cells)
    output.show(frame, {"signers": rows}, lambda console: console.print(made))


@signers.command()
@common_options
@click.option("--all", "decided", is_flag=True, help="Also those that were decided.")
@click.pass_obj
def proposals(frame: Frame, decided: bool) -> None:
    """Chứng thư số chờ xác nhận. Certificates that valid signatures proposed."""
    rows = operate(frame, "signers.proposals", decided=decided)
    output.show(frame, {"proposals": rows}, lambda console: _print_proposals(console, rows))


@signers.command()
@common_options
@click.argument("sha256")
@click.option("--agency", default="", help="Code of the agency (default: as the certificate says).")
@click.option("--role", type=click.Choice(["person", "agency"]), help="Whose certificate it is.")
@click.option("--title", default="", help="The person's title.")
@click.option("--from", "start", type=_DAY, help="First day (default: of the certificate).")
@click.option("--to", "end", type=_DAY, help="Last day (default: of the certificate).")
@click.option("--reason", required=True, help="Why; stands in the record.")
@click.pass_obj
def confirm(
    frame: Frame,
    sha256: str,
    agency: str,
    role: str | None,
    title: str,
    start: datetime | None,
    end: datetime | None,
    reason: str,
) -> None:
    """Đăng ký chứng thư số được đề xuất. Register a proposed certificate."""
    given = {
        "agency": agency,
        "role": role or "",
        "title": title,
        "valid_from": start.date().isoformat() if start else None,
        "valid_to": end.date().isoformat() if end else None,
    }
    answer = operate(frame, "signers.confirm", certificate_sha256=sha256, reason=reason, **given)
    words = (
        f"[bold green]✓[/] Đã đăng ký cho đơn vị {escape(answer['agency'])}, {ROLES[answer['role']]}. "
        "Các văn bản có chữ ký này sẽ được đánh giá lại. [dim](registered; judged again)[/]"
    )
    output.show(frame, answer, lambda console: console.print(words))


@signers.command()
@common_options
@click.argument("sha256")
@click.option("--reason", required=True, help="Why; stands in the record.")
@click.pass_obj
def decline(frame: Frame, sha256: str, reason: str) -> None:
    """Không đăng ký chứng thư số được đề xuất. Leave a proposed certificate unregistered."""
    answer = operate(frame, "signers.decline", certificate_sha256=sha256, reason=reason)
    words = "[bold green]✓[/] Chứng thư số không được đăng ký. [dim](declined)[/]"
    output.show(frame, answer, lambda console: console.print(words))


def _print_changes(console: Console, answer: dict[str, Any], preview: bool) -> None:
    if not preview:
        rows = answer["rows"]
        console.print(f"[bold green]✓[/] Đã nạp {rows} dòng người ký. [dim]({rows} rows written)[/]")
        return
    changes = answer["changes"]
    counts = f"thêm {len(changes['added'])}, sửa {len(changes['changed'])}, giữ nguyên {changes['unchanged']}"
    console.print(f"[bold]Xem trước (chưa thay đổi gì)[/]: {counts}")
    for mark, rows in (("[green]+[/]", changes["added"]), ("[yellow]~[/]", changes["changed"])):
        for row in rows[:SHOWN]:
            words = (
                f"{row['agency']}  {ROLES[row['role']]}  {row['title']}  {row['certificate_sha256'][:16]}…"
            )
            console.print(f"  {mark} {escape(words)}")


def _print_proposals(console: Console, rows: list[dict[str, Any]]) -> None:
    if not rows:
        console.print("[bold green]✓[/] Không có chứng thư số nào chờ xác nhận. [dim](nothing to decide)[/]")
        return
    for row in rows:
        proposed = ", ".join(filter(None, (row["agency"], ROLES.get(row["role"], ""))))
        period = f"{output.day(row['period']['start'])} – {output.day(row['period']['end'])}"
        facts = [
            ("Chủ thể", row["subject"]),
            ("Đề xuất", proposed or "chưa rõ đơn vị; hãy nêu khi xác nhận"),
            ("Hiệu lực", period),
            ("Thấy lần đầu", f"{output.moment(row['seen_at'])}, văn bản của {row['sender']}"),
            ("Quyết định", DECISIONS.get(row["decision"], "")),
            ("Lý do", row["reason"]),
        ]
        console.print(output.facts(row["certificate_sha256"], facts))
    console.print("  → [bold]gateway signers confirm SHA256 --reason …[/]  hoặc  [bold]decline[/]")


DECISIONS = {"confirmed": "đã đăng ký", "declined": "không đăng ký"}
