"""What goes with a receipt later: ``/api/v1/receipts/{receipt}/timestamp``.

In charge of: the endpoint. The receipt itself comes with the document (``api_documents.py``).
"""

from __future__ import annotations

from pydantic import Field

from gateway.errors import NotFound
from gateway.flow.stamps import receipt_timestamp, timestamp_json
from gateway.model.text import Bilingual
from gateway.web.endpoint import Call, Endpoint
from gateway.web.models import Model, NoQuery, Text


class ReceiptTimestampAnswer(Model):
    """The proof that a receipt was there at ``time``. Leaf: SHA-256(0x00 || bytes of the compact JWS); tree:
    RFC 6962 section 2.1; stamped: the lines ``gateway-receipts/1``, ``size``, ``root``, each with LF."""

    receipt: str
    size: int = Field(description="Receipts under this timestamp.")
    root: str = Field(description="Head of the tree, hex.")
    leaf: int = Field(description="Place of this receipt, from 0.")
    inclusion_proof: list[str] = Field(description="Hashes from the leaf up, hex.")
    token: str = Field(description="RFC 3161 token, DER, base64.")
    time: str = Field(description="Time in the token (RFC 3339).")
    authority: str = Field(description="Subject of the timestamp service's certificate.")
    indication: str = Field(description="TOTAL-PASSED, INDETERMINATE or TOTAL-FAILED, judged just now.")
    problem: str = Field(description="Empty, or why it is not passed, as a code.")
    text: Text


async def show_timestamp(call: Call[NoQuery, None]) -> ReceiptTimestampAnswer:
    """The timestamp over one receipt, with everything that is needed to verify it without us."""
    found = await receipt_timestamp(call.gw, call.caller, call.part("receipt"))
    return ReceiptTimestampAnswer.model_validate(timestamp_json(found))


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/v1/receipts/{receipt}/timestamp",
        "showReceiptTimestamp",
        Bilingual("Dấu thời gian của một phiếu xác nhận", "The timestamp over one receipt"),
        show_timestamp,
        ReceiptTimestampAnswer,
        errors=(NotFound,),
    ),
)
