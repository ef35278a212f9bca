"""Files: decoded and hashed as they pass, unwrapped soundly, told apart by their bytes."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gateway.edxml.attachments import Base64Decoder
from gateway.edxml.limits import Limits
from gateway.edxml.sniff import Sniffer
from gateway.model.envelope import Attachment
from tests.unit import edxml_world as w

MIB = 1024 * 1024


def only_file(data: bytes) -> Attachment:
    (file,) = w.read(data).envelope.attachments
    return file


def rules(data: bytes) -> list[str]:
    return [finding.rule for finding in w.read(data).findings]


def office(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return buffer.getvalue()


# content


def test_size_and_hash_are_those_of_the_decoded_bytes() -> None:
    file = only_file(w.message())
    assert (file.size, file.sha256, file.wrapped) == (len(w.PDF), w.sha(w.PDF), False)


@pytest.mark.parametrize("line", [1, 3, 64, 76])
@pytest.mark.parametrize("end", ["\n", "\r\n", "&#13;\n", " \t"])
def test_line_breaks_in_base64_do_not_matter(line: int, end: str) -> None:
    broken = end.join(re.findall(f".{{1,{line}}}", w.b64(w.PDF)))
    assert only_file(w.message(broken)).sha256 == w.sha(w.PDF)


def test_base64_may_stand_in_cdata_and_beside_comments() -> None:
    text = w.b64(w.PDF)
    assert only_file(w.message(f"<![CDATA[{text}]]>")).sha256 == w.sha(w.PDF)
    assert only_file(w.message(f"{text[:40]}<!-- tiếp -->{text[40:]}")).sha256 == w.sha(w.PDF)


@pytest.mark.parametrize(
    "spoiled",
    ["JVBE*RiA", "JVBERi0", "QUI=JVBE", "=JVBERi0", "JVBERi0á", "JVBE Ri0", "JVBERi0xLj===", "JVBE-_i0"],
)
def test_garbage_in_base64_is_refused_and_names_the_file(spoiled: str) -> None:
    error = w.refused(w.message(spoiled))
    assert error.code == "attachment.unreadable_base64"
    assert "cv.pdf" in error.text.vi


def test_padding_in_the_middle_is_found_across_pieces() -> None:
    decoder = Base64Decoder()
    decoder.feed("QUI=")
    with pytest.raises(ValueError, match="padding"):
        decoder.feed("QUJD")


def test_a_writer_gets_the_bytes_of_its_file() -> None:
    second = w.attachment(w.b64("phụ lục".encode()), "phu-luc.txt", "cid:f2")
    parsed, files = w.read_with_files(w.message(attachments=w.attachment() + second), chunk=50)
    assert files == [w.PDF, "phụ lục".encode()]
    assert [one.sha256 for one in parsed.envelope.attachments] == [w.sha(file) for file in files]


# promised and travelled


def test_a_promised_file_that_is_missing_is_refused_by_name() -> None:
    two = w.REFERENCE + w.REFERENCE.replace("f1", "f2").replace("cv.pdf", "phu-luc.xlsx")
    error = w.refused(w.message(references=two))
    assert [finding.where for finding in error.findings] == ["phu-luc.xlsx"]
    assert "phu-luc.xlsx" in error.text.vi


def test_every_missing_file_is_named_at_once() -> None:
    two = w.REFERENCE + w.REFERENCE.replace("f1", "f2").replace("cv.pdf", "phu-luc.xlsx")
    error = w.refused(w.message(references=two, attachments=""))
    assert [finding.where for finding in error.findings] == ["cv.pdf", "phu-luc.xlsx"]


def test_a_promised_file_of_no_bytes_is_missing() -> None:
    assert w.refused(w.message("")).code == "attachment.missing"


def test_a_file_that_nobody_promised_is_a_finding() -> None:
    data = w.message(attachments=w.attachment() + w.attachment(name="them.pdf", content_id="x"))
    promised, extra = w.read(data).envelope.attachments
    assert (promised.in_manifest, extra.in_manifest) == (True, False)
    assert rules(data) == ["attachment.not_in_manifest"]


def test_ids_match_with_or_without_cid() -> None:
    assert rules(w.change(w.message(), "<ContentId>cid:f1", "<ContentId>f1")) == []


def test_the_id_may_stand_only_in_the_link() -> None:
    link = '<edXML:Reference xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="cid:f1"/>'
    assert rules(w.message(references=link)) == []


def test_a_file_named_only_in_the_list_is_unwrapped_by_the_name_that_the_message_ends_up_with() -> None:
    """The first of several names counts wherever a name is looked up, or a file would keep its wrapper."""
    nameless = w.attachment(w.b64(w.zipped(w.PDF))).replace("<AttachmentName>cv.pdf</AttachmentName>", "")
    link = "<edXML:ContentId>cid:f1</edXML:ContentId>"
    twice = (
        w.REFERENCE
        + f"<edXML:Reference>{link}<edXML:AttachmentName>b.txt</edXML:AttachmentName></edXML:Reference>"
    )
    (file,) = w.read(w.message(references=twice, attachments=nameless)).envelope.attachments
    assert (file.name, file.wrapped, file.sha256) == ("cv.pdf", True, w.sha(w.PDF))


@pytest.mark.parametrize("name", ["AttachmentName", "attachmentname"])
def test_the_first_of_two_names_decides_about_the_wrapper(name: str) -> None:
    zipped = w.attachment(w.b64(w.zipped(w.PDF)))
    two = zipped.replace("<ContentType>", f"<{name}>cv.zip</{name}><ContentType>")
    (file,) = w.read(w.message(attachments=two)).envelope.attachments
    assert (file.name, file.wrapped) == ("cv.pdf", True)


def test_a_name_in_the_wrong_letter_case_decides_about_the_wrapper() -> None:
    zipped = w.attachment(w.b64(w.zipped(w.PDF)), "x.zip").replace("AttachmentName", "attachmentName")
    data = w.message(references=w.REFERENCE.replace("cv.pdf", ""), attachments=zipped)
    (file,) = w.read(data).envelope.attachments
    assert (file.name, file.wrapped) == ("x.zip", False)


def test_files_match_by_name_when_the_ids_differ() -> None:
    data = w.change(w.message(), "<ContentId>cid:f1", "<ContentId>cid:zz")
    assert rules(data) == ["attachment.matched_by_name"]


def test_two_files_of_one_id_satisfy_two_promises_by_name() -> None:
    two = w.REFERENCE + w.REFERENCE.replace("cv.pdf", "b.pdf")
    data = w.message(references=two, attachments=w.attachment() + w.attachment(name="b.pdf"))
    assert [one.name for one in w.read(data).envelope.attachments] == ["cv.pdf", "b.pdf"]


def test_the_name_may_stand_only_in_the_manifest() -> None:
    assert only_file(w.message(attachments=w.attachment(name=""))).name == "cv.pdf"


def test_an_attachment_made_of_empties_is_none() -> None:
    empties = "<Attachment><ContentType/><ContentId/><ContentTransferEncoded/><AttachmentName/></Attachment>"
    data = w.message(attachments=empties + w.attachment())
    parsed, files = w.read_with_files(data)
    assert len(parsed.envelope.attachments) == len(files) == 1
    assert parsed.findings == ()


def test_two_contents_in_one_attachment_are_refused() -> None:
    twice = f"<ContentTransferEncoded>{w.b64(w.PDF)}</ContentTransferEncoded></Attachment>"
    assert w.refused(w.change(w.message(), "</Attachment>", twice)).code == "attachment.content_repeated"


# the wrapper


@pytest.mark.parametrize("stream", [False, True], ids=["sizes in header", "data descriptor"])
@pytest.mark.parametrize("size", [1, 5_000, 300_000])
def test_a_wrapper_is_taken_off(size: int, stream: bool) -> None:
    inner = w.PDF + os.urandom(size)
    data = w.message(w.b64(w.zipped(inner, stream=stream)))
    parsed, files = w.read_with_files(data, chunk=1_000)
    (file,) = parsed.envelope.attachments
    assert (file.wrapped, file.size, file.sha256) == (True, len(inner), w.sha(inner))
    assert files == [inner]


def test_a_wrapper_around_nothing_brings_no_file() -> None:
    assert w.refused(w.message(w.b64(w.zipped(b"")))).code == "attachment.missing"


def test_a_stored_wrapper_is_taken_off() -> None:
    assert only_file(w.message(w.b64(w.zipped(w.PDF, stored=True)))).sha256 == w.sha(w.PDF)


def test_a_wrapper_of_more_than_four_mebibytes_is_unpacked_as_it_passes() -> None:
    inner = w.PDF + os.urandom(5 * MIB)
    parsed, files = w.read_with_files(w.message(w.b64(w.zipped(inner, stream=True))))
    assert parsed.envelope.attachments[0].wrapped
    assert files == [inner]


def test_a_wrapped_file_is_the_same_message_as_the_raw_one() -> None:
    assert w.digest(w.message(w.b64(w.zipped(w.PDF)))) == w.digest(w.message())


NOT_WRAPPERS = {
    "two entries": w.zipped(w.PDF, (f"{w.UUID_NAME}.pdf", "b.pdf")),
    "no uuid": w.zipped(w.PDF, ("cv.pdf",)),
    "uuid in a folder": w.zipped(w.PDF, (f"a/{w.UUID_NAME}.pdf",)),
    "other extension": w.zipped(w.PDF, (f"{w.UUID_NAME}.doc",)),
    "extension of no letters": w.zipped(w.PDF).replace(b".pdf", b".\x80df"),
    "no extension": w.zipped(w.PDF, (w.UUID_NAME,)),
    "trailing bytes": w.zipped(w.PDF) + b"rest",
    "cut off": w.zipped(w.PDF)[:-4],
}


@pytest.mark.parametrize("archive", NOT_WRAPPERS.values(), ids=NOT_WRAPPERS.keys())
def test_what_is_no_wrapper_stays_as_it_is(archive: bytes) -> None:
    parsed, files = w.read_with_files(w.message(w.b64(archive)))
    assert not parsed.envelope.attachments[0].wrapped
    assert files == [archive]
    assert parsed.envelope.attachments[0].sha256 == w.sha(archive)


@pytest.mark.parametrize("size", [100, 6 * MIB], ids=["held back", "as it passes"])
def test_the_extension_decides_also_when_the_name_comes_after_the_content(size: int) -> None:
    """In a message whose manifest follows its attachments nothing is known of the name before the content."""
    inner = w.PDF + os.urandom(size)
    late = re.sub("(<AttachmentName>.*</AttachmentName>)(.*)(</Attachment>)", r"\2\1\3", w.attachment("@@"))
    envelope_last = rb"(<edXML:edXMLEnvelope.*</edXML:edXMLEnvelope>)(<Attach.*)(</edXML>)"
    message = re.sub(envelope_last, rb"\2\1\3", w.message(attachments=late), flags=re.DOTALL)
    wrapped = message.replace(b"@@", w.b64(w.zipped(inner)).encode())
    assert only_file(wrapped).sha256 == w.sha(inner)
    renamed = wrapped.replace(b"cv.pdf", b"cv.zip")
    if size < 4 * MIB:
        assert only_file(renamed).sha256 == w.sha(w.zipped(inner))
    else:
        assert w.refused(renamed).code == "attachment.broken_wrapper"


def test_the_manifest_tells_the_name_when_the_attachment_tells_it_late() -> None:
    late = re.sub("(<AttachmentName>.*</AttachmentName>)(.*)(</Attachment>)", r"\2\1\3", w.attachment("@@"))
    inner = w.PDF + os.urandom(6 * MIB)
    archive = w.zipped(inner, (f"{w.UUID_NAME}.doc",))
    assert only_file(w.message(attachments=late.replace("@@", w.b64(archive)))).sha256 == w.sha(archive)


@pytest.mark.parametrize("size", [2_000, 6 * MIB], ids=["held back", "as it passes"])
def test_a_damaged_wrapper_is_refused(size: int) -> None:
    archive = bytearray(w.zipped(w.PDF + os.urandom(size), stored=True))
    archive[300] ^= 0xFF  # within the data: the checksum no longer holds
    assert w.refused(w.message(w.b64(bytes(archive)))).code == "attachment.broken_wrapper"


def test_a_long_archive_that_only_begins_like_a_wrapper_is_refused_rather_than_guessed() -> None:
    archive = w.zipped(os.urandom(3 * MIB), (f"{w.UUID_NAME}.pdf", "b.pdf"))
    assert w.refused(w.message(w.b64(archive))).code == "attachment.broken_wrapper"


def test_a_wrapper_whose_list_of_entries_lies_is_refused() -> None:
    archive = w.zipped(w.PDF * 10)
    at = archive.rfind(b"PK\x01\x02")
    lying = archive[: at + 24] + (999).to_bytes(4, "little") + archive[at + 28 :]
    assert w.refused(w.message(w.b64(lying))).code == "attachment.broken_wrapper"


def test_a_zip_bomb_is_refused_after_a_few_megabytes() -> None:
    bomb = w.zipped(bytes(300 * MIB))
    assert len(bomb) < 400_000
    assert w.refused(w.message(w.b64(bomb))).code == "attachment.zip_bomb"


def test_a_wrapper_may_not_unpack_to_more_than_one_file_may_have() -> None:
    limits = Limits(max_attachment=100_000)
    error = w.refused(w.message(w.b64(w.zipped(w.PDF * 3_000))), limits)
    assert error.code == "attachment.too_large"


# formats


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (w.PDF, "pdf"),
        (b"\n\n%PDF-1.4", "pdf"),
        (office("[Content_Types].xml", "word/document.xml"), "docx"),
        (office("[Content_Types].xml", "xl/workbook.xml"), "xlsx"),
        (office("docProps/app.xml", "ppt/presentation.xml", "[Content_Types].xml"), "pptx"),
        (office("word/notes.txt"), "zip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "doc"),
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"\xff\xd8\xff\xe0", "jpeg"),
        (b'\xef\xbb\xbf<?xml version="1.0"?><a/>', "xml"),
        ("Kính gửi các đơn vị".encode(), "text"),
        ("ệ".encode() * 3_000, "text"),
        (b"", "empty"),
        (b"\x00\x01\x02\x03", "unknown"),
        (b"\x80\x81\x82" * 3_000, "unknown"),
    ],
)
def test_a_file_is_told_by_its_bytes(data: bytes, word: str) -> None:
    sniffer = Sniffer()
    for start in range(0, len(data), 700):
        sniffer.feed(data[start : start + 700])
    assert sniffer.format == word


def test_an_open_document_is_told_by_its_mimetype() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", b"application/vnd.oasis.opendocument.text")
    sniffer = Sniffer()
    sniffer.feed(buffer.getvalue())
    assert sniffer.format == "odf"


def test_a_file_called_pdf_that_is_none_is_noted() -> None:
    assert rules(w.message(w.b64(office("a.txt")))) == ["attachment.not_pdf"]


def test_a_pdf_destroyed_by_a_text_decoder_is_noted() -> None:
    destroyed = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".decode("utf-8", "replace").encode()
    assert rules(w.message(w.b64(destroyed + w.PDF))) == ["attachment.damaged"]


# memory

_BIG = """
import base64, sys
from gateway.edxml.parse import EnvelopeReader, parse_envelope
from tests.unit import edxml_world as w

