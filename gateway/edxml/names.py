"""The words of edXML: namespaces, element names, and which element stands where.

In charge of: the spelling of the standard, misspellings included (``Bussiness``, ``TyperNotation``,
``Appendixes``, ``OrganAdd`` are normative), and what a records clerk calls each field. Not in charge of:
order and cardinality of what we write (``dialects.py``), reading values (``read_*.py``).
Source: element tables of the project's reference, section 1; the regulation's own tables are not public.
"""

from __future__ import annotations

from typing import Final

NS: Final = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
PREFIX: Final = "edXML"
XLINK: Final = "http://www.w3.org/1999/xlink"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
XSD: Final = "http://www.w3.org/2001/XMLSchema"
DSIG: Final = "http://www.w3.org/2000/09/xmldsig#"
SIGNATURE: Final = f"{{{DSIG}}}Signature"
XML: Final = "http://www.w3.org/XML/1998/namespace"
# Namespaces of older or draft formats, named so that the refusal can say what the sender sent.
OLD_NAMESPACES: Final = {
    "http://www.e-doc.vn/Schema/": "2803/BTTTT-THH (2014)",
    "http://www.go.vn/eDoc": "draft",
}

ROOT: Final = "edXML"
ENVELOPE: Final = "edXMLEnvelope"
HEADER: Final = "edXMLHeader"
BODY: Final = "edXMLBody"
MANIFEST: Final = "edXMLManifest"
MESSAGE_HEADER: Final = "MessageHeader"
TRACE_LIST: Final = "TraceHeaderList"
BUSINESS: Final = "Bussiness"
ENCODED: Final = "AttachmentEncoded"
ATTACHMENT: Final = "Attachment"
CONTENT: Final = "ContentTransferEncoded"
REFERENCE: Final = "Reference"

# The frame decides what a message is: here a wrong letter case is refused, elsewhere it is a warning.
FRAME: Final = frozenset(
    {ROOT, ENVELOPE, HEADER, BODY, MANIFEST, MESSAGE_HEADER, ENCODED, ATTACHMENT, CONTENT}
)

# Element -> attribute of the model, for the elements whose children are all plain text.
ORGANIZATION: Final = {
    "OrganId": "organ_id",
    "OrganizationInCharge": "in_charge",
    "OrganName": "name",
    "OrganAdd": "address",
    "Email": "email",
    "Telephone": "telephone",
    "Fax": "fax",
    "Website": "website",
}
DOCUMENT_TYPE: Final = {"Type": "type", "TypeDetail": "detail", "TypeName": "name"}
SIGNER: Final = {"Competence": "competence", "Position": "position", "FullName": "full_name"}
STAFF: Final = {
    "Department": "department",
    "DepartmentId": "department_id",
    "Staff": "staff",
    "StaffId": "staff_id",
    "Email": "email",
    "Mobile": "mobile",
}
TRACE: Final = {"OrganId": "organ_id", "Timestamp": "timestamp"}
FILE: Final = {
    "ContentId": "content_id",
    "ContentType": "content_type",
    "Description": "description",
    "AttachmentName": "name",
}

# What may stand directly inside each element (the key is our name of the place, not always an element).
CHILDREN: Final[dict[str, frozenset[str]]] = {
    ROOT: frozenset({ENVELOPE, ENCODED}),
    ENVELOPE: frozenset({HEADER, BODY}),
    HEADER: frozenset({MESSAGE_HEADER, TRACE_LIST, "Signature", "DigitalSignature", SIGNATURE}),
    BODY: frozenset({MANIFEST}),
    MANIFEST: frozenset({REFERENCE}),
    ENCODED: frozenset({ATTACHMENT}),
    REFERENCE: frozenset(FILE),
    ATTACHMENT: frozenset({*FILE, "FieldName", "MimeType", CONTENT}),
    "document": frozenset(
        {
            "From",
            "To",
            "DocumentId",
            "Code",
            "PromulgationInfo",
            "DocumentType",
            "Subject",
            "Content",
            "SignerInfo",
            "DueDate",
            "ToPlaces",
            "OtherInfo",
            "ResponseFor",
            "SteeringType",
            "ResponseForTask",
            "ApplicationType",
        }
    ),
    "status": frozenset({"From", "ResponseFor", "StaffInfo", "StatusCode", "Description", "Timestamp"}),
    "Organization": frozenset(ORGANIZATION),
    "Code": frozenset({"CodeNumber", "CodeNotation"}),
    "PromulgationInfo": frozenset({"Place", "PromulgationDate"}),
    "DocumentType": frozenset(DOCUMENT_TYPE),
    "SignerInfo": frozenset(SIGNER),
    "ToPlaces": frozenset({"Place"}),
    "OtherInfo": frozenset(
        {
            "Priority",
            "SphereOfPromulgation",
            "TyperNotation",
            "PromulgationAmount",
            "PageAmount",
            "ReplyFors",
            "Direction",
            "ReferenceCodes",
            "Appendixes",
        }
    ),
    "Appendixes": frozenset({"Appendix"}),
    "ResponseFor": frozenset({"OrganId", "Code", "PromulgationDate", "DocumentId"}),
    "ResponseForTask": frozenset({"TaskCode"}),
    "StaffInfo": frozenset(STAFF),
    TRACE_LIST: frozenset({"TraceHeader", BUSINESS}),
    "TraceHeader": frozenset(TRACE),
    BUSINESS: frozenset(
        {
            "DocumentId",
            "BussinessDocType",
            "BussinessDocReason",
            "Paper",
            "BussinessDocumentInfo",
            "ReplacementInfoList",
            "StaffInfo",
        }
    ),
    "BussinessDocumentInfo": frozenset({"DocumentInfo", "DocumentReceiver", "ReceiverList"}),
    "ReceiverList": frozenset({"Receiver"}),
    "Receiver": frozenset({"OrganId", "ReceiverType"}),
    "ReplacementInfoList": frozenset({"ReplacementInfo"}),
    "ReplacementInfo": frozenset({"DocumentId", "OrganIdList"}),
    "OrganIdList": frozenset({"OrganId"}),
}

