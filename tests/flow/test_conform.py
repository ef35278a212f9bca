"""The connection test: a good system passes every step, and one that misses something is told where."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from adapters import KINDS, MOUNTS
from adapters.vxp.client import VxpClient
from gateway.clock import local
from gateway.config import Config, ServerSection
from gateway.directory.data import DirectoryData
from gateway.errors import GatewayError, WrongState
from gateway.flow import conform, office, partners
from gateway.flow.operate import LOCAL, run
from gateway.model.agency import Agency
from gateway.model.node import Node, Seen
from gateway.model.text import AgencyCode
from gateway.net import Net
from gateway.practice.agency import AgencyClient, Cabinet
from gateway.practice.conform import STEPS, Course
from gateway.practice.conform_report import Outcome, Report
from gateway.practice.conform_watch import Ask, Patience
from gateway.practice.doors import Door, NativeDoor, SdkDoor
from gateway.practice.letters import Draft, Office
from gateway.practice.vendor import DocumentSystem, Habits, habits_of
from gateway.store.people import Role
from gateway.web.server import make_web_app, serve_web
from tests.world import World

OURS, PARTNER = Office("T00.01", "Đơn vị thử của phần mềm"), Office("T00.02", "Đơn vị thử đối tác")
QUICK = Patience(
    person=5, software=4, urgent=4, turned_away=1, settle=0.4, large_bytes=2 * 1024**2, poll=0.02
)
HASTY = Patience(person=1.8, software=1.8, urgent=1, turned_away=1, settle=0.1, large_bytes=70_000, poll=0.02)


@dataclass(slots=True)
class Trial:
    """A listening gateway with two test codes, and a vendor's system that looks ten times a second."""

    world: World
    url: str
    system: DocumentSystem
    account: str
    numbers: int = 0

    async def prompt(self, ask: Ask) -> bool | None:
        """Do what the person at the software is asked to do."""
        if ask.question:
            return any("không có trong danh mục" in words for words in self.system.shown)
        self.numbers += 1
        draft = Draft(f"{self.numbers}", "KT", "V/v thử")
        self.tasks.append(asyncio.create_task(self.system.write([Office(ask.to, ask.to)], draft)))
        return None

    async def course(self, *steps: str, patience: Patience = QUICK) -> Report:
        candidate = await run(self.world.gw, "conform.who", {"system": self.account})
        course = Course(self.operate, candidate, self.prompt, lambda *_: None, patience)
        return await course.run(steps or STEPS)

    async def operate(self, name: str, arguments: dict[str, Any]) -> Any:
        return await run(self.world.gw, name, arguments)

    @property
    def tasks(self) -> list[asyncio.Task[Any]]:
        return _tasks


_tasks: list[asyncio.Task[Any]] = []


async def import_test_codes(world: World) -> None:
    codes = [Agency(AgencyCode(one.code), one.name, "outside", None, test=True) for one in (OURS, PARTNER)]
    await office.import_directory(world.gw, LOCAL, DirectoryData(tuple(codes)), apply=True)


@contextlib.asynccontextmanager
async def trial(world: World, folder: Path, habits: Habits, dialect: str) -> AsyncIterator[Trial]:
    world.gw.kinds = {kind: adapter.pull for kind, adapter in KINDS.items()}
    await import_test_codes(world)
    net, app = Net("127.0.0.0/8", 20), make_web_app(world.gw, MOUNTS)
    async with (
        serve_web(app, Config(server=ServerSection(port=0)), world.home) as port,
        aiohttp.ClientSession() as session,
    ):
        url = f"http://127.0.0.1:{port}"
        door, account = await _door(world, net, session, url, dialect)
        now = lambda: local(world.clock.now())  # noqa: E731
        system = DocumentSystem(OURS, door, Cabinet(folder / "vendor"), now, habits)
        looking = asyncio.create_task(system.run(0.05))
        try:
            yield Trial(world, url, system, account)
        finally:
            for task in (looking, *_tasks):
                task.cancel()
            await asyncio.gather(looking, *_tasks, return_exceptions=True)
            _tasks.clear()
            await net.close()


async def _door(
    world: World, net: Net, session: aiohttp.ClientSession, url: str, dialect: str
) -> tuple[Door, str]:
    own = [AgencyCode(OURS.code)]
    if dialect == "vxp":
        issued = await partners.add_system(world.gw, LOCAL, "Phần mềm X", "vxp", "phan-mem-x", own)
        client = VxpClient(net, f"{url}/vxp", "phan-mem-x", issued.secret, world.clock)
        return SdkDoor(client, 0.3), "phan-mem-x"
    principal = await office.add_principal(world.gw, LOCAL, "Phần mềm Y", Role.SYSTEM, own)
    key = await office.issue_api_key(world.gw, LOCAL, principal.id)
    return NativeDoor(AgencyClient(session, url, key, OURS.code)), principal.id


def outcomes(report: Report) -> dict[str, str]:
    return {step.name: step.outcome.value for step in report.steps}


