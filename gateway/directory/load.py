"""Import files of the directory, from text to an indexed directory.

In charge of: ``read_directory`` (CSV or JSON text -> rows that fit together, or every problem with its line),
``to_directory``, and the shipped level sets; ``preview`` and ``merge`` can be had from here too. Not in
charge of: storing anything (``store/``), answering questions (``snapshot.py``).

Columns of the CSV, and keys of the JSON objects; the first three are required:

==================  ====================================================================================
code                canonical (``H37.31.21``) or old form (``000.21.31.H37``); one line for each period
name                full name in Vietnamese
level               a tier of a level set (province, district, commune), or ``outside``
parent              code of the agency above; empty at the top
aliases             ``[scheme:]alias[@from..to]``, separated by ``|``; scheme qcvn102, qd20, vxp or other
valid_from          first day, ``2020-04-13`` or ``13/04/2020``; empty: open
valid_to            last day; empty: still active
successors          codes that took over on the day after ``valid_to``, separated by ``|``
succession_kind     merge, split, rename or dissolve; by default merge for one successor, split for several
certificates_until  last day on which this agency's certificates also serve its successors; empty: never
test, made_up       yes or no: a test code that nobody may address; demo data
==================  ====================================================================================
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from gateway.directory import codes, rows
from gateway.directory.changes import Change, Changes, FieldChange, merge, preview
from gateway.directory.data import Contents, DirectoryData
from gateway.directory.reader import Reader
from gateway.directory.snapshot import OUTSIDE, Directory
from gateway.directory.succession import Graph, find_cycle, parents_graph, successions_graph
from gateway.errors import BadRequest
from gateway.model.agency import LevelSet, Period, Profile
from gateway.model.finding import Finding, Severity
from gateway.model.text import AgencyCode, Bilingual

__all__ = [
    "Change",
    "Changes",
    "DirectoryData",
    "FieldChange",
    "default_level_sets",
    "merge",
    "preview",
    "problems",
    "read_directory",
    "read_level_sets",
    "to_directory",
]

SHOWN = 50  # problems told at once: a clerk mends a file in rounds
Lines = Mapping[AgencyCode, int]  # where in the file an agency stands
NO_LINES: Lines = {}


def read_directory(text: str, format: str, level_sets: Sequence[LevelSet] | None = None) -> DirectoryData:
    """Rows of a ``csv`` or ``json`` text.

    ``BadRequest`` (``directory.invalid``) carries one finding for each problem, with its line. A parent or
    successor that the text does not name may stand in the present directory: ``problems`` looks at both.
    """
    sets = default_level_sets() if level_sets is None else level_sets
    reader = Reader(frozenset({OUTSIDE}.union(*(s.levels for s in sets))))
    for raw in rows.read_rows(text, format):
        reader.take(raw)
    data = reader.data()
    _refuse(reader.findings or [*_circles(data, reader.lines), *_shared_aliases(data, reader.lines)])
    return data


def to_directory(
    data: Contents, level_sets: Sequence[LevelSet] | None = None, profiles: Iterable[Profile] = ()
) -> Directory:
    """The indexed directory. ``BadRequest`` when the rows name each other wrongly (``problems``)."""
    _refuse(problems(data))
    sets = default_level_sets() if level_sets is None else level_sets
    return Directory(data.agencies, data.aliases, data.successions, tuple(sets), tuple(profiles))


def problems(data: Contents) -> list[Finding]:
    """What keeps these rows from being a directory: unknown relatives, circles, shared aliases."""
    return [*_lost(data), *_circles(data, NO_LINES), *_shared_aliases(data, NO_LINES)]


def read_level_sets(text: str) -> tuple[LevelSet, ...]:
    """Level sets from TOML, in the form of the shipped ``levels.toml``."""
    return tuple(
        LevelSet(item["version"], tuple(item["levels"]), Period(item.get("from"), item.get("to")))
        for item in tomllib.loads(text)["level_set"]
    )


@lru_cache(maxsize=1)
def default_level_sets() -> tuple[LevelSet, ...]:
    """The level sets that ship with the program."""
    return read_level_sets(Path(__file__).with_name("levels.toml").read_text(encoding="utf-8"))


def _lost(data: Contents) -> Iterator[Finding]:
    known = {row.code for row in data.agencies}
    parents = [(row.code, "parent", row.parent) for row in data.agencies]
    for code, column, other in [*parents, *((row.old, "successors", row.new) for row in data.successions)]:
        if other is not None and other not in known:
            vi = f"{other} không có trong danh mục"
            yield _problem(NO_LINES, code, column, vi, f"{other} is not in the directory")


def _circles(data: Contents, lines: Lines) -> Iterator[Finding]:
    yield from _circle("successors", successions_graph(data.successions), "kế thừa", "succession", lines)
    yield from _circle("parent", parents_graph(data.agencies), "đơn vị cấp trên", "parents", lines)


def _circle(column: str, graph: Graph, vi: str, en: str, lines: Lines) -> Iterator[Finding]:
    if cycle := find_cycle(graph):
        path = " → ".join(cycle)
        yield _problem(
            lines, cycle[0], column, f"quan hệ {vi} chạy vòng: {path}", f"{en} run in a circle: {path}"
        )


def _shared_aliases(data: Contents, lines: Lines) -> Iterator[Finding]:
    owners: dict[str, AgencyCode] = {str(row.code): row.code for row in data.agencies}
    for alias in data.aliases:
        spelled = codes.normal(alias.alias)
        reading = codes.to_canonical(spelled) or spelled
        owner = owners.get(reading) or owners.setdefault(spelled, alias.code)
        if owner != alias.code:
            vi = f"mã {alias.alias} đã thuộc về {owner}"
            yield _problem(lines, alias.code, "aliases", vi, f"{alias.alias} already belongs to {owner}")


def _problem(lines: Lines, code: AgencyCode, column: str, vi: str, en: str) -> Finding:
    where = f"line {lines[code]}" if code in lines else str(code)
    place_vi = f"Dòng {lines[code]} ({code})" if code in lines else f"Cơ quan {code}"
    place_en = f"Line {lines[code]} ({code})" if code in lines else f"Agency {code}"
    text = Bilingual(f"{place_vi}, cột {column}: {vi}.", f"{place_en}, column {column}: {en}.")
    return Finding("directory.relation", Severity.REFUSE, where, text)


def _refuse(findings: Sequence[Finding]) -> None:
    if not findings:
        return
    count = len(findings)
    text = Bilingual(
        f"Danh mục cơ quan có {count} lỗi; chưa thay đổi gì. Hãy sửa các lỗi nêu bên dưới rồi nhập lại.",
        f"The directory has {count} errors; nothing was changed. Correct those listed and import again.",
    )
    raise BadRequest(text, code="directory.invalid", findings=tuple(findings[:SHOWN]))
