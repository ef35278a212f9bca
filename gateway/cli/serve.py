"""``gateway init`` makes an installation, ``gateway serve`` runs it until it is told to stop.

In charge of: the settings of the log, and draining on SIGTERM or SIGINT. Not in charge of: wiring
(``app.py``).
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import sys

import click
import structlog
from rich.console import Console
from rich.markup import escape

from gateway import app
from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import operate, wait
from gateway.clock import SystemClock
from gateway.config import Config, LogSection, load
from gateway.errors import NotReady
from gateway.model.text import Bilingual
from gateway.practice import province


@click.command()
@common_options
@click.option("--name", default="truc-lien-thong", show_default=True, help="Name that stands in receipts.")
@click.option("--demo-directory", is_flag=True, help="Import the demo province (Lạng Sơn, April 2020).")
@click.pass_obj
def init(frame: Frame, name: str, demo_directory: bool) -> None:
    """Tạo bản cài đặt mới. Make an installation: settings, keys, trust folder, database."""
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
@click.pass_obj
def serve(frame: Frame) -> None:
    """Chạy trục cho đến khi có tín hiệu dừng. Run the gateway until SIGTERM or Ctrl-C."""
    config = load(frame.home)
    set_up_log(config.log)
    wait(_serve(frame, config))


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
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, heard, number)
    return stop


def address(config: Config, port: int) -> str:
    """The URL under which the gateway answers."""
    scheme = "https" if config.server.tls_certificate else "http"
    host = f"[{config.server.host}]" if ":" in config.server.host else config.server.host
    return f"{scheme}://{host}:{port}/"


async def _serve(frame: Frame, config: Config) -> None:
    def started(port: int) -> None:
        url = address(config, port)
        if frame.json:
            output.print_json({"serving": url, "home": str(frame.home)})
            return
        frame.screen.print(f"[bold green]●[/] Trục đang chạy tại [bold]{url}[/] (dừng: Ctrl-C)")
        frame.screen.print(f"  [dim]Serving {escape(str(frame.home))}. Stop with Ctrl-C.[/]")

    stop = stop_on_signals()
    try:
        await app.serve(frame.home, started, stop)
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES):
            raise NotReady(_no_port(config, error), code="server.address") from error
        raise
    if not frame.json:
        frame.screen.print("Trục đã dừng, mọi việc dở dang đã được ghi lại. [dim](stopped)[/]")


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
