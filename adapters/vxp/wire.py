"""The answers of a VXP axis, in the shapes that the SDK reads.

In charge of: names and spellings of fields, times as text, and an error as ``FAIL`` with a Vietnamese
sentence and a stable code. Not in charge of: what is answered (``inbound.py``).

Shapes: SDKVXP 2.0.1. ``ErrorCode`` is a text, ``"0"`` for success. Times are ``dd/MM/yyyy HH:mm:ss``,
Vietnamese time, the form in which the SDK itself writes ``fromDate`` and ``toDate``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from gateway.clock import VIETNAM, from_datetime, local
from gateway.errors import GatewayError
from gateway.flow.waiting import FAILED, PROCESSING, SentItem
from gateway.model.agency import Agency
from gateway.model.delivery import Delivery, State
from gateway.model.envelope import Kind
from gateway.model.finding import Severity
from gateway.model.status import read_status_code
from gateway.model.text import AgencyCode, Instant
from gateway.services import Services

TIME = "%d/%m/%Y %H:%M:%S"
SERVICE = "eDoc"
EDOC, STATUS = "edoc", "status"
# How the answers begin that are written while they are made.
LIST_HEAD = b'{"status":"OK","ErrorCode":"0","ErrorDesc":"","data":['
FILE_HEAD = b'{"status":"OK","ErrorCode":"0","ErrorDesc":"","data":"'
OLD_FORM, CODES = "qcvn102", ("qcvn102", "qd20")  # forms in which a partner may want codes
# Answered with this HTTP status; every other refusal is 200, so that the SDK shows the words.
PLAIN_STATUSES = frozenset({401, 408, 413, 429, 500, 503})
_DESCRIBED = {
    "initial": "Chưa lấy về",
    "processing": "Đang xử lý",
    "done": "Đã nhận",
    "fail": "Không nhận được",
}
_ENDED_BADLY = frozenset({State.REJECTED, State.DEAD, State.CANCELLED})


def ok(words: str = "", **fields: Any) -> dict[str, Any]:
    """A success, with the fields of the call."""
    return {"status": "OK", "ErrorCode": "0", "ErrorDesc": words, **fields}


def failure(error: GatewayError) -> dict[str, Any]:
    """An error. Of a refusal at the gate: its first reason, and how many more there are."""
    reasons = [finding for finding in error.findings if finding.severity is Severity.REFUSE]
    code, words = error.code, error.text.vi
    if reasons:
        code, words = reasons[0].rule, reasons[0].text.vi
        if len(reasons) > 1:
            words += f" (và {len(reasons) - 1} lý do khác)"
    return {"status": "FAIL", "ErrorCode": code, "ErrorDesc": f"{words} [{code}]"}


def http_status(error: GatewayError) -> int:
    """The HTTP status with which an error leaves."""
    return error.http_status if error.http_status in PLAIN_STATUSES else 200


def time_text(at: Instant | None) -> str:
    """An instant as the SDK writes times; nothing for none."""
    return local(at).strftime(TIME) if at is not None else ""


def read_time(text: str) -> Instant | None:
    """The instant of such a text, or ``None`` when it is none."""
    try:
        return from_datetime(datetime.strptime(text.strip(), TIME).replace(tzinfo=VIETNAM))
    except (ValueError, OverflowError):
        return None


def form_of(gw: Services, agency: AgencyCode) -> str:
    """In which form an agency's software wants codes in lists (setting ``codes`` of its connection)."""
    wanted = gw.directory.preferred_codes(agency)
    return OLD_FORM if wanted == "as_received" else wanted


def received_row(gw: Services, delivery: Delivery, on: date) -> dict[str, str]:
    """One waiting message in ``getReceivedEdocList``. ``docId`` is the id of the delivery."""
    status, described = _receive_status(delivery)
    form, created = form_of(gw, delivery.destination), time_text(delivery.accepted_at)
    return {
        "docId": delivery.id,
        "serviceType": SERVICE,
        "messageType": _type_of(delivery),
        "created_time": created,
        "updated_time": time_text(delivery.fetched_at) or created,
        "from": gw.directory.written_form(delivery.sender, form, on),
        "to": gw.directory.written_form(delivery.recipient, form, on),
        "status": status,
        "status_desc": described,
    }


