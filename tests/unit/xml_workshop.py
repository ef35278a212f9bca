"""Where the cases of ``xml_cases`` are built: a genuinely signed message, a forger, and addresses that must
never be called.

The outsider changes the signed bytes (``change``, ``text``); the insider signs something crooked with the
agency's own key (``craft``), so that only the check under test stands between the forgery and a pass.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from gateway.edxml.names import DSIG, NS
from gateway.practice.pki import DemoPki, Identity, KeyKind
from tests.unit import signature_world as w
from tests.world import make_envelope

FORGED = "V/v chuyển kinh phí cho tài khoản khác"
Change = Callable[[etree._Element], None]


@dataclass(frozen=True)
class Workshop:
    """``forger`` has a PKI whose names are the same and whose keys are his own."""

    world: w.World
    forger: Identity
    message: bytes
    signed: bytes
    http: str  # an address that nobody may call
    file: Path  # a file that nobody may open

    def change(self, change: Change) -> bytes:
        """The signed message after an outsider changed its tree."""
        return w.edit(self.signed, change)

    def text(self, old: str, new: str, count: int = 1) -> bytes:
        """The signed message after an outsider replaced some of its characters."""
        assert old.encode() in self.signed
        return self.signed.replace(old.encode(), new.encode(), count)

    def craft(self, message: bytes | None = None, **how: object) -> bytes:
        """A message signed by the agency itself, in this way."""
        return w.craft(self.world.agency, w.Craft(**how), message or self.message)  # type: ignore[arg-type]


def build_workshop(folder: Path, http: str = "http://127.0.0.1:9/x", file: Path | None = None) -> Workshop:
    world = w.build_world(folder / "genuine", KeyKind.RSA_2048)
    forger = DemoPki.create(folder / "forged", key=KeyKind.RSA_2048).issue_agency(
        "000.00.00.H37", "UBND tỉnh Lạng Sơn"
    )
    message = make_envelope(
        to=("H37.03", "H37.05"), files={"362.signed.pdf": b"%PDF-1.7\n", "phuluc.txt": b"a"}
    )
    return Workshop(world, forger, message, w.sign(world.agency, message), http, file or folder / "x.xml")


# parts of the tree


def first(root: etree._Element, name: str, namespace: str = NS) -> etree._Element:
    found = root.find(f".//{{{namespace}}}{name}")
    assert found is not None
    return found


def forge(top: etree._Element) -> None:
    """Another subject and another recipient: what an attacker is after."""
    first(top, "Subject").text = FORGED
    first(first(top, "To"), "OrganId").text = "H37.31"


def forged_copy(element: etree._Element) -> etree._Element:
    """A copy with forged content and without a signature."""
    twin = copy.deepcopy(element)
    forge(twin)
    for signature in list(twin.iter(f"{{{DSIG}}}Signature")):
        parent = signature.getparent()
        assert parent is not None
        parent.remove(signature)
    return twin


def box(parent: etree._Element, tag: str) -> etree._Element:
    """A new last child of ``parent``."""
    return etree.SubElement(parent, tag)


def dsig(name: str) -> str:
    return f"{{{DSIG}}}{name}"
