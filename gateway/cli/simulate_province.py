"""``gateway simulate province``: an installation with a made-up exchange of any length.

In charge of: the options, a progress bar, and telling what was planted. Not in charge of: what is made
(``practice/synthetic``).
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from rich.markup import escape

from gateway.cli import output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import wait
from gateway.practice.synthetic_home import Simulated, Tell, simulate
from gateway.practice.synthetic_plan import ALL_STORIES, MARK, Plan, Story

DEFAULT_HOME = Path("var/synthetic")
STORIES = ", ".join(story.value for story in Story)
MOST_DAYS = 3660


@click.command()
@common_options
@click.option(
    "--from",
    "first",
    type=click.DateTime(["%Y-%m-%d"]),
    default="2020-04-01",
    show_default=True,
    help="First day.",
)
@click.option("--days", type=click.IntRange(1, MOST_DAYS), default=30, show_default=True)
@click.option(
    "--documents-per-day",
    type=click.IntRange(1, 100_000),
    default=1500,
    show_default=True,
    help="On a working day.",
)
@click.option(
    "--scale", type=click.IntRange(1, 100), default=1, show_default=True, help="So many times the load."
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same log.")
@click.option("--stories", default="all", show_default=True, help=f"all, none, or some of: {STORIES}.")
@click.pass_obj
def province(
    frame: Frame, first: datetime, days: int, documents_per_day: int, scale: int, seed: int, stories: str
) -> None:
    """Dữ liệu mô phỏng: một tỉnh gửi, nhận văn bản nhiều ngày. A made-up exchange of a whole province.

    The folder (--home, default ./var/synthetic) is made anew. Every page and report of it says that it is
    synthetic.
    """
    plan = Plan(first.date(), days, documents_per_day, scale, seed, _stories(stories))
    home = frame.given_home or DEFAULT_HOME
    with output.progress(frame) as bar:
        task = bar.add_task("Ngày", total=days)
        tell: Tell = lambda what, done, of: bar.update(task, completed=done)  # noqa: E731  (one line)
        made = wait(simulate(home, plan, tell))
    output.show(frame, as_json(made), lambda console: console.print(_table(made)))


def as_json(made: Simulated) -> dict[str, object]:
    """What scripts read."""
    return {
        "synthetic": True,
        "home": str(made.home),
        "documents": made.documents,
        "deliveries": made.deliveries,
        "events": made.events,
        "log": {"size": made.size, "root": made.root.hex()},
        "stories": [
            {
                "story": told.story.value,
                "agency": told.agency,
                "from": told.first.isoformat(),
                "to": told.last.isoformat(),
                **told.text.as_json(),
            }
            for told in made.told
        ],
    }


def _table(made: Simulated) -> object:
    rows = [
        ("Văn bản / documents", f"{made.documents:,}".replace(",", ".")),
        ("Lượt gửi / deliveries", f"{made.deliveries:,}".replace(",", ".")),
        ("Sự kiện / events", f"{made.events:,}".replace(",", ".")),
        ("Gốc nhật ký / log root", made.root.hex()),
    ]
    rows += [
        (
            told.story.value,
            escape(f"{told.first:%d/%m/%Y} – {told.last:%d/%m/%Y}: {told.text.vi} {told.text.en}"),
        )
        for told in made.told
    ]
    return output.facts(f"{MARK.vi} / {MARK.en}: {made.home}", rows)


def _stories(text: str) -> frozenset[Story]:
    if text in ("all", "none"):
        return ALL_STORIES if text == "all" else frozenset()
    try:
        return frozenset(Story(name.strip()) for name in text.split(","))
    except ValueError as error:
        raise click.BadParameter(f"all, none, or some of: {STORIES}.", param_hint="--stories") from error
