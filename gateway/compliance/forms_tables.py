"""F2, the monthly table by level and unit, and F3, the quarterly report to the Government Office.

In charge of: those forms. Not in charge of: how anything is counted (``docs/figures.md``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from gateway.compliance.forms_data import (
    SYNTHETIC,
    Counts,
    Data,
    Unit,
    connected,
    day_text,
    head_of,
    level_name,
    rate,
)
from gateway.compliance.forms_week import NAMES, Past, by_level, notes, trend
from gateway.compliance.sheet import (
    Cell,
    Column,
    Kind,
    Ratio,
    Row,
    Say,
    Sheet,
    speaking,
    thousands,
)

CLAUSES = {
    "C1": ("C1 Nội dung", "C1 Content"),
    "C2": ("C2 Thẩm quyền", "C2 Competence"),
    "C3": ("C3 Thể thức", "C3 Form"),
    "C4": ("C4 Chữ ký số", "C4 Digital signatures"),
    "C5": ("C5 Xác thực", "C5 Authentication"),
    "C6": ("C6 Thời hạn", "C6 Time"),
    "C7": ("C7 Siêu dữ liệu, nơi nhận", "C7 Metadata, recipient"),
}
WORST = 10  # units named with the most failures


def monthly(data: Data, lang: str, past: Sequence[Past] = ()) -> list[Sheet]:
    """F2: everything that is counted by unit, with a sum for each level; then the rates as a picture."""
    say = speaking(lang)
    rows: list[Row] = []
    for level in data.levels:
        units = data.at(level)
        rows.append(Row((level_name(level, say), *_counted(data.sum_of(units))), strong=True))
        rows += [Row((unit.name or unit.code, *_counted(data.of(unit.code)))) for unit in units]
    rest = [unit for unit in data.units if unit.level not in data.levels]
    if rest:
        name = say("Đơn vị đã giải thể, sáp nhập", "Units that are gone")
        rows.append(Row((name, *_counted(data.sum_of(rest))), strong=True))
        rows += [Row((unit.name or unit.code, *_counted(data.of(unit.code)))) for unit in rest]
    rows.append(Row((say("Toàn tỉnh", "Whole province"), *_counted(data.whole())), strong=True))
    return [
        Sheet(
            name="F2",
            title=say(
                "TỔNG HỢP TÌNH HÌNH GỬI, NHẬN VĂN BẢN ĐIỆN TỬ THEO CẤP VÀ ĐƠN VỊ",
                "EXCHANGE OF E-DOCUMENTS BY LEVEL AND AGENCY",
            ),
            subtitle=f"{day_text(data.first)} – {day_text(data.last)}",
            head=head_of(data, say),
            columns=_columns(say),
            rows=tuple(rows),
            notes=(*_shown_apart(data, say), *notes(say)),
            charts=tuple(filter(None, (by_level(data, say), trend(data, past, say)))),
            mark=say(*SYNTHETIC) if data.synthetic else "",
            lang=lang,
        )
    ]


def _columns(say: Say) -> tuple[Column, ...]:
    sent, received = say("Văn bản gửi", "Documents sent"), say("Lượt nhận", "Deliveries received")
    signed, time = say("Ký số của văn bản gửi", "Signatures"), say("Gửi đúng hạn (K3)", "Sent in time (K3)")
    count, share = Kind.COUNT, Kind.RATE
    return (
        Column(say("Đơn vị", "Agency"), width=23),
        Column(say("Tổng", "All"), count, 7, sent),
        Column(say("Khẩn", "Urgent"), count, 6, sent),
        Column(say("Tổng", "All"), count, 7, received),
        Column(say("Trả lại", "Returned"), count, 6, received),
        Column(say("Chưa lấy", "Not fetched"), count, 6, received),
        Column(say("Lấy muộn", "Fetched late"), count, 6.5, received),
        Column(say("Cả hai", "Both"), count, 6.5, signed),
        Column(say("Chỉ lãnh đạo", "Person only"), count, 6.5, signed),
        Column(say("Chỉ cơ quan", "Agency only"), count, 6.5, signed),
        Column(say("Không ký", "None"), count, 7.3, signed),
        Column(say("Không hợp lệ", "Invalid"), count, 7.3, signed),
        Column(say("Chưa kết luận", "Not concluded"), count, 6.5, signed),
        Column("K2", share, 8.5, signed),
        Column(say("Đúng hạn", "In time"), count, 6.5, time),
        Column(say("Muộn", "Late"), count, 6, time),
        Column("QĐ 28", share, 8.5, time),
        Column("NĐ 30", share, 8.5, time),
        Column(say("QĐ 28, trừ sự cố", "QĐ 28 less outages"), share, 8.5, time),
        Column("K5", share, 8.5),
        Column("K9", share, 8.5),
        Column(say("Bị yêu cầu thu hồi", "Recalls"), count, 7),
    )


def _counted(counts: Counts) -> tuple[Cell, ...]:
    def count(name: str) -> int:
        return counts.get(name, 0)

    return (
        count("D.sent"),
        count("D.urgent"),
        count("R.n"),
        count("K6.refused"),
        count("K8.never"),
        count("K8.late"),
        count("K2.both"),
        count("K2.leader"),
        count("K2.agency"),
        count("K2.none"),
        count("K2.invalid"),
        count("K2.unchecked"),
        rate(counts, "K2"),
        count("K3.qd28"),
        count("K3.n") - count("K3.qd28"),
        rate(counts, "K3"),
        rate(counts, "K3.nd30"),
        rate(counts, "K3x"),
        rate(counts, "K5"),
        rate(counts, "K9"),
        count("K7.asked"),
    )


def _shown_apart(data: Data, say: Say) -> Iterator[str]:
    """What the table leaves out, by name."""
    whole = data.whole()
    yield say(
        f"Không tính: {thousands(whole['R.excluded'])} lượt đã thu hồi trước khi nơi nhận lấy; "
        f"{thousands(whole['G.refused'])} gói tin trục không chuyển. Từ chối vì dấu hiệu bí mật nhà nước: "
        f"{thousands(whole['G.secret'])}.",
        f"Not counted: {thousands(whole['R.excluded'])} deliveries withdrawn before anybody had them; "
        f"{thousands(whole['G.refused'])} messages refused at the gate. Refused for signs of secrecy: "
        f"{thousands(whole['G.secret'])}.",
    )
    if data.excluded:
        named = "; ".join(f"{code} ({reason})" if reason else code for code, reason in data.excluded)
        yield say(f"Đơn vị loại trừ khỏi mọi chỉ tiêu: {named}.", f"Units outside every figure: {named}.")
    if data.outages:
        yield say(
            f"Có {len(data.outages)} khoảng sự cố đã duyệt chạm kỳ này; cột “trừ sự cố” bỏ các văn bản muộn "
            "do sự cố ra khỏi cả tử số và mẫu số.",
            f"{len(data.outages)} approved outages touch the period; the column “less outages” leaves what "
            "was late because of them out of numerator and denominator.",
        )


# ---- F3


def quarterly(data: Data, lang: str, past: Sequence[Past] = ()) -> list[Sheet]:
    """F3: indicators with their numbers and clauses, what stands in the way, and room for proposals."""
    say = speaking(lang)
    title = say(
        "BÁO CÁO QUÝ VỀ GỬI, NHẬN VĂN BẢN ĐIỆN TỬ (gửi Văn phòng Chính phủ)",
        "QUARTERLY REPORT ON THE EXCHANGE OF E-DOCUMENTS (to the Government Office)",
    )
    name = say("F3 Chỉ tiêu", "F3 Indicators")
    return [indicators(data, lang, name, title), _problems(data, lang, past)]


def indicators(data: Data, lang: str, name: str, title: str) -> Sheet:
    """Every indicator of the whole province with its numbers and its clause."""
    say = speaking(lang)
    rows = [*_volumes(data, say), *_connected(data, say), *_rates(data, say)]
    return Sheet(
        name=name,
        title=title,
        subtitle=f"{day_text(data.first)} – {day_text(data.last)} · QĐ 28/2018 Đ11",
        head=head_of(data, say),
        columns=(
            Column(say("TT", "No."), Kind.COUNT, 4),
            Column(say("Chỉ tiêu", "Indicator"), width=52),
            Column(say("Tử số / số lượng", "Numerator / number"), Kind.COUNT, 12),
            Column(say("Mẫu số", "Denominator"), Kind.COUNT, 12),
            Column(say("Kết quả", "Result"), Kind.RATE, 11),
            Column(say("Căn cứ", "Legal basis"), width=28),
        ),
        rows=tuple(Row((number, *cells)) for number, cells in enumerate(rows, 1)),
        notes=notes(say),
        mark=say(*SYNTHETIC) if data.synthetic else "",
        lang=lang,
    )


def _volumes(data: Data, say: Say) -> Iterator[tuple[Cell, ...]]:
    whole = data.whole()
    yield say("Văn bản điện tử gửi qua trục", "E-documents sent"), whole["D.sent"], "", "", "QĐ 28/2018 Đ5.2"
    yield say("Lượt nhận văn bản điện tử", "Deliveries received"), whole["R.n"], "", "", "QĐ 28/2018 Đ9.1"
    listed = [unit for unit in data.units if unit.listed]
    known = [unit for unit in data.units if _has_total(data, unit.code)]
    outgoing = sum(data.totals[unit.code][0] for unit in known)
    sure = all(data.totals[unit.code][1] for unit in known)
    kind = say("đã khai", "declared") if sure else say("có ước tính", "partly estimated")
    yield (
        say(
            f"K1 Văn bản đi phát hành điện tử ({kind}; {len(known)}/{len(listed)} đơn vị có số liệu)",
            f"K1 Issued electronically ({kind}; {len(known)} of {len(listed)} units have a total)",
        ),
        data.sum_of(known)["D.sent"] if known else None,
        outgoing if known else None,
        Ratio(data.sum_of(known)["D.sent"], outgoing, sure),
        "QĐ 28/2018 Đ5.2",
    )


def _has_total(data: Data, code: str) -> bool:
    """False also for a total below what was sent: it is not used, or K1 would come out too high."""
    return code in data.totals and data.totals[code][0] >= data.of(code).get("D.sent", 0)


def _connected(data: Data, say: Say) -> Iterator[tuple[Cell, ...]]:
    groups: list[tuple[str, Sequence[Unit]]] = [
        (level_name(level, say), data.at(level)) for level in data.levels
    ]
    for name, units in [*groups, (say("Toàn tỉnh", "Whole province"), data.units)]:
        linked = connected(data, units)
        title = say(f"K0 Đơn vị liên thông: {name}", f"K0 Connected agencies: {name}")
        yield title, linked.numerator, linked.denominator, linked, "QĐ 28/2018 Đ7.1, Đ21.2"


_INDICATORS = (
    ("K2", *NAMES["K2"], "NĐ 30/2020 Đ5.1"),
    ("K2f", "K2 trong lần gửi đầu tiên", "K2 over first submissions", "NĐ 30/2020 Đ5.1"),
    ("K3", *NAMES["K3"], "QĐ 28/2018 Đ6.2"),
    ("K3.nd30", "K3 Gửi đúng hạn (NĐ 30/2020)", "K3 Sent in time (NĐ 30/2020)", "NĐ 30/2020 Đ18.1"),
    ("K4", "K4 Văn bản khẩn gửi ngay", "K4 Urgent ones sent at once", "QĐ 28/2018 Đ6.2"),
    ("K5", *NAMES["K5"], "NĐ 30/2020 Đ21.2"),
    ("K5w", "K5 theo giờ làm việc", "K5 by working hours", "NĐ 30/2020 Đ21.2"),
    ("K6", "K6 Bị từ chối, trả lại", "K6 Refused, returned", "QĐ 28/2018 Đ5.4; NĐ 30/2020 Đ21.2"),
    ("K7", "K7 Thu hồi được xác nhận", "K7 Recalls confirmed", "QĐ 28/2018 Đ9.2; NĐ 30/2020 Đ18.4"),
    ("K8", "K8 Chưa lấy về, lấy muộn", "K8 Not fetched in time", "QĐ 28/2018 Đ8.2"),
    ("K9", *NAMES["K9"], "QĐ 28/2018 Đ21.2"),
    ("K9f", "K9 trong lần gửi đầu tiên", "K9 over first submissions", "QĐ 28/2018 Đ21.2"),
    ("K10", "K10 Siêu dữ liệu đầy đủ", "K10 Complete metadata", "QĐ 28/2018 Đ10.2"),
    ("K11", "K11 Cập nhật trạng thái xử lý", "K11 Handling reported", "QĐ 28/2018 Đ6.3, Đ9.2"),
    ("K12", "K12 Gửi kèm bản giấy", "K12 Paper too", "QĐ 28/2018 Đ5.3"),
    ("K13", "K13 Đồng hồ lệch", "K13 Clocks off", "QĐ 28/2018 Đ14.4"),
)


def _rates(data: Data, say: Say) -> Iterator[tuple[Cell, ...]]:
    whole = data.whole()
    for key, vi, en, basis in _INDICATORS:
        ratio = rate(whole, key)
        yield say(vi, en), ratio.numerator, ratio.denominator, ratio, basis
    number = whole["K14.number"] + whole["K14.conflict"]
    yield say("K14 Trùng số, ký hiệu hoặc mã", "K14 Duplicates"), number, "", "", "NĐ 30/2020 PL VI"


def _problems(data: Data, lang: str, past: Sequence[Past]) -> Sheet:
    say = speaking(lang)
    return Sheet(
        name=say("F3 Vướng mắc", "F3 Problems"),
        title=say("TỒN TẠI, VƯỚNG MẮC VÀ KIẾN NGHỊ", "WHAT STANDS IN THE WAY, AND PROPOSALS"),
        subtitle=f"{day_text(data.first)} – {day_text(data.last)}",
        head=head_of(data, say),
        columns=(
            Column(say("Điều kiện", "Clause"), width=28),
            Column(say("Không đạt", "Fails"), Kind.COUNT, 10),
            Column(say("Chưa đủ căn cứ", "Not checkable"), Kind.COUNT, 10),
            Column(say("Tỷ lệ không đạt", "Share that fails"), Kind.RATE, 11),
            Column(say("Đơn vị không đạt nhiều nhất", "Units with the most failures"), width=60),
        ),
        rows=tuple(_clause_row(data, clause, say) for clause in CLAUSES),
        notes=(
            say(
                "Khó khăn, vướng mắc khác (đơn vị tổng hợp ghi): "
                "................................................................................",
                "Other difficulties (to be filled in): "
                "................................................................................",
            ),
            say(
                "Kiến nghị, đề xuất (đơn vị tổng hợp ghi): "
                "................................................................................",
                "Proposals (to be filled in): "
                "................................................................................",
            ),
        ),
        charts=tuple(filter(None, (by_level(data, say), trend(data, past, say)))),
        mark=say(*SYNTHETIC) if data.synthetic else "",
        lang=lang,
        signers=(say("NGƯỜI LẬP BIỂU", "PREPARED BY"), say("CHÁNH VĂN PHÒNG", "HEAD OF OFFICE")),
    )


def _clause_row(data: Data, clause: str, say: Say) -> Row:
    whole: Counter[str] = data.whole()
    fails = whole[f"{clause}.fail"]
    return Row(
        (
            say(*CLAUSES[clause]),
            fails,
            whole[f"{clause}.unchecked"],
            Ratio(fails, whole["D.sent"]),
            _worst(data, f"{clause}.fail"),
        )
    )


def _worst(data: Data, name: str) -> str:
    counted = ((data.of(unit.code).get(name, 0), unit) for unit in data.units)
    failing = sorted(((n, unit.code, unit) for n, unit in counted if n), key=lambda one: (-one[0], one[1]))
    return "; ".join(f"{unit.name or unit.code} ({thousands(n)})" for n, _, unit in failing[:WORST])


__all__ = ["CLAUSES", "indicators", "monthly", "quarterly"]
