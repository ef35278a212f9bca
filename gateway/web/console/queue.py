"""/console/queue: where it is stuck, since when, and what to do about it.

In charge of: the matrix of age and destination, one lane, one delivery, and the forms of decisions. Not in
charge of: deciding anything (``flow/hold.py``, ``flow/choose.py``), finding rows (``flow/look_queue.py``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from gateway.clock import local_day
from gateway.directory.route import SEVERAL_SUCCESSORS
from gateway.errors import BadRequest, GatewayError
from gateway.flow import hold, look_queue
from gateway.flow.choose import choose
from gateway.flow.connection import try_connection
from gateway.flow.door import Caller, stated
from gateway.flow.look_queue import AgeRow
from gateway.model.delivery import Delivery, State
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.services import Services
from gateway.web.console.page import RUN, WATCH, Moved, Page, Visit
from gateway.web.console.serve import ROOT

ROWS = 50  # deliveries on one page
AGE_TITLES = (
    Bilingual("dưới 5 phút", "under 5 min"),
    Bilingual("5–20 phút", "5–20 min"),
    Bilingual("20–60 phút", "20–60 min"),
    Bilingual("1–4 giờ", "1–4 h"),
    Bilingual("4–24 giờ", "4–24 h"),
    Bilingual("trên 1 ngày", "over a day"),
)
STATES = {
    State.QUEUED: Bilingual("đang chờ", "queued"),
    State.HELD: Bilingual("tạm giữ", "held"),
    State.DELIVERED: Bilingual("đã đến nơi nhận", "delivered"),
    State.REJECTED: Bilingual("đã từ chối", "rejected"),
    State.DEAD: Bilingual("không gửi được", "dead"),
    State.CANCELLED: Bilingual("đã rút lại", "cancelled"),
    State.RECALLED: Bilingual("đã thu hồi", "recalled"),
}
OUTCOMES = {
    "": Bilingual("đang chạy", "running"),
    "delivered": Bilingual("đã nhận", "delivered"),
    "try_later": Bilingual("chưa được, sẽ thử lại", "not now"),
    "refused": Bilingual("nơi nhận từ chối", "refused"),
    "lease_expired": Bilingual("không có hồi âm", "never came back"),
}
DECIDED = {
    "delivery.held": Bilingual("tạm giữ", "held"),
    "delivery.released": Bilingual("cho gửi tiếp", "released"),
    "delivery.rerouted": Bilingual("chọn đơn vị kế thừa", "successor chosen"),
    "delivery.revived": Bilingual("gửi lại", "retried"),
    "delivery.rejected": Bilingual("từ chối", "rejected"),
    "delivery.cancelled": Bilingual("dừng hẳn", "given up"),
}
Decide = Callable[[Services, Caller, str, str], Awaitable[Delivery]]


@dataclass(frozen=True, slots=True)
class Action:
    """What may be done to a delivery: a button, what it means, and from which states."""

    name: str
    title: Bilingual
    means: Bilingual
    done: Bilingual
    states: frozenset[State]
    do: Decide
    danger: bool = False


ACTIONS = {
    action.name: action
    for action in (
        Action(
            "retry",
            Bilingual("Gửi lại ngay", "Retry now"),
            Bilingual("Thử gửi ngay, không đợi lịch.", "Try at once, without waiting for the schedule."),
            Bilingual("Đã cho gửi lại", "Retried"),
            frozenset({State.DEAD, State.QUEUED}),
            hold.retry,
        ),
        Action(
            "hold",
            Bilingual("Tạm giữ", "Hold"),
            Bilingual("Chưa gửi cho đến khi có người cho gửi tiếp.", "Nothing is sent until it is released."),
            Bilingual("Đã tạm giữ", "Held"),
            frozenset({State.QUEUED}),
            hold.hold,
        ),
        Action(
            "release",
            Bilingual("Cho gửi tiếp", "Release"),
            Bilingual("Văn bản đi tiếp đến nơi nhận.", "The document goes on to its recipient."),
            Bilingual("Đã cho gửi tiếp", "Released"),
            frozenset({State.HELD}),
            hold.release,
        ),
        Action(
            "reject",
            Bilingual("Từ chối chuyển", "Reject"),
            Bilingual("Không chuyển; bên gửi được báo lý do.", "It is not sent; the sender is told why."),
            Bilingual("Đã từ chối", "Rejected"),
            frozenset({State.HELD}),
            hold.reject,
            True,
        ),
        Action(
            "give-up",
            Bilingual("Dừng hẳn", "Give up"),
            Bilingual("Không thử nữa; bên gửi được báo lý do.", "No more attempts; the sender is told why."),
            Bilingual("Đã dừng", "Given up"),
            frozenset({State.QUEUED, State.HELD, State.DEAD}),
            hold.give_up,
            True,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A destination and state of the matrix. ``heat``: 0 (cool) to 3 for each age."""

    row: AgeRow
    name: str
    state: Bilingual
    heat: tuple[int, ...]


