"""What is kept about other gateways, on both engines."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gateway.flow import office
from gateway.flow.door import authenticate, receive
from gateway.flow.operate import LOCAL
from gateway.flow.peers import submit_from
from gateway.model.text import AgencyCode
from gateway.store import peers
from gateway.store.people import Role, Scope
from tests.world import World, make_envelope


async def chunks(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def keep_answer(world: World, delivery: str, answer: str) -> None:
    at = world.gw.clock.now()
    await world.gw.store.write(lambda tx: peers.keep_answer(tx, delivery, answer, at))


async def test_the_way_of_a_message_is_kept_and_a_repeat_does_not_change_it(world: World) -> None:
    data = make_envelope()
    for way in (["truc-xa", "trục huyện"], ["khac"]):
        upload = await receive(world.gw, chunks(data))
        done = await submit_from(world.gw, world.caller("H37"), upload, way)
    kept = await world.gw.store.read(lambda tx: peers.way_of(tx, done.message))
    assert kept == ("truc-xa", "trục huyện")


async def test_a_message_that_came_from_no_gateway_has_no_way(world: World) -> None:
    done = await world.send()
    assert await world.gw.store.read(lambda tx: peers.way_of(tx, done.message)) == ()


async def test_the_first_answer_to_a_delivery_stays(world: World) -> None:
    await world.send()
    (item,) = await world.waiting("H37.03")
    for answer in ('{"receipt": 1}', '{"receipt": 2}'):
        await keep_answer(world, item.delivery, answer)
    assert await world.gw.store.read(lambda tx: peers.answer_of(tx, item.delivery)) == '{"receipt": 1}'
    assert await world.gw.store.read(lambda tx: peers.addressed_as(tx, item.delivery)) == "H37.03"


async def test_scopes_of_a_gateway_are_read_back_and_follow_the_directory(world: World) -> None:
    scopes = [Scope(AgencyCode("H37.31")), Scope(AgencyCode("H37"), outside=True)]
    principal = await office.add_principal(world.gw, LOCAL, "Trục huyện", Role.SYSTEM, (), scopes)
    key = await office.issue_api_key(world.gw, LOCAL, principal.id)
    assert authenticate(world.gw, key).agencies == {"H37.31", "H37.31.21"}
