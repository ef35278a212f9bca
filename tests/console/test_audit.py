"""The log for auditors: filters, one event, checkpoints, verification."""

from __future__ import annotations

import asyncio
import re
import sqlite3

from tests.console.conftest import Answer, Console, Person


async def until_done(person: Person) -> Answer:
    for _ in range(100):
        answer = await person.get("/audit/verify")
        if "Đang kiểm tra" not in answer.words:
            return answer
        await asyncio.sleep(0.05)
    raise AssertionError("the verification never ended")


async def test_events_are_found_by_type_agency_day_and_actor(console: Console) -> None:
    await console.world.send(to=["H37.03"])
    await console.world.send("H37.05", to=["H37.31"], number="9", notation="SYT-NV")
    auditor = await console.person("auditor")
    found = await auditor.get("/audit?type=document.accepted&agency=H37.05")
    assert "9/SYT-NV" in found.words
    assert "362/UBND-KGVX" not in found.words
    assert "Không có sự kiện nào" in (await auditor.get("/audit?to=2019-01-01")).words
    assert "document.accepted" in (await auditor.get("/audit?from=2020-04-13&to=2020-04-13")).words
    whose = re.search(
        r"/console/audit\?actor=([^\"]+)", (await auditor.get("/audit?type=person.viewed")).text
    )
    assert whose
    page = await auditor.get(f"/audit?actor={whose.group(1)}")
    assert "Chỉ của Người auditor" in page.words


async def test_one_event_is_shown_with_its_proof_once_it_has_one(console: Console) -> None:
    await console.world.send(to=["H37.03"])
    auditor = await console.person("auditor")
    listed = await auditor.get("/audit?type=document.accepted")
    event = re.search(r'/console/audit/([0-9a-f-]{36})"', listed.text)
    assert event
    page = await auditor.get(f"/audit/{event.group(1)}")
    assert "sẽ nằm trong mốc chốt tiếp theo" in page.words
    assert "V/v xây dựng Chính quyền điện tử" in page.words  # a private value, not erased
    await console.gw.sequencer.catch_up()
    await console.gw.sequencer.publish()
    page = await auditor.get(f"/audit/{event.group(1)}")
    assert "Băm của lá" in page.words
    assert "sẽ nằm trong mốc chốt" not in page.words


async def test_a_long_stream_is_read_in_pages(console: Console) -> None:
    for number in range(1, 30):
        await console.world.send(to=["H37.03"], number=str(number))
    auditor = await console.person("auditor")
    seen: list[str] = []
    path = "/audit?to=2020-04-13"
    while path:
        page = await auditor.get(path)
        seen += re.findall(r'/console/audit/([0-9a-f-]{36})"', page.text)
        link = re.search(r'class="button" href="/console(/audit\?[^"]+)"', page.text)
        path = link.group(1).replace("&amp;", "&") if link else ""
    accepted = await console.world.rows("events_after", at=0, id="", limit=9999)
    assert len(seen) == len(set(seen))
    assert {str(row["id"]) for row in accepted if row["type"] != "person.viewed"} <= set(seen)


async def test_a_checkpoint_can_be_taken_away(console: Console) -> None:
    await console.gw.sequencer.catch_up()
    await console.gw.sequencer.publish()
    auditor = await console.person("auditor")
    assert "/console/audit/checkpoints/1" in (await auditor.get("/audit/checkpoints")).text
    taken = await auditor.get("/audit/checkpoints/1")
    assert taken.headers["content-disposition"] == 'attachment; filename="checkpoint-1.txt"'
    assert "— " in taken.text  # the signature line of a signed note (C2SP signed-note)
    assert (await auditor.get("/audit/checkpoints/77")).status == 404
    assert (await auditor.get("/audit/checkpoints/x")).status == 404


async def test_the_log_is_verified_from_the_page(console: Console) -> None:
    await console.world.send(to=["H37.03"])
    await console.gw.sequencer.catch_up()
    await console.gw.sequencer.publish()
    auditor = await console.person("auditor")
    assert "Chưa kiểm tra lần nào" in (await auditor.get("/audit/verify")).words
    await auditor.post("/audit/verify")
    assert "Nhật ký nguyên vẹn." in (await until_done(auditor)).words


async def test_a_changed_event_is_found_from_the_page(console: Console) -> None:
    await console.world.send(to=["H37.03"])
    await console.gw.sequencer.catch_up()
    await console.gw.sequencer.publish()
    with sqlite3.connect(console.world.home / "gateway.db") as forger:
        forger.execute("UPDATE event SET body = CAST('{}' AS BLOB) WHERE type = 'document.accepted'")
    auditor = await console.person("auditor")
    await auditor.post("/audit/verify")
    assert "Nhật ký không khớp." in (await until_done(auditor)).words


async def test_what_is_no_event_is_said(console: Console) -> None:
    auditor = await console.person("auditor")
    assert "Không có sự kiện này." in (await auditor.get("/audit/nothing")).words
    assert (await auditor.get("/audit?agency=H99")).status == 400
    assert (await auditor.get("/audit?before=x~y&from=x&type=y")).status == 200
