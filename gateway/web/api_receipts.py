"""What goes with a receipt later: ``/api/v1/receipts/{receipt}/timestamp``.

In charge of: the endpoint. The receipt itself comes with the document (``api_documents.py``).
"""

from __future__ import annotations

from pydantic import Field

from gateway.errors import NotFound
from gateway.flow.receipts import proof_json, receipt_proof
from gateway.model.text import Bilingual
from gateway.web.endpoint import Call, Endpoint
from gateway.web.models import Model, NoQuery, Text


class ReceiptTimestampAnswer(Model):
    """The proof that a receipt is in the exchange log, and since when. ``event`` names the receipt's SHA-256;
    its leaf is SHA-256(0x00 || bytes of ``event``); tree: RFC 6962 section 2.1; ``checkpoint`` signs the
    head; stamped: the checkpoint's text and the log's own signature line, as they stand."""

    receipt: str
    event: str = Field(description="Canonical JSON (RFC 8785) of the event that names the receipt.")
    leaf: int = Field(description="Place of the event in the log, from 0.")
    size: int = Field(description="Leaves under the checkpoint.")
    root: str = Field(description="Head of the tree, hex.")
    inclusion_proof: list[str] = Field(description="Hashes from the leaf up, hex.")
    checkpoint: str = Field(description="Signed note (C2SP tlog-checkpoint), with lines of witnesses.")
    token: str = Field(description="RFC 3161 token, DER, base64; empty while there is none.")
    time: str = Field(description="Time in the token (RFC 3339).")
    authority: str = Field(description="Subject of the timestamp service's certificate.")
    indication: str = Field(description="TOTAL-PASSED, INDETERMINATE or TOTAL-FAILED, judged just now.")
    problem: str = Field(description="Empty, or why it is not passed, as a code.")
    text: Text


async def show_timestamp(call: Call[NoQuery, None]) -> ReceiptTimestampAnswer:
    """The proof of one receipt, with everything that is needed to verify it without us."""
    found = await receipt_proof(call.gw, call.caller, call.part("receipt"))
    return ReceiptTimestampAnswer.model_validate(proof_json(found))


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/v1/receipts/{receipt}/timestamp",
        "showReceiptTimestamp",
        Bilingual("Bằng chứng và dấu thời gian của một phiếu xác nhận", "Proof and timestamp of one receipt"),
        show_timestamp,
        ReceiptTimestampAnswer,
        errors=(NotFound,),
    ),
)
