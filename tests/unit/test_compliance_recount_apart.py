"""The recount shares nothing with what it checks: a mistake in one is not a mistake in both."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "gateway" / "compliance").glob("recount*.py"))
SHARED = {
    "gateway.clock",
    "gateway.errors",
    "gateway.model.canonical",
    "gateway.model.text",
    "gateway.resources",
    # Proof of the log itself, which stands alone too: no figures in it.
    "gateway.exchange_log.checkpoint",
    "gateway.exchange_log.replay",
    "gateway.exchange_log.verify",
}


def imported(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, file
            whole = node.module == "gateway.compliance"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} if whole else {node.module}
    return {module for module in found if module.startswith("gateway")}


def test_there_is_something_to_look_at() -> None:
    assert len(FILES) >= 9


def test_the_recount_uses_nothing_of_the_program_that_counts() -> None:
    for file in FILES:
        own = {module for module in imported(file) if module.startswith("gateway.compliance.recount")}
        assert imported(file) - own <= SHARED, file


def test_nothing_that_counts_uses_the_recount() -> None:
    for file in set((ROOT / "gateway").rglob("*.py")) - set(FILES):
        if file.parent.name != "cli":
            assert "gateway.compliance.recount" not in file.read_text("utf-8"), file


def test_the_recount_reads_only_its_two_files_of_shipped_data() -> None:
    read = {match for file in FILES for match in re.findall(r"shipped\(([^)]*)\)", file.read_text("utf-8"))}
    assert read == {'"schemas", "calendar", "vn.toml"', '"schemas", "rules", "clauses.toml"'}


def test_the_package_that_holds_it_loads_nothing_of_the_rest() -> None:
    package = ROOT / "gateway" / "compliance" / "__init__.py"
    assert imported(package) == set()
