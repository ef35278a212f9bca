"""Report forms: what stands in them, whatever file they become."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
from pypdf import PdfReader

from gateway.compliance import forms, forms_307, forms_exceptions, forms_operator, forms_week
from gateway.compliance.charts import floor_of
from gateway.compliance.forms import make, written
from gateway.compliance.forms_data import Unit, data_of, declared_total, rate
from gateway.compliance.forms_exceptions import Failure
from gateway.compliance.forms_week import Past
from gateway.compliance.frozen import Frozen
from gateway.compliance.sheet import (
    Chart,
    Column,
    Kind,
    Link,
    Ratio,
    Row,
    Series,
    Sheet,
    Tenths,
    shown,
)
from gateway.errors import BadRequest
from gateway.store.register_rows import Happened

SHA = "ab" * 32
ROOT = "cd" * 32


def counts(sent: int = 100, both: int = 90, passed: int = 80, **more: int) -> dict[str, int]:
    """Counts of one agency; names written with ``_`` for the point."""
    base = {
        "D.sent": sent,
        "K2.both": both,
        "K2.leader": sent - both,
        "K3.n": sent,
        "K3.qd28": both,
        "K3.nd30": sent,
        "K9.pass": passed,
        "K9.fail": sent - passed,
        "C4.fail": sent - both,
        "R.n": 2 * sent,
        "K5.n": 2 * sent,
        "K5.same_day": 2 * both,
        "A.pulled": 2 * sent,
    }
    return base | {name.replace("_", ".", 1): value for name, value in more.items()}


def body(**changes: Any) -> dict[str, Any]:
    """A report's body of the week of the demo."""
    whole: dict[str, Any] = {
        "form": "frozen-report/1",
        "id": "0195f3c0-0000-7000-8000-000000000001",
        "gateway": "truc-lang-son",
        "synthetic": False,
        "period": {"name": "2020-W16", "from": "2020-04-13", "to": "2020-04-19"},
        "data_as_of": {"at": "2020-04-20T08:00:00+07:00", "size": 12345, "root": ROOT},
        "published_at": "2020-04-20T09:00:00+07:00",
        "level_set": {"version": "3-level", "levels": ["province", "district", "commune"]},
        "calendar": {"version": "vn-2026.11"},
        "rule_sets": ["signature-2020"],
        "clauses_version": "clauses-1",
        "outages": [],
        "excluded": [],
        "agencies": [
            {"code": "H37.03", "name": "Sở Thông tin và Truyền thông", "level": "province"},
            {"code": "H37.05", "name": "Sở Y tế", "level": "province"},
            {"code": "H37.31", "name": "UBND thành phố Lạng Sơn", "level": "district"},
            {"code": "H37.31.21", "name": "UBND phường Tam Thanh", "level": "commune"},
            {"code": "H37.32.22", "name": "UBND xã Yên Bình", "level": "commune"},
        ],
        "declared": [],
        "counts": {
            "H37.03": counts(1000, 970, 900),
            "H37.05": counts(100, 100, 100),
            "H37.31": counts(10, 9, 8),
            "H37.31.21": counts(40, 36, 30),
        },
        "levels": {},
        "recalls": {"n": 0},
        "rates": [],
    }
    return whole | changes


def row_of(sheet: Sheet, name: str) -> tuple[str, ...]:
    """The printed cells of the row in which ``name`` stands."""
    return next(
        tuple(shown(cell) for cell in row.cells)
        for row in sheet.rows
        if name in [shown(cell) for cell in row.cells]
    )


def all_text(sheet: Sheet) -> str:
    parts = [sheet.mark, sheet.title, sheet.subtitle, *sheet.lead, *sheet.notes, *sheet.closing]
    return "\n".join([*parts, *(f"{name}: {value}" for name, value in sheet.head)])


# ---- numbers


