"""``gateway evidence``: take evidence about a document away, and check it anywhere.

In charge of: ``export`` and ``keys`` (of an installation), ``verify`` (offline: a file and public keys). Not
in charge of: what is in it (``exchange_log/evidence.py``), whether it holds (``evidence_check.py``).
"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate
from gateway.clock import SystemClock
from gateway.config import KEYS, load
from gateway.errors import BadRequest, GatewayError
from gateway.exchange_log.compromised import read_lines
from gateway.exchange_log.evidence import read_trusted
from gateway.exchange_log.evidence_check import Checked, Trusted, check_container
from gateway.flow.evidence import trusted_of
from gateway.model.text import Bilingual
from gateway.signature.keyring import Keyring
from gateway.signature.trust import TrustStore

NEW_FILE = click.Path(path_type=Path, dir_okay=False)
KEY_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
@common_options
def evidence() -> None:
    """Hồ sơ minh chứng của một văn bản. Evidence that verifies without us."""


@evidence.command()
@common_options
@click.argument("document")
@click.option(
    "-o",
    "--output",
    "target",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="New file.",
)
@click.option("--reason", default="", help="Why it is taken; recorded and shown to the owning agency.")
@click.pass_obj
def export(frame: Frame, document: str, target: Path, reason: str) -> None:
    """Xuất hồ sơ (ASiC-E) về một văn bản. Write the container about one document (id or DocumentId)."""
    path = str(target.absolute())
    answer = operate(frame, "evidence.export", reference=document, path=path, reason=reason)
    output.show(frame, answer, lambda console: _print_export(console, answer))


@evidence.command()
@common_options
@click.option("-o", "--output", "target", type=NEW_FILE, help="New file.")
@click.pass_obj
def keys(frame: Frame, target: Path | None) -> None:
    """Khóa công khai của trục, để giao cho người kiểm tra. Public keys for those who will verify."""
    answer = operate(frame, "evidence.keys")
    if target is None:
        output.show(frame, answer, lambda console: console.print(escape(answer["keys"]), soft_wrap=True))
        return
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(answer["keys"])
    except OSError as error:
        text = Bilingual(f"Không ghi được tệp {target}: {error}", f"Cannot write {target}: {error}")
        raise BadRequest(text, code="file.unwritable") from error
    output.show(frame, answer, lambda console: console.print(f"[bold green]✓[/] {escape(str(target))}"))


@evidence.command()
@common_options
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--key", "key_files", multiple=True, type=KEY_FILE, help="Public keys; else those of --home.")
@click.option(
    "--trust", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Anchors for timestamps."
)
@click.pass_obj
def verify(frame: Frame, file: Path, key_files: tuple[Path, ...], trust: Path | None) -> int:
    """Kiểm tra một hồ sơ, không cần mạng. Check a container offline; exit code 0: it holds, 1: it does not.

    Keys come from --key, else from the installation's home; never from the container.
    """
    trusted = trusted_by(frame, key_files, trust)
    checked = check_container(file.read_bytes(), trusted, SystemClock().now())
    answer = {
        "file": file.name,
        "holds": checked.holds,
        "document": checked.document,
        "gateway": checked.gateway,
        "rows": [asdict(row) for row in checked.rows],
    }
    output.show(frame, answer, lambda console: _print_rows(console, file, checked))
    return 0 if checked.holds else 1


def trusted_by(frame: Frame, key_files: tuple[Path, ...], trust: Path | None) -> Trusted:
    """Public keys from files, else those of the installation at hand, else none."""
    store = TrustStore.load(trust) if trust else None
    if key_files:
        texts = [path.read_text("utf-8", errors="replace") for path in key_files]
        try:
            certificates, log_keys = read_trusted("\n".join(texts))
            lost = read_lines("\n".join(texts))
        except ValueError as error:
            told = Bilingual(f"Không đọc được tệp khóa: {error}", f"The key file cannot be read: {error}")
            raise BadRequest(told, code="evidence.key_unreadable") from error
        return Trusted(certificates, log_keys, store, lost)
    try:
        own = trusted_of(Keyring.open(frame.home / KEYS))
        folder = frame.home / load(frame.home).trust.folder
    except GatewayError:  # no installation here: nothing is believed, and the table says so
        return Trusted(store=store)
    return replace(own, store=store or TrustStore.load(folder))


def _print_export(console: Console, answer: dict[str, Any]) -> None:
    console.print(f"[bold green]✓[/] Đã ghi hồ sơ: [bold]{escape(answer['path'])}[/]", soft_wrap=True)
    if not answer["with_content"]:
        console.print(
            "  Hồ sơ không kèm nội dung văn bản (đã hủy, đóng băng hoặc chưa lấy về). [dim](no content)[/]"
        )
    console.print(f"  [dim]SHA-256 {answer['sha256']} · {answer['size']} byte[/]", soft_wrap=True)
    console.print(
        f"  → Kiểm tra (check): [bold]gateway evidence verify {escape(answer['path'])}[/]", soft_wrap=True
    )


def _print_rows(console: Console, file: Path, checked: Checked) -> None:
    for row in checked.rows:
        mark = {True: "[green]✓[/]", False: "[bold red]✗[/]", None: "[yellow]–[/]"}[row.holds]
        console.print(f"{mark} {escape(row.text.vi)}", soft_wrap=True)
        console.print(f"  [dim]{escape(row.text.en)} ({row.code})[/]", soft_wrap=True)
    if checked.holds:
        said = f"[bold green]Hồ sơ đứng vững.[/] [dim](The container holds: {escape(file.name)})[/]"
    else:
        said = f"[bold red]Không được tin hồ sơ này.[/] [dim](Do not believe it: {escape(file.name)})[/]"
    console.print(said)
