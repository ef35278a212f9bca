"""Mistakes planted into a server, to see that the oracle finds them.

In charge of: the mistakes. Not in charge of: finding them (``ledger``).
"""

from __future__ import annotations

from typing import Any


def plant(name: str) -> None:
    """Make this process wrong in one way."""
    {"early": _answers_before_the_commit, "drop": _drops_a_delivery, "mint": _mints_new_ids}[name]()


def _answers_before_the_commit() -> None:
    """What the store takes it forgets: the answer goes out, the rows never come."""
    from gateway.store import sqlite

    count = 0

    def forgetful(connection: Any) -> None:
        nonlocal count
        count += 1
        connection.execute("ROLLBACK" if count % 5 == 0 else "COMMIT")

    sqlite._commit = forgetful


def _drops_a_delivery() -> None:
    """A push that was never made counts as made."""
    from adapters.webhook import Webhook
    from gateway.port import Delivered

    deliver, count = Webhook.deliver, 0

    async def lying(self: Webhook, parcel: Any) -> Any:
        nonlocal count
        count += 1
        return Delivered("HTTP 200") if count % 3 == 0 else await deliver(self, parcel)

    Webhook.deliver = lying


def _mints_new_ids() -> None:
    """Every attempt goes out under an id of its own, and the first one is taken for lost."""
    from adapters.webhook import Webhook
    from gateway.clock import random_bytes
    from gateway.model.text import Bilingual
    from gateway.port import TryLater

    deliver, seen = Webhook.deliver, set()

    async def minting(self: Webhook, parcel: Any) -> Any:
        known, first = parcel.delivery_id, parcel.delivery_id not in seen
        seen.add(known)
        object.__setattr__(parcel, "delivery_id", f"{known}-{random_bytes(4).hex()}")
        outcome = await deliver(self, parcel)
        return TryLater("answer.lost", Bilingual("mất", "lost"), 1) if first else outcome

    Webhook.deliver = minting
