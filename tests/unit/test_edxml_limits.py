"""Bombs and broken uploads: refused with a sentence, cheaply, and never with a crash."""

from __future__ import annotations

import time
import tracemalloc
import unicodedata
from collections.abc import Iterator

import pytest

from gateway.edxml.limits import Limits
from gateway.edxml.parse import EnvelopeReader, check_before_tree, parse_envelope
from gateway.edxml.safe_xml import parse_tree
from gateway.errors import Unreadable
from gateway.model.text import nfc
from tests.unit import edxml_world as w

KIB = 1024
MIB = 1024 * 1024


def with_header(xml: str) -> bytes:
    return w.message(header=xml)


def fed_without_end(opening: str) -> tuple[Unreadable, int]:
    """The refusal while 10 MiB of text arrive at ``@@``, and how many bytes had arrived by then."""
    reader = EnvelopeReader()
    reader.feed(w.message(header=opening).split(b"@@")[0])
    for fed in range(0, 10 * MIB, 10_000):
        try:
            reader.feed(b"a" * 10_000)
        except Unreadable as error:
            return error, fed
    raise AssertionError("never refused")


# bombs


def test_two_hundred_thousand_attributes_in_one_tag_are_refused_cheaply() -> None:
    attributes = " ".join(f'a{number}="1"' for number in range(200_000))
    data = with_header(f"<x {attributes}/>")
    started = time.process_time()
    assert w.refused(data).code in ("envelope.token_too_long", "envelope.too_many_attributes")
    assert time.process_time() - started < 0.2


def test_two_hundred_thousand_attributes_in_many_tags_are_refused_cheaply() -> None:
    data = with_header('<x a="1" b="2" c="3" d="4"/>' * 50_000)
    started = time.process_time()
    assert w.refused(data).code == "envelope.too_many_attributes"
    assert time.process_time() - started < 0.2


def test_two_hundred_thousand_elements_are_refused_in_bounded_memory() -> None:
    data = with_header("<x/>" * 200_000)
    tracemalloc.start()
    assert w.refused(data).code == "envelope.too_many_elements"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * MIB


def test_elements_that_nobody_knows_are_kept_only_up_to_a_limit() -> None:
    assert w.refused(with_header("<x/>" * 1_001)).code == "envelope.too_many_unknown"
    assert len(w.read(with_header("<x/>" * 1_000)).envelope.extensions) == 1_000


@pytest.mark.parametrize("depth", [40, 300, 100_000])
def test_deep_nesting_is_refused(depth: int) -> None:
    assert w.refused(with_header("<x>" * depth + "</x>" * depth)).code == "envelope.too_deep"


def test_the_limit_of_depth_is_far_above_what_messages_need() -> None:
    assert w.read(with_header("<x>" * 20 + "</x>" * 20)).envelope.subject == "V/v thử nghiệm"


BILLION_LAUGHS = "<!DOCTYPE edXML [" + '<!ENTITY a0 "ha">' + "".join(
    f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)
) + "]>"  # fmt: skip


@pytest.mark.parametrize(
    "declaration",
    [
        "<!DOCTYPE edXML>",
        BILLION_LAUGHS,
        '<!DOCTYPE edXML SYSTEM "http://example.invalid/x.dtd">',
        '<!DOCTYPE edXML [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE edXML [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>',
        f'<!DOCTYPE edXML [<!ENTITY q "{"x" * 50_000}">]>',
        f"<!DOCTYPE edXML [<!ATTLIST edXML {'a CDATA #IMPLIED ' * 10_000}>]>",
    ],
    ids=["bare", "billion laughs", "remote", "file", "parameter entity", "quadratic", "attlist"],
)
@pytest.mark.parametrize("reader", [parse_envelope, parse_tree])
def test_a_doctype_is_refused_whatever_it_says(declaration: str, reader: object) -> None:
    data = w.change(w.message(), "<edXML xmlns", declaration + "<edXML xmlns", 1)
    started = time.process_time()
    with pytest.raises(Unreadable) as caught:
        reader(data)  # type: ignore[operator]
    assert caught.value.code in ("envelope.doctype", "envelope.not_xml")
    assert time.process_time() - started < 0.2