def kib(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(name))

def upload(wrap):
    inner = bytes(range(256)) * 4096  # one mebibyte
    before, after = w.message("@@").split(b"@@")
    yield before
    if wrap:
        yield from wrapped(inner)
    else:
        encoded = base64.b64encode(inner * 3)
        for _ in range(16):
            yield encoded
        yield base64.b64encode(inner)
    yield after

def wrapped(inner):
    import zipfile, io, os
    class Out(io.RawIOBase):
        def __init__(self): self.parts = []
        def write(self, data): self.parts.append(bytes(data)); return len(data)
        def writable(self): return True
    out = Out()
    rest = b""
    archive = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED)
    with archive.open(w.UUID_NAME + ".pdf", "w") as entry:
        for _ in range(49):
            entry.write(os.urandom(1024 * 1024))
            rest += b"".join(out.parts); out.parts.clear()
            usable = len(rest) // 3 * 3
            yield base64.b64encode(rest[:usable]); rest = rest[usable:]
    archive.close()
    yield base64.b64encode(rest + b"".join(out.parts))

wrap = sys.argv[1] == "wrapped"
parse_envelope(w.message())
with open("/proc/self/clear_refs", "w") as reset:
    reset.write("5")  # the peak (VmHWM) starts again from here
start = kib("VmRSS")
reader = EnvelopeReader()
for chunk in upload(wrap):
    reader.feed(chunk)
