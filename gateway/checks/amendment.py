"""Messages about an earlier document: revoke, update, replace, status.

In charge of: whether they name a document that is known, and report it by somebody who may. The order of
statuses is remarked on and never refused: they arrive late and twice. Not in charge of: recording them
(``flow/accept.py``), what they change (``flow/follow.py``).
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.checks import standard
from gateway.checks.subject import Earlier, Subject, hold, info, refuse, warning
from gateway.model.envelope import Envelope, Kind
from gateway.model.finding import Finding
from gateway.model.status import StatusCode, read_status_code

_RECALL = "NĐ 30/2020 Đ18.4"
_STATUS = "QĐ 28/2018 Đ10.2"


def affected_document(envelope: Envelope) -> str:
    """DocumentId of the document that a revoke, update or status is about; partners use two places for it."""
    if envelope.kind in (Kind.REVOKE, Kind.UPDATE) and envelope.business.document_id:
        return envelope.business.document_id
    return envelope.document_id


def amended_document_is_known(subject: Subject) -> Iterator[Finding]:
    """Kinds 1 and 2 for an unknown document are refused; from the axis, which may be late, they are held."""
    earlier = subject.earlier
    if earlier is None:
        yield _not_checkable()
        return
    if earlier.known_document:
        return
    say = hold if subject.from_axis else refuse
    document = affected_document(subject.envelope) or "(trống)"
    yield say(
        "amendment.unknown_document",
        "Bussiness/DocumentId",
        f"Không tìm thấy văn bản {document} của cơ quan này để thu hồi hoặc cập nhật. Hãy kiểm tra mã văn "
        "bản.",
        f"There is no document {document} of this agency to revoke or update. Check the DocumentId.",
        _RECALL,
    )


def document_is_not_purged(subject: Subject) -> Iterator[Finding]:
    """After a spill nothing of the document enters again; statuses about it do, answers to its recall."""
    if subject.earlier is not None and subject.earlier.purged:
        yield refuse(
            "document.purged",
            "DocumentId",
            "Văn bản này đã được báo là sự cố và bị xóa (hoặc đang chờ xóa) trên trục nên trục không nhận "
            "thêm gói tin nào của văn bản. Hãy liên hệ đơn vị vận hành trục.",
            "This document was reported as an incident and was purged here (or is about to be), so no "
            "further message of it is taken. Speak to the operator of the gateway.",
            "Luật 29/2018 Đ5",
        )


def files_are_not_spilled(subject: Subject) -> Iterator[Finding]:
    """A file that was spilled waits for a person when it comes again in another document."""
    if subject.earlier is not None and subject.earlier.spilled_file:
        yield hold(
            "document.spilled_file",
            "AttachmentEncoded",
            "Một tệp đính kèm trùng với tệp của văn bản đã được báo là sự cố. Người phụ trách cần xem xét "
            "trước khi cho gửi tiếp.",
            "An attached file is one of a document that was reported as an incident. A person has to look at "
            "it before it goes on.",
            "Luật 29/2018 Đ5",
        )


def change_says_what(subject: Subject) -> Iterator[Finding]:
    """A revoke gives its reason, an update says what changed, a replacement lists what it replaces."""
    envelope = subject.envelope
    business = envelope.business
    if envelope.kind is Kind.REVOKE and not business.reason:
        yield warning(
            "amendment.no_reason",
            "Bussiness/BussinessDocReason",
            "Thông báo thu hồi không nêu lý do. Hãy ghi lý do để nơi nhận xử lý.",
            "The recall gives no reason. Write one, so that the recipients can act.",
            _RECALL,
        )
    elif envelope.kind is Kind.UPDATE and not (business.content_changed or business.receivers_changed):
        yield info(
            "amendment.nothing_changed",
            "Bussiness/BussinessDocumentInfo",
            "Gói tin cập nhật không nói rõ thay đổi nội dung hay nơi nhận.",
            "The update does not say whether the content or the recipients changed.",
        )
    elif envelope.kind is Kind.REPLACE and not business.replacements:
        yield warning(
            "amendment.nothing_replaced",
            "Bussiness/ReplacementInfoList",
            "Văn bản thay thế không nêu văn bản bị thay thế. Hãy ghi mã của văn bản đó.",
            "The replacement does not list what it replaces. Give the DocumentId of that document.",
            "NĐ 30/2020 Đ18.3",
        )


def status_is_known(subject: Subject) -> Iterator[Finding]:
    """QĐ 28/2018 Đ10.2 names the statuses; nine codes write them."""
    report = subject.envelope.status
    code = report.code if report else ""
    if read_status_code(code) is None:
        yield refuse(
            "status.unknown_code",
            "StatusCode",
            f"Mã trạng thái “{code}” không thuộc 01, 02, 03, 04, 05, 06, 13, 15, 16.",
            f"The status code “{code}” is none of 01, 02, 03, 04, 05, 06, 13, 15, 16.",
            _STATUS,
        )


def status_is_reported_by_its_party(subject: Subject) -> Iterator[Finding]:
    """A recipient reports on a document it had; 13 comes from the document's sender."""
    earlier = subject.earlier
    code = _status(subject)
    if earlier is None:
        yield _not_checkable()
    elif not earlier.known_document:
        document = subject.envelope.document_id or "(trống)"
        yield refuse(
            "status.unknown_document",
            "ResponseFor/DocumentId",
            f"Không tìm thấy văn bản {document} mà trạng thái này nói đến. Hãy kiểm tra mã văn bản và cơ "
            "quan gửi.",
            f"There is no document {document} for this status. Check its DocumentId and sender.",
            _STATUS,
        )
    elif code is not None and code.from_document_sender and subject.sender != earlier.document_sender:
        yield refuse(
            "status.not_sender",
            "From/OrganId",
            "Chỉ cơ quan đã gửi văn bản mới được yêu cầu thu hồi (trạng thái 13).",
            "Only the agency that sent the document may ask for its recall (status 13).",
            _RECALL,
        )
    elif code is not None and not code.from_document_sender and not _is_recipient(subject, earlier):
        yield refuse(
            "status.not_recipient",
            "From/OrganId",
            f"{subject.sender or subject.envelope.sender.organ_id} không phải nơi nhận của văn bản này nên "
            "không báo trạng thái được.",
            f"{subject.sender or subject.envelope.sender.organ_id} is not a recipient of this document and "
            "cannot report on it.",
            _STATUS,
        )


