"""Receipts get their timestamps from a real RFC 3161 service over HTTP, and no document waits for it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from gateway.clock import local
from gateway.config import Config, NetSection, TrustSection
from gateway.delivery import stamp
from gateway.delivery.stamp import Stamper
from gateway.errors import NotFound
from gateway.exchange_log.receipts import stamped_bytes
from gateway.flow.stamps import receipt_timestamp
from gateway.model.receipt import Receipt
from gateway.model.verdict import Indication
from gateway.net import Net
from gateway.practice.pki import DemoPki, KeyKind
from gateway.practice.pki_http import Fault, PkiServers, TsaMistake
from gateway.signature.trust import TrustStore
from gateway.store import messages, stamps
from gateway.store.contract import Store, Tx
from tests.world import World, make_world


@dataclass
class Bed:
    """A world whose gateway knows a timestamp service."""

    world: World
    servers: PkiServers
    net: Net

    def stamper(self) -> Stamper:
        """As after a restart."""
        return Stamper(self.world.gw, self.net)

    async def send(self, count: int = 1) -> list[str]:
        """Documents accepted; the ids of their receipts."""
        sent = [await self.world.send("H37", number=str(number)) for number in range(1, count + 1)]
        return [submission.receipt for submission in sent]

    async def unstamped(self) -> int:
        return await self.world.gw.store.read(stamps.count_unstamped)


@contextlib.asynccontextmanager
async def make_bed(store: Store, folder: Path, pki: DemoPki) -> AsyncIterator[Bed]:
    config = Config(net=NetSection(allow_private="127.0.0.0/8"))
    async with (
        make_world(store, folder, config=config, trust=pki.trust_folder) as world,
        PkiServers(pki, world.clock) as servers,
    ):
        trust = TrustSection(timestamp_url=servers.tsa_url)
        world.gw.config = config.model_copy(update={"trust": trust})
        net = Net(config.net.allow_private, 5)
        yield Bed(world, servers, net)
        await net.close()


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DemoPki:
    return DemoPki.create(tmp_path_factory.mktemp("pki") / "var", key=KeyKind.P256)


@pytest.fixture
async def bed(store: Store, tmp_path: Path, pki: DemoPki) -> AsyncIterator[Bed]:
    async with make_bed(store, tmp_path, pki) as made:
        yield made


def add_receipts(tx: Tx, world: World, message: str, count: int) -> list[str]:
    ids = []
    for number in range(count):
        at = world.clock.now()
        receipt = Receipt(
            world.gw.new_id(), "g", message, "H37", "d", "new", "", "", at, "accept", ("H37.03",)
        )
        messages.add_receipt(tx, receipt, f"header.{number}.signature")
        ids.append(receipt.id)
    return ids


async def test_three_hundred_receipts_take_one_token(bed: Bed) -> None:
    world = bed.world
    (message,) = [(await world.send("H37")).message]
    ids = await world.gw.store.write(lambda tx: add_receipts(tx, world, message, 299))
    assert await bed.stamper().round() is False
    assert bed.servers.requests == {"tsa": 1}
    assert await bed.unstamped() == 0
    caller = world.caller("H37")
    found = [await receipt_timestamp(world.gw, caller, receipt) for receipt in ids]
    assert {(one.judged.indication, one.judged.problem) for one in found} == {(Indication.PASSED, "")}
    assert {(one.attachment.size, one.attachment.token) for one in found} == {
        (300, found[0].attachment.token)
    }
    assert len({one.attachment.leaf for one in found}) == 299


async def test_the_event_says_what_was_stamped(bed: Bed) -> None:
    await bed.send(3)
    await bed.stamper().round()
    assert (await bed.world.event_types()).count("receipts.stamped") == 1


async def test_receipts_of_later_documents_get_a_token_of_their_own(bed: Bed) -> None:
    (first,) = await bed.send()
    stamper = bed.stamper()
    await stamper.round()
    second = (await bed.world.send("H37", number="9")).receipt
    await stamper.round()
    await stamper.round()
    gw, caller = bed.world.gw, bed.world.caller("H37")
    roots = [(await receipt_timestamp(gw, caller, one)).attachment.root for one in (first, second)]
    assert roots[0] != roots[1]
    assert bed.servers.requests == {"tsa": 2}  # nothing waits: nothing is asked


async def test_a_service_that_is_down_delays_the_stamp_and_no_document(bed: Bed) -> None:
    await bed.servers.close("tsa")
    (receipt,) = await bed.send()
    stamper = bed.stamper()
    waits = [stamper.wait_seconds]
    for _ in range(3):
        assert await stamper.round() is False
        waits.append(stamper.wait_seconds)
    assert waits == [60, 120, 240, 480]
    more = (await bed.world.send("H37", number="9")).receipt
    assert len(await bed.world.fetch("H37.03")) == 2
    caller = bed.world.caller("H37")
    with pytest.raises(NotFound) as caught:
        await receipt_timestamp(bed.world.gw, caller, receipt)
    assert caught.value.code == "timestamp.pending"
    await bed.servers.reopen("tsa")
    await stamper.round()
    await stamper.round()
    assert stamper.wait_seconds == 60
    for one in (receipt, more):
        found = await receipt_timestamp(bed.world.gw, caller, one)
        assert found.judged.indication is Indication.PASSED


async def test_the_wait_has_a_longest(bed: Bed) -> None:
    await bed.servers.close("tsa")
    await bed.send()
    stamper = bed.stamper()
    for _ in range(9):
        await stamper.round()
    assert stamper.wait_seconds == 3600


@pytest.mark.parametrize(
    "mistake",
    [
        TsaMistake.IMPRINT,
        TsaMistake.NONCE,
        TsaMistake.NO_NONCE,
        TsaMistake.EXPIRED,
        TsaMistake.WRONG_USAGE,
        TsaMistake.STRANGER,
        TsaMistake.BAD_SIGNATURE,
        TsaMistake.REFUSED,
    ],
)
async def test_a_mistaken_token_is_not_kept_and_asked_for_again(bed: Bed, mistake: TsaMistake) -> None:
    (receipt,) = await bed.send()
    bed.servers.knobs.tsa.mistake = mistake
    stamper = bed.stamper()
    await stamper.round()
    assert await is_pending(bed, receipt)
    bed.servers.knobs.tsa.mistake = TsaMistake.NONE
    await stamper.round()
    assert not await is_pending(bed, receipt)
    assert bed.servers.requests == {"tsa": 2}


@pytest.mark.parametrize(
    "fault",
    [fault for fault in Fault if fault is not Fault.NONE],
)
async def test_a_broken_answer_is_not_kept_and_asked_for_again(bed: Bed, fault: Fault) -> None:
    (receipt,) = await bed.send()
    bed.servers.knobs.tsa.fault = fault
    stamper = bed.stamper()
    await stamper.round()
    assert await is_pending(bed, receipt)
    bed.servers.knobs.tsa.fault = Fault.NONE
    await stamper.round()
    assert not await is_pending(bed, receipt)


async def is_pending(bed: Bed, receipt: str) -> bool:
    try:
        await receipt_timestamp(bed.world.gw, bed.world.caller("H37"), receipt)
    except NotFound as problem:
        return problem.code == "timestamp.pending"
    return False


async def test_after_a_crash_between_commit_and_asking_the_same_head_is_stamped(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bed.send(3)

    async def dies(self: Stamper, one: stamps.Stamp) -> str:
        raise RuntimeError("the machine lost power")

    with monkeypatch.context() as patch:
        patch.setattr(Stamper, "_have_stamped", dies)
        with pytest.raises(RuntimeError):
            await bed.stamper().round()
    waiting = await bed.world.gw.store.read(stamps.waiting)
    assert waiting is not None
    late = (await bed.world.send("H37", number="9")).receipt
    asked: list[bytes] = []
    make_request = stamp.make_request
    monkeypatch.setattr(
        stamp, "make_request", lambda data, nonce: asked.append(data) or make_request(data, nonce)
    )
    await bed.stamper().round()
    assert asked == [stamped_bytes(3, waiting.root)]
    assert await is_pending(bed, late)


async def test_a_full_batch_says_that_more_may_wait(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stamp, "MOST_RECEIPTS", 2)
    await bed.send(5)
    stamper = bed.stamper()
    assert [await stamper.round() for _ in range(4)] == [True, True, False, False]
    assert await bed.unstamped() == 0
    assert bed.servers.requests == {"tsa": 3}


async def test_two_processes_never_put_a_receipt_into_two_trees(bed: Bed) -> None:
    await bed.send(2)
    gw = bed.world.gw
    found = await gw.store.read(lambda tx: stamps.unstamped(tx, 9))
    leaves = [stamps.Leaf(receipt, bytes(32)) for receipt, _ in found]
    ours = stamps.Stamp(gw.new_id(), 2, bytes(32), gw.clock.now())
    theirs = stamps.Stamp(gw.new_id(), 2, bytes(32), gw.clock.now())
    await gw.store.write(lambda tx: stamps.add(tx, ours, leaves))
    with pytest.raises(stamps.Taken):
        await gw.store.write(lambda tx: stamps.add(tx, theirs, leaves))
    waiting = await gw.store.read(stamps.waiting)
    assert waiting == ours


async def test_the_first_token_stays(bed: Bed) -> None:
    await bed.send()
    await bed.stamper().round()
    gw = bed.world.gw
    rows = await bed.world.rows("events_after", at=0, id="", limit=100)
    (event,) = [orjson.loads(bytes(r["body"])) for r in rows if r["type"] == "receipts.stamped"]  # type: ignore[arg-type]
    kept = await gw.store.write(lambda tx: stamps.set_token(tx, event["stamp"], b"another", gw.clock.now()))
    assert kept is False
    assert event["receipts"] == 1
    assert event["authority"].startswith("CN=TSA")


async def test_a_receipt_is_shown_to_its_sender_and_to_nobody_else(bed: Bed) -> None:
    (receipt,) = await bed.send()
    await bed.stamper().round()
    for stranger in ("H37.03", "H37.05"):
        with pytest.raises(NotFound) as caught:
            await receipt_timestamp(bed.world.gw, bed.world.caller(stranger), receipt)
        assert caught.value.code == "receipt.unknown"
    with pytest.raises(NotFound):
        await receipt_timestamp(bed.world.gw, bed.world.caller("H37"), "no-such-receipt")


async def test_without_a_service_a_receipt_says_so_and_the_loop_ends(bed: Bed) -> None:
    (receipt,) = await bed.send()
    config = bed.world.gw.config
    bed.world.gw.config = config.model_copy(update={"trust": TrustSection()})
    await bed.stamper().run()
    with pytest.raises(NotFound) as caught:
        await receipt_timestamp(bed.world.gw, bed.world.caller("H37"), receipt)
    assert caught.value.code == "timestamp.off"
    assert bed.servers.requests == {}


async def test_a_service_in_private_address_space_is_not_called_unless_allowed(bed: Bed) -> None:
    (receipt,) = await bed.send()
    net = Net("", 5)
    await Stamper(bed.world.gw, net).round()
    await net.close()
    assert bed.servers.requests == {}
    assert await is_pending(bed, receipt)


async def test_a_revoked_service_is_seen_when_the_receipt_is_shown(store: Store, tmp_path: Path) -> None:
    """The token is judged each time with what is known then."""
    own = DemoPki.create(tmp_path / "var", key=KeyKind.P256)
    async with make_bed(store, tmp_path, own) as bed:
        (receipt,) = await bed.send()
        await bed.stamper().round()
        (service,) = (own.folder / "signers").glob("*.role")
        own.revoke(own.load(service.stem).certificate, local(bed.world.clock.now()) - timedelta(days=1))
        bed.world.gw.trust_store = TrustStore.load(own.trust_folder)
        found = await receipt_timestamp(bed.world.gw, bed.world.caller("H37"), receipt)
    assert (found.judged.indication, found.judged.problem) == (Indication.FAILED, "timestamp.path")