@pytest.mark.parametrize(
    ("numerator", "denominator", "text"),
    [
        (0, 0, "—"),
        (973, 1000, "97,3 %"),
        (9996, 10000, "99,9 %"),
        (1, 100_000, "0,1 %"),
        (0, 50, "0,0 %"),
        (50, 50, "100,0 %"),
        (19, 19, "100,0 %*"),
        (1, 16, "6,3 %*"),
        (12345, 100_000, "12,3 %"),
        (1245, 10_000, "12,5 %"),
    ],
)
def test_a_rate_prints_as_the_figures_page_says(numerator: int, denominator: int, text: str) -> None:
    assert shown(Ratio(numerator, denominator)) == text


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (1234567, "1.234.567"),
        (date(2026, 11, 23), "23/11/2026"),
        (datetime(2026, 11, 23, 9, 5), "23/11/2026 09:05"),
        (Tenths(-4, signed=True), "-0,4"),
        (Tenths(12, signed=True), "+1,2"),
        (Tenths(0, signed=True), "0,0"),
        (None, "—"),
        ("", ""),
    ],
)
def test_cells_print_in_the_vietnamese_manner(cell: Any, text: str) -> None:
    assert shown(cell) == text


def test_a_row_that_does_not_fit_its_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="row 1"):
        Sheet("a", "a", (), (Column("x"), Column("y")), (Row(("only one",)),))


# ---- forms


def test_the_head_says_what_one_needs_to_count_again() -> None:
    for form in ("F1", "F2", "F3", "F4", "F5", "F7"):
        head = dict(make(form, Frozen(body(), SHA, ""))[0].head)
        assert head["Kỳ báo cáo"] == "2020-W16 (13/04/2020 – 19/04/2020)"
        assert head["Số liệu tính đến"] == "20/04/2020 08:00:00"
        assert head["Lập lúc"] == "20/04/2020 09:00:00"
        assert head["Bộ cấp hành chính"] == "3-level (province, district, commune)"
        assert head["Bộ quy tắc"] == "signature-2020, clauses-1"
        assert head["Lịch làm việc"] == "vn-2026.11"
        assert head["Mã băm báo cáo (SHA-256)"] == SHA
        assert head["Nhật ký"] == f"12.345 bản ghi, gốc {ROOT}"


def test_counts_that_were_not_published_say_so() -> None:
    head = dict(make("F1", body())[0].head)
    assert head["Tình trạng"] == "Chưa công bố: số liệu có thể còn thay đổi"
    assert head["Mã băm báo cáo (SHA-256)"] == "—"


def test_synthetic_figures_are_marked_on_every_sheet_of_every_form() -> None:
    for form in ("F1", "F2", "F3", "F4", "F5", "F7"):
        for sheet in make(form, body(synthetic=True)):
            assert sheet.mark.startswith("DỮ LIỆU MÔ PHỎNG")
            assert make(form, body())[0].mark == ""


def test_f1_gives_the_line_of_the_weekly_notice() -> None:
    notice = make("F1", body())[0]
    assert notice.lead[0].startswith(
        "Từ 13/04/2020 đến 19/04/2020, 4/5 đơn vị có gửi và nhận văn bản qua trục;"
    )
    assert "gửi 1.150 văn bản, nhận 2.300 lượt. Ký số hợp lệ 97,0 %;" in notice.lead[0]
    assert row_of(notice, "Toàn tỉnh")[1:4] == ("4/5", "1.150", "2.300")
    assert row_of(notice, "Cấp xã")[1] == "1/2"


def test_f1_ranks_within_a_level_and_shows_the_change_to_the_week_before() -> None:
    before = Past("2020-W15", {"H37.03": counts(1000, 950, 912), "H37.05": counts(100, 95, 91)})
    ranking = make("F1", body(), past=(before,))[1]
    assert row_of(ranking, "H37.05")[0] == "1"
    first = row_of(ranking, "H37.03")
    assert (first[0], first[8], first[9], first[10], first[11]) == ("2", "90,0 %", "91,2 %", "-1,2", "1")


def test_f1_gives_no_rank_and_no_rate_to_who_sent_nothing() -> None:
    silent = row_of(make("F1", body())[1], "H37.32.22")
    assert silent[0] == "—"
    assert silent[5:9] == ("—", "—", "—", "—")


