"""A small world for the edXML tests: one sound message of two kilobytes, and the knobs to spoil it."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from gateway.edxml.build import build_envelope, build_status
from gateway.edxml.digest import content_digest
from gateway.edxml.limits import Limits
from gateway.edxml.parse import EnvelopeReader, Parsed, parse_envelope
from gateway.errors import Unreadable
from gateway.model.envelope import Dialect, Envelope, Kind

CORPUS = Path(__file__).resolve().parent.parent / "corpus"
GOOD = sorted((CORPUS / "good").glob("*.edxml"))
BAD = sorted((CORPUS / "bad").glob("*.edxml"))
NATIONAL = [path for path in GOOD if not path.name.startswith(("odd-", "dotnet-"))]  # of the Java library

NS = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
UUID_NAME = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
REFERENCE = """<edXML:Reference><edXML:ContentId>cid:f1</edXML:ContentId>
<edXML:ContentType>application/pdf</edXML:ContentType>
<edXML:AttachmentName>cv.pdf</edXML:AttachmentName></edXML:Reference>"""


def message(
    content: str | None = None, header: str = "", references: str = REFERENCE, attachments: str | None = None
) -> bytes:
    """A document with one PDF. ``content``: its base64; ``header``: more elements of ``MessageHeader``."""
    files = attachment(content) if attachments is None else attachments
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<edXML xmlns="{NS}"><edXML:edXMLEnvelope xmlns:edXML="{NS}"><edXML:edXMLHeader><edXML:MessageHeader>
<edXML:From><edXML:OrganId>000.00.00.H37</edXML:OrganId>
<edXML:OrganName>UBND tỉnh</edXML:OrganName></edXML:From>
<edXML:To><edXML:OrganId>000.00.03.H37</edXML:OrganId><edXML:OrganName>Sở TTTT</edXML:OrganName></edXML:To>
<edXML:To><edXML:OrganId>000.00.05.H37</edXML:OrganId></edXML:To>
<edXML:DocumentId>000.00.00.H37,2020/04/13,1/UBND-VP</edXML:DocumentId>
<edXML:Code><edXML:CodeNumber>1</edXML:CodeNumber><edXML:CodeNotation>UBND-VP</edXML:CodeNotation></edXML:Code>
<edXML:PromulgationInfo><edXML:Place>Lạng Sơn</edXML:Place>
<edXML:PromulgationDate>2020/04/13</edXML:PromulgationDate></edXML:PromulgationInfo>
<edXML:DocumentType><edXML:Type>18</edXML:Type><edXML:TypeName>Công văn</edXML:TypeName></edXML:DocumentType>
<edXML:Subject>V/v thử nghiệm</edXML:Subject>{header}
</edXML:MessageHeader><edXML:TraceHeaderList>
<edXML:Bussiness><edXML:BussinessDocType>0</edXML:BussinessDocType></edXML:Bussiness>
<edXML:TraceHeader><edXML:OrganId>000.00.00.H37</edXML:OrganId>
<edXML:Timestamp>2020/04/13 15:30:00</edXML:Timestamp></edXML:TraceHeader>
</edXML:TraceHeaderList></edXML:edXMLHeader>
<edXML:edXMLBody><edXML:edXMLManifest version="1.0">{references}</edXML:edXMLManifest></edXML:edXMLBody>
</edXML:edXMLEnvelope><AttachmentEncoded>{files}</AttachmentEncoded></edXML>
""".encode()


def attachment(content: str | None = None, name: str = "cv.pdf", content_id: str = "cid:f1") -> str:
    """One ``Attachment`` in the order of the Java library."""
    content = b64(PDF) if content is None else content
    return (
        f"<Attachment><ContentId>{content_id}</ContentId><AttachmentName>{name}</AttachmentName>"
        "<ContentType>application/pdf</ContentType>"
        f"<ContentTransferEncoded>{content}</ContentTransferEncoded></Attachment>"
    )