def status_order_is_usual(subject: Subject) -> Iterator[Finding]:
    """Odd order is accepted and remarked on."""
    code, earlier = _status(subject), subject.earlier
    oddity = _oddity(code.value, earlier) if code and earlier and earlier.known_document else None
    if oddity is not None:
        vi, en = oddity
        yield info(
            "status.odd_order", "StatusCode", f"{vi}; trục vẫn ghi nhận.", f"{en}; it is recorded.", _STATUS
        )


def _oddity(code: str, earlier: Earlier) -> tuple[str, str] | None:
    before = earlier.statuses
    if code in standard.ANSWERS_TO_CHANGE:
        if "13" in before or earlier.amended:
            return None
        return f"Trạng thái {code} trả lời một yêu cầu chưa có", f"Status {code} answers no known request"
    if final := next((past for past in before if past in standard.FINAL_STATUSES), None):
        return f"Trạng thái {code} đến sau trạng thái kết thúc {final}", f"Status {code} came after {final}"
    if code in before and code not in standard.REPEATABLE_STATUSES:
        return f"Trạng thái {code} đã được báo trước đó", f"Status {code} was reported before"
    if code == "01" and before:
        return f"Trạng thái 01 đến sau trạng thái {before[-1]}", f"Status 01 came after {before[-1]}"
    usual = standard.STATUS_AFTER.get(code)
    if usual is not None and usual.isdisjoint(before):
        return f"Trạng thái {code} đến khi chưa có 03", f"Status {code} came before any 03"
    return None


def _status(subject: Subject) -> StatusCode | None:
    report = subject.envelope.status
    return read_status_code(report.code) if report else None


def _is_recipient(subject: Subject, earlier: Earlier) -> bool:
    return subject.sender is not None and subject.sender in earlier.document_recipients


def _not_checkable() -> Finding:
    return info(
        "document.not_checkable",
        "DocumentId",
        "Không kiểm tra được bằng máy: văn bản liên quan có trên trục hay không.",
        "Not machine-checkable here: whether the document that this is about is known.",
    )
