"""What every command is handed: where the installation lies, and how to speak.

In charge of: ``--home`` and ``--json``, which may stand before or after a command's name. Not in charge of:
printing (``output.py``), reaching the installation (``reach.py``).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

DEFAULT_HOME = Path("var/gateway")
HOME_VARIABLE = "GATEWAY_HOME"
PIPE_WIDTH = 120

Wrapped = TypeVar("Wrapped", bound=Callable[..., Any])


@dataclass(slots=True)
class Frame:
    """``given_home`` is what ``--home`` said, if anything; people read ``screen``, errors go to ``aside``."""

    json: bool = False
    given_home: Path | None = None
    screen: Console = field(default_factory=lambda: Console(highlight=False, width=_width()))
    aside: Console = field(default_factory=lambda: Console(stderr=True, highlight=False))

    @property
    def home(self) -> Path:
        """The installation's folder: ``--home``, else ``GATEWAY_HOME``, else ``./var/gateway``."""
        return self.given_home or Path(os.environ.get(HOME_VARIABLE) or DEFAULT_HOME)

    @property
    def shows_progress(self) -> bool:
        """True when somebody watches: a terminal, and not a script that reads JSON."""
        return self.aside.is_terminal and not self.json


def common_options(function: Wrapped) -> Wrapped:
    """Add ``--home`` and ``--json`` to a command; both end up in its ``Frame``."""
    home = click.option(
        "--home",
        type=click.Path(path_type=Path, file_okay=False),
        expose_value=False,
        callback=_take_home,
        help="Folder of the installation.",
    )
    as_json = click.option(
        "--json", is_flag=True, expose_value=False, help="Print one JSON document instead of tables."
    )
    return home(as_json(function))


def _width() -> int | None:
    """As wide as the terminal; wide enough for a table when the output goes into a file or a pipe."""
    return None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH


def _take_home(ctx: click.Context, _: click.Parameter, value: Path | None) -> None:
    if value is not None:
        ctx.ensure_object(Frame).given_home = value
