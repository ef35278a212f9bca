"""Rows of certificates in use, watched for their end.

In charge of: who uses which certificate until when, and which warning was given. Not in charge of: noticing
use (``signature/in_use.py``), warning (``delivery/watch.py``).
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.model.certificate import UsedCertificate
from gateway.model.text import Instant
from gateway.store.contract import Tx, Value


def touch(tx: Tx, used: Iterable[UsedCertificate]) -> None:
    """Note that certificates were used, and by whom."""
    rows: list[dict[str, Value]] = [
        {
            "sha256": one.sha256,
            "subject": one.subject,
            "used_by": one.used_by,
            "not_after": one.not_after,
            "last_used": one.last_used,
        }
        for one in sorted(
            used, key=lambda one: one.sha256
        )  # always in one order, so nobody waits in a circle
    ]
    tx.many("touch_certificate", rows)


def ending(tx: Tx, since: Instant, until: Instant, used_since: Instant) -> list[UsedCertificate]:
    """Certificates whose end lies between ``since`` and ``until``, first to end first: used since
    ``used_since``, and while they were valid (an old document may still arrive with an expired one)."""
    return [
        UsedCertificate(
            row["sha256"],
            row["subject"],
            row["used_by"],
            row["not_after"],
            row["last_used"],
            row["warned_days"],
        )
        for row in tx.all("certificates_ending", since=since, until=until, used_since=used_since)
    ]


def mark_warned(tx: Tx, sha256: str, days: int) -> bool:
    """Note the warning that was given. False when it was given before, here or by another process."""
    return tx.run("mark_certificate_warned", sha256=sha256, days=days) > 0
