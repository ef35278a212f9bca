"""What stands behind a measure: the counts that it is made of, what fails it, each in words.

In charge of: the order in which a reader looks at them, and their names for people. Not in charge of:
counting (``contributions.py``), lists (``drilling.py``). The names are those of ``docs/figures.md``; ``A-B``
is what counts under A and not under B (every B is an A).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.compliance.board import kind_of
from gateway.compliance.clauses import Clause, clause_rules
from gateway.model.text import Bilingual

# Measures of which less is better: refusals, late fetching, paper, wrong clocks.
LESS_IS_BETTER = frozenset({"K6", "K8", "K12", "K13", "K14"})
_CLAUSE_FAILS = tuple(f"{clause.value}.fail" for clause in Clause)
_TWO_SIGNATURES = ("K2.both", "K2.agency", "K2.leader", "K2.none", "K2.invalid", "K2.unchecked")
_BEHIND: Mapping[str, tuple[str, ...]] = {
    "K0": ("D.sent", "A.pulled"),
    "K1": ("D.sent",),
    "K2": ("D.sent", *_TWO_SIGNATURES, "K2.attachments_unsigned"),
    "K2f": ("Kf.n", "K2f.both"),
    "K2b": ("D.sent", *_TWO_SIGNATURES),
    "K3": ("K3.n", "K3.qd28", "K3.n-K3.qd28", "K3.rough", "K3.unknown"),
    "K3.nd30": ("K3.n", "K3.nd30", "K3.n-K3.nd30", "K3.rough", "K3.unknown"),
    "K3x": ("K3x.n", "K3x.qd28", "K3x.n-K3x.qd28"),
    "K3x.nd30": ("K3x.n30", "K3x.nd30", "K3x.n30-K3x.nd30"),
    "K4": ("K4.n", "K4.in_time", "K4.n-K4.in_time"),
    "K5": ("K5.n", "K5.same_day", "K5.next_day", "K5.later", "K5.none"),
    "K5w": ("K5.n", "K5w.same_day", "K5.n-K5w.same_day"),
    "K5.system": ("K5.n", "K5.system", "K5.n-K5.system"),
    "K5x": ("K5x.n", "K5x.same_day", "K5x.n-K5x.same_day"),
    "K6": ("R.n", "K6.refused", "K6.overturned"),
    "K7": ("K7.asked", "K7.confirmed", "K7.withdrawn", "K7.refused", "K7.open"),
    "K8": ("R.n", "K8.late", "K8.never", "K8.young"),
    "K9": ("D.sent", "K9.pass", "K9.fail", "K9.unchecked", *_CLAUSE_FAILS),
    "K9f": ("Kf.n", "K9f.pass"),
    "K10": ("D.sent", "K10.full", "D.sent-K10.full"),
    "K11": ("K11.n", "K11.moved", "K11.n-K11.moved", "K11.young"),
    "K12": ("D.sent", "K12.paper", "K12.outside"),
    "K13": ("K13.n", "K13.skewed"),
    "K14": ("K14.number", "K14.conflict"),
}
_FAIL_NAMES = frozenset({
    "K2.none", "K2.agency", "K2.leader", "K2.invalid", "K2.attachments_unsigned",
    "K5.none", "K5.later", "K5.next_day", "K6.refused", "K7.refused", "K7.open", "K8.late", "K8.never",
    "K9.fail", "K12.paper", "K13.skewed",
    "K14.number", "K14.conflict",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Behind:
    """One count behind a measure. ``fails``: it is what lowers the figure; ``kind``: which list it has."""

    name: str
    words: Bilingual
    number: int
    fails: bool
    kind: str


def behind(key: str, counts: Mapping[str, int]) -> list[Behind]:
    """The counts of a measure, what it is measured against first; refusal codes by their number."""
    names = list(_BEHIND.get(key, ()))
    if key == "K6":
        names += sorted(name for name in counts if name.startswith("K6.R"))
    return [
        Behind(name, words_of(name), _number(name, counts), _fails(name), kind_of(name)) for name in names
    ]


def words_of(name: str) -> Bilingual:
    """A count in words; a name without any is its own."""
    clause, _, outcome = name.partition(".")
    if clause in _CLAUSES and outcome in _OUTCOMES:
        told, said = _CLAUSES[clause], _OUTCOMES[outcome]
        return Bilingual(f"{clause} {told.vi}: {said.vi}", f"{clause} {told.en}: {said.en}")
    if name.startswith("K6.R"):
        code = name.removeprefix("K6.")
        return Bilingual(f"Từ chối với mã {code}", f"Refused with code {code}")
    return _WORDS.get(name, Bilingual(name, name))


def _number(name: str, counts: Mapping[str, int]) -> int:
    whole, _, less = name.partition("-")
    return counts.get(whole, 0) - (counts.get(less, 0) if less else 0)


def _fails(name: str) -> bool:
    return "-" in name or name in _FAIL_NAMES or name.endswith(".fail") or name.startswith("K6.R")


_CLAUSES = {clause.value: name for clause, name in clause_rules().names.items()}
_OUTCOMES = {
    "pass": Bilingual("đạt", "pass"),
    "fail": Bilingual("không đạt", "fail"),
    "unchecked": Bilingual("không kiểm tra được bằng máy", "not machine-checkable"),
    "na": Bilingual("không áp dụng", "not applicable"),
}
_ROWS = (
    ("D.sent", "Văn bản đã gửi", "Documents sent"),
    ("D.sent-K10.full", "Thiếu dữ liệu theo QĐ 28 Điều 10", "Metadata of QĐ 28 Đ10 missing"),
    ("A.pulled", "Lượt văn bản nhận về", "Deliveries taken in"),
    ("R.n", "Lượt gửi theo nơi nhận", "Deliveries"),
    ("Kf.n", "Lần gửi đầu tiên", "First submissions"),
    ("K2.both", "Đủ hai chữ ký số hợp lệ", "Both signatures valid"),
    ("K2.agency", "Chỉ có chữ ký số của cơ quan", "The agency's signature alone"),
    ("K2.leader", "Chỉ có chữ ký số của người có thẩm quyền", "The competent person's signature alone"),
    ("K2.none", "Không có chữ ký số", "No signature"),
    ("K2.invalid", "Có chữ ký số không hợp lệ", "An invalid signature"),
    ("K2.unchecked", "Chưa đủ căn cứ kết luận", "Undecided"),
    ("K2.attachments_unsigned", "Tệp kèm theo chưa có chữ ký số của cơ quan", "Attachments not signed"),
    ("K2f.both", "Đủ hai chữ ký số ngay lần đầu", "Both signatures at the first submission"),
    ("K3.n", "Văn bản biết giờ ký", "Documents with a known signing time"),
    ("K3.qd28", "Đúng hạn theo QĐ 28/2018", "In time by QĐ 28/2018"),
    ("K3.nd30", "Đúng hạn theo NĐ 30/2020", "In time by NĐ 30/2020"),
    ("K3.n-K3.qd28", "Gửi muộn theo QĐ 28/2018", "Late by QĐ 28/2018"),
    ("K3.n-K3.nd30", "Gửi muộn theo NĐ 30/2020", "Late by NĐ 30/2020"),
    ("K3.rough", "Giờ ký chỉ suy từ ngày ban hành", "Signing time is that of the date"),
    ("K3.unknown", "Không xác định được giờ ký", "Signing time unknown"),
    ("K3x.n", "Văn bản biết giờ ký, trừ sự cố", "Known signing time, outages left out"),
    ("K3x.n30", "Văn bản biết giờ ký, trừ sự cố", "Known signing time, outages left out"),
    ("K3x.qd28", "Đúng hạn theo QĐ 28/2018", "In time by QĐ 28/2018"),
    ("K3x.nd30", "Đúng hạn theo NĐ 30/2020", "In time by NĐ 30/2020"),
    ("K3x.n-K3x.qd28", "Gửi muộn, không do sự cố", "Late, without an outage"),
    ("K3x.n30-K3x.nd30", "Gửi muộn, không do sự cố", "Late, without an outage"),
    ("K4.n", "Văn bản khẩn biết chính xác giờ ký", "Urgent documents, signing time known"),
    ("K4.in_time", "Gửi ngay sau khi ký", "Sent at once"),
    ("K4.n-K4.in_time", "Không gửi ngay", "Not sent at once"),
    ("K5.n", "Lượt văn bản đến", "Deliveries that arrived"),
    ("K5.same_day", "Phản hồi trong ngày đến", "Acknowledged on the day of arrival"),
    ("K5.next_day", "Phản hồi vào ngày làm việc tiếp theo", "Acknowledged on the next working day"),
    ("K5.later", "Phản hồi muộn hơn", "Acknowledged later"),
    ("K5.none", "Chưa phản hồi", "Not acknowledged"),
    ("K5w.same_day", "Phản hồi trong ngày, theo giờ làm việc", "Same day, by working hours"),
    (
        "K5.n-K5w.same_day",
        "Không phản hồi trong ngày, theo giờ làm việc",
        "Not the same day, by working hours",
    ),
    ("K5.system", "Hệ thống báo đã đến trong ngày", "Arrival reported the same day"),
    ("K5.n-K5.system", "Hệ thống không báo đã đến trong ngày", "Arrival not reported the same day"),
    ("K5x.n", "Lượt văn bản đến, trừ sự cố", "Deliveries that arrived, outages left out"),
    ("K5x.same_day", "Phản hồi trong ngày đến", "Acknowledged on the day of arrival"),
    (
        "K5x.n-K5x.same_day",
        "Không phản hồi trong ngày, không do sự cố",
        "Not the same day, without an outage",
    ),
    ("K6.refused", "Từ chối nhận (trả lại)", "Refused by the recipient"),
    ("K6.overturned", "Từ chối rồi lại tiếp nhận", "Refused, then accepted"),
    ("K7.asked", "Yêu cầu thu hồi", "Recalls asked for"),
    ("K7.confirmed", "Đồng ý thu hồi", "Recalls agreed to"),
    ("K7.withdrawn", "Rút lại khi chưa ai nhận", "Withdrawn before anybody had it"),
    ("K7.refused", "Từ chối thu hồi", "Recalls refused"),
    ("K7.open", "Chưa trả lời yêu cầu thu hồi", "Recalls not answered"),
    ("K8.late", "Lấy về muộn", "Fetched late"),
    ("K8.never", "Chưa lấy về", "Not fetched"),
    ("K8.young", "Chưa lấy về nhưng còn trong hạn", "Not fetched, still in time"),
    ("K9.pass", "Đáp ứng đầy đủ yêu cầu", "All requirements met"),
    ("K9.fail", "Có yêu cầu không đạt", "A requirement failed"),
    ("K9.unchecked", "Có yêu cầu không kiểm tra được bằng máy", "A requirement is not machine-checkable"),
    ("K9f.pass", "Đáp ứng đầy đủ ngay lần đầu", "All met at the first submission"),
    ("K10.full", "Đủ dữ liệu theo QĐ 28 Điều 10", "Metadata of QĐ 28 Đ10 complete"),
    ("K11.n", "Lượt văn bản đã tiếp nhận", "Deliveries accepted"),
    ("K11.moved", "Có cập nhật trạng thái xử lý", "Processing status reported"),
    ("K11.n-K11.moved", "Chưa cập nhật trạng thái xử lý", "No processing status"),
    ("K11.young", "Mới tiếp nhận, còn trong hạn", "Accepted lately, still in time"),
    ("K12.paper", "Gửi kèm bản giấy", "Paper sent too"),
    ("K12.outside", "Bản giấy không thuộc trường hợp QĐ 28 Điều 5.3", "Paper outside QĐ 28 Đ5.3"),
    ("K13.n", "Trạng thái có giờ của hệ thống gửi", "Statuses that carry a time"),
    ("K13.skewed", "Giờ lệch quá mức cho phép", "Times that differ too much"),
    ("K14.number", "Trùng số và ký hiệu trong năm", "Number and notation used twice in a year"),
    ("K14.conflict", "Bị từ chối vì trùng mã văn bản", "Refused: the document code is taken"),
)
_WORDS = {name: Bilingual(vi, en) for name, vi, en in _ROWS}

__all__ = ["LESS_IS_BETTER", "Behind", "behind", "words_of"]
