"""Folders: an agency whose software only reads and writes files (kind ``folder``).

In charge of: being one dialect. ``place`` opens folders and writes files so that nobody sees half of one,
``drop`` is the outbound half, ``collect`` the inbound half, ``words`` what people are told.

Each agency has one folder below ``net.folders``, with four inside, made by whoever sets it up:

    in/        the gateway puts what the agency receives
    out/       the agency puts what it sends
    sent/      what the gateway took from ``out``, each with its receipt
    refused/   what the gate did not take, each with the reasons
"""

from __future__ import annotations

IN, OUT, SENT, REFUSED = "in", "out", "sent", "refused"
ENDING = ".edxml"

__all__ = ["ENDING", "IN", "OUT", "REFUSED", "SENT"]
