"""F6: the register of outgoing documents and the extract of incoming ones (NĐ 30/2020 PL IV)."""

from __future__ import annotations

import unicodedata
from datetime import date

import pytest

from gateway.compliance import forms, registers
from gateway.compliance.sheet import Sheet, shown
from gateway.errors import BadRequest, NotPermitted
from gateway.flow.door import Caller
from gateway.flow.operate import LOCAL
from gateway.model.envelope import Kind
from gateway.model.text import AgencyCode
from gateway.store.people import Role
from tests.world import World

H37, H3703 = AgencyCode("H37"), AgencyCode("H37.03")
DAY = date(2020, 4, 13)
DOCUMENT = "H37,2020/04/13,362/UBND-KGVX"
CLERK = Caller("clerk", "Văn thư", Role.CLERK, frozenset({H3703}))


async def sheets(world: World, agency: AgencyCode = H37, caller: Caller = LOCAL) -> list[Sheet]:
    return await registers.make(world.gw, caller, agency, DAY, DAY)


def printed(sheet: Sheet) -> list[list[str]]:
    return [[shown(cell) for cell in row.cells] for row in sheet.rows]


async def test_the_outgoing_register_has_the_columns_of_the_decree_filled_in(world: World) -> None:
    await world.send(to=["H37.03", "H37.05"])
    outgoing, _ = await sheets(world)
    assert len(outgoing.columns) == 10
    assert printed(outgoing) == [
        [
            "362/UBND-KGVX",
            "13/04/2020",
            "Công văn. V/v xây dựng Chính quyền điện tử",
            "Phó Chủ tịch Người ký mẫu",
            "Sở Thông tin và Truyền thông; Sở Y tế",
            "",
            "1",
            "13/04/2020 15:30",
            "",
            "",
        ]
    ]


async def test_the_closing_statement_names_first_last_count_and_missing_numbers(world: World) -> None:
    for number in ("07", "08", "12"):
        await world.send(number=number, notation="UBND")
    closing = (await sheets(world))[0].closing
    assert closing[0].startswith("Sổ này có 3 văn bản đi, từ số 07/UBND đến số 12/UBND, gồm {pages} trang.")
    assert closing[1].startswith("Dãy số năm 2020: 3 số không thấy trong sổ (9–11).")


async def test_a_register_without_gaps_says_so(world: World) -> None:
    for number in ("7", "8"):
        await world.send(number=number)
    assert (await sheets(world))[0].closing[1] == "Dãy số năm 2020: không khuyết số."


async def test_an_empty_register_closes_too(world: World) -> None:
    outgoing, incoming = await sheets(world)
    assert outgoing.closing == ("Không có văn bản đi trong kỳ.",)
    assert incoming.closing[0].startswith("Bản trích có 0 văn bản đến")


async def test_the_incoming_extract_says_that_it_is_one_and_gives_no_arrival_number(world: World) -> None:
    await world.send()
    await world.fetch("H37.03")
    _, incoming = await sheets(world, H3703)
    assert incoming.title == "BẢN TRÍCH ĐỂ ĐỐI CHIẾU VỚI SỔ ĐĂNG KÝ VĂN BẢN ĐẾN"
    (row,) = printed(incoming)
    assert row[:6] == [
        "13/04/2020 15:30",
        "",
        "UBND tỉnh Lạng Sơn",
        "362/UBND-KGVX",
        "13/04/2020",
        "Công văn. V/v xây dựng Chính quyền điện tử",
    ]


async def test_what_was_not_fetched_has_not_arrived(world: World) -> None:
    await world.send()
    assert (await sheets(world, H3703))[1].rows == ()


async def test_an_update_is_no_second_line(world: World) -> None:
    await world.send()
    await world.fetch("H37.03")
    await world.send(kind=Kind.UPDATE, document_id=DOCUMENT, subject="V/v sửa đổi", number="363")
    await world.fetch("H37.03")
    assert len((await sheets(world))[0].rows) == 1
    assert len((await sheets(world, H3703))[1].rows) == 1


