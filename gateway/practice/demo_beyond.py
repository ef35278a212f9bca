"""What of the demo speaks the national SDK's calls: the axis, an office of a ministry, one department.

In charge of: a simulated national axis with two systems, and software that speaks its dialect. Not in charge
of: what happens when (``demo``).
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from adapters.vxp.client import VxpClient
from gateway.clock import Clock, local
from gateway.net import Net
from gateway.practice import demo_home, province
from gateway.practice.agency import AgencySoftware, Cabinet, Received
from gateway.practice.axis import SimulatedAxis
from gateway.practice.axis_store import System
from gateway.practice.axis_systems import make_secret
from gateway.practice.letters import Office
from gateway.practice.scenario import AXIS, PROVINCE, Habit
from gateway.practice.sdk_agency import SdkClient, SdkSoftware
from gateway.services import Services

OURS, THEIRS = str(PROVINCE), "G14"  # system ids at the axis: the province's gateway, the ministry's system
SECONDS = 30  # for one call


@contextlib.asynccontextmanager
async def national_axis(clock: Clock) -> AsyncIterator[SimulatedAxis]:
    """An axis on loopback that knows the province and the ministry."""
    systems = [System(OURS, make_secret(), (OURS,), strict=True), System(THEIRS, make_secret(), (THEIRS,))]
    async with SimulatedAxis(systems, clock=clock) as axis:
        yield axis


async def join(gw: Services, axis: SimulatedAxis) -> None:
    """Connect the gateway with the axis."""
    ours = axis.systems[OURS]
    await demo_home.connect_axis(gw, AXIS, axis.url, ours.system_id, ours.secret)


@contextlib.asynccontextmanager
async def way_out() -> AsyncIterator[Net]:
    """Connections of the SDK clients; loopback only."""
    net = Net("127.0.0.0/8", SECONDS)
    try:
        yield net
    finally:
        await net.close()


def ministry(net: Net, axis: SimulatedAxis, clock: Clock) -> VxpClient:
    """The ministry's system at the axis."""
    theirs = axis.systems[THEIRS]
    return VxpClient(net, axis.url, theirs.system_id, theirs.secret, clock)


def software(
    vxp: VxpClient, habit: Habit, cabinet: Cabinet, received: Received, poll_seconds: float, clock: Clock
) -> AgencySoftware:
    """An office whose software speaks the SDK's calls."""
    directory = province.directory()
    code = directory.written_form(habit.code, "qcvn102", province.as_of())
    office = Office(code, directory.name(habit.code, province.as_of()))
    client = SdkClient(vxp, office)
    return SdkSoftware(client, cabinet, received, poll_seconds, directory, lambda: local(clock.now()))
