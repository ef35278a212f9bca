"""Payload files: unreadable while they are staged, durable before their row, proven when read."""

from __future__ import annotations

import hashlib
import os
import resource
import threading
import tracemalloc
from pathlib import Path

import pytest

from gateway.errors import Busy, TooLarge
from gateway.store.blobs import Blobs, Durable, Staging
from gateway.store.contract import StoreFull
from gateway.store.places import Damaged

MARKER = b"TUYET MAT: noi dung khong ai duoc doc "
SMALL = MARKER * 10
LARGE = MARKER * 5_000  # about 190 KB: a file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "payloads-home"


@pytest.fixture
def blobs(folder: Path) -> Blobs:
    return Blobs(folder, memory_limit=0)  # every file is staged; what waits in memory is tested apart


def staged(blobs: Blobs, data: bytes, step: int = 10_000) -> Staging:
    staging = blobs.stage()
    for start in range(0, len(data), step):
        staging.write(data[start : start + step])
    return staging


def read(blobs: Blobs, staging: Staging, durable: Durable) -> bytes:
    return b"".join(
        blobs.read(
            durable.file,
            durable.inline,
            data_key=staging.data_key,
            size=staging.size,
            sha256=staging.sha256,
        )
    )


def files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".now"]


@pytest.mark.parametrize("data", [b"", b"x", SMALL, LARGE, os.urandom(16_384), os.urandom(16_385)])
def test_what_goes_in_comes_out(blobs: Blobs, data: bytes) -> None:
    with staged(blobs, data) as staging:
        assert staging.size == len(data)
        assert staging.hexdigest == hashlib.sha256(data).hexdigest()
        assert b"".join(staging.chunks()) == data
        durable = staging.make_durable()
        assert b"".join(staging.chunks()) == data
        assert read(blobs, staging, durable) == data


def test_small_payloads_go_into_the_row_and_large_ones_into_a_file(blobs: Blobs, folder: Path) -> None:
    with staged(blobs, SMALL) as small, staged(blobs, LARGE) as large:
        assert small.make_durable().file is None
        durable = large.make_durable()
        assert durable.inline is None
        assert durable.file is not None
        assert durable.file.startswith(f"{large.hexdigest[:2]}/{large.hexdigest}.")
        assert files(folder) == [folder / "payloads" / durable.file]


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["inline", "file"])
def test_nothing_readable_is_ever_on_disk_or_in_the_row(blobs: Blobs, folder: Path, data: bytes) -> None:
    staging = blobs.stage()
    for start in range(0, len(data), 1_000):
        staging.write(data[start : start + 1_000])
        assert not any(MARKER in path.read_bytes() for path in files(folder))
    list(staging.chunks())  # flushes
    durable = staging.make_durable()
    at_rest = (durable.inline or b"") + b"".join(path.read_bytes() for path in files(folder))
    assert len(at_rest) == len(data)
    assert MARKER not in at_rest
    assert staging.data_key not in at_rest
    staging.discard()


def test_the_same_bytes_twice_have_different_keys_and_files(blobs: Blobs) -> None:
    with staged(blobs, LARGE) as one, staged(blobs, LARGE) as two:
        assert one.data_key != two.data_key
        assert one.sha256 == two.sha256
        assert one.make_durable().file != two.make_durable().file


def test_files_and_folders_are_for_their_owner_only(blobs: Blobs, folder: Path) -> None:
    with staged(blobs, LARGE), staged(blobs, LARGE) as settled:
        settled.make_durable()
        modes = {path.stat().st_mode & 0o077 for path in (folder / "staging", folder / "payloads")}
        modes |= {path.stat().st_mode & 0o077 for path in folder.glob("*/**/*")}
        assert modes == {0}


def test_a_discarded_payload_is_gone_and_its_key_forgotten(blobs: Blobs, folder: Path) -> None:
    staging = staged(blobs, LARGE)
    staging.discard()
    staging.discard()
    assert files(folder) == []
    for use in (lambda: staging.data_key, staging.make_durable, staging.chunks, lambda: staging.write(b"x")):
        with pytest.raises(ValueError, match="discarded"):
            use()


