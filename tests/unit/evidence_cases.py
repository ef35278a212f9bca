"""Evidence containers that somebody changed: every way that we know, and what must be said.

``python -m tests.unit.evidence_cases`` writes the table of ``docs/evidence.md`` anew (``make docs`` does); a
test compares. Three attackers: who has the file and no key; who has another key; and the operator, who has
the gateway's own receipt key and signs what he changed.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from gateway.clock import SystemClock
from gateway.exchange_log import evidence
from gateway.exchange_log.container import MEDIA_TYPE, pack, unpack
from gateway.exchange_log.evidence_check import Trusted, check_container
from gateway.flow.evidence import export_evidence, public_keys, trusted_of
from gateway.flow.operate import LOCAL
from gateway.model.canonical import canonical_json
from gateway.signature.cades import sign_detached
from gateway.signature.keyring import LOG, Keyring
from gateway.store import open_store
from tests.world import MONDAY, make_world

PAGE = Path(__file__).resolve().parents[2] / "docs" / "evidence.md"
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7")  # how a UUIDv7 begins
BEGIN, END = "<!-- table: written by `make docs` -->\n", "<!-- end of table -->\n"
DOCUMENT = "H37,2020/04/13,362/UBND-KGVX"
Members = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Sample:
    """One container, the keyring that made it, and what a verifier believes."""

    data: bytes
    keyring: Keyring
    trusted: Trusted
    keys: str
    folder: Path

    @property
    def members(self) -> Members:
        return unpack(self.data)


@dataclass(frozen=True, slots=True)
class Case:
    """``change`` makes the bad file; ``code`` is the first row that must not hold."""

    title_vi: str
    title_en: str
    code: str
    change: Callable[[Sample], bytes]


@cache
def sample() -> Sample:
    """A document to two recipients: one has it and took it in, the other has not come for it."""
    folder = Path(tempfile.mkdtemp(prefix="evidence"))
    return asyncio.run(_make(folder))


async def _make(folder: Path) -> Sample:
    store = await open_store("sqlite:///gateway.db", folder, clock=SystemClock(), purpose="evidence cases")
    async with make_world(store, folder) as world:
        await world.send("H37", ["H37.03", "H37.05"])
        await world.fetch("H37.03")
        await world.report("H37.03", "03", DOCUMENT)
        made = await export_evidence(world.gw, LOCAL, DOCUMENT, "bảng các cách sửa hồ sơ")
        keys = (await public_keys(world.gw, LOCAL))["keys"]
        keyring = world.gw.keyring
    await store.close()
    return Sample(made.data, keyring, trusted_of(keyring), keys, folder)


def other_keyring() -> Keyring:
    """The keys of another gateway, or of anybody."""
    keyring = Keyring.create(Path(tempfile.mkdtemp(prefix="other")) / "keys", "truc-khac", MONDAY)
    keyring.ensure_note_key(LOG, MONDAY)
    return keyring


# --- what attackers do ---------------------------------------------------------------------------------


def changed_in(members: Members, name: str) -> Members:
    """One bit of the middle byte of a member."""
    body = bytearray(members[name] or b"\0")
    body[len(body) // 2] ^= 1
    return {**members, name: bytes(body)}


def relisted(members: Members, keyring: Keyring | None) -> bytes:
    """Both lists made anew over the members as they are now; signed when there is a key to sign with."""
    inside = {name: body for name, body in members.items() if not name.startswith("META-INF/")}
    manifest = orjson.loads(inside[evidence.MANIFEST])
    manifest["files"] = [
        {
            **entry,
            "sha256": hashlib.sha256(inside[entry["path"]]).hexdigest(),
            "size": len(inside[entry["path"]]),
        }
        for entry in manifest["files"]
        if entry["path"] in inside
    ]
    inside[evidence.MANIFEST] = orjson.dumps(manifest)
    listed = evidence.asic_manifest({name: hashlib.sha256(body).digest() for name, body in inside.items()})
    signature = members[evidence.SIGNATURE]
    if keyring is not None:
        signature = sign_detached(keyring, listed, MONDAY)
    return pack({evidence.ASIC_MANIFEST: listed, evidence.SIGNATURE: signature, **inside})


def first(sample: Sample, folder: str, ending: str = "") -> str:
    """The first member of a folder."""
    return next(name for name in sample.members if name.startswith(folder) and name.endswith(ending))


def event_of(sample: Sample, kind: str) -> str:
    """The member with the first event of that type."""
    return next(
        name
        for name, body in sample.members.items()
        if name.startswith("events/") and orjson.loads(body)["type"] == kind
    )


def with_event(sample: Sample, kind: str, **fields: Any) -> Members:
    """The event with other values, in canonical form again."""
    name = event_of(sample, kind)
    body = orjson.loads(sample.members[name]) | fields
    return {**sample.members, name: canonical_json(body)}


def with_record(sample: Sample, change: Callable[[Any], None]) -> Members:
    record = orjson.loads(sample.members[evidence.RECORD])
    change(record)
    return {**sample.members, evidence.RECORD: orjson.dumps(record)}


def with_json(sample: Sample, name: str, change: Callable[[Any], None]) -> Members:
    value = orjson.loads(sample.members[name])
    change(value)
    return {**sample.members, name: orjson.dumps(value)}


def without(members: Members, name: str) -> Members:
    return {other: body for other, body in members.items() if other != name}


def _raw_member(name: bytes, body: bytes, method: int = 0, extra: bytes = b"", date: int = 0x21) -> bytes:
    """A local record as anybody may write it."""
    packed = zlib.compress(body, 9)[2:-4] if method == 8 else body
    sizes = (zlib.crc32(body), len(packed), len(body), len(name), len(extra))
    return struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, method, 0, date, *sizes) + name + extra + packed


def _with_first(sample: Sample, record: bytes) -> bytes:
    """``record`` right behind ``mimetype``; the directory at the end stays as it was."""
    end = 30 + len("mimetype") + len(MEDIA_TYPE)
    return sample.data[:end] + record + sample.data[end:]


def _delivered(record: Any) -> None:
    """The recipient that never came gets the page of one that did."""
    waiting = next(one for one in record["deliveries"] if one["state"] == "queued" and one["kind"] == "new")
    waiting["state"] = "delivered"


def _turned_into_02(sample: Sample) -> Members:
    """The event and what the page tells of it."""
    changed = with_event(sample, "status.reported", status="02")
    old = orjson.loads(sample.members[event_of(sample, "status.reported")])["message"]

    def turn(record: Any) -> None:
        next(one for one in record["statuses"] if one["message"] == old)["code"] = "02"

    return {**changed, evidence.RECORD: with_record(sample, turn)[evidence.RECORD]}


def _other_receipt(sample: Sample) -> Members:
    """The first receipt with another time, rightly signed with the key of receipts."""
    name = first(sample, "receipts/")
    header, claims, _ = sample.members[name].decode().split(".")
    told = orjson.loads(base64.urlsafe_b64decode(claims + "==")) | {"accepted_at": 1}
    signed = f"{header}.{_base64url(orjson.dumps(told))}"
    value = _base64url(sample.keyring.sign_receipt(signed.encode()))
    return {**sample.members, name: f"{signed}.{value}".encode()}


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _receipts_swapped(sample: Sample) -> Members:
    one, two = [name for name in sample.members if name.startswith("receipts/")][:2]
    return {**sample.members, one: sample.members[two], two: sample.members[one]}


def _as_page(sample: Sample) -> Members:
    """The bytes as received are listed as a page, whose hash nobody compares."""

    def hide(manifest: Any) -> None:
        next(one for one in manifest["files"] if one["role"] == "received")["role"] = "page"

    return with_json(sample, evidence.MANIFEST, hide)


def _deliveries_gone(record: Any) -> None:
    record["deliveries"] = record["deliveries"][1:]


def _another_status(record: Any) -> None:
    record["statuses"][0]["code"] = "02"


def _flip(sample: Sample, name: str) -> bytes:
    """A byte in the file itself, its CRC left as it was."""
    data = bytearray(sample.data)
    body = sample.members[name]
    data[sample.data.index(body) + len(body) // 2] ^= 1
    return bytes(data)


def _other_root(sample: Sample) -> Members:
    note = sample.members[evidence.LOG_CHECKPOINT].decode().split("\n")
    note[2] = "A" * 43 + "="
    return {**sample.members, evidence.LOG_CHECKPOINT: "\n".join(note).encode()}


def _other_jws(sample: Sample) -> Members:
    names = [name for name in sample.members if name.startswith("receipts/")]
    header, claims, value = sample.members[names[0]].decode().split(".")
    changed = claims[:-6] + ("A" if claims[-6] != "A" else "B") + claims[-5:]
    return {**sample.members, names[0]: f"{header}.{changed}.{value}".encode()}


def _swapped(members: Members) -> Members:
    """Two members change places, rightly packed."""
    items = list(members.items())
    items[-1], items[-2] = items[-2], items[-1]
    return dict(items)


def _renamed(members: Members, old: str, new: str) -> Members:
    return {new if name == old else name: body for name, body in members.items()}


def _private(value: Any) -> None:
    next(iter(value.values()))["subject"]["text"] = "V/v việc khác"


def _leaf(value: Any) -> None:
    first_proof = next(iter(value["events"].values()))
    first_proof["leaf"] += 1


SIGNED = "container.signature"
MEMBERS = "container.members"
CASES: tuple[Case, ...] = (
    # Who has the file and no key.
    Case("Một byte bị sửa", "One byte changed", "container.crc", lambda s: _flip(s, "page.html")),
    Case(
        "Một byte bị sửa, ZIP được đóng lại đúng",
        "One byte changed, rightly packed again",
        MEMBERS,
        lambda s: pack(changed_in(s.members, "page.html")),
    ),
    Case(
        "Thêm một thành phần",
        "A member added",
        MEMBERS,
        lambda s: pack({**s.members, "events/9999.json": b"{}"}),
    ),
    Case(
        "Thêm một thành phần trong META-INF",
        "A member added to META-INF",
        MEMBERS,
        lambda s: pack({**s.members, "META-INF/more.p7s": b"x"}),
    ),
    Case(
        "Bỏ một sự kiện",
        "An event left out",
        MEMBERS,
        lambda s: pack(without(s.members, event_of(s, "delivery.fetched"))),
    ),
    Case(
        "Bỏ chữ ký", "The signature left out", MEMBERS, lambda s: pack(without(s.members, evidence.SIGNATURE))
    ),
    Case(
        "Đổi tên một thành phần",
        "A member renamed",
        MEMBERS,
        lambda s: pack(_renamed(s.members, evidence.PAGE_PDF, "trang.pdf")),
    ),
    Case("Đổi chỗ hai thành phần", "Two members change places", MEMBERS, lambda s: pack(_swapped(s.members))),
    Case(
        "Hai thành phần trùng tên",
        "Two members of one name",
        "container.duplicate",
        lambda s: _with_first(s, _raw_member(b"page.html", b"<p>kh\xc3\xa1c</p>")),
    ),
    Case(
        "Bom giải nén: 64 MiB số 0 nén lại",
        "A bomb: 64 MiB of zeros, compressed",
        "container.compressed",
        lambda s: _with_first(s, _raw_member(b"bomb.bin", bytes(64 * 2**20), method=8)),
    ),
    Case(
        "Tên thoát ra ngoài thư mục: ../../etc/cron.d/x",
        "A name that leaves the folder: ../../etc/cron.d/x",
        "container.name",
        lambda s: _with_first(s, _raw_member(b"../../etc/cron.d/x", b"x")),
    ),
    Case(
        "Tên tuyệt đối: /etc/passwd",
        "An absolute name: /etc/passwd",
        "container.name",
        lambda s: _with_first(s, _raw_member(b"/etc/passwd", b"x")),
    ),
    Case(
        "Tên Windows: C:\\x",
        "A Windows name: C:\\x",
        "container.name",
        lambda s: _with_first(s, _raw_member(b"C:\\x", b"x")),
    ),
    Case(
        "Trường thừa ở đầu thành phần",
        "An extra field in a header",
        "container.extra",
        lambda s: _with_first(s, _raw_member(b"more.txt", b"x", extra=b"UT\x01\x00x")),
    ),
    Case(
        "Ngày giờ khác ở đầu thành phần",
        "Another date in a header",
        "container.extra",
        lambda s: _with_first(s, _raw_member(b"more.txt", b"x", date=0x5A21)),
    ),
    Case(
        "Thành phần không có trong mục lục",
        "A member that the directory does not name",
        "container.directory",
        lambda s: _with_first(s, _raw_member(b"more.txt", b"x")),
    ),
    Case("Byte thừa ở cuối tệp", "Bytes at the end", "container.directory", lambda s: s.data + b"\0"),
    Case(
        "Ghi chú ở cuối ZIP",
        "A comment of the ZIP",
        "container.directory",
        lambda s: s.data[:-2] + b"\x04\x00xin ",
    ),
    Case("Byte thừa ở đầu tệp", "Bytes before it", "container.not_zip", lambda s: b"#!/bin/sh\n" + s.data),
    Case("Tệp bị cụt một byte", "Cut off by a byte", "container.directory", lambda s: s.data[:-1]),
    Case(
        "Tệp bị cụt ở giữa",
        "Cut off in the middle",
        "container.truncated",
        lambda s: s.data[: len(s.data) // 2],
    ),
    Case("Tệp rỗng", "An empty file", "container.not_zip", lambda s: b""),
    Case(
        "Sửa một sự kiện và lập lại hai danh sách mã băm, chữ ký cũ",
        "An event changed, both lists made anew, the old signature",
        SIGNED,
        lambda s: relisted(with_event(s, "delivery.fetched", at=1), None),
    ),
    Case(
        "Sửa byte không được ký trong tệp chữ ký",
        "An unsigned byte of the signature file changed",
        SIGNED,
        lambda s: pack(changed_in(s.members, evidence.SIGNATURE)),
    ),
    # Who has another key.
    Case(
        "Ký lại bằng khóa của trục khác",
        "Signed again with the key of another gateway",
        SIGNED,
        lambda s: relisted(s.members, other_keyring()),
    ),
    Case(
        "Ký lại bằng khóa khác, kèm khóa đó trong keys.txt",
        "Signed again with another key, which keys.txt then names",
        SIGNED,
        lambda s: _self_vouched(s),
    ),
    # The operator, with the gateway's own receipt key.
    Case(
        "Trục đổi trạng thái 03 thành 02 rồi ký lại",
        "The operator turns status 03 into 02, and signs",
        "log",
        lambda s: relisted(_turned_into_02(s), s.keyring),
    ),
    Case(
        "Trục bỏ sự kiện nhận xong rồi ký lại",
        "The operator leaves out that it was delivered, and signs",
        "record",
        lambda s: relisted(without(s.members, event_of(s, "delivery.delivered")), s.keyring),
    ),
    Case(
        "Trục ghi “đã nhận” cho nơi chưa nhận rồi ký lại",
        "The operator writes “delivered” for who never had it, and signs",
        "record",
        lambda s: relisted(with_record(s, _delivered), s.keyring),
    ),
    Case(
        "Trục đổi trích yếu trong private.json rồi ký lại",
        "The operator changes the subject in private.json, and signs",
        "events",
        lambda s: relisted(with_json(s, evidence.PRIVATE, _private), s.keyring),
    ),
    Case(
        "Trục thay gói tin đã nhận rồi ký lại",
        "The operator puts another message in its place, and signs",
        "messages",
        lambda s: relisted({**s.members, first(s, "messages/01", "received.edxml"): b"<edXML/>"}, s.keyring),
    ),
    Case(
        "Trục thay tệp đính kèm rồi ký lại",
        "The operator puts another attachment in its place, and signs",
        "messages",
        lambda s: relisted({**s.members, first(s, "messages/01-new/files"): b"%PDF-1.7"}, s.keyring),
    ),
    Case(
        "Trục sửa phiếu xác nhận rồi ký lại",
        "The operator changes a receipt, and signs the container",
        "receipts",
        lambda s: relisted(_other_jws(s), s.keyring),
    ),
    Case(
        "Trục lập phiếu xác nhận khác rồi ký lại",
        "The operator makes out another receipt, and signs the container",
        "messages",
        lambda s: relisted(_other_receipt(s), s.keyring),
    ),
    Case(
        "Trục tráo hai phiếu xác nhận rồi ký lại",
        "The operator swaps two receipts, and signs",
        "messages",
        lambda s: relisted(_receipts_swapped(s), s.keyring),
    ),
    Case(
        "Trục bỏ một phiếu xác nhận rồi ký lại",
        "The operator leaves out a receipt, and signs",
        "messages",
        lambda s: relisted(without(s.members, first(s, "receipts/")), s.keyring),
    ),
    Case(
        "Trục liệt kê gói tin đã nhận như một trang rồi ký lại",
        "The operator lists the message as a page, and signs",
        MEMBERS,
        lambda s: relisted(_as_page(s), s.keyring),
    ),
    Case(
        "Trục bỏ một lượt gửi khỏi bản tóm tắt rồi ký lại",
        "The operator leaves a delivery out of the summary, and signs",
        "record",
        lambda s: relisted(with_record(s, _deliveries_gone), s.keyring),
    ),
    Case(
        "Trục đổi trạng thái trong bản tóm tắt rồi ký lại",
        "The operator changes a status in the summary, and signs",
        "record",
        lambda s: relisted(with_record(s, _another_status), s.keyring),
    ),
    Case(
        "Trục đổi đỉnh trong mốc chốt rồi ký lại",
        "The operator changes the head in the checkpoint, and signs the container",
        "log",
        lambda s: relisted(_other_root(s), s.keyring),
    ),
    Case(
        "Trục đổi vị trí lá rồi ký lại",
        "The operator changes the place of a leaf, and signs",
        "log",
        lambda s: relisted(with_json(s, evidence.LOG_PROOFS, _leaf), s.keyring),
    ),
    Case(
        "Trục bỏ mốc chốt nhật ký rồi ký lại",
        "The operator leaves out the checkpoint, and signs",
        "log",
        lambda s: relisted(without(s.members, evidence.LOG_CHECKPOINT), s.keyring),
    ),
)


def _self_vouched(sample: Sample) -> bytes:
    other = other_keyring()
    text = evidence.key_text(other.receipt_certificates, trusted_of(other).log_keys)
    return relisted({**sample.members, evidence.KEYS: text.encode()}, other)


def table() -> str:
    """Every case with what is said about it."""
    lines = ["| case | first row that does not hold | sentence |", "|---|---|---|"]
    lines += _rows()
    return "\n".join(lines) + "\n"


def _rows() -> Iterator[str]:
    made = sample()
    for case in CASES:
        checked = check_container(case.change(made), made.trusted, MONDAY)
        row = next(row for row in checked.rows if row.holds is False)
        vi, en = (_masked(text) for text in (row.text.vi, row.text.en))
        yield f"| {_masked(case.title_vi)}<br>*{case.title_en}* | `{row.code}` | {vi}<br>*{en}* |"


def _masked(text: str) -> str:
    """Ids differ in each run: a word with one is cut there, after its folder if it has one."""
    parts = []
    for word in text.split():
        head, slash, tail = word.partition("/")
        masked = head == "truc-thu" or (slash and _ID.search(tail))
        parts.append(f"{head}/…" if masked else "…" if _ID.search(word) else word)
    return " ".join(parts).replace("|", "\\|")


def with_table(page: str) -> str:
    """The page with the table as it is now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text("utf-8")), "utf-8")
