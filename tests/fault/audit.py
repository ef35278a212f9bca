"""What is checked when an installation has come to rest: receipts, log, conservation.

In charge of: opening it after its last server ended, and asking the program's own verifiers. Not in charge
of: what arrived (``ledger``).
"""

from __future__ import annotations

from datetime import timedelta

from gateway import app
from gateway.clock import ScenarioClock, SystemClock, local_day
from gateway.config import load
from gateway.errors import GatewayError
from gateway.flow import conservation
from gateway.flow.log_verify import keys_of, verify_store
from gateway.flow.operate import LOCAL
from gateway.model.text import Instant
from gateway.signature.seal import read_receipt
from tests.fault.bed import AHEAD, Bed


async def problems(bed: Bed) -> list[str]:
    """In words; empty when everything fits."""
    clock = ScenarioClock(Instant(SystemClock().now() + (bed.lives + 1) * AHEAD * 1_000_000))
    gw = await app.open_services(bed.home.home, load(bed.home.home), clock, "audit")
    try:
        found = _receipts(bed, gw.keyring.receipt_certificates)
        await gw.sequencer.advance(publish=True)
        verified = await verify_store(gw, keys_of(gw, ""), bed.checkpoints)
        if verified.problem is not None:
            found.append(f"log: {verified.problem}")
        while await conservation.count(gw):
            pass
        counted = await conservation.recount(gw, LOCAL)
        if counted["unlike"]:
            found.append(f"conservation: {counted['unlike']}")
        if differ := await conservation.compare(gw):
            found.append(f"conservation: {differ} deliveries differ from their events")
        first = local_day(SystemClock().now())
        for day in range((local_day(clock.now()) - first).days + 1):
            if not (await conservation.show_conservation(gw, LOCAL, first + timedelta(day))).holds:
                found.append(f"conservation: the equation of {first + timedelta(day)} does not hold")
        return found
    finally:
        await gw.close()


def _receipts(bed: Bed, certificates: object) -> list[str]:
    found = []
    for sent in bed.ledger.sent.values():
        try:
            if sent.receipt:
                read_receipt(sent.receipt, certificates)  # type: ignore[arg-type]
        except (GatewayError, ValueError) as error:
            found.append(f"receipt of {sent.sha256}: {error}")
    return found
