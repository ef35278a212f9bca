"""Every clause that the program cites stands in docs/standards.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from test_checks_table import everything_said

ROOT = Path(__file__).parents[2]
STANDARDS = ROOT / "docs" / "standards.md"
# A whole string literal of this shape is a citation: "NĐ 30/2020 Đ21.2", "NĐ 30/2020 PL VI", "QCVN 102:2016".
CLAUSE = re.compile(
    r"(?:NĐ|QĐ|TT|Luật) \d+/\d{4}(?:/[A-ZĐ0-9-]+)?(?: (?:Đ\d+(?:\.\d+)?[a-zđ]?|PL [IVX]+)[.\w]*)?"
    r"|QCVN \d+:\d{4}.*"
)
SAYING = {"Finding", "info", "warning", "hold", "refuse"}  # calls whose fifth argument is a clause


def standing_clauses(text: str) -> dict[str, str]:
    """Clause -> what it says, from the table rows of the document."""
    return dict(re.findall(r"^\| `([^`]+)` \| (.+) \|$", text, flags=re.MULTILINE))


def cited_clauses(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CLAUSE.fullmatch(node.value):
            yield node.value
        if isinstance(node, ast.Call):
            named = [word.value for word in node.keywords if word.arg == "clause"]
            placed = node.args[4:5] if getattr(node.func, "id", "") in SAYING else []
            for argument in (*named, *placed):
                if isinstance(argument, ast.Constant) and argument.value:
                    yield argument.value


def all_cited() -> dict[str, str]:
    """Clause -> a file that cites it."""
    files = sorted([*ROOT.glob("gateway/**/*.py"), *ROOT.glob("adapters/**/*.py")])
    return {
        clause: str(file.relative_to(ROOT))
        for file in files
        for clause in cited_clauses(file.read_text(encoding="utf-8"))
    }


def test_every_cited_clause_stands_in_the_document() -> None:
    standing = standing_clauses(STANDARDS.read_text(encoding="utf-8"))
    assert {clause: file for clause, file in all_cited().items() if clause not in standing} == {}


def test_every_cited_rfc_stands_in_the_document() -> None:
    text = STANDARDS.read_text(encoding="utf-8")
    standing = set(re.findall(r"^\| (RFC \d+)", text, flags=re.MULTILINE))
    cited = {
        name: str(file.relative_to(ROOT))
        for file in sorted([*ROOT.glob("gateway/**/*.py"), *ROOT.glob("adapters/**/*.py")])
        for name in re.findall(r"RFC \d+", file.read_text(encoding="utf-8"))
    }
    assert len(cited) > 10
    assert {name: file for name, file in cited.items() if name not in standing} == {}


def test_clauses_of_the_checks_are_seen() -> None:
    """The test above can fail: it finds the citations that the checks really make."""
    told = {finding.clause for finding in everything_said() if finding.clause}
    assert len(told) >= 8
    assert told <= all_cited().keys()


def test_forged_citation_would_be_noticed() -> None:
    source = (
        'x = Finding("a.b", S, "w", t, clause="NĐ 99/2099 Đ1")\ny = warning("a.b", "w", "v", "e", "Sổ tay")'
    )
    assert set(cited_clauses(source)) == {"NĐ 99/2099 Đ1", "Sổ tay"}


def test_each_clause_is_explained_once_in_one_line() -> None:
    text = STANDARDS.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \|", text, flags=re.MULTILINE)
    assert len(rows) == len(set(rows)) == len(standing_clauses(text))
    assert all(says.endswith(".") for says in standing_clauses(text).values())
