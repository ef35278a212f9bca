"""The fault knobs of the simulated axis: what goes wrong, at which call, how often.

In charge of: the names of the faults, turning knobs while the axis runs, and deciding (with a seed, so that a
run can be repeated) whether a fault strikes now. Not in charge of: what a fault does (``axis_wire``).

A knob is turned for one call or for all, with a probability or for the next N calls:

    axis.knobs.turn("502", call="sendEdoc", times=2)
    axis.knobs.turn("duplicate", probability=0.3)
    axis.knobs.turn("delay", argument="5")
"""

from __future__ import annotations

import enum
import random
import re
from dataclasses import asdict, dataclass, field
from typing import Any

ALL_CALLS = "*"


class Fault(enum.Enum):
    """What can go wrong; the value is the knob's name."""

    # Before the call is done: nothing has happened at the axis.
    BAD_GATEWAY = "502"
    HTML = "html"  # a login page with status 200, as a proxy sends it
    BUSY = "busy"  # 503 with Retry-After; argument: seconds
    FAIL = "fail"  # the axis says FAIL; argument: its ErrorCode
    STALE = "stale"  # 401: the token or the time of signing has expired
    REFUSED = "reset"  # the connection is reset before anything was read
    # After it was done: only the answer is spoilt.
    CUT_OFF = "cut-off"  # half of the body that was announced
    EMPTY = "empty"  # 200 and no body
    LOST_ANSWER = "lost-answer"  # the connection dies instead of the answer
    DELAY = "delay"  # argument: seconds
    # Lists.
    LISTED_TWICE = "listed-twice"  # every row stands twice in the list
    REORDER = "reorder"  # newest first
    PARTIAL = "partial"  # only the first half of the rows
    NULLS = "nulls"  # the text "null" where there is nothing, in lists and in messages
    # Messages.
    DUPLICATE = "duplicate"  # what is handed in arrives a second time under another docId
    WRONG_HASH = "wrong-hash"  # a send seems damaged on its way; a fetched message is damaged
    PREFIX = "prefix"  # written anew with another namespace prefix
    ORDER = "order"  # written anew with elements in another order
    WHITESPACE = "whitespace"  # written anew without line ends between elements
    # Memory and time.
    FORGOTTEN_DONE = "forgotten-done"  # ``done`` is answered with OK, and the item is listed all the same
    CLOCK_SKEW = "clock-skew"  # the axis' clock is off; argument: seconds, also negative


WORDS: dict[Fault, tuple[str, str]] = {
    Fault.BAD_GATEWAY: ("Máy chủ trung gian trả lời 502", "A proxy answers 502"),
    Fault.HTML: ("Trang HTML thay cho JSON", "An HTML page instead of JSON"),
    Fault.BUSY: ("503 kèm Retry-After", "503 with Retry-After"),
    Fault.FAIL: ("Trục trả lời FAIL kèm mã lỗi", "The axis answers FAIL with a code"),
    Fault.STALE: ("Trục cho rằng chữ ký đã hết hạn (401)", "The axis takes the signature for expired (401)"),
    Fault.REFUSED: ("Kết nối bị ngắt trước khi xử lý", "The connection is reset before the call"),
    Fault.CUT_OFF: ("Câu trả lời bị cắt giữa chừng", "The answer is cut off"),
    Fault.EMPTY: ("Câu trả lời rỗng", "The answer is empty"),
    Fault.LOST_ANSWER: ("Đã xử lý nhưng mất câu trả lời", "Done, but the answer is lost"),
    Fault.DELAY: ("Trả lời chậm", "A slow answer"),
    Fault.LISTED_TWICE: ("Một gói tin có hai dòng trong danh sách", "A message is listed twice"),
    Fault.REORDER: ("Danh sách đảo thứ tự", "The list is in another order"),
    Fault.PARTIAL: ("Danh sách thiếu một nửa", "Half of the list is missing"),
    Fault.NULLS: ("Chữ “null” thay cho giá trị trống", "The text “null” for nothing"),
    Fault.DUPLICATE: ("Gói tin đến lần hai với docId khác", "A message comes again under another docId"),
    Fault.WRONG_HASH: ("Nội dung hỏng trên đường truyền", "The content is damaged on its way"),
    Fault.PREFIX: ("Gói tin được ghi lại với tiền tố khác", "Written anew with another prefix"),
    Fault.ORDER: ("Gói tin được ghi lại với thứ tự phần tử khác", "Written anew in another order"),
    Fault.WHITESPACE: ("Gói tin được ghi lại không xuống dòng", "Written anew without line ends"),
    Fault.FORGOTTEN_DONE: ("Trục quên xác nhận done", "The axis forgets a done"),
    Fault.CLOCK_SKEW: ("Đồng hồ của trục lệch", "The axis' clock is off"),
}