file, = reader.close().envelope.attachments
print(file.size, file.wrapped, kib("VmHWM") - start)
"""


@pytest.mark.parametrize("form", ["raw", "wrapped"])
def test_a_file_of_fifty_megabytes_costs_a_few_megabytes_of_memory(form: str) -> None:
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run(
        [sys.executable, "-c", _BIG, form], cwd=root, capture_output=True, text=True, check=True, timeout=100
    )
    size, wrapped, growth = run.stdout.split()
    assert int(size) == 49 * MIB
    assert wrapped == str(form == "wrapped")
    assert int(growth) < 16 * 1024  # kibibytes


@pytest.mark.parametrize("magic", [b"PK\x03\x04", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a"])
def test_a_pdf_behind_the_first_bytes_of_something_else_is_a_pdf(magic: bytes) -> None:
    """Viewers look for it in the first 1024 bytes, so its signatures and its first page are looked at."""
    sniffer = Sniffer()
    sniffer.feed(magic + b"%PDF-1.7\n1 0 obj")
    assert sniffer.format == "pdf"


def test_a_zip_with_a_stored_pdf_is_a_zip() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("362.pdf", b"%PDF-1.7\n")
    sniffer = Sniffer()
    sniffer.feed(packed.getvalue())
    assert sniffer.format == "zip"
