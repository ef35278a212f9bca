"""Worker processes for PDFs: they answer, they end, and a bad file costs one answer and no more."""

from __future__ import annotations

import asyncio
import io
import os
import pickle
import signal
import time
from pathlib import Path

import pytest
from pdf_world import PdfWorld, build_pdf_world

from gateway.model.verdict import Indication
from gateway.signature import workers as module
from gateway.signature.pdf import read_pdf_signatures
from gateway.signature.workers import PdfWorkers, WorkerLost, answer_in


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> PdfWorld:
    return build_pdf_world(tmp_path_factory.mktemp("pdf") / "pki")


def is_running(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def wait_until_gone(pid: int) -> None:
    while is_running(pid):
        time.sleep(0.02)


async def test_a_worker_says_what_the_function_says(world: PdfWorld) -> None:
    async with PdfWorkers(count=1) as workers:
        assert await workers.read(world.signed) == read_pdf_signatures(world.signed)


async def test_more_files_than_workers_are_all_answered(world: PdfWorld) -> None:
    async with PdfWorkers(count=2) as workers:
        answers = await asyncio.gather(*(workers.read(world.leader) for _ in range(6)))
    assert [len(answer) for answer in answers] == [1] * 6


async def test_an_unsigned_file_starts_no_process(world: PdfWorld) -> None:
    workers = PdfWorkers(count=1)
    assert await workers.read(world.page) == []
    assert workers.pids == []
    await workers.close()


async def test_closing_leaves_no_process() -> None:
    async with PdfWorkers(count=2) as workers:
        pids = workers.pids
        assert len(pids) == 2
        assert all(map(is_running, pids))
    assert not any(map(is_running, pids))


def nursery_of(worker: int) -> int:
    """The process that a worker was forked from."""
    return int(Path(f"/proc/{worker}/stat").read_text().rsplit(")", 1)[1].split()[1])


async def test_workers_are_forked_from_one_process_that_ends_with_them() -> None:
    async with PdfWorkers(count=2) as workers:
        (nursery,) = {nursery_of(pid) for pid in workers.pids}
        assert nursery != os.getpid()
    assert not is_running(nursery)


async def test_a_nursery_that_died_is_started_again(world: PdfWorld) -> None:
    async with PdfWorkers(count=1) as workers:
        (victim,) = workers.pids
        for pid in (nursery_of(victim), victim):
            os.kill(pid, signal.SIGKILL)
        assert len(await workers.read(world.signed)) == 2
        assert victim not in workers.pids


async def test_a_worker_has_no_descriptor_but_its_own(world: PdfWorld) -> None:
    """Nothing of the server, of the nursery or of a sibling: streams that lead nowhere, and one socket."""
    async with PdfWorkers(count=2) as workers:
        await asyncio.gather(*(workers.read(world.signed) for _ in workers.pids))  # both are at work
        for pid in workers.pids:
            opened = [os.readlink(one) for one in Path(f"/proc/{pid}/fd").iterdir()]
            assert sorted(one.split(":")[0] for one in opened) == ["/dev/null"] * 3 + ["socket"]


async def test_a_hung_worker_is_replaced_and_the_file_not_concluded(world: PdfWorld) -> None:
    async with PdfWorkers(count=1, seconds=2) as workers:
        (hung,) = workers.pids
        os.kill(hung, signal.SIGSTOP)
        (answer,) = await workers.read(world.signed)
        assert answer.failure is not None
        assert answer.failure.indication is Indication.INDETERMINATE
        assert "2 giây" in answer.failure.reason.vi
        assert not is_running(hung)
        assert len(workers.pids) == 1
        assert len(await workers.read(world.signed)) == 2


async def test_a_worker_killed_at_work_is_replaced_and_the_file_read_by_the_next(world: PdfWorld) -> None:
    async with PdfWorkers(count=1) as workers:
        reading = asyncio.create_task(workers.read(world.signed))
        await kill_at_work(workers)
        assert [one.failure for one in await reading] == [None, None]


async def test_a_file_that_kills_two_workers_is_not_concluded(world: PdfWorld) -> None:
    async with PdfWorkers(count=1) as workers:
        reading = asyncio.create_task(workers.read(world.signed))
        await kill_at_work(workers)
        await kill_at_work(workers)
        (answer,) = await reading
        assert answer.failure is not None
        assert "dừng giữa chừng" in answer.failure.reason.vi
        assert len(await workers.read(world.signed)) == 2


async def kill_at_work(workers: PdfWorkers) -> None:
    """Kill the only worker, certainly before it has answered."""
    (victim,) = workers.pids
    os.kill(victim, signal.SIGSTOP)
    await asyncio.sleep(0.1)
    os.kill(victim, signal.SIGKILL)
    async with asyncio.timeout(10):
        while victim in workers.pids or not workers.pids:  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("gateway.signature.pdf_facts", "enum.bltns.eval"),  # through what the module imports
        ("gateway.model.text", "Bilingual.__init__.__globals__"),
        ("builtins", "eval"),
    ],
)
async def test_an_answer_that_names_anything_but_our_values_is_none(module: str, name: str) -> None:
    def text(value: str) -> bytes:
        return b"\x8c" + bytes([len(value)]) + value.encode()

    taken_over = b"\x80\x04" + text(module) + text(name) + b"\x93" + text("1+1") + b"\x85R."
    with pytest.raises(WorkerLost):
        answer_in(taken_over)


