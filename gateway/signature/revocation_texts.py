"""Sentences about revocation answers and their sources, Vietnamese first.

In charge of: wording only; each kind of answer has a sentence of its own. Not in charge of: deciding which
applies (``trust_texts.no_answer``, ``cli/trust.py``).
"""

from __future__ import annotations

from gateway.model.text import Bilingual
from gateway.signature.revocation import RevocationAnswer

KINDS = {"crl": ("danh sách thu hồi", "CRL"), "ocsp": ("trả lời OCSP", "OCSP answer")}

# RFC 5280 section 5.3.1
_REASONS = {
    "keyCompromise": "lộ khóa bí mật",
    "cACompromise": "lộ khóa của tổ chức cấp chứng thư",
    "aACompromise": "lộ khóa của tổ chức cấp thuộc tính",
    "affiliationChanged": "thay đổi thông tin của thuê bao",
    "superseded": "đã cấp chứng thư số thay thế",
    "cessationOfOperation": "thuê bao ngừng sử dụng",
    "privilegeWithdrawn": "thuê bao không còn quyền sử dụng",
    "certificateHold": "tạm dừng",
}

# What went wrong with a source, by the first word of its problem.
_PROBLEMS = {
    "unreachable": ("không trả lời", "does not answer"),
    "refused": ("từ chối trả lời", "refuses to answer"),
    "forbidden": (
        "có địa chỉ nội bộ mà trục không được phép gọi",
        "has an address that the gateway may not call",
    ),
    "too_large": ("trả về dữ liệu quá lớn", "sends too much data"),
    "garbage": ("trả về dữ liệu không đọc được", "sends what cannot be read"),
    "forged": ("trả về dữ liệu có chữ ký không đúng", "sends what its issuer did not sign"),
    "wrong_issuer": ("trả về dữ liệu của tổ chức khác", "sends what another CA issued"),
    "wrong_certificate": ("trả lời về chứng thư số khác", "answers for another certificate"),
    "untrusted_responder": (
        "trả lời bằng chữ ký của bên không được ủy quyền",
        "answers with the signature of a responder that is not authorised",
    ),
    "weak": ("trả lời bằng thuật toán ký yếu", "answers with a weak signature algorithm"),
    "partial": ("trả về danh sách không đầy đủ", "sends a CRL that is not full"),
    "future": ("trả về dữ liệu ghi ngày ở tương lai", "sends what is dated in the future"),
    "stale": ("trả về dữ liệu đã quá hạn", "sends what is out of date"),
}


def reason_words(reason: str) -> tuple[str, str]:
    """`` (lý do: lộ khóa bí mật)`` and its English; empty when the source gives no reason."""
    if reason in ("", "unspecified"):
        return "", ""
    return f" (lý do: {_REASONS.get(reason, reason)})", f" (reason: {reason})"


def problem_words(problem: str) -> Bilingual:
    """What is wrong with a source, as the end of a sentence that begins with its address."""
    vi, en = _PROBLEMS.get(problem.split(".")[0], _PROBLEMS["unreachable"])
    return Bilingual(vi, en)


def on_hold(name: str, when: str) -> Bilingual:
    return Bilingual(
        f"Chưa đủ căn cứ kết luận: chứng thư số của {name} đang bị tạm dừng từ {when}. Trục kiểm tra lại khi "
        "tổ chức cấp chứng thư mở lại hoặc thu hồi hẳn.",
        f"Not enough to conclude: the certificate of {name} is suspended since {when}. It is checked again "
        "when its CA lifts the suspension or revokes it.",
    )


def stale(answer: RevocationAnswer, when: str) -> Bilingual:
    vi, en = KINDS[answer.kind]
    return Bilingual(
        f"Chưa đủ căn cứ kết luận: {vi} {answer.source} đã quá hạn từ {when}. Quản trị trục cần cập nhật; "
        "khi có bản mới, trục tự kiểm tra lại.",
        f"Not enough to conclude: the {en} {answer.source} is out of date since {when}. The gateway's "
        "administrator must update it; the check is repeated when a new one comes.",
    )


def unreachable(answer: RevocationAnswer) -> Bilingual:
    words = problem_words(answer.reason)
    return Bilingual(
        f"Chưa đủ căn cứ kết luận: máy chủ {answer.source}, nơi công bố tình trạng thu hồi, {words.vi}. Văn "
        "bản vẫn được chuyển; trục tự hỏi lại và kiểm tra lại.",
        f"Not enough to conclude: the server {answer.source}, which publishes revocations, {words.en}. The "
        "document goes on; the gateway asks and checks again by itself.",
    )


def source_does_not_know(answer: RevocationAnswer, name: str) -> Bilingual:
    if answer.kind == "ocsp" and answer.reason == "unknown":
        return Bilingual(
            f"Chưa đủ căn cứ kết luận: dịch vụ OCSP {answer.source} trả lời rằng không biết chứng thư số của "
            f"{name}. Hãy hỏi tổ chức cấp chứng thư.",
            f"Not enough to conclude: the OCSP service {answer.source} says that it does not know the "
            f"certificate of {name}. Ask its CA.",
        )
    vi, en = KINDS[answer.kind]
    return Bilingual(
        f"Chưa đủ căn cứ kết luận: chứng thư số của {name} hết hạn trước ngày của {vi} {answer.source}, "
        "nên trong đó không còn thông tin về chứng thư số này.",
        f"Not enough to conclude: the certificate of {name} expired before the {en} {answer.source} was "
        "made, which therefore no longer speaks of it.",
    )


def being_asked(answer: RevocationAnswer) -> Bilingual:
    return Bilingual(
        f"Chưa đủ căn cứ kết luận: trục đang hỏi tình trạng thu hồi tại {answer.source}. Văn bản vẫn được "
        "chuyển; khi có trả lời, trục tự kiểm tra lại.",
        f"Not enough to conclude: the gateway is asking {answer.source} about revocation. The document goes "
        "on; it is checked again when the answer comes.",
    )


def no_source(name: str) -> Bilingual:
    return Bilingual(
        f"Chưa đủ căn cứ kết luận: không có danh sách thu hồi cho chứng thư số của {name}. Quản trị trục cần "
        "nạp danh sách thu hồi của tổ chức cấp chứng thư.",
        f"Not enough to conclude: there is no CRL for the certificate of {name}. The gateway's administrator "
        "must add the CRL of its CA.",
    )
