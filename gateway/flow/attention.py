"""What needs a person now, each thing with one sentence and its next step.

In charge of: gathering it from lanes, held and dead deliveries, partners, certificates, the ledger, the log,
the clock, the disk, alerts and open decisions. Nothing here changes anything. Not in charge of: where a page
shows it (``web/console/overview.py``).
"""

from __future__ import annotations

import enum
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.clock import SECOND, local_day
from gateway.flow import nodes
from gateway.flow.certificates import CertificateLine, list_certificates
from gateway.flow.door import Caller
from gateway.model.objective import Alert
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.services import Services
from gateway.store import alerts, collected, conservation, log, signers
from gateway.store.contract import Row, Tx
from gateway.store.people import Role

HOUR = 3600 * SECOND
FREE_BYTES = 2_147_483_648  # of the disk; below it somebody should look, long before the gateway stops
LOG_QUIET = 15 * 60 * SECOND  # with events waiting for a checkpoint
CERTIFICATE_DAYS = 60
WATCHERS = (Role.AUDITOR, Role.OPERATOR, Role.ADMINISTRATOR)


class Urgency(enum.Enum):
    """How soon."""

    NOW = "bad"  # documents wait or may be lost to view
    SOON = "warn"  # they will


@dataclass(frozen=True, slots=True)
class Need:
    """One thing. ``page``: below ``/console``; ``agency``: whom it is about, or empty."""

    kind: str
    urgency: Urgency
    text: Bilingual
    step: Bilingual
    page: str
    agency: AgencyCode = AgencyCode("")


@dataclass(frozen=True, slots=True)
class Lane:
    """What is open towards one destination in one state. Instants are UTC microseconds."""

    destination: AgencyCode
    adapter: str
    state: str
    pull: bool
    deliveries: int
    oldest: Instant
    failures: int


@dataclass(slots=True)
class _Found:
    lanes: list[Lane] = field(default_factory=list)
    partners: list[collected.PartnerState] = field(default_factory=list)
    differences: int = 0
    uncounted: int = 0
    unsequenced: int = 0
    head: log.SignedHead | None = None
    alerts: list[Alert] = field(default_factory=list)
    proposals: int = 0


async def lanes(gw: Services) -> list[Lane]:
    """Everything open, by destination and state, the oldest first."""
    return await gw.store.read(_lanes)


async def needs(gw: Services, caller: Caller) -> list[Need]:
    """What a person has to look at, the most urgent first. For auditors, operators and administrators."""
    caller.require(*WATCHERS)
    found = await gw.store.read(_read)
    ending = await list_certificates(gw, caller, CERTIFICATE_DAYS)
    now = gw.clock.now()
    every = [
        *_of_lanes(gw, found.lanes, now),
        *_of_partners(gw, found.partners, now),
        *_of_ledger(found),
        *_of_log(found, now),
        *_of_machine(gw),
        *_of_nodes(gw),
        *_of_alerts(gw, found.alerts, now),
        *_of_certificates(ending),
        *_of_decisions(found),
    ]
    return sorted(every, key=lambda need: need.urgency is not Urgency.NOW)


def _lanes(tx: Tx) -> list[Lane]:
    failing = {row["destination"]: row["failures"] for row in tx.all("all_lanes")}
    return [_lane(row, failing) for row in tx.all("queue_summary")]


def _lane(row: Row, failing: dict[str, int]) -> Lane:
    code = AgencyCode(row["destination"])
    return Lane(
        code,
        row["adapter"],
        row["state"],
        bool(row["pull"]),
        row["deliveries"],
        row["oldest"],
        failing.get(code, 0),
    )


def _read(tx: Tx) -> _Found:
    return _Found(
        _lanes(tx),
        collected.states(tx),
        len(conservation.open_differences(tx)),
        conservation.leaves_left(tx),
        log.count_waiting(tx),
        log.last(tx),
        alerts.open_alerts(tx),
        len(signers.undecided(tx)),
    )


def _of_lanes(gw: Services, every: Sequence[Lane], now: Instant) -> list[Need]:
    found = []
    late = gw.config.figures.pull_hours
    for lane in every:
        name, number = _name(gw, lane.destination, now), lane.deliveries
        page = f"/queue/{lane.destination}"
        if lane.state == "dead":
            text = Bilingual(
                f"{number} lượt gửi đến {name} không gửi được.", f"{number} deliveries to {name} are dead."
            )
            step = Bilingual("Xem lý do rồi gửi lại hoặc dừng hẳn", "Read why, then retry or give up")
            found.append(Need("dead", Urgency.NOW, text, step, page, lane.destination))
        elif lane.state == "held":
            text = Bilingual(
                f"{number} lượt gửi đến {name} đang được tạm giữ.", f"{number} deliveries to {name} are held."
            )
            step = Bilingual("Xem lý do rồi cho gửi tiếp hoặc từ chối", "Read why, then release or reject")
            found.append(Need("held", Urgency.NOW, text, step, page, lane.destination))
        elif lane.failures:
            text = Bilingual(
                f"Không kết nối được {name}: {lane.failures} lần liên tiếp, {number} lượt gửi đang chờ.",
                f"{name} does not answer: {lane.failures} failures in a row, {number} deliveries wait.",
            )
            step = Bilingual("Thử kết nối, gọi cho đơn vị", "Test the connection, call the agency")
            found.append(Need("stuck", Urgency.NOW, text, step, page, lane.destination))
        elif lane.pull and now - lane.oldest > late * HOUR:
            hours = (now - lane.oldest) // HOUR
            text = Bilingual(
                f"{name} chưa lấy về {number} lượt gửi, lâu nhất {hours} giờ.",
                f"{name} has not fetched {number} deliveries, the oldest for {hours} hours.",
            )
            step = Bilingual(
                "Gọi cho văn thư hoặc nhà cung cấp phần mềm", "Call its clerk or software vendor"
            )
            found.append(Need("silent", Urgency.SOON, text, step, page, lane.destination))
    return found


