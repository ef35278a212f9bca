"""Other gateways of ours: province, district, commune.

In charge of: messages that come from a gateway (no circles, no endless chains), reading a peer's signed
receipt, and asking peers what became of a delivery. Not in charge of: the wire (``adapters/peer.py``), the
gate (``submit.py``).

Each gateway hands on the names of those that a message has passed, oldest first, its own last. The list is no
proof of anything: it only ever makes a gateway refuse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import orjson

from gateway.errors import BadRequest, Refused
from gateway.flow import look
from gateway.flow.door import Caller, Upload
from gateway.flow.submit import Submission, submit, turn_back
from gateway.model.delivery import Delivery
from gateway.model.finding import Finding, Severity
from gateway.model.text import AgencyCode, Bilingual
from gateway.port import Unavailable
from gateway.services import Services
from gateway.signature.seal import read_pinned_receipt
from gateway.store import peers, registry

WAY_HEADER = "X-Gateway-Hops"
MOST_GATEWAYS = 8  # commune, district, province, axis and back are seven
NAME_LENGTH = 200
CAME_BACK, TOO_FAR = "hops.loop", "hops.too_many"


@dataclass(frozen=True, slots=True)
class PeerReceipt:
    """What a peer's receipt says, its signature verified."""

    receipt: str
    gateway: str
    message: str
    sender: str
    document_id: str
    kind: str
    envelope_sha256: str
    decision: str


@dataclass(frozen=True, slots=True)
class Stages:
    """What a peer tells about one of our deliveries; ``problem`` when it does not."""

    delivery: str
    recipient: AgencyCode
    gateway: str
    document: str
    deliveries: list[dict[str, Any]]
    statuses: list[dict[str, Any]]
    problem: Bilingual | None = None


def read_way(header: str) -> tuple[str, ...]:
    """The names in ``X-Gateway-Hops``: percent-encoded, comma-separated. ``BadRequest`` for anything else."""
    try:
        names = tuple(unquote(name.strip(), errors="strict") for name in header.split(",") if name.strip())
    except UnicodeDecodeError as error:
        raise BadRequest(_BAD_WAY, code="hops.malformed") from error
    if any(not name.isprintable() or len(name) > NAME_LENGTH for name in names):
        raise BadRequest(_BAD_WAY, code="hops.malformed")
    return names


async def submit_from(
    gw: Services, caller: Caller, upload: Upload, way: Sequence[str], narrow_to: Sequence[str] = ()
) -> Submission:
    """Take one upload through the gate that may have passed other gateways. Raises as ``submit``; a message
    that was here before, or that has come too far, is ``Refused`` with a code of its own."""
    finding = _circle(gw.config.gateway.name, way)
    if finding is not None:
        refusal = await turn_back(gw, caller, upload, finding)
        raise Refused(finding.text, code=finding.rule, findings=(finding,)) from refusal
    upload.way = tuple(way)
    return await submit(gw, caller, upload, narrow_to)


def read_receipt(jws: str, pins: Sequence[str]) -> PeerReceipt:
    """A peer's receipt, signed with one of the pinned certificates (hex SHA-256); ``ValueError`` if not."""
    claims = read_pinned_receipt(jws, pins)
    named = (
        "receipt",
        "gateway",
        "message",
        "sender",
        "document_id",
        "kind",
        "envelope_sha256",
        "decision",
    )
    return PeerReceipt(*(str(claims.get(name, "")) for name in named))


async def settings_of(gw: Services, destination: AgencyCode) -> dict[str, str]:
    """The connection profile of a destination, its secret opened."""
    settings = dict(gw.directory.profile(destination).settings)
    sealed = await gw.store.read(lambda tx: registry.sealed_secret(tx, destination))
    if sealed is not None:
        settings["secret"] = gw.keyring.decrypt_secret(sealed).decode()
    return settings


async def stages(gw: Services, caller: Caller, reference: str) -> list[Stages]:
    """What each peer tells about the deliveries of a document that went through it."""
    trace = await look.trace(gw, caller, reference)
    relayed = [d for d in trace.deliveries if d.adapter in gw.tracers or d.adapter == "gateway"]
    return [await _stage(gw, delivery) for delivery in relayed if delivery.kind != "status"]


async def _stage(gw: Services, delivery: Delivery) -> Stages:
    answer = await gw.store.read(lambda tx: peers.answer_of(tx, delivery.id))
    if not answer:
        return _untold(delivery, "", _NOT_THERE)
    known = orjson.loads(answer)
    name = str(known.get("gateway", ""))
    tracer = gw.tracers.get(delivery.adapter)
    if tracer is None:
        return _untold(delivery, name, _NO_SERVER)
    try:
        told = await tracer.trace(await settings_of(gw, delivery.destination), answer)
    except Unavailable as error:
        return _untold(delivery, name, error.text)
    return Stages(
        delivery.id,
        delivery.recipient,
        name,
        str(known.get("document", "")),
        list(told.get("deliveries", [])),
        list(told.get("statuses", [])),
    )


def _untold(delivery: Delivery, name: str, problem: Bilingual) -> Stages:
    return Stages(delivery.id, delivery.recipient, name, "", [], [], problem)


def _circle(own: str, way: Sequence[str]) -> Finding | None:
    if own in way:
        return Finding(CAME_BACK, Severity.REFUSE, WAY_HEADER, _came_back(own, way))
    if len(way) >= MOST_GATEWAYS:
        return Finding(TOO_FAR, Severity.REFUSE, WAY_HEADER, _too_far(way))
    return None


def _came_back(own: str, way: Sequence[str]) -> Bilingual:
    listed = " → ".join((*way, own))
    return Bilingual(
        f"Gói tin đi vòng và quay lại trục {own} ({listed}). Hai trục đang chuyển cho nhau, hoặc trùng tên "
        "(gateway.name); quản trị viên cần sửa kết nối của nơi nhận.",
        f"The message went in a circle and came back to {own} ({listed}). Two gateways point at each other, "
        "or have the same name (gateway.name); an administrator must correct the recipient's connection.",
    )


def _too_far(way: Sequence[str]) -> Bilingual:
    listed = " → ".join(way)
    return Bilingual(
        f"Gói tin đã đi qua {len(way)} trục ({listed}), quá giới hạn {MOST_GATEWAYS}. Quản trị viên cần kiểm "
        "tra kết nối giữa các trục.",
        f"The message passed {len(way)} gateways ({listed}); at most {MOST_GATEWAYS} are allowed. Check how "
        "the gateways are connected.",
    )


_BAD_WAY = Bilingual(f"Tiêu đề {WAY_HEADER} không đúng định dạng.", f"The header {WAY_HEADER} is malformed.")
_NOT_THERE = Bilingual(
    "Gói tin chưa đến trục của nơi nhận nên chưa có thông tin từ trục đó.",
    "The message has not reached the recipient's gateway yet, which so has nothing to tell.",
)
_NO_SERVER = Bilingual(
    "Chỉ hỏi được trục của nơi nhận khi trục này đang chạy (gateway serve).",
    "The recipient's gateway can only be asked while this one runs (gateway serve).",
)
