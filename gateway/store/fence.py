"""A fence: what one leader wrote stops counting the moment another one has begun.

In charge of: adding to every unit of work that is written behind a fence the proof, in the same transaction,
that the lease is still of the same epoch; and telling whoever holds it once it is not. Not in charge of: who
gets the lease (``nodes.py``, ``delivery/leader.py``), starting and stopping loops.

A leader cannot know that it was paused for a minute; the database can. So the proof is part of the write and
not a question before it. It hangs on the context (``contextvars``) in which a loop runs: tasks that it begins
inherit it, loops know nothing of it, and no write of theirs can forget it. An engine that one process has to
itself asks for no proof: there is nobody else.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass
from typing import TypeVar

from gateway.store.contract import Tx, Unit

T = TypeVar("T")


class Fenced(Exception):
    """Another node does this work now; nothing of the unit was kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Fence:
    """The lease ``name`` in the epoch in which it was taken. ``fell`` is called when a write was refused."""

    name: str
    epoch: int
    fell: Callable[[], None] = lambda: None

    def context(self) -> Context:
        """A context in which every write has to prove the lease: ``create_task(…, context=…)``."""
        context = copy_context()
        context.run(_FENCE.set, self)
        return context

    def prove(self, tx: Tx) -> None:
        """``Fenced`` unless the lease is still of this epoch; it stays so until ``tx`` ends."""
        if tx.one("prove_lease", name=self.name, epoch=self.epoch) is None:
            raise Fenced(f"{self.name}: epoch {self.epoch} is over")


_FENCE: ContextVar[Fence | None] = ContextVar("fence", default=None)


def current() -> Fence | None:
    """The fence behind which the caller runs."""
    return _FENCE.get()


def proven(fence: Fence, unit: Unit[T]) -> Unit[T]:
    """``unit``, after the proof, in one transaction."""

    def both(tx: Tx) -> T:
        fence.prove(tx)
        return unit(tx)

    return both
