"""Secret documents never enter: marks in any form are found, harmless words are not."""

from __future__ import annotations

import csv
import time
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from checks_world import SOUND, STATUS, findings, rules
from hypothesis import given
from hypothesis import strategies as st

from gateway.checks.secrecy import mark_in_file_name, mark_in_text, mark_on_page
from gateway.checks.secrecy_table import VALID_FROM, VERSION
from gateway.model.envelope import Attachment, DocumentType, Envelope, Extension, OtherInfo, Reference
from gateway.model.finding import Decision, Severity, decide

VECTORS = Path(__file__).parents[1] / "corpus" / "vectors" / "secrecy.csv"
ROWS = list(csv.DictReader(VECTORS.read_text(encoding="utf-8").splitlines()))
DECISIONS = {"yes": Decision.REFUSE, "hold": Decision.HOLD, "no": Decision.ACCEPT}


def attached(name: str) -> Envelope:
    return replace(SOUND, attachments=(Attachment("1", name, 10, b"\1" * 32, "", "pdf"),))


def ascii_start(text: str) -> str:
    return ascii(text[:6])


def extended(path: str, text: str) -> Envelope:
    return replace(SOUND, extensions=(Extension(path, text),))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["text"])
def test_vector_is_decided_as_agreed(row: dict[str, str]) -> None:
    message = (
        attached(row["text"])
        if row["field"] == "file_name"
        else replace(SOUND, **{row["field"]: row["text"]})
    )
    assert decide(findings(message)) is DECISIONS[row["secret"]]


SECRET_TEXTS = [
    "MẬT",
    "mật",
    "(Mật)",
    "Độ mật: Mật",
    "Mức độ mật: TỐI MẬT",
    "Văn bản mật",
    "Mật - Kế hoạch diễn tập",
    "Kế hoạch diễn tập [MẬT]",
    "MẬT/HỎA TỐC",
    "M Ậ T",
    "M.Ậ.T: Kế hoạch",
    "(M Ậ T) Kế hoạch",
    "T Ố I  M Ậ T về quân số",
    "TỐIMẬT",
    "ＭẬＴ: kế hoạch",
    "M\u200bẬ\u200dT\ufeff",
    "M\u00adẬT",
    "\u041cẬ\u0422",  # Cyrillic М and Т
    "M\u034fẬT",  # combining grapheme joiner
    "TUYỆT M\u034fẬT",
    "TUYỆT MẬ\ufe0fT",  # variation selector
    "TUYỆT M\u180bẬ\U000e0101T",
    "M\u17b4Ậ\u2065T",
    "TUYỆT M\x80ẬT",
    "TỐI\u3164MẬT",  # Hangul fillers
    "TỐI\uffa0M\u1160Ậ\u115fT",
    "TUYỆT\u2800MẬT",  # Braille blank
    "Kế hoạch\u2028MẬT\u2029Kính gửi",  # lines
    "TUYỆT \u13b7ẬT",  # Cherokee
    "\ua4d4\ua4f4\ua4ecỆT \ua4dfẬ\ua4d4",  # Lisu
    "\u03a4\u039f\u0302\u0301\u0399 \u039c\u0391\u0323\u0302\u03a4",  # Greek
    "\u0422\u0423YỆT MẬT",  # Cyrillic У for U
    "\u1d0d\u1d00\u0323\u0302\u1d1b",  # small capitals
    "\U0001d40c\U0001d400\u0323\u0302\U0001d413",  # mathematical
    "\U0001f17c\U0001f170\U0001f183",  # squares
    "\u24c2\u24b6\u24c9",  # circles
    "M\u0332Ậ\u0332T\u0332: kế hoạch",  # underlined
    "M\u0301ẬT\u0309",  # accents on consonants
    "M\u1eac\u0302\u0302\u0323\u0323T",  # accents twice
    "\ufdfa\nMẬT\n\ufdfa",
    "Báo cáo tuyệt  mật của Ban Chỉ huy",
    "Báo cáo tuyệt\u00a0mật",
    "TUYET MAT",
    "[TOI MAT] Phuong an A2",
    "MAT: Ke hoach",
    "tài liệu độ mật mật kèm theo",
]
HARMLESS_TEXTS = [
    "V/v cấp mật khẩu",
    "V/v giải mật, bảo mật, bí mật",
    "Bảo mật: quy định mới",
    "Mật độ: 500 người/km2",
    "V/v sản phẩm ong (mật, sáp)",
    "Thông báo mất con dấu",
    "Mất",
    "Bề mặt: đường nhựa",
    "Độ mật: Thường",
    "V/v quản lý văn bản mật tại các xã",
    "Mặt trận Tổ quốc",
    "Công văn",
    "",
]


