"""The two spellings of an agency's identifier, and the way between them.

In charge of: reading a partner's text as a canonical (root-first) code, and writing a canonical code in the
old form. Pure text work. Not in charge of: whether the agency exists or which alias a partner uses for it
(``directory/snapshot.py``); what level it has (data, never the depth of its code).

Old form, QCVN 102:2016: ``level4.level3.level2.level1``, leaf first, zero groups where a level is absent
(``000.21.31.H37``). New form, QĐ 20/2020/QĐ-TTg Đ4: root first, at most 35 characters (``H37.31.21``).
"""

from __future__ import annotations

import re

from gateway.model.text import AgencyCode, nfc

MAX_LENGTH = 35  # QĐ 20/2020 Đ4

# Level 1: a letter A..Y and two digits; test groups in use are wider (TT2, JB2). A system id such as
# ``vxp.saas.12`` must not look like a code, so the last place is always a digit.
_ROOT = r"[A-Y][A-Z0-9][0-9]"
ROOT_FIRST = re.compile(rf"{_ROOT}(?:\.[0-9A-Z]+)*")
LEAF_FIRST = re.compile(rf"(?:\d{{2,3}}\.)+{_ROOT}")
QCVN_102 = re.compile(rf"\d{{3}}\.\d{{2}}\.\d{{2}}\.{_ROOT}")
OTHER_SCHEME = re.compile(r"Z(?:0[1-9]|[1-9]\d)[0-9A-Z.]{1,32}")  # QĐ 20/2020 Đ6: Z01..Z99, no separator
ENTERPRISE = re.compile(r"\d{10}(?:\d{3})?")  # QĐ 20/2020 Đ5: the registration number itself


def normal(text: str) -> str:
    """NFC, without surrounding space, upper case: the form in which spellings are compared."""
    return nfc(text).strip().upper()


def to_canonical(text: str) -> AgencyCode | None:
    """The root-first code that ``text`` spells, or ``None`` when it spells none.

    The side on which the level-1 group stands decides the direction (``28.22.H17`` is the old order, cut
    short). Zero groups are dropped: ``000.21.31.H37`` -> ``H37.31.21``. An old form whose level 2 is zero
    while its level 3 is not (``000.21.00.H37``) would become somebody else's code, so it is ``None``.
    """
    spelled = normal(text)
    if not spelled or len(spelled) > MAX_LENGTH:
        return None
    if any(form.fullmatch(spelled) for form in (ROOT_FIRST, OTHER_SCHEME, ENTERPRISE)):
        return AgencyCode(spelled)
    return _turned(spelled) if LEAF_FIRST.fullmatch(spelled) else None


def _turned(spelled: str) -> AgencyCode | None:
    """Leaf first to root first."""
    root, *groups = reversed(spelled.split("."))
    kept = [group for group in groups if group.strip("0")]
    narrow = [group for group in kept if len(group) == 2]
    if groups[: len(narrow)] != narrow:
        return None  # a gap: dropping it would move the unit one level up
    return AgencyCode(".".join([root, *kept]))


def to_qcvn102(code: AgencyCode) -> str | None:
    """The 13 characters of the old form, or ``None`` when the code does not fit them.

    A last group of three digits is level 4, groups of two digits are levels 2 and 3; ``H37.DN.001`` fits
    nowhere. ``to_canonical(to_qcvn102(code)) == code`` whenever there is a result.
    """
    root, *groups = code.split(".")
    level4 = groups.pop() if groups and re.fullmatch(r"\d{3}", groups[-1]) else "000"
    if len(groups) > 2 or not all(re.fullmatch(r"\d{2}", group) for group in groups):
        return None
    level2, level3 = [*groups, "00", "00"][:2]
    old = f"{level4}.{level3}.{level2}.{root}"
    return old if to_canonical(old) == code else None


def scheme_of(alias: str) -> str:
    """``qcvn102``, ``qd20``, ``vxp`` or ``other``, by the shape of the text."""
    spelled = normal(alias)
    if LEAF_FIRST.fullmatch(spelled):
        return "qcvn102"
    if to_canonical(spelled):
        return "qd20"
    return "vxp" if spelled.startswith("VXP.") else "other"
