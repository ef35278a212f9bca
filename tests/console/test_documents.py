"""Finding documents, and one document's page."""

from __future__ import annotations

import csv
import io
import re

import pytest

from gateway.flow import incident, terms
from gateway.flow.find import Sought, find_documents
from gateway.flow.operate import LOCAL
from gateway.model.text import Instant
from gateway.store import events, retention
from tests.console.conftest import Answer, Console, Person

SCRIPT = "<script>alert(1)</script>\u202egpj.exe"


async def numbers(person: Person, query: str = "") -> list[str]:
    """Numbers of the listed documents."""
    page = await person.get(f"/documents{query}")
    assert page.status == 200, page.words
    return _listed(page)


def _listed(page: Answer) -> list[str]:
    return re.findall(r'/console/documents/[0-9a-f-]{36}"><bdi class="said">([^<]*)', page.text)


async def sent(console: Console, **made: object) -> str:
    """The gateway's id of a document that went out."""
    done = await console.world.send(**made)  # type: ignore[arg-type]
    return done.document


async def test_an_empty_gateway_says_that_nothing_came(console: Console) -> None:
    page = await (await console.person("auditor")).get("/documents")
    assert "Chưa có văn bản nào qua trục." in page.words


async def test_words_of_a_subject_are_found_without_accents_and_stay_out_of_the_address(
    console: Console,
) -> None:
    await sent(console, number="1", subject="V/v chuyển đổi số")
    await sent(console, number="2", subject="Phòng chống Đại dịch")
    person = await console.person("auditor")
    page = await person.post("/documents/find", subject="CHUYEN doi")
    assert "1/UBND-KGVX" in page.words
    assert "2/UBND-KGVX" not in page.words
    assert "chuyen" not in page.url.lower()
    assert "2/UBND-KGVX" in (await person.post("/documents/find", subject="đại dich")).words


@pytest.mark.parametrize(
    ("field", "text", "found"),
    [
        ("number", "007", ["7/UBND-KGVX"]),
        ("notation", "sytte", ["8/SYTTE"]),
        ("sender", "so y te", ["8/SYTTE"]),
        ("recipient", "000.00.31.H37", ["7/UBND-KGVX"]),
        ("recipient", "H37.31", ["7/UBND-KGVX"]),
        ("levels", "province>district", ["7/UBND-KGVX"]),
        ("levels", "commune>province", []),
        ("verdict", "none", ["8/SYTTE", "7/UBND-KGVX"]),
        ("verdict", "failed", []),
        ("state", "queued", ["8/SYTTE", "7/UBND-KGVX"]),
        ("state", "dead", []),
        ("from_day", "2020-04-13", ["8/SYTTE", "7/UBND-KGVX"]),
        ("from_day", "2020-04-14", []),
        ("to_day", "2020-04-12", []),
        ("to_day", "2020-04-13", ["8/SYTTE", "7/UBND-KGVX"]),
    ],
)
async def test_a_condition_finds_what_it_says(
    console: Console, field: str, text: str, found: list[str]
) -> None:
    await sent(console, number="7", to=["H37.31"])
    await sent(console, sender="H37.05", number="8", notation="SYTTE", to=["H37.03"])
    person = await console.person("operator")
    page = await person.post("/documents/find", **{field: text})
    assert _listed(page) == found
    assert ("Không tìm thấy văn bản nào." in page.words) == (not found)


async def test_recipient_and_state_are_asked_of_one_delivery(console: Console) -> None:
    await sent(console, number="7", to=["H37.03", "H37.31"])
    await console.world.fetch("H37.03")
    person = await console.person("operator")
    assert await numbers(person, "?recipient=H37.03&state=delivered") == ["7/UBND-KGVX"]
    assert await numbers(person, "?recipient=H37.31&state=delivered") == []