async def show_queue(visit: Visit) -> web.StreamResponse:
    """The matrix: who waits for what, and how long."""
    rows = await look_queue.ages(visit.gw, visit.caller)
    return visit.html(
        "queue.html",
        title=visit.page.title,
        rows=_matrix(visit, rows),
        ages=AGE_TITLES,
        total=sum(row.deliveries for row in rows),
    )


async def show_lane(visit: Visit) -> web.StreamResponse:
    """One destination: how it is doing, and what waits for it."""
    code = visit.agency(visit.part("agency"))
    state = visit.query.get("state", "")
    age = visit.number("age", -1, 5)
    view = await look_queue.lane(
        visit.gw,
        visit.caller,
        code,
        state=state if state in {one.value for one in STATES} else "",
        age=None if age < 0 else age,
        after=_position(visit.query.get("after", "")),
        limit=ROWS,
    )
    profile = visit.gw.directory.profile(code)
    last = view.deliveries[-1] if view.more else None
    return visit.html(
        "lane.html",
        title=Bilingual(f"Hàng đợi đến {_name(visit, code)}", f"Queue to {_name(visit, code)}"),
        view=view,
        matrix=_matrix(visit, view.rows),
        ages=AGE_TITLES,
        states=STATES,
        outcomes=OUTCOMES,
        profile=profile,
        pull=visit.gw.kinds.get(profile.adapter, True),
        next_page=f"{last.accepted_at}~{last.id}" if last else "",
        state=state,
        age=age,
        actions=[one for one in ACTIONS.values() if one.name != "reject" or state in ("", "held")],
        may=visit.caller.role in RUN,
        seen_at=_last_seen(visit, code),
    )


async def show_delivery(visit: Visit) -> web.StreamResponse:
    """One delivery: every try in the partner's words, every decision, what can be done now."""
    view = await look_queue.delivery(visit.gw, visit.caller, visit.part("delivery"))
    found = view.delivery
    several = found.state is State.HELD and found.reason_code == SEVERAL_SUCCESSORS
    today = local_day(visit.gw.clock.now())
    return visit.html(
        "delivery.html",
        title=visit.page.title,
        view=view,
        one=found,
        names={code: _name(visit, code) for code in (found.sender, found.recipient, found.destination)},
        states=STATES,
        outcomes=OUTCOMES,
        decided=DECIDED,
        who=_who(visit, [row["body"] for row in view.decisions]),
        actions=[one for one in ACTIONS.values() if found.state in one.states]
        if visit.caller.role in RUN
        else [],
        successors=[
            (code, visit.gw.directory.name(code, today))
            for code in visit.gw.directory.standing(found.recipient, today).successors
        ]
        if several and visit.caller.role in RUN
        else [],
    )


async def decide(visit: Visit) -> Moved:
    """One decision about one delivery."""
    delivery = visit.part("delivery")
    action = _action(visit.part("action"))
    await action.do(visit.gw, visit.caller, delivery, stated(visit.form.get("reason")))
    return Moved(f"{ROOT}/queue/delivery/{delivery}", _sentence(action.done))


async def choose_successor(visit: Visit) -> Moved:
    """A person says which successors take the recipient's place."""
    delivery = visit.part("delivery")
    await choose(visit.gw, visit.caller, delivery, visit.form.all("to"), stated(visit.form.get("reason")))
    return Moved(f"{ROOT}/queue/delivery/{delivery}", _CHOSEN)


