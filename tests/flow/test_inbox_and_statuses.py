"""The recipient comes for its messages, and word travels back."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.edxml.parse import parse_envelope
from gateway.errors import BadRequest, NotFound, NotPermitted, Refused, Unreadable, WrongState
from gateway.flow import hold, inbox, local, look, office, waiting
from gateway.flow.operate import LOCAL
from gateway.flow.progress import report_status
from gateway.model.agency import Profile
from gateway.model.envelope import Kind, StaffInfo
from gateway.model.status import StatusCode
from gateway.model.text import AgencyCode
from tests.world import World, make_envelope, make_status

DOCUMENT = "H37,2020/04/13,362/UBND-KGVX"


async def states(world: World, document: str) -> dict[str, str]:
    rows = await world.rows("deliveries_of_document", document=document)
    return {str(row["recipient"]): str(row["state"]) for row in rows if row["kind"] != "status"}


async def test_done_before_a_full_fetch_is_refused(world: World) -> None:
    await world.send()
    [item] = await world.waiting("H37.03")
    with pytest.raises(WrongState) as refused:
        await inbox.done(world.gw, world.caller("H37.03"), item.delivery)
    assert refused.value.code == "delivery.not_fetched"


async def test_a_fetch_that_was_cut_off_does_not_count(world: World) -> None:
    await world.send(files={"a.pdf": b"%PDF-1.7\n" + b"x" * 300_000})
    [item] = await world.waiting("H37.03")
    parcel = await inbox.fetch(world.gw, world.caller("H37.03"), item.delivery)
    async for _ in parcel.chunks:
        break
    await parcel.chunks.aclose()  # type: ignore[attr-defined]
    with pytest.raises(WrongState):
        await inbox.done(world.gw, world.caller("H37.03"), item.delivery)


async def test_a_recipient_that_dies_before_done_fetches_again(world: World) -> None:
    await world.send()
    first = await world.fetch("H37.03", done=False)
    second = await world.fetch("H37.03")
    assert first[0].data == second[0].data
    assert await world.waiting("H37.03") == []


async def test_done_twice_changes_nothing(world: World) -> None:
    submission = await world.send()
    [taken] = await world.fetch("H37.03")
    await inbox.done(world.gw, world.caller("H37.03"), taken.item.delivery)
    assert await states(world, submission.document) == {"H37.03": "delivered"}
    assert (await world.event_types()).count("delivery.delivered") == 1


@pytest.mark.parametrize("words", ["thiếu \x00 trang", "thiếu \x1b[31m trang", "thiếu \ud800 trang"])
async def test_words_that_no_text_can_hold_are_reported_without_what_is_wrong_in_them(
    world: World, words: str
) -> None:
    await world.send()
    [taken] = await world.fetch("H37.03", done=False)
    await waiting.note(world.gw, world.caller("H37.03"), taken.item.delivery, failed=True, description=words)
    await inbox.done(world.gw, world.caller("H37.03"), taken.item.delivery)
    refused = StatusCode.REFUSED
    staff = StaffInfo(staff=words)
    await report_status(world.gw, world.caller("H37.03"), taken.item.delivery, refused, words, staff)
    report = (await world.fetch("H37"))[-1]
    assert "thiếu " in report.data.decode()


async def test_nobody_sees_or_fetches_anothers_inbox(world: World) -> None:
    await world.send()
    [item] = await world.waiting("H37.03")
    with pytest.raises(NotPermitted):
        await inbox.list_inbox(world.gw, world.caller("H37.05"), AgencyCode("H37.03"))
    with pytest.raises(NotFound):
        await inbox.fetch(world.gw, world.caller("H37.05"), item.delivery)


async def test_urgent_messages_come_first_then_by_age(world: World) -> None:
    for number, priority in (("1", 0), ("2", 1), ("3", 3), ("4", 4), ("5", 2)):
        await world.send(number=number, priority=priority)
    order = [item.header["number"] for item in await world.waiting("H37.03")]
    assert order == ["3", "4", "5", "2", "1"]


async def test_an_update_stays_behind_its_document_even_when_it_is_more_urgent(world: World) -> None:
    await world.send()
    await world.send(kind=Kind.UPDATE, document_id=DOCUMENT, priority=4)
    assert [item.kind for item in await world.waiting("H37.03")] == ["new"]
    await world.fetch("H37.03")
    assert [item.kind for item in await world.waiting("H37.03")] == ["update"]


async def test_the_inbox_is_paged_without_gaps_or_repeats(world: World) -> None:
    for number in range(25):
        await world.send(number=str(number), priority=number % 5)
    seen: list[str] = []
    cursor = ""
    while True:
        page = await inbox.list_inbox(world.gw, world.caller("H37.03"), AgencyCode("H37.03"), cursor, limit=7)
        seen += [item.header["number"] for item in page.items]
        cursor = page.cursor
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 25


async def test_the_gateway_reports_01_in_the_recipients_name_when_the_document_arrives(world: World) -> None:
    await world.send()
    await world.fetch("H37.03")
    [taken] = await world.fetch("H37")
    status = parse_envelope(taken.data).envelope
    assert status.kind is Kind.STATUS
    assert status.status is not None
    assert status.status.code == "01"
    assert status.sender.organ_id == "000.00.03.H37"
    assert status.response_for[0].document_id == DOCUMENT


async def test_an_agency_that_reports_01_itself_is_not_spoken_for(world: World) -> None:
    profile = Profile(AgencyCode("H37.03"), reports_arrival=True)
    await office.set_profile(world.gw, LOCAL, profile)
    await world.send()
    await world.fetch("H37.03")
    assert await world.waiting("H37") == []


async def test_a_second_01_is_recorded_and_not_forwarded(world: World) -> None:
    submission = await world.send()
    await world.fetch("H37.03")
    await world.fetch("H37")
    await world.report("H37.03", "01", DOCUMENT)
    assert await world.waiting("H37") == []
    reports = await world.rows("status_reports_of", document=submission.document)
    assert [(row["code"], row["forwarded"]) for row in reports] == [("01", 1), ("01", 0)]


async def test_statuses_travel_back_to_the_sender_with_their_reason(world: World) -> None:
    await world.send()
    await world.fetch("H37.03")
    await world.fetch("H37")
    sent = make_status("H37.03", "02", DOCUMENT, description="Thiếu phụ lục kèm theo")
    await world.upload("H37.03", sent)
    [taken] = await world.fetch("H37")
    assert taken.data == sent
    assert taken.item.subject == "Thiếu phụ lục kèm theo"


async def test_a_status_does_not_change_the_transport_state(world: World) -> None:
    submission = await world.send()
    await world.fetch("H37.03")
    await world.report("H37.03", "02", DOCUMENT, description="Sai nơi nhận")
    [row] = [
        row
        for row in await world.rows("deliveries_of_document", document=submission.document)
        if row["kind"] != "status"
    ]
    assert (row["state"], row["status_code"]) == ("delivered", "02")


async def test_the_same_status_again_gets_the_first_receipt(world: World) -> None:
    await world.send()
    first = await world.report("H37.03", "03", DOCUMENT)
    second = await world.report("H37.03", "03", DOCUMENT)
    assert second.repeated
    assert second.jws == first.jws


async def test_05_may_repeat_at_another_time(world: World) -> None:
    await world.send()
    first = await world.report("H37.03", "05", DOCUMENT, timestamp="2020/04/13 16:00:00")
    second = await world.report("H37.03", "05", DOCUMENT, timestamp="2020/04/14 09:00:00")
    assert second.message != first.message


async def test_statuses_in_an_odd_order_are_accepted_with_a_finding(world: World) -> None:
    await world.send()
    await world.report("H37.03", "06", DOCUMENT)
    late = await world.report("H37.03", "03", DOCUMENT)
    assert late.findings
    assert {finding.severity.name for finding in late.findings} <= {"INFO", "WARNING"}


@pytest.mark.parametrize(
    ("reporter", "code", "document", "about"),
    [
        ("H37.03", "03", "H37,2020/04/13,999/UBND", "H37"),  # unknown document
        ("H37.05", "03", DOCUMENT, "H37"),  # not a recipient
        ("H37.03", "13", DOCUMENT, "H37.05"),  # 13 is the sender's
        ("H37.03", "99", DOCUMENT, "H37"),  # unknown code
    ],
)
async def test_what_a_status_may_not_be(
    world: World, reporter: str, code: str, document: str, about: str
) -> None:
    await world.send()
    with pytest.raises((Refused, Unreadable)):
        await world.report(reporter, code, document, about=about)


async def test_a_recall_request_goes_from_the_sender_to_each_recipient_it_names(world: World) -> None:
    await world.send(to=["H37.03", "H37.05"])
    await world.fetch("H37.05")
    for about in ("H37.03", "H37.05"):
        await world.report("H37", "13", DOCUMENT, about=about, description="Sai thể thức")
    assert await world.waiting("H37.03") == []
    assert [item.kind for item in await world.waiting("H37.05")] == ["status"]
    await world.fetch("H37.05")
    await world.report("H37.05", "15", DOCUMENT)


async def test_thirty_recipients_statuses_reach_the_sender_in_one_poll(world: World) -> None:
    await world.send(to=["H37.03", "H37.05", "H37.31"])
    for recipient in ("H37.03", "H37.05", "H37.31"):
        await world.fetch(recipient)
        await world.report(recipient, "03", DOCUMENT)
    assert len(await world.waiting("H37")) == 6


async def test_a_recipient_reports_through_the_native_door_without_writing_edxml(world: World) -> None:
    await world.send()
    [taken] = await world.fetch("H37.03")
    await world.fetch("H37")
    staff = StaffInfo(staff="Văn thư mẫu")
    await report_status(
        world.gw,
        world.caller("H37.03"),
        taken.item.delivery,
        StatusCode.REFUSED,
        "Không thuộc thẩm quyền",
        staff,
    )
    [word] = await world.fetch("H37")
    status = parse_envelope(word.data).envelope.status
    assert status is not None
    assert (status.code, status.description) == ("02", "Không thuộc thẩm quyền")


async def test_a_recipient_cannot_report_on_a_delivery_that_is_not_its_own(world: World) -> None:
    await world.upload("H37", make_envelope(to=["H37.03", "H37.05"]))
    [item] = await world.waiting("H37.03")
    with pytest.raises(NotFound):
        await report_status(
            world.gw, world.caller("H37.05"), item.delivery, StatusCode.ACCEPTED, "", StaffInfo()
        )


async def test_statuses_come_with_their_bytes_and_are_confirmed_together(world: World) -> None:
    await world.send(to=["H37.03", "H37.05"])
    for reporter in ("H37.03", "H37.05"):
        await world.report(reporter, "03", DOCUMENT)
    me, code = world.caller("H37"), AgencyCode("H37")
    page = await inbox.list_inbox(world.gw, me, code, content=True)
    kinds = [parse_envelope(item.content).envelope.kind for item in page.items if item.content]
    assert kinds == [Kind.STATUS, Kind.STATUS]
    settled = await inbox.done_many(world.gw, me, [item.delivery for item in page.items])
    assert [one.delivery is not None for one in settled] == [True, True]
    assert await world.waiting("H37") == []
    assert (await world.event_types()).count("delivery.fetched") == 2


async def test_one_that_cannot_be_confirmed_does_not_keep_the_others(world: World) -> None:
    await world.send(number="1")
    await world.send(number="2")
    [first, second] = await world.waiting("H37.03")
    me = world.caller("H37.03")
    parcel = await inbox.fetch(world.gw, me, first.delivery)
    assert [chunk async for chunk in parcel.chunks]
    settled = await inbox.done_many(world.gw, me, [second.delivery, "nobody-knows", first.delivery])
    assert [one.problem.code if one.problem else "" for one in settled] == [
        "delivery.not_fetched",
        "delivery.unknown",
        "",
    ]
    assert [item.delivery for item in await world.waiting("H37.03")] == [second.delivery]


async def test_a_message_kept_in_a_file_is_listed_without_its_bytes(world: World) -> None:
    await world.send(files={"a.pdf": b"%PDF-1.7\n" + b"x" * 100_000})
    page = await inbox.list_inbox(world.gw, world.caller("H37.03"), AgencyCode("H37.03"), content=True)
    assert [(item.content, item.fetched) for item in page.items] == [(None, False)]


async def test_a_recipient_sees_its_own_part_of_a_documents_history(world: World) -> None:
    submission = await world.send(to=["H37.03", "H37.05"])
    await world.report("H37.05", "02", DOCUMENT, description="Không thuộc thẩm quyền")
    seen = await look.trace(world.gw, world.caller("H37.03"), submission.document)
    assert {delivery.recipient for delivery in seen.deliveries} == {"H37.03"}
    assert (seen.statuses, seen.receipts) == ((), ())
    assert "Không thuộc thẩm quyền" not in str(seen)
    whole = await look.trace(world.gw, world.caller("H37"), submission.document)
    assert {d.recipient for d in whole.deliveries if d.kind == "new"} == {"H37.03", "H37.05"}
    assert [status["reason"] for status in whole.statuses] == ["Không thuộc thẩm quyền"]


async def test_a_held_document_is_nothing_to_its_recipient_before_or_after_it_is_rejected(
    world: World,
) -> None:
    submission = await world.send(files={"QD_123_MAT.pdf": b"%PDF-1.7\n%%EOF\n"})
    me, code = world.caller("H37.03"), AgencyCode("H37.03")
    [held] = await world.rows("deliveries_of_document", document=submission.document)
    for decide in (None, hold.reject):
        if decide is not None:
            await decide(world.gw, LOCAL, str(held["id"]), "Có dấu hiệu bí mật nhà nước")
        assert await look.list_documents(world.gw, me, code) == []
        with pytest.raises(NotFound):
            await look.trace(world.gw, me, submission.document)
        with pytest.raises(Refused):
            await world.report("H37.03", "03", DOCUMENT)


async def test_three_reports_in_one_second_are_three_reports(world: World) -> None:
    await world.send()
    [taken] = await world.fetch("H37.03")
    await world.fetch("H37")
    for text in ("bước 1", "bước 2", "bước 3", "bước 3"):
        await report_status(
            world.gw,
            world.caller("H37.03"),
            taken.item.delivery,
            StatusCode.IN_WORK,
            text,
            StaffInfo(),
        )
    said = [item.subject for item in await world.waiting("H37")]
    assert [text for text in ("bước 1", "bước 2", "bước 3") if text in said] == ["bước 1", "bước 2", "bước 3"]


async def test_a_later_message_cannot_be_fetched_or_confirmed_before_its_document(world: World) -> None:
    await world.send()
    update = await world.send(kind=Kind.UPDATE, document_id=DOCUMENT)
    rows = await world.rows("deliveries_of_document", document=update.document)
    later = str(next(row["id"] for row in rows if row["kind"] == "update"))
    for use in (inbox.fetch, inbox.done):
        with pytest.raises(WrongState) as refused:
            await use(world.gw, world.caller("H37.03"), later)
        assert refused.value.code == "delivery.waits_for_earlier"


async def test_a_person_who_opens_content_gives_a_reason_and_it_is_recorded(
    world: World, tmp_path: Path
) -> None:
    await world.send()
    [item] = await world.waiting("H37.03")
    with pytest.raises(BadRequest):
        await local.fetch_file(world.gw, LOCAL, item.delivery, str(tmp_path / "a"), "  ")
    await local.fetch_file(world.gw, LOCAL, item.delivery, str(tmp_path / "a"), "Đối chiếu khi kiểm tra")
    rows = await world.rows("events_after", at=0, id="", limit=100)
    [viewed] = [row for row in rows if row["type"] == "person.opened"]
    [private] = await world.rows("private_of", event=str(viewed["id"]))
    assert private["value"] == "Đối chiếu khi kiểm tra"


async def test_a_status_about_nothing_is_refused_and_recorded(world: World) -> None:
    await world.send()
    sent = make_status("H37.03", "03", DOCUMENT)
    start, end = sent.index(b"<edXML:ResponseFor"), sent.index(b"</edXML:ResponseFor>")
    with pytest.raises((Refused, Unreadable)):
        await world.upload("H37.03", sent[:start] + sent[end + len(b"</edXML:ResponseFor>") :])
    assert (await world.event_types())[-1] == "submission.refused"
