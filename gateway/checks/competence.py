"""Who may send, and who signed on what authority.

In charge of: sender and signer as declared in the header. Not in charge of: the digital signatures themselves
(``signature/``), proving who calls (``web/auth``, ``flow/door``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.checks.subject import Subject, hold, info, refuse, warning
from gateway.checks.wording import clean
from gateway.directory.snapshot import StandingKind
from gateway.model.authority import PREFIXES
from gateway.model.envelope import Kind
from gateway.model.finding import Finding

NOT_YOURS = "sender.not_yours"
NOT_BEYOND = "sender.not_beyond"
_PREFIX = re.compile(rf"(?:{'|'.join(PREFIXES)})(?![^\W_])")


def sender_is_the_callers(subject: Subject) -> Iterator[Finding]:
    """QĐ 28/2018 Đ6.1, authenticity of origin: nobody sends in another agency's name.

    The flow answers this one with 403. An axis speaks for agencies beyond it: ``sender_is_beyond``.
    """
    if subject.from_axis:
        return
    if subject.caller_agencies is None:
        yield info(
            "sender.not_checkable",
            "From/OrganId",
            "Không kiểm tra được bằng máy: hệ thống gửi có thuộc cơ quan ban hành hay không.",
            "Not machine-checkable here: whether the calling system belongs to the sending agency.",
            "QĐ 28/2018 Đ6.1",
        )
    elif subject.sender is None or subject.sender not in subject.caller_agencies:
        organ = subject.envelope.sender.organ_id or "(trống)"
        yield refuse(
            NOT_YOURS,
            "From/OrganId",
            f"Mã cơ quan gửi {organ} không thuộc các cơ quan mà hệ thống này được gửi thay. Hãy kiểm tra mã "
            "định danh trong cấu hình phần mềm.",
            f"The sender {organ} is not an agency that this system may send for. Check the agency code in "
            "the settings of your software.",
            "QĐ 28/2018 Đ6.1",
        )


def sender_is_beyond(subject: Subject) -> Iterator[Finding]:
    """An axis speaks for nobody on our side, who sends here itself. What takes effect at once (a status, a
    recall, a change) is refused; a document waits for a person, who can ask its sender."""
    if not subject.sender_is_here:
        return
    say = hold if subject.envelope.kind in (Kind.NEW, Kind.REPLACE) else refuse
    yield say(
        NOT_BEYOND,
        "From/OrganId",
        f"Gói tin ghi cơ quan gửi là {subject.sender}, vốn gửi thẳng đến trục này, nhưng lại đến qua trục "
        "khác. Hãy hỏi lại cơ quan đó trước khi tin là thật.",
        f"The message names the sender {subject.sender}, who sends to this gateway itself, but it came "
        "through another axis. Ask that agency before believing it.",
        "QĐ 28/2018 Đ6.1",
    )


def sender_is_active(subject: Subject) -> Iterator[Finding]:
    """A closed agency has no competence to issue (QĐ 28/2018 Đ5.2); the recipient's clerk decides."""
    if subject.directory is None or subject.sender is None:
        return
    if subject.directory.standing(subject.sender, subject.today).kind is StandingKind.CLOSED:
        yield warning(
            "sender.closed",
            "From/OrganId",
            f"Theo danh mục, cơ quan gửi {subject.sender} đã ngừng hoạt động. Hãy kiểm tra thẩm quyền ban "
            "hành.",
            f"The directory says that the sender {subject.sender} is closed. Check its competence to issue.",
            "QĐ 28/2018 Đ5.2",
        )


def signer_is_named(subject: Subject) -> Iterator[Finding]:
    """NĐ 30/2020 Đ8.2: title and name of the competent person are parts of every document."""
    if not subject.envelope.signer.full_name:
        yield warning(
            "signer.missing",
            "SignerInfo/FullName",
            "Thiếu họ tên người ký. Hãy ghi họ tên, chức vụ của người có thẩm quyền ký văn bản.",
            "The signer's name is missing. Give name and title of the competent person.",
            "NĐ 30/2020 Đ8.2",
        )


def signing_authority_is_known(subject: Subject) -> Iterator[Finding]:
    """NĐ 30/2020 PL I: TM., Q., KT., TL., TUQ. A head who signs in his own right repeats the title only."""
    signer = subject.envelope.signer
    declared = signer.competence.upper()
    if not declared or clean(declared) == clean(signer.position):
        return
    if _PREFIX.match(declared) is None:
        yield warning(
            "signer.prefix_unknown",
            "SignerInfo/Competence",
            f"Thẩm quyền ký ghi là “{signer.competence}”, không bắt đầu bằng TM., Q., KT., TL. hoặc TUQ. "
            "Hãy kiểm tra thẩm quyền ký.",
            f"The signing authority reads “{signer.competence}” and begins with none of TM., Q., KT., TL., "
            "TUQ. Check who was competent to sign.",
            "NĐ 30/2020 PL I",
        )
