"""Files made to break a reader: in worker processes, none crashes, hangs, or passes what nobody signed."""

from __future__ import annotations

import asyncio
import random
import re
import zlib
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import pytest_asyncio

from gateway.model.verdict import Indication, Verdict
from gateway.signature.certificates import fingerprint
from gateway.signature.pdf import judge_pdf
from gateway.signature.workers import PdfWorkers
from tests.unit.pdf_attacks import RANGE, closing, content_of_page, update
from tests.unit.pdf_world import RECEIVED, PdfWorld, build_pdf_world

pytestmark = pytest.mark.asyncio(loop_scope="module")
SECONDS = 20  # for one file
MUTATIONS = 1500


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> PdfWorld:
    return build_pdf_world(tmp_path_factory.mktemp("bad") / "pki")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def workers() -> AsyncIterator[PdfWorkers]:
    async with PdfWorkers(count=2, seconds=SECONDS) as pool:
        yield pool


async def judged(workers: PdfWorkers, world: PdfWorld, data: bytes) -> tuple[Verdict, ...]:
    """As the gate does it, the text of the first page included."""
    facts = await workers.read_file(data)
    return judge_pdf("vb.pdf", facts.signatures, world.trust, RECEIVED, None)


def number_of(name: bytes, data: bytes) -> int:
    return int(re.findall(name + rb" (\d+) 0 R", data)[-1])


# What is wrong with the file, added to a signed one as a last revision


def ending(text: bytes) -> Callable[[bytes], bytes]:
    """Another end of the file."""
    return lambda data: data[: data.rindex(b"startxref")] + text


def revision(content: bytes, name: bytes = b"/Root") -> Callable[[bytes], bytes]:
    """An update that puts ``content`` in the place of an object; ``SELF`` is that object's number."""

    def build(data: bytes) -> bytes:
        number = number_of(name, data)
        return update(data, {number: content.replace(b"SELF", b"%d" % number)})

    return build


