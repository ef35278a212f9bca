"""Folder, inbound: what agencies leave in ``out`` goes through the gate.

In charge of: noticing that a file is complete, one file after another for each agency, and moving it to
``sent`` or ``refused`` with its answer beside it. Not in charge of: the gate (``gateway/flow/folders.py``).

A file counts as complete when nothing about it changed for two seconds; names that do not end in ``.edxml``
and hidden ones are not looked at, so software that renames when it is done is safe in any case. The answer is
written before the file moves: if we die in between, the file is taken again, and the gate gives the first
receipt again. Nothing in ``sent`` or ``refused`` is overwritten by other content.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, ParamSpec, TypeVar

import orjson
import structlog

from adapters.folder import ENDING, OUT, REFUSED, SENT
from adapters.folder.drop import Folder
from adapters.folder.place import (
    CHUNK,
    Hands,
    Mark,
    hash_of,
    mark_of,
    open_file,
    opened,
    parts_of,
    write_whole,
)
from adapters.folder.words import told
from gateway.clock import SECOND
from gateway.errors import GatewayError
from gateway.flow.folders import Taken, take
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.net import Net
from gateway.services import Services

P = ParamSpec("P")
T = TypeVar("T")

QUIET_SECONDS = 2  # unchanged for so long: complete
POLL_SECONDS = 1.0
LONGEST_NAME = 200  # bytes; of a longer one only its hash is used
LONGEST_ANSWER = 1_048_576  # bytes of an answer of ours; anybody may have put something else there
RECEIPT, REASONS = ".receipt.json", ".refused.json"

log = structlog.get_logger("gateway.folder")


class _UnreadableFile(Exception):
    """A file cannot be opened or read."""

    def __init__(self, error: OSError) -> None:
        self.error = error
        super().__init__(str(error))


@dataclass(frozen=True, slots=True)
class _Seen:
    """A file as it was first seen in this state."""

    mark: Mark
    since: Instant


class FolderCollector:
    """A loop of the gateway: looks into the folder of each agency whose connection is of kind ``folder``."""

    def __init__(self, gw: Services, net: Net) -> None:
        self._gw = gw
        self._root = net.folders
        self._hands = Hands()
        self._seen: dict[tuple[AgencyCode, str], _Seen] = {}
        self._rounds: dict[AgencyCode, asyncio.Task[None]] = {}
        self._trouble: dict[AgencyCode, str] = {}
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Look until ``stop``; then let the files that are being taken be taken."""
        while self._root is not None and not self._stop.is_set():
            self._begin_rounds()
            try:
                await asyncio.wait_for(self._stop.wait(), POLL_SECONDS)
            except TimeoutError:
                continue
        await self.rounds_end()
        self._hands.close()

    def stop(self) -> None:
        """Begin nothing more."""
        self._stop.set()

    async def look(self) -> None:
        """One round of every agency, to its end."""
        self._begin_rounds()
        await self.rounds_end()

    async def rounds_end(self) -> None:
        """Wait for the running rounds."""
        await asyncio.gather(*self._rounds.values())

    def _begin_rounds(self) -> None:
        """A round for each agency that has none running: a folder that hangs keeps only its own waiting."""
        self._rounds = {agency: task for agency, task in self._rounds.items() if not task.done()}
        for profile in self._gw.directory.profiles:
            if profile.adapter == Folder.kind and profile.agency not in self._rounds:
                place = dict(profile.settings).get("path", "")
                task = asyncio.create_task(self._round(profile.agency, place))
                self._rounds[profile.agency] = task

    async def _round(self, agency: AgencyCode, place: str) -> None:
        parts = parts_of(place)
        if self._root is None or parts is None:
            return
        desk = _Desk(self._gw, agency, place, self._root, parts, self._hands)
        try:
            trouble: OSError | None = None
            for name, mark in await desk.complete(self._seen):
                if self._stop.is_set():
                    return
                trouble = await self._one(desk, name, mark) or trouble
            if trouble is not None:
                raise trouble
            self._calm(agency)
        except OSError as error:
            self._report(agency, *told(error, place))
        except GatewayError as error:  # busy, or out of room: the file stays where it is
            self._report(agency, error.code, error.text)
        except Exception:
            log.exception("folder round failed", agency=agency)

    async def _one(self, desk: _Desk, name: str, mark: Mark) -> OSError | None:
        """Take one file. One that cannot be read, or that we cannot digest, keeps no other waiting; it stays
        where it is. What concerns all (no room here, no writing there) ends the round."""
        try:
            await desk.take(name, mark)
        except _UnreadableFile as problem:
            return problem.error
        except (OSError, GatewayError):
            raise
        except Exception:
            log.exception("file not taken", agency=desk.agency, name=name.encode("utf-8", "replace").decode())
        return None

    def _report(self, agency: AgencyCode, code: str, text: Bilingual) -> None:
        """Say it once, until it changes."""
        self._gw.metrics.partner_calls.labels(Folder.kind, "collect", code).inc()
        if self._trouble.get(agency) != code:
            self._trouble[agency] = code
            log.warning("folder cannot be read", agency=agency, code=code, reason=text.en)

    def _calm(self, agency: AgencyCode) -> None:
        if self._trouble.pop(agency, ""):
            log.info("folder can be read again", agency=agency)


