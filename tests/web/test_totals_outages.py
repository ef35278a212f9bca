"""Declared totals, outages and alerts over HTTP, with the keys of who may."""

from __future__ import annotations

from typing import Any

from gateway.model.objective import Alert, Measure, Span
from gateway.model.text import AgencyCode
from gateway.store import alerts as rows
from gateway.store.people import Role
from tests.web.conftest import Site, issue_key

LINE = {"agency": "H37", "from_day": "2020-04-13", "to_day": "2020-04-13", "outgoing_total": 12}
OUTAGE = {"from_at": "2020-04-13T10:05:00+07:00", "to_at": "2020-04-13T11:40:00+07:00", "reason": "Mất điện"}


async def declare(site: Site, who: str = "H37", **fields: Any) -> Any:
    return await site.post("/api/v1/totals", who, json={"totals": [LINE | fields]})


async def test_software_declares_and_reads_back_what_stands_in_the_record(site: Site) -> None:
    await site.send()
    reply = await declare(site, paper_only=2)
    assert reply.status == 200
    [taken] = reply.json["totals"]
    assert (taken["observed"], taken["contradicts"], taken["replaced"]) == (1, False, False)
    shown = await site.get("/api/v1/totals?from=2020-04-01&to=2020-04-30")
    [line] = shown.json["totals"]
    assert (line["id"], line["paper_only"], line["source"]) == (taken["id"], 2, "api")


async def test_nobody_declares_or_reads_for_another_agency(site: Site) -> None:
    reply = await declare(site, "H37.03")
    assert (reply.status, reply.code) == (403, "totals.not_yours")
    reply = await site.get("/api/v1/totals?from=2020-04-01&to=2020-04-30&agency=H37", "H37.03")
    assert (reply.status, reply.code) == (403, "totals.not_yours")


async def test_auditors_read_all_and_agencies_their_own(site: Site) -> None:
    await declare(site)
    await declare(site, "H37.03", agency="H37.03")
    period = "/api/v1/totals?from=2020-04-13&to=2020-04-13"
    assert len((await site.get(period, "auditor")).json["totals"]) == 2
    assert [one["agency"] for one in (await site.get(period, "H37.03")).json["totals"]] == ["H37.03"]


async def test_a_wrong_line_is_named_and_nothing_is_taken(site: Site) -> None:
    reply = await declare(site, to_day="2020-04-14")
    assert (reply.status, reply.code) == (400, "totals.wrong")
    assert reply.json["findings"][0]["where"] == "totals.0.to"
    reply = await declare(site, outgoing_total=-1)
    assert reply.json["findings"][0]["where"] == "totals.0.outgoing_total"
    assert (await site.get("/api/v1/totals?from=2020-04-01&to=2020-04-30")).json["totals"] == []


async def test_an_outage_is_proposed_with_one_key_and_approved_with_another(site: Site) -> None:
    site.keys["second"] = await issue_key(site.world, Role.OPERATOR, ())
    made = await site.post("/api/v1/outages", "operator", json=OUTAGE)
    assert (made.status, made.json["standing"]) == (201, "proposed")
    path = f"/api/v1/outages/{made.json['id']}"
    own = await site.post(f"{path}/decision", "operator", json={"approve": True})
    assert (own.status, own.code) == (403, "outage.same_person")
    approved = await site.post(f"{path}/decision", "second", json={"approve": True})
    assert approved.json["standing"] == "in force"
    [line] = (await site.get("/api/v1/outages", "auditor")).json["outages"]
    assert (line["from_at"], line["reason"]) == ("2020-04-13T10:05:00.000000+07:00", "Mất điện")
    withdrawn = await site.post(f"{path}/withdrawal", "second", json={"reason": "Ghi nhầm"})
    assert withdrawn.json["standing"] == "withdrawn"
    again = await site.post(f"{path}/withdrawal", "second", json={"reason": "Ghi nhầm"})
    assert (again.status, again.code) == (409, "outage.not_in_force")


async def test_an_outage_that_nobody_proposed_is_not_found(site: Site) -> None:
    reply = await site.post("/api/v1/outages/none/decision", "administrator", json={"approve": True})
    assert (reply.status, reply.code) == (404, "outage.unknown")


async def test_alerts_are_shown_to_watchers_and_to_the_agency_they_are_about(site: Site) -> None:
    gw = site.world.gw
    code, at = AgencyCode("H37.03"), gw.clock.now()
    alert = Alert(gw.new_id(), code, Measure.FETCHED, Span.FAST, at, 5, 5, 20.0, 20.0, "event")
    await gw.store.write(lambda tx: rows.put(tx, alert))
    for who, ids in (("auditor", [alert.id]), ("H37.03", [alert.id]), ("H37.05", [])):
        found = (await site.get("/api/v1/alerts", who)).json["alerts"]
        assert [one["id"] for one in found] == ids
    assert (await site.get("/api/v1/alerts?agency=H37.03", "H37.05")).status == 403
