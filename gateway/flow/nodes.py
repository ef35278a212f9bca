"""The nodes on this database, for people: who is there, who leads, and what is not as it should be.

In charge of: the words for status, doctor and console. Not in charge of: heartbeats and the lease
(``delivery/leader.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.clock import to_rfc3339
from gateway.model.node import Node, Seen
from gateway.model.text import Bilingual
from gateway.services import Services


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing that is not as it should be. ``urgent``: documents may suffer until somebody acts."""

    urgent: bool
    text: Bilingual
    step: Bilingual


def everybody(gw: Services) -> list[Seen]:
    """This node and the others, as of its last heartbeat, the oldest first. Empty where no server runs."""
    if (me := gw.fleet.me) is None:
        return []
    return sorted([Seen(me, 0.0, True), *gw.fleet.others], key=lambda seen: seen.node.started_at)


def describe(gw: Services) -> list[dict[str, Any]]:
    """The same as JSON, with who leads and for how long each was silent, in seconds counted here."""
    return [
        {
            "id": seen.node.id,
            "host": seen.node.host,
            "pid": seen.node.pid,
            "version": seen.node.version,
            "started_at": to_rfc3339(seen.node.started_at),
            "silent_seconds": round(seen.silent, 1),
            "alive": seen.alive,
            "draining": seen.node.draining,
            "leads": seen.node.id == gw.fleet.leader,
            "answers": seen.node is gw.fleet.me,
        }
        for seen in everybody(gw)
    ]


def concerns(every: Sequence[Seen], leader: str) -> list[Concern]:
    """What is wrong with nodes that were seen; ``leader``: a node's id. A single node is never wrong."""
    alive = [seen.node for seen in every if seen.alive]
    found = []
    if alive and leader not in {node.id for node in alive}:
        found.append(_NOBODY_LEADS)
    if len({node.keys for node in alive}) > 1:
        found.append(Concern(True, _other_keys(alive), _COPY_KEYS))
    if len({node.version for node in alive}) > 1:
        found.append(Concern(False, _other_versions(alive), _UPDATE_ALL))
    found += [_silent(seen) for seen in every if not seen.alive]
    return found


def name_of(node: Node) -> str:
    """``máy (pid 4711)``."""
    return f"{node.host} (pid {node.pid})"


def _silent(seen: Seen) -> Concern:
    name, seconds = name_of(seen.node), round(seen.silent)
    text = Bilingual(
        f"Nút {name} đã im lặng {seconds} giây. Các nút khác làm thay việc của nút này.",
        f"The node {name} has been silent for {seconds} seconds. Others do its work.",
    )
    step = Bilingual(
        "Xem máy đó còn chạy không rồi khởi động lại", "Look at that machine, and start it again"
    )
    return Concern(False, text, step)


def _other_keys(alive: Sequence[Node]) -> Bilingual:
    names = ", ".join(name_of(node) for node in alive)
    return Bilingual(
        f"Các nút không có cùng bộ khóa: {names}. Nút thiếu khóa không mở được một số văn bản.",
        f"The nodes do not hold the same keys: {names}. A node that lacks one cannot open some documents.",
    )


def _other_versions(alive: Sequence[Node]) -> Bilingual:
    shown = ", ".join(f"{name_of(node)}: {node.version}" for node in alive)
    return Bilingual(
        f"Các nút chạy các phiên bản khác nhau: {shown}.", f"The nodes run different versions: {shown}."
    )


_NOBODY_LEADS = Concern(
    True,
    Bilingual(
        "Chưa có nút nào làm nút chính: nhật ký chưa được chốt, nhắc việc và lấy văn bản về đang chờ.",
        "No node leads: the log is not carried on, reminders and collecting wait.",
    ),
    Bilingual(
        "Chờ vài giây; nếu vẫn vậy, xem nhật ký của các nút", "Wait some seconds, then read their logs"
    ),
)
_COPY_KEYS = Bilingual(
    "Chép thư mục khóa mới nhất sang mọi nút rồi khởi động lại từng nút",
    "Copy the newest folder of keys to every node, and restart them one by one",
)
_UPDATE_ALL = Bilingual("Nâng cấp các nút còn lại", "Update the others, too")
