"""The control socket: only for this user, on any path, and errors arrive as what they were."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from gateway.errors import BadRequest, NotFound, NotPermitted, NotReady, WrongState
from gateway.web import control
from gateway.web.control import serve_control
from gateway.web.control_call import SOCKET, NoServer, call_control
from tests.world import World


@pytest.fixture
async def home(world: World) -> AsyncIterator[Path]:
    async with serve_control(world.gw, world.home):
        yield world.home


async def test_an_operation_runs_on_the_server(home: Path) -> None:
    found = await call_control(home, "directory.resolve", {"code": "000.00.03.H37"})
    assert (found["code"], found["name"]) == ("H37.03", "Sở Thông tin và Truyền thông")


async def test_a_change_is_seen_by_the_running_gateway_at_once(world: World, home: Path) -> None:
    made = await call_control(home, "agency.add_system", {"name": "QLVB Sở Y tế", "agencies": ["H37.05"]})
    assert made["api_key"].startswith("gw_")
    assert world.gw.people.principal(made["principal"]["id"]) is not None


async def test_an_error_of_an_operation_is_raised_here(world: World, home: Path) -> None:
    with pytest.raises(NotFound) as unknown:
        await call_control(home, "directory.resolve", {"code": "H99"})
    assert unknown.value.code == "agency.unknown"
    assert "H99" in unknown.value.text.vi
    await world.send()
    [item] = await world.waiting("H37.03")
    with pytest.raises(WrongState):
        await call_control(home, "queue.release", {"delivery_id": item.delivery, "reason": "thử"})


@pytest.mark.parametrize(
    ("operation", "arguments", "code"),
    [
        ("no.such", {}, "operation.unknown"),
        ("directory.resolve", {}, "operation.argument"),
        ("directory.resolve", {"code": "H37", "wrong": 1}, "operation.argument"),
    ],
)
async def test_a_wrong_call_is_named(
    home: Path, operation: str, arguments: dict[str, object], code: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        await call_control(home, operation, arguments)
    assert caught.value.code == code


async def test_what_is_no_call_is_malformed(home: Path) -> None:
    connector = aiohttp.UnixConnector(str(home / SOCKET))
    async with aiohttp.ClientSession(connector=connector) as session:
        for body in (b"rubbish", b"[]", b'{"operation": "status"}', b'{"operation": 1, "arguments": {}}'):
            async with session.post("http://control/run", data=body) as response:
                assert response.status == 400


async def test_only_the_owner_may_open_the_socket(home: Path) -> None:
    mode = (home / SOCKET).stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600


async def test_a_peer_of_another_user_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_user_of", lambda peer: os.geteuid() + 4711)
    with pytest.raises(NotPermitted):
        await call_control(home, "status", {})


async def test_the_kernel_names_the_user_of_a_peer() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert control._user_of(ours) == os.geteuid()


async def test_a_home_folder_may_have_a_long_path(world: World, tmp_path: Path) -> None:
    home = tmp_path / ("sâu-" * 20) / ("sâu-" * 20) / ("sâu-" * 20)
    home.mkdir(parents=True)
    assert len(os.fsencode(home)) > 200
    before = Path.cwd()
    async with serve_control(world.gw, home):
        assert (await call_control(home, "status", {}))["clock"]["source"] == "scenario"
        assert Path.cwd() == before


async def test_the_socket_is_gone_when_the_server_is(world: World, tmp_path: Path) -> None:
    async with serve_control(world.gw, tmp_path):
        assert (tmp_path / SOCKET).exists()
    assert not (tmp_path / SOCKET).exists()
    with pytest.raises(NoServer):
        await call_control(tmp_path, "status", {})


async def test_the_socket_of_a_server_that_died_is_replaced(world: World, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / SOCKET))
    with pytest.raises(NoServer):
        await call_control(tmp_path, "status", {})
    async with serve_control(world.gw, tmp_path):
        assert (await call_control(tmp_path, "key.list", {}))[0]["current"] is True


async def test_a_second_server_does_not_take_the_socket_over(world: World, home: Path) -> None:
    with pytest.raises(NotReady) as caught:
        async with serve_control(world.gw, home):
            pass
    assert caught.value.code == "home.in_use"
    assert (await call_control(home, "status", {}))["store"]["engine"] == "sqlite"


async def test_without_a_home_folder_there_is_no_server(tmp_path: Path) -> None:
    with pytest.raises(NoServer):
        await call_control(tmp_path / "none", "status", {})