def in_trailer(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """An empty update with another trailer; ``SELF`` is the place of its own table."""

    def build(data: bytes) -> bytes:
        tail = closing(data, {}, len(data))
        return data + re.sub(old, new.replace(b"SELF", b"%d" % len(data)), tail)

    return build


def many_updates(data: bytes) -> bytes:
    for _ in range(200):
        data += closing(data, {}, len(data))
    return data


def compressed(
    entries: Mapping[int, tuple[int, int, int]], content: bytes, extra: bytes = b""
) -> Callable[[bytes], bytes]:
    """An update with an object stream (number 900) and a table as a stream (901), both compressed."""

    def build(data: bytes) -> bytes:
        packed = zlib.compress(content)
        head = b"<< /Type /ObjStm /N 1 /First 6 %s /Filter /FlateDecode /Length %d >>" % (extra, len(packed))
        first = b"900 0 obj\n%s\nstream\n%s\nendstream\nendobj\n" % (head, packed)
        at = len(data) + len(first)
        rows = {number_of(b"/Root", data) if n == 0 else n: row for n, row in entries.items()}
        rows = {900: (1, len(data), 0), **rows, 901: (1, at, 0)}
        return data + first + table_stream(data, rows, at)

    return build


def table_stream(data: bytes, rows: Mapping[int, tuple[int, int, int]], at: int, body: bytes = b"") -> bytes:
    index = b" ".join(b"%d 1" % number for number in sorted(rows))
    raw = body or b"".join(
        kind.to_bytes(1, "big") + place.to_bytes(4, "big") + last.to_bytes(2, "big")
        for _, (kind, place, last) in sorted(rows.items())
    )
    packed = zlib.compress(raw, 9)
    previous = int(re.findall(rb"startxref\s+(\d+)", data)[-1])
    head = b"/Type /XRef /W [1 4 2] /Index [%s] /Size 902 /Root %d 0 R /Prev %d /Filter /FlateDecode" % (
        index,
        number_of(b"/Root", data),
        previous,
    )
    stream = b"901 0 obj\n<< %s /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (head, len(packed), packed)
    return stream + b"startxref\n%d\n%%%%EOF\n" % at


def bomb_as_table(data: bytes) -> bytes:
    return data + table_stream(data, {901: (1, len(data), 0)}, len(data), b"\0" * 60_000_000)


def nested(opening: bytes, end: bytes, depth: int) -> bytes:
    return b"<< /X " + opening * depth + end * depth + b" >>"


HOSTILE: dict[str, Callable[[bytes], bytes]] = {
    "startxref at zero": ending(b"startxref\n0\n%%EOF\n"),
    "startxref beyond the end": ending(b"startxref\n99999999\n%%EOF\n"),
    "startxref negative": ending(b"startxref\n-5\n%%EOF\n"),
    "startxref of 5000 digits": ending(b"startxref\n" + b"9" * 5000 + b"\n%%EOF\n"),
    "no startxref": ending(b"%%EOF\n"),
    "tables in a ring": in_trailer(rb"/Prev \d+", b"/Prev SELF"),
    "table before the file": in_trailer(rb"/Prev \d+", b"/Prev -1"),
    "table of a billion entries": in_trailer(rb"0 1\n", b"0 1000000000\n"),
    "table of letters": in_trailer(rb"0000000000 65535", b"abcdefghij 65x35"),
    "catalogue is a number": in_trailer(rb"/Root \d+ 0 R", b"/Root 7"),
    "catalogue names itself": revision(b"SELF 0 R"),
    "catalogue is null": revision(b"null"),
    "pages in a ring": revision(b"<< /Type /Pages /Count 1 /Kids [SELF 0 R] >>", b"/Pages"),
    "pages without kids": revision(b"<< /Type /Pages /Count 1 >>", b"/Pages"),
    "count of pages is text": revision(b"<< /Type /Pages /Count (x) /Kids [] >>", b"/Pages"),
    "fields in a ring": revision(b"<< /AcroForm << /Fields [SELF 0 R] >> /Kids [SELF 0 R] /T (x) >>"),
    "arrays 50 000 deep": revision(nested(b"[", b"]", 50_000)),
    "dictionaries 50 000 deep": revision(nested(b"<</X ", b">>", 50_000)),
    "length of a billion": revision(b"<< /Length 1000000000 >>\nstream\nx\nendstream", b"/Contents"),
    "negative length": revision(b"<< /Length -9 >>\nstream\nx\nendstream", b"/Contents"),
    "length names itself": revision(b"<< /Length SELF 0 R >>\nstream\nx\nendstream"),
    "string without end": revision(b"<< /X (" + b"(" * 100_000),
    "hex string without end": revision(b"<< /X <" + b"00" * 100_000),
    "object stream of 60 MB of zeros": compressed({0: (2, 900, 0)}, b"\0" * 60_000_000),
    "table of 60 MB of zeros": bomb_as_table,
    "object stream within itself": compressed({900: (2, 900, 0), 0: (2, 900, 0)}, b"900 0 << >>"),
    "object stream continues itself": compressed({0: (2, 900, 0)}, b"900 0 << >>", b"/Extends 900 0 R"),
    "object stream of the wrong objects": compressed({0: (2, 900, 7)}, b"1 0 << >>"),
    "object stream that is none": compressed({0: (2, 1, 0)}, b"1 0 << >>"),
}  # fmt: skip


# An odd table, and no object in it: nothing that was signed is changed
EMPTY: dict[str, Callable[[bytes], bytes]] = {
    "200 tables in a chain": many_updates,
    "size of a thousand billion": in_trailer(rb"/Size \d+", b"/Size 1000000000000"),
    "trailer without catalogue": in_trailer(rb"/Root \d+ 0 R", b""),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_last_revision_never_passes(name: str, world: PdfWorld, workers: PdfWorkers) -> None:
    verdicts = await judged(workers, world, HOSTILE[name](world.signed))
    assert verdicts
    assert not any(one.indication is Indication.PASSED for one in verdicts)


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_last_revision_costs_no_worker(
    name: str, world: PdfWorld, workers: PdfWorkers
) -> None:
    """Where signatures alone are asked for: the page's text has a clock of its own."""
    pids = workers.pids
    assert await workers.read(HOSTILE[name](world.signed))
    assert workers.pids == pids


async def test_a_page_of_60_mb_of_zeros_costs_its_text_and_no_verdict(
    world: PdfWorld, workers: PdfWorkers
) -> None:
    pids = workers.pids
    packed = zlib.compress(b"\0" * 60_000_000)
    page = b"<< /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (len(packed), packed)
    facts = await workers.read_file(update(world.signed, {content_of_page(world.signed): page}))
    assert [one.failure and one.failure.sub_indication for one in facts.signatures] == [
        "SIG_CONSTRAINTS_FAILURE"
    ] * 2
    assert facts.pages.first_text == ""
    assert workers.pids == pids


@pytest.mark.parametrize("name", EMPTY)
async def test_an_odd_empty_revision_is_read_in_time(name: str, world: PdfWorld, workers: PdfWorkers) -> None:
    verdicts = await judged(workers, world, EMPTY[name](world.signed))
    assert [one.indication for one in verdicts] == [Indication.PASSED] * 2


# Random changes


def signed_parts(world: PdfWorld) -> dict[str, list[slice]]:
    """What each signature of the genuine file covers, by its certificate."""
    ranges = [[int(number) for number in found] for found in RANGE.findall(world.signed)]
    signers = (fingerprint(world.person.certificate), fingerprint(world.agency.certificate))
    return {
        signer: [slice(start, first), slice(second, second + rest)]
        for signer, (start, first, second, rest) in zip(signers, ranges, strict=True)
    }


def wrongly_passed(world: PdfWorld, data: bytes, verdicts: tuple[Verdict, ...]) -> list[str]:
    """The certificates of signatures that pass although their signed bytes are not those that were signed."""
    parts = signed_parts(world)
    passed = [one.certificate_sha256 for one in verdicts if one.indication is Indication.PASSED]
    return [
        signer
        for signer in passed
        if signer not in parts or any(data[part] != world.signed[part] for part in parts[signer])
    ]


def flipped(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 3)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def inserted(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data))
    data[at:at] = chance.randbytes(chance.randint(1, 60))


def deleted(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data))
    del data[at : at + chance.randint(1, 400)]


