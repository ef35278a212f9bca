"""A document over HTTP, from the sender's upload to the recipient's status, and what each side sees."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from datetime import datetime, timedelta
from urllib.parse import quote

import pytest

from gateway.directory.load import read_directory
from gateway.flow import office
from gateway.flow.operate import LOCAL
from tests.web.conftest import XML, Site
from tests.world import PDF, make_envelope, make_status

DOCUMENT_ID = "H37,2020/04/13,362/UBND-KGVX"


async def test_an_accepted_upload_is_answered_with_a_signed_receipt(site: Site) -> None:
    reply = await site.send()
    assert reply.status == 202
    answer = reply.json
    assert answer["decision"] == "accept"
    assert answer["repeated"] is False
    assert answer["receipt_jws"].count(".") == 2
    assert [finding for finding in answer["findings"] if finding["severity"] in ("refuse", "hold")] == []


async def test_the_recipient_lists_fetches_confirms_and_reports(site: Site) -> None:
    data = make_envelope()
    sent = (await site.send(data)).json
    [item] = await site.waiting()
    assert (item["message"], item["sender"], item["fetched"]) == (sent["message"], "H37", False)
    assert item["subject"] == "V/v xây dựng Chính quyền điện tử"
    fetched = await site.get(f"/api/v1/inbox/{item['delivery']}", "H37.03")
    assert fetched.body == data
    done = await site.post(f"/api/v1/inbox/{item['delivery']}/done", "H37.03")
    assert done.json["state"] == "delivered"
    assert await site.waiting() == []
    body = {"code": "03", "description": "Đã tiếp nhận", "staff": {"staff": "Nguyễn Thị Mẫu"}}
    reported = await site.post(f"/api/v1/inbox/{item['delivery']}/status", "H37.03", json=body)
    assert reported.status == 202
    history = (await site.get(f"/api/v1/documents/{sent['document']}")).json
    assert [(status["code"], status["automatic"]) for status in history["statuses"]] == [
        ("01", True),
        ("03", False),
    ]
    assert history["statuses"][1]["words"]["vi"] == "Đã tiếp nhận"
    assert [line["kind"] for line in await site.waiting("H37")] == ["status", "status"]


async def test_a_fetch_names_the_file_and_its_hash(site: Site) -> None:
    data = make_envelope()
    await site.send(data)
    [item] = await site.waiting()
    headers = (await site.get(f"/api/v1/inbox/{item['delivery']}", "H37.03")).headers
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    assert headers["x-envelope-sha256"] == hashlib.sha256(data).hexdigest() == item["envelope_sha256"]
    assert headers["digest"] == f"sha-256={digest}"
    assert headers["content-digest"] == f"sha-256=:{digest}:"
    assert headers["content-length"] == str(len(data)) == str(item["size"])
    assert headers["content-disposition"] == f'attachment; filename="{item["delivery"]}.edxml"'
    assert headers["content-type"] == "application/xml"


async def test_a_large_envelope_travels_byte_for_byte(site: Site) -> None:
    data = make_envelope(files={"to-trinh.pdf": PDF + bytes(range(256)) * 8_000})
    assert (await site.send(data)).status == 202
    [item] = await site.waiting()
    assert (await site.get(f"/api/v1/inbox/{item['delivery']}", "H37.03")).body == data
    assert site.staged() == []


async def test_done_before_the_fetch_is_refused(site: Site) -> None:
    await site.send()
    [item] = await site.waiting()
    reply = await site.post(f"/api/v1/inbox/{item['delivery']}/done", "H37.03")
    assert (reply.status, reply.code) == (409, "delivery.not_fetched")


async def test_a_damaged_payload_breaks_the_fetch_off_and_is_not_counted(site: Site) -> None:
    await site.send(make_envelope(files={"a.pdf": PDF + b"x" * 200_000}))
    [file] = [path for path in site.world.gw.blobs.payloads.glob("*/*") if path.is_file()]
    damaged = bytearray(file.read_bytes())
    damaged[-1] ^= 1
    file.write_bytes(damaged)
    [item] = await site.waiting()
    with pytest.raises(Exception, match=r"payload is not completed|Server disconnected|reset"):
        await site.get(f"/api/v1/inbox/{item['delivery']}", "H37.03")
    assert (await site.waiting())[0]["fetched"] is False


async def test_a_fetch_that_the_recipient_breaks_off_does_not_count(site: Site) -> None:
    await site.send(make_envelope(files={"a.pdf": PDF + b"x" * 8_000_000}))
    [item] = await site.waiting()
    url = f"{site.url}/api/v1/inbox/{item['delivery']}"
    async with site.session.get(url, headers={"X-API-Key": site.keys["H37.03"]}) as response:
        await response.content.read(1000)
        response.close()
    await asyncio.sleep(0.2)
    reply = await site.post(f"/api/v1/inbox/{item['delivery']}/done", "H37.03")
    assert reply.code == "delivery.not_fetched"


async def test_an_inbox_belongs_to_its_agency(site: Site) -> None:
    await site.send()
    [item] = await site.waiting()
    for method, path in (("GET", ""), ("POST", "/done")):
        reply = await site.call(method, f"/api/v1/inbox/{item['delivery']}{path}", "H37.05")
        assert (reply.status, reply.code) == (404, "delivery.unknown")
    assert (await site.get("/api/v1/inbox?agency=H37.03", "H37.05")).code == "inbox.not_yours"
    body = {"code": "03"}
    reply = await site.post(f"/api/v1/inbox/{item['delivery']}/status", "H37.05", json=body)
    assert (reply.status, reply.code) == (404, "delivery.unknown")


async def test_a_caller_of_several_agencies_names_one_in_any_spelling(site: Site) -> None:
    await site.send(to=["H37.31"])
    assert (await site.get("/api/v1/inbox", "two")).code == "agency.missing"
    found = await site.get("/api/v1/inbox?agency=000.00.31.H37", "two")
    assert [item["recipient"] for item in found.json["items"]] == ["H37.31"]
    assert (await site.get("/api/v1/inbox?agency=H99.99", "two")).code == "agency.unknown"


async def test_an_inbox_comes_in_pages_with_the_most_urgent_first(site: Site) -> None:
    for number, priority in (("1", 0), ("2", 0), ("3", 3)):
        await site.send(number=number, priority=priority)
    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        page = (await site.get(f"/api/v1/inbox?limit=1&cursor={cursor}", "H37.03")).json
        seen += [item["document_id"].split(",")[-1] for item in page["items"]]
        cursor = page["cursor"]
    assert seen == ["3/UBND-KGVX", "1/UBND-KGVX", "2/UBND-KGVX"]
    assert (await site.get("/api/v1/inbox?cursor=rubbish", "H37.03")).code == "cursor.malformed"


@pytest.mark.parametrize(
    "position",
    [
        '[18446744073709551615, 0, "x"]', '[0, 9223372036854775808, "x"]', '[-1, 0, "x"]', '[1e300, 0, "x"]',
        '[1.0, 0, "x"]', '["1", "2", "x"]', '[true, 0, "x"]', '[1, 2, 3]', '[1, 2, "\\u0000"]', '[1, 2]', "7",
    ],
)  # fmt: skip
async def test_a_cursor_that_no_gateway_gave_is_refused(site: Site, position: str) -> None:
    cursor = base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")
    reply = await site.get(f"/api/v1/inbox?cursor={cursor}", "H37.03")
    assert (reply.status, reply.code) == (400, "cursor.malformed")


async def test_small_messages_come_with_the_list_when_asked_for_and_count_as_fetched(site: Site) -> None:
    await site.send()
    await site.send(number="363", files={"to-trinh.pdf": PDF + b"x" * 100_000})
    await site.world.fetch("H37.03")
    assert [item["content"] for item in await site.waiting("H37")] == [None, None]
    items = (await site.get("/api/v1/inbox?content=true")).json["items"]
    assert all(base64.b64decode(item["content"]).startswith(b"<?xml") for item in items)
    hashes = [hashlib.sha256(base64.b64decode(item["content"])).hexdigest() for item in items]
    assert hashes == [item["envelope_sha256"] for item in items]
    assert [item["fetched"] for item in await site.waiting("H37")] == [True, True]


async def test_a_large_message_does_not_come_with_the_list(site: Site) -> None:
    await site.send(files={"to-trinh.pdf": PDF + b"x" * 100_000})
    [item] = (await site.get("/api/v1/inbox?content=true", "H37.03")).json["items"]
    assert (item["content"], item["fetched"]) == (None, False)


async def test_many_are_confirmed_at_once_and_one_that_cannot_be_does_not_keep_the_others(site: Site) -> None:
    for number in ("1", "2", "3"):
        await site.send(number=number)
    first, second, third = [item["delivery"] for item in await site.waiting()]
    for delivery in (first, second):
        await site.get(f"/api/v1/inbox/{delivery}", "H37.03")
    reply = await site.post("/api/v1/inbox", "H37.03", json={"done": [first, third, "none", second]})
    answered = [(item["delivery"], item["state"], item["code"]) for item in reply.json["items"]]
    assert answered == [
        (first, "delivered", ""),
        (third, "", "delivery.not_fetched"),
        ("none", "", "delivery.unknown"),
        (second, "delivered", ""),
    ]
    assert reply.json["items"][1]["reason"]["vi"]
    assert [item["delivery"] for item in await site.waiting()] == [third]


async def test_a_document_is_found_by_its_document_id_in_the_path(site: Site) -> None:
    sent = (await site.send()).json
    found = await site.get(f"/api/v1/documents/{quote(DOCUMENT_ID, safe='')}")
    assert found.json["id"] == sent["document"]
    assert found.json["document_id"] == DOCUMENT_ID
    assert found.json["receipts"][0]["jws"] == sent["receipt_jws"]


async def test_both_ends_see_a_document_and_strangers_do_not(site: Site) -> None:
    sent = (await site.send()).json
    path = f"/api/v1/documents/{sent['document']}"
    for who in ("H37", "H37.03", "auditor", "operator"):
        assert (await site.get(path, who)).status == 200
    reply = await site.get(path, "H37.05")
    assert (reply.status, reply.code) == (404, "document.unknown")


async def test_the_events_of_a_document_are_given_as_the_bytes_that_are_in_the_log(site: Site) -> None:
    sent = (await site.send()).json
    events = (await site.get(f"/api/v1/documents/{sent['document']}/events")).json["events"]
    assert [event["type"] for event in events] == ["document.accepted", "delivery.queued"]
    rows = await site.world.rows("events_of_document", document=sent["document"])
    assert [event["body"].encode() for event in events] == [bytes(row["body"]) for row in rows]  # type: ignore[call-overload]


async def test_moments_are_written_with_the_vietnamese_offset(site: Site) -> None:
    sent = (await site.send()).json
    created = (await site.get(f"/api/v1/documents/{sent['document']}")).json["created_at"]
    moment = datetime.fromisoformat(created)
    assert moment.utcoffset() == timedelta(hours=7)
    assert created.startswith("2020-04-13T15:30:0")


async def test_a_list_continues_where_the_last_page_ended(site: Site) -> None:
    for number in ("1", "2", "3"):
        await site.send(number=number)
    first = (await site.get("/api/v1/documents?limit=2")).json
    assert [line["number"] for line in first["documents"]] == ["3", "2"]
    rest = (await site.get(f"/api/v1/documents?limit=2&before={quote(first['before'])}")).json
    assert [line["number"] for line in rest["documents"]] == ["1"]
    assert rest["before"] == ""
    unquoted = await site.get(f"/api/v1/documents?limit=2&before={first['before']}")
    assert unquoted.json == rest


async def test_an_auditor_lists_everything_and_a_system_only_its_own(site: Site) -> None:
    await site.send()
    assert len((await site.get("/api/v1/documents", "auditor")).json["documents"]) == 1
    assert len((await site.get("/api/v1/documents", "H37.03")).json["documents"]) == 1
    assert (await site.get("/api/v1/documents", "H37.05")).json["documents"] == []
    assert (await site.get("/api/v1/documents?agency=H37", "H37.05")).code == "documents.not_yours"


async def test_the_same_upload_again_gets_the_first_answer(site: Site) -> None:
    data = make_envelope()
    first, again = (await site.send(data)).json, (await site.send(data)).json
    assert again["repeated"] is True
    assert [again[name] for name in ("message", "receipt", "receipt_jws")] == [
        first[name] for name in ("message", "receipt", "receipt_jws")
    ]
    assert len(await site.waiting()) == 1


async def test_the_same_upload_many_times_at_the_same_moment_is_one_document(site: Site) -> None:
    data = make_envelope(files={"a.pdf": PDF + b"x" * 100_000})
    replies = await asyncio.gather(*(site.send(data) for _ in range(8)))
    assert {reply.status for reply in replies} == {202}
    assert len({reply.json["message"] for reply in replies}) == 1
    assert sorted(reply.json["repeated"] for reply in replies) == [False] + [True] * 7
    assert len(await site.waiting()) == 1
    assert site.staged() == []


async def test_another_content_under_a_known_document_id_is_a_conflict(site: Site) -> None:
    await site.send()
    reply = await site.send(subject="Một nội dung khác", document_id=DOCUMENT_ID)
    assert (reply.status, reply.code) == (409, "duplicate.conflict")
    assert reply.json["findings"][0]["vi"]


async def test_two_contents_for_one_document_id_at_the_same_moment_leave_one(site: Site) -> None:
    uploads = [make_envelope(subject=f"Nội dung {n}", document_id=DOCUMENT_ID) for n in range(4)]
    replies = await asyncio.gather(*(site.send(data) for data in uploads))
    assert sorted(reply.status for reply in replies) == [202, 409, 409, 409]


async def test_a_refusal_names_the_finding_in_both_languages(site: Site) -> None:
    reply = await site.send(to=["H99.98"])
    assert (reply.status, reply.code) == (422, "submission.refused")
    finding = next(f for f in reply.json["findings"] if f["severity"] == "refuse")
    assert finding["rule"] == "recipient.unknown"
    assert "H99.98" in finding["vi"]
    assert "H99.98" in finding["en"]


async def test_another_agency_as_sender_is_forbidden(site: Site) -> None:
    reply = await site.send(sender="H37", who="H37.05")
    assert (reply.status, reply.code) == (403, "sender.not_yours")


@pytest.mark.parametrize("data", [b"", b"xin chao", b"<a/>", b"\x00\x01", b"PK\x03\x04rubbish"])
async def test_bytes_that_are_no_edxml_are_unreadable(site: Site, data: bytes) -> None:
    reply = await site.send(data)
    assert (reply.status, reply.code) == (422, "envelope.unreadable")
    assert reply.json["findings"]


async def test_a_status_is_sent_through_the_same_door(site: Site) -> None:
    await site.send()
    await site.world.fetch("H37.03")
    reply = await site.send(make_status("H37.03", "03", DOCUMENT_ID), "H37.03")
    assert reply.status == 202


async def test_a_status_that_nobody_knows_is_malformed(site: Site) -> None:
    await site.send()
    [item] = await site.waiting()
    path = f"/api/v1/inbox/{item['delivery']}/status"
    reply = await site.post(path, "H37.03", json={"code": "07"})
    assert (reply.status, reply.code) == (400, "request.malformed")
    assert reply.json["findings"][0]["where"] == "code"


async def test_a_check_says_what_a_submission_would_and_keeps_nothing(site: Site) -> None:
    data = make_envelope(to=["H99.98"])
    reply = await site.call("POST", "/api/v1/check", "H37", XML, data=data)
    assert reply.status == 200
    assert reply.json["decision"] == "refuse"
    assert reply.json["document"]["subject"] == "V/v xây dựng Chính quyền điện tử"
    assert "recipient.unknown" in [finding["rule"] for finding in reply.json["findings"]]
    assert "submission.refused" not in await site.world.event_types()
    assert site.staged() == []


async def test_a_check_of_rubbish_is_a_verdict_and_no_error(site: Site) -> None:
    reply = await site.call("POST", "/api/v1/check", "H37", XML, data=b"xin chao")
    assert (reply.status, reply.json["decision"], reply.json["document"]) == (200, "refuse", {})


async def test_agencies_are_found_without_accents_and_by_any_code(site: Site) -> None:
    async def names(query: str) -> list[str]:
        return [agency["name"] for agency in (await site.get(f"/api/v1/agencies?{query}")).json["agencies"]]

    assert await names("q=so%20y%20te") == ["Sở Y tế"]
    assert await names("q=000.00.31.H37") == ["UBND thành phố Lạng Sơn"]
    assert await names("q=H37.31") == ["UBND thành phố Lạng Sơn", "UBND phường Tam Thanh"]
    assert await names("q=khong-co") == []


async def test_a_pick_list_has_no_test_codes_and_nobody_who_is_closed(site: Site) -> None:
    rows = "code,name,level,test,valid_to\nW00,Mã thử,outside,x,\nH37.40,Đơn vị cũ,district,,2020-01-31\n"
    await office.import_directory(site.world.gw, LOCAL, read_directory(rows, "csv"), apply=True)

    async def codes(query: str) -> set[str]:
        return {a["code"] for a in (await site.get(f"/api/v1/agencies?{query}")).json["agencies"]}

    listed = await codes("limit=100")
    assert not listed & {"W00", "H37.40"}
    assert await codes("limit=100&test=true") - listed == {"W00"}
    assert await codes("limit=100&on=2020-01-01") - listed == {"H37.40"}


async def test_agencies_come_in_pages(site: Site) -> None:
    first = (await site.get("/api/v1/agencies?limit=4")).json
    rest = (await site.get(f"/api/v1/agencies?limit=4&cursor={first['cursor']}")).json
    codes = [agency["code"] for page in (first, rest) for agency in page["agencies"]]
    assert codes == sorted(codes)
    assert len(codes) == 7
    assert rest["cursor"] == ""
    assert first["on"] == "2020-04-13"


async def test_the_gateway_gives_the_certificate_of_its_receipts(site: Site) -> None:
    info = (await site.get("/api/v1/gateway")).json
    assert info["receipt_certificates"] == [site.world.gw.keyring.receipt_certificate_pem.decode()]
    assert (info["clock"], info["limits"]["upload_bytes"]) == ("scenario", 146_800_640)
    assert info["levels"] == ["province", "district", "commune"]
