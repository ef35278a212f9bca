"""Two nodes on one PostgreSQL database and one bucket, without a folder in common."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.compliance import operations as compliance
from gateway.config import Config
from gateway.services import Services
from gateway.signature.keyring import Keyring
from gateway.signature.revocation_cache import RevocationCache
from gateway.signature.trust import TrustStore
from tests.buckets import blobs_at, simulated
from tests.contract.things import OpenStore
from tests.world import KINDS, World, make_world

PDF = b"%PDF-1.7\n" + b"x" * 200_000


@pytest.fixture(params=["postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_what_one_node_took_in_the_other_hands_out_from_the_bucket(
    store_factory: OpenStore, tmp_path: Path
) -> None:
    first, second = await store_factory(), await store_factory()
    with simulated() as bucket:
        async with make_world(first, tmp_path / "one") as one:
            unused, one.gw.blobs = one.gw.blobs, blobs_at(bucket.url, tmp_path / "one" / "payloads")
            unused.close()
            trust = tmp_path / "one" / "trust"
            revocation = RevocationCache()
            gw = Services(
                config=Config(),
                clock=one.clock,
                store=second,
                blobs=blobs_at(bucket.url, tmp_path / "two" / "payloads"),
                keyring=Keyring.open(tmp_path / "one" / "keys"),
                trust_store=TrustStore.load(trust, (revocation,)),
                revocation=revocation,
                kinds=KINDS,
                operations=compliance.OPERATIONS,
            )
            await gw.refresh()
            two = World(gw, one.clock, tmp_path / "two")
            sent = await one.send(files={"a.pdf": PDF})
            [fetched] = await two.fetch("H37.03")
            assert fetched.item.document == sent.document
            assert len(fetched.data) > len(PDF)
            asked = [call for call in bucket.calls if call.startswith("GET")]
            assert len(asked) == 1  # only the second node had to ask
            [cached] = [
                path for path in (tmp_path / "two" / "payloads" / "cache").rglob("*") if path.is_file()
            ]
            assert cached.stat().st_size == len(fetched.data)
            await gw.pdf_workers.close()
            gw.threads.shutdown(wait=True)
            gw.disk_threads.shutdown(wait=True)
            gw.blobs.close()
