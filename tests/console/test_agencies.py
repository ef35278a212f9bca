"""The directory, an agency's page, its connection and keys, imports and requests."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date

import aiohttp
import pytest

from adapters import COLLECTORS, KINDS
from gateway.directory.data import DirectoryData
from gateway.errors import NotAuthenticated
from gateway.flow import footprints, office, partners, requests
from gateway.flow.door import authenticate
from gateway.flow.operate import LOCAL
from gateway.model.agency import Agency, Alias, Period, Profile, Succession, SuccessionKind
from gateway.model.attendance import Attendance
from gateway.model.text import AgencyCode, Bilingual
from gateway.port import ListedAgency
from gateway.store.people import Role
from gateway.web.console.connection_kinds import KINDS as DESCRIBED
from tests.console.conftest import Answer, Console, Person

HEADER = "code,name,level,parent\n"


async def upload(person: Person, path: str, *, text: str = "", name: str = "dm.csv", **fields: str) -> Answer:
    """Send a form with a file (or none)."""
    form = aiohttp.FormData()
    form.add_field("csrf", person.csrf)
    for field, value in fields.items():
        form.add_field(field, value)
    form.add_field("file", text.encode(), filename=name if text else "", content_type="text/csv")
    async with person.session.post(f"{person.base}/console{path}", data=form) as response:
        body = (await response.read()).decode()
        return Answer(response.status, str(response.url), body, dict(response.headers))


def hidden(page: Answer) -> dict[str, str]:
    """What the form of a preview carries."""
    return dict(re.findall(r'name="(seen|packed|partner)" value="([^"]*)"', page.text))


def secret_of(page: Answer) -> str:
    found = re.search(r'class="secret">([^<]+)<', page.text)
    assert found, page.words
    return found.group(1)


# -- the tree


async def test_the_tree_opens_at_its_top_and_each_branch_is_a_page_of_its_own(console: Console) -> None:
    person = await console.person("auditor")
    page = await person.get("/agencies")
    assert "UBND tỉnh Lạng Sơn H37" in page.words
    assert "UBND thành phố Lạng Sơn" in page.words
    assert "UBND phường Tam Thanh" not in page.words
    link = re.search(r'href="/console(/agencies\?under=H37\.31)"', page.text)
    assert link
    assert "UBND phường Tam Thanh" in (await person.get(link.group(1))).words
    piece = await person.get("/agencies/below?under=H37.31")
    assert "<html" not in piece.text
    assert "UBND phường Tam Thanh" in piece.text


@pytest.mark.parametrize("text", ["so y te", "SỞ Y TẾ", "000.00.05.H37", "H37.05", "y te so"])
async def test_an_agency_is_found_by_its_name_without_accents_and_by_any_form_of_its_code(
    console: Console, text: str
) -> None:
    person = await console.person("auditor")
    page = await person.get(f"/agencies?q={text}")
    found = page.words.partition("Tìm thấy")[2].partition("Cây danh mục")[0]
    assert "Sở Y tế" in found
    assert "Sở Thông tin" not in found


async def test_what_is_not_found_says_what_to_try(console: Console) -> None:
    page = await (await console.person("auditor")).get("/agencies?q=khong%20co%20dau")
    assert "Không có đơn vị nào khớp" in page.words


async def test_the_tree_of_a_day_has_who_was_there_on_that_day(console: Console) -> None:
    closed = Agency(
        AgencyCode("H37.99"),
        "Ban quản lý cũ",
        "province",
        AgencyCode("H37"),
        Period(None, date(2020, 1, 31)),
    )
    await office.import_directory(console.gw, LOCAL, DirectoryData((closed,)), apply=True)
    person = await console.person("auditor")
    assert "Ban quản lý cũ" in (await person.get("/agencies?on=2020-01-31")).words
    assert "Ban quản lý cũ" not in (await person.get("/agencies?on=2020-02-01")).words
    assert (await person.get("/agencies?on=hôm-qua")).status == 200


async def test_a_long_branch_is_shown_in_pages(console: Console) -> None:
    many = tuple(
        Agency(AgencyCode(f"H37.32.{number}"), f"Xã số {number}", "commune", AgencyCode("H37.32"))
        for number in range(100, 260)
    )
    await office.import_directory(console.gw, LOCAL, DirectoryData(many), apply=True)
    person = await console.person("auditor")
    first = await person.get("/agencies?under=H37.32")
    assert first.words.count("Xã số") == 100
    link = re.search(r'href="/console(/agencies\?under=H37\.32&amp;after=[^"]+)"', first.text)
    assert link
    assert (await person.get(link.group(1).replace("&amp;", "&"))).words.count("Xã số") == 60


async def test_hostile_names_show_what_cannot_be_seen(console: Console) -> None:
    hostile = Agency(
        AgencyCode("H37.98"), "Sở \u202eexe.gnp <script>alert(1)</script>", "province", AgencyCode("H37")
    )
    await office.import_directory(console.gw, LOCAL, DirectoryData((hostile,)), apply=True)
    person = await console.person("auditor")
    for path in ("/agencies", "/agencies/H37.98", "/agencies?q=H37.98"):
        page = await person.get(path)
        assert "<script>alert" not in page.text
        assert "U+202E" in page.words


# -- one agency


async def test_an_agencys_page_tells_names_aliases_and_succession(console: Console) -> None:
    ends = Period(None, date(2020, 3, 31))
    old = Agency(AgencyCode("H37.97"), "Chi cục cũ", "province", AgencyCode("H37"), ends)
    new = Agency(AgencyCode("H37.96"), "Chi cục mới", "province", AgencyCode("H37"))
    step = Succession(old.code, new.code, SuccessionKind.MERGE, date(2020, 4, 1), date(2020, 6, 30))
    alias = Alias("CC.LANGSON", new.code, "other", Period(date(2020, 4, 1)))
    data = DirectoryData((old, new), (alias,), (step,))
    await office.import_directory(console.gw, LOCAL, data, apply=True)
    person = await console.person("auditor")
    page = await person.get("/agencies/H37.97")
    assert "đã kết thúc" in page.words
    assert "được chuyển cho: Chi cục mới" in page.words
    assert "sáp nhập vào Chi cục mới – chứng thư cũ dùng được đến 30/06/2020" in page.words
    page = await person.get("/agencies/CC.LANGSON")
    assert "nhận nhiệm vụ từ Chi cục cũ" in page.words
    assert "CC.LANGSON cách ghi khác 01/04/2020" in page.words
    assert "000.00.96.H37" in page.words


async def test_what_waits_and_what_was_sent_last_is_told(console: Console) -> None:
    await console.world.send("H37", to=["H37.03"])
    person = await console.person("auditor")
    assert 'href="/console/queue/H37.03">1 lượt gửi' in (await person.get("/agencies/H37.03")).text
    assert "Gửi văn bản lần cuối 13/04/2020 15:30" in (await person.get("/agencies/H37")).words


async def test_auditors_see_keys_and_have_no_buttons(console: Console) -> None:
    system = await office.add_principal(
        console.gw, LOCAL, "QLVB Sở Y tế", Role.SYSTEM, [AgencyCode("H37.05")]
    )
    await office.issue_api_key(console.gw, LOCAL, system.id)
    person = await console.person("auditor")
    page = await person.get("/agencies/H37.05")
    assert "QLVB Sở Y tế gọi lần cuối: chưa thấy" in page.words
    assert "khóa API" in page.words
    assert "Thu hồi" not in page.words
    assert "Nhập danh mục" not in (await person.get("/agencies")).words
    assert (await person.post("/agencies/H37.05/systems", name="Khác")).status == 403


async def test_when_software_last_called_is_remembered_over_a_restart(console: Console) -> None:
    system = await office.add_principal(console.gw, LOCAL, "QLVB", Role.SYSTEM, [AgencyCode("H37.05")])
    key = await office.issue_api_key(console.gw, LOCAL, system.id)
    authenticate(console.gw, api_key=key, source="10.0.0.1")
    await footprints.write_attendance(console.gw)
    console.gw.attendance = Attendance()
    person = await console.person("auditor")
    assert "gọi lần cuối: 13/04/2020" in (await person.get("/agencies/H37.05")).words


# -- keys


async def test_a_new_systems_key_is_shown_once_and_works(console: Console) -> None:
    boss = await console.person("administrator")
    shown = await boss.post("/agencies/H37.05/systems", name="QLVB Sở Y tế")
    key = secret_of(shown)
    assert authenticate(console.gw, api_key=key).agencies == {"H37.05"}
    assert key not in shown.url
    assert key not in (await boss.get("/agencies/H37.05")).text


async def test_a_key_is_rotated_with_an_overlap_and_revoked_at_once(console: Console) -> None:
    boss = await console.person("administrator")
    first = secret_of(await boss.post("/agencies/H37.05/systems", name="QLVB"))
    principal = authenticate(console.gw, api_key=first).principal
    page = await boss.post(f"/agencies/H37.05/systems/{principal}/key", overlap="7")
    second = secret_of(page)
    assert "Các khóa cũ còn dùng được đến 20/04/2020" in page.words
    authenticate(console.gw, api_key=first)
    page = await boss.get("/agencies/H37.05")
    [newest, *_] = re.findall(r'name="credential" value="([^"]+)"', page.text)
    page = await boss.post("/agencies/H37.05/revoke", credential=newest)
    assert "Đã thu hồi khóa." in page.words
    revoked = {first: False, second: False}
    for key in revoked:
        try:
            authenticate(console.gw, api_key=key)
        except NotAuthenticated:
            revoked[key] = True
    assert sorted(revoked.values()) == [False, True]


async def test_keys_of_another_agency_are_not_reached_from_this_ones_page(console: Console) -> None:
    boss = await console.person("administrator")
    key = secret_of(await boss.post("/agencies/H37.05/systems", name="QLVB"))
    principal = authenticate(console.gw, api_key=key).principal
    [credential] = [one.id for one in console.gw.people.credentials if one.principal == principal]
    assert (await boss.post("/agencies/H37.03/revoke", credential=credential)).status == 404
    assert (await boss.post(f"/agencies/H37.03/systems/{principal}/key", overlap="7")).status == 404
    authenticate(console.gw, api_key=key)


@pytest.mark.parametrize("overlap", ["-1", "x", "366", "99999999999"])
async def test_a_wrong_overlap_is_told(console: Console, overlap: str) -> None:
    boss = await console.person("administrator")
    key = secret_of(await boss.post("/agencies/H37.05/systems", name="QLVB"))
    principal = authenticate(console.gw, api_key=key).principal
    answer = await boss.post(f"/agencies/H37.05/systems/{principal}/key", overlap=overlap)
    assert (answer.status, "là số ngày" in answer.words) == (400, True)


async def test_what_is_no_certificate_is_told(console: Console) -> None:
    boss = await console.person("administrator")
    key = secret_of(await boss.post("/agencies/H37.05/systems", name="QLVB"))
    principal = authenticate(console.gw, api_key=key).principal
    answer = await boss.post(f"/agencies/H37.05/systems/{principal}/certificate", pem="không phải")
    assert (answer.status, "dạng PEM" in answer.words) == (400, True)


async def test_a_system_id_of_partner_software_is_given_out_and_its_secret_renewed(console: Console) -> None:
    boss = await console.person("administrator")
    given = await boss.post(
        "/agencies/H37.05/partner", dialect="vxp", system_id="vxp.saas.05", password_secret="bi-mat-co-san"
    )
    assert secret_of(given) == "bi-mat-co-san"
    owner = console.gw.people.owner("vxp", "vxp.saas.05")
    page = await boss.post(
        f"/agencies/H37.05/systems/{owner}/renew", dialect="vxp", system_id="vxp.saas.05", overlap="1"
    )
    assert secret_of(page) != "bi-mat-co-san"
    assert len(console.gw.people.system("vxp", "vxp.saas.05", console.gw.clock.now())[1]) == 2
    other = await boss.post(
        f"/agencies/H37.05/systems/{owner}/renew", dialect="vxp", system_id="vxp.saas.06", overlap="1"
    )
    assert other.status == 404
    taken = await boss.post("/agencies/H37.03/partner", dialect="vxp", system_id="vxp.saas.05")
    assert (taken.status, "đã cấp rồi" in taken.words) == (409, True)


# -- the connection


def test_every_kind_of_adapter_is_explained() -> None:
    assert DESCRIBED.keys() == KINDS.keys()


async def test_a_connection_is_set_and_its_secret_is_never_shown(console: Console) -> None:
    boss = await console.person("administrator")
    form = await boss.get("/agencies/H37.03/connection?kind=webhook")
    assert "Khóa ký HMAC" in form.words
    page = await boss.post(
        "/agencies/H37.03/connection",
        adapter="webhook",
        **{"set-url": "https://stttt.example/nhan", "set-serves": "subtree"},
        password_secret="mot-khoa-dai-16-ky-tu",
        envelope_signature="required",
        dialect="java",
        reports_arrival="1",
        others="region=north",
    )
    assert "Đã đặt kết nối: Đẩy đến địa chỉ web." in page.words
    assert console.gw.directory.profile(AgencyCode("H37.03")) == Profile(
        AgencyCode("H37.03"),
        "webhook",
        (("region", "north"), ("serves", "subtree"), ("url", "https://stttt.example/nhan")),
        "java",
        "required",
        True,
    )
    form = await boss.get("/agencies/H37.03/connection")
    assert 'value="https://stttt.example/nhan"' in form.text
    assert "region=north" in form.text
    assert "mot-khoa-dai" not in page.text + form.text


async def test_what_is_wrong_with_a_connection_is_said_and_nothing_typed_is_lost(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = [Bilingual("Địa chỉ sai.", "Wrong address."), Bilingual("Khóa ngắn.", "Short secret.")]
    monkeypatch.setattr(console.gw, "connection_problems", lambda kind, settings: wrong)
    boss = await console.person("administrator")
    page = await boss.post(
        "/agencies/H37.03/connection", adapter="webhook", **{"set-url": "ftp://x"}, password_secret="ngan"
    )
    assert page.status == 400
    assert "Địa chỉ sai. Khóa ngắn. Khóa bí mật phải nhập lại." in page.words
    assert 'value="ftp://x"' in page.text
    assert 'value="ngan"' not in page.text
    assert console.gw.directory.profile(AgencyCode("H37.03")).adapter == "inbox"


async def test_a_setting_without_a_value_is_told(console: Console) -> None:
    boss = await console.person("administrator")
    answer = await boss.post("/agencies/H37.03/connection", adapter="inbox", others="serves each")
    assert (answer.status, "thiếu dấu bằng" in answer.words) == (400, True)


async def test_only_administrators_change_connections(console: Console) -> None:
    person = await console.person("operator")
    assert (await person.get("/agencies/H37.03/connection")).status == 403
    assert (await person.post("/agencies/H37.03/connection", adapter="inbox")).status == 403


# -- import


async def test_an_import_is_previewed_and_then_done(console: Console) -> None:
    boss = await console.person("administrator")
    text = HEADER + "H37.05,Sở Y tế tỉnh,province,H37\nH37.44,Sở Tài chính,province,H37\n"
    preview = await upload(boss, "/agencies/import/preview", text=text)
    assert "Xem trước: chưa có gì thay đổi." in preview.words
    assert "H37.05 tên Sở Y tế Sở Y tế tỉnh" in preview.words
    assert "H37.44 Sở Tài chính Cấp tỉnh H37" in preview.words
    assert console.gw.directory.resolve("H37.44") is None
    done = await upload(boss, "/agencies/import/apply", **hidden(preview))
    assert "thêm 1, sửa 1, kết thúc 0 đơn vị" in done.words
    assert console.gw.directory.resolve("H37.44") == "H37.44"


async def test_of_two_imports_the_second_sees_what_the_first_changed(console: Console) -> None:
    boss = await console.person("administrator")
    text = HEADER + "H37.05,Sở Y tế tỉnh,province,H37\n"
    preview = await upload(boss, "/agencies/import/preview", text=text)
    other = Agency(AgencyCode("H37.05"), "Sở Y tế và Dân số", "province", AgencyCode("H37"))
    await office.import_directory(console.gw, LOCAL, DirectoryData((other,)), apply=True)
    again = await upload(boss, "/agencies/import/apply", **hidden(preview))
    assert "Danh mục vừa được người khác thay đổi nên chưa nhập gì" in again.words
    assert console.gw.directory.name(AgencyCode("H37.05"), date(2020, 4, 13)) == "Sở Y tế và Dân số"
    await upload(boss, "/agencies/import/apply", **hidden(again))
    assert console.gw.directory.name(AgencyCode("H37.05"), date(2020, 4, 13)) == "Sở Y tế tỉnh"


async def test_an_import_that_does_not_hold_names_its_lines(console: Console) -> None:
    boss = await console.person("administrator")
    answer = await upload(boss, "/agencies/import/preview", text=HEADER + "H37.05,Sở Y tế,thôn,H37\n")
    assert (answer.status, "Dòng 2, cột level" in answer.words) == (400, True)
    answer = await upload(boss, "/agencies/import/preview", text='[{"code":"H37.05"}]', name="dm.json")
    assert (answer.status, "thiếu tên cơ quan" in answer.words) == (400, True)


async def test_no_file_and_spoilt_fields_are_told(console: Console) -> None:
    boss = await console.person("administrator")
    assert "Hãy chọn một tệp" in (await upload(boss, "/agencies/import/preview")).words
    assert "Hãy chọn một tệp" in (await upload(boss, "/agencies/import/apply", packed="@@@")).words


# -- the axis


@pytest.fixture
async def axis(console: Console, monkeypatch: pytest.MonkeyPatch) -> list[ListedAgency]:
    """G22 runs an axis; its list."""
    rows = [ListedAgency("G05", "Bộ Công an"), ListedAgency("H37.05", "Sở Y tế khác")]

    class Lists:
        async def agencies(self, settings: object) -> AsyncIterator[ListedAgency]:
            for row in rows:
                yield row

    root = Agency(AgencyCode("G22"), "Văn phòng Chính phủ", "outside", None)
    await office.import_directory(console.gw, LOCAL, DirectoryData((root,)), apply=True)
    monkeypatch.setattr(console.gw, "kinds", dict(console.gw.kinds) | {"axis": False})
    monkeypatch.setattr(console.gw, "collectors", {"axis": Lists()})
    settings = (("ours", "H37"), ("serves", "others"))
    await office.set_profile(console.gw, LOCAL, Profile(AgencyCode("G22"), "axis", settings))
    return rows


async def test_the_list_of_an_axis_is_previewed_and_taken_over(
    console: Console, axis: list[ListedAgency]
) -> None:
    assert "axis" in COLLECTORS
    boss = await console.person("administrator")
    assert "Văn phòng Chính phủ G22" in (await boss.get("/agencies/sync")).words
    preview = await boss.post("/agencies/sync", partner="G22")
    assert "liệt kê 2 đơn vị; thuộc phía tỉnh 1" in preview.words
    assert "G05 Bộ Công an Ngoài tỉnh" in preview.words
    assert console.gw.directory.resolve("G05") is None
    seen = hidden(preview)["seen"]
    axis.append(ListedAgency("G06", "Bộ Ngoại giao"))
    again = await boss.post("/agencies/sync/apply", partner="G22", seen=seen)
    assert "vừa thay đổi nên chưa cập nhật gì" in again.words
    done = await boss.post("/agencies/sync/apply", partner="G22", seen=hidden(again)["seen"])
    assert "thêm 2, sửa 0, kết thúc 0 đơn vị" in done.words
    assert console.gw.directory.resolve("G06") == "G06"


async def test_without_an_axis_the_page_says_how_to_connect_one(console: Console) -> None:
    page = await (await console.person("operator")).get("/agencies/sync")
    assert "Chưa kết nối với trục nào" in page.words


# -- requests


async def asked(console: Console) -> str:
    """Software of H37.31 asks for a new agency below it; the request's id."""
    caller = console.world.caller("H37.31")
    issued = await partners.add_system(console.gw, LOCAL, "QLVB", "vxp", "vxp.31", [AgencyCode("H37.31")])
    caller = replace(caller, principal=issued.principal)
    body = {"code": "H37.31.77", "name": "Phường <b>mới</b>", "pcode": "H37.31"}
    return (await requests.ask(console.gw, caller, "register", "H37.31.77", body)).request.id


