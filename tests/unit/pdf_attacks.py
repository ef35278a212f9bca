"""How the attacks of ``pdf_cases`` are built, each from the genuinely signed PDFs of a ``PdfWorld``."""

# mypy: disable-error-code="no-untyped-call"
# (pyHanko carries few annotations)

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.x509.oid import ExtendedKeyUsageOID
from pyhanko.pdf_utils.generic import (
    ArrayObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    Reference,
    StreamObject,
    TextStringObject,
)
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, append_signature_field

from gateway.practice.pki import DemoPki, KeyKind, Knobs
from tests.unit import pdf_world as p
from tests.unit.pdf_world import P256, SEALED_AT, SIGNED_AT, PdfWorld, add_revision, sign_once

Writer = IncrementalPdfFileWriter
RANGE = re.compile(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\s*\]")
CONTENTS = re.compile(rb"/Contents <([0-9A-Fa-f]+)>")


# bytes


def edited(data: bytes, pattern: re.Pattern[bytes], new: Callable[[re.Match[bytes]], bytes]) -> bytes:
    """The last match replaced by something as long, so that every position in the file stays."""
    found = list(pattern.finditer(data))[-1]
    piece = new(found)
    assert len(piece) <= len(found[0])
    return data[: found.start()] + piece.ljust(len(found[0])) + data[found.end() :]


def update(data: bytes, objects: Mapping[int, bytes], *, table: bool = True, trailer: bool = True) -> bytes:
    """An incremental update written by hand: objects, then table and trailer unless left out."""
    body, places = bytearray(data), {}
    for number, content in objects.items():
        places[number] = len(body)
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    return bytes(body) + closing(data, places, len(body), table=table, trailer=trailer)


def closing(
    data: bytes, places: Mapping[int, int], at: int, *, table: bool = True, trailer: bool = True
) -> bytes:
    """Table, trailer and end of an update that starts its table ``at``, above the last one in ``data``."""
    out = b""
    if table:
        out += b"xref\n0 1\n0000000000 65535 f \n"
        out += b"".join(
            b"%d 1\n%010d 00000 n \n" % (number, place) for number, place in sorted(places.items())
        )
    if trailer:
        previous = int(re.findall(rb"startxref\s+(\d+)", data)[-1])
        size = max(map(int, re.findall(rb"/Size (\d+)", data)))
        root = re.findall(rb"/Root (\d+) 0 R", data)[-1]
        info = re.findall(rb"/Info (\d+) 0 R", data)[-1]
        out += b"trailer\n<< /Size %d /Root %s 0 R /Info %s 0 R /Prev %d >>\n" % (size, root, info, previous)
    return out + b"startxref\n%d\n%%%%EOF\n" % at


def content_of_page(data: bytes) -> int:
    """The number of the object that paints the first page."""
    return int(re.findall(rb"/Contents (\d+) 0 R", data)[-1])


PAINT = b"<< /Length 21 >>\nstream\n1 0 0 rg 0 0 9 9 re f\nendstream"


# universal signature forgery: the signature says nothing that could be checked


def range(text: bytes) -> Callable[[PdfWorld], bytes]:
    """The byte range rewritten; the numbers of the genuine one stand in ``text``."""

    def build(world: PdfWorld) -> bytes:
        return edited(world.leader, RANGE, lambda m: text % {b"a": m[2], b"c": m[3], b"d": m[4]})

    return build


def contents(text: bytes) -> Callable[[PdfWorld], bytes]:
    return lambda world: edited(world.leader, CONTENTS, lambda _: text)


def transplanted(world: PdfWorld) -> bytes:
    """The person's signature of another document."""
    other = add_revision(world.page, painted)
    strange = CONTENTS.findall(sign_once(other, world.person, "NguoiKy", SIGNED_AT))[-1]
    return edited(world.leader, CONTENTS, lambda _: b"/Contents <" + strange + b">")


# incremental saving: something is added after signing


def painted(writer: Writer) -> None:
    page = writer.root["/Pages"]["/Kids"][0]
    page["/Contents"] = writer.add_object(StreamObject(stream_data=b"1 0 0 rg 0 0 500 500 re f"))
    writer.update_container(page)


def noted(writer: Writer) -> None:
    note = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Annot"),
            NameObject("/Subtype"): NameObject("/FreeText"),
            NameObject("/Rect"): ArrayObject(NumberObject(n) for n in (50, 50, 500, 700)),
            NameObject("/Contents"): TextStringObject("1.000.000.000"),
            NameObject("/DA"): TextStringObject("/Helv 12 Tf"),
        }
    )
    page = writer.root["/Pages"]["/Kids"][0]
    page["/Annots"] = ArrayObject([*page.get("/Annots", ()), writer.add_object(note)])
    writer.update_container(page)


def scripted(writer: Writer) -> None:
    writer.root["/OpenAction"] = DictionaryObject(
        {
            NameObject("/S"): NameObject("/JavaScript"),
            NameObject("/JS"): TextStringObject("app.alert(1)"),
        }
    )
    writer.update_root()