def test_equals_share_a_rank() -> None:
    same = counts(100, 90, 80)
    found = forms_week.ranks(
        {"a": same, "b": same, "c": counts(100, 90, 70), "d": counts(100, 95, 90), "e": {}}
    )
    assert found == {"d": 1, "a": 2, "b": 2, "c": 4}


def test_the_trend_has_one_point_for_each_week() -> None:
    past = tuple(Past(f"2020-W{week}", {"H37.03": counts(100, week, 50)}) for week in (13, 14, 15))
    chart = make("F1", body(), past=past)[0].charts[1]
    assert chart.lines
    assert chart.categories == ("2020-W13", "2020-W14", "2020-W15", "2020-W16")
    assert chart.series[0].values == (13.0, 14.0, 15.0, 97.0)


def test_f2_sums_each_level_and_the_whole() -> None:
    sheet = make("F2", body())[0]
    province, whole = row_of(sheet, "Cấp tỉnh"), row_of(sheet, "Toàn tỉnh")
    assert province[1] == "1.100"
    assert whole[1] == "1.150"
    late = [column.title for column in sheet.columns].index("Muộn")
    assert province[late] == "30"


def test_f2_keeps_who_is_gone_in_the_sum_of_its_level_and_out_of_k0() -> None:
    gone = body(
        counts={"H37.39": counts(50, 50, 50)}, levels={"H37.39": "district"}, names={"H37.39": "Huyện cũ"}
    )
    assert row_of(make("F2", gone)[0], "Huyện cũ")[1] == "50"
    assert row_of(make("F1", gone)[0], "Cấp huyện")[1:3] == ("0/1", "50")


def test_f2_tells_of_outages_and_of_units_left_out() -> None:
    outage = {"outage": "o1", "from": "2020-04-14T10:05:00+07:00", "to": "2020-04-14T11:40:00+07:00"}
    sheet = make("F2", body(outages=[outage], excluded=[{"code": "H37.99", "reason": "test"}]))[0]
    assert "Có 1 khoảng sự cố đã duyệt" in all_text(sheet)
    assert "H37.99 (test)" in all_text(sheet)


def test_f3_names_connected_agencies_by_level_as_x_of_y() -> None:
    sheet = make("F3", body())[0]
    assert row_of(sheet, "K0 Đơn vị liên thông: Cấp xã")[2:5] == ("1", "2", "50,0 %*")
    assert row_of(sheet, "K2 Ký số hợp lệ (lãnh đạo và cơ quan)")[2:5] == ("1.115", "1.150", "97,0 %")


def test_f3_has_no_k1_while_nobody_knows_the_totals() -> None:
    k1 = next(row for row in make("F3", body())[0].rows if str(row.cells[1]).startswith("K1"))
    assert shown(k1.cells[4]) == "—"


def test_f3_does_not_use_a_total_below_what_was_sent() -> None:
    def declare(agency: str, total: int) -> dict[str, Any]:
        return {"agency": agency, "from": "2020-04-13", "to": "2020-04-19", "outgoing_total": total}

    declared = [declare("H37.31.21", 1), declare("H37.32.22", 100)]  # 40 were sent by the first
    alone = make("F3", body(declared=declared[1:]))[0]
    both = make("F3", body(declared=declared))[0]
    k1 = [next(row for row in sheet.rows if str(row.cells[1]).startswith("K1")) for sheet in (alone, both)]
    assert k1[0] == k1[1]
    assert shown(k1[0].cells[3]) == "100"


def test_f3_names_the_units_with_the_most_failures() -> None:
    assert row_of(make("F3", body())[1], "C4 Chữ ký số")[4].startswith("Sở Thông tin và Truyền thông (30)")


def test_f4_counts_downtime_once_where_outages_overlap_and_within_the_period() -> None:
    def outage(start: str, stop: str, agency: str = "") -> dict[str, str]:
        return {
            "outage": "o",
            "agency": agency,
            "from": f"2020-04-{start}:00+07:00",
            "to": f"2020-04-{stop}:00+07:00",
        }

    overlapping = [
        outage("12T23:00", "13T00:30"),
        outage("14T10:00", "14T11:00"),
        outage("14T10:30", "14T11:30"),
        outage("15T08:00", "15T18:00", "H37.05"),
    ]
    data = data_of(body(outages=overlapping))
    assert forms_operator.downtime(data) == (30 + 90) * 60_000_000


