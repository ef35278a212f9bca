"""Was the signer competent? Asked of the agency's dated list of authorised signers. Pure.

In charge of: the list, what it says of the signer of one document, and the finding that follows. Nothing here
refuses: whether a delegation held is for people to say. Not in charge of: the signatures themselves
(``signature/``), keeping the list (``store/authority.py``).

The persons who count are those whose certificates the signer register names; the prefix is read from the
header (``SignerInfo/Competence``, else ``Position``), each day is the day of signing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from gateway.checks.subject import warning
from gateway.checks.wording import clean, fold
from gateway.model.authority import ANY, NONE, PREFIXES, Authority, SignerAuthority
from gateway.model.envelope import Envelope
from gateway.model.finding import Finding
from gateway.model.text import AgencyCode

NOT_LISTED = "competence.not_listed"
PREFIX = "competence.prefix"
# "TM. ỦY BAN NHÂN DÂN", "KT.CHỦ TỊCH", "TM. UBND KT. CHỦ TỊCH": at a word's beginning, with its point.
_PREFIX = re.compile(rf"(?<![^\W_])({'|'.join(sorted(PREFIXES, key=len, reverse=True))})\s*\.")
_BARE = re.compile(rf"\s*({'|'.join(sorted(PREFIXES, key=len, reverse=True))})(?![^\W_])")


@dataclass(frozen=True, slots=True)
class Signatory:
    """A person of the signer register who signed, under the title that stands there."""

    certificate_sha256: str  # hex
    agency: str
    title: str
    on: date  # day of signing


class AuthorityList:
    """The rows of all agencies, by agency."""

    def __init__(self, rows: Iterable[Authority] = ()) -> None:
        self._rows: dict[AgencyCode, list[Authority]] = {}
        for row in rows:
            self._rows.setdefault(row.agency, []).append(row)

    def of(self, agencies: Collection[AgencyCode], on: date) -> list[Authority]:
        """The rows of the agencies that hold on a day."""
        return [row for code in agencies for row in self._rows.get(code, ()) if row.period.holds_on(on)]


def ask(
    rows: AuthorityList,
    agencies: Collection[AgencyCode],
    signatories: Collection[Signatory],
    prefixes: frozenset[str],
    type_name: str,
    today: date,
) -> SignerAuthority:
    """Whether one of the signatories may sign, with these prefixes, this kind of document of ``agencies``
    (the sender, and whose certificates serve it). ``today`` is the day for which there must be a list when
    nobody of the register signed."""
    days = {one.on for one in signatories} or {today}
    if not any(rows.of(agencies, day) for day in days):
        return SignerAuthority.NO_LIST
    if not signatories:
        return SignerAuthority.UNREGISTERED
    named = [
        row
        for one in signatories
        for row in rows.of(agencies, one.on)
        if _names(row, one) and _covers(row, type_name)
    ]
    if not named:
        return SignerAuthority.NOT_LISTED
    allowed = any(_allows(row, prefixes) for row in named)
    return SignerAuthority.LISTED if allowed else SignerAuthority.PREFIX_NOT_ALLOWED


def prefixes_of(envelope: Envelope) -> frozenset[str]:
    """Every prefix that the header signs with; none: in his own right."""
    signer = envelope.signer
    return _prefixes(signer.competence) or _prefixes(signer.position)


def finding_of(standing: SignerAuthority, prefixes: frozenset[str]) -> Finding | None:
    """What the recipient's clerk and the sender are told."""
    if standing is SignerAuthority.NOT_LISTED:
        return warning(
            NOT_LISTED,
            "SignerInfo",
            "Người ký số không có trong danh sách người có thẩm quyền ký của cơ quan gửi vào ngày ký, hoặc "
            "không được ký loại văn bản này. Hãy kiểm tra lại thẩm quyền ký, hoặc cập nhật danh sách.",
            "The person who signed is not on the sender's list of authorised signers for the day of signing, "
            "or not for this kind of document. Check the competence to sign, or bring the list up to date.",
            "NĐ 30/2020 Đ13",
        )
    if standing is SignerAuthority.PREFIX_NOT_ALLOWED:
        return warning(
            PREFIX,
            "SignerInfo/Competence",
            f"Người ký có trong danh sách người có thẩm quyền ký, nhưng không được ký {_with(prefixes)[0]}. "
            "Hãy kiểm tra lại thể thức đề ký, hoặc cập nhật danh sách.",
            f"The person who signed is on the list of authorised signers, but not for signing "
            f"{_with(prefixes)[1]}. Check the signing authority as written, or bring the list up to date.",
            "NĐ 30/2020 PL I",
        )
    return None


def _with(prefixes: frozenset[str]) -> tuple[str, str]:
    if not prefixes:
        return "trực tiếp (không ghi TM., Q., KT., TL. hoặc TUQ.)", "in his own right (without a prefix)"
    shown = ", ".join(f"{prefix}." for prefix in PREFIXES if prefix in prefixes)
    return f"với quyền hạn “{shown}”", f"with “{shown}”"


def _prefixes(text: str) -> frozenset[str]:
    upper = text.upper()
    first = _BARE.match(upper)
    return frozenset(_PREFIX.findall(upper)) | ({first[1]} if first else frozenset())


def _names(row: Authority, one: Signatory) -> bool:
    """By the certificate, or by the title under which the register has one for that very agency."""
    if row.certificate_sha256:
        return row.certificate_sha256 == one.certificate_sha256
    return row.agency == one.agency and clean(row.title) == clean(one.title)


def _covers(row: Authority, type_name: str) -> bool:
    return not row.types or _kind(type_name) in {_kind(name) for name in row.types}


def _kind(name: str) -> str:
    return fold(clean(name).partition("(")[0].strip())


def _allows(row: Authority, prefixes: frozenset[str]) -> bool:
    if ANY in row.prefixes:
        return True
    return prefixes <= set(row.prefixes) if prefixes else NONE in row.prefixes
