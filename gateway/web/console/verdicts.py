"""Signatures and findings on a page: what holds, by whom, since when, and what to do.

In charge of: their words in both languages, from the JSON in which they are kept. Not in charge of: reaching
them (``signature/``, ``checks/``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.clock import from_datetime
from gateway.model.text import Bilingual, Instant

_COMMON_NAME = re.compile(r"(?:^|[,+])CN=((?:\\.|[^,+\\])*)")
_ESCAPED = re.compile(r"\\([0-9A-Fa-f]{2})|\\(.)")


@dataclass(frozen=True, slots=True)
class ShownVerdict:
    """One signature. ``tone`` colours it; ``where`` is a file's name, or empty for the message itself."""

    tone: str
    indication: Bilingual
    where: str
    signer: str
    agency: str
    role: Bilingual
    signed_at: Instant | None
    time_source: Bilingual
    coverage: Bilingual
    reason: Bilingual
    algorithm: str
    rule_set: str


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """One finding, heaviest first in a list."""

    tone: str
    weight: Bilingual
    where: str
    text: Bilingual
    clause: str
    rule: str


def shown_verdicts(verdicts: Iterable[Mapping[str, Any]]) -> list[ShownVerdict]:
    """In the order of signing."""
    return [_verdict(one) for one in verdicts]


def shown_findings(findings: Iterable[Mapping[str, Any]]) -> list[ShownFinding]:
    """What refuses first, then what holds, then warnings, then what is worth knowing; each once."""
    order = list(_WEIGHTS)
    found = sorted(findings, key=lambda one: order.index(one["severity"]))
    shown = (
        ShownFinding(
            _WEIGHTS[one["severity"]][0],
            _WEIGHTS[one["severity"]][1],
            one["where"],
            Bilingual(one["vi"], one["en"]),
            one.get("clause", ""),
            one["rule"],
        )
        for one in found
    )
    return list(dict.fromkeys(shown))


def _verdict(one: Mapping[str, Any]) -> ShownVerdict:
    tone, indication = _INDICATIONS[one["indication"]]
    signed = one.get("signing_time", "")
    nothing = Bilingual("", "")
    return ShownVerdict(
        tone,
        indication,
        "" if one["where"] == "envelope" else one["where"],
        _common_name(one.get("signer", "")),
        one.get("agency", ""),
        _ROLES.get(one.get("role", ""), nothing),
        from_datetime(datetime.fromisoformat(signed)) if signed else None,
        _TIMES.get(one.get("time_source", ""), nothing),
        _COVERAGE.get(one.get("coverage", ""), nothing),
        Bilingual(one["reason"]["vi"], one["reason"]["en"]),
        one.get("algorithm", ""),
        one.get("rule_set", ""),
    )


def _common_name(subject: str) -> str:
    """The CN of an RFC 4514 subject; the whole subject when it has none."""
    found = _COMMON_NAME.search(subject)
    return _ESCAPED.sub(lambda one: " " if one[1] else one[2], found[1]) if found else subject


_INDICATIONS = {
    "TOTAL-PASSED": ("good", Bilingual("Hợp lệ", "Valid")),
    "INDETERMINATE": ("warn", Bilingual("Chưa đủ căn cứ kết luận", "Undecided")),
    "TOTAL-FAILED": ("bad", Bilingual("Không hợp lệ", "Invalid")),
}
_WEIGHTS = {
    "refuse": ("bad", Bilingual("Trục từ chối", "Refused")),
    "hold": ("warn", Bilingual("Tạm giữ", "Held")),
    "warning": ("warn", Bilingual("Cảnh báo", "Warning")),
    "info": ("", Bilingual("Lưu ý", "Note")),
}
_ROLES = {
    "person": Bilingual("Người có thẩm quyền", "Competent person"),
    "agency": Bilingual("Cơ quan, tổ chức", "Agency"),
    "not machine-checkable": Bilingual("Chưa đăng ký trong danh sách người ký", "Not in the signer register"),
}
_TIMES = {
    "timestamp": Bilingual("theo dấu thời gian", "by a timestamp"),
    "signed_attribute": Bilingual("theo giờ ghi trong chữ ký", "as the signature says"),
    "declared": Bilingual("theo ngày của văn bản", "by the document's date"),
    "none": Bilingual("lấy giờ trục nhận", "time of receipt"),
}
_COVERAGE = {
    "whole file": Bilingual("Toàn bộ tệp", "The whole file"),
    "revision": Bilingual(
        "Toàn bộ tệp tại lúc ký; phần thêm sau thuộc loại được phép",
        "The file as it was; permitted additions",
    ),
    "changed": Bilingual("Tệp đã bị sửa sau khi ký", "The file was changed after signing"),
    "unclear": Bilingual("Không rõ chữ ký bao trùm phần nào", "Unclear which part is covered"),
    "message": Bilingual("Toàn bộ gói tin", "The whole message"),
}
