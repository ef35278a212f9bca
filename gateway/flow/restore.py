"""A backup becomes an installation again.

In charge of: a new home and an empty database filled from a backup, proven while they are filled, and the
mark, in the database and beside it, by which every node knows that it is older than what it may have promised
(``recovery.py``). Not in
charge of: what follows (``gateway recovery``).

Keys are laid out last: until then the folder is no installation, so a restore that broke off cannot serve.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from gateway.clock import Clock
from gateway.config import FILE, KEYS, PAYLOADS
from gateway.errors import Archived, BadRequest, NotReady, WrongState
from gateway.exchange_log.checkpoint import Checkpoint, PublicKey, read_checkpoint, read_key, read_note
from gateway.exchange_log.sequence import published_in
from gateway.flow import backup_folder as form
from gateway.flow.backup_folder import File, Manifest
from gateway.flow.backup_verify import (
    OTHER_KEY,
    check_signature_and_files,
    is_of_keys,
    lacking,
    rows_of,
    tables,
)
from gateway.flow.copy_database import ARCHIVE
from gateway.flow.recovery import MARKER
from gateway.flow.whole_database import fill, verify_log_of
from gateway.model.text import Bilingual, Instant
from gateway.signature import key_archive
from gateway.store.dump import Tally
from gateway.store.migrate import load_migrations
from gateway.store.restores import Pending

SQLITE = "sqlite:///gateway.db"


@dataclass(frozen=True, slots=True)
class Restored:
    """An installation made of a backup. ``newer``: a published checkpoint is known that it does not reach."""

    backup: str
    at: Instant
    home: Path
    rows: int
    payloads: int
    leaves: int
    newer: bool
    left_out: list[str]
    destroyed: int


async def restore(
    folder: Path, home: Path, clock: Clock, passphrase: str, url: str = "", heads: tuple[Path, ...] = ()
) -> Restored:
    """Restore the backup (the newest in ``folder``) into the new ``home``; it blocks. ``url``: the database,
    if it is not a SQLite file in the home. ``heads``: folders with published checkpoints that lie elsewhere.

    ``NotReady``: home or database are not empty, or the backup is of a newer release. ``WrongState``: the
    backup is damaged. ``BadRequest``: another passphrase. In all these cases there is no installation.
    """
    shared, backup = form.chosen(folder)
    manifest = form.read_manifest(backup)
    _refuse(manifest, home, url)
    _must_hold(backup, manifest)
    keys = key_archive.opened((backup / form.SEALED).read_bytes(), passphrase)
    if not is_of_keys(manifest, keys):
        raise WrongState(OTHER_KEY, code="backup.signature")
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    _lay_out_home(backup, manifest, home, url)
    payloads = _lay_out_payloads(backup, shared, home)
    where, newer = url or SQLITE, _is_newer(manifest, heads)
    told = _told(backup, manifest, clock, newer)
    with rows_of(backup) as stream:
        archive, lacks = home / ARCHIVE, lacking(manifest)
        found = await fill(
            where,
            home,
            clock,
            stream,
            manifest.schema,
            archive=archive,
            lacks=lacks,
            pending=Pending(backup.name, told, manifest.at),
        )
    _must_be(found, manifest)
    known = [read_key(text) for text in manifest.log_keys]
    leaves = await _replayed(where, home, clock, known, lacks)
    form.write(home / MARKER, told.encode())
    form.sync(home)
    key_archive.lay_out(keys, home / KEYS)
    return Restored(
        backup.name,
        manifest.at,
        home,
        sum(one.rows for one in found),
        payloads,
        leaves,
        newer,
        manifest.left_out,
        len(manifest.destroyed),
    )


async def _replayed(
    url: str, home: Path, clock: Clock, keys: Sequence[PublicKey], lacks: Collection[str]
) -> int:
    """Leaves of the log that were replayed; none while a month is away whose file the backup lacks."""
    try:
        log = (await verify_log_of(url, home, clock, keys, None, home / "log")).as_json()
    except Archived:
        if not lacks:
            raise
        return 0
    if not log["fits"]:
        text = log["problem"]["text"]
        raise WrongState(Bilingual(text["vi"], text["en"]), code="backup.log")
    return int(log["leaves"])


def _refuse(manifest: Manifest, home: Path, url: str) -> None:
    if home.exists() and any(home.iterdir()):
        raise NotReady(_not_empty(home), code="home.exists")
    if manifest.schema > len(load_migrations("sqlite")):
        raise NotReady(_newer_release(manifest.version), code="store.schema_newer")
    if manifest.engine == "postgres" and not url:
        raise BadRequest(_NEEDS_URL, code="restore.database")


def _must_hold(backup: Path, manifest: Manifest) -> None:
    report = check_signature_and_files(backup, manifest)
    if not report.holds:
        first = report.problems[0]
        raise WrongState(Bilingual(first["vi"], first["en"]), code=first["code"])


def _lay_out_home(backup: Path, manifest: Manifest, home: Path, url: str) -> None:
    """Settings, trust, checkpoints, reports, archived months: what the manifest names and nothing else, as it
    was, read by its owner only."""
    for file in (File(**one) for one in manifest.files):
        inside = file.name.removeprefix(f"{form.HOME}/")
        if inside == file.name:
            continue
        (home / inside).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        copied = form.copied(backup / file.name, home / inside)
        if (copied.size, copied.sha256) != (file.size, file.sha256):
            raise WrongState(_changed(file.name), code="backup.damaged")
    for name in ("trust", "log"):
        (home / name).mkdir(mode=0o700, exist_ok=True)
    settings = home / FILE
    text = settings.read_text("utf-8") if settings.is_file() else ""
    settings.write_text(with_database(text, "" if _has_password(url) else url or SQLITE), "utf-8")


def with_database(text: str, url: str) -> str:
    """Settings (TOML) with this address of the database and no other; ``""``: with none."""
    kept, section = list[str](), ""
    for line in text.splitlines():
        bare = line.strip()
        if bare.startswith("["):
            section = bare.strip("[] ")
        if not (section == "database" and re.match(r"url\s*=", bare)):
            kept.append(line)
        if url and bare == "[database]":
            kept.append(f'url = "{url}"')
    if url and not any(line.strip() == "[database]" for line in kept):
        kept += ["", "[database]", f'url = "{url}"']
    return "\n".join(kept) + "\n"


def _has_password(url: str) -> bool:
    return "password=" in url or re.search(r"://[^/@]*:[^/@]+@", url) is not None


def _lay_out_payloads(backup: Path, shared: Path, home: Path) -> int:
    """Copy every payload file and compare it with the list; how many. ``WrongState`` names the first that is
    not what it was."""
    count = 0
    for file in form.payload_list(backup):
        target = home / PAYLOADS / "payloads" / file.name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            copied = form.copied(shared / form.PAYLOADS / file.name, target)
        except FileNotFoundError:
            raise WrongState(_lost(file.name), code="backup.damaged") from None
        if (copied.size, copied.sha256) != (file.size, file.sha256):
            raise WrongState(_lost(file.name), code="backup.damaged")
        count += 1
    for folder in (home / PAYLOADS).rglob("*"):
        if folder.is_dir():
            form.sync(folder)
    return count


def _must_be(found: list[Tally], manifest: Manifest) -> None:
    if tables(found) != manifest.tables:
        raise WrongState(_COUNTS, code="backup.counts")


def _is_newer(manifest: Manifest, heads: tuple[Path, ...]) -> bool:
    known = [head for head in map(published_in, heads) if head is not None]
    reached = _head(manifest.checkpoint)
    return any(reached is None or head.size > reached.size for head in known)


def _head(note: str) -> Checkpoint | None:
    return read_checkpoint(read_note(note).text) if note else None


def _told(backup: Path, manifest: Manifest, clock: Clock, newer: bool) -> str:
    """What the home and the database say until an epoch is open."""
    told = {
        "backup": backup.name,
        "backup_at": manifest.at,
        "restored_at": clock.now(),
        "checkpoint": manifest.checkpoint,
        "newer_known": newer,
    }
    return orjson.dumps(told, option=orjson.OPT_INDENT_2).decode()


_NEEDS_URL = Bilingual(
    "Bản sao lưu này lấy từ PostgreSQL. Hãy chỉ một cơ sở dữ liệu trống bằng --database postgresql://…, hoặc "
    "--database sqlite:///gateway.db để khôi phục vào một tệp.",
    "This backup comes from PostgreSQL. Name an empty database by --database postgresql://…, or "
    "--database sqlite:///gateway.db to restore into one file.",
)
_COUNTS = Bilingual(
    "Số dòng hoặc mã băm đã nạp khác với bảng kê của bản sao lưu. Hãy dùng bản sao lưu khác.",
    "What was loaded is not what the manifest counts. Use another backup.",
)


def _not_empty(home: Path) -> Bilingual:
    return Bilingual(
        f"{home} đã có nội dung; khôi phục không bao giờ ghi đè. Hãy chỉ một thư mục mới bằng --home.",
        f"{home} is not empty; a restore never overwrites. Name a new folder by --home.",
    )


def _newer_release(version: str) -> Bilingual:
    return Bilingual(
        f"Bản sao lưu do phiên bản mới hơn ({version}) tạo. Hãy cài phiên bản đó rồi khôi phục.",
        f"The backup was made by a newer release ({version}). Install that release, then restore.",
    )


def _changed(name: str) -> Bilingual:
    return Bilingual(
        f"Tệp {name} của bản sao lưu thay đổi trong khi khôi phục. Hãy dùng bản sao lưu khác.",
        f"{name} of the backup changed during the restore. Use another backup.",
    )


def _lost(name: str) -> Bilingual:
    return Bilingual(
        f"Nội dung {name} trong bản sao lưu bị mất hoặc hỏng. Hãy dùng bản sao lưu khác.",
        f"The payload {name} of the backup is missing or damaged. Use another backup.",
    )
