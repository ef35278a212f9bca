"""Who exists, and who this gateway is: ``/api/v1/agencies``, ``/api/v1/gateway``.

In charge of: the endpoints and searching by name. The directory itself is ``gateway/directory``.
"""

from __future__ import annotations

import unicodedata
from datetime import date

from cryptography.hazmat.primitives.serialization import Encoding

from gateway import __version__
from gateway.clock import local_day, to_rfc3339
from gateway.model.agency import Agency
from gateway.model.text import Bilingual
from gateway.services import Services
from gateway.web.endpoint import Call, Endpoint
from gateway.web.models import NoQuery
from gateway.web.models_service import AgenciesQuery, AgencyLine, AgencyList, GatewayAnswer, LimitsBody


async def list_agencies(call: Call[AgenciesQuery, None]) -> AgencyList:
    """Agencies in force on a day, by code; test codes only when asked for."""
    query, directory = call.query, call.gw.directory
    day = query.on or local_day(call.gw.clock.now())
    wanted = _folded(query.q)
    meant = directory.resolve(query.q) if query.q else None
    found = [
        agency
        for agency in directory.all(day)
        if agency.code > query.cursor
        and (query.test or not agency.test)
        and (agency.code == meant or _matches(agency, wanted))
    ]
    page = found[: query.limit]
    return AgencyList(
        on=day,
        agencies=[_line(call.gw, agency, day) for agency in page],
        cursor=page[-1].code if len(found) > len(page) else "",
    )


async def show_gateway(call: Call[NoQuery, None]) -> GatewayAnswer:
    """Name, clock, limits, and the certificates that verify receipts."""
    gw = call.gw
    now, limits = gw.clock.now(), gw.config.limits
    certificates = [c.public_bytes(Encoding.PEM).decode() for c in gw.keyring.receipt_certificates]
    return GatewayAnswer.model_validate(
        {
            "name": gw.config.gateway.name,
            "version": __version__,
            "time": to_rfc3339(now),
            "clock": gw.clock.source,
            "rule_set": gw.trust.rule_set_at(now),
            "levels": list(gw.directory.levels(local_day(now))),
            "limits": LimitsBody(
                upload_bytes=limits.upload_bytes,
                attachment_bytes=limits.attachment_bytes,
                requests_per_second=limits.requests_per_second,
            ),
            "receipt_certificates": certificates,
        }
    )


def _matches(agency: Agency, wanted: str) -> bool:
    return wanted in _folded(agency.name) or agency.code.casefold().startswith(wanted)


def _folded(text: str) -> str:
    """For searching: no case, no accents, đ as d."""
    letters = unicodedata.normalize("NFD", text.strip().casefold().replace("đ", "d"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _line(gw: Services, agency: Agency, day: date) -> AgencyLine:
    return AgencyLine(
        code=agency.code,
        code_qcvn102=gw.directory.written_form(agency.code, "qcvn102", day),
        name=agency.name,
        level=gw.directory.level(agency.code, day),
        parent=agency.parent or "",
        test=agency.test,
        made_up=agency.made_up,
    )


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/v1/agencies",
        "listAgencies",
        Bilingual("Danh mục đơn vị, tìm theo tên hoặc mã", "Agencies, by name or code"),
        list_agencies,
        AgencyList,
        query=AgenciesQuery,
    ),
    Endpoint(
        "GET",
        "/api/v1/gateway",
        "showGateway",
        Bilingual(
            "Thông tin về trục và chứng thư của phiếu xác nhận", "This gateway, and its receipt certificates"
        ),
        show_gateway,
        GatewayAnswer,
    ),
)