_SETTING = re.compile(
    r"(?:(?P<call>\w+):)?(?P<name>[\w-]+)=(?P<often>off|on|\d+x|[01](?:\.\d+)?|\.\d+)(?:@(?P<argument>.+))?"
)


@dataclass(slots=True)
class Knob:
    """One knob that is turned. ``times``: how often it still strikes; ``None``: as long as it is turned."""

    fault: Fault
    call: str = ALL_CALLS
    probability: float = 1.0
    times: int | None = None
    argument: str = ""
    struck: int = 0  # how often it did

    def described(self) -> dict[str, Any]:
        """As JSON, for the control page."""
        return asdict(self) | {"fault": self.fault.value}


@dataclass(slots=True)
class Knobs:
    """All knobs of one axis. ``seed`` makes probabilities repeatable."""

    seed: int = 0
    turned: list[Knob] = field(default_factory=list)
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def turn(
        self,
        name: str | Fault,
        *,
        call: str = ALL_CALLS,
        probability: float = 1.0,
        times: int | None = None,
        argument: str = "",
    ) -> Knob:
        """Turn a knob; one that was turned for the same call before is replaced. ``ValueError``: no such
        knob, no probability."""
        fault = Fault(name)
        if not 0 <= probability <= 1 or (times is not None and times < 0):
            raise ValueError(f"{probability} is no probability, or {times} no number of calls")
        self.off(fault, call)
        knob = Knob(fault, call, probability, times, argument)
        self.turned.append(knob)
        return knob

    def off(self, name: str | Fault, call: str = ALL_CALLS) -> None:
        """Turn one knob back."""
        fault = Fault(name)
        self.turned = [knob for knob in self.turned if (knob.fault, knob.call) != (fault, call)]

    def clear(self) -> None:
        """Everything works again."""
        self.turned.clear()

    def set(self, text: str) -> None:
        """Turn a knob by words: ``[CALL:]NAME=HOW[@ARGUMENT]``; HOW is ``on``, ``off``, ``0.3`` or ``3x``.

        ``ValueError`` when it cannot be understood.
        """
        found = _SETTING.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"“{text}”: a knob is set as [CALL:]NAME=on|off|0.3|3x[@ARGUMENT]")
        call, often = found["call"] or ALL_CALLS, found["often"]
        if often == "off":
            self.off(found["name"], call)
            return
        times = int(often[:-1]) if often.endswith("x") else None
        probability = 1.0 if often == "on" or times is not None else float(often)
        argument = found["argument"] or ""
        self.turn(found["name"], call=call, probability=probability, times=times, argument=argument)

    def strike(self, fault: Fault, call: str) -> Knob | None:
        """The knob of this fault if it strikes at this call now (which uses up one of its times)."""
        for knob in self.turned:
            if knob.fault is not fault or knob.call not in (ALL_CALLS, call) or knob.times == 0:
                continue
            if knob.probability < 1 and self._random.random() >= knob.probability:
                continue
            if knob.times is not None:
                knob.times -= 1
            knob.struck += 1
            return knob
        return None

    def seconds(self, fault: Fault, call: str, otherwise: float) -> float:
        """The argument of a fault that strikes, as seconds; 0 when it does not."""
        knob = self.strike(fault, call)
        return float(knob.argument or otherwise) if knob else 0.0
