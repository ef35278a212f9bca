"""The agency codes of a message, written in another form.

In charge of: every place of an envelope where an OrganId stands. Not in charge of: which form a partner wants
or how a code is written in it (``directory/snapshot.py``); the DocumentId, which looks as if a code stood in
it and is a name that must stay as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gateway.model.envelope import Business, Envelope

Write = Callable[[str], str]


def with_codes(envelope: Envelope, write: Write) -> Envelope:
    """The same message with every OrganId as ``write`` spells it. A spelling that says the same changes
    nothing, so the result equals ``envelope`` when there was nothing to rewrite."""
    return replace(
        envelope,
        sender=replace(envelope.sender, organ_id=write(envelope.sender.organ_id)),
        recipients=tuple(replace(one, organ_id=write(one.organ_id)) for one in envelope.recipients),
        response_for=tuple(replace(one, organ_id=write(one.organ_id)) for one in envelope.response_for),
        business=_business(envelope.business, write),
        trace=tuple(replace(hop, organ_id=write(hop.organ_id)) for hop in envelope.trace),
    )


def _business(business: Business, write: Write) -> Business:
    return replace(
        business,
        receiver_changes=tuple(
            replace(change, organ_id=write(change.organ_id)) for change in business.receiver_changes
        ),
        replacements=tuple(
            replace(one, organ_ids=tuple(map(write, one.organ_ids))) for one in business.replacements
        ),
    )
