"""The wiring: the only place that knows every implementation and imports ``adapters``.

In charge of: turning a home folder and its settings into running services, and starting and stopping the
loops in order. Not in charge of: anything that happens to a document.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path

import orjson

from adapters import KINDS, LOOPS, MOUNTS, Loop, make_adapters, make_collectors
from gateway.clock import Clock, SystemClock
from gateway.compliance import operations as compliance
from gateway.config import CHECKPOINTS, KEYS, PAYLOADS, Config
from gateway.delivery.alert_senders import AlertSender
from gateway.delivery.alerts import Alerting
from gateway.delivery.clock_watch import ClockWatch
from gateway.delivery.collect import Collecting
from gateway.delivery.conserve import Conservation
from gateway.delivery.figures import Figures
from gateway.delivery.gauges import Gauges
from gateway.delivery.janitor import Janitor
from gateway.delivery.leader import PACE, Leadership, Pace, this_node
from gateway.delivery.log_keeper import LogKeeper
from gateway.delivery.months import Months
from gateway.delivery.people_log import PeopleLog
from gateway.delivery.recheck import Rechecker
from gateway.delivery.remind import Reminder
from gateway.delivery.revocation import RevocationKeeper
from gateway.delivery.stamp import Stamper
from gateway.delivery.term_writer import TermWriter
from gateway.delivery.trust_folder import TrustFolder
from gateway.delivery.wakes import Wakes
from gateway.delivery.watch import CertificateWatch
from gateway.delivery.worker import Worker
from gateway.errors import NotReady
from gateway.flow import trust
from gateway.flow.operate import LOCAL
from gateway.flow.recovery import must_be_settled
from gateway.flow.second_copy import NoSecondCopy, settle_left
from gateway.model.text import Bilingual
from gateway.net import Net, Unreachable
from gateway.port import Tracer
from gateway.services import Services, identity_of
from gateway.signature.keyring import LOG, Keyring, client_tls
from gateway.signature.revocation_cache import RevocationCache
from gateway.signature.trust import TrustStore
from gateway.signature.workers import PdfWorkers
from gateway.store import listen, nodes, open_store
from gateway.store.buckets import open_blobs
from gateway.store.contract import Store

PROBE_BYTES = 65_536  # read of what an address answers when a connection is tried


def init_home(home: Path, name: str, clock: Clock) -> None:
    """Make an installation's folder: settings file, keys, trust folder. Never overwrites one.

    The folder of keys may be there and empty: a mounted volume that is new.
    """
    if (home / KEYS).exists() and any((home / KEYS).iterdir()):
        raise NotReady(
            Bilingual(f"{home} đã là một bản cài đặt.", f"{home} is an installation already."),
            code="home.exists",
        )
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    (home / PAYLOADS).mkdir(exist_ok=True, mode=0o700)
    (home / "trust").mkdir(exist_ok=True)
    settings = home / "gateway.toml"
    if not settings.exists():
        quoted = orjson.dumps(name).decode()  # a JSON string is a TOML string
        settings.write_text(f"[gateway]\nname = {quoted}\n", encoding="utf-8")
    Keyring.create(home / KEYS, name, clock.now())


def adapter_kinds() -> dict[str, bool]:
    """The kinds of connection that are installed; True when the recipient pulls."""
    return {kind: adapter.pull for kind, adapter in KINDS.items()}


def outbound(config: Config, home: Path) -> Net:
    """The way out, as configured (files relative to ``home``); nothing is opened yet."""
    net = config.net
    given = (net.tls_certificate, net.tls_key, net.tls_ca)
    files = [home / name if name else None for name in given]
    tls = client_tls(*files) if any(given) else None
    identified = bool(net.tls_certificate)
    seconds = config.delivery.timeout_seconds
    return Net(net.allow_private, seconds, folders=net.folders, tls=tls, identified=identified)


def connection_problems(
    kind: str, settings: Mapping[str, str], clock: Clock, config: Config, home: Path
) -> list[Bilingual]:
    """What an adapter finds wrong with a connection's settings. Nothing is dialled; unknown kind: empty."""
    if kind not in KINDS:
        return []
    return KINDS[kind](outbound(config, home), clock).check_settings(settings)


