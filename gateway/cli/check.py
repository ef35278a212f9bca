"""``gateway check FILE``: the verdict of the gate, without sending and without a running server.

In charge of: gathering what is at hand (trust folder, signer register, directory, an existing store) and
printing. The engine is the gate's own (``flow/examine.py``), so the answer is the gate's answer. What is not
at hand is "not machine-checkable" and never guessed. Exit code 0: would be accepted, perhaps with warnings;
1: would be refused or held; 2: unreadable.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, TaskID

from gateway.calendar_data import shipped_calendar
from gateway.checks.authority import AuthorityList
from gateway.cli import output
from gateway.cli.directory import format_of
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import wait
from gateway.cli.signatures import print_signatures
from gateway.cli.trace import KINDS, status_words
from gateway.clock import Clock, SystemClock
from gateway.compliance.calendar import Clocks
from gateway.compliance.clause_words import ClauseSaid, of_examination, outcome_words
from gateway.compliance.clauses import clause_rules
from gateway.compliance.contributions import Reference
from gateway.config import KEYS, Config, load
from gateway.directory.load import read_directory, to_directory
from gateway.directory.snapshot import Directory
from gateway.edxml.limits import Limits
from gateway.flow.door import take_in
from gateway.flow.examine import Bench, Examination, Reading, examine, read
from gateway.flow.files import judge_files
from gateway.flow.identity import Known, look_up
from gateway.flow.report import examination_json, may_be_secret
from gateway.model.agency import Signer
from gateway.model.envelope import Envelope
from gateway.model.finding import Decision, Severity
from gateway.model.text import AgencyCode
from gateway.services import Services
from gateway.signature.register import SignerRegister, read_signers_csv
from gateway.signature.trust import TrustStore
from gateway.signature.verify import Trust
from gateway.signature.workers import PdfWorkers
from gateway.store.blobs import Blobs

T = TypeVar("T")
CHUNK = 262_144
ACCEPTED, NOT_ACCEPTED, UNREADABLE = 0, 1, 2
OUTCOME_MARKS = {"pass": "[green]✓[/]", "fail": "[red]✗[/]", "unchecked": "[yellow]?[/]", "na": "[dim]–[/]"}


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line named."""

    trust: Path | None
    signers: Path | None
    directory: Path | None


@click.command()
@common_options
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--trust", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Trust folder.")
@click.option(
    "--signers", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Register, CSV."
)
@click.option(
    "--directory", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Agencies, CSV or JSON."
)
@click.pass_obj
def check(frame: Frame, file: Path, trust: Path | None, signers: Path | None, directory: Path | None) -> int:
    """Kiểm tra FILE như trục sẽ kiểm tra, không gửi. The gate's verdict on FILE, without sending.

    Exit code 0: accepted, perhaps with warnings; 1: refused or held; 2: unreadable.
    """
    with output.progress(frame) as bar:
        task = bar.add_task(f"Đang kiểm tra {file.name}…", total=file.stat().st_size)
        exam, clauses = wait(_check(frame, file, Given(trust, signers, directory), bar, task))
    answer = examination_json(exam, file.name) | {"clauses": [said.as_json() for said in clauses]}
    output.show(frame, answer, lambda console: _print_report(console, file, exam, clauses))
    if exam.envelope is None:
        return UNREADABLE
    return ACCEPTED if exam.decision is Decision.ACCEPT else NOT_ACCEPTED


async def _check(
    frame: Frame, file: Path, given: Given, bar: Progress, task: TaskID
) -> tuple[Examination, list[ClauseSaid]]:
    """What the gate would decide, and what would count in the figures."""
    clock, config = SystemClock(), load(frame.home)
    async with AsyncExitStack() as stack:
        gw = await installation(frame, clock)
        if gw is not None:
            stack.push_async_callback(gw.close)
        bench = bench_of(clock, config, given, gw)
        workers = PdfWorkers(count=1)  # no process unless there is a PDF
        stack.push_async_callback(workers.close)
        exam = await examine_alone(_chunks(file, bar, task), bench, gw, workers)
    calendar = gw.calendar if gw else shipped_calendar()
    reference = Reference(calendar, Clocks.of(config.figures), clause_rules())
    return exam, of_examination(exam, reference, clock.now())


async def examine_alone(
    chunks: AsyncIterator[bytes], bench: Bench, gw: Services | None, workers: PdfWorkers
) -> Examination:
    """The walk of the gate without a gate; ``gw`` is asked for what its store knows."""
    with tempfile.TemporaryDirectory(prefix="gateway-check-") as scratch:
        upload = await take_in(Blobs(Path(scratch)), bench.limits, bench.clock, chunks)
        try:
            reading = read(upload, bench)
            if isinstance(reading, Examination):
                return reading
            reading = await judge_files(upload, reading, bench, workers, _at_once)
            return examine(upload, reading, await _known(gw, reading), bench)
        finally:
            upload.staging.discard()


async def _at_once(size: int, function: Callable[..., T], *args: Any) -> T:
    """A command holds up nobody else."""
    return function(*args)


async def installation(frame: Frame, clock: Clock) -> Services | None:
    """The installation of the home folder, opened for reading only, if there is one."""
    if not (frame.home / KEYS).exists():
        return None
    from gateway import app  # slow to import: the whole gateway

    return await app.open_services(frame.home, load(frame.home), clock, "check", read_only=True)