def test_f4_tells_of_operation_from_the_events() -> None:
    at = data_of(body()).as_of
    happened = ({"gateway.started": 600}, [Happened(at, "gateway.started", {"version": "0.1.0"})])
    sheet = make("F4", body(), happened=happened)[2]
    assert row_of(sheet, "Khởi động trục (bảo trì, nâng cấp hoặc sự cố)")[1] == "600"
    assert row_of(sheet, "version: 0.1.0")[2] == "20/04/2020 08:00"


@pytest.mark.parametrize(
    ("numerator", "ward", "score"),
    [(0, False, 30), (700, False, 30), (749, False, 30), (750, False, 35), (899, False, 45), (900, False, 50),
     (1000, False, 50), (800, True, 30), (849, True, 30), (850, True, 35), (999, True, 45), (1000, True, 50)],
)  # fmt: skip
def test_the_score_of_nd_307_goes_up_by_whole_steps(numerator: int, ward: bool, score: int) -> None:
    assert forms_307.score(Ratio(numerator, 1000), ward) == Tenths(score)


def test_f5_scores_who_declared_and_shows_a_contradiction() -> None:
    def declare(agency: str, total: int) -> dict[str, Any]:
        return {"agency": agency, "from": "2020-04-13", "to": "2020-04-19", "outgoing_total": total}

    good = make("F5", body(declared=[declare("H37.31.21", 40)]))[0]
    assert row_of(good, "H37.31.21")[3:] == ("Phường", "40", "36", "40", "Đơn vị khai", "90,0 %", "4,0")
    assert row_of(good, "H37.32.22")[6:] == ("—", "Chưa khai", "—", "—")
    bad = make("F5", body(declared=[declare("H37.31.21", 39)]))[0]
    assert row_of(bad, "H37.31.21")[7:] == ("Khai thấp hơn số đã gửi", "—", "—")


def test_f5_never_scores_an_estimate() -> None:
    estimate = [{"agency": "H37.31.21", "total": 50, "source": "estimated"}]
    row = row_of(make("F5", body(outgoing=estimate))[0], "H37.31.21")
    assert row[6:] == ("50", "Ước tính", "72,0 %", "—")


def test_a_ward_is_known_by_its_name_in_either_unicode_form() -> None:
    name = unicodedata.normalize("NFD", "UBND Phường Chi Lăng")
    assert forms_307.is_ward(Unit("x", name, "commune"))
    assert not forms_307.is_ward(Unit("x", "UBND xã Phương Đông", "commune"))


def test_declarations_count_only_when_they_cover_each_day_once() -> None:
    first, middle, last = date(2020, 4, 1), date(2020, 4, 15), date(2020, 4, 30)
    half = {(first, date(2020, 4, 14)): 5, (middle, last): 7}
    assert declared_total(half, first, last) == 12
    assert declared_total({(first, date(2020, 4, 14)): 5}, first, last) is None
    assert declared_total(half | {(date(2020, 4, 10), middle): 1}, first, last) is None


def test_f7_names_document_clause_evidence_and_unit() -> None:
    failed = Failure(
        "C4", "0195-doc", "H37.05,2020/04/13,12/SYT", date(2020, 4, 13), "H37.05", ("signature:none",)
    )
    sheet = make("F7", body(), failures=([failed], False))[0]
    row = row_of(sheet, "0195-doc")
    assert row[:5] == (
        "Sở Y tế",
        "C4 Chữ ký số",
        "13/04/2020",
        "H37.05,2020/04/13,12/SYT",
        "Văn bản chính chưa được ký số",
    )
    assert sheet.rows[0].cells[5] == Link("0195-doc", "/api/v1/documents/0195-doc/evidence")
    assert sheet.lead[0].startswith("1 văn bản không đạt")


def test_f7_says_when_its_list_ends_early() -> None:
    (sheet,) = forms_exceptions.make(data_of(body()), "vi", [], more=True)
    assert "DANH SÁCH CHƯA ĐỦ" in all_text(sheet)


