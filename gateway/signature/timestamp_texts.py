"""The sentences about timestamps, Vietnamese for a clerk and English.

In charge of: words. Not in charge of: judging (``timestamp``).
"""

from __future__ import annotations

from gateway.model.text import Bilingual

_AGAIN = "Trục sẽ tự xin lại dấu thời gian."
_AGAIN_EN = "The gateway asks again by itself."

PROBLEMS: dict[str, Bilingual] = {
    "timestamp.unreadable": Bilingual(
        f"Câu trả lời của dịch vụ cấp dấu thời gian không đọc được. {_AGAIN}",
        f"The timestamp service's answer cannot be read. {_AGAIN_EN}",
    ),
    "timestamp.refused": Bilingual(
        f"Dịch vụ cấp dấu thời gian từ chối yêu cầu. {_AGAIN}",
        f"The timestamp service refused the request. {_AGAIN_EN}",
    ),
    "timestamp.imprint": Bilingual(
        "Dấu thời gian được cấp cho dữ liệu khác, không phải cho phiếu xác nhận này.",
        "The timestamp was given for other data, not for this receipt.",
    ),
    "timestamp.nonce": Bilingual(
        f"Dấu thời gian trả lời cho một yêu cầu khác. {_AGAIN}",
        f"The timestamp answers another request. {_AGAIN_EN}",
    ),
    "timestamp.signature": Bilingual(
        "Chữ ký trên dấu thời gian không đúng; dấu thời gian đã bị thay đổi hoặc dùng thuật toán yếu.",
        "The timestamp's signature does not hold: it was changed, or uses a weak algorithm.",
    ),
    "timestamp.certificate_missing": Bilingual(
        "Dấu thời gian không kèm chứng thư của nơi cấp nên không kiểm tra được.",
        "The timestamp does not carry its service's certificate, so it cannot be verified.",
    ),
    "timestamp.usage": Bilingual(
        "Chứng thư của nơi cấp dấu thời gian không phải là chứng thư chỉ dùng để cấp dấu thời gian.",
        "The service's certificate is not one for timestamps alone.",
    ),
    "timestamp.proof": Bilingual(
        "Phiếu xác nhận không thuộc nhóm phiếu mà dấu thời gian này bảo đảm, hoặc đã bị thay đổi.",
        "The receipt is not among those under this timestamp, or was changed.",
    ),
}


def untrusted(reason: Bilingual) -> Bilingual:
    """The service's certificate does not hold, and why."""
    return Bilingual(
        f"Chứng thư của nơi cấp dấu thời gian không được chấp nhận. {reason.vi}",
        f"The timestamp service's certificate is not accepted. {reason.en}",
    )


def passed() -> Bilingual:
    """Everything holds."""
    return Bilingual("Dấu thời gian hợp lệ.", "The timestamp is valid.")
