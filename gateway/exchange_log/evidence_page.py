"""The printable page of an evidence container: what happened when, how far each delivery got, on what proof.

In charge of: what stands on the page, as blocks, and its HTML form. Vietnamese, for a clerk or an inspector
who was told “we never received it”. Not in charge of: the PDF form (``evidence_pdf.py``), gathering.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Protocol

from gateway.clock import local
from gateway.exchange_log.evidence_texts import (
    CONCLUSIONS,
    EVENTS,
    HOW_DELIVERED,
    INDICATIONS,
    KINDS,
    WITHHELD,
)
from gateway.model.status import read_status_code
from gateway.model.text import Instant

_TAKEN_IN = ("03", "04", "05", "06")
_CHANGES = ("13", "15", "16")


class Proved(Protocol):
    """What the page needs of the log's proof."""

    @property
    def size(self) -> int: ...

    @property
    def root(self) -> bytes: ...

    @property
    def leaves(self) -> Mapping[str, tuple[int, tuple[bytes, ...]]]: ...

    @property
    def cosignatures(self) -> tuple[str, ...]: ...

    @property
    def token(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Heading:
    """Begins a part."""

    text: str


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values, one a line."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Fate:
    """One recipient: the conclusion in large, then what it rests on."""

    recipient: str
    conclusion: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; ``widths`` are shares of the page's width."""

    headings: tuple[str, ...]
    widths: tuple[float, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Heading | Words | Facts | Fate | Grid


@dataclass(frozen=True, slots=True)
class Page:
    """Title, a line below it, blocks, and the line at the foot of every sheet."""

    title: str
    subtitle: str
    blocks: tuple[Block, ...]
    foot: str
    made_at: Instant

    def html(self) -> str:
        """A page that stands alone and prints on A4. Everything is escaped; there is no script."""
        body = "\n".join(_html(block) for block in self.blocks)
        return _HTML.format(
            title=escape(self.title),
            subtitle=escape(self.subtitle),
            body=body,
            foot=escape(self.foot),
            style=_STYLE,
        )


def make_page(record: Mapping[str, Any], events: Sequence[Mapping[str, Any]], proved: Proved | None) -> Page:
    """The page about ``record`` and its events (decoded bodies, oldest first)."""
    places = _places(events, proved)
    told = [one for one in events if _is_told(one)]
    fates = list(_fates(record, told, places))
    blocks: list[Block] = [
        Facts(tuple(_document_facts(record))),
        Heading("Từng nơi nhận: gói tin đã đi tới đâu"),
        *fates,
        *_missing(record),
        *_others(record, told, places),
        *_signatures(record),
        Heading("Hồ sơ này dựa vào đâu"),
        *_grounds(record, events, proved),
    ]
    made_at = Instant(record["made_at"])
    return Page(
        "Hồ sơ minh chứng gửi, nhận văn bản điện tử",
        f"Trục {record['gateway']} lập lúc {moment(made_at)}, cho {record['audience']}",
        tuple(blocks),
        f"Hồ sơ minh chứng · {record['document']['id']} · lập lúc {moment(made_at)}",
        made_at,
    )


def moment(instant: int | None) -> str:
    """``13/04/2020 15:30:00 (giờ Việt Nam)`` without the zone: the page says once that it is +07:00."""
    return "" if instant is None else f"{local(Instant(instant)):%d/%m/%Y %H:%M:%S}"


def _document_facts(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    document = record["document"]
    number = "/".join(part for part in (document["number"], document["notation"]) if part)
    rows = [
        ("Văn bản", f"{document['type_name']} số {number}".strip() if number else document["type_name"]),
        ("Ngày ban hành", _day(document["promulgation_date"])),
        ("Trích yếu", document["subject"]),
        ("Cơ quan gửi", _named(record, document["sender"])),
        ("DocumentId", document["document_id"]),
        ("Trục nhận lúc", f"{moment(document['created_at'])} (mọi thời điểm theo giờ Việt Nam, +07:00)"),
        ("Tình trạng", document["standing"]),
        ("Đóng băng từ", moment(document["frozen_at"])),
        ("Xóa theo sự cố lúc", moment(document["purged_at"])),
        ("Mã ở trục", document["id"]),
    ]
    yield from ((name, value) for name, value in rows if value)


def _fates(
    record: Mapping[str, Any], events: Sequence[Mapping[str, Any]], places: Mapping[str, str]
) -> Iterator[Block]:
    found = [one for one in record["deliveries"] if one["kind"] != "status"]
    if not found:
        yield Words("Không có lượt gửi nào.")
    for delivery in found:
        kind = "" if delivery["kind"] == "new" else f" ({KINDS[delivery['kind']]})"
        statuses = _statuses_of(record, delivery)
        messages = {status["message"] for status in statuses}
        own = [one for one in events if _is_of(one, delivery, messages)]
        steps = [_step(record, event, statuses, places) for event in own]
        yield Fate(_named(record, delivery["recipient"]) + kind, _conclusion(delivery), tuple(steps))


def _statuses_of(record: Mapping[str, Any], delivery: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Statuses between the sender and the recipient of a delivery."""
    recipient = delivery["recipient"]
    if recipient == record["document"]["sender"]:
        return []
    return [one for one in record["statuses"] if recipient in (one["reporter"], one["addressee"])]


def _is_of(event: Mapping[str, Any], delivery: Mapping[str, Any], statuses: Collection[str]) -> bool:
    """True when the event tells of this delivery, or of a status about it."""
    reported = event["type"] == "status.reported" and event.get("message") in statuses
    return reported or event.get("delivery") == delivery["id"]


def _conclusion(delivery: Mapping[str, Any]) -> str:
    state, status = delivery["state"], delivery["status_code"]
    if state == "delivered":
        key = "taken_in" if status in _TAKEN_IN else "returned" if status == "02" else "arrived"
    elif state == "queued":
        pull = delivery["pull"]
        key = "fetched" if delivery["fetched_at"] is not None else "waits" if pull else "queued"
    else:
        key = state
    said = CONCLUSIONS[key].format(status=_status(status))
    reason = delivery["reason"]
    return f"{said} Lý do: {reason['vi']}" if reason and key not in ("taken_in", "arrived") else said


def _step(
    record: Mapping[str, Any],
    event: Mapping[str, Any],
    statuses: Sequence[Mapping[str, Any]],
    places: Mapping[str, str],
) -> str:
    """``13/04/2020 15:30:02 – Hệ thống nơi nhận lấy toàn bộ gói tin (sự kiện 4, lá 17)``."""
    words = _event_words(event)
    if event["type"] == "delivery.delivered":
        adapters = {one["id"]: one["adapter"] for one in record["deliveries"]}
        words = HOW_DELIVERED.get(adapters.get(event["delivery"], ""), words)
    for status in statuses:
        if event["type"] == "status.reported" and status["message"] == event.get("message"):
            words += f": “{status['reason']}”" if status["reason"] and not status["automatic"] else ""
    return f"{moment(event['at'])} – {words} ({places[event['id']]})"


def _event_words(event: Mapping[str, Any]) -> str:
    words = EVENTS[event["type"]]
    if event["type"] == "status.reported":
        how = " (trục ghi thay nơi nhận)" if event.get("automatic") else ""
        return f"Báo trạng thái {_status(event.get('status', ''))}{how}"
    if event["type"] == "document.accepted" and event.get("kind", "new") != "new":
        return f"{words} ({KINDS.get(event['kind'], event['kind'])})"
    return words


def _places(events: Sequence[Mapping[str, Any]], proved: Proved | None) -> dict[str, str]:
    """``sự kiện 4, lá 17``: the number of its file in ``events/``, and its leaf in the log."""
    leaves = {} if proved is None else proved.leaves
    return {
        event["id"]: f"sự kiện {number}" + (f", lá {leaves[event['id']][0]}" if event["id"] in leaves else "")
        for number, event in enumerate(events, start=1)
    }


def _with_recipient(event: Mapping[str, Any]) -> str:
    return f"{_event_words(event)}: {event['recipient']}" if "recipient" in event else _event_words(event)


def _is_told(event: Mapping[str, Any]) -> bool:
    """Not how statuses travelled back: it is to stay one page, and all events are in the file."""
    travels = event["type"].startswith("delivery.") and event.get("kind") == "status"
    return not travels and event["type"] in EVENTS


def _others(
    record: Mapping[str, Any], events: Sequence[Mapping[str, Any]], places: Mapping[str, str]
) -> Iterator[Block]:
    """What happened to the document as a whole."""
    told = {
        event["id"]
        for delivery in record["deliveries"]
        for event in events
        if _is_of(event, delivery, {one["message"] for one in _statuses_of(record, delivery)})
    }
    rows = [
        (moment(event["at"]), _with_recipient(event), places[event["id"]])
        for event in events
        if event["id"] not in told
    ]
    if rows:
        yield Heading("Với cả văn bản")
        yield Grid(("Lúc", "Sự kiện", "Ở hồ sơ và nhật ký"), (0.22, 0.54, 0.24), tuple(rows))


def _signatures(record: Mapping[str, Any]) -> Iterator[Block]:
    rows = []
    for message in record["messages"]:
        for verdict in message["verdicts"]:
            where = "gói tin edXML" if verdict["where"] == "envelope" else verdict["where"]
            said = f"{INDICATIONS[verdict['indication']].vi}. {verdict['reason']['vi']}"
            rows.append((where, _common_name(verdict["signer"]), said))
    if rows:
        yield Heading("Chữ ký số trục đã kiểm tra")
        yield Grid(("Ở", "Người ký", "Kết luận"), (0.25, 0.25, 0.5), tuple(rows))


def _missing(record: Mapping[str, Any]) -> Iterator[Block]:
    for code in sorted({message["withheld"] for message in record["messages"] if message["withheld"]}):
        yield Words(WITHHELD[code].vi)


def _grounds(
    record: Mapping[str, Any],
    events: Sequence[Mapping[str, Any]],
    proved: Proved | None,
) -> Iterator[Block]:
    yield Facts(tuple(_hashes(record)))
    counted = f"Hồ sơ có {len(events)} sự kiện, nguyên văn trong thư mục events."
    if proved is None:
        yield Words(f"{counted} Hồ sơ này chưa kèm mốc chốt nhật ký.")
    else:
        count = len(proved.cosignatures)
        witnesses = f"{count} nhân chứng ký kèm" if count else "chưa có nhân chứng ký kèm"
        stamped = "có dấu thời gian RFC 3161" if proved.token else "không có dấu thời gian"
        yield Words(
            f"{counted} Mỗi sự kiện là một lá của nhật ký gửi, nhận; mốc chốt đã ký cho {proved.size} lá đầu "
            f"có đỉnh {proved.root.hex()}, {stamped}, {witnesses}. Không ai sửa, xóa hay "
            "chèn được sự kiện mà đỉnh này còn khớp."
        )
    yield Words(
        "Trang này chỉ để đọc. Giá trị chứng minh nằm ở tệp hồ sơ (.asice): kiểm tra bằng lệnh gateway "
        "evidence verify, hoặc bằng công cụ công cộng theo README.txt, với khóa công khai của trục mà người "
        "kiểm tra đã có từ trước."
    )


def _hashes(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for message in record["messages"]:
        if message["kind"] != "status":
            yield f"SHA-256 gói tin ({KINDS[message['kind']]})", message["envelope_sha256"]
    statuses = {message["id"] for message in record["messages"] if message["kind"] == "status"}
    for receipt in record["receipts"]:
        if receipt["message"] not in statuses:
            yield "Phiếu xác nhận của trục", receipt["id"]


def _named(record: Mapping[str, Any], code: str) -> str:
    name = record["agencies"].get(code, "")
    return f"{name} ({code})" if name else code


def _status(code: str) -> str:
    known = read_status_code(code) if code else None
    return f"{known.value} “{known.words.vi}”" if known else code


def _day(iso: str) -> str:
    """``13/04/2020``; what is no ISO date stays as it is."""
    parts = iso.split("-")
    return "/".join(reversed(parts)) if len(parts) == 3 else iso


def _common_name(subject: str) -> str:
    found = [part[3:] for part in subject.split(",") if part.startswith("CN=")]
    return found[0] if found else subject


def _html(block: Block) -> str:
    match block:
        case Heading(text):
            return f"<h2>{escape(text)}</h2>"
        case Words(text):
            return f"<p>{escape(text)}</p>"
        case Facts(rows):
            cells = "".join(f"<tr><th>{escape(n)}</th><td>{escape(v)}</td></tr>" for n, v in rows)
            return f'<table class="facts">{cells}</table>'
        case Fate(recipient, conclusion, steps):
            told = "".join(f"<li>{escape(step)}</li>" for step in steps)
            return (
                f"<section><h3>{escape(recipient)}</h3><p><strong>{escape(conclusion)}</strong></p>"
                f"<ul>{told}</ul></section>"
            )
        case Grid(headings, _, rows):
            head = "".join(f"<th>{escape(one)}</th>" for one in headings)
            lines = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in rows)
            return f'<table class="grid"><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>'


_STYLE = """
@page { size: A4; margin: 18mm 16mm 18mm 20mm; }
body { font: 11pt/1.4 "Times New Roman", "Liberation Serif", serif; color: #111; }
body { max-width: 178mm; margin: 8mm auto; }
h1 { font-size: 16pt; text-align: center; margin: 0 0 1mm; }
h2 { font-size: 12pt; margin: 6mm 0 2mm; border-bottom: 0.4pt solid #777; break-after: avoid; }
h3 { font-size: 11pt; margin: 3mm 0 0; break-after: avoid; }
section { break-inside: avoid; }
p { margin: 1mm 0; } ul { margin: 0 0 2mm; padding-left: 6mm; }
.subtitle { text-align: center; font-style: italic; margin-bottom: 4mm; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.6mm 2mm 0.6mm 0; overflow-wrap: anywhere; }
.facts th { width: 42mm; font-weight: normal; color: #444; }
.grid { font-size: 9.5pt; } .grid th { border-bottom: 0.6pt solid #333; }
.grid td { border-bottom: 0.3pt solid #bbb; } .grid tr { break-inside: avoid; }
thead { display: table-header-group; }
footer { margin-top: 5mm; font-size: 9pt; color: #555; }
"""
_HTML = """<!doctype html>
<html lang="vi"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head>
<body><h1>{title}</h1><p class="subtitle">{subtitle}</p>
{body}
<footer>{foot}</footer></body></html>
"""

__all__ = ["Block", "Facts", "Fate", "Grid", "Heading", "Page", "Words", "make_page", "moment"]
