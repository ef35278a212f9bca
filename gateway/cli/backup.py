"""``gateway backup`` and ``gateway restore``.

In charge of: the commands and what they show. Not in charge of: doing it (``flow/backup.py``,
``flow/backup_verify.py``, ``flow/restore.py``).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import wait
from gateway.clock import SystemClock
from gateway.config import load
from gateway.errors import BadRequest
from gateway.model.text import Bilingual

_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_PASSPHRASE = click.option(
    "--passphrase-file", type=_FILE, help="File whose first line protects the keys in the backup."
)


class _WithoutName(click.Group):
    """``gateway backup FOLDER`` is ``gateway backup make FOLDER``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and not {"-h", "--help", *self.commands} & set(args):
            args = ["make", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_WithoutName)
@common_options
def backup() -> None:
    """Sao lưu, kiểm tra bản sao lưu, xóa bản hết hạn. Back up (gateway backup FOLDER), verify, prune."""


@backup.command()
@common_options
@click.argument("folder", type=_FOLDER)
@_PASSPHRASE
@click.pass_obj
def make(frame: Frame, folder: Path, passphrase_file: Path | None) -> int:
    """Sao lưu trong khi máy chủ chạy. Back up beside the running server; exit 1: payloads are lost."""
    from gateway.flow.backup import back_up

    started, passphrase = time.perf_counter(), _passphrase(passphrase_file)
    made = wait(back_up(frame.home, load(frame.home), SystemClock(), folder, passphrase))
    manifest = made.manifest
    answer = {
        "backup": str(made.path),
        "at": manifest.at,
        "engine": manifest.engine,
        "rows": sum(int(one["rows"]) for one in manifest.tables.values()),
        "payloads": manifest.payloads,
        "payload_bytes": manifest.payload_bytes,
        "new_payloads": made.new_payloads,
        "new_bytes": made.new_bytes,
        "destroyed": manifest.destroyed,
        "missing": manifest.missing,
        "left_out": manifest.left_out,
        "seconds": round(time.perf_counter() - started, 3),
    }
    output.show(frame, answer, lambda console: _print_made(console, answer))
    return 1 if manifest.missing else 0


@backup.command()
@common_options
@click.argument("folder", type=_FOLDER)
@click.option("--deep", is_flag=True, help="Decrypt every payload too; needs the passphrase.")
@_PASSPHRASE
@click.pass_obj
def verify(frame: Frame, folder: Path, deep: bool, passphrase_file: Path | None) -> int:
    """Kiểm tra bản sao lưu. Verify a backup, or the newest in a folder: exit 0 it is whole, 1 it is not."""
    from gateway.flow.backup_verify import as_json
    from gateway.flow.backup_verify import verify as verify_backup

    if deep and passphrase_file is None:
        raise BadRequest(_NEEDS_PASSPHRASE, code="backup.passphrase")
    passphrase = _passphrase(passphrase_file) if passphrase_file else ""
    report = wait(verify_backup(folder, SystemClock(), passphrase, deep))
    answer = as_json(report)
    output.show(frame, answer, lambda console: _print_verified(console, answer))
    return 0 if report.holds else 1


@backup.command()
@common_options
@click.argument("folder", type=_FOLDER)
@click.option("--days", type=click.IntRange(min=0), help="Instead of the setting recall.backup_days.")
@click.pass_obj
def prune(frame: Frame, folder: Path, days: int | None) -> None:
    """Xóa bản sao lưu hết hạn. Remove expired backups, and payloads that none names any more."""
    from gateway.flow.backup import prune as prune_backups

    keep = load(frame.home).recall.backup_days if days is None else days
    removed, payloads, kept_old = prune_backups(folder, SystemClock().now(), keep)
    answer = {"removed": removed, "payloads": payloads, "newest_is_too_old": kept_old, "days": keep}
    output.show(frame, answer, lambda console: _print_pruned(console, answer))


@click.command()
@common_options
@click.argument("folder", type=_FOLDER)
@click.option("--database", default="", help="An empty database; a SQLite file in the home when not given.")
@click.option(
    "--checkpoints", type=_FOLDER, multiple=True, help="A folder with published checkpoints kept elsewhere."
)
@_PASSPHRASE
@click.pass_obj
def restore(
    frame: Frame, folder: Path, database: str, checkpoints: tuple[Path, ...], passphrase_file: Path | None
) -> None:
    """Khôi phục vào thư mục mới. Restore a backup, or the newest in FOLDER, into the new folder --home."""
    from gateway.flow.restore import restore as restore_backup

    started, passphrase = time.perf_counter(), _passphrase(passphrase_file)
    done = wait(restore_backup(folder, frame.home, SystemClock(), passphrase, database, checkpoints))
    answer = {
        "home": str(done.home),
        "backup": done.backup,
        "at": done.at,
        "rows": done.rows,
        "payloads": done.payloads,
        "leaves": done.leaves,
        "newer_checkpoint_known": done.newer,
        "settings_left_out": done.left_out,
        "destroyed": done.destroyed,
        "seconds": round(time.perf_counter() - started, 3),
    }
    output.show(frame, answer, lambda console: _print_restored(console, answer))


