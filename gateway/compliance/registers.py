"""F6: registers of outgoing and incoming documents in the columns of NĐ 30/2020 PL IV, with their closing.

In charge of: the columns, who may see a register, the statement that closes it (first and last number, how
many, which numbers are missing). Not in charge of: reading the rows (``store/register_rows.py``).

The register of incoming documents is an extract for comparison: arrival numbers are given in the agency's own
register (NĐ 30/2020 Đ22), the gateway knows none. Subjects come from the side table alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from gateway.clock import local, local_day
from gateway.compliance.facts import midnight
from gateway.compliance.forms_data import SYNTHETIC, day_text, moment_text
from gateway.compliance.sheet import Cell, Column, Kind, Row, Say, Sheet, clean, speaking, thousands
from gateway.errors import NotPermitted
from gateway.flow import footprints
from gateway.flow.door import Caller
from gateway.flow.look import SEES_ALL
from gateway.model.status import read_status_code
from gateway.model.text import AgencyCode, Instant
from gateway.services import Services
from gateway.store import register_rows
from gateway.store.register_rows import Incoming, Outgoing

DAY = 86_400_000_000
MOST_GAPS = 60  # stretches of missing numbers named in a closing statement
MOST_RECIPIENTS = 20  # named in a row; the rest is counted


@dataclass(frozen=True, slots=True)
class Cover:
    """What stands on a register. ``names``: how agencies are called."""

    agency: AgencyCode
    first: date
    last: date
    made_at: Instant
    gateway: str
    synthetic: bool
    names: Mapping[str, str]

    def name(self, code: str) -> str:
        """An agency's name, or its code."""
        return self.names.get(code) or code


async def make(
    gw: Services, caller: Caller, agency: AgencyCode, first: date, last: date, lang: str = "vi"
) -> list[Sheet]:
    """Both registers of an agency from ``first`` to ``last``. For its own people and software, and who sees
    all; ``NotPermitted`` for others. That a person looked is recorded."""
    if caller.role not in SEES_ALL and not caller.acts_for(agency):
        raise NotPermitted(code="documents.not_yours")
    start, stop = midnight(first), Instant(midnight(last) + DAY)
    sent = await gw.store.read(lambda tx: register_rows.outgoing(tx, agency, start, stop))
    received = await gw.store.read(lambda tx: register_rows.incoming(tx, agency, start, stop))
    searched = {"agency": agency, "from": first.isoformat(), "to": last.isoformat()}
    await footprints.viewed(gw, caller, "register", searched=searched, found=len(sent) + len(received))
    named = {agency, *(code for row in sent for code in row.recipients), *(row.sender for row in received)}
    cover = Cover(
        agency,
        first,
        last,
        gw.clock.now(),
        gw.config.gateway.name,
        bool(gw.config.gateway.synthetic),
        {code: gw.directory.name(AgencyCode(code), last) for code in named},
    )
    return [outgoing_sheet(cover, sent, lang), incoming_sheet(cover, received, lang)]


# ---- outgoing


def outgoing_sheet(cover: Cover, rows: Sequence[Outgoing], lang: str = "vi") -> Sheet:
    """The register of outgoing documents."""
    say = speaking(lang)
    return Sheet(
        name=say("F6 Văn bản đi", "F6 Outgoing"),
        title=say("SỔ ĐĂNG KÝ VĂN BẢN ĐI", "REGISTER OF OUTGOING DOCUMENTS"),
        subtitle=f"{cover.name(cover.agency)} · {day_text(cover.first)} – {day_text(cover.last)}",
        head=_head(cover, say),
        columns=(
            Column(say("Số, ký hiệu văn bản", "Number, notation"), width=13),
            Column(say("Ngày tháng văn bản", "Date"), Kind.DAY, 9),
            Column(say("Tên loại và trích yếu nội dung", "Type and abstract"), width=36),
            Column(say("Người ký", "Signer"), width=14),
            Column(say("Nơi nhận văn bản", "Recipients"), width=26),
            Column(say("Đơn vị, người nhận bản lưu", "Keeper of the file copy"), width=11),
            Column(say("Số lượng bản", "Copies"), Kind.COUNT, 6),
            Column(say("Ngày chuyển", "Sent"), Kind.MOMENT, 14),
            Column(say("Ký nhận", "Received by"), width=9),
            Column(say("Ghi chú", "Note"), width=14),
        ),
        rows=tuple(_outgoing_row(cover, row, say) for row in rows),
        notes=(
            say(
                "Lập từ dữ liệu gửi qua trục: văn bản không gửi qua trục (gửi công dân, doanh nghiệp, văn "
                "bản mật) không có trong sổ này. Bản lưu điện tử do hệ thống của cơ quan ban hành giữ.",
                "Made from what was sent through the gateway: documents sent otherwise (to citizens, "
                "enterprises, secret ones) are not in it. The electronic original is kept by its issuer.",
            ),
        ),
        closing=_closing(cover, rows, say),
        signers=_signers(say),
        mark=say(*SYNTHETIC) if cover.synthetic else "",
        lang=lang,
    )


