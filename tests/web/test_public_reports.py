"""Published reports over HTTP: the signed file, forms, and pages for everybody."""

from __future__ import annotations

import hashlib
from html.parser import HTMLParser
from typing import Any

import pytest

from gateway.compliance import frozen, reports
from gateway.compliance.frozen import Frozen
from gateway.compliance.gathering import Counted
from gateway.compliance.periods import Period
from gateway.flow import log
from gateway.flow.operate import LOCAL
from gateway.services import Services
from tests.web.conftest import Site

NAME = "Văn bản ký số <hợp lệ>"
DEFINITIONS: dict[str, dict[str, Any]] = {
    "K2": {
        "name": {"vi": NAME, "en": "Validly signed"},
        "sentences": {
            "vi": "Tỷ lệ văn bản có đủ hai chữ ký số hợp lệ. Mẫu số là văn bản đã gửi, trừ văn bản mật.",
            "en": "Documents with both signatures valid. Of all documents sent, secret ones excluded.",
        },
    }
}


def rate(scope: str, numerator: int, denominator: int, text: str) -> dict[str, Any]:
    return {
        "scope": scope,
        "key": "K2",
        "numerator": numerator,
        "denominator": denominator,
        "small": denominator < 20,
        "text": text,
    }


async def tables(gw: Services, _: Period) -> Counted:
    head = await log.make_checkpoint(gw, LOCAL)
    rates = (rate("all", 1460, 1500, "97,3 %"), rate("commune", 0, 0, "—"), rate("province", 3, 4, "75,0 %"))
    counts = {"H37": {"D.sent": 1500, "K2.both": 1460}}
    return Counted(counts, gw.clock.now(), head["size"], head["root"], rates=rates, definitions=DEFINITIONS)


@pytest.fixture
async def report(site: Site) -> Frozen:
    await site.send()
    return await reports.publish(site.world.gw, LOCAL, "2020-W16", count=tables)


