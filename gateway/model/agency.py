"""An agency and everything dated about it.

In charge of: the values of the directory. Levels, aliases, parents and successions are data with dates
(contracts; levels changed on 1 July 2025). Not in charge of: looking things up (``directory/``).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date

from gateway.model.text import AgencyCode


class SuccessionKind(enum.Enum):
    """How an agency gave way to others."""

    MERGE = "merge"
    SPLIT = "split"
    RENAME = "rename"
    DISSOLVE = "dissolve"


@dataclass(frozen=True, slots=True)
class Period:
    """Days on which something holds, both ends included; ``None`` is open."""

    start: date | None = None
    end: date | None = None

    def holds_on(self, day: date) -> bool:
        """True when ``day`` lies within the period."""
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)


@dataclass(frozen=True, slots=True)
class Agency:
    """One unit in one period. ``level`` names a tier of the level set; departments and their subordinate
    units count as ``province``. ``test`` marks codes that real traffic must not address."""

    code: AgencyCode
    name: str
    level: str
    parent: AgencyCode | None
    period: Period = Period()
    test: bool = False
    made_up: bool = False  # demo data


@dataclass(frozen=True, slots=True)
class Alias:
    """Another spelling of a code. The dates choose the form we write; they never refuse what we read."""

    alias: str
    code: AgencyCode
    scheme: str  # qcvn102, qd20, vxp, other
    period: Period = Period()


@dataclass(frozen=True, slots=True)
class Succession:
    """``old`` gave way to ``new`` on ``on``; several rows with one ``old`` are a split."""

    old: AgencyCode
    new: AgencyCode | None  # None: dissolved without successor
    kind: SuccessionKind
    on: date
    certificates_until: date | None = None  # last day on which certificates of ``old`` serve ``new``


@dataclass(frozen=True, slots=True)
class LevelSet:
    """The named tiers in force in a period, highest first."""

    version: str
    levels: tuple[str, ...]
    period: Period


@dataclass(frozen=True, slots=True)
class Profile:
    """How an agency is connected, and which rules it asked for."""

    agency: AgencyCode
    adapter: str = "inbox"
    settings: tuple[tuple[str, str], ...] = ()  # of the adapter, e.g. ("url", "https://…")
    dialect: str = ""  # "java", "dotnet", or "" = bytes go on as they came
    envelope_signature: str = "if_present"  # required, if_present, off
    reports_arrival: bool = False  # its own system sends 01; the gateway then does not


@dataclass(frozen=True, slots=True)
class Signer:
    """A row of the signer register: this certificate belongs to that agency (contracts: who signed)."""

    certificate_sha256: str  # hex
    agency: AgencyCode
    title: str
    role: str  # person, agency
    period: Period = Period()
