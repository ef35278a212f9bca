"""``gateway key``: credentials of callers, and the gateway's own keys.

In charge of: issuing, withdrawing and rotating. Not in charge of: keeping keys (``signature/keyring.py``).
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import click
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from rich.console import Console
from rich.markup import escape

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate


@click.group()
@common_options
def key() -> None:
    """Khóa API, chứng thư và khóa của trục. Credentials of callers, and the gateway's own keys."""


@key.command("list")
@common_options
@click.pass_obj
def list_(frame: Frame) -> None:
    """Mọi khóa, không hiện bí mật. Every key, never a secret."""
    own = operate(frame, "key.list")
    people = operate(frame, "agency.principals")
    answer = {"gateway": own, "credentials": people["credentials"]}
    names = {principal["id"]: principal["name"] for principal in people["principals"]}
    output.show(frame, answer, lambda console: _print_keys(console, answer, names))


@key.command()
@common_options
@click.argument("principal")
@click.option("--overlap-days", type=click.IntRange(min=0), help="Let older keys run out after these days.")
@click.option(
    "--key-file", type=click.Path(path_type=Path, dir_okay=False), help="Write the key there (0600)."
)
@click.pass_obj
def issue(frame: Frame, principal: str, overlap_days: int | None, key_file: Path | None) -> None:
    """Cấp thêm khóa API cho tài khoản. A further API key for an account."""
    if key_file is not None and key_file.exists():
        raise click.BadParameter(f"{key_file} exists already", param_hint="--key-file")
    answer = operate(frame, "key.issue", principal=principal, overlap_days=overlap_days)
    words = f"[bold green]✓[/] Khóa API (chỉ hiện một lần): [bold]{escape(answer['api_key'])}[/]"
    if key_file is not None:
        output.write_secret(key_file, answer.pop("api_key"))
        answer["key_file"] = str(key_file)
        words = f"[bold green]✓[/] Khóa API đã ghi vào {escape(str(key_file))}"
    output.show(frame, answer, lambda console: console.print(words, soft_wrap=True))


@key.command()
@common_options
@click.argument("credential")
@click.pass_obj
def revoke(frame: Frame, credential: str) -> None:
    """Thu hồi ngay một khóa hoặc chứng thư. Withdraw a credential at once."""
    answer = operate(frame, "key.revoke", credential=credential)
    words = f"[bold green]✓[/] Đã thu hồi {escape(credential)}. [dim](revoked)[/]"
    output.show(frame, answer, lambda console: console.print(words))


@key.command("add-certificate")
@common_options
@click.argument("principal")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_obj
def add_certificate(frame: Frame, principal: str, file: Path) -> None:
    """Cho phép chứng thư trong FILE xác thực tài khoản. Let a certificate (PEM, DER) prove an account."""
    der = base64.b64encode(_certificate(file).public_bytes(Encoding.DER)).decode()
    answer = operate(frame, "key.add_certificate", principal=principal, der_base64=der)
    words = f"[bold green]✓[/] SHA-256: {answer['certificate_sha256']}"
    output.show(frame, answer, lambda console: console.print(words, soft_wrap=True))


@key.command()
@common_options
@click.argument("which", type=click.Choice(["receipt", "wrapping", "log", "witness"]))
@click.pass_obj
def rotate(frame: Frame, which: str) -> None:
    """Bắt đầu dùng khóa mới của trục. Begin to use a new key; old ones still verify and open."""
    answer = operate(frame, "key.rotate", which=which)
    words = f"[bold green]✓[/] Trục đã chuyển sang khóa {which} mới. [dim](rotated)[/]"
    output.show(frame, {"gateway": answer}, lambda console: console.print(words))


@key.command()
@common_options
@click.argument("name")
@click.option("--since", required=True, help="Since when, as in 2026-11-24T08:00:00+07:00.")
@click.option("--reason", required=True, help="Why; stands in the record.")
@click.pass_obj
def compromised(frame: Frame, name: str, since: str, reason: str) -> None:
    """Khóa NAME của trục bị lộ: thay ngay, liệt kê những gì phải xác nhận lại.

    End a key of the gateway at once, and list every document, receipt and checkpoint that rests on it.
    """
    answer = operate(frame, "key.compromised", key=name, since=since, reason=reason)
    output.show(frame, answer, lambda console: _print_compromised(console, answer))


@key.command("import")
@common_options
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--password-file", required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_obj
def import_(frame: Frame, file: Path, password_file: Path) -> None:
    """Dùng khóa ký phiếu trong tệp PKCS#12 (P-256). Use the receipt key of a PKCS#12 file."""
    coded = base64.b64encode(file.read_bytes()).decode()
    password = password_file.read_text("utf-8").strip()
    answer = operate(frame, "key.import", pkcs12_base64=coded, password=password)
    words = "[bold green]✓[/] Trục đã dùng khóa ký phiếu mới. [dim](imported)[/]"
    output.show(frame, {"gateway": answer}, lambda console: console.print(words))


def _print_compromised(console: Console, answer: dict[str, Any]) -> None:
    rows = [
        ("Không tin từ", answer["since"]),
        ("Khóa đang dùng", ", ".join(answer["in_use"])),
        ("Văn bản liên quan", answer["documents"]),
        ("Phiếu xác nhận", answer["receipts"]),
        ("Mốc chốt nhật ký", answer["checkpoints"]),
        ("Nội dung đã bọc khóa lại", answer["payloads"]),
        ("Bí mật đã bọc khóa lại", answer["secrets"]),
        ("Phải xác nhận lại", answer["to_confirm"]),
        ("Danh sách", answer["report"]),
    ]
    console.print(output.facts(f"Khóa {answer['key']} đã bị thay (compromised)", rows))
    console.print(
        "  → Gửi danh sách khóa mới cho đối tác: [bold]gateway evidence keys[/], [bold]gateway log keys[/]"
    )


def _certificate(file: Path) -> x509.Certificate:
    data = file.read_bytes()
    try:
        return (
            x509.load_pem_x509_certificate(data)
            if b"-----BEGIN" in data
            else x509.load_der_x509_certificate(data)
        )
    except ValueError as error:
        raise click.BadParameter(f"{file} is no certificate: {error}", param_hint="FILE") from error


def _print_keys(console: Console, answer: dict[str, Any], names: dict[str, str]) -> None:
    own = ("Khóa", "Thuật toán", "Tạo lúc", "Hết hạn", "")
    console.print(output.table("Khóa của trục", own, _own_keys(answer["gateway"])))
    for row in answer["gateway"]:
        if pin := row["certificate_sha256"]:
            console.print(f"  [dim]{row['name']}, SHA-256:[/] {pin}", soft_wrap=True)
    rows = [
        (
            names.get(c["principal"], c["principal"]),
            "khóa API" if c["kind"] == "api_key" else "chứng thư",
            output.moment(c["issued_at"]),
            output.moment(c["valid_until"]),
            output.moment(c["revoked_at"]),
            c["id"],
        )
        for c in answer["credentials"]
    ]
    headings = ("Tài khoản", "Loại", "Cấp lúc", "Hết hạn", "Thu hồi", "Mã")
    title = f"{len(rows)} khóa và chứng thư của các hệ thống"
    console.print(output.table(title, headings, rows, whole=("Mã",)))


def _own_keys(keys: list[dict[str, Any]]) -> list[tuple[object, ...]]:
    return [
        (
            key["name"],
            key["algorithm"],
            output.moment(key["created"]),
            output.moment(key["expires"]),
            "đang dùng" if key["current"] else "đã lộ" if key["compromised_since"] else "",
        )
        for key in keys
    ]
