"""The exchange log checked against itself: every stored byte, every column, every checkpoint.

In charge of: reading the database in pieces and having it replayed (``exchange_log/replay.py``); the answer
as JSON. Not in charge of: hashing and naming what is wrong (``replay``), exports (``log_export``).

Nothing is locked: the log only grows, so the pieces fit together up to where it stood at the beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import orjson

from gateway.clock import SECOND, to_rfc3339
from gateway.errors import NotReady
from gateway.exchange_log.checkpoint import (
    NotANote,
    PublicKey,
    log_of,
    read_checkpoint,
    read_keys,
    read_note,
    signed_by_log,
)
from gateway.exchange_log.compromised import Compromised, is_doubtful, of_keyring
from gateway.exchange_log.epochs import Chain
from gateway.exchange_log.replay import (
    GROUP,
    WHAT,
    DoesNotFit,
    Head,
    Missing,
    Problem,
    Replay,
    Report,
    head_of,
)
from gateway.exchange_log.sequence import epochs_of, log_keys, log_origin
from gateway.flow.door import Caller
from gateway.model.event import commitment
from gateway.model.text import Bilingual
from gateway.services import Services
from gateway.signature.keyring import LOG
from gateway.store import log
from gateway.store.contract import Row, Tx
from gateway.store.log import SignedHead
from gateway.store.people import Role

_LAST = 2**60  # sorts heads from elsewhere after our own of the same size
PIECE = 4096  # leaves in one read; a multiple of GROUP
_COLUMNS = ("id", "at", "type", "document", "message", "delivery", "sender", "recipient")


@dataclass(frozen=True, slots=True)
class Verified:
    """What came out. ``problem`` is ``None`` when everything fits."""

    origin: str
    report: Report | None
    problem: Problem | None

    def as_json(self) -> dict[str, Any]:
        """For the command line: numbers, and the problem in words."""
        answer: dict[str, Any] = {"origin": self.origin, "fits": self.problem is None}
        if self.report is not None:
            answer |= {
                "leaves": self.report.leaves,
                "root": self.report.root.hex(),
                "checkpoints": self.report.checkpoints,
                "covered": self.report.covered,
                "missing": [missing_json(one) for one in self.report.missing],
            }
        if self.problem is not None:
            answer["problem"] = problem_json(self.problem)
        return answer


def missing_json(gone: Missing) -> dict[str, Any]:
    """Leaves that an earlier epoch had and a restore lost."""
    return {
        "origin": gone.origin,
        "first": gone.first,
        "last": gone.last - 1,
        "text": Bilingual(
            f"Sự kiện {gone.first}–{gone.last - 1} của kỳ {gone.origin} không có ở đây: cơ sở dữ liệu đã "
            "được khôi phục từ bản sao lưu cũ hơn, và kỳ sau đã ghi rõ điều này.",
            f"Events {gone.first} to {gone.last - 1} of the epoch {gone.origin} are not here: an older "
            "backup was restored, and the next epoch says so.",
        ).as_json(),
        "checkpoint": gone.note,
    }


def problem_json(problem: Problem) -> dict[str, Any]:
    """A problem as JSON: what, where, words, the checkpoints concerned."""
    (vi, en), (where_vi, where_en) = WHAT[problem.what], problem.where()
    detail = f" ({problem.detail})" if problem.detail else ""
    return {
        "what": problem.what,
        "position": problem.position,
        "until": problem.until,
        "detail": problem.detail,
        "text": Bilingual(f"{vi}, {where_vi}{detail}.", f"{en}, {where_en}{detail}.").as_json(),
        "checkpoints": list(problem.notes),
    }


async def verify_log(
    gw: Services, caller: Caller, keys: str = "", checkpoints: Sequence[str] = ()
) -> dict[str, Any]:
    """Verify the stored log. ``keys``: public keys (one a line) to believe instead of the keyring's;
    ``checkpoints``: signed notes that lie elsewhere."""
    caller.require(Role.ADMINISTRATOR, Role.AUDITOR, Role.OPERATOR)
    return (await verify_store(gw, keys_of(gw, keys), checkpoints)).as_json()


def keys_of(gw: Services, text: str) -> list[PublicKey]:
    """The keys to believe. ``NotReady`` when there are none, or the text holds something else."""
    try:
        keys = read_keys(text) if text else log_keys(gw.keyring) if gw.keyring.note_keys(LOG) else []
    except NotANote as error:
        raise NotReady(_no_keys(str(error)), code="log.keys") from error
    if not keys:
        raise NotReady(_no_keys("-"), code="log.keys")
    return keys


async def verify_store(gw: Services, keys: Sequence[PublicKey], given: Iterable[str] = ()) -> Verified:
    """Replay the stored log up to where it stands now."""
    origin = log_origin(gw.keyring) if gw.keyring.note_keys(LOG) else keys[0].name
    try:
        report = await _replay(gw, keys, given, origin)
        if stray := await gw.store.read(log.stray):
            raise DoesNotFit(Problem(stray[0], None, detail=stray[1]))
        await _private_values(gw)
    except DoesNotFit as wrong:
        return Verified(origin, None, wrong.problem)
    return Verified(origin, report, None)


async def _replay(gw: Services, keys: Sequence[PublicKey], given: Iterable[str], origin: str) -> Report:
    now = gw.clock.now() / SECOND
    lost = of_keyring(gw.keyring)
    keys = [key for key in keys if key not in lost.log_keys]
    laid_out = await _laid_out(gw, keys, lost, now)
    own = await _own_heads(gw, keys, lost, now)
    heads = [*own, *laid_out, *(head_of(note, keys, now, given=True) for note in given)]
    # after the heads: it is never behind them
    state, opened = await gw.store.read(lambda tx: (log.state(tx), epochs_of(tx)))
    chain = Chain(log_of(origin), opened)
    groups: dict[int, bytes] = {}
    replay = Replay([head for head in heads if chain.is_here(head)], kept=groups.get)
    for start in range(0, state.sequenced, PIECE):
        stop = min(start + PIECE, state.sequenced)

        def read(tx: Tx, first: int = start, last: int = stop) -> tuple[list[Row], list[bytes]]:
            kept = log.hashes(tx, 8, first // GROUP, min(last, state.integrated) // GROUP)
            return log.stored(tx, first, last), kept

        rows, kept = await gw.store.read(read)
        expected = max(0, min(stop, state.integrated) // GROUP - start // GROUP)
        groups.clear()
        if len(kept) != expected:
            raise DoesNotFit(Problem("column", start, stop, detail="log_node"))
        groups.update(enumerate(kept, start // GROUP))
        await gw.offload(len(rows) * 500, _feed, replay, rows, start, stop, chain)
    report, known = replace(replay.end(), missing=chain.end()), {head.note for head in own}
    for head in laid_out:
        # a backup may lack the last rows of the epoch that it ended
        if head.note not in known and head.origin == chain.newest:
            raise DoesNotFit(Problem("head_deleted", head.size, notes=(head.note,)))
    return report


async def _own_heads(gw: Services, keys: Sequence[PublicKey], lost: Compromised, now: float) -> list[Head]:
    heads: list[Head] = []
    number = 0
    while page := await gw.store.read(lambda tx, after=number: log.after(tx, after)):  # type: ignore[misc]
        heads += await gw.store.read(lambda tx, page=page: _believed(tx, page, keys, lost, now))  # type: ignore[misc]
        for expected, row in enumerate(page, number + 1):
            if row.number != expected:
                raise DoesNotFit(Problem("head_deleted", row.size, detail=f"log_checkpoint {expected}"))
        number = page[-1].number
    return heads


async def _laid_out(gw: Services, keys: Sequence[PublicKey], lost: Compromised, now: float) -> list[Head]:
    """The heads that lie beside the database: an old copy of it that was put back does not know the newest.
    One that only a lost key signed proves nothing."""
    folder = gw.log_folder
    found = sorted(folder.rglob("[!.]*")) if folder is not None else []  # those of given up epochs lie deeper
    files = [file for file in found if file.is_file()]
    notes = await gw.on_disk(len(files) * 1000, lambda: [file.read_text("utf-8") for file in files])
    every = (*keys, *lost.log_keys)
    heads = [head_of(note, every, now, number=_LAST + at, given=True) for at, note in enumerate(notes)]
    return [head for head in heads if signed_by_log(read_note(head.note), keys)]


async def _private_values(gw: Services) -> None:
    """Values beside the log are those that their events commit to, as far as they were not erased."""
    after, page = ("", ""), await gw.store.read(lambda tx: log.private_values(tx, "", ""))
    while page:
        after = (page[-1]["event"], page[-1]["name"])
        for row in page:
            told = orjson.loads(bytes(row["body"])).get("commitments", {}) if row["body"] is not None else {}
            if told.get(row["name"]) != commitment(bytes(row["salt"]), row["value"]):
                raise DoesNotFit(Problem("private", None, detail=f"{row['event']} {row['name']}"))
        page = await gw.store.read(partial(log.private_values, event=after[0], name=after[1]))


def _believed(
    tx: Tx, page: Sequence[SignedHead], keys: Sequence[PublicKey], lost: Compromised, now: float
) -> list[Head]:
    """The heads that count: those that only a lost key vouches for prove nothing, neither for nor against."""
    checked = [(row, _checked(row, (*keys, *lost.log_keys), now)) for row in page]
    return [head for row, head in checked if not is_doubtful(tx, lost, row)]


def _checked(row: SignedHead, keys: Sequence[PublicKey], now: float) -> Head:
    """The head of a row, whose columns must be what the note says."""
    head = head_of(row.note, keys, now, number=row.number)
    note = read_checkpoint(read_note(row.note).text)
    told = (head.size, head.root, note.stated("closes"), note.stated("time"))
    if told != (row.size, row.root, row.closes, to_rfc3339(row.signed_at)):
        raise DoesNotFit(Problem("column", head.size, detail=f"log_checkpoint {row.number}"))
    return head


def _feed(replay: Replay, rows: Sequence[Row], start: int, stop: int, chain: Chain) -> None:
    """One piece: places without a gap, events that are there, hashes, tree, columns."""
    bodies = [row["body"] for row in rows]
    places = [row["leaf"] for row in rows]
    good = len(rows)
    if None in bodies or places != list(range(start, stop)):
        whole = next((at for at, body in enumerate(bodies) if body is None), len(bodies))
        gap = next((at for at, place in enumerate(places, start) if place != at), start + len(places))
        good = min(whole, gap - start)
    chain.meet(start, bodies[:good])
    replay.feed([bytes(body) for body in bodies[:good]], [bytes(row["hash"]) for row in rows[:good]])
    _compare_columns(rows[:good], bodies[:good])
    if good < stop - start:
        raise DoesNotFit(Problem("deleted", start + good, detail=_named(rows, good)))


def _named(rows: Sequence[Row], at: int) -> str:
    return str(rows[at]["event"]) if at < len(rows) and rows[at]["body"] is None else ""


def _compare_columns(rows: Sequence[Row], bodies: Sequence[bytes]) -> None:
    """Columns are projections of the body. All bodies of a piece are read at once: that is the faster half of
    the whole verification."""
    one, two, three, four, five, six, seven, eight = _COLUMNS
    columns = [(r[one], r[two], r[three], r[four], r[five], r[six], r[seven], r[eight]) for r in rows]
    told = [
        (get(one), get(two), get(three), get(four), get(five), get(six), get(seven), get(eight))
        for get in (body.get for body in orjson.loads(b"[" + b",".join(bodies) + b"]"))
    ]
    if columns == told:
        return
    for row, stored, said in zip(rows, columns, told, strict=True):
        for name, value, meant in zip(_COLUMNS, stored, said, strict=True):
            if value != meant:
                raise DoesNotFit(Problem("column", row["leaf"], detail=f"event.{name}"))


def _no_keys(detail: str) -> Bilingual:
    return Bilingual(
        f"Không có khóa công khai của nhật ký để kiểm tra ({detail}). Hãy đưa tệp khóa bằng --key.",
        f"There is no public key of the log to verify with ({detail}). Give a file of keys with --key.",
    )
