"""One document as one history: its versions in order, which one is current, and whether it still stands.

In charge of: reading the messages, replacements and recalls of a document as a sequence of versions. Not in
charge of: who may see it (``look.py``), changing anything.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.model.envelope import Kind
from gateway.model.recall import Recall, RecallState
from gateway.model.text import Bilingual, Instant
from gateway.store import events
from gateway.store.contract import Row, Tx

CONTENT = frozenset({Kind.NEW.value, Kind.UPDATE.value, Kind.REPLACE.value})
MOST_REPLACEMENTS = 100  # a chain that is longer, or a ring, ends here
_GONE = frozenset({RecallState.WITHDRAWN, RecallState.AGREED})


class Standing(enum.Enum):
    """Whether a document still stands."""

    IN_FORCE = "in_force"
    REPLACED = "replaced"  # another document of the sender replaces it
    RECALL_ASKED = "recall_asked"  # some recipient has not answered
    PARTLY_RECALLED = "partly_recalled"  # some gave it back, others have it
    RECALLED = "recalled"  # nobody has it any more

    @property
    def words(self) -> Bilingual:
        """What a screen prints."""
        return _WORDS[self]


_WORDS = {
    Standing.IN_FORCE: Bilingual("Còn hiệu lực gửi, nhận", "In force"),
    Standing.REPLACED: Bilingual("Đã có văn bản thay thế", "Replaced"),
    Standing.RECALL_ASKED: Bilingual("Đang thu hồi", "Being recalled"),
    Standing.PARTLY_RECALLED: Bilingual("Đã thu hồi ở một số nơi nhận", "Recalled from some recipients"),
    Standing.RECALLED: Bilingual("Đã thu hồi", "Recalled"),
}


@dataclass(frozen=True, slots=True)
class Version:
    """One message that made or ended a version. At most one is current: the one that recipients go by."""

    message: str
    kind: str
    accepted_at: Instant
    current: bool
    reason: str
    changed: Mapping[str, Any]  # what an update says that it changes


def versions(tx: Tx, history: Sequence[Row], standing: Standing) -> tuple[Version, ...]:
    """The document messages of a history, oldest first."""
    rows = [row for row in history if row["kind"] != Kind.STATUS.value]
    content = [row["id"] for row in rows if row["kind"] in CONTENT]
    ended = standing in (Standing.REPLACED, Standing.RECALLED)
    current = content[-1] if content and not ended else ""
    return tuple(_version(tx, row, row["id"] == current) for row in rows)


def standing_of(recalls: Sequence[Recall], recipients: Collection[str], replaced: bool) -> Standing:
    """What the newest recall of each recipient adds up to."""
    newest = {recall.recipient: recall.state for recall in recalls}
    gone = {code for code, state in newest.items() if state in _GONE}
    if gone and gone >= set(recipients):
        return Standing.RECALLED
    if replaced:
        return Standing.REPLACED
    if any(state in (RecallState.ASKED, RecallState.ATTEMPT) for state in newest.values()):
        return Standing.RECALL_ASKED
    return Standing.PARTLY_RECALLED if gone else Standing.IN_FORCE


def current_document(tx: Tx, row: Row) -> str:
    """The document that holds today: itself, or the end of the chain of replacements."""
    seen = {row["id"]}
    for _ in range(MOST_REPLACEMENTS):
        later = tx.all("replaced_by", sender=row["sender"], document_id=row["document_id"])
        fresh = [one for one in later if one["id"] not in seen]
        if not fresh:
            break
        row = fresh[-1]
        seen.add(row["id"])
    return str(row["id"])


def _version(tx: Tx, row: Row, current: bool) -> Version:
    return Version(
        message=row["id"],
        kind=row["kind"],
        accepted_at=row["accepted_at"],
        current=current,
        reason=events.private_values(tx, row["event"]).get("reason", ""),
        changed=orjson.loads(row["header"]).get("changed", {}),
    )
