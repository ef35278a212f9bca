"""Who may sign for an agency, as dated data: the list of authorised signers.

In charge of: the rows of the list and what the gate makes of a signer. Not in charge of: keeping the list
(``store/authority.py``), asking it (``checks/authority.py``).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gateway.model.agency import Period
from gateway.model.text import AgencyCode

EVER = Period()
ANY = "*"  # as a prefix: every one
NONE = "none"  # as a prefix: signs in his own right

# NĐ 30/2020 PL I and Đ13: on behalf of the collective, acting head, for the head, by order, by authorisation.
PREFIXES = ("TM", "Q", "KT", "TL", "TUQ")


class SignerAuthority(enum.Enum):
    """Whether a document's signer was competent, as far as a machine can say (event fact ``authority``)."""

    LISTED = "listed"
    NOT_LISTED = "not_listed"  # registered as a person, but in no row of the day
    PREFIX_NOT_ALLOWED = "prefix_not_allowed"  # listed, but not for signing with this prefix
    NO_LIST = "no_list"  # nobody listed the agency's signers
    UNREGISTERED = "unregistered"  # no signature of a person whom the signer register names


@dataclass(frozen=True, slots=True)
class Authority:
    """One row: this person may sign for that agency in this period.

    The person is named by the certificate, or by the title under which the signer register has one for the
    agency. ``prefixes``: of ``PREFIXES``, ``none``, or ``*``. ``types``: names of kinds of documents; empty:
    all. ``source``: the decision behind it.
    """

    agency: AgencyCode
    certificate_sha256: str  # hex, or ""
    title: str
    prefixes: tuple[str, ...]
    types: tuple[str, ...] = ()
    period: Period = EVER
    source: str = ""
