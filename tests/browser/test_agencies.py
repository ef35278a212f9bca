"""The directory in a real browser: branches open where they are, a key is shown once."""

from __future__ import annotations

from playwright.async_api import Browser

from gateway.flow import office
from gateway.flow.operate import LOCAL
from gateway.model.agency import Profile
from gateway.model.text import AgencyCode
from gateway.store.people import Role
from tests.browser.conftest import window
from tests.console.conftest import Console


async def test_a_branch_opens_in_place_and_without_javascript_by_a_link(
    console: Console, browser: Browser
) -> None:
    seen = await window(console, browser, "auditor")
    await seen.go("/agencies")
    branch = seen.page.locator("details:has(> summary a[href$='/H37.31']) >> nth=-1")
    await branch.locator("> summary small").click()
    await seen.page.wait_for_selector("text=UBND phường Tam Thanh")
    await seen.picture("agencies")
    await seen.page.fill("#q", "so y te")
    await seen.page.click("button:has-text('Tìm')")
    assert "Tìm thấy: 1 " in await seen.words()
    assert seen.problems == []
    plain = await window(console, browser, "operator", scripts=False)
    await plain.go("/agencies")
    branch = plain.page.locator("details:has(> summary a[href$='/H37.31']) >> nth=-1")
    await branch.locator("> summary small").click()
    await branch.locator("text=Xem các đơn vị bên dưới").click()
    assert "UBND phường Tam Thanh" in await plain.words()


async def test_a_key_is_given_out_and_a_connection_is_set(console: Console, browser: Browser) -> None:
    seen = await window(console, browser, "administrator")
    await seen.go("/agencies/H37.05")
    await seen.page.fill("#name", "QLVB Sở Y tế")
    await seen.page.click("button:has-text('Mở tài khoản và cấp khóa')")
    assert "Chỉ hiện một lần" in await seen.words()
    await seen.page.click("text=Đã chép xong")
    assert "QLVB Sở Y tế" in await seen.words()
    await seen.picture("agency")
    await seen.page.click("text=Thay đổi kết nối")
    await seen.page.select_option("#kind", "webhook")
    await seen.page.click("text=Chọn kiểu này")
    await seen.page.fill("#set-url", "https://soyte.example/nhan")
    await seen.page.fill("#secret", "mot khoa dai hon muoi sau")
    await seen.picture("connection")
    await seen.page.click("button:has-text('Lưu kết nối')")
    assert "Đã đặt kết nối: Đẩy đến địa chỉ web." in await seen.words()
    assert seen.problems == []


async def test_a_file_is_previewed_before_it_is_imported(console: Console, browser: Browser) -> None:
    await office.add_principal(console.gw, LOCAL, "QLVB", Role.SYSTEM, [AgencyCode("H37.03")])
    await office.set_profile(console.gw, LOCAL, Profile(AgencyCode("H37.31"), "inbox", (("serves", "each"),)))
    seen = await window(console, browser, "administrator")
    await seen.go("/agencies/import")
    await seen.picture("agencies-import")
    lines = ("code,name,level,parent", "H37.05,Sở Y tế tỉnh,province,H37", "H37.44,Sở Tài chính,province,H37")
    file = {"name": "danh-muc.csv", "mimeType": "text/csv", "buffer": "\n".join(lines).encode()}
    await seen.page.set_input_files("#file", file)  # type: ignore[arg-type]
    await seen.page.click("button:has-text('Xem trước thay đổi')")
    assert "chưa có gì thay đổi" in await seen.words()
    await seen.picture("agencies-preview")
    await seen.page.click("button:has-text('Nhập đúng những thay đổi này')")
    assert "thêm 1, sửa 1" in await seen.words()
    assert seen.problems == []
