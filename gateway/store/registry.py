"""Rows of the directory, the signer register and the connection profiles.

In charge of: reading them whole (they live in memory as an immutable snapshot) and writing imports. Not in
charge of: looking anything up (``directory/snapshot.py``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import orjson

from gateway.model.agency import (
    Agency,
    Alias,
    LevelSet,
    Profile,
    Signer,
    Succession,
    SuccessionKind,
)
from gateway.model.text import AgencyCode, Instant
from gateway.store.contract import Row, Tx
from gateway.store.dates import day_of, period_columns, period_of

DIRECTORY = "directory"
SIGNERS = "signers"


@dataclass(frozen=True, slots=True)
class Registry:
    """Everything of the directory, as values."""

    agencies: tuple[Agency, ...]
    aliases: tuple[Alias, ...]
    successions: tuple[Succession, ...]
    level_sets: tuple[LevelSet, ...]
    profiles: tuple[Profile, ...]


def read(tx: Tx) -> Registry:
    """The whole directory."""
    return Registry(
        agencies=tuple(_agency(row) for row in tx.all("all_agencies")),
        aliases=tuple(
            Alias(row["alias"], row["code"], row["scheme"], period_of(row)) for row in tx.all("all_aliases")
        ),
        successions=tuple(_succession(row) for row in tx.all("all_successions")),
        level_sets=tuple(
            LevelSet(row["version"], tuple(orjson.loads(row["levels"])), period_of(row))
            for row in tx.all("all_level_sets")
        ),
        profiles=tuple(profile_of(row) for row in tx.all("all_profiles")),
    )


def read_signers(tx: Tx) -> tuple[Signer, ...]:
    """The whole signer register."""
    return tuple(
        Signer(row["certificate_sha256"], row["agency"], row["title"], row["role"], period_of(row))
        for row in tx.all("all_signers")
    )


def write(
    tx: Tx,
    agencies: Iterable[Agency],
    aliases: Iterable[Alias],
    successions: Iterable[Succession],
) -> None:
    """Replace everything about the agencies named, and nothing else (as ``directory.changes.merge``)."""
    agencies = tuple(agencies)
    named = [{"code": code} for code in sorted({agency.code for agency in agencies})]
    for query in ("forget_agency_rows", "forget_alias_rows", "forget_succession_rows"):
        tx.many(query, named)
    tx.many("put_agency", [_agency_row(agency) for agency in agencies])
    tx.many("put_alias", [_alias_row(alias) for alias in aliases])
    tx.many("put_succession", [_succession_row(item) for item in successions])
    tx.run("bump_revision", name=DIRECTORY)


def write_level_sets(tx: Tx, level_sets: Iterable[LevelSet]) -> None:
    """Add or correct level sets."""
    for level_set in level_sets:
        levels = orjson.dumps(level_set.levels).decode()
        tx.run("put_level_set", version=level_set.version, levels=levels, **period_columns(level_set.period))
    tx.run("bump_revision", name=DIRECTORY)


def revisions(tx: Tx) -> dict[str, int]:
    """Which revision of each snapshot is current."""
    return {row["name"]: row["number"] for row in tx.all("revisions")}


def write_signers(tx: Tx, signers: Iterable[Signer]) -> None:
    """Add or correct rows of the signer register."""
    for signer in signers:
        tx.run(
            "put_signer",
            certificate_sha256=signer.certificate_sha256,
            agency=signer.agency,
            title=signer.title,
            role=signer.role,
            **period_columns(signer.period),
        )
    tx.run("bump_revision", name=SIGNERS)


def write_profile(tx: Tx, profile: Profile, secret: bytes | None, at: Instant) -> None:
    """Set how an agency is connected; ``secret`` is already sealed under the keyring."""
    tx.run(
        "put_profile",
        agency=profile.agency,
        adapter=profile.adapter,
        settings=orjson.dumps(dict(profile.settings)).decode(),
        secret=secret,
        dialect=profile.dialect,
        envelope_signature=profile.envelope_signature,
        reports_arrival=int(profile.reports_arrival),
        changed_at=at,
    )
    tx.run("bump_revision", name=DIRECTORY)


def sealed_secret(tx: Tx, agency: AgencyCode) -> bytes | None:
    """The sealed secret of an agency's connection, or ``None``."""
    row = tx.one("profile_of", agency=agency)
    return None if row is None or row["secret"] is None else bytes(row["secret"])


def profile_of(row: Row) -> Profile:
    """The value of a profile row, without its secret."""
    return Profile(
        agency=row["agency"],
        adapter=row["adapter"],
        settings=tuple(sorted(orjson.loads(row["settings"]).items())),
        dialect=row["dialect"],
        envelope_signature=row["envelope_signature"],
        reports_arrival=bool(row["reports_arrival"]),
    )


def _agency_row(agency: Agency) -> dict[str, str | int | None]:
    return {
        "code": agency.code,
        "name": agency.name,
        "level": agency.level,
        "parent": agency.parent,
        "test": int(agency.test),
        "made_up": int(agency.made_up),
        **period_columns(agency.period),
    }


def _alias_row(alias: Alias) -> dict[str, str]:
    return {"alias": alias.alias, "code": alias.code, "scheme": alias.scheme, **period_columns(alias.period)}


def _succession_row(item: Succession) -> dict[str, str]:
    return {
        "old_code": item.old,
        "new_code": item.new or "",
        "kind": item.kind.value,
        "on_day": item.on.isoformat(),
        "certificates_until": item.certificates_until.isoformat() if item.certificates_until else "",
    }


def _agency(row: Row) -> Agency:
    return Agency(
        code=row["code"],
        name=row["name"],
        level=row["level"],
        parent=row["parent"],
        period=period_of(row),
        test=bool(row["test"]),
        made_up=bool(row["made_up"]),
    )


def _succession(row: Row) -> Succession:
    return Succession(
        old=row["old_code"],
        new=row["new_code"] or None,
        kind=SuccessionKind(row["kind"]),
        on=date.fromisoformat(row["on_day"]),
        certificates_until=day_of(row["certificates_until"]),
    )