def _of_partners(gw: Services, states: Sequence[collected.PartnerState], now: Instant) -> list[Need]:
    return [
        Need(
            "partner",
            Urgency.NOW,
            Bilingual(
                f"Không lấy được văn bản từ {_name(gw, AgencyCode(one.partner), now)}: {one.reason.vi}",
                f"{one.partner} cannot be asked for documents: {one.reason.en}",
            ),
            Bilingual("Kiểm tra đường truyền và tài khoản kết nối", "Check the line and the account there"),
            f"/queue/{one.partner}",
            AgencyCode(one.partner),
        )
        for one in states
        if one.away
    ]


def _of_ledger(found: _Found) -> list[Need]:
    if not found.differences:
        return []
    text = Bilingual(
        f"{found.differences} lượt gửi có trạng thái không khớp nhật ký.",
        f"The rows of {found.differences} deliveries do not agree with their events.",
    )
    step = Bilingual("Xem từng lượt gửi lệch", "See each of them")
    return [Need("ledger", Urgency.NOW, text, step, "/overview/ledger")]


def _of_log(found: _Found, now: Instant) -> list[Need]:
    quiet = found.head is None or now - found.head.signed_at > LOG_QUIET
    if not (found.unsequenced and quiet) or found.head is None:
        return []
    minutes = (now - found.head.signed_at) // (60 * SECOND)
    text = Bilingual(
        f"Nhật ký chưa được chốt {minutes} phút, {found.unsequenced} sự kiện đang chờ.",
        f"The log has had no checkpoint for {minutes} minutes; {found.unsequenced} events wait.",
    )
    step = Bilingual("Xem tiến trình trục và ổ đĩa", "Look at the process and the disk")
    return [Need("log", Urgency.NOW, text, step, "/audit/checkpoints")]


def _of_machine(gw: Services) -> list[Need]:
    found = []
    free = shutil.disk_usage(gw.blobs.payloads).free
    if free < FREE_BYTES:
        text = Bilingual(
            f"Ổ đĩa chỉ còn {free // 1_048_576} MB; khi đầy, trục ngừng nhận văn bản.",
            f"The disk has {free // 1_048_576} MB left; when it is full no documents are taken.",
        )
        step = Bilingual("Mở rộng ổ đĩa hoặc dọn bản sao lưu cũ", "Enlarge the disk or remove old backups")
        found.append(Need("disk", Urgency.NOW, text, step, "/overview"))
    if gw.clock.source == "system":
        text = Bilingual(
            "Đồng hồ của máy không được đồng bộ; giờ ghi nhận có thể sai (QĐ 28/2018 Đ14.4).",
            "Nobody keeps the machine's clock right; recorded times may be wrong.",
        )
        step = Bilingual("Bật đồng bộ giờ (chrony) theo máy chủ giờ của tỉnh", "Turn on chrony")
        found.append(Need("clock", Urgency.SOON, text, step, "/overview"))
    return found


def _of_nodes(gw: Services) -> list[Need]:
    return [
        Need("node", Urgency.NOW if one.urgent else Urgency.SOON, one.text, one.step, "/overview")
        for one in nodes.concerns(nodes.everybody(gw), gw.fleet.leader)
    ]


def _of_alerts(gw: Services, every: Sequence[Alert], now: Instant) -> list[Need]:
    return [
        Need(
            "alert",
            Urgency.SOON,
            Bilingual(
                f"{_name(gw, one.agency, now)}: {one.missed}/{one.due} lượt không đạt mục tiêu.",
                f"{_name(gw, one.agency, now)}: {one.missed} of {one.due} missed an objective.",
            ),
            Bilingual("Xem cảnh báo", "See the alert"),
            "/objectives",
            one.agency,
        )
        for one in every
    ]


def _of_certificates(lines: Sequence[CertificateLine]) -> list[Need]:
    found = []
    for one in lines:
        if one.successor or one.days_left < -CERTIFICATE_DAYS:
            continue
        whose = one.name or one.subject
        days = one.days_left
        text = (
            Bilingual(
                f"Chứng thư của {whose} còn {days} ngày.", f"A certificate of {whose}: {days} days left."
            )
            if days >= 0
            else Bilingual(f"Chứng thư của {whose} đã hết hạn.", f"A certificate of {whose} has expired.")
        )
        urgency = Urgency.NOW if days < 14 else Urgency.SOON
        found.append(Need("certificate", urgency, text, one.next_step, "/agencies"))
    return found


def _of_decisions(found: _Found) -> list[Need]:
    if not found.proposals:
        return []
    text = Bilingual(
        f"{found.proposals} người ký mới chờ xác nhận.", f"{found.proposals} new signers wait for a decision."
    )
    return [Need("signers", Urgency.SOON, text, Bilingual("Xác nhận", "Decide"), "/decisions")]


def _name(gw: Services, code: AgencyCode, now: Instant) -> str:
    return gw.directory.name(code, local_day(now)) or code
