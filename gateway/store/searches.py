"""Rows that documents are found by, and searches that people keep.

In charge of: terms (written, erased), lists of documents along one index at a time, newest first, and which
of some documents something else is true of; what a list shows; saved searches. Not in charge of: which index
leads, who may see what (``flow/find.py``), what a term is made of (``flow/terms.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.model.text import Instant
from gateway.store.contract import Row, Tx, Value

NAMELESS = "#"  # a search that was made and not saved: its name begins so


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """``query``: the fields of the search. Only its person reads it."""

    id: str
    name: str
    query: Mapping[str, str]
    created_at: Instant


def queue(tx: Tx, document: str) -> None:
    """The terms of a document are to be written (again)."""
    tx.run("add_document_unindexed", document=document)


def unindexed(tx: Tx, limit: int) -> list[Row]:
    """Documents whose terms are to be written, newest first: document, sender, created_at, message, header,
    verdicts, event."""
    return tx.all("documents_unindexed", limit=limit)


def any_unindexed(tx: Tx) -> bool:
    """True while terms are to be written."""
    return tx.one("any_document_unindexed") is not None


def recipients(tx: Tx, document: str) -> list[str]:
    """Who a document was addressed to."""
    return [row["recipient"] for row in tx.all("recipients_to_index", document=document)]


def subject(tx: Tx, document: str) -> str:
    """Its newest subject; "" once it is erased."""
    row = tx.one("newest_subject", document=document)
    return str(row["value"]) if row else ""


def write_terms(tx: Tx, document: str, terms: Iterable[str]) -> None:
    """The terms of a document as they are from now on."""
    tx.run("forget_document_terms", document=document)
    tx.many("add_document_term", [{"document": document, "term": term} for term in sorted(set(terms))])
    tx.run("end_document_unindexed", document=document)


def erase_subject(tx: Tx, document: str) -> None:
    """Nobody finds it by its subject any more."""
    tx.run("erase_subject_terms", document=document)


def erase_subjects_of(tx: Tx, events: Sequence[str]) -> None:
    """The same for the documents of events whose subjects are gone."""
    tx.many("erase_subject_terms_of_event", [{"event": one} for one in events])


def first_from(tx: Tx, at: Instant) -> str:
    """The first document of an instant or later; "" for none yet."""
    row = tx.one("first_document_from", at=at)
    return str(row["id"]) if row else ""


def along(tx: Tx, index: str, key: Mapping[str, Value], before: str, since: str, limit: int) -> list[str]:
    """Ids of documents along ``find_INDEX``, newest first, from ``since`` to before ``before``."""
    rows = tx.all(f"find_{index}", before=before, since=since, limit=limit, **key)
    return [row["document"] for row in rows]


def among(tx: Tx, index: str, key: Mapping[str, Value], documents: Sequence[str]) -> set[str]:
    """Which of ``documents`` ``among_INDEX`` is true of."""
    rows = tx.all(f"among_{index}", documents=orjson.dumps(list(documents)).decode(), **key)
    return {row["document"] for row in rows}


def described(tx: Tx, query: str, documents: Sequence[str]) -> list[Row]:
    """What a list shows of some documents: ``documents``, ``deliveries`` or ``terms``."""
    return tx.all(f"found_{query}", documents=orjson.dumps(list(documents)).decode()) if documents else []


def document_of(tx: Tx, part: str) -> str:
    """The document that an id of a message, a delivery or a receipt belongs to; "" for none."""
    row = tx.one("document_of_part", id=part)
    return str(row["document"]) if row else ""


def reason_codes(tx: Tx) -> list[str]:
    """Why deliveries are stopped: every code that stands at one."""
    return [row["reason_code"] for row in tx.all("reason_codes")]


def save(
    tx: Tx, principal: str, search: str, name: str, query: Mapping[str, str], at: Instant, keep_from: Instant
) -> None:
    """Keep a search; nameless ones that are older than ``keep_from`` go."""
    text = orjson.dumps(dict(query)).decode()
    tx.run("drop_old_searches", principal=principal, before=keep_from)
    tx.run("put_saved_search", id=search, principal=principal, name=name, query=text, at=at)


def find(tx: Tx, principal: str, search: str) -> SavedSearch | None:
    """One search of a person."""
    row = tx.one("saved_search", id=search, principal=principal)
    return _saved(row) if row else None


def named(tx: Tx, principal: str) -> list[SavedSearch]:
    """What a person saved under a name, by name."""
    return [_saved(row) for row in tx.all("saved_searches", principal=principal)]


def forget(tx: Tx, principal: str, search: str) -> bool:
    """A person does not need it any more. False: there was none."""
    return tx.run("drop_saved_search", id=search, principal=principal) > 0


def _saved(row: Row) -> SavedSearch:
    query: dict[str, Any] = orjson.loads(row["query"])
    return SavedSearch(row["id"], row["name"], {k: str(v) for k, v in query.items()}, row["created_at"])
