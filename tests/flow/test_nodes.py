"""Several whole nodes on one PostgreSQL database: any of them does anything, one of them leads.

Some run in this process, so that a test can look into them; those that are killed or paused are processes.
The nodes of a test are of one gateway: the same keys, and one folder of payloads, as on shared storage.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.app import init_home, open_services, running
from gateway.cli import doctor_nodes
from gateway.clock import SystemClock
from gateway.config import Config, DatabaseSection, load
from gateway.directory.data import DirectoryData
from gateway.errors import NotReady
from gateway.exchange_log.sequence import log_keys
from gateway.flow import office, operate
from gateway.flow.log_verify import verify_store
from gateway.flow.operate import LOCAL
from gateway.model.text import AgencyCode
from gateway.services import Services
from gateway.store import log, nodes
from gateway.store.people import Role
from tests.node import PACE
from tests.web.conftest import XML
from tests.world import AGENCIES, make_envelope

SENDER, RECIPIENT = AgencyCode("H37"), AgencyCode("H37.03")
LARGE = bytes(range(256)) * 800


@pytest.fixture
def engine() -> str:
    return "postgres"


@dataclass
class Node:
    """A running node, as its callers see it. ``gw`` only where it runs in this process."""

    url: str
    session: aiohttp.ClientSession
    keys: dict[str, str]
    gw: Services | None = None
    process: asyncio.subprocess.Process | None = None

    async def call(
        self, method: str, path: str, agency: str, status: int = 200, data: bytes | None = None
    ) -> Any:
        headers = (XML if data else {}) | {"X-API-Key": self.keys[agency]}
        async with self.session.request(method, self.url + path, data=data, headers=headers) as answer:
            body = await answer.read()
            assert answer.status == status, body
            is_json = "json" in answer.headers.get("Content-Type", "")
            return await answer.json() if is_json else body

    async def send(self, data: bytes) -> dict[str, Any]:
        return dict(await self.call("POST", "/api/v1/documents", SENDER, 202, data))

    async def waiting(self) -> list[dict[str, Any]]:
        return list((await self.call("GET", "/api/v1/inbox", RECIPIENT))["items"])

    def kill(self, how: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(how)


@dataclass
class Bed:
    """A database, and homes for nodes on it."""

    folder: Path
    url: str
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def first(self) -> Path:
        return self.folder / "home"

    def home(self, name: str, keys: str = "") -> Path:
        """A home with the same payloads and a copy of the keys, or with the very keys of another node."""
        home = self.folder / name
        home.mkdir(mode=0o700)
        shutil.copytree(self.first / "trust", home / "trust")
        if keys:
            (home / "keys").symlink_to(self.folder / keys / "keys")
        else:
            shutil.copytree(self.first / "keys", home / "keys")
        (home / "payloads").symlink_to(self.first / "payloads")
        lines = ("[server]", "port = 0", "[log]", 'level = "warning"', "[database]", f'url = "{self.url}"')
        (home / "gateway.toml").write_text("\n".join(lines))
        return home

    @contextlib.asynccontextmanager
    async def node(self, name: str, keys: str = "") -> AsyncIterator[Node]:
        """A node in this process."""
        home = self.home(name, keys)
        async with (
            running(home, load(home), SystemClock(), pace=PACE) as (gw, port),
            aiohttp.ClientSession() as session,
        ):
            yield Node(f"http://127.0.0.1:{port}", session, self.keys, gw)

    @contextlib.asynccontextmanager
    async def process(self, name: str) -> AsyncIterator[Node]:
        """A node as a process; ended however the test leaves it."""
        command = (sys.executable, "-m", "tests.node", str(self.home(name)))
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        try:
            assert process.stdout is not None
            line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
            assert line.startswith("port="), line
            async with aiohttp.ClientSession() as session:
                url = f"http://127.0.0.1:{line.removeprefix('port=').strip()}"
                yield Node(url, session, self.keys, process=process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.kill()
            await process.wait()

    @contextlib.asynccontextmanager
    async def looking(self) -> AsyncIterator[Services]:
        """The database, read beside the nodes."""
        config = Config(database=DatabaseSection(url=self.url))
        gw = await open_services(self.first, config, SystemClock(), "test", read_only=True)
        try:
            yield gw
        finally:
            await gw.close()


@pytest.fixture
async def bed(database_url: str, tmp_path: Path) -> Bed:
    made, clock = Bed(tmp_path, database_url), SystemClock()
    init_home(made.first, "truc-thu", clock)
    config = Config(database=DatabaseSection(url=database_url))
    gw = await open_services(made.first, config, clock, "test")
    try:
        await office.import_directory(gw, LOCAL, DirectoryData(AGENCIES), apply=True)
        for agency in AGENCIES:
            system = await office.add_principal(gw, LOCAL, agency.name, Role.SYSTEM, [agency.code])
            made.keys[agency.code] = await office.issue_api_key(gw, LOCAL, system.id)
    finally:
        await gw.close()
    return made


async def test_a_document_accepted_at_one_node_is_fetched_and_confirmed_at_others(bed: Bed) -> None:
    data = make_envelope(files={"phu-luc.txt": LARGE})
    async with bed.node("a") as a, bed.node("b") as b, bed.node("c") as c:
        sent = await a.send(data)
        again = await b.send(data)
        assert again["receipt_jws"] == sent["receipt_jws"]
        [item] = await b.waiting()
        assert await c.call("GET", f"/api/v1/inbox/{item['delivery']}", RECIPIENT) == data
        done = await a.call("POST", f"/api/v1/inbox/{item['delivery']}/done", RECIPIENT)
        assert done["state"] == "delivered"
        assert await c.waiting() == []
        assert [leads(node) for node in (a, b, c)].count(True) == 1


async def test_one_document_handed_in_at_two_nodes_at_once_has_one_receipt(bed: Bed) -> None:
    async with bed.node("a") as a, bed.node("b") as b:
        copies = [make_envelope(document_id=f"H37,2020/04/13,{n}/UBND-KGVX") for n in range(8)]
        answers = await asyncio.gather(*(node.send(data) for data in copies for node in (a, b)))
        receipts = [answer["receipt_jws"] for answer in answers]
        assert receipts[::2] == receipts[1::2]
        assert len(set(receipts)) == len(copies)
        assert len(await a.waiting()) == len(copies)


async def test_a_key_revoked_at_one_node_is_refused_at_the_others_at_once(bed: Bed) -> None:
    async with bed.node("a") as a, bed.node("b") as b:
        assert a.gw is not None
        await b.waiting()
        await asyncio.sleep(0.3)  # both hear each other
        [system] = [p for p in a.gw.people.principals if RECIPIENT in p.agencies]
        for credential in a.gw.people.credentials:
            if credential.principal == system.id:
                await office.revoke_credential(a.gw, LOCAL, credential.id)
        await within(1.0, lambda: refused(b))


async def test_what_a_command_without_a_server_changes_the_nodes_know_at_once(bed: Bed) -> None:
    async with bed.node("a") as a:
        assert a.gw is not None
        await asyncio.sleep(0.3)  # it hears
        config = Config(database=DatabaseSection(url=bed.url))
        beside = await open_services(bed.first, config, SystemClock(), "a command")
        [system] = [p for p in beside.people.principals if RECIPIENT in p.agencies]
        for credential in beside.people.credentials:
            if credential.principal == system.id:
                await office.revoke_credential(beside, LOCAL, credential.id)
        await beside.close()
        await within(1.0, lambda: refused(a))


async def test_keys_rotated_at_one_node_serve_on_all(bed: Bed) -> None:
    """The nodes of one machine, or of a shared folder of keys."""
    async with bed.node("a") as a, bed.node("b", keys="a") as b:
        assert a.gw is not None
        assert b.gw is not None
        await asyncio.sleep(0.3)  # both hear each other
        await office.rotate_key(a.gw, LOCAL, "wrapping")
        await office.rotate_key(a.gw, LOCAL, "receipt")
        data = make_envelope(files={"phu-luc.txt": LARGE})
        await a.send(data)
        [item] = await b.waiting()
        assert await b.call("GET", f"/api/v1/inbox/{item['delivery']}", RECIPIENT) == data
        ours, theirs = a.gw.keyring, b.gw.keyring
        await within(1.0, lambda: later(theirs.receipt_key_id == ours.receipt_key_id))


async def test_another_node_leads_when_the_leader_is_killed(bed: Bed) -> None:
    async with bed.process("a") as a, bed.process("b") as b:
        await a.send(make_envelope())
        leader = await leader_of(bed, a, b)
        other = b if leader is a else a
        leader.kill(signal.SIGKILL)
        began = asyncio.get_running_loop().time()
        await other.send(make_envelope(document_id="H37,2020/04/13,363/UBND-KGVX"))
        async with bed.looking() as gw:
            await within(10.0, lambda: sequenced(gw))
            assert asyncio.get_running_loop().time() - began < PACE.lease + 5
            assert await is_sound(gw)


async def test_a_leader_paused_past_its_lease_wakes_up_and_changes_nothing(bed: Bed) -> None:
    async with bed.process("a") as a, bed.process("b") as b:
        await a.send(make_envelope())
        leader = await leader_of(bed, a, b)
        other = b if leader is a else a
        async with bed.looking() as gw:
            before = await gw.store.read(nodes.lease)
            leader.kill(signal.SIGSTOP)
            await other.send(make_envelope(document_id="H37,2020/04/13,363/UBND-KGVX"))
            await within(10.0, lambda: taken_over(gw, before))
            leader.kill(signal.SIGCONT)
            for number in range(364, 370):
                document = f"H37,2020/04/13,{number}/UBND-KGVX"
                await (leader if number % 2 else other).send(make_envelope(document_id=document))
            await within(10.0, lambda: sequenced(gw))
            lease = await gw.store.read(nodes.lease)
            assert (lease.epoch, lease.holder != before.holder) == (before.epoch + 1, True)
            assert await is_sound(gw)
            assert len(await other.waiting()) == 8


async def test_status_and_doctor_show_every_node_and_who_leads(bed: Bed) -> None:
    async with bed.node("a") as a, bed.process("b") as b:
        assert a.gw is not None
        fleet = a.gw.fleet
        await within(5, lambda: later(fleet.alive == 2))
        told = (await operate.run(a.gw, "status", {}))["nodes"]
        assert sorted(node["leads"] for node in told) == [False, True]
        assert [node["answers"] for node in told] == [True, False]
        b.kill(signal.SIGKILL)
        looked = await doctor_nodes.look(bed.folder / "a", load(bed.folder / "a"), 0.5)
        assert looked is not None
        assert looked[0].vi.startswith("1 nút đang chạy; nút chính: ")
        assert ["đã im lặng" in concern.text.vi for concern in looked[1]] == [True]


async def test_a_node_with_keys_of_its_own_is_turned_away(bed: Bed, tmp_path: Path) -> None:
    init_home(tmp_path / "stranger", "truc-khac", SystemClock())
    config = Config(database=DatabaseSection(url=bed.url))
    with pytest.raises(NotReady) as refusal:
        await open_services(tmp_path / "stranger", config, SystemClock(), "serve")
    assert refusal.value.code == "keyring.other"


def leads(node: Node) -> bool:
    assert node.gw is not None
    return node.gw.fleet.leads


async def leader_of(bed: Bed, a: Node, b: Node) -> Node:
    """Which of two processes leads."""
    assert a.process is not None
    async with bed.looking() as gw:
        async with asyncio.timeout(10):
            while not (holder := (await gw.store.read(nodes.lease)).holder):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        [pid] = [one.pid for one in await gw.store.read(nodes.everybody) if one.id == holder]
    return a if pid == a.process.pid else b


async def later(value: bool) -> bool:
    return value


async def refused(node: Node) -> bool:
    headers = {"X-API-Key": node.keys[RECIPIENT]}
    async with node.session.get(f"{node.url}/api/v1/inbox", headers=headers) as answer:
        return answer.status == 401


async def sequenced(gw: Services) -> bool:
    """Every event has a leaf."""
    return await gw.store.read(log.count_waiting) == 0


async def taken_over(gw: Services, before: nodes.Lease) -> bool:
    return (await gw.store.read(nodes.lease)).epoch > before.epoch


async def is_sound(gw: Services) -> bool:
    """The log verifies as an auditor would do it."""
    found = await verify_store(gw, log_keys(gw.keyring))
    return found.problem is None


async def within(seconds: float, holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until that holds."""
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
