"""Pictures of the compliance pages, laid out on the server: a line over periods, bars of outcomes.

In charge of: coordinates, in units of the picture. Not in charge of: figures, and the SVG itself (templates).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 760, 240
LEFT, RIGHT, TOP, BOTTOM = 64, 44, 24, 44
BAR = 420  # length of a bar that is all of a document's outcomes


@dataclass(frozen=True, slots=True)
class Mark:
    """One value of a line. ``y`` is ``None`` where there is no value."""

    x: int
    y: int | None
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across, with its per cent."""

    y: int
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line over periods: runs of points between gaps, marks and ticks."""

    runs: tuple[str, ...]
    marks: tuple[Mark, ...]
    ticks: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True, slots=True)
class Part:
    """One stretch of a bar."""

    kind: str
    x: int
    width: int
    number: int


def line(labels: Sequence[str], tenths: Sequence[int | None], texts: Sequence[str]) -> Line:
    """Per cent (in tenths) over periods. The axis begins at a multiple of ten below the lowest value."""
    known = [one for one in tenths if one is not None]
    low = max(0, (min(known, default=0) - 20) // 100 * 100)
    high = min(1000, -(-max(known, default=1000) // 100) * 100)
    high = max(high, low + 100)
    step = (WIDTH - LEFT - RIGHT) / max(1, len(labels) - 1)

    def height_of(value: int) -> int:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low))

    marks = tuple(
        Mark(round(LEFT + number * step), None if value is None else height_of(value), label, text)
        for number, (label, value, text) in enumerate(zip(labels, tenths, texts, strict=True))
    )
    every = 100 if high - low <= 500 else 200
    ticks = tuple(Tick(height_of(value), f"{value // 10} %") for value in range(low, high + 1, every))
    return Line(tuple(_runs(marks)), marks, ticks)


def _runs(marks: Sequence[Mark]) -> list[str]:
    runs: list[list[str]] = [[]]
    for mark in marks:
        if mark.y is None:
            runs.append([])
        else:
            runs[-1].append(f"{mark.x},{mark.y}")
    return [" ".join(run) for run in runs if len(run) > 1]


def bar(numbers: Sequence[tuple[str, int]], length: int = BAR) -> tuple[Part, ...]:
    """Outcomes side by side, as long together as the bar; what is not nothing is at least two units long."""
    whole = sum(number for _, number in numbers)
    parts, x = [], 0
    for kind, number in numbers:
        if number > 0:
            width = max(2, round(length * number / whole))
            parts.append(Part(kind, x, width, number))
            x += width
    return tuple(parts)


__all__ = ["BAR", "Line", "Mark", "Part", "Tick", "bar", "line"]
