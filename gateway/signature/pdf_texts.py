"""Sentences about signatures in PDF files, Vietnamese first.

In charge of: wording only. Not in charge of: deciding which sentence applies (``pdf_read``, ``pdf_judge``).
"""

from __future__ import annotations

from gateway.model.text import Bilingual

_AGAIN = "Hãy đề nghị đơn vị gửi ký số lại và gửi lại tệp."


def unreadable(detail: str) -> Bilingual:
    return Bilingual(
        f"Không đọc được cấu trúc tệp PDF nên không kiểm tra được chữ ký số. {_AGAIN}",
        f"The PDF's structure could not be read, so its signatures could not be verified ({detail}). "
        "Ask the sender to sign and send the file again.",
    )


def truncated() -> Bilingual:
    return Bilingual(
        "Tệp PDF bị cắt cụt: thiếu dấu kết thúc tệp. Hãy đề nghị đơn vị gửi gửi lại tệp đầy đủ.",
        "The PDF is truncated: its end-of-file mark is missing. Ask the sender for the whole file.",
    )


def encrypted() -> Bilingual:
    return Bilingual(
        "Tệp PDF bị đặt mật khẩu (mã hóa) nên không kiểm tra được chữ ký số. Hãy đề nghị đơn vị gửi bỏ mật "
        "khẩu, ký số lại và gửi lại tệp.",
        "The PDF is encrypted, so its signatures could not be verified. Ask the sender to remove the "
        "password, sign again and send the file again.",
    )


def no_pages() -> Bilingual:
    return Bilingual(
        f"Tệp PDF có chữ ký số nhưng không có trang nào. {_AGAIN}",
        "The PDF carries a signature but has no pages. Ask the sender to sign and send the file again.",
    )


def too_large(size: int, limit: int) -> Bilingual:
    return Bilingual(
        f"Chưa đủ căn cứ kết luận: tệp PDF dài {size:_} byte, quá mức {limit:_} byte mà trục kiểm tra được. "
        "Hãy kiểm tra chữ ký số bằng phần mềm của đơn vị.".replace("_", "."),
        f"Not enough to conclude: the PDF has {size:_} bytes, more than the {limit:_} that are verified "
        "here. Verify the signatures with your own software.".replace("_", " "),
    )


def too_much_memory() -> Bilingual:
    return Bilingual(
        "Chưa đủ căn cứ kết luận: tệp PDF quá phức tạp, vượt quá bộ nhớ dành cho việc kiểm tra. Hãy kiểm tra "
        "chữ ký số bằng phần mềm của đơn vị.",
        "Not enough to conclude: verifying the PDF needs more memory than is allowed. Verify the signatures "
        "with your own software.",
    )


def too_slow(seconds: float) -> Bilingual:
    return Bilingual(
        f"Chưa đủ căn cứ kết luận: kiểm tra tệp PDF quá {seconds:g} giây mà chưa xong. Hãy kiểm tra chữ ký "
        "số bằng phần mềm của đơn vị.",
        f"Not enough to conclude: verifying the PDF took more than {seconds:g} seconds. Verify the "
        "signatures with your own software.",
    )


def worker_died() -> Bilingual:
    return Bilingual(
        "Chưa đủ căn cứ kết luận: bộ phận kiểm tra tệp PDF bị dừng giữa chừng. Hãy kiểm tra chữ ký số bằng "
        "phần mềm của đơn vị và báo quản trị trục.",
        "Not enough to conclude: the process that verifies PDFs stopped midway. Verify the signatures with "
        "your own software and tell the gateway's administrator.",
    )


def detached_from_form() -> Bilingual:
    return Bilingual(
        "Chưa đủ căn cứ kết luận: trong tệp PDF có dấu vết của chữ ký số nhưng không có trường chữ ký nào. "
        f"Chữ ký có thể đã bị gỡ. {_AGAIN}",
        "Not enough to conclude: the PDF holds traces of a signature but no signature field; a signature may "
        "have been removed. Ask the sender to sign and send the file again.",
    )


def malformed_signature(detail: str) -> Bilingual:
    return Bilingual(
        f"Chữ ký số trong tệp PDF sai định dạng nên không kiểm tra được. {_AGAIN}",
        f"The signature in the PDF is malformed and could not be verified ({detail}). Ask the sender to sign "
        "and send the file again.",
    )


def content_changed() -> Bilingual:
    return Bilingual(
        f"Nội dung tệp PDF đã bị sửa sau khi ký số. {_AGAIN}",
        "The content of the PDF was altered after signing. Ask the sender to sign and send the file again.",
    )


