"""What was read about the signatures of one PDF, before anybody asks whether they are trusted.

In charge of: the values that a worker process hands back. They hold plain bytes and numbers, so that they
travel between processes and load without pyHanko. Not in charge of: reading them (``pdf_read``), trust
(``pdf_judge``).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from gateway.model.text import Bilingual, Instant
from gateway.model.verdict import Indication


class Coverage(enum.Enum):
    """Which part of the file a signature speaks for."""

    WHOLE_FILE = "whole file"
    REVISION = "revision"  # everything up to the signature; later only what may follow a signature
    CHANGED = "changed"  # something came later that may not follow a signature
    UNCLEAR = "unclear"  # the byte range leaves gaps, or could not be read


class Later(enum.Enum):
    """What was added to the file after a signature."""

    NOTHING = "nothing"
    LONG_TERM_DATA = "long-term data"  # document timestamps, DSS, metadata of the file
    SIGNATURES = "signatures"  # further signatures, as the agency's after the competent person's
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a signature cannot pass. ``sub_indication`` is ETSI EN 319 102-1 section 5.1.3."""

    sub_indication: str
    reason: Bilingual
    indication: Indication = Indication.FAILED
    is_passing: bool = False  # of this moment and this machine: the same bytes may be read later


@dataclass(frozen=True, slots=True)
class Token:
    """A timestamp token that fits the signature. Its authority is not yet trusted. Certificates are DER."""

    time: Instant
    certificate: bytes
    others: tuple[bytes, ...] = ()
    data: bytes = field(repr=False, default=b"")  # DER of the token itself


@dataclass(frozen=True, slots=True)
class PdfSignature:
    """One signature, in the order of signing. ``field`` is ``""`` when the fact is about the whole file.

    ``claimed_time`` is the signing-time attribute, or ``/M`` of the signature, which the signature covers as
    well (PAdES has no other place for it). ``certificate`` and ``others`` are DER.
    """

    field: str
    failure: Failure | None = None
    coverage: Coverage = Coverage.UNCLEAR
    later: Later = Later.NOTHING
    trailing_bytes: int = 0
    algorithm: str = ""  # e.g. "RSA-2048 SHA-256"
    certificate: bytes = b""
    others: tuple[bytes, ...] = ()
    claimed_time: Instant | None = None
    token: Token | None = None
    is_timestamp: bool = False  # a document timestamp: proves a time, names no signer
    is_old_form: bool = False  # a whole signature of a SHA-1 form: weak, yet a signature


@dataclass(frozen=True, slots=True)
class Pages:
    """What a file shows without its signatures. ``opens``: it has pages and no password; ``None``: nobody
    could look. ``version`` as the file states it (``1.7``), or empty.

    The text of the first page may be secret: it is looked at once, and never kept or logged.
    """

    opens: bool | None = None
    count: int = 0
    version: str = ""
    first_text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class PdfFacts:
    """What a file says: its signatures in the order of signing, and its pages."""

    signatures: tuple[PdfSignature, ...] = ()
    pages: Pages = Pages()