def test_every_form_is_had_in_english_too() -> None:
    for form in ("F1", "F2", "F3", "F4", "F5", "F7"):
        head = dict(make(form, body(), "en")[0].head)
        assert head["Calendar"] == "vn-2026.11"


def test_an_unknown_form_is_answered_with_those_there_are() -> None:
    with pytest.raises(BadRequest, match="F1, F2, F3, F4, F5, F6, F7"):
        make("F9", body())


def test_a_rate_of_k8_leaves_young_deliveries_out() -> None:
    assert rate({"K8.late": 2, "K8.never": 5, "K8.young": 4, "R.n": 100}, "K8") == Ratio(3, 96)


# ---- files

ODD = '=HYPERLINK("http://x")'
LONG = "Về việc triển khai " + "ứng dụng công nghệ thông tin " * 20


def odd_sheet(*texts: str) -> Sheet:
    columns = (Column("Trích yếu", width=30), Column("Số", Kind.COUNT), Column("Tỷ lệ", Kind.RATE))
    rows = tuple(Row((text, 1234, Ratio(9996, 10000))) for text in texts)
    return Sheet("Sổ: [văn bản]/đi*", "SỔ", (("Kỳ", "2020"),), columns, rows, notes=("+ghi chú",))


def workbook(*sheets: Sheet) -> Any:
    return openpyxl.load_workbook(io.BytesIO(written(sheets, "xlsx")))


@pytest.mark.parametrize("text", [ODD, "+1", "-1+2", "@SUM(A1)", "\t=1", "＝1"])
def test_no_text_becomes_a_formula_in_the_workbook(text: str) -> None:
    tab = workbook(odd_sheet(text)).worksheets[0]
    cell = next(cell for row in tab.iter_rows() for cell in row if cell.value == text.strip())
    assert cell.data_type == "s"
    assert cell.quotePrefix


@pytest.mark.parametrize("text", [ODD, "+1", "-1+2", "@SUM(A1)", "\t=1", "＝1"])
def test_no_text_becomes_a_formula_in_csv(text: str) -> None:
    rows = list(csv.reader(io.StringIO(written([odd_sheet(text)], "csv").decode("utf-8-sig")), delimiter=";"))
    assert ["'" + text.strip(), "1234", "99,9 %"] in rows


def test_csv_keeps_quotes_separators_and_line_breaks_within_one_field() -> None:
    text = written([odd_sheet('một; "hai"\nba')], "csv").decode("utf-8-sig")
    assert ['một; "hai" ba', "1234", "99,9 %"] in list(csv.reader(io.StringIO(text), delimiter=";"))


def test_numbers_are_numbers_in_the_workbook_and_99_96_is_not_100() -> None:
    tab = workbook(odd_sheet("x")).worksheets[0]
    values = {cell.value: cell.number_format for row in tab.iter_rows() for cell in row}
    assert values[0.999] == r"0.0\ %"
    assert values[1234] == "#,##0"


def test_an_empty_rate_is_a_dash_in_the_workbook() -> None:
    sheet = Sheet("a", "a", (), (Column("x", Kind.RATE),), (Row((Ratio(0, 0),)),))
    assert "—" in [cell.value for row in workbook(sheet).worksheets[0].iter_rows() for cell in row]


def test_tabs_have_names_that_a_workbook_takes() -> None:
    names = workbook(odd_sheet("x"), odd_sheet("y")).sheetnames
    assert len(set(names)) == 2
    assert all(len(name) <= 31 and not set("[]:*?/\\") & set(name) for name in names)


def test_decomposed_text_is_composed_in_every_file() -> None:
    sheet = odd_sheet(unicodedata.normalize("NFD", "Đề nghị hỗ trợ xã Yên Bình"))
    assert "Đề nghị hỗ trợ xã Yên Bình".encode() in written([sheet], "csv")
    assert "Đề nghị hỗ trợ xã Yên Bình" in pdf_text(sheet)
    cells = [cell.value for row in workbook(sheet).worksheets[0].iter_rows() for cell in row]
    assert "Đề nghị hỗ trợ xã Yên Bình" in cells


