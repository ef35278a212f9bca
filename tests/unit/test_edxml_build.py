"""Writing: the habits of the two national libraries, exactly, and nothing that XML cannot carry."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from lxml import etree

from gateway.edxml.build import build_envelope, build_status
from gateway.edxml.parse import parse_envelope
from gateway.edxml.schema import check_strict
from gateway.model.envelope import (
    Attachment,
    DateText,
    Dialect,
    DocumentType,
    Envelope,
    Kind,
    Organization,
    OtherInfo,
    ResponseFor,
    StatusReport,
)
from tests.unit import edxml_world as w

BARE = Envelope(
    kind=Kind.NEW,
    sender=Organization("H37"),
    recipients=(Organization("H37.03"),),
    document_id="H37-2020-1",
    document_type=DocumentType(name="Công văn"),
)
STATUS = Envelope(
    kind=Kind.STATUS,
    sender=Organization("H37.03"),
    document_id="H37-2020-1",
    response_for=(ResponseFor("H37", "1/UBND-VP", DateText("2020/04/13", date(2020, 4, 13)), "H37-2020-1"),),
    status=StatusReport("03", "Đã tiếp nhận", "2020/04/13 16:02:00"),
)


def build(envelope: Envelope, dialect: Dialect, *files: bytes) -> bytes:
    return b"".join(build_envelope(envelope, lambda index: [files[index]], dialect))


def with_file(name: str, data: bytes, **more: str) -> Envelope:
    return replace(BARE, attachments=(Attachment("a1", name, len(data), w.sha(data), **more),))  # type: ignore[arg-type]


def children(data: bytes, parent: str) -> list[str]:
    element = next(etree.fromstring(data).iter(f"{{{w.NS}}}{parent}"))
    return [etree.QName(child).localname for child in element]


@pytest.mark.parametrize("dialect", Dialect)
def test_the_barest_envelope_can_be_written_and_holds_to_its_schema(dialect: Dialect) -> None:
    data = build(BARE, dialect)
    assert check_strict(data, dialect) == []
    read = parse_envelope(data).envelope
    assert (read.sender, read.recipients, read.document_id) == (
        BARE.sender,
        BARE.recipients,
        BARE.document_id,
    )
    assert w.digest_of(read) == w.digest_of(BARE)


def test_java_leaves_empty_elements_out_and_dotnet_writes_them() -> None:
    java, dotnet = build(BARE, Dialect.JAVA), build(BARE, Dialect.DOTNET)
    assert children(java, "From") == ["OrganId"]
    assert len(children(dotnet, "From")) == 8
    assert b"<edXML:DueDate></edXML:DueDate>" in dotnet
    assert b"DueDate" not in java


def test_the_identifier_stands_where_each_library_puts_it() -> None:
    java = children(build(BARE, Dialect.JAVA), "MessageHeader")
    dotnet = children(build(BARE, Dialect.DOTNET), "MessageHeader")
    assert java[:3] == ["From", "To", "DocumentId"]
    assert dotnet[-1] == "DocumentId"


def test_the_order_of_dotnet_is_that_of_the_reference() -> None:
    sample = w.CORPUS / "good" / "update-cv-384.edxml"
    dotnet = w.rebuilt(sample.read_bytes(), Dialect.DOTNET)
    assert children(dotnet, "MessageHeader")[5:] == [
        *("Code", "PromulgationInfo", "DocumentType", "Subject", "Content", "SignerInfo", "DueDate"),
        *("ToPlaces", "OtherInfo", "SteeringType", "DocumentId"),
    ]
    assert children(dotnet, "DocumentType") == ["Type", "TypeName", "TypeDetail"]
    assert children(dotnet, "From")[:3] == ["OrganId", "OrganName", "OrganizationInCharge"]
    assert children(dotnet, "TraceHeaderList") == ["TraceHeader", "Bussiness"]
    assert children(dotnet, "StaffInfo") == ["Department", "Staff", "Mobile", "Email"]
    assert children(dotnet, "Bussiness")[-2:] == ["StaffInfo", "Paper"]
    assert children(dotnet, "Reference") == ["Description", "AttachmentName", "ContentType", "ContentId"]
    assert children(dotnet, "Attachment") == [
        *("ContentType", "ContentId", "Description", "ContentTransferEncoded", "AttachmentName")
    ]


def test_dotnet_differs_from_the_sample_only_in_the_random_id_and_two_names() -> None:
    sample = (w.CORPUS / "good" / "dotnet-cv-366.edxml").read_bytes()
    swapped = re.sub(
        rb"(<edXML:OrganizationInCharge>.*?</edXML:OrganizationInCharge>)(<edXML:OrganName>.*?</edXML:OrganName>)",
        rb"\2\1",
        sample,
    )
    written = w.rebuilt(sample, Dialect.DOTNET)
    assert re.sub(rb'id="[0-9a-f]{8}"', b"", written) == re.sub(rb'id="[0-9a-f]{8}"', b"", swapped)


def test_ids_carry_cid_in_java_and_not_in_the_attachment_of_dotnet() -> None:
    envelope = with_file("cv.pdf", w.PDF)
    assert build(envelope, Dialect.JAVA, w.PDF).count(b"cid:a1") == 2
    dotnet = build(envelope, Dialect.DOTNET, w.PDF)
    assert b"<ContentId>a1</ContentId>" in dotnet
    assert b'xlink:href="cid:a1"' in dotnet


def test_java_declares_zip_in_the_manifest_and_the_real_type_at_the_file() -> None:
    data = build(with_file("cv.pdf", w.PDF, format="pdf"), Dialect.JAVA, w.PDF)
    assert re.findall(rb"ContentType>(\w+/\w+)<", data) == [b"application/zip", b"application/pdf"]


def test_a_file_that_nobody_promised_is_named_in_the_manifest_of_the_rebuilt_message() -> None:
    data = w.message(attachments=w.attachment() + w.attachment(name="them.pdf", content_id="x"))
    again = parse_envelope(w.rebuilt(data, Dialect.JAVA))
    assert all(one.in_manifest for one in again.envelope.attachments)
    assert again.findings == ()


def test_a_file_without_an_id_gets_one() -> None:
    envelope = replace(BARE, attachments=(Attachment("", "a.pdf", 1, b""), Attachment("", "b.pdf", 1, b"")))
    names = [
        one.name for one in parse_envelope(build(envelope, Dialect.JAVA, w.PDF, b"x")).envelope.attachments
    ]
    assert names == ["a.pdf", "b.pdf"]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 57 * 1024, 57 * 1024 + 1, 200_000])
@pytest.mark.parametrize("chunk", [1, 1_000, 100_000])
def test_chunks_of_any_size_become_one_base64_text(size: int, chunk: int) -> None:
    data = (w.PDF * (size // len(w.PDF) + 1))[:size]
    step = max(chunk, size // 50 + 1)

    def pieces(_: int) -> Iterator[bytes]:
        yield from (data[start : start + step] for start in range(0, size, step))

    written = b"".join(build_envelope(with_file("cv.pdf", data), pieces, Dialect.DOTNET))
    (content,) = re.findall(rb"<ContentTransferEncoded>(.*)</ContentTransferEncoded>", written)
    assert content == w.b64(data).encode()


def test_writing_fifty_megabytes_costs_little_memory() -> None:
    def pieces(_: int) -> Iterator[bytes]:
        for _piece in range(50):
            yield bytes(1024 * 1024)

    tracemalloc.start()
    size = sum(len(piece) for piece in build_envelope(with_file("a.bin", b""), pieces, Dialect.JAVA))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 66_000_000
    assert peak < 8 * 1024 * 1024


def test_markup_in_texts_is_escaped() -> None:
    subject = """V/v <b>"A & B"</b> ]]> 'C'"""
    envelope = replace(with_file('a"<&>.pdf', w.PDF), subject=subject)
    for dialect in Dialect:
        read = parse_envelope(build(envelope, dialect, w.PDF)).envelope
        assert read.subject == subject
        assert read.attachments[0].name == 'a"<&>.pdf'


@pytest.mark.parametrize("character", ["\x00", "\x08", "\x1f", "\ud800", "\ufffe"])
def test_a_character_that_xml_cannot_carry_is_an_error_and_not_a_broken_message(character: str) -> None:
    with pytest.raises(ValueError, match="cannot carry"):
        build(replace(BARE, subject=f"a{character}b"), Dialect.JAVA)


def test_what_only_java_knows_is_not_lost_in_dotnet() -> None:
    other = OtherInfo(direction=True, reply_fors="1/A", reference_codes="2/B")
    envelope = replace(BARE, other=other, task_codes=("T1", "T2"), application_type="MCDT_DT")
    data = build(envelope, Dialect.DOTNET)
    assert check_strict(data, Dialect.DOTNET) == []
    assert w.digest_of(parse_envelope(data).envelope) == w.digest_of(envelope)


def test_a_date_is_written_as_the_standard_says_and_an_impossible_one_as_it_came() -> None:
    data = w.change(w.message(), "2020/04/13</edXML:Prom", "13-4-2020</edXML:Prom")
    assert b"<edXML:PromulgationDate>2020/04/13<" in w.rebuilt(data, Dialect.JAVA)
    impossible = w.change(w.message(), "2020/04/13</edXML:Prom", "2014/02/30</edXML:Prom")
    assert b"<edXML:PromulgationDate>2014/02/30</edXML:PromulgationDate>" in w.rebuilt(
        impossible, Dialect.JAVA
    )


@pytest.mark.parametrize("dialect", Dialect)
def test_a_status_is_header_only_and_comes_back(dialect: Dialect) -> None:
    data = build_status(STATUS, dialect)
    assert check_strict(data, dialect) == []
    assert b"edXMLBody" not in data
    assert b"AttachmentEncoded" not in data
    read = parse_envelope(data).envelope
    assert (read.status, read.response_for) == (STATUS.status, STATUS.response_for)


def test_each_builder_refuses_what_belongs_to_the_other() -> None:
    with pytest.raises(ValueError, match="build_status"):
        build(STATUS, Dialect.JAVA)
    with pytest.raises(ValueError, match="not a status"):
        build_status(BARE)


def test_the_strict_check_sees_a_wrong_prefix_and_a_wrong_order() -> None:
    good = build(BARE, Dialect.JAVA)
    unprefixed = good.replace(b"edXML:Subject", b"Subject").replace(b"edXML:To>", b"To>")
    assert any("prefix" in complaint for complaint in check_strict(unprefixed, Dialect.JAVA))
    assert check_strict(good, Dialect.DOTNET) != []
