"""What failed in a period, clause by clause, for form F7.

In charge of: gathering the failures and the words of their evidence. Not in charge of: which documents fail
(``drilling``), the words themselves (``clause_words``), the form (``forms_exceptions``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from gateway.clock import from_datetime
from gateway.compliance import drilling
from gateway.compliance.clause_words import evidence_words
from gateway.compliance.forms_data import moment_text
from gateway.compliance.forms_exceptions import Failure
from gateway.compliance.forms_tables import CLAUSES
from gateway.compliance.sheet import speaking
from gateway.services import Services

MOST = 20_000  # lines of one list
PAGE = 500


async def of_period(
    gw: Services, first: date, last: date, agency: str = "", most: int = MOST
) -> tuple[list[Failure], bool]:
    """Every failed clause of every document sent from ``first`` to ``last``, by one agency or (``""``)
    all; true when there were more than ``most``."""
    found: list[Failure] = []
    for clause in CLAUSES:
        after = ""
        while True:
            page = await drilling.documents(
                gw, f"{clause}.fail", agency=agency, from_=first, to=last, limit=PAGE, after=after
            )
            found += [
                Failure(
                    clause,
                    row.id,
                    row.document_id,
                    date.fromisoformat(row.day),
                    row.agency,
                    tuple(_of_clause(clause, row.evidence)),
                )
                for row in page.rows
            ]
            if len(found) > most:
                return found[:most], True
            if not page.cursor:
                break
            after = page.cursor
    return found, False


def _of_clause(clause: str, evidence: Iterable[str]) -> Iterable[str]:
    """What the clause rests on, and the two times; not what other clauses rest on."""
    for one in evidence:
        kind, _, value = one.partition(":")
        if kind == clause:
            yield value
        elif clause == "C6" and kind in ("signed", "sent"):
            yield f"{kind}_at:{value}"


def told(evidence: str, lang: str) -> str:
    """One piece of evidence as people read it."""
    say = speaking(lang)
    kind, _, value = evidence.partition(":")
    if kind in ("signed_at", "sent_at"):
        at = moment_text(from_datetime(datetime.fromisoformat(value)))
        signed = kind == "signed_at"
        return say(f"Ký lúc {at}", f"Signed at {at}") if signed else say(f"Gửi lúc {at}", f"Sent at {at}")
    words = evidence_words(evidence)
    return say(words.vi, words.en).removesuffix(".")


__all__ = ["MOST", "of_period", "told"]