async def test_one_box_understands_ids_numbers_and_words(console: Console) -> None:
    document = await sent(console, number="362", subject="Kế hoạch năm")
    [delivery] = await console.world.rows("queue_rows", limit=9)
    person = await console.person("auditor")
    for text in (document, str(delivery["id"]), "H37,2020/04/13,362/UBND-KGVX"):
        page = await person.post("/documents/find", q=text)
        assert page.url.endswith(f"/console/documents/{document}"), text
    for text in ("362", "Số 362/UBND-KGVX", "ke hoach"):
        assert "362/UBND-KGVX" in (await person.post("/documents/find", q=text)).words, text
    missing = await person.post("/documents/find", q=document[:-1] + ("0" if document[-1] != "0" else "1"))
    assert missing.status == 404
    assert "Không có văn bản, gói tin, lượt gửi hay phiếu xác nhận nào" in missing.words


async def test_pages_go_on_where_the_last_one_ended(console: Console) -> None:
    for number in range(1, 6):
        await sent(console, number=str(number))
    first = await find_documents(console.gw, LOCAL, Sought(sender="H37"), limit=3)
    rest = await find_documents(console.gw, LOCAL, Sought(sender="H37"), first.cursor, limit=3)
    assert [line.header["number"] for line in first.lines] == ["5", "4", "3"]
    assert [line.header["number"] for line in rest.lines] == ["2", "1"]
    assert rest.cursor == ""


async def test_a_search_is_kept_under_its_name_for_its_person_alone(console: Console) -> None:
    await sent(console, number="7", subject="Kế hoạch năm")
    person, other = await console.person("operator"), await console.person("auditor")
    page = await person.post("/documents/find", subject="kế hoạch", keep="1", name="Kế hoạch <b>")
    assert "Đã lưu tìm kiếm." in page.words
    assert "Kế hoạch &lt;b&gt;" in page.text
    assert (await other.get(page.url.partition("/console")[2])).status == 404
    [search] = re.findall(r"searches/([0-9a-f-]+)/forget", page.text)
    gone = await person.post(f"/documents/searches/{search}/forget")
    assert "Kế hoạch &lt;b&gt;" not in gone.text


async def test_a_clerk_finds_only_what_her_agency_sent_or_has(console: Console) -> None:
    await sent(console, sender="H37", number="1", to=["H37.03"])
    await sent(console, sender="H37.05", number="2", to=["H37", "H37.03"])
    await sent(console, sender="H37.05", number="3", to=["H37.03"])
    clerk = await console.person("clerk")
    assert await numbers(clerk) == ["2/UBND-KGVX", "1/UBND-KGVX"]
    assert await numbers(clerk, "?number=3") == []
    assert await numbers(clerk, "?recipient=H37.03") == ["1/UBND-KGVX"]  # of what others sent, its own alone


async def test_the_result_is_taken_away_and_no_cell_is_a_formula(console: Console) -> None:
    await sent(console, number="7", subject="=cmd|' /C calc'!A0")
    person = await console.person("auditor")
    answer = await person.get("/documents/result.csv")
    assert answer.headers["content-disposition"].startswith('attachment; filename="van-ban-')
    [head, line] = list(csv.reader(io.StringIO(answer.text.lstrip("\ufeff")), delimiter=";"))
    assert dict(zip(head, line, strict=True))["Trích yếu"] == "'=cmd|' /C calc'!A0"
    book = await person.get("/documents/result.xlsx")
    assert book.status == 200
    assert "spreadsheetml" in book.headers["content-type"]


async def test_a_purged_document_is_found_by_no_word_of_its_subject(console: Console) -> None:
    document = await sent(console, number="7", subject="Nội dung lộ")
    assert len((await find_documents(console.gw, LOCAL, Sought(subject="lộ"))).lines) == 1
    opened = await incident.open_incident(console.gw, LOCAL, document, "lộ bí mật")
    other = LOCAL.__class__("second", "second", LOCAL.role, frozenset())
    await incident.confirm_incident(console.gw, other, opened.id)
    assert (await find_documents(console.gw, LOCAL, Sought(subject="lộ"))).lines == ()
    assert len((await find_documents(console.gw, LOCAL, Sought(number="7"))).lines) == 1


