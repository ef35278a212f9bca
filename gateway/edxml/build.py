"""Writing an edXML message: words in, bytes out, strict, in one of the two dialects.

In charge of: whole messages; attachments pass through in pieces, so memory does not grow with them. Elements
that the standard does not know (``Envelope.extensions``) and XML signatures do not travel: a rebuilt message
is a new form of the old content, and the record of the delivery says so.
Not in charge of: when a message is rebuilt at all (``delivery/``).
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterable, Iterator

from gateway.edxml import names
from gateway.edxml.dialects import STYLES, Style
from gateway.edxml.parts import Part, attachment_fields, document_header, manifest, status_header
from gateway.model.envelope import Dialect, Envelope, Kind

_PREFIX = f"{names.PREFIX}:"
_BLOCK = 57 * 1024  # bytes encoded at a time; a multiple of three


def build_envelope(
    envelope: Envelope, open_attachment: Callable[[int], Iterable[bytes]], dialect: Dialect
) -> Iterator[bytes]:
    """The bytes of a document message, in pieces.

    ``open_attachment(i)`` gives the decoded, unwrapped bytes of attachment ``i`` in chunks of any size; it is
    called once for each, in order. Files are written raw (not zipped), as the national Java library does in
    one of its two forms. ``ValueError`` for a status and for text that XML cannot carry.
    """
    if envelope.kind is Kind.STATUS:
        raise ValueError("a status message is written by build_status")
    style = STYLES[dialect]
    header = document_header(envelope, dialect)
    body = Part(names.BODY, parts=(manifest(envelope, dialect),))
    yield _opening(style, header, body)
    yield style.line(1, f"<{names.ENCODED}>").encode()
    for index in range(len(envelope.attachments)):
        yield from _attachment(envelope, index, open_attachment, dialect)
    yield (style.line(1, f"</{names.ENCODED}>") + style.line(0, f"</{names.ROOT}>")).encode()


def build_status(envelope: Envelope, dialect: Dialect = Dialect.JAVA) -> bytes:
    """The bytes of a status message. ``ValueError`` when ``envelope`` is none."""
    style = STYLES[dialect]
    opening = _opening(style, status_header(envelope), None)
    return opening + style.line(0, f"</{names.ROOT}>").encode()


def _opening(style: Style, header: tuple[Part, ...], body: Part | None) -> bytes:
    """Everything up to the end of ``edXMLEnvelope``."""
    parts = [Part(names.HEADER, parts=header)] + ([body] if body else [])
    lines = [
        style.declaration,
        style.line(0, style.root),
        style.line(1, f'<{_PREFIX}{names.ENVELOPE} xmlns:{names.PREFIX}="{names.NS}">'),
        *style.render(parts, 2, _PREFIX),
        style.line(1, f"</{_PREFIX}{names.ENVELOPE}>"),
    ]
    return "".join(lines).encode()


def _attachment(
    envelope: Envelope, index: int, open_attachment: Callable[[int], Iterable[bytes]], dialect: Dialect
) -> Iterator[bytes]:
    style = STYLES[dialect]
    fields = attachment_fields(envelope.attachments[index], index, dialect)
    arranged = style.arrange(Part(names.ATTACHMENT, parts=(*fields, Part(names.CONTENT, "…"))))
    at = [part.name for part in arranged].index(names.CONTENT)
    start = style.indent * 3 + f"<{style.content_tag}>"
    end = f"</{style.content_tag.split()[0]}>{style.newline}"
    before = style.line(2, f"<{names.ATTACHMENT}>") + "".join(style.render(arranged[:at], 3, ""))
    yield (before + start).encode()
    yield from _base64(open_attachment(index))
    after = "".join(style.render(arranged[at + 1 :], 3, "")) + style.line(2, f"</{names.ATTACHMENT}>")
    yield (end + after).encode()


def _base64(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Base64 without line breaks, of chunks of any size."""
    rest = b""
    for chunk in chunks:
        for start in range(0, len(chunk), _BLOCK):
            block = rest + chunk[start : start + _BLOCK]
            usable = len(block) - len(block) % 3
            yield binascii.b2a_base64(block[:usable], newline=False)
            rest = block[usable:]
    yield binascii.b2a_base64(rest, newline=False)
