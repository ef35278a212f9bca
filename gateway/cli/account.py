"""``gateway account``: persons who sign in at the console.

In charge of: opening, resetting and closing accounts; the first password is shown once. Not in charge of:
software of agencies (``agency.py``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate
from gateway.clock import local

ROLES = ("clerk", "operator", "auditor", "administrator")


@click.group()
@common_options
def account() -> None:
    """Tài khoản đăng nhập màn hình quản trị. Accounts of persons who sign in at the console."""


@account.command()
@common_options
@click.argument("login")
@click.option("--name", required=True, help="Name of the person.")
@click.option("--role", type=click.Choice(ROLES), required=True)
@click.option("--agency", "agencies", multiple=True, metavar="CODE", help="Of a clerk: her agency.")
@click.option("--subject", default="", help="Proved by the identity provider (OIDC) as this; no password.")
@click.option(
    "--password-file", type=click.Path(path_type=Path, dir_okay=False), help="Write it there (0600) instead."
)
@click.pass_obj
def add(
    frame: Frame,
    login: str,
    name: str,
    role: str,
    agencies: tuple[str, ...],
    subject: str,
    password_file: Path | None,
) -> None:
    """Mở tài khoản; mật khẩu đầu tiên chỉ hiện một lần. Open an account; its first password is shown once."""
    if password_file is not None and password_file.exists():
        raise click.BadParameter(f"{password_file} exists already", param_hint="--password-file")
    answer = operate(
        frame, "account.open", login=login, name=name, role=role, agencies=list(agencies), subject=subject
    )
    _hand_out(frame, answer, password_file)


@account.command("reset-password")
@common_options
@click.argument("login")
@click.option("--reason", required=True)
@click.option(
    "--password-file", type=click.Path(path_type=Path, dir_okay=False), help="Write it there (0600) instead."
)
@click.pass_obj
def reset_password(frame: Frame, login: str, reason: str, password_file: Path | None) -> None:
    """Đặt lại mật khẩu, mở khóa, kết thúc các phiên. A new password; a lock and all sessions end."""
    answer = operate(frame, "account.reset_password", principal=_principal(frame, login), reason=reason)
    _hand_out(frame, answer, password_file)


@account.command("list")
@common_options
@click.pass_obj
def list_(frame: Frame) -> None:
    """Danh sách tài khoản. Everybody who can sign in."""
    answer = operate(frame, "account.list")
    output.show(frame, answer, lambda console: _print_accounts(console, answer))


@account.command("drop-second-factor")
@common_options
@click.argument("login")
@click.option("--reason", required=True)
@click.pass_obj
def drop_second_factor(frame: Frame, login: str, reason: str) -> None:
    """Gỡ xác thực hai lớp (mất điện thoại). Take the second factor away, for a lost telephone."""
    operate(frame, "account.drop_second_factor", principal=_principal(frame, login), reason=reason)
    words = f"[bold green]✓[/] {escape(login)}: đã gỡ xác thực hai lớp. [dim](second factor dropped)[/]"
    output.show(frame, {"login": login}, lambda console: console.print(words))


@account.command()
@common_options
@click.argument("login")
@click.option("--reason", required=True)
@click.option("--again", is_flag=True, help="Open a closed account again.")
@click.pass_obj
def close(frame: Frame, login: str, reason: str, again: bool) -> None:
    """Khóa tài khoản, kết thúc các phiên. Close an account; its sessions end."""
    operate(frame, "account.set_active", principal=_principal(frame, login), active=again, reason=reason)
    vi, en = ("đã mở lại", "open again") if again else ("đã khóa", "closed")
    words = f"[bold green]✓[/] {escape(login)}: {vi}. [dim]({en})[/]"
    output.show(frame, {"login": login, "active": again}, lambda console: console.print(words))


def _principal(frame: Frame, login: str) -> str:
    for line in operate(frame, "account.list"):
        if line["login"] == login.strip().lower():
            return str(line["principal"]["id"])
    raise click.BadParameter(f"no account {login}", param_hint="LOGIN")


def _hand_out(frame: Frame, answer: dict[str, Any], file: Path | None) -> None:
    if file is not None and answer["password"]:
        output.write_secret(file, answer.pop("password"))
        answer["password_file"] = str(file)
    output.show(frame, answer, lambda console: _print_password(console, answer))


def _print_password(console: Console, answer: dict[str, Any]) -> None:
    console.print(f"[bold green]✓[/] Tài khoản [bold]{escape(answer['login'])}[/] [dim](account)[/]")
    if answer.get("password"):
        console.print(
            f"  Mật khẩu lần đầu (chỉ hiện một lần, phải đổi khi đăng nhập): [bold]{answer['password']}[/]"
        )
        console.print("  [dim]First password: shown once, has to be changed at the first sign-in.[/]")
    if "password_file" in answer:
        console.print(f"  Mật khẩu lần đầu ở tệp {escape(answer['password_file'])} [dim](first password)[/]")


def _print_accounts(console: Console, lines: list[dict[str, Any]]) -> None:
    table = Table(box=None, header_style="bold")
    for title in ("Tên đăng nhập", "Người dùng", "Vai trò", "Hai lớp", "Trạng thái", "Đăng nhập lần cuối"):
        table.add_column(title)
    for line in lines:
        person = line["principal"]
        state = "đang dùng" if person["active"] else "đã khóa"
        seen = f"{local(line['seen_at']):%d/%m/%Y %H:%M}" if line["seen_at"] else "—"
        table.add_row(
            escape(line["login"]),
            escape(person["name"]),
            person["role"],
            "có" if line["asks_code"] else "không",
            state,
            seen,
        )
    console.print(table)
