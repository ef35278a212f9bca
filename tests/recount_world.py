"""Events written by hand, and the export of a log that holds them; for tests of the recount."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import orjson

from gateway.calendar_data import shipped_calendar
from gateway.compliance.recount_compare import Asked, read_log
from gateway.compliance.recount_data import rules_at_hand, working_days
from gateway.model.canonical import canonical_json

VIETNAM = timezone(timedelta(hours=7))
WEEK = (date(2020, 4, 13), date(2020, 4, 19))
CLOCKS = {
    "morning_until": "12:00",
    "working_until": "17:00",
    "urgent_minutes": 60,
    "pull_hours": 48,
    "status_days": 15,
    "clock_seconds": 300,
}


def at(text: str) -> int:
    """``13/04 09:30`` of 2020, local, as an instant."""
    moment = datetime.strptime(f"2020/{text}", "%Y/%d/%m %H:%M").replace(tzinfo=VIETNAM)
    return int(moment.timestamp()) * 1_000_000


def verdict(role: str = "person", signed: str = "2020-04-13T09:00:00+07:00", **more: Any) -> dict[str, Any]:
    """A valid signature on the main file."""
    return {
        "indication": "TOTAL-PASSED",
        "role": role,
        "signing_time": signed,
        "time_source": "timestamp",
        "coverage": "whole file",
        "file": 0,
        **more,
    }


def both(signed: str = "2020-04-13T09:00:00+07:00") -> list[dict[str, Any]]:
    """Leader and agency."""
    return [verdict("person", signed), verdict("agency", signed)]


@dataclass(slots=True)
class Log:
    """A log in the making: each method adds an event and changes one thing at most."""

    bodies: list[dict[str, Any]] = field(default_factory=list)

    def add(self, event: str, when: str, **fields: Any) -> dict[str, Any]:
        """Any event."""
        body = {
            "v": 1,
            "id": f"e{len(self.bodies)}",
            "type": event,
            "at": at(when),
            "clock": {"source": "scenario", "offset": None},
            "actor": "somebody",
            **fields,
        }
        self.bodies.append(body)
        return body

    def accepted(self, document: str = "d1", when: str = "13/04 10:00", **fields: Any) -> dict[str, Any]:
        """A document that nothing is wrong with: signed by both this morning, everything stated."""
        said = {
            "document": document,
            "message": f"m-{document}",
            "sender": "H37",
            "sender_level": "province",
            "kind": "new",
            "decision": "accept",
            "document_id": f"id-{document}",
            "findings": [],
            "verdicts": both(),
            "number": document,
            "notation": "UBND-KT",
            "promulgation_date": "2020-04-13",
            "urgency": 0,
            "paper": "",
            "files": [{"sha256": "00", "size": 1, "format": "pdf", "opens": True}],
            "authority": "listed",
            "metadata": [],
            "recipients": ["H37.03"],
        }
        return self.add("document.accepted", when, **(said | fields))

    def moved(
        self, event: str, when: str, document: str = "d1", to: str = "H37.03", **fields: Any
    ) -> dict[str, Any]:
        """Something about the delivery to ``to``: ``event`` is what stands after ``delivery.``."""
        said = {
            "document": document,
            "message": f"m-{document}",
            "delivery": f"{document}-{to}",
            "sender": "H37",
            "sender_level": "province",
            "recipient": to,
            "recipient_level": "province",
            "kind": "new",
        }
        return self.add(f"delivery.{event}", when, **(said | fields))

    def status(
        self, code: str, when: str, document: str = "d1", by: str = "H37.03", **fields: Any
    ) -> dict[str, Any]:
        """A status of the recipient."""
        said = {
            "document": document,
            "message": f"s{len(self.bodies)}",
            "sender": by,
            "sender_level": "province",
            "status": code,
            "kind": "status",
            "automatic": False,
        }
        return self.add("status.reported", when, **(said | fields))

    def delivered(self, when: str = "13/04 10:05", document: str = "d1", to: str = "H37.03") -> None:
        """Queued as the document was accepted, fetched and taken then."""
        self.moved("queued", "13/04 10:00", document, to)
        self.moved("fetched", when, document, to)
        self.moved("delivered", when, document, to)

    def export(self, folder: Path, leave_out: Iterable[int] = ()) -> Path:
        """The file that ``gateway log export`` would write; leaves of ``leave_out`` are cut out, the others
        keep their places."""
        file = folder / "log.export"
        bodies = [canonical_json(body) for body in self.bodies]
        lines = [b'gateway-log 1 {"origin":"thu","from":0,"left":[],"keys":[]}\n']
        lines += [_line(n, body) for n, body in enumerate(bodies) if n not in set(leave_out)]
        file.write_bytes(b"".join(lines) + b"end %d\n" % len(bodies))
        return file

    def report(self, counts: Mapping[str, Mapping[str, int]], **fields: Any) -> dict[str, Any]:
        """A frozen report over all events so far (as far as a recount reads it)."""
        body = {
            "form": "frozen-report/1",
            "id": "r1",
            "period": {"name": "2020-W16", "from": "2020-04-13", "to": "2020-04-19"},
            "data_as_of": {
                "at": "2020-04-20T00:00:00.000000+07:00",
                "size": len(self.bodies),
                "root": root_of([canonical_json(one) for one in self.bodies]),
            },
            "calendar": shipped_as_stated(),
            "clauses_version": rules_at_hand().version,
            "clocks": CLOCKS,
            "excluded": [],
            "counts": counts,
            "recalls": {"n": 0, "p50_minutes": None, "p95_minutes": None},
            **fields,
        }
        return {"body": body, "sha256": hashlib.sha256(canonical_json(body)).hexdigest(), "jws": ""}


def shipped_as_stated() -> dict[str, Any]:
    """The shipped calendar, as a report holds it."""
    calendar = shipped_calendar()
    return {"version": calendar.version, "sha256": calendar.sha256, "days": calendar.as_json()}


def stated(version: str, days: list[dict[str, Any]]) -> dict[str, Any]:
    """A calendar of one's own, as a report holds it."""
    return {"version": version, "sha256": hashlib.sha256(canonical_json(days)).hexdigest(), "days": days}


def _line(number: int, body: bytes) -> bytes:
    return b"%d %s %s\n" % (number, hashlib.sha256(b"\x00" + body).hexdigest().encode(), body)


def root_of(bodies: list[bytes]) -> str:
    """RFC 6962 section 2.1, as it stands there: recursive."""

    def head(part: list[bytes]) -> bytes:
        if len(part) < 2:
            return hashlib.sha256(b"\x00" + part[0] if part else b"").digest()
        split = 1 << ((len(part) - 1).bit_length() - 1)
        return hashlib.sha256(b"\x01" + head(part[:split]) + head(part[split:])).digest()

    return head(bodies).hex()


def counts(log: Log, folder: Path, *, end: str = "20/04 00:00", **asked: Any) -> dict[str, dict[str, int]]:
    """The counts of the week of 13 April 2020."""
    given = Asked(*WEEK, working_days({"version": "", "days": []}), end=at(end), **asked)
    found = read_log(log.export(folder), given, rules_at_hand())
    assert found.flaws == ()
    return {agency: dict(names) for agency, names in found.counts.by_agency.items()}


def write(report: Mapping[str, Any], folder: Path) -> Path:
    """The report as a file."""
    file = folder / "report.json"
    file.write_bytes(orjson.dumps(report))
    return file


__all__ = [
    "CLOCKS",
    "WEEK",
    "Log",
    "at",
    "both",
    "counts",
    "root_of",
    "shipped_as_stated",
    "stated",
    "verdict",
    "write",
]
