"""``gateway init`` makes an installation, ``gateway serve`` runs it until it is told to stop.

In charge of: the settings of the log, stopping on SIGTERM or SIGINT, and whether one node serves or several.
Not in charge of: wiring (``app.py``), keeping several nodes (``supervise.py``).
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import sys
from collections.abc import Callable

import click
import structlog
from rich.console import Console
from rich.markup import escape

from gateway.cli import output, service, supervise
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate, wait
from gateway.clock import SystemClock
from gateway.config import Config, LogSection, load
from gateway.errors import NotReady
from gateway.model.text import Bilingual

_log = structlog.get_logger("gateway.serve")


@click.command()
@common_options
@click.option("--name", default="truc-lien-thong", show_default=True, help="Name that stands in receipts.")
@click.option("--demo-directory", is_flag=True, help="Import the demo province (Lạng Sơn, April 2020).")
@click.pass_obj
def init(frame: Frame, name: str, demo_directory: bool) -> None:
    """Tạo bản cài đặt mới. Make an installation: settings, keys, trust folder, database."""
    from gateway import app  # the whole gateway, which a supervisor of nodes does without
    from gateway.practice import province

    app.init_home(frame.home, name, SystemClock())
    arguments = {"text": province.agencies_csv(), "format": "csv", "apply": True}
    if demo_directory:
        operate(frame, "directory.import", **arguments)
    else:
        operate(frame, "status")  # makes the database, so that a mistake shows now
    steps = _next_steps(frame, demo_directory)
    answer = {"home": str(frame.home), "name": name, "demo_directory": demo_directory, "next": steps}

    def people(console: Console) -> None:
        console.print(f"[bold green]✓[/] Đã tạo bản cài đặt tại [bold]{escape(str(frame.home))}[/]")
        console.print("  [dim]An installation was made. Next:[/]")
        for step in steps:
            console.print(f"  → {escape(step)}")

    output.show(frame, answer, people)


@click.command()
@common_options
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    help="Processes; server.workers when it is not given. SIGHUP replaces nodes one by one (PostgreSQL).",
)
@click.option("--inherited", hidden=True, help="Descriptors of sockets that listen already (supervise.py).")
@click.pass_obj
def serve(frame: Frame, workers: int | None, inherited: str | None) -> int:
    """Chạy trục cho đến khi có tín hiệu dừng. Run the gateway until SIGTERM or Ctrl-C."""
    config = load(frame.home)
    if workers is not None:
        config = config.model_copy(update={"server": config.server.model_copy(update={"workers": workers})})
    set_up_log(config.log)
    try:
        if config.database.is_shared and config.server.workers > 1 and not inherited:
            return wait(_supervise(frame, config))
        wait(_serve(frame, config, inherited))
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES):
            raise NotReady(_no_port(config, error), code="server.address") from error
        raise
    if not (frame.json or inherited):
        frame.screen.print("Trục đã dừng, mọi việc dở dang đã được ghi lại. [dim](stopped)[/]")
    return 0


def set_up_log(section: LogSection) -> None:
    """Log to standard error, at the configured level, as text or as JSON lines."""
    last = structlog.processors.JSONRenderer() if section.json_lines else _text_lines()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(section.level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(stream=sys.stderr, level=section.level.upper(), force=True)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set; a second one ends the process as usual."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def heard(number: signal.Signals) -> None:
        loop.remove_signal_handler(number)
        service.tell(service.STOPPING)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, heard, number)
    return stop


def on_hang_up(stop: asyncio.Event, otherwise: Callable[[], object]) -> None:
    """What SIGHUP means: stop, when the terminal of this process was closed; else somebody asks to reload."""
    meant = stop.set if sys.stdin and sys.stdin.isatty() else otherwise
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, meant)


def address(config: Config, port: int) -> str:
    """The URL under which the gateway answers."""
    scheme = "https" if config.server.tls_certificate else "http"
    host = f"[{config.server.host}]" if ":" in config.server.host else config.server.host
    return f"{scheme}://{host}:{port}/"


async def _serve(frame: Frame, config: Config, inherited: str | None) -> None:
    from gateway import app

    stop = stop_on_signals()
    on_hang_up(stop, lambda: _log.info("nothing to reload: settings need a new start"))
    if not inherited:
        with service.watched():
            await app.serve(frame.home, config, lambda port: _started(frame, config, port), stop)
        return
    shared = app.Shared(*supervise.inherited(inherited))
    supervise.when_orphaned(stop.set)
    await app.serve(frame.home, config, lambda _: print(supervise.READY, flush=True), stop, shared)


async def _supervise(frame: Frame, config: Config) -> int:
    stop, loop = stop_on_signals(), asyncio.get_running_loop()
    with supervise.listening(config, frame.home) as sockets, service.watched():
        nodes = supervise.Supervisor(frame.home, config.server.workers, sockets, config.server.notice_seconds)
        replacing: set[asyncio.Task[None]] = set()
        on_hang_up(stop, lambda: replacing.add(loop.create_task(nodes.replace_all())))
        code = await nodes.run(lambda port: _started(frame, config, port), stop)
        await asyncio.gather(*replacing)
        return code


def _started(frame: Frame, config: Config, port: int) -> None:
    url = address(config, port)
    service.tell(service.READY)
    if frame.json:
        output.print_json({"serving": url, "home": str(frame.home)})
        return
    frame.screen.print(f"[bold green]●[/] Trục đang chạy tại [bold]{url}[/] (dừng: Ctrl-C)")
    frame.screen.print(f"  [dim]Serving {escape(str(frame.home))}. Stop with Ctrl-C.[/]")


def _no_port(config: Config, error: OSError) -> Bilingual:
    place, why = f"{config.server.host}:{config.server.port}", os.strerror(error.errno or 0)
    return Bilingual(
        f"Không mở được địa chỉ {place} ({why}). Hãy đổi server.host, server.port hoặc dừng chương trình "
        "đang dùng địa chỉ này.",
        f"Cannot listen on {place}: {why}. Change server.host or server.port, or stop who uses it.",
    )


def _next_steps(frame: Frame, has_directory: bool) -> list[str]:
    home = f" --home {frame.home}" if frame.given_home else ""
    steps = [] if has_directory else [f"gateway directory import FILE.csv --apply{home}"]
    return [
        *steps,
        f'gateway agency add "Phần mềm văn bản của Sở …" --agency H37.03{home}',
        f"gateway serve{home}",
    ]


def _text_lines() -> structlog.dev.ConsoleRenderer:
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
