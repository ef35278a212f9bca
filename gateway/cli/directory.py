"""``gateway directory``: the agencies that the gateway knows.

In charge of: showing, importing with a preview, rehearsing a reorganisation, and asking what a code means.
Not in charge of: reading the file's lines (``directory/load.py``).
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from gateway.cli import output, partners
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate

SHOWN = 20  # agencies of one kind of change that a preview lists


@click.group()
@common_options
def directory() -> None:
    """Danh mục cơ quan, đơn vị. The directory of agencies."""


@directory.command()
@common_options
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="Day (default: today).")
@click.option("--under", default="", help="Only this agency and those below it.")
@click.pass_obj
def show(frame: Frame, on: datetime | None, under: str) -> None:
    """Cơ quan đang hoạt động. Agencies in force on a day."""
    day = on.date().isoformat() if on else None
    agencies = operate(frame, "directory.show", on=day, under=under)
    rows = [(a["code"], a["name"], LEVELS.get(a["level"], a["level"]), a["parent"]) for a in agencies]
    title = f"{len(agencies)} cơ quan, đơn vị"
    made = output.table(title, ("Mã định danh", "Tên", "Cấp", "Cấp trên trực tiếp"), rows)
    output.show(frame, {"agencies": agencies}, lambda console: console.print(made))


@directory.command("import")
@common_options
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--apply", is_flag=True, help="Do it; without, only show what would change.")
@click.pass_obj
def import_(frame: Frame, file: Path, apply: bool) -> None:
    """Nhập danh mục từ FILE (CSV hoặc JSON). Import agencies; a preview unless --apply."""
    with output.progress(frame) as bar:
        bar.add_task("Đang đối chiếu danh mục…", total=None)
        text = output.read_text(file)
        changes = operate(frame, "directory.import", text=text, format=format_of(file), apply=apply)
    output.show(frame, {"applied": apply, **changes}, lambda console: _print_changes(console, changes, apply))


@directory.command()
@common_options
@click.argument("code")
@click.pass_obj
def resolve(frame: Frame, code: str) -> None:
    """CODE là cơ quan nào? What a code of any scheme or date means."""
    found = operate(frame, "directory.resolve", code=code)
    connection = found["connection"]
    aliases = ", ".join(alias["alias"] for alias in found["aliases"])
    rows = [
        ("Mã định danh", found["code"]),
        ("Tên", found["name"]),
        ("Cấp", LEVELS.get(found["level"], found["level"])),
        ("Mã khác", aliases),
        ("Tình trạng", STANDINGS.get(found["standing"]["kind"], found["standing"]["kind"])),
        ("Kế thừa", ", ".join(found["standing"]["successors"])),
        ("Kết nối", f"{connection['adapter']} (của {connection['agency']})"),
    ]
    output.show(frame, found, lambda console: console.print(output.facts(code, rows)))


@directory.command()
@common_options
@click.argument("partner")
@click.option("--apply", is_flag=True, help="Do it; without, only show what would change.")
@click.pass_obj
def sync(frame: Frame, partner: str, apply: bool) -> None:
    """So danh mục của trục PARTNER. A partner's agency list beside ours; a preview unless --apply."""
    with output.progress(frame) as bar:
        bar.add_task("Đang lấy danh mục của trục…", total=None)
        found = operate(frame, "directory.sync", partner=partner, apply=apply)
    output.show(frame, found, lambda console: _print_sync(console, found))


@directory.command()
@common_options
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The day to look at.")
@click.option(
    "--file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="As if this import file had been imported; nothing is.",
)
@click.pass_obj
def rehearse(frame: Frame, on: datetime, file: Path | None) -> None:
    """Diễn tập sắp xếp đơn vị. Which lanes move on a day, and what their successors still lack."""
    given = {"text": output.read_text(file), "format": format_of(file)} if file else {}
    found = operate(frame, "directory.rehearse", on=on.date().isoformat(), **given)
    output.show(frame, found, lambda console: _print_rehearsal(console, found))


def format_of(file: Path) -> str:
    """``json`` by the file's name, else ``csv``."""
    return "json" if file.suffix.lower() == ".json" else "csv"


