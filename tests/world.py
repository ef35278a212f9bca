"""A small world for tests: a gateway on a real store, agencies that send and receive, a clock that obeys.

Change one thing, expect one thing. ``world.send("H37", to=["H37.03"])`` goes through the door like any
upload; ``world.fetch("H37.03")`` is what a recipient's software does.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from gateway.clock import ScenarioClock, from_datetime
from gateway.compliance import operations as compliance
from gateway.config import Config
from gateway.directory.changes import merge
from gateway.directory.data import DirectoryData
from gateway.edxml.build import build_envelope, build_status
from gateway.flow import inbox, office
from gateway.flow.door import Caller, receive
from gateway.flow.operate import LOCAL
from gateway.flow.submit import Submission, submit
from gateway.model.agency import Agency
from gateway.model.envelope import (
    Attachment,
    Business,
    DateText,
    Dialect,
    DocumentType,
    Envelope,
    Kind,
    Organization,
    OtherInfo,
    ReceiverChange,
    Reference,
    ReplacementInfo,
    ResponseFor,
    SignerInfo,
    StatusReport,
    TraceHeader,
)
from gateway.model.text import AgencyCode
from gateway.services import Services
from gateway.signature.keyring import Keyring
from gateway.signature.revocation_cache import RevocationCache
from gateway.signature.trust import TrustStore
from gateway.store.blobs import Blobs
from gateway.store.contract import Store
from gateway.store.people import Role

MONDAY = from_datetime(datetime(2020, 4, 13, 8, 30, tzinfo=UTC))
KINDS = {"inbox": True, "webhook": False}
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"

AGENCIES = tuple(
    Agency(AgencyCode(code), name, level, AgencyCode(parent) if parent else None)
    for code, name, level, parent in (
        ("H37", "UBND tỉnh Lạng Sơn", "province", ""),
        ("H37.03", "Sở Thông tin và Truyền thông", "province", "H37"),
        ("H37.05", "Sở Y tế", "province", "H37"),
        ("H37.31", "UBND thành phố Lạng Sơn", "district", "H37"),
        ("H37.32", "UBND huyện Hữu Lũng", "district", "H37"),
        ("H37.31.21", "UBND phường Tam Thanh", "commune", "H37.31"),
        ("H37.32.22", "UBND xã Yên Bình", "commune", "H37.32"),
    )
)


def make_envelope(
    sender: str = "H37",
    to: Sequence[str] = ("H37.03",),
    number: str = "362",
    notation: str = "UBND-KGVX",
    *,
    kind: Kind = Kind.NEW,
    document_id: str = "",
    subject: str = "V/v xây dựng Chính quyền điện tử",
    reason: str = "",
    priority: int = 0,
    replaces: Sequence[str] = (),
    added: Sequence[str] = (),
    removed: Sequence[str] = (),
    files: Mapping[str, bytes] | None = None,
    dialect: Dialect = Dialect.JAVA,
    day: date = date(2020, 4, 13),
) -> bytes:
    """One edXML document message, as an agency's software would write it."""
    contents = {"362.signed.pdf": PDF} if files is None else dict(files)
    attachments = tuple(
        Attachment(f"file-{index}", name, len(data), hashlib.sha256(data).digest(), "application/pdf")
        for index, (name, data) in enumerate(contents.items())
    )
    text = DateText(day.strftime("%Y/%m/%d"), day)
    envelope = Envelope(
        kind=kind,
        sender=Organization(sender, name="Cơ quan gửi"),
        recipients=tuple(Organization(code, name=f"Nơi nhận {code}") for code in to),
        document_id=document_id or f"{sender},{text.raw},{number}/{notation}",
        code_number=number,
        code_notation=notation,
        place="Lạng Sơn",
        promulgation_date=text,
        document_type=DocumentType("18", "0", "Công văn"),
        subject=subject,
        content=subject,
        signer=SignerInfo("KT. CHỦ TỊCH", "Phó Chủ tịch", "Người ký mẫu"),
        other=OtherInfo(priority=priority, priority_raw=str(priority), page_amount="1"),
        steering_type="1",
        business=Business(
            document_id=document_id if kind is Kind.UPDATE else "",
            doc_type=str(kind.wire_number),
            reason=reason or "Văn bản điện tử",
            paper="0",
            content_changed=kind is Kind.UPDATE,
            receivers_changed=bool(added or removed),
            receiver_changes=(
                *(ReceiverChange(code, added=True) for code in added),
                *(ReceiverChange(code, added=False) for code in removed),
            ),
            replacements=tuple(ReplacementInfo(item, tuple(to)) for item in replaces),
        ),
        trace=(TraceHeader(sender, f"{text.raw} 15:30:00"),),
        references=tuple(
            Reference(file.content_id, "application/pdf", "Văn bản chính", file.name) for file in attachments
        ),
        attachments=attachments,
        dialect=dialect,
    )
    data = list(contents.values())
    return b"".join(build_envelope(envelope, lambda index: [data[index]], dialect))


