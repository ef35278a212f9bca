"""Who calls: an API key or a client certificate, and what its role may do.

In charge of: taking the credential out of the request. Not in charge of: knowing whose it is (``flow/door``).
A key that is shown must be right: there is no falling back to the certificate.
"""

from __future__ import annotations

import ipaddress

from aiohttp import web

from gateway.flow.door import Caller, authenticate
from gateway.intake import source_of
from gateway.services import Services
from gateway.store.people import Role
from gateway.web.endpoint import DESK

WATCHERS = (Role.AUDITOR, Role.OPERATOR, Role.ADMINISTRATOR)
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP")


def admitted(request: web.Request, roles: frozenset[Role]) -> Caller:
    """The caller, if it proved who it is, is within its rate, and its role is one of ``roles``."""
    desk = request.app[DESK]
    caller = caller_of(desk.gw, request)
    desk.admission.take_token(desk.gw, caller.principal)
    caller.require(*roles)
    return caller


def caller_of(gw: Services, request: web.Request) -> Caller:
    """Who shows this key or certificate; ``NotAuthenticated`` if nobody we know."""
    key = _api_key(request)
    source = source_of(request, gw.config.server.proxies)
    if key:
        return authenticate(gw, key if key.isascii() else "?", source=source)
    return authenticate(gw, certificate=_certificate(request), source=source)


def is_local(request: web.Request) -> bool:
    """True for a caller on this machine; not for one that a proxy here brought in."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False


def _api_key(request: web.Request) -> str:
    if key := request.headers.get("X-API-Key"):
        return key.strip()
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _certificate(request: web.Request) -> bytes:
    """The client's certificate (DER) as TLS verified it, or nothing."""
    tls = request.transport.get_extra_info("ssl_object") if request.transport else None
    return (tls.getpeercert(binary_form=True) if tls else None) or b""