def test_an_entity_is_never_looked_up() -> None:
    assert w.refused(w.change(w.message(), "V/v", "&xxe;")).code == "envelope.not_xml"


def test_a_field_that_grows_without_end_is_refused_while_it_arrives() -> None:
    error, fed = fed_without_end("<edXML:Content>@@")
    assert error.code == "envelope.field_too_long"
    assert "Content" in error.text.vi
    assert fed < 200_000


@pytest.mark.parametrize("length", [64 * KIB + 1, 100_000])
def test_a_field_over_64_kib_is_refused(length: int) -> None:
    assert w.refused(w.change(w.message(), "V/v thử nghiệm", "a" * length)).code == "envelope.field_too_long"


def test_a_field_of_64_kib_is_read() -> None:
    subject = "a" * (64 * KIB)
    assert w.read(w.change(w.message(), "V/v thử nghiệm", subject)).envelope.subject == subject


def test_stray_text_is_bounded_too() -> None:
    assert w.refused(with_header("chữ lạc" * 20_000)).code == "envelope.field_too_long"
    assert w.refused(with_header(("b" * 60_000 + "<edXML:Subject/>") * 3)).code == "envelope.field_too_long"


def test_many_long_fields_are_refused_together() -> None:
    data = with_header(f"<edXML:Content>{'a' * 60_000}</edXML:Content>" * 80)
    assert w.refused(data).code == "envelope.texts_too_long"


def test_long_attributes_count_as_text() -> None:
    data = with_header(f'<x a="{"a" * 60_000}"/>' * 80)
    assert w.refused(data).code == "envelope.texts_too_long"


@pytest.mark.parametrize("token", ["<!--{}-->", '<x a="{}"/>', "<?x {}?>", "<{}/>"])
def test_one_endless_tag_or_comment_is_refused(token: str) -> None:
    error = w.refused(with_header(token.format("a" * 600_000)))
    assert error.code in ("envelope.token_too_long", "envelope.not_xml", "envelope.texts_too_long")


def test_a_comment_of_megabytes_is_not_held_in_memory() -> None:
    error, fed = fed_without_end("<!-- @@ -->")
    assert error.code == "envelope.token_too_long"
    assert fed < 400_000


# runs of combining marks, over which normalising is quadratic

PILE = "a" + "\u0301\u0323" * 32_000


@pytest.mark.parametrize(
    "data",
    [
        w.change(w.message(), "V/v thử nghiệm", PILE),
        w.change(w.message(), "V/v thử nghiệm", "\u0f73" * 64_000),
        w.message(header=f"<x>{PILE}</x>"),
        w.message(header=f'<x a="{PILE}"/>'),
        w.message(header=f"<{PILE[:20_001]}/>"),
        w.message(header=f'<x {PILE[:20_001]}=""/>'),
        w.message(header=f"{PILE}<edXML:Content/>"),
        w.message(header="\u0301<x/>\u0323<x/>" * 20),
        w.message(attachments=w.attachment(name=PILE)),
    ],
    ids=[
        "field",
        "of marks",
        "unknown",
        "attribute",
        "name",
        "attribute name",
        "stray",
        "pieces",
        "file name",
    ],
)
def test_a_pile_of_combining_marks_is_refused_before_it_is_normalised(data: bytes) -> None:
    started = time.process_time()
    error = w.refused(data)
    assert error.code == "text.combining_marks"
    assert time.process_time() - started < 0.3


def test_thirty_marks_in_a_row_are_read() -> None:
    subject = "a" + "\u0323" * 30
    assert w.read(w.change(w.message(), "V/v thử nghiệm", subject)).envelope.subject == nfc(subject)


