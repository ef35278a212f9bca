"""A file that an agency left in its folder goes through the gate, and what it is told about it.

In charge of: the caller (exactly the agency whose folder it is), and the answer as a small JSON object that a
clerk can read. Not in charge of: folders and files (``adapters/folder``), the gate (``submit.py``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from gateway.clock import to_rfc3339
from gateway.errors import (
    DuplicateConflict,
    GatewayError,
    NotPermitted,
    Refused,
    TooLarge,
    Unreadable,
)
from gateway.flow.door import Caller, receive
from gateway.flow.submit import Submission, submit
from gateway.model.finding import Finding
from gateway.model.text import AgencyCode
from gateway.services import Services
from gateway.store.people import Role

FINAL = (Unreadable, Refused, DuplicateConflict, NotPermitted, TooLarge)  # the same file gets the same answer


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a file. ``sha256`` is hex, "" for one that was too large to be read to its end."""

    refused: bool
    sha256: str
    answer: dict[str, Any]


async def take(
    gw: Services,
    agency: AgencyCode,
    name: str,
    chunks: AsyncIterator[bytes],
    unchanged: Callable[[], Awaitable[bool]],
) -> Taken | None:
    """Take one file in. ``None`` when it changed while it was read: it is not complete yet.

    Raises what passes (``Busy``, a full disk); a repeat is answered with its first receipt.
    """
    caller = Caller(f"folder:{agency}", f"Thư mục của {agency}", Role.SYSTEM, frozenset({agency}))
    sha256 = ""
    try:
        upload = await receive(gw, chunks)
        sha256 = upload.sha256.hex()
        if not await unchanged():
            upload.staging.discard()
            return None
        done = await submit(gw, caller, upload)
    except FINAL as error:
        return Taken(True, sha256, _refusal(gw, name, sha256, error))
    return Taken(False, sha256, _receipt(gw, name, sha256, done))


def _receipt(gw: Services, name: str, sha256: str, done: Submission) -> dict[str, Any]:
    return {
        "file": name,
        "decision": done.decision.value,
        "repeated": done.repeated,
        "document": done.document,
        "message": done.message,
        "receipt": done.receipt,
        "envelope_sha256": sha256,
        "taken_at": to_rfc3339(gw.clock.now()),
        "findings": [finding.as_json() for finding in done.findings],
        "receipt_jws": done.jws,
    }


def _refusal(gw: Services, name: str, sha256: str, error: GatewayError) -> dict[str, Any]:
    """Sentences first: a clerk opens this file in a text editor."""
    return {
        "file": name,
        "ly_do": _sentences(error.text.vi, error.findings),
        "reason": [error.text.en, *(finding.text.en for finding in error.findings)],
        "code": error.code,
        "envelope_sha256": sha256,
        "refused_at": to_rfc3339(gw.clock.now()),
        "findings": [finding.as_json() for finding in error.findings],
    }


def _sentences(first: str, findings: tuple[Finding, ...]) -> list[str]:
    return [first, *(finding.text.vi for finding in findings)]
