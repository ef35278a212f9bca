"""What the reader writes down while it reads: findings, and everything that the standard does not know.

In charge of: the two lists and their limit. Not in charge of: what is known where (``place.py``).
"""

from __future__ import annotations

from gateway.edxml import names
from gateway.edxml.limits import Limits
from gateway.edxml.problems import problem, unreadable
from gateway.edxml.tree import Node, clean, local
from gateway.model.envelope import Extension
from gateway.model.finding import Finding

_IGNORED_SPACES = (f"{{{names.XSI}}}", f"{{{names.XML}}}")  # attributes about the XML, not about the document


class Notes:
    """Findings and extensions of one message."""

    def __init__(self, limits: Limits) -> None:
        self.findings: list[Finding] = []
        self.extensions: list[Extension] = []
        self._limits = limits

    def add(self, rule: str, where: str, **values: object) -> None:
        """Note one finding."""
        self.findings.append(problem(rule, where, **values))

    def keep(self, node: Node, path: str) -> None:
        """Keep an unknown element of the element at ``path``, with everything in it."""
        here = f"{path}/{local(node.name)}"
        self.keep_attributes(node, here)
        if not node.children or clean(node.text):
            self.keep_text(here, node.text)
        for child in node.children:
            self.keep(child, here)

    def keep_attributes(self, node: Node, path: str) -> None:
        """Keep the attributes that the standard does not know."""
        known = names.ATTRIBUTES.get(node.name, frozenset())
        for name, value in node.attributes.items():
            if name not in known and not name.startswith(_IGNORED_SPACES):
                self.keep_text(f"{path}/@{local(name)}", value)

    def keep_text(self, path: str, text: str) -> None:
        """Keep one text. Raises ``Unreadable`` over the limit."""
        if len(self.extensions) >= self._limits.max_extensions:
            raise unreadable("envelope.too_many_unknown", limit=self._limits.max_extensions)
        self.extensions.append(Extension(path, clean(text)))
