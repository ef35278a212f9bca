"""The answers of an axis of the Lạng Sơn dialect, and its nine error codes.

In charge of: names and spellings of fields, dates, and which code one of our errors becomes. Not in charge
of: what is answered (``inbound.py``), who calls (``call.py``).

The codes are of the dialect; the sentence beside them carries our own rule in brackets, so that nothing is
lost by there being only nine.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from enum import Enum
from typing import Any

from gateway.clock import SECOND, VIETNAM, from_datetime, local
from gateway.errors import GatewayError, TooLarge, TooSlow
from gateway.flow.waiting import FAILED, PROCESSING, SentItem
from gateway.model.delivery import Delivery, State
from gateway.model.envelope import Kind
from gateway.model.finding import Severity
from gateway.model.status import read_status_code
from gateway.model.text import AgencyCode, Instant
from gateway.services import Services

SERVICE = "eDoc"
EDOC, STATUS = "edoc", "status"
OLD_FORM, NEW_FORM = "qcvn102", "qd20"  # forms in which a partner may want codes
DAY, TIME = "%Y/%m/%d", "%Y/%m/%d %H:%M:%S"
# To the letter: clients log in again when they see it.
UNAUTHORIZED = (
    b'{"errorDetail":null,"code":401,"message":"Unauthorized","licenseInfo":"invalid","totalTime":0}'
)
LIST_HEAD = b'{"code":200,"message":"OK","errorDetail":[],"data":['
FILE_HEAD = b'{"code":200,"message":"OK","errorDetail":[],"data":{"docId":"%s","data":"'
FILE_TAIL = b'"}}'


class Code(Enum):
    """The error codes of the dialect."""

    OK = "0"
    INVALID_FILE = "10"  # the file cannot be read at all
    WRONG_SYSTEM = "15"  # X-SystemId or X-SecretKey
    RECEIVER_UNKNOWN = "18"
    SENDER_NOT_REGISTERED = "19"
    SYSTEM_ERROR = "20"  # ours; trying again helps
    FILE_PROCESSING = "21"  # the file did not arrive whole; trying again helps
    NOT_CONFORMING = "22"  # readable, but not what the rules want
    RECEIVER_LOCKED = "23"  # it is closed and nobody stands in for it


# Known clients take every code for final, and try again only after 5xx: what passes by itself leaves as 503.
PASSING = frozenset({Code.SYSTEM_ERROR, Code.FILE_PROCESSING})
PLAIN_STATUSES = frozenset({401, 413, 500})  # every other refusal is 200 with its code
_DESCRIBED = {
    "initial": "Chưa lấy về",
    "processing": "Đang xử lý",
    "done": "Đã nhận",
    "fail": "Không nhận được",
}
_ENDED_BADLY = frozenset({State.REJECTED, State.DEAD, State.CANCELLED})


# What makes bytes no file that could be judged; every other envelope.* is an edXML that breaks the rules.
_INVALID_FILE = frozenset(
    {
        "envelope.unreadable",
        "envelope.empty",
        "envelope.not_xml",
        "envelope.not_edxml",
        "envelope.truncated",
        "envelope.encoding",
        "envelope.encoding_declared",
        "envelope.doctype",
        "envelope.too_large",
    }
)
_BY_RULE = {
    "recipient.closed": Code.RECEIVER_LOCKED,
    "upload.cut_off": Code.FILE_PROCESSING,
    "caller.system": Code.WRONG_SYSTEM,
}
_BY_FAMILY = {
    "recipient": Code.RECEIVER_UNKNOWN,
    "sender": Code.SENDER_NOT_REGISTERED,
    "attachment": Code.INVALID_FILE,
    "file": Code.INVALID_FILE,
    "upload": Code.INVALID_FILE,
    "form": Code.INVALID_FILE,
}


def code_of(error: GatewayError) -> Code:
    """The code of an error; of a refusal at the gate, that of its first reason."""
    rule = _reason(error)[0]
    if rule in _INVALID_FILE:
        return Code.INVALID_FILE
    if known := _BY_RULE.get(rule) or _BY_FAMILY.get(rule.partition(".")[0]):
        return known
    if error.http_status == 429 or error.http_status >= 500:
        return Code.SYSTEM_ERROR
    if isinstance(error, TooSlow):
        return Code.FILE_PROCESSING
    return Code.INVALID_FILE if isinstance(error, TooLarge) else Code.NOT_CONFORMING


def ok(**fields: Any) -> dict[str, Any]:
    """A success, with the fields of the call."""
    return {"success": True, "code": 200, "message": "OK", "errorDetail": [], **fields}


def sent(doc_id: str) -> dict[str, Any]:
    """A message was taken. Clients look for the DocId in either place."""
    data = {"docId": doc_id, "status": "OK", "errorCode": Code.OK.value, "errorDesc": ""}
    return ok(docId=doc_id, data=data)


def failure(error: GatewayError) -> dict[str, Any]:
    """An error: ``errorCode`` of the dialect, and a Vietnamese sentence that ends with our own rule in
    brackets. ``code`` is the HTTP status that it would have, as in the 401 body."""
    code, words = code_of(error), sentence(error)
    return {
        "success": False,
        "code": error.http_status,
        "message": words,
        "errorDetail": [{"errorCode": code.value, "errorDesc": words}],
        "docId": None,
        "data": {"docId": None, "status": "FAIL", "errorCode": code.value, "errorDesc": words},
    }


def sentence(error: GatewayError) -> str:
    """What a clerk reads: the first reason, and how many more there are."""
    rule, words, more = _reason(error)
    return f"{words} (và {more} lý do khác) [{rule}]" if more else f"{words} [{rule}]"


def http_status(error: GatewayError) -> int:
    """The HTTP status with which an error leaves."""
    if error.http_status in PLAIN_STATUSES:
        return error.http_status
    return 503 if code_of(error) in PASSING else 200


def day_span(first: str, last: str) -> tuple[Instant, Instant] | None:
    """From the first moment of one ``YYYY/MM/DD`` to the last of another (Vietnamese time); empty: open.
    ``None`` when a text is no such day."""
    try:
        since = _midnight(first) if first else Instant(0)
        until = Instant(_midnight(last) + 86_400 * SECOND - 1) if last else Instant(2**62)
    except (ValueError, OverflowError):
        return None
    return since, until


def time_text(at: Instant | None) -> str:
    """``YYYY/MM/DD HH:mm:ss``, Vietnamese time; nothing for none."""
    return local(at).strftime(TIME) if at is not None else ""


def received_row(gw: Services, delivery: Delivery, on: date) -> dict[str, str]:
    """One waiting message in ``syncReceivedEdocList``. ``docId`` is the id of the delivery."""
    status, described = _receive_status(delivery)
    form = form_of(gw, delivery.destination)
    return {
        "serviceType": SERVICE,
        "createdTime": time_text(delivery.accepted_at),
        "updatedTime": time_text(delivery.fetched_at or delivery.accepted_at),
        "messageType": _type_of(delivery),
        "docId": delivery.id,
        "from": gw.directory.written_form(delivery.sender, form, on),
        "to": gw.directory.written_form(delivery.recipient, form, on),
        "status": status,
        "statusDesc": described,
    }


def sent_row(gw: Services, item: SentItem, on: date) -> dict[str, str]:
    """What became of one recipient of a sent message, in ``getReceiveStatus``."""
    delivery, form = item.delivery, form_of(gw, item.delivery.sender)
    status, described = _receive_status(delivery)
    code = read_status_code(delivery.status_code)
    return {
        "docId": delivery.message,
        "messageType": _type_of(delivery),
        "from": gw.directory.written_form(delivery.sender, form, on),
        "to": gw.directory.written_form(delivery.recipient, form, on),
        "notation": _notation(item),
        "sentTime": time_text(delivery.accepted_at),
        "receivedTime": time_text(delivery.settled_at if delivery.state is State.DELIVERED else None),
        "status": status,
        "statusDesc": described,
        "statusCode": code.value if code else "",
    }


def agency_rows(gw: Services, on: date) -> Iterator[dict[str, str]]:
    """Rows of ``getAgenciesList``: agencies in force, without test codes."""
    for agency in gw.directory.agencies:
        if agency.period.holds_on(on) and not agency.test:
            yield {
                "orgCode": agency.code,
                "orgName": agency.name,
                "parentCode": agency.parent or "",
                "address": "",
                "email": "",
                "phone": "",
            }


def form_of(gw: Services, agency: AgencyCode) -> str:
    """In which form an agency's software wants codes in lists (setting ``codes`` of its connection)."""
    wanted = gw.directory.preferred_codes(agency)
    return NEW_FORM if wanted == "as_received" else wanted


def _reason(error: GatewayError) -> tuple[str, str, int]:
    """Our rule, the sentence, and how many reasons more there are."""
    reasons = [finding for finding in error.findings if finding.severity is Severity.REFUSE]
    if reasons:
        return reasons[0].rule, reasons[0].text.vi, len(reasons) - 1
    return error.code, error.text.vi, 0


def _midnight(text: str) -> Instant:
    return from_datetime(datetime.strptime(text.strip(), DAY).replace(tzinfo=VIETNAM))


def _notation(item: SentItem) -> str:
    number, notation = item.header.get("number", ""), item.header.get("notation", "")
    return f"{number}/{notation}" if notation else str(number)


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