def make_status(
    reporter: str,
    code: str,
    document_id: str,
    *,
    about: str = "H37",
    description: str = "",
    timestamp: str = "2020/04/13 16:00:00",
) -> bytes:
    """One edXML status message."""
    envelope = Envelope(
        kind=Kind.STATUS,
        sender=Organization(reporter, name="Cơ quan báo"),
        document_id=document_id,
        response_for=(ResponseFor(about, "362/UBND-KGVX", DateText("2020/04/13"), document_id),),
        status=StatusReport(code, description, timestamp),
    )
    return build_status(envelope, Dialect.JAVA)


@dataclass(slots=True)
class Fetched:
    """What a recipient's software took from its inbox."""

    item: inbox.InboxItem
    data: bytes


@dataclass(slots=True)
class World:
    """The gateway and everybody around it."""

    gw: Services = field(repr=False)
    clock: ScenarioClock
    home: Path
    callers: dict[str, Caller] = field(default_factory=dict)

    def caller(self, code: str) -> Caller:
        """The system of one agency."""
        if code not in self.callers:
            self.callers[code] = Caller(
                f"system-{code}", f"Hệ thống {code}", Role.SYSTEM, frozenset({AgencyCode(code)})
            )
        return self.callers[code]

    async def upload(
        self, code: str, data: bytes | Iterable[bytes], narrow_to: Sequence[str] = ()
    ) -> Submission:
        """Hand these bytes in as that agency's system."""
        upload = await receive(self.gw, _chunks(data))
        return await submit(self.gw, self.caller(code), upload, narrow_to)

    async def send(
        self, sender: str = "H37", to: Sequence[str] = ("H37.03",), **fields: object
    ) -> Submission:
        """Build a document and hand it in."""
        return await self.upload(sender, make_envelope(sender, to, **fields))  # type: ignore[arg-type]

    async def report(self, reporter: str, code: str, document_id: str, **fields: str) -> Submission:
        """Build a status and hand it in."""
        return await self.upload(reporter, make_status(reporter, code, document_id, **fields))

    async def waiting(self, code: str) -> list[inbox.InboxItem]:
        """What waits in an agency's inbox, all pages."""
        items: list[inbox.InboxItem] = []
        cursor = ""
        while True:
            page = await inbox.list_inbox(self.gw, self.caller(code), AgencyCode(code), cursor)
            items += page.items
            cursor = page.cursor
            if not cursor:
                return items

    async def fetch(self, code: str, *, done: bool = True) -> list[Fetched]:
        """Take everything that waits, and say done."""
        taken = []
        for item in await self.waiting(code):
            parcel = await inbox.fetch(self.gw, self.caller(code), item.delivery)
            data = b"".join([chunk async for chunk in parcel.chunks])
            taken.append(Fetched(item, data))
            if done:
                await inbox.done(self.gw, self.caller(code), item.delivery)
        return taken

    async def rows(self, query: str, **params: str | int | bytes) -> list[dict[str, object]]:
        """Rows of a named query."""
        return await self.gw.store.read(lambda tx: [dict(row) for row in tx.all(query, **params)])

    async def event_types(self) -> list[str]:
        """Types of all events, oldest first."""
        rows = await self.rows("events_after", at=0, id="", limit=10_000)
        return [str(row["type"]) for row in rows]


@contextlib.asynccontextmanager
async def make_world(
    store: Store,
    home: Path,
    *,
    config: Config | None = None,
    agencies: DirectoryData | None = None,
    trust: Path | None = None,
) -> AsyncIterator[World]:
    """A gateway on ``store`` with the small directory above (``agencies`` are laid over it)."""
    clock = ScenarioClock(MONDAY)
    trust_folder = trust or home / "trust"
    trust_folder.mkdir(parents=True, exist_ok=True)
    revocation = RevocationCache()
    gw = Services(
        config=config or Config(),
        clock=clock,
        store=store,
        blobs=Blobs(home / "payloads"),
        keyring=Keyring.create(home / "keys", "truc-thu", clock.now()),
        trust_store=TrustStore.load(trust_folder, (revocation,)),
        revocation=revocation,
        kinds=KINDS,
        reports_folder=home / "reports",
        operations=compliance.OPERATIONS,
    )
    data = merge(DirectoryData(AGENCIES), agencies or DirectoryData())
    await office.import_directory(gw, LOCAL, data, apply=True)
    try:
        yield World(gw, clock, home)
    finally:
        await gw.pdf_workers.close()
        gw.threads.shutdown(wait=True)
        gw.disk_threads.shutdown(wait=True)
        gw.blobs.close()


async def _chunks(data: bytes | Iterable[bytes]) -> AsyncIterator[bytes]:
    parts = [data] if isinstance(data, bytes) else data
    for part in parts:
        for start in range(0, len(part), 65_536):
            yield part[start : start + 65_536]


__all__ = ["AGENCIES", "MONDAY", "PDF", "Fetched", "World", "make_envelope", "make_status", "make_world"]
