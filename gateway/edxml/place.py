"""One element while it is read: its children by name, and where it stands.

In charge of: sorting children by what may stand at a place, tolerating a wrong letter case with a finding,
handing out texts, dates and sub-places; a missing element reads as an empty one. Not in charge of: which
fields make up a message (``read_*.py``).
"""

from __future__ import annotations

from functools import cache

from gateway.edxml import names
from gateway.edxml.notes import Notes
from gateway.edxml.read_values import read_date
from gateway.edxml.tree import Node, clean, local, same
from gateway.model.envelope import DateText


class Place:
    """An element whose children are known. ``kind`` is a key of ``names.CHILDREN``."""

    __slots__ = ("_children", "_notes", "exists", "name", "path")

    def __init__(self, node: Node | None, kind: str, path: str, notes: Notes) -> None:
        self.exists = node is not None
        self.name = kind if node is None else node.name
        self.path = path
        self._notes = notes
        self._children: dict[str, list[Node]] = {}
        if node is not None:
            self._sort(node, names.CHILDREN[kind])
            if len(self._children) < len(node.children):
                self._watch_repeated(names.REPEATABLE.get(kind, frozenset()))

    def text(self, name: str) -> str:
        """The cleaned text of the child ``name``; ``""`` when it is missing."""
        several = self._children.get(name)
        return "" if several is None else self._leaf(several[0])

    def texts(self, fields: dict[str, str]) -> dict[str, str]:
        """Model attribute -> text of every field that is there."""
        return {attribute: self.text(name) for name, attribute in fields.items() if name in self._children}

    def every_text(self, name: str) -> tuple[str, ...]:
        """The texts of a repeated child, the empty ones left out."""
        return tuple(text for node in self._children.get(name, ()) if (text := self._leaf(node)))

    def date(self, name: str) -> DateText:
        """The date of the child ``name``, read in any of the forms in use."""
        return read_date(self.text(name))

    def sub(self, name: str, kind: str = "") -> Place:
        """The child ``name`` as a place of its own; an empty place when it is missing."""
        several = self._children.get(name)
        node = None if several is None else several[0]
        return Place(node, kind or name, f"{self.path}/{name}", self._notes)

    def every(self, name: str, kind: str = "") -> list[Place]:
        """All children ``name`` as places."""
        path = f"{self.path}/{name}"
        return [Place(node, kind or name, path, self._notes) for node in self._children.get(name, ())]

    def nodes(self, name: str) -> list[Node]:
        """All children ``name`` as they are."""
        return self._children.get(name, [])

    def _sort(self, node: Node, known: frozenset[str]) -> None:
        if node.text and clean(node.text):
            self._notes.keep_text(self.path, node.text)
        for child in node.children:
            name = child.name if child.name in known else self._tolerate(child, known)
            if not name:
                continue
            if child.attributes:
                self._notes.keep_attributes(child, f"{self.path}/{name}")
            self._children.setdefault(name, []).append(child)

    def _tolerate(self, child: Node, known: frozenset[str]) -> str:
        """The name that was meant by a misspelled element, or ``""`` after keeping an unknown one."""
        meant = _by_case(known).get(child.name.lower(), "")
        if meant:
            self._notes.add("element.wrong_case", meant, found=child.name)
        else:
            self._notes.keep(child, self.path)
        return meant

    def _watch_repeated(self, repeatable: frozenset[str]) -> None:
        """Of what stands once, a copy is ignored with a note; one that says something else is refused."""
        for name, several in self._children.items():
            if len(several) > 1 and name not in repeatable:
                copies = all(same(several[0], other) for other in several[1:])
                vi, en = names.words(name)
                rule = "element.repeated" if copies else "element.contradictory"
                self._notes.add(rule, name, vi=vi, en=en)

    def _leaf(self, node: Node) -> str:
        for child in node.children:
            self._notes.keep(child, f"{self.path}/{local(node.name)}")
        return clean(node.text) if node.text else ""


def first_texts(node: Node, kind: str) -> dict[str, str]:
    """Standard name -> cleaned text of each field of ``node``, chosen as ``Place`` does but without notes."""
    known = names.CHILDREN[kind]
    found: dict[str, str] = {}
    for child in node.children:
        name = child.name if child.name in known else _by_case(known).get(child.name.lower(), "")
        found.setdefault(name, clean(child.text))
    return found


@cache
def _by_case(known: frozenset[str]) -> dict[str, str]:
    """Lower-case spelling, right or wrong, to the standard's name, for one place."""
    wrong = {wrong.lower(): right for wrong, right in names.MISSPELLED.items() if right in known}
    return wrong | {name.lower(): name for name in known}
