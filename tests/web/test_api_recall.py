"""A recall over HTTP: who may ask, what both sides see."""

from __future__ import annotations

from tests.web.conftest import Site
from tests.world import make_status

DOCUMENT_ID = "H37,2020/04/13,362/UBND-KGVX"


async def test_a_sender_recalls_and_sees_every_answer(site: Site) -> None:
    document = (await site.send(to=["H37.03", "H37.05"])).json["document"]
    [item] = await site.waiting("H37.03")
    await site.get(f"/api/v1/inbox/{item['delivery']}", "H37.03")
    await site.post(f"/api/v1/inbox/{item['delivery']}/done", "H37.03")
    body = {"reason": "Sai thể thức", "staff": {"staff": "Nguyễn Thị Mẫu"}}
    asked = await site.post(f"/api/v1/documents/{document}/recall", "H37", json=body)
    assert asked.status == 202
    assert {line["recipient"]: line["state"] for line in asked.json["recipients"]} == {
        "H37.03": "asked",
        "H37.05": "withdrawn",
    }
    assert await site.waiting("H37.05") == []
    await site.send(make_status("H37.03", "15", DOCUMENT_ID, description="Đã hủy"), "H37.03")
    shown = (await site.get(f"/api/v1/documents/{document}/recall", "H37")).json
    agreed = next(line for line in shown["recipients"] if line["recipient"] == "H37.03")
    assert (agreed["state"], agreed["answer_reason"]) == ("agreed", "Đã hủy")
    view = (await site.get(f"/api/v1/documents/{document}", "H37")).json
    assert view["standing"] == "recalled"
    assert view["frozen_at"] is not None
    assert [version["current"] for version in view["versions"]] == [False]


async def test_a_recall_is_the_senders_and_the_watchers_business_only(site: Site) -> None:
    document = (await site.send()).json["document"]
    path = f"/api/v1/documents/{document}/recall"
    assert (await site.get(path, "H37.03")).status == 404
    assert (await site.post(path, "H37.03", json={"reason": "Nhầm"})).status == 404
    assert (await site.post(path, "operator", json={"reason": "Nhầm"})).status == 403
    assert (await site.get(path, "auditor")).status == 200


async def test_a_recall_needs_a_reason(site: Site) -> None:
    document = (await site.send()).json["document"]
    refused = await site.post(f"/api/v1/documents/{document}/recall", "H37", json={"reason": ""})
    assert refused.status == 400
