"""Published figures at the console, declared totals, outages, the calendar, objectives."""

from __future__ import annotations

import re

import aiohttp
import pytest

from gateway.compliance import reports
from gateway.store import events
from tests.console.conftest import Answer, Console, Person
from tests.console.test_compliance import a_week

WEEK = "2020-W16"
CSV = (
    "agency,from,to,outgoing_total,paper_only\n"
    "H37,2020-04-06,2020-04-12,120,3\n"
    "H37.03,2020-04-06,2020-04-12,40,\n"
)
EVERYTHING = {"from_day": "2000-01-01", "to_day": "2100-01-01", "agency": ""}
NEW_CALENDAR = (
    "date,kind,vi,en,source,doubtful\n"
    "2020-01-01,holiday,Tết Dương lịch,New Year,Bộ luật Lao động Đ112,\n"
    "2020-04-14,holiday,Nghỉ thử,Trial,QĐ thử,yes\n"
)


async def upload(person: Person, path: str, data: bytes = b"", **fields: str) -> Answer:
    """Send a form with a file, or with fields alone, as a browser does."""
    form = aiohttp.MultipartWriter("form-data")
    for name, value in {"csrf": person.csrf, **fields}.items():
        form.append(value).set_content_disposition("form-data", name=name)
    if data:
        form.append(data).set_content_disposition("form-data", name="file", filename="tep.csv")
    async with person.session.post(f"{person.base}/console{path}", data=form) as response:
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status, str(response.url), await response.text(), headers)


def kept(page: Answer) -> str:
    """The text that a preview brings along, as a browser reads it."""
    found = re.search(r"<textarea name=\"text\" hidden>\n(.*?)</textarea>", page.text, re.S)
    assert found
    return found.group(1).replace("&#34;", '"')


async def test_a_report_is_looked_at_then_published_with_a_reason(console: Console) -> None:
    await a_week(console)
    person = await console.person("operator")
    page = await person.get(f"/reports/preview?period={WEEK}")
    assert "chưa công bố" in page.words
    assert "97,3 %" in page.words
    assert (await person.post("/reports/publish", period=WEEK, reason=" ")).status == 400
    assert await reports.published(console.gw) == []
    shown = await person.post("/reports/publish", period=WEEK, reason="báo cáo tuần")
    assert "Đã công bố báo cáo." in shown.words
    assert "báo cáo đứng vững" in shown.words
    rows = await console.world.rows("events_after", at=0, id="", limit=10_000)
    [event] = [row for row in rows if row["type"] == "report.published"]
    kept = await console.gw.store.read(lambda tx: events.private_values(tx, str(event["id"])))
    assert kept == {"reason": "báo cáo tuần"}


async def published(console: Console) -> str:
    await a_week(console, on_time=2)
    person = await console.person("operator")
    await person.post("/reports/publish", period=WEEK, reason="báo cáo tuần")
    [one] = await reports.published(console.gw)
    return one.id


async def test_what_was_published_is_taken_away_byte_for_byte(console: Console) -> None:
    report = await published(console)
    person = await console.person("auditor")
    answer = await person.get(f"/reports/{report}/file")
    assert answer.text.encode() == await reports.file_of(console.gw, report)
    assert answer.headers["content-disposition"].startswith(f'attachment; filename="{report}.json"')
    listed = await person.get("/reports")
    assert f"/console/reports/{report}" in listed.text
    assert "Người operator" in listed.words


@pytest.mark.parametrize("kind", ["xlsx", "csv", "pdf", "json"])
async def test_every_form_of_a_report_is_a_download(console: Console, kind: str) -> None:
    report = await published(console)
    person = await console.person("auditor")
    for form in ("F1", "F2", "F3", "F4", "F5", "F7"):
        answer = await person.get(f"/reports/{report}/form?form={form}&kind={kind}")
        assert answer.status == 200, answer.words
        assert answer.headers["content-disposition"].startswith("attachment;")


async def test_registers_are_taken_for_one_agency_as_counted_now(console: Console) -> None:
    await a_week(console, on_time=1)
    person = await console.person("auditor")
    answer = await person.get(f"/reports/form?form=F6&period={WEEK}&agency=H37&kind=csv")
    assert "UBND-KGVX" in answer.text
    assert (await person.get(f"/reports/form?form=F6&period={WEEK}&kind=csv")).status == 400


