"""The demo: a week of exchange over real HTTP, and figures that would notice a loss."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from gateway.cli import main
from gateway.clock import ScenarioClock, from_datetime
from gateway.errors import NotReady
from gateway.practice import province
from gateway.practice.demo import played
from gateway.practice.demo_home import MARKER, make_folder
from gateway.practice.demo_people import open_console
from gateway.practice.demo_tally import tally
from gateway.practice.scenario import HABITS, MINISTRY, START, YOURS, Fault
from gateway.practice.scenario_letters import AT_THE_GATE, LETTERS, NINE
from gateway.store.people import Role

ROOT = Path(__file__).resolve().parent.parent.parent


def run_demo(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway", "demo", "--home", str(home), "--port", str(unused_port()), *words],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "GATEWAY_HOME"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def unused_port() -> int:
    """Another test run on this machine may be looking for one from 8080 on, too."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def quiet(what: str, done: int, of: int) -> None:
    """Nobody watches the progress."""


def test_the_week_is_played_and_every_document_arrives(tmp_path: Path) -> None:
    ended = run_demo(tmp_path / "demo", "--once", "--json")
    assert ended.returncode == 0, ended.stderr
    figures = json.loads(ended.stdout.splitlines()[-1])
    withdrawn = 1  # the office that nobody plays never came for it
    deliveries = sum(len(letter.recipients) for letter in LETTERS) - withdrawn
    assert figures["documents"] == len(LETTERS)
    assert figures["deliveries"] == figures["delivered"] == figures["acknowledged"] == deliveries
    assert (figures["lost"], figures["duplicated"]) == (0, 0)
    assert figures["refused_by_recipient"] == 1
    assert (figures["axis_up"], figures["axis_down"]) == (1, 1)
    assert (figures["recalled"], figures["given_back"], figures["withdrawn"]) == (1, 2, withdrawn)
    assert figures["refused_at_gate"] == len(AT_THE_GATE) == 4
    assert 0 < figures["seconds"] < 100
    for level in ("province", "district", "commune"):
        assert figures["levels"][level]["sent"] > 0
        assert figures["levels"][level]["received"] > 0
    refused = {refusal["fault"]: refusal for refusal in figures["refusals"]}
    assert {name: refusal["code"] for name, refusal in refused.items()} == {
        fault.name.lower(): fault.value for fault in Fault
    }
    for refusal in refused.values():
        assert refusal["vi"] != refusal["en"]
    card = figures["scorecard"]
    assert (card["period"]["from"], card["period"]["to"]) == ("2020-04-13", "2020-04-19")
    by_level = {line["scope"]: line["counts"] for line in card["lines"]}
    assert by_level["all"]["D.sent"] == sum(by_level[one]["D.sent"] for one in by_level if one != "all")
    rates = {rate["key"]: rate for rate in card["lines"][0]["rates"]}
    assert rates["K9"]["text"].startswith("100,0 %")  # by construction: the gate lets nothing worse pass
    assert rates["K9f"]["numerator"] < rates["K9f"]["denominator"]  # so first submissions are counted too
    *containers, keys = figures["evidence"]
    assert len(containers) == 3
    for container in containers:
        assert main(["evidence", "verify", container, "--key", keys, "--home", str(tmp_path / "none")]) == 0


