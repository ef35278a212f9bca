"""Rows of delivery objectives, of alerts, and of the messages about alerts.

In charge of: reading and writing them, and what came due within a stretch of time. Not in charge of: when an
alert begins or ends (``compliance/objectives.py``), sending (``delivery/alert_senders.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson

from gateway.model.agency import Period
from gateway.model.objective import Alert, Measure, Objective, Span
from gateway.model.text import AgencyCode, Instant
from gateway.store.contract import Row, Tx


@dataclass(frozen=True, slots=True)
class Start:
    """A delivery that an objective speaks about: when its time began, and ended (``None``: not yet)."""

    recipient: AgencyCode
    at: Instant
    done: Instant | None


@dataclass(frozen=True, slots=True)
class Notice:
    """One message about alerts, for one channel (``email``, ``webhook``)."""

    id: str
    channel: str
    body: dict[str, Any]
    made_at: Instant
    due_at: Instant | None
    tries: int = 0
    problem: str = ""
    sent_at: Instant | None = None
    given_up_at: Instant | None = None


# ------------------------------------------------------------------ objectives


def objectives(tx: Tx) -> tuple[Objective, ...]:
    """Every objective that was set, oldest first, ended ones included."""
    return tuple(_objective(row) for row in tx.all("all_objectives"))


def add_objective(tx: Tx, new: Objective) -> None:
    """Set one."""
    tx.run(
        "add_objective",
        id=new.id,
        agency=new.agency,
        measure=new.measure.value,
        per_mille=new.per_mille,
        minutes=new.minutes,
        valid_from=new.period.start.isoformat() if new.period.start else "",
        valid_to=new.period.end.isoformat() if new.period.end else "",
        decided_by=new.decided_by,
        decided_at=new.decided_at,
        event=new.event,
    )


def end_objective(tx: Tx, objective: str, at: Instant) -> bool:
    """It holds no more. False: there is none, or it was ended."""
    return tx.run("end_objective", id=objective, at=at) > 0


def starts(tx: Tx, measure: Measure, from_at: Instant, to_at: Instant) -> list[Start]:
    """Deliveries of documents whose time began in ``[from_at, to_at)``."""
    query = "waits_between" if measure is Measure.FETCHED else "arrivals_between"
    rows = tx.all(query, from_at=from_at, to_at=to_at)
    return [Start(AgencyCode(row["recipient"]), row["at"], row["done"]) for row in rows]


def overdue(tx: Tx, agency: AgencyCode, before: Instant) -> int:
    """Deliveries of an agency that began to wait before then and wait still."""
    row = tx.one("waiting_since_before", recipient=agency, before=before)
    assert row is not None
    return int(row["n"])


# ------------------------------------------------------------------ alerts


def open_alerts(tx: Tx) -> list[Alert]:
    """Alerts that are not over."""
    return [_alert(row) for row in tx.all("open_alerts")]


def newest(tx: Tx, limit: int, agency: str = "") -> list[Alert]:
    """The newest alerts, of one agency or of all."""
    return [_alert(row) for row in tx.all("newest_alerts", limit=limit, agency=agency)]


def told_since(tx: Tx, alert: Alert, since: Instant) -> bool:
    """True when a message about the same went out since then."""
    found = tx.one(
        "alert_told_since",
        agency=alert.agency,
        measure=alert.measure.value,
        span=alert.span.value,
        since=since,
    )
    return found is not None


def put(tx: Tx, new: Alert) -> bool:
    """Open an alert. False: another process did."""
    return (
        tx.run(
            "add_alert",
            id=new.id,
            agency=new.agency,
            measure=new.measure.value,
            span=new.span.value,
            raised_at=new.raised_at,
            due=new.due,
            missed=new.missed,
            burn=new.burn,
            event=new.event,
            told=int(new.told),
        )
        > 0
    )


def note(tx: Tx, alert: str, worst: float, calm_since: Instant | None) -> None:
    """How it stands now."""
    tx.run("note_alert", id=alert, worst=worst, calm_since=calm_since)


def end(tx: Tx, alert: str, at: Instant) -> bool:
    """It is over. False: another process said so."""
    return tx.run("end_alert", id=alert, at=at) > 0


# ------------------------------------------------------------------ messages


def add_notice(tx: Tx, new: Notice) -> None:
    """Write a message; it is due at once."""
    body = orjson.dumps(new.body).decode()
    tx.run(
        "add_alert_notice", id=new.id, channel=new.channel, body=body, made_at=new.made_at, due_at=new.due_at
    )


def due_notices(tx: Tx, now: Instant, limit: int) -> list[Notice]:
    """Messages to send now, oldest first."""
    return [_notice(row) for row in tx.all("due_alert_notices", now=now, limit=limit)]


def newest_notices(tx: Tx, limit: int) -> list[Notice]:
    """The newest messages and what became of them."""
    return [_notice(row) for row in tx.all("newest_alert_notices", limit=limit)]


def waiting_notices(tx: Tx) -> int:
    """Messages that are neither sent nor given up."""
    row = tx.one("waiting_alert_notices")
    assert row is not None
    return int(row["n"])


def claim(tx: Tx, notice: Notice, until: Instant) -> bool:
    """Take a message for one try; it is due again at ``until``. False: another process has it."""
    assert notice.due_at is not None
    return tx.run("claim_alert_notice", id=notice.id, due_at=notice.due_at, until=until) > 0


def settle(
    tx: Tx,
    notice: str,
    *,
    due_at: Instant | None = None,
    problem: str = "",
    sent_at: Instant | None = None,
    given_up_at: Instant | None = None,
) -> None:
    """What the try came to: sent, given up, or again at ``due_at``."""
    tx.run(
        "settle_alert_notice",
        id=notice,
        due_at=due_at,
        problem=problem,
        sent_at=sent_at,
        given_up_at=given_up_at,
    )


def _objective(row: Row) -> Objective:
    start = date.fromisoformat(row["valid_from"]) if row["valid_from"] else None
    end = date.fromisoformat(row["valid_to"]) if row["valid_to"] else None
    return Objective(
        Measure(row["measure"]),
        row["per_mille"],
        row["minutes"],
        Period(start, end),
        AgencyCode(row["agency"]),
        row["id"],
        row["decided_by"],
        row["decided_at"],
        row["event"],
        row["ended_at"],
    )


def _alert(row: Row) -> Alert:
    return Alert(
        row["id"],
        AgencyCode(row["agency"]),
        Measure(row["measure"]),
        Span(row["span"]),
        row["raised_at"],
        row["due"],
        row["missed"],
        row["burn"],
        row["worst"],
        row["event"],
        bool(row["told"]),
        row["calm_since"],
        row["ended_at"],
    )


def _notice(row: Row) -> Notice:
    return Notice(
        row["id"],
        row["channel"],
        orjson.loads(row["body"]),
        row["made_at"],
        row["due_at"],
        row["tries"],
        row["problem"],
        row["sent_at"],
        row["given_up_at"],
    )