def test_text_in_decomposed_vietnamese_is_read() -> None:
    text = "Về việc triển khai thử nghiệm liên thông văn bản " * 500
    data = w.change(w.message(), "V/v thử nghiệm", unicodedata.normalize("NFD", text))
    assert w.read(data).envelope.subject == text.strip()


# before a tree is built


@pytest.mark.parametrize("part", ["<a/>x", "<!---->x", "<?a?>x", '<a b="1"/>'])
def test_a_tree_of_millions_of_parts_is_refused_by_counting(part: str) -> None:
    started = time.process_time()
    with pytest.raises(Unreadable) as caught:
        check_before_tree(with_header(part * 1_000_000))
    assert caught.value.code == "envelope.too_many_elements"
    assert time.process_time() - started < 0.3


@pytest.mark.parametrize("attribute", ["a{}='1' ", 'a{}="1" ', 'a{} =\n"1" '])
def test_a_tree_of_a_million_attributes_is_refused_by_counting(attribute: str) -> None:
    data = with_header(f"<x {''.join(attribute.format(number) for number in range(200_000))}/>")
    with pytest.raises(Unreadable) as caught:
        check_before_tree(data)
    assert caught.value.code == "envelope.too_many_attributes"


def test_a_message_at_the_limits_of_the_reader_passes_the_count() -> None:
    elements = "<edXML:To><edXML:OrganId>H</edXML:OrganId></edXML:To>" * 29_900
    data = w.message(header=elements + "<edXML:Content>" + "= " * 30_000 + "</edXML:Content>")
    assert len(w.read(data).envelope.recipients) == 29_902
    check_before_tree(data)


def test_an_encoding_is_refused_before_a_tree_is_built() -> None:
    with pytest.raises(Unreadable) as caught:
        check_before_tree(w.change(w.message(), 'encoding="UTF-8"', 'encoding="UTF-7"'))
    assert caught.value.code == "envelope.encoding"


# sizes and counts


def test_an_envelope_over_the_size_limit_is_refused() -> None:
    data = w.message()
    limits = Limits(max_bytes=len(data) - 1)
    assert w.refused(data, limits).code == "envelope.too_large"
    assert w.read(data, Limits(max_bytes=len(data))).envelope.kind.value == "new"


def test_an_attachment_may_have_exactly_the_limit_of_bytes() -> None:
    assert w.read(w.message(), Limits(max_attachment=len(w.PDF))).envelope.attachments[0].size == len(w.PDF)
    error = w.refused(w.message(), Limits(max_attachment=len(w.PDF) - 1))
    assert error.code == "attachment.too_large"
    assert "cv.pdf" in error.text.vi


def test_the_default_limit_of_an_attachment_is_fifty_mebibytes() -> None:
    assert Limits().max_attachment == 52_428_800


def test_all_attachments_together_are_bounded() -> None:
    data = w.message(attachments=w.attachment() + w.attachment(name="b.pdf", content_id="b"))
    assert w.refused(data, Limits(max_unpacked=2 * len(w.PDF) - 1)).code == "attachment.unpacked_too_large"
    assert len(w.read(data, Limits(max_unpacked=2 * len(w.PDF))).envelope.attachments) == 2


def test_a_hundred_attachments_are_read_and_one_more_is_refused() -> None:
    many = "".join(w.attachment(name=f"{n}.pdf", content_id=str(n)) for n in range(101))
    data = w.message(references="", attachments=many)
    assert w.refused(data).code == "attachment.too_many"
    assert len(w.read(data, Limits(max_attachments=101)).envelope.attachments) == 101


def test_a_hundred_promised_files_are_read_and_one_more_is_refused_at_once() -> None:
    many = [
        w.REFERENCE.replace("f1", f"f{number}").replace("cv.pdf", f"{number}.pdf") for number in range(101)
    ]
    assert w.refused(w.message(references="".join(many))).code == "attachment.too_many"
    assert w.refused(w.message(references="".join(many[:100]))).code == "attachment.missing"


