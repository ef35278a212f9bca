"""``gateway incident``: a document that must leave every place at once. Two persons decide.

In charge of: the commands. The command line of this machine counts as one person; a second administrator
shows an API key (``--key-file``). Not in charge of: the purge (``flow/incident.py``).
"""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate
from gateway.cli.recall import print_recall

STATES = {
    "open": "chờ người thứ hai xác nhận",
    "purged": "đã xóa",
    "closed": "đã kết thúc",
    "dismissed": "không phải sự cố",
}
KEY = click.option("--key-file", type=click.File("r"), help="API key of the administrator who decides.")


@click.group()
@common_options
def incident() -> None:
    """Sự cố lộ bí mật: xóa một văn bản ở mọi nơi. Purge a spilled document everywhere."""


@incident.command("open")
@common_options
@click.argument("document")
@click.option("--kind", type=click.Choice(["spill"]), default="spill", show_default=True)
@click.option("--reason", required=True, help="Why; stands in the record. Do not repeat the secret.")
@KEY
@click.pass_obj
def open_(frame: Frame, document: str, kind: str, reason: str, key_file: Any) -> None:
    """Báo sự cố; văn bản bị tạm giữ ngay. Report it; the document is kept back at once."""
    answer = operate(frame, "incident.open", document=document, kind=kind, reason=reason, key=_key(key_file))
    words = (
        f"[bold yellow]‖[/] Đã ghi nhận sự cố {answer['id']}; văn bản đang bị tạm giữ. [dim](opened)[/]\n"
        f"  → Người thứ hai xác nhận: gateway incident confirm {answer['id']} --key-file FILE"
    )
    output.show(frame, answer, lambda console: console.print(words, soft_wrap=True))


@incident.command()
@common_options
@click.argument("incident_id", metavar="INCIDENT")
@KEY
@click.pass_obj
def confirm(frame: Frame, incident_id: str, key_file: Any) -> None:
    """Người thứ hai xác nhận; xóa ngay ở mọi nơi. Confirm as a second person; purge now."""
    answer = operate(frame, "incident.confirm", incident=incident_id, key=_key(key_file))
    output.show(frame, answer, lambda console: _print_report(console, answer))


def _ending(name: str, operation: str, sentence: str) -> None:
    """Register one command that ends an incident."""

    @incident.command(name, help=sentence)
    @common_options
    @click.argument("incident_id", metavar="INCIDENT")
    @click.option("--reason", required=True, help="Why; stands in the record.")
    @KEY
    @click.pass_obj
    def end(frame: Frame, incident_id: str, reason: str, key_file: Any) -> None:
        answer = operate(frame, operation, incident=incident_id, reason=reason, key=_key(key_file))
        words = f"[bold green]✓[/] Sự cố {escape(incident_id)}: [bold]{STATES[answer['state']]}[/]"
        output.show(frame, answer, lambda console: console.print(words))


_ending("dismiss", "incident.dismiss", "Không phải sự cố; cho gửi tiếp. It was none; the document goes on.")
_ending("close", "incident.close", "Kết thúc: nơi nhận và bản sao lưu đã xử lý xong. All dealt with.")


@incident.command()
@common_options
@click.argument("incident_id", metavar="INCIDENT")
@click.pass_obj
def show(frame: Frame, incident_id: str) -> None:
    """Một sự cố, từng nơi nhận và hạn của bản sao lưu. One incident, its recipients and backups."""
    answer = operate(frame, "incident.show", incident=incident_id)
    output.show(frame, answer, lambda console: _print_report(console, answer))


@incident.command("list")
@common_options
@click.pass_obj
def list_(frame: Frame) -> None:
    """Các sự cố, mới nhất trước. Incidents, newest first."""
    found = operate(frame, "incident.list")
    rows = [
        (one["id"], one["kind"], STATES[one["state"]], output.moment(one["opened_at"]), one["document"])
        for one in found
    ]
    headings = ("Sự cố", "Loại", "Tình trạng", "Báo lúc", "Văn bản")
    table = output.table(f"{len(rows)} sự cố", headings, rows, whole=("Sự cố", "Văn bản"))
    output.show(frame, {"incidents": found}, lambda console: console.print(table))


def _print_report(console: Console, answer: dict[str, Any]) -> None:
    incident_ = answer["incident"]
    facts = [
        ("Tình trạng", STATES[incident_["state"]]),
        ("Lý do", answer["reason"]),
        ("Báo lúc", f"{output.moment(incident_['opened_at'])} ({incident_['opened_by']})"),
        ("Xác nhận lúc", f"{output.moment(incident_['confirmed_at'])} ({incident_['confirmed_by']})"),
        ("Số tệp đã hủy", incident_["payloads"]),
        ("Bản sao lưu còn giữ đến", output.moment(incident_["backups_until"])),
    ]
    console.print(output.facts(f"Sự cố {incident_['id']}", facts))
    print_recall(console, answer["recall"])


def _key(file: Any) -> str:
    return str(file.read()).strip() if file else ""
