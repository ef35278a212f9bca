"""A stopped installation moves to another database.

In charge of: copying all rows between engines by the stream of backups, comparing both sides, and verifying
the log there. Not in charge of: changing the setting, which a person does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.clock import Clock
from gateway.config import KEYS, Config
from gateway.errors import BadRequest, WrongState
from gateway.exchange_log.sequence import log_keys
from gateway.flow.whole_database import fill, verify_log_of
from gateway.model.text import Bilingual
from gateway.signature.keyring import LOG, Keyring
from gateway.store import open_store, whole
from gateway.store.archive import AWAY
from gateway.store.dump import Source, Tally, lines, rows_in


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied, table by table, and the leaves of the log verified there."""

    tables: list[Tally]
    leaves: int

    @property
    def rows(self) -> int:
        return sum(one.rows for one in self.tables)


async def copy_database(home: Path, config: Config, clock: Clock, url: str) -> Copied:
    """Copy everything to the unused database at ``url``; both sides have the same rows on return. It blocks.

    ``NotReady``: a server runs on the SQLite file, or the target is not empty. ``WrongState``: nothing was
    kept there, since the two would differ, or months are away that a SQLite file cannot take back.
    """
    if url == config.database.url:
        raise BadRequest(_SAME, code="migrate.same")
    keyring = Keyring.open(home / KEYS)
    # to this release's schema first
    await (await open_store(config.database.url, home, clock=clock, purpose="gateway migrate")).close()
    with whole.at_rest(config.database.url, home, "gateway migrate") as source:
        if whole.is_file(url):
            _no_month_may_be_away(source)
        found = await fill(url, home, clock, _stream(source))
    keys = log_keys(keyring) if keyring.note_keys(LOG) else []
    log = (await verify_log_of(url, home, clock, keys, keyring, home / "log")).as_json()
    if not log["fits"]:
        text = log["problem"]["text"]
        raise WrongState(Bilingual(text["vi"], text["en"]), code="migrate.log")
    return Copied(found, log["leaves"])


def _stream(source: Source) -> Iterator[bytes]:
    return lines(source, [])


def _no_month_may_be_away(source: Source) -> None:
    for row in rows_in(_stream(source), "archived_month"):
        if row["state"] in AWAY:
            raise WrongState(_away(str(row["month"])), code="migrate.archived")


_SAME = Bilingual(
    "Đây chính là cơ sở dữ liệu đang dùng. Hãy chỉ một cơ sở dữ liệu khác, còn trống.",
    "This is the database in use. Name another, empty one.",
)


def _away(month: str) -> Bilingual:
    command = f"gateway archive attach {month}"
    return Bilingual(
        f"Tháng {month} đã tách khỏi cơ sở dữ liệu, SQLite không gắn lại được. Hãy gắn lại trước: {command}",
        f"Month {month} is out of the database, and SQLite cannot take it back. First: {command}",
    )