async def test_a_recalled_document_leaves_only_that_it_was_recalled(world: World) -> None:
    await world.send()
    await world.fetch("H37.03")
    await world.send(kind=Kind.REVOKE, document_id=DOCUMENT, reason="Gửi nhầm")
    await world.fetch("H37.03")
    await world.report("H37.03", "15", DOCUMENT)
    outgoing, incoming = (await sheets(world))[0], (await sheets(world, H3703))[1]
    assert printed(outgoing)[0][-1] == "Đã yêu cầu thu hồi"
    (row,) = printed(incoming)
    assert row[3:6] == ["", "", ""]
    assert row[-1] == "Đã thu hồi, hủy theo yêu cầu của nơi gửi"


async def test_an_erased_subject_is_said_to_be_erased(world: World) -> None:
    await world.send()
    (document,) = await world.rows("documents_by_document_id", document_id=DOCUMENT)
    await world.gw.store.write(lambda tx: tx.run("erase_private_values", document=str(document["id"])))
    (row,) = printed((await sheets(world))[0])
    assert row[2] == "Công văn. (không còn trích yếu)"
    assert row[-1] == "Trích yếu đã xóa theo thời hạn lưu"


async def test_a_long_decomposed_subject_stands_whole_and_composed(world: World) -> None:
    subject = "Đề nghị hỗ trợ " * 33
    await world.send(subject=unicodedata.normalize("NFD", subject))
    assert printed((await sheets(world))[0])[0][2] == f"Công văn. {subject.strip()}"


async def test_many_recipients_are_named_up_to_twenty_and_counted(world: World) -> None:
    cover = registers.Cover(H37, DAY, DAY, world.gw.clock.now(), "truc", False, {})
    row = registers.Outgoing(
        "d", "x", world.gw.clock.now(), "new", False, False, {}, tuple(f"H37.{n}" for n in range(60)), "s", ""
    )
    assert printed(registers.outgoing_sheet(cover, [row]))[0][4].endswith("; và 40 nơi nhận khác")


async def test_a_clerk_sees_the_registers_of_the_own_agency_only_and_it_is_recorded(world: World) -> None:
    await sheets(world, H3703, CLERK)
    assert (await world.event_types())[-1] == "person.viewed"
    with pytest.raises(NotPermitted):
        await sheets(world, H37, CLERK)


async def test_f6_is_a_form_like_the_others(world: World) -> None:
    await world.send()
    made = await forms.write(world.gw, LOCAL, "f6", "2020-W16", "csv", agency="000.00.00.H37")
    assert made.name == "F6_000.00.00.H37_2020-W16.csv"
    assert "362/UBND-KGVX" in made.data.decode()


async def test_f6_asks_for_an_agency(world: World) -> None:
    with pytest.raises(BadRequest, match="F6"):
        await forms.write(world.gw, LOCAL, "F6", "2020-W16", "csv")


async def test_an_unknown_kind_of_file_or_language_is_answered_with_those_there_are(world: World) -> None:
    with pytest.raises(BadRequest, match="xlsx, csv, pdf, json"):
        await forms.write(world.gw, LOCAL, "F6", "2020-W16", "docx", agency="H37")
    with pytest.raises(BadRequest, match="vi, en"):
        await forms.write(world.gw, LOCAL, "F6", "2020-W16", "csv", agency="H37", lang="fr")


def test_gaps_are_of_each_year_and_ignore_what_is_no_number() -> None:
    def header(number: str, day: str) -> dict[str, str]:
        return {"number": number, "promulgation_date": day}

    found = registers.gaps(
        [
            header("5", "2020-12-31"),
            header("01", "2021-01-04"),
            header("03a", "2021-01-05"),
            header("x", "2020-04-13"),
            header("9", "31/12/2020"),
        ]
    )
    assert found == {2020: [], 2021: [(2, 2)]}
