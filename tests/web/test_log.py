"""The exchange log over HTTP: checkpoint and proofs for everybody, entries for auditors, witnesses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway import app
from gateway.cli.frame import Frame
from gateway.cli.log import witness_of
from gateway.clock import SECOND, SystemClock
from gateway.config import ExchangeLogSection, load
from gateway.errors import BadRequest
from gateway.exchange_log.checkpoint import read_checkpoint, read_key, read_note, signed_by_log, verify
from gateway.exchange_log.merkle import leaf_hash, verify_consistency, verify_inclusion
from gateway.exchange_log.sequence import log_keys
from gateway.flow import log
from gateway.flow.operate import LOCAL
from gateway.model.text import Instant
from tests.web.conftest import Site

JSON = {"Content-Type": "application/json"}


async def publish(site: Site) -> None:
    await site.world.gw.sequencer.advance(publish=True)


def hashes(parts: list[str]) -> list[bytes]:
    return [bytes.fromhex(part) for part in parts]


async def test_before_the_first_checkpoint_there_is_none(site: Site) -> None:
    reply = await site.get("/api/v1/log/checkpoint", None)
    assert (reply.status, reply.code) == (404, "log.empty")


async def test_anybody_can_verify_that_an_event_is_in_the_log_and_that_it_only_grew(site: Site) -> None:
    await site.send()
    await publish(site)
    old = read_checkpoint(read_note((await site.get("/api/v1/log/checkpoint", None)).body.decode()).text)
    await site.send(number="2")
    await publish(site)
    note = read_note((await site.get("/api/v1/log/checkpoint", None)).body.decode())
    new = read_checkpoint(note.text)
    assert signed_by_log(note, log_keys(site.world.gw.keyring))
    path = f"/api/v1/log/consistency?from={old.size}&to={new.size}"
    proof = (await site.get(path, None)).json["hashes"]
    assert verify_consistency(old.size, new.size, old.root, new.root, hashes(proof))
    rows = await site.world.rows("events_after", at=0, id="", limit=100)
    answer: dict[str, Any] = (await site.get(f"/api/v1/log/inclusion?event={rows[-1]['id']}", None)).json
    leaf = leaf_hash(bytes(rows[-1]["body"]))  # type: ignore[call-overload]
    assert answer["hash"] == leaf.hex()
    assert verify_inclusion(leaf, answer["leaf"], answer["size"], hashes(answer["inclusion_proof"]), new.root)
    first = (await site.get("/api/v1/log/inclusion?leaf=0", None)).json
    assert read_checkpoint(read_note(first["checkpoint"]).text).size == old.size
    whole = (await site.get(f"/api/v1/log/inclusion?leaf=0&size={new.size}", None)).json
    path_up = hashes(whole["inclusion_proof"])
    assert verify_inclusion(bytes.fromhex(whole["hash"]), 0, new.size, path_up, new.root)


async def test_what_is_not_in_the_log_has_no_proof(site: Site) -> None:
    await site.send()
    await publish(site)
    unknown = await site.get("/api/v1/log/inclusion?event=none", None)
    beyond = await site.get("/api/v1/log/consistency?from=1&to=999999", None)
    backwards = await site.get("/api/v1/log/consistency?from=3&to=2", None)
    nothing = await site.get("/api/v1/log/inclusion", None)
    assert (unknown.status, unknown.code) == (404, "log.no_leaf")
    assert (beyond.status, beyond.code) == (400, "log.range")
    assert (backwards.status, backwards.code) == (400, "log.range")
    assert nothing.code == "log.no_leaf"


async def test_entries_are_for_those_who_read_everything(site: Site) -> None:
    await site.send()
    await publish(site)
    path = "/api/v1/log/entries?from=0&to=5000"
    found = (await site.get(path, "auditor")).json["entries"]
    assert [one["leaf"] for one in found] == list(range(len(found)))
    assert all(leaf_hash(one["event"].encode()).hex() == one["hash"] for one in found)
    assert (await site.get(path, "H37")).status == 403
    assert (await site.get(path, None)).status == 401


# witnesses


@pytest.fixture
def other(tmp_path: Path) -> Frame:
    """An installation of another gateway, which may call this machine."""
    home = tmp_path / "other"
    app.init_home(home, "so-noi-vu", SystemClock())
    with (home / "gateway.toml").open("a") as file:
        file.write('[net]\nallow_private = "127.0.0.0/8"\n')
    return Frame(given_home=home)


async def trusted_witness(site: Site, other: Frame) -> str:
    """The other gateway's key in our settings, and ours as text."""
    gw = await app.open_services(other.home, load(other.home), SystemClock(), "test")
    gw.keyring.ensure_note_key("witness", gw.clock.now())
    (key,) = (await log.show_keys(gw, LOCAL))["witness"]
    await gw.close()
    ours = site.world.gw
    ours.config = ours.config.model_copy(update={"exchange_log": ExchangeLogSection(witnesses=key)})
    return str(log_keys(ours.keyring)[0])


