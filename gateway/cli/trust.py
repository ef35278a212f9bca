"""``gateway trust``: whom this gateway trusts, and how it stands with revocation.

In charge of: showing the trust folder and the sources of revocation answers, and having them asked now. Not
in charge of: changing whom it trusts: that is done by putting files into the folder (keys/README.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import Any

import click
import structlog
from rich.console import Console
from rich.markup import escape

from gateway import app
from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate, wait
from gateway.clock import SystemClock
from gateway.config import load
from gateway.web.control_call import NoServer, call_control

_STANDINGS = {"fresh": "còn hạn", "stale": "quá hạn", "none": "chưa có"}
_PATIENCE, _LOOK = 45.0, 0.3  # seconds


@click.group()
@common_options
def trust() -> None:
    """Tổ chức chứng thực và tình trạng thu hồi. Trust anchors, CRLs, OCSP."""


@trust.command("list")
@common_options
@click.pass_obj
def list_(frame: Frame) -> None:
    """CA được tin cậy, danh sách thu hồi, nguồn hỏi thu hồi. Anchors, CRLs, and sources of revocation."""
    answer = operate(frame, "trust.list")
    output.show(frame, answer, lambda console: _print(console, answer))


@trust.command()
@common_options
@click.pass_obj
def refresh(frame: Frame) -> int:
    """Hỏi lại ngay mọi nguồn thu hồi đang dùng. Ask every source in use now; exit 1 when one fails."""
    answer = wait(_refresh(frame))
    output.show(frame, answer, lambda console: _print(console, answer))
    return int(any(one["in_use"] and one["problem"] for one in answer["sources"]))


async def _refresh(frame: Frame) -> Any:
    """The list after every source in use was asked, or after our patience."""
    try:
        asked_at = (await call_control(frame.home, "trust.refresh", {}))["asked_at"]
    except NoServer:
        with _quiet():
            await app.refresh_trust(frame.home, load(frame.home), SystemClock())
        return await asyncio.to_thread(operate, frame, "trust.list")
    for _ in range(int(_PATIENCE / _LOOK)):
        answer = await call_control(frame.home, "trust.list", {})
        waiting = (one for one in answer["sources"] if one["in_use"] and answer["fetches"])
        if not any(one["being_asked"] or one["due_at"] == asked_at for one in waiting):
            break
        await asyncio.sleep(_LOOK)
    return answer


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No log lines among our own: the table says what failed."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


def _print(console: Console, answer: dict[str, Any]) -> None:
    _print_certificates(console, answer)
    crls = [
        (
            crl["file"],
            _STANDINGS[crl["standing"]],
            output.moment(crl["this_update"]),
            output.moment(crl["next_update"]),
            crl["entries"],
        )
        for crl in answer["crls"]
    ]
    if crls:
        headings = ("Tệp", "Tình trạng", "Ngày lập", "Hạn", "Số chứng thư bị thu hồi")
        console.print(output.table("Danh sách thu hồi trong thư mục tin cậy", headings, crls))
    if answer["sources"]:
        rows = [_source_row(one) for one in answer["sources"]]
        columns = ("Loại", "Địa chỉ", "Tình trạng", "Ngày lập", "Hạn", "Lần hỏi tới", "Vấn đề")
        console.print(output.table("Nguồn hỏi tình trạng thu hồi", columns, rows))
    if not answer["fetches"]:
        console.print("[yellow]![/] Không tự tải danh sách thu hồi (trust.fetch = false).")
    for problem in answer["problems"]:
        console.print(f"[bold red]✗[/] {escape(problem['vi'])}")


def _print_certificates(console: Console, answer: dict[str, Any]) -> None:
    if not answer["anchors"]:
        console.print("[yellow]![/] Chưa tin cậy CA gốc nào. Xem keys/README.md. [dim](no anchor)[/]")
    rows = [
        (
            one.get("file", ""),
            one["subject"],
            output.moment(one["not_after"]),
            _trusted(one),
            "không công bố" if one.get("revocation") == "not_published" else "",
        )
        for one in (*answer["anchors"], *answer["intermediates"])
    ]
    if rows:
        headings = ("Tệp của CA gốc", "Tên", "Hết hạn", "Tin cậy trong", "Thu hồi")
        console.print(output.table("Tổ chức chứng thực (CA gốc, rồi CA cấp dưới)", headings, rows))


def _trusted(one: dict[str, Any]) -> str:
    start, end = output.day(one.get("trusted_from")), output.day(one.get("trusted_to"))
    return f"{start or '…'} – {end or '…'}" if start or end else ""


def _source_row(one: dict[str, Any]) -> tuple[object, ...]:
    standing = _STANDINGS[one["standing"]]
    return (
        one["kind"].upper(),
        one["url"],
        standing if one["in_use"] else f"{standing}, không dùng",
        output.moment(one["this_update"]),
        output.moment(one["next_update"]),
        output.moment(one["due_at"]) if one["in_use"] else "",
        f"{one['problem_text']['vi']} ({one['failures']} lần)" if one["problem"] else "",
    )
