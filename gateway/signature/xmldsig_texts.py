"""Sentences about the XML signature of an envelope, Vietnamese first.

In charge of: wording only. Not in charge of: deciding which sentence applies (``xmldsig_shape``,
``xmldsig``).
"""

from __future__ import annotations

from gateway.model.text import Bilingual

_QUOTE = 80  # characters of the sender's text that a sentence repeats at most
_SIGN_AGAIN_VI = "Hãy ký lại gói tin bằng phần mềm ký số của đơn vị."
_SIGN_AGAIN_EN = "Sign the message again with your signing software."


def content_unchanged() -> Bilingual:
    return Bilingual(
        "Nội dung gói tin chưa bị thay đổi sau khi ký số.",
        "The message is unchanged since it was signed.",
    )


def no_signature() -> Bilingual:
    return Bilingual("Gói tin không có chữ ký số XML.", "The message carries no XML signature.")


def several_signatures(count: int) -> Bilingual:
    return _refused(
        f"gói tin có {count} chữ ký số XML, chỉ được có một", f"{count} XML signatures, one allowed"
    )


def wrong_place() -> Bilingual:
    return _refused(
        "chữ ký số không nằm trong phần thông tin chung (edXMLHeader) duy nhất của gói tin",
        "the signature does not stand in the one header (edXMLHeader) of the message",
    )


def crowded(limit: int) -> Bilingual:
    return _refused(
        f"có phần tử mang hơn {limit} thuộc tính hoặc không gian tên",
        f"an element has more than {limit} attributes or namespaces",
    )


def comment() -> Bilingual:
    return _refused(
        "có chú thích XML chen giữa nội dung, chữ ký số không bảo vệ chú thích",
        "an XML comment splits a text, and the signature does not cover comments",
    )


def processing_instruction() -> Bilingual:
    return _refused("gói tin có chỉ thị xử lý XML", "the message holds XML processing instructions")


def references() -> Bilingual:
    return _refused(
        "chữ ký số phải có đúng một phần tham chiếu (Reference) tới toàn bộ gói tin",
        "the signature must have exactly one Reference, to the whole message",
    )


def reference_uri(uri: str | None) -> Bilingual:
    if uri is None:
        return _refused(
            "chữ ký số không ghi tham chiếu tới đâu, đúng ra phải là toàn bộ gói tin (URI rỗng)",
            "the signature does not say what it refers to; it must be the whole message (empty URI)",
        )
    return _refused(
        f"chữ ký số tham chiếu tới “{_short(uri)}”, đúng ra phải là toàn bộ gói tin (URI rỗng)",
        f"the signature refers to “{_short(uri)}” instead of the whole message (empty URI)",
    )


def transforms(found: str) -> Bilingual:
    return _refused(
        f"chữ ký số dùng phép biến đổi không được phép ({_short(found)})",
        f"the signature uses a transform that is not allowed ({_short(found)})",
    )


def weak_algorithm(algorithm: str) -> Bilingual:
    name = algorithm.rpartition("#")[2]
    return Bilingual(
        f"Chữ ký số của gói tin dùng thuật toán yếu ({name}), không có giá trị chứng minh. Hãy ký "
        "bằng SHA-256 "
        "trở lên.",
        f"The message is signed with a weak algorithm ({name}), which proves nothing. Sign with SHA-256 or "
        "better.",
    )


def weak_key(key: str) -> Bilingual:
    return Bilingual(
        f"Chữ ký số của gói tin dùng khóa yếu ({key}), không có giá trị chứng minh. Cần RSA từ 2048 bit hoặc "
        "ECDSA P-256/P-384.",
        f"The message is signed with a weak key ({key}), which proves nothing. RSA of 2048 bits or more, or "
        "ECDSA P-256/P-384, is needed.",
    )


def unknown_algorithm(algorithm: str) -> Bilingual:
    return _refused(
        f"chữ ký số dùng thuật toán không được phép ({_short(algorithm)})",
        f"the signature uses an algorithm that is not allowed ({_short(algorithm)})",
    )


def no_certificate() -> Bilingual:
    return _refused(
        "chữ ký số không kèm chứng thư số của người ký (KeyInfo/X509Data/X509Certificate)",
        "the signature does not carry the signer's certificate (KeyInfo/X509Data/X509Certificate)",
    )


def several_certificates() -> Bilingual:
    return _refused(
        "chữ ký số kèm nhiều chứng thư số không cùng một chuỗi, không rõ ai ký",
        "the signature carries certificates that are not one chain, so the signer is unclear",
    )


def another_certificate() -> Bilingual:
    return _refused(
        "chữ ký số chỉ tới một chứng thư số khác với chứng thư số kèm theo",
        "the signature names another certificate than the one that it carries",
    )


def shared_id() -> Bilingual:
    return _refused(
        "mã Id của chữ ký số bị dùng lại cho phần tử khác trong gói tin",
        "an Id of the signature is used again for another element of the message",
    )


def unreadable_certificate() -> Bilingual:
    return _refused("không đọc được chứng thư số kèm theo", "the certificate in the signature cannot be read")


def unexpected(place: str) -> Bilingual:
    return _refused(
        f"phần {_short(place)} của chữ ký số không đúng cấu trúc",
        f"the part {_short(place)} of the signature is not as expected",
    )


def changed() -> Bilingual:
    return Bilingual(
        "Nội dung gói tin đã bị thay đổi sau khi ký số. Hãy xuất lại gói tin từ phần mềm quản lý văn "
        "bản, ký lại "
        "và không sửa sau khi ký.",
        "The message was changed after it was signed. Export it again, sign it, and do not edit it "
        "afterwards.",
    )


def wrong_key() -> Bilingual:
    return Bilingual(
        "Chữ ký số của gói tin không khớp với chứng thư số kèm theo. " + _SIGN_AGAIN_VI,
        "The signature does not match the certificate that it carries. " + _SIGN_AGAIN_EN,
    )


def uncomputable() -> Bilingual:
    return _refused("không tính lại được chữ ký số", "the signature cannot be computed again")


def too_large() -> Bilingual:
    return Bilingual(
        "Chưa đủ căn cứ kết luận về chữ ký số của gói tin: có tệp đính kèm vượt giới hạn 10.000.000 "
        "byte (sau mã "
        "hóa) mà trục kiểm tra được. Hãy giảm dung lượng từng tệp đính kèm xuống dưới 7 MB.",
        "Not enough to conclude about the signature of the message: an attachment is over the limit of "
        "10 000 000 bytes (encoded) up to which it can be checked. Keep each attachment under 7 MB.",
    )


def _refused(vi: str, en: str) -> Bilingual:
    return Bilingual(
        f"Không chấp nhận chữ ký số của gói tin: {vi}. {_SIGN_AGAIN_VI}",
        f"The signature of the message is not accepted: {en}. {_SIGN_AGAIN_EN}",
    )


def _short(text: str) -> str:
    return text if len(text) <= _QUOTE else text[: _QUOTE - 1] + "…"
