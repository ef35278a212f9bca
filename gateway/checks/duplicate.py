"""Was this sent before?

In charge of: what a known DocumentId or number means. Not in charge of: exact repeats, which get their first
receipt again and never reach a check (``flow/submit.py``), or computing digests.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.checks.subject import Subject, info, refuse, warning
from gateway.model.finding import Finding

CONFLICT = "duplicate.conflict"


def document_id_is_fresh(subject: Subject) -> Iterator[Finding]:
    """A ``new`` whose DocumentId the sender used for another content is refused (409), naming the first.

    The national axis rewrites headers: with the same files it is recorded as a duplicate instead.
    """
    earlier = subject.earlier
    if earlier is None or not earlier.known_document or earlier.same_content:
        return
    document_id = subject.envelope.document_id
    if subject.from_axis and earlier.same_files:
        yield info(
            "duplicate.rewritten",
            "DocumentId",
            f"Văn bản {document_id} đã đến trước đó ({earlier.first_message}); lần này chỉ khác phần đầu "
            "gói tin.",
            f"The document {document_id} came before ({earlier.first_message}); only the header differs.",
        )
        return
    yield refuse(
        CONFLICT,
        "DocumentId",
        f"Mã văn bản {document_id} đã được dùng cho một nội dung khác (gói tin {earlier.first_message}). "
        "Nếu muốn sửa văn bản đã gửi, hãy dùng gói tin cập nhật hoặc thay thế; nếu là văn bản mới, hãy cấp "
        "mã mới.",
        f"The DocumentId {document_id} was used for another content (message {earlier.first_message}). Send "
        "an update or a replacement to change the document, or give a new document its own id.",
        "QĐ 28/2018 Đ10.2",
    )


def number_is_fresh(subject: Subject) -> Iterator[Finding]:
    """NĐ 30/2020 PL VI: warn the clerk when number, notation and agency repeat within the year."""
    earlier = subject.earlier
    if earlier is not None and earlier.sent_by_hand:
        yield _was_sent_by_hand(earlier.sent_by_hand)
    elif earlier is not None and earlier.same_number:
        code = f"{subject.envelope.code_number}/{subject.envelope.code_notation}"
        yield warning(
            "duplicate.number",
            "Code/CodeNumber",
            f"Số, ký hiệu {code} trùng với một văn bản khác của cùng cơ quan (gói tin "
            f"{earlier.same_number}).",
            f"The number {code} repeats that of another document of this agency (message "
            f"{earlier.same_number}).",
            "NĐ 30/2020 PL VI",
        )


def _was_sent_by_hand(document_id: str) -> Finding:
    """A clerk sent it while her document system was down; the recipients have it under that DocumentId."""
    return refuse(
        CONFLICT,
        "DocumentId",
        f"Văn thư đã gửi văn bản này bằng biểu mẫu của trục, với mã văn bản {document_id}. Không gửi lại; "
        "hãy ghi nhận mã đó vào phần mềm, hoặc dùng gói tin cập nhật, thay thế nếu cần sửa.",
        f"A clerk sent this document with the gateway's form, under the DocumentId {document_id}. Do not "
        "send it again: enter that id in your system, or send an update or a replacement to change it.",
        "QĐ 28/2018 Đ10.2",
    )
