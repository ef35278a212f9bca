"""Certificates in use, by their end, with what to do about each.

In charge of: the list, whether a successor is there already, and the next step in words. Not in charge of:
noticing use (``signature/in_use.py``), the daily warning (``delivery/watch.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509

from gateway.clock import SECOND, from_datetime, local_day
from gateway.flow.door import Caller
from gateway.flow.look import SEES_ALL
from gateway.model.certificate import GATEWAY, ISSUER, UsedCertificate
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.services import Services
from gateway.signature.certificates import fingerprint, subject_text
from gateway.signature.in_use import used
from gateway.store import certificates

DAY = 86_400 * SECOND
IN_USE = 400 * DAY  # a seal that was not used for longer is in use no more
SHOWN_AFTER = 60 * DAY  # after its end
FOREVER = Instant(2**62)


@dataclass(frozen=True, slots=True)
class CertificateLine:
    """One line of the list. ``days_left`` is negative after the end; ``successor``: hex SHA-256 or empty."""

    sha256: str
    subject: str
    used_by: str
    name: str  # of the agency, or empty
    not_after: Instant
    days_left: int
    last_used: Instant
    warned_days: int | None
    successor: str
    next_step: Bilingual


async def list_certificates(gw: Services, caller: Caller, within: int | None = None) -> list[CertificateLine]:
    """Certificates in use that end within so many days (all of them without), first to end first."""
    caller.require(*SEES_ALL)
    now = gw.clock.now()
    until = FOREVER if within is None else Instant(now + within * DAY)
    rows = await gw.store.read(
        lambda tx: certificates.ending(tx, Instant(now - SHOWN_AFTER), until, Instant(now - IN_USE))
    )
    known = {row.sha256 for row in rows}
    rows += [one for one in trusted(gw, now) if one.sha256 not in known and one.not_after <= until]
    return [_line(gw, row, now) for row in sorted(rows, key=lambda row: row.not_after)]


def trusted(gw: Services, now: Instant) -> list[UsedCertificate]:
    """The certificates that the gateway itself relies on: of its receipts, and of the trust folder.

    Those that have ended are in use no more.
    """
    authorities = [*(anchor.certificate for anchor in gw.trust_store.anchors), *gw.trust_store.intermediates]
    found = [used(gw.keyring.receipt_certificate, GATEWAY, now)]
    found += [used(certificate, ISSUER, now) for certificate in authorities]
    return [one for one in found if one.not_after >= now]


def successor_of(gw: Services, one: UsedCertificate) -> str:
    """Hex SHA-256 of a certificate that takes over, or empty: roll-over with overlap."""
    if one.used_by == GATEWAY:
        return _later(one, gw.keyring.receipt_certificates)
    if one.used_by == ISSUER:
        anchors = (anchor.certificate for anchor in gw.trust_store.anchors)
        same = [c for c in (*anchors, *gw.trust_store.intermediates) if subject_text(c) == one.subject]
        return _later(one, tuple(same))
    rows = gw.signers.successors(one.sha256)
    return rows[0].certificate_sha256 if rows else ""


def next_step(one: UsedCertificate, successor: str) -> Bilingual:
    """What somebody has to do before the certificate ends."""
    if successor:
        return Bilingual(
            "Chứng thư số kế tiếp đã có. Hãy chuyển sang dùng chứng thư số mới trước ngày hết hạn.",
            "Its successor is there. Begin to use it before the old one ends.",
        )
    if one.used_by == GATEWAY:
        return Bilingual(
            "Hãy tạo khóa mới cho phiếu xác nhận của trục: gateway key rotate receipt",
            "Make a new key for receipts: gateway key rotate receipt",
        )
    if one.used_by == ISSUER:
        return Bilingual(
            "Hãy lấy chứng thư số mới của tổ chức chứng thực và đặt vào thư mục tin cậy, cạnh chứng thư cũ.",
            "Get the authority's new certificate and put it into the trust folder beside the old one.",
        )
    return Bilingual(
        "Hãy nhắc đơn vị đề nghị cấp chứng thư số mới, rồi đăng ký vào danh sách người ký trước ngày đó.",
        "Remind the agency to apply for a new certificate, and register it before the old one ends.",
    )


def days_left(one: UsedCertificate, now: Instant) -> int:
    """Whole Vietnamese days from today to the day of its end; negative when that is past."""
    return (local_day(one.not_after) - local_day(now)).days


def _later(one: UsedCertificate, candidates: tuple[x509.Certificate, ...]) -> str:
    later = [c for c in candidates if from_datetime(c.not_valid_after_utc) > one.not_after]
    return fingerprint(max(later, key=lambda c: c.not_valid_after_utc)) if later else ""


def _line(gw: Services, one: UsedCertificate, now: Instant) -> CertificateLine:
    successor = successor_of(gw, one)
    is_agency = one.used_by not in (GATEWAY, ISSUER, "")
    return CertificateLine(
        sha256=one.sha256,
        subject=one.subject,
        used_by=one.used_by,
        name=gw.directory.name(AgencyCode(one.used_by), local_day(now)) if is_agency else "",
        not_after=one.not_after,
        days_left=days_left(one, now),
        last_used=one.last_used,
        warned_days=one.warned_days,
        successor=successor,
        next_step=next_step(one, successor),
    )