async def test_counting_again_says_what_changed_and_why(console: Console) -> None:
    report = await published(console)
    person = await console.person("auditor")
    assert "Đếm lại cho cùng số liệu." in (await person.get(f"/reports/{report}/compare")).words
    await console.world.send(to=["H37.03"], number="700")
    await console.gw.sequencer.catch_up()
    page = await person.get(f"/reports/{report}/compare")
    assert "Số liệu bây giờ khác báo cáo." in page.words
    assert "Văn bản đã gửi D.sent 3 4" in page.words


async def test_an_auditor_publishes_nothing(console: Console) -> None:
    person = await console.person("auditor")
    assert 'action="/console/reports/publish"' not in (await person.get("/reports/preview")).text
    assert (await person.post("/reports/publish", period=WEEK, reason="x")).status == 403


async def test_a_clerk_declares_her_own_agency_and_no_other(console: Console) -> None:
    person = await console.person("clerk")
    days = {"from_day": "2020-04-06", "to_day": "2020-04-12"}
    page = await person.post("/totals", agency="H37", outgoing_total="1.234", **days)
    assert "Đã ghi nhận số liệu." in page.words
    assert "UBND tỉnh Lạng Sơn H37 06/04/2020 12/04/2020 1.234" in page.words
    assert (await person.post("/totals", agency="H37.03", outgoing_total="5", **days)).status == 403
    assert (await person.get("/totals?agency=H37.03")).status == 403


async def test_fewer_than_the_gateway_took_is_told(console: Console) -> None:
    await a_week(console, on_time=4)
    days = {"from_day": "2020-04-13", "to_day": "2020-04-13"}
    person = await console.person("operator")
    page = await person.post("/totals", agency="H37", outgoing_total="2", **days)
    assert "Nhưng trục đã nhận 5 văn bản, nhiều hơn số khai" in page.words
    assert (await person.post("/totals", agency="H37", outgoing_total="vài", **days)).status == 400
    assert (
        await person.post("/totals", agency="H37", outgoing_total="1", from_day="", to_day="")
    ).status == 400


async def test_a_csv_is_seen_before_it_is_taken(console: Console) -> None:
    person = await console.person("operator")
    seen = await upload(person, "/totals/preview", ("\ufeff" + CSV).encode())
    assert "2 dòng, chưa ghi nhận." in seen.words
    assert "UBND tỉnh Lạng Sơn H37 06/04/2020 12/04/2020 120" in seen.words
    assert await console.world.rows("declared_within", **EVERYTHING) == []
    done = await upload(person, "/totals/import", text=kept(seen))
    assert "Đã ghi nhận 2 lần khai." in done.words
    assert len(await console.world.rows("declared_within", **EVERYTHING)) == 2


async def test_each_wrong_line_of_a_csv_is_named(console: Console) -> None:
    person = await console.person("operator")
    wrong = CSV + "H99,2020-04-06,2020-04-12,1,\nH37.05,2020-04-12,2020-04-06,1,\n"
    answer = await upload(person, "/totals/preview", wrong.encode())
    assert answer.status == 400
    assert "Danh mục không có đơn vị mang mã H99." in answer.words
    assert "line 4, agency" in answer.words
    assert "line 5, to" in answer.words


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00", b"a" * 70_000, b"x,y\n1,2\n"])
async def test_what_is_no_csv_is_refused_in_a_sentence(console: Console, data: bytes) -> None:
    answer = await upload(await console.person("operator"), "/totals/preview", data)
    assert answer.status == 400
    assert "Tệp" in answer.words or "tệp" in answer.words


async def outage(console: Console, person: Person) -> str:
    page = await person.post(
        "/outages", from_at="2020-04-13T15:00", to_at="2020-04-13T15:20", reason="mất điện phòng máy chủ"
    )
    assert "Đã đề nghị." in page.words, page.words
    found = re.search(r"/console/outages/([^/]+)/decide", page.text)
    assert found
    return found.group(1)


