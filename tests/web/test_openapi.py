"""The OpenAPI document: valid, shipped as generated, and true of the running server."""

from __future__ import annotations

import asyncio
from typing import Any

import jsonschema_rs
import orjson
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import booleans
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.definitions import OPENAPI_31

from gateway.compliance.reports import publish
from gateway.flow.operate import LOCAL
from gateway.resources import shipped
from gateway.web.openapi import openapi_document, rendered
from gateway.web.routes import ENDPOINTS
from tests.web.conftest import Site
from tests.web.test_public_reports import tables

EXAMPLES = 20
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
OPERATIONS = sorted(endpoint.name for endpoint in ENDPOINTS)


def test_the_shipped_document_is_the_generated_one() -> None:
    """Write it anew with: python -m gateway.web.openapi > schemas/openapi.json"""
    assert shipped("schemas", "openapi.json").read_bytes() == rendered()


def test_the_document_is_valid_openapi_3_1() -> None:
    validator = jsonschema_rs.validator_for(OPENAPI_31)
    assert [error.message for error in validator.iter_errors(openapi_document())] == []
    assert not validator.is_valid({"openapi": "3.1.0"})


def test_every_reference_leads_somewhere() -> None:
    document = openapi_document()

    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [found for item in value.values() for found in references(item)]
        return [found for item in value for found in references(item)] if isinstance(value, list) else []

    names = {reference.removeprefix("#/components/schemas/") for reference in references(document)}
    assert names
    assert names <= set(document["components"]["schemas"])


PAGES = ("/console",)  # for people and their browsers; their table and role tests describe them


async def test_every_route_of_the_server_is_described(site: Site) -> None:
    routes = {
        (route.method.lower(), resource.canonical)
        for resource in site.app.router.resources()
        for route in resource
        if route.method != "HEAD" and resource.canonical != "/api/v1/openapi.json"
        if not resource.canonical.startswith(PAGES)
    }
    described = {
        (method, path) for path, methods in openapi_document()["paths"].items() for method in methods
    }
    assert routes == described


async def test_the_server_gives_the_document_to_anybody(site: Site) -> None:
    reply = await site.get("/api/v1/openapi.json", None)
    assert reply.json == orjson.loads(rendered())


def test_every_operation_speaks_both_languages_and_names_its_roles() -> None:
    operations = [op for methods in openapi_document()["paths"].values() for op in methods.values()]
    assert all(
        op["summary"] and op["description"] and op["summary"] != op["description"] for op in operations
    )
    assert all(bool(op["security"]) == bool(op.get("x-roles")) for op in operations)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("who", ["H37.03", None])
async def test_the_server_does_what_the_document_says(site: Site, name: str, who: str | None) -> None:
    """Made-up requests, good and bad: no 5xx, no undocumented status, answers that fit their schemas."""
    sent = (await site.send(to=["H37.03", "H37.05"])).json
    [item] = await site.waiting()
    headers = {"X-API-Key": site.keys[who]} if who else {}
    report = await publish(site.world.gw, LOCAL, "2020-W16", count=tables)
    real = {"document": sent["document"], "delivery": item["delivery"], "receipt": sent["receipt"]}
    real |= {"report": report.id, "kind": "csv", "outage": "none", "measure": "K5.none"}
    await asyncio.to_thread(try_operation, site.url, name, headers, real)


def try_operation(url: str, name: str, headers: dict[str, str], real: dict[str, str]) -> None:
    """Twenty requests; in half of those that name a thing, the thing exists."""
    schema = schemathesis.openapi.from_dict(openapi_document())
    [operation] = [
        result.ok()
        for result in schema.get_all_operations()
        if result.ok().definition.raw["operationId"] == name
    ]
    cases = operation.as_strategy() | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    with requests.Session() as session:

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=cases, exists=booleans())
        def attempt(case: schemathesis.Case, exists: bool) -> None:
            if exists:
                case.path_parameters = {name: real[name] for name in case.path_parameters}
            response = case.call(base_url=url, headers=headers, session=session)
            case.validate_response(response, checks=CHECKS)

        attempt()