# What may stand more than once at a place, or is judged there by a rule of its own. All else stands once:
# a message with two of it goes on as it came, and another reader may take the other one.
REPEATABLE: Final[dict[str, frozenset[str]]] = {
    ROOT: frozenset({ENVELOPE, ENCODED}),
    ENVELOPE: frozenset({HEADER, BODY}),
    HEADER: frozenset({MESSAGE_HEADER, "Signature", "DigitalSignature", SIGNATURE}),
    BODY: frozenset({MANIFEST}),
    MANIFEST: frozenset({REFERENCE}),
    ENCODED: frozenset({ATTACHMENT}),
    ATTACHMENT: frozenset({CONTENT}),
    "document": frozenset({"From", "To", "ResponseFor"}),
    "status": frozenset({"From"}),
    "ToPlaces": frozenset({"Place"}),
    "Appendixes": frozenset({"Appendix"}),
    "ResponseForTask": frozenset({"TaskCode"}),
    TRACE_LIST: frozenset({"TraceHeader"}),
    "ReceiverList": frozenset({"Receiver"}),
    "ReplacementInfoList": frozenset({"ReplacementInfo"}),
    "OrganIdList": frozenset({"OrganId"}),
}

# The correct English word is wrong on the wire: the national axis silently drops such a block.
MISSPELLED: Final = {
    "Business": BUSINESS,
    "BusinessDocType": "BussinessDocType",
    "BusinessDocReason": "BussinessDocReason",
    "BusinessDocumentInfo": "BussinessDocumentInfo",
}

ATTRIBUTES: Final[dict[str, frozenset[str]]] = {
    MANIFEST: frozenset({"version"}),
    TRACE_LIST: frozenset({"id", "version", "mustUnderstand", "actor"}),
    REFERENCE: frozenset({f"{{{XLINK}}}href", f"{{{XLINK}}}role", f"{{{XLINK}}}type"}),
    "Signature": frozenset({"Id"}),
    "DigitalSignature": frozenset({"Id"}),
    SIGNATURE: frozenset({"Id"}),
}

# Every known element; the reader keeps these by local name alone.
ALL: Final = frozenset().union(*CHILDREN.values()) | {ROOT}
BY_TAG: Final = {f"{{{NS}}}{name}": name for name in ALL}

