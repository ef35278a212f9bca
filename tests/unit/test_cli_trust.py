"""``gateway trust`` and what ``doctor`` says of revocation, with and without a running server."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway import app
from gateway.cli.trust import _quiet
from gateway.clock import SystemClock
from gateway.config import load
from gateway.delivery.revocation import RevocationKeeper
from gateway.practice.pki import START, DemoPki, KeyKind, Knobs
from gateway.practice.pki_http import PkiServers
from tests.unit.cli_world import Commands

P256 = Knobs(key=KeyKind.P256)


@dataclass
class Scene:
    """An installation that trusts a CA, and the CA's servers."""

    commands: Commands
    pki: DemoPki
    servers: PkiServers

    async def want(self) -> None:
        """A verdict needs the CRL of the issuing CA; the wish is written down, and nobody asked yet."""
        home = self.commands.home
        gw = await app.open_services(home, load(home), SystemClock(), "test")
        knobs = replace(P256, crl_url=self.servers.crl_url)
        person = self.pki.issue_person("H37", "UBND tỉnh", "Người ký", knobs)
        gw.trust_store.check_path(person.certificate, [], gw.clock.now())
        keeper = RevocationKeeper(gw, None)  # type: ignore[arg-type]  # it is not to call anybody
        await keeper._keep_wishes(gw.clock.now())
        await gw.close()

    async def json(self, *words: str) -> tuple[int, Any]:
        """A command on a thread, while the servers of this loop answer."""
        return await asyncio.to_thread(self.commands.json, *words)


@pytest.fixture
async def scene(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Scene]:
    monkeypatch.setenv("GATEWAY_NET_ALLOW_PRIVATE", "127.0.0.0/8")
    monkeypatch.setenv("GATEWAY_SERVER_PORT", "0")
    commands = Commands(tmp_path / "home", capsys)
    await asyncio.to_thread(commands.done, "init")
    pki = DemoPki.create(tmp_path / "pki", key=KeyKind.P256)
    for file in ("root.crt.pem", "issuing.crt.pem", "root.crl.pem"):
        shutil.copy(pki.trust_folder / file, commands.home / "trust")
    async with PkiServers(pki) as servers:
        with _quiet():  # a server in this process would log to standard output
            yield Scene(commands, pki, servers)


async def test_list_shows_anchors_crls_and_sources(scene: Scene) -> None:
    await scene.want()
    _, answer = await scene.json("trust", "list")
    assert [one["file"] for one in answer["anchors"]] == ["root.crt.pem"]
    assert answer["anchors"][0]["revocation"] == "published"
    assert len(answer["intermediates"]) == 1
    assert [(one["file"], one["standing"]) for one in answer["crls"]] == [("root.crl.pem", "fresh")]
    [source] = answer["sources"]
    assert (source["url"], source["standing"], source["in_use"]) == (scene.servers.crl_url, "none", True)


async def test_list_for_people_names_the_address(scene: Scene) -> None:
    await scene.want()
    code, out, _ = await asyncio.to_thread(scene.commands.run, "trust", "list")
    assert code == 0
    assert "127.0.0.1" in out
    assert "chưa có" in out


async def test_refresh_asks_now_without_a_server(scene: Scene) -> None:
    await scene.want()
    code, answer = await scene.json("trust", "refresh")
    assert (code, answer["sources"][0]["standing"]) == (0, "fresh")
    assert scene.servers.requests == {"crl": 1}


async def test_refresh_asks_through_the_running_server(scene: Scene) -> None:
    await scene.want()
    home = scene.commands.home
    async with app.running(home, load(home), SystemClock()):
        code, answer = await scene.json("trust", "refresh")
        assert (code, answer["sources"][0]["standing"]) == (0, "fresh")
        before = scene.servers.requests["crl"]
        await scene.json("trust", "refresh")
        assert scene.servers.requests["crl"] == before + 1


async def test_source_that_fails_shows_in_refresh_and_in_doctor(scene: Scene) -> None:
    await scene.want()
    await scene.servers.close("crl")
    code, answer = await scene.json("trust", "refresh")
    assert code == 1
    assert answer["sources"][0]["problem"] == "unreachable.connect.refused"
    assert answer["sources"][0]["problem_text"]["vi"] == "không trả lời"
    _, report = await scene.json("doctor")
    [line] = [line for line in report["lines"] if line["topic"] == "revocation"]
    assert scene.servers.crl_url in line["vi"]
    assert "gateway trust refresh" in line["vi"]


async def test_doctor_says_which_crl_of_the_folder_is_out_of_date(scene: Scene) -> None:
    scene.pki.publish_crls(START, datetime.now(UTC).replace(microsecond=0) - timedelta(days=1))
    shutil.copy(scene.pki.trust_folder / "root.crl.pem", scene.commands.home / "trust")
    _, report = await scene.json("doctor")
    [line] = [line for line in report["lines"] if line["topic"] == "revocation"]
    assert "root.crl.pem" in line["vi"]
    assert "đã quá hạn" in line["vi"]
