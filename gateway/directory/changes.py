"""What an import would change, and the directory after it.

In charge of: comparing an import with what is there (``preview``) and laying it over (``merge``): an import
replaces everything about the agencies it names and leaves the rest alone, so a file of three lines cannot
close three hundred agencies. Not in charge of: reading the file (``load.py``), storing it (``store/``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from gateway.directory.data import Contents, DirectoryData, grouped
from gateway.model.agency import Agency, Alias, Succession
from gateway.model.text import AgencyCode


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One column of one agency, before and after, as text."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """An agency that stays and looks different."""

    code: AgencyCode
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """What ``merge`` would do. ``absent``: known today and not named in the import; they stay as they are."""

    added: tuple[Agency, ...] = ()
    changed: tuple[Change, ...] = ()
    closed: tuple[Change, ...] = ()  # their valid_to is set by the import
    unchanged: int = 0
    absent: int = 0


def preview(current: Contents, incoming: Contents) -> Changes:
    """Compare an import with what is there, agency by agency, without changing anything."""
    old, new = _entries(current), _entries(incoming)
    added: list[Agency] = []
    changed: list[Change] = []
    closed: list[Change] = []
    for code, entry in new.items():
        if code not in old:
            added.append(entry.rows[-1])
        elif differing := _differences(old[code], entry):
            ends = any(change.field == "valid_to" and not change.before for change in differing)
            (closed if ends else changed).append(Change(code, differing))
    return Changes(
        added=tuple(added),
        changed=tuple(changed),
        closed=tuple(closed),
        unchanged=len(new) - len(added) - len(changed) - len(closed),
        absent=len(old.keys() - new.keys()),
    )


def merge(current: Contents, incoming: Contents) -> DirectoryData:
    """``current`` with everything about the agencies of ``incoming`` replaced, and nothing else touched."""
    named = {row.code for row in incoming.agencies}
    return DirectoryData(
        (*(row for row in current.agencies if row.code not in named), *incoming.agencies),
        (*(row for row in current.aliases if row.code not in named), *incoming.aliases),
        (*(row for row in current.successions if row.old not in named), *incoming.successions),
    )


@dataclass(frozen=True, slots=True)
class _Entry:
    """Everything about one agency."""

    rows: tuple[Agency, ...]
    aliases: tuple[Alias, ...] = ()
    successions: tuple[Succession, ...] = ()


def _entries(contents: Contents) -> dict[AgencyCode, _Entry]:
    rows = grouped(contents.agencies, lambda row: row.code)
    aliases = grouped(contents.aliases, lambda alias: alias.code)
    successions = grouped(contents.successions, lambda step: step.old)
    return {
        code: _Entry(periods, aliases.get(code, ()), successions.get(code, ()))
        for code, periods in rows.items()
    }


def _differences(before: _Entry, after: _Entry) -> tuple[FieldChange, ...]:
    if before == after:
        return ()
    old, new = _as_text(before), _as_text(after)
    return tuple(
        FieldChange(column, old[column], new[column]) for column in old if old[column] != new[column]
    )


def _as_text(entry: _Entry) -> dict[str, str]:
    """Column by column; the values of several periods stand side by side."""
    rows = sorted(entry.rows, key=lambda row: row.period.start or date.min)
    columns = {
        "name": [row.name for row in rows],
        "level": [row.level for row in rows],
        "parent": [row.parent or "" for row in rows],
        "valid_from": [str(row.period.start or "") for row in rows],
        "valid_to": [str(row.period.end or "") for row in rows],
        "test": ["true" if row.test else "" for row in rows],
        "made_up": ["true" if row.made_up else "" for row in rows],
        "aliases": sorted(_alias_text(alias) for alias in entry.aliases),
        "successors": sorted(f"{s.kind.value} {s.on}: {s.new or '—'}" for s in entry.successions),
        "certificates_until": sorted({str(s.certificates_until or "") for s in entry.successions}),
    }
    return {column: " | ".join(values) for column, values in columns.items()}


def _alias_text(alias: Alias) -> str:
    return f"{alias.scheme}:{alias.alias}@{alias.period.start or ''}..{alias.period.end or ''}"
