"""From the skeleton and the list of files to one ``Envelope``.

In charge of: the frame (what must stand exactly once for a message to be readable at all) and what stands in
the place of an XML signature. Not in charge of: the fields (``read_*.py``), verifying (``signature/``).
"""

from __future__ import annotations

from dataclasses import replace

from gateway.edxml import names
from gateway.edxml.notes import Notes
from gateway.edxml.place import Place
from gateway.edxml.problems import unreadable
from gateway.edxml.read_files import read_files
from gateway.edxml.read_header import is_status, read_document, read_status
from gateway.edxml.read_trace import read_trace
from gateway.edxml.stream import Collector
from gateway.edxml.tree import Node, clean
from gateway.model.envelope import Envelope, SignatureForm


def assemble(collected: Collector, notes: Notes) -> Envelope:
    """The message that was collected. Raises ``Unreadable``."""
    root = collected.root
    if root is None or root.name != names.ROOT:
        raise unreadable("envelope.not_edxml", found=root.name if root else "–")
    if collected.without_namespace:
        notes.add("element.no_namespace", collected.without_namespace)
    notes.keep_attributes(root, names.ROOT)
    top = Place(root, names.ROOT, names.ROOT, notes)
    frame = _inside(top, names.ENVELOPE, notes)
    header = _inside(frame, names.HEADER, notes)
    envelope = _read_message(header, notes)
    _single(top, names.ENCODED)
    top.every(names.ENCODED)  # the contents were taken on the way; this keeps unknown elements beside them
    files = read_files(_manifest(frame, notes), collected.files, notes)
    return replace(
        envelope,
        references=files.references,
        attachments=files.attachments,
        signature=_signature_form(header, collected.has_signature),
        extensions=tuple(notes.extensions),
    )


def _read_message(header: Place, notes: Notes) -> Envelope:
    message = _single(header, names.MESSAGE_HEADER)
    if message is None:
        raise unreadable("envelope.no_header", names.MESSAGE_HEADER)
    path = f"{header.path}/{names.MESSAGE_HEADER}"
    if is_status(message):
        return read_status(message, path, notes)
    return read_trace(read_document(message, path, notes), header.sub(names.TRACE_LIST), notes)


def _manifest(frame: Place, notes: Notes) -> Place:
    """The list of promised files; an empty place when there is none."""
    body = Place(_single(frame, names.BODY), names.BODY, f"{frame.path}/{names.BODY}", notes)
    return Place(_single(body, names.MANIFEST), names.MANIFEST, f"{body.path}/{names.MANIFEST}", notes)


def _inside(place: Place, name: str, notes: Notes) -> Place:
    node = _single(place, name)
    if node is None:
        raise unreadable("envelope.no_header", name)
    return Place(node, name, f"{place.path}/{name}", notes)


def _single(place: Place, name: str) -> Node | None:
    """A part of the frame; two of them leave open which one counts."""
    several = place.nodes(name)
    if len(several) > 1:
        raise unreadable("envelope.frame_repeated", name)
    return several[0] if several else None


def _signature_form(header: Place, has_signature: bool) -> SignatureForm:
    """What stands where an XML signature could stand (reference section 4.1)."""
    if has_signature:
        return SignatureForm.XMLDSIG
    found = header.nodes("Signature") + header.nodes("DigitalSignature")
    if not found:
        return SignatureForm.NONE
    filled = any(node.children or clean(node.text) for node in found)
    return SignatureForm.WRONG_NAMESPACE if filled else SignatureForm.EMPTY
