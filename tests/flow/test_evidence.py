"""Evidence of a document: who gets what, and that it holds."""

from __future__ import annotations

import io

import orjson
import pytest
from pypdf import PdfReader

from gateway.errors import BadRequest, NotFound
from gateway.exchange_log import evidence as members
from gateway.exchange_log.container import unpack
from gateway.exchange_log.evidence_check import check_container
from gateway.exchange_log.evidence_page import make_page
from gateway.exchange_log.evidence_pdf import pdf_of
from gateway.flow import incident, office
from gateway.flow.door import Caller
from gateway.flow.evidence import Evidence, export_evidence, trusted_of
from gateway.flow.operate import LOCAL
from gateway.model.agency import Profile
from gateway.model.envelope import Kind
from gateway.model.text import AgencyCode
from gateway.store.people import Role
from tests.world import PDF, World, make_envelope

DOCUMENT = "H37,2020/04/13,362/UBND-KGVX"
AUDITOR = Caller("auditor-1", "Thanh tra", Role.AUDITOR, frozenset())
OPERATOR = Caller("operator-1", "Người vận hành", Role.OPERATOR, frozenset())


async def sent(world: World) -> bytes:
    """To two recipients; the first has it and took it in, the second has not come for it."""
    data = make_envelope("H37", ["H37.03", "H37.05"])
    await world.upload("H37", data)
    await world.fetch("H37.03")
    await world.report("H37.03", "03", DOCUMENT)
    return data


def opened(world: World, made: Evidence) -> dict[str, bytes]:
    """The members, once everything holds."""
    checked = check_container(made.data, trusted_of(world.gw.keyring), world.clock.now())
    assert checked.holds, [row for row in checked.rows if row.holds is False]
    return unpack(made.data)


def types(found: dict[str, bytes]) -> list[str]:
    return [orjson.loads(body)["type"] for name, body in found.items() if name.startswith("events/")]


def kept(found: dict[str, bytes], ending: str) -> list[str]:
    return [name for name in found if name.endswith(ending)]


async def test_the_sender_gets_everything_that_is_known(world: World) -> None:
    data = await sent(world)
    found = opened(world, await export_evidence(world.gw, world.caller("H37"), DOCUMENT))
    assert found["messages/01-new/received.edxml"] == data
    assert found["messages/01-new/files/01-362.signed.pdf"] == PDF
    assert len(kept(found, ".jws")) == 2
    assert {"document.accepted", "delivery.fetched", "delivery.delivered", "status.reported"} <= set(
        types(found)
    )
    record = orjson.loads(found[members.RECORD])
    assert {one["recipient"]: one["state"] for one in record["deliveries"] if one["kind"] == "new"} == {
        "H37.03": "delivered",
        "H37.05": "queued",
    }


async def test_the_page_answers_for_each_recipient(world: World) -> None:
    await sent(world)
    found = opened(world, await export_evidence(world.gw, world.caller("H37"), DOCUMENT))
    page = found[members.PAGE_HTML].decode()
    assert "ĐÃ NHẬN. Nơi nhận đã báo 03 “Đã tiếp nhận”." in page
    assert "CHƯA NHẬN. Gói tin đang chờ hệ thống của nơi nhận đến lấy." in page
    assert found[members.PAGE_PDF].startswith(b"%PDF-")


async def test_a_recipient_gets_its_own_deliveries_only(world: World) -> None:
    data = await sent(world)
    found = opened(world, await export_evidence(world.gw, world.caller("H37.03"), DOCUMENT))
    assert found["messages/01-new/received.edxml"] == data
    told = b"".join(
        body for name, body in found.items() if name.startswith(("events/", "record", "page.html"))
    )
    assert b"H37.05" not in told
    assert "document.accepted" not in types(found)


async def test_a_recipient_that_never_came_gets_no_content(world: World) -> None:
    await sent(world)
    made = await export_evidence(world.gw, world.caller("H37.05"), DOCUMENT)
    found = opened(world, made)
    assert not made.with_content
    assert kept(found, ".edxml") == kept(found, ".pdf")[1:] == []
    assert orjson.loads(found[members.RECORD])["messages"][0]["withheld"] == "not_taken"


async def test_a_stranger_gets_nothing(world: World) -> None:
    await sent(world)
    with pytest.raises(NotFound):
        await export_evidence(world.gw, world.caller("H37.31"), DOCUMENT)


@pytest.mark.parametrize("caller", [AUDITOR, OPERATOR], ids=["auditor", "operator"])
async def test_who_is_no_party_gives_a_reason(world: World, caller: Caller) -> None:
    await sent(world)
    with pytest.raises(BadRequest) as refused:
        await export_evidence(world.gw, caller, DOCUMENT, "  ")
    assert refused.value.code == "reason.missing"
    opened(world, await export_evidence(world.gw, caller, DOCUMENT, "Thanh tra công tác văn thư"))


