"""Signed PDFs: reading them, workers, and the gate, beside bare pyHanko in the same run.

The floor is one process that parses each file once and asks pyHanko for every signature: digest, coverage,
what came later, path to the root; for the gate also what ``floor`` does with the envelope.
"""

# mypy: disable-error-code="no-untyped-call"
# (pyHanko carries few annotations)

from __future__ import annotations

import asyncio
import base64
import io
import os
import signal
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.generic import StreamObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from gateway.clock import from_datetime
from gateway.practice.papers import Paper, make_paper, sign_paper
from gateway.practice.pki import DemoPki
from gateway.signature import pdf_fast
from gateway.signature.pdf import judge_pdf, read_pdf_signatures
from gateway.signature.seal import sign_envelope
from gateway.signature.trust import TrustStore
from gateway.signature.verify import Trust
from gateway.signature.workers import PdfWorkers
from tests.bench.floor import floor_seconds
from tests.client import Client, submit_all
from tests.server import BLOCK_FILE, Bed, cpu_seconds, family_seconds, started
from tests.world import make_envelope

FILES = 6  # different PDFs; each is used many times, nothing remembers them
COUNT = 240
AT_ONCE = 8


def make_pdfs(pki: DemoPki) -> list[bytes]:
    """PDFs of some 215 KB: text with embedded fonts, a scan, and two signatures."""
    now = datetime.now(UTC).replace(microsecond=0)
    code, name = "000.00.00.H37", "UBND tỉnh Lạng Sơn"
    person, agency = pki.issue_person(code, name, "Nguyễn Văn A"), pki.issue_agency(code, name)
    return [
        sign_paper(
            _with_scan(_page(number)), person, agency, now - timedelta(minutes=9), now - timedelta(minutes=2)
        )
        for number in range(FILES)
    ]


def _page(number: int) -> bytes:
    paper = Paper(
        agency="Ủy ban nhân dân tỉnh Lạng Sơn",
        number=str(number),
        notation="UBND-KT",
        place="Lạng Sơn",
        day=date(2020, 4, 13),
        subject="đăng ký nhu cầu kinh phí",
        body=("Đề nghị các đơn vị đăng ký nhu cầu kinh phí năm sau và gửi về trước ngày 30.",) * 20,
        signer_title="Phó Chủ tịch",
        signer_name="Nguyễn Văn A",
        made_at=datetime(2020, 4, 13, tzinfo=UTC),
    )
    return make_paper(paper)


def _with_scan(page: bytes) -> bytes:
    writer = IncrementalPdfFileWriter(io.BytesIO(page))
    writer.root["/Scan"] = writer.add_object(StreamObject(stream_data=os.urandom(140_000)))
    writer.update_root()
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def floor_of_pdfs(pdfs: Sequence[bytes], pki: DemoPki) -> float:
    """CPU seconds of bare pyHanko for one file."""
    root, issuing = (_asn1(one.certificate) for one in (pki.root, pki.issuing))
    context = ValidationContext(trust_roots=[root], other_certs=[issuing], allow_fetching=False)
    with pdf_fast.upstream():
        return _cpu(pdfs, lambda data: _bare(data, context))


def _bare(data: bytes, context: ValidationContext) -> None:
    for signature in PdfFileReader(io.BytesIO(data)).embedded_signatures:
        status = validate_pdf_signature(signature, signer_validation_context=context)
        if not (status.valid and status.intact):
            raise RuntimeError("the floor does not hold")


def _asn1(certificate: x509.Certificate) -> Any:
    (converted,) = load_certs_from_pemder_data(certificate.public_bytes(Encoding.DER))
    return converted


def _cpu(pdfs: Sequence[bytes], function: Callable[[bytes], Any]) -> float:
    function(pdfs[0])
    began = time.process_time()
    for _ in range(5):
        for data in pdfs:
            function(data)
    return (time.process_time() - began) / (5 * len(pdfs))


def _judged(pki: DemoPki) -> Callable[[bytes], Any]:
    trust = Trust(TrustStore.load(pki.trust_folder), None)
    now = from_datetime(datetime.now(UTC))
    return lambda data: judge_pdf("a.pdf", read_pdf_signatures(data), trust, now, None)


