"""Tables of benches in ``docs/performance.md``: each stands between two markers and is replaced whole."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path("docs/performance.md")


def machine() -> dict[str, str | int | None]:
    """What the figures were taken on."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        "",
    )
    memory = next(
        (int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0
    )
    return {
        "cpus": os.cpu_count(),
        "model": model,
        "memory_mib": memory // 1024,
        "python": platform.python_version(),
        "system": platform.platform(),
    }


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with its figures to the right."""
    lines = [columns, [":--", *(["--:"] * (len(columns) - 1))], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def put_table(
    name: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    loads: Sequence[float],
    page: Path = PAGE,
) -> None:
    """Replace what stands between ``<!-- NAME -->`` and ``<!-- /NAME -->``; ``ValueError`` without these.

    ``loads``: of the machine when each row began, so that a reader knows who else was at work.
    """
    text = page.read_text(encoding="utf-8")
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"{page} has no place for {name}")
    where = machine()
    said = (
        f"{datetime.now(UTC):%Y-%m-%d}, {where['cpus']} × {where['model']}, {where['memory_mib']} MiB, "
        f"Python {where['python']}; load of the machine before each run {min(loads):.1f} to {max(loads):.1f}"
    )
    page.write_text(f"{before}{begin}\n{said}\n\n{markdown(columns, rows)}\n{end}{after}", encoding="utf-8")


def _lines(file: str) -> list[str]:
    path = Path(file)
    return path.read_text().splitlines() if path.exists() else []
