"""F5: the yearly sheet of NĐ 307/2025 for each commune, as of 31 December.

In charge of: that form and its score. Not in charge of: where the total of outgoing documents comes from.

NĐ 307/2025 Đ6.3g, Đ7.3g: documents signed by the person and the agency and sent over the network / all
outgoing documents. A commune: up to 70 % 3 points, 0.5 more for every further 5 %, at most 5; a ward: from
80 %. The text leaves open what counts between two steps: we count whole steps and print the rate beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.compliance.forms_data import SYNTHETIC, Data, Unit, day_text, head_of
from gateway.compliance.forms_week import notes
from gateway.compliance.sheet import Column, Kind, Ratio, Row, Say, Sheet, Tenths, speaking
from gateway.model.text import nfc

LOWEST, HIGHEST, STEP_TENTHS, STEP_PERCENT = 30, 50, 5, 5
FROM_COMMUNE, FROM_WARD = 70, 80
_WARD = re.compile(r"\bphường\b", re.IGNORECASE)
_ZONE = re.compile(r"\bđặc khu\b", re.IGNORECASE)


def is_ward(unit: Unit) -> bool:
    """By its name: the directory has no other sign of it."""
    return bool(_WARD.search(nfc(unit.name)))


def score(ratio: Ratio, ward: bool) -> Tenths | None:
    """3,0 to 5,0 by whole steps; ``None`` without a denominator. 90 % of a commune, 100 % of a ward: 5."""
    if ratio.denominator <= 0:
        return None
    base = FROM_WARD if ward else FROM_COMMUNE
    above = 100 * ratio.numerator - base * ratio.denominator
    steps = max(0, above // (STEP_PERCENT * ratio.denominator))
    return Tenths(min(HIGHEST, LOWEST + STEP_TENTHS * steps))


def make(data: Data, lang: str) -> list[Sheet]:
    """One row for each unit of the lowest level."""
    say = speaking(lang)
    lowest = data.levels[-1] if data.levels else ""
    year = data.last.year
    return [
        Sheet(
            name="F5 NĐ 307",
            title=say(
                f"VĂN BẢN ĐI CÓ CHỮ KÝ SỐ CỦA CƠ QUAN VÀ LÃNH ĐẠO GỬI QUA MẠNG, NĂM {year}",
                f"OUTGOING DOCUMENTS SIGNED BY AGENCY AND PERSON AND SENT OVER THE NETWORK, {year}",
            ),
            subtitle=say(
                f"Số liệu đến {day_text(data.last)} · NĐ 307/2025 Đ6.3g, Đ7.3g",
                f"As of {day_text(data.last)} · NĐ 307/2025 Đ6.3g, Đ7.3g",
            ),
            head=head_of(data, say),
            columns=_columns(say),
            rows=tuple(_rows(data, lowest, say)),
            notes=(*_how(say), *notes(say)),
            mark=say(*SYNTHETIC) if data.synthetic else "",
            lang=lang,
            signers=(
                say("NGƯỜI LẬP BIỂU", "PREPARED BY"),
                say("THỦ TRƯỞNG ĐƠN VỊ CUNG CẤP SỐ LIỆU", "HEAD OF THE PROVIDER OF THE DATA"),
            ),
        )
    ]


def _columns(say: Say) -> tuple[Column, ...]:
    return (
        Column(say("TT", "No."), Kind.COUNT, 4),
        Column(say("Đơn vị", "Unit"), width=30),
        Column(say("Mã", "Code"), width=13),
        Column(say("Loại", "Kind"), width=9),
        Column(say("Văn bản gửi qua trục", "Documents sent"), Kind.COUNT, 10),
        Column(say("Ký số cả hai và đã gửi", "Signed by both and sent"), Kind.COUNT, 11),
        Column(say("Tổng văn bản đi", "All outgoing"), Kind.COUNT, 10),
        Column(say("Nguồn tổng số", "Source of the total"), width=14),
        Column(say("Tỷ lệ (K2b)", "Rate (K2b)"), Kind.RATE, 10),
        Column(say("Điểm (cách hiểu của trục)", "Score (our reading)"), Kind.SCORE, 10),
    )


def _rows(data: Data, lowest: str, say: Say) -> Iterator[Row]:
    for number, unit in enumerate(data.at(lowest), 1):
        counts = data.of(unit.code)
        both, sent = counts.get("K2.both", 0), counts.get("D.sent", 0)
        total, declared = data.totals.get(unit.code, (0, False))
        contradicts = declared and total < sent
        ratio = Ratio(both, 0 if contradicts else total, sure=declared)
        yield Row(
            (
                number,
                unit.name or unit.code,
                unit.code,
                _kind(unit, say),
                sent,
                both,
                total or None,
                _source(total, declared, contradicts, say),
                ratio,
                score(ratio, is_ward(unit)) if declared else None,
            )
        )


def _kind(unit: Unit, say: Say) -> str:
    if is_ward(unit):
        return say("Phường", "Ward")
    return say("Đặc khu", "Special zone") if _ZONE.search(nfc(unit.name)) else say("Xã", "Commune")


def _source(total: int, declared: bool, contradicts: bool, say: Say) -> str:
    if contradicts:
        return say("Khai thấp hơn số đã gửi", "Declared below what was sent")
    if not total:
        return say("Chưa khai", "Not declared")
    return say("Đơn vị khai", "Declared") if declared else say("Ước tính", "Estimated")


def _how(say: Say) -> tuple[str, ...]:
    return (
        say(
            "Điểm: xã đến 70 % được 3 điểm, phường đến 80 % được 3 điểm; thêm đủ 5 % được thêm 0,5 điểm, tối "
            "đa 5. Nghị định không nói cách tính giữa hai mức: trục tính theo mức đủ và in tỷ lệ bên cạnh. "
            "Đặc khu tính như xã.",
            "Score: a commune up to 70 % 3 points, a ward up to 80 % 3 points; every whole 5 % more gives "
            "0.5, at most 5. The decree does not say what counts between steps: whole steps are counted, the "
            "rate stands beside. Special zones count as communes.",
        ),
        say(
            "Tổng văn bản đi do đơn vị khai (không gồm văn bản mật); khi chưa khai đủ, số ước tính theo dãy "
            "số văn bản chỉ là mức cao nhất có thể và không dùng để chấm điểm.",
            "The total is declared by the unit (secret documents not included); where it is not, an "
            "estimate from the number series is only an upper bound and gives no score.",
        ),
    )


__all__ = ["is_ward", "make", "score"]
