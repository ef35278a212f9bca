"""What figures are counted with beside the events, as of now: calendar, clocks, clause rules, outages.

In charge of: bringing it together, and a name by which two of them are told apart. Not in charge of: what is
done with it (``contributions.py``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import orjson

from gateway.compliance.calendar import Clocks
from gateway.compliance.clauses import clause_rules
from gateway.compliance.contributions import Outage, Reference
from gateway.services import Services
from gateway.store import calendars, figures
from gateway.store.contract import Row, Tx


def reference(tx: Tx, gw: Services) -> Reference:
    """Calendar in force, clocks, clause rules, and the outages that counted leaves hold."""
    calendar = calendars.in_force(tx, gw.clock.now())
    outages = tuple(outages_of(figures.outages(tx)).values())
    return Reference(calendar, Clocks.of(gw.config.figures), clause_rules(), outages)


def fingerprint(ref: Reference) -> str:
    """Hex SHA-256 over what counting hangs on."""
    told = {
        "form": 1,  # another number when the code counts otherwise: everything is counted again
        "calendar": ref.calendar.sha256,
        "clocks": {name: str(getattr(ref.clocks, name)) for name in Clocks.__dataclass_fields__},
        "clauses": ref.rules.version,
        "outages": [[one.agency, one.from_at, one.to_at] for one in ref.outages],
    }
    return hashlib.sha256(orjson.dumps(told)).hexdigest()


def outages_of(rows: Iterable[Row]) -> dict[str, Outage]:
    """Outages by their ids."""
    return {row["outage"]: Outage(row["agency"], row["from_at"], row["to_at"]) for row in rows}
