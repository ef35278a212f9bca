"""A backup, beside the running server.

In charge of: what goes into one, in which order, and letting old ones expire. Not in charge of: the form of
its files (``backup_folder.py``), the stream of rows (``store/dump.py``).

The order makes it consistent without stopping anything. Checkpoints come first: the rows are then never
behind them. The rows are of one moment. Payload files come after the rows that name them; one destroyed in
between is named in the manifest and is no error. The files of months that were taken out come after the rows
that say so; a month that has none yet ends the backup. The manifest comes last.
"""

from __future__ import annotations

import gzip
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC
from pathlib import Path
from typing import Any, cast

import orjson

from gateway import __version__
from gateway.clock import Clock, local, random_bytes
from gateway.config import BACKUP_MARK as MARK
from gateway.config import CHECKPOINTS, FILE, KEYS, Config, holds_secret
from gateway.exchange_log.sequence import log_keys
from gateway.flow import backup_folder as form
from gateway.flow.backup_folder import File, Manifest
from gateway.flow.copy_database import ARCHIVE
from gateway.flow.destroy import DAY
from gateway.flow.whole_database import away_in
from gateway.model.text import Instant
from gateway.signature import key_archive
from gateway.signature.keyring import LOG, Keyring
from gateway.store import open_store, whole
from gateway.store.blobs import Blobs
from gateway.store.buckets import open_blobs
from gateway.store.dump import Tally, lines, rows_in
from gateway.store.payloads import find
from gateway.store.places import Damaged