async def test_another_gateway_is_our_witness(site: Site, other: Frame) -> None:
    key = await trusted_witness(site, other)
    for number in ("1", "2"):
        await site.send(number=number)
        await publish(site)
        answer = await witness_of(other, site.url, key, post=True)
        note = read_note((await site.get("/api/v1/log/checkpoint", None)).body.decode())
        witnesses = log.configured_witnesses(site.world.gw)
        (seen,) = verify(note, witnesses)
        assert seen.time is not None
        assert abs(seen.time - SystemClock().now() / SECOND) < 60
        assert answer["size"] == read_checkpoint(note.text).size


async def test_a_witness_that_nobody_configured_is_not_taken(site: Site, other: Frame) -> None:
    key = str(log_keys(site.world.gw.keyring)[0])
    await site.send()
    await publish(site)
    with pytest.raises(BadRequest) as caught:
        await witness_of(other, site.url, key, post=True)
    assert caught.value.code == "log.not_taken"
    answer = await witness_of(other, site.url, key, post=False)
    given = {"note": answer["note"]}
    reply = await site.call("POST", "/api/v1/log/cosignatures", None, json=given)
    assert (reply.status, reply.code) == (400, "log.no_witness")


async def test_cosignatures_under_what_we_did_not_sign_are_not_taken(site: Site, other: Frame) -> None:
    key = await trusted_witness(site, other)
    await site.send()
    await publish(site)
    answer = await witness_of(other, site.url, key, post=False)
    forged = answer["note"].replace("time 20", "time 19")
    replies = [
        await site.call("POST", "/api/v1/log/cosignatures", None, json={"note": note})
        for note in (forged, "no note", answer["note"].split("\n\n")[0])
    ]
    assert {(reply.status, reply.code) for reply in replies} <= {(400, "log.note"), (400, "log.not_ours")}
    assert len(replies) == 3


async def test_a_witness_refuses_a_fork_and_keeps_both_checkpoints(site: Site, other: Frame) -> None:
    """The log is cut back in the database and goes on otherwise: its key signs, the witness remembers."""
    key = await trusted_witness(site, other)
    await site.send()
    await publish(site)
    await witness_of(other, site.url, key, post=True)
    gw = site.world.gw
    writer = gw.store.writer  # type: ignore[attr-defined]
    for sql in (
        "UPDATE log_leaf SET hash = zeroblob(32) WHERE leaf = 0",
        "DELETE FROM log_cosignature",
        "DELETE FROM log_checkpoint",
    ):
        await writer.execute(sql)
    await site.send(number="9")
    site.world.clock.jump_to(Instant(site.world.clock.now() + 60 * SECOND))
    await publish(site)
    with pytest.raises(BadRequest) as caught:
        await witness_of(other, site.url, key, post=True)
    assert caught.value.code == "log.forked"
    watching = await app.open_services(other.home, load(other.home), SystemClock(), "test")
    rows = await watching.store.read(lambda tx: [dict(row) for row in tx.all("count_events")])
    await watching.close()
    assert {row["type"]: row["events"] for row in rows}["log.forked"] == 1


async def test_a_witness_does_not_go_back(site: Site, other: Frame) -> None:
    key = await trusted_witness(site, other)
    await site.send()
    await publish(site)
    older = (await site.get("/api/v1/log/checkpoint", None)).body.decode()
    await site.send(number="2")
    await publish(site)
    await witness_of(other, site.url, key, post=True)
    watching = await app.open_services(other.home, load(other.home), SystemClock(), "test")
    with pytest.raises(BadRequest) as caught:
        await log.witness(watching, LOCAL, older, key, [])
    await watching.close()
    assert caught.value.code == "log.older"


async def test_a_log_under_another_key_is_not_witnessed(site: Site, other: Frame) -> None:
    await site.send()
    await publish(site)
    watching = await app.open_services(other.home, load(other.home), SystemClock(), "test")
    foreign = str(log_keys(watching.keyring)[0])
    await watching.close()
    assert read_key(foreign).name.startswith("so-noi-vu/")
    with pytest.raises(BadRequest) as caught:
        await witness_of(other, site.url, foreign, post=True)
    assert caught.value.code == "log.unknown_key"