async def test_a_document_says_its_way_and_who_looked(console: Console) -> None:
    document = await sent(console, number="7", to=["H37.03", "H37.31"], subject=SCRIPT)
    await console.world.fetch("H37.03")
    page = await (await console.person("auditor")).get(f"/documents/{document}")
    assert "Trục nhận gói tin: văn bản mới" in page.words
    assert "1 trên 2 lượt gửi" in page.words
    assert "Sở Thông tin và Truyền thông" in page.words
    assert "Không có chữ ký số." in page.words
    assert "<script>alert" not in page.text
    assert "U+202E" in page.words
    again = await (await console.person("operator")).get(f"/documents/{document}")
    assert "Người auditor – xem thông tin" in again.words


async def test_a_recipient_sees_no_other_recipient(console: Console) -> None:
    document = await sent(console, sender="H37.05", number="2", to=["H37", "H37.03"])
    page = await (await console.person("clerk")).get(f"/documents/{document}")
    assert page.status == 200
    assert "UBND tỉnh Lạng Sơn" in page.words
    assert "Sở Thông tin và Truyền thông" not in page.words
    assert "Ai đã xem" not in page.words


async def test_somebody_elses_document_is_not_there(console: Console) -> None:
    document = await sent(console, sender="H37.05", number="2", to=["H37.03"])
    assert (await (await console.person("clerk")).get(f"/documents/{document}")).status == 404


async def test_evidence_needs_a_reason_unless_one_is_a_party(console: Console) -> None:
    document = await sent(console, number="7")
    auditor = await console.person("auditor")
    refused = await auditor.post(f"/documents/{document}/evidence", reason=" ")
    assert refused.status == 400
    taken = await auditor.post(f"/documents/{document}/evidence", reason="kiểm tra định kỳ")
    assert taken.headers["content-disposition"] == f'attachment; filename="{document}.asice"'
    own = await (await console.person("clerk")).post(f"/documents/{document}/evidence")
    assert own.status == 200


async def test_content_is_opened_by_an_administrator_with_a_reason(console: Console) -> None:
    document = await sent(console, number="7")
    person = await console.person("administrator")
    assert (await person.post(f"/documents/{document}/content", reason="")).status == 400
    opened = await person.post(f"/documents/{document}/content", reason="đối chiếu khiếu nại")
    assert "edXMLEnvelope" in opened.text
    assert opened.headers["content-disposition"].startswith("attachment")
    page = await person.get(f"/documents/{document}")
    assert "mở nội dung" in page.words
    assert "đối chiếu khiếu nại" in page.words
    elsewhere = await sent(console, number="8")
    [message] = [row["first_message"] for row in [await _document(console, elsewhere)]]
    wrong = await person.post(f"/documents/{document}/content", reason="thử", message=message)
    assert wrong.status == 404


async def _document(console: Console, document: str) -> dict[str, str]:
    [row] = await console.world.rows("document_by_id", id=document)
    return dict(row)  # type: ignore[arg-type]


async def test_a_subject_that_was_erased_in_time_is_found_no_more(console: Console) -> None:
    await sent(console, number="7", subject="Tuyển dụng")
    await terms.write_waiting(console.gw)
    [row] = [
        r
        for r in await console.world.rows("events_after", at=0, id="", limit=99)
        if r["type"] == "document.accepted"
    ]
    assert await console.gw.store.read(lambda tx: events.private_values(tx, row["id"]))
    decision = retention.Decision("d", "x", "1", Instant(1), 1, "a", Instant(1), str(row["id"]))
    await console.gw.store.write(lambda tx: retention.propose(tx, decision))
    await console.gw.store.write(lambda tx: retention.decide(tx, "d", True, "b", console.gw.clock.now()))
    await console.gw.store.write(lambda tx: retention.erase(tx, "d", [row["id"]], None))
    assert (await find_documents(console.gw, LOCAL, Sought(subject="tuyển"))).lines == ()


async def test_pages_stay_small_with_long_subjects_and_many_agencies(console: Console) -> None:
    subject = "V/v " + "rất dài " * 40
    document = ""
    for number in range(1, 52):
        document = await sent(console, number=str(number), to=["H37.03", "H37.31"], subject=subject)
    person = await console.person("operator")
    page = await person.get("/documents")
    assert len(page.text.encode()) < 150_000
    assert page.text.count("<tr>") == 51
    assert "Cũ hơn" in page.words
    assert len((await person.get(f"/documents/{document}")).text.encode()) < 150_000
