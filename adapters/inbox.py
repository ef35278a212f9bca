"""The inbox here: the recipient's system comes for its messages through the native API (``/api/v1/inbox``).

In charge of: being the kind ``inbox``. It needs no settings and carries nothing: ``flow/inbox.py`` hands the
bytes over and settles the delivery.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from gateway.clock import Clock
from gateway.model.text import Bilingual
from gateway.net import Net
from gateway.port import Outcome, Parcel


class Inbox:
    """A pull kind (``port.Adapter``)."""

    kind: ClassVar[str] = "inbox"
    pull: ClassVar[bool] = True

    def __init__(self, net: Net, clock: Clock) -> None:
        """The inbox needs neither."""

    def check_settings(self, settings: Mapping[str, str]) -> list[Bilingual]:
        """Nothing can be wrong: an inbox has no settings."""
        return []

    async def deliver(self, parcel: Parcel) -> Outcome:
        """Never called: the worker does not claim deliveries of pull kinds."""
        raise RuntimeError(f"delivery {parcel.delivery_id} waits in an inbox; it is not carried")

    async def close(self) -> None:
        """There is nothing to let go of."""
