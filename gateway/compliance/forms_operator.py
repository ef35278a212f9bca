"""F4: what the operator reports every six months: volumes, outages, maintenance, incidents, backups.

In charge of: that form, from the counts and from the events of operation. Not in charge of: backups
themselves: the gateway does not make them, so it prints lines for the operator to fill in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gateway.clock import local
from gateway.compliance.facts import midnight
from gateway.compliance.forms_data import SYNTHETIC, Data, Outage, day_text, head_of
from gateway.compliance.forms_tables import indicators
from gateway.compliance.sheet import Cell, Column, Kind, Row, Say, Sheet, speaking, tenths_text, thousands
from gateway.store.register_rows import Happened

MINUTE, DAY = 60_000_000, 86_400_000_000
# What counts as operation, in the order of the form, and its words.
KINDS: dict[str, tuple[str, str]] = {
    "gateway.started": ("Khởi động trục (bảo trì, nâng cấp hoặc sự cố)", "Gateway started"),
    "partner.unavailable": ("Mất kết nối với hệ thống khác", "Connection to another system lost"),
    "partner.available": ("Kết nối trở lại", "Connection restored"),
    "delivery.dead": ("Lượt gửi không chuyển được, chờ người xử lý", "Delivery failed, a person decides"),
    "conservation.broken": ("Đối soát số lượt gửi bị lệch", "Conservation of deliveries broken"),
    "clock.stepped": ("Đồng hồ máy chủ nhảy", "Server clock jumped"),
    "key.rotated": ("Thay khóa", "Key rotated"),
    "key.compromised": ("Báo lộ khóa", "Key reported compromised"),
    "incident.opened": ("Mở sự cố thông tin", "Incident opened"),
    "incident.purged": ("Xóa khẩn cấp theo sự cố", "Purged for an incident"),
    "incident.closed": ("Đóng sự cố thông tin", "Incident closed"),
    "log.epoch_opened": ("Mở kỳ nhật ký mới sau khi khôi phục bản sao lưu", "Log goes on after a restore"),
    "alert.raised": ("Cảnh báo mục tiêu gửi, nhận", "Objective alert raised"),
    "settings.changed": ("Đổi cấu hình", "Settings changed"),
}


def make(
    data: Data, lang: str, counts: Mapping[str, int] | None = None, events: Sequence[Happened] = ()
) -> list[Sheet]:
    """Four sheets. ``counts``: how many events of each kind of ``KINDS``; ``events``: them, oldest first."""
    say = speaking(lang)
    title = say(
        "BÁO CÁO 6 THÁNG VẬN HÀNH TRỤC LIÊN THÔNG VĂN BẢN", "SIX-MONTH REPORT ON OPERATING THE GATEWAY"
    )
    return [
        indicators(data, lang, say("F4 Số liệu", "F4 Figures"), title),
        _outages(data, lang),
        _operation(data, lang, counts or {}, events),
        _by_hand(data, lang),
    ]


def _sheet(
    data: Data,
    lang: str,
    name: str,
    title: str,
    columns: tuple[Column, ...],
    rows: Sequence[Row],
    notes: tuple[str, ...] = (),
    signers: tuple[str, ...] = (),
) -> Sheet:
    say = speaking(lang)
    return Sheet(
        name=name,
        title=title,
        subtitle=f"{day_text(data.first)} – {day_text(data.last)}",
        head=head_of(data, say),
        columns=columns,
        rows=tuple(rows),
        notes=notes,
        signers=signers,
        mark=say(*SYNTHETIC) if data.synthetic else "",
        lang=lang,
    )


def _outages(data: Data, lang: str) -> Sheet:
    say = speaking(lang)
    rows = [_outage_row(data, outage, number, say) for number, outage in enumerate(data.outages, 1)]
    down = downtime(data)
    period = midnight(data.last) + DAY - midnight(data.first)
    available = 1000 - -(-1000 * down // period)
    return _sheet(
        data,
        lang,
        say("F4 Sự cố đã duyệt", "F4 Outages"),
        say("CÁC KHOẢNG NGỪNG DO SỰ CỐ, BẢO TRÌ ĐÃ ĐƯỢC DUYỆT", "APPROVED OUTAGES AND MAINTENANCE"),
        (
            Column(say("TT", "No."), Kind.COUNT, 4),
            Column(say("Bắt đầu", "From"), Kind.MOMENT, 14),
            Column(say("Kết thúc", "To"), Kind.MOMENT, 14),
            Column(say("Số phút", "Minutes"), Kind.COUNT, 9),
            Column(say("Phạm vi", "Scope"), width=36),
            Column(say("Mã bản ghi", "Record"), width=34),
        ),
        rows,
        (
            say(
                f"Toàn trục ngừng {thousands(down // MINUTE)} phút trong kỳ; sẵn sàng "
                f"{tenths_text(available)} % thời gian (làm tròn xuống), theo các khoảng ngừng đã duyệt.",
                f"The whole gateway was down {thousands(down // MINUTE)} minutes; available "
                f"{tenths_text(available)} % of the time (rounded down), by the approved outages.",
            ),
        ),
    )


def downtime(data: Data) -> int:
    """Microseconds of the period within an outage of the whole gateway; what overlaps counts once."""
    begin, end = int(midnight(data.first)), int(midnight(data.last) + DAY)
    total, done = 0, begin
    for outage in sorted((one for one in data.outages if not one.agency), key=lambda one: one.start):
        start, stop = max(outage.start, done), min(outage.stop, end)
        if stop > start:
            total, done = total + stop - start, stop
    return total


def _outage_row(data: Data, outage: Outage, number: int, say: Say) -> Row:
    scope = data.name_of(outage.agency) if outage.agency else say("Toàn trục", "The whole gateway")
    return Row(
        (
            number,
            local(outage.start).replace(tzinfo=None),
            local(outage.stop).replace(tzinfo=None),
            (outage.stop - outage.start) // MINUTE,
            scope,
            outage.id,
        )
    )


def _operation(data: Data, lang: str, counts: Mapping[str, int], events: Sequence[Happened]) -> Sheet:
    say = speaking(lang)
    rows: list[Row] = []
    for kind, words in KINDS.items():
        rows.append(Row((say(*words), counts.get(kind, 0), None, ""), strong=True))
        rows += [
            Row(("", None, local(one.at).replace(tzinfo=None), _told(one, say)))
            for one in events
            if one.type == kind
        ]
    return _sheet(
        data,
        lang,
        say("F4 Diễn biến", "F4 Operation"),
        say("DIỄN BIẾN VẬN HÀNH TỪ NHẬT KÝ GỬI, NHẬN", "OPERATION, FROM THE EXCHANGE LOG"),
        (
            Column(say("Loại", "Kind"), width=44),
            Column(say("Số lần", "Times"), Kind.COUNT, 8),
            Column(say("Lúc", "At"), Kind.MOMENT, 15),
            Column(say("Chi tiết", "Detail"), width=44),
        ),
        rows,
        (
            say(
                "Mỗi loại in tối đa 500 lần đầu; cột “Số lần” đếm đủ.",
                "At most the first 500 of each kind are printed; “Times” counts all.",
            ),
        ),
    )


_DETAILS = ("partner", "destination", "document", "version", "key", "name", "recipient", "reason_code")


def _told(one: Happened, say: Say) -> str:
    """Facts of the event's body that name what it is about; nothing personal stands in a body."""
    named = (f"{name}: {one.body[name]}" for name in _DETAILS if isinstance(one.body.get(name), str | int))
    return "; ".join(text for text in named if not text.endswith(": "))