async def test_an_outage_counts_when_a_second_person_approved_it(console: Console) -> None:
    first, second = await console.person("operator"), await console.person("administrator")
    one = await outage(console, first)
    own = await first.post(f"/outages/{one}/decide", decision="approve", reason="tự duyệt")
    assert (own.status, "Người thứ hai hãy đăng nhập" in own.words) == (403, True)
    page = await second.post(f"/outages/{one}/decide", decision="approve", reason="đã kiểm tra")
    assert "Đã phê duyệt sự cố." in page.words
    assert "có hiệu lực đề nghị: Người operator quyết định: Người administrator" in page.words
    again = await first.post(f"/outages/{one}/decide", decision="decline", reason="")
    assert again.status == 409
    gone = await first.post(f"/outages/{one}/withdraw", reason="ghi nhầm giờ")
    assert "Đã rút sự cố" in gone.words


async def test_an_outage_without_its_hours_or_reason_is_told(console: Console) -> None:
    person = await console.person("operator")
    for fields in (
        {"from_at": "", "to_at": "", "reason": "x"},
        {"from_at": "2020-04-13T15:00", "to_at": "2020-04-13T14:00", "reason": "x"},
        {"from_at": "2020-04-13T14:00", "to_at": "2020-04-13T15:00", "reason": ""},
        {"from_at": "2020-04-13T14:00", "to_at": "2020-04-13T15:00", "reason": "x", "agency": "H99"},
    ):
        assert (await person.post("/outages", **fields)).status in (400, 404)


async def test_a_year_shows_days_off_and_the_deadlines_of_a_signing(console: Console) -> None:
    person = await console.person("auditor")
    page = await person.get("/calendar?year=2020&signed=2020-04-29T16:00")
    assert "30/04/2020" in page.words
    assert "chậm nhất 12:00 04/05/2020" in page.words
    assert page.text.count('<table class="month">') == 12
    bare = await person.get("/calendar?year=1995")
    assert "Lịch này không có dữ liệu năm 1995" in bare.words
    assert (await person.get("/calendar?signed=hom-nay")).status == 400
    assert (await person.get("/calendar?version=none")).status == 400


async def test_a_calendar_is_seen_before_it_is_approved(console: Console) -> None:
    person = await console.person("operator")
    seen = await upload(person, "/calendar/preview", NEW_CALENDAR.encode(), version="thu-2020")
    assert "Chưa thay đổi gì." in seen.words
    assert "14/04/2020 ngày thường ngày lễ: Nghỉ thử chưa xác nhận" in seen.words
    before = console.gw.calendar.version
    assert (await upload(person, "/calendar/approve", text=kept(seen), version="thu-2020")).status == 400
    assert console.gw.calendar.version == before
    done = await upload(person, "/calendar/approve", text=kept(seen), version="thu-2020", reason="QĐ thử")
    assert f"Lịch thu-2020 được áp dụng từ bây giờ, thay {before}." in done.words
    assert "thu-2020 đang áp dụng" in done.words


async def test_an_objective_is_set_with_a_reason_and_ended(console: Console) -> None:
    person = await console.person("administrator")
    fields = {"measure": "fetched", "percent": "97,5", "minutes": "120", "agency": "H37.03"}
    assert (await person.post("/objectives", **fields, reason="")).status == 400
    page = await person.post("/objectives", **fields, reason="theo kế hoạch của tỉnh")
    assert "Sở Thông tin và Truyền thông lấy văn bản về 97,5 % 120 phút làm việc" in page.words
    found = re.search(r"/console/objectives/([^/]+)/end", page.text)
    assert found
    page = await person.post(f"/objectives/{found.group(1)}/end", reason="hết kế hoạch")
    assert "97,5 %" not in page.words
    assert (await person.post("/objectives", **(fields | {"percent": "nhiều"}), reason="x")).status == 400


async def test_only_administrators_set_objectives(console: Console) -> None:
    person = await console.person("operator")
    assert 'action="/console/objectives"' not in (await person.get("/objectives")).text
    answer = await person.post("/objectives", measure="fetched", percent="90", reason="x")
    assert answer.status == 403


@pytest.mark.parametrize("path", ["/reports", "/totals", "/calendar", "/outages", "/objectives"])
async def test_an_empty_system_has_every_page_in_both_languages(console: Console, path: str) -> None:
    person = await console.person("auditor")
    for lang in ("vi", "en"):
        assert (await person.get(f"{path}?lang={lang}")).status == 200
    assert (await person.get("/reports/nothing")).status == 404
