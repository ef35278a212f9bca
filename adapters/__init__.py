"""Partner dialects, one file or small package each: its wire format and how a parcel is handed over.

In charge of: the register. A new dialect is a new file and one line in ``KINDS``; ``COLLECTORS``,
``MOUNTS`` and ``LOOPS`` are the ways in. Read ``gateway/port.py`` first. Not in charge of: when to try again
(``gateway/delivery``), who uses which dialect (the directory).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from aiohttp import web

from adapters.folder.collect import FolderCollector
from adapters.folder.drop import Folder
from adapters.inbox import Inbox
from adapters.langson.axis import LangsonAxis
from adapters.langson.inbound import make_app as langson_app
from adapters.langson.pull import LangsonInbox
from adapters.peer import Peer
from adapters.vxp import inbound as vxp
from adapters.vxp.axis import Axis
from adapters.vxp.pull import VxpInbox
from adapters.webhook import Webhook
from gateway.clock import Clock
from gateway.flow.door import Admission
from gateway.net import Net
from gateway.port import Adapter, Collector
from gateway.services import Services


class AdapterType(Protocol):
    """The class of an adapter: made with the outbound client and the clock."""

    @property
    def pull(self) -> bool:
        """True when the recipient comes for its messages, so that ``deliver`` is never called."""
        ...

    def __call__(self, net: Net, clock: Clock) -> Adapter: ...


class Loop(Protocol):
    """What runs for as long as the gateway does; also an inbound half that looks for itself."""

    async def run(self) -> None:
        """Work until ``stop``; then let what is under way end."""
        ...

    def stop(self) -> None:
        """Begin nothing more."""
        ...


KINDS: dict[str, AdapterType] = {
    Axis.kind: Axis,
    Folder.kind: Folder,
    Inbox.kind: Inbox,
    LangsonAxis.kind: LangsonAxis,
    LangsonInbox.kind: LangsonInbox,
    VxpInbox.kind: VxpInbox,
    Peer.kind: Peer,
    Webhook.kind: Webhook,
}

# Kinds whose partner keeps messages for us until we come for them.
COLLECTORS: dict[str, Callable[[Net, Clock], Collector]] = {
    Axis.kind: Axis,
    LangsonAxis.kind: LangsonAxis,
}
# Inbound halves: where the partner's software finds us -> its web application.
MOUNTS: dict[str, Callable[[Services, Admission], web.Application]] = {
    "/vxp": vxp.make_app,
    "/langson": langson_app,
}
# Inbound halves that look for themselves.
LOOPS: tuple[Callable[[Services, Net], Loop], ...] = (FolderCollector,)


def make_adapters(net: Net, clock: Clock) -> dict[str, Adapter]:
    """One of each kind, by kind."""
    return {kind: made(net, clock) for kind, made in KINDS.items()}


def make_collectors(net: Net, clock: Clock) -> dict[str, Collector]:
    """One of each kind whose partner keeps messages for us, by kind."""
    return {kind: made(net, clock) for kind, made in COLLECTORS.items()}


__all__ = [
    "COLLECTORS",
    "KINDS",
    "LOOPS",
    "MOUNTS",
    "AdapterType",
    "Loop",
    "make_adapters",
    "make_collectors",
]
