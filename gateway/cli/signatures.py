"""Signatures on the screen: who signed what, when, how far, and whether it holds.

In charge of: one block per verdict, for ``check``, ``verify`` and ``trace``. A verdict comes as its JSON
(``Verdict.as_json``), as it is stored. Not in charge of: reaching it (``signature/``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape

from gateway.cli import output

_COMMON_NAME = re.compile(r"(?:^|[,+])CN=((?:\\.|[^,+\\])*)")
_ESCAPE = re.compile(r"\\([0-9A-Fa-f]{2})|\\(.)")


def print_signatures(console: Console, verdicts: Iterable[Mapping[str, Any]]) -> None:
    """A heading, then each signature in the order of signing."""
    console.print("[bold]Chữ ký số[/] [dim](signatures)[/]")
    for verdict in verdicts:
        where = "gói tin edXML" if verdict["where"] == "envelope" else verdict["where"]
        mark, style = INDICATIONS[verdict["indication"]]
        sub = f" [dim]({escape(verdict['sub_indication'])})[/]" if verdict["sub_indication"] else ""
        console.print(f"  [{style}]{mark}[/] · {escape(where)}{sub}")
        rows = [(f"   {name}", value) for name, value in _rows(verdict)]
        console.print(output.facts("", rows))


def _rows(verdict: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("Người ký", common_name(verdict["signer"])),
        ("Vai trò", _role(verdict)),
        ("Ký lúc", _time(verdict)),
        ("Phạm vi", COVERAGE.get(verdict.get("coverage", ""), "")),
        ("Vì sao", verdict["reason"]["vi"]),
        ("Căn cứ", " · ".join(filter(None, (verdict["algorithm"], verdict["rule_set"])))),
    ]


def common_name(subject: str) -> str:
    """The CN of an RFC 4514 subject; the whole subject when it has none."""
    found = _COMMON_NAME.search(subject)
    return _ESCAPE.sub(_unescaped, found[1]) if found else subject


def _unescaped(found: re.Match[str]) -> str:
    """RFC 4514 section 2.4; what needs a hex pair is no character to print."""
    return " " if found[1] else found[2]


def _role(verdict: Mapping[str, Any]) -> str:
    words = ROLES[verdict["role"]]
    return f"{words} {verdict['agency']}" if verdict["agency"] else words


def _time(verdict: Mapping[str, Any]) -> str:
    if not verdict["signing_time"]:
        return ""
    at = datetime.fromisoformat(verdict["signing_time"])
    offset = at.strftime("%z")
    return f"{at:%d/%m/%Y %H:%M:%S} {offset[:3]}:{offset[3:]}, {TIME_SOURCES.get(verdict['time_source'], '')}"


INDICATIONS = {
    "TOTAL-PASSED": ("✓ hợp lệ", "bold green"),
    "INDETERMINATE": ("? chưa đủ căn cứ kết luận", "bold yellow"),
    "TOTAL-FAILED": ("✗ không hợp lệ", "bold red"),
}
ROLES = {
    "person": "người có thẩm quyền của",
    "agency": "cơ quan",
    "not machine-checkable": "chưa xác định được (chứng thư số chưa có trong danh sách người ký)",
}
TIME_SOURCES = {
    "timestamp": "theo dấu thời gian",
    "signed_attribute": "theo giờ người ký ghi trong chữ ký",
    "declared": "theo ngày, giờ khai trong văn bản",
    "none": "là lúc trục nhận, vì chữ ký không ghi giờ",
}
COVERAGE = {
    "whole file": "toàn bộ tệp",
    "revision": "toàn bộ tệp tại lúc ký; phần thêm vào sau thuộc loại được phép",
    "changed": "tệp đã bị sửa sau khi ký",
    "unclear": "không xác định được chữ ký bao trùm phần nào của tệp",
    "message": "toàn bộ gói tin",
}
