"""``gateway simulate langson`` as somebody types it, in a process of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.langson.client import Account, LangsonClient
from gateway.clock import SystemClock
from gateway.net import Net
from gateway.port import Unavailable
from tests.flow.test_simulate_commands import first_line, started
from tests.world import make_envelope


def account(about: dict[str, object], number: int) -> Account:
    systems = about["systems"]
    assert isinstance(systems, list)
    name, key = systems[number]["system_id"], systems[number]["secret"]
    return Account(str(about["url"]), name, key, "", name, key)


async def test_a_provincial_axis_to_practise_on_makes_keys_and_remembers(tmp_path: Path) -> None:
    folder, data = str(tmp_path / "axis"), make_envelope("H37.31", ["H37.03"])
    words = ("simulate", "langson", "--folder", folder, "--system", "TP=H37.31", "--system", "SO=H37.03")
    net = Net("127.0.0.0/8", 10)
    with started(*words, "--agencies", "3", home=tmp_path) as process:
        about = first_line(process)
        sender = LangsonClient(net, account(about, 0), SystemClock())

        async def chunks() -> AsyncIterator[bytes]:
            yield data

        doc_id = await sender.send(chunks, len(data), "0" * 64, "edoc")
        assert len([row async for row in sender.agencies()]) == 3
    with started("simulate", "langson", "--folder", folder, home=tmp_path) as process:
        again = first_line(process)
        assert again["systems"] == about["systems"]
        receiver = LangsonClient(net, account(again, 1), SystemClock())
        (row,) = [one async for one in receiver.received("edoc")]
        assert b"".join([chunk async for chunk in receiver.fetch(row["docId"])]).startswith(b"<?xml")
        sent = await LangsonClient(net, account(again, 0), SystemClock()).receive_status(doc_id)
        assert [one["docId"] for one in sent] == [doc_id]
    await net.close()


async def test_its_knobs_are_turned_at_the_start(tmp_path: Path) -> None:
    net = Net("127.0.0.0/8", 10)
    words = ("simulate", "langson", "--system", "H37.31", "--knob", "login:html=on")
    with started(*words, home=tmp_path) as process:
        client = LangsonClient(net, account(first_line(process), 0), SystemClock())
        with pytest.raises(Unavailable) as caught:
            await anext(client.received("edoc"))
    await net.close()
    assert caught.value.code == "answer.not_json"
