"""The list of promised files, the files that travelled, and whether they agree.

In charge of: matching manifest and attachments (by id, else by name), the findings about files. A promised
file that is not there is refused; a file that nobody promised is a finding. Not in charge of: their bytes.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.edxml import names
from gateway.edxml.attachments import FileFacts
from gateway.edxml.notes import Notes
from gateway.edxml.place import Place
from gateway.edxml.problems import problem, refusal
from gateway.edxml.stream import TravelledFile
from gateway.edxml.tree import bare_id, promised_id
from gateway.model.envelope import Attachment, Reference

_PATH = f"{names.ROOT}/{names.ENCODED}/{names.ATTACHMENT}"


class Files(NamedTuple):
    """Promised and travelled; ``attachments`` in the order in which they stood in the message."""

    references: tuple[Reference, ...]
    attachments: tuple[Attachment, ...]


def read_files(manifest: Place, travelled: list[TravelledFile], notes: Notes) -> Files:
    """Raises ``Unreadable`` with one finding for each promised file that is missing."""
    references = _references(manifest)
    arrived = [_read_one(one, notes) for one in travelled]
    matches = _match(references, arrived, notes)
    missing = [reference for reference, match in zip(references, matches, strict=True) if match is None]
    if missing:
        raise refusal(*(problem("attachment.missing", one.name or one.content_id) for one in missing))
    promised: dict[int | None, Reference] = {}
    for reference, match in zip(references, matches, strict=True):
        promised.setdefault(match, reference)  # of several with one id the first counts, as in ``stream.py``
    attachments = [
        _attachment(fields, facts, promised.get(index), notes)
        for index, (fields, facts) in enumerate(arrived)
        if facts is not None
    ]
    return Files(references, tuple(attachments))


def _references(manifest: Place) -> tuple[Reference, ...]:
    """What was promised; an entry without id and name promises nothing."""
    found = []
    nodes = manifest.nodes(names.REFERENCE)
    for node, place in zip(nodes, manifest.every(names.REFERENCE), strict=True):
        texts = place.texts(names.FILE)
        content_id = promised_id(node, texts.get("content_id", ""))
        found.append(Reference(**texts | {"content_id": content_id}))
    return tuple(one for one in found if one.content_id or one.name)


class _Arrived(NamedTuple):
    fields: Reference  # the same four small fields
    facts: FileFacts | None  # None: an Attachment without content


def _read_one(one: TravelledFile, notes: Notes) -> _Arrived:
    place = Place(one.node, names.ATTACHMENT, _PATH, notes)
    texts = place.texts(names.FILE)
    return _Arrived(Reference(**texts | {"content_id": bare_id(texts.get("content_id", ""))}), one.facts)


def _match(references: tuple[Reference, ...], arrived: list[_Arrived], notes: Notes) -> list[int | None]:
    """For each promised file the index of the one that arrived with content, or ``None``."""
    filled = {
        index: one.fields for index, one in enumerate(arrived) if one.facts is not None and one.facts.size
    }
    by_id = {fields.content_id: index for index, fields in reversed(filled.items()) if fields.content_id}
    matches = [by_id.get(reference.content_id) for reference in references]
    free = {fields.name: index for index, fields in filled.items() if fields.name and index not in matches}
    for position, reference in enumerate(references):
        if matches[position] is None and reference.name in free:
            matches[position] = free.pop(reference.name)
            notes.add("attachment.matched_by_name", reference.name)
    return matches


def _attachment(fields: Reference, facts: FileFacts, promised: Reference | None, notes: Notes) -> Attachment:
    name = fields.name or (promised.name if promised else "")
    where = name or fields.content_id or "–"
    _look_at(name, where, facts, notes)
    if promised is None:
        notes.add("attachment.not_in_manifest", where)
    return Attachment(
        content_id=fields.content_id,
        name=name,
        size=facts.size,
        sha256=facts.sha256,
        content_type=fields.content_type,
        format=facts.format,
        description=fields.description or (promised.description if promised else ""),
        wrapped=facts.wrapped,
        in_manifest=promised is not None,
    )


def _look_at(name: str, where: str, facts: FileFacts, notes: Notes) -> None:
    if not name:
        notes.add("attachment.name_missing", where)
    if name.lower().endswith(".pdf") and facts.format not in ("pdf", "empty"):
        notes.add("attachment.not_pdf", where)
    elif facts.destroyed:
        notes.add("attachment.damaged", where)
