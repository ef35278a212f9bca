"""What ``gateway doctor`` says of partners that we come to for messages.

In charge of: partners that are away or were never reached, items that wait for their document or were never
confirmed, and comparisons that found a difference. Not in charge of: any other line (``doctor.py``).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from gateway import config
from gateway.clock import SECOND, SystemClock, local_day, to_rfc3339
from gateway.model.text import Bilingual, Instant
from gateway.store import collected, open_store
from gateway.store.collected import Collected, PartnerState, Reconciliation
from gateway.store.contract import Tx

LATE = 3600 * SECOND  # without a successful look
DAYS = 7  # of comparisons
MOST = 1000


async def concerns(home: Path, loaded: config.Config) -> list[Bilingual]:
    """What is worth a line; empty when all is well or there is no such partner."""
    clock = SystemClock()
    store = await open_store(loaded.database.url, home, clock=clock, purpose="doctor", read_only=True)
    try:
        return await store.read(lambda tx: list(_concerns(tx, clock.now())))
    finally:
        await store.close()


def _concerns(tx: Tx, now: Instant) -> Iterator[Bilingual]:
    for state in collected.states(tx):
        if state.away or now - (state.last_success or state.since) > LATE:
            yield _away(state)
        if early := collected.waiting(tx, state.partner, MOST):
            yield _early(state.partner, early)
    since = (local_day(now) - timedelta(days=DAYS)).isoformat()
    for made in collected.reconciliations_since(tx, since, MOST):
        if not made.agrees:
            yield _differs(made)


def _away(state: PartnerState) -> Bilingual:
    last = to_rfc3339(state.last_success) if state.last_success else "—"
    return Bilingual(
        f"Trục {state.partner} không trả lời (lần thành công gần nhất: {last}). {state.reason.vi} Hãy kiểm "
        "tra địa chỉ, khóa bí mật và đường truyền.",
        f"The partner {state.partner} does not answer (last success: {last}). {state.reason.en} Check the "
        "address, the secret and the line.",
    )


def _early(partner: str, early: list[Collected]) -> Bilingual:
    return Bilingual(
        f"{len(early)} trạng thái từ trục {partner} chờ văn bản của mình, lâu nhất từ "
        f"{to_rfc3339(early[0].first_seen)}.",
        f"{len(early)} statuses from {partner} wait for their document, the oldest since "
        f"{to_rfc3339(early[0].first_seen)}.",
    )


def _differs(made: Reconciliation) -> Bilingual:
    command = f"gateway reconcile {made.partner} --day {made.day}"
    return Bilingual(
        f"Đối soát với trục {made.partner} ngày {made.day} có chênh lệch: {len(made.only_ours)} chỉ trục này "
        f"có, {len(made.only_theirs)} chỉ trục kia có. Xem: {command}",
        f"The comparison with {made.partner} for {made.day} differs: {len(made.only_ours)} only here, "
        f"{len(made.only_theirs)} only there. See: {command}",
    )