def pages(*sheets: Sheet) -> list[str]:
    reader = PdfReader(io.BytesIO(written(sheets, "pdf")))
    return [" ".join(page.extract_text().split()) for page in reader.pages]


def pdf_text(*sheets: Sheet) -> str:
    return " ".join(pages(*sheets))


def test_a_subject_of_500_letters_stands_whole_in_the_pdf() -> None:
    assert len(LONG) > 500
    assert LONG.strip() in pdf_text(odd_sheet(LONG)).replace("- ", "-")


def test_a_word_wider_than_its_column_is_broken_not_cut() -> None:
    assert "x" * 900 in pdf_text(odd_sheet("x" * 900)).replace(" ", "")


def test_a_row_higher_than_a_page_goes_on_on_the_next() -> None:
    told = pages(odd_sheet("chữ " * 4000 + "hết"))
    assert len(told) > 1
    assert "hết" in told[-1]


def test_headings_and_page_numbers_stand_on_every_page() -> None:
    told = pages(odd_sheet(*(f"dòng {number}" for number in range(200))))
    assert len(told) > 3
    for number, page in enumerate(told, 1):
        assert "Trích yếu" in page
        assert f"Trang {number}/{len(told)}" in page
    assert all(f"dòng {number} " in " ".join(told) + " " for number in range(200))


def test_a_closing_statement_names_the_number_of_pages_and_its_signers() -> None:
    rows = tuple(Row((f"dòng {number}",)) for number in range(100))
    sheet = Sheet(
        "a", "a", (), (Column("x"),), rows, closing=("Sổ này gồm {pages} trang.",), signers=("VĂN THƯ",)
    )
    told = pages(sheet)
    assert f"Sổ này gồm {len(told)} trang." in told[-1]
    assert "VĂN THƯ" in told[-1]


def test_equal_sheets_give_equal_files() -> None:
    past = (Past("2020-W15", {"H37.03": counts()}),)
    made = make("F1", body(), past=past)
    for kind in forms.MEDIA_TYPES:
        assert written(made, kind) == written(made, kind)


def test_every_form_becomes_every_kind_of_file() -> None:
    for form in ("F1", "F2", "F3", "F4", "F5", "F7"):
        made = make(form, body())
        assert json.loads(written(made, "json"))["sheets"][0]["title"] == made[0].title
        assert made[0].title in written(made, "csv").decode()
        assert pages(*made)
        assert workbook(*made).sheetnames


def test_json_tells_numerator_and_denominator() -> None:
    told = json.loads(written([odd_sheet("x")], "json"))["sheets"][0]["rows"][0]["cells"]
    assert told[2] == {
        "numerator": 9996,
        "denominator": 10000,
        "estimate": False,
        "small": False,
        "text": "99,9 %",
    }


def test_bars_begin_at_zero_and_lines_below_their_lowest() -> None:
    series = (Series("K2", (97.0, None, 92.0)),)
    assert floor_of(Chart("t", ("a", "b", "c"), series)) == 0
    assert floor_of(Chart("t", ("a", "b", "c"), series, lines=True)) == 90
    assert floor_of(Chart("t", ("a",), (Series("K2", (None,)),), lines=True)) == 0


def test_a_closed_register_numbers_its_own_pages_other_sheets_go_through() -> None:
    rows = tuple(Row((f"dòng {number}",)) for number in range(80))
    register = Sheet("a", "a", (), (Column("x"),), rows, closing=("Gồm {pages} trang.",))
    told = pages(odd_sheet("x"), register, odd_sheet("y"))
    assert "Trang 1/" in told[0]
    assert f"Trang {len(told) - 2}/{len(told) - 2}" in told[-2]
    assert f"Trang {len(told)}/{len(told)}" in told[-1]


def test_a_high_row_begins_below_the_others_and_not_on_a_new_page() -> None:
    told = pages(odd_sheet(*["ngắn"] * 12, "dài " * 400, "cuối"))
    assert "dài" in told[0]
    assert "cuối" in told[-1]