def _outgoing_row(cover: Cover, row: Outgoing, say: Say) -> Row:
    header = row.header
    return Row(
        (
            code_of(header),
            _day(header),
            _about(header, row.subject, say),
            row.signer,
            _recipients(cover, row.recipients, say),
            "",
            1,
            local(row.sent_at).replace(tzinfo=None),
            "",
            "; ".join(_outgoing_notes(row, say)),
        )
    )


def _outgoing_notes(row: Outgoing, say: Say) -> Iterable[str]:
    if row.kind == "replace":
        yield say("Thay thế văn bản khác", "Replaces another")
    if row.held:
        yield say("Trục đã tạm giữ", "Was held")
    if row.frozen:
        yield say("Đã yêu cầu thu hồi", "Recalled")
    if not row.subject:
        yield say("Trích yếu đã xóa theo thời hạn lưu", "Abstract erased at the end of its retention")


def _recipients(cover: Cover, codes: Sequence[str], say: Say) -> str:
    named = [clean(cover.name(code)) for code in codes[:MOST_RECIPIENTS]]
    more = len(codes) - len(named)
    if more > 0:
        named.append(say(f"và {more} nơi nhận khác", f"and {more} more"))
    return "; ".join(named)


# ---- incoming


def incoming_sheet(cover: Cover, rows: Sequence[Incoming], lang: str = "vi") -> Sheet:
    """The extract of incoming documents, to be compared with the agency's own register."""
    say = speaking(lang)
    return Sheet(
        name=say("F6 Văn bản đến", "F6 Incoming"),
        title=say(
            "BẢN TRÍCH ĐỂ ĐỐI CHIẾU VỚI SỔ ĐĂNG KÝ VĂN BẢN ĐẾN",
            "EXTRACT FOR COMPARISON WITH THE REGISTER OF INCOMING DOCUMENTS",
        ),
        subtitle=f"{cover.name(cover.agency)} · {day_text(cover.first)} – {day_text(cover.last)}",
        head=_head(cover, say),
        columns=(
            Column(say("Ngày đến", "Arrived"), Kind.MOMENT, 14),
            Column(say("Số đến", "Arrival number"), width=6),
            Column(say("Tác giả", "Author"), width=20),
            Column(say("Số, ký hiệu văn bản", "Number, notation"), width=13),
            Column(say("Ngày tháng văn bản", "Date"), Kind.DAY, 9),
            Column(say("Tên loại và trích yếu nội dung", "Type and abstract"), width=38),
            Column(say("Đơn vị hoặc người nhận", "Unit or person"), width=12),
            Column(say("Ngày chuyển", "Passed on"), width=9),
            Column(say("Ký nhận", "Signed for"), width=9),
            Column(say("Ghi chú", "Note"), width=16),
        ),
        rows=tuple(_incoming_row(cover, row, say) for row in rows),
        notes=(
            say(
                "Số đến, đơn vị nhận, ngày chuyển và ký nhận nằm ở sổ của cơ quan nhận; trục không cấp số "
                "đến. Hãy đối chiếu từng dòng rồi ghi vào sổ của cơ quan.",
                "Arrival number, unit, date passed on and signature stand in the recipient's own register; "
                "the gateway gives no arrival numbers. Compare line by line.",
            ),
        ),
        closing=(
            say(
                f"Bản trích có {thousands(len(rows))} văn bản đến từ {day_text(cover.first)} đến "
                f"{day_text(cover.last)}, gồm {{pages}} trang.",
                f"The extract holds {thousands(len(rows))} documents that arrived from "
                f"{day_text(cover.first)} to {day_text(cover.last)}, on {{pages}} pages.",
            ),
        ),
        signers=_signers(say),
        mark=say(*SYNTHETIC) if cover.synthetic else "",
        lang=lang,
    )