def test_a_list_of_all_communes_is_read() -> None:
    to = (
        "<edXML:To>"
        + "".join(f"<edXML:{n}>x</edXML:{n}>" for n in ("OrganName", "OrganAdd", "Email"))
        + ("<edXML:OrganId>{}</edXML:OrganId></edXML:To>")
    )
    data = with_header("".join(to.format(f"H37.{number}") for number in range(3_321)))
    assert len(w.read(data).envelope.recipients) == 3_323


# cut-off and damaged uploads


def offsets(size: int) -> Iterator[int]:
    """Every place near the ends, and a sample between."""
    yield from range(1, 200)
    yield from range(200, size - 200, 37)
    yield from range(size - 200, size)


@pytest.mark.parametrize("name", ["new-kh-47", "dotnet-cv-366", "status-03-cv-362", "odd-wrapped"])
def test_an_upload_that_is_cut_off_anywhere_is_refused(name: str) -> None:
    whole = (w.CORPUS / "good" / f"{name}.edxml").read_bytes().rstrip()
    for end in offsets(min(len(whole), 9_000)):
        assert w.refused(whole[:end]).code == "envelope.truncated", end


def test_a_cut_inside_the_content_is_called_a_cut() -> None:
    whole = (w.CORPUS / "good" / "new-cv-362.edxml").read_bytes()
    error = w.refused(whole[: len(whole) // 2])
    assert error.code == "envelope.truncated"
    assert "cắt cụt" in error.text.vi


@pytest.mark.parametrize("rest", [b"<a/>", b"x", b"<!-- -->x", b"\x00"])
def test_anything_behind_the_message_is_refused(rest: bytes) -> None:
    assert w.refused(w.message() + rest).code == "envelope.not_xml"


def test_white_space_and_comments_behind_the_message_are_no_matter() -> None:
    assert w.read(w.message() + b"\r\n\r\n<!-- x -->\n").envelope.kind.value == "new"


@pytest.mark.parametrize(
    "data", [b"", b" ", b"\n", b"\x00", b"PK\x03\x04", b"{}", b"<", b"\xef\xbb\xbf", b"%PDF"]
)
def test_what_is_no_xml_at_all_is_refused(data: bytes) -> None:
    assert w.refused(data).code in ("envelope.empty", "envelope.not_xml", "envelope.truncated")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_other_encodings_are_refused(encoding: str) -> None:
    assert w.refused(w.message().decode().encode(encoding)).code in ("envelope.encoding", "envelope.not_xml")


def test_utf7_and_friends_are_refused_by_their_declaration() -> None:
    data = w.change(w.message(), 'encoding="UTF-8"', "encoding='utf-7'")
    error = w.refused(data)
    assert error.code == "envelope.encoding"
    assert "utf-7" in error.text.vi


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("space", [" ", "\n", "\t"])
def test_an_encoding_cannot_hide_behind_white_space(space: str, mark: str) -> None:
    declaration = f'<?xml version="1.0"{space * 300}encoding="UTF-7"?>'
    data = w.change(w.message(), '<?xml version="1.0" encoding="UTF-8"?>', mark + declaration)
    assert w.refused(data).code == "envelope.declaration_too_long"


@pytest.mark.parametrize("name", ["x" * 60, "", "UTF-7//IGNORE", "utf-7 "])
def test_an_odd_name_of_an_encoding_is_refused(name: str) -> None:
    data = w.change(w.message(), 'encoding="UTF-8"', f'encoding="{name}"')
    assert w.refused(data).code == "envelope.encoding"


def test_bytes_that_are_no_utf8_are_refused() -> None:
    assert w.refused(w.message().replace("thử".encode(), b"th\xff")).code == "envelope.not_xml"


def test_the_tree_parser_keeps_prefixes_and_lifts_the_text_limit_only_when_asked() -> None:
    data = w.message("A" * 10_000_004)
    with pytest.raises(Unreadable):
        parse_tree(data)
    root = parse_tree(data, huge=True)
    assert root[0].prefix == "edXML"