async def test_an_export_is_recorded_with_its_hash_and_its_reason_stays_erasable(world: World) -> None:
    await sent(world)
    made = await export_evidence(world.gw, AUDITOR, DOCUMENT, "Thanh tra công tác văn thư")
    (row,) = [
        one
        for one in await world.rows("events_after", at=0, id="", limit=999)
        if one["type"] == "evidence.exported"
    ]
    body = orjson.loads(bytes(row["body"]))  # type: ignore[arg-type]
    assert (body["actor"], body["sender"], body["container_sha256"]) == ("auditor-1", "H37", made.sha256)
    assert "Thanh tra" not in str(body)
    again = opened(world, await export_evidence(world.gw, world.caller("H37"), DOCUMENT))
    assert "Thanh tra công tác văn thư" in again[members.PRIVATE].decode()


async def test_events_get_their_leaves_before_evidence_is_given(world: World) -> None:
    await sent(world)
    found = opened(world, await export_evidence(world.gw, world.caller("H37"), DOCUMENT))
    proofs = orjson.loads(found[members.LOG_PROOFS])
    assert len(proofs["events"]) == len(types(found))
    await world.report("H37.03", "05", DOCUMENT)
    later = opened(world, await export_evidence(world.gw, world.caller("H37"), DOCUMENT))
    assert orjson.loads(later[members.LOG_PROOFS])["size"] > proofs["size"]


async def test_a_rebuilt_form_is_there_beside_the_original(world: World) -> None:

    await office.set_profile(world.gw, LOCAL, Profile(AgencyCode("H37.03"), "inbox", dialect="dotnet"), None)
    data = await sent(world)
    found = opened(world, await export_evidence(world.gw, world.caller("H37"), DOCUMENT))
    assert found["messages/01-new/received.edxml"] == data
    assert found["messages/01-new/sent-H37.03.edxml"] != data


async def test_a_recalled_document_leaves_evidence_without_content(world: World) -> None:
    await sent(world)
    await world.upload(
        "H37", make_envelope("H37", ["H37.03", "H37.05"], kind=Kind.REVOKE, document_id=DOCUMENT)
    )
    await world.fetch("H37.03")
    await world.report("H37.03", "15", DOCUMENT)
    sender = await export_evidence(world.gw, world.caller("H37"), DOCUMENT)
    record = orjson.loads(opened(world, sender)[members.RECORD])
    assert record["messages"][0]["withheld"] == "frozen"
    gone = opened(world, await export_evidence(world.gw, world.caller("H37.03"), DOCUMENT))
    assert "messages/01-new/received.edxml" not in gone
    assert "chỉ kiểm toán viên" in opened(world, sender)[members.PAGE_HTML].decode()
    full = opened(world, await export_evidence(world.gw, AUDITOR, DOCUMENT, "Khiếu nại"))
    assert "messages/01-new/received.edxml" in full


async def test_a_purged_document_leaves_hashes_events_and_receipts(world: World) -> None:

    submission = await world.send("H37", ["H37.03"])
    other = Caller("second", "Người thứ hai", Role.ADMINISTRATOR, frozenset())
    opened_one = await incident.open_incident(world.gw, LOCAL, DOCUMENT, "Lộ bí mật nhà nước")
    await incident.confirm_incident(world.gw, other, opened_one.id)
    made = await export_evidence(world.gw, AUDITOR, DOCUMENT, "Báo cáo sự cố")
    found = opened(world, made)
    assert not made.with_content
    assert kept(found, ".edxml") == []
    assert len(kept(found, ".jws")) == 1
    assert "Nội dung đã bị hủy" in found[members.PAGE_HTML].decode()
    assert submission.message in found[members.RECORD].decode()


async def test_what_a_sender_wrote_is_text_on_the_page_and_nothing_else(world: World) -> None:
    await world.send("H37", ["H37.03"], subject="V/v <script>alert(1)</script> & <b>Đà Lạt</b>")
    found = opened(world, await export_evidence(world.gw, world.caller("H37"), DOCUMENT))
    page = found[members.PAGE_HTML].decode()
    assert "<script" not in page
    assert "V/v &lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;b&gt;Đà Lạt&lt;/b&gt;" in page
    text = PdfReader(io.BytesIO(found[members.PAGE_PDF])).pages[0].extract_text()
    assert "<script>alert(1)</script> & <b>Đà Lạt</b>" in text


async def test_equal_pages_give_equal_pdfs(world: World) -> None:
    await sent(world)
    found = opened(world, await export_evidence(world.gw, world.caller("H37"), DOCUMENT))
    record = orjson.loads(found[members.RECORD])
    bodies = [orjson.loads(body) for name, body in found.items() if name.startswith("events/")]
    assert pdf_of(make_page(record, bodies, None)) == pdf_of(make_page(record, bodies, None))


async def test_file_names_of_any_letters_become_plain_members_and_keep_their_name(world: World) -> None:
    files = {"Công văn số 362 (bản ký).pdf": PDF, "../../x.pdf": PDF + b"x"}
    await world.send("H37", ["H37.03"], files=files)
    found = opened(world, await export_evidence(world.gw, world.caller("H37"), DOCUMENT))
    entries = {one["path"]: one for one in orjson.loads(found[members.MANIFEST])["files"]}
    names = {entry["name"] for entry in entries.values() if entry["role"] == "file"}
    assert names == set(files)
    assert all(name.isascii() and ".." not in name for name in found)
