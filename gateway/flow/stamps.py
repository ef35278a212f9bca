"""The timestamp of a receipt, for whoever the receipt was issued to.

In charge of: who may see it, taking the proof out of its tree, judging the token as of now. Not in charge of:
having receipts stamped (``delivery/stamp.py``).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from gateway.clock import to_rfc3339
from gateway.errors import NotFound
from gateway.exchange_log.receipts import Attachment, prove, verify_receipt_timestamp
from gateway.flow.door import Caller
from gateway.flow.look import SEES_ALL
from gateway.model.text import Bilingual
from gateway.services import Services
from gateway.signature.timestamp import Judged
from gateway.store import stamps
from gateway.store.contract import Tx
from gateway.store.stamps import Stamped

PENDING = Bilingual(
    "Phiếu xác nhận này chưa có dấu thời gian. Trục xin dấu thời gian theo từng đợt; hãy hỏi lại sau ít "
    "phút. Phiếu vẫn có giá trị trong khi chờ.",
    "This receipt has no timestamp yet: they are asked for in batches. Ask again in a few minutes; the "
    "receipt holds meanwhile.",
)
OFF = Bilingual(
    "Phiếu xác nhận này không có dấu thời gian vì trục chưa được nối với dịch vụ cấp dấu thời gian.",
    "This receipt has no timestamp, because no timestamp service is set for this gateway.",
)


@dataclass(frozen=True, slots=True)
class ReceiptTimestamp:
    """A receipt (compact JWS), what goes with it, and what that is worth today."""

    receipt: str
    jws: str
    attachment: Attachment
    judged: Judged


async def receipt_timestamp(gw: Services, caller: Caller, receipt: str) -> ReceiptTimestamp:
    """The timestamp over that receipt. ``NotFound``: no such receipt or not the caller's
    (``receipt.unknown``), not stamped yet (``timestamp.pending``), or never (``timestamp.off``)."""
    found, leaves = await gw.store.read(lambda tx: _read(tx, receipt))
    if found is None or not (caller.role in SEES_ALL or found.sender in caller.agencies):
        raise NotFound(code="receipt.unknown")
    if found.leaf is None or not found.token:
        if gw.config.trust.timestamp_url:
            raise NotFound(PENDING, code="timestamp.pending")
        raise NotFound(OFF, code="timestamp.off")
    attachment = await gw.offload(len(leaves) * 256, prove, leaves, found.leaf, found.token)
    judged = verify_receipt_timestamp(found.jws, attachment, gw.trust_store, gw.clock.now())
    return ReceiptTimestamp(receipt, found.jws, attachment, judged)


def timestamp_json(found: ReceiptTimestamp) -> dict[str, Any]:
    """The attachment as the API and the command line give it: hashes in hex, the token in base64."""
    attachment, judged = found.attachment, found.judged
    return {
        "receipt": found.receipt,
        "size": attachment.size,
        "root": attachment.root.hex(),
        "leaf": attachment.leaf,
        "inclusion_proof": [part.hex() for part in attachment.inclusion_proof],
        "token": base64.b64encode(attachment.token).decode(),
        "time": "" if judged.time is None else to_rfc3339(judged.time),
        "authority": judged.authority,
        "indication": judged.indication.value,
        "problem": judged.problem,
        "text": judged.text.as_json(),
    }


async def show_receipt(gw: Services, caller: Caller, receipt: str) -> dict[str, Any]:
    """The receipt and its timestamp, for the command line."""
    found = await receipt_timestamp(gw, caller, receipt)
    return {"jws": found.jws, **timestamp_json(found)}


def _read(tx: Tx, receipt: str) -> tuple[Stamped | None, list[bytes]]:
    found = stamps.of_receipt(tx, receipt)
    if found is None or found.stamp is None or not found.token:
        return found, []
    return found, stamps.leaves(tx, found.stamp)
