"""The tables of ``docs/signatures.md``: every case of the attack and PKI tests, its verdict, its sentence.

``python -m tests.unit.signature_table`` writes them anew (``make docs`` does); a test compares. Keys differ
in each run, so nothing that depends on them is printed: line numbers behind a certificate are masked.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from gateway.model.text import Bilingual
from gateway.model.verdict import Indication
from tests.unit import pdf_cases, pki_cases, xml_cases, xml_cases_keys
from tests.unit.pdf_cases import PdfCase, worst_verdict
from tests.unit.pdf_world import PdfWorld, build_pdf_world
from tests.unit.pki_cases import PkiCase, WhoCase
from tests.unit.xml_cases import XmlCase
from tests.unit.xml_workshop import build_workshop

PAGE = Path(__file__).resolve().parents[2] / "docs" / "signatures.md"
BEGIN, END = "<!-- tables: written by `make docs` -->\n", "<!-- end of tables -->\n"
_LINE = re.compile(r"\b(dòng|line) \d+")
_VERDICTS = {
    Indication.PASSED: "hợp lệ<br>TOTAL-PASSED",
    Indication.INDETERMINATE: "chưa đủ căn cứ<br>INDETERMINATE",
    Indication.FAILED: "không hợp lệ<br>TOTAL-FAILED",
}
XML_SECTIONS: tuple[tuple[str, tuple[XmlCase, ...]], ...] = (
    ("Envelope: signature wrapping, changed content", xml_cases.WRAPPING),
    ("Envelope: place and number of signatures", xml_cases.PLACES),
    ("Envelope: references and ids", xml_cases.REFERENCES),
    ("Envelope: transforms and canonicalisation", xml_cases.TRANSFORMS),
    ("Envelope: comments, instructions, DOCTYPE, includes", xml_cases.HIDDEN),
    ("Envelope: parts beside what is signed", xml_cases.SMUGGLING),
    ("Envelope: whose key", xml_cases_keys.KEYS),
    ("Envelope: algorithms", xml_cases_keys.ALGORITHMS),
    ("Envelope: encodings and values", xml_cases_keys.WRITING),
    ("Envelope: signature taken away", xml_cases_keys.STRIPPED),
    ("Envelope: what changes nothing that is signed", xml_cases_keys.HARMLESS),
)
PKI_SECTIONS: tuple[tuple[str, tuple[PkiCase, ...]], ...] = (
    ("Certificates", pki_cases.CERTIFICATES),
    ("Paths to an anchor, and time", pki_cases.PATHS),
    ("Revocation lists", pki_cases.LISTS),
    ("OCSP answers", pki_cases.ANSWERS),
)


def tables() -> str:
    """All tables as Markdown; takes a few seconds."""
    with tempfile.TemporaryDirectory() as folder:
        world = build_pdf_world(Path(folder) / "pdf-pki")
        rows = [*_xml(Path(folder)), *_pdf(world), *_who(world), *_pki(Path(folder))]
        return "\n".join(rows) + "\n"


def with_tables(page: str) -> str:
    """The page with its tables written anew."""
    before, rest = page.split(BEGIN)
    return before + BEGIN + tables() + END + rest.split(END)[1]


def _xml(folder: Path) -> Iterator[str]:
    shop = build_workshop(folder / "xml", file=Path("/srv/khong-duoc-mo.xml"))
    for title, cases in XML_SECTIONS:
        yield from _heading(title)
        for case in cases:
            verdict = shop.world.verify(case.build(shop)).verdict
            yield _row(case, verdict.indication, verdict.sub_indication, verdict.reason)


def _pki(folder: Path) -> Iterator[str]:
    for title, cases in PKI_SECTIONS:
        yield from _heading(title)
        for case in cases:
            result = case.build(folder / case.name)
            yield _row(case, result.indication, result.sub_indication, result.reason)


def _pdf(world: PdfWorld) -> Iterator[str]:
    """Where a file carries several signatures, the worst of their verdicts."""
    for title, cases in pdf_cases.PDF_SECTIONS:
        yield from _heading(title)
        for case in cases:
            verdict = worst_verdict(world.judge(case.build(world)))
            yield _row(case, verdict.indication, verdict.sub_indication, verdict.reason)


def _who(world: PdfWorld) -> Iterator[str]:
    yield "\n### Who signed the PDF: what the clerk reads about valid signatures\n"
    yield "| case | finding | sentence |"
    yield "|---|---|---|"
    for case in pki_cases.WHO_CASES:
        found = case.build(world)
        rules = "<br>".join(f"`{one.rule}`" for one in found) or "–"
        text = "<br>".join(_both(one.text) for one in found) or "–"
        yield f"| {_title(case)} | {rules} | {text} |"


def _heading(title: str) -> Iterator[str]:
    yield f"\n### {title}\n"
    yield "| case | verdict | sentence |"
    yield "|---|---|---|"


def _row(case: XmlCase | PkiCase | PdfCase, indication: Indication, sub: str, reason: Bilingual) -> str:
    verdict = _VERDICTS[indication] + (f"<br>`{sub}`" if sub else "")
    return f"| {_title(case)} | {verdict} | {_both(reason)} |"


def _title(case: XmlCase | PkiCase | PdfCase | WhoCase) -> str:
    return f"{_cell(case.title_vi)}<br>*{_cell(case.title_en)}*"


def _both(text: Bilingual) -> str:
    return f"{_cell(text.vi)}<br>*{_cell(text.en)}*"


def _cell(text: str) -> str:
    masked = _LINE.sub(r"\1 …", " ".join(text.split()))
    return masked.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def main() -> None:
    PAGE.write_text(with_tables(PAGE.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
