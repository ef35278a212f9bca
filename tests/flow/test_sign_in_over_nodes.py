"""Signing in where several nodes share a PostgreSQL database: sessions and locks are everybody's."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.errors import NotAuthenticated, TooMany
from gateway.flow import accounts, sign_in
from gateway.flow.operate import LOCAL
from gateway.services import Services
from gateway.signature.keyring import Keyring
from gateway.store.people import Role
from tests.contract.things import OpenStore
from tests.world import make_world

Nodes = tuple[Services, Services]


@pytest.fixture
def engine() -> str:
    return "postgres"


@pytest.fixture
async def both(store_factory: OpenStore, tmp_path: Path) -> AsyncIterator[Nodes]:
    """Two nodes with the same keys."""
    first, second = await store_factory(), await store_factory()
    async with make_world(first, tmp_path / "a") as world:
        keys = Path(shutil.copytree(tmp_path / "a" / "keys", tmp_path / "b"))
        other = replace(world.gw, store=second, keyring=Keyring.open(keys), _revisions={})
        await other.refresh()
        yield world.gw, other


async def enter(gw: Services, login: str, password: str, source: str = "10.0.0.1") -> sign_in.SignedIn:
    return await sign_in.sign_in(gw, login, password, "", source, "trình duyệt")


async def fails(gw: Services, login: str, source: str = "10.0.0.1") -> None:
    with pytest.raises(NotAuthenticated):
        await enter(gw, login, "sai rồi", source)


async def test_a_session_begun_at_one_node_is_known_and_ended_at_another(both: Nodes) -> None:
    a, b = both
    made = await accounts.open_account(a, LOCAL, "lan", "Nguyễn Thị Lan", Role.OPERATOR, [])
    await b.refresh()
    entered = await enter(b, "lan", made.password)
    visitor = await sign_in.visitor_of(a, entered.token)
    assert visitor.account.login == "lan"
    await sign_in.sign_out(a, visitor.session)
    with pytest.raises(NotAuthenticated):
        await sign_in.visitor_of(b, entered.token)


@pytest.mark.parametrize("exists", [True, False])
async def test_guesses_at_two_nodes_lock_a_login_on_both(both: Nodes, exists: bool) -> None:
    a, b = both
    if exists:
        await accounts.open_account(a, LOCAL, "lan", "Nguyễn Thị Lan", Role.OPERATOR, [])
    for number in range(sign_in.FREE_FAILURES):
        await fails(both[number % 2], "lan")
    for gw in (a, b):
        with pytest.raises(TooMany) as locked:
            await enter(gw, "lan", "gì cũng vậy")
        assert locked.value.code == "sign_in.locked"


async def test_an_address_that_tries_all_nodes_is_stopped_on_all(both: Nodes) -> None:
    """Also when the guesses come side by side: each is counted."""
    tries = [fails(both[n % 2], f"người-{n}", "10.9.9.9") for n in range(sign_in.SOURCE_FAILURES)]
    await asyncio.gather(*tries)
    for gw in both:
        with pytest.raises(TooMany) as stopped:
            await enter(gw, "ai đó", "x", "10.9.9.9")
        assert stopped.value.code == "sign_in.source"
    await fails(both[0], "ai đó", "10.9.9.8")


async def test_what_was_typed_as_a_login_that_nobody_has_is_kept_nowhere(both: Nodes) -> None:
    """It may be a password in the wrong field."""
    a, _ = both
    await fails(a, "MậtKhẩuCủaTôi")
    name = a.keyring.tag("sign-in", "mậtkhẩucủatôi".encode()).hex()
    rows = await a.store.read(lambda tx: tx.all("door_failures", kind="login", name=name))
    assert len(rows) == 1
    assert await a.store.read(lambda tx: tx.all("door_failures", kind="login", name="mậtkhẩucủatôi")) == []
