"""``gateway report form`` and ``gateway report recount``: what leaves the installation as files, and what an
auditor counts again.

In charge of: the commands. Not in charge of: forms (``compliance/forms.py``), the independent counting
(``compliance/recount.py``).
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import click
from rich.markup import escape

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.log import export_to
from gateway.cli.reach import operate, wait
from gateway.compliance import recount as counting_again
from gateway.compliance.recount_compare import Outcome
from gateway.compliance.recount_log import is_log
from gateway.config import KEYS
from gateway.errors import BadRequest
from gateway.exchange_log.evidence import read_trusted
from gateway.flow.evidence import trusted_of
from gateway.model.text import Bilingual
from gateway.signature.keyring import Keyring

KINDS = ("xlsx", "csv", "pdf", "json")
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@common_options
@click.argument("form_name", metavar="FORM")
@click.option("--period", default="", help="Counted now, e.g. 2020-W16.")
@click.option("--report", "report_id", default="", help="Of a published report, by its id.")
@click.option("--agency", default="", help="Whose registers (F6).")
@click.option("--as", "kind", type=click.Choice(KINDS), default="xlsx", show_default=True)
@click.option("--lang", type=click.Choice(["vi", "en"]), default="vi", show_default=True)
@click.option(
    "-o",
    "--output",
    "target",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="New file.",
)
@click.pass_obj
def form(
    frame: Frame,
    form_name: str,
    period: str,
    report_id: str,
    agency: str,
    kind: str,
    lang: str,
    target: Path,
) -> None:
    """Xuất biểu F1–F7 ra tệp. Write one of the forms F1 to F7 as XLSX, CSV, PDF or JSON."""
    given: dict[str, Any] = {"period": period, "report": report_id, "agency": agency}
    path = str(target.absolute())
    answer = operate(frame, "report.form", form=form_name, path=path, kind=kind, lang=lang, **given)
    words = f"[bold green]✓[/] {escape(answer['path'])} ({answer['size']} byte). [dim](written)[/]"
    output.show(frame, answer, lambda console: console.print(words, soft_wrap=True))


@click.command()
@common_options
@click.argument("file", type=_FILE)
@click.option("--log", "log_file", type=_FILE, help="The exported log; else that of --home is exported.")
@click.option("--report", "report_file", type=_FILE, help="The published report, when FILE is a log.")
@click.option("--period", default="", help="FROM..TO, when there is no report.")
@click.option("--key", "key_files", multiple=True, type=_FILE, help="Public keys of the log.")
@click.option("--exclude", multiple=True, help="An agency that is not counted, when there is no report.")
@click.pass_obj
def recount(
    frame: Frame,
    file: Path,
    log_file: Path | None,
    report_file: Path | None,
    period: str,
    key_files: tuple[Path, ...],
    exclude: tuple[str, ...],
) -> int:
    """Đếm lại số liệu từ nhật ký, bằng chương trình độc lập. Count again from the log, by other code.

    Exit code 0: equal; 1: not equal, with the reason. FILE is a published report or an exported log.
    """
    keys = _log_keys("\n".join(path.read_text("utf-8", errors="replace") for path in key_files))
    if log_file is not None or is_log(file):
        outcome = counting_again.recount(file, log_file, report_file, period, keys, exclude)
    else:
        outcome = _with_own_log(frame, file, keys)
    output.show(
        frame,
        outcome.as_json(),
        lambda console: console.print(escape("\n".join(counting_again.lines(outcome))), soft_wrap=True),
    )
    return 0 if outcome.equal else 1


def _with_own_log(frame: Frame, file: Path, keys: str) -> Outcome:
    """Against the log of the installation at hand, exported for the purpose."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        wait(export_to(frame, log))
        own = "\n".join(map(str, trusted_of(Keyring.open(frame.home / KEYS)).log_keys))
        return counting_again.recount(file, log, keys=keys or own)


def _log_keys(text: str) -> str:
    """The keys of logs in a list of public keys, which may hold certificates too. ``BadRequest``."""
    try:
        _, keys = read_trusted(text)
    except ValueError as error:
        told = Bilingual(f"Không đọc được tệp khóa: {error}", f"The key file cannot be read: {error}")
        raise BadRequest(told, code="evidence.key_unreadable") from error
    return "\n".join(map(str, keys))


__all__ = ["form", "recount"]
