"""Whether a backup is whole.

In charge of: every byte of it against the manifest, the rows loaded and counted, the log replayed, every
payload there; with the passphrase also the keys and (deep) every payload decrypted. Not in charge of: making
it (``backup.py``), restoring (``restore.py``).
"""

from __future__ import annotations

import gzip
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

from gateway.clock import Clock
from gateway.config import CHECKPOINTS
from gateway.errors import GatewayError
from gateway.exchange_log.checkpoint import NotANote, read_key
from gateway.flow import backup_folder as form
from gateway.flow.backup_folder import File, Manifest
from gateway.flow.copy_database import ARCHIVE
from gateway.flow.log_verify import Verified
from gateway.flow.whole_database import fill, verify_log_of
from gateway.model.text import Bilingual
from gateway.signature import key_archive
from gateway.signature.keyring import Keyring
from gateway.store.blobs import Blobs
from gateway.store.dump import Tally, rows_in

SCRATCH = "sqlite:///scratch.db"


@dataclass(slots=True)
class Report:
    """What was found. ``keys``: whether the keys were opened; ``decrypted``: payloads read to their hash."""

    path: Path
    manifest: Manifest | None = None
    problems: list[dict[str, str]] = field(default_factory=list)
    files: int = 0
    payloads: int = 0
    rows: int = 0
    leaves: int = 0
    keys: bool = False
    decrypted: int = 0

    @property
    def holds(self) -> bool:
        return not self.problems

    def add(self, code: str, vi: str, en: str) -> None:
        """A problem."""
        self.problems.append({"code": code, **Bilingual(vi, en).as_json()})


async def verify(folder: Path, clock: Clock, passphrase: str = "", deep: bool = False) -> Report:
    """Everything that can be known of the backup. ``NotReady``: there is none; else problems are listed."""
    shared, backup = form.chosen(folder)
    report = Report(backup)
    try:
        report.manifest = manifest = form.read_manifest(backup)
    except GatewayError as error:
        report.add(error.code, error.text.vi, error.text.en)
        return report
    _check_signature(report, manifest)
    _check_files(report, [File(**one) for one in manifest.files])
    if not report.holds:
        return report
    _check_payloads(report, shared / form.PAYLOADS, manifest)
    with tempfile.TemporaryDirectory(prefix="gateway-verify-") as scratch:
        keyring = _open_keys(report, Path(scratch) / "keys", passphrase) if passphrase else None
        await _check_rows(report, manifest, Path(scratch), clock, keyring)
    if deep and keyring is not None:
        _decrypt_all(report, shared, keyring)
    return report


@contextmanager
def rows_of(backup: Path) -> Iterator[Iterable[bytes]]:
    """The stream of rows."""
    with gzip.open(backup / form.ROWS, "rb") as stream:
        yield stream


def check_signature_and_files(backup: Path, manifest: Manifest) -> Report:
    """The quick half: the manifest is signed by a log key that it names, and the backup's own files are those
    that it describes."""
    report = Report(backup, manifest)
    _check_signature(report, manifest)
    _check_files(report, [File(**one) for one in manifest.files])
    return report


def _check_signature(report: Report, manifest: Manifest) -> None:
    signer = form.signer_of(report.path)
    if signer is None or str(signer) not in manifest.log_keys:
        report.add(
            "backup.signature",
            "Bảng kê của bản sao lưu không mang chữ ký của nhật ký trục: đã bị sửa hoặc hỏng.",
            "The manifest is not signed by the log key of the gateway: it was changed or is damaged.",
        )


def is_of_keys(manifest: Manifest, keys: dict[str, bytes]) -> bool:
    """Whether the log keys that the manifest names are of the keyring that lies in the backup, which nobody
    can make without the passphrase: whoever rewrites a manifest can sign it only with a key of his own."""
    try:
        named = {read_key(text).key for text in manifest.log_keys}
    except NotANote:
        return False
    return named <= key_archive.log_keys_of(keys)


def _check_files(report: Report, files: list[File]) -> None:
    for file in files:
        report.files += 1
        path = report.path / file.name
        if not path.is_file() or form.measured(path, file.name) != file:
            _damaged(report, file.name)
    named = {file.name for file in files} | {form.MANIFEST, form.SIGNATURE}
    every = [path for path in report.path.rglob("*") if path.is_symlink() or not path.is_dir()]
    found = {path.relative_to(report.path).as_posix() for path in every}
    for name in sorted(found - named):
        report.add("backup.stray", f"Tệp {name} không có trong bảng kê.", f"{name} is not in the manifest.")


def _check_payloads(report: Report, payloads: Path, manifest: Manifest) -> None:
    for file in form.payload_list(report.path):
        report.payloads += 1
        path = payloads / file.name
        if not path.is_file() or form.measured(path, file.name) != file:
            _damaged(report, f"{form.PAYLOADS}/{file.name}")
    for name in manifest.missing:
        report.add(
            "backup.missing",
            f"Nội dung {name} đã mất ở trục trước khi sao lưu.",
            f"The payload {name} was lost at the gateway before the backup.",
        )


