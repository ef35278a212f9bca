"""``TraceHeaderList``: which kind of message this is, why, and where it has been.

In charge of: ``Bussiness`` (new, revoke, update, replace) and the hops. Not in charge of: what a revocation
does (``flow/amend``).
"""

from __future__ import annotations

from dataclasses import replace

from gateway.edxml import names
from gateway.edxml.notes import Notes
from gateway.edxml.place import Place
from gateway.edxml.problems import unreadable
from gateway.edxml.read_values import read_flag
from gateway.model.envelope import (
    Business,
    Envelope,
    Kind,
    ReceiverChange,
    ReplacementInfo,
    StaffInfo,
    TraceHeader,
)

_KINDS = (Kind.NEW, Kind.REVOKE, Kind.UPDATE, Kind.REPLACE)


def read_trace(envelope: Envelope, trace: Place, notes: Notes) -> Envelope:
    """``envelope`` with kind, business and hops. Without ``Bussiness`` it is new (reference section 1.8).

    A block written ``Business`` is read, because a recall must not be taken for a new document here; but
    others will take it for one, so it is refused unless it says "new". Raises ``Unreadable`` for an unknown
    kind.
    """
    place = trace.sub(names.BUSINESS)
    business = _business(place)
    kind = _kind(business.doc_type)
    if place.exists and place.name != names.BUSINESS and kind is not Kind.NEW:
        notes.add("business.misspelled", names.BUSINESS)
    hops = (TraceHeader(**hop.texts(names.TRACE)) for hop in trace.every("TraceHeader"))
    return replace(
        envelope, kind=kind, business=business, trace=tuple(hop for hop in hops if hop != TraceHeader())
    )


def _kind(text: str) -> Kind:
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 2 else len(_KINDS)
    if number >= len(_KINDS):
        raise unreadable("business.unknown_type", "BussinessDocType", found=text)
    return _KINDS[number]


def _business(place: Place) -> Business:
    changes = place.sub("BussinessDocumentInfo")
    return Business(
        document_id=place.text("DocumentId"),
        doc_type=place.text("BussinessDocType") or "0",
        reason=place.text("BussinessDocReason"),
        paper=place.text("Paper"),
        content_changed=read_flag(changes.text("DocumentInfo")),
        receivers_changed=read_flag(changes.text("DocumentReceiver")),
        receiver_changes=_receiver_changes(changes.sub("ReceiverList")),
        replacements=_replacements(place.sub("ReplacementInfoList")),
        staff=StaffInfo(**place.sub("StaffInfo").texts(names.STAFF)),
    )


def _receiver_changes(listed: Place) -> tuple[ReceiverChange, ...]:
    found = [
        ReceiverChange(place.text("OrganId"), read_flag(place.text("ReceiverType")))
        for place in listed.every("Receiver")
    ]
    return tuple(one for one in found if one.organ_id)


def _replacements(listed: Place) -> tuple[ReplacementInfo, ...]:
    found = [
        ReplacementInfo(place.text("DocumentId"), place.sub("OrganIdList").every_text("OrganId"))
        for place in listed.every("ReplacementInfo")
    ]
    return tuple(one for one in found if one != ReplacementInfo(""))
