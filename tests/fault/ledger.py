"""The oracle: what was promised and what arrived, kept outside the gateway and without asking it.

In charge of: bookkeeping by the bytes. A message is its SHA-256; the gateway hands bytes on unchanged, so the
recipient's are compared with the sender's. Not in charge of: traffic (``bed``), the log (``audit``).
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.edxml.parse import parse_envelope


@dataclass(slots=True)
class Sent:
    """One message that a sender handed in, again and again until it was acknowledged."""

    sender: str
    data: bytes
    recipients: tuple[str, ...]
    receipt: str = ""
    document: str = ""  # DocumentId of a new document: each recipient's arrival (01) is owed to the sender
    recalled_from: str = ""

    @property
    def sha256(self) -> str:
        """Hex."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(slots=True)
class Ledger:
    """Everything that senders and recipients know."""

    sent: dict[str, Sent] = field(default_factory=dict)
    seen: defaultdict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    settled: set[str] = field(default_factory=set)  # deliveries whose "done" was acknowledged
    # (reporter, DocumentId) -> ids under which its 01 reached the sender
    reported: defaultdict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    faults: list[str] = field(default_factory=list)  # what must never happen, in words
    repeats: int = 0  # copies that came again under the same id: recognised

    def hand_in(self, sent: Sent) -> Sent:
        """Remember that it is to be sent."""
        return self.sent.setdefault(sent.sha256, sent)

    def acknowledged(self, sent: Sent, receipt: str, names: str) -> None:
        """The gateway promised it. ``names``: the SHA-256 that stands in the receipt, hex."""
        if names != sent.sha256:
            self.faults.append(f"a receipt for other bytes: {names} instead of {sent.sha256}")
        if sent.receipt and sent.receipt != receipt:
            self.faults.append(f"a second receipt for {sent.sha256}")
        sent.receipt = receipt

    def arrived(self, recipient: str, data: bytes, delivery: str) -> None:
        """A recipient has the bytes, under that delivery id."""
        sha256 = hashlib.sha256(data).hexdigest()
        ids = self.seen[recipient, sha256]
        self.repeats += delivery in ids
        ids[delivery] += 1
        known = self.sent.get(sha256)
        if known is None:
            self._heard(data, delivery)
        if known is not None and recipient not in known.recipients:
            self.faults.append(f"{recipient} got what was not for it: {sha256}")

    def offered(self, delivery: str) -> None:
        """An inbox lists it. After its "done" was acknowledged that must not be."""
        if delivery in self.settled:
            self.faults.append(f"{delivery} is offered after its recipient's done was acknowledged")

    def unresolved(self) -> list[Sent]:
        """Handed in and not acknowledged: nobody knows, so the sender tries again."""
        return [one for one in self.sent.values() if not one.receipt]

    def missing(self) -> list[tuple[str, str]]:
        """Acknowledged and not arrived: (recipient, SHA-256); arrivals that the sender never heard of:
        (recipient, DocumentId)."""
        arrivals = [pair for pair in self._owed_arrivals() if pair not in self.reported]
        return [pair for pair in self._owed() if pair not in self.seen] + arrivals

    def doubled(self) -> list[tuple[str, str]]:
        """Arrived under more than one delivery id: nobody could recognise that."""
        messages = [pair for pair, ids in self.seen.items() if len(ids) > 1]
        return messages + [pair for pair, ids in self.reported.items() if len(ids) > 1]

    def foreign(self) -> list[tuple[str, str]]:
        """Pushed to the webhook, and nobody sent it: forged or damaged on the way."""
        return [pair for pair in self.seen if pair[0] == "H37.31" and pair[1] not in self.sent]

    def _heard(self, data: bytes, delivery: str) -> None:
        """A message of the gateway's own: whose arrival it reports, and of what."""
        envelope = parse_envelope(data).envelope
        if envelope.status is not None and envelope.status.code == "01":
            reporter = _root_first(envelope.sender.organ_id)
            self.reported[reporter, envelope.response_for[0].document_id].add(delivery)

    def _owed_arrivals(self) -> Iterator[tuple[str, str]]:
        for one in self.sent.values():
            if one.receipt and one.document:
                yield from ((code, one.document) for code in one.recipients if code != one.recalled_from)

    def _owed(self) -> Iterator[tuple[str, str]]:
        for sha256, one in self.sent.items():
            if one.receipt:
                yield from ((recipient, sha256) for recipient in one.recipients)


def _root_first(code: str) -> str:
    """``H37.03`` of ``000.00.03.H37``, as codes are written in messages (QĐ 20/2020)."""
    parts = [part for part in code.split(".") if part.strip("0")]
    return ".".join(reversed(parts) if code.startswith("000.") else parts)