def _print_changes(console: Console, changes: dict[str, Any], applied: bool) -> None:
    verb = "Đã nhập" if applied else "Xem trước (chưa thay đổi gì)"
    counts = (
        f"thêm {len(changes['added'])}, sửa {len(changes['changed'])}, "
        f"ngừng hoạt động {len(changes['closed'])}, giữ nguyên {changes['unchanged']}, "
        f"không nêu trong tệp {changes['absent']}"
    )
    console.print(f"[bold]{verb}[/]: {counts}")
    for agency in changes["added"][:SHOWN]:
        console.print(f"  [green]+[/] {escape(agency['code'])}  {escape(agency['name'])}")
    for mark, kind in (("~", "changed"), ("−", "closed")):
        for change in changes[kind][:SHOWN]:
            fields = "; ".join(f"{f['field']}: {f['before']} → {f['after']}" for f in change["fields"])
            console.print(f"  [yellow]{mark}[/] {escape(change['code'])}  {escape(fields)}")
    longest = max(len(changes[kind]) for kind in ("added", "changed", "closed"))
    if longest > SHOWN:
        console.print(f"  [dim]… chỉ hiện {SHOWN} dòng đầu của mỗi loại; xem đủ bằng --json[/]")
    if not applied:
        console.print("  → Thêm [bold]--apply[/] để nhập. [dim](add --apply to do it)[/]")


def _print_sync(console: Console, found: dict[str, Any]) -> None:
    console.print(
        f"Trục {escape(found['partner'])} liệt kê {found['listed']} đơn vị; {found['ours']} thuộc phía tỉnh "
        f"(không thay đổi), {found['test']} mã thử, {found['repeated']} dòng trùng, "
        f"{found['unreadable_count']} dòng không đọc được mã"
    )
    _print_changes(console, found["changes"], found["applied"])
    if found["left_open"]:
        console.print(
            f"  [yellow]![/] {len(found['left_open'])} đơn vị không còn trong danh sách nhưng chưa ngừng "
            "hoạt động: danh sách có vẻ thiếu. [dim](the list looks incomplete; nobody was closed)[/]"
        )


def _print_rehearsal(console: Console, found: dict[str, Any]) -> None:
    counts = found["counts"]
    console.print(
        f"[bold]Đến ngày {output.day(found['on'])}[/]: {len(found['lanes'])} mã ngừng hoạt động, trong đó "
        f"{counts['moves']} chuyển đến một đơn vị kế thừa, {counts['held']} phải chọn đơn vị nhận, "
        f"{counts['ends']} không có đơn vị kế thừa. [dim](codes that close)[/]"
    )
    if found["lanes"]:
        lanes = [
            (
                lane["code"],
                lane["name"],
                output.day(lane["last_day"]),
                WAYS[lane["way"]],
                "; ".join(f"{n} ({c})" for c, n in zip(lane["successors"], lane["names"], strict=True)),
                lane["waiting"] or "",
            )
            for lane in found["lanes"]
        ]
        headings = ("Mã cũ", "Tên cũ", "Ngày cuối", "Văn bản gửi đến", "Đơn vị kế thừa", "Đang chờ")
        console.print(output.table("Hàng đợi chuyển hướng", headings, lanes))
    if not found["gaps"]:
        console.print("[bold green]✓[/] Các đơn vị kế thừa không thiếu gì. [dim](nothing is missing)[/]")
        return
    gaps = [(NEEDS[gap["need"]], gap["agency"], gap["text"]["vi"]) for gap in found["gaps"]]
    console.print(output.table("Còn thiếu", ("Thiếu", "Đơn vị", "Việc cần làm"), gaps))


WAYS = {"moves": "chuyển đi", "held": "tạm giữ để chọn", "ends": "bị từ chối"}
NEEDS = {
    "account": "tài khoản",
    "connection": "kết nối",
    "certificate": "chứng thư số của cơ quan",
    "signer": "người ký",
}
LEVELS = {"province": "tỉnh", "district": "huyện", "commune": "xã", "outside": "ngoài tỉnh"}
STANDINGS = {
    "active": "đang hoạt động",
    "closed": "đã ngừng hoạt động",
    "not_yet": "chưa hoạt động",
    "unknown": "chưa có trong danh mục",
    "test": "mã thử",
}

directory.add_command(partners.requests)
