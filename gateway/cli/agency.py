"""``gateway agency``: the systems that act for agencies, and how agencies are connected.

In charge of: accounts with their first API key (shown once, or written to a file that only its owner reads),
and connection profiles. Not in charge of: further keys (``key.py``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from gateway import app
from gateway.cli import output, partners
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate
from gateway.clock import SystemClock
from gateway.config import load
from gateway.errors import BadRequest

ROLES = ("system", "clerk", "operator", "auditor", "administrator")


@click.group()
@common_options
def agency() -> None:
    """Hệ thống của các cơ quan và cách kết nối. Systems of agencies, and how they are connected."""


@agency.command("list")
@common_options
@click.pass_obj
def list_(frame: Frame) -> None:
    """Tài khoản và kết nối. Accounts and connections."""
    answer = operate(frame, "agency.principals")
    output.show(frame, answer, lambda console: _print_accounts(console, answer))


@agency.command()
@common_options
@click.argument("name")
@click.option("--agency", "agencies", multiple=True, metavar="CODE", help="Acts for this agency; repeatable.")
@click.option("--below", multiple=True, metavar="CODE", help="A gateway: acts for CODE and all below it.")
@click.option("--outside", multiple=True, metavar="CODE", help="A gateway: acts for all not below CODE.")
@click.option("--role", type=click.Choice(ROLES), default="system", show_default=True)
@click.option(
    "--key-file", type=click.Path(path_type=Path, dir_okay=False), help="Write the key there (0600) instead."
)
@click.pass_obj
def add(
    frame: Frame,
    name: str,
    agencies: tuple[str, ...],
    below: tuple[str, ...],
    outside: tuple[str, ...],
    role: str,
    key_file: Path | None,
) -> None:
    """Mở tài khoản cho phần mềm của cơ quan. Give a system an account and its first API key."""
    if key_file is not None and key_file.exists():
        raise click.BadParameter(f"{key_file} exists already", param_hint="--key-file")
    scopes = {"below": list(below), "outside": list(outside)}
    answer = operate(frame, "agency.add_system", name=name, agencies=list(agencies), role=role, **scopes)
    if key_file is not None:
        output.write_secret(key_file, answer.pop("api_key"))
        answer["key_file"] = str(key_file)
    output.show(frame, answer, lambda console: _print_added(console, answer))


@agency.command()
@common_options
@click.argument("code")
@click.option("--adapter", default="inbox", show_default=True, help="inbox, webhook, …")
@click.option(
    "--setting", "settings", multiple=True, metavar="NAME=VALUE", help="E.g. url=https://…, codes=qd20"
)
@click.option("--secret-file", type=click.File("r"), help="File with the secret (webhook signature).")
@click.option("--dialect", type=click.Choice(["", "java", "dotnet"]), default="", help="Rebuild for it.")
@click.option(
    "--envelope-signature",
    type=click.Choice(["if_present", "required", "off"]),
    default="if_present",
    show_default=True,
)
@click.option("--reports-arrival", is_flag=True, help="Its own system sends status 01.")
@click.pass_obj
def connect(
    frame: Frame,
    code: str,
    adapter: str,
    settings: tuple[str, ...],
    secret_file: Any,
    dialect: str,
    envelope_signature: str,
    reports_arrival: bool,
) -> None:
    """Đặt cách kết nối của cơ quan CODE. Set how an agency is connected."""
    pairs, secret = _pairs(settings), secret_file.read().strip() if secret_file else None
    _check_settings(frame, code, adapter, pairs, secret)
    answer = operate(
        frame,
        "agency.connect",
        agency=code,
        adapter=adapter,
        settings=pairs,
        secret=secret,
        dialect=dialect,
        envelope_signature=envelope_signature,
        reports_arrival=reports_arrival,
    )
    words = f"[bold green]✓[/] {escape(code)} kết nối qua [bold]{escape(adapter)}[/]. [dim](connected)[/]"
    output.show(frame, answer, lambda console: console.print(words))


def _check_settings(
    frame: Frame, code: str, adapter: str, settings: dict[str, str], secret: str | None
) -> None:
    """Let the adapter look at the settings now, not at the first document. A secret may be kept already."""
    if secret is None:
        connected = operate(frame, "directory.resolve", code=code)["connection"]
        kept = connected["agency"] == code and connected["adapter"] == adapter
        secret = "kept, and sealed where nobody sees it" if kept else ""
    given, config = settings | {"secret": secret}, load(frame.home)
    problems = app.connection_problems(adapter, given, SystemClock(), config, frame.home)
    if problems:
        raise BadRequest(problems[0], code="profile.settings")


def _pairs(settings: tuple[str, ...]) -> dict[str, str]:
    for text in settings:
        if "=" not in text:
            raise click.BadParameter(f"{text}: write NAME=VALUE", param_hint="--setting")
    return dict(text.split("=", 1) for text in settings)


def _print_added(console: Console, answer: dict[str, Any]) -> None:
    principal = answer["principal"]
    agencies = ", ".join(_acts_for(principal)) or "—"
    console.print(
        f"[bold green]✓[/] Đã mở tài khoản [bold]{escape(principal['name'])}[/] cho {escape(agencies)}"
    )
    console.print(f"  [dim]account {principal['id']}, role {principal['role']}[/]")
    if "key_file" in answer:
        console.print(f"  Khóa API đã ghi vào {escape(answer['key_file'])} [dim](key written)[/]")
        return
    console.print(f"  Khóa API (chỉ hiện một lần): [bold]{escape(answer['api_key'])}[/]", soft_wrap=True)
    console.print("  [dim]The API key is shown only now; the gateway keeps its hash.[/]")


@agency.command("erase-name")
@common_options
@click.argument("principal")
@click.option("--reason", required=True, help="Why; stands in the record.")
@click.pass_obj
def erase_name(frame: Frame, principal: str, reason: str) -> None:
    """Xóa tên của tài khoản đã thôi dùng. Forget who is behind an account; what it did stays recorded."""
    answer = operate(frame, "agency.erase_name", principal=principal, reason=reason)
    words = f"[bold green]✓[/] Đã xóa tên của tài khoản {escape(principal)}. [dim](erased)[/]"
    output.show(frame, answer, lambda console: console.print(words))


def _acts_for(principal: dict[str, Any]) -> list[str]:
    """Codes, and scopes in words."""
    scopes = [
        f"mọi đơn vị ngoài {scope['agency']}" if scope["outside"] else f"{scope['agency']} và cấp dưới"
        for scope in principal["scopes"]
    ]
    return [*principal["agencies"], *scopes]


def _print_accounts(console: Console, answer: dict[str, Any]) -> None:
    credentials = answer["credentials"]
    rows = []
    for principal in answer["principals"]:
        own = [c for c in credentials if c["principal"] == principal["id"] and c["revoked_at"] is None]
        agencies = ", ".join(_acts_for(principal))
        rows.append((principal["name"], principal["role"], agencies, len(own), principal["id"]))
    headings = ("Tài khoản", "Vai trò", "Thay mặt", "Khóa", "Mã tài khoản")
    console.print(output.table(f"{len(rows)} tài khoản", headings, rows))
    connections = answer["connections"]
    if connections:
        lines = [
            (c["agency"], c["adapter"], c["dialect"] or "như đã gửi", c["envelope_signature"])
            for c in connections
        ]
        headings_ = ("Cơ quan", "Kiểu kết nối", "Kiểu edXML", "Chữ ký gói tin")
        console.print(output.table("Kết nối riêng (còn lại: inbox)", headings_, lines))
    partners.print_systems(console, answer)


for _command in (partners.add_system, partners.renew_secret, partners.freshness):
    agency.add_command(_command)
