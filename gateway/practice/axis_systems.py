"""The system ids of a simulated axis, as a file: who may call, with which secret, for which agencies.

In charge of: reading ``[[system]]`` tables, making secrets where none is given, and keeping them in the axis'
folder so that a restart knows them. There is no default secret. Not in charge of: proving calls (``axis``).
"""

from __future__ import annotations

import base64
import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from gateway.clock import random_bytes
from gateway.errors import BadRequest
from gateway.model.text import Bilingual
from gateway.practice.axis_store import System

SECRET_BYTES = 24
KEPT = "systems.json"


def make_secret() -> str:
    """A fresh secret of 192 bits."""
    return base64.urlsafe_b64encode(random_bytes(SECRET_BYTES)).decode()


def read_systems(file: Path) -> list[System]:
    """``[[system]]`` with ``id``, ``codes``, and optionally ``secret`` and ``strict``."""
    try:
        tables: list[dict[str, Any]] = tomllib.loads(file.read_text(encoding="utf-8")).get("system", [])
        return [
            System(
                str(table["id"]),
                str(table.get("secret") or make_secret()),
                tuple(str(code) for code in table.get("codes", ())),
                bool(table.get("strict", False)),
            )
            for table in tables
        ]
    except (OSError, UnicodeError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise BadRequest(_wrong_file(file, error), code="file.unreadable") from error


def read_words(words: Sequence[str]) -> list[System]:
    """``ID=CODE,CODE`` from a command line; ``ID`` alone serves the agency of that code."""
    return [
        System(name, make_secret(), tuple(codes.split(",")) if codes else (name,))
        for name, _, codes in (word.partition("=") for word in words)
    ]


def kept(folder: Path | None, systems: Sequence[System]) -> list[System]:
    """These systems and those of the folder, whose secrets stay; on return all are in its file."""
    if folder is None:
        return list(systems)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / KEPT
    known = {one["system_id"]: one for one in orjson.loads(file.read_bytes())} if file.exists() else {}
    for system in systems:
        if system.system_id not in known or known[system.system_id]["codes"] != list(system.codes):
            known[system.system_id] = _row(system)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as open_file:
        open_file.write(orjson.dumps(list(known.values())))
    return [
        System(row["system_id"], row["secret"], tuple(row["codes"]), row["strict"]) for row in known.values()
    ]


def _row(system: System) -> dict[str, Any]:
    return {
        "system_id": system.system_id,
        "secret": system.secret,
        "codes": list(system.codes),
        "strict": system.strict,
    }


def _wrong_file(file: Path, error: Exception) -> Bilingual:
    return Bilingual(
        f"Không đọc được {file}: cần các bảng [[system]] với id và codes ({error}).",
        f"Cannot read {file}: it needs [[system]] tables with id and codes ({error}).",
    )
