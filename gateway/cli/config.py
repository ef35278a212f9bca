"""``gateway config``: every setting with its type, default and sentence, and the value in force."""

from __future__ import annotations

from typing import Any

import click

from gateway import config as settings
from gateway.cli import output
from gateway.cli.frame import Frame, common_options


@click.group()
@common_options
def config() -> None:
    """Cấu hình. The settings."""


@config.command()
@common_options
@click.pass_obj
def describe(frame: Frame) -> None:
    """Mọi tham số: kiểu, mặc định, giá trị đang dùng. Every setting, and the value in force."""
    loaded = settings.load(frame.home)
    rows = [_row(loaded, setting) for setting in settings.describe()]
    cells = [(r["name"], r["type"], r["default"], r["value"], r["sentence"]) for r in rows]
    headings = ("Tham số", "Kiểu", "Mặc định", "Đang dùng", "Ý nghĩa")
    title = f"{frame.home / settings.FILE}; biến môi trường {settings.PREFIX}MUC_THAMSO ghi đè tệp"
    output.show(
        frame, {"settings": rows}, lambda console: console.print(output.table(title, headings, cells))
    )


def _row(loaded: settings.Config, setting: settings.Setting) -> dict[str, Any]:
    section, name = setting.name.split(".")
    value = str(getattr(getattr(loaded, section), name))
    return {
        "name": setting.name,
        "type": setting.type,
        "default": setting.default,
        "value": "…" if value and settings.holds_secret(setting.name) else _without_password(value),
        "environment": f"{settings.PREFIX}{section}_{name}".upper(),
        "sentence": setting.sentence,
    }


def _without_password(value: str) -> str:
    """``postgresql://user:…@host/name`` shows no password; an address that has one elsewhere is not shown."""
    if not settings.holds_secret("", value):
        return value
    scheme, _, rest = value.partition("://")
    account, at, place = rest.rpartition("@")
    if not at or settings.holds_secret("", place):
        return "…"
    return f"{scheme}://{account.split(':', 1)[0]}:…@{place}"
