"""From recipients to hops: who is to have the message, and in whose lane it waits.

In charge of: following successions on the day, merging recipients that became one agency, and choosing the
connection. Pure. Not in charge of: refusing unknown recipients (``checks/recipients.py`` does, before this);
from the national axis, keeping only the recipients that are ours (``flow/``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from gateway.directory.snapshot import Directory, StandingKind
from gateway.model.delivery import Hop
from gateway.model.finding import Finding, Severity
from gateway.model.text import AgencyCode, Bilingual

SEVERAL_SUCCESSORS = "recipient.several_successors"
NO_ADAPTER = "recipient.no_adapter"


@dataclass(frozen=True, slots=True)
class Routing:
    """One hop for each agency that is to have the message, in the order of the envelope."""

    hops: tuple[Hop, ...]
    findings: tuple[Finding, ...]


def route(
    recipients: Sequence[AgencyCode],
    directory: Directory,
    on: date,
    kinds: Mapping[str, bool],
    sender: AgencyCode | None = None,
    stand_ins: Sequence[tuple[AgencyCode, AgencyCode]] = (),
) -> Routing:
    """Hops for ``recipients`` (canonical codes) on a day. ``sender``: a test code may address test codes.
    ``stand_ins``: who had earlier messages about the same document in the place of a code.

    ``kinds`` maps an adapter kind to its pull flag. Closed with one successor: rerouted, with a finding;
    with several: those that a person chose for this document before, else a held hop. An agency that nobody
    can reach (unknown, test, closed without successor) gets no hop and a finding: by the rules at the gate
    this happens only to messages from the national axis.
    """
    hops: dict[AgencyCode, Hop] = {}
    findings: list[Finding] = []
    for recipient in recipients:
        before = [stand_in for named, stand_in in stand_ins if named == recipient]
        for step in _steps(recipient, directory, on, kinds, sender, before):
            if isinstance(step, Finding):
                findings.append(step)
            elif step.recipient in hops:
                findings.append(_merged(recipient, step.recipient))
            else:
                hops[step.recipient] = step
    return Routing(tuple(hops.values()), tuple(findings))


def way_back(text: str, directory: Directory, kinds: Mapping[str, bool]) -> tuple[Hop, ...]:
    """The way of a status to a sender whom the directory does not know: the connection that serves all
    others, if there is one. He came through it before his row did."""
    if directory.others is None or directory.resolve(text) is not None:
        return ()
    code = AgencyCode(directory.canonical(text))
    return (_hop(code, code, directory, kinds),)


def _steps(
    code: AgencyCode,
    directory: Directory,
    on: date,
    kinds: Mapping[str, bool],
    sender: AgencyCode | None,
    before: Sequence[AgencyCode],
) -> Iterator[Hop | Finding]:
    standing = directory.standing(code, on, by=sender)
    if standing.kind is StandingKind.ACTIVE:
        yield _hop(code, code, directory, kinds)
    elif len(standing.successors) == 1:
        [successor] = standing.successors
        yield _rerouted(code, successor, directory, on)
        yield _hop(successor, code, directory, kinds)
    elif again := _still(before, standing.successors, directory, on):
        yield _chosen_before(code, again, directory, on)
        yield _hop(again[0], code, directory, kinds)
        for further in again[1:]:
            yield replace(_hop(further, further, directory, kinds), in_place_of=code)
    elif standing.successors:
        finding = _several(code, standing.successors, directory, on)
        yield finding
        yield replace(_hop(code, code, directory, kinds), held=finding.text, held_code=SEVERAL_SUCCESSORS)
    else:
        yield _unreachable(code)


def _still(
    before: Sequence[AgencyCode], successors: Sequence[AgencyCode], directory: Directory, on: date
) -> list[AgencyCode]:
    """Those who stood in before, or who succeeded them since, as far as they are successors today."""
    now = [code for stand_in in before for code in directory.final_successors(stand_in, on)]
    return [code for code in dict.fromkeys(now) if code in successors]


def _hop(code: AgencyCode, addressed: AgencyCode, directory: Directory, kinds: Mapping[str, bool]) -> Hop:
    """The way to ``code``, which the envelope named as ``addressed``."""
    profile = directory.profile(code)
    if profile.adapter in kinds:
        pull = kinds[profile.adapter]
        return Hop(code, profile.agency, profile.adapter, pull, addressed=addressed)
    held = Bilingual(
        f"Kết nối của {code} dùng loại {profile.adapter} mà trục chưa cài đặt. Quản trị viên cần sửa kết nối "
        "rồi cho gửi tiếp.",
        f"The connection of {code} uses the kind {profile.adapter}, which is not installed here. "
        "An administrator must correct it and release the delivery.",
    )
    return Hop(code, profile.agency, profile.adapter, False, held, NO_ADAPTER, addressed)


def _rerouted(code: AgencyCode, successor: AgencyCode, directory: Directory, on: date) -> Finding:
    old, new = directory.name(code, on), directory.name(successor, on)
    text = Bilingual(
        f"{old} ({code}) đã ngừng hoạt động; văn bản được chuyển đến đơn vị kế thừa là {new} ({successor}). "
        "Hãy cập nhật nơi nhận trong phần mềm.",
        f"{old} ({code}) is closed; the document goes to its successor {new} ({successor}). "
        "Please update the recipient in your software.",
    )
    return Finding("recipient.rerouted", Severity.WARNING, code, text, "QĐ 28/2018 Đ8.2")


def _chosen_before(code: AgencyCode, chosen: Sequence[AgencyCode], directory: Directory, on: date) -> Finding:
    listed = "; ".join(f"{directory.name(one, on)} ({one})" for one in chosen)
    text = Bilingual(
        f"{directory.name(code, on)} ({code}) đã ngừng hoạt động; gói tin này được chuyển đến đơn vị kế thừa "
        f"mà người phụ trách đã chọn cho văn bản này: {listed}.",
        f"{directory.name(code, on)} ({code}) is closed; this message goes to the successor that was chosen "
        f"for this document: {listed}.",
    )
    return Finding("recipient.chosen_before", Severity.INFO, code, text, "QĐ 28/2018 Đ8.2")


def _several(code: AgencyCode, successors: Sequence[AgencyCode], directory: Directory, on: date) -> Finding:
    listed = "; ".join(f"{directory.name(successor, on)} ({successor})" for successor in successors)
    text = Bilingual(
        f"{directory.name(code, on)} ({code}) đã ngừng hoạt động và có nhiều đơn vị kế thừa: {listed}. "
        "Lượt gửi này được tạm giữ để người phụ trách chọn nơi nhận.",
        f"{directory.name(code, on)} ({code}) is closed and has several successors: {listed}. "
        "This delivery is held until a person chooses the recipient.",
    )
    return Finding(SEVERAL_SUCCESSORS, Severity.WARNING, code, text, "QĐ 28/2018 Đ8.2")


def _merged(code: AgencyCode, recipient: AgencyCode) -> Finding:
    text = Bilingual(
        f"{recipient} được nêu nhiều lần trong nơi nhận (lần sau theo mã {code}); văn bản chỉ gửi một lần.",
        f"{recipient} is named more than once as a recipient (again as {code}); it gets the document once.",
    )
    return Finding("recipient.merged", Severity.INFO, code, text)


def _unreachable(code: AgencyCode) -> Finding:
    text = Bilingual(
        f"Không có đường gửi đến {code}: mã không có trong danh mục, là mã thử, hoặc đơn vị không hoạt động "
        "vào ngày này.",
        f"There is no way to {code}: unknown, a test code, or not active on this day.",
    )
    return Finding("recipient.unreachable", Severity.INFO, code, text)