@dataclass(frozen=True, slots=True)
class _Desk:
    """One round in one agency's folder."""

    gw: Services
    agency: AgencyCode
    place: str
    root: Path
    parts: tuple[str, ...]
    hands: Hands

    async def complete(self, seen: dict[tuple[AgencyCode, str], _Seen]) -> list[tuple[str, Mark]]:
        """The files that may be taken, oldest first. ``seen`` remembers the others for the next round."""
        found = await self.hands.do(self.place, self._list)
        now = self.gw.clock.now()
        for key in [key for key in seen if key[0] == self.agency and key[1] not in found]:
            del seen[key]
        ready = []
        for name, mark in found.items():
            known = seen.get((self.agency, name))
            if known is None or known.mark != mark:
                seen[self.agency, name] = _Seen(mark, now)
            elif now - known.since >= QUIET_SECONDS * SECOND:
                ready.append((name, mark))
        return sorted(ready, key=lambda item: (item[1].changed, item[0]))

    async def take(self, name: str, mark: Mark) -> None:
        """Take one file through the gate, and put it where it belongs."""
        file = await self._of_file(self._open, name)
        if file is None:
            return
        shown = name.encode("utf-8", "replace").decode()
        try:
            taken = await take(
                self.gw, self.agency, shown, self._chunks(file), lambda: self._is_still(name, mark)
            )
        finally:
            self.hands.later(self.place, file.close)
        if taken is not None:
            outcome = "refused" if taken.refused else "taken"
            self.gw.metrics.partner_calls.labels(Folder.kind, "collect", outcome).inc()
            await self.hands.do(self.place, self._put_away, name, mark, taken)

    def _list(self) -> dict[str, Mark]:
        with opened(self.root, *self.parts, OUT) as folder:
            found = {}
            with os.scandir(folder) as entries:
                for entry in entries:
                    named = entry.name.endswith(ENDING) and not entry.name.startswith(".")
                    if named and entry.is_file(follow_symlinks=False):
                        found[entry.name] = mark_of(entry.stat(follow_symlinks=False))
            return found

    def _open(self, name: str) -> BinaryIO | None:
        with opened(self.root, *self.parts, OUT) as folder:
            file = open_file(folder, name)
            return None if file is None else open(file, "rb", buffering=0)

    async def _chunks(self, file: BinaryIO) -> AsyncIterator[bytes]:
        while chunk := await self._of_file(file.read, CHUNK):
            yield chunk

    async def _of_file(self, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """A step that reads one file; what goes wrong with it concerns no other."""
        try:
            return await self.hands.do(self.place, step, *args, **kwargs)
        except OSError as error:
            raise _UnreadableFile(error) from error

    async def _is_still(self, name: str, mark: Mark) -> bool:
        return await self.hands.do(self.place, self._mark, name) == mark

    def _mark(self, name: str) -> Mark | None:
        """The file as it is now; looking at the whole folder for each of many would take for ever."""
        with opened(self.root, *self.parts, OUT) as folder:
            try:
                return mark_of(os.stat(name, dir_fd=folder, follow_symlinks=False))
            except FileNotFoundError:
                return None

    def _put_away(self, name: str, mark: Mark, taken: Taken) -> None:
        """On return the answer and the file lie together in ``sent`` or ``refused``, on disk. A file that was
        exchanged meanwhile stays: it is another one."""
        target = REFUSED if taken.refused else SENT
        with (
            opened(self.root, *self.parts, OUT) as source,
            opened(self.root, *self.parts, target) as folder,
        ):
            ending = REASONS if taken.refused else RECEIPT
            stem = _stem_for(folder, name.removesuffix(ENDING), ending, taken)
            answer = orjson.dumps(taken.answer, option=orjson.OPT_INDENT_2)
            write_whole(folder, stem + ending, answer)
            if mark_of(os.stat(name, dir_fd=source, follow_symlinks=False)) != mark:
                return
            os.rename(name, stem + ENDING, src_dir_fd=source, dst_dir_fd=folder)
            os.fsync(folder)
            os.fsync(source)


def _stem_for(folder: int, stem: str, ending: str, taken: Taken) -> str:
    """The name to keep a file under: its own, unless that belongs to other content already."""
    mark = taken.sha256 or "too-large"
    if len(os.fsencode(stem)) > LONGEST_NAME:
        stem = hashlib.sha256(os.fsencode(stem)).hexdigest()
    kept = _hash_in(folder, stem + ending)
    if kept in ("", mark) and hash_of(folder, stem + ENDING) in ("", taken.sha256):
        return stem
    return f"{stem}.{mark[:12]}"


def _hash_in(folder: int, name: str) -> str:
    """The hash that an answer of ours speaks about; ``""`` when there is none."""
    file = open_file(folder, name)
    if file is None:
        return ""
    with open(file, "rb") as stream:
        try:
            answer: Any = orjson.loads(stream.read(LONGEST_ANSWER))
        except orjson.JSONDecodeError:
            return "?"
    return str(answer.get("envelope_sha256") or "too-large") if isinstance(answer, dict) else "?"
