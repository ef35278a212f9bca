"""``gateway verify FILE.pdf``: every signature of one PDF, who made it, when, and whether it holds.

In charge of: printing what the reader and the judge of the signature room say about a PDF alone, with the
anchors and the register that are at hand. It judges nothing by itself. Not in charge of: edXML files
(``check.py``), whether the gate takes a document. Exit code 0: every signature is valid; 1: none, or one that
is not.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import click
from rich.console import Console

from gateway.cli import output
from gateway.cli.check import Given, installation, trust_of
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import wait
from gateway.cli.signatures import print_signatures
from gateway.clock import Clock, SystemClock
from gateway.model.finding import Finding
from gateway.model.verdict import Indication, Verdict
from gateway.signature.pdf import judge_pdf
from gateway.signature.pdf_findings import judge_file
from gateway.signature.trust import TrustStore
from gateway.signature.verify import Trust
from gateway.signature.workers import PdfWorkers

Judged = tuple[tuple[Verdict, ...], list[Finding]]


@click.command()
@common_options
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--trust", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Trust folder.")
@click.option(
    "--signers", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Register, CSV."
)
@click.pass_obj
def verify(frame: Frame, file: Path, trust: Path | None, signers: Path | None) -> int:
    """Kiểm tra chữ ký số trong một tệp PDF. The signatures inside one PDF file.

    Exit code 0: every signature is valid; 1: there is none, or one that is not.
    """
    verdicts, findings = wait(_verify(frame, file, Given(trust, signers, None)))
    answer = {
        "file": file.name,
        "signatures": [verdict.as_json() for verdict in verdicts],
        "findings": [finding.as_json() for finding in findings],
    }
    output.show(frame, answer, lambda console: _print(console, file, verdicts, findings))
    valid = bool(verdicts) and all(verdict.indication is Indication.PASSED for verdict in verdicts)
    return 0 if valid else 1


async def _verify(frame: Frame, file: Path, given: Given) -> Judged:
    clock = SystemClock()
    trust = await _trust_at_hand(frame, clock, given)
    data = file.read_bytes()
    async with PdfWorkers(count=1) as workers:
        signatures = await workers.read(data)
    digest = hashlib.sha256(data).hexdigest()
    verdicts = judge_pdf(file.name, signatures, trust, clock.now(), None, sha256=digest)
    return verdicts, judge_file(file.name, verdicts, True, None)


async def _trust_at_hand(frame: Frame, clock: Clock, given: Given) -> Trust:
    """What was named, else what the installation has, else nothing: then nothing can be concluded."""
    gw = await installation(frame, clock)
    try:
        found = trust_of(given, gw, gw.directory if gw else None)
    finally:
        if gw is not None:
            await gw.close()
    return found or Trust(TrustStore(()), None)


def _print(console: Console, file: Path, verdicts: tuple[Verdict, ...], findings: list[Finding]) -> None:
    if not verdicts:
        console.print(f"[bold]{file.name}[/]: không có chữ ký số. [dim](not signed)[/]")
    else:
        print_signatures(console, [verdict.as_json() for verdict in verdicts])
    output.finding_lines(console, findings, file.name)
