"""Evidence about a document over HTTP: ``/api/v1/documents/{document}/evidence``.

In charge of: the endpoint. Who gets what is ``flow/evidence.py``.
"""

from __future__ import annotations

import base64

from aiohttp import web
from pydantic import Field

from gateway.errors import Busy, NotFound
from gateway.exchange_log.container import MEDIA_TYPE
from gateway.flow.evidence import export_evidence
from gateway.model.text import Bilingual
from gateway.web.endpoint import Bytes, Call, Endpoint
from gateway.web.models import Model


class EvidenceQuery(Model):
    """Why it is taken. Asked for from whoever is no party to the document."""

    reason: str = Field("", max_length=500, description="Recorded, and shown to the owning agency.")


async def take_evidence(call: Call[EvidenceQuery, None]) -> web.StreamResponse:
    """The container; the export is recorded before the first byte goes out."""
    made = await export_evidence(call.gw, call.caller, call.part("document"), call.query.reason)
    digest = base64.b64encode(bytes.fromhex(made.sha256)).decode()
    headers = {
        "Content-Type": MEDIA_TYPE,
        "Content-Disposition": f'attachment; filename="{made.document}.asice"',
        "Content-Digest": f"sha-256=:{digest}:",
    }
    return web.Response(body=made.data, headers=headers)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/v1/documents/{document}/evidence",
        "takeEvidence",
        Bilingual("Hồ sơ minh chứng của một văn bản", "Evidence about a document, to be verified offline"),
        take_evidence,
        Bytes(MEDIA_TYPE, "An ASiC-E container; a recipient's holds its own deliveries only."),
        query=EvidenceQuery,
        errors=(NotFound, Busy),
    ),
)
