"""Two nodes on one PostgreSQL database do the same thing at one moment: what was promised holds, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from gateway.compliance import operations as compliance
from gateway.config import Config
from gateway.delivery.worker import claim_due
from gateway.errors import DuplicateConflict, GatewayError, WrongState
from gateway.flow import hold, inbox
from gateway.flow.operate import LOCAL
from gateway.flow.submit import Submission
from gateway.model.delivery import State
from gateway.model.text import Instant
from gateway.services import Services
from gateway.signature.keyring import Keyring
from gateway.signature.revocation_cache import RevocationCache
from gateway.signature.trust import TrustStore
from gateway.store import deliveries, payloads
from gateway.store.blobs import Blobs
from gateway.store.contract import Store, Tx
from gateway.store.payloads import StoredPayload
from tests.contract.things import OpenStore
from tests.world import KINDS, World, make_envelope, make_world

T = TypeVar("T")
ROUNDS = 8
SHA = b"\x01" * 32
MINE, THEIRS = StoredPayload(SHA, 1, b"mine", None, b"x"), StoredPayload(SHA, 1, b"theirs", None, b"x")
AT, LATER = Instant(1), Instant(2)


@pytest.fixture(params=["postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@dataclass
class Nodes:
    """Two nodes with the same keys and the same payload folder, each with a store of its own."""

    one: World
    two: World

    async def both(self, first: Callable[[World], object], second: Callable[[World], object]) -> list[object]:
        """One call on each node, begun together; what came out, errors too."""
        return list(
            await asyncio.gather(first(self.one), second(self.two), return_exceptions=True)  # type: ignore[call-overload]
        )


@pytest.fixture
async def nodes(store_factory: OpenStore, tmp_path: Path) -> AsyncIterator[Nodes]:
    first, second = await store_factory(), await store_factory()
    async with make_world(first, tmp_path) as one:
        revocation = RevocationCache()
        gw = Services(
            config=Config(),
            clock=one.clock,
            store=second,
            blobs=Blobs(tmp_path / "payloads"),
            keyring=Keyring.open(tmp_path / "keys"),
            trust_store=TrustStore.load(tmp_path / "trust", (revocation,)),
            revocation=revocation,
            kinds=KINDS,
            operations=compliance.OPERATIONS,
        )
        await gw.refresh()
        yield Nodes(one, World(gw, one.clock, tmp_path))
        await gw.pdf_workers.close()
        gw.threads.shutdown(wait=True)
        gw.disk_threads.shutdown(wait=True)
        gw.blobs.close()


def hands_in(data: bytes) -> Callable[[World], object]:
    return lambda world: world.upload("H37", data)


async def only(world: World, submission: Submission) -> dict[str, object]:
    """The one delivery of a submission's document."""
    [row] = [
        row for row in await world.rows("deliveries_of_document", document=submission.document)
        if row["kind"] != "status"
    ]  # fmt: skip
    return row


async def test_the_same_bytes_at_both_nodes_get_one_receipt(nodes: Nodes) -> None:
    for number in range(ROUNDS):
        data = make_envelope("H37", ["H37.03"], number=str(number))
        outcomes = await nodes.both(hands_in(data), hands_in(data))
        receipts = {one.receipt for one in outcomes if isinstance(one, Submission)}
        assert len(receipts) == 1, outcomes
        assert [one for one in outcomes if not isinstance(one, Submission)] == []
    assert len(await nodes.one.waiting("H37.03")) == ROUNDS


async def test_one_document_id_with_two_contents_is_taken_once(nodes: Nodes) -> None:
    for number in range(ROUNDS):
        mine = make_envelope("H37", ["H37.03"], number=str(number), subject="Về việc thứ nhất")
        theirs = make_envelope("H37", ["H37.03"], number=str(number), subject="Về việc thứ hai")
        outcomes = await nodes.both(hands_in(mine), hands_in(theirs))
        kinds = sorted(type(one).__name__ for one in outcomes)
        assert kinds == [DuplicateConflict.__name__, Submission.__name__], outcomes
    assert len(await nodes.one.waiting("H37.03")) == ROUNDS


