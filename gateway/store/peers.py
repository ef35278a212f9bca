"""Rows about other gateways: the way that a message came, and what a peer answered.

In charge of: keeping both and reading them back. Not in charge of: what an answer proves (``flow/peers.py``).
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from gateway.model.text import Instant
from gateway.store.contract import Tx


def keep_way(tx: Tx, message: str, gateways: Sequence[str]) -> None:
    """The gateways that a message passed, oldest first; nothing is written for none."""
    if gateways:
        tx.run("keep_way", message=message, gateways=orjson.dumps(list(gateways)).decode())


def way_of(tx: Tx, message: str) -> tuple[str, ...]:
    """The gateways that a message passed before this one, oldest first."""
    row = tx.one("way_of_message", message=message)
    return tuple(orjson.loads(row["gateways"])) if row is not None else ()


def keep_answer(tx: Tx, delivery: str, answer: str, at: Instant) -> None:
    """What the recipient's system answered; the first answer stays."""
    tx.run("keep_answer", delivery=delivery, answer=answer, answered_at=at)


def answer_of(tx: Tx, delivery: str) -> str:
    """The answer that was kept, or ``""``."""
    row = tx.one("answer_of_delivery", delivery=delivery)
    return str(row["answer"]) if row is not None else ""


def addressed_as(tx: Tx, delivery: str) -> str:
    """The code under which the envelope names the recipient of a delivery."""
    row = tx.one("delivery_by_id", id=delivery)
    return str(row["addressed"]) if row is not None else ""