def page_added(writer: Writer) -> None:
    pages = writer.root["/Pages"]
    first = pages["/Kids"][0]
    pages["/Kids"].append(writer.add_object(DictionaryObject(first)))
    pages["/Count"] = NumberObject(2)
    writer.update_container(pages)


def removed(writer: Writer) -> None:
    del writer.root["/AcroForm"]
    writer.update_root()


def field_removed(writer: Writer) -> None:
    fields = writer.root["/AcroForm"]["/Fields"]
    del fields[0]
    writer.update_container(fields)


def by_hand(table: bool, trailer: bool) -> Callable[[PdfWorld], bytes]:
    def build(world: PdfWorld) -> bytes:
        return update(world.signed, {content_of_page(world.signed): PAINT}, table=table, trailer=trailer)

    return build


def with_copy(world: PdfWorld) -> bytes:
    """The page painted over, and the agency's signature dictionary copied into the update."""
    data = world.signed
    found = list(re.finditer(rb"(\d+) 0 obj\s+(<<(?:(?!endobj).)*?/ByteRange.*?)\s*endobj", data, re.S))[-1]
    return update(data, {content_of_page(data): PAINT, int(found[1]): found[2]})


def unlisted(world: PdfWorld) -> bytes:
    """An object that no table lists, and the old end of the file once more."""
    end = world.signed[world.signed.rindex(b"startxref") :]
    return world.signed + b"\n%d 0 obj\n%s\nendobj\n" % (content_of_page(world.signed), PAINT) + end


def later(change: Callable[[Writer], None]) -> Callable[[PdfWorld], bytes]:
    return lambda world: add_revision(world.signed, change)


# signature wrapping: the signed bytes move, something else stands where the reader looks


def wrapped(world: PdfWorld) -> bytes:
    """Behind the signature's value a table of our own, at the place that the moved, signed end names."""
    data = world.leader
    _, first, second, length = (int(n) for n in RANGE.findall(data)[-1])
    table_at = int(re.findall(rb"startxref\s+(\d+)", data)[-1])
    found = list(re.finditer(rb"(\d+) 0 obj\s+(<<(?:(?!endobj).)*?/ByteRange.*?)\s*endobj", data, re.S))[-1]
    gap = 200_000
    moved = RANGE.sub(b"/ByteRange [0 %d %d %d]" % (first, second + gap, length), found[2])
    old = re.findall(rb"xref\n.*?startxref", data[table_at:], re.S)[0]
    places = {int(m[1]): m.start() for m in re.finditer(rb"(\d+) 0 obj", data[:second])}
    places |= {int(m[1]): m.start() + gap for m in re.finditer(rb"(\d+) 0 obj", data) if m.start() > second}
    room = bytearray(b"\n".ljust(table_at - second))
    at = table_at + 4000
    objects = {content_of_page(data): PAINT, int(found[1]): moved}
    added = bytearray()
    for number, content in objects.items():
        places[number] = at + len(added)
        added += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"xref\n0 1\n0000000000 65535 f \n" + b"".join(
        b"%d 1\n%010d 00000 n \n" % pair for pair in sorted(places.items())
    )
    table += re.sub(rb"/Prev \d+", b"", old[old.index(b"trailer") : -len(b"startxref")])
    room += table.ljust(4000) + added
    return data[:second] + bytes(room.ljust(gap)) + data[second:]


def gap(world: PdfWorld) -> bytes:
    """Bytes between the signature's value and what is signed behind it."""
    data = world.leader
    second = int(RANGE.findall(data)[-1][2])
    return data[:second] + b" " * 64 + data[second:]


# shadow attacks: prepared before signing, shown after it


def _text_field(writer: Writer) -> None:
    """A text field that the signer sees empty."""
    field = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Annot"),
            NameObject("/Subtype"): NameObject("/Widget"),
            NameObject("/FT"): NameObject("/Tx"),
            NameObject("/T"): TextStringObject("SoTien"),
            NameObject("/Rect"): ArrayObject(NumberObject(n) for n in (50, 50, 300, 80)),
            NameObject("/V"): TextStringObject("1.000"),
        }
    )
    place = writer.add_object(field)
    writer.root["/AcroForm"] = writer.add_object(
        DictionaryObject({NameObject("/Fields"): ArrayObject([place])})
    )
    page = writer.root["/Pages"]["/Kids"][0]
    page["/Annots"] = ArrayObject([place])
    writer.update_container(page)
    writer.update_root()


def _filled(writer: Writer) -> None:
    field = next(
        f for f in writer.root["/AcroForm"]["/Fields"] if f.get_object()["/T"] == "SoTien"
    ).get_object()
    field["/V"] = TextStringObject("1.000.000.000")
    writer.update_container(field)


def shadow_replaced(world: PdfWorld) -> bytes:
    prepared = add_revision(world.page, _text_field)
    return add_revision(sign_once(prepared, world.person, "NguoiKy", SIGNED_AT), _filled)


