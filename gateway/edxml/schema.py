"""What the schemas say about a message.

In charge of: validating on the hot path with lxml, and, only after that failed, asking xmlschema for the
details (it is a hundred times slower). Both see the message without the contents of its attachments.
Not in charge of: the sentences (``explain.py``), cardinality that XSD 1.0 cannot express (the reader).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any

from lxml import etree

from gateway.edxml import names
from gateway.edxml.explain import Fault, Violation, explain, name_of
from gateway.edxml.parse import Parsed
from gateway.edxml.safe_xml import load_schema, parse_tree
from gateway.model.envelope import Dialect
from gateway.model.finding import Finding
from gateway.resources import shipped

_MAX_FINDINGS = 20  # a clerk reads no more, and a hostile message gets no more work out of us
_MAX_EXPLAINED = 3_000  # elements: xmlschema needs about 30 microseconds for each
_ACCEPT = "accept.xsd"
_STRICT = {Dialect.JAVA: "strict-java.xsd", Dialect.DOTNET: "strict-dotnet.xsd"}
_local = threading.local()  # lxml keeps the error log in the schema object: one object for each thread


def check_schema(parsed: Parsed) -> tuple[Finding, ...]:
    """Empty for a valid message, else at most twenty warnings, the first violations first."""
    skeleton = parsed.skeleton
    schema = _compiled(_ACCEPT)
    if schema.validate(skeleton):
        return ()
    violations = list(islice(_explained(skeleton), _MAX_FINDINGS))
    if not violations:
        violations = [_from_lxml(entry) for entry in islice(schema.error_log, _MAX_FINDINGS)]
    return tuple(dict.fromkeys(map(explain, violations)))


def check_strict(data: bytes, dialect: Dialect) -> list[str]:
    """What is wrong with a message that we wrote ourselves; empty when it is exactly in its dialect."""
    root = parse_tree(data)
    schema = _compiled(_STRICT[dialect])
    schema.validate(root)
    complaints = [f"{entry.path}: {entry.message}" for entry in schema.error_log]
    return complaints + list(_wrong_prefixes(root, dialect))


def _compiled(name: str) -> etree.XMLSchema:
    found: etree.XMLSchema | None = getattr(_local, name, None)
    if found is None:
        found = load_schema(shipped("schemas", "edxml", name))
        setattr(_local, name, found)
    return found


def _wrong_prefixes(root: etree._Element, dialect: Dialect) -> Iterator[str]:
    """Peers that are not namespace-aware look at the prefix (reference section 1.1)."""
    prefixed_content = dialect is Dialect.JAVA
    for element in root.iter():
        inside = any(name_of(above.tag) == names.ENVELOPE for above in (element, *element.iterancestors()))
        content = name_of(element.tag) == names.CONTENT and prefixed_content
        wanted = names.PREFIX if inside or content else None
        if element.prefix != wanted:
            yield f"{name_of(element.tag)}: prefix {element.prefix}, expected {wanted}"


# xmlschema: the reasons


@cache
def _reasons() -> Any:
    """The same schema as xmlschema compiles it: 150 ms, paid at the first invalid message."""
    import xmlschema

    return xmlschema.XMLSchema10(str(shipped("schemas", "edxml", _ACCEPT)))


def _explained(skeleton: etree._Element) -> Iterator[Violation]:
    if sum(1 for _ in islice(skeleton.iter(), _MAX_EXPLAINED + 1)) > _MAX_EXPLAINED:
        return iter(())
    return map(_from_xmlschema, _reasons().iter_errors(skeleton))


def _from_xmlschema(error: Any) -> Violation:
    path = [name_of(part) for part in (error.path or "").split("/") if part]
    element = name_of(error.elem.tag) if error.elem is not None else (path[-1] if path else "")
    parent = path[-2] if len(path) > 1 else ""
    reason = error.reason or ""
    unexpected = getattr(error, "invalid_tag", None)
    if unexpected:
        return Violation(Fault.UNEXPECTED, name_of(unexpected), element)
    expected = getattr(error, "expected", None)
    if expected:
        return Violation(Fault.MISSING, name_of(getattr(expected[0], "name", "")), element)
    value = error.obj if isinstance(error.obj, str) else ""
    return _by_validator(error, element, parent, value, reason)


def _by_validator(error: Any, element: str, parent: str, value: str, reason: str) -> Violation:
    kind = type(error.validator).__name__
    if kind == "XsdPatternFacets":
        return Violation(Fault.FORM, element, parent, value)
    if kind == "XsdAttributeGroup":
        attribute = name_of(reason.split("'")[1]) if "'" in reason else ""
        return Violation(Fault.ATTRIBUTE, element, parent, detail=attribute)
    if "character data" in reason:
        return Violation(Fault.TEXT, element, parent)
    if "child elements" in reason:
        return Violation(Fault.CHILDREN, element, parent)
    return Violation(Fault.OTHER, element, parent, value, reason)


# lxml: when the message is too big for xmlschema

_LXML_FAULTS = {
    "SCHEMAV_CVC_PATTERN_VALID": Fault.FORM,
    "SCHEMAV_CVC_TYPE_3_1_1": Fault.ATTRIBUTE,
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1": Fault.ATTRIBUTE,
    "SCHEMAV_CVC_COMPLEX_TYPE_2_3": Fault.TEXT,
    "SCHEMAV_CVC_TYPE_3_1_2": Fault.CHILDREN,
    "SCHEMAV_ELEMENT_CONTENT": Fault.UNEXPECTED,
}
_SUBJECT = re.compile(r"Element '(?:\{[^}]*\})?([^']+)'")
_MISSING = re.compile(r"Missing child element\(s\)\. Expected is (?:one of )?\( (?:\{[^}]*\})?(\w+)")
_QUOTED = re.compile(r"The value '(.*)' is not accepted|attribute '([^']+)'", re.DOTALL)


def _from_lxml(entry: Any) -> Violation:
    """The same from lxml's message: without the parent, since its paths hold no names."""
    message: str = entry.message
    subject = _SUBJECT.match(message)
    element = subject[1] if subject else ""
    fault = _LXML_FAULTS.get(entry.type_name, Fault.OTHER)
    missing = _MISSING.search(message)
    if missing:
        return Violation(Fault.MISSING, missing[1], element)
    quoted = _QUOTED.search(message)
    value, attribute = quoted.groups(default="") if quoted else ("", "")
    return Violation(fault, element, "", value, message if fault is Fault.OTHER else attribute)
