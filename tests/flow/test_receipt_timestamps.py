"""Receipts are proved by the exchange log, whose checkpoints a real RFC 3161 service stamps over HTTP; no
document waits for it."""

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
from gateway.exchange_log.checkpoint import read_note, verify
from gateway.exchange_log.receipts import proved, stamped_bytes
from gateway.exchange_log.sequence import log_keys
from gateway.flow.receipts import receipt_proof
from gateway.model.verdict import Indication
from gateway.net import Net
from gateway.practice.pki import DemoPki, KeyKind
from gateway.practice.pki_http import Fault, PkiServers, TsaMistake
from gateway.signature.trust import TrustStore
from gateway.store import log
from gateway.store.contract import Store
from tests.world import World, make_envelope, make_world


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

    async def publish(self) -> None:
        """As the loop does it when a checkpoint is due."""
        await self.world.gw.sequencer.advance(publish=True)

    async def stamp(self) -> bool:
        """Publish what there is and have it stamped."""
        await self.publish()
        return await self.stamper().round()


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


async def test_many_receipts_take_one_token(bed: Bed) -> None:
    ids = await bed.send(12)
    assert await bed.stamp() is True
    assert bed.servers.requests == {"tsa": 1}
    gw, caller = bed.world.gw, bed.world.caller("H37")
    found = [await receipt_proof(gw, caller, receipt) for receipt in ids]
    assert {(one.judged.indication, one.judged.problem) for one in found} == {(Indication.PASSED, "")}
    assert len({one.attachment.token for one in found}) == 1
    assert len({one.attachment.leaf for one in found}) == 12


async def test_a_receipt_is_proved_through_the_event_that_names_it(bed: Bed) -> None:
    (receipt,) = await bed.send()
    await bed.stamp()
    gw, caller = bed.world.gw, bed.world.caller("H37")
    found = await receipt_proof(gw, caller, receipt)
    body = orjson.loads(found.attachment.event)
    assert (body["type"], body["receipt"]) == ("document.accepted", receipt)
    assert proved(found.jws, found.attachment, log_keys(gw.keyring)) is not None
    assert proved(found.jws + "A", found.attachment, log_keys(gw.keyring)) is None
    assert proved(found.jws, found.attachment, []) is None


async def test_a_supplementary_receipt_is_proved_by_the_delivery_that_it_added(bed: Bed) -> None:
    world = bed.world
    data = make_envelope("H37", ["H37.03", "H37.05"])
    await world.upload("H37", data, ["H37.03"])
    added = await world.upload("H37", data, ["H37.03", "H37.05"])
    await bed.stamp()
    found = await receipt_proof(world.gw, world.caller("H37"), added.receipt)
    body = orjson.loads(found.attachment.event)
    assert (body["type"], body["recipient"]) == ("delivery.queued", "H37.05")
    assert found.judged.indication is Indication.PASSED


async def test_a_status_has_a_receipt_that_is_proved(bed: Bed) -> None:
    world = bed.world
    await world.send("H37")
    (parcel,) = await world.fetch("H37.03")
    status = await world.report("H37.03", "03", parcel.item.document_id)
    await bed.stamp()
    found = await receipt_proof(world.gw, world.caller("H37.03"), status.receipt)
    assert orjson.loads(found.attachment.event)["type"] == "status.reported"


async def test_what_is_stamped_is_the_checkpoint_as_the_gateway_signed_it(bed: Bed) -> None:
    await bed.send()
    await bed.stamp()
    head = await bed.world.gw.store.read(log.stamped)
    assert head is not None
    assert stamped_bytes(head.note) == head.note.encode()
    assert len(verify(read_note(head.note), log_keys(bed.world.gw.keyring))) == 1


async def test_receipts_of_later_documents_get_a_token_of_their_own(bed: Bed) -> None:
    (first,) = await bed.send()
    await bed.stamp()
    second = (await bed.world.send("H37", number="9")).receipt
    await bed.stamp()
    await bed.stamp()
    gw, caller = bed.world.gw, bed.world.caller("H37")
    notes = [(await receipt_proof(gw, caller, one)).attachment.note for one in (first, second)]
    assert notes[0] != notes[1]
    assert bed.servers.requests == {"tsa": 2}  # nothing new: nothing is asked


