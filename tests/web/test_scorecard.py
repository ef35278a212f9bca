"""From a figure to its list, to the document, its events and its evidence; who sees which figures."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.conftest import Site

WEEK = "period=2020-W16"
MARKS = ("H37.03", "H37.05")


@pytest.fixture
async def week(site: Site) -> Site:
    """Three documents; one of two recipients fetched them; everything is in the log."""
    for number in ("1", "2", "3"):
        await site.send(to=list(MARKS), number=number)
    await site.world.fetch("H37.05")
    await site.world.gw.sequencer.advance(publish=True)
    return site


async def scorecard(site: Site, query: str = WEEK, who: str = "auditor") -> Any:
    reply = await site.get(f"/api/v1/scorecard?{query}", who)
    assert reply.status == 200, reply.body
    return reply.json


def counts(line: dict[str, Any]) -> dict[str, int]:
    return {one["name"]: one["number"] for one in line["counts"]}


def line_of(answer: Any, scope: str) -> dict[str, Any]:
    [line] = [one for one in answer["lines"] if one["scope"] == scope]
    return dict(line)


async def test_documents_and_deliveries_of_a_week_are_counted_apart(week: Site) -> None:
    answer = await scorecard(week)
    found = counts(line_of(answer, "all"))
    assert (found["D.sent"], found["D.recipients"], found["R.n"], found["A.pulled"]) == (3, 6, 6, 3)
    assert (answer["from_day"], answer["to_day"]) == ("2020-04-13", "2020-04-19")
    assert answer["words"]["vi"].startswith("Tuần 16 năm 2020")
    assert answer["provisional"]


async def test_a_figure_says_of_which_leaves_it_is(week: Site) -> None:
    data = (await scorecard(week))["data_as_of"]
    [row] = await week.world.rows("log_state")
    assert (data["leaves"], data["uncounted"]) == (row["integrated"], 0)
    assert len(data["root"]) == 64


async def test_every_rate_of_a_line_is_a_measure_with_two_sentences(week: Site) -> None:
    answer = await scorecard(week)
    measures = {one["key"]: one for one in answer["measures"]}
    keys = {rate["key"] for rate in line_of(answer, "all")["rates"]}
    assert keys == set(measures)
    assert all(one["sentences"]["vi"] and one["sentences"]["en"] for one in measures.values())


async def test_no_rate_stands_over_nothing(week: Site) -> None:
    rates = {one["key"]: one for one in line_of(await scorecard(week), "all")["rates"]}
    assert (rates["K4"]["denominator"], rates["K4"]["text"], rates["K4"]["tenths"]) == (0, "—", None)


async def test_a_figure_leads_to_documents_events_and_evidence(week: Site) -> None:
    line = line_of(await scorecard(week), "province")
    [none] = [one for one in line["counts"] if one["name"] == "K2.none"]
    assert none["number"] == 3
    listed = (await week.get(none["href"], "auditor")).json["found"]
    assert len(listed) == 3
    first = listed[0]
    shown = await week.get(first["href"], "auditor")
    assert shown.json["document_id"] == first["document_id"]
    events = (await week.get(first["events"], "auditor")).json["events"]
    assert events[0]["type"] == "document.accepted"
    evidence = await week.get(first["evidence"] + "?reason=Thanh tra", "auditor")
    assert (evidence.status, evidence.body[:2]) == (200, b"PK")


async def test_every_count_with_a_list_has_as_many_lines_as_it_says(week: Site) -> None:
    for line in (await scorecard(week))["lines"]:
        for one in line["counts"]:
            if one["href"] and one["name"] not in ("D.recipients", "R.history"):
                listed = (await week.get(one["href"], "auditor")).json["found"]
                assert len(listed) == one["number"], one


async def test_a_list_goes_on_where_its_page_ended(week: Site) -> None:
    path = f"/api/v1/scorecard/R.n/deliveries?{WEEK}&limit=4"
    first = (await week.get(path, "auditor")).json
    second = (await week.call("GET", path, "auditor", params={"cursor": first["cursor"]})).json
    pairs = [(one["document"], one["agency"]) for one in first["found"] + second["found"]]
    assert (len(first["found"]), len(pairs), len(set(pairs)), second["cursor"]) == (4, 6, 6, "")


async def test_by_agency_there_is_a_line_for_each_that_leads_to_its_own(week: Site) -> None:
    answer = await scorecard(week, f"{WEEK}&by=agency")
    assert [line["scope"] for line in answer["lines"]] == ["H37", "H37.03", "H37.05"]
    assert all(line["counts"] == [] for line in answer["lines"])
    own = (await week.get(line_of(answer, "H37.03")["href"], "auditor")).json
    assert counts(own["lines"][0])["R.n"] == 3
    assert own["lines"][0]["name"] == "Sở Thông tin và Truyền thông"


async def test_a_level_that_did_nothing_has_no_agencies(week: Site) -> None:
    assert (await scorecard(week, f"{WEEK}&by=agency&level=commune"))["lines"] == []


async def test_an_agency_sees_its_own_figures_and_no_others(week: Site) -> None:
    own = await scorecard(week, WEEK, "H37.03")
    assert [line["scope"] for line in own["lines"]] == ["H37.03"]
    for path in ("scorecard?agency=H37.05", "scorecard/R.n/deliveries?agency=H37.05"):
        reply = await week.get(f"/api/v1/{path}", "H37.03")
        assert (reply.status, reply.code) == (403, "scorecard.not_yours")
    listed = (await week.get(f"/api/v1/scorecard/R.n/deliveries?{WEEK}", "H37.03")).json["found"]
    assert {one["agency"] for one in listed} == {"H37.03"}


async def test_a_caller_of_two_agencies_names_one(week: Site) -> None:
    reply = await week.get(f"/api/v1/scorecard?{WEEK}", "two")
    assert (reply.status, reply.code) == (400, "agency.missing")
    assert (await week.get(f"/api/v1/scorecard?{WEEK}&agency=H37.31", "two")).status == 200


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("scorecard?period=2020-W54", "period.unreadable"),
        ("scorecard/R.n/documents", "scorecard.measure"),
        ("scorecard/K2.none/deliveries", "scorecard.measure"),
        ("scorecard/G.refused/documents", "scorecard.measure"),
        ("scorecard/nonsense/documents", "scorecard.measure"),
    ],
)
async def test_what_cannot_be_asked_is_named(week: Site, path: str, code: str) -> None:
    reply = await week.get(f"/api/v1/{path}", "auditor")
    assert (reply.status, reply.code) == (400, code)


async def test_an_unknown_agency_is_not_found(week: Site) -> None:
    reply = await week.get("/api/v1/scorecard?agency=H99", "auditor")
    assert (reply.status, reply.code) == (404, "agency.unknown")


async def test_a_declared_total_is_the_denominator_of_what_was_sent(week: Site) -> None:
    total = {"agency": "H37", "from_day": "2020-04-13", "to_day": "2020-04-13", "outgoing_total": 4}
    await week.post("/api/v1/totals", "H37", json={"totals": [total]})
    answer = await scorecard(week, "period=2020-04-13&agency=H37")
    [rate] = [one for one in answer["lines"][0]["rates"] if one["key"] == "K1"]
    assert (rate["numerator"], rate["denominator"], rate["source"]) == (3, 4, "declared")
