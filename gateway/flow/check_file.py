"""A clerk checks a file before she sends it: an edXML message, or a PDF by itself. Nothing is kept.

In charge of: telling the two apart, and judging a PDF as the gate judges the main file of a message. Not in
charge of: the gate's verdict on a message (``submit.preflight``), sending.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date

from gateway.checks.secrecy import found_on_page, mark_on_page
from gateway.clock import local_day
from gateway.errors import TooLarge
from gateway.flow.desk import require_own
from gateway.flow.door import Caller, receive
from gateway.flow.examine import Examination
from gateway.flow.submit import preflight
from gateway.model.finding import Finding
from gateway.model.text import AgencyCode
from gateway.model.verdict import Verdict
from gateway.services import Services
from gateway.signature.pdf_facts import Pages
from gateway.signature.pdf_findings import judge_file
from gateway.signature.pdf_judge import judge_pdf

PDF_MARK = b"%PDF-"
HEAD = 1024  # bytes in which a PDF says that it is one (ISO 32000-1 Annex H, note 13)


@dataclass(frozen=True, slots=True)
class PdfCheck:
    """A PDF by itself: its signatures and what they would mean as the main file of the agency's document."""

    name: str
    size: int
    sha256: str
    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
    pages: Pages


async def check_file(
    gw: Services, caller: Caller, agency: AgencyCode, name: str, chunks: AsyncIterator[bytes]
) -> Examination | PdfCheck:
    """What the gate would say of these bytes if the agency sent them now."""
    require_own(caller, agency)
    head = b""
    async for chunk in chunks:
        head += chunk
        if len(head) >= HEAD:
            break
    whole = _again(head, chunks)
    if PDF_MARK in head[:HEAD]:
        return await _check_pdf(gw, agency, name, whole)
    return await preflight(gw, caller, await receive(gw, whole))


async def _check_pdf(gw: Services, agency: AgencyCode, name: str, chunks: AsyncIterator[bytes]) -> PdfCheck:
    data = bytearray()
    async for chunk in chunks:
        data += chunk
        if len(data) > gw.config.limits.attachment_bytes:
            raise TooLarge()
    plain = bytes(data)
    async with gw.pdf_workers.turns:
        facts = await gw.pdf_workers.read_file(plain)
    now = gw.clock.now()
    sha256 = hashlib.sha256(plain).hexdigest()
    verdicts = judge_pdf(name, facts.signatures, gw.trust, now, None, sha256=sha256)
    on = local_day(now)

    def serves(signer: AgencyCode) -> date | None:
        return gw.directory.signs_for(signer, agency, on)

    findings = judge_file(name, verdicts, True, agency, serves)
    if mark_on_page(facts.pages.first_text):
        findings.append(found_on_page(1))
    return PdfCheck(name, len(plain), sha256, verdicts, tuple(findings), facts.pages)


async def _again(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if head:
        yield head
    async for chunk in rest:
        yield chunk