def _passphrase(file: Path | None) -> str:
    """The first line of the file. ``BadRequest``: none was given."""
    if file is None:
        raise BadRequest(_NEEDS_PASSPHRASE, code="backup.passphrase")
    return output.read_text(file).split("\n", 1)[0].rstrip("\r")


def _print_made(console: Console, answer: dict[str, Any]) -> None:
    console.print(
        f"[bold green]✓[/] {escape(answer['backup'])}\n  {answer['rows']} dòng, {answer['payloads']} tệp nội "
        f"dung ({_size(answer['payload_bytes'])}), chép mới {answer['new_payloads']} "
        f"({_size(answer['new_bytes'])}); {output.seconds(answer['seconds'])} [dim](backup made)[/]",
        soft_wrap=True,
    )
    if answer["left_out"]:
        names = escape(", ".join(answer["left_out"]))
        console.print(
            f"  Không sao lưu bí mật trong phần cài đặt (secrets left out): {names}", soft_wrap=True
        )
    if answer["destroyed"]:
        console.print(
            f"  {len(answer['destroyed'])} nội dung đã tiêu hủy trong khi sao lưu. [dim](destroyed)[/]"
        )
    for name in answer["missing"]:
        console.print(
            f"  [bold red]✗[/] Trục đã mất tệp nội dung {name}; hãy tìm trong bản sao lưu cũ hơn. "
            "[dim](the gateway has lost this payload; look in an older backup)[/]",
            soft_wrap=True,
        )


def _print_verified(console: Console, answer: dict[str, Any]) -> None:
    if answer["holds"]:
        deep = f", giải mã {answer['decrypted']} nội dung" if answer["decrypted"] else ""
        console.print(
            f"[bold green]✓[/] {escape(answer['path'])}: {answer['files']} tệp, {answer['payloads']} nội "
            f"dung, {answer['rows']} dòng, {answer['leaves']} sự kiện nhật ký khớp{deep}. [dim](whole)[/]",
            soft_wrap=True,
        )
        return
    for one in answer["problems"]:
        console.print(f"[bold red]✗[/] {escape(one['vi'])}\n  [dim]{escape(one['en'])}[/]", soft_wrap=True)
    console.print("  → Hãy tạo bản sao lưu mới ngay và giữ bản cũ hơn. [dim](make a new one now)[/]")


def _print_pruned(console: Console, answer: dict[str, Any]) -> None:
    console.print(
        f"[bold green]✓[/] Đã xóa {len(answer['removed'])} bản sao lưu quá {answer['days']} ngày và "
        f"{answer['payloads']} tệp nội dung. [dim](expired)[/]",
        soft_wrap=True,
    )
    if answer["newest_is_too_old"]:
        console.print(
            "  [yellow]![/] Bản sao lưu mới nhất cũng đã quá hạn nhưng được giữ lại: hãy sao lưu rồi chạy "
            "lại lệnh này. [dim](the newest is too old: back up, then prune again)[/]",
            soft_wrap=True,
        )


def _print_restored(console: Console, answer: dict[str, Any]) -> None:
    console.print(
        f"[bold green]✓[/] {escape(answer['home'])}: {answer['rows']} dòng, {answer['payloads']} tệp nội "
        f"dung, {answer['leaves']} sự kiện của nhật ký, đúng như lúc {output.moment(answer['at'])}. "
        "[dim](restored)[/]",
        soft_wrap=True,
    )
    for name in answer["settings_left_out"]:
        console.print(f"  → Nhập lại bí mật (enter again): {escape(name)}")
    console.print(
        "  → Bước tiếp theo (next): [bold]gateway recovery accept --reason LÝ_DO[/], rồi gateway serve",
        soft_wrap=True,
    )


def _size(count: int) -> str:
    return f"{count / 1_000_000:.1f} MB".replace(".", ",")


_NEEDS_PASSPHRASE = Bilingual(
    "Bản sao lưu có khóa của trục, phải được bảo vệ bằng câu mật khẩu: --passphrase-file TỆP. Hãy cất câu "
    "mật khẩu ở nơi khác với bản sao lưu; mất câu mật khẩu là mất mọi nội dung.",
    "A backup holds the keys of the gateway under a passphrase: --passphrase-file FILE. Keep it elsewhere "
    "than the backup; without it all payloads are lost.",
)