def key_does_not_fit() -> Bilingual:
    return Bilingual(
        "Chữ ký số trong tệp PDF không khớp với chứng thư số kèm theo: chữ ký giả hoặc đã bị sửa. " + _AGAIN,
        "The signature in the PDF does not fit its certificate: it is forged or was altered. Ask the sender "
        "to sign and send the file again.",
    )


def no_certificate() -> Bilingual:
    return Bilingual(
        f"Chữ ký số trong tệp PDF không kèm đúng chứng thư số của người ký. {_AGAIN}",
        "The signature in the PDF does not carry the signer's certificate. Ask the sender to sign and send "
        "the file again.",
    )


def revoked_without_proof_of_time(who: str, revoked_at: str, signed_at: str) -> Bilingual:
    return Bilingual(
        f"Chưa đủ căn cứ kết luận: chứng thư số của {who} đã bị thu hồi từ {revoked_at}, trước khi trục nhận "
        f"văn bản. Thời điểm ký {signed_at} do người ký tự ghi, không có dấu thời gian chứng minh chữ ký có "
        "trước khi thu hồi. Hãy hỏi lại đơn vị gửi, hoặc đề nghị ký lại bằng chứng thư số còn hiệu lực.",
        f"Not enough to conclude: the certificate of {who} was revoked on {revoked_at}, before the document "
        f"came. The signing time {signed_at} is the signer's own statement, and no timestamp proves that the "
        "signature is older than that. Ask the sender, or have it signed again with a valid certificate.",
    )


def weak_algorithm(name: str) -> Bilingual:
    return Bilingual(
        f"Chữ ký số trong tệp PDF dùng thuật toán {name}, không còn an toàn. Hãy đề nghị đơn vị gửi ký lại "
        "bằng SHA-256 trở lên.",
        f"The signature in the PDF uses {name}, which is no longer safe. Ask the sender to sign again with "
        "SHA-256 or better.",
    )


def trailing(count: int) -> Bilingual:
    return Bilingual(
        f"Sau phần đã ký số, tệp PDF bị chèn thêm {count} byte không thuộc tài liệu. {_AGAIN}",
        f"{count} bytes that are not part of the document were appended to the PDF after signing. Ask the "
        "sender to sign and send the file again.",
    )


def changed_later() -> Bilingual:
    return Bilingual(
        "Sau khi ký số, tệp PDF bị sửa đổi ngoài những gì được phép (chữ ký tiếp theo, dấu thời gian, dữ "
        f"liệu kiểm tra lâu dài). {_AGAIN}",
        "After signing, the PDF was changed beyond what may follow a signature (further signatures, "
        "timestamps, long-term data). Ask the sender to sign and send the file again.",
    )


def unclear_coverage() -> Bilingual:
    return Bilingual(
        f"Chữ ký số không bao trùm trọn vẹn tệp PDF. {_AGAIN}",
        "The signature does not cover the PDF without gaps. Ask the sender to sign and send the file again.",
    )


def ambiguous_structure() -> Bilingual:
    return Bilingual(
        "Chưa đủ căn cứ kết luận: cấu trúc tệp PDF không đúng chuẩn nên không xác định chắc chắn được những "
        "gì thêm vào sau chữ ký này. Hãy kiểm tra chữ ký số bằng phần mềm của đơn vị.",
        "Not enough to conclude: the PDF departs from its standard, so what came after this signature is not "
        "certain. Verify the signatures with your own software.",
    )


def signed_in_the_future(when: str) -> Bilingual:
    return Bilingual(
        f"Chưa đủ căn cứ kết luận: thời điểm ký ghi trong chữ ký ({when}) sau thời điểm trục nhận được tệp. "
        "Hãy kiểm tra đồng hồ của máy ký số.",
        f"Not enough to conclude: the signing time in the signature ({when}) lies after the file was "
        "received. Check the clock of the signing machine.",
    )


def holds_whole() -> Bilingual:
    return Bilingual(
        "Nội dung tệp PDF còn nguyên vẹn, chữ ký bao trùm toàn bộ tệp.",
        "The content is unchanged; the signature covers the whole file.",
    )


def holds_before_signatures() -> Bilingual:
    return Bilingual(
        "Nội dung đã ký còn nguyên vẹn; sau chữ ký này chỉ có thêm chữ ký khác.",
        "The signed content is unchanged; only further signatures were added later.",
    )


def holds_before_long_term_data() -> Bilingual:
    return Bilingual(
        "Nội dung đã ký còn nguyên vẹn; sau chữ ký này chỉ có thêm dấu thời gian hoặc dữ liệu kiểm tra lâu "
        "dài.",
        "The signed content is unchanged; only timestamps or long-term data were added later.",
    )