def _incoming_row(cover: Cover, row: Incoming, say: Say) -> Row:
    status = read_status_code(row.status) if row.status else None
    note = say(status.words.vi, status.words.en) if status else ""
    if row.recalled:
        note = say("Đã thu hồi, hủy theo yêu cầu của nơi gửi", "Recalled by the sender, destroyed")
    return Row(
        (
            local(row.arrived_at).replace(tzinfo=None),
            "",
            cover.name(row.sender),
            code_of(row.header),
            _day(row.header),
            "" if row.recalled else _about(row.header, row.subject, say),
            "",
            "",
            "",
            note,
        )
    )


# ---- shared


def _head(cover: Cover, say: Say) -> tuple[tuple[str, str], ...]:
    return (
        (say("Cơ quan", "Agency"), f"{cover.name(cover.agency)} ({cover.agency})"),
        (say("Từ ngày – đến ngày", "From – to"), f"{day_text(cover.first)} – {day_text(cover.last)}"),
        (say("In lúc", "Printed at"), moment_text(cover.made_at)),
        (say("Trục", "Gateway"), cover.gateway),
    )


def _signers(say: Say) -> tuple[str, ...]:
    return (say("VĂN THƯ", "RECORDS CLERK"), say("NGƯỜI CÓ THẨM QUYỀN KHÓA SỔ", "WHO CLOSES THE REGISTER"))


def code_of(header: Mapping[str, Any]) -> str:
    """``362/UBND-KGVX``."""
    return "/".join(filter(None, (str(header.get("number", "")), str(header.get("notation", "")))))


def _day(header: Mapping[str, Any]) -> Cell:
    """The promulgation date; as the sender wrote it when it is no date."""
    text = str(header.get("promulgation_date", ""))
    try:
        return date.fromisoformat(text)
    except ValueError:
        return text


def _about(header: Mapping[str, Any], subject: str, say: Say) -> str:
    words = clean(subject) or say("(không còn trích yếu)", "(no abstract)")
    return ". ".join(filter(None, (clean(str(header.get("type_name", ""))), words)))


def _closing(cover: Cover, rows: Sequence[Outgoing], say: Say) -> tuple[str, ...]:
    if not rows:
        return (say("Không có văn bản đi trong kỳ.", "No outgoing documents."),)
    first, last = code_of(rows[0].header) or "—", code_of(rows[-1].header) or "—"
    closed = day_text(local_day(cover.made_at))
    return (
        say(
            f"Sổ này có {thousands(len(rows))} văn bản đi, từ số {first} đến số {last}, gồm {{pages}} trang. "
            f"Khóa sổ ngày {closed}.",
            f"This register holds {thousands(len(rows))} outgoing documents, from number {first} to number "
            f"{last}, on {{pages}} pages. Closed on {closed}.",
        ),
        *_gaps_told(rows, say),
    )


def _gaps_told(rows: Sequence[Outgoing], say: Say) -> Iterable[str]:
    for year, missing in gaps(row.header for row in rows).items():
        if not missing:
            yield say(f"Dãy số năm {year}: không khuyết số.", f"Numbers of {year}: none missing.")
            continue
        shown = ", ".join(f"{a}" if a == b else f"{a}–{b}" for a, b in missing[:MOST_GAPS])
        shown += "…" if len(missing) > MOST_GAPS else ""
        count = thousands(sum(b - a + 1 for a, b in missing))
        yield say(
            f"Dãy số năm {year}: {count} số không thấy trong sổ ({shown}). Các số này có thể đã gửi công "
            "dân, doanh nghiệp, ban hành giấy, hoặc thuộc dãy số riêng của một loại văn bản.",
            f"Numbers of {year}: {count} do not stand here ({shown}). They may have gone to citizens or "
            "enterprises, be on paper, or belong to the series of another kind of document.",
        )


def gaps(headers: Iterable[Mapping[str, Any]]) -> dict[int, list[tuple[int, int]]]:
    """Year -> stretches of numbers that no document of that year here has, between its lowest and highest.
    What begins with no digit or has no readable date takes no part. NĐ 30/2020 Đ15."""
    numbers: dict[int, set[int]] = {}
    for header in headers:
        day, digits = _day(header), re.match(r"\d{1,7}", str(header.get("number", "")).strip())
        if isinstance(day, date) and digits:
            numbers.setdefault(day.year, set()).add(int(digits[0]))
    return {year: _missing(sorted(found)) for year, found in sorted(numbers.items())}


def _missing(found: Sequence[int]) -> list[tuple[int, int]]:
    pairs = pairwise(found)
    return [(one + 1, other - 1) for one, other in pairs if other > one + 1]


__all__ = ["Cover", "code_of", "gaps", "incoming_sheet", "make", "outgoing_sheet"]