def shadow_hidden(world: PdfWorld) -> bytes:
    """The signed page shows a harmless layer; the update frees the object that paints it."""
    data = sign_once(add_revision(world.page, _layered), world.person, "NguoiKy", SIGNED_AT)
    number = int(re.findall(rb"(\d+) 0 obj\s*<<[^>]*/CheHinh", data)[-1])
    table = b"xref\n0 1\n0000000000 65535 f \n%d 1\n0000000000 00001 f \n" % number
    return data + table + closing(data, {}, len(data), table=False)


def _layered(writer: Writer) -> None:
    layer = writer.add_object(
        StreamObject(
            {
                NameObject("/Type"): NameObject("/XObject"),
                NameObject("/Subtype"): NameObject("/Form"),
                NameObject("/BBox"): ArrayObject(NumberObject(n) for n in (0, 0, 500, 500)),
                NameObject("/CheHinh"): NumberObject(1),
            },
            stream_data=b"1 g 0 0 500 500 re f",
        )
    )
    writer.root["/Layer"] = layer
    writer.update_root()


def shadow_switched(world: PdfWorld) -> bytes:
    """Both versions of an object stand in the signed file; a later table names the other one."""
    number = content_of_page(world.page)
    prepared = add_revision(
        update(world.page, {number: PAINT}), lambda writer: _restored(writer, number, world.page)
    )
    data = sign_once(prepared, world.person, "NguoiKy", SIGNED_AT)
    hidden = data.index(b"%d 0 obj\n%s" % (number, PAINT))
    return data + closing(data, {number: hidden}, len(data))


def _restored(writer: Writer, number: int, page: bytes) -> None:
    stream = writer.get_object(Reference(number, 0, writer.prev))
    stream._data = b"0 g"
    stream._encoded_data = None
    writer.mark_update(Reference(number, 0, writer.prev))


def font_replaced(writer: Writer) -> None:
    page = writer.root["/Pages"]["/Kids"][0]
    fonts = page["/Resources"]["/Font"]
    name = next(iter(fonts))
    font = fonts[name]
    font["/BaseFont"] = NameObject("/Khac")
    writer.update_container(font)


# certified documents


def evil_annotation(world: PdfWorld) -> bytes:
    certified = sign_once(world.page, world.person, "NguoiKy", SIGNED_AT, only=MDPPerm.ANNOTATE)
    return add_revision(certified, noted)


def cover(writer: Writer) -> None:
    append_signature_field(writer, SigFieldSpec("Che", box=(50, 400, 500, 700), on_page=0))


def stranger(world: PdfWorld) -> p.Identity:
    folder = Path(tempfile.mkdtemp(dir=world.pki.trust_folder.parent)) / "pki"
    pki = DemoPki.create(folder, name="LA", key=KeyKind.P256)
    return pki.issue_agency("000.00.00.H37", "UBND tỉnh Lạng Sơn", P256)


def sneaky(world: PdfWorld) -> bytes:
    """A stranger's signature whose picture covers the certified page."""
    certified = sign_once(world.page, world.person, "NguoiKy", SIGNED_AT, only=MDPPerm.FILL_FORMS)
    return sign_once(add_revision(certified, cover), stranger(world), "Che", SEALED_AT)


def forbidden(world: PdfWorld) -> bytes:
    certified = sign_once(world.page, world.person, "NguoiKy", SIGNED_AT, only=MDPPerm.NO_CHANGES)
    return sign_once(certified, world.agency, "CoQuan", SEALED_AT)


# algorithms, keys, time


def by(knobs: Knobs, at: datetime = SIGNED_AT) -> Callable[[PdfWorld], bytes]:
    def build(world: PdfWorld) -> bytes:
        signer = world.pki.issue_person("000.00.00.H37", "UBND tỉnh Lạng Sơn", "Nguyễn Văn B", knobs)
        return sign_once(world.page, signer, "NguoiKy", at)

    return build


def stamped(good: bool) -> Callable[[PdfWorld], bytes]:
    """Signed by a certificate that was over by the time the signer's clock says, not by the token's."""

    def build(world: PdfWorld) -> bytes:
        purpose = ExtendedKeyUsageOID.TIME_STAMPING if good else ExtendedKeyUsageOID.CODE_SIGNING
        stamper = p.authority_for_time(world.pki, SIGNED_AT, purpose)
        short = replace(P256, not_after=SIGNED_AT + timedelta(minutes=5))
        signer = world.pki.issue_person("000.00.00.H37", "UBND tỉnh Lạng Sơn", "Nguyễn Văn C", short)
        return sign_once(world.page, signer, "NguoiKy", SEALED_AT, stamper=stamper)

    return build


def forged_key(world: PdfWorld) -> bytes:
    """The person's certificate, and a key that is not its."""
    return sign_once(
        world.page, replace(world.person, private_key=world.agency.private_key), "NguoiKy", SIGNED_AT
    )


# what changes nothing that is signed


def padded(world: PdfWorld) -> bytes:
    """The digits behind the signature's value filled with others."""
    return edited(world.signed, CONTENTS, lambda m: b"/Contents <" + m[1][:-200] + b"a5" * 100 + b">")


def _retitled(writer: Writer) -> None:
    writer.trailer["/Info"]["/Title"] = TextStringObject("khác")
    writer.update_container(writer.trailer["/Info"])