async def _through_workers(pdfs: Sequence[bytes], count: int) -> tuple[float, float]:
    """Files per second, and CPU seconds of the workers for one file."""
    files = [pdfs[n % len(pdfs)] for n in range(COUNT)]
    async with PdfWorkers(count) as workers:
        await asyncio.gather(*(workers.read(data) for data in files[:10]))
        cpu, wall = sum(map(cpu_seconds, workers.pids)), time.perf_counter()
        await asyncio.gather(*(workers.read(data) for data in files))
        wall = time.perf_counter() - wall
        return COUNT / wall, (sum(map(cpu_seconds, workers.pids)) - cpu) / COUNT


async def _at_full_load(client: Client, envelopes: Sequence[bytes], pid: int) -> tuple[float, float]:
    """Documents per second, and CPU seconds for one document."""
    await submit_all(client, envelopes[:20], AT_ONCE)
    rest = envelopes[20:]
    cpu, wall = family_seconds(pid), time.perf_counter()
    await submit_all(client, rest, AT_ONCE)
    return len(rest) / (time.perf_counter() - wall), (family_seconds(pid) - cpu) / len(rest)


async def _at_half_load(client: Client, envelopes: Sequence[bytes], rate: float) -> list[float]:
    """Seconds from submit to verdict, sorted; one document is sent each ``1 / rate`` seconds."""

    async def one(data: bytes) -> float:
        began = time.perf_counter()
        await client.submit(data)
        return time.perf_counter() - began

    tasks = []
    for data in envelopes:
        tasks.append(asyncio.create_task(one(data)))
        await asyncio.sleep(1 / rate)
    return sorted(await asyncio.gather(*tasks))


async def bench_pdf(bed: Bed) -> dict[str, Any]:
    """Signed envelopes of 300 KB, each with a doubly signed PDF, from submit to verdict."""
    pki = DemoPki.open(bed.home / "pki")
    pdfs = await asyncio.to_thread(make_pdfs, pki)
    envelopes = [_envelope(bed, number, pdfs[number % FILES]) for number in range(2 * COUNT)]
    floor = await asyncio.to_thread(floor_of_pdfs, pdfs, pki)
    reading = await asyncio.to_thread(_cpu, pdfs, _judged(pki))
    one_rate, worker_cpu = await _through_workers(pdfs, 1)
    two_rate, _ = await _through_workers(pdfs, 2)
    whole = floor + floor_seconds(envelopes[:30], bed.signer.certificate) + _decoding(pdfs)
    async with started(bed, ticker=True) as (base, pid), aiohttp.ClientSession() as session:
        client = Client(session, base, bed.keys["H37"], "H37")
        rate, cpu = await _at_full_load(client, envelopes[:COUNT], pid)
        os.kill(pid, signal.SIGUSR1)  # blocks are counted from here
        waits = await _at_half_load(client, envelopes[COUNT:], rate / 2)
    block = float((bed.home / BLOCK_FILE).read_text())
    return {
        "floor: pyHanko, one process": _row(len(pdfs[0]), 1 / floor, floor, 1.0),
        "read and judged in process": _row(len(pdfs[0]), 1 / reading, reading, reading / floor),
        "one worker (rate to floor)": _row(len(pdfs[0]), one_rate, worker_cpu, one_rate * floor),
        "two workers (rate to floor)": _row(len(pdfs[0]), two_rate, worker_cpu, two_rate * floor),
        "floor: pyHanko and envelope": _row(len(envelopes[0]), 1 / whole, whole, 1.0),
        "gate (CPU to floor)": _row(len(envelopes[0]), rate, cpu, cpu / whole),
        "gate at half load": _row(len(envelopes[0]), rate / 2, None, None)
        | {
            "p50_ms": waits[len(waits) // 2] * 1000,
            "p99_ms": waits[len(waits) * 99 // 100] * 1000,
            "longest_block_ms": block * 1000,
        },
    }


def _row(size: int, rate: float, cpu: float | None, ratio: float | None) -> dict[str, Any]:
    cpu_ms = None if cpu is None else cpu * 1000
    row = {"bytes": size, "documents_per_second": rate, "cpu_ms": cpu_ms, "ratio": ratio}
    return row | {"p50_ms": None, "p99_ms": None, "longest_block_ms": None}


def _decoding(pdfs: Sequence[bytes]) -> float:
    """CPU seconds to take one file out of its envelope's text."""
    texts = [base64.b64encode(data) for data in pdfs]
    return _cpu(texts, base64.b64decode)


def _envelope(bed: Bed, number: int, pdf: bytes) -> bytes:
    data = make_envelope("H37", ["H37.03"], number=f"P{number}", files={"a.pdf": pdf})
    return sign_envelope(data, bed.signer.private_key, bed.signer.chain)