@pytest.mark.parametrize("text", SECRET_TEXTS)
def test_mark_is_found_in_any_case_accent_and_spacing(text: str) -> None:
    assert mark_in_text(text) is Severity.REFUSE


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
@pytest.mark.parametrize("text", SECRET_TEXTS)
def test_mark_is_found_in_any_unicode_form(text: str, form: str) -> None:
    assert mark_in_text(unicodedata.normalize(form, text)) is Severity.REFUSE  # type: ignore[arg-type]


def test_mark_is_found_whatever_the_order_of_combining_accents() -> None:
    assert mark_in_text("MA\u0302\u0323T") is mark_in_text("MA\u0323\u0302T") is Severity.REFUSE


@pytest.mark.parametrize("text", HARMLESS_TEXTS)
def test_harmless_words_are_no_mark(text: str) -> None:
    assert mark_in_text(text) is None


def test_unaccented_words_that_also_mean_i_lost_are_held() -> None:
    assert mark_in_text("Don trinh bao toi mat the can bo") is Severity.HOLD


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("QD_123_MẬT.pdf", Severity.REFUSE),
        ("(MẬT) Ke hoach.pdf", Severity.REFUSE),
        ("MẬT.signed.pdf", Severity.REFUSE),
        ("PhuongAnTuyetMat.pdf", Severity.REFUSE),
        ("phuong_an_tuyet_mat.pdf", Severity.REFUSE),
        ("TỐI MẬT.docx", Severity.REFUSE),
        ("Ke hoach mật.pdf", Severity.HOLD),
        ("MAT.pdf", Severity.HOLD),
        ("QD123MAT.pdf", Severity.HOLD),
        ("QD-MAT-2020.pdf", Severity.HOLD),
        ("M_A_T.pdf", Severity.HOLD),
        ("TOI MAT.pdf", Severity.HOLD),
        ("mật_ong.pdf", None),
        ("MAT_DO_XAY_DUNG.pdf", None),
        ("cong_tac_bao_mat.pdf", None),
        ("giai_phong_mat_bang.pdf", None),
        ("MatTran.pdf", None),
        ("rut_tien_mat.pdf", None),
        ("Bảo mật.pdf", None),
        ("THONG_BAO_MAT.pdf", Severity.HOLD),
        ("Thông báo mật.pdf", Severity.HOLD),
        ("KH_MAT_DIEN_TAP.pdf", Severity.HOLD),
        ("format.pdf", None),
        ("362_cv-362.signed.pdf", None),
        ("Tờ trình.signed.pdf", None),
        ("KH_M\u034fẬT.pdf", Severity.REFUSE),
        ("Tuyệt\u3164mật.pdf", Severity.REFUSE),
        ("Tuyệt_\u13b7ật.pdf", Severity.REFUSE),
        ("PhuongAnTuyet\u13b7at.pdf", Severity.REFUSE),
        ("", None),
    ],
)
def test_file_name_is_refused_held_or_let_through(name: str, severity: Severity | None) -> None:
    assert mark_in_file_name(name) is severity
    assert mark_in_file_name(unicodedata.normalize("NFD", name)) is severity


@pytest.mark.parametrize(
    ("message", "where"),
    [
        (replace(SOUND, subject="MẬT: Kế hoạch"), "Subject"),
        (replace(SOUND, content="(Tối mật) tóm tắt"), "Content"),
        (replace(SOUND, document_type=DocumentType("1", "0", "Văn bản mật")), "DocumentType/TypeName"),
        (replace(SOUND, other=OtherInfo(appendixes=("Phụ lục 1", "[MẬT]"))), "OtherInfo/Appendixes/Appendix"),
        (attached("Tuyệt mật.pdf"), "AttachmentName"),
        (replace(SOUND, references=(Reference("1", "", "", "Tuyệt mật.pdf"),)), "AttachmentName"),
        (replace(SOUND, references=(Reference("1", "", "Mật", "1.pdf"),)), "Attachment/Description"),
        (extended("MessageHeader/DoMat", "Mật"), "MessageHeader/DoMat"),
    ],
)
def test_mark_in_any_field_refuses_and_names_the_field(message: Envelope, where: str) -> None:
    marked = [finding for finding in findings(message) if finding.rule == "secrecy.marked"]
    assert [(finding.where, finding.severity) for finding in marked] == [(where, Severity.REFUSE)]
    assert marked[0].clause == "QĐ 28/2018 Đ1.2"


