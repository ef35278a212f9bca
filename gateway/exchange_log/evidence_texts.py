"""Words of an evidence container: events, states, why content is missing, a report on signatures.

In charge of: sentences. Not in charge of: what they are said about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.model.text import Bilingual

WITHHELD: dict[str, Bilingual] = {
    "destroyed": Bilingual(
        "Nội dung đã bị hủy ở trục (thu hồi hoặc sự cố). Hồ sơ chỉ còn mã băm, thời điểm và sự kiện; ai còn "
        "giữ bản gốc có thể so mã băm SHA-256 của bản đó.",
        "The content was destroyed here (recall or incident). Hashes, times and events remain; whoever still "
        "has the original can compare its SHA-256.",
    ),
    "frozen": Bilingual(
        "Nội dung bị đóng băng do thu hồi hoặc sự cố; chỉ kiểm toán viên và người quản trị được mở.",
        "The content is frozen by a recall or an incident; only auditors and administrators may open it.",
    ),
    "not_taken": Bilingual(
        "Đơn vị yêu cầu hồ sơ chưa lấy gói tin này về hoặc đã trả lại, nên hồ sơ không kèm nội dung.",
        "Who asked for this container has not fetched this message, or gave it back: no content is given.",
    ),
}

EVENTS: dict[str, str] = {
    "document.accepted": "Trục nhận gói tin, ký phiếu xác nhận",
    "document.repeated": "Nơi gửi gửi lại gói tin đã nhận; trục trả phiếu cũ",
    "status.reported": "Ghi nhận trạng thái",
    "delivery.queued": "Đưa vào hàng đợi gửi",
    "delivery.held": "Tạm giữ",
    "delivery.released": "Cho gửi tiếp",
    "delivery.rerouted": "Chọn đơn vị kế thừa nơi nhận",
    "delivery.fetched": "Hệ thống nơi nhận lấy toàn bộ gói tin",
    "delivery.unprocessed": "Hệ thống nơi nhận báo đang xử lý hoặc chưa xử lý được",
    "delivery.postponed": "Lần gửi chưa thành, hẹn gửi lại",
    "delivery.delivered": "Chuyển xong tới hệ thống nơi nhận",
    "delivery.dead": "Không gửi được, chờ người quyết định",
    "delivery.revived": "Cho gửi lại",
    "delivery.rejected": "Trục từ chối chuyển",
    "delivery.cancelled": "Rút trước khi nơi nhận có gói tin",
    "delivery.recalled": "Nơi nhận đồng ý thu hồi",
    "recall.asked": "Yêu cầu thu hồi",
    "recall.reminded": "Quá hạn trả lời thu hồi",
    "recall.answered": "Nơi nhận trả lời thu hồi",
    "document.frozen": "Đóng băng bản của nơi gửi",
    "payload.destroyed": "Hủy nội dung lưu ở trục",
    "document.rejudged": "Đánh giá lại chữ ký số",
    "incident.opened": "Mở sự cố",
    "incident.purged": "Xóa nội dung theo sự cố",
    "incident.dismissed": "Bỏ sự cố",
    "incident.closed": "Đóng sự cố",
    "message.restored": "Lấy lại từ bản thứ hai sau khi khôi phục",
    "person.viewed": "Có người mở xem nội dung",
    "evidence.exported": "Xuất hồ sơ minh chứng",
}

HOW_DELIVERED: dict[str, str] = {
    "inbox": "Hệ thống của nơi nhận lấy toàn bộ gói tin rồi xác nhận đã nhận xong",
    "vxp": "Hệ thống của nơi nhận lấy toàn bộ gói tin rồi xác nhận đã nhận xong",
    "langson": "Hệ thống của nơi nhận lấy toàn bộ gói tin rồi xác nhận đã nhận xong",
    "webhook": "Hệ thống của nơi nhận trả lời đã nhận gói tin (HTTP 2xx)",
    "folder": "Tệp đã được ghi bền xuống thư mục của nơi nhận",
    "gateway": "Trục bên nhận đã ký phiếu xác nhận và trục này đã kiểm tra phiếu đó",
    "axis": "Trục quốc gia trả lời thành công và cấp mã gói tin",
}

CONCLUSIONS: dict[str, str] = {
    "taken_in": "ĐÃ NHẬN. Nơi nhận đã báo {status}.",
    "returned": "ĐÃ NHẬN GÓI TIN, rồi từ chối nhận văn bản (trả lại).",
    "arrived": "HỆ THỐNG NƠI NHẬN ĐÃ CÓ GÓI TIN. Văn thư chưa báo tiếp nhận (03) hoặc từ chối (02).",
    "fetched": "HỆ THỐNG NƠI NHẬN ĐÃ LẤY GÓI TIN nhưng chưa xác nhận xong.",
    "waits": "CHƯA NHẬN. Gói tin đang chờ hệ thống của nơi nhận đến lấy.",
    "queued": "CHƯA CHUYỂN XONG. Trục còn tiếp tục gửi.",
    "held": "CHƯA GỬI. Trục đang tạm giữ.",
    "dead": "KHÔNG GỬI ĐƯỢC. Gói tin còn ở trục, chờ người quyết định.",
    "rejected": "KHÔNG GỬI. Trục từ chối chuyển, nơi gửi đã được báo.",
    "cancelled": "KHÔNG GỬI. Gói tin được rút trước khi nơi nhận có.",
    "recalled": "ĐÃ NHẬN, sau đó đồng ý thu hồi.",
}

KINDS: dict[str, str] = {
    "new": "văn bản mới",
    "revoke": "thu hồi",
    "update": "cập nhật",
    "replace": "thay thế",
    "status": "trạng thái",
}

INDICATIONS: dict[str, Bilingual] = {
    "TOTAL-PASSED": Bilingual("hợp lệ", "valid"),
    "INDETERMINATE": Bilingual("chưa đủ căn cứ kết luận", "no conclusion"),
    "TOTAL-FAILED": Bilingual("không hợp lệ", "not valid"),
}


def report_text(report: Mapping[str, Any]) -> str:
    """The verification report for people: Vietnamese, and English beneath. ``report``: ``signatures`` as
    ``Verdict.as_json``, ``findings`` as ``Finding.as_json``."""
    lines = ["KẾT QUẢ KIỂM TRA (VERIFICATION REPORT)", ""]
    for number, verdict in enumerate(report["signatures"], start=1):
        lines += [f"Chữ ký số {number} (signature {number})", *_signature(verdict), ""]
    if not report["signatures"]:
        lines += ["Không có chữ ký số. (No signature.)", ""]
    for finding in report["findings"]:
        clause = f" [{finding['clause']}]" if finding.get("clause") else ""
        lines += [f"- {finding['rule']}{clause}: {finding['vi']}", f"  {finding['en']}"]
    return "\n".join(lines).rstrip() + "\n"


def _signature(verdict: Mapping[str, Any]) -> Iterator[str]:
    words = INDICATIONS[verdict["indication"]]
    sub = f", {verdict['sub_indication']}" if verdict["sub_indication"] else ""
    yield f"  Kết luận (conclusion): {words.vi} ({words.en}; {verdict['indication']}{sub})"
    yield f"  Vì sao: {verdict['reason']['vi']}"
    yield f"  Why: {verdict['reason']['en']}"
    for name, key in _FACTS:
        if verdict.get(key):
            yield f"  {name}: {verdict[key]}"
    for proof in verdict.get("proofs", ()):
        about = f" · {proof['says']}" if proof.get("says") else ""
        yield f"  Căn cứ (proof): {proof['kind']} {proof['sha256']}{about}"


_FACTS = (
    ("Ở (where)", "where"),
    ("Người ký (signer)", "signer"),
    ("Vai trò (role)", "role"),
    ("Cơ quan (agency)", "agency"),
    ("Ký lúc (signed at)", "signing_time"),
    ("Nguồn thời gian (source of time)", "time_source"),
    ("Thuật toán (algorithm)", "algorithm"),
    ("Phạm vi (coverage)", "coverage"),
    ("SHA-256 của tệp đã ký (of the signed file)", "signed_sha256"),
    ("Bộ quy tắc (rule set)", "rule_set"),
    ("Kiểm tra lúc (checked at)", "checked_at"),
)

__all__ = [
    "CONCLUSIONS",
    "EVENTS",
    "HOW_DELIVERED",
    "INDICATIONS",
    "KINDS",
    "WITHHELD",
    "report_text",
]
