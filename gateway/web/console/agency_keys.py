"""Keys of the software that acts for an agency: given out, renewed with an overlap, withdrawn.

In charge of: the forms on an agency's page. A new key or secret is shown once, on the page that answers the
form, and is in no address and no session. Not in charge of: accounts and keys (``flow/office.py``,
``flow/partners.py``), accounts of people (``people.py``).
"""

from __future__ import annotations

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.clock import SECOND
from gateway.errors import BadRequest, NotFound
from gateway.flow import look_agency, office, partners
from gateway.flow.look_agency import System
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.store.people import Role
from gateway.web.console.page import RULE, Moved, Page, Visit
from gateway.web.console.serve import ROOT

DAY = 86_400 * SECOND
LONGEST_OVERLAP = 365  # days


async def add_system(visit: Visit) -> web.StreamResponse:
    """An account for software of the agency, with its first API key."""
    code, name = visit.agency(visit.part("agency")), visit.form.get("name")
    if not name:
        raise BadRequest(_NO_NAME, code="system.name_missing")
    made = await office.add_principal(visit.gw, visit.caller, name, Role.SYSTEM, [code])
    key = await office.issue_api_key(visit.gw, visit.caller, made.id)
    return _handed_out(visit, code, name, _API_KEY, key)


async def issue_key(visit: Visit) -> web.StreamResponse:
    """A further API key; the older ones run out after the overlap."""
    code, system = await _system(visit)
    until = _until(visit)
    key = await office.issue_api_key(visit.gw, visit.caller, system.principal.id, overlap_until=until)
    return _handed_out(visit, code, system.principal.name, _API_KEY, key, until=until)


async def add_certificate(visit: Visit) -> Moved:
    """Let a client certificate prove the software."""
    code, system = await _system(visit)
    try:
        certificate = x509.load_pem_x509_certificate(visit.form.get("pem").encode())
    except ValueError as error:
        raise BadRequest(_NO_PEM, code="certificate.malformed") from error
    der = certificate.public_bytes(Encoding.DER)
    digest = await office.add_certificate(visit.gw, visit.caller, system.principal.id, der)
    return Moved(_page(code), _added(digest))


async def add_partner(visit: Visit) -> web.StreamResponse:
    """A system id of a dialect, with its first secret."""
    code, form = visit.agency(visit.part("agency")), visit.form
    issued = await partners.add_system(
        visit.gw,
        visit.caller,
        form.get("system_id"),
        form.get("dialect"),
        form.get("system_id"),
        [code],
        form.get("password_secret"),
    )
    return _handed_out(visit, code, issued.system_id, _SECRET, issued.secret, issued.dialect)


async def renew_secret(visit: Visit) -> web.StreamResponse:
    """A further secret of a system id; the older ones run out after the overlap."""
    (code, system), form, until = await _system(visit), visit.form, _until(visit)
    named = (form.get("dialect"), form.get("system_id"))
    if named not in {(one.dialect, one.system_id) for one in system.partner}:
        raise NotFound(_NO_SYSTEM, code="system.unknown")
    issued = await partners.renew_secret(visit.gw, visit.caller, *named, overlap_until=until)
    return _handed_out(visit, code, issued.system_id, _SECRET, issued.secret, issued.dialect, until)


async def revoke(visit: Visit) -> Moved:
    """Withdraw one key of one of the agency's systems."""
    code, credential = visit.agency(visit.part("agency")), visit.form.get("credential")
    found = await look_agency.systems(visit.gw, visit.caller, code)
    known = {key.id for system in found.systems for key in system.credentials}
    known |= {key.id for system in found.systems for key in system.partner}
    if credential not in known:
        raise NotFound(_NO_KEY, code="credential.unknown")
    await office.revoke_credential(visit.gw, visit.caller, credential)
    return Moved(_page(code), _REVOKED)


async def _system(visit: Visit) -> tuple[AgencyCode, System]:
    """The agency of the address, and the one of its systems that is meant."""
    code, principal = visit.agency(visit.part("agency")), visit.part("principal")
    found = await look_agency.systems(visit.gw, visit.caller, code)
    system = next((one for one in found.systems if one.principal.id == principal), None)
    if system is None or system.principal.role is not Role.SYSTEM:
        raise NotFound(_NO_SYSTEM, code="principal.unknown")
    return code, system


def _until(visit: Visit) -> Instant | None:
    """When the older ones run out; ``None``: they do not."""
    text = visit.form.get("overlap")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 9) or int(text) > LONGEST_OVERLAP:
        raise BadRequest(_NO_DAYS, code="overlap.malformed")
    return Instant(visit.gw.clock.now() + int(text) * DAY)


def _handed_out(
    visit: Visit,
    code: AgencyCode,
    name: str,
    what: Bilingual,
    secret: str,
    dialect: str = "",
    until: Instant | None = None,
) -> web.StreamResponse:
    return visit.html(
        "agency_secret.html",
        title=what,
        code=code,
        name=name,
        secret=secret,
        dialect=dialect,
        until=until,
    )


def _page(code: AgencyCode) -> str:
    return f"{ROOT}/agencies/{code}"


def _added(digest: str) -> Bilingual:
    return Bilingual(
        f"Đã thêm chứng thư máy khách, SHA-256 {digest[:16]}….",
        f"The client certificate was added, SHA-256 {digest[:16]}….",
    )


_NO_NAME = Bilingual("Hãy ghi tên phần mềm.", "Name the software.")
_NO_PEM = Bilingual(
    "Không đọc được chứng thư. Hãy dán chứng thư dạng PEM (bắt đầu bằng -----BEGIN CERTIFICATE-----), không "
    "dán khóa bí mật.",
    "The certificate cannot be read. Paste it as PEM (-----BEGIN CERTIFICATE-----), never the private key.",
)
_NO_SYSTEM = Bilingual(
    "Đơn vị này không có phần mềm mang mã đó.", "No software of that id acts for this agency."
)
_NO_KEY = Bilingual("Đơn vị này không có khóa mang mã đó.", "This agency has no key of that id.")
_NO_DAYS = Bilingual(
    f"Thời gian chuyển tiếp là số ngày, nhiều nhất {LONGEST_OVERLAP}.",
    f"The overlap is a number of days, at most {LONGEST_OVERLAP}.",
)
_REVOKED = Bilingual("Đã thu hồi khóa.", "The key was revoked.")
_API_KEY = Bilingual("Khóa API mới", "New API key")
_SECRET = Bilingual("Khóa mới của mã hệ thống", "New secret of a system id")
_TITLE = Bilingual("Khóa của đơn vị", "Keys of an agency")

PAGES = (
    Page("POST", "/agencies/{agency}/systems", add_system, _TITLE, RULE, "agencies"),
    Page("POST", "/agencies/{agency}/systems/{principal}/key", issue_key, _TITLE, RULE, "agencies"),
    Page(
        "POST",
        "/agencies/{agency}/systems/{principal}/certificate",
        add_certificate,
        _TITLE,
        RULE,
        "agencies",
    ),
    Page("POST", "/agencies/{agency}/systems/{principal}/renew", renew_secret, _TITLE, RULE, "agencies"),
    Page("POST", "/agencies/{agency}/partner", add_partner, _TITLE, RULE, "agencies"),
    Page("POST", "/agencies/{agency}/revoke", revoke, _TITLE, RULE, "agencies"),
)