@pytest.mark.parametrize("step", ["fetch", "done"])
async def test_a_recall_beside_a_recipient_agrees_with_it_on_what_happened(nodes: Nodes, step: str) -> None:
    """Either it was withdrawn and the recipient got nothing, or the recipient has it and is asked."""
    for number in range(ROUNDS):
        sent = await nodes.one.send("H37", number=str(number))
        row = await only(nodes.one, sent)
        delivery, document_id = str(row["id"]), str(row["document_id"])
        if step == "done":
            await nodes.one.fetch("H37.03", done=False)
        taken, asked = await nodes.both(
            lambda world, d=delivery: take(world, d, step),  # type: ignore[misc]
            lambda world, d=document_id: world.report("H37", "13", d, about="H37.03"),  # type: ignore[misc]
        )
        assert isinstance(asked, Submission), asked
        [recall] = await nodes.two.rows("recalls_of_document", document=sent.document)
        after = await only(nodes.two, sent)
        got_nothing = isinstance(taken, GatewayError) and after["fetched_at"] is None
        assert (recall["state"] == "withdrawn") == got_nothing, (recall["state"], taken)
        assert recall["state"] in ("withdrawn", "asked")
        assert (after["state"] == "cancelled") == got_nothing


async def take(world: World, delivery: str, step: str) -> object:
    """What the recipient's system does."""
    caller = world.caller("H37.03")
    if step == "done":
        return await inbox.done(world.gw, caller, delivery)
    parcel = await inbox.fetch(world.gw, caller, delivery)
    return b"".join([chunk async for chunk in parcel.chunks])


async def test_a_delivery_that_one_node_claims_and_a_person_holds_goes_one_way(nodes: Nodes) -> None:
    for number in range(ROUNDS):
        sent = await nodes.one.send("H37", to=["H37.05"], number=str(number))
        row = await only(nodes.one, sent)
        await nodes.one.gw.store.write(
            lambda tx, to=row["destination"]: deliveries.reconnect(
                tx, to, "webhook", False, nodes.one.clock.now()
            )  # type: ignore[misc,arg-type]
        )
        claimed, held = await nodes.both(
            lambda world: world.gw.store.write(lambda tx: claim_due(tx, world.gw, 5)),
            lambda world, d=row["id"]: hold.hold(world.gw, LOCAL, str(d), "xem lại nơi nhận"),  # type: ignore[misc]
        )
        after = await only(nodes.one, sent)
        if isinstance(held, WrongState):
            assert (after["state"], len(claimed)) == ("queued", 1)  # type: ignore[arg-type]
        else:
            assert after["state"] == State.HELD.value, held
            assert after["lease"] is None


async def interleaved(
    first: Store, second: Store, begins: Callable[[Tx], object], meanwhile: Callable[[Tx], T]
) -> T:
    """``begins`` on one node is not committed yet when ``meanwhile`` starts on the other, and then is."""
    loop, inside, go_on = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def unit(tx: Tx) -> None:
        begins(tx)
        loop.call_soon_threadsafe(inside.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result()

    beginning = asyncio.create_task(first.write(unit))
    await inside.wait()
    other = asyncio.create_task(second.write(meanwhile))
    await asyncio.sleep(0.2)
    go_on.set()
    await beginning
    return await other


async def test_a_payload_that_one_node_lets_go_while_another_keeps_it_stays_readable(nodes: Nodes) -> None:
    """Else the second node throws its bytes away for a row whose key is gone: an accepted message is lost."""
    first, second = nodes.one.gw.store, nodes.two.gw.store
    await first.write(lambda tx: payloads.keep(tx, MINE, AT))
    ours = await interleaved(
        first,
        second,
        lambda tx: payloads.release(tx, SHA, LATER, LATER),
        lambda tx: payloads.keep(tx, THEIRS, LATER),
    )
    kept = await first.read(lambda tx: payloads.find(tx, SHA))
    assert kept is not None
    assert (ours, kept.wrapped_key) == (True, b"theirs")


async def test_a_payload_that_one_node_keeps_while_another_lets_go_is_not_destroyed(nodes: Nodes) -> None:
    first, second = nodes.one.gw.store, nodes.two.gw.store
    await first.write(lambda tx: payloads.keep(tx, MINE, AT))
    gone = await interleaved(
        first,
        second,
        lambda tx: payloads.keep(tx, THEIRS, LATER),
        lambda tx: payloads.release(tx, SHA, LATER, LATER),
    )
    kept = await first.read(lambda tx: payloads.find(tx, SHA))
    assert gone is None
    assert kept is not None
    assert kept.wrapped_key == b"mine"


async def test_two_nodes_let_go_of_the_last_two_references_and_it_is_destroyed_once(nodes: Nodes) -> None:
    first, second = nodes.one.gw.store, nodes.two.gw.store
    for _ in range(2):
        await first.write(lambda tx: payloads.keep(tx, MINE, AT))
    gone = await interleaved(
        first,
        second,
        lambda tx: payloads.release(tx, SHA, LATER, LATER),
        lambda tx: payloads.release(tx, SHA, LATER, LATER),
    )
    assert gone == MINE
    kept = await first.read(lambda tx: payloads.find(tx, SHA))
    assert kept is not None
    assert kept.wrapped_key is None
