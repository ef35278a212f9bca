"""One month in one file: gzip of JSON lines, so that it can be read without us.

In charge of: writing a detached month, reading a file back, and what makes it believable: its SHA-256, the
number of rows, and that every event hashes to the leaf that the exchange log keeps for it. Not in charge of:
tables (``store/archive.py``), who may (``flow/archive.py``).

First line ``{"format", "month", "rows"}``, then ``{"table", "row"}`` for each row (bytes as PostgreSQL writes
them, in hex), in the order of ``store.archive.TABLES``. Personal values never leave the database.
"""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import AsyncIterator, Iterator
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from gateway.errors import NotReady
from gateway.exchange_log.merkle import leaf_hash
from gateway.model.text import Bilingual
from gateway.services import Services
from gateway.store import archive
from gateway.store.archive import TABLES, Line, Month
from gateway.store.places import sync_folder

FORMAT = "gateway-archive/1"
PAGE = 2000  # rows
BLOCK = 1 << 20  # bytes


async def write_month(gw: Services, month: Month, folder: Path) -> tuple[str, str]:
    """Write a detached month to a new file in ``folder``; its name and SHA-256 (hex). ``NotReady`` when what
    is read back from it is not the month."""
    folder.mkdir(mode=0o700, exist_ok=True)
    name = f"{month.month}-{gw.new_id()}.jsonl.gz"
    part = folder / f"{name}.part"
    with _created(part) as raw:
        with gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
            file.write(_line({"format": FORMAT, "month": month.month, "rows": month.rows}))
            for table in TABLES:
                async for page in _pages(gw, month, table):
                    file.writelines(_text(table, line.text) for line in page)
        raw.flush()
        os.fsync(raw.fileno())
    part.rename(folder / name)
    sync_folder(folder)
    sha256 = digest(folder / name)
    await verify(gw, month, folder / name, sha256)
    return name, sha256


async def _pages(gw: Services, month: Month, table: str) -> AsyncIterator[list[Line]]:
    """All rows of one table of a detached month, which does not change any more."""
    after: Line | None = None
    while page := await gw.store.read(
        partial(archive.lines, month=month.month, table=table, after=after, limit=PAGE)
    ):
        yield page
        after = page[-1]


async def verify(gw: Services, month: Month, path: Path, sha256: str) -> None:
    """``NotReady`` unless the file is the month: digest, rows, every event under its leaf."""
    if not path.is_file() or digest(path) != sha256:
        raise _wrong(path, "SHA-256")
    seen = 0
    for table, rows in pages(path, month.month):
        seen += len(rows)
        if table == "event" and not await _hashes_fit(gw, rows):
            raise _wrong(path, "event")
    if seen != month.rows:
        raise _wrong(path, f"{seen} / {month.rows}")


async def _hashes_fit(gw: Services, rows: list[dict[str, Any]]) -> bool:
    ids = [row["id"] for row in rows]
    leaves = await gw.store.read(partial(archive.leaf_hashes, first=min(ids), last=max(ids)))
    return all(leaf_hash(bytes.fromhex(row["body"][2:])) == leaves.get(row["id"]) for row in rows)


def pages(path: Path, month: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Rows of a file by table, at most ``PAGE`` at once. ``NotReady`` when it is no file of that month."""
    try:
        with gzip.open(path, "rb") as file:
            first = orjson.loads(file.readline())
            if (first.get("format"), first.get("month")) != (FORMAT, month):
                raise _wrong(path, str(first.get("month")))
            read = (orjson.loads(line) for line in file)
            for table, rows in groupby(read, key=lambda one: str(one["table"])):
                page = list[dict[str, Any]]()
                for one in rows:
                    page.append(one["row"])
                    if len(page) == PAGE:
                        yield table, page
                        page = []
                if page:
                    yield table, page
    except (OSError, EOFError, ValueError, KeyError) as error:
        raise _wrong(path, str(error)) from error


def digest(path: Path) -> str:
    """SHA-256 of a file, hex."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            found.update(block)
    return found.hexdigest()


def _created(path: Path) -> BinaryIO:
    """A new file that only we read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _text(table: str, row: str) -> bytes:
    """The row is JSON already, as the database wrote it."""
    return f'{{"table":"{table}","row":{row}}}\n'.encode()


def _line(value: dict[str, Any]) -> bytes:
    return orjson.dumps(value) + b"\n"


def _wrong(path: Path, what: str) -> NotReady:
    return NotReady(
        Bilingual(
            f"Tệp lưu trữ {path} không còn, hoặc không khớp với tháng đã tách ra ({what}). Không có gì bị "
            "xóa hay thay đổi; hãy lấy lại tệp từ bản sao lưu.",
            f"The archive file {path} is gone or is not the month that was taken out ({what}). Nothing was "
            "dropped or changed; bring the file back from a backup.",
        ),
        code="archive.file",
    )
