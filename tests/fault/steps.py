"""The numbered steps of docs/one-document.md as places in the code where a process may be killed.

In charge of: the table, and wrapping the named functions in a process that is to die. The product knows
nothing of it. Not in charge of: when a step is armed (``child``).
"""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Step:
    """``number`` on the page; ``place``: module and name of what runs there."""

    name: str
    number: int
    place: str

    @property
    def moments(self) -> tuple[str, str]:
        """Right before it, right after it."""
        return "before", "after"


STEPS = (
    Step("receive", 1, "gateway.flow.door:take_in"),
    Step("submit", 2, "gateway.flow.peers:submit"),
    Step("read", 3, "gateway.flow.submit:read"),
    Step("signatures", 4, "gateway.flow.submit:judge_files"),
    Step("examine", 5, "gateway.flow.submit:examine"),
    Step("route", 6, "gateway.flow.submit:forms_for"),
    Step("durable", 7, "gateway.flow.door:Upload.make_durable"),
    Step("rows", 7, "gateway.flow.submit:commit"),
    Step("commit", 7, "gateway.store.sqlite:_commit"),
    Step("answer", 8, "gateway.flow.peers:submit_from"),
    Step("claim", 9, "gateway.delivery.worker:claim_due"),
    Step("carry", 9, "gateway.delivery.worker:Worker._carry"),
    Step("adapter", 10, "adapters.webhook:Webhook.deliver"),
    Step("settle", 11, "gateway.delivery.worker:settle"),
    Step("fetch", 12, "gateway.flow.inbox:fetch"),
    Step("fetched", 12, "gateway.flow.inbox:_mark_fetched"),
    Step("done", 12, "gateway.flow.inbox:settle"),
    Step("arrive", 13, "gateway.flow.inbox:arrive"),
    Step("recall", 14, "gateway.flow.withdraw:ask"),
    Step("recall answered", 15, "gateway.flow.withdraw:answered"),
    Step("update", 16, "gateway.flow.submit:follow"),
    Step("sequence", 18, "gateway.exchange_log.sequence:Sequencer.sequence"),
    Step("integrate", 18, "gateway.exchange_log.sequence:Sequencer.integrate"),
    Step("sign head", 18, "gateway.exchange_log.sequence:Sequencer._sign"),
    Step("lay out head", 18, "gateway.exchange_log.sequence:lay_out"),
)
BY_NAME = {step.name: step for step in STEPS}
POSTGRES = {"commit": "gateway.store.postgres:_commit"}  # the same step on the other engine


class Trap:
    """Kills this process at the ``passage``-th time that the step is passed once it is armed."""

    def __init__(self, step: Step, moment: str, passage: int, place: str = "") -> None:
        self._moment, self._left, self._armed = moment, passage, False
        wrap(place or step.place, self._before, self._after)

    def arm(self) -> None:
        """From now on passages count."""
        self._armed = True

    def _before(self) -> None:
        self._pass("before")

    def _after(self) -> None:
        self._pass("after")

    def _pass(self, moment: Literal["before", "after"]) -> None:
        if self._armed and moment == self._moment:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def wrap(place: str, before: Callable[[], None], after: Callable[[], None]) -> None:
    """Have ``before`` and ``after`` called around the function or method that stands there."""
    module, _, path = place.partition(":")
    owner: Any = importlib.import_module(module)
    *way, name = path.split(".")
    for part in way:
        owner = getattr(owner, part)
    setattr(owner, name, _around(getattr(owner, name), before, after))


def _around(function: Callable[..., Any], before: Callable[[], None], after: Callable[[], None]) -> Any:
    if asyncio.iscoroutinefunction(function):

        @wraps(function)
        async def waited(*args: Any, **kwargs: Any) -> Any:
            before()
            value = await function(*args, **kwargs)
            after()
            return value

        return waited

    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        before()
        value = function(*args, **kwargs)
        after()
        return value

    return called