# What a records clerk calls a field, and the English word (NĐ 30/2020 App. VI uses the same terms).
WORDS: Final[dict[str, tuple[str, str]]] = {
    "From": ("Cơ quan gửi", "sender"),
    "To": ("Nơi nhận (cơ quan nhận)", "recipient"),
    "OrganId": ("Mã định danh cơ quan", "agency code"),
    "OrganizationInCharge": ("Cơ quan chủ quản", "parent agency"),
    "OrganName": ("Tên cơ quan", "agency name"),
    "OrganAdd": ("Địa chỉ cơ quan", "agency address"),
    "Email": ("Thư điện tử", "e-mail"),
    "Telephone": ("Điện thoại", "telephone"),
    "Mobile": ("Điện thoại di động", "mobile phone"),
    "Fax": ("Số fax", "fax"),
    "Website": ("Trang thông tin điện tử", "website"),
    "DocumentId": ("Mã định danh văn bản", "document identifier"),
    "Code": ("Số, ký hiệu văn bản", "number and notation"),
    "CodeNumber": ("Số văn bản", "document number"),
    "CodeNotation": ("Ký hiệu văn bản", "document notation"),
    "PromulgationInfo": ("Địa danh và ngày ban hành", "place and date of issue"),
    "Place": ("Địa danh", "place of issue"),
    "ToPlaces/Place": ("Nơi nhận ghi trên văn bản", "place that keeps a copy"),
    "PromulgationDate": ("Ngày ban hành", "date of issue"),
    "DocumentType": ("Loại văn bản", "document type"),
    "Type": ("Mã loại văn bản", "document type number"),
    "TypeDetail": ("Mã chi tiết loại văn bản", "document type detail"),
    "TypeName": ("Tên loại văn bản", "document type name"),
    "Subject": ("Trích yếu", "subject"),
    "Content": ("Nội dung tóm tắt", "summary"),
    "SignerInfo": ("Người ký", "signer"),
    "Competence": ("Quyền hạn người ký", "signer's competence"),
    "Position": ("Chức vụ người ký", "signer's position"),
    "FullName": ("Họ và tên người ký", "signer's name"),
    "DueDate": ("Hạn trả lời", "due date"),
    "ToPlaces": ("Nơi nhận ghi trên văn bản", "places that keep a copy"),
    "OtherInfo": ("Thông tin khác", "other information"),
    "Priority": ("Độ khẩn", "urgency"),
    "SphereOfPromulgation": ("Phạm vi lưu hành", "sphere of circulation"),
    "TyperNotation": ("Ký hiệu người soạn thảo", "typist's sign"),
    "PromulgationAmount": ("Số lượng bản phát hành", "number of copies issued"),
    "PageAmount": ("Số trang", "number of pages"),
    "ReplyFors": ("Trả lời cho", "reply for"),
    "Direction": ("Văn bản chỉ đạo", "steering flag"),
    "ReferenceCodes": ("Văn bản tham chiếu", "reference codes"),
    "Appendixes": ("Danh mục phụ lục", "appendices"),
    "Appendix": ("Phụ lục", "appendix"),
    "ResponseFor": ("Văn bản được trả lời", "document answered"),
    "SteeringType": ("Loại chỉ đạo", "steering type"),
    "ResponseForTask": ("Nhiệm vụ được báo cáo", "task reported on"),
    "TaskCode": ("Mã nhiệm vụ", "task code"),
    "ApplicationType": ("Loại ứng dụng", "application type"),
    "TraceHeaderList": ("Thông tin vết và nghiệp vụ", "trace and business information"),
    "TraceHeader": ("Vết xử lý", "trace entry"),
    "Timestamp": ("Thời điểm", "time"),
    "Bussiness": ("Thông tin nghiệp vụ", "business information"),
    "BussinessDocType": ("Loại nghiệp vụ (mới, thu hồi, cập nhật, thay thế)", "business kind"),
    "BussinessDocReason": ("Lý do", "reason"),
    "Paper": ("Có bản giấy gửi kèm", "paper copy follows"),
    "BussinessDocumentInfo": ("Nội dung cập nhật", "what is updated"),
    "DocumentInfo": ("Nội dung văn bản có thay đổi", "content changed"),
    "DocumentReceiver": ("Nơi nhận có thay đổi", "recipients changed"),
    "ReceiverList": ("Danh sách nơi nhận thay đổi", "list of changed recipients"),
    "Receiver": ("Nơi nhận thay đổi", "changed recipient"),
    "ReceiverType": ("Thêm hoặc bớt nơi nhận", "recipient added or removed"),
    "ReplacementInfoList": ("Danh sách văn bản được thay thế", "list of replaced documents"),
    "ReplacementInfo": ("Văn bản được thay thế", "replaced document"),
    "OrganIdList": ("Các cơ quan đã nhận", "agencies that had received it"),
    "StaffInfo": ("Cán bộ xử lý", "handling clerk"),
    "Department": ("Phòng, ban", "department"),
    "DepartmentId": ("Mã phòng, ban", "department code"),
    "Staff": ("Tên cán bộ", "clerk's name"),
    "StaffId": ("Mã cán bộ", "clerk's code"),
    "StatusCode": ("Mã trạng thái", "status code"),
    "Description": ("Mô tả", "description"),
    "edXMLManifest": ("Danh mục tệp đính kèm", "list of attached files"),
    "Reference": ("Tệp ghi trong danh mục", "file named in the list"),
    "AttachmentEncoded": ("Các tệp đính kèm", "attachments"),
    "Attachment": ("Tệp đính kèm", "attachment"),
    "AttachmentName": ("Tên tệp đính kèm", "file name"),
    "ContentId": ("Mã tệp đính kèm", "attachment id"),
    "ContentType": ("Kiểu tệp", "content type"),
    "ContentTransferEncoded": ("Nội dung tệp đính kèm", "attachment content"),
    "MessageHeader": ("Thông tin chung của gói tin", "message header"),
    "edXMLHeader": ("Đầu gói tin", "header"),
    "edXMLBody": ("Thân gói tin", "body"),
    "edXMLEnvelope": ("Phong bì gói tin", "envelope"),
    "edXML": ("Gói tin edXML", "edXML message"),
}


def words(element: str, parent: str = "") -> tuple[str, str]:
    """Vietnamese and English name of an element; the element's own name where there is no better word."""
    return WORDS.get(f"{parent}/{element}") or WORDS.get(element, (element, element))
