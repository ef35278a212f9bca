"""Sentences about certificates and paths, Vietnamese first.

In charge of: wording only. Not in charge of: deciding which sentence applies (``trust``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cryptography import x509

from gateway.clock import from_datetime, local
from gateway.model.text import Bilingual, Instant
from gateway.signature import revocation_texts
from gateway.signature.certificates import (
    CA_CURVES,
    is_strong_hash,
    is_strong_key,
    issuers_hash_text,
    key_text,
    visible,
)
from gateway.signature.revocation import RevocationAnswer, Standing


def holder(certificate: x509.Certificate) -> str:
    """The common name, else the whole subject: how a clerk knows the certificate."""
    return _name(certificate.subject)


def clock_text(instant: Instant) -> str:
    """``17/04/2020 14:30``, Vietnamese time."""
    return local(instant).strftime("%d/%m/%Y %H:%M")


def passed(answers: Sequence[RevocationAnswer]) -> Bilingual:
    later = next((a for a in answers if a.revoked_at is not None), None)
    if later is not None:
        return _revoked_later(later)
    dated = [a for a in answers if a.this_update is not None]
    if not dated:
        return Bilingual(
            "Chứng thư số hợp lệ tại thời điểm ký.", "The certificate was valid at signing time."
        )
    oldest = min(dated, key=lambda a: a.this_update or 0)
    when, (vi, en) = clock_text(oldest.this_update or Instant(0)), revocation_texts.KINDS[oldest.kind]
    return Bilingual(
        f"Chứng thư số hợp lệ tại thời điểm ký, chưa bị thu hồi theo {vi} ngày {when}.",
        f"The certificate was valid at signing time and not revoked according to the {en} of {when}.",
    )


def _revoked_later(answer: RevocationAnswer) -> Bilingual:
    when = clock_text(answer.revoked_at or Instant(0))
    vi, en = revocation_texts.reason_words(answer.reason)
    return Bilingual(
        f"Chứng thư số hợp lệ tại thời điểm ký; sau đó đã bị thu hồi từ {when}{vi}.",
        f"The certificate was valid at signing time; it was revoked later, on {when}{en}.",
    )


def not_published(anchor: str) -> Bilingual:
    return Bilingual(
        "Chứng thư số hợp lệ tại thời điểm ký; tình trạng thu hồi không kiểm tra được vì tổ chức cấp "
        "chứng thư "
        f"({anchor}) không công bố danh sách thu hồi.",
        f"The certificate was valid at signing time; revocation was not checked, because its CA ({anchor}) "
        "publishes no CRL.",
    )


def revoked(certificate: x509.Certificate, answer: RevocationAnswer) -> Bilingual:
    when = clock_text(answer.revoked_at or Instant(0))
    name, (vi, en) = holder(certificate), revocation_texts.reason_words(answer.reason)
    return Bilingual(
        f"Chứng thư số của {name} đã bị thu hồi từ {when}{vi}, trước thời điểm ký. Hãy ký lại bằng chứng thư "
        "số còn hiệu lực.",
        f"The certificate of {name} was revoked on {when}{en}, before signing. Sign again with a valid "
        "certificate.",
    )


def no_answer(answer: RevocationAnswer, certificate: x509.Certificate) -> Bilingual:
    """Why it is not known whether ``certificate`` was revoked, and who does what next."""
    name, when = holder(certificate), clock_text(answer.next_update or Instant(0))
    if answer.is_hold:
        return revocation_texts.on_hold(name, clock_text(answer.revoked_at or Instant(0)))
    if answer.standing is Standing.STALE:
        return revocation_texts.stale(answer, when)
    if answer.standing is Standing.UNREACHABLE:
        return revocation_texts.unreachable(answer)
    if answer.this_update is not None:
        return revocation_texts.source_does_not_know(answer, name)
    return revocation_texts.being_asked(answer) if answer.source else revocation_texts.no_source(name)


def weak(certificate: x509.Certificate) -> Bilingual:
    """Of its key, or of the hash with which its issuer signed it."""
    weak_key = not is_strong_key(certificate, CA_CURVES) or is_strong_hash(certificate)
    return _weak_key(certificate) if weak_key else _weak_hash(certificate)


def _weak_key(certificate: x509.Certificate) -> Bilingual:
    name, key = holder(certificate), key_text(certificate)
    return Bilingual(
        f"Chứng thư số của {name} dùng khóa không đạt yêu cầu ({key}). Cần RSA từ 2048 bit hoặc ECDSA "
        "P-256/P-384; hãy đề nghị đơn vị gửi xin cấp chứng thư số mới rồi ký lại.",
        f"The certificate of {name} has a key that does not count ({key}). RSA of 2048 bits or more, or "
        "ECDSA P-256/P-384, is needed; ask the sender to get a new certificate and sign again.",
    )


def _weak_hash(certificate: x509.Certificate) -> Bilingual:
    name, weak = holder(certificate), issuers_hash_text(certificate)
    return Bilingual(
        f"Chứng thư số của {name} được cơ quan cấp ký bằng thuật toán {weak}, không còn an toàn. Cần SHA-256 "
        "trở lên; hãy đề nghị đơn vị gửi xin cấp chứng thư số mới rồi ký lại.",
        f"The certificate of {name} was signed by its issuer with {weak}, which is no longer safe. SHA-256 "
        "or better is needed; ask the sender to get a new certificate and sign again.",
    )


def wrong_usage(certificate: x509.Certificate) -> Bilingual:
    name = holder(certificate)
    return Bilingual(
        f"Chứng thư số của {name} không được cấp để ký số. Hãy ký bằng chứng thư số dùng cho chữ ký số.",
        f"The certificate of {name} was not issued for signing. Sign with a certificate meant for "
        "signatures.",
    )


def unreadable_extensions(certificate: x509.Certificate) -> Bilingual:
    name = holder(certificate)
    return Bilingual(
        f"Chứng thư số của {name} có phần mở rộng không đọc được. Hãy ký bằng chứng thư số khác.",
        f"The certificate of {name} has extensions that cannot be read. Sign with another certificate.",
    )


def expired(certificate: x509.Certificate, at: Instant) -> Bilingual:
    end = clock_text(from_datetime(certificate.not_valid_after_utc))
    name, when = holder(certificate), clock_text(at)
    return Bilingual(
        f"Chứng thư số của {name} đã hết hạn từ {end}, trước thời điểm ký {when}. Hãy ký lại bằng "
        "chứng thư số "
        "còn hiệu lực.",
        f"The certificate of {name} expired on {end}, before signing on {when}. Sign again with a valid one.",
    )


def not_yet_valid(certificate: x509.Certificate, at: Instant) -> Bilingual:
    start = clock_text(from_datetime(certificate.not_valid_before_utc))
    name, when = holder(certificate), clock_text(at)
    return Bilingual(
        f"Chứng thư số của {name} chỉ có hiệu lực từ {start}, sau thời điểm ký {when}. Hãy kiểm tra "
        "đồng hồ máy "
        "ký, hoặc ký lại sau ngày đó.",
        f"The certificate of {name} is valid only from {start}, after signing on {when}. Check the clock of "
        "the signing machine, or sign again after that day.",
    )


def issuer_outside_validity(certificate: x509.Certificate, at: Instant) -> Bilingual:
    name, when = _name(certificate.issuer), clock_text(at)
    return Bilingual(
        f"Chưa đủ căn cứ kết luận: chứng thư số của tổ chức cấp ({name}) không có hiệu lực tại thời "
        f"điểm ký {when}.",
        f"Not enough to conclude: a certificate of the issuing CA ({name}) was not valid on {when}.",
    )


def anchor_out_of_period() -> Bilingual:
    return Bilingual(
        "Chưa đủ căn cứ kết luận: tổ chức chứng thực gốc không nằm trong thời gian được tin cậy tại "
        "thời điểm ký.",
        "Not enough to conclude: the root CA was not trusted on the day of signing.",
    )


def unknown_issuer(certificate: x509.Certificate) -> Bilingual:
    name = _name(certificate.issuer)
    return Bilingual(
        f"Chưa đủ căn cứ kết luận: tổ chức cấp chứng thư ({name}) không nằm trong thư mục tin cậy của trục.",
        f"Not enough to conclude: the issuing CA ({name}) is not in the gateway's trust folder.",
    )


def broken_chain(certificate: x509.Certificate) -> Bilingual:
    name = _name(certificate.issuer)
    return Bilingual(
        f"Chưa đủ căn cứ kết luận: không nối được chứng thư số tới tổ chức chứng thực gốc qua {name}.",
        f"Not enough to conclude: no valid path leads through {name} to a trusted root CA.",
    )


def folder_missing(folder: Path) -> Bilingual:
    return Bilingual(
        f"Không có thư mục tin cậy {folder}. Hãy tạo thư mục và chép chứng thư số của tổ chức chứng "
        "thực vào.",
        f"There is no trust folder {folder}. Create it and copy the certificates of the CAs into it.",
    )


def unreadable(path: Path, problem: str) -> Bilingual:
    return Bilingual(
        f"Không đọc được {path} ({problem}). Hãy sửa hoặc bỏ tệp này khỏi thư mục tin cậy.",
        f"{path} cannot be read ({problem}). Correct it, or take it out of the trust folder.",
    )


def crl_left_out(file: str, problem: str) -> Bilingual:
    return Bilingual(
        f"Không dùng danh sách thu hồi {file}: {problem}.", f"The CRL {file} is left out: {problem}."
    )


def _name(name: x509.Name) -> str:
    common = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return visible(str(common[0].value) if common else name.rfc4514_string())
