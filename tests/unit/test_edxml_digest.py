"""The same message sent again has the same digest; another message has not."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

import pytest

from gateway.edxml.digest import StatusKey, content_digest, status_key
from gateway.edxml.parse import parse_envelope
from gateway.model.envelope import Dialect
from tests.unit import edxml_world as w

OTHER_FILE = w.b64(w.PDF + b"\n")
BUSINESS = "<edXML:BussinessDocType>0</edXML:BussinessDocType>"


def with_business(more: str) -> bytes:
    return w.change(w.message(), BUSINESS, BUSINESS + more)


def other_info(element: str, text: str) -> bytes:
    return w.message(header=f"<edXML:OtherInfo><edXML:{element}>{text}</edXML:{element}></edXML:OtherInfo>")


SAME = {
    "recipients in another order": re.sub(
        rb"(<edXML:To>.*?</edXML:To>)\n(<edXML:To>.*?</edXML:To>)", rb"\2\1", w.message(), flags=re.DOTALL
    ),
    "another spelling of a code": w.change(w.message(), "000.00.03.H37", "H37.03"),
    "the sender in another spelling": w.change(w.message(), ">000.00.00.H37<", ">H37<"),
    "decomposed text": w.change(w.message(), "thử nghiệm", unicodedata.normalize("NFD", "thử nghiệm")),
    "empty elements": w.message(header="<edXML:DueDate/><edXML:Content> </edXML:Content><edXML:ToPlaces/>"),
    "the text null": w.message(header="<edXML:Content>null</edXML:Content>"),
    "an empty answer": w.message(header="<edXML:ResponseFor/>"),
    "Direction false": other_info("Direction", "false"),
    "urgency 0": other_info("Priority", "0"),
    "no cid": w.message().replace(b"cid:", b""),
    "another content id": w.message().replace(b"cid:f1", b"cid:khac"),
    "a wrapped file": w.message(w.b64(w.zipped(w.PDF))),
    "another declared type": w.message().replace(b"application/pdf", b"application/zip"),
    "another hop": re.sub(rb"<edXML:TraceHeader>.*</edXML:TraceHeader>", b"", w.message(), flags=re.DOTALL),
    "a clerk": with_business("<edXML:StaffInfo><edXML:Staff>Văn thư</edXML:Staff></edXML:StaffInfo>"),
    "no business block": re.sub(rb"<edXML:Bussiness>.*</edXML:Bussiness>", b"", w.message(), flags=re.DOTALL),
    "the date in another form": w.change(w.message(), "2020/04/13</edXML:Prom", "13/04/2020</edXML:Prom"),
    "a signature slot": w.change(
        w.message(), "</edXML:edXMLHeader>", "<edXML:DigitalSignature/></edXML:edXMLHeader>"
    ),
    "an unknown attribute": w.change(w.message(), "<edXML:Subject>", '<edXML:Subject Id="s1">'),
    "Java": w.rebuilt(w.message(), Dialect.JAVA),
    ".NET": w.rebuilt(w.message(), Dialect.DOTNET),
}
OTHER = {
    "subject": w.change(w.message(), "V/v thử nghiệm", "V/v thử nghiệm 2"),
    "number": w.change(w.message(), "<edXML:CodeNumber>1<", "<edXML:CodeNumber>2<"),
    "identifier": w.change(w.message(), "1/UBND-VP", "2/UBND-VP"),
    "date": w.change(w.message(), "2020/04/13</edXML:Prom", "2020/04/14</edXML:Prom"),
    "recipient": w.change(w.message(), "000.00.05.H37", "000.00.06.H37"),
    "name of a recipient": w.change(w.message(), "Sở TTTT", "Sở KHCN"),
    "one recipient less": w.change(
        w.message(), "<edXML:To><edXML:OrganId>000.00.05.H37</edXML:OrganId></edXML:To>", ""
    ),
    "sender": w.change(w.message(), "<edXML:OrganId>000.00.00.H37", "<edXML:OrganId>000.00.00.H38"),
    "kind": w.change(w.message(), "DocType>0<", "DocType>1<"),
    "reason": with_business("<edXML:BussinessDocReason>Sai</edXML:BussinessDocReason>"),
    "paper": with_business("<edXML:Paper>1</edXML:Paper>"),
    "file": w.message(OTHER_FILE),
    "name of a file": w.message().replace(b"cv.pdf", b"cv2.pdf"),
    "one file more": w.message(attachments=w.attachment() + w.attachment(name="b.pdf", content_id="b")),
    "urgency": other_info("Priority", "2"),
    "due date": w.message(header="<edXML:DueDate>2020/05/01</edXML:DueDate>"),
    "steering": other_info("Direction", "true"),
    "place that keeps a copy": w.message(
        header="<edXML:ToPlaces><edXML:Place>Lưu</edXML:Place></edXML:ToPlaces>"
    ),
    "answer": w.message(
        header="<edXML:ResponseFor><edXML:DocumentId>x</edXML:DocumentId></edXML:ResponseFor>"
    ),
    "unknown element": w.message(header="<edXML:HanXuLy>2020/05/01</edXML:HanXuLy>"),
}


@pytest.mark.parametrize("again", SAME.values(), ids=SAME.keys())
def test_what_a_library_writes_differently_is_the_same_message(again: bytes) -> None:
    assert again != w.message()
    assert w.digest(again) == w.digest(w.message())


@pytest.mark.parametrize("other", OTHER.values(), ids=OTHER.keys())
def test_what_says_something_else_is_another_message(other: bytes) -> None:
    assert w.digest(other) != w.digest(w.message())


def test_all_those_other_messages_differ_from_each_other() -> None:
    assert len({w.digest(other) for other in OTHER.values()}) == len(OTHER)


def test_fields_cannot_be_moved_into_each_other() -> None:
    """What separates the values cannot be written inside one."""
    one = w.change(w.message(), "<edXML:CodeNumber>1<", "<edXML:CodeNumber>1&quot;,&quot;x<")
    two = w.change(w.message(), "<edXML:CodeNotation>UBND-VP<", "<edXML:CodeNotation>x&quot;,&quot;UBND-VP<")
    assert w.digest(one) != w.digest(two)


def test_codes_are_canonical_wherever_they_occur() -> None:
    update = (w.CORPUS / "good" / "update-cv-384.edxml").read_bytes()
    replacement = (w.CORPUS / "good" / "replace-kh-67.edxml").read_bytes()
    assert w.digest(update.replace(b">000.00.20.H37<", b">H37.20<")) == w.digest(update)
    assert w.digest(replacement.replace(b">000.00.07.H37<", b">H37.07<")) == w.digest(replacement)


def test_a_receiver_added_is_not_a_receiver_removed() -> None:
    update = (w.CORPUS / "good" / "update-cv-384.edxml").read_bytes()
    assert w.digest(update.replace(b"ReceiverType>1<", b"ReceiverType>0<")) != w.digest(update)


def test_an_envelope_that_was_never_parsed_is_composed_too() -> None:
    read = parse_envelope(w.message()).envelope
    decomposed = replace(read, subject=unicodedata.normalize("NFD", read.subject))
    assert w.digest_of(decomposed) == w.digest_of(read)


def test_the_digest_of_a_known_message_never_changes() -> None:
    """Stored digests recognise old messages: another value here breaks every installation."""
    sample = (w.CORPUS / "good" / "new-cv-362.edxml").read_bytes()
    assert w.digest(sample).hex() == ("831ea097c49f91fdd46c3235102da6981ddc9e5cc2271eff58c6e693861978dd")


# statuses


def key(data: bytes) -> StatusKey:
    return status_key(parse_envelope(data).envelope, w.canonical)


def test_the_key_of_a_status_holds_canonical_codes() -> None:
    document_id = "000.00.00.H37,2020/04/13,1/UBND-VP"
    assert key(w.status("3")) == StatusKey("H37.03", "H37", document_id, "03", "2020/04/13 16:02:00")


def test_a_status_in_other_words_is_the_same_status() -> None:
    assert key(w.change(w.status(), "Đã tiếp nhận", "Đã nhận")) == key(w.status())
    assert key(w.status("3").replace(b"000.00.03.H37", b"H37.03")) == key(w.status())


def test_one_recall_to_two_recipients_is_two_statuses() -> None:
    recall = (w.CORPUS / "good" / "status-13-cv-373.edxml").read_bytes()
    assert key(recall) != key(w.change(recall, "000.00.31.H37", "000.00.32.H37"))


@pytest.mark.parametrize(
    ("old", "new"), [("16:02:00", "16:02:01"), ("<edXML:StatusCode>03", "<edXML:StatusCode>05")]
)
def test_another_time_or_code_is_another_status(old: str, new: str) -> None:
    assert key(w.change(w.status(), old, new)) != key(w.status())
    assert w.digest(w.change(w.status(), old, new)) != w.digest(w.status())


def test_a_document_has_no_status_key() -> None:
    with pytest.raises(ValueError, match="not a status"):
        key(w.message())


def test_the_clerk_of_a_status_does_not_count() -> None:
    staff = "<edXML:StaffInfo><edXML:Staff>A</edXML:Staff></edXML:StaffInfo>"
    with_staff, without = parse_envelope(w.status(more=staff)).envelope, parse_envelope(w.status()).envelope
    assert with_staff.status != without.status
    assert content_digest(with_staff, w.canonical) == content_digest(without, w.canonical)
