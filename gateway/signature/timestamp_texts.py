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
        "Dấu thời gian được cấp cho dữ liệu khác, không phải cho mốc chốt này.",
        "The timestamp was given for other data, not for this checkpoint.",
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
        "Không chứng minh được phiếu xác nhận nằm trong nhật ký gửi, nhận: phiếu, sự kiện hoặc mốc chốt đã "
        "bị thay đổi, hoặc mốc chốt không do khóa nhật ký của trục ký.",
        "The receipt is not proved to be in the exchange log: receipt, event or checkpoint was changed, or "
        "the checkpoint is not signed with the gateway's log key.",
    ),
    "timestamp.pending": Bilingual(
        "Phiếu xác nhận đã nằm dưới mốc chốt nhật ký có chữ ký của trục; mốc chốt này chưa có dấu thời gian.",
        "The receipt is under a signed checkpoint of the exchange log, which has no timestamp yet.",
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
