"""A stopped installation moves to another database.

In charge of: copying all rows between engines by the stream of backups, comparing both sides, and verifying
the log there. Not in charge of: changing the setting, which a person does.
"""

from __future__ import annotations

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
from gateway.store.dump import Tally, lines

ARCHIVE = "archive"  # in the home: files of months that were taken out


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
    kept there, since the two would differ, or the file of a month that was taken out is lost. Such months
    are in the tables of the copy again.
    """
    if url == config.database.url:
        raise BadRequest(_SAME, code="migrate.same")
    keyring = Keyring.open(home / KEYS)
    # to this release's schema first
    await (await open_store(config.database.url, home, clock=clock, purpose="gateway migrate")).close()
    with whole.at_rest(config.database.url, home, "gateway migrate") as source:
        found = await fill(url, home, clock, lines(source, []), archive=home / ARCHIVE)
    keys = log_keys(keyring) if keyring.note_keys(LOG) else []
    log = (await verify_log_of(url, home, clock, keys, keyring, home / "log")).as_json()
    if not log["fits"]:
        text = log["problem"]["text"]
        raise WrongState(Bilingual(text["vi"], text["en"]), code="migrate.log")
    return Copied(found, log["leaves"])


_SAME = Bilingual(
    "Đây chính là cơ sở dữ liệu đang dùng. Hãy chỉ một cơ sở dữ liệu khác, còn trống.",
    "This is the database in use. Name another, empty one.",
)
