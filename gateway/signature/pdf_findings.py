"""What the verdicts on one attached file mean for its document: findings of the gate.

In charge of: the table below and its sentences. Not in charge of: the verdicts (``pdf_judge``), the
envelope's own signature (``judge``).

    what was found                                      rule                          severity
    content changed, forged signature                   signature.pdf_tampered        refuse
    changed after signing, trailing bytes, gaps         signature.pdf_changed         refuse
    certificate revoked before signing                  signature.pdf_revoked         refuse
    anything else that does not pass                    signature.pdf_not_valid       warning
    a PDF without a signature                           signature.pdf_unsigned        warning
    not a PDF: the document itself                      signature.not_a_pdf           warning
    not a PDF: a separate attachment                    signature.not_a_pdf           info
      whose name ends in .pdf                           signature.not_a_pdf           warning
    a PDF, and no trust folder at hand                  signature.pdf_not_judged      info
    a signer not in the register                        signature.pdf_signer_unknown  info
      after the agency had signed: its picture may      signature.pdf_signed_after    warning
      lie over the page
    by an agency that the sender succeeded              signature.pdf_predecessor     info
    by another agency than the sender                   signature.pdf_other_agency    warning
    main document without the competent person          signature.pdf_no_person       warning
    without the agency                                  signature.pdf_no_agency       warning
    the agency signed before the competent person       signature.pdf_order           warning

The last three are said only when every signature is valid and its signer registered: a role that could not
be checked by machine is neither a pass nor a failure. A separate attachment needs the agency's signature only
(NĐ 30/2020 Phụ lục I).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.model.finding import Finding, Severity
from gateway.model.text import AgencyCode, Bilingual
from gateway.model.verdict import Indication, SignerRole, Verdict
from gateway.signature.judge import Serves, nobody_else, of_predecessor

_RULE_OF = {
    "HASH_FAILURE": "signature.pdf_tampered",
    "SIG_CRYPTO_FAILURE": "signature.pdf_tampered",
    "SIG_CONSTRAINTS_FAILURE": "signature.pdf_changed",
    "REVOKED": "signature.pdf_revoked",
}
# Viewers open it as one, whatever it begins with. A number behind a name tells files of one name apart.
_CALLED_PDF = re.compile(r"\.pdf[. ]*( \(\d+\))?$", re.IGNORECASE)
_VERIFICATION = "NĐ 68/2024 Đ30"
_ORIGINAL = "NĐ 30/2020 Đ5.1"
_ORDER = "NĐ 30/2020 Đ32"


def judge_file(
    name: str,
    verdicts: Sequence[Verdict],
    is_main: bool,
    sender: AgencyCode | None,
    serves: Serves = nobody_else,
) -> list[Finding]:
    """Findings on the file ``name``, whose verdicts stand in the order of signing.

    ``is_main`` is true for the document itself, false for a separate attachment; ``sender`` is the canonical
    code of the sending agency, ``None`` when unknown (then signers are not compared with it); ``serves``
    knows the agencies that it succeeded and whose certificates it may still use.
    """
    if not verdicts:
        return [Finding("signature.pdf_unsigned", Severity.WARNING, name, _unsigned(name), _ORIGINAL)]
    findings = [_not_valid(name, one) for one in verdicts if one.indication is not Indication.PASSED]
    valid = [one for one in verdicts if one.indication is Indication.PASSED]
    is_sealed = False
    for one in valid:
        if one.role is SignerRole.NOT_CHECKABLE and is_sealed:
            text = _signed_after(name, one)
            findings.append(Finding("signature.pdf_signed_after", Severity.WARNING, name, text, _ORDER))
        elif one.role is SignerRole.NOT_CHECKABLE:
            text = _signer_unknown(name, one)
            findings.append(Finding("signature.pdf_signer_unknown", Severity.INFO, name, text, _VERIFICATION))
        elif sender is not None and one.agency != sender:
            findings.append(_by_other(name, one, sender, serves))
        is_sealed = is_sealed or one.role is SignerRole.AGENCY
    if len(valid) == len(verdicts) and all(one.role is not SignerRole.NOT_CHECKABLE for one in valid):
        findings += _judge_roles(name, [one.role for one in valid], is_main)
    return findings


def judge_other_format(name: str, form: str, is_main: bool) -> Finding:
    """The finding on a file that is no PDF, which nobody can have signed in the way the rules know."""
    severity = Severity.WARNING if is_main or _CALLED_PDF.search(name) else Severity.INFO
    return Finding("signature.not_a_pdf", severity, name, _not_a_pdf(name, form, is_main), _ORIGINAL)


def not_judged(name: str) -> Finding:
    """The finding on a PDF when there is nothing to judge its signatures by."""
    return Finding("signature.pdf_not_judged", Severity.INFO, name, _not_judged(name), _VERIFICATION)


def _by_other(name: str, verdict: Verdict, sender: AgencyCode, serves: Serves) -> Finding:
    until = serves(AgencyCode(verdict.agency))
    if until is None:
        text = _other_agency(name, verdict, sender)
        return Finding("signature.pdf_other_agency", Severity.WARNING, name, text, _ORIGINAL)
    said = of_predecessor(verdict.agency, sender, until)
    text = Bilingual(f"Tệp {name}: {said.vi}", f"File {name}: {said.en}")
    return Finding("signature.pdf_predecessor", Severity.INFO, name, text, _ORIGINAL)


def _judge_roles(name: str, roles: Sequence[SignerRole], is_main: bool) -> list[Finding]:
    found = []
    if is_main and SignerRole.PERSON not in roles:
        found.append(Finding("signature.pdf_no_person", Severity.WARNING, name, _no_person(name), _ORIGINAL))
    if SignerRole.AGENCY not in roles:
        found.append(Finding("signature.pdf_no_agency", Severity.WARNING, name, _no_agency(name), _ORIGINAL))
    elif SignerRole.PERSON in roles and roles.index(SignerRole.AGENCY) < roles.index(SignerRole.PERSON):
        found.append(Finding("signature.pdf_order", Severity.WARNING, name, _wrong_order(name), _ORDER))
    return found


def _not_valid(name: str, verdict: Verdict) -> Finding:
    rule = _RULE_OF.get(verdict.sub_indication, "signature.pdf_not_valid")
    failed = verdict.indication is Indication.FAILED
    if not failed:
        rule = "signature.pdf_not_valid"
    severity = Severity.REFUSE if failed and verdict.sub_indication in _RULE_OF else Severity.WARNING
    reason = verdict.reason
    text = Bilingual(f"Tệp {name}: {reason.vi}", f"File {name}: {reason.en}")
    return Finding(rule, severity, name, text, _VERIFICATION)


def _unsigned(name: str) -> Bilingual:
    return Bilingual(
        f"Tệp {name} không có chữ ký số PDF. Văn bản điện tử có giá trị như bản gốc khi có chữ ký số của "
        "người có thẩm quyền và của cơ quan; nếu đây là văn bản chính, hãy đề nghị đơn vị gửi ký số rồi gửi "
        "lại.",
        f"The file {name} carries no PDF signature. An electronic document is an original when the competent "
        "person and the agency signed it; if this is the document itself, ask the sender to sign it.",
    )


def _not_a_pdf(name: str, form: str, is_main: bool) -> Bilingual:
    advice = (
        "Văn bản điện tử phải ở định dạng PDF và được ký số; hãy đề nghị đơn vị gửi ký số rồi gửi lại bản "
        "PDF.",
        "The document itself has to be a signed PDF; ask the sender for it.",
    )
    vi, en = advice if is_main else ("", "")
    return Bilingual(
        f"Tệp {name} không phải tệp PDF ({form}) nên không có chữ ký số PDF. {vi}".strip(),
        f"The file {name} is no PDF ({form}) and carries no PDF signature. {en}".strip(),
    )


def _not_judged(name: str) -> Bilingual:
    return Bilingual(
        f"Chữ ký số trong tệp {name} chưa được kiểm tra vì chưa có chứng thư số gốc để đối chiếu. Hãy chỉ ra "
        "thư mục chứng thư số gốc (--trust).",
        f"The signatures in {name} were not verified, because there are no trust anchors at hand. Name the "
        "folder with them (--trust).",
    )


def _signer_unknown(name: str, verdict: Verdict) -> Bilingual:
    return Bilingual(
        f"Tệp {name}: chữ ký số hợp lệ, nhưng chứng thư số ({verdict.signer}) chưa có trong danh sách "
        "người ký nên trục không tự xác định được vai trò của người ký. Hãy đăng ký chứng thư số này với "
        "quản trị trục.",
        f"File {name}: the signature is valid, but its certificate ({verdict.signer}) is not in the signer "
        "register, so the signer's role was not machine-checkable. Register it with the administrator.",
    )


def _signed_after(name: str, verdict: Verdict) -> Bilingual:
    return Bilingual(
        f"Tệp {name}: sau chữ ký số của cơ quan còn có chữ ký số của một chứng thư số ({verdict.signer}) "
        "chưa có trong danh sách người ký. Hình của chữ ký này có thể che nội dung văn bản; hãy đối "
        "chiếu với đơn vị gửi trước khi xử lý.",
        f"File {name}: after the agency somebody signed whose certificate ({verdict.signer}) is not in the "
        "signer register. The picture of that signature may cover the content; compare with the sender.",
    )


def _other_agency(name: str, verdict: Verdict, sender: AgencyCode) -> Bilingual:
    return Bilingual(
        f"Tệp {name} được ký bởi đơn vị {verdict.agency}, không phải Cơ quan gửi {sender}. Hãy kiểm tra xem "
        "đây có phải văn bản của Cơ quan gửi không.",
        f"The file {name} was signed by {verdict.agency}, not by the sender {sender}. Check whether the "
        "document is the sender's own.",
    )


def _no_person(name: str) -> Bilingual:
    return Bilingual(
        f"Tệp {name} thiếu chữ ký số của người có thẩm quyền. Hãy đề nghị đơn vị gửi bổ sung chữ ký "
        "rồi gửi lại.",
        f"The file {name} lacks the signature of the competent person. Ask the sender to add it.",
    )


def _no_agency(name: str) -> Bilingual:
    return Bilingual(
        f"Tệp {name} thiếu chữ ký số của cơ quan. Hãy đề nghị văn thư đơn vị gửi ký số của cơ "
        "quan rồi gửi lại.",
        f"The file {name} lacks the signature of the agency. Ask the sender's clerk to add it.",
    )


def _wrong_order(name: str) -> Bilingual:
    return Bilingual(
        f"Tệp {name}: cơ quan ký số trước người có thẩm quyền. Văn thư chỉ được ký số của cơ quan sau khi "
        "người có thẩm quyền đã ký; hãy đề nghị đơn vị gửi ký lại theo đúng thứ tự.",
        f"File {name}: the agency signed before the competent person. The agency may sign only after that "
        "person; ask the sender to sign again in the right order.",
    )
