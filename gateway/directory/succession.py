"""Who came after whom.

In charge of: walking chains of successions to the agencies that stand at their end, how long what belonged to
one serves another, and finding a chain that bites its own tail. Pure. Not in charge of: what a sender is told
about it (``route.py``, ``checks/``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

from gateway.model.agency import Agency, Succession
from gateway.model.text import AgencyCode

Graph = Mapping[AgencyCode, Sequence[AgencyCode]]


def final(
    code: AgencyCode,
    on: date,
    by_old: Mapping[AgencyCode, Sequence[Succession]],
    active: Callable[[AgencyCode], bool],
) -> tuple[AgencyCode, ...]:
    """The agencies active on ``on`` that stand in for ``code``: itself while active, else the ends of its
    chains, each once, in the order of the data. Empty: dissolved, or the trail ends."""
    found: list[AgencyCode] = []
    waiting, seen = [code], {code}
    while waiting:
        at = waiting.pop(0)
        if active(at):
            found.append(at)
            continue
        for step in by_old.get(at, ()):
            if step.on <= on and step.new is not None and step.new not in seen:
                seen.add(step.new)
                waiting.append(step.new)
    return tuple(found)


def serving(
    old: AgencyCode, new: AgencyCode, on: date, by_old: Mapping[AgencyCode, Sequence[Succession]]
) -> date | None:
    """The last day on which what belongs to ``old`` serves ``new``: its own always, a predecessor's for as
    long as every step between them allows. ``None``: not on ``on``."""
    best = {old: date.max}
    waiting = [old]
    while waiting:
        at = waiting.pop(0)
        for step in by_old.get(at, ()):
            until = step.certificates_until
            if step.new is None or until is None or not step.on <= on <= until:
                continue
            reached = min(best[at], until)
            if step.new not in best or best[step.new] < reached:
                best[step.new] = reached
                waiting.append(step.new)
    return best.get(new)


def successions_graph(successions: Iterable[Succession]) -> Graph:
    """Old code to new codes."""
    graph: dict[AgencyCode, list[AgencyCode]] = {}
    for row in successions:
        if row.new is not None:
            graph.setdefault(row.old, []).append(row.new)
    return graph


def parents_graph(agencies: Iterable[Agency]) -> Graph:
    """Code to parents, of all periods together: a unit may change its parent, but not stand under itself."""
    graph: dict[AgencyCode, list[AgencyCode]] = {}
    for row in agencies:
        if row.parent is not None:
            graph.setdefault(row.code, []).append(row.parent)
    return graph


def find_cycle(graph: Graph) -> tuple[AgencyCode, ...]:
    """One closed path in ``graph`` (first and last code equal), or empty. Linear, without recursion."""
    done: set[AgencyCode] = set()
    for start in graph:
        path: dict[AgencyCode, None] = {}  # insertion order is the path walked
        stack: list[tuple[AgencyCode, bool]] = [(start, False)]
        while stack:
            code, leaving = stack.pop()
            if leaving:
                path.pop(code)
                done.add(code)
            elif code in path:
                walked = [*path, code]
                return tuple(walked[walked.index(code) :])
            elif code not in done:
                path[code] = None
                stack.append((code, True))
                stack.extend((new, False) for new in graph.get(code, ()))
    return ()
