"""Searches that people keep: under a name of their own, or for as long as they page through a result.

In charge of: saving, listing, forgetting, and what a person means who types one thing into one box. Words of
subjects stand here and never in an address. Not in charge of: searching (``find.py``).
"""

from __future__ import annotations

import re

from gateway.clock import SECOND
from gateway.errors import BadRequest, NotFound
from gateway.flow.door import Caller
from gateway.flow.find import Sought
from gateway.model.text import Bilingual, Instant
from gateway.services import Services
from gateway.store import messages, searches
from gateway.store.contract import Tx
from gateway.store.searches import NAMELESS, SavedSearch

NAME_LETTERS = 80
KEPT = 7 * 86_400 * SECOND  # of a search without a name
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NUMBER = re.compile(r"(?:số\s*:?\s*)?(\d{1,7}[a-zđ]?)(?:\s*/\s*([\w.\-– ]+))?", re.IGNORECASE)


async def keep(gw: Services, caller: Caller, sought: Sought, name: str = "") -> str:
    """Keep a search; its id. The same name again replaces it. ``BadRequest`` for a name that is none."""
    search, at = gw.new_id(), gw.clock.now()
    name = " ".join(name.split())[:NAME_LETTERS]
    if name.startswith(NAMELESS):
        raise BadRequest(_NAME, code="search.name")
    query, before = sought.as_query(), Instant(at - KEPT)

    def unit(tx: Tx) -> str:
        searches.save(tx, caller.principal, search, name or NAMELESS + search, query, at, before)
        same = [one.id for one in searches.named(tx, caller.principal) if one.name == name]
        return same[0] if same else search

    return await gw.store.write(unit)


async def kept(gw: Services, caller: Caller, search: str) -> Sought:
    """A search of this person. ``NotFound`` says that it is gone."""
    found = await gw.store.read(lambda tx: searches.find(tx, caller.principal, search))
    if found is None:
        raise NotFound(_GONE, code="search.unknown")
    return Sought.of(found.query)


async def list_kept(gw: Services, caller: Caller) -> list[SavedSearch]:
    """What the person saved under a name."""
    return await gw.store.read(lambda tx: searches.named(tx, caller.principal))


async def forget(gw: Services, caller: Caller, search: str) -> None:
    """The person does not need it any more."""
    await gw.store.write(lambda tx: searches.forget(tx, caller.principal, search))


async def understand(gw: Services, text: str) -> tuple[str, Sought]:
    """What one box means: the id of a document (found by any id of ours, or a DocumentId of one sender), or
    a search for a number, a number with notation, or words of a subject."""
    text = " ".join(text.split())[:500]
    lowered = text.lower()
    if _ID.fullmatch(lowered):
        document = await gw.store.read(lambda tx: _named(tx, lowered) or searches.document_of(tx, lowered))
        if not document:
            raise NotFound(_NO_ID, code="document.unknown")
        return document, Sought()
    if document := await gw.store.read(lambda tx: _named(tx, text)):
        return document, Sought()
    if number := _NUMBER.fullmatch(text):
        return "", Sought(number=number[1], notation=(number[2] or "").strip())
    return "", Sought(subject=text)


def _named(tx: Tx, reference: str) -> str:
    """The one document of that name; "" for none, or for several."""
    rows = messages.documents_named(tx, reference)
    return str(rows[0]["id"]) if len(rows) == 1 else ""


_NAME = Bilingual(
    "Tên tìm kiếm không được bắt đầu bằng dấu #. Hãy đặt tên khác.",
    "The name of a search does not begin with #. Choose another.",
)
_GONE = Bilingual(
    "Lượt tìm kiếm này không còn được lưu. Hãy tìm lại.",
    "This search is kept no longer. Search again.",
)
_NO_ID = Bilingual(
    "Không có văn bản, gói tin, lượt gửi hay phiếu xác nhận nào mang mã này.",
    "No document, message, delivery or receipt has this id.",
)
