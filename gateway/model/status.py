"""Business statuses that agencies report (QĐ 28/2018 Đ10.2h; code set of edXML).

In charge of: the nine codes, their words, who reports them and which end a document's handling. Transport
state is another thing (``model/delivery.py``): a status never changes it.
"""

from __future__ import annotations

import enum

from gateway.model.text import Bilingual


class StatusCode(enum.Enum):
    """The nine codes on the wire; anything else is refused."""

    ARRIVED = "01"
    REFUSED = "02"
    ACCEPTED = "03"
    ASSIGNED = "04"
    IN_WORK = "05"
    DONE = "06"
    RECALL_ASKED = "13"  # the only one that the document's sender reports
    CHANGE_AGREED = "15"
    CHANGE_REFUSED = "16"

    @property
    def words(self) -> Bilingual:
        """What a screen prints for the code."""
        return _WORDS[self]

    @property
    def from_document_sender(self) -> bool:
        """True for 13, which travels from the document's sender to one recipient."""
        return self is StatusCode.RECALL_ASKED


_WORDS = {
    StatusCode.ARRIVED: Bilingual("Đã đến", "Arrived"),
    StatusCode.REFUSED: Bilingual("Từ chối nhận (trả lại)", "Refused by the recipient (returned)"),
    StatusCode.ACCEPTED: Bilingual("Đã tiếp nhận", "Accepted by the recipient"),
    StatusCode.ASSIGNED: Bilingual("Đã chuyển xử lý", "Assigned"),
    StatusCode.IN_WORK: Bilingual("Đang xử lý", "In work"),
    StatusCode.DONE: Bilingual("Đã hoàn thành", "Completed"),
    StatusCode.RECALL_ASKED: Bilingual("Yêu cầu thu hồi", "Recall asked"),
    StatusCode.CHANGE_AGREED: Bilingual("Đồng ý thu hồi (cập nhật)", "Recall (update) agreed"),
    StatusCode.CHANGE_REFUSED: Bilingual("Từ chối thu hồi (cập nhật)", "Recall (update) refused"),
}


def read_status_code(text: str) -> StatusCode | None:
    """``"3"`` and ``"03"`` are ACCEPTED (some peers drop the zero); an unknown code is ``None``."""
    try:
        return StatusCode(text.strip().zfill(2))
    except ValueError:
        return None
