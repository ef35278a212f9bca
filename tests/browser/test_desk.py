"""The clerk's desk in a real browser: she checks a file, sends it by hand, answers what came."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, FilePayload

from gateway.clock import SystemClock
from gateway.config import Config
from gateway.store import open_store
from tests.browser.conftest import Window, window
from tests.console.conftest import Console
from tests.files_world import Papers, make_papers
from tests.world import World, make_envelope, make_world


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return make_papers(tmp_path_factory.mktemp("papers") / "pki")


@pytest.fixture
async def world(tmp_path: Path, config: Config, papers: Papers) -> AsyncIterator[World]:
    store = await open_store("sqlite:///gateway.db", tmp_path, clock=SystemClock(), purpose="test")
    async with make_world(store, tmp_path, config=config, trust=papers.pki.trust_folder) as made:
        await papers.join(made.gw)
        yield made
    await store.close()


def paper(name: str, data: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


async def check(seen: Window, name: str, data: bytes) -> str:
    """Drop a file, read the verdict."""
    await seen.go("/check")
    await seen.page.set_input_files("#file", paper(name, data))
    await seen.page.click("text=Kiểm tra >> nth=-1")
    await seen.page.wait_for_selector(".verdict-line")
    return await seen.words()


async def test_a_clerk_checks_a_file_mends_it_and_sends_it(
    console: Console, browser: Browser, papers: Papers
) -> None:
    seen = await window(console, browser, "clerk")
    assert "Đơn vị chưa gửi văn bản nào qua trục." in await seen.words()
    # a PDF that was changed after signing: she reads what is wrong with it
    words = await check(seen, "công văn 362.pdf", papers.files["changed later"])
    assert "Chữ ký số trên tệp PDF không hợp lệ" in words
    assert "Tệp đã bị sửa sau khi ký" in words
    await seen.picture("check-bad")
    # the right one
    words = await check(seen, "công văn 362.pdf", papers.files["signed"])
    assert "Chữ ký số trên tệp PDF hợp lệ" in words
    assert words.count("Hợp lệ") == 2
    # the whole message, to a recipient that does not exist
    data = make_envelope("H37", ["H37.99"], files={"362.pdf": papers.files["signed"]})
    assert "Trục sẽ từ chối tệp này" in await check(seen, "362.edxml", data)
    data = make_envelope("H37", ["H37.05"], files={"362.pdf": papers.files["signed"]})
    words = await check(seen, "362.edxml", data)
    assert "Trục sẽ nhận tệp này" in words
    assert "C1" in words
    await seen.picture("check")
    # her system is down: she sends it with the form
    await seen.go("/compose")
    await seen.page.fill("#number", "362")
    await seen.page.fill("#find", "so y te")
    await seen.page.click("text=Tìm, cập nhật nơi nhận")
    await seen.page.click("text=Sở Y tế >> nth=0")
    await seen.page.fill("#find", "thanh pho")
    await seen.page.click("text=Tìm, cập nhật nơi nhận")
    await seen.page.click("text=UBND thành phố Lạng Sơn >> nth=0")
    await seen.page.fill("#find", "")
    await seen.page.click("text=Tìm, cập nhật nơi nhận")
    await seen.page.wait_for_selector("text=2 nơi nhận đã chọn")
    assert await seen.page.input_value("#number") == "362"  # only the list was fetched anew
    await seen.page.fill("#notation", "UBND-KGVX")
    await seen.page.fill("#day", "2020-04-13")
    await seen.page.fill("#place", "Lạng Sơn")
    await seen.page.select_option("#type", "Công văn")
    await seen.page.select_option("#competence", "KT.")
    await seen.page.fill("#position", "Phó Chủ tịch")
    await seen.page.fill("#signer", "Nguyễn Văn A")
    await seen.page.fill("#subject", "V/v xây dựng Chính quyền điện tử")
    await seen.page.set_input_files("#main", paper("công văn 362.pdf", papers.files["signed"]))
    await seen.picture("compose")
    await seen.page.click("text=Gửi qua trục")
    await seen.page.wait_for_selector("text=Trục đã nhận văn bản")
    assert seen.page.url.partition("/console/")[2].startswith("desk/sent/")
    assert len(await console.world.waiting("H37.05")) == 1
    await seen.go("/desk/by-hand")
    assert "362/UBND-KGVX" in await seen.words()
    await seen.picture("desk-by-hand")
    assert seen.problems == []


async def test_a_clerk_without_scripts_finds_recipients_too(console: Console, browser: Browser) -> None:
    seen = await window(console, browser, "clerk", scripts=False)
    await seen.go("/compose")
    await seen.page.fill("#subject", "còn nguyên")
    await seen.page.fill("#find", "yen binh")
    await seen.page.click("text=Tìm, cập nhật nơi nhận")
    await seen.page.click("text=UBND xã Yên Bình")
    await seen.page.click("text=Tìm, cập nhật nơi nhận")
    assert "1 nơi nhận đã chọn" in await seen.words()
    assert await seen.page.input_value("#subject") == "còn nguyên"


async def test_a_clerk_answers_what_came_and_follows_what_she_sent(
    console: Console, browser: Browser, papers: Papers
) -> None:
    world = console.world
    files = {"Báo cáo tháng 4.pdf": papers.files["signed"], "Phụ lục 1.pdf": papers.files["unsigned"]}
    await world.send(
        "H37.05", ["H37"], number="15", notation="SYT-NVY", subject="Báo cáo công tác tháng 4", files=files
    )
    await world.send(
        "H37.31", ["H37"], number="210", notation="UBND-VP", subject="V/v đề nghị hỗ trợ kinh phí", priority=3
    )
    to = ["H37.03", "H37.05", "H37.31", "H37.32", "H37.31.21", "H37.32.22"]
    sent = await world.send("H37", to, files={"362.pdf": papers.files["signed"]})
    for code in ("H37.03", "H37.05", "H37.31"):
        await world.fetch(code)
    document_id = "H37,2020/04/13,362/UBND-KGVX"
    await world.report("H37.03", "03", document_id)
    await world.report("H37.05", "02", document_id, description="R04: thiếu phụ lục 2, đề nghị gửi lại")
    seen = await window(console, browser, "clerk")
    await seen.picture("desk")
    await seen.page.click("text=362/UBND-KGVX")
    assert "R04: thiếu phụ lục 2" in await seen.words()
    await seen.picture("desk-sent")
    await seen.go("/desk/returned")
    await seen.picture("desk-returned")
    await seen.go("/incoming")
    assert (await seen.words()).index("210/UBND-VP") < (await seen.words()).index("15/SYT-NVY")
    await seen.picture("incoming")
    await seen.page.click("text=15/SYT-NVY")
    async with seen.page.expect_download() as told:
        await seen.page.click("text=Báo cáo tháng 4.pdf >> nth=0")
    download = await told.value
    assert download.suggested_filename == "Báo cáo tháng 4.pdf"
    assert Path(await download.path()).read_bytes() == papers.files["signed"]
    await seen.page.reload()
    await seen.picture("incoming-one")
    await seen.page.click("text=03 Tiếp nhận văn bản")
    await seen.page.wait_for_selector("text=Đã báo trạng thái 03")
    await seen.go(f"/desk/sent/{sent.document}")
    await seen.page.click("summary")
    await seen.page.fill("#reason", "Sai số liệu tại mục II")
    await seen.page.click("button.danger")
    await seen.page.wait_for_selector("text=3 nơi nhận được yêu cầu trả lời")
    await seen.picture("desk-recall")
    assert seen.problems == []
