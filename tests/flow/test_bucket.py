"""Documents whose payloads lie in a bucket: over nodes, through outages, on the move between places."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from gateway.config import Config
from gateway.delivery import janitor
from gateway.delivery.janitor import sweep_payloads
from gateway.errors import NotReady, WrongState
from gateway.flow.operate import LOCAL
from gateway.flow.payload_places import move_payloads, verify_payloads
from gateway.practice.s3 import Fault, SimulatedBucket
from gateway.signature.keyring import LOG
from gateway.store.blobs import Blobs
from gateway.store.objects import BucketUnavailable
from tests.buckets import blobs_at, simulated
from tests.world import World

BIG = {"a.pdf": b"%PDF-1.7\n" + b"x" * 100_000}


@pytest.fixture
def bucket() -> Iterator[SimulatedBucket]:
    with simulated(page=3) as made:
        yield made


@pytest.fixture
async def beside(world: World, bucket: SimulatedBucket, tmp_path: Path) -> AsyncIterator[World]:
    """The world, its payloads in the bucket."""
    world.gw.keyring.ensure_note_key(LOG, world.clock.now())
    before, world.gw.blobs = world.gw.blobs, blobs_at(bucket.url, world.home / "payloads", timeout=1)
    yield world
    world.gw.blobs.close()
    before.close()


def objects_in(bucket: SimulatedBucket) -> list[str]:
    return [key for key in bucket.objects if key.count("/") == 2 and "probe" not in key]


async def test_a_document_goes_through_the_bucket_and_comes_out_whole(
    beside: World, bucket: SimulatedBucket
) -> None:
    sent = await beside.send(files=BIG)
    assert len(objects_in(bucket)) == 1
    [fetched] = await beside.fetch("H37.03")
    assert fetched.item.document == sent.document
    assert BIG["a.pdf"][-50:].decode() not in str(bucket.objects)
    assert await verify_payloads(beside.gw, LOCAL, deep=True) == {
        "good": 1, "looked_at": 1, "damaged": [], "after": "",
    }  # fmt: skip


async def test_while_the_bucket_is_away_large_ones_are_told_to_come_back_and_small_ones_pass(
    beside: World, bucket: SimulatedBucket
) -> None:
    first = await beside.send(number="1", files=BIG)
    bucket.knobs.fault = Fault.DOWN
    with pytest.raises(BucketUnavailable) as away:
        await beside.send(number="2", files={"a.pdf": b"%PDF-1.7\n" + b"y" * 100_000})
    assert away.value.http_status == 503
    assert away.value.retry_after > 0
    small = await beside.send(number="3")
    assert [item.document for item in await beside.waiting("H37.03")] == [first.document, small.document]
    fresh = blobs_at(bucket.url, beside.home / "fresh", timeout=1)  # a node that has nothing in its cache
    kept, beside.gw.blobs = beside.gw.blobs, fresh
    with pytest.raises(BucketUnavailable):
        await beside.fetch("H37.03")
    bucket.knobs.fault = Fault.NONE
    second = await beside.send(number="2", files={"a.pdf": b"%PDF-1.7\n" + b"y" * 100_000})
    fetched = {one.item.document for one in await beside.fetch("H37.03")}
    assert fetched == {first.document, small.document, second.document}
    fresh.close()
    beside.gw.blobs = kept


async def test_an_upload_whose_answer_was_lost_leaves_an_orphan_that_is_swept_and_no_loss(
    beside: World, bucket: SimulatedBucket
) -> None:
    bucket.knobs.fault, bucket.knobs.call = Fault.ANSWER_LOST, "PUT"
    with pytest.raises(BucketUnavailable):
        await beside.send(files=BIG)
    bucket.knobs.fault = Fault.NONE
    await beside.send(files=BIG)
    assert len(objects_in(bucket)) == 2
    assert await sweep_payloads(beside.gw, janitor.ORPHAN_SECONDS) == 0
    assert await sweep_payloads(beside.gw, -1) == 1
    assert len(objects_in(bucket)) == 1
    assert len(await beside.fetch("H37.03")) == 1


async def test_nothing_is_swept_from_a_bucket_of_another_installation(
    beside: World, bucket: SimulatedBucket
) -> None:
    assert beside.gw.blobs.objects is not None
    beside.gw.blobs.objects.claim("another")
    await beside.send(files=BIG)
    with pytest.raises(NotReady):
        await sweep_payloads(beside.gw, -1)
    assert len(objects_in(bucket)) == 1


async def test_payloads_move_into_the_bucket_and_back_and_are_read_all_the_while(
    world: World, bucket: SimulatedBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.flow.payload_places.PAGE", 2)
    for number in range(3):
        await world.send(number=str(number), files={"a.pdf": b"%PDF-1.7\n" + bytes([number]) * 100_000})
    folder = world.home / "payloads"
    world.gw.blobs = blobs_at(bucket.url, folder)
    await _moves(world, "bucket", 3)
    assert len(objects_in(bucket)) == 3
    assert [path for path in (folder / "payloads").rglob("*") if path.is_file()] == []
    with pytest.raises(WrongState):
        await move_payloads(world.gw, LOCAL, "files")
    world.gw.blobs = Blobs(folder, objects=world.gw.blobs.objects, into_bucket=False)
    await _moves(world, "files", 3)
    await _moves(world, "files", 0)
    assert objects_in(bucket) == []
    world.gw.blobs = Blobs(folder)
    assert len(await world.fetch("H37.03")) == 3


async def _moves(world: World, to: str, count: int) -> None:
    moved, after = 0, ""
    while True:
        page = await move_payloads(world.gw, LOCAL, to, after)  # type: ignore[arg-type]
        moved, after = moved + page["moved"], page["after"]
        assert page["damaged"] == []
        if not after:
            break
    assert moved == count


@pytest.mark.parametrize("deep", [False, True])
async def test_a_payload_that_is_lost_or_changed_is_named(
    beside: World, bucket: SimulatedBucket, deep: bool
) -> None:
    await beside.send(files=BIG)
    [key] = objects_in(bucket)
    change: Callable[[bytes], bytes] = (lambda data: bytes(len(data))) if deep else (lambda data: data[:-1])
    object.__setattr__(bucket.objects[key], "data", change(bucket.objects[key].data))
    answer = await verify_payloads(beside.gw, LOCAL, deep=deep)
    assert answer["damaged"] == [key.split("/")[-1].split(".")[0]]


async def test_without_a_bucket_there_is_nowhere_to_move_to(world: World) -> None:
    assert world.gw.config == Config()
    with pytest.raises(NotReady):
        await move_payloads(world.gw, LOCAL, "bucket")


async def test_a_bucket_that_is_not_there_damages_no_payload(beside: World, bucket: SimulatedBucket) -> None:
    await beside.send(files=BIG)
    bucket.name = "another"
    with pytest.raises(BucketUnavailable):
        await verify_payloads(beside.gw, LOCAL)
