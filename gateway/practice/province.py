"""The demo province: Lạng Sơn (H37) as of April 2020, some 300 units at three levels.

In charge of: reading the files in ``practice/langson``. Not in charge of: what happens there (the other files
of this room). The data is for practice only: lower codes are invented and marked ``made_up``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from gateway.directory.load import DirectoryData, read_directory, to_directory
from gateway.directory.snapshot import Directory
from gateway.model.agency import Profile
from gateway.model.text import AgencyCode, Bilingual

_FOLDER = Path(__file__).with_name("langson")


def agencies_csv() -> str:
    """The directory as the import file that ``gateway`` itself would read."""
    return (_FOLDER / "agencies.csv").read_text(encoding="utf-8")


def reorganisation_csv() -> str:
    """An import file for 2025: departments that merge on 1 March, districts that cease on 1 July and whose
    communes become 67 new ones. Which commune goes where is invented."""
    return (_FOLDER / "reorganisation-2025.csv").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def data() -> DirectoryData:
    """All rows: the province's units, some agencies outside, a test code, three closed units."""
    return read_directory(agencies_csv(), "csv")


def directory(profiles: Iterable[Profile] = ()) -> Directory:
    """The indexed directory with the connections given; everybody else has an inbox."""
    return to_directory(data(), profiles=profiles)


def home() -> AgencyCode:
    """The province itself."""
    return AgencyCode(_facts()["home"])


def as_of() -> date:
    """The day that the data describes; the scenario clock of the demo starts near it."""
    day: date = _facts()["as_of"]
    return day


def note() -> Bilingual:
    """The sentence that must stand wherever this data is shown."""
    return Bilingual(**_facts()["note"])


@lru_cache(maxsize=1)
def _facts() -> dict[str, Any]:
    return tomllib.loads((_FOLDER / "province.toml").read_text(encoding="utf-8"))
