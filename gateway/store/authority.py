"""Rows of the list of authorised signers.

In charge of: reading it whole (it lives in memory as a snapshot), and writing the lists of some agencies
anew. Not in charge of: what the rows mean (``checks/authority.py``), who may import them
(``flow/authority.py``).
"""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from gateway.model.authority import Authority
from gateway.model.text import AgencyCode, Instant
from gateway.store.contract import Row, Tx
from gateway.store.dates import period_columns, period_of

AUTHORITY = "authority"


def read(tx: Tx) -> tuple[Authority, ...]:
    """Every row, by agency, title and first day."""
    return tuple(_from_row(row) for row in tx.all("all_authority"))


def replace(tx: Tx, agencies: Iterable[AgencyCode], rows: Iterable[Authority], at: Instant) -> None:
    """The lists of ``agencies`` are ``rows`` from now on; all others stay."""
    for agency in agencies:
        tx.run("forget_authority_of", agency=agency)
    for row in rows:
        tx.run(
            "add_authority",
            agency=row.agency,
            certificate_sha256=row.certificate_sha256,
            title=row.title,
            prefixes=orjson.dumps(row.prefixes).decode(),
            types=orjson.dumps(row.types).decode(),
            **period_columns(row.period),
            source=row.source,
            imported_at=at,
        )
    tx.run("bump_revision", name=AUTHORITY)


def _from_row(row: Row) -> Authority:
    return Authority(
        row["agency"],
        row["certificate_sha256"],
        row["title"],
        tuple(orjson.loads(row["prefixes"])),
        tuple(orjson.loads(row["types"])),
        period_of(row),
        row["source"],
    )
