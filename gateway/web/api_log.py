"""The exchange log for those who do not trust us: ``/api/v1/log/…``.

In charge of: the endpoints. Checkpoint and proofs are public: they hold hashes, nothing of any document.
Entries are for auditors. Not in charge of: making any of it (``flow/log.py``).
"""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field

from gateway.errors import BadRequest, NotFound, NotPermitted, TooLarge, TooSlow, UnsupportedMedia
from gateway.flow import log
from gateway.model.text import Bilingual
from gateway.store.people import Role
from gateway.web.endpoint import NOBODY, Bytes, Call, Endpoint
from gateway.web.models import Code, Model, NoQuery

Place = Annotated[int, Field(ge=0, le=2**53)]


class RangeQuery(Model):
    """Two numbers of leaves."""

    old: Place = Field(alias="from", description="Leaves of the smaller tree; of entries: the first leaf.")
    new: Place = Field(alias="to", description="Leaves of the larger tree; of entries: before which leaf.")


class InclusionQuery(Model):
    """Which leaf: by the event's id or by its place."""

    event: Code = ""
    leaf: Place | None = None
    size: Place = Field(0, description="Leaves of the tree; 0: the first published checkpoint over the leaf.")


class ConsistencyAnswer(Model):
    """PROOF(from, D[to]) of RFC 6962 section 2.1.2."""

    old: int = Field(description="Leaves of the smaller tree.")
    new: int = Field(description="Leaves of the larger tree.")
    hashes: list[str] = Field(description="Hex.")


class InclusionAnswer(Model):
    """PATH(leaf, D[size]) of RFC 6962 section 2.1.1."""

    leaf: int = Field(description="Place in the log, from 0.")
    hash: str = Field(description="Hash of the leaf, hex.")
    size: int
    inclusion_proof: list[str] = Field(description="Hashes from the leaf up, hex.")
    checkpoint: str = Field(description="The signed note over so many leaves; empty when a size was given.")


class EntryAnswer(Model):
    """One leaf."""

    leaf: int
    hash: str = Field(description="SHA-256(0x00 || bytes of event), hex.")
    event: str = Field(description="Canonical JSON (RFC 8785) of the event, as it is stored.")


class EntriesAnswer(Model):
    """Leaves in order; at most a thousand in one answer."""

    entries: list[EntryAnswer]


class CosignaturesGiven(Model):
    """A checkpoint of this log with the lines of witnesses."""

    note: str = Field(max_length=60_000, description="The whole signed note.")


class CosignaturesAnswer(Model):
    """Whose lines were kept."""

    witnesses: list[str]


async def show_checkpoint(call: Call[NoQuery, None]) -> web.Response:
    """The newest published checkpoint with the lines of its witnesses."""
    note = await log.newest_checkpoint(call.gw)
    return web.Response(body=note.encode(), headers={"Content-Type": "text/plain; charset=utf-8"})


async def show_consistency(call: Call[RangeQuery, None]) -> ConsistencyAnswer:
    """That a larger tree begins with a smaller one."""
    old, new = call.query.old, call.query.new
    return ConsistencyAnswer(old=old, new=new, hashes=await log.consistency(call.gw, old, new))


async def show_inclusion(call: Call[InclusionQuery, None]) -> InclusionAnswer:
    """That an event is in the log."""
    query = call.query
    return InclusionAnswer.model_validate(await log.inclusion(call.gw, query.event, query.leaf, query.size))


async def show_entries(call: Call[RangeQuery, None]) -> EntriesAnswer:
    """Leaves with their bytes."""
    found = await log.entries(call.gw, call.caller, call.query.old, call.query.new)
    return EntriesAnswer(entries=[EntryAnswer.model_validate(one) for one in found])


async def take_cosignatures(call: Call[NoQuery, CosignaturesGiven]) -> CosignaturesAnswer:
    """Lines of configured witnesses under a checkpoint of ours; verified, so nobody is asked who it is."""
    return CosignaturesAnswer(witnesses=await log.take_cosignatures(call.gw, call.body.note))


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/v1/log/checkpoint",
        "showCheckpoint",
        Bilingual("Mốc chốt mới nhất của nhật ký", "The newest checkpoint of the exchange log"),
        show_checkpoint,
        Bytes("text/plain", "A signed note: C2SP tlog-checkpoint with cosignatures."),
        roles=NOBODY,
        errors=(NotFound,),
    ),
    Endpoint(
        "GET",
        "/api/v1/log/consistency",
        "showConsistency",
        Bilingual("Bằng chứng nhật ký chỉ được nối thêm", "Proof that the log was only appended to"),
        show_consistency,
        ConsistencyAnswer,
        roles=NOBODY,
        query=RangeQuery,
        errors=(BadRequest,),
    ),
    Endpoint(
        "GET",
        "/api/v1/log/inclusion",
        "showInclusion",
        Bilingual("Bằng chứng một sự kiện nằm trong nhật ký", "Proof that an event is in the log"),
        show_inclusion,
        InclusionAnswer,
        roles=NOBODY,
        query=InclusionQuery,
        errors=(NotFound,),
    ),
    Endpoint(
        "GET",
        "/api/v1/log/entries",
        "listLogEntries",
        Bilingual("Các sự kiện trong nhật ký, cho kiểm toán", "Entries of the log, for auditors"),
        show_entries,
        EntriesAnswer,
        roles=frozenset({Role.AUDITOR, Role.OPERATOR, Role.ADMINISTRATOR}),
        query=RangeQuery,
        errors=(NotPermitted,),
    ),
    Endpoint(
        "POST",
        "/api/v1/log/cosignatures",
        "takeCosignatures",
        Bilingual("Nhận chữ ký kèm của nhân chứng", "Take the cosignature of a witness"),
        take_cosignatures,
        CosignaturesAnswer,
        roles=NOBODY,
        body=CosignaturesGiven,
        errors=(BadRequest, TooLarge, TooSlow, UnsupportedMedia),
    ),
)
