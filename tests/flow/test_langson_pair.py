"""Both halves of the Lạng Sơn dialect against each other: one gateway is a client of another."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters import make_adapters
from adapters.langson.axis import LangsonAxis
from gateway.clock import SECOND, SystemClock
from gateway.delivery.worker import Worker, claim_due
from gateway.directory.data import DirectoryData
from gateway.directory.snapshot import Directory
from gateway.edxml.parse import parse_envelope
from gateway.flow import office
from gateway.flow.operate import LOCAL
from gateway.model.agency import Agency, Profile
from gateway.model.text import AgencyCode
from gateway.net import Net
from gateway.port import Delivered
from gateway.store import open_store
from tests.flow.langson_bed import Axis, Client, Software, jump, on_one_engine
from tests.world import AGENCIES, PDF, World, make_envelope, make_world

UP = make_envelope("H37.31", ["H37.03"])
DOWN = make_envelope("H37.03", ["H37.31"])
MEGABYTE = 1_048_576
MINUTE = 60 * SECOND


@pytest.fixture
async def net() -> AsyncIterator[Net]:
    made = Net("127.0.0.0/8", 5)
    yield made
    await made.close()


@pytest.fixture
async def one_axis(tmp_path: Path) -> AsyncIterator[Axis]:
    async with on_one_engine(tmp_path) as found:
        yield found


@dataclass(slots=True)
class Pair:
    """Gateway ``near`` (with H37.31) is a client of gateway ``axis`` (with all others)."""

    near: World
    axis: Axis
    client: Client

    async def push(self) -> list[str]:
        """One turn of the near gateway's worker; the states of what it carried."""
        adapters = make_adapters(self.client.adapter._net, self.near.clock)
        worker = Worker(self.near.gw, adapters)
        attempts = await self.near.gw.store.write(lambda tx: claim_due(tx, self.near.gw, 32))
        for attempt in attempts:
            await worker._carry(attempt)
        states = []
        for attempt in attempts:
            (row,) = await self.near.rows("delivery_by_id", id=attempt.delivery.id)
            states.append(str(row["state"]))
        return states

    async def connect(self, **changes: str) -> None:
        """How the near gateway reaches H37.03: through the axis."""
        settings: Mapping[str, str] = self.client.settings | changes
        kept = tuple((name, value) for name, value in settings.items() if name != "secret")
        profile = Profile(AgencyCode("H37.03"), "langson_axis", kept)
        await office.set_profile(self.near.gw, LOCAL, profile, settings["secret"])

    async def pull(self) -> list[bytes]:
        """Everything that waits at the axis for the near gateway, confirmed."""
        taken = []
        for item in await self.client.waiting():
            taken.append(await self.client.fetch(item))
            await self.client.confirm(item)
        return taken


@pytest.fixture
async def pair(one_axis: Axis, net: Net, tmp_path: Path) -> AsyncIterator[Pair]:
    store = await open_store("sqlite:///near.db", tmp_path, clock=SystemClock(), purpose="near")
    software: Software = await one_axis.software("tp", "H37.31")
    settings = {
        "url": one_axis.url,
        "username": "tp",
        "system_id": "tp",
        "secret": software.password,
    }
    async with make_world(store, tmp_path / "near") as near:
        near.gw.kinds = one_axis.world.gw.kinds
        found = Pair(near, one_axis, Client(LangsonAxis(net, near.clock), settings))
        await found.connect()
        yield found
    await store.close()


async def test_a_document_goes_from_gateway_to_gateway_and_its_statuses_come_back(pair: Pair) -> None:
    await pair.near.send("H37.31", ["H37.03"])
    assert await pair.push() == ["delivered"]
    (arrived,) = await pair.axis.world.fetch("H37.03")
    assert arrived.data == UP
    await pair.axis.world.report("H37.03", "03", "H37.31,2020/04/13,362/UBND-KGVX", about="H37.31")
    for data in await pair.pull():
        await pair.near.upload("H37.03", data)
    codes = []
    for taken in await pair.near.fetch("H37.31"):
        status = parse_envelope(taken.data).envelope.status
        assert status is not None
        codes.append(status.code)
    assert "03" in codes
    assert await pair.client.waiting() == []