def test_leaving_the_block_discards(blobs: Blobs, folder: Path) -> None:
    with pytest.raises(LookupError), staged(blobs, LARGE):
        raise LookupError("refused at the gate")
    assert files(folder) == []


def test_discarding_after_make_durable_keeps_the_file(blobs: Blobs, folder: Path) -> None:
    """The commit whose outcome nobody knows may have made it somebody's."""
    staging = staged(blobs, LARGE)
    durable = staging.make_durable()
    key = staging.data_key
    staging.discard()
    data = blobs.read(durable.file, None, data_key=key, size=len(LARGE), sha256=staging.sha256)
    assert b"".join(data) == LARGE


def test_making_durable_twice_is_once(blobs: Blobs, folder: Path) -> None:
    with staged(blobs, LARGE) as staging:
        assert staging.make_durable() == staging.make_durable()
        assert len(files(folder)) == 1
        with pytest.raises(ValueError, match="complete"):
            staging.write(b"more")


def test_durable_means_flushed_renamed_and_its_folder_flushed(
    blobs: Blobs, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def watched_fsync(descriptor: int) -> None:
        steps.append("fsync " + str(Path(os.readlink(f"/proc/self/fd/{descriptor}")).relative_to(folder)))
        fsync(descriptor)

    def watched_rename(path: Path, target: Path) -> Path:
        steps.append(f"rename to {target.relative_to(folder)}")
        return rename(path, target)

    with staged(blobs, LARGE) as staging:
        name = files(folder)[0].name
        monkeypatch.setattr(os, "fsync", watched_fsync)
        monkeypatch.setattr(Path, "rename", watched_rename)
        durable = staging.make_durable()
    assert durable.file is not None
    assert steps == [
        "fsync payloads",
        f"fsync staging/{name}",
        f"rename to payloads/{durable.file}",
        f"fsync payloads/{durable.file[:2]}",
    ]


def test_what_waits_in_memory_reaches_the_disk_once_and_only_when_it_is_wanted(folder: Path) -> None:
    blobs = Blobs(folder)
    refused = staged(blobs, LARGE)
    assert files(folder) == []
    refused.discard()
    with staged(blobs, LARGE) as staging:
        durable = staging.make_durable()
        assert read(blobs, staging, durable) == LARGE
        assert [path.relative_to(folder / "payloads").as_posix() for path in files(folder)] == [durable.file]
    blobs.close()


def test_a_disk_that_takes_only_a_part_of_what_waited_in_memory_is_reported(folder: Path) -> None:
    """A short write must never pass for a whole one."""
    blobs = Blobs(folder)
    staging = staged(blobs, LARGE)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(LARGE) // 2, limits[1]))
    try:
        with pytest.raises(StoreFull):
            staging.make_durable()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    staging.discard()
    assert files(folder) == []
    blobs.close()


@pytest.mark.parametrize("harm", ["flip", "cut", "extend", "delete", "other key", "other hash"])
def test_a_damaged_payload_is_never_taken_for_whole(blobs: Blobs, folder: Path, harm: str) -> None:
    with staged(blobs, LARGE) as staging:
        durable = staging.make_durable()
        key, sha256 = staging.data_key, staging.sha256
    assert durable.file is not None
    file = folder / "payloads" / durable.file
    sealed = bytearray(file.read_bytes())
    match harm:
        case "flip":
            sealed[100_000] ^= 1
            file.write_bytes(sealed)
        case "cut":
            file.write_bytes(sealed[:-1])
        case "extend":
            file.write_bytes(sealed + b"x")
        case "delete":
            file.unlink()
        case "other key":
            key = bytes(32)
        case _:
            sha256 = bytes(32)
    with pytest.raises(Damaged):
        list(blobs.read(durable.file, None, data_key=key, size=len(LARGE), sha256=sha256))


def test_a_damaged_row_is_found_out_too(blobs: Blobs) -> None:
    with staged(blobs, SMALL) as staging:
        inline = bytearray(staging.make_durable().inline or b"")
        inline[0] ^= 1
        for harmed in (bytes(inline), bytes(inline[:-1])):
            with pytest.raises(Damaged):
                list(
                    blobs.read(
                        None, harmed, data_key=staging.data_key, size=len(SMALL), sha256=staging.sha256
                    )
                )


@pytest.mark.parametrize("name", ["", "../staging/x", "/etc/passwd", "ab/" + "c" * 64 + "." + "d" * 16])
def test_only_names_of_ours_are_opened_or_removed(blobs: Blobs, name: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        blobs.read(name, None, data_key=bytes(32), size=1, sha256=bytes(32))
    with pytest.raises(ValueError, match="not the name"):
        blobs.remove(name)


def test_a_removed_payload_is_gone_and_removing_it_again_is_no_error(blobs: Blobs, folder: Path) -> None:
    with staged(blobs, LARGE) as staging:
        file = staging.make_durable().file
    assert file is not None
    blobs.remove(file)
    blobs.remove(file)
    assert files(folder) == []


def test_an_upload_over_its_limit_is_refused(blobs: Blobs) -> None:
    with blobs.stage(max_size=100) as staging:
        staging.write(bytes(100))
        with pytest.raises(TooLarge):
            staging.write(b"x")
        assert staging.size == 100


def age(path: Path, seconds: float) -> None:
    then = path.stat().st_mtime - seconds
    os.utime(path, (then, then))


def test_the_sweep_takes_old_orphans_and_nothing_else(blobs: Blobs, folder: Path) -> None:
    kept, orphan, fresh = (staged(blobs, LARGE + bytes([number])) for number in range(3))
    names = {staging: str(staging.make_durable().file) for staging in (kept, orphan, fresh)}
    uploading, abandoned = staged(blobs, LARGE), staged(blobs, LARGE)
    foreign = folder / "payloads" / "README"
    foreign.write_text("not ours")
    old = [folder / "payloads" / names[staging] for staging in (kept, orphan)]
    for path in [*old, abandoned._sealed.path, foreign]:
        assert path is not None
        age(path, 4_000)
    assert blobs.sweep_staged(3_600) == 1
    aged = [(page.place, name) for page in blobs.aged(3_600) for name in page.names]
    assert sorted(name for _, name in aged) == sorted(names[staging] for staging in (kept, orphan))
    assert blobs.drop(blobs.files, [names[orphan]]) == 1
    left = [folder / "payloads" / names[staging] for staging in (kept, fresh)]
    assert files(folder) == sorted([*left, foreign, uploading._sealed.path])
    for staging in (kept, orphan, fresh, uploading, abandoned):
        staging.discard()


def test_a_full_disk_is_reported_as_busy_and_leaves_nothing(blobs: Blobs, folder: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        staging = staged(blobs, bytes(100_000), step=50_000)
        with pytest.raises(StoreFull) as full:
            staging.write(bytes(200_000))
        staging.discard()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert isinstance(full.value, Busy)
    assert full.value.retry_after > 0
    assert files(folder) == []


def test_a_disk_that_fills_up_at_the_last_moment_is_reported_too(blobs: Blobs, folder: Path) -> None:
    staging = staged(blobs, bytes(150_000), step=150_000)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    staging.write(bytes(1_000))  # waits in the buffer
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(StoreFull):
            staging.make_durable()
        staging.discard()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert files(folder) == []


def test_fifty_megabytes_pass_in_little_memory(blobs: Blobs) -> None:
    chunk = os.urandom(65_536)
    rounds = 50_000_000 // len(chunk)
    tracemalloc.start()
    try:
        with blobs.stage() as staging:
            for _ in range(rounds):
                staging.write(chunk)
            assert sum(map(len, staging.chunks())) == rounds * len(chunk)
            durable = staging.make_durable()
            sizes = blobs.read(
                durable.file, None, data_key=staging.data_key, size=staging.size, sha256=staging.sha256
            )
            assert sum(map(len, sizes)) == rounds * len(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def test_many_threads_stage_the_same_bytes_side_by_side(blobs: Blobs, folder: Path) -> None:
    seen: list[tuple[bytes, bool]] = []

    def one() -> None:
        with staged(blobs, LARGE) as staging:
            durable = staging.make_durable()
            seen.append((staging.sha256, read(blobs, staging, durable) == LARGE))

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [(hashlib.sha256(LARGE).digest(), True)] * 8
    assert len(files(folder)) == 8
