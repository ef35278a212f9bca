"""A document that is asked back, recipient by recipient.

In charge of: what may become of a recall, with the words that a screen prints. Not in charge of: making it
happen (``flow/withdraw.py``), rows (``store/recalls.py``).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gateway.model.text import AgencyCode, Bilingual, Instant


class RecallCause(enum.Enum):
    """What asks the recipient to give the document back."""

    STATUS = "status"  # a status 13, for one recipient
    REVOKE = "revoke"  # a message of kind 1
    UPDATE = "update"  # a message of kind 2 that takes the recipient off the list
    INCIDENT = "incident"  # the gateway, after two persons decided to purge the document


class RecallState(enum.Enum):
    """Where a recall stands with one recipient."""

    ATTEMPT = "attempt"  # an attempt to deliver is running; how it ends decides
    WITHDRAWN = "withdrawn"  # it never had the document and will not get it
    NOT_ADDRESSED = "not_addressed"  # nothing was ever meant for it
    ASKED = "asked"  # it has the document, was asked, has not answered
    AGREED = "agreed"  # its 15 came
    REFUSED = "refused"  # its 16 came

    @property
    def words(self) -> Bilingual:
        """What a screen prints."""
        return _WORDS[self]


_WORDS = {
    RecallState.ATTEMPT: Bilingual("Đang gửi dở, chờ kết quả", "An attempt is running"),
    RecallState.WITHDRAWN: Bilingual("Đã rút lại, nơi nhận chưa có văn bản", "Withdrawn before it arrived"),
    RecallState.NOT_ADDRESSED: Bilingual("Không phải nơi nhận văn bản này", "Never a recipient"),
    RecallState.ASKED: Bilingual("Đã yêu cầu, chưa trả lời", "Asked, silent so far"),
    RecallState.AGREED: Bilingual("Đồng ý thu hồi", "Agreed"),
    RecallState.REFUSED: Bilingual("Từ chối thu hồi", "Refused"),
}


@dataclass(frozen=True, slots=True)
class Recall:
    """One message that asks one recipient. ``answer`` is the message id of its 15 or 16."""

    message: str
    document: str
    recipient: AgencyCode
    cause: RecallCause
    state: RecallState
    asked_at: Instant
    answer: str = ""
    answered_at: Instant | None = None
    reminders: int = 0
    remind_at: Instant | None = None