def status(code: str = "03", answer: str = "", more: str = "") -> bytes:
    """A status message about that document."""
    answer = answer or (
        "<edXML:ResponseFor><edXML:OrganId>000.00.00.H37</edXML:OrganId><edXML:Code>1/UBND-VP</edXML:Code>"
        "<edXML:DocumentId>000.00.00.H37,2020/04/13,1/UBND-VP</edXML:DocumentId></edXML:ResponseFor>"
    )
    return f"""<edXML xmlns="{NS}"><edXML:edXMLEnvelope xmlns:edXML="{NS}"><edXML:edXMLHeader>
<edXML:MessageHeader><edXML:From><edXML:OrganId>000.00.03.H37</edXML:OrganId></edXML:From>{answer}
<edXML:StatusCode>{code}</edXML:StatusCode><edXML:Description>Đã tiếp nhận</edXML:Description>
<edXML:Timestamp>2020/04/13 16:02:00</edXML:Timestamp>{more}</edXML:MessageHeader>
</edXML:edXMLHeader></edXML:edXMLEnvelope></edXML>
""".encode()


def b64(data: bytes) -> str:
    """Base64 without line breaks."""
    return base64.b64encode(data).decode()


def change(data: bytes, old: str, new: str, count: int = -1) -> bytes:
    """``data`` with ``old`` replaced; the old text must be there, or the test would test nothing."""
    assert old.encode() in data, old
    return data.replace(old.encode(), new.encode(), count)


def zipped(
    data: bytes, names: Iterable[str] = (f"{UUID_NAME}.pdf",), stream: bool = False, stored: bool = False
) -> bytes:
    """A ZIP with ``data`` under each name. ``stream``: sizes only in a data descriptor, as Java writes it."""
    buffer = io.BytesIO()
    target = _Unseekable(buffer) if stream else buffer
    method = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(target, "w", method) as archive:  # type: ignore[arg-type]
        for name in names:
            archive.writestr(name, data)
    return buffer.getvalue()


class _Unseekable:
    """What makes ``zipfile`` write data descriptors."""

    def __init__(self, buffer: io.BytesIO) -> None:
        self._buffer = buffer

    def write(self, data: bytes) -> int:
        return self._buffer.write(data)

    def flush(self) -> None:
        pass


def read(data: bytes, limits: Limits = Limits()) -> Parsed:  # noqa: B008
    """A message that must be readable."""
    return parse_envelope(data, limits)


def read_with_files(data: bytes, chunk: int = 65_536) -> tuple[Parsed, list[bytes]]:
    """A message fed in chunks, and the bytes that each ``open_file`` writer got."""
    files: dict[int, io.BytesIO] = {}

    def open_file(index: int) -> io.BytesIO:
        assert index not in files, "opened twice"
        files[index] = io.BytesIO()
        return files[index]

    reader = EnvelopeReader(open_file=open_file)
    for start in range(0, len(data), chunk):
        reader.feed(data[start : start + chunk])
    parsed = reader.close()
    return parsed, [files[index].getvalue() for index in sorted(files)]


def refused(data: bytes, limits: Limits = Limits()) -> Unreadable:  # noqa: B008
    """The refusal of a message that must not be readable, with both its sentences filled in."""
    with pytest.raises(Unreadable) as caught:
        parse_envelope(data, limits)
    assert caught.value.findings
    for finding in caught.value.findings:
        assert finding.rule
        assert finding.text.vi
        assert finding.text.en
        assert "{" not in finding.text.vi + finding.text.en
    return caught.value


def rebuilt(data: bytes, dialect: Dialect) -> bytes:
    """The message written anew in ``dialect``."""
    parsed, files = read_with_files(data)
    if parsed.envelope.kind is Kind.STATUS:
        return build_status(parsed.envelope, dialect)
    return b"".join(build_envelope(parsed.envelope, lambda index: [files[index]], dialect))


def canonical(code: str) -> str:
    """A stand-in for the directory: the leaf-first form becomes root-first."""
    groups = [group for group in code.split(".") if group.strip("0")]
    return ".".join(reversed(groups)) if groups[-1:] and groups[-1][:1].isalpha() else code


def digest(data: bytes) -> bytes:
    """The content digest of a readable message."""
    return content_digest(parse_envelope(data).envelope, canonical)


def digest_of(envelope: Envelope) -> bytes:
    """The content digest of an envelope."""
    return content_digest(envelope, canonical)


def sha(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()