async def reach(net: Net, url: str) -> int:
    """The HTTP status that an address answers with, whatever it is; ``Unreachable`` when it does not."""
    try:
        return (await net.get(url, PROBE_BYTES)).status
    except Unreachable as error:
        if error.code == "answer.too_large":
            return HTTPStatus.OK
        raise


async def open_services(
    home: Path, config: Config, clock: Clock, purpose: str, *, read_only: bool = False
) -> Services:
    """Everything that flows need, opened; the store is locked for us, unless we only read.

    ``NotReady`` says what is missing.
    """
    if not (home / KEYS).exists():
        raise NotReady(
            Bilingual(
                f"{home} chưa phải là một bản cài đặt. Hãy chạy: gateway init --home {home}",
                f"{home} is no installation yet. Run: gateway init --home {home}",
            ),
            code="home.missing",
        )
    keyring = Keyring.open(home / KEYS)
    revocation = RevocationCache(config.trust.fetch)
    trust_store = TrustStore.load(home / config.trust.folder, (revocation,))
    store = await open_store(config.database.url, home, clock=clock, purpose=purpose, read_only=read_only)
    if not read_only:
        keyring.ensure_note_key(LOG, clock.now())
        await _require_own(store, keyring, clock)
    gw = Services(
        config=config,
        clock=clock,
        store=store,
        blobs=open_blobs(home, config),
        keyring=keyring,
        trust_store=trust_store,
        revocation=revocation,
        log_folder=home / CHECKPOINTS,
        reports_folder=home / "reports",
        archive_folder=home / "archive",
        operations=compliance.OPERATIONS,
        kinds=adapter_kinds(),
        connection_problems=lambda kind, settings: connection_problems(kind, settings, clock, config, home),
    )
    net = outbound(config, home)  # its own: slow lists take no connection from deliveries
    gw.collectors, gw.hang_up = make_collectors(net, clock), net.close
    gw.net, gw.reach = net, partial(reach, net)
    await gw.refresh()
    return gw


async def _require_own(store: Store, keyring: Keyring, clock: Clock) -> None:
    """``NotReady`` when the database is that of a gateway with other keys: a node with a keyring of its own
    would sign another log, and write payloads that no other node can open."""
    ours = identity_of(keyring)
    if await store.write(lambda tx: nodes.belongs_to(tx, ours, clock.now())):
        return
    await store.close()
    raise NotReady(
        Bilingual(
            f"Bộ khóa ở {keyring.folder} không phải là bộ khóa của cơ sở dữ liệu này. Các nút dùng chung một "
            "cơ sở dữ liệu phải có cùng bộ khóa: hãy chép thư mục khóa từ một nút đang chạy, hoặc sửa địa "
            "chỉ cơ sở dữ liệu trong phần cài đặt.",
            f"The keys in {keyring.folder} are not those of this database. All nodes on one database need "
            "the same keyring: copy the folder of keys from a running node, or correct the address.",
        ),
        code="keyring.other",
    )


def leaders_loops(gw: Services, net: Net) -> tuple[Loop, ...]:
    """What one node at a time does. Every other loop runs on every node: its work is of that node alone, or
    rows are claimed so that two do not do the same."""
    return (
        LogKeeper(gw),
        Rechecker(gw),
        Stamper(gw, net),
        Reminder(gw),
        Conservation(gw),
        Figures(gw),
        TermWriter(gw),
        Alerting(gw),
        AlertSender(gw, net),
        Collecting(gw),
        Months(gw),
        *(made(gw, net) for made in LOOPS),
    )


