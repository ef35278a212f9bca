"""Preflight, ``gateway check`` and the gate give one answer, whatever the message carries."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.cli.check import Given, bench_of, examine_alone
from gateway.clock import ScenarioClock, SystemClock
from gateway.config import Config
from gateway.errors import GatewayError
from gateway.flow.door import receive
from gateway.flow.examine import Examination
from gateway.flow.submit import preflight, submit
from gateway.model.finding import Decision, Finding
from gateway.model.text import Instant
from gateway.signature.seal import sign_envelope
from gateway.store import open_store
from tests.files_world import Papers, make_papers
from tests.world import MONDAY, World, make_envelope, make_world

KINDS = (
    *("unsigned", "leader only", "signed", "agency only", "wrong order", "tampered", "changed later"),
    *("revoked before", "revoked after", "other agency", "unregistered", "garbage", "docx"),
)
NAMES = ("vb.pdf", "phu-luc.pdf", "envelope", "bang.docx")


@dataclass(frozen=True, slots=True)
class Case:
    """What one message carries."""

    files: tuple[str, ...]
    names: tuple[str, ...]
    sender: str
    to: tuple[str, ...]
    sealed: bool


@st.composite
def cases(draw: st.DrawFn) -> Case:
    files = tuple(draw(st.lists(st.sampled_from(KINDS), max_size=3)))
    names = tuple(draw(st.sampled_from(NAMES)) for _ in files)
    to = tuple(
        draw(st.lists(st.sampled_from(("H37.03", "H37.31", "H99")), min_size=1, max_size=2, unique=True))
    )
    return Case(files, names, draw(st.sampled_from(("H37", "H37.05"))), to, draw(st.booleans()))


class Still(ScenarioClock):
    """A clock that stands: where a signature states no time, its verdict names the moment of receipt."""

    def now(self) -> Instant:
        return MONDAY


class Gate:
    """One gateway for all cases, on an event loop of its own."""

    def __init__(self, folder: Path, papers: Papers) -> None:
        self.papers = papers
        self.numbers = itertools.count(1)
        self.runner = asyncio.Runner()
        self._stack = contextlib.AsyncExitStack()
        self.world = self.runner.run(self._open(folder))

    async def _open(self, folder: Path) -> World:
        store = await open_store("sqlite:///gateway.db", folder, clock=SystemClock(), purpose="test")
        self._stack.push_async_callback(store.close)
        world = await self._stack.enter_async_context(
            make_world(store, folder, trust=self.papers.pki.trust_folder)
        )
        await self.papers.join(world.gw)
        world.gw.clock = Still(MONDAY)
        return world

    def close(self) -> None:
        self.runner.run(self._stack.aclose())
        self.runner.close()

    def message(self, case: Case) -> bytes:
        """A new message each time, so that none is a repeat. Names are put in last: they may be equal."""
        files = {f"@{at}@": self.papers.files[kind] for at, kind in enumerate(case.files)}
        data = make_envelope(case.sender, case.to, number=str(next(self.numbers)), files=files)
        for at, name in enumerate(case.names):
            data = data.replace(f"@{at}@".encode(), name.encode())
        seal = self.papers.seal
        return sign_envelope(data, seal.private_key, seal.chain) if case.sealed else data

    async def ask_all(self, case: Case) -> tuple[Answer, Answer, Answer]:
        """Answers of preflight, ``gateway check`` and the gate, in this order."""
        gw, data = self.world.gw, self.message(case)
        caller = self.world.caller(case.sender)
        first = await preflight(gw, caller, await receive(gw, _whole(data)))
        bench = replace(bench_of(gw.clock, Config(), Given(None, None, None), gw), kinds=gw.kinds)
        second = await examine_alone(_whole(data), bench, gw, gw.pdf_workers)
        return _told(first), _told(second), await self._submit(case.sender, data)

    async def _submit(self, sender: str, data: bytes) -> Answer:
        gw, caller = self.world.gw, self.world.caller(sender)
        try:
            done = await submit(gw, caller, await receive(gw, _whole(data)))
        except GatewayError as refused:
            return Answer(Decision.REFUSE.value, _plain(refused.findings), None)
        [row] = await self.world.rows("message_by_id", id=done.message)
        return Answer(
            done.decision.value, _plain(done.findings), _timeless(orjson.loads(str(row["verdicts"])))
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """``verdicts`` is ``None`` where nothing was kept."""

    decision: str
    findings: list[dict[str, str]]
    verdicts: list[dict[str, Any]] | None


def _told(exam: Examination) -> Answer:
    verdicts = [verdict.as_json() for verdict in exam.verdicts]
    return Answer(exam.decision.value, _plain(exam.findings), _timeless(verdicts))


def _plain(findings: Iterable[Finding]) -> list[dict[str, str]]:
    """All but the one about who calls, which the gate alone knows."""
    return [finding.as_json() for finding in findings if finding.rule != "sender.not_checkable"]


def _timeless(verdicts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in verdict.items() if name != "checked_at"} for verdict in verdicts]


async def _whole(data: bytes) -> AsyncIterator[bytes]:
    yield data


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    folder = tmp_path_factory.mktemp("gate")
    made = Gate(folder, make_papers(folder / "pki"))
    yield made
    made.close()


@given(cases())
@settings(max_examples=30, deadline=None)
def test_all_three_give_one_answer(gate: Gate, case: Case) -> None:
    preflighted, checked, gated = gate.runner.run(gate.ask_all(case))
    assert preflighted == checked
    if gated.verdicts is None:
        checked = replace(checked, verdicts=None)
    assert gated == checked


@pytest.mark.parametrize("kind", KINDS)
def test_of_one_file_as_well(gate: Gate, kind: str) -> None:
    """Every kind of file once, so that none depends on what is drawn."""
    case = Case((kind,), ("vb.pdf",), "H37", ("H37.03",), sealed=False)
    preflighted, checked, gated = gate.runner.run(gate.ask_all(case))
    assert preflighted == checked
    assert (gated.decision, gated.findings) == (checked.decision, checked.findings)
    refused = kind in ("tampered", "changed later", "revoked before")
    assert gated.verdicts == (None if refused else checked.verdicts)
