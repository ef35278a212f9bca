"""From verdicts to findings: what the gate makes of an envelope's signature. Pure.

In charge of: the table below and its sentences. Not in charge of: verifying (``verify``), the policy itself
(each agency's profile), PDF signatures (``where`` other than ``envelope`` is passed over).

By default the gate refuses only what is forged, tampered with, or signed with a certificate revoked before
signing (contracts: decision at the gate); the rest travels as a warning to the recipient's clerk. An agency
whose policy is ``required`` asked for more: anything but a valid signature by its own certificate refuses.

    what was found                                   rule                       if_present  required
    no signature, an empty or a misplaced element    signature.required         –           refuse
      (the element, when there is one)               signature.not_a_signature  info        –
    content changed, key does not fit                signature.tampered         refuse      refuse
    not of the form that is verified                 signature.malformed        refuse      refuse
    certificate revoked before signing               signature.revoked          refuse      refuse
    certificate of another agency                    signature.wrong_agency     refuse      refuse
    expired, not yet valid                           signature.expired, …       warning     refuse
    weak algorithm or key                            signature.weak             warning     refuse
    certificate not meant for signing                signature.wrong_usage      warning     refuse
    unknown issuer, no revocation answer, too large  signature.indeterminate    warning     refuse
    valid, certificate not in the register           signature.not_registered   warning     refuse
    valid, but the sender is not in the directory    signature.sender_unknown   warning     refuse
    valid, of an agency that the sender succeeded    signature.predecessor      info        info
    valid, by the sender                             nothing                    –           –

With ``off`` the rows that warn only inform. The four rows that refuse by default refuse under every policy.
A certificate of a predecessor serves by a decision with a last day; after it, it is another agency's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from gateway.model.envelope import SignatureForm
from gateway.model.finding import Finding, Severity
from gateway.model.text import AgencyCode, Bilingual
from gateway.model.verdict import Indication, Verdict

REQUIRED = "required"
IF_PRESENT = "if_present"
OFF = "off"
POLICIES = (REQUIRED, IF_PRESENT, OFF)

PREDECESSOR = "signature.predecessor"
Serves = Callable[[AgencyCode], date | None]  # until when an agency's certificates serve the sender

_WHERE = "Signature"
_CLAUSE = "NĐ 68/2024 Đ30"  # verification of a public-duty signature; Đ31, Đ32: certificate and chain
_TAMPERED = frozenset({"HASH_FAILURE", "SIG_CRYPTO_FAILURE"})
_MALFORMED = frozenset({"FORMAT_FAILURE", "NO_SIGNING_CERTIFICATE_FOUND"})
_REFUSED_BY_DEFAULT = frozenset(
    {"signature.tampered", "signature.malformed", "signature.revoked", "signature.wrong_agency"}
)
_RULE_OF = {
    "REVOKED": "signature.revoked",
    "EXPIRED": "signature.expired",
    "NOT_YET_VALID": "signature.not_yet_valid",
    "CRYPTO_CONSTRAINTS_FAILURE": "signature.weak",
    "CHAIN_CONSTRAINTS_FAILURE": "signature.wrong_usage",
}


def nobody_else(agency: AgencyCode) -> date | None:
    """The sender succeeded nobody."""
    return None


def judge(
    verdicts: Sequence[Verdict],
    form: SignatureForm,
    policy: str,
    sender: AgencyCode | None,
    serves: Serves = nobody_else,
) -> list[Finding]:
    """Findings on the envelope's signature under ``policy`` (one of ``POLICIES``; ``ValueError`` otherwise).

    ``form`` is what the reader saw where a signature could stand; ``sender`` is the canonical code of the
    sending agency, ``None`` when the directory does not know it; ``serves`` knows its predecessors.
    """
    if policy not in POLICIES:
        raise ValueError(f"unknown signature policy: {policy}")
    found = [verdict for verdict in verdicts if verdict.where == "envelope"]
    if not found and form is not SignatureForm.XMLDSIG:
        return _judge_absence(form, policy)
    if not found:
        return [_finding("signature.indeterminate", policy, _not_verified())]
    return [finding for verdict in found for finding in _judge_one(verdict, policy, sender, serves)]


def _judge_absence(form: SignatureForm, policy: str) -> list[Finding]:
    if policy == REQUIRED:
        return [_finding("signature.required", policy, _required(form))]
    if form is SignatureForm.NONE:
        return []
    return [Finding("signature.not_a_signature", Severity.INFO, _WHERE, _not_a_signature(form))]


def _judge_one(verdict: Verdict, policy: str, sender: AgencyCode | None, serves: Serves) -> list[Finding]:
    until = serves(AgencyCode(verdict.agency)) if verdict.agency != sender else None
    rule = _rule(verdict, sender, until)
    if until is not None and rule == PREDECESSOR:
        return [Finding(rule, Severity.INFO, _WHERE, of_predecessor(verdict.agency, sender, until), _CLAUSE)]
    if not rule:
        return []
    text = {
        "signature.wrong_agency": _wrong_agency(verdict.agency, sender),
        "signature.not_registered": _not_registered(verdict),
        "signature.sender_unknown": _sender_unknown(verdict.agency),
    }.get(rule, verdict.reason)
    return [_finding(rule, policy, text)]


def _rule(verdict: Verdict, sender: AgencyCode | None, serves_until: date | None) -> str:
    """The one rule that weighs most; ``""`` for a valid signature by the sender."""
    if verdict.sub_indication in _TAMPERED:
        return "signature.tampered"
    if verdict.sub_indication in _MALFORMED:
        return "signature.malformed"
    if verdict.sub_indication == "REVOKED":
        return "signature.revoked"
    others = bool(verdict.agency) and sender is not None and verdict.agency != sender
    if others and serves_until is None:
        return "signature.wrong_agency"
    if verdict.indication is not Indication.PASSED:
        return _RULE_OF.get(verdict.sub_indication, "signature.indeterminate")
    if verdict.agency and sender is None:
        return "signature.sender_unknown"
    if others:
        return PREDECESSOR
    return "" if verdict.agency else "signature.not_registered"


def _finding(rule: str, policy: str, text: Bilingual) -> Finding:
    if policy == REQUIRED or rule in _REFUSED_BY_DEFAULT:
        severity = Severity.REFUSE
    else:
        severity = Severity.INFO if policy == OFF else Severity.WARNING
    return Finding(rule, severity, _WHERE, text, _CLAUSE)


def _required(form: SignatureForm) -> Bilingual:
    seen = _not_a_signature(form) if form is not SignatureForm.NONE else None
    return Bilingual(
        f"Đơn vị gửi yêu cầu gói tin phải được ký số, nhưng gói tin không có chữ ký số XML. "
        f"{seen.vi + ' ' if seen else ''}Hãy ký số gói tin bằng chứng thư số của đơn vị rồi gửi lại.",
        f"The sender's profile requires a signed message, but there is no XML signature. "
        f"{seen.en + ' ' if seen else ''}Sign the message with the agency's certificate and send it again.",
    )


def _not_a_signature(form: SignatureForm) -> Bilingual:
    if form is SignatureForm.EMPTY:
        return Bilingual(
            "Phần tử DigitalSignature để trống nên không được coi là chữ ký số.",
            "The element DigitalSignature is empty and does not count as a signature.",
        )
    return Bilingual(
        "Phần tử Signature nằm trong không gian tên của edXML, không phải của chuẩn chữ ký số XML "
        "(http://www.w3.org/2000/09/xmldsig#), nên không được coi là chữ ký số.",
        "The element Signature stands in the edXML namespace instead of that of XML signatures "
        "(http://www.w3.org/2000/09/xmldsig#) and does not count as a signature.",
    )


def _wrong_agency(agency: str, sender: AgencyCode | None) -> Bilingual:
    return Bilingual(
        f"Gói tin được ký bằng chứng thư số đã đăng ký cho đơn vị {agency}, không phải của Cơ quan "
        f"gửi {sender}. "
        "Hãy ký bằng chứng thư số của đơn vị gửi, hoặc báo quản trị trục nếu danh sách người ký bị sai.",
        f"The message is signed with a certificate registered to {agency}, not to the sender "
        f"{sender}. Sign with "
        "the sender's certificate, or tell the gateway's administrator if the signer register is wrong.",
    )


def of_predecessor(agency: str, sender: AgencyCode | None, until: date) -> Bilingual:
    """How a signature with a certificate of the sender's predecessor is told, of messages as of files."""
    return Bilingual(
        f"Chữ ký số dùng chứng thư số của {agency}, đơn vị mà {sender} kế thừa. Theo quyết định đã ghi trong "
        f"danh mục, chứng thư số này còn được dùng đến hết ngày {until:%d/%m/%Y}. Hãy đăng ký chứng thư số "
        "mới trước ngày đó.",
        f"The signature was made with a certificate of {agency}, which {sender} succeeded. By a decision in "
        f"the directory it may be used until {until.isoformat()}. Register a new certificate before that.",
    )


def _not_registered(verdict: Verdict) -> Bilingual:
    return Bilingual(
        f"Chữ ký số hợp lệ, nhưng chứng thư số ({verdict.signer}) chưa có trong danh sách người ký, "
        "nên trục không tự "
        "xác định được thuộc đơn vị nào. Hãy đăng ký chứng thư số này với quản trị trục.",
        f"The signature is valid, but the certificate ({verdict.signer}) is not in the signer "
        "register, so whose "
        "it is was not machine-checkable. Register it with the gateway's administrator.",
    )


def _sender_unknown(agency: str) -> Bilingual:
    return Bilingual(
        f"Chữ ký số hợp lệ, của đơn vị {agency}, nhưng Cơ quan gửi không có trong danh mục nên không "
        "đối chiếu "
        "được. Hãy kiểm tra Mã định danh cơ quan của Cơ quan gửi.",
        f"The signature is valid and belongs to {agency}, but the sender is not in the directory, so "
        "they could "
        "not be compared. Check the sender's agency code.",
    )


def _not_verified() -> Bilingual:
    return Bilingual(
        "Gói tin có chữ ký số XML nhưng trục chưa kiểm tra chữ ký này.",
        "The message carries an XML signature that was not verified.",
    )
