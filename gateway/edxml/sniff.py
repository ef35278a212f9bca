"""What a file is, told by its bytes.

In charge of: one short word per file (the words of ``Attachment.format``). Declared content types are never
looked at: the national library makes some up (``application/docx``). Not in charge of: whether the file is
sound (``signature/pdf``), unpacking anything.
"""

from __future__ import annotations

_HEAD = 4096  # bytes looked at from the front
_TAIL = 65_536  # and from the back, where a ZIP keeps its list of entries
_ZIP = b"PK\x03\x04"
_CENTRAL = b"PK\x01\x02"
_OFFICE = ((b"word/", "docx"), (b"xl/", "xlsx"), (b"ppt/", "pptx"))
_MAGIC = (
    (_ZIP, "zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "doc"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
)
_DESTROYED = b"\xef\xbf\xbd\xef\xbf\xbd"  # two replacement characters: bytes that went through a text decoder


class Sniffer:
    """Looks at a file as it passes; keeps at most 68 KiB of it."""

    __slots__ = ("_head", "_tail")

    def __init__(self) -> None:
        self._head = b""
        self._tail = b""

    def feed(self, piece: bytes) -> None:
        """The next bytes of the file."""
        if len(self._head) < _HEAD:
            self._head += piece[: _HEAD - len(self._head)]
        if self._head.startswith(_ZIP):
            self._tail = (self._tail + piece)[-_TAIL:]

    @property
    def format(self) -> str:
        """pdf, docx, xlsx, pptx, odf, zip, doc, png, jpeg, xml, text, empty or unknown."""
        head = self._head
        if not head:
            return "empty"
        for magic, word in _MAGIC:
            if head.startswith(magic) and not _is_read_as_pdf(head):
                return self._kind_of_zip() if word == "zip" else word
        if b"%PDF-" in head[:1024]:
            return "pdf"
        return _kind_of_text(head)

    @property
    def destroyed(self) -> bool:
        """True for a PDF whose binary marker became replacement characters (reference 1.4, trap 3)."""
        return b"%PDF-" in self._head[:1024] and _DESTROYED in self._head[:1024]

    def _kind_of_zip(self) -> str:
        if b"mimetypeapplication/vnd.oasis.opendocument" in self._head[:128]:
            return "odf"
        names = _entry_names(self._tail)
        if b"[Content_Types].xml" in names:
            for folder, word in _OFFICE:
                if any(name.startswith(folder) for name in names):
                    return word
        return "zip"


def _is_read_as_pdf(head: bytes) -> bool:
    """True for a PDF behind the first bytes of something else: PDF viewers look for it in the first 1024.

    Not for a ZIP whose first entry is a PDF that is stored as it is.
    """
    at = head.find(b"%PDF-", 0, 1024)
    if not head.startswith(_ZIP):
        return at >= 0
    name, extra = int.from_bytes(head[26:28], "little"), int.from_bytes(head[28:30], "little")
    return at >= 0 and at != 30 + name + extra


def _entry_names(tail: bytes) -> list[bytes]:
    """Names in the central directory, as far as it lies within the last 64 KiB."""
    names = []
    at = tail.find(_CENTRAL)
    while at >= 0 and at + 46 <= len(tail):
        length = int.from_bytes(tail[at + 28 : at + 30], "little")
        names.append(tail[at + 46 : at + 46 + length])
        at = tail.find(_CENTRAL, at + 46 + length)
    return names


def _kind_of_text(head: bytes) -> str:
    try:
        # The head may end within a character: up to three bytes of it are forgiven.
        text = head.decode("utf-8-sig", "strict" if len(head) < _HEAD else "ignore")
    except UnicodeDecodeError:
        return "unknown"
    if head.count(b"\0") or len(text.encode()) + 6 < len(head):
        return "unknown"
    return "xml" if text.lstrip().startswith("<") else "text"
