"""The clerk's desk: what her agency sent and got, her answers, checking and sending a file by hand."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

import aiohttp
import pytest

from gateway.directory.data import DirectoryData
from gateway.errors import DuplicateConflict
from gateway.flow import hold, inbox, office
from gateway.flow.operate import LOCAL
from gateway.model.agency import Agency, Profile
from gateway.model.text import AgencyCode
from tests.console.conftest import ROLES, Answer, Console, Person, account
from tests.world import PDF, make_envelope

HOSTILE = "<script>alert(1)</script>\u202etxt.exe\u200b"


async def clerk(console: Console, *agencies: str) -> Person:
    """A clerk of these agencies (H37.03 unless told)."""
    login = f"clerk-{'-'.join(agencies) or 'H37.03'}".lower()
    ROLES[login] = (ROLES["clerk"][0], agencies or ("H37.03",))
    try:
        await account(console.gw, login)
    finally:
        del ROLES[login]
    person = console.stranger()
    await person.sign_in(login)
    return person


async def send_files(
    person: Person, path: str, fields: dict[str, str], files: Sequence[tuple[str, str, bytes]]
) -> Answer:
    """A form with files, as a browser sends it: the fields first."""
    form = aiohttp.FormData()
    for name, value in ({"csrf": person.csrf} | fields).items():
        form.add_field(name, value)
    for field, name, data in files:
        form.add_field(field, data, filename=name, content_type="application/octet-stream")
    async with person.session.post(f"{person.base}/console{path}", data=form) as response:
        text = (await response.read()).decode()
        return Answer(response.status, str(response.url), text, dict(response.headers))


LETTER = {
    "chosen": "H37.05 H37.31",
    "type": "Công văn",
    "number": "77",
    "notation": "STTTT-VP",
    "day": "2020-04-13",
    "subject": "V/v báo cáo tháng 4",
    "signer": "Người ký mẫu",
    "urgency": "1",
}


async def incoming(console: Console, agency: str = "H37.03") -> str:
    """The delivery that waits for an agency."""
    [item] = await console.world.waiting(agency)
    return item.delivery


async def test_an_empty_desk_says_what_can_be_done(console: Console) -> None:
    page = await (await clerk(console)).get("/")
    assert page.url.endswith("/console/desk")
    assert "Đơn vị chưa gửi văn bản nào qua trục." in page.words
    assert "Sở Thông tin và Truyền thông" in page.words


async def test_a_sent_document_shows_how_far_each_recipient_is(console: Console) -> None:
    world = console.world
    sent = await world.send("H37.03", to=["H37.05", "H37.31", "H37.32"])
    await world.fetch("H37.05")
    await world.fetch("H37.31")
    document_id = (await world.rows("document_by_id", id=sent.document))[0]["document_id"]
    about = {"about": "H37.03", "description": "R05: sai thể thức"}
    await world.report("H37.31", "02", str(document_id), **about)
    person = await clerk(console)
    assert "Chờ nơi nhận lấy: 1" in (await person.get("/desk")).words
    page = await person.get(f"/desk/sent/{sent.document}")
    assert "R05: sai thể thức" in page.words
    assert "01 Đã đến" in page.words
    refused = await person.get(f"/desk/sent/{sent.document}?stage=refused")
    assert ("UBND thành phố Lạng Sơn" in refused.words, "Sở Y tế" in refused.words) == (True, False)
    returned = await person.get("/desk/returned")
    assert "R05: sai thể thức" in returned.words
    assert "gói tin cập nhật hoặc thay thế" in returned.words


async def test_a_held_delivery_stands_among_what_came_back_with_its_reason(console: Console) -> None:
    await console.world.send("H37.03", to=["H37.05"])
    await hold.hold(console.gw, LOCAL, await incoming(console, "H37.05"), "chờ xác minh")
    page = await (await clerk(console)).get("/desk/returned")
    assert "Trục tạm giữ" in page.words


async def test_accepting_reports_03_and_takes_the_document_off_the_list(console: Console) -> None:
    await console.world.send("H37", to=["H37.03"])
    person, delivery = await clerk(console), await incoming(console)
    assert "362/UBND-KGVX" in (await person.get("/incoming")).words
    page = await person.post(f"/incoming/{delivery}/status", code="03", words="Số đến 15")
    assert "Đã báo trạng thái 03 Đã tiếp nhận" in page.words
    assert "Số đến 15" in page.words
    assert "Không có văn bản đến nào chờ tiếp nhận." in (await person.get("/incoming")).words
    assert "362/UBND-KGVX" in (await person.get("/incoming?list=work")).words
    assert "06 Đã hoàn thành" in (await person.post(f"/incoming/{delivery}/status", code="06")).words
    assert "362" not in (await person.get("/incoming?list=work")).words


async def test_an_arrival_that_comes_late_does_not_undo_an_acceptance(console: Console) -> None:
    await console.world.send("H37", to=["H37.03"])
    person, delivery = await clerk(console), await incoming(console)
    await person.post(f"/incoming/{delivery}/status", code="03")
    await console.world.fetch("H37.03")  # her system comes back: its 01 follows
    assert "Không có văn bản đến nào chờ tiếp nhận." in (await person.get("/incoming")).words


async def test_a_long_list_goes_on_where_the_page_ended(console: Console) -> None:
    for number in range(1, 54):
        await console.world.send("H37", to=["H37.03"], number=f"9{number:03}", priority=number % 3)
    person = await clerk(console)
    first = await person.get("/incoming")
    following = re.search(r'href="(/console/incoming[^"]+after=[^"]+)"', first.text)
    assert following
    second = await person.get(following[1].replace("&amp;", "&").removeprefix("/console"))
    seen = [re.findall(r">(9\d{3})/UBND", page.text) for page in (first, second)]
    assert [len(numbers) for numbers in seen] == [50, 3]
    assert len({*seen[0], *seen[1]}) == 53
    assert "after=" not in second.text.partition("<main")[2]


async def test_a_refusal_needs_a_code_and_words(console: Console) -> None:
    await console.world.send("H37", to=["H37.03"])
    person, delivery = await clerk(console), await incoming(console)
    path = f"/incoming/{delivery}/status"
    assert (await person.post(path, code="02", refusal="R01")).status == 400
    answer = await person.post(path, code="02", words="nhầm nơi nhận", refusal="R77")
    assert "chọn mã lý do từ chối" in answer.words
    await person.post(path, code="02", words="nhầm nơi nhận", refusal="R01")
    [row] = await console.world.rows("delivery_by_id", id=delivery)
    assert row["status_code"] == "02"
    page = await (await clerk(console, "H37")).get("/desk/returned")
    assert "R01: nhầm nơi nhận" in page.words


async def test_files_are_taken_by_hand_and_the_system_still_gets_them(console: Console) -> None:
    await console.world.send("H37", to=["H37.03"], files={"văn bản.pdf": PDF, "phụ lục.bin": b"abc"})
    person, delivery = await clerk(console), await incoming(console)
    assert "văn bản.pdf" in (await person.get(f"/incoming/{delivery}")).words
    first = await person.get(f"/incoming/{delivery}/files/1")
    second = await person.get(f"/incoming/{delivery}/files/2")
    assert (first.text.encode(), second.text) == (PDF, "abc")
    assert first.headers["content-disposition"].startswith("attachment; filename=")
    assert "filename*=UTF-8''v%C4%83n%20b%E1%BA%A3n.pdf" in first.headers["content-disposition"]
    assert (await person.get(f"/incoming/{delivery}/files/3")).status == 404
    [fetched] = await console.world.fetch("H37.03")  # nothing doubles, nothing is missing
    assert fetched.item.delivery == delivery


async def test_what_is_confirmed_by_hand_is_not_handed_to_the_system_again(console: Console) -> None:
    await console.world.send("H37", to=["H37.03"])
    person, delivery = await clerk(console), await incoming(console)
    early = await person.post(f"/incoming/{delivery}/taken")
    assert early.status == 409
    assert "Chưa tải về đầy đủ" in early.words
    await person.get(f"/incoming/{delivery}/envelope")
    await person.post(f"/incoming/{delivery}/taken")
    await person.post(f"/incoming/{delivery}/taken")
    assert await console.world.waiting("H37.03") == []
    done = await inbox.done(console.gw, console.world.caller("H37.03"), delivery)  # its system says so too
    assert done.state.value == "delivered"
    listed = await person.get("/desk/by-hand.csv")
    rows = list(csv.DictReader(io.StringIO(listed.text.lstrip("\ufeff"))))
    assert [(row["what"], row["delivery"]) for row in rows] == [("taken", delivery)]


async def test_other_agencies_people_see_nothing_of_it(console: Console) -> None:
    sent = await console.world.send("H37", to=["H37.03"])
    delivery = await incoming(console)
    stranger = await clerk(console, "H37.05")
    for path in (
        f"/incoming/{delivery}",
        f"/incoming/{delivery}/envelope",
        f"/incoming/{delivery}/files/1",
        f"/desk/sent/{sent.document}",
        f"/desk/sent/{sent.document}/envelope",
        f"/desk/sent/{sent.document}/recall",
    ):
        assert (await stranger.get(path)).status == 404, path
    assert (await stranger.post(f"/incoming/{delivery}/status", code="03")).status == 404
    assert (await stranger.post(f"/incoming/{delivery}/taken")).status == 404
    assert (await stranger.post(f"/desk/sent/{sent.document}/recall", reason="x")).status == 404
    assert (await stranger.get("/desk?agency=H37.03")).status == 403


async def test_a_clerk_of_two_agencies_chooses(console: Console) -> None:
    await console.world.send("H37.05", to=["H37"])
    person = await clerk(console, "H37.03", "H37.05")
    assert "chưa gửi văn bản nào" in (await person.get("/desk")).words
    page = await person.get("/desk?agency=H37.05")
    assert "362/UBND-KGVX" in page.words
    assert "agency=H37.05" in page.text


async def test_a_recall_of_sixty_rows_stands_on_one_page(console: Console) -> None:
    sent = await console.world.send("H37.03", to=["H37.05", "H37.31", "H37.32"])
    await console.world.fetch("H37.05")
    await console.world.fetch("H37.31")
    person = await clerk(console)
    assert (await person.post(f"/desk/sent/{sent.document}/recall", reason=" ")).status == 400
    page = await person.post(f"/desk/sent/{sent.document}/recall", reason="sai số liệu")
    assert "2 nơi nhận được yêu cầu trả lời" in page.words
    assert "Đã rút lại, nơi nhận chưa có văn bản" in page.words
    other = await clerk(console, "H37.05")
    desk = await other.get("/desk")
    assert "sai số liệu" in desk.words
    one = await other.get(f"/incoming/recalled/{sent.document}")
    assert "Cơ quan gửi yêu cầu thu hồi văn bản này." in one.words
    path = one.url.partition("/console")[2]
    assert (await other.post(f"{path}/status", code="16")).status == 400  # needs words
    await other.post(f"{path}/status", code="15", words="đã xóa")
    page = await person.get(f"/desk/sent/{sent.document}/recall")
    assert re.search("Đồng ý thu hồi 1", page.words)
    assert re.search("Đã yêu cầu, chưa trả lời 1", page.words)
    assert "Người clerk-h37.05 · đã xóa" in page.words
    gone = await other.get(path)
    assert "V/v xây dựng" not in gone.words  # given back: its data went with it


async def test_statuses_can_be_taken_where_there_is_no_system(console: Console) -> None:
    await console.world.send("H37.03", to=["H37.05"])
    await console.world.fetch("H37.05")
    person = await clerk(console)
    assert "1 thông báo trạng thái" in (await person.get("/desk")).words
    page = await person.post("/desk/statuses/take", agency="H37.03")
    assert "Đã nhận 1 thông báo trạng thái." in page.words
    assert await console.world.waiting("H37.03") == []


async def test_checking_a_message_keeps_and_records_nothing(console: Console) -> None:
    before = await console.world.event_types()
    person = await clerk(console)
    data = make_envelope("H37.03", ["H37.99"], subject=HOSTILE)
    answer = await send_files(person, "/check", {}, [("file", "a.edxml", data)])
    assert answer.status == 200
    assert "Trục sẽ từ chối tệp này" in answer.words
    assert "H37.99" in answer.words
    assert "recipient.unknown" in answer.words
    assert "<script>alert" not in answer.text
    assert "U+202E" in answer.words
    assert not {"document.accepted", "submission.refused"} & set(await console.world.event_types())
    assert len(before) < 20


async def test_checking_a_good_message_shows_what_would_count(console: Console) -> None:
    data = make_envelope("H37.03", ["H37.05"])
    answer = await send_files(await clerk(console), "/check", {}, [("file", "a.edxml", data)])
    assert "Trục sẽ nhận tệp này" in answer.words
    assert "C1" in answer.words


async def test_checking_a_bare_pdf_says_that_it_is_not_signed(console: Console) -> None:
    answer = await send_files(await clerk(console), "/check", {}, [("file", "công văn.pdf", PDF)])
    assert "Tệp PDF chưa được ký số" in answer.words
    assert "signature.pdf_unsigned" in answer.words


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\x00" * 5000], ids=["empty", "picture", "zeros"])
async def test_checking_rubbish_is_answered_with_a_sentence(console: Console, data: bytes) -> None:
    answer = await send_files(await clerk(console), "/check", {}, [("file", "x", data)])
    assert "không phải gói tin edXML đọc được" in answer.words


async def test_checking_without_a_file_asks_for_one(console: Console) -> None:
    answer = await send_files(await clerk(console), "/check", {}, [("file", "", b"")])
    assert (answer.status, "Chưa chọn tệp" in answer.words) == (400, True)


async def test_uploads_of_other_sites_are_not_taken(console: Console) -> None:
    person = await clerk(console)
    person.csrf = "x" * 43
    for path in ("/check", "/compose"):
        assert (await send_files(person, path, LETTER, [("main", "a.pdf", PDF)])).status == 403
    assert await console.world.waiting("H37.05") == []


async def test_recipients_are_found_without_accents(console: Console) -> None:
    person = await clerk(console)
    page = await person.post("/compose/find", find="thanh pho lang son", number="12", subject="giữ nguyên")
    assert 'name="add" value="H37.31"' in page.text
    assert 'value="12"' in page.text
    assert "giữ nguyên" in page.text
    page = await person.post("/compose/find", chosen="H37.05", add="H37.31", below="H37.31", drop="H37.05")
    assert 'name="chosen" value="H37.31 H37.31.21"' in page.text
    page = await person.post("/compose/find", paste="000.00.05.H37; H37.99")
    assert 'name="chosen" value="H37.05"' in page.text
    assert "H37.99" in page.words


async def test_a_letter_by_hand_passes_the_gate_and_shows_its_receipt(console: Console) -> None:
    person = await clerk(console)
    answer = await send_files(
        person, "/compose", LETTER, [("main", "cv77.pdf", PDF), ("more", "phụ lục.xlsx", b"PK")]
    )
    assert answer.status == 200, answer.words
    assert "Trục đã nhận văn bản; phiếu xác nhận ở bên dưới." in answer.words
    assert "77/STTTT-VP" in answer.words
    assert "Tải phiếu có chữ ký số" in answer.words
    [item] = await console.world.waiting("H37.31")
    assert (item.subject, item.header["urgency"]) == ("V/v báo cáo tháng 4", 1)
    receipt = re.search(r"/console(/desk/sent/[^\"]+/receipts/[^\"]+)\"", answer.text)
    assert receipt
    assert (await person.get(receipt[1])).text.count(".") == 2


async def test_the_same_letter_again_gets_its_first_receipt(console: Console) -> None:
    person = await clerk(console)
    files = [("main", "cv77.pdf", PDF)]
    await send_files(person, "/compose", LETTER, files)
    again = await send_files(person, "/compose", LETTER, files)
    assert "không gửi lần thứ hai" in again.words
    assert len(await console.world.waiting("H37.31")) == 1


async def test_a_form_with_gaps_names_each_and_keeps_the_rest(console: Console) -> None:
    person = await clerk(console)
    gaps = LETTER | {"chosen": "", "day": "32/13/2020", "signer": ""}
    answer = await send_files(person, "/compose", gaps, [("main", "a.docx", b"PK\x03\x04")])
    assert answer.status == 400
    for words in ("Chưa chọn nơi nhận.", "Thiếu ngày ban hành", "họ tên người ký", "không phải PDF"):
        assert words in answer.words
    assert 'value="77"' in answer.text
    assert await console.world.waiting("H37.31") == []


async def test_a_refused_letter_is_shown_again_with_the_reasons(console: Console) -> None:
    person = await clerk(console)
    secret = LETTER | {"subject": "TUYỆT MẬT"}
    answer = await send_files(person, "/compose", secret, [("main", "a.pdf", PDF)])
    assert answer.status == 422
    assert "secrecy." in answer.words


async def test_a_used_number_is_asked_about_once(console: Console) -> None:
    await console.world.send("H37.03", ["H37.05"], number="77", notation="STTTT-VP", document_id="khác")
    person = await clerk(console)
    answer = await send_files(person, "/compose", LETTER, [("main", "a.pdf", PDF)])
    assert answer.status == 409
    assert "đã gửi một văn bản số 77/STTTT-VP" in answer.words
    answer = await send_files(person, "/compose", LETTER | {"again": "1"}, [("main", "a.pdf", PDF)])
    assert answer.status == 200


async def test_when_her_system_is_back_it_sends_nothing_twice(console: Console) -> None:
    person = await clerk(console)
    sent = await send_files(person, "/compose", LETTER, [("main", "cv77.pdf", PDF)])
    document = re.search("/desk/sent/([^/?]+)", sent.url)
    assert document
    envelope = (await person.get(f"/desk/sent/{document[1]}/envelope")).text.encode()
    repeated = await console.world.upload("H37.03", envelope)  # told by the form's own message
    assert repeated.repeated
    own = {"number": "77", "notation": "STTTT-VP", "subject": "Khác chút", "files": {"khác.pdf": PDF}}
    with pytest.raises(DuplicateConflict) as same_id:  # the same DocumentId, written otherwise
        await console.world.send("H37.03", ["H37.05"], document_id=repeated_id(envelope), **own)
    with pytest.raises(DuplicateConflict) as other_id:  # a DocumentId of its own
        await console.world.send("H37.03", ["H37.05"], document_id="phan-mem-991", **own)
    assert same_id.value.code == other_id.value.code == "duplicate.conflict"
    assert "Văn thư đã gửi văn bản này bằng biểu mẫu" in other_id.value.text.vi
    assert len(await console.world.waiting("H37.05")) == 1
    listed = await person.get("/desk/by-hand")
    assert repeated_id(envelope) in listed.words


def repeated_id(envelope: bytes) -> str:
    found = re.search(rb"DocumentId>([^<]+)<", envelope)
    assert found
    return found[1].decode()


async def test_hostile_names_and_subjects_are_only_shown(console: Console) -> None:
    long = "dài " * 120
    await console.world.send("H37", to=["H37.03"], subject=HOSTILE + long, files={HOSTILE + ".pdf": PDF})
    person, delivery = await clerk(console), await incoming(console)
    for path in ("/incoming", f"/incoming/{delivery}"):
        page = await person.get(path)
        assert "<script>alert" not in page.text
        assert "U+202E" in page.words
    file = await person.get(f"/incoming/{delivery}/files/1")
    assert "\u202e" not in file.headers["content-disposition"]
    assert "%E2%80%AE" not in file.headers["content-disposition"]
    assert "<" not in file.headers["content-disposition"]


async def test_a_document_that_is_pushed_can_be_taken_by_hand_once(console: Console) -> None:
    profile = Profile(AgencyCode("H37.03"), adapter="webhook", settings=(("url", "https://h37-03.example"),))
    await office.set_profile(console.gw, LOCAL, profile)
    await console.world.send("H37", to=["H37.03"])
    [row] = await console.world.rows("queue_rows", limit=9)
    person = await clerk(console)
    assert "Trục đang gửi đến phần mềm của đơn vị." in (await person.get(f"/incoming/{row['id']}")).words
    assert (await person.get(f"/incoming/{row['id']}/files/1")).text.encode() == PDF
    assert (await person.post(f"/incoming/{row['id']}/taken")).status == 200
    due = await console.world.rows("queue_rows", limit=9)
    assert [one for one in due if one["kind"] != "status"] == []  # the worker has nothing left to push


async def test_pages_of_many_recipients_stay_small(console: Console) -> None:
    made = tuple(
        Agency(AgencyCode(f"H37.90.{n}"), f"Đơn vị số {n}", "commune", AgencyCode("H37")) for n in range(1200)
    )
    await office.import_directory(console.gw, LOCAL, DirectoryData(made), apply=True)
    sent = await console.world.send("H37.03", to=[one.code for one in made])
    person = await clerk(console)
    page = await person.get(f"/desk/sent/{sent.document}")
    assert "Tất cả: 1.200" in page.words
    assert len(page.text) < 150_000
    following = re.search(r'href="(/console[^"]+after=[^"]+)"', page.text)
    assert following
    second = await person.get(following[1].replace("&amp;", "&").removeprefix("/console"))
    assert "Đơn vị số" in second.words
    assert second.words != page.words
