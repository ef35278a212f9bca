"""One table of commands; every command prints a table for people, or one JSON document with ``--json``.

In charge of: which command lives where, and turning errors into sentences and exit codes (0 done, 1 not done,
2 wrong call; ``check`` has its own, see there). A command's module is loaded when the command is used;
``--help`` loads none. Not in charge of: doing anything; commands that change or read an installation go
through ``reach.operate``.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.errors import GatewayError

# Name -> (module in this package, the command in it). The order is the order of ``gateway --help``.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("serve", "init"),
    "serve": ("serve", "serve"),
    "demo": ("demo", "demo"),
    "check": ("check", "check"),
    "verify": ("verify", "verify"),
    "send": ("post", "send"),
    "inbox": ("post", "inbox"),
    "status": ("trace", "status"),
    "trace": ("trace", "trace"),
    "views": ("views", "views"),
    "open": ("views", "open_"),
    "receipt": ("receipt", "receipt"),
    "log": ("log", "log"),
    "evidence": ("evidence", "evidence"),
    "backup": ("backup", "backup"),
    "restore": ("backup", "restore"),
    "recovery": ("recovery", "recovery"),
    "directory": ("directory", "directory"),
    "agency": ("agency", "agency"),
    "account": ("account", "account"),
    "signatures": ("recheck", "signatures"),
    "signers": ("signers", "signers"),
    "authority": ("authority", "authority"),
    "certificates": ("certificates", "certificates"),
    "policy": ("policy", "policy"),
    "trust": ("trust", "trust"),
    "key": ("key", "key"),
    "queue": ("queue", "queue"),
    "reconcile": ("reconcile", "reconcile"),
    "conservation": ("conservation", "conservation"),
    "recall": ("recall", "recall"),
    "incident": ("incident", "incident"),
    "retention": ("retention", "retention"),
    "archive": ("archive", "archive"),
    "payloads": ("payloads", "payloads"),
    "migrate": ("migrate", "migrate"),
    "calendar": ("calendar", "calendar"),
    "report": ("report", "report"),
    "scorecard": ("scorecard", "scorecard"),
    "totals": ("totals", "totals"),
    "outage": ("outage", "outage"),
    "alerts": ("alerts", "alerts"),
    "simulate": ("simulate", "simulate"),
    "conform": ("conform", "conform"),
    "doctor": ("doctor", "doctor"),
    "config": ("config", "config"),
    "docs": ("docs", "docs"),
}
HIDDEN = frozenset({"docs"})  # for ``make docs``


class _Table(click.Group):
    """A group whose commands come from ``COMMANDS``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name]
        found = getattr(importlib.import_module(f"gateway.cli.{module}"), name)
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        shown = [name for name in self.list_commands(ctx) if name not in HIDDEN]
        limit = formatter.width - 6 - max(map(len, shown))
        with formatter.section("Commands"):
            formatter.write_dl([(name, _summary(name).get_short_help_str(limit)) for name in shown])


def _summary(name: str) -> click.Command:
    """A command's name and docstring, read from its source: importing every module would take seconds."""
    module, function = COMMANDS[name]
    source = Path(__file__).with_name(f"{module}.py").read_bytes()
    found = next(
        one for one in ast.parse(source).body if isinstance(one, ast.FunctionDef) and one.name == function
    )
    return click.Command(name, help=ast.get_docstring(found))


@click.group(
    cls=_Table,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="GATEWAY_HOME names the installation's folder when --home does not (default: ./var/gateway).",
)
@click.version_option(package_name="document-gateway", prog_name="gateway")
@common_options
def root() -> None:
    """Trục liên thông văn bản điện tử cấp tỉnh (edXML, QCVN 102:2016/BTTTT).

    Document interchange gateway of a province.
    """


def main(args: Sequence[str] | None = None) -> int:
    """Run one command; its exit code. Every error ends here, as a sentence or as JSON."""
    words = list(sys.argv[1:] if args is None else args)
    frame = Frame(json="--json" in words)
    try:
        result: Any = root.main(words, prog_name="gateway", standalone_mode=False, obj=frame)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        output.show_usage_error(frame, error)
        return 2
    except GatewayError as error:
        output.show_error(frame, error)
        return 1
    except BrokenPipeError:
        return output.reader_left()
    except PermissionError as error:
        output.show_error(frame, output.forbidden(error))
        return 1
    except (click.Abort, KeyboardInterrupt):
        output.show_stopped(frame)
        return 130
    return result if isinstance(result, int) else 0


__all__ = ["COMMANDS", "main", "root"]
