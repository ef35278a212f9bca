"""The recipient's software comes for its messages with the national SDK (``/vxp``).

In charge of: being the kind ``vxp`` and its one setting: ``codes``, the form in which its software wants
agency codes, in lists as in messages. Without it, lists have ``qcvn102`` and messages go on as they
came. It carries nothing: ``inbound.py`` hands the bytes over.
What waits for it can be fetched through the native API as well: both doors show the same inbox.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from gateway.clock import Clock
from gateway.model.text import Bilingual
from gateway.net import Net
from gateway.port import Outcome, Parcel

_CODES = ("", "as_received", "qcvn102", "qd20", "vxp")


class VxpInbox:
    """A pull kind (``port.Adapter``)."""

    kind: ClassVar[str] = "vxp"
    pull: ClassVar[bool] = True

    def __init__(self, net: Net, clock: Clock) -> None:
        """Waiting needs neither."""

    def check_settings(self, settings: Mapping[str, str]) -> list[Bilingual]:
        """A form of codes that we can write."""
        return [] if settings.get("codes", "") in _CODES else [_WRONG_CODES]

    async def deliver(self, parcel: Parcel) -> Outcome:
        """Never called: the worker does not claim deliveries of pull kinds."""
        raise RuntimeError(f"delivery {parcel.delivery_id} waits for its recipient; it is not carried")

    async def close(self) -> None:
        """There is nothing to let go of."""


_WRONG_CODES = Bilingual(
    "Thiết lập codes chỉ nhận as_received, qcvn102, qd20 hoặc vxp.",
    "The setting codes is as_received, qcvn102, qd20 or vxp.",
)