def _by_hand(data: Data, lang: str) -> Sheet:
    say = speaking(lang)
    return _sheet(
        data,
        lang,
        say("F4 Sao lưu, kiến nghị", "F4 Backups, proposals"),
        say(
            "SAO LƯU, BẢO TRÌ VÀ KIẾN NGHỊ (đơn vị vận hành ghi)",
            "BACKUPS, MAINTENANCE, PROPOSALS (to be filled in)",
        ),
        (Column(say("Nội dung", "Matter"), width=52), Column(say("Số liệu, nhận xét", "Answer"), width=60)),
        [Row(cells) for cells in _questions(say)],
        (
            say(
                "Trục không tự sao lưu nên không có số liệu về sao lưu: đơn vị vận hành ghi theo nhật ký của "
                "hệ thống sao lưu.",
                "The gateway makes no backups and has no figures about them: the operator fills in from the "
                "log of the backup system.",
            ),
        ),
        (
            say("NGƯỜI LẬP BÁO CÁO", "PREPARED BY"),
            say("THỦ TRƯỞNG ĐƠN VỊ VẬN HÀNH", "HEAD OF THE OPERATOR"),
        ),
    )


def _questions(say: Say) -> Iterator[tuple[Cell, ...]]:
    for vi, en in (
        ("Số lần sao lưu theo lịch / số lần thành công", "Backups scheduled / succeeded"),
        ("Lần kiểm tra phục hồi gần nhất và kết quả", "Last restore test and its result"),
        ("Bảo trì theo kế hoạch: văn bản thông báo, thời gian", "Planned maintenance: notice, time"),
        ("Văn bản nhập bổ sung sau sự cố", "Documents entered after an outage"),
        ("Sự cố an toàn thông tin ngoài trục", "Security incidents beside the gateway"),
        ("Khó khăn, vướng mắc", "Difficulties"),
        ("Kiến nghị, đề xuất", "Proposals"),
    ):
        yield say(vi, en), ""


__all__ = ["KINDS", "downtime", "make"]
