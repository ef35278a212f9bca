"""Documents up and down through a faulty axis, knob by knob: what survived (``docs/partners.md``).

``python -m tests.flow.fault_matrix`` measures anew and writes the table. Our side of the axis is a document
system that speaks the SDK's calls, and a whole gateway with a connection of kind ``axis`` whose agency's
software sits behind it. The other side is always a sound system of a ministry.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from adapters import KINDS
from adapters.vxp.client import VxpClient
from gateway import app
from gateway.clock import SECOND, Clock, ScenarioClock, SystemClock, local
from gateway.config import load
from gateway.delivery import collect
from gateway.directory.data import DirectoryData
from gateway.flow import office
from gateway.flow.operate import LOCAL
from gateway.model.agency import Agency, Profile
from gateway.model.text import AgencyCode, Instant
from gateway.net import Net
from gateway.practice.agency import Cabinet
from gateway.practice.axis import SimulatedAxis, System
from gateway.practice.axis_knobs import WORDS, Fault
from gateway.practice.doors import SdkDoor, opened
from gateway.practice.letters import Draft, Office
from gateway.practice.vendor import DocumentSystem
from gateway.services import Services
from gateway.store.people import Role
from tests.world import AGENCIES

PAGE = Path(__file__).parents[2] / "docs" / "partners.md"
BEGIN, END = "<!-- fault knobs: python -m tests.flow.fault_matrix -->\n", "<!-- end of fault knobs -->\n"
PROVINCE, MINISTRY = System("H37", "khoa-cua-tinh", ("H37",)), System("G09", "khoa-cua-bo", ("G09",))
OURS, THEIRS = Office("H37.03", "Sở Thông tin và Truyền thông"), Office("G09.01", "Bộ thử")
DOCUMENTS = 4  # each way
POLL = 0.1  # seconds of real time between looks at the axis
PATIENCE = 60.0  # seconds for one knob
KINDS_OF_SIDE = ("system", "gateway") if "axis" in KINDS else ("system",)

SIDES = {"system": "a system that speaks the SDK's calls", "gateway": "this gateway, as the axis' client"}

# How each knob is turned: for one call in so many, seeded; or at every call. Copies always: of a quarter of
# the calls all copies may be recognised by the gateway, whatever order they come in,
# and no partner would ever see one.
ALWAYS = {
    Fault.DUPLICATE,
    Fault.LISTED_TWICE,
    Fault.REORDER,
    Fault.NULLS,
    Fault.PREFIX,
    Fault.ORDER,
    Fault.WHITESPACE,
}
ARGUMENTS = {Fault.DELAY: "0.2", Fault.CLOCK_SKEW: "-3600", Fault.BUSY: "1"}


@dataclass(frozen=True, slots=True)
class Row:
    """What became of ``DOCUMENTS`` documents each way under one knob, which struck so often.

    ``lost``: not entered at the other side; ``doubled``: entered there more than once.
    """

    fault: Fault
    side: str
    struck: int
    lost: int
    doubled: int
    repeats: int  # copies that came and were recognised
    open_items: int  # still listed at the axis when all was quiet, for neither side to settle

    @property
    def survived(self) -> bool:
        return self.struck > 0 and not (self.lost or self.doubled or self.open_items)

    def line(self) -> str:
        """One line of the table; only what does not depend on the moment."""
        verdict = "yes" if self.survived else f"lost {self.lost}, doubled {self.doubled}"
        vi, en = WORDS[self.fault]
        return f"| `{self.fault.value}` | {vi}. {en} | {SIDES[self.side]} | {verdict} |"


async def measure(fault: Fault, kind: str) -> Row:
    """Turn one knob, send both ways, wait until everything has come to rest."""
    net, clock = Net("127.0.0.0/8", 5), ScenarioClock(SystemClock().now())
    with tempfile.TemporaryDirectory() as folder, _hurrying(clock):
        async with SimulatedAxis([PROVINCE, MINISTRY], clock=clock, seed=7) as axis:
            theirs = _system(THEIRS, MINISTRY, axis, net, clock, Path(folder) / "theirs")
            async with _side(kind, axis, net, clock, Path(folder)) as ours:
                probability = 1.0 if fault in ALWAYS or fault is Fault.CLOCK_SKEW else 0.25
                axis.knobs.turn(fault, probability=probability, argument=ARGUMENTS.get(fault, ""))
                row = await _exchange(fault, kind, axis, ours, theirs)
    await net.close()
    return row


async def _exchange(
    fault: Fault, kind: str, axis: SimulatedAxis, ours: DocumentSystem, theirs: DocumentSystem
) -> Row:
    looking = [asyncio.create_task(one.run(0.05)) for one in (ours, theirs)]
    try:
        await asyncio.gather(_send_all(ours, THEIRS), _send_all(theirs, OURS))
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE
        while loop.time() < until:
            if _entered(theirs) == _entered(ours) == DOCUMENTS and not axis.open_items():
                break
            await asyncio.sleep(0.1)
    finally:
        for task in looking:
            task.cancel()
        await asyncio.gather(*looking, return_exceptions=True)
    struck = sum(knob.struck for knob in axis.knobs.turned)
    lost = 2 * DOCUMENTS - _entered(theirs) - _entered(ours)
    doubled = len(theirs.register) + len(ours.register) - _entered(theirs) - _entered(ours)
    repeats = theirs.repeats + ours.repeats
    return Row(fault, kind, struck, lost, doubled, repeats, len(axis.open_items()))


async def _send_all(sender: DocumentSystem, to: Office) -> None:
    """Send them; what was refused with a reason, its clerk sends again."""
    for number in range(1, DOCUMENTS + 1):
        draft = Draft(str(number), "TM", "V/v thử nghiệm liên thông văn bản")
        for _ in range(20):
            if await sender.write([to], draft):
                break


def _entered(system: DocumentSystem) -> int:
    return len({document for _, document, _ in system.register})


def _system(
    office_: Office, system: System, axis: SimulatedAxis, net: Net, clock: Clock, folder: Path
) -> DocumentSystem:
    door = SdkDoor(VxpClient(net, axis.url, system.system_id, system.secret, clock), 0.05)
    return DocumentSystem(office_, door, Cabinet(folder), lambda: local(clock.now()))


@contextlib.contextmanager
def _hurrying(clock: ScenarioClock) -> Iterator[None]:
    """Everybody's clock runs a hundred times as fast: the gateway waits half a minute to try again."""

    async def hurry() -> None:
        while True:
            await asyncio.sleep(0.1)
            clock.jump_to(Instant(clock.now() + 10 * SECOND))

    task = asyncio.create_task(hurry())
    try:
        yield
    finally:
        task.cancel()