async def test_an_answer_of_other_values_is_none() -> None:
    with pytest.raises(WorkerLost):
        answer_in(pickle.dumps(["signature"]))


async def test_a_worker_that_died_while_idle_costs_no_answer(world: PdfWorld) -> None:
    async with PdfWorkers(count=1) as workers:
        (victim,) = workers.pids
        os.kill(victim, signal.SIGKILL)
        await asyncio.to_thread(wait_until_gone, victim)
        assert len(await workers.read(world.signed)) == 2


async def test_a_cancelled_caller_leaves_a_usable_pool(world: PdfWorld) -> None:
    async with PdfWorkers(count=1) as workers:
        (busy,) = workers.pids
        os.kill(busy, signal.SIGSTOP)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await workers.read(world.signed)
        assert not is_running(busy)
        assert len(await workers.read(world.signed)) == 2


async def test_a_file_that_needs_too_much_memory_is_not_concluded(world: PdfWorld) -> None:
    """Some 50 MB of white space before the last end: the file alone does not fit beside its copies."""
    swollen = world.signed + b" " * 50_000_000 + b"%%EOF"
    async with PdfWorkers(count=1, memory_bytes=330_000_000) as workers:
        (answer,) = await workers.read(swollen)
        assert answer.failure is not None
        assert answer.failure.indication is Indication.INDETERMINATE
        assert len(await workers.read(world.signed)) == 2


async def test_closing_answers_who_waits(world: PdfWorld) -> None:
    workers = PdfWorkers(count=1)
    await workers.start()
    os.kill(workers.pids[0], signal.SIGSTOP)
    reading = [asyncio.create_task(workers.read(world.signed)) for _ in range(2)]
    await asyncio.sleep(0.1)
    started = time.monotonic()
    await workers.close()
    answers = await asyncio.gather(*reading)
    assert all(answer[0].failure is not None for answer in answers)
    assert time.monotonic() - started < 5
    assert workers.pids == []


async def test_a_file_that_comes_while_the_workers_warm_up_waits_for_them() -> None:
    workers = PdfWorkers(count=1)
    try:
        _, signatures = await asyncio.gather(workers.start(), workers.read(b"%PDF-1.7 /ByteRange"))
    finally:
        await workers.close()
    assert [one.failure is not None for one in signatures] == [True]


def test_an_answer_holds_plain_values_and_not_the_file(world: PdfWorld) -> None:
    answer = read_pdf_signatures(world.signed)
    assert [type(one.field) for one in answer] == [str, str]
    assert len(pickle.dumps(answer)) < 8_000


def test_an_answer_may_not_bring_code() -> None:
    with pytest.raises(pickle.UnpicklingError, match="system"):
        module._Answer(io.BytesIO(pickle.dumps(os.system))).load()


async def test_the_first_page_is_read_of_signed_and_unsigned_files(world: PdfWorld) -> None:
    async with PdfWorkers(count=1) as workers:
        signed, unsigned = await workers.read_file(world.signed), await workers.read_file(world.page)
    assert (len(signed.signatures), len(unsigned.signatures)) == (2, 0)
    assert "373/UBND-KT" in signed.pages.first_text
    assert signed.pages.first_text == unsigned.pages.first_text


async def test_a_page_that_cannot_be_read_in_time_costs_no_verdict(
    world: PdfWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with PdfWorkers(count=1) as workers:
        with monkeypatch.context() as patched:
            patched.setattr("gateway.signature.workers._PAGES_SECONDS", 0)
            without = await workers.read_file(world.signed)
        after = await workers.read_file(world.signed)
    assert (list(without.signatures), without.pages.first_text) == (read_pdf_signatures(world.signed), "")
    assert after.pages.first_text != ""


async def test_a_file_without_pages_wakes_nobody() -> None:
    workers = PdfWorkers(count=1)
    facts = await workers.read_file(b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n")
    assert (facts.signatures, facts.pages.first_text, workers.pids) == ((), "", [])
