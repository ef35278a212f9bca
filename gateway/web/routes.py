"""The table of endpoints. Everything that is served stands here, and the OpenAPI document is made from it.

In charge of: one list, and registering it. The endpoint that serves the OpenAPI document itself is added in
``server.py``.
"""

from __future__ import annotations

from aiohttp import web

from gateway.intake import accept_expectation
from gateway.web import (
    api_directory,
    api_documents,
    api_evidence,
    api_inbox,
    api_log,
    api_outages,
    api_recall,
    api_receipts,
    api_reports,
    api_scorecard,
    api_service,
    api_totals,
)
from gateway.web.endpoint import NOBODY, Endpoint
from gateway.web.serve import serve

ENDPOINTS: tuple[Endpoint, ...] = (
    *api_documents.ENDPOINTS,
    *api_evidence.ENDPOINTS,
    *api_recall.ENDPOINTS,
    *api_inbox.ENDPOINTS,
    *api_receipts.ENDPOINTS,
    *api_log.ENDPOINTS,
    *api_reports.ENDPOINTS,
    *api_scorecard.ENDPOINTS,
    *api_totals.ENDPOINTS,
    *api_outages.ENDPOINTS,
    *api_directory.ENDPOINTS,
    *api_service.ENDPOINTS,
)


def add_routes(app: web.Application) -> None:
    """Register every endpoint. Public pages answer HEAD too (load balancers ask so); a HEAD of an inbox item
    would count as a fetch."""
    for endpoint in ENDPOINTS:
        handler = serve(endpoint)
        app.router.add_route(
            endpoint.method, endpoint.path, handler, name=endpoint.name, expect_handler=accept_expectation
        )
        if endpoint.method == "GET" and endpoint.roles == NOBODY:
            app.router.add_route("HEAD", endpoint.path, handler)