class Page(HTMLParser):
    """Which elements and links a page has; what is not closed in order is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.links: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


async def test_anybody_reads_a_published_report_with_its_definitions(site: Site, report: Frozen) -> None:
    answer = await site.get(f"/public/reports/{report.id}", who=None)
    text = answer.body.decode()
    assert answer.status == 200
    assert "97,3 %" in text
    assert DEFINITIONS["K2"]["sentences"]["vi"] in text
    assert report.sha256 in text
    assert report.body["data_as_of"]["root"] in text
    assert "1.460" in text
    assert '<html lang="vi">' in text


async def test_an_empty_denominator_is_a_dash_and_a_small_one_is_marked(site: Site, report: Frozen) -> None:
    text = (await site.get(f"/public/reports/{report.id}", who=None)).body.decode()
    assert "—" in text
    assert text.count("mẫu nhỏ, dưới 20") == 1  # none is not few


async def test_the_page_speaks_english_when_asked(site: Site, report: Frozen) -> None:
    text = (await site.get(f"/public/reports/{report.id}?lang=en", who=None)).body.decode()
    assert DEFINITIONS["K2"]["sentences"]["en"] in text
    assert "1,460" in text
    assert "97.3 %" in text
    assert (await site.get(f"/public/reports/{report.id}?lang=fr", who=None)).status == 400


async def test_public_pages_are_well_formed_escaped_and_without_script(site: Site, report: Frozen) -> None:
    for path in ("/public/reports", f"/public/reports/{report.id}", f"/public/reports/{report.id}?lang=en"):
        answer = await site.get(path, who=None)
        page = Page(answer.body.decode())
        assert "script" not in page.seen
        assert not any(link.startswith(("http:", "https:", "//")) for link in page.links)
        assert "set-cookie" not in answer.headers
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert b"<h\xe1" not in answer.body  # the name of the figure is text, no element


async def test_every_link_of_the_pages_leads_somewhere(site: Site, report: Frozen) -> None:
    for path in ("/public/reports", f"/public/reports/{report.id}"):
        for link in Page((await site.get(path, who=None)).body.decode()).links:
            target = f"{path}{link}" if link.startswith("?") else link
            assert (await site.get(target, who=None)).status == 200, link


async def test_the_list_shows_what_was_published_and_nothing_else(site: Site) -> None:
    await site.send()
    assert "Chưa có báo cáo nào" in (await site.get("/public/reports", who=None)).body.decode()
    made = await reports.make(site.world.gw, LOCAL, "2020-W15", count=tables)
    assert made["counts"]
    assert "2020-W15" not in (await site.get("/public/reports", who=None)).body.decode()
    await reports.publish(site.world.gw, LOCAL, "2020-W16", count=tables)
    assert "Tuần 16 năm 2020" in (await site.get("/public/reports", who=None)).body.decode()


async def test_a_report_that_was_published_again_points_to_the_newest(site: Site, report: Frozen) -> None:
    newer = await reports.publish(site.world.gw, LOCAL, "2020-W16", count=tables)
    old = (await site.get(f"/public/reports/{report.id}", who=None)).body.decode()
    assert f"/public/reports/{newer.id}" in old
    assert report.id in (await site.get(f"/public/reports/{newer.id}", who=None)).body.decode()


async def test_the_public_file_is_the_signed_one_and_verifies(site: Site, report: Frozen) -> None:
    answer = await site.get(f"/public/reports/{report.id}/file", who=None)
    found = frozen.read(answer.body)
    assert frozen.holds(frozen.verify(found, site.world.gw.keyring.receipt_certificates))
    assert answer.headers["content-digest"].startswith("sha-256=:")
    assert answer.body == (await site.get(f"/api/v1/reports/{report.id}", who="auditor")).body
    assert hashlib.sha256(answer.body).hexdigest() != report.sha256  # which is over the body alone


async def test_unknown_reports_are_not_found(site: Site) -> None:
    for path in ("/public/reports/nothing", "/public/reports/nothing/file"):
        assert (await site.get(path, who=None)).code == "report.unknown"
    assert (await site.get("/api/v1/reports/nothing", who="auditor")).code == "report.unknown"


async def test_the_list_of_the_api_pages_through_everything_once(
    site: Site, report: Frozen, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = [await reports.publish(site.world.gw, LOCAL, "2020-W16", count=tables) for _ in range(2)]
    monkeypatch.setattr("gateway.web.public_reports.PAGE", 2)
    monkeypatch.setattr("gateway.web.api_reports.PAGE", 2)
    first = (await site.get("/api/v1/reports?period=2020-W16", who="clerk")).json
    rest = (await site.get(f"/api/v1/reports?cursor={first['cursor']}", who="clerk")).json
    seen = [one["id"] for one in (*first["reports"], *rest["reports"])]
    assert seen == [again[1].id, again[0].id, report.id]
    assert rest["cursor"] == ""
    assert first["reports"][0]["earlier"] == again[0].id
    assert (await site.get("/api/v1/reports?cursor=x", who="clerk")).code == "cursor.unreadable"


async def test_operators_publish_and_others_do_not(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "counted", tables)
    await site.send()
    for who in ("auditor", "clerk", "H37"):
        answer = await site.post("/api/v1/reports", who, json={"period": "2020-W16"})
        assert answer.status == 403
    made = await site.post("/api/v1/reports", "operator", json={"period": "2020-W16"})
    assert made.status == 201
    assert made.json["provisional"] is True
    assert made.json["words"]["vi"] == "Tuần 16 năm 2020 (13/04/2020 – 19/04/2020)"
    wrong = await site.post("/api/v1/reports", "operator", json={"period": "tuần này"})
    assert wrong.code == "period.unreadable"


@pytest.mark.parametrize(("kind", "magic"), [("xlsx", b"PK"), ("pdf", b"%PDF"), ("csv", b""), ("json", b"")])
async def test_forms_of_a_report_come_as_files(site: Site, report: Frozen, kind: str, magic: bytes) -> None:
    answer = await site.get(f"/api/v1/reports/{report.id}/{kind}?form=F5", who="auditor")
    assert answer.status == 200
    assert answer.body.startswith(magic)
    assert f".{kind}" in answer.headers["content-disposition"]
    assert (await site.get(f"/api/v1/reports/{report.id}/{kind}?form=F5", who="H37")).status == 403


async def test_a_form_or_a_kind_that_there_is_not_is_named(site: Site, report: Frozen) -> None:
    assert (await site.get(f"/api/v1/reports/{report.id}/docx", who="auditor")).status == 404
    answer = await site.get(f"/api/v1/reports/{report.id}/pdf?form=F9", who="auditor")
    assert answer.code == "report.form"
