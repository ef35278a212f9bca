"""What the regulations list: kinds of documents, prefixes of signing, lengths of fields, order of statuses.

In charge of: tables, each with its source. Not in charge of: judging by them (``form``, ``competence``,
``amendment``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gateway.model.envelope import Envelope

# NĐ 30/2020 Đ7: the 29 administrative kinds.
ADMINISTRATIVE_TYPES = (
    "nghị quyết",
    "quyết định",
    "chỉ thị",
    "quy chế",
    "quy định",
    "thông cáo",
    "thông báo",
    "hướng dẫn",
    "chương trình",
    "kế hoạch",
    "phương án",
    "đề án",
    "dự án",
    "báo cáo",
    "biên bản",
    "tờ trình",
    "hợp đồng",
    "công văn",
    "công điện",
    "bản ghi nhớ",
    "bản thỏa thuận",
    "giấy ủy quyền",
    "giấy mời",
    "giấy giới thiệu",
    "giấy nghỉ phép",
    "phiếu gửi",
    "phiếu chuyển",
    "phiếu báo",
    "thư công",
)

# Normative documents follow the law on promulgation, not that list; copies stand in NĐ 30/2020 PL III.
OTHER_TYPES = (
    "hiến pháp",
    "bộ luật",
    "luật",
    "pháp lệnh",
    "lệnh",
    "nghị quyết liên tịch",
    "nghị định",
    "thông tư",
    "thông tư liên tịch",
    "văn bản quy phạm pháp luật",
    "sao y",
    "bản sao y",
    "trích sao",
    "bản trích sao",
    "sao lục",
    "bản sao lục",
)

PRIORITIES = ("0", "1", "2", "3", "4")  # thường, khẩn, thượng khẩn, hỏa tốc, hỏa tốc hẹn giờ


@dataclass(frozen=True, slots=True)
class Limit:
    """The most characters of a field, its names, and how to read it."""

    where: str
    vi: str
    most: int
    read: Callable[[Envelope], str]
    clause: str = ""


_NĐ30 = "NĐ 30/2020 PL VI"
LIMITS = (
    Limit("DocumentId", "mã định danh văn bản", 200, lambda e: e.document_id),
    Limit("Code/CodeNumber", "số văn bản", 11, lambda e: e.code_number, _NĐ30),
    Limit("Code/CodeNotation", "ký hiệu văn bản", 30, lambda e: e.code_notation, _NĐ30),
    Limit("PromulgationInfo/Place", "nơi ban hành", 50, lambda e: e.place),
    Limit("DocumentType/TypeName", "tên loại văn bản", 100, lambda e: e.document_type.name, _NĐ30),
    Limit("Subject", "trích yếu", 500, lambda e: e.subject, _NĐ30),
    Limit("Content", "nội dung tóm tắt", 500, lambda e: e.content),
    Limit("SignerInfo/Competence", "thẩm quyền ký", 100, lambda e: e.signer.competence),
    Limit("SignerInfo/Position", "chức vụ người ký", 100, lambda e: e.signer.position, _NĐ30),
    Limit("SignerInfo/FullName", "họ tên người ký", 50, lambda e: e.signer.full_name, _NĐ30),
    Limit("OtherInfo/SphereOfPromulgation", "lĩnh vực", 100, lambda e: e.other.sphere),
    Limit("OtherInfo/TyperNotation", "ký hiệu người soạn thảo", 10, lambda e: e.other.typer_notation),
    Limit("From/OrganId", "mã cơ quan gửi", 35, lambda e: e.sender.organ_id, "QĐ 20/2020 Đ4"),
    Limit("From/OrganName", "tên cơ quan gửi", 200, lambda e: e.sender.name, _NĐ30),
    Limit(
        "To/OrganId", "mã nơi nhận", 35, lambda e: _longest(t.organ_id for t in e.recipients), "QĐ 20/2020 Đ4"
    ),
    Limit("To/OrganName", "tên nơi nhận", 200, lambda e: _longest(t.name for t in e.recipients), _NĐ30),
    Limit("ToPlaces/Place", "nơi nhận để lưu, biết", 150, lambda e: _longest(e.to_places)),
)

FINAL_STATUSES = frozenset({"02", "06"})
REPEATABLE_STATUSES = frozenset({"05"})
# Usual predecessors (one of them); nothing is refused for its order.
STATUS_AFTER: dict[str, frozenset[str]] = {
    "04": frozenset({"03"}),
    "05": frozenset({"03", "04", "05"}),
    "06": frozenset({"03", "04", "05"}),
}
ANSWERS_TO_CHANGE = frozenset({"15", "16"})


def _longest(texts: Iterable[str]) -> str:
    return max(texts, key=len, default="")
