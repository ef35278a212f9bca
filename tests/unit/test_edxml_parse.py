"""Reading liberally: what real senders write differently is read the same."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

import pytest

from gateway.edxml.parse import EnvelopeReader, parse_envelope
from gateway.edxml.read_values import read_date
from gateway.model.envelope import Dialect, Envelope, Extension, Kind, SignatureForm
from gateway.model.finding import Decision, decide
from tests.unit import edxml_world as w

HEADER = "edXML/edXMLEnvelope/edXMLHeader/MessageHeader"


def envelope(data: bytes) -> Envelope:
    return w.read(data).envelope


def rules(data: bytes) -> list[str]:
    return [finding.rule for finding in w.read(data).findings]


def moved_to_end(data: bytes, element: str) -> bytes:
    """The element becomes the last child of MessageHeader."""
    pattern = rf"(<edXML:{element}>.*?</edXML:{element}>)(.*)(</edXML:MessageHeader>)"
    moved = re.sub(pattern.encode(), rb"\2\1\3", data, flags=re.DOTALL)
    assert moved != data
    return moved


def called_business(data: bytes) -> bytes:
    """The block with the correct English word, which is wrong."""
    renamed = w.change(data, "<edXML:Bussiness>", "<edXML:Business>")
    return w.change(renamed, "</edXML:Bussiness>", "</edXML:Business>")


def test_a_message_in_any_chunks_is_the_same_message() -> None:
    data = w.message()
    whole = parse_envelope(data)
    for size in (1, 7, 100, 65_536):
        reader = EnvelopeReader()
        for start in range(0, len(data), size):
            reader.feed(data[start : start + size])
        assert reader.close().envelope == whole.envelope


def test_an_iterable_of_chunks_is_read() -> None:
    data = w.message()
    assert parse_envelope(iter([data[:500], data[500:]])).envelope == envelope(data)


def test_the_order_of_elements_does_not_matter() -> None:
    assert envelope(moved_to_end(w.message(), "From")) == envelope(w.message())


@pytest.mark.parametrize("style", ["odd-all-prefixed", "odd-nothing-prefixed", "odd-attachments-first"])
def test_either_prefix_style_reads_the_same(style: str) -> None:
    data = (w.CORPUS / "good" / f"{style}.edxml").read_bytes()
    assert envelope(data) == envelope(w.message())


def test_a_declared_utf16_over_utf8_bytes_is_read_with_a_warning() -> None:
    data = w.change(w.message(), 'encoding="UTF-8"', 'encoding="utf-16"')
    assert rules(data) == ["envelope.encoding_declared"]
    assert envelope(data).subject == "V/v thử nghiệm"


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert envelope(b"\xef\xbb\xbf" + w.message()).subject == "V/v thử nghiệm"


def test_the_text_null_is_empty_wherever_it_stands() -> None:
    assert envelope(w.change(w.message(), "Sở TTTT", "null")).recipients[0].name == ""


def test_an_empty_element_equals_a_missing_one() -> None:
    assert envelope(w.change(w.message(), ">Sở TTTT<", "> \n <")).recipients[0].name == ""


def test_a_decomposed_text_is_read_composed() -> None:
    decomposed = unicodedata.normalize("NFD", "V/v thử nghiệm")
    assert decomposed != "V/v thử nghiệm"
    assert envelope(w.change(w.message(), "V/v thử nghiệm", decomposed)).subject == "V/v thử nghiệm"


def test_a_subject_of_500_characters_is_read_whole() -> None:
    subject = ("Về việc triển khai " * 30)[:500].strip()
    assert envelope(w.change(w.message(), "V/v thử nghiệm", subject)).subject == subject


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("2020/04/13", date(2020, 4, 13)),
        ("13/04/2020", date(2020, 4, 13)),
        ("13-4-2020", date(2020, 4, 13)),
        ("2020-04-13", date(2020, 4, 13)),
        ("2020-04-13T00:00:00+07:00", date(2020, 4, 13)),
        ("2023/03/14 00:00:00", date(2023, 3, 14)),
        ("13/04/2020 15:30:00", date(2020, 4, 13)),
        ("20200413", date(2020, 4, 13)),
        ("13.04.2020", date(2020, 4, 13)),
        ("2014/02/30", None),
        ("31/04/2020", None),
        ("0001-01-01T00:00:00", None),
        ("2020/04-13", None),
        ("tháng 4 năm 2020", None),
        ("２０２０/04/13", None),
        ("", None),
    ],
)
def test_a_date_is_read_in_the_forms_in_use_and_keeps_its_text(raw: str, value: date | None) -> None:
    read = read_date(raw)
    assert (read.raw, read.value) == (raw, value)


def test_an_impossible_date_of_issue_keeps_its_text() -> None:
    read = envelope(w.change(w.message(), "2020/04/13</edXML:Prom", "2014/02/30</edXML:Prom"))
    assert (read.promulgation_date.raw, read.promulgation_date.value) == ("2014/02/30", None)


def test_an_impossible_due_date_is_noted() -> None:
    assert rules(w.message(header="<edXML:DueDate>2020/02/30</edXML:DueDate>")) == ["due_date.impossible"]


@pytest.mark.parametrize(("written", "code"), [("3", "03"), ("03", "03"), (" 13 ", "13")])
def test_a_status_code_has_one_or_two_digits(written: str, code: str) -> None:
    report = envelope(w.status(written)).status
    assert report is not None
    assert report.code == code


def test_a_status_is_about_its_document_and_goes_to_its_addressee() -> None:
    read = envelope(w.status())
    assert read.kind is Kind.STATUS
    assert read.document_id == "000.00.00.H37,2020/04/13,1/UBND-VP"
    assert read.response_for[0].organ_id == "000.00.00.H37"
    assert read.recipients == ()


@pytest.mark.parametrize(
    ("number", "kind"), [("0", Kind.NEW), ("1", Kind.REVOKE), ("2", Kind.UPDATE), ("03", Kind.REPLACE)]
)
def test_the_business_number_is_the_kind(number: str, kind: Kind) -> None:
    assert envelope(w.change(w.message(), "DocType>0<", f"DocType>{number}<")).kind is kind


def test_a_missing_or_empty_business_block_is_a_new_document() -> None:
    assert envelope((w.CORPUS / "good" / "odd-no-business.edxml").read_bytes()).kind is Kind.NEW
    empty = w.change(w.message(), "<edXML:BussinessDocType>0</edXML:BussinessDocType>", "")
    assert envelope(empty).kind is Kind.NEW


def test_a_recall_in_a_misspelled_block_is_not_taken_for_a_new_document() -> None:
    recall = w.read(w.change(called_business(w.message()), "DocType>0<", "DocType>1<"))
    assert recall.envelope.kind is Kind.REVOKE
    assert [finding.rule for finding in recall.findings] == ["element.wrong_case", "business.misspelled"]


def test_a_misspelled_block_that_says_new_is_only_a_warning() -> None:
    assert rules(called_business(w.message())) == ["element.wrong_case"]


def test_a_block_misspelled_throughout_is_understood() -> None:
    data = w.message().replace(b"Bussiness", b"Business")
    assert envelope(w.change(data, "DocType>0<", "DocType>2<")).kind is Kind.UPDATE


def test_an_update_says_what_changed_and_for_whom() -> None:
    read = envelope((w.CORPUS / "good" / "update-cv-384.edxml").read_bytes())
    changes = {change.organ_id: change.added for change in read.business.receiver_changes}
    assert changes == {"000.00.20.H37": True, "000.00.03.H37": False}
    assert (read.business.content_changed, read.business.receivers_changed) == (False, True)
    assert read.business.document_id == read.document_id


def test_a_replacement_names_what_it_replaces_and_who_had_it() -> None:
    read = envelope((w.CORPUS / "good" / "replace-kh-67.edxml").read_bytes())
    (replaced,) = read.business.replacements
    assert replaced.document_id == "000.00.00.H37,2020/04/14,67/KH-UBND"
    assert replaced.organ_ids == ("000.00.07.H37", "000.00.31.H37", "000.00.32.H37")


def test_an_unknown_element_is_kept_with_its_place() -> None:
    read = envelope(w.message(header='<edXML:DoMat muc="1"><edXML:Ten>Mật</edXML:Ten></edXML:DoMat>'))
    assert read.extensions == (
        Extension(f"{HEADER}/DoMat/@muc", "1"),
        Extension(f"{HEADER}/DoMat/Ten", "Mật"),
    )


def test_an_unknown_element_without_text_is_kept_for_its_name() -> None:
    (kept,) = envelope(w.message(header="<edXML:TuyetMat/>")).extensions
    assert kept == Extension(f"{HEADER}/TuyetMat", "")


def test_foreign_elements_and_stray_text_are_kept() -> None:
    read = envelope(w.message(header='chữ lạc<x:y xmlns:x="urn:x">z</x:y>'))
    assert set(read.extensions) == {Extension(HEADER, "chữ lạc"), Extension(f"{HEADER}/y", "z")}


def test_attributes_about_the_xml_itself_are_not_kept() -> None:
    xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true" xml:lang="vi"'
    assert envelope(w.change(w.message(), "<edXML:Subject>", f"<edXML:Subject {xsi}>")).extensions == ()


def test_staff_inside_a_trace_header_is_kept_as_unknown() -> None:
    staff = "<edXML:TraceHeader><edXML:StaffInfo><edXML:Staff>A</edXML:Staff></edXML:StaffInfo>"
    (kept,) = envelope(w.change(w.message(), "<edXML:TraceHeader>", staff)).extensions
    assert kept.path.endswith("TraceHeaderList/TraceHeader/StaffInfo/Staff")


def test_a_copy_of_a_field_counts_once_and_is_noted() -> None:
    data = w.message(header="<edXML:Subject>V/v thử nghiệm</edXML:Subject>")
    assert envelope(data).subject == "V/v thử nghiệm"
    assert rules(data) == ["element.repeated"]


def test_a_copied_block_is_noted_and_a_block_that_says_something_else_is_refused() -> None:
    number = "<edXML:CodeNumber>{}</edXML:CodeNumber>"
    block = f"<edXML:Code>{number}<edXML:CodeNotation>UBND-VP</edXML:CodeNotation></edXML:Code>"
    assert rules(w.message(header=block.format(1))) == ["element.repeated"]
    assert rules(w.message(header=block.format(2))) == ["element.contradictory"]


def test_another_value_of_a_field_that_stands_once_refuses_the_message() -> None:
    parsed = w.read(w.message(header="<edXML:Subject>TUYỆT MẬT</edXML:Subject>"))
    assert decide(parsed.findings) is Decision.REFUSE
    assert "Trích yếu (Subject)" in parsed.findings[0].text.vi


SINGLE = [
    "OrganId", "OrganName", "DocumentId", "CodeNumber", "CodeNotation", "Place", "PromulgationDate", "Type",
    "TypeName", "Subject", "BussinessDocType", "Timestamp", "ContentId", "ContentType", "AttachmentName",
]  # fmt: skip


@pytest.mark.parametrize("field", SINGLE)
def test_no_field_of_the_header_may_say_two_things(field: str) -> None:
    data = w.change(w.message(), f"</edXML:{field}>", f"</edXML:{field}><edXML:{field}>9</edXML:{field}>", 1)
    assert "element.contradictory" in rules(data)


@pytest.mark.parametrize("field", ["StatusCode", "Description", "Timestamp", "OrganId", "Code", "DocumentId"])
def test_no_field_of_a_status_may_say_two_things(field: str) -> None:
    more = f"</edXML:{field}><edXML:{field}>02</edXML:{field}>"
    assert "element.contradictory" in rules(w.change(w.status(), f"</edXML:{field}>", more, 1))


@pytest.mark.parametrize("field", ["ContentId", "AttachmentName", "ContentType", "FieldName", "MimeType"])
def test_no_field_of_an_attachment_may_say_two_things(field: str) -> None:
    more = f"<{field}>a</{field}><{field}>b</{field}></Attachment>"
    assert "element.contradictory" in rules(w.change(w.message(), "</Attachment>", more))


def test_what_may_stand_several_times_is_no_contradiction() -> None:
    more = (
        "<edXML:ToPlaces><edXML:Place>A</edXML:Place><edXML:Place>B</edXML:Place></edXML:ToPlaces>"
        + "".join(
            f"<edXML:ResponseFor><edXML:DocumentId>{number}</edXML:DocumentId></edXML:ResponseFor>"
            for number in range(2)
        )
    )
    assert rules(w.message(header=more)) == []


def test_two_senders_are_refused_but_read() -> None:
    data = re.sub(rb"(<edXML:From>.*?</edXML:From>)", rb"\1\1", w.message(), flags=re.DOTALL)
    assert rules(data) == ["from.not_exactly_one"]


def test_everything_that_is_missing_is_said_at_once() -> None:
    data = re.sub(rb"<edXML:(From|To|DocumentId)>.*?</edXML:\1>", b"", w.message(), flags=re.DOTALL)
    assert sorted(rules(data)) == ["document_id.missing", "from.not_exactly_one", "to.missing"]


def test_a_recipient_made_of_empties_is_no_recipient() -> None:
    data = w.message(header="<edXML:To><edXML:OrganId/><edXML:OrganName/></edXML:To>")
    assert [one.organ_id for one in envelope(data).recipients] == ["000.00.03.H37", "000.00.05.H37"]


@pytest.mark.parametrize(
    ("slot", "form"),
    [
        ("", SignatureForm.NONE),
        ("<edXML:DigitalSignature/>", SignatureForm.EMPTY),
        ("<Signature><SignatureValue>AA</SignatureValue></Signature>", SignatureForm.WRONG_NAMESPACE),
        ('<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>', SignatureForm.XMLDSIG),
    ],
)
def test_what_stands_in_the_place_of_a_signature_is_told_apart(slot: str, form: SignatureForm) -> None:
    read = envelope(w.change(w.message(), "</edXML:edXMLHeader>", f"{slot}</edXML:edXMLHeader>"))
    assert read.signature is form
    assert read.extensions == ()


def test_a_signature_hidden_elsewhere_is_still_seen() -> None:
    data = w.message(header='<x><Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/></x>')
    assert envelope(data).signature is SignatureForm.XMLDSIG


def test_the_dialect_is_guessed_from_the_place_of_the_identifier() -> None:
    assert envelope(w.message()).dialect is Dialect.JAVA
    assert envelope(moved_to_end(w.message(), "DocumentId")).dialect is Dialect.DOTNET


@pytest.mark.parametrize("root", ["EDXML", "Edxml", "edxml", "EdXML"])
def test_a_root_in_another_letter_case_is_refused_with_the_right_spelling(root: str) -> None:
    data = w.change(w.change(w.message(), "<edXML xmlns", f"<{root} xmlns"), "</edXML>", f"</{root}>")
    error = w.refused(data)
    assert error.code == "envelope.wrong_case"
    assert root in error.text.vi
    assert "viết là edXML" in error.text.vi


def test_a_wrong_namespace_is_named() -> None:
    error = w.refused(w.change(w.message(), w.NS, "http://www.go.vn/eDoc"))
    assert error.code == "envelope.wrong_namespace"
    assert "http://www.go.vn/eDoc" in error.text.vi
    assert w.NS in error.text.vi


def test_a_bare_element_outside_the_namespace_is_read_with_a_warning() -> None:
    data = w.change(w.message(), "<AttachmentEncoded>", '<AttachmentEncoded xmlns="">')
    assert rules(data) == ["element.no_namespace"]
    assert envelope(data).attachments == envelope(w.message()).attachments


@pytest.mark.parametrize("spoiled", ["<edXML:Subject xlink:href='a'>", "<ab:Subject/><edXML:Subject>"])
def test_an_undeclared_prefix_is_refused_as_every_tree_parser_would(spoiled: str) -> None:
    assert w.refused(w.change(w.message(), "<edXML:Subject>", spoiled)).code == "envelope.undeclared_prefix"


def test_an_attribute_doubled_through_two_prefixes_is_refused() -> None:
    doubled = '<edXML:Subject xmlns:a="urn:u" xmlns:b="urn:u" a:x="1" b:x="2">'
    assert w.refused(w.change(w.message(), "<edXML:Subject>", doubled)).code == "envelope.undeclared_prefix"


def test_the_line_of_an_error_is_told() -> None:
    assert "dòng 5" in w.refused(w.change(w.message(), "<edXML:To>", "<edXML:Ta>", 1)).text.vi


def test_a_quotation_from_the_sender_is_kept_short() -> None:
    error = w.refused(w.status("9" * 5_000))
    assert len(error.text.vi) < 250
