"""What goes with a receipt later: its proof in the exchange log and the timestamp, for whom it was issued to.

In charge of: who may see it, taking the proof out of the log, judging the token as of now. Not in charge of:
having heads published and stamped (``delivery/log_keeper.py``, ``delivery/stamp.py``).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from typing import Any

from gateway.clock import to_rfc3339
from gateway.errors import NotFound
from gateway.exchange_log.checkpoint import read_checkpoint, read_note
from gateway.exchange_log.compromised import over
from gateway.exchange_log.merkle import inclusion_proof
from gateway.exchange_log.receipts import Attachment, verify_receipt
from gateway.exchange_log.sequence import log_keys, stored_nodes, with_cosignatures
from gateway.flow.door import Caller
from gateway.flow.look import SEES_ALL
from gateway.model.text import Bilingual
from gateway.services import Services
from gateway.signature.keyring import Keyring
from gateway.signature.timestamp import Judged
from gateway.store import events, log, messages
from gateway.store.contract import Tx

PENDING = Bilingual(
    "Phiếu xác nhận này chưa nằm dưới mốc chốt nhật ký nào. Trục chốt nhật ký theo từng đợt; hãy hỏi lại sau "
    "ít phút. Phiếu vẫn có giá trị trong khi chờ.",
    "This receipt is under no checkpoint yet: they are made at intervals. Ask again in a few minutes; the "
    "receipt holds meanwhile.",
)
OFF = Bilingual(
    "Phiếu xác nhận đã nằm dưới mốc chốt nhật ký có chữ ký của trục. Mốc chốt không có dấu thời gian vì trục "
    "chưa được nối với dịch vụ cấp dấu thời gian.",
    "The receipt is under a signed checkpoint. It has no timestamp, because no timestamp service is set.",
)


@dataclass(frozen=True, slots=True)
class ReceiptProof:
    """A receipt (compact JWS), what goes with it, and what that is worth today."""

    receipt: str
    jws: str
    attachment: Attachment
    judged: Judged


@dataclass(frozen=True, slots=True)
class _Found:
    jws: str
    sender: str
    attachment: Attachment | None


async def receipt_proof(gw: Services, caller: Caller, receipt: str) -> ReceiptProof:
    """The proof of that receipt. ``NotFound``: no such receipt or not the caller's (``receipt.unknown``), or
    no checkpoint is over it yet (``log.pending``)."""
    found = await gw.store.read(lambda tx: _read(tx, gw.keyring, receipt))
    if found is None or not (caller.role in SEES_ALL or found.sender in caller.agencies):
        raise NotFound(code="receipt.unknown")
    if found.attachment is None:
        raise NotFound(PENDING, code="log.pending")
    keys, now = log_keys(gw.keyring), gw.clock.now()
    judged = verify_receipt(found.jws, found.attachment, keys, gw.trust_store, now)
    if judged.problem == "timestamp.pending" and not gw.config.trust.timestamp_url:
        judged = replace(judged, problem="timestamp.off", text=OFF)
    return ReceiptProof(receipt, found.jws, found.attachment, judged)


def proof_json(found: ReceiptProof) -> dict[str, Any]:
    """The attachment as the API and the command line give it: hashes in hex, the token in base64."""
    attachment, judged = found.attachment, found.judged
    head = read_checkpoint(read_note(attachment.note).text)
    return {
        "receipt": found.receipt,
        "event": attachment.event.decode(),
        "leaf": attachment.leaf,
        "size": head.size,
        "root": head.root.hex(),
        "inclusion_proof": [part.hex() for part in attachment.inclusion_proof],
        "checkpoint": attachment.note,
        "token": base64.b64encode(attachment.token).decode(),
        "time": "" if judged.time is None else to_rfc3339(judged.time),
        "authority": judged.authority,
        "indication": judged.indication.value,
        "problem": judged.problem,
        "text": judged.text.as_json(),
    }


async def show_receipt(gw: Services, caller: Caller, receipt: str) -> dict[str, Any]:
    """The receipt and its proof, for the command line."""
    found = await receipt_proof(gw, caller, receipt)
    return {"jws": found.jws, **proof_json(found)}


def _read(tx: Tx, keyring: Keyring, receipt: str) -> _Found | None:
    row = messages.receipt(tx, receipt)
    if row is None:
        return None
    return _Found(row["jws"], row["sender"], _attachment(tx, keyring, row["event"]) if row["event"] else None)


def _attachment(tx: Tx, keyring: Keyring, event: str) -> Attachment | None:
    """What proves the event's leaf; ``None`` while no published head is over it."""
    place, body = log.leaf_of(tx, event), events.body_of(tx, event)
    if place is None or body is None:
        return None
    leaf, _ = place
    head = over(tx, keyring, leaf)
    if head is None:
        return None
    proof = inclusion_proof(stored_nodes(tx), leaf, head.size)
    lines = [one.line for one in log.cosignatures(tx, head.number)]
    return Attachment(body, leaf, proof, with_cosignatures(head.note, lines), head.token)
