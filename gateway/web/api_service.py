"""Running the gateway: ``/healthz``, ``/readyz``, ``/metrics``, and the page at ``/``.

In charge of: saying whether the process lives, whether it can take documents, and what it counts. Not in
charge of: figures for auditors (``compliance``).
"""

from __future__ import annotations

import asyncio
import shutil
from functools import partial

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway.errors import Busy, GatewayError, NotAuthenticated, NotPermitted
from gateway.model.text import Bilingual
from gateway.services import Services
from gateway.web import render
from gateway.web.auth import WATCHERS, caller_of, is_local
from gateway.web.endpoint import DESK, NOBODY, Bytes, Call, Desk, Endpoint
from gateway.web.models import NoQuery
from gateway.web.models_service import HealthAnswer, ReadyAnswer

FREE_BYTES = 268_435_456  # below this the disk counts as full
READ_SECONDS = 2.0


async def health(call: Call[NoQuery, None]) -> HealthAnswer:
    """The process answers."""
    return HealthAnswer(status="ok")


async def ready(call: Call[NoQuery, None]) -> ReadyAnswer:
    """Store, disk and keys are there; ``Busy`` names what is not."""
    return await _readiness(call.gw)


async def _readiness(gw: Services) -> ReadyAnswer:
    await _store_answers(gw)
    if not gw.keyring.receipt_certificates:
        raise Busy(_NO_KEY, code="ready.keys", retry_after=30)
    free = shutil.disk_usage(gw.blobs.payloads).free
    if free < FREE_BYTES:
        raise Busy(_NO_DISK, code="ready.disk", retry_after=60)
    return ReadyAnswer(status="ready", free_bytes=free)


async def metrics(call: Call[NoQuery, None]) -> web.Response:
    """Prometheus text. From this machine, or with the key of an auditor, operator or administrator."""
    if not is_local(call.request):
        caller_of(call.gw, call.request).require(*WATCHERS)
    desk = call.request.app[DESK]
    await show_readiness(desk)
    make = desk.gathering.text if desk.gathering else partial(generate_latest, call.gw.metrics.registry)
    text = await asyncio.get_running_loop().run_in_executor(call.gw.threads, make)
    return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def show_readiness(desk: Desk) -> None:
    """Put what ``/readyz`` would answer into the metrics."""
    shown, found = desk.gw.metrics, ""
    try:
        await _readiness(desk.gw)
        found = "gateway.draining" if desk.leaving else ""
    except GatewayError as error:
        found = error.code
    shown.ready.set(int(not found))
    shown.not_ready.clear()
    if found:
        shown.not_ready.labels(found).set(1)


async def start_page(call: Call[NoQuery, None]) -> web.Response:
    """What this is, for somebody who opens the address in a browser."""
    name = call.gw.config.gateway.name
    title = Bilingual(f"Trục liên thông văn bản: {name}", f"Document interchange gateway: {name}")
    return render.page(title, _SENTENCES, _LINKS)


async def _store_answers(gw: Services) -> None:
    try:
        async with asyncio.timeout(READ_SECONDS):
            await gw.refresh(tell=False)
    except TimeoutError as error:
        raise Busy(_NO_STORE, code="ready.store", retry_after=10) from error


_SENTENCES = (
    Bilingual(
        "Phần mềm quản lý văn bản của các cơ quan gửi và nhận văn bản điện tử (edXML) qua địa chỉ này.",
        "The document software of agencies sends and receives electronic documents (edXML) at this address.",
    ),
    Bilingual(
        "Người dùng không cần làm gì ở trang này. Quản trị viên cấp khóa API cho từng hệ thống.",
        "There is nothing to do on this page. An administrator gives each system its API key.",
    ),
)
_LINKS = (
    ("/api/v1/openapi.json", Bilingual("Mô tả API (OpenAPI 3.1)", "API description")),
    ("/healthz", Bilingual("Tiến trình đang chạy", "the process answers")),
    ("/readyz", Bilingual("Sẵn sàng nhận văn bản", "ready to take documents")),
)
_NO_STORE = Bilingual("Cơ sở dữ liệu không trả lời.", "The database does not answer.")
_NO_KEY = Bilingual("Không có khóa ký phiếu xác nhận.", "There is no key to sign receipts with.")
_NO_DISK = Bilingual("Ổ đĩa của trục sắp đầy.", "The disk of the gateway is nearly full.")

ENDPOINTS = (
    Endpoint(
        "GET",
        "/healthz",
        "health",
        Bilingual("Tiến trình còn chạy không", "Does the process answer"),
        health,
        HealthAnswer,
        roles=NOBODY,
    ),
    Endpoint(
        "GET",
        "/readyz",
        "ready",
        Bilingual("Trục có sẵn sàng nhận văn bản không", "Can the gateway take documents"),
        ready,
        ReadyAnswer,
        roles=NOBODY,
        errors=(Busy,),
    ),
    Endpoint(
        "GET",
        "/metrics",
        "metrics",
        Bilingual("Số liệu vận hành (Prometheus)", "Operating figures (Prometheus)"),
        metrics,
        Bytes("text/plain", "Prometheus text format; from this machine or with a watcher's key."),
        roles=NOBODY,
        errors=(NotAuthenticated, NotPermitted),
    ),
    Endpoint(
        "GET",
        "/",
        "startPage",
        Bilingual("Trang giới thiệu", "The page at the root"),
        start_page,
        Bytes("text/html", "A short page in Vietnamese and English."),
        roles=NOBODY,
    ),
)