@pytest.mark.parametrize("dialect", ["vxp", "native"])
async def test_a_good_system_passes_every_step(world: World, tmp_path: Path, dialect: str) -> None:
    async with trial(world, tmp_path, Habits(), dialect) as one:
        report = await one.course()
    assert outcomes(report) == dict.fromkeys(STEPS, "passed"), [(s.name, s.seen) for s in report.steps]
    assert report.passed
    assert report.verdict().vi == "ĐẠT"


async def test_a_system_that_never_says_done_fails_where_it_does(world: World, tmp_path: Path) -> None:
    async with trial(world, tmp_path, habits_of(["never-done"]), "vxp") as one:
        report = await one.course("send", "fetch", "urgent", patience=HASTY)
    assert outcomes(report) == {"send": "passed", "fetch": "failed", "urgent": "failed"}
    assert report.steps[1].seen.vi == "đã lấy gói tin nhưng không báo done"
    assert report.verdict().vi == "KHÔNG ĐẠT (fetch, urgent)"


@pytest.mark.parametrize(
    ("habit", "step", "words"),
    [
        ("ignore-recall", "recall", "chưa trả lời"),
        ("forgetful", "duplicate", "vào sổ "),
        ("impatient", "busy", "gọi lại sớm"),
    ],
)
async def test_what_a_system_misses_is_named(
    world: World, tmp_path: Path, habit: str, step: str, words: str
) -> None:
    async with trial(world, tmp_path, habits_of([habit]), "native") as one:
        report = await one.course("fetch", step, patience=HASTY)
    assert outcomes(report) == {"fetch": "passed", step: "failed"}
    assert words in report.steps[1].seen.vi


async def test_a_refusal_that_is_not_shown_fails_and_unanswered_is_not_confirmed(
    world: World, tmp_path: Path
) -> None:
    async with trial(world, tmp_path, Habits(shows_reasons=False), "native") as one:
        (hidden,) = (await one.course("refused", patience=HASTY)).steps

        async def silent(ask: Ask) -> bool | None:
            return None if ask.question else await one.prompt(ask)

        candidate = await run(world.gw, "conform.who", {"system": one.account})
        course = Course(one.operate, candidate, silent, lambda *_: None, HASTY)
        (unsaid,) = (await course.run(["refused"])).steps
    assert (hidden.outcome, unsaid.outcome) == (Outcome.FAILED, Outcome.UNCONFIRMED)
    assert "recipient.unknown" in unsaid.seen.vi


@pytest.mark.parametrize("habits", [["crash=2"], ["slow=0.2"], ["twice"], ["old-statuses"]])
async def test_a_system_with_forgivable_habits_passes(
    world: World, tmp_path: Path, habits: list[str]
) -> None:
    async with trial(world, tmp_path, habits_of(habits), "vxp") as one:
        report = await one.course("send", "fetch", "duplicate")
    assert set(outcomes(report).values()) == {"passed"}, [(s.name, s.seen) for s in report.steps]


async def test_the_report_is_one_thing_in_three_forms(world: World, tmp_path: Path) -> None:
    async with trial(world, tmp_path, Habits(), "vxp") as one:
        report = await one.course("send", "recall", patience=HASTY)
    as_json, markdown, page = report.as_json(), report.markdown(), report.page()
    assert orjson.loads(orjson.dumps(as_json)) == as_json
    assert as_json["steps"][1]["outcome"] == "failed"  # nothing to recall
    for text in (markdown, page):
        assert as_json["report_sha256"] in text
        assert as_json["steps"][0]["sha256"][0]["sha256"] in text
        assert "KHÔNG ĐẠT (recall)" in text
    assert "http" not in page


async def test_a_working_agency_is_never_tested(world: World) -> None:
    principal = await office.add_principal(world.gw, LOCAL, "Sở", Role.SYSTEM, [AgencyCode("H37.05")])
    with pytest.raises(GatewayError) as caught:
        await run(world.gw, "conform.who", {"system": principal.id})
    assert caught.value.code == "conform.no_test_agency"


async def test_test_codes_address_each_other_and_nobody_else_addresses_them(world: World) -> None:
    await import_test_codes(world)
    sent = await world.send(OURS.code, [PARTNER.code])
    assert [item.document_id for item in await world.waiting(PARTNER.code)]
    assert sent.message
    with pytest.raises(GatewayError) as caught:
        await world.send("H37", [PARTNER.code])
    assert [finding.rule for finding in caught.value.findings if finding.severity.name == "REFUSE"] == [
        "recipient.test_code"
    ]


async def test_what_only_one_node_would_know_is_not_set_up_where_several_run(world: World) -> None:
    now = world.gw.clock.now()
    world.gw.fleet.hear((Seen(Node("b", "máy-hai", 2, "1.0", "", now, now, 1), 0.5, True),))
    with pytest.raises(WrongState) as refusal:
        await conform.teach(world.gw, LOCAL, "p", "send", 5)
    assert refusal.value.code == "conform.nodes"
    assert "đang chạy 2 nút" in refusal.value.text.vi
