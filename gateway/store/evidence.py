"""What an evidence container needs that no other noun gives.

In charge of: the salts and texts behind the commitments of an event. Not in charge of: events, payloads,
proofs and leaves (``events``, ``payloads``, ``proofs``, ``log``).
"""

from __future__ import annotations

from gateway.store.contract import Tx


def commitments_of(tx: Tx, event_id: str) -> dict[str, tuple[bytes, str]]:
    """Name -> (salt, text) of the personal values behind an event; empty once they were erased."""
    return {
        row["name"]: (bytes(row["salt"]), row["value"]) for row in tx.all("commitments_of", event=event_id)
    }
