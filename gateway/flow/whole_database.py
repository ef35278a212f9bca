"""A database filled from a stream of rows, and proven to be what it was filled with.

In charge of: making the schema, filling, comparing counts and digests table by table before anything is
committed, months that come back from their files, and the log verified there.
Not in charge of: where the stream comes from (``restore.py``,
``copy_database.py``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.clock import Clock
from gateway.config import Config
from gateway.errors import NotReady, WrongState
from gateway.exchange_log.checkpoint import PublicKey
from gateway.flow.archive_file import digest, pages
from gateway.flow.log_verify import Verified, verify_store
from gateway.model.text import Bilingual
from gateway.services import Services
from gateway.signature.keyring import Keyring
from gateway.signature.trust import TrustStore
from gateway.store import open_store, restores, whole
from gateway.store.archive import AWAY
from gateway.store.blobs import Blobs
from gateway.store.dump import BadStream, Source, Tally, Target, count, load_stream
from gateway.store.restores import Pending


async def fill(
    url: str,
    home: Path,
    clock: Clock,
    stream: Iterable[bytes],
    steps: int | None = None,
    *,
    archive: Path,
    lacks: Collection[str] = (),
    pending: Pending | None = None,
) -> list[Tally]:
    """Load ``stream`` into a new or unused database; what lies there was read back and compared. On return it
    is on disk, of this release's schema. ``steps``: migrations that the stream's own release had.

    Months that were taken out come back from their files in ``archive``; those in ``lacks`` (file names) stay
    away if they are not there. ``pending``: what is to be settled before anybody serves it; it comes with the
    rows, in one transaction. ``NotReady``: the database is in use, or not empty, or a month was just being
    taken out. ``WrongState``: the stream or such a file is damaged or missing; nothing was loaded.
    """
    if not whole.is_unused(url, home):
        raise NotReady(_IN_USE, code="restore.not_empty")
    await (await open_store(url, home, clock=clock, purpose="gateway restore", steps=steps)).close()
    try:
        with whole.filling(url, home, "gateway restore") as target:
            loaded = load_stream(stream, target)
            compare(loaded, count(target))
            _bring_back(target, archive, lacks, whole.is_file(url))
            is_said = pending is None or _suspend(target, pending)
    except BadStream as error:
        raise WrongState(_damaged(str(error)), code="backup.damaged") from error
    store = await open_store(url, home, clock=clock, purpose="gateway restore")
    if pending is not None and not is_said:  # its release had no row for that
        await store.write(lambda tx: restores.suspend(tx, pending))
    await store.close()
    return loaded


def _suspend(target: Target, pending: Pending) -> bool:
    for table in target.tables():
        if table.name == "restore_item":
            row = pending.row()
            target.add(table, [[row[column] for column in table.columns]])
            return True
    return False


@dataclass(frozen=True, slots=True)
class Away:
    """A month that is not in the tables. ``file``: its name in the archive folder, ``''``: not written yet;
    ``sha256`` (hex) and ``rows``: of the file."""

    month: str
    file: str
    sha256: str
    rows: int


def away_in(source: Source) -> list[Away]:
    """The months that are not in the tables. ``NotReady`` when one is in no file either."""
    for table in source.tables():
        if table.name == "archived_month":
            every = [dict(zip(table.columns, row, strict=True)) for row in source.rows(table)]
            return [_away(row) for row in every if row["state"] in AWAY]
    return []


def _away(row: Mapping[str, Any]) -> Away:
    if not row["file"]:
        raise NotReady(_half_taken(row["month"]), code="archive.unfinished")
    return Away(row["month"], Path(row["file"]).name, row["sha256"], row["rows"])


def _bring_back(target: Target, archive: Path, lacks: Collection[str], needs_all: bool) -> None:
    """Months that are away, from their files: the tables that they may have stood in are not in a stream.
    ``needs_all``: an event of each leaf has to be there (SQLite), so none may stay away."""
    for one in away_in(target):
        file = archive / one.file
        if not file.is_file() and one.file in lacks:
            if needs_all:
                raise WrongState(_lacks(one.file), code="restore.month")
            continue
        if not file.is_file() or digest(file) != one.sha256:
            raise BadStream(f"archive/{one.file}")
        if target.bring_back(one.month, pages(file, one.month)) != one.rows:
            raise BadStream(f"archive/{one.file}: {one.rows} rows were meant")


def compare(told: Sequence[Tally], found: Sequence[Tally]) -> None:
    """``BadStream`` names the first table that differs."""
    for one, other in zip(told, found, strict=True):
        if one != other:
            raise BadStream(f"{one.table}: {one.rows} rows were meant, {other.rows} are there, or other ones")


async def verify_log_of(
    url: str, home: Path, clock: Clock, keys: Sequence[PublicKey], keyring: Keyring | None, heads: Path | None
) -> Verified:
    """The log of a database, replayed against its own heads and those in the folder ``heads``."""
    store = await open_store(url, home, clock=clock, purpose="gateway backup verify", read_only=True)
    gw = Services(
        config=Config(),
        clock=clock,
        store=store,
        blobs=Blobs(home / "payloads"),
        keyring=keyring or Keyring.without_keys(home),
        trust_store=TrustStore(()),
        kinds={},
        log_folder=heads,
    )
    try:
        return await verify_store(gw, keys)
    finally:
        await gw.close()


_IN_USE = Bilingual(
    "Cơ sở dữ liệu đích đã có dữ liệu; không bao giờ ghi đè. Hãy chỉ một cơ sở dữ liệu mới, còn trống.",
    "The target database holds data; nothing is ever overwritten. Name a new, empty one.",
)


def _lacks(name: str) -> Bilingual:
    return Bilingual(
        f"Bản sao lưu không có tệp lưu trữ {name} của một tháng đã tách ra, mà SQLite cần đủ mọi tháng. Hãy "
        "khôi phục vào PostgreSQL (--database), rồi đặt tệp đó vào thư mục archive và gắn tháng lại.",
        f"The backup lacks the archive file {name} of a month that was taken out; SQLite needs all months. "
        "Restore into PostgreSQL (--database), then put the file into the folder archive and attach it.",
    )


def _half_taken(month: str) -> Bilingual:
    command = f'gateway archive detach {month[:4]}-{month[4:]} --reason "…"'
    return Bilingual(
        f"Tháng {month[4:]}/{month[:4]} đang được tách ra và chưa ghi xong vào tệp, nên bản sao nào lúc này "
        f"cũng thiếu tháng đó. Hãy chờ lệnh tách chạy xong, hoặc chạy lại: {command}; rồi làm lại.",
        f"Month {month[4:]}/{month[:4]} is being taken out and is not in its file yet, so any copy made now "
        f"would lack it. Wait for that command, or run it again: {command}; then try again.",
    )


def _damaged(detail: str) -> Bilingual:
    return Bilingual(
        f"Dữ liệu trong bản sao lưu bị hỏng ({detail}); chưa nạp gì. Hãy dùng bản sao lưu khác.",
        f"The rows of the backup are damaged ({detail}); nothing was loaded. Use another backup.",
    )
