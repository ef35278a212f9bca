"""The list of authorised signers: imported by an administrator, asked by the gate (NĐ 30/2020 Đ13).

In charge of: showing the lists, preview and import of those of some agencies. Not in charge of: asking them
(``competence.py``), the signer register (``signers.py``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.checks.authority_csv import read_authority_csv
from gateway.errors import BadRequest
from gateway.flow import record
from gateway.flow.door import Caller
from gateway.flow.look import SEES_ALL
from gateway.model.authority import Authority
from gateway.model.canonical import canonical_json
from gateway.model.event import EventType
from gateway.model.text import AgencyCode, Bilingual
from gateway.services import Services
from gateway.store import authority, events
from gateway.store.contract import Tx
from gateway.store.people import Role


@dataclass(frozen=True, slots=True)
class AuthorityChanges:
    """What an import does to the lists of the agencies that it names. A row that differs in anything is
    another row."""

    agencies: tuple[str, ...]
    added: tuple[Authority, ...]
    removed: tuple[Authority, ...]
    unchanged: int


async def list_authority(gw: Services, caller: Caller, agency: str = "") -> list[Authority]:
    """Every list, or that of one agency."""
    caller.require(*SEES_ALL)
    code = gw.directory.canonical(agency) if agency else ""
    rows = await gw.store.read(authority.read)
    return [row for row in rows if not code or row.agency == code]


async def import_authority(
    gw: Services, caller: Caller, text: str, preview: bool = False
) -> AuthorityChanges:
    """Take over the lists of the agencies in a CSV: each list as a whole, past rows included. With
    ``preview`` only say what would change. Documents that were sent before keep what was found then."""
    caller.require(Role.ADMINISTRATOR)
    rows = read_authority_csv(text, lambda code: _agency(gw, code))
    if preview:
        return _compare(await gw.store.read(authority.read), rows)

    def unit(tx: Tx) -> AuthorityChanges:
        changes = _compare(authority.read(tx), rows)
        at = gw.clock.now()
        authority.replace(tx, map(AgencyCode, changes.agencies), rows, at)
        events.record(
            tx,
            record.event(gw, EventType.AUTHORITY_IMPORTED, caller.principal, at, facts=_facts(changes, rows)),
        )
        return changes

    changes = await gw.store.write(unit)
    await gw.refresh()
    return changes


def _compare(known: Iterable[Authority], rows: Sequence[Authority]) -> AuthorityChanges:
    agencies = sorted({row.agency for row in rows})
    before, given = {row for row in known if row.agency in agencies}, set(rows)
    return AuthorityChanges(
        tuple(agencies),
        tuple(row for row in rows if row not in before),
        tuple(sorted(before - given, key=_order)),
        len(before & given),
    )


def _order(row: Authority) -> tuple[str, str, str, str]:
    return row.agency, row.title, row.certificate_sha256, str(row.period.start or "")


def _facts(changes: AuthorityChanges, rows: Sequence[Authority]) -> dict[str, Any]:
    """Which lists, how long they are, and a hash of them: nothing personal."""
    said = [
        {
            "agency": row.agency,
            "certificate_sha256": row.certificate_sha256,
            "title": row.title,
            "prefixes": list(row.prefixes),
            "types": list(row.types),
            "from": str(row.period.start or ""),
            "to": str(row.period.end or ""),
            "source": row.source,
        }
        for row in sorted(rows, key=_order)
    ]
    return {
        "agencies": list(changes.agencies),
        "rows": len(rows),
        "added": len(changes.added),
        "removed": len(changes.removed),
        "sha256": hashlib.sha256(canonical_json(said)).hexdigest(),
    }


def _agency(gw: Services, text: str) -> AgencyCode:
    code = gw.directory.resolve(text)
    if code is None:
        raise BadRequest(_unknown(text), code="authority.unknown_agency")
    return code


def _unknown(text: str) -> Bilingual:
    return Bilingual(
        f"Danh mục chưa có đơn vị {text or '(trống)'}. Hãy kiểm tra mã định danh trong tệp, hoặc nhập "
        "danh mục trước.",
        f"The directory does not know {text or '(empty)'}. Check the code in the file, or import the "
        "directory first.",
    )
