"""Rows that rest on a key of ours: receipts, payloads, sealed secrets.

In charge of: walking them page by page and putting payload keys and secrets under another wrapping key. Not
in charge of: keys (``signature/keyring.py``), what a compromise means (``flow/compromise.py``).
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.store import people, registry
from gateway.store.contract import Row, Tx

PAGE = 500
Rewrap = Callable[[bytes], bytes]


def receipts(tx: Tx, after: str) -> list[Row]:
    """The next page of receipts: id, jws, issued_at, message, event, document, sender."""
    return tx.all("receipts_after", after=after, limit=PAGE)


def payloads(tx: Tx, after: bytes) -> list[tuple[bytes, bytes]]:
    """The next page of (SHA-256, wrapped data key)."""
    rows = tx.all("payloads_after", after=after, limit=PAGE)
    return [(bytes(row["sha256"]), bytes(row["wrapped_key"])) for row in rows]


def documents_of(tx: Tx, sha256: bytes) -> list[str]:
    """Documents whose content these bytes are."""
    return [row["document"] for row in tx.all("documents_of_payload", sha256=sha256)]


def rewrap(tx: Tx, page: list[tuple[bytes, bytes]], again: Rewrap) -> None:
    """Put these data keys under the key in use."""
    tx.many(
        "rewrap_payload",
        [{"sha256": sha256, "before": old, "wrapped_key": again(old)} for sha256, old in page],
    )


def reseal(tx: Tx, is_lost: Callable[[bytes], bool], again: Rewrap) -> int:
    """Put every secret that is sealed under a lost key under the key in use; how many."""
    count = 0
    for row in tx.all("sealed_secrets"):
        before = bytes(row["sealed"])
        if is_lost(before):
            count += tx.run(f"reseal_{row['place']}", id=row["id"], before=before, sealed=again(before))
    if count:
        tx.run("bump_revision", name=people.PRINCIPALS)
        tx.run("bump_revision", name=registry.DIRECTORY)
    return count