def test_people_get_tables_and_a_second_run_makes_the_folder_anew(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    make_folder(home, 8080, ScenarioClock(from_datetime(START)))
    (home / "left-behind").write_text("from the last run")
    ended = run_demo(home, "--once")
    assert ended.returncode == 0, ended.stderr
    assert not (home / "left-behind").exists()
    for letter in NINE:
        assert letter.code in ended.stdout
    assert "thiếu phụ lục" in ended.stdout  # the recipient's reason
    assert "Trục không chuyển" in ended.stdout
    assert "kiểm tra" in ended.stdout  # a stage


async def test_three_persons_sign_in_with_passwords_of_this_run(tmp_path: Path) -> None:
    async with played(tmp_path / "demo", None, quiet) as week:
        logins = await open_console(week)
        assert [one.part.role for one in logins] == [Role.OPERATOR, Role.AUDITOR, Role.CLERK]
        assert len({one.password for one in logins}) == 3
        for one in logins:
            assert await lands(week.url, one.part.login, one.password) == BEGINS[one.part.role]
            assert await lands(week.url, one.part.login, one.password + "x") is None


BEGINS = {
    Role.OPERATOR: "/console/overview",
    Role.AUDITOR: "/console/overview",
    Role.CLERK: "/console/desk",
}


async def lands(url: str, login: str, password: str) -> str | None:
    """The first page after the door; ``None``: it stayed shut."""
    jar = aiohttp.CookieJar(unsafe=True)  # the host is an IP address
    async with aiohttp.ClientSession(cookie_jar=jar) as browser:
        form = {"login": login, "password": password}
        async with browser.post(f"{url}/console/sign-in", data=form) as answer:
            return answer.url.path if answer.status == 200 else None


def test_a_folder_that_is_no_demo_is_never_deleted(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("keep")
    ended = run_demo(tmp_path, "--once", "--json")
    assert (ended.returncode, json.loads(ended.stdout)["error"]["code"]) == (1, "demo.folder")
    assert (tmp_path / "precious.txt").read_text() == "keep"


async def test_what_the_agencies_have_on_disk_decides_what_is_lost(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    async with played(home, None, quiet) as week:
        whole = await tally(week)
        assert whole.holds
        received = home / "agencies" / "H37.31" / "received"
        victim, original = sorted(received.glob("*.edxml"))[:2]
        intact = victim.read_bytes()
        victim.write_bytes(intact[:-1] + b" ")
        damaged = await tally(week)
        assert (damaged.figures.lost, damaged.holds) == (1, False)
        victim.write_bytes(intact)
        copy = "01890000-0000-7000-8000-000000000000"
        item = json.loads(original.with_suffix(".json").read_text())
        (received / f"{copy}.edxml").write_bytes(original.read_bytes())
        (received / f"{copy}.json").write_text(json.dumps(item | {"delivery": copy}))
        doubled = await tally(week)
        assert (doubled.figures.lost, doubled.figures.duplicated, doubled.holds) == (0, 1, False)


async def test_what_an_axis_and_the_sdk_carried_is_counted_on_disk_too(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    async with played(home, None, quiet) as week:
        assert (await tally(week)).holds
        for office, kind in (
            (MINISTRY, "new"),
            (MINISTRY, "status"),
            ("H37.13", "new"),
            ("H37.13", "status"),
        ):
            victim = a_received_file(home, office, kind, ended=True)
            intact = victim.read_bytes()
            victim.write_bytes(intact[:-1] + b" ")
            damaged = await tally(week)
            assert (damaged.figures.lost, damaged.holds) == (1, False), (office, kind)
            victim.write_bytes(intact)
        down = next(
            path for path in received(home, "H37") if "118/CTM-HTDL" in path.with_suffix(".json").read_text()
        )
        down.with_suffix(".json").unlink()
        assert (await tally(week)).figures.lost == 1


async def test_a_copy_under_another_doc_id_is_a_double_beyond_the_axis(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    async with played(home, None, quiet) as week:
        original = a_received_file(home, MINISTRY, "new")
        copy = original.with_stem("01890000-0000-7000-8000-000000000000")
        copy.write_bytes(original.read_bytes())
        item = json.loads(original.with_suffix(".json").read_text())
        copy.with_suffix(".json").write_text(json.dumps(item | {"delivery": copy.stem}))
        counted = await tally(week)
        assert (counted.figures.lost, counted.figures.duplicated, counted.holds) == (0, 1, False)


async def test_a_recall_that_a_recipient_never_answered_is_not_whole(tmp_path: Path) -> None:
    async with played(tmp_path / "demo", None, quiet) as week:
        counted = await tally(week)
        silent = replace(counted, recall_complete=False)
        assert (counted.holds, silent.holds) == (True, False)
        [asked] = [line for line in week.asked_back["recipients"] if line["recipient"] == "H37.20"]
        assert asked["state"] == "asked"
        recall = next(
            path
            for path in received(tmp_path / "demo", "H37.20")
            if json.loads(path.with_suffix(".json").read_text())["message"] == asked["message"]
        )
        recall.write_bytes(recall.read_bytes() + b" ")
        assert (await tally(week)).figures.lost == 1


def received(home: Path, office: str) -> list[Path]:
    return sorted((home / "agencies" / office / "received").glob("*.edxml"))


def a_received_file(home: Path, office: str, kind: str, *, ended: bool = False) -> Path:
    """A message in an office's cabinet; ``ended``: no automatic 01, which nobody has a receipt for."""
    for path in received(home, office):
        item = json.loads(path.with_suffix(".json").read_text())
        if item["kind"] == kind and not (ended and item["message"].endswith(" 01")):
            return path
    raise LookupError(f"{office} has no {kind}")


def test_an_empty_folder_may_become_a_demo(tmp_path: Path) -> None:
    make_folder(tmp_path, 8080, ScenarioClock(from_datetime(START)))
    assert (tmp_path / MARKER).exists()


def test_a_marker_that_is_a_folder_is_no_marker(tmp_path: Path) -> None:
    (tmp_path / MARKER).mkdir()
    with pytest.raises(NotReady):
        make_folder(tmp_path, 8080, ScenarioClock(from_datetime(START)))


def test_everybody_in_the_scenario_is_in_the_directory_and_has_software() -> None:
    directory, day = province.directory(), START.date()
    players = {habit.code for habit in HABITS} | {YOURS}
    for letter in LETTERS:
        assert {letter.sender, *letter.recipients} <= players
    assert all(directory.agency(code, day) is not None for code in players)


def test_letters_leave_in_the_week_and_answer_what_was_sent_before() -> None:
    by_code = {letter.code: letter for letter in LETTERS}
    assert len(by_code) == len(LETTERS)
    for letter in LETTERS:
        assert 13 <= letter.at.day <= 19
        if letter.answers:
            assert by_code[letter.answers].at < letter.at
            assert letter.sender in by_code[letter.answers].recipients