def sent_row(gw: Services, item: SentItem, on: date) -> dict[str, str]:
    """One recipient of a sent message in ``getSentEdocList``. ``senderDocId``: the ``DocId`` of the send."""
    delivery, header = item.delivery, item.header
    status, described = _receive_status(delivery)
    form = form_of(gw, delivery.sender)
    number, notation = header.get("number", ""), header.get("notation", "")
    return {
        "serviceType": SERVICE,
        "messageType": _type_of(delivery),
        "senderDocId": delivery.message,
        "receiverDocId": delivery.id,
        "fromCode": gw.directory.written_form(delivery.sender, form, on),
        "toCode": gw.directory.written_form(delivery.recipient, form, on),
        "title": item.subject,
        "notation": f"{number}/{notation}" if notation else number,
        "sentTime": time_text(delivery.accepted_at),
        "receivedTime": time_text(delivery.settled_at if delivery.state is State.DELIVERED else None),
        "sendStatus": "done",
        "sendStatusDesc": "Trục đã nhận",
        "receiveStatus": status,
        "receiveStatusDesc": described,
    }


def agency_rows(gw: Services, on: date) -> Iterator[dict[str, str]]:
    """Rows of ``getAgenciesList``: agencies in force, without test codes."""
    for agency in _in_force(gw, on):
        yield _common(agency) | {
            "code": agency.code,
            "oldCode": gw.directory.written_form(agency.code, OLD_FORM, on),
        }


def qd20_rows(gw: Services, on: date, level: str) -> Iterator[dict[str, str]]:
    """Rows of ``getAgenciesListQD20``. ``level`` counts the groups of the code (QĐ 20/2020 Đ4)."""
    for agency in _in_force(gw, on):
        if not level or agency.code.count(".") + 1 == int(level):
            yield _common(agency) | {
                "code": agency.code,
                "code102": gw.directory.written_form(agency.code, OLD_FORM, on),
            }


def unit_rows(gw: Services, on: date) -> Iterator[dict[str, Any]]:
    """Rows of ``getSynchronizeUnit``: every agency there ever was, the closed ones marked."""
    rows: dict[str, Agency] = {}
    for agency in gw.directory.agencies:  # one code after the other, earliest period first
        if not agency.test:
            rows[agency.code] = agency
    for agency in rows.values():
        start = agency.period.start
        yield _common(agency) | {
            "code": agency.code,
            "version": "1",
            "centerCode": gw.config.gateway.code,
            "deleted": not agency.period.holds_on(on),
            "modifyDate": start.strftime("%d/%m/%Y") if start else "",
            "isAgency": True,
        }


def _in_force(gw: Services, on: date) -> Iterator[Agency]:
    return (row for row in gw.directory.agencies if row.period.holds_on(on) and not row.test)


def _common(agency: Agency) -> dict[str, Any]:
    return {"id": agency.code, "pid": agency.parent or "", "name": agency.name, "mail": ""}


def _type_of(delivery: Delivery) -> str:
    return STATUS if delivery.kind == Kind.STATUS.value else EDOC


def _receive_status(delivery: Delivery) -> tuple[str, str]:
    """Transport state in the axis' words (initial, processing, done, fail), and in words for people."""
    if delivery.state in (State.DELIVERED, State.RECALLED):
        status = "done"
    elif delivery.state in _ENDED_BADLY or delivery.reason_code == FAILED:
        status = "fail"
    elif delivery.state is State.HELD or delivery.reason_code == PROCESSING:
        status = "processing"
    else:
        status = "initial"
    code = read_status_code(delivery.status_code)
    if code is not None:
        return status, f"{code.value} {code.words.vi}"
    return status, delivery.reason.vi if delivery.reason else _DESCRIBED[status]
