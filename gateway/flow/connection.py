"""Trying an agency's connection now, without sending anything.

In charge of: what is wrong with its settings, whether its address answers, whether a partner that keeps
messages for us takes our account; of an agency that comes to us, what waits for it. Not in charge of: lanes
and retries (``delivery/``), the whole connection test of a new partner (``conform.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.errors import NotFound
from gateway.flow.door import Caller
from gateway.flow.peers import settings_of
from gateway.model.agency import Profile
from gateway.model.text import AgencyCode, Bilingual
from gateway.net import Unreachable
from gateway.port import Unavailable
from gateway.services import Services
from gateway.store import deliveries
from gateway.store.people import Role


@dataclass(frozen=True, slots=True)
class Tried:
    """What a try found."""

    works: bool
    text: Bilingual


async def try_connection(gw: Services, caller: Caller, agency: AgencyCode) -> Tried:
    """Try the connection of an agency now. For operators and administrators."""
    caller.require(Role.OPERATOR, Role.ADMINISTRATOR)
    if gw.directory.resolve(agency) is None:
        raise NotFound(code="agency.unknown")
    profile = gw.directory.profile(agency)
    settings = await settings_of(gw, agency)
    if wrong := gw.connection_problems(profile.adapter, settings):
        return Tried(False, wrong[0])
    if profile.adapter in gw.collectors:
        return await _ask(gw, profile, settings)
    if url := settings.get("url"):
        return await _reach(gw, url)
    waiting = (await gw.store.read(deliveries.waiting_by_recipient)).get(agency, 0)
    return Tried(True, _comes(waiting) if gw.kinds.get(profile.adapter, True) else _NOTHING_TO_TRY)


async def _ask(gw: Services, profile: Profile, settings: dict[str, str]) -> Tried:
    try:
        found = await gw.collectors[profile.adapter].waiting(settings)
    except Unavailable as error:
        return Tried(False, error.text.readable())
    return Tried(
        True,
        Bilingual(
            f"Trục trả lời và nhận tài khoản của ta; {len(found)} mục đang chờ lấy về.",
            f"The partner answers and takes our account; {len(found)} items wait there.",
        ),
    )


async def _reach(gw: Services, url: str) -> Tried:
    try:
        status = await gw.reach(url)
    except Unreachable as error:
        return Tried(False, error.text.readable())
    except OSError:
        return Tried(False, _NO_WAY)
    return Tried(
        True,
        Bilingual(
            f"Địa chỉ trả lời (HTTP {status}). Lần gửi tiếp theo sẽ cho biết hệ thống có nhận văn bản không.",
            f"The address answers (HTTP {status}). The next attempt shows whether it takes documents.",
        ),
    )


def _comes(waiting: int) -> Bilingual:
    return Bilingual(
        f"Đơn vị tự đến lấy văn bản, trục không gọi ra. Hiện có {waiting} lượt đang chờ lấy.",
        f"This agency comes for its documents; the gateway does not call it. {waiting} wait for it.",
    )


_NOTHING_TO_TRY = Bilingual(
    "Thông số kết nối hợp lệ; kiểu kết nối này không có địa chỉ để thử.",
    "The settings are right; this kind of connection has no address to try.",
)
_NO_WAY = Bilingual("Bản cài đặt này không gọi ra ngoài được.", "This installation cannot call out.")
