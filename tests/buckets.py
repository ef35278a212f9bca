"""Object stores for tests: the simulator and a real one (moto), each in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from gateway.practice.s3 import SimulatedBucket
from gateway.store.blobs import Blobs
from gateway.store.cache import Cache
from gateway.store.objects import Bucket, Objects

KEYS = {"access_key": "AKIAPRACTICE", "secret_key": "practice", "allow_http": True}


@contextlib.contextmanager
def simulated(page: int = 1_000) -> Iterator[SimulatedBucket]:
    """A simulated bucket that answers while this thread waits for it."""
    bucket, loop = SimulatedBucket(page=page), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(bucket.__aenter__(), loop).result(10)
        yield bucket
        asyncio.run_coroutine_threadsafe(bucket.__aexit__(None, None, None), loop).result(10)
    finally:
        asyncio.run_coroutine_threadsafe(_end_others(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end_others() -> None:
    """Slow answers that nobody waits for any more."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@contextlib.contextmanager
def moto() -> Iterator[str]:
    """The address of a real S3 implementation with a bucket named ``bucket``."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
        client = boto3.client("s3", endpoint_url=url, **keys)
        client.create_bucket(Bucket="bucket")
        client.close()
        yield url
    finally:
        server.stop()


def bucket_at(url: str, timeout: float = 5) -> Bucket:
    """The bucket ``bucket`` there, below a prefix."""
    return Bucket("s3://bucket/truc", url, timeout_seconds=timeout, **KEYS)  # type: ignore[arg-type]


def blobs_at(
    url: str, folder: Path, cache_bytes: int = 10_000_000, timeout: float = 5, **settings: int
) -> Blobs:
    """Payloads in the bucket there, with staging and cache below ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    staging = folder / "staging"
    staging.mkdir(exist_ok=True)
    objects = Objects(bucket_at(url, timeout), Cache(folder / "cache", cache_bytes), staging)
    return Blobs(folder, objects=objects, **settings)