@pytest.mark.parametrize(
    "name", ["DoMat", "DO_MAT", "Độ_mật", "SecurityLevel", "Secrecy", "is-secret", "BMNN"]
)
@pytest.mark.parametrize("frame", ["MessageHeader/{}", "MessageHeader/OtherInfo@{}", "Extra/{}/Code"])
def test_element_or_attribute_so_named_refuses(name: str, frame: str) -> None:
    assert rules(extended(frame.format(name), "2"))["secrecy.marked"] is Severity.REFUSE


@pytest.mark.parametrize("value", ["", "Thường", "THƯỜNG", "không", "0", "false", "None", "Công khai"])
def test_element_that_says_not_secret_is_harmless(value: str) -> None:
    assert "secrecy.marked" not in rules(extended("MessageHeader/DoMat", value))


@pytest.mark.parametrize("path", ["Header/Security", "Extra/Classification", "Extra/MatKhau", "Extra/BaoMat"])
def test_element_of_another_name_is_harmless(path: str) -> None:
    assert "secrecy.marked" not in rules(extended(path, "2"))


def test_element_in_a_status_refuses_too() -> None:
    status = replace(STATUS, extensions=(Extension("MessageHeader/DoMat", "Mật"),))
    assert rules(status)["secrecy.marked"] is Severity.REFUSE


def test_reason_of_a_recall_may_speak_of_secrecy() -> None:
    reason = replace(SOUND.business, reason="Thu hồi do văn bản có độ mật: Mật")
    assert "secrecy.marked" not in rules(replace(SOUND, business=reason))


def test_nothing_said_of_a_secret_document_quotes_it() -> None:
    message = replace(
        SOUND,
        subject="TUYỆT MẬT - Phương án Zeta",
        document_type=DocumentType("1", "0", "Loại Zeta"),
        code_number="Zeta" * 9,
        attachments=(Attachment("1", "Zeta.pdf", 0, b"", "", "empty"),),
        signer=replace(SOUND.signer, competence="Zeta"),
    )
    said = findings(message)
    assert "Zeta" not in "".join(f"{f.where}{f.text.vi}{f.text.en}" for f in said)
    assert {finding.rule for finding in said} == {"secrecy.marked"}


def test_line_of_a_page_that_is_a_mark_is_seen() -> None:
    assert mark_on_page("UBND TỈNH LẠNG SƠN\nMẬT\nSố: 12/KH-UBND")
    assert not mark_on_page("UBND TỈNH LẠNG SƠN\nSố: 12/KH-UBND\nV/v bảo mật thông tin")


def test_table_is_versioned_and_dated() -> None:
    assert VERSION
    assert VALID_FROM.year >= 2026


@given(st.text(max_size=60))
def test_any_text_is_judged_without_error(text: str) -> None:
    for judge in (mark_in_text, mark_in_file_name):
        assert judge(text) in (None, Severity.HOLD, Severity.REFUSE)


def default_ignorable() -> list[str]:
    """Unicode 15, DerivedCoreProperties: code points that a program shows as nothing."""
    ranges = (
        *((0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5)),
        *((0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164)),
        *((0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8)),
        *((0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)),
    )
    return [chr(point) for first, last in ranges for point in range(first, last + 1)]


@pytest.mark.parametrize("at", range(4))
def test_invisible_characters_hide_nothing(at: int) -> None:
    hidden = (c for c in default_ignorable() if mark_in_text("MẬT"[:at] + c + "MẬT"[at:]) is None)
    assert [f"U+{ord(c):04X}" for c in hidden] == []


@pytest.mark.parametrize("count", [9, 5_000])
def test_mark_under_a_heap_of_accents_is_found(count: int) -> None:
    assert mark_in_text("MA" + "\u0302\u0323" * count + "T") is Severity.REFUSE
    assert mark_in_text("MA" + "\u0335\u0316" * count + "\u0323\u0302T") is Severity.REFUSE


@pytest.mark.parametrize(
    "text",
    [
        *("t " * 200_000, "m" + " " * 400_000 + "ậ t", "(" * 300_000, "tối " * 100_000),
        *("1 mat_" * 60_000, "(mat x)" * 50_000, "\ufdfa" * 300_000, "\u3300" * 100_000),
        *("a" + "\u0323\u0302" * 150_000, "a" + "\u0323\uff9e" * 150_000),
    ],
    ids=ascii_start,
)
def test_long_hostile_text_is_judged_in_linear_time(text: str) -> None:
    began = time.process_time()
    mark_in_text(text)
    mark_in_file_name(text)
    assert time.process_time() - began < 2