BESIDE = ("reports", ARCHIVE)  # folders of a home that go along whole
COMPRESSION = 1  # of gzip: a tenth of the time of the usual one, for a fifth more room


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made. ``new_bytes``: of payloads that no earlier backup in the folder had."""

    path: Path
    manifest: Manifest
    new_payloads: int
    new_bytes: int


@dataclass(slots=True)
class _Carried:
    """What happened to the payload files of one backup."""

    payloads: int = 0
    payload_bytes: int = 0
    new_payloads: int = 0
    new_bytes: int = 0


async def back_up(home: Path, config: Config, clock: Clock, folder: Path, passphrase: str) -> Made:
    """Make a backup in ``folder``. On return it is on disk there. It blocks: a process of its own does it.

    ``BadRequest``: the passphrase is too short. ``NotReady``: no installation, or somebody else is at it.
    """
    keyring = Keyring.open(home / KEYS)
    key_archive.refuse_short(passphrase)
    with form.alone(folder):
        at = clock.now()
        backup = _new_folder(folder, at)
        _copy_folder(home / CHECKPOINTS, backup, CHECKPOINTS)
        keyring.ensure_note_key(LOG, at)  # keyrings of early releases have none
        schema, tallies, away = _write_rows(home, config, backup)
        carried, absent = _Carried(), list[tuple[str, bytes]]()
        blobs = open_blobs(home, config)
        try:
            _carry_payloads(blobs, folder, backup, carried, absent)
        finally:
            blobs.close()
        destroyed, missing = await _explain(home, config, clock, absent)
        left_out = _copy_settings(home, backup)
        for name in (config.trust.folder, *BESIDE):
            _copy_folder(home / name, backup, name)
        missing += [name for name in away if not (backup / form.HOME / name).is_file()]
        keyring.reread()  # before: the manifest names no key that is not sealed
        form.write(backup / form.SEALED, key_archive.seal(home / KEYS, passphrase))
        manifest = Manifest(
            gateway=keyring.gateway,
            version=__version__,
            schema=schema,
            engine="sqlite" if whole.is_file(config.database.url) else "postgres",
            at=at,
            checkpoint=_newest_published(backup),
            log_keys=[str(key) for key in log_keys(keyring)],
            tables={one.table: {"rows": one.rows, "sha256": one.sha256} for one in tallies},
            files=[asdict(file) for file in _own_files(backup)],
            payloads=carried.payloads,
            payload_bytes=carried.payload_bytes,
            destroyed=destroyed,
            missing=missing,
            left_out=left_out,
        )
        _finish(backup, manifest, keyring)
    if not missing:
        (home / MARK).touch(0o600)
    return Made(backup, manifest, carried.new_payloads, carried.new_bytes)


def prune(folder: Path, now: Instant, days: int) -> tuple[list[str], int, bool]:
    """Remove backups older than ``days``, those that were never finished, and payload files that no backup
    names any more. Names removed, payload files removed, and whether the newest stayed though it is too old:
    the last backup is never removed, a new one has to be made first."""
    with form.alone(folder):
        whole_ones = form.backups_in(folder)
        old = [one for one in whole_ones if form.read_manifest(one).at + days * DAY <= now]
        kept_old = bool(old) and len(old) == len(whole_ones)
        gone = old[:-1] if kept_old else old
        gone += [one for one in folder.glob("[0-9]*Z-*") if one.is_dir() and one not in whole_ones]
        for one in gone:
            (one / form.MANIFEST).unlink(missing_ok=True)  # first: what is left is no backup
            shutil.rmtree(one)
        form.sync(folder)
        named = {file.name for one in form.backups_in(folder) for file in form.payload_list(one)}
        files = [path for path in (folder / form.PAYLOADS).glob("*/*") if path.is_file()]
        stray = [path for path in files if f"{path.parent.name}/{path.name}" not in named]
        for path in stray:
            path.unlink()
    return sorted(one.name for one in gone), len(stray), kept_old


def _new_folder(folder: Path, at: Instant) -> Path:
    stamp = local(at).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    backup = folder / f"{stamp}-{random_bytes(2).hex()}"
    backup.mkdir(mode=0o700)
    (folder / form.PAYLOADS).mkdir(mode=0o700, exist_ok=True)
    return backup


def _write_rows(home: Path, config: Config, backup: Path) -> tuple[int, list[Tally], list[str]]:
    """Migrations that the database has had, which may be fewer than ours, what was counted, and the files of
    months that are not in the tables. ``NotReady``: such a month has no file yet."""
    found = list[Tally]()
    with (
        whole.snapshot(config.database.url, home, backup / ".scratch.db") as source,
        form.owned(backup / form.ROWS) as file,
        gzip.GzipFile("", "wb", COMPRESSION, file, mtime=0) as packed,
    ):
        away = away_in(source)
        for line in lines(source, found):
            packed.write(line)
        return source.steps(), found, [f"{ARCHIVE}/{month.file}" for month in away]


def _carry_payloads(
    blobs: Blobs, folder: Path, backup: Path, carried: _Carried, absent: list[tuple[str, bytes]]
) -> None:
    """Copy the files that the rows name and the folder does not have; write the list of all of them. Files
    that were there are taken as the backup before described them: both lists are in the order of names."""
    before = form.backups_in(folder)
    known = form.payload_list(before[-1]) if before else iter(())
    last = next(known, None)
    with (
        form.owned(backup / form.PAYLOAD_LIST) as file,
        gzip.GzipFile("", "wb", COMPRESSION, file, mtime=0) as packed,
    ):
        for name, sha256 in _named_payloads(backup):
            while last is not None and last.name < name:
                last = next(known, None)
            earlier = last if last is not None and last.name == name else None
            found = _carry(blobs, folder / form.PAYLOADS / name, name, earlier, carried)
            if found is None:
                absent.append((name, sha256))
            else:
                packed.write(orjson.dumps(asdict(found)) + b"\n")


def _carry(blobs: Blobs, target: Path, name: str, earlier: File | None, carried: _Carried) -> File | None:
    """The file in the folder of backups, copied if need be; ``None``: there is no source."""
    if earlier is not None and target.is_file() and target.stat().st_size == earlier.size:
        found = earlier
    else:
        target.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            copied = form.stored(blobs.sealed(name), target)
        except Damaged:
            return None
        form.sync(target.parent)
        found = File(name, copied.size, copied.sha256)
        carried.new_payloads += 1
        carried.new_bytes += found.size
    carried.payloads += 1
    carried.payload_bytes += found.size
    return found


def _named_payloads(backup: Path) -> Iterator[tuple[str, bytes]]:
    """File and SHA-256 (of the plain bytes) of every payload that can be read, in the order of names."""
    with gzip.open(backup / form.ROWS, "rb") as stream:
        for row in rows_in(stream, "payload"):
            if row["wrapped_key"] is not None and row["file"] is not None:
                yield str(row["file"]), cast(bytes, row["sha256"])


def _newest_published(backup: Path) -> str:
    newest = ""
    with gzip.open(backup / form.ROWS, "rb") as stream:
        for row in rows_in(stream, "log_checkpoint"):
            newest = str(row["note"]) if row["published_at"] is not None else newest
    return newest


async def _explain(
    home: Path, config: Config, clock: Clock, absent: list[tuple[str, bytes]]
) -> tuple[list[str], list[str]]:
    """Which of the files that were not there were destroyed or replaced meanwhile, and which are lost."""
    if not absent:
        return [], []
    destroyed, missing = list[str](), list[str]()
    store = await open_store(config.database.url, home, clock=clock, purpose="gateway backup", read_only=True)
    try:
        for name, sha256 in absent:
            row = await store.read(lambda tx, sha256=sha256: find(tx, sha256))  # type: ignore[misc]
            lives = row is not None and row.wrapped_key is not None and row.file == name
            (missing if lives else destroyed).append(name)
    finally:
        await store.close()
    return destroyed, missing


def _copy_settings(home: Path, backup: Path) -> list[str]:
    """The settings without secrets; the names of those left out."""
    if not (home / FILE).is_file():
        return []
    text, left_out = without_secrets((home / FILE).read_text("utf-8"))
    form.write(backup / form.HOME / FILE, text.encode())
    return left_out


def without_secrets(text: str) -> tuple[str, list[str]]:
    """Settings (TOML) without the lines that hold a secret, and the names of these settings."""
    kept, left_out, section = list[str](), list[str](), ""
    for line in text.splitlines():
        bare = line.strip()
        if bare.startswith("["):
            section = bare.strip("[] ")
        name = bare.partition("=")[0].strip()
        if "=" in bare and not bare.startswith("#") and _is_secret(name, bare):
            left_out.append(f"{section}.{name}")
            line = f"# {name}: secret, not in backups"
        kept.append(line)
    found = "\n".join(kept) + "\n"
    return _rewritten(text) if _still_holds_one(found) else (found, left_out)


def _still_holds_one(text: str) -> bool:
    """A secret in more than one line, or in braces."""
    try:
        return bool(_secrets_in(tomllib.loads(text)))
    except tomllib.TOMLDecodeError:
        return True


def _secrets_in(told: dict[str, Any]) -> list[tuple[str, str]]:
    """(section, name) of each setting with a secret."""
    return [
        (section, name)
        for section, values in told.items()
        for name, value in (values.items() if isinstance(values, dict) else ())
        if _is_secret(name, f"{name} = {orjson.dumps(str(value)).decode()}")
    ]


def _rewritten(text: str) -> tuple[str, list[str]]:
    """The settings written anew, without comments, from what they say."""
    told = tomllib.loads(text)
    secret, kept = _secrets_in(told), list[str]()
    for section, values in told.items():
        kept.append(f"[{section}]")
        plain = [(name, value) for name, value in values.items() if (section, name) not in secret]
        kept += [f"{name} = {orjson.dumps(value).decode()}" for name, value in plain]
    return "\n".join(kept) + "\n", [f"{section}.{name}" for section, name in secret]


def _is_secret(name: str, line: str) -> bool:
    try:
        value = str(tomllib.loads(line).get(name, ""))
    except tomllib.TOMLDecodeError:
        return True  # part of something longer: rather too little than a secret
    return holds_secret(name, value)


def _copy_folder(source: Path, backup: Path, name: str) -> None:
    """A folder of the home with all that is in it; hidden and unfinished files stay behind."""
    for path in sorted(source.rglob("*")) if source.is_dir() else ():
        inside = path.relative_to(source)
        if path.is_file() and not any(part.startswith(".") for part in inside.parts):
            target = backup / form.HOME / name / inside
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            form.copied(path, target)


def _own_files(backup: Path) -> Iterator[File]:
    for path in sorted(backup.rglob("*")):
        if path.is_file():
            yield form.measured(path, path.relative_to(backup).as_posix())


def _finish(backup: Path, manifest: Manifest, keyring: Keyring) -> None:
    part = backup / ".manifest.part"
    form.write(part, manifest.bytes())
    for folder in {path.parent for path in backup.rglob("*")}:
        form.sync(folder)
    form.sign(backup, part, keyring)
    part.rename(backup / form.MANIFEST)
    form.sync(backup)
    form.sync(backup.parent)


__all__ = ["MARK", "Made", "back_up", "prune", "without_secrets"]
