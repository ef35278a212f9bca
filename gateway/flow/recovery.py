"""After an older backup was restored: the log goes on in a new epoch.

In charge of: telling whether this database is older than what was published, and opening the epoch. Not in
charge of: restoring (``gateway restore``), what an epoch means (``exchange_log/epochs.py``), taking messages
back (``flow/recovered.py``).

A gateway in this state accepts nothing: what it would promise could contradict what it promised before. Its
server refuses to start, documents wait at their senders, and a person opens the epoch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from gateway.clock import random_bytes
from gateway.errors import BadRequest, Busy, NotReady, WrongState
from gateway.exchange_log.checkpoint import (
    Checkpoint,
    NotANote,
    log_of,
    read_checkpoint,
    read_note,
    signed_by_log,
)
from gateway.exchange_log.epochs import Chain, Epoch, number_of
from gateway.exchange_log.merkle import leaf_hash, root
from gateway.exchange_log.sequence import (
    RESTORED,
    LogBroken,
    epochs_of,
    lay_out,
    log_keys,
    log_origin,
    stored_nodes,
)
from gateway.flow import facts, record
from gateway.flow.door import Caller, authenticate, stated
from gateway.model.event import EventType
from gateway.model.text import Bilingual
from gateway.services import Services
from gateway.store import epochs, events, log, restores
from gateway.store.contract import Tx
from gateway.store.epochs import Opening
from gateway.store.log import SignedHead, State, Taken, Waiting
from gateway.store.people import Role

MARKER = "restored.json"  # in the home: `gateway restore` wrote this database


@dataclass(frozen=True, slots=True)
class Known:
    """A head that was published, as a note, and whether this tree has it."""

    note: str
    head: Checkpoint
    fits: bool


@dataclass(frozen=True, slots=True)
class _Standing:
    state: State
    newest: SignedHead | None
    openings: Sequence[Opening]
    epochs: Sequence[Epoch]


async def must_be_settled(gw: Services) -> None:
    """``NotReady`` while this database is an older copy than what was published, and nobody opened the
    epoch in which it may go on."""
    if await _marker(gw) is not None:
        raise NotReady(RESTORED, code="log.restored")
    try:
        await gw.sequencer.must_continue()
    except LogBroken as broken:
        raise NotReady(Bilingual(*_why(broken)), code="log.restored") from broken


async def open_epoch(
    gw: Services, caller: Caller, reason: str, checkpoints: Sequence[str] = (), key: str = ""
) -> dict[str, Any]:
    """Let the log go on in a new epoch over what this database holds, and publish its first checkpoint.

    ``checkpoints``: signed notes of ours that lie elsewhere (at a witness, at an auditor). ``WrongState``:
    nothing is newer than this database, so there is nothing to open.
    """
    person = authenticate(gw, key) if key else caller
    person.require(Role.ADMINISTRATOR)
    reason, marker = stated(reason), await _marker(gw)
    await gw.sequencer.integrate()
    standing = await gw.store.read(_standing)
    known = await _known(gw, standing, checkpoints)
    if marker is None and all(one.fits for one in known):
        raise WrongState(_NOTHING_TO_OPEN, code="log.whole")
    opened = _next(gw, standing, known)
    lost = [one for one in known if one.head.size > opened.shared]
    before = max(lost or known, key=lambda one: one.head.size, default=None)
    await gw.on_disk(len(lost) * 1000, lambda: _keep_files(gw, lost))
    try:
        await gw.store.write(
            lambda tx: _write(tx, gw, person, reason, standing.state, opened, before, lost, marker)
        )
    except Taken:
        raise Busy(_MOVED, code="log.held", retry_after=5) from None
    _settle_marker(gw, opened)
    head = await gw.sequencer.advance(publish=True)
    assert head is not None
    return {
        "origin": opened.origin,
        "shared": opened.shared,
        "before": before.note if before else "",
        "missing": _missing(lost, opened.shared),
        "checkpoint": head.note,
    }


def _standing(tx: Tx) -> _Standing:
    return _Standing(log.state(tx), log.last(tx), epochs.openings(tx), epochs_of(tx))


async def _known(gw: Services, standing: _Standing, given: Iterable[str]) -> list[Known]:
    """Every head of the epoch before that we know of: the newest row, files, and what was handed in."""
    notes = [standing.newest.note] if standing.newest else []
    notes += await gw.on_disk(100_000, lambda: _notes_in(gw.log_folder, gw.second_log_folder))
    chain = Chain(log_origin(gw.keyring), standing.epochs)
    found = {note: _ours(gw, note) for note in [*notes, *given]}
    current = {note: head for note, head in found.items() if not chain.is_given_up(head.origin, head.size)}
    size = standing.state.integrated

    def unit(tx: Tx) -> list[Known]:
        return [
            Known(note, head, head.size <= size and root(stored_nodes(tx), head.size) == head.root)
            for note, head in current.items()
        ]

    return await gw.store.read(unit)


def _ours(gw: Services, note: str) -> Checkpoint:
    """A checkpoint that our log signed. ``BadRequest`` otherwise."""
    try:
        read = read_note(note)
        head = read_checkpoint(read.text)
        signed = signed_by_log(read, log_keys(gw.keyring))
    except NotANote as error:
        text = Bilingual(f"Mốc chốt không đọc được: {error}", f"Not a checkpoint: {error}")
        raise BadRequest(text, code="log.note") from error
    if not signed or log_of(head.origin) != log_origin(gw.keyring):
        raise BadRequest(_NOT_OURS, code="log.not_ours")
    return head


def _notes_in(*folders: Path | None) -> list[str]:
    found: list[str] = []
    for folder in folders:
        if folder is not None and folder.is_dir():
            files = [file for file in sorted(folder.glob("[!.]*")) if file.is_file()]
            found += [file.read_text("utf-8") for file in files]
    return found


def _next(gw: Services, standing: _Standing, known: Sequence[Known]) -> Opening:
    """The epoch to open: a name that was never used, and how far it agrees with everything published."""
    size = standing.state.sequenced
    agreed = size
    wrong = [one.head.size for one in known if not one.fits and one.head.size <= size]
    if wrong:  # it went on before anybody noticed
        agreed = max((one.head.size for one in known if one.fits and one.head.size < min(wrong)), default=0)
    first = log_origin(gw.keyring)
    before = max((one for one in known if not one.fits), key=lambda one: one.head.size, default=None)
    newest = standing.openings[-1].origin if standing.openings else first
    past = [number_of(one.head.origin) for one in known] + [one.number for one in standing.openings]
    number = 1 + max(past, default=1)
    return Opening(
        number,
        f"{first}/e{number}-{random_bytes(4).hex()}",
        agreed,
        size,
        before.head.origin if before else newest,
        gw.new_id(),
        gw.clock.now(),
    )


def _write(
    tx: Tx,
    gw: Services,
    person: Caller,
    reason: str,
    had: State,
    opened: Opening,
    before: Known | None,
    lost: Sequence[Known],
    marker: dict[str, Any] | None,
) -> None:
    """The event gets the next leaf at once, so that it is the first of its epoch. ``Taken``: another process
    moved the log meanwhile."""
    told = {
        "origin": opened.origin,
        "shared": opened.shared,
        "stood": had.sequenced,
        "before_origin": opened.before_origin,
        "before": before.note if before else "",
        "missing": _missing(lost, opened.shared),
        "backup": str((marker or {}).get("backup_at", "")),
        "backup_name": str((marker or {}).get("backup", "")),
    }
    kind = EventType.LOG_EPOCH_OPENED
    private = facts.salted({"reason": reason})
    first = record.event(gw, kind, person.principal, opened.opened_at, facts=told, private=private)
    events.record(tx, first)
    log.move(tx, had, had.sequenced + 1, had.integrated)
    body = first.body()
    log.add_leaves(tx, had.sequenced, [Waiting(first.at, first.id, body)], [leaf_hash(body)])
    epochs.add(tx, replace(opened, event=first.id))
    restores.settle(tx)
    for one in lost:
        epochs.give_up(tx, one.head.origin, one.head.size, one.head.root, one.note)


def _keep_files(gw: Services, lost: Sequence[Known]) -> None:
    """Heads given up lie on beside those of the new epoch, which will take their names."""
    if gw.log_folder is not None:
        for one in sorted(lost, key=lambda one: one.head.size):
            folder = gw.log_folder / f"e{number_of(one.head.origin)}"
            lay_out(folder, one.note, f"{one.head.size}")


def _missing(lost: Sequence[Known], shared: int) -> int:
    """So many events at least are not here."""
    return max((one.head.size - shared for one in lost), default=0)


async def _marker(gw: Services) -> dict[str, Any] | None:
    """What `gateway restore` left in the home, else in the database, which other nodes have in common with
    the one that restored it; ``None``: nothing was restored, or the epoch is open."""
    file = gw.log_folder.parent / MARKER if gw.log_folder is not None else None
    told = file.read_text("utf-8") if file is not None and file.exists() else None
    if told is None and (told := await gw.store.read(restores.pending)) is None:
        return None
    try:
        found = orjson.loads(told)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _settle_marker(gw: Services, opened: Opening) -> None:
    file = gw.log_folder.parent / MARKER if gw.log_folder is not None else None
    if file is not None and file.exists():
        file.rename(file.with_name(f"restored-e{opened.number}.json"))


def _why(broken: LogBroken) -> tuple[str, str]:
    return (
        f"{broken.text.vi} Máy chủ không khởi động: văn bản chờ ở bên gửi, không mất.",
        f"{broken.text.en} The server does not start: documents wait at their senders and are not lost.",
    )


_NOTHING_TO_OPEN = Bilingual(
    "Không có mốc chốt nào mới hơn cơ sở dữ liệu này, nên không cần mở kỳ nhật ký mới. Nếu nhân chứng hoặc "
    "kiểm toán giữ mốc chốt mới hơn, hãy đưa tệp bằng --checkpoint.",
    "No checkpoint is newer than this database, so there is no epoch to open. If a witness or an auditor "
    "holds a newer one, give its file with --checkpoint.",
)
_NOT_OURS = Bilingual(
    "Đây không phải mốc chốt do nhật ký này ký.", "This is no checkpoint that this log has signed."
)
_MOVED = Bilingual("Nhật ký vừa thay đổi; hãy thử lại.", "The log moved meanwhile; try again.")
