"""Text in two languages, and the identifiers that are more than ``str``.

In charge of: ``Bilingual`` (every sentence that a person reads exists in Vietnamese and in English) and the
``NewType`` names of identifiers. Not in charge of: parsing or choosing between identifier schemes
(``directory/``).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import NewType

# Canonical, root-first (QĐ 20/2020/QĐ-TTg Đ4), e.g. ``H37.31.21``.
AgencyCode = NewType("AgencyCode", str)
# Opaque text of the sender, compared byte for byte after NFC; unique only together with the sender.
DocumentId = NewType("DocumentId", str)
# UTC microseconds since 1970-01-01T00:00:00Z.
Instant = NewType("Instant", int)


@dataclass(frozen=True, slots=True)
class Bilingual:
    """One sentence for people, Vietnamese first."""

    vi: str
    en: str

    def as_json(self) -> dict[str, str]:
        """``{"vi": …, "en": …}``, the shape of every text at the API."""
        return {"vi": self.vi, "en": self.en}


def nfc(text: str) -> str:
    """Normalise for comparison (contracts: text is compared after NFC)."""
    return unicodedata.normalize("NFC", text)
