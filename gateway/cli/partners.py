"""``gateway agency add-system …`` and ``gateway directory requests …``: what partner software needs of us.

In charge of: system ids of partner dialects with their secrets (shown once, or written to a file that only
its owner reads), and deciding requests to add or close an agency. Not in charge of: what these change
(``flow/partners.py``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.markup import escape

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate

DIALECTS = ("vxp", "langson", "gateway")
KINDS = {"register": "thêm", "delete": "đóng"}
DECISIONS = {"": "chờ quyết định", "approved": "đã chấp thuận", "declined": "không chấp thuận"}
SECRET_FILE = click.option(
    "--secret-file", type=click.File("r"), help="File with the secret that the software has already."
)
KEY_FILE = click.option(
    "--key-file", type=click.Path(path_type=Path, dir_okay=False), help="Write the secret there (0600)."
)


@click.command("add-system")
@common_options
@click.option("--dialect", type=click.Choice(DIALECTS), required=True)
@click.option("--system-id", required=True, help="As the software sends it.")
@click.option("--agency", "agencies", multiple=True, metavar="CODE", help="Acts for this agency; repeatable.")
@click.option("--account", default="", metavar="ID", help="Give it to this account instead of a new one.")
@click.option("--name", default="", help="Name of the new account (default: the system id).")
@click.option("--fresh-hours", type=click.IntRange(min=1), default=24, show_default=True)
@SECRET_FILE
@KEY_FILE
@click.pass_obj
def add_system(
    frame: Frame,
    dialect: str,
    system_id: str,
    agencies: tuple[str, ...],
    account: str,
    name: str,
    fresh_hours: int,
    secret_file: Any,
    key_file: Path | None,
) -> None:
    """Cấp mã hệ thống cho phần mềm theo SDK của trục. A system id and secret for partner software."""
    _refuse_existing(key_file)
    answer = operate(
        frame,
        "partner.add_system",
        dialect=dialect,
        system_id=system_id,
        name=name,
        agencies=list(agencies),
        secret=secret_file.read().strip() if secret_file else "",
        fresh_seconds=fresh_hours * 3600,
        principal=account,
    )
    _show_issued(frame, answer, key_file)


@click.command("renew-secret")
@common_options
@click.option("--dialect", type=click.Choice(DIALECTS), required=True)
@click.option("--system-id", required=True)
@click.option(
    "--overlap-days", type=click.IntRange(min=0), help="Let older secrets run out after these days."
)
@SECRET_FILE
@KEY_FILE
@click.pass_obj
def renew_secret(
    frame: Frame,
    dialect: str,
    system_id: str,
    overlap_days: int | None,
    secret_file: Any,
    key_file: Path | None,
) -> None:
    """Cấp thêm khóa bí mật cho mã hệ thống. A further secret for a system id."""
    _refuse_existing(key_file)
    answer = operate(
        frame,
        "partner.renew_secret",
        dialect=dialect,
        system_id=system_id,
        secret=secret_file.read().strip() if secret_file else "",
        overlap_days=overlap_days,
    )
    _show_issued(frame, answer, key_file)


@click.command("freshness")
@common_options
@click.option("--dialect", type=click.Choice(DIALECTS), required=True)
@click.option("--system-id", required=True)
@click.option("--hours", type=click.IntRange(min=1), required=True)
@click.pass_obj
def freshness(frame: Frame, dialect: str, system_id: str, hours: int) -> None:
    """Đặt thời hạn chữ ký của lời gọi. How old a signed call of a system id may be."""
    answer = operate(frame, "partner.freshness", dialect=dialect, system_id=system_id, seconds=hours * 3600)
    words = f"[bold green]✓[/] Lời gọi của {escape(system_id)} có hiệu lực trong {hours} giờ kể từ lúc ký."
    output.show(frame, answer, lambda console: console.print(words))


@click.group("requests")
@common_options
def requests() -> None:
    """Đề nghị thêm, đóng đơn vị từ phần mềm. What partner software asks to add or close."""


@requests.command("list")
@common_options
@click.option("--all", "everything", is_flag=True, help="The decided ones too.")
@click.pass_obj
def list_(frame: Frame, everything: bool) -> None:
    """Các đề nghị đang chờ. Requests that wait for a decision."""
    answer = operate(frame, "directory.requests", everything=everything)
    rows = [
        (
            KINDS.get(request["kind"], request["kind"]),
            request["code"],
            orjson.loads(request["body"]).get("name", ""),
            output.moment(request["asked_at"]),
            DECISIONS.get(request["decision"], request["decision"]),
            request["id"],
        )
        for request in answer
    ]
    headings = ("Đề nghị", "Mã định danh", "Tên", "Lúc", "Quyết định", "Mã đề nghị")
    table = output.table(f"{len(rows)} đề nghị", headings, rows, whole=("Mã đề nghị",))
    output.show(frame, {"requests": answer}, lambda console: console.print(table))


@requests.command()
@common_options
@click.argument("request")
@click.option("--level", default="", help="Tier of the new agency (default: that of its parent).")
@click.pass_obj
def approve(frame: Frame, request: str, level: str) -> None:
    """Chấp thuận: nhập vào danh mục. Import what was asked for."""
    answer = operate(frame, "directory.approve", request_id=request, level=level)
    _show_decided(frame, answer)


@requests.command()
@common_options
@click.argument("request")
@click.option("--reason", required=True, help="Why; stands in the record.")
@click.pass_obj
def decline(frame: Frame, request: str, reason: str) -> None:
    """Không chấp thuận, kèm lý do. Decline a request, with the reason."""
    answer = operate(frame, "directory.decline", request_id=request, reason=reason)
    _show_decided(frame, answer)


def print_systems(console: Console, answer: dict[str, Any]) -> None:
    """The system ids that were given out, for ``gateway agency list``."""
    names = {principal["id"]: principal["name"] for principal in answer["principals"]}
    rows = [
        (
            secret["dialect"],
            secret["system_id"],
            names.get(secret["principal"], secret["principal"]),
            f"{secret['fresh_seconds'] // 3600} giờ",
            output.moment(secret["valid_until"]),
            secret["id"],
        )
        for secret in answer["partner_systems"]
        if secret["revoked_at"] is None
    ]
    if rows:
        headings = ("Giao thức", "Mã hệ thống", "Tài khoản", "Thời hạn ký", "Hết hạn", "Mã khóa")
        console.print(output.table("Phần mềm gọi theo SDK", headings, rows, whole=("Mã khóa",)))


def _refuse_existing(key_file: Path | None) -> None:
    if key_file is not None and key_file.exists():
        raise click.BadParameter(f"{key_file} exists already", param_hint="--key-file")


def _show_issued(frame: Frame, answer: dict[str, Any], key_file: Path | None) -> None:
    words = f"  Khóa bí mật (chỉ hiện một lần): [bold]{escape(answer['secret'])}[/]"
    if key_file is not None:
        output.write_secret(key_file, answer.pop("secret"))
        answer["key_file"] = str(key_file)
        words = f"  Khóa bí mật đã ghi vào {escape(str(key_file))} [dim](secret written)[/]"

    def people(console: Console) -> None:
        done = f"[bold green]✓[/] Mã hệ thống [bold]{escape(answer['system_id'])}[/] ({answer['dialect']})"
        console.print(done)
        console.print(words, soft_wrap=True)

    output.show(frame, answer, people)


def _show_decided(frame: Frame, answer: dict[str, Any]) -> None:
    kind = KINDS.get(answer["kind"], answer["kind"])
    words = f"[bold green]✓[/] {DECISIONS[answer['decision']]}: {kind} {escape(answer['code'])}"
    output.show(frame, answer, lambda console: console.print(words))
