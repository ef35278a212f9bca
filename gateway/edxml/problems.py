"""Everything that reading a message can have to say, in two languages.

In charge of: the rule codes of the reader, how much each weighs and its sentences. A refusal names the field
and says what to do. Not in charge of: finding the problems; what the schemas say (``explain.py``).
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.errors import Unreadable
from gateway.model.finding import Finding, Severity
from gateway.model.text import Bilingual

_QUOTE = 80  # characters of the sender's text that a sentence repeats at most


class _Rule(NamedTuple):
    severity: Severity
    vi: str
    en: str
    clause: str = ""


_QCVN = "QCVN 102:2016"
_R, _W, _I = Severity.REFUSE, Severity.WARNING, Severity.INFO

_RULES: dict[str, _Rule] = {
    # the envelope as a whole
    "envelope.empty": _Rule(
        _R,
        "Tệp gửi lên không có nội dung. Hãy kiểm tra tệp edXML rồi gửi lại.",
        "The upload is empty. Check the edXML file and send it again.",
    ),
    "envelope.not_xml": _Rule(
        _R,
        "Gói tin không phải là XML hợp lệ, lỗi ở dòng {line}. Hãy xuất lại gói tin từ phần mềm "
        "quản lý văn bản.",
        "The message is not well-formed XML, error at line {line}. Export it again from the document system.",
        _QCVN,
    ),
    "envelope.truncated": _Rule(
        _R,
        "Gói tin bị cắt cụt: phần cuối chưa được gửi lên. Hãy gửi lại toàn bộ gói tin.",
        "The message is cut off: its end did not arrive. Send the whole message again.",
    ),
    "envelope.encoding": _Rule(
        _R,
        "Gói tin dùng bảng mã {found}; tiêu chuẩn chỉ cho phép UTF-8. Hãy xuất lại gói tin bằng UTF-8.",
        "The message is encoded in {found}; the standard allows only UTF-8. Export it again as UTF-8.",
        _QCVN,
    ),
    "envelope.encoding_declared": _Rule(
        _W,
        "Dòng đầu gói tin khai bảng mã {found} nhưng nội dung là UTF-8; hệ thống nhận có thể không mở được.",
        "The first line declares {found} but the content is UTF-8; the recipient may not be able to open it.",
        _QCVN,
    ),
    "envelope.doctype": _Rule(
        _R,
        "Gói tin có khai báo DOCTYPE hoặc thực thể XML; vì an toàn, gói tin edXML không được "
        "chứa khai báo này.",
        "The message holds a DOCTYPE or XML entities, which for safety an edXML message must not.",
    ),
    "envelope.undeclared_prefix": _Rule(
        _R,
        "Gói tin dùng tiền tố không gian tên XML chưa khai báo (dòng {line}). Hãy khai báo tiền "
        "tố, ví dụ xmlns:xlink.",
        "The message uses an XML namespace prefix that is not declared (line {line}); declare "
        "it, e.g. xmlns:xlink.",
        _QCVN,
    ),
    "envelope.not_edxml": _Rule(
        _R,
        "Tệp XML này không phải gói tin edXML: phần tử gốc là {found}, đúng ra phải là edXML.",
        "This XML is not an edXML message: its root is {found}, it must be edXML.",
        _QCVN,
    ),
    "envelope.wrong_namespace": _Rule(
        _R,
        "Không gian tên của phần tử {where} là {found}; phải là http://www.mic.gov.vn/TBT/QCVN_102_2016. "
        "Hãy cập nhật phần mềm tạo gói tin.",
        "The namespace of {where} is {found}; it must be http://www.mic.gov.vn/TBT/QCVN_102_2016. "
        "Update the software that wrote the message.",
        _QCVN,
    ),
    "envelope.wrong_case": _Rule(
        _R,
        "Tên phần tử {found} viết sai chữ hoa, chữ thường; tiêu chuẩn viết là {where}.",
        "The element {found} is written in the wrong letter case; the standard writes {where}.",
        _QCVN,
    ),
    "envelope.no_header": _Rule(
        _R,
        "Gói tin thiếu phần {where} (phần thông tin chung), nên không biết ai gửi, gửi cho ai.",
        "The message lacks {where}, so neither sender nor recipient is known.",
        _QCVN,
    ),
    "envelope.frame_repeated": _Rule(
        _R,
        "Phần {where} có nhiều hơn một lần trong gói tin, nên không rõ phần nào có giá trị.",
        "The part {where} occurs more than once, so it is unclear which one counts.",
        _QCVN,
    ),
    "envelope.too_large": _Rule(
        _R,
        "Gói tin vượt quá giới hạn {limit} byte. Hãy giảm dung lượng tệp đính kèm hoặc chia "
        "thành nhiều gói tin.",
        "The message is over the limit of {limit} bytes. Make the attachments smaller or send "
        "several messages.",
    ),
    "envelope.too_deep": _Rule(
        _R,
        "Các phần tử XML lồng nhau quá {limit} cấp.",
        "The XML elements are nested more than {limit} deep.",
    ),
    "envelope.too_many_elements": _Rule(
        _R, "Gói tin có quá {limit} phần tử XML.", "The message has more than {limit} XML elements."
    ),
    "envelope.too_many_attributes": _Rule(
        _R, "Gói tin có quá {limit} thuộc tính XML.", "The message has more than {limit} XML attributes."
    ),
    "envelope.too_many_unknown": _Rule(
        _R,
        "Gói tin có quá {limit} phần tử hoặc thuộc tính không có trong tiêu chuẩn.",
        "The message has more than {limit} elements or attributes that the standard does not know.",
        _QCVN,
    ),
    "envelope.token_too_long": _Rule(
        _R,
        "Gói tin có một thẻ hoặc chú thích XML dài quá {limit} byte.",
        "The message has an XML tag or comment of more than {limit} bytes.",
    ),
    "envelope.field_too_long": _Rule(
        _R,
        "Nội dung trường {where} dài quá {limit} ký tự. Tệp đính kèm phải nằm trong ContentTransferEncoded.",
        "The field {where} is longer than {limit} characters. Files belong into ContentTransferEncoded.",
    ),
    "envelope.texts_too_long": _Rule(
        _R,
        "Tổng nội dung các trường (không kể tệp đính kèm) vượt quá {limit} ký tự.",
        "The fields together (without the attachments) are longer than {limit} characters.",
    ),
    "envelope.declaration_too_long": _Rule(
        _R,
        "Dòng khai báo XML ở đầu gói tin (<?xml …?>) dài quá {limit} byte nên không rõ bảng mã. Hãy "
        "khai báo gọn lại: version và encoding, cách nhau một dấu cách.",
        "The XML declaration at the start (<?xml …?>) is longer than {limit} bytes, so the encoding is "
        "unclear. Write it shorter: version and encoding, one space between.",
        _QCVN,
    ),
    "text.combining_marks": _Rule(
        _R,
        "Trường {where} có hơn {limit} dấu phụ (dấu thanh, dấu mũ…) liền nhau trên một chữ; không văn bản "
        "thật nào như vậy. Hãy nhập lại nội dung trường này.",
        "The field {where} has more than {limit} combining marks (accents) in a row, which no real text has. "
        "Type the content of this field again.",
        "UAX #15",
    ),
    # attachments
    "attachment.missing": _Rule(
        _R,
        "Danh mục ghi có tệp đính kèm {where} nhưng gói tin không có nội dung tệp này. Hãy đính "
        "kèm lại và gửi lại.",
        "The list of files names {where}, but the message does not hold its content. Attach it "
        "and send again.",
        _QCVN,
    ),
    "attachment.unreadable_base64": _Rule(
        _R,
        "Không giải mã được nội dung tệp đính kèm {where} (sai mã hóa base64). Hãy đính kèm lại "
        "tệp và gửi lại.",
        "The content of the attachment {where} cannot be decoded (bad base64). Attach the file "
        "and send again.",
        _QCVN,
    ),
    "attachment.broken_wrapper": _Rule(
        _R,
        "Gói ZIP bọc tệp đính kèm {where} bị hỏng hoặc chứa nhiều hơn một tệp. Hãy đính kèm lại "
        "tệp và gửi lại.",
        "The ZIP wrapper of the attachment {where} is damaged or holds more than one file. Attach it again.",
    ),
    "attachment.zip_bomb": _Rule(
        _R,
        "Tệp nén {where} nở ra gấp hơn {limit} lần dung lượng gửi lên, nên bị coi là không an toàn.",
        "The packed file {where} grows to more than {limit} times its size and is considered unsafe.",
    ),
    "attachment.too_large": _Rule(
        _R,
        "Tệp đính kèm {where} lớn hơn {limit} byte. Hãy giảm dung lượng hoặc chia tệp.",
        "The attachment {where} is larger than {limit} bytes. Make it smaller or split it.",
    ),
    "attachment.unpacked_too_large": _Rule(
        _R,
        "Tổng dung lượng các tệp đính kèm sau khi giải nén vượt quá {limit} byte.",
        "The attachments together are larger than {limit} bytes when unpacked.",
    ),
    "attachment.too_many": _Rule(
        _R,
        "Gói tin có quá {limit} tệp đính kèm.",
        "The message has more than {limit} attachments.",
    ),
    "attachment.content_repeated": _Rule(
        _R,
        "Tệp đính kèm {where} có hai phần nội dung (ContentTransferEncoded), không rõ phần nào đúng.",
        "The attachment {where} has two contents (ContentTransferEncoded); it is unclear which one counts.",
        _QCVN,
    ),
    "attachment.not_in_manifest": _Rule(
        _W,
        "Tệp đính kèm {where} có trong gói tin nhưng không được ghi trong danh mục (edXMLManifest).",
        "The attachment {where} travelled but is not named in the list of files (edXMLManifest).",
        _QCVN,
    ),
    "attachment.matched_by_name": _Rule(
        _I,
        "Tệp đính kèm {where} khớp với danh mục theo tên tệp; mã tệp (ContentId) hai nơi khác "
        "nhau hoặc bỏ trống.",
        "The attachment {where} matches the list by file name; the ContentIds differ or are missing.",
        _QCVN,
    ),
    "attachment.name_missing": _Rule(
        _W,
        "Có tệp đính kèm không ghi tên tệp (AttachmentName), mã tệp: {where}.",
        "An attachment has no file name (AttachmentName); its id: {where}.",
        _QCVN,
    ),
    "attachment.not_pdf": _Rule(
        _W,
        "Tệp {where} có đuôi .pdf nhưng nội dung không phải PDF. Người nhận có thể không mở được.",
        "The file {where} is named .pdf but its content is not a PDF. The recipient may not be "
        "able to open it.",
    ),
    "attachment.damaged": _Rule(
        _W,
        "Tệp PDF {where} đã bị hỏng do xử lý như văn bản thuần; chữ ký số trên tệp không còn kiểm tra được.",
        "The PDF {where} was destroyed by treating it as text; signatures in it can no longer be verified.",
    ),
    # fields
    "from.not_exactly_one": _Rule(
        _R,
        "Gói tin phải có đúng một Cơ quan gửi (From); gói tin này có {found}.",
        "A message has exactly one sender (From); this one has {found}.",
        _QCVN,
    ),
    "from.organ_id_missing": _Rule(
        _R,
        "Cơ quan gửi (From) không có Mã định danh cơ quan (OrganId). Hãy điền mã định danh của cơ quan gửi.",
        "The sender (From) has no agency code (OrganId). Fill in the sender's code.",
        _QCVN,
    ),
    "to.missing": _Rule(
        _R,
        "Gói tin không có Nơi nhận (To). Hãy chọn ít nhất một cơ quan nhận.",
        "The message has no recipient (To). Choose at least one.",
        _QCVN,
    ),
    "to.organ_id_missing": _Rule(
        _R,
        "Nơi nhận thứ {number} ({found}) không có Mã định danh cơ quan (OrganId).",
        "Recipient number {number} ({found}) has no agency code (OrganId).",
        _QCVN,
    ),
    "document_id.missing": _Rule(
        _R,
        "Gói tin không có Mã định danh văn bản (DocumentId).",
        "The message has no document identifier (DocumentId).",
        _QCVN,
    ),
    "status.unknown_code": _Rule(
        _R,
        "Mã trạng thái (StatusCode) “{found}” không có trong danh mục: 01–06, 13, 15, 16.",
        "The status code (StatusCode) “{found}” is not one of 01–06, 13, 15, 16.",
        _QCVN,
    ),
    "status.document_missing": _Rule(
        _R,
        "Gói tin trạng thái không cho biết văn bản nào (thiếu Mã định danh văn bản trong ResponseFor).",
        "The status does not say which document it is about (no DocumentId in ResponseFor).",
        _QCVN,
    ),
    "status.addressee_missing": _Rule(
        _R,
        "Gói tin trạng thái không cho biết gửi đến cơ quan nào (thiếu Mã định danh cơ quan "
        "trong ResponseFor).",
        "The status does not say to which agency it goes (no OrganId in ResponseFor).",
        _QCVN,
    ),
    "business.unknown_type": _Rule(
        _R,
        "Loại nghiệp vụ (BussinessDocType) “{found}” không hợp lệ: 0 mới, 1 thu hồi, 2 cập nhật, 3 thay thế.",
        "The business kind (BussinessDocType) “{found}” is unknown: 0 new, 1 revoke, 2 update, 3 replace.",
        _QCVN,
    ),
    "business.misspelled": _Rule(
        _R,
        "Khối Business viết sai, tiêu chuẩn viết là Bussiness; hệ thống khác sẽ bỏ qua khối này "
        "và hiểu việc thu hồi, "
        "cập nhật, thay thế thành văn bản mới. Hãy sửa tên phần tử rồi gửi lại.",
        "The block Business is misspelled, the standard writes Bussiness; other systems drop it "
        "and take the recall, "
        "update or replacement for a new document. Correct the name and send again.",
        _QCVN,
    ),
    "element.wrong_case": _Rule(
        _W,
        "Phần tử {found} viết sai, tiêu chuẩn viết là {where}; hệ thống khác có thể bỏ qua.",
        "The element {found} is misspelled, the standard writes {where}; other systems may drop it.",
        _QCVN,
    ),
    "element.no_namespace": _Rule(
        _W,
        "Phần tử {where} không thuộc không gian tên của edXML; hệ thống khác có thể không đọc được.",
        "The element {where} is outside the edXML namespace; other systems may not read it.",
        _QCVN,
    ),
    "element.repeated": _Rule(
        _W,
        "Trường {vi} ({where}) bị lặp lại với cùng một giá trị. Hãy chỉ ghi một lần.",
        "The field {en} ({where}) is repeated with the same value. Write it only once.",
        _QCVN,
    ),
    "element.contradictory": _Rule(
        _R,
        "Trường {vi} ({where}) có nhiều hơn một lần với các giá trị khác nhau; mỗi hệ thống có thể hiểu một "
        "kiểu. Hãy giữ lại một giá trị đúng rồi gửi lại.",
        "The field {en} ({where}) occurs more than once with different values, and each system may take "
        "another one. Keep the right one and send again.",
        _QCVN,
    ),
    "due_date.impossible": _Rule(
        _W,
        "Hạn trả lời (DueDate) ghi “{found}”, không phải là một ngày có thật; trục coi như không có hạn.",
        "The due date (DueDate) says “{found}”, which is not a date; it is treated as not set.",
        _QCVN,
    ),
}


def problem(rule: str, where: str, **values: object) -> Finding:
    """The finding of ``rule`` about ``where``; ``values`` fill its sentences, long ones are shortened."""
    entry = _RULES[rule]
    shown = {name: shorten(str(value)) for name, value in values.items()} | {"where": shorten(where)}
    text = Bilingual(entry.vi.format_map(shown), entry.en.format_map(shown))
    return Finding(rule, entry.severity, where, text, entry.clause)


def unreadable(rule: str, where: str = "", **values: object) -> Unreadable:
    """The error to raise for ``rule``: carries its finding, text and code."""
    return refusal(problem(rule, where, **values))


def refusal(*findings: Finding) -> Unreadable:
    """One error for several refusing findings; the first gives text and code."""
    return Unreadable(findings[0].text, code=findings[0].rule, findings=findings)


def rules() -> dict[str, Severity]:
    """Every rule of the reader and how much it weighs, for the documentation and the tests."""
    return {rule: entry.severity for rule, entry in _RULES.items()}


def shorten(text: str) -> str:
    """The sender's text as a sentence may repeat it."""
    return text if len(text) <= _QUOTE else text[: _QUOTE - 1] + "…"