@contextlib.asynccontextmanager
async def _side(
    kind: str, axis: SimulatedAxis, net: Net, clock: Clock, folder: Path
) -> AsyncIterator[DocumentSystem]:
    if kind == "system":
        yield _system(OURS, PROVINCE, axis, net, clock, folder / "ours")
        return
    home = folder / "home"
    app.init_home(home, "truc-thu", clock)
    (home / "gateway.toml").write_text(
        '[gateway]\nname = "thu"\n[server]\nport = 0\n[net]\nallow_private = "127.0.0.0/8"\n'
    )
    often = patch.multiple(collect, POLL_SECONDS=POLL, LONGEST_REST=4 * POLL)  # these two count real time
    with often:
        async with app.running(home, load(home), clock) as (gw, port):
            key = await _connect(gw, axis)
            async with opened(f"http://127.0.0.1:{port}", OURS.code, key) as door:
                yield DocumentSystem(OURS, door, Cabinet(folder / "ours"), lambda: local(clock.now()))


async def _connect(gw: Services, axis: SimulatedAxis) -> str:
    """A gateway whose way to the ministry is the axis; the API key of our agency's software."""
    national = Agency(AgencyCode("G09"), "Bộ thử", "outside", None)
    below = Agency(AgencyCode(THEIRS.code), THEIRS.name, "outside", AgencyCode("G09"))
    await office.import_directory(gw, LOCAL, DirectoryData((*AGENCIES, national, below)), apply=True)
    settings = {
        "url": axis.url,
        "system_id": PROVINCE.system_id,
        "from": "H37",
        "serves": "subtree",
    }
    profile = Profile(AgencyCode("G09"), "axis", tuple(sorted(settings.items())))
    await office.set_profile(gw, LOCAL, profile, PROVINCE.secret)
    account = await office.add_principal(gw, LOCAL, "Sở", Role.SYSTEM, [AgencyCode(OURS.code)])
    return await office.issue_api_key(gw, LOCAL, account.id)


def table(rows: list[Row]) -> str:
    """The section's table in Markdown."""
    head = [
        f"{DOCUMENTS} documents each way, with their statuses. The knob strikes a quarter of the calls that",
        "it concerns; what is a habit of an axis rather than an accident strikes all. A send that the axis",
        "refuses is sent again by its clerk. Survived: nothing lost, nothing entered in a register twice",
        "(copies were recognised), nothing left open at the axis.",
        "",
        "| knob | what goes wrong | our side | survived |",
        "|---|---|---|---|",
    ]
    return "\n".join([*head, *(row.line() for row in rows)]) + "\n"


async def main() -> None:
    """Measure every knob and write the table between its two markers."""
    rows = [await measure(fault, kind) for fault in Fault for kind in KINDS_OF_SIDE]
    for row in rows:
        print(row)
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    PAGE.write_text(before + BEGIN + table(rows) + END + rest.split(END)[1], encoding="utf-8")


__all__ = ["Row", "measure", "table"]

if __name__ == "__main__":
    asyncio.run(main())
