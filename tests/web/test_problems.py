"""Errors on the wire: both languages, stable codes, nothing of the inside."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway import errors
from gateway.config import Config
from gateway.errors import Busy, GatewayError, Refused, TooMany
from gateway.flow import inbox
from gateway.model.finding import Finding, Severity
from gateway.model.text import Bilingual
from gateway.store.contract import StoreFull
from gateway.web.problems import error_of, problem_of
from tests.web.conftest import Site, config_for

FINDING = Finding("recipient.unknown", Severity.REFUSE, "H99", Bilingual("Không có", "Unknown"), "NĐ 30/2020")
LEAVES = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, GatewayError)]


@pytest.fixture
def config() -> Config:
    return config_for(requests_per_second=20)


@pytest.mark.parametrize("kind", [kind for kind in LEAVES if kind is not GatewayError])
def test_an_error_survives_the_wire(kind: type[GatewayError]) -> None:
    error = kind(Bilingual("Lý do", "Reason"), code="a.b", findings=(FINDING,), retry_after=7)
    again = error_of(problem_of(error).model_dump())
    assert type(again) is kind
    assert (again.text, again.code, again.findings, again.retry_after) == (
        error.text,
        "a.b",
        (FINDING,),
        7,
    )


def test_an_error_of_an_inner_room_becomes_the_common_one_with_its_own_words() -> None:
    again = error_of(problem_of(StoreFull(retry_after=60)).model_dump())
    assert type(again) is Busy
    assert again.code == "store.full"


def test_the_title_is_the_class_and_the_detail_is_the_case() -> None:
    problem = problem_of(Refused(Bilingual("Thiếu nơi nhận", "No recipient")))
    assert problem.title == Refused.vi
    assert (problem.detail, problem.detail_en) == ("Thiếu nơi nhận", "No recipient")


async def test_an_unexpected_error_shows_an_incident_and_nothing_of_the_inside(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*args: Any) -> None:
        raise RuntimeError("mật khẩu của cơ sở dữ liệu là 123")

    monkeypatch.setattr(inbox, "list_inbox", broken)
    with capture_logs() as logs:
        reply = await site.get("/api/v1/inbox")
    assert (reply.status, reply.code) == (500, "gateway.error")
    assert b"123" not in reply.body
    assert b"RuntimeError" not in reply.body
    assert [entry["incident"] for entry in logs if entry["event"] == "request failed"] == [
        reply.json["incident"]
    ]


async def test_an_unknown_address_and_a_wrong_method_are_problems_too(site: Site) -> None:
    assert (await site.get("/api/v1/khong-co")).code == "http.404"
    reply = await site.call("DELETE", "/api/v1/documents")
    assert (reply.status, reply.code) == (405, "http.405")
    assert set(reply.headers["allow"].split(",")) == {"GET", "POST"}


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("limit=1000", "limit"),
        ("before=yesterday", "before"),
        ("before=0", "before"),
        ("before=2020-02-31T00:00:00Z", "before"),
        ("agncy=H37", "agncy"),
        ("agency=%00", "agency"),
    ],
)
async def test_a_wrong_parameter_is_named(site: Site, query: str, where: str) -> None:
    reply = await site.get(f"/api/v1/documents?{query}")
    assert (reply.status, reply.code) == (400, "request.malformed")
    assert [finding["where"] for finding in reply.json["findings"]] == [where]
    assert where in reply.json["detail"]


async def test_a_parameter_that_stands_twice_is_refused(site: Site) -> None:
    reply = await site.get("/api/v1/documents?agency=H37&agency=H37.03")
    assert (reply.status, reply.code) == (400, "request.malformed")


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'{"code": "03", "descripton": "x"}', "descripton"),
        (b"{}", "code"),
        (b'{"code": 3}', "code"),
        (b'{"code": "03", "staff": {"mail": "a"}}', "staff.mail"),
        (b'{"code": "03", "description": "\\u0000"}', "description"),
        (b"[]", ""),
        (b"rubbish", ""),
        (b'{"code": "\\ud800"}', ""),
        (b"\xff\xfe", ""),
    ],
)
async def test_a_wrong_json_body_is_refused_and_the_field_named(site: Site, body: bytes, where: str) -> None:
    headers = {"Content-Type": "application/json"}
    reply = await site.call("POST", "/api/v1/inbox/none/status", "H37.03", headers, data=body)
    assert (reply.status, reply.code) == (400, "request.malformed")
    assert reply.json["findings"][0]["where"] == where


async def test_a_large_json_body_is_refused(site: Site) -> None:
    headers = {"Content-Type": "application/json"}
    data = b'{"code": "03", "description": "' + b"x" * 70_000 + b'"}'
    reply = await site.call("POST", "/api/v1/inbox/none/status", "H37.03", headers, data=data)
    assert (reply.status, reply.code) == (413, "request.too_large")


@pytest.mark.parametrize("part", ["%00", "%ff", "%ED%A0%80", "a%0Ab"])
async def test_a_name_that_no_database_holds_is_not_found(site: Site, part: str) -> None:
    reply = await site.get(f"/api/v1/documents/{part}")
    assert reply.status == 404


async def test_a_caller_over_its_rate_is_told_when_to_come_back(site: Site) -> None:
    replies = [await site.get("/api/v1/gateway", "H37") for _ in range(60)]
    over = [reply for reply in replies if reply.status == 429]
    assert over
    assert (over[0].code, over[0].headers["retry-after"]) == (TooMany.code, "1")
    assert (await site.get("/api/v1/gateway", "H37.03")).status == 200


async def test_every_answer_has_a_request_id_and_tells_browsers_to_stay_out(site: Site) -> None:
    replies = [await site.get(path, None) for path in ("/healthz", "/api/v1/inbox", "/nowhere")]
    assert len({reply.headers["x-request-id"] for reply in replies}) == 3
    for reply in replies:
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["content-security-policy"].startswith("default-src 'none'")
        assert reply.headers["cache-control"] == "no-store"
        assert "aiohttp" not in reply.headers["server"].lower()
