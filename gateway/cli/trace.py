"""``gateway trace`` and ``gateway status``: what became of a document, and how the whole stands.

In charge of: one document's way with its timings, the list of documents, and counts. Not in charge of:
reading them (``flow/look.py``).
"""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.queue import STATES, recipient_of
from gateway.cli.reach import operate
from gateway.cli.signatures import print_signatures
from gateway.flow.history import Standing
from gateway.model.status import read_status_code


@click.command()
@common_options
@click.argument("document", required=False)
@click.option("--list", "as_list", is_flag=True, help="List documents, newest first.")
@click.option("--agency", default="", help="With --list: only documents that it sent or receives.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.pass_obj
def trace(frame: Frame, document: str | None, as_list: bool, agency: str, limit: int) -> None:
    """Đường đi của một văn bản (mã ở trục hoặc DocumentId). One document's whole way, or --list."""
    if as_list == bool(document):
        raise click.UsageError("Name one document, or use --list.")
    if as_list:
        answer = operate(frame, "trace.list", agency=agency, limit=limit)
        output.show(frame, answer, lambda console: _print_list(console, answer["documents"]))
        return
    found = operate(frame, "trace.show", reference=document)
    if any(delivery["adapter"] == RELAY for delivery in found["deliveries"]):
        found["peers"] = operate(frame, "trace.peers", reference=document)
    output.show(frame, found, lambda console: _print_trace(console, found))


@click.command()
@common_options
@click.pass_obj
def status(frame: Frame) -> None:
    """Số liệu chung của trục. Counts of deliveries and events, failing destinations, the store."""
    answer = operate(frame, "status")
    output.show(frame, answer, lambda console: _print_status(console, answer))


def number_of(header: dict[str, Any]) -> str:
    """``362/UBND-KGVX`` of a stored header; a status has none."""
    parts = (header.get("number", ""), header.get("notation", ""))
    return "/".join(part for part in parts if part)


def status_words(code: str) -> str:
    """``03 Đã tiếp nhận``; an empty code stays empty."""
    known = read_status_code(code) if code else None
    return f"{known.value} {known.words.vi}" if known else code


def _print_list(console: Console, documents: list[dict[str, Any]]) -> None:
    rows = [
        (
            number_of(d["header"]),
            d["subject"],
            d["sender"],
            output.moment(d["created_at"]),
            "tạm giữ" if d["decision"] == "hold" else "đã nhận",
            d["id"],
        )
        for d in documents
    ]
    headings = ("Số, ký hiệu", "Trích yếu", "Cơ quan gửi", "Trục nhận lúc", "", "Mã ở trục")
    whole = ("Số, ký hiệu", "Mã ở trục")
    console.print(output.table(f"{len(rows)} văn bản", headings, rows, whole=whole, rest=("Trích yếu",)))


def _print_trace(console: Console, found: dict[str, Any]) -> None:
    first = found["messages"][0]
    header = first["header"]
    console.print(
        output.facts(
            number_of(header) or found["document_id"],
            [
                ("Trích yếu", found["subject"]),
                ("Loại văn bản", header.get("type_name", "")),
                ("Ngày ban hành", output.day(header.get("promulgation_date"))),
                ("Cơ quan gửi", found["sender"]),
                ("DocumentId", found["document_id"]),
                ("Trục nhận lúc", output.moment(found["created_at"])),
                ("Thay thế", ", ".join(found["replaces"])),
                ("Được thay bởi", ", ".join(found["replaced_by"])),
                ("Văn bản hiện hành", found["current_document"] if found["replaced_by"] else ""),
                ("Tình trạng văn bản", Standing(found["standing"]).words.vi),
                ("Đóng băng từ", output.moment(found["frozen_at"])),
                ("Xóa theo sự cố lúc", output.moment(found["purged_at"])),
                ("Mã ở trục", found["id"]),
            ],
        )
    )
    _print_messages(console, found)
    if len(found["versions"]) > 1:
        _print_versions(console, found["versions"])
    _print_deliveries(console, found)
    for peer in found.get("peers", ()):
        _print_peer(console, peer)
    _print_statuses(console, found)


def _print_messages(console: Console, found: dict[str, Any]) -> None:
    rows = []
    for message in found["messages"]:
        if message["kind"] == "status":
            continue
        stages = " · ".join(f"{STAGES.get(n, n)} {output.span(t)}" for n, t in message["timings"].items())
        size = f"{message['size']:,}".replace(",", ".")
        rows.append((KINDS[message["kind"]], output.moment(message["accepted_at"]), size, stages))
    console.print(output.table("Gói tin", ("Loại", "Trục nhận lúc", "Byte", "Thời gian từng bước"), rows))
    verdicts = [verdict for message in found["messages"] for verdict in message["verdicts"]]
    if verdicts:
        print_signatures(console, verdicts)
    for message in found["messages"]:
        for finding in message["findings"]:
            mark, style = output.MARKS[finding["severity"]]
            console.print(f"  [{style}]{mark}[/] {escape(finding['vi'])}")


def _print_versions(console: Console, versions: list[dict[str, Any]]) -> None:
    """What changed when, and which version holds."""
    rows = [
        (
            KINDS[version["kind"]],
            output.moment(version["accepted_at"]),
            _changes(version["changed"]),
            version["reason"],
            "hiện hành" if version["current"] else "",
        )
        for version in versions
    ]
    headings = ("Phiên bản", "Trục nhận lúc", "Thay đổi", "Lý do", "")
    console.print(output.table("Các phiên bản", headings, rows))


def _changes(changed: dict[str, Any]) -> str:
    if not changed:
        return ""
    parts = ["nội dung"] if changed["content"] else []
    parts += [f"thêm {code}" for code in changed["added"]] + [f"bỏ {code}" for code in changed["removed"]]
    return ", ".join(parts)


def _print_deliveries(console: Console, found: dict[str, Any]) -> None:
    rows = [
        (
            recipient_of(d),
            STATES.get(d["state"], d["state"]),
            output.span(since(d["accepted_at"], d["fetched_at"])),
            output.span(since(d["accepted_at"], d["settled_at"])) if d["state"] in ARRIVED else "",
            status_words(d["status_code"]),
            output.moment(d["status_at"]),
            _grounds(d),
        )
        for d in found["deliveries"]
        if d["kind"] != "status"
    ]
    headings = ("Nơi nhận", "Tình trạng", "Lấy về sau", "Nhận xong sau", "Trạng thái", "Lúc", "Căn cứ, lý do")
    console.print(output.table("Lượt gửi theo nơi nhận", headings, rows))


def _print_peer(console: Console, peer: dict[str, Any]) -> None:
    """What another gateway tells about its part of the way."""
    name = escape(peer["gateway"] or peer["recipient"])
    if peer["problem"]:
        console.print(f"  [dim]{name}: {escape(peer['problem']['vi'])}[/]")
        return
    rows = [
        (d["recipient"], STATES.get(d["state"], d["state"]), d["settled_at"], status_words(d["status_code"]))
        for d in peer["deliveries"]
    ]
    headings = ("Nơi nhận", "Tình trạng", "Nhận xong lúc", "Trạng thái")
    console.print(output.table(f"Ở trục {name}", headings, rows))


def _grounds(delivery: dict[str, Any]) -> str:
    """Why it is not there, or why we believe that it is."""
    if delivery["reason"]:
        return str(delivery["reason"]["vi"])
    fetched = delivery["fetched_at"] is not None and delivery["state"] in ARRIVED
    return "đơn vị đã lấy về và xác nhận" if fetched else str(delivery["proof"])


def _print_statuses(console: Console, found: dict[str, Any]) -> None:
    rows = [
        (
            output.moment(s["reported_at"]),
            s["reporter"],
            status_words(s["code"]),
            s["reason"],
            "trục ghi tự động" if s["automatic"] else "",
        )
        for s in found["statuses"]
    ]
    if rows:
        headings = ("Lúc", "Cơ quan báo", "Trạng thái", "Nội dung", "")
        console.print(output.table("Trạng thái văn bản", headings, rows))


def since(start: int | None, end: int | None) -> int | None:
    """Microseconds between two instants, when both have happened."""
    return None if start is None or end is None else end - start


def _print_status(console: Console, answer: dict[str, Any]) -> None:
    nouns = {"document": "văn bản", "status": "trạng thái"}
    rows = [
        (nouns.get(row["noun"], row["noun"]), STATES.get(row["state"], row["state"]), row["deliveries"])
        for row in answer["deliveries"]
    ]
    console.print(output.table("Lượt gửi", ("Gói tin", "Tình trạng", "Số lượt"), rows))
    events = [(row["type"], row["events"]) for row in answer["events"]]
    console.print(output.table("Sự kiện đã ghi", ("Loại", "Số lượng"), events))
    lanes = [
        (lane["destination"], lane["failures"], output.moment(lane["not_before"]))
        for lane in answer["failing_lanes"]
    ]
    if lanes:
        headings = ("Nơi nhận", "Số lần lỗi liên tiếp", "Thử lại từ")
        console.print(output.table("Nơi nhận đang lỗi", headings, lanes))
    if waiting := answer["rechecks"]["messages"]:
        since = output.moment(answer["rechecks"]["oldest"])
        console.print(f"{waiting} gói tin chờ đánh giá lại chữ ký số, lâu nhất từ {since}.")
    if len(answer["nodes"]) > 1:
        console.print(_nodes_table(answer["nodes"]))
    clock = answer["clock"]
    console.print(
        f"[dim]Đồng hồ ({clock['source']}): {clock['now']} · {answer['store'].get('engine', '')}[/]"
    )


def _nodes_table(nodes: list[dict[str, Any]]) -> Table:
    def state(node: dict[str, Any]) -> str:
        if not node["alive"]:
            return f"im lặng {node['silent_seconds']:.0f} giây"
        return "đang dừng" if node["draining"] else "đang chạy"

    rows = [
        (f"{n['host']} (pid {n['pid']})", "nút chính" if n["leads"] else "", state(n), n["version"])
        for n in nodes
    ]
    return output.table("Các nút", ("Nút", "Vai trò", "Tình trạng", "Phiên bản"), rows)


RELAY = "gateway"  # the kind of connection behind which another gateway of ours stands
ARRIVED = ("delivered", "recalled")
KINDS = {"new": "văn bản mới", "revoke": "thu hồi", "update": "cập nhật", "replace": "thay thế"}
STAGES = {
    "receive": "nhận",
    "signature": "chữ ký",
    "schema": "cấu trúc",
    "files": "chữ ký PDF",
    "checks": "kiểm tra",
    "durable": "ghi đĩa",
}
