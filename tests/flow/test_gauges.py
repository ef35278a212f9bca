"""What an operator's alarms look at: queue, failing lanes, disk, PDF processes, the last backup."""

from __future__ import annotations

import os

import pytest

from gateway.clock import SECOND
from gateway.config import BACKUP_MARK
from gateway.delivery.gauges import Gauges
from gateway.delivery.worker import claim_due
from gateway.flow import office
from gateway.flow.operate import LOCAL
from gateway.model.agency import Profile
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.port import TryLater
from gateway.practice.s3 import Fault
from tests import buckets
from tests.flow.test_delivery import Partner, turn
from tests.world import World

DOWN = TryLater("connect.refused", Bilingual("Không kết nối được.", "Connection refused."))


@pytest.fixture
async def pushed(world: World) -> World:
    """A delivery to H37.03 that a worker would carry, had it run."""
    await office.set_profile(world.gw, LOCAL, Profile(AgencyCode("H37.03"), "webhook"))
    await world.send()
    return world


def value(world: World, name: str, **labels: str) -> float:
    found = world.gw.metrics.registry.get_sample_value(f"gateway_{name}", labels)
    assert found is not None
    return found


async def test_what_could_go_and_does_not_grows_old(pushed: World) -> None:
    gauges = Gauges(pushed.gw, pushed.home)
    pushed.clock.jump_to(Instant(pushed.clock.now() + 700 * SECOND))
    await gauges.look_at_queue()
    assert value(pushed, "next_due_seconds") == pytest.approx(700, abs=2)
    await pushed.gw.store.write(lambda tx: claim_due(tx, pushed.gw, 32))
    await gauges.look_at_queue()
    assert value(pushed, "next_due_seconds") == 0


async def test_what_waits_for_a_failing_destination_is_no_stuck_queue(pushed: World) -> None:
    gauges, partner = Gauges(pushed.gw, pushed.home), Partner()
    partner.answers["H37.03"] = DOWN
    assert await turn(pushed, partner) == 1
    await gauges.look_at_queue()
    assert value(pushed, "lanes_failing") == 1
    assert value(pushed, "next_due_seconds") == 0


async def test_a_node_that_does_not_lead_leaves_the_queue_to_the_leader(pushed: World) -> None:
    pushed.clock.jump_to(Instant(pushed.clock.now() + 700 * SECOND))
    pushed.gw.fleet.leads = False
    await Gauges(pushed.gw, pushed.home).look_at_queue()
    assert value(pushed, "next_due_seconds") == 0


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_bucket_that_does_not_answer_is_shown_until_it_does(world: World) -> None:
    gauges = Gauges(world.gw, world.home)
    await gauges.look_at_bucket()
    assert value(world, "payloads_away") == 0
    with buckets.simulated() as bucket:
        world.gw.blobs = buckets.blobs_at(bucket.url, world.home / "bucket")
        bucket.knobs.fault = Fault.DOWN
        await gauges.look_at_bucket()
        assert value(world, "payloads_away") == 1
        bucket.knobs.fault = Fault.NONE
        await gauges.look_at_bucket()
        assert value(world, "payloads_away") == 0


async def test_disk_processes_and_the_mark_of_a_backup_are_shown(world: World) -> None:
    gauges = Gauges(world.gw, world.home)
    gauges.look_at_machine()
    assert value(world, "disk_free_bytes", place="home") > 0
    assert value(world, "disk_free_bytes", place="payloads") > 0
    assert value(world, "backup_last_success_timestamp_seconds") == 0
    mark = world.home / BACKUP_MARK
    mark.touch()
    os.utime(mark, (1_600_000_000, 1_600_000_000))
    world.gw.pdf_workers.lost = 3
    gauges.look_at_machine()
    gauges.look_at_machine()
    assert value(world, "backup_last_success_timestamp_seconds") == 1_600_000_000
    assert value(world, "pdf_workers_lost_total") == 3
