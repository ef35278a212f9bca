"""Payloads mean the same wherever they lie: in files, in a simulated bucket, in another's work (moto)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.errors import Busy, NotReady
from gateway.practice.s3 import Fault, SimulatedBucket
from gateway.store.blobs import Blobs, Durable, Staging
from gateway.store.objects import BucketUnavailable, Objects
from gateway.store.places import Damaged
from tests.buckets import blobs_at, moto, simulated

LARGE = b"TUYET MAT: noi dung khong ai duoc doc " * 5_000
HUGE = os.urandom(9_000_000)  # several ranges; staged in a file

Open = Callable[[str], Blobs]  # a node with that name on the same place


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    with moto() as url:
        yield url


@pytest.fixture(params=["files", "simulated", "moto"])
def nodes(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    if request.param == "files":
        yield lambda name: Blobs(tmp_path)
    elif request.param == "moto":
        url = request.getfixturevalue("moto_url")
        yield lambda name: blobs_at(url, tmp_path / name)
    else:
        with simulated(page=3) as bucket:
            yield lambda name: blobs_at(bucket.url, tmp_path / name)


@pytest.fixture
def bucket() -> Iterator[SimulatedBucket]:
    with simulated(page=3) as made:
        yield made


def staged(blobs: Blobs, data: bytes) -> Staging:
    staging = blobs.stage()
    for start in range(0, len(data), 500_000):
        staging.write(data[start : start + 500_000])
    return staging


def kept(blobs: Blobs, data: bytes) -> tuple[Staging, Durable]:
    staging = staged(blobs, data)
    return staging, staging.make_durable()


def read(blobs: Blobs, staging: Staging, durable: Durable) -> bytes:
    key, sha256 = staging.data_key, staging.sha256
    return b"".join(blobs.read(durable.file, durable.inline, data_key=key, size=staging.size, sha256=sha256))


@pytest.mark.parametrize("data", [b"", b"small", LARGE, HUGE], ids=["empty", "small", "large", "huge"])
def test_what_one_node_keeps_another_reads(nodes: Open, data: bytes) -> None:
    one, two = nodes("one"), nodes("two")
    staging, durable = kept(one, data)
    assert read(two, staging, durable) == data
    assert read(one, staging, durable) == data
    assert b"".join(staging.chunks()) == data
    staging.discard()


def test_nothing_readable_leaves_the_process(nodes: Open) -> None:
    blobs = nodes("one")
    staging, durable = kept(blobs, LARGE)
    sealed = b"".join(blobs.sealed(str(durable.file)))
    assert len(sealed) == len(LARGE)
    assert b"TUYET MAT" not in sealed
    staging.discard()


def test_only_what_no_row_names_is_swept_and_only_when_it_is_old(nodes: Open) -> None:
    blobs = nodes("one")
    names = [str(kept(blobs, LARGE + bytes([number]))[1].file) for number in range(7)]
    assert list(blobs.aged(3_600)) == []
    pages = [page for page in blobs.aged(-1) if page.names and set(page.names) & set(names)]
    assert sorted(name for page in pages for name in page.names if name in names) == sorted(names)
    assert all(page.names == sorted(page.names) for page in pages)
    assert sum(blobs.drop(page.place, [n for n in page.names if n in names[1:]]) for page in pages) == 6
    assert [blobs.lying(name) is not None for name in names] == [True] + 6 * [False]


def test_a_payload_that_is_gone_is_damaged_and_not_awaited(nodes: Open) -> None:
    one = nodes("one")
    staging, durable = kept(one, LARGE)
    one.remove(str(durable.file))
    one.close()
    with pytest.raises(Damaged):
        read(nodes("two"), staging, durable)


def test_a_lost_file_is_put_back_and_one_that_is_there_stays(nodes: Open) -> None:
    one = nodes("one")
    staging, durable = kept(one, LARGE)
    file = str(durable.file)
    sealed = b"".join(one.sealed(file))
    assert not one.put_back(file, sealed)
    one.drop(one.place, [file])
    assert one.put_back(file, sealed)
    assert read(nodes("two"), staging, durable) == LARGE


def test_a_bucket_refuses_to_overwrite_and_belongs_to_one_installation(nodes: Open) -> None:
    objects = nodes("one").objects
    if objects is None:
        assert isinstance(nodes("one").place, type(nodes("one").files))
        return
    assert objects.refuses_to_overwrite()
    objects.claim("first")
    objects.claim("first")
    with pytest.raises(NotReady) as other:
        objects.claim("second")
    assert other.value.code == "payloads.other"


@pytest.mark.parametrize("fault", [Fault.DOWN, Fault.SLOW_DOWN, Fault.SLOW], ids=lambda fault: fault.value)
def test_a_bucket_that_is_away_acknowledges_nothing(
    bucket: SimulatedBucket, tmp_path: Path, fault: Fault
) -> None:
    blobs = blobs_at(bucket.url, tmp_path, timeout=0.5)
    staging, small = staged(blobs, LARGE), staged(blobs, b"small")
    bucket.knobs.fault = fault
    with pytest.raises(BucketUnavailable) as away:
        staging.make_durable()
    assert isinstance(away.value, Busy)
    assert away.value.retry_after > 0
    assert small.make_durable().inline is not None  # it stays in the row
    bucket.knobs.fault = Fault.NONE
    durable = staging.make_durable()
    assert read(blobs, staging, durable) == LARGE


def test_an_answer_lost_after_the_write_is_no_loss_and_no_second_object(
    bucket: SimulatedBucket, tmp_path: Path
) -> None:
    blobs = blobs_at(bucket.url, tmp_path, timeout=2)
    staging = staged(blobs, LARGE)
    bucket.knobs.fault, bucket.knobs.call = Fault.ANSWER_LOST, "PUT"
    with pytest.raises(BucketUnavailable):
        staging.make_durable()
    bucket.knobs.fault = Fault.NONE
    durable = staging.make_durable()
    assert read(blobs_at(bucket.url, tmp_path / "two"), staging, durable) == LARGE
    assert len(bucket.objects) == 1


def test_an_object_that_is_shorter_than_what_was_written_is_not_acknowledged(
    bucket: SimulatedBucket, tmp_path: Path
) -> None:
    bucket.knobs.fault, bucket.knobs.call = Fault.LOSES_HALF, "PUT"
    with pytest.raises(BucketUnavailable):
        kept(blobs_at(bucket.url, tmp_path), LARGE)


def test_a_body_that_is_cut_off_is_fetched_again_or_reported_as_away(
    bucket: SimulatedBucket, tmp_path: Path
) -> None:
    staging, durable = kept(blobs_at(bucket.url, tmp_path / "one"), LARGE)
    two = blobs_at(bucket.url, tmp_path / "two", timeout=1)
    bucket.knobs.fault, bucket.knobs.call = Fault.CUT_OFF, "GET"
    with pytest.raises(BucketUnavailable):
        read(two, staging, durable)
    bucket.knobs.fault = Fault.NONE
    assert read(two, staging, durable) == LARGE


def test_a_changed_object_is_damaged_and_never_kept_in_the_cache(
    bucket: SimulatedBucket, tmp_path: Path
) -> None:
    staging, durable = kept(blobs_at(bucket.url, tmp_path / "one"), LARGE)
    [key] = [key for key in bucket.objects if str(durable.file) in key]
    whole = bucket.objects[key].data
    object.__setattr__(bucket.objects[key], "data", whole[:-1] + bytes([whole[-1] ^ 1]))
    two = blobs_at(bucket.url, tmp_path / "two")
    with pytest.raises(Damaged):
        read(two, staging, durable)
    assert cache_of(two) == 0


def test_the_second_read_asks_nobody_and_a_rotten_cache_is_fetched_again(
    bucket: SimulatedBucket, tmp_path: Path
) -> None:
    staging, durable = kept(blobs_at(bucket.url, tmp_path / "one"), LARGE)
    two = blobs_at(bucket.url, tmp_path / "two")
    assert read(two, staging, durable) == LARGE
    calls = len(bucket.calls)
    assert read(two, staging, durable) == LARGE
    assert len(bucket.calls) == calls
    cached = tmp_path / "two" / "cache" / str(durable.file)
    cached.write_bytes(b"?" + cached.read_bytes()[1:])
    assert read(two, staging, durable) == LARGE
    assert len(bucket.calls) == calls + 1
    assert cached.read_bytes() == b"".join(two.sealed(str(durable.file)))


def test_the_cache_stays_within_its_bytes_and_keeps_what_was_read_last(
    bucket: SimulatedBucket, tmp_path: Path
) -> None:
    one = blobs_at(bucket.url, tmp_path / "one")
    all_kept = [kept(one, LARGE + bytes([number])) for number in range(4)]
    two = blobs_at(bucket.url, tmp_path / "two", cache_bytes=2 * len(LARGE) + 10)
    for number in (0, 1, 0, 2):
        assert read(two, *all_kept[number])
    assert cache_of(two) <= 2 * len(LARGE) + 10
    folder = tmp_path / "two" / "cache"
    there = [(folder / str(durable.file)).exists() for _, durable in all_kept]
    assert there == [True, False, True, False]
    none = blobs_at(bucket.url, tmp_path / "none", cache_bytes=0)
    assert read(none, *all_kept[3]) == LARGE + bytes([3])
    assert [path for path in (tmp_path / "none").rglob("*") if path.is_file()] == []


def test_a_payload_dropped_from_the_cache_while_it_is_read_is_read_to_its_end(
    bucket: SimulatedBucket, tmp_path: Path
) -> None:
    blobs = blobs_at(bucket.url, tmp_path)
    staging, durable = kept(blobs, HUGE)
    key, sha256 = staging.data_key, staging.sha256
    chunks = blobs.read(durable.file, None, data_key=key, size=len(HUGE), sha256=sha256)
    first = next(chunks)
    assert blobs.objects is not None
    blobs.objects.cache.drop(str(durable.file))
    assert first + b"".join(chunks) == HUGE


def test_a_stale_listing_delays_a_sweep_and_deletes_nothing_more(
    bucket: SimulatedBucket, tmp_path: Path
) -> None:
    blobs = blobs_at(bucket.url, tmp_path)
    _, old = kept(blobs, LARGE)
    bucket.knobs.fault, bucket.knobs.call = Fault.STALE_LIST, "GET"
    list(blobs.aged(-1))
    _, fresh = kept(blobs, LARGE)
    listed = [name for page in blobs.aged(-1) for name in page.names]
    assert listed == [old.file]
    bucket.knobs.fault = Fault.NONE
    assert sorted(n for page in blobs.aged(-1) for n in page.names) == sorted(
        [str(old.file), str(fresh.file)]
    )


def test_both_places_are_read_while_payloads_move(bucket: SimulatedBucket, tmp_path: Path) -> None:
    before = Blobs(tmp_path)
    staging, durable = kept(before, LARGE)
    both = blobs_at(bucket.url, tmp_path)
    assert read(both, staging, durable) == LARGE
    assert isinstance(both.place, Objects)
    file = str(durable.file)
    assert both.lay(both.place, file, both.sealed(file))
    both.files.remove(file)
    assert read(both, staging, durable) == LARGE


def test_a_store_that_overwrites_is_noticed(bucket: SimulatedBucket, tmp_path: Path) -> None:
    objects = blobs_at(bucket.url, tmp_path).objects
    assert objects is not None
    bucket.knobs.fault = Fault.OVERWRITES
    assert not objects.refuses_to_overwrite()


def test_a_missing_bucket_is_an_outage_and_no_lost_payload(bucket: SimulatedBucket, tmp_path: Path) -> None:
    blobs = blobs_at(bucket.url, tmp_path)
    bucket.name = "another"
    with pytest.raises(BucketUnavailable):
        kept(blobs, LARGE)


def cache_of(blobs: Blobs) -> int:
    assert blobs.objects is not None
    return blobs.objects.cache.bytes
