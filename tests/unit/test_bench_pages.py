"""Tables of benches: each replaces only what stands between its own markers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.pages import put_table
from tests.bench.scale import COLUMNS, Run, rows

PAGE = "# Speed\n\n<!-- scale -->\nold\n<!-- /scale -->\n\n<!-- claims -->\nkept\n<!-- /claims -->\n"


def run(engine: str, workers: int, rate: float, cpu: float) -> Run:
    return Run(engine, workers, rate, cpu, None if engine == "SQLite" else 18.0, 400.0, 900.0, 150.0, 0.5)


def test_a_table_replaces_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(PAGE)
    for _ in range(2):
        put_table("scale", COLUMNS, rows([run("SQLite", 1, 24.0, 40.0)]), [0.5], page)
    text = page.read_text()
    assert text.startswith("# Speed\n\n<!-- scale -->\n")
    assert text.endswith("<!-- /scale -->\n\n<!-- claims -->\nkept\n<!-- /claims -->\n")
    assert "old" not in text
    assert text.count("| SQLite, 1 PDF reader | 24.0 | 1.00 |") == 1


def test_a_page_without_a_place_is_an_error(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("# Speed\n")
    with pytest.raises(ValueError, match="no place for scale"):
        put_table("scale", COLUMNS, [], [0.0], page)


def test_each_run_is_set_beside_the_first_of_its_engine() -> None:
    table = rows(
        [run("SQLite", 1, 20.0, 40.0), run("PostgreSQL", 1, 10.0, 50.0), run("PostgreSQL", 3, 25.0, 55.0)]
    )
    assert [(row[0], row[2], row[4]) for row in table] == [
        ("SQLite, 1 PDF reader", "1.00", "1.00"),
        ("PostgreSQL, 1 node", "1.00", "1.00"),
        ("PostgreSQL, 3 nodes", "2.50", "1.10"),
    ]
