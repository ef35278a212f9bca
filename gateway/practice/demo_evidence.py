"""What the demo leaves for an inspector: evidence about three documents of the week, and the public keys.

In charge of: which documents, and where the files lie (``evidence/`` in the demo's folder): one that
everybody took in, one that a recipient refused, one that was recalled. Not in charge of: what is in a
container (``exchange_log/evidence.py``).
"""

from __future__ import annotations

from pathlib import Path

from gateway.flow.operate import run
from gateway.practice.demo import Sent, Week
from gateway.practice.scenario import RECALL, REFUSED

REASON = "Trình diễn: hồ sơ cho thanh tra"


async def leave_evidence(week: Week) -> tuple[Path, ...]:
    """The containers, and ``keys.txt`` last. All are on disk on return."""
    folder = week.folder.home / "evidence"
    folder.mkdir()
    files = []
    for sent in _chosen(week):
        target = folder / f"{sent.letter.code.replace('/', '_')}.asice"
        call = {"reference": sent.answer["document"], "path": str(target.absolute()), "reason": REASON}
        await run(week.gw, "evidence.export", call)
        files.append(target)
    keys = await run(week.gw, "evidence.keys", {})
    (folder / "keys.txt").write_text(keys["keys"], encoding="utf-8")
    return (*files, folder / "keys.txt")


def _chosen(week: Week) -> list[Sent]:
    """In the order of sending: the first of the week, the refused one, the recalled one."""
    special = (REFUSED, RECALL.document)
    first = next(sent for sent in week.sent if sent.letter.code not in special)
    return [first, *(sent for sent in week.sent if sent.letter.code in special)]