async def test_a_document_comes_down_from_the_other_gateway(pair: Pair) -> None:
    await pair.axis.world.send("H37.03", ["H37.31"])
    (data,) = await pair.pull()
    await pair.near.upload("H37.03", data)
    (taken,) = await pair.near.fetch("H37.31")
    assert taken.data == DOWN
    (delivery,) = await pair.axis.world.rows("documents_sent_by", sender="H37.03", limit=10)
    assert (delivery["state"], "token and secret key" in str(delivery["proof"])) == ("delivered", True)


async def test_a_large_document_passes_both_gateways_whole(pair: Pair) -> None:
    data = make_envelope("H37.31", ["H37.03"], files={"lon.pdf": PDF + bytes(8 * MEGABYTE)})
    await pair.near.upload("H37.31", data)
    assert await pair.push() == ["delivered"]
    (arrived,) = await pair.axis.world.fetch("H37.03")
    assert hashlib.sha256(arrived.data).digest() == hashlib.sha256(data).digest()


async def test_the_token_of_the_other_gateway_runs_out_and_nothing_is_lost(pair: Pair) -> None:
    await pair.near.send("H37.31", ["H37.03"])
    await pair.push()
    jump(pair.axis.world, 40 * MINUTE)  # only there: here it still seems to hold
    await pair.near.send("H37.31", ["H37.03"], number="2")
    assert await pair.push() == ["delivered"]
    assert len(await pair.axis.world.waiting("H37.03")) == 2


async def test_a_large_document_is_sent_again_whole_after_a_new_login(pair: Pair) -> None:
    await pair.client.waiting()
    jump(pair.axis.world, 40 * MINUTE)
    data = make_envelope("H37.31", ["H37.03"], files={"lon.pdf": PDF + bytes(30 * MEGABYTE)})
    await pair.near.upload("H37.31", data)
    assert await pair.push() == ["delivered"]
    (arrived,) = await pair.axis.world.fetch("H37.03")
    assert hashlib.sha256(arrived.data).digest() == hashlib.sha256(data).digest()


async def test_a_wrong_secret_keeps_the_document_until_a_person_mends_it(pair: Pair) -> None:
    await pair.connect(secret="sai")
    await pair.near.send("H37.31", ["H37.03"])
    assert await pair.push() == ["queued"]
    await pair.connect()
    jump(pair.near, 10 * MINUTE)
    assert await pair.push() == ["delivered"]
    assert len(await pair.axis.world.waiting("H37.03")) == 1


async def test_a_lost_answer_leads_to_one_delivery(pair: Pair) -> None:
    await pair.near.send("H37.31", ["H37.03"])
    first = await pair.client.deliver(UP)
    assert isinstance(first, Delivered)  # the near gateway died before it wrote that down
    assert await pair.push() == ["delivered"]
    assert len(await pair.axis.world.waiting("H37.03")) == 1


@pytest.mark.parametrize(
    ("sender", "to", "code"),
    [("H37.31", "H37.88", "axis.18"), ("H37.05", "H37.03", "axis.19")],
)
async def test_what_the_other_gateway_refuses_ends_and_the_sender_is_told(
    pair: Pair, sender: str, to: str, code: str
) -> None:
    only_here = Agency(AgencyCode("H37.88"), "Đơn vị chỉ có ở đây", "province", AgencyCode("H37"))
    await office.import_directory(pair.near.gw, LOCAL, DirectoryData((only_here,)), apply=True)
    settings = tuple((name, value) for name, value in pair.client.settings.items() if name != "secret")
    profile = Profile(AgencyCode("H37.88"), "langson_axis", settings)
    await office.set_profile(pair.near.gw, LOCAL, profile, pair.client.settings["secret"])
    await pair.near.send(sender, [to])
    assert await pair.push() == ["dead"]
    (dead,) = await pair.near.rows("documents_sent_by", sender=sender, limit=10)
    assert dead["reason_code"] == code
    (notice,) = await pair.near.waiting(sender)
    assert notice.kind == "status"


async def test_a_list_of_120000_agencies_is_read_row_by_row(pair: Pair) -> None:
    root = AgencyCode("H99")
    many = (Agency(AgencyCode(f"H99.{n:06d}"), f"Đơn vị số {n}", "outside", root) for n in range(120_000))
    pair.axis.world.gw.directory = Directory((*AGENCIES, Agency(root, "Tỉnh thử", "outside", None), *many))
    count = 0
    async for agency in pair.client.adapter.agencies(pair.client.settings):
        count += agency.code.startswith("H99.")
    assert count == 120_000
