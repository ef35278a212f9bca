"""What one document's page reads, bounded however many recipients there are.

In charge of: pages of deliveries, counts, first and last moments, the newest statuses and looks. Not in
charge of: who may see it (``flow/look_document.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.delivery import Delivery
from gateway.store import archive, deliveries
from gateway.store.contract import Row, Tx


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list of deliveries goes on: after this one."""

    recipient: str = ""
    id: str = ""


def messages(tx: Tx, document: str, limit: int) -> list[Row]:
    """The messages of a document without the statuses about it, oldest first."""
    return tx.all("page_messages", document=document, limit=limit)


def page(
    tx: Tx, document: str, after: Place, limit: int, recipient: str = "", state: str = ""
) -> list[Delivery]:
    """Deliveries of its own messages, by recipient; of one recipient or state, or ("") all."""
    rows = tx.all(
        "page_deliveries",
        document=document,
        recipient=recipient,
        state=state,
        after_recipient=after.recipient,
        after_id=after.id,
        limit=limit,
    )
    return [deliveries.from_row(row) for row in rows]


def counts(tx: Tx, document: str) -> list[Row]:
    """How many deliveries stand where: state, status_code, deliveries. ``Archived`` when some are away."""
    archive.require_document(tx, document)
    return tx.all("page_counts", document=document)


def moments(tx: Tx, document: str) -> Row:
    """First and last times of its deliveries, and how many came so far."""
    row = tx.one("page_moments", document=document)
    assert row is not None  # an aggregate always has its row
    return row


def status_moments(tx: Tx, document: str) -> list[Row]:
    """Each status code: when first and last, and by how many agencies."""
    return tx.all("page_status_moments", document=document)


def statuses(tx: Tx, document: str, limit: int, agency: str = "") -> list[Row]:
    """The newest statuses about it, of one agency or ("") all."""
    return tx.all("page_statuses", document=document, agency=agency, limit=limit)


def attempts(tx: Tx, delivery: str) -> list[Row]:
    """Every try of a delivery, oldest first."""
    return tx.all("attempts_of_delivery", delivery=delivery)


def looks(tx: Tx, document: str, limit: int) -> list[Row]:
    """The newest looks at it."""
    return tx.all("page_looks", document=document, limit=limit)
