"""From a figure to the document behind it."""

from __future__ import annotations

import re
from datetime import date

import pytest

from tests.console.conftest import Console

LATE = date(2020, 4, 10)  # a Friday: sent on Monday afternoon, after QĐ 28's morning
WEEK = "2020-W16"


async def a_week(console: Console, on_time: int = 36) -> None:
    """So many documents in time, and one that was sent late: 36 of 37 are 97,3 %."""
    for number in range(1, on_time + 1):
        await console.world.send(to=["H37.03"], number=str(number))
    await console.world.send(to=["H37.31"], number="99", day=LATE)
    await console.gw.sequencer.catch_up()


def hrefs(text: str, part: str) -> list[str]:
    return [
        found.replace("&amp;", "&") for found in re.findall(r'href="/console([^"]+)"', text) if part in found
    ]


async def test_an_auditor_goes_from_the_figure_to_the_one_document(console: Console) -> None:
    await a_week(console)
    person = await console.person("auditor")
    board = await person.get("/compliance")
    assert "K3 Gửi đúng hạn theo QĐ 28/2018 97,3 % 36/37" in board.words
    [measure] = hrefs(board.text, "/measure/K3?")[:1]
    made_of = await person.get(measure)
    assert "Gửi muộn theo QĐ 28/2018 K3.n-K3.qd28 1" in made_of.words
    [listed] = hrefs(made_of.text, "/list/K3.n-K3.qd28")
    page = await person.get(listed)
    assert page.text.count('href="/console/documents/') == 1
    assert "H37,2020/04/10,99/UBND-KGVX" in page.words
    assert "Ký lúc 10/04/2020 23:59" in page.words
    assert "Gửi lúc 13/04/2020 15:30" in page.words


async def test_an_empty_period_says_so_and_keeps_the_choice(console: Console) -> None:
    page = await (await console.person("auditor")).get("/compliance?period=2019-W01")
    assert "Trong kỳ này không có văn bản nào được gửi hoặc nhận." in page.words
    assert '<option value="2019-W01" selected>' in page.text


async def test_small_denominators_are_marked_and_empty_ones_are_no_rate(console: Console) -> None:
    await a_week(console, on_time=1)
    page = await (await console.person("operator")).get("/compliance?level=province")
    assert "K3 Gửi đúng hạn theo QĐ 28/2018 50,0 % * 1/2" in page.words
    assert re.search(r"K4 Văn bản khẩn gửi ngay .*? —", page.words)


async def test_the_period_before_is_compared(console: Console) -> None:
    await a_week(console, on_time=3)
    console.world.clock.jump_to(console.world.clock.now() + 7 * 86_400_000_000)  # type: ignore[arg-type]
    await console.world.send(to=["H37.03"], number="500", day=date(2020, 4, 20))
    await console.gw.sequencer.catch_up()
    page = await (await console.person("auditor")).get("/compliance?period=2020-W17")
    assert "100,0 % * 1/1 · +25,0 điểm" in page.words


async def test_the_trend_has_eight_periods_and_gaps(console: Console) -> None:
    await a_week(console)
    piece = await (await console.person("auditor")).get(f"/compliance/trend?measure=K3&period={WEEK}")
    assert "W16/2020: 97,3 %." in piece.text
    assert "W09/2020: —." in piece.text
    assert piece.text.count("<circle") == 1


async def test_agencies_are_ranked_and_equals_share_a_place(console: Console) -> None:
    await console.world.send("H37", to=["H37.03"])
    await console.world.send("H37.03", to=["H37"], number="1", notation="STTTT")
    await console.world.send("H37.05", to=["H37"], number="1", notation="SYT", day=LATE)
    await console.gw.sequencer.catch_up()
    page = await (await console.person("auditor")).get("/compliance/ranking?measure=K3")
    places = re.findall(r'data-label="Hạng">(\S+?)</td>.*?<small>(H[\d.]+)</small>', page.text, re.S)
    assert places == [("1", "H37"), ("1", "H37.03"), ("3", "H37.05")]


async def test_a_clerk_sees_her_own_agency_and_no_other(console: Console) -> None:
    await a_week(console, on_time=1)
    person = await console.person("clerk")
    page = await person.get("/compliance")
    assert "UBND tỉnh Lạng Sơn" in page.words
    assert (await person.get("/compliance?agency=H37.03")).status == 403
    assert (await person.get("/compliance/list/D.sent?agency=H37.03")).status == 403
    assert (await person.get("/compliance/ranking")).status == 403


@pytest.mark.parametrize(
    "path",
    [
        "/compliance?period=never",
        "/compliance?period=2020-W99&level=moon",
        "/compliance?agency=H99",
        "/compliance/measure/K99",
        "/compliance/list/G.refused",
        "/compliance/list/D.sent?after=x%7Cy",
        "/compliance/ranking?measure=%3Cscript%3E&from=-1",
        "/compliance/trend?measure=",
    ],
)
async def test_nonsense_in_the_address_is_told_in_a_sentence(console: Console, path: str) -> None:
    answer = await (await console.person("auditor")).get(path)
    assert answer.status in (200, 400, 404)
    assert "<script>" not in answer.text
    assert "sự cố" not in answer.words or answer.status == 200


async def test_a_list_is_read_in_pages(console: Console) -> None:
    await a_week(console, on_time=54)
    person = await console.person("auditor")
    first = await person.get("/compliance/list/D.sent")
    assert first.text.count('href="/console/documents/') == 50
    [more] = hrefs(first.text, "after=")
    assert (await person.get(more)).text.count('href="/console/documents/') == 5