async def _check_rows(
    report: Report, manifest: Manifest, scratch: Path, clock: Clock, keyring: Keyring | None
) -> None:
    """Loaded into a file of our own, whichever engine they come from."""
    try:
        with rows_of(report.path) as stream:
            archive, lacks = report.path / form.HOME / ARCHIVE, lacking(manifest)
            found = await fill(SCRATCH, scratch, clock, stream, manifest.schema, archive=archive, lacks=lacks)
        keys = [read_key(text) for text in manifest.log_keys]
        heads = report.path / form.HOME / CHECKPOINTS
        log = await verify_log_of(SCRATCH, scratch, clock, keys, keyring, heads if heads.is_dir() else None)
    except GatewayError as error:
        report.add(error.code, error.text.vi, error.text.en)
        return
    except (OSError, EOFError, zlib.error, NotANote) as error:
        report.add("backup.damaged", f"Không đọc được dữ liệu: {error}", f"The rows cannot be read: {error}")
        return
    report.rows = sum(one.rows for one in found)
    if tables(found) != manifest.tables:
        report.add(
            "backup.counts",
            "Số dòng hoặc mã băm của các bảng khác với bảng kê.",
            "Counts or digests of the tables are not those of the manifest.",
        )
    _check_log(report, log)
    _check_named(report, manifest)


def lacking(manifest: Manifest) -> set[str]:
    """Files of archived months that the gateway had lost when the backup was made."""
    named = [name.partition("/") for name in manifest.missing]
    return {name for folder, _, name in named if folder == ARCHIVE}


def tables(found: Iterable[Tally]) -> dict[str, dict[str, Any]]:
    """Tallies as they stand in a manifest."""
    return {one.table: {"rows": one.rows, "sha256": one.sha256} for one in found}


def _check_log(report: Report, log: Verified) -> None:
    told = log.as_json()
    if told["fits"]:
        report.leaves = told["leaves"]
    else:
        report.add("backup.log", told["problem"]["text"]["vi"], told["problem"]["text"]["en"])


def _check_named(report: Report, manifest: Manifest) -> None:
    """Every payload file that the rows name is in the list, or the manifest says why not."""
    excused = {*manifest.destroyed, *manifest.missing}
    listed = form.payload_list(report.path)
    at = next(listed, None)
    for row in _readable(report.path):
        name = str(row["file"])
        while at is not None and at.name < name:
            at = next(listed, None)
        if name not in excused and (at is None or at.name != name):
            _damaged(report, f"{form.PAYLOADS}/{name}")


def _open_keys(report: Report, folder: Path, passphrase: str) -> Keyring | None:
    try:
        files = key_archive.opened((report.path / form.SEALED).read_bytes(), passphrase)
        if report.manifest is not None and not is_of_keys(report.manifest, files):
            report.add("backup.signature", OTHER_KEY.vi, OTHER_KEY.en)
        key_archive.lay_out(files, folder)
        keyring = Keyring.open(folder)
    except GatewayError as error:
        report.add(error.code, error.text.vi, error.text.en)
        return None
    report.keys = True
    return keyring


def _decrypt_all(report: Report, shared: Path, keyring: Keyring) -> None:
    with tempfile.TemporaryDirectory(prefix="gateway-verify-") as scratch:
        (Path(scratch) / "payloads").symlink_to(shared / form.PAYLOADS)
        blobs = Blobs(Path(scratch))
        excused = {*cast(Manifest, report.manifest).destroyed, *cast(Manifest, report.manifest).missing}
        for row in _readable(report.path, inline=True):
            if row["file"] not in excused:
                _decrypt(report, blobs, keyring, row)


def _decrypt(report: Report, blobs: Blobs, keyring: Keyring, row: dict[str, Any]) -> None:
    try:
        key = keyring.unwrap(row["wrapped_key"])
        where, size, sha256 = row["file"], row["size"], row["sha256"]
        for _ in blobs.read(where, row["inline"], data_key=key, size=size, sha256=sha256):
            pass
        report.decrypted += 1
    except (GatewayError, ValueError):
        _damaged(report, f"payload {row['sha256'].hex()}")


def _readable(backup: Path, inline: bool = False) -> Iterator[dict[str, Any]]:
    with rows_of(backup) as stream:
        for row in rows_in(stream, "payload"):
            if row["wrapped_key"] is not None and (inline or row["file"] is not None):
                yield row


def _damaged(report: Report, name: str) -> None:
    report.add("backup.damaged", f"Tệp {name} bị mất hoặc hỏng.", f"{name} is missing or damaged.")


OTHER_KEY = Bilingual(
    "Bảng kê của bản sao lưu do một khóa khác ký, không phải khóa nhật ký trong bộ khóa đi kèm: có người đã "
    "làm lại bảng kê. Đừng khôi phục; hãy dùng bản sao lưu khác và báo người phụ trách an toàn thông tin.",
    "The manifest is signed by another key than the log keys in the keyring of the backup: somebody made it "
    "anew. Do not restore it; use another backup and tell whoever is in charge of security.",
)


def as_json(report: Report) -> dict[str, Any]:
    """The report for scripts."""
    told = asdict(report)
    told.pop("manifest")
    manifest = report.manifest
    told |= {"path": str(report.path), "holds": report.holds, "at": manifest.at if manifest else None}
    return told
