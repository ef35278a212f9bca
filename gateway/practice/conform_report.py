"""The report of a connection test, which a vendor hands in.

In charge of: its values, and its three forms: JSON, Markdown and a page to print. Not in charge of: running
the test (``conform``). The report's own SHA-256 is over its canonical JSON, so all forms name the same.
"""

from __future__ import annotations

import enum
import hashlib
import html
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.clock import local
from gateway.model.canonical import canonical_json
from gateway.model.text import Bilingual, Instant


class Outcome(enum.Enum):
    """How a step ended."""

    PASSED = "passed"
    FAILED = "failed"
    UNCONFIRMED = "unconfirmed"  # a person has to say, and nobody did


OUTCOMES = {
    Outcome.PASSED: Bilingual("ĐẠT", "passed"),
    Outcome.FAILED: Bilingual("KHÔNG ĐẠT", "failed"),
    Outcome.UNCONFIRMED: Bilingual("CHƯA XÁC NHẬN", "not confirmed"),
}
_HEAD = ("Bước", "Yêu cầu", "Ghi nhận", "Kết quả", "Thời gian")


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step. ``hashes``: (what, SHA-256) of the messages in it; ``began`` is UTC microseconds."""

    name: str
    title: Bilingual
    expected: Bilingual
    seen: Bilingual
    outcome: Outcome
    seconds: float
    began: int
    hashes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A whole test. ``candidate`` is what ``conform.who`` answered."""

    candidate: dict[str, Any]
    steps: tuple[StepResult, ...]

    @property
    def passed(self) -> bool:
        """True when every step passed."""
        return all(step.outcome is Outcome.PASSED for step in self.steps)

    @property
    def failed(self) -> tuple[StepResult, ...]:
        """The steps that did not."""
        return tuple(step for step in self.steps if step.outcome is Outcome.FAILED)

    def as_json(self) -> dict[str, Any]:
        """Everything, with the report's SHA-256."""
        content = self._content()
        return content | {"report_sha256": hashlib.sha256(canonical_json(content)).hexdigest()}

    def markdown(self) -> str:
        """As Markdown."""
        return "\n".join(_markdown(self)) + "\n"

    def page(self) -> str:
        """As one HTML page without anything from elsewhere, to print."""
        return "\n".join(_page(self)) + "\n"

    def facts(self) -> list[tuple[Bilingual, str]]:
        """What stands above the table."""
        who, first = self.candidate, self.steps[0].began if self.steps else 0
        return [
            (Bilingual("Phần mềm", "Software"), f"{who['name']} ({who['principal']})"),
            (Bilingual("Giao thức", "Dialects"), ", ".join(who["dialects"])),
            (Bilingual("Mã thử của phần mềm", "Its test code"), _office(who["agency"])),
            (Bilingual("Mã thử đối tác", "Test partner"), _office(who["partner"])),
            (Bilingual("Trục", "Gateway"), f"{who['gateway']} {who['version']}"),
            (Bilingual("Bộ quy tắc", "Rule set"), str(who["rule_set"])),
            (Bilingual("Bắt đầu", "Began"), local(Instant(first)).strftime("%d/%m/%Y %H:%M:%S")),
            (Bilingual("Kết luận", "Verdict"), self.verdict().vi),
        ]

    def verdict(self) -> Bilingual:
        """The conclusion in a few words; failed steps are named."""
        if self.failed:
            named = ", ".join(step.name for step in self.failed)
            return Bilingual(f"KHÔNG ĐẠT ({named})", f"failed ({named})")
        if not self.passed:
            return Bilingual("CHƯA ĐỦ: còn bước chưa được xác nhận", "incomplete: steps are not confirmed")
        return Bilingual("ĐẠT", "passed")

    def _content(self) -> dict[str, Any]:
        steps = [
            {
                "step": step.name,
                "title": _both(step.title),
                "expected": _both(step.expected),
                "seen": _both(step.seen),
                "outcome": step.outcome.value,
                "milliseconds": round(step.seconds * 1000),
                "began": step.began,
                "sha256": [{"what": what, "sha256": digest} for what, digest in step.hashes],
            }
            for step in self.steps
        ]
        return {"candidate": self.candidate, "steps": steps, "passed": self.passed}


def _both(text: Bilingual) -> dict[str, str]:
    return {"vi": text.vi, "en": text.en}


def _office(office: dict[str, str]) -> str:
    return f"{office['name']} ({office['code']})"


def _cells(step: StepResult) -> tuple[Bilingual, ...]:
    took = f"{step.seconds:.1f} s"
    return (step.title, step.expected, step.seen, OUTCOMES[step.outcome], Bilingual(took, ""))


def _markdown(report: Report) -> Iterator[str]:
    yield "# Biên bản kiểm thử kết nối\n\n*Connection test report*\n"
    for name, value in report.facts():
        yield f"- {name.vi} (*{name.en}*): {value}"
    yield f"\n| {' | '.join(_HEAD)} |\n|{'---|' * len(_HEAD)}"
    for step in report.steps:
        cells = (f"{c.vi} (*{c.en}*)" if c.en else c.vi for c in _cells(step))
        yield f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
    yield "\n## SHA-256\n"
    for step in report.steps:
        for what, digest in step.hashes:
            yield f"- {step.name}, {what}: `{digest}`"
    yield f"- report: `{report.as_json()['report_sha256']}`"


def _page(report: Report) -> Iterator[str]:
    yield '<!doctype html><html lang="vi"><head><meta charset="utf-8">'
    yield "<title>Biên bản kiểm thử kết nối</title>"
    yield (
        "<style>body{font:12pt serif;margin:2cm}table{border-collapse:collapse;width:100%}td,th{border:"
        "1px solid #444;padding:4px 6px;text-align:left;vertical-align:top}i{color:#444}code{font-size:8pt;"
        "word-break:break-all}tr{break-inside:avoid}</style></head><body>"
    )
    yield "<h1>Biên bản kiểm thử kết nối</h1><p><i>Connection test report</i></p><ul>"
    for name, value in report.facts():
        yield f"<li>{html.escape(name.vi)} (<i>{html.escape(name.en)}</i>): {html.escape(value)}</li>"
    yield "</ul><table><tr>" + "".join(f"<th>{word}</th>" for word in _HEAD) + "</tr>"
    for step in report.steps:
        yield "<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in _cells(step)) + "</tr>"
    yield "</table><h2>SHA-256</h2><ul>"
    for step in report.steps:
        for what, digest in step.hashes:
            yield f"<li>{step.name}, {what}: <code>{digest}</code></li>"
    yield f"<li>report: <code>{report.as_json()['report_sha256']}</code></li></ul>"
    line = "_" * 20
    yield f"<p>Đại diện nhà cung cấp: {line} Đại diện đơn vị vận hành trục: {line}</p>"
    yield "</body></html>"


def _cell(text: Bilingual) -> str:
    words = html.escape(text.vi)
    return f"{words}<br><i>{html.escape(text.en)}</i>" if text.en else words
