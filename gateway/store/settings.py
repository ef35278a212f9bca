"""Rows about settings as of the last start.

In charge of: reading and replacing them. Not in charge of: which settings there are (``config.py``) or what a
change means (``flow/footprints.py``).
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.model.text import Instant
from gateway.store.contract import Tx


def seen(tx: Tx) -> dict[str, str]:
    """Name -> text of every setting as of the last time; empty before the first."""
    return {row["name"]: row["value"] for row in tx.all("settings_seen")}


def put(tx: Tx, values: Mapping[str, str], at: Instant) -> None:
    """These are the settings now; others are gone."""
    tx.run("forget_settings_seen")
    tx.many("put_setting_seen", [{"name": n, "value": v, "seen_at": at} for n, v in values.items()])
