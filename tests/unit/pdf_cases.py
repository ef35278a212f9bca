"""Attacks on signed PDFs, and the verdict that must follow each; ``pdf_attacks`` builds them.

The names of the families are those of the literature on PDF signatures: universal signature forgery (USF),
incremental saving (ISA), signature wrapping (SWA), shadow attacks, and attacks on certified documents. Where
a file carries several signatures, ``worst_verdict`` is the one compared: what a careful clerk would go by.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives import hashes

from gateway.model.verdict import Indication, Verdict
from gateway.practice.pki import KeyKind, Knobs
from tests.unit import pdf_attacks as a
from tests.unit.pdf_world import P256, SEALED_AT, SIGNED_AT, PdfWorld, add_revision, sign_once
from tests.unit.signature_cases import Case

PdfCase = Case[PdfWorld, bytes]
PASSED, UNCLEAR, FAILED = Indication.PASSED, Indication.INDETERMINATE, Indication.FAILED
CHANGED, FORMAT, HASH = "SIG_CONSTRAINTS_FAILURE", "FORMAT_FAILURE", "HASH_FAILURE"
_RANK = {PASSED: 0, UNCLEAR: 1, FAILED: 2}


def worst_verdict(verdicts: tuple[Verdict, ...]) -> Verdict:
    """The first of those that say the worst."""
    return max(verdicts, key=lambda one: _RANK[one.indication])


FORGERY: tuple[PdfCase, ...] = (
    Case(
        "usf-no-contents",
        "Chữ ký không có nội dung (/Contents bị đổi tên)",
        "No /Contents: the entry renamed",
        lambda w: a.edited(w.leader, re.compile(rb"/Contents <"), lambda _: b"/Contentz <"),
        FAILED,
        FORMAT,
    ),
    Case(
        "usf-null-contents",
        "Nội dung chữ ký là null",
        "/Contents is null",
        a.contents(b"/Contents null"),
        FAILED,
        FORMAT,
    ),
    Case(
        "usf-empty-contents",
        "Nội dung chữ ký rỗng",
        "/Contents is empty",
        a.contents(b"/Contents <>"),
        FAILED,
        FORMAT,
    ),
    Case(
        "usf-zero-contents",
        "Nội dung chữ ký toàn số 0",
        "/Contents is zeros",
        lambda w: a.edited(w.leader, a.CONTENTS, lambda m: b"/Contents <" + b"0" * len(m[1]) + b">"),
        FAILED,
        FORMAT,
    ),
    Case(
        "usf-no-range",
        "Không có phạm vi ký (/ByteRange bị đổi tên)",
        "No /ByteRange: the entry renamed",
        lambda w: a.edited(w.signed, re.compile(rb"/ByteRange"), lambda _: b"/ByteRanze"),
        FAILED,
        CHANGED,
    ),
    Case(
        "usf-null-range",
        "Phạm vi ký là null",
        "/ByteRange is null",
        a.range(b"/ByteRange null"),
        FAILED,
        FORMAT,
    ),
    Case(
        "usf-empty-range", "Phạm vi ký rỗng", "/ByteRange is empty", a.range(b"/ByteRange []"), FAILED, FORMAT
    ),
    Case(
        "usf-zero-range",
        "Phạm vi ký dài 0 byte",
        "/ByteRange of no bytes",
        a.range(b"/ByteRange [0 0 0 0]"),
        FAILED,
        FORMAT,
    ),
    Case(
        "usf-negative-range",
        "Phạm vi ký có số âm",
        "/ByteRange with a negative length",
        a.range(b"/ByteRange [0 %(a)s -1 9]"),
        FAILED,
        FORMAT,
    ),
    Case(
        "usf-two-numbers",
        "Phạm vi ký chỉ có một đoạn",
        "/ByteRange of one part only",
        a.range(b"/ByteRange [0 %(a)s]"),
        FAILED,
        FORMAT,
    ),
    Case(
        "usf-transplanted",
        "Chữ ký lấy từ văn bản khác của cùng người ký",
        "The signature of another document",
        a.transplanted,
        FAILED,
        HASH,
    ),
)


INCREMENTAL: tuple[PdfCase, ...] = (
    Case(
        "isa-page",
        "Thay nội dung trang sau khi ký",
        "The page repainted after signing",
        a.later(a.painted),
        FAILED,
        CHANGED,
    ),
    Case(
        "isa-new-page",
        "Thêm trang sau khi ký",
        "A page added after signing",
        a.later(a.page_added),
        FAILED,
        CHANGED,
    ),
    Case(
        "isa-annotation",
        "Thêm ghi chú che nội dung sau khi ký",
        "A note over the page after signing",
        a.later(a.noted),
        FAILED,
        CHANGED,
    ),
    Case(
        "isa-script",
        "Thêm mã lệnh chạy khi mở tệp",
        "A script that runs on opening",
        a.later(a.scripted),
        FAILED,
        CHANGED,
    ),
    Case(
        "isa-raw",
        "Bản cập nhật viết tay thay nội dung trang",
        "An update by hand with table and trailer",
        a.by_hand(True, True),
        FAILED,
        CHANGED,
    ),
    Case(
        "isa-no-table",
        "Bản cập nhật không có bảng xref",
        "An update without a table",
        a.by_hand(False, True),
        FAILED,
        FORMAT,
    ),
    Case(
        "isa-no-trailer",
        "Bản cập nhật không có trailer",
        "An update without a trailer",
        a.by_hand(True, False),
        FAILED,
        FORMAT,
    ),
    Case(
        "isa-neither",
        "Bản cập nhật chỉ có đối tượng",
        "An update of objects only",
        a.by_hand(False, False),
        FAILED,
        FORMAT,
    ),
    Case(
        "isa-copied-signature",
        "Bản cập nhật kèm bản sao chữ ký",
        "An update with a copy of the signature",
        a.with_copy,
        FAILED,
        CHANGED,
    ),
    Case(
        "isa-unlisted",
        "Đối tượng ngoài bảng xref, lặp lại phần cuối tệp",
        "An unlisted object and the old end repeated",
        a.unlisted,
        FAILED,
        CHANGED,
    ),
    Case(
        "isa-trailing",
        "Nối thêm byte vào cuối tệp",
        "Bytes appended",
        lambda w: w.signed + b"\0" * 100,
        FAILED,
        CHANGED,
    ),
    Case(
        "isa-form-removed",
        "Gỡ biểu mẫu chứa chữ ký",
        "The form with the signatures removed",
        a.later(a.removed),
        UNCLEAR,
        "SIGNED_DATA_NOT_FOUND",
    ),
    Case(
        "isa-field-removed",
        "Gỡ chữ ký của người có thẩm quyền",
        "The person's signature field removed",
        a.later(a.field_removed),
        FAILED,
        CHANGED,
    ),
    Case(
        "isa-between",
        "Sửa giữa hai chữ ký",
        "An edit between the two signatures",
        lambda w: sign_once(add_revision(w.leader, a.painted), w.agency, "CoQuan", SEALED_AT),
        FAILED,
        CHANGED,
    ),
)


WRAPPING: tuple[PdfCase, ...] = (
    Case(
        "swa-moved",
        "Dời phần đã ký, chèn bảng xref và nội dung khác",
        "The signed end moved, another table in its place",
        a.wrapped,
        FAILED,
        CHANGED,
    ),
    Case(
        "swa-gap",
        "Chèn byte cạnh giá trị chữ ký",
        "Bytes put beside the signature's value",
        a.gap,
        FAILED,
        FORMAT,
    ),
    Case(
        "swa-prefix",
        "Chèn byte trước phần đầu tệp",
        "Bytes put before the file",
        lambda w: b"x" * 32 + b"\n" + w.signed,
        FAILED,
        FORMAT,
    ),
)


SHADOW: tuple[PdfCase, ...] = (
    Case(
        "shadow-replace",
        "Ô văn bản chuẩn bị trước, đổi giá trị sau khi ký",
        "A text field filled after signing",
        a.shadow_replaced,
        FAILED,
        CHANGED,
    ),
    Case(
        "shadow-hide",
        "Lớp che bị gỡ sau khi ký",
        "The covering layer freed after signing",
        a.shadow_hidden,
        FAILED,
        CHANGED,
    ),
    Case(
        "shadow-switch",
        "Bảng xref mới trỏ tới đối tượng chuẩn bị sẵn",
        "A new table names an object prepared before signing",
        a.shadow_switched,
        FAILED,
        CHANGED,
    ),
    Case(
        "shadow-font",
        "Đổi phông chữ sau khi ký",
        "The font replaced after signing",
        a.later(a.font_replaced),
        FAILED,
        CHANGED,
    ),
)


CERTIFIED: tuple[PdfCase, ...] = (
    Case(
        "certified-evil-annotation",
        "Ghi chú che nội dung văn bản cho phép ghi chú",
        "A note over a document that permits notes",
        a.evil_annotation,
        FAILED,
        CHANGED,
    ),
    Case(
        "certified-sneaky-signature",
        "Chữ ký lạ che nội dung văn bản",
        "A stranger's signature over the page",
        a.sneaky,
        FAILED,
        CHANGED,
    ),
    Case(
        "certified-no-changes",
        "Ký thêm lên văn bản cấm thay đổi",
        "A signature on a document that permits no changes",
        a.forbidden,
        FAILED,
        CHANGED,
    ),
    Case(
        "covering-field",
        "Ô chữ ký chưa ký che nội dung",
        "An unsigned field over the page",
        lambda w: add_revision(w.leader, a.cover),
        FAILED,
        CHANGED,
    ),
)


TIMES: tuple[PdfCase, ...] = (
    Case(
        "key-forged",
        "Chứng thư số đúng, khóa không khớp",
        "The right certificate, another key",
        a.forged_key,
        FAILED,
        "SIG_CRYPTO_FAILURE",
    ),
    Case(
        "key-stranger",
        "Chứng thư số tự tạo mang tên cơ quan",
        "A certificate of one's own in the agency's name",
        lambda w: sign_once(w.page, a.stranger(w), "CoQuan", SEALED_AT),
        UNCLEAR,
        "NO_CERTIFICATE_CHAIN_FOUND",
    ),
    Case(
        "key-rsa-1024",
        "Khóa RSA 1024 bit",
        "An RSA key of 1024 bits",
        a.by(Knobs(key=KeyKind.RSA_1024)),
        FAILED,
        "CRYPTO_CONSTRAINTS_FAILURE",
    ),
    Case(
        "digest-sha1",
        "Băm SHA-1",
        "Digest SHA-1",
        lambda w: sign_once(w.page, w.person, "NguoiKy", SIGNED_AT, digest=hashes.SHA1()),
        FAILED,
        "CRYPTO_CONSTRAINTS_FAILURE",
    ),
    Case(
        "time-expired-before",
        "Chứng thư số hết hạn trước khi ký",
        "Certificate over before signing",
        a.by(replace(P256, not_after=SIGNED_AT - timedelta(days=1))),
        FAILED,
        "EXPIRED",
    ),
    Case(
        "time-expired-since",
        "Chứng thư số hết hạn sau khi ký",
        "Certificate over since signing",
        a.by(replace(P256, not_after=SIGNED_AT + timedelta(minutes=5))),
        PASSED,
    ),
    Case(
        "time-not-yet-valid",
        "Ký trước ngày chứng thư số có hiệu lực",
        "Signed before the certificate began",
        a.by(replace(P256, not_before=SIGNED_AT + timedelta(hours=1))),
        FAILED,
        "NOT_YET_VALID",
    ),
    Case(
        "time-future",
        "Thời điểm ký ở tương lai",
        "Signed in the future",
        a.by(P256, datetime(2020, 5, 1, tzinfo=UTC)),
        UNCLEAR,
        "TIMESTAMP_ORDER_FAILURE",
    ),
    Case(
        "time-stamp-trusted",
        "Dấu thời gian tin cậy chứng minh ký khi còn hạn",
        "A trusted timestamp proves the time",
        a.stamped(True),
        PASSED,
    ),
    Case(
        "time-stamp-untrusted",
        "Dấu thời gian không tin cậy",
        "A timestamp of no authority decides nothing",
        a.stamped(False),
        FAILED,
        "EXPIRED",
    ),
)


HARMLESS: tuple[PdfCase, ...] = (
    Case(
        "genuine",
        "Người có thẩm quyền ký trước, cơ quan ký sau",
        "Person, then agency",
        lambda w: w.signed,
        PASSED,
    ),
    Case(
        "genuine-leader",
        "Chỉ có chữ ký của người có thẩm quyền",
        "The person's signature alone",
        lambda w: w.leader,
        PASSED,
    ),
    Case(
        "genuine-agency",
        "Chỉ có chữ ký của cơ quan",
        "The agency's signature alone",
        lambda w: sign_once(w.page, w.agency, "CoQuan", SEALED_AT),
        PASSED,
    ),
    Case(
        "rolled-back",
        "Gỡ chữ ký của cơ quan, còn bản người có thẩm quyền đã ký",
        "The agency's signature cut off",
        lambda w: w.signed[: len(w.leader)],
        PASSED,
    ),
    Case(
        "padding",
        "Phần đệm sau giá trị chữ ký bị đổi",
        "The padding behind the value changed",
        a.padded,
        PASSED,
    ),
)


PDF_SECTIONS: tuple[tuple[str, tuple[PdfCase, ...]], ...] = (
    ("PDF: universal signature forgery", FORGERY),
    ("PDF: incremental saving", INCREMENTAL),
    ("PDF: signature wrapping", WRAPPING),
    ("PDF: shadow attacks", SHADOW),
    ("PDF: certified documents", CERTIFIED),
    ("PDF: keys, algorithms, time", TIMES),
    ("PDF: what changes nothing that is signed", HARMLESS),
)


PDF_CASES: tuple[PdfCase, ...] = tuple(case for _, cases in PDF_SECTIONS for case in cases)
