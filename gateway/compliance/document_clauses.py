"""The clauses C1–C7 of one document, from the records behind the figures.

In charge of: what the document's page shows. Not in charge of: judging (``clauses.py``), words
(``clause_words.py``).
"""

from __future__ import annotations

from gateway.compliance.clause_words import ClauseSaid, said_of
from gateway.compliance.clauses import judge_clauses
from gateway.compliance.contributions import timeliness
from gateway.compliance.facts import load_document
from gateway.compliance.reference import reference
from gateway.services import Services
from gateway.store import figures
from gateway.store.contract import Tx


async def clauses_of(gw: Services, document: str) -> list[ClauseSaid]:
    """In their order; empty until the document is counted, a few seconds after it was accepted."""

    def unit(tx: Tx) -> list[ClauseSaid]:
        rows = figures.keyed(tx, "figure_documents", "documents", [document])
        if not rows:
            return []
        record, ref = load_document(rows[0]["state"]), reference(tx, gw)
        return said_of(judge_clauses(record, timeliness(record, ref), ref.rules), ref.rules)

    return await gw.store.read(unit)