async def test_a_service_that_is_down_delays_the_stamp_and_no_document(bed: Bed) -> None:
    await bed.servers.close("tsa")
    (receipt,) = await bed.send()
    await bed.publish()
    stamper = bed.stamper()
    waits = [stamper.wait_seconds]
    for _ in range(3):
        assert await stamper.round() is False
        waits.append(stamper.wait_seconds)
    assert waits == [60, 120, 240, 480]
    more = (await bed.world.send("H37", number="9")).receipt
    assert len(await bed.world.fetch("H37.03")) == 2
    caller = bed.world.caller("H37")
    found = await receipt_proof(bed.world.gw, caller, receipt)
    assert (found.judged.indication, found.judged.problem) == (Indication.INDETERMINATE, "timestamp.pending")
    await bed.servers.reopen("tsa")
    await bed.publish()
    await stamper.round()
    assert stamper.wait_seconds == 60
    assert bed.servers.requests == {"tsa": 1}  # the newest head covers what waited
    for one in (receipt, more):
        found = await receipt_proof(bed.world.gw, caller, one)
        assert found.judged.indication is Indication.PASSED


async def test_the_wait_has_a_longest(bed: Bed) -> None:
    await bed.servers.close("tsa")
    await bed.send()
    await bed.publish()
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
    await bed.publish()
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
    await bed.publish()
    bed.servers.knobs.tsa.fault = fault
    stamper = bed.stamper()
    await stamper.round()
    assert await is_pending(bed, receipt)
    bed.servers.knobs.tsa.fault = Fault.NONE
    await stamper.round()
    assert not await is_pending(bed, receipt)


async def is_pending(bed: Bed, receipt: str) -> bool:
    found = await receipt_proof(bed.world.gw, bed.world.caller("H37"), receipt)
    return found.judged.problem == "timestamp.pending"


async def test_before_the_first_checkpoint_a_receipt_says_that_it_waits(bed: Bed) -> None:
    (receipt,) = await bed.send()
    with pytest.raises(NotFound) as caught:
        await receipt_proof(bed.world.gw, bed.world.caller("H37"), receipt)
    assert caught.value.code == "log.pending"


async def test_after_a_crash_between_asking_and_keeping_the_head_is_stamped_again(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    (receipt,) = await bed.send()
    await bed.publish()

    def dies(*_: object) -> bool:
        raise RuntimeError("the machine lost power")

    with monkeypatch.context() as patch:
        patch.setattr(stamp.rows, "set_token", dies)
        with pytest.raises(RuntimeError):
            await bed.stamper().round()
    assert await is_pending(bed, receipt)
    await bed.stamper().round()
    assert not await is_pending(bed, receipt)


async def test_the_first_token_stays(bed: Bed) -> None:
    await bed.send()
    await bed.stamp()
    gw = bed.world.gw
    head = await gw.store.read(log.stamped)
    assert head is not None
    kept = await gw.store.write(lambda tx: log.set_token(tx, head.number, b"another", gw.clock.now()))
    assert kept is False
    assert await gw.store.read(log.stamped) == head


async def test_a_receipt_is_shown_to_its_sender_and_to_nobody_else(bed: Bed) -> None:
    (receipt,) = await bed.send()
    await bed.stamp()
    for stranger in ("H37.03", "H37.05"):
        with pytest.raises(NotFound) as caught:
            await receipt_proof(bed.world.gw, bed.world.caller(stranger), receipt)
        assert caught.value.code == "receipt.unknown"
    with pytest.raises(NotFound):
        await receipt_proof(bed.world.gw, bed.world.caller("H37"), "no-such-receipt")


async def test_without_a_service_the_log_proves_the_receipt_and_the_loop_ends(bed: Bed) -> None:
    (receipt,) = await bed.send()
    config = bed.world.gw.config
    bed.world.gw.config = config.model_copy(update={"trust": TrustSection()})
    await bed.publish()
    await bed.stamper().run()
    found = await receipt_proof(bed.world.gw, bed.world.caller("H37"), receipt)
    assert found.judged.problem == "timestamp.off"
    assert bed.servers.requests == {}


async def test_a_service_in_private_address_space_is_not_called_unless_allowed(bed: Bed) -> None:
    (receipt,) = await bed.send()
    await bed.publish()
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
        await bed.stamp()
        (service,) = (own.folder / "signers").glob("*.role")
        own.revoke(own.load(service.stem).certificate, local(bed.world.clock.now()) - timedelta(days=1))
        bed.world.gw.trust_store = TrustStore.load(own.trust_folder)
        found = await receipt_proof(bed.world.gw, bed.world.caller("H37"), receipt)
    assert (found.judged.indication, found.judged.problem) == (Indication.FAILED, "timestamp.path")
