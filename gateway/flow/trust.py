"""Whom the gateway trusts, and how it stands with revocation: for people who keep it in order.

In charge of: the lists behind ``gateway trust`` and ``doctor``, and having every source asked now. Not in
charge of: asking (``delivery/revocation.py``), judging (``signature``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cryptography import x509

from gateway.clock import SECOND, from_datetime
from gateway.flow.door import Caller
from gateway.flow.look import SEES_ALL
from gateway.model.text import Bilingual, Instant
from gateway.services import Services
from gateway.signature.certificates import fingerprint, subject_text
from gateway.signature.revocation_crl import Crl
from gateway.signature.revocation_texts import problem_words
from gateway.signature.trust import Anchor
from gateway.signature.trust_texts import clock_text
from gateway.store import revocation
from gateway.store.people import Role
from gateway.store.revocation import Source

DAY = 86_400 * SECOND
# A source is kept fresh for so long after a verdict last needed it. A CRL serves a whole CA, an OCSP answer
# one certificate.
KEPT_FRESH = {"crl": 30 * DAY, "ocsp": 7 * DAY}


async def list_trust(gw: Services, caller: Caller) -> Any:
    """Anchors, intermediates and CRLs of the trust folder, and every revocation source with its last answer.

    Instants are UTC microseconds; ``standing`` is ``fresh``, ``stale`` or ``none`` (no answer yet).
    """
    caller.require(*SEES_ALL)
    now, trust = gw.clock.now(), gw.trust_store
    sources = await gw.store.read(revocation.all_sources)
    return {
        "anchors": [_anchor(anchor) for anchor in trust.anchors],
        "intermediates": [_certificate(one) for one in trust.intermediates],
        "crls": [_crl(crl, now) for crl in trust.crls],
        "sources": [source_facts(source, now) for source in sources],
        "problems": [problem.as_json() for problem in trust.problems],
        "fetches": gw.config.trust.fetch,
        "now": now,
    }


async def refresh_trust(gw: Services, caller: Caller) -> Any:
    """Have every source in use asked now; ``trust.list`` shows what came of it."""
    caller.require(Role.OPERATOR, Role.ADMINISTRATOR)
    now = gw.clock.now()
    await gw.store.write(lambda tx: revocation.ask_all(tx, now))
    gw.revocation.ring()
    return {"asked_at": now}


def source_concerns(sources: Iterable[Source], now: Instant) -> list[Bilingual]:
    """A sentence with the next step for each address in use that fails or whose answer is out of date."""
    worst: dict[str, Source] = {}
    for source in sources:
        is_bad = source.problem or standing_of(source.next_update, now) == "stale"
        if is_in_use(source, now) and is_bad:
            worst.setdefault(source.url, source)
    return [_source_concern(source) for source in worst.values()]


def crl_concern(crl: Crl, now: Instant) -> Bilingual | None:
    """What is to be done about a CRL of the trust folder that is out of date; ``None`` while it is not."""
    if now <= crl.next_update:
        return None
    when = clock_text(crl.next_update)
    return Bilingual(
        f"Danh sách thu hồi {crl.name} trong thư mục tin cậy đã quá hạn từ {when}. Hãy chép bản mới vào; "
        "trục tự nhận, không cần khởi động lại.",
        f"The CRL {crl.name} in the trust folder is out of date since {when}. Copy a new one there; no "
        "restart is needed.",
    )


def _source_concern(source: Source) -> Bilingual:
    words = problem_words(source.problem or "stale")
    vi, en = f"Máy chủ thu hồi {source.url} {words.vi}", f"The revocation source {source.url} {words.en}"
    if source.problem == "forbidden":
        return Bilingual(
            f"{vi}. Nếu địa chỉ này đúng, hãy thêm dải mạng vào net.allow_private.",
            f"{en}. If the address is right, add its network to net.allow_private.",
        )
    return Bilingual(
        f"{vi} (đã thử {source.failures} lần). Chữ ký liên quan là “chưa đủ căn cứ kết luận”, văn bản vẫn "
        "được chuyển. Hãy kiểm tra đường mạng hoặc chép danh sách thu hồi vào thư mục tin cậy, rồi chạy: "
        "gateway trust refresh",
        f"{en} ({source.failures} tries). Signatures stay indeterminate, documents go on. Check the network, "
        "or copy the CRL into the trust folder, then run: gateway trust refresh",
    )


def is_in_use(source: Source, now: Instant) -> bool:
    """True while the source is kept fresh."""
    return source.wanted_at >= now - KEPT_FRESH[source.kind]


def standing_of(next_update: Instant | None, now: Instant) -> str:
    """``none``, ``stale`` or ``fresh``."""
    if next_update is None:
        return "none"
    return "stale" if now > next_update else "fresh"


def source_facts(source: Source, now: Instant) -> dict[str, Any]:
    """One source, as people see it."""
    return {
        "kind": source.kind,
        "url": source.url,
        "certificate_sha256": source.certificate,
        "standing": standing_of(source.next_update, now),
        "in_use": is_in_use(source, now),
        "being_asked": source.is_being_asked,
        "this_update": source.this_update,
        "next_update": source.next_update,
        "age_seconds": None if source.this_update is None else (now - source.this_update) // SECOND,
        "fetched_at": source.fetched_at,
        "tried_at": source.tried_at,
        "due_at": source.due_at,
        "failures": source.failures,
        "problem": source.problem,
        "problem_text": problem_words(source.problem).as_json() if source.problem else None,
        "wanted_at": source.wanted_at,
    }


def _anchor(anchor: Anchor) -> dict[str, Any]:
    return {
        "file": anchor.file,
        **_certificate(anchor.certificate),
        "trusted_from": anchor.period.start,
        "trusted_to": anchor.period.end,
        "revocation": "published" if anchor.publishes_revocation else "not_published",
    }


def _certificate(certificate: x509.Certificate) -> dict[str, Any]:
    return {
        "subject": subject_text(certificate),
        "sha256": fingerprint(certificate),
        "not_before": from_datetime(certificate.not_valid_before_utc),
        "not_after": from_datetime(certificate.not_valid_after_utc),
    }


def _crl(crl: Crl, now: Instant) -> dict[str, Any]:
    return {
        "file": crl.name,
        "issuer": crl.body.issuer.rfc4514_string(),
        "standing": standing_of(crl.next_update, now),
        "this_update": crl.this_update,
        "next_update": crl.next_update,
        "entries": len(crl.revoked),
    }