async def test_a_request_is_approved_by_an_administrator(console: Console) -> None:
    request = await asked(console)
    boss = await console.person("administrator")
    page = await boss.get("/agencies/requests")
    assert "Thêm đơn vị H37.31.77 Phường <b>mới</b>" in page.words
    assert "<b>mới" not in page.text
    done = await boss.post(f"/agencies/requests/{request}/approve", level="commune")
    assert "Đã chấp thuận" in done.words
    assert console.gw.directory.level(AgencyCode("H37.31.77"), date(2020, 4, 13)) == "commune"
    assert "đã chấp thuận Người administrator" in (await boss.get("/agencies/requests?all=1")).words


async def test_a_request_is_declined_with_a_reason_and_once(console: Console) -> None:
    request = await asked(console)
    person = await console.person("operator")
    assert (await person.post(f"/agencies/requests/{request}/decline", reason=" ")).status == 400
    assert (await person.post(f"/agencies/requests/{request}/approve")).status == 403
    page = await person.post(f"/agencies/requests/{request}/decline", reason="đã có đơn vị khác")
    assert "Đã từ chối đề nghị." in page.words
    again = await person.post(f"/agencies/requests/{request}/decline", reason="lần nữa")
    assert (again.status, "đã được quyết định" in again.words) == (409, True)


async def test_an_unknown_agency_is_told(console: Console) -> None:
    person = await console.person("auditor")
    answer = await person.get("/agencies/H99")
    assert (answer.status, "Danh mục không có đơn vị mang mã “H99”" in answer.words) == (400, True)


async def test_callers_of_other_roles_see_no_directory(console: Console) -> None:
    clerk = await console.person("clerk")
    assert (await clerk.get("/agencies")).status == 403
