"""``gateway docs``: the documents that are written from the code (``tests/test_docs.py`` compares them).

In charge of: settings, commands, events and metrics as Markdown. Not in charge of: prose (``docs/*.md``).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from gateway import config
from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.metrics import Metrics
from gateway.model.event import MEANING

_NOTE = "<!-- Written by `gateway docs`; do not edit by hand. -->\n\n"


@click.command()
@common_options
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default=Path("docs"))
@click.pass_obj
def docs(frame: Frame, folder: Path) -> None:
    """Write docs/settings.md, docs/commands.md, docs/events.md and docs/metrics.md anew."""
    written = []
    for name, text in generated().items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            written.append(str(path))
    words = "\n".join(written) or "Không có gì thay đổi. [dim](up to date)[/]"
    output.show(frame, {"written": written}, lambda console: console.print(words))


def generated() -> dict[str, str]:
    """File name in ``docs/`` -> its text."""
    pages = {"settings.md": _settings, "commands.md": _commands, "events.md": _events, "metrics.md": _metrics}
    return {name: _NOTE + "\n".join(page()) + "\n" for name, page in pages.items()}


def _settings() -> Iterator[str]:
    yield "# Settings\n"
    yield (
        "They stand in `gateway.toml` of the home folder. An environment variable overrides the file "
        "(`server.port`: `GATEWAY_SERVER_PORT`), and a variable that ends in `_FILE` names a file with the "
        "value (`GATEWAY_DATABASE_URL_FILE`), which keeps secrets out of the environment. "
        "`gateway config describe` shows the values in force.\n"
    )
    yield "| setting | type | default | meaning |"
    yield "|---|---|---|---|"
    for setting in config.describe():
        default = f"`{setting.default}`" if setting.default else ""
        yield f"| `{setting.name}` | {setting.type} | {default} | {_cell(setting.sentence)} |"


def _commands() -> Iterator[str]:
    from gateway.cli import HIDDEN, root  # the table of commands imports this module

    yield "# Commands\n"
    yield (
        "Every command takes `--home DIR` (or `GATEWAY_HOME`; default `./var/gateway`) and `--json`. "
        "Exit codes: 0 done, 1 not done (the error says why and what to do next), 2 a call that cannot be "
        "understood; `gateway check` has its own.\n"
    )
    context = click.Context(root, info_name="gateway")
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        if command is not None and name not in HIDDEN:
            yield from _command(click.Context(command, info_name=name, parent=context))


def _command(context: click.Context) -> Iterator[str]:
    command = context.command
    if isinstance(command, click.Group):
        yield f"## {context.command_path}\n\n{_prose(command)}\n"
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                yield from _command(click.Context(below, info_name=name, parent=context))
        return
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"### `{usage}`\n\n{_prose(command)}\n"
    options = [option.get_help_record(context) for option in command.params if _is_own(option)]
    for record in options:
        if record is not None:
            yield f"- `{record[0]}`" + (f": {record[1]}" if record[1] else "")
    if any(options):
        yield ""


def _events() -> Iterator[str]:
    yield "# Events\n"
    yield (
        "What the gateway records, each in the transaction that changes the state, never changed afterwards. "
        "Names, subjects and reasons stand beside the event and can be erased; its body keeps a salted "
        "commitment.\n"
    )
    yield "| event | meaning |"
    yield "|---|---|"
    for kind, meaning in MEANING.items():
        yield f"| `{kind.value}` | {_cell(meaning)} |"


def _metrics() -> Iterator[str]:
    yield "# Metrics\n"
    yield "In Prometheus form at `/metrics`. None carries the name of an agency.\n"
    yield "| metric | type | labels | meaning |"
    yield "|---|---|---|---|"
    metrics = Metrics()
    for metric in vars(metrics).values():
        if metric is metrics.registry:
            continue
        (family,) = metric.describe()
        suffix = "_total" if family.type == "counter" else ""
        labels = ", ".join(metric._labelnames)
        yield f"| `{family.name}{suffix}` | {family.type} | {labels} | {_cell(family.documentation)} |"


def _prose(command: click.Command) -> str:
    return " ".join((command.help or "").split())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _is_own(parameter: click.Parameter) -> bool:
    """True for what a command has beyond the options that all have."""
    return isinstance(parameter, click.Option) and not {"--home", "--json"} & set(parameter.opts)