@dataclass(frozen=True, slots=True)
class Shared:
    """Listening sockets on which several nodes of this machine answer; whoever made them closes them."""

    web: socket.socket
    control: socket.socket


def pdf_processes(config: Config, is_one_of_several: bool) -> int:
    """How many processes of a node read PDFs: of several nodes on one machine each keeps one busy."""
    if is_one_of_several:
        return 1
    return 2 if config.database.is_shared else config.server.workers or 2


@contextlib.asynccontextmanager
async def running(
    home: Path,
    config: Config,
    clock: Clock,
    pdf_workers: PdfWorkers | None = None,
    pace: Pace = PACE,
    shared: Shared | None = None,
) -> AsyncIterator[tuple[Services, int]]:
    """A whole gateway: web server, control socket, loops. Yields the services and the port.

    ``pdf_workers`` may be warm already; they are closed with the rest. ``pace``: of heartbeats.
    On leaving, new requests are refused first, running attempts end, then the store closes.
    """
    from gateway.web.control import serve_control  # most commands serve nothing
    from gateway.web.server import make_web_app, serve_web

    gw = await open_services(home, config, clock, "serve")
    try:
        await must_be_settled(gw)
        with contextlib.suppress(NoSecondCopy):  # the second disk is away: nothing is accepted meanwhile
            await settle_left(gw)
    except BaseException:
        await gw.close()
        raise
    gw.pdf_workers = pdf_workers or PdfWorkers(pdf_processes(config, shared is not None))
    net = outbound(config, home)
    adapters = make_adapters(net, clock)
    gw.tracers = {kind: one for kind, one in adapters.items() if isinstance(one, Tracer)}
    loops: tuple[Loop, ...] = (
        Worker(gw, adapters),
        Janitor(gw),
        CertificateWatch(gw),
        RevocationKeeper(gw, net),
        TrustFolder(gw, home / config.trust.folder),
        PeopleLog(gw),
        ClockWatch(gw),
        Gauges(gw, home),
        Wakes(gw, partial(listen, config.database.listen_url or config.database.url)),
        Leadership(gw, this_node(gw), partial(leaders_loops, gw, net), pace),
    )
    tasks = [asyncio.create_task(loop.run()) for loop in loops]
    warming: asyncio.Task[None] | None = None
    try:
        async with (
            serve_web(make_web_app(gw, MOUNTS), config, home, shared.web if shared else None) as port,
            serve_control(gw, home, shared.control if shared else None),
        ):
            # Only now, so that it takes nothing from the start: the first file waits for it, nobody else.
            warming = asyncio.create_task(gw.pdf_workers.start())
            yield gw, port
    finally:
        for loop in loops:
            loop.stop()
        await asyncio.gather(*tasks)
        await gw.pdf_workers.close()
        if warming is not None:  # lost, if it was still under way
            await asyncio.gather(warming, return_exceptions=True)
        for adapter in adapters.values():
            await adapter.close()
        await net.close()
        await gw.close()


async def refresh_trust(home: Path, config: Config, clock: Clock) -> None:
    """Ask every revocation source once, while no server runs."""
    gw = await open_services(home, config, clock, "gateway trust refresh")
    net = outbound(config, home)
    try:
        await trust.refresh_trust(gw, LOCAL)
        await RevocationKeeper(gw, net).drain()
    finally:
        await net.close()
        await gw.close()


async def serve(
    home: Path,
    config: Config,
    started: Callable[[int], None],
    stop: asyncio.Event,
    shared: Shared | None = None,
) -> None:
    """Run the gateway of ``home`` until ``stop`` is set; ``started`` hears the port once it listens."""
    async with running(home, config, SystemClock(), shared=shared) as (gw, port):
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, gw.fleet.leave)  # see supervise.py
        started(port)
        await stop.wait()


__all__ = [
    "Shared",
    "adapter_kinds",
    "connection_problems",
    "init_home",
    "open_services",
    "refresh_trust",
    "running",
    "serve",
]