def swapped(data: bytearray, chance: random.Random) -> None:
    size = chance.randint(1, 300)
    first, second = chance.randrange(len(data) - size), chance.randrange(len(data) - size)
    data[first : first + size], data[second : second + size] = (
        data[second : second + size],
        data[first : first + size],
    )


def appended(data: bytearray, chance: random.Random) -> None:
    data += chance.choice([b"\n", b"%%EOF\n", chance.randbytes(40), bytes(data[-chance.randint(1, 900) :])])


def tail_repeated(data: bytearray, chance: random.Random) -> None:
    """A later revision once more, with its own numbers or with shifted ones."""
    data += data[data.rindex(b"xref\n", 0, data.rindex(b"startxref")) - chance.choice([0, 0, 500, 3000]) :]


def renumbered(data: bytearray, chance: random.Random) -> None:
    found = chance.choice(list(re.finditer(rb"\d+", data)))
    data[found.start() : found.end()] = b"%d" % chance.choice([0, 1, 7, 28, 65535, 10**9, len(data)])


def cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]


CHANGES = (flipped, flipped, inserted, deleted, swapped, appended, tail_repeated, renumbered, renumbered, cut)


def mutation(world: PdfWorld, number: int) -> bytes:
    """The same each time for the same file."""
    chance = random.Random(number)
    data = bytearray(world.signed)
    CHANGES[number % len(CHANGES)](data, chance)
    return bytes(data)


async def test_1500_mutations_never_crash_hang_or_pass_what_was_not_signed(
    world: PdfWorld, workers: PdfWorkers
) -> None:
    pids = workers.pids
    files = [mutation(world, number) for number in range(MUTATIONS)]
    answers = await asyncio.gather(*(judged(workers, world, data) for data in files))
    wrong = [n for n in range(MUTATIONS) if wrongly_passed(world, files[n], answers[n])]
    assert wrong == []
    assert workers.pids == pids  # no worker died or was too slow
    kinds = {one.sub_indication for verdicts in answers for one in verdicts}
    assert kinds >= {"", "HASH_FAILURE", "FORMAT_FAILURE", "SIG_CONSTRAINTS_FAILURE"}


async def test_a_file_cut_anywhere_passes_only_as_its_earlier_revision(
    world: PdfWorld, workers: PdfWorkers
) -> None:
    lengths = [len(world.signed) * step // 21 for step in range(1, 21)]
    for length in [*lengths, len(world.leader)]:
        data = world.signed[:length]
        verdicts = await judged(workers, world, data)
        assert wrongly_passed(world, data, verdicts) == []
        passed = sum(one.indication is Indication.PASSED for one in verdicts)
        assert passed == (1 if length == len(world.leader) else 0), length
