"""A database filled from a stream of rows, and proven to be what it was filled with.

In charge of: making the schema, filling, comparing counts and digests table by table before anything is
committed, and the log verified there. Not in charge of: where the stream comes from (``restore.py``,
``copy_database.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from gateway.clock import Clock
from gateway.config import Config
from gateway.errors import NotReady, WrongState
from gateway.exchange_log.checkpoint import PublicKey
from gateway.flow.log_verify import Verified, verify_store
from gateway.model.text import Bilingual
from gateway.services import Services
from gateway.signature.keyring import Keyring
from gateway.signature.trust import TrustStore
from gateway.store import open_store, whole
from gateway.store.blobs import Blobs
from gateway.store.dump import BadStream, Tally, count, load_stream


async def fill(
    url: str, home: Path, clock: Clock, stream: Iterable[bytes], steps: int | None = None
) -> list[Tally]:
    """Load ``stream`` into a new or unused database; what lies there was read back and compared. On return it
    is on disk, of this release's schema. ``steps``: migrations that the stream's own release had.

    ``NotReady``: it is in use, or not empty. ``WrongState``: the stream is damaged; nothing was loaded.
    """
    if not whole.is_unused(url, home):
        raise NotReady(_IN_USE, code="restore.not_empty")
    await (await open_store(url, home, clock=clock, purpose="gateway restore", steps=steps)).close()
    try:
        with whole.filling(url, home, "gateway restore") as target:
            loaded = load_stream(stream, target)
            compare(loaded, count(target))
    except BadStream as error:
        raise WrongState(_damaged(str(error)), code="backup.damaged") from error
    await (await open_store(url, home, clock=clock, purpose="gateway restore")).close()
    return loaded


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


def _damaged(detail: str) -> Bilingual:
    return Bilingual(
        f"Dữ liệu trong bản sao lưu bị hỏng ({detail}); chưa nạp gì. Hãy dùng bản sao lưu khác.",
        f"The rows of the backup are damaged ({detail}); nothing was loaded. Use another backup.",
    )
