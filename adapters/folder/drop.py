"""Folder, outbound: each message becomes a file in the recipient's folder ``in``.

In charge of: one ``<delivery id>.edxml`` with a note ``<delivery id>.json`` about it, which comes first,
so whoever sees the message finds it. The name is the same in every attempt: present with the same hash is
delivered. Not in charge of: what the agency sends (``collect.py``), when to try again.

Folders are never made here: where a network share is not mounted, a new folder would take documents that
nobody ever sees.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from typing import ClassVar, ParamSpec, TypeVar

import orjson

from adapters.folder import ENDING, IN
from adapters.folder.place import Draft, Hands, hash_of, opened, parts_of, write_whole
from adapters.folder.words import BAD_PATH, CHANGED, NO_ROOT, name_taken, told
from gateway.clock import Clock, to_rfc3339
from gateway.model.text import Bilingual
from gateway.net import Net
from gateway.port import Delivered, Outcome, Parcel, TryLater

P = ParamSpec("P")
T = TypeVar("T")
BATCH = 1_048_576  # bytes gathered before the folder's thread is asked: a hop costs more than the write


class Folder:
    """A push kind (``port.Adapter``). Setting: ``path``, below ``net.folders``."""

    kind: ClassVar[str] = "folder"
    pull: ClassVar[bool] = False

    def __init__(self, net: Net, clock: Clock) -> None:
        self._root = net.folders
        self._clock = clock
        self._hands = Hands()

    def check_settings(self, settings: Mapping[str, str]) -> list[Bilingual]:
        """A root, and a path that stays below it. Whether the folder is there shows when it is used."""
        problems = [] if self._root is not None else [NO_ROOT]
        return problems if parts_of(settings.get("path", "")) else [*problems, BAD_PATH]

    async def deliver(self, parcel: Parcel) -> Outcome:
        """Put the file there once."""
        if problems := self.check_settings(parcel.settings):
            return TryLater("settings.wrong", problems[0])
        place = parcel.settings["path"]
        try:
            return await self._put(parcel, place)
        except OSError as error:
            return TryLater(*told(error, place))

    async def close(self) -> None:
        """Let the threads go."""
        self._hands.close()

    async def _put(self, parcel: Parcel, place: str) -> Outcome:
        stack = contextlib.ExitStack()
        try:
            folder = await self._do(place, self._enter, stack, place)
            name = parcel.delivery_id + ENDING
            there = await self._do(place, hash_of, folder, name)
            if there == parcel.envelope_sha256:
                return _delivered(parcel, place, name)
            if there:
                return TryLater("folder.name_taken", name_taken(name))
            return await self._write(parcel, place, folder, stack)
        finally:
            self._hands.later(place, stack.close)  # behind a step that still hangs, if this was cancelled

    def _enter(self, stack: contextlib.ExitStack, place: str) -> int:
        assert self._root is not None  # check_settings
        return stack.enter_context(opened(self._root, *(parts_of(place) or ()), IN))

    async def _write(self, parcel: Parcel, place: str, folder: int, stack: contextlib.ExitStack) -> Outcome:
        hidden = f".{parcel.delivery_id}.{parcel.attempt}.part"
        draft = await self._do(place, lambda: stack.enter_context(Draft(folder, hidden)))
        batch = bytearray()
        async for chunk in parcel.open():
            batch += chunk
            if len(batch) >= BATCH:
                await self._do(place, draft.write, bytes(batch))
                batch.clear()
        await self._do(place, draft.write, bytes(batch))
        if draft.sha256 != parcel.envelope_sha256:
            return TryLater("payload.changed", CHANGED)
        name = parcel.delivery_id + ENDING
        await self._do(place, write_whole, folder, f"{parcel.delivery_id}.json", self._note(parcel, name))
        await self._do(place, draft.publish, name)
        await self._do(place, _sweep, folder, parcel.delivery_id)
        return _delivered(parcel, place, name)

    async def _do(self, place: str, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._hands.do(place, step, *args, **kwargs)

    def _note(self, parcel: Parcel, name: str) -> bytes:
        """What the agency's software may want to know before it opens the message."""
        note = {
            "file": name,
            "delivery": parcel.delivery_id,
            "message": parcel.message_id,
            "kind": parcel.kind.value,
            "document_id": parcel.document_id,
            "sender": parcel.sender,
            "recipient": parcel.recipient,
            "urgency": parcel.urgency,
            "envelope_sha256": parcel.envelope_sha256,
            "size": parcel.size,
            "dropped_at": to_rfc3339(self._clock.now()),
        }
        return orjson.dumps(note, option=orjson.OPT_INDENT_2)


def _sweep(folder: int, delivery_id: str) -> None:
    """Remove what earlier attempts left behind when their process died."""
    for name in os.listdir(folder):
        if name.startswith(f".{delivery_id}.") and name.endswith(".part"):
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=folder)


def _delivered(parcel: Parcel, place: str, name: str) -> Outcome:
    return Delivered(f"{place}/{IN}/{name}, {parcel.size} bytes, SHA-256 {parcel.envelope_sha256}")


__all__ = ["Folder"]
