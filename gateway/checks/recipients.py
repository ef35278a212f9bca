"""Can every recipient be reached?

In charge of: one finding for each recipient that cannot, so that a clerk sees the whole list at once. Not in
charge of: choosing the way (``directory/route.py``), which also says what was rerouted or held.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.checks.subject import Subject, info, refuse
from gateway.directory.snapshot import Directory, Standing, StandingKind
from gateway.model.finding import Finding

_CLAUSE = "QĐ 28/2018 Đ8.2"  # the sender checks that the document reaches the right recipient


def recipients_can_be_reached(subject: Subject) -> Iterator[Finding]:
    """Unknown, test, not yet or no longer active without a successor: the submission is refused whole.

    From the national axis the same recipients are only recorded: they are somebody else's.
    """
    directory = subject.directory
    if directory is None:
        yield info(
            "recipient.not_checkable",
            "To/OrganId",
            "Không kiểm tra được nơi nhận bằng máy vì không có danh mục cơ quan.",
            "Not machine-checkable here: recipients, because no directory is at hand.",
            _CLAUSE,
        )
        return
    for text in subject.wanted():
        if reason := _out_of_reach(text, directory, subject):
            yield not_ours(text) if subject.from_axis else _unreachable(text, *reason)


def narrowed_recipients_are_named(subject: Subject) -> Iterator[Finding]:
    """A call for some of the recipients may only name recipients of the envelope."""
    named = {subject.canonical(to.organ_id) for to in subject.envelope.recipients}
    for text in subject.narrow_to:
        if subject.canonical(text) not in named:
            yield refuse(
                "recipient.not_in_envelope",
                text,
                f"Lời gọi nêu nơi nhận {text}, nhưng gói tin edXML không ghi nơi nhận này.",
                f"The call names the recipient {text}, which the envelope does not.",
                _CLAUSE,
            )


def _out_of_reach(text: str, directory: Directory, subject: Subject) -> tuple[str, str, str] | None:
    """(rule, vi, en), or ``None`` when a way can be found."""
    code = directory.resolve(text)
    if code:
        standing = directory.standing(code, subject.today, by=subject.sender)
    else:
        standing = Standing(StandingKind.UNKNOWN)
    name = directory.name(code, subject.today) if code else ""
    if standing.kind is StandingKind.ACTIVE or standing.successors:
        return None
    return {
        StandingKind.UNKNOWN: (
            "recipient.unknown",
            f"Nơi nhận {text or '(trống)'} không có trong danh mục cơ quan",
            f"The recipient {text or '(empty)'} is not in the directory",
        ),
        StandingKind.TEST: (
            "recipient.test_code",
            f"Nơi nhận {text} là mã dùng để kiểm thử",
            f"The recipient {text} is a test code",
        ),
        StandingKind.NOT_YET: (
            "recipient.not_yet",
            f"Nơi nhận {name} ({text}) chưa bắt đầu hoạt động",
            f"The recipient {name} ({text}) is not active yet",
        ),
    }.get(
        standing.kind,
        (
            "recipient.closed",
            f"Nơi nhận {name} ({text}) đã ngừng hoạt động và không có đơn vị kế thừa",
            f"The recipient {name} ({text}) is closed and has no successor",
        ),
    )


def _unreachable(text: str, rule: str, vi: str, en: str) -> Finding:
    return refuse(
        rule,
        text or "To/OrganId",
        f"{vi}. Hãy sửa hoặc bỏ nơi nhận này rồi gửi lại; trục chưa chuyển cho nơi nhận nào.",
        f"{en}. Correct or remove it and send again; nothing was sent to anybody.",
        _CLAUSE,
    )


def none_of_ours() -> Finding:
    """A message from the axis for nobody here: its sender shall know, so the axis is told."""
    return refuse(
        "recipient.none_ours",
        "To/OrganId",
        "Trong các nơi nhận của văn bản không có đơn vị nào của trục này. Hãy kiểm tra mã nơi nhận.",
        "None of the recipients is served by this gateway. Check their codes.",
        _CLAUSE,
    )


def not_ours(text: str) -> Finding:
    """A recipient of a message from the axis that is somebody else's."""
    return info(
        "recipient.not_ours",
        text or "To/OrganId",
        f"Nơi nhận {text} không phải đơn vị của trục này; trục ghi nhận và không chuyển tiếp.",
        f"The recipient {text} is not served by this gateway; it is recorded and not forwarded.",
    )
