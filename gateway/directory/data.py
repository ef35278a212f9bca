"""Rows of a directory that are not indexed: what imports, exports and the store hand around.

In charge of: two shapes, and grouping rows by agency. Not in charge of: anything else done with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from gateway.model.agency import Agency, Alias, Succession
from gateway.model.text import AgencyCode

V = TypeVar("V")


class Contents(Protocol):
    """What ``DirectoryData`` and ``Directory`` have in common."""

    @property
    def agencies(self) -> tuple[Agency, ...]: ...
    @property
    def aliases(self) -> tuple[Alias, ...]: ...
    @property
    def successions(self) -> tuple[Succession, ...]: ...


@dataclass(frozen=True, slots=True)
class DirectoryData:
    """Rows of a directory or of an import, not indexed."""

    agencies: tuple[Agency, ...] = ()
    aliases: tuple[Alias, ...] = ()
    successions: tuple[Succession, ...] = ()


def grouped(values: Iterable[V], key: Callable[[V], AgencyCode]) -> dict[AgencyCode, tuple[V, ...]]:
    """Values by agency, in the order given; an agency has few of each."""
    groups: dict[AgencyCode, tuple[V, ...]] = {}
    for value in values:
        at = key(value)
        groups[at] = (*groups[at], value) if at in groups else (value,)
    return groups
