"""The ZIP of an evidence container: one way to write it, and reading that accepts nothing but that way.

In charge of: bytes <-> named members. Every member is stored uncompressed, in the order that is given, with
one fixed date, no comment, no extra field and an ASCII name, ``mimetype`` first (ETSI EN 319 162-1 section
4.4): equal members give equal bytes. Reading collects the members, writes them anew and compares, so
whatever differs from our own way is found, and no size is believed before its bytes are seen (there is
nothing to unpack: a bomb is a method that we do not read). Not in charge of: what is in it (``evidence.py``).

Layout of the records: PKWARE APPNOTE 6.3.10 sections 4.3.7, 4.3.12 and 4.3.16. Members together stay under
4 GiB.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Mapping

from gateway.model.text import Bilingual

MIMETYPE = "mimetype"
MEDIA_TYPE = "application/vnd.etsi.asic-e+zip"
MOST_MEMBERS = 65_000
MOST_BYTES = 2**32 - 2**20
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_DATE = 0x0021  # 1 January 1980, the first day that a ZIP can name
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")


class Broken(Exception):
    """The file is no container of ours as it was written. ``code`` is stable, ``member`` may be empty."""

    def __init__(self, code: str, member: str = "") -> None:
        super().__init__(f"{code}: {member}" if member else code)
        self.code = code
        self.member = member

    @property
    def text(self) -> Bilingual:
        """What a person is told."""
        told = TEXTS[self.code]
        if not self.member:
            return told
        return Bilingual(f"{told.vi} (thành phần “{self.member}”)", f"{told.en} (member “{self.member}”)")


TEXTS: dict[str, Bilingual] = {
    "container.not_zip": Bilingual(
        "Tệp này không phải hồ sơ minh chứng của trục.", "This file is no evidence container."
    ),
    "container.truncated": Bilingual(
        "Tệp bị cụt: thiếu một phần ở cuối.", "The file is cut off: its end is missing."
    ),
    "container.name": Bilingual(
        "Tên thành phần trong hồ sơ không hợp lệ, có thể nhằm ghi ra ngoài thư mục khi giải nén.",
        "A member has a name that we never write; it may aim outside the folder when unpacked.",
    ),
    "container.duplicate": Bilingual("Hồ sơ có hai thành phần trùng tên.", "Two members have the same name."),
    "container.compressed": Bilingual(
        "Thành phần bị nén; hồ sơ của trục không bao giờ nén, tệp nén có thể là bom giải nén.",
        "A member is compressed; containers of the gateway never are, and this may be a bomb.",
    ),
    "container.extra": Bilingual(
        "Phần đầu của thành phần không như trục ghi: có trường thừa, ngày giờ hoặc cờ lạ.",
        "The header of a member is not as we write it: an extra field, another date, or an unknown flag.",
    ),
    "container.crc": Bilingual(
        "Nội dung thành phần không khớp mã kiểm tra CRC của nó.", "A member does not fit its own CRC."
    ),
    "container.mimetype": Bilingual(
        "Thành phần đầu tiên không phải “mimetype” của ASiC-E.",
        "The first member is not the “mimetype” of ASiC-E.",
    ),
    "container.directory": Bilingual(
        "Mục lục ở cuối tệp không khớp các thành phần, hoặc có byte thừa, ghi chú thừa.",
        "The directory at the end does not fit the members, or there are further bytes or a comment.",
    ),
    "container.too_many": Bilingual("Hồ sơ có quá nhiều thành phần.", "There are too many members."),
}


def pack(members: Mapping[str, bytes]) -> bytes:
    """The container with these members behind ``mimetype``, in the mapping's order. ``ValueError`` for a name
    that reading would refuse, or more than a ZIP of this kind can hold."""
    every = {MIMETYPE: MEDIA_TYPE.encode(), **members}
    names_fit = all(_NAME.fullmatch(name) and len(name) < 200 for name in every)
    if not names_fit or len(every) > MOST_MEMBERS or sum(map(len, every.values())) > MOST_BYTES:
        raise ValueError("these members do not fit into a container")
    return _write(every)


def unpack(data: bytes) -> dict[str, bytes]:
    """Members in their order, without ``mimetype``. ``Broken`` says what is not as ``pack`` writes it."""
    members = _collect(data)
    if next(iter(members)) != MIMETYPE or members[MIMETYPE] != MEDIA_TYPE.encode():
        raise Broken("container.mimetype")
    if _write(members) != data:
        raise Broken("container.directory")
    del members[MIMETYPE]
    return members


def _collect(data: bytes) -> dict[str, bytes]:
    if data[:4] != b"PK\3\4":
        raise Broken("container.not_zip")
    members: dict[str, bytes] = {}
    at = 0
    while data[at : at + 4] == b"PK\3\4":
        name, body, at = _member(data, at)
        if name in members:
            raise Broken("container.duplicate", name)
        if len(members) == MOST_MEMBERS:
            raise Broken("container.too_many")
        members[name] = body
    if len(data) - at < _END.size:
        raise Broken("container.truncated")
    return members


def _member(data: bytes, at: int) -> tuple[str, bytes, int]:
    """Name, bytes, and where the next record begins."""
    if len(data) < at + _LOCAL.size:
        raise Broken("container.truncated")
    fields = _LOCAL.unpack_from(data, at)
    _, _, _, method, _, _, crc, packed, size, name_size, extra_size = fields
    start = at + _LOCAL.size + name_size + extra_size
    name = _name(data[at + _LOCAL.size : at + _LOCAL.size + name_size])
    if method != 0 or packed != size:
        raise Broken("container.compressed", name)
    if len(data) < start + size:
        raise Broken("container.truncated", name)
    body = data[start : start + size]
    found = zlib.crc32(body)
    if found != crc:
        raise Broken("container.crc", name)
    if data[at:start] != _local(name, body, found):
        raise Broken("container.extra", name)
    return name, body, start + size


def _name(raw: bytes) -> str:
    name = raw.decode("latin-1")
    if not _NAME.fullmatch(name) or len(name) >= 200:
        raise Broken("container.name", ascii(name)[1:-1])
    return name


def _write(members: Mapping[str, bytes]) -> bytes:
    bodies, directory, offset = [], [], 0
    for name, body in members.items():
        crc = zlib.crc32(body)
        local = _local(name, body, crc)
        directory.append(_central(name, body, crc, offset))
        bodies += [local, body]
        offset += len(local) + len(body)
    listed = b"".join(directory)
    end = _END.pack(b"PK\5\6", 0, 0, len(members), len(members), len(listed), offset, 0)
    return b"".join([*bodies, listed, end])


def _local(name: str, body: bytes, crc: int) -> bytes:
    facts = (0, _DATE, crc, len(body), len(body))
    return _LOCAL.pack(b"PK\3\4", 20, 0, 0, *facts, len(name), 0) + name.encode("ascii")


def _central(name: str, body: bytes, crc: int, offset: int) -> bytes:
    facts = (0, _DATE, crc, len(body), len(body))
    return _CENTRAL.pack(b"PK\1\2", 20, 20, 0, 0, *facts, len(name), 0, 0, 0, 0, 0, offset) + name.encode(
        "ascii"
    )


__all__ = ["MEDIA_TYPE", "MIMETYPE", "TEXTS", "Broken", "pack", "unpack"]