async def decide_several(visit: Visit) -> Moved:
    """The same decision about several deliveries; what somebody else did first is counted and named."""
    code = visit.agency(visit.part("agency"))
    action, reason = _action(visit.form.get("action")), stated(visit.form.get("reason"))
    chosen = visit.form.all("delivery")
    if not chosen:
        raise BadRequest(_NONE_CHOSEN, code="queue.none_chosen")
    done, problems = 0, list[Bilingual]()
    for delivery in chosen[:ROWS]:
        try:
            await action.do(visit.gw, visit.caller, delivery, reason)
            done += 1
        except GatewayError as error:
            problems.append(error.text)
    return Moved(f"{ROOT}/queue/{code}", _outcome(action, done, problems))


async def test_connection(visit: Visit) -> Moved:
    """Try the connection now and say what happened."""
    code = visit.agency(visit.part("agency"))
    tried = await try_connection(visit.gw, visit.caller, code)
    mark = ("✓ Kết nối được. ", "✓ Works. ") if tried.works else ("✗ Không kết nối được. ", "✗ Fails. ")
    return Moved(f"{ROOT}/queue/{code}", Bilingual(mark[0] + tried.text.vi, mark[1] + tried.text.en))


def _matrix(visit: Visit, rows: Sequence[AgeRow]) -> list[MatrixRow]:
    return [
        MatrixRow(row, _name(visit, row.destination), STATES[State(row.state)], tuple(map(_heat, row.ages)))
        for row in rows
    ]


def _heat(count: int) -> int:
    return 0 if not count else 1 if count < 10 else 2 if count < 100 else 3


def _name(visit: Visit, code: AgencyCode) -> str:
    return visit.gw.directory.name(code, local_day(visit.gw.clock.now())) or code


def _last_seen(visit: Visit, code: AgencyCode) -> Instant | None:
    """When software that acts for the agency last called, since this process began."""
    acting = [one.id for one in visit.gw.people.principals if code in visit.gw.agencies_of(one)]
    seen = [at for principal in acting if (at := visit.gw.attendance.last_seen(principal)) is not None]
    return max(seen, default=None)


def _who(visit: Visit, bodies: Sequence[Any]) -> list[str]:
    found = []
    for body in bodies:
        actor = orjson.loads(bytes(body))["actor"]
        person = visit.gw.people.principal(actor)
        found.append(person.name if person else actor)
    return found


def _action(name: str) -> Action:
    action = ACTIONS.get(name)
    if action is None:
        raise BadRequest(_NO_ACTION, code="queue.action")
    return action


def _position(text: str) -> tuple[Instant, str]:
    at, _, delivery = text.partition("~")
    return (
        (Instant(int(at)), delivery) if at.isascii() and at.isdigit() and len(at) < 18 else (Instant(-1), "")
    )


def _sentence(text: Bilingual) -> Bilingual:
    return Bilingual(f"{text.vi}.", f"{text.en}.")


def _outcome(action: Action, done: int, problems: Sequence[Bilingual]) -> Bilingual:
    vi, en = f"{action.done.vi}: {done}.", f"{action.done.en}: {done}."
    if problems:
        vi += f" Không làm được {len(problems)}: {problems[0].vi}"
        en += f" Not done: {len(problems)}. {problems[0].en}"
    return Bilingual(vi, en)


_CHOSEN = Bilingual("Đã chọn đơn vị kế thừa; văn bản đi tiếp.", "Successor chosen; the document goes on.")
_NONE_CHOSEN = Bilingual("Hãy đánh dấu ít nhất một lượt gửi.", "Mark at least one delivery.")
_NO_ACTION = Bilingual("Không có thao tác này.", "There is no such action.")
_QUEUE = Bilingual("Hàng đợi gửi", "Queue")
_DELIVERY = Bilingual("Lượt gửi", "Delivery")

PAGES = (
    Page("GET", "/queue", show_queue, _QUEUE, WATCH, "queue"),
    Page("GET", "/queue/delivery/{delivery}", show_delivery, _DELIVERY, WATCH, "queue"),
    Page("POST", "/queue/delivery/{delivery}/choose", choose_successor, _DELIVERY, RUN, "queue"),
    Page("POST", "/queue/delivery/{delivery}/{action}", decide, _DELIVERY, RUN, "queue"),
    Page("GET", "/queue/{agency}", show_lane, _QUEUE, WATCH, "queue"),
    Page("POST", "/queue/{agency}/decide", decide_several, _QUEUE, RUN, "queue"),
    Page("POST", "/queue/{agency}/test", test_connection, _QUEUE, RUN, "queue"),
)
