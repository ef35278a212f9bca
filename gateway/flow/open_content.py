"""Opening the content of a document as a person who is neither its sender nor its recipient.

In charge of: the right, the reason, the record before a byte is shown. Not in charge of: agencies' own
software (``inbox.py``), evidence (``evidence.py``).
"""

from __future__ import annotations

from gateway.errors import NotFound, NotPermitted, WrongState
from gateway.flow import footprints
from gateway.flow.door import Caller, stated
from gateway.flow.hold import INCIDENT_OPEN
from gateway.flow.payload import OpenPayload, of_delivery, of_message, open_stored
from gateway.model.text import Bilingual
from gateway.services import Services
from gateway.store import events, incidents, messages, searches
from gateway.store.contract import Tx
from gateway.store.payloads import StoredPayload
from gateway.store.people import Role


async def open_content(
    gw: Services, caller: Caller, reference: str, reason: str, message: str = "", delivery: str = ""
) -> OpenPayload:
    """An envelope of a document as received (its first, or ``message``), or as one delivery handed it over.
    On return the event is on disk: who, when, why.

    ``NotPermitted`` for whoever only reads metadata; ``WrongState`` while an incident is open, because then
    the content may be what nobody should see.
    """
    reason = stated(reason)
    if caller.role is not Role.ADMINISTRATOR:
        raise NotPermitted(_METADATA_ONLY, code="content.not_permitted")

    def unit(tx: Tx) -> StoredPayload | None:
        rows = messages.documents_named(tx, reference)
        if len(rows) != 1:
            raise NotFound(code="document.unknown" if not rows else "document.ambiguous")
        if incidents.open_for(tx, rows[0]["id"]) is not None:
            raise WrongState(_INCIDENT, code=INCIDENT_OPEN)
        opened = message or rows[0]["first_message"]
        part = delivery or opened
        if searches.document_of(tx, part) != rows[0]["id"]:
            raise NotFound(code="document.unknown")
        said = footprints.opened(
            gw, caller, rows[0], reason, message="" if delivery else opened, delivery=delivery
        )
        events.record(tx, said)
        return of_delivery(tx, delivery) if delivery else of_message(tx, opened)

    return await open_stored(gw, await gw.store.write(unit))


_METADATA_ONLY = Bilingual(
    "Tài khoản này chỉ được xem thông tin mô tả, không được mở nội dung văn bản.",
    "This account reads what stands about documents, not their content.",
)
_INCIDENT = Bilingual(
    "Văn bản đang có sự cố chờ giải quyết nên không ai được mở nội dung.",
    "There is an open incident about this document, so nobody opens its content.",
)
