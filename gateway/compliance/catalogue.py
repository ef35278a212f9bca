"""The measures K0 to K14: what each is called, what is divided by what, where it comes from, and two
sentences that can be quoted.

In charge of: reading the table (``schemas/rules/measures.toml``). Not in charge of: counting
(``contributions.py``), printing (``scorecard.py``). ``docs/figures.md`` ("Rates") is the definition; a test
holds the two together.
"""

from __future__ import annotations

import enum
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.model.text import Bilingual
from gateway.resources import shipped

Names = tuple[str, ...]  # names of counts; one that begins with "-" is taken away


class Unit(enum.Enum):
    """What is counted. Documents and deliveries are never mixed in one rate."""

    AGENCY = "agency"
    DOCUMENT = "document"
    DELIVERY = "delivery"
    RECALL = "recall"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure. ``below`` is empty for what is no quotient of two sums (K0, K1, K2b) or a number (K14)."""

    key: str
    name: Bilingual
    unit: Unit
    above: Names
    below: Names
    hook: str  # where it comes from
    sentences: Bilingual

    @property
    def formula(self) -> str:
        """``K2.both / D.sent``."""
        return f"{_sum(self.above)} / {_sum(self.below)}" if self.below else _sum(self.above)

    def as_json(self) -> dict[str, object]:
        """The shape at the API and in published reports."""
        return {
            "name": self.name.as_json(),
            "unit": self.unit.value,
            "formula": self.formula,
            "hook": self.hook,
            "sentences": self.sentences.as_json(),
        }


def _sum(names: Names) -> str:
    return " + ".join(names).replace("+ -", "- ")


def _read(row: Mapping[str, Any]) -> Measure:
    return Measure(
        key=row["key"],
        name=Bilingual(row["name_vi"], row["name_en"]),
        unit=Unit(row["unit"]),
        above=tuple(row["above"]),
        below=tuple(row["below"]),
        hook=row["hook"],
        sentences=Bilingual(row["vi"], row["en"]),
    )


def _shipped() -> tuple[Measure, ...]:
    text = shipped("schemas", "rules", "measures.toml").read_text(encoding="utf-8")
    return tuple(_read(row) for row in tomllib.loads(text)["measure"])


MEASURES: tuple[Measure, ...] = _shipped()
BY_KEY: dict[str, Measure] = {one.key: one for one in MEASURES}
PARTS: dict[str, tuple[Names, Names]] = {one.key: (one.above, one.below) for one in MEASURES if one.below}
