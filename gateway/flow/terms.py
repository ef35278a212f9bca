"""The terms by which documents are found.

In charge of: folding words (no accents, no case: "Chuyển đổi số" and "chuyen doi so" are one), what a
document's terms are, and writing those that wait. Not in charge of: searching (``find.py``).

Vietnamese words are syllables, so whole words are what people type; the subject is found by any of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from gateway.clock import local_day
from gateway.model.text import AgencyCode, nfc
from gateway.model.verdict import Indication
from gateway.services import Services
from gateway.store import rechecks, searches
from gateway.store.contract import Row, Tx

SUBJECT, NUMBER, NOTATION, VERDICT, LEVELS = "s:", "n:", "k:", "v:", "l:"
PASSED, FAILED, UNSURE, UNSIGNED = "passed", "failed", "indeterminate", "none"
MOST_WORDS = 80  # of one subject
MOST_LETTERS = 40  # of one word; the rest of a longer one is not looked at
TOGETHER = 200  # documents in one transaction
_WORD = re.compile(r"\w+")
# Accents, and what shows nothing: a word is found however it was broken up.
_MARKS = re.compile(r"[\u0300-\u036f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")


def folded(text: str) -> str:
    """Without accents and case: "Đổi" and "doi" are one."""
    plain = _MARKS.sub("", unicodedata.normalize("NFD", nfc(text)))
    return plain.casefold().replace("đ", "d")


def words_of(text: str) -> list[str]:
    """The words of a text, each once, folded, in their order."""
    found = (word[:MOST_LETTERS] for word in _WORD.findall(folded(text)) if "_" not in word)
    return list(dict.fromkeys(found))[:MOST_WORDS]


def number_term(number: str) -> str:
    """Of ``0362`` as of ``362``."""
    text = folded(number).strip()[:MOST_LETTERS]
    return NUMBER + (text.lstrip("0") or text[:1])


def notation_terms(notation: str) -> list[str]:
    """Of ``UBND-KGVX`` its two words."""
    return [NOTATION + word for word in words_of(notation)]


async def write_waiting(gw: Services, limit: int = TOGETHER) -> int:
    """Write the terms of documents that wait, newest first; how many those were."""
    if not await gw.store.read(searches.any_unindexed):
        return 0
    return await gw.store.write(lambda tx: _write(tx, gw, limit))


def _write(tx: Tx, gw: Services, limit: int) -> int:
    rows = searches.unindexed(tx, limit)
    for row in rows:
        searches.write_terms(tx, row["document"], _terms(tx, gw, row))
    return len(rows)


def _terms(tx: Tx, gw: Services, row: Row) -> Iterator[str]:
    header = orjson.loads(row["header"])
    if number := str(header.get("number") or ""):
        yield number_term(number)
    yield from notation_terms(str(header.get("notation") or ""))
    yield from (SUBJECT + word for word in words_of(searches.subject(tx, row["document"])))
    again = rechecks.newest_judgement(tx, row["message"])
    yield VERDICT + worst_of(again.verdicts if again else orjson.loads(row["verdicts"]))
    day = local_day(row["created_at"])
    sender = gw.directory.level(AgencyCode(row["sender"]), day)
    for recipient in searches.recipients(tx, row["document"]):
        yield pair_term(sender, gw.directory.level(AgencyCode(recipient), day))


def pair_term(sender: str, recipient: str) -> str:
    """From one level to another."""
    return f"{LEVELS}{sender}>{recipient}"


def worst_of(verdicts: Iterable[dict[str, Any]]) -> str:
    """The worst of a document's verdicts, or that there is none."""
    found = {verdict["indication"] for verdict in verdicts}
    if not found:
        return UNSIGNED
    if Indication.FAILED.value in found:
        return FAILED
    return UNSURE if Indication.INDETERMINATE.value in found else PASSED


__all__ = ["folded", "notation_terms", "number_term", "pair_term", "words_of", "worst_of", "write_waiting"]