async def _known(gw: Services | None, reading: Reading) -> Known:
    """What the store knows about the message; nothing without a store."""
    return await gw.store.read(lambda tx: look_up(tx, reading.identity)) if gw else Known()


def bench_of(clock: Clock, config: Config, given: Given, gw: Services | None) -> Bench:
    """The engine's inputs: what was named wins over what the installation has."""
    directory = _directory(given.directory) if given.directory else gw.directory if gw else None
    limits = Limits(max_bytes=config.limits.upload_bytes, max_attachment=config.limits.attachment_bytes)
    trust = trust_of(given, gw, directory)
    kinds = _adapter_kinds() if directory else {}
    return Bench(
        clock,
        limits,
        trust,
        directory,
        kinds,
        policies=gw.policies if gw else (),
        lists=gw.lists if gw else AuthorityList(),
    )


def _adapter_kinds() -> dict[str, bool]:
    from gateway import app  # slow to import: the whole gateway

    return app.adapter_kinds()


def _directory(file: Path) -> Directory:
    return to_directory(read_directory(output.read_text(file), format_of(file)))


def trust_of(given: Given, gw: Services | None, directory: Directory | None) -> Trust | None:
    store = TrustStore.load(given.trust) if given.trust else gw.trust_store if gw else None
    if store is None and given.signers is None:
        return None
    register = SignerRegister(_signers(given.signers, directory)) if given.signers else None
    if register is None:
        register = gw.signers if gw else SignerRegister(())
    return Trust(store or TrustStore(()), register)


def _signers(file: Path, directory: Directory | None) -> list[Signer]:
    known = directory or Directory()
    text = output.read_text(file)
    return read_signers_csv(text, lambda code: AgencyCode(known.canonical(code)))


async def _chunks(file: Path, bar: Progress, task: TaskID) -> AsyncIterator[bytes]:
    with file.open("rb") as opened:
        while chunk := opened.read(CHUNK):
            yield chunk
            bar.update(task, advance=len(chunk))


def _print_report(console: Console, file: Path, exam: Examination, clauses: list[ClauseSaid]) -> None:
    """Decision, document, signatures, findings, clauses: as a clerk reads them."""
    console.print(_decision_line(exam))
    if exam.envelope is not None and not may_be_secret(exam):
        console.print(output.facts(file.name, _document_rows(exam.envelope)))
    if exam.verdicts:
        print_signatures(console, [verdict.as_json() for verdict in exam.verdicts])
    if exam.findings:
        console.print("[bold]Kết quả kiểm tra[/] [dim](findings)[/]")
        output.finding_lines(console, exam.findings, file.name)
    if clauses:
        console.print("[bold]Nếu gửi bây giờ, bảng chỉ tiêu sẽ tính[/] [dim](what would count, C1–C7)[/]")
        for said in clauses:
            _print_clause(console, said)


def _print_clause(console: Console, said: ClauseSaid) -> None:
    reasons = " ".join(reason.vi for reason in said.reasons)
    words = f"{said.clause} {said.name.vi}: {outcome_words(said.outcome).vi}"
    because = f" – {reasons}" if reasons else ""
    console.print(f"  {OUTCOME_MARKS[said.outcome]} {escape(words)}[dim]{escape(because)}[/]")


def _decision_line(exam: Examination) -> str:
    if exam.envelope is None:
        return "[bold red]✗ KHÔNG ĐỌC ĐƯỢC: tệp này không phải gói tin edXML[/] [dim](unreadable)[/]"
    if exam.decision is Decision.REFUSE:
        return "[bold red]✗ TRỤC SẼ TỪ CHỐI gói tin này[/] [dim](would be refused)[/]"
    if exam.decision is Decision.HOLD:
        return "[bold yellow]‖ TRỤC SẼ TẠM GIỮ để người phụ trách xem[/] [dim](would be held)[/]"
    warned = any(finding.severity is Severity.WARNING for finding in exam.findings)
    note = ", có cảnh báo" if warned else ""
    return f"[bold green]✓ TRỤC SẼ NHẬN gói tin này{note}[/] [dim](would be accepted)[/]"


def _document_rows(envelope: Envelope) -> list[tuple[str, object]]:
    sender = f"{envelope.sender.name} ({envelope.sender.organ_id})"
    if envelope.status is not None:
        return [
            ("Trạng thái", status_words(envelope.status.code)),
            ("Về văn bản", envelope.document_id),
            ("Cơ quan báo", sender),
            ("Nội dung", envelope.status.description),
        ]
    promulgated = envelope.promulgation_date
    return [
        ("Loại gói tin", KINDS[envelope.kind.value]),
        ("Số, ký hiệu", f"{envelope.code_number}/{envelope.code_notation}"),
        ("Ngày ban hành", output.day(promulgated.value) or promulgated.raw),
        ("Trích yếu", envelope.subject),
        ("Cơ quan gửi", sender),
        ("Nơi nhận", "\n".join(f"{to.name} ({to.organ_id})" for to in envelope.recipients)),
        ("Tệp", "\n".join(f"{f.name} ({_kilobytes(f.size)}, {f.format})" for f in envelope.attachments)),
    ]


def _kilobytes(size: int) -> str:
    return f"{max(1, round(size / 1024))} KB"
