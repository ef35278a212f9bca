"""What an evidence container tells beside its events, laid against them: messages, receipts, deliveries.

In charge of: the rows ``messages`` and ``record`` of the table. Pure. Not in charge of: whether the events
are those of the log, signatures, keys (``evidence_check.py``).
"""

from __future__ import annotations

import base64

import orjson

from gateway.exchange_log.evidence_open import Opened, Wrong
from gateway.model.text import Bilingual


def messages_fit(opened: Opened) -> Bilingual:
    """Bytes as received fit what the record and the event say; attachments fit the event's hashes."""
    messages = {message["id"]: message for message in opened.record["messages"]}
    accepted = {event["message"]: event for event in opened.events.values() if "envelope_sha256" in event}
    for entry in (*opened.with_role("received"), *opened.with_role("file")):
        message = messages[entry["message"]]
        event = accepted.get(entry["message"], {})
        if entry["role"] == "received":
            right = {message["envelope_sha256"], event.get("envelope_sha256", entry["sha256"])} == {
                entry["sha256"]
            }
        else:
            right = entry["sha256"] in {file["sha256"] for file in message["files"]}
        if not right:
            raise Wrong(
                f"{entry['path']} không đúng mã băm trong sự kiện nhận gói tin",
                f"{entry['path']} is not what the event of its acceptance names",
            )
    _named_receipts(opened)
    held = len(opened.with_role("received"))
    return Bilingual(
        f"{held} gói tin đúng mã băm trong sự kiện; {len(messages) - held} gói tin không kèm nội dung",
        f"{held} messages are those that the events name; {len(messages) - held} come without content",
    )


def _named_receipts(opened: Opened) -> None:
    """Each receipt is the one that an event names by its hash, so not even who has the key of receipts puts
    another in its place. Whoever sees everything has all of them; a recipient may lack the event."""
    named = {e["message"]: e["receipt_sha256"] for e in opened.events.values() if "receipt_sha256" in e}
    held = {_message_of(opened, one["path"]): one["sha256"] for one in opened.with_role("receipt")}
    all_named = held.keys() == named.keys() or not opened.record["whole"]
    unlike = sorted(one for one in held if held[one] != named.get(one, held[one]))
    if unlike or not all_named or len(held) != len(opened.with_role("receipt")):
        raise Wrong(
            "Có phiếu xác nhận không đúng mã băm ghi trong sự kiện nhận gói tin, hoặc phiếu bị bỏ ra",
            "A receipt is not the one that an event names by its hash, or was left out",
        )


def _message_of(opened: Opened, path: str) -> str:
    """The message that a receipt names; its signature was verified before."""
    claims = orjson.loads(base64.urlsafe_b64decode(opened.members[path].split(b".")[1] + b"=="))
    if path != f"receipts/{claims['receipt']}.jws":
        raise Wrong(f"{path} là một phiếu xác nhận khác", f"{path} is another receipt")
    return str(claims["message"])


def record_fits(opened: Opened) -> Bilingual:
    """What the page tells of each delivery is what its last event says."""
    moved: dict[str, tuple[str, str]] = {}
    for event in opened.events.values():
        delivery, state = event.get("delivery"), event.get("to_state")
        if delivery and state and (event.get("from_state") or delivery not in moved):
            moved[delivery] = (state, event["recipient"])  # how it began never counts after how it went on
    reported = {
        (event["message"], event["status"], event["sender"])
        for event in opened.events.values()
        if event["type"] == "status.reported"
    }
    shown = {(one["message"], one["code"], one["reporter"]) for one in opened.record["statuses"]}
    told = {one["id"]: (one["state"], one["recipient"]) for one in opened.record["deliveries"]}
    for delivery in sorted({*told, *moved}):
        if moved.get(delivery) != told.get(delivery):
            raise Wrong(
                f"Tình trạng lượt gửi {delivery} khác với sự kiện cuối cùng của nó",
                f"The state of delivery {delivery} is not that of its last event",
            )
    if opened.record["whole"] and shown != reported:
        raise Wrong(
            "Có trạng thái không đúng với sự kiện của nó, hoặc không kèm sự kiện",
            "A status is not what its event says, or has no event",
        )
    count = len(opened.record["deliveries"])
    return Bilingual(
        f"{count} lượt gửi có tình trạng đúng theo sự kiện", f"{count} deliveries stand as their events say"
    )


__all__ = ["messages_fit", "record_fits"]
