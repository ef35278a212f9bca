"""What a recount says, in Vietnamese and English.

In charge of: the sentences for each reason why a recount does not agree. Not in charge of: finding the
reasons (``recount_compare.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.clock import local
from gateway.compliance.recount_log import LogFlaw
from gateway.model.text import Bilingual, Instant


@dataclass(frozen=True, slots=True)
class Reason:
    """Why report and log do not agree. ``code`` is stable; ``place``: the leaf concerned, from 0."""

    code: str
    text: Bilingual
    place: int | None = None

    def as_json(self) -> dict[str, Any]:
        """``{"code", "place", "text"}``."""
        return {"code": self.code, "place": self.place, "text": self.text.as_json()}


def of_flaw(flaw: LogFlaw) -> Reason:
    """The export itself does not hold."""
    vi, en = _FLAWS[flaw.what]
    if flaw.what == "partial":
        return Reason("log.partial", Bilingual(vi, en))
    detail = f" ({flaw.detail})" if flaw.detail else ""
    day = f"{local(Instant(flaw.after)):%d/%m/%Y}" if flaw.after else "–"
    return Reason(
        f"log.{flaw.what}",
        Bilingual(
            f"{vi} Vị trí {flaw.place}{detail}; sự kiện đọc được gần nhất thuộc ngày {day}.",
            f"{en} Leaf {flaw.place}{detail}; the newest event that was read is of {day}.",
        ),
        flaw.place,
    )


def log_short(leaves: int, size: int, empty: str) -> Reason:
    """The export ends before the data of the report does."""
    lost = size - leaves
    return Reason(
        "log.short",
        Bilingual(
            f"Bản xuất nhật ký chỉ có {leaves} sự kiện, báo cáo đã đếm {size} sự kiện: thiếu {lost} sự kiện. "
            f"Hãy xuất lại nhật ký đầy đủ.{_empty_vi(empty)}",
            f"The export holds {leaves} events, the report counted {size}: {lost} are missing. Export the "
            f"whole log.{_empty_en(empty)}",
        ),
        leaves,
    )


def other_root(size: int, empty: str) -> Reason:
    """The first leaves are not those that the report counted."""
    return Reason(
        "log.root",
        Bilingual(
            f"{size} sự kiện đầu của bản xuất không phải là những sự kiện mà báo cáo đã đếm: có sự kiện bị "
            "bỏ, bị thêm hoặc bị sửa (gốc cây băm khác). Hãy chạy gateway log verify để tìm vị trí."
            f"{_empty_vi(empty)}",
            f"The first {size} events of the export are not those that the report counted: one was left out, "
            "added or changed (the root of the tree differs). Run gateway log verify to find where."
            f"{_empty_en(empty)}",
        ),
    )


def unreadable_event(place: int, detail: str) -> Reason:
    """An event lacks what its type must have."""
    return Reason(
        "log.event",
        Bilingual(
            f"Sự kiện ở vị trí {place} không đúng mẫu: {detail}.",
            f"The event at leaf {place} lacks what its type must have: {detail}.",
        ),
        place,
    )


def checkpoint_wrong(detail: Bilingual) -> Reason:
    """With keys at hand: the signed checkpoints do not fit."""
    return Reason(
        "log.checkpoint",
        Bilingual(
            f"Nhật ký không khớp mốc chốt đã ký: {detail.vi}.",
            f"The log does not fit its signed checkpoints: {detail.en}.",
        ),
    )


def other_calendar(version: str, approved: str) -> Reason:
    """Not the calendar in force by the log: ``approved`` last, or the shipped one (``""``)."""
    vi = f"lịch được phê duyệt sau cùng theo nhật ký (“{approved}”)"
    en = f"the one that was approved last according to the log (“{approved}”)"
    if not approved:
        vi = "lịch đi kèm chương trình này, mà nhật ký không có lịch nào được phê duyệt"
        en = "the one that this program ships, and the log knows none that was approved"
    return Reason(
        "calendar.other",
        Bilingual(
            f"Lịch ngày làm việc “{version}” trong báo cáo, xét từng ngày, không phải {vi}. Các số đếm theo "
            "thời hạn chưa có gì bảo đảm.",
            f"Calendar “{version}” in the report is not, day by day, {en}. Nothing vouches for what was "
            "counted by deadlines.",
        ),
    )


def other_rules(stated: str, ours: str) -> Reason:
    """Clauses were judged by other rules than those at hand."""
    return Reason(
        "clauses.other",
        Bilingual(
            f"Báo cáo dùng bộ quy tắc C1–C7 phiên bản “{stated}”, chương trình này có phiên bản “{ours}”: "
            "các cột C và K9 có thể khác. Hãy đếm lại bằng phiên bản chương trình đã lập báo cáo.",
            f"The report used version “{stated}” of the rules for C1–C7, this program has “{ours}”: columns "
            "C and K9 may differ. Recount with the version of the program that made the report.",
        ),
    )


def cells_differ(number: int) -> Reason:
    """The log is whole, and yet numbers differ."""
    return Reason(
        "cells.differ",
        Bilingual(
            f"Nhật ký đầy đủ và đúng là nhật ký đã đếm, nhưng {number} ô số liệu khác nhau (xem danh sách).",
            f"The log is whole and the one that was counted, yet {number} cells differ (see the list).",
        ),
    )


REPORT_CHANGED = Reason(
    "report.changed",
    Bilingual(
        "Báo cáo đã bị sửa sau khi công bố: mã băm không khớp nội dung.",
        "The report was changed after it was published: its hash does not fit its content.",
    ),
)
REPORT_UNREADABLE = Reason(
    "report.unreadable",
    Bilingual(
        "Tệp báo cáo không đúng mẫu frozen-report/1 nên không đếm lại được.",
        "The report is not of the form frozen-report/1, so it cannot be recounted.",
    ),
)
_FLAWS = {
    "unreadable": ("Tệp nhật ký không đọc được.", "The export cannot be read."),
    "partial": (
        "Bản xuất không bắt đầu từ sự kiện đầu tiên; đếm lại cần toàn bộ nhật ký.",
        "The export does not begin with the first event; a recount needs the whole log.",
    ),
    "missing": ("Thiếu sự kiện trong bản xuất.", "An event is missing from the export."),
    "order": ("Sự kiện trong bản xuất không đúng thứ tự.", "Events of the export are out of order."),
    "cut": ("Bản xuất bị cắt, không có dòng kết thúc.", "The export was cut off: it has no last line."),
    "changed": ("Nội dung sự kiện đã bị sửa.", "The event was changed."),
}


def _empty_vi(days: str) -> str:
    return f" Ngày làm việc không có sự kiện nào: {days}." if days else ""


def _empty_en(days: str) -> str:
    return f" Working days without any event: {days}." if days else ""


__all__ = [
    "REPORT_CHANGED",
    "REPORT_UNREADABLE",
    "Reason",
    "cells_differ",
    "checkpoint_wrong",
    "log_short",
    "of_flaw",
    "other_calendar",
    "other_root",
    "other_rules",
    "unreadable_event",
]
