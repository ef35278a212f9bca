"""The signer register: which certificate belongs to which agency, as whom, and when.

In charge of: looking a certificate up, and reading the register's CSV. Not in charge of: identifier schemes
(the caller hands in how an agency code becomes canonical), keeping the register (``store/``).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from datetime import date

from gateway.errors import BadRequest
from gateway.model.agency import Period, Signer
from gateway.model.text import AgencyCode, Bilingual, nfc

_COLUMNS = ("certificate_sha256", "agency", "title", "role", "valid_from", "valid_to")
_ROLES = ("person", "agency")


class SignerRegister:
    """Rows by certificate; one certificate may stand in several rows with different periods."""

    def __init__(self, rows: Iterable[Signer]) -> None:
        self._rows: dict[str, list[Signer]] = {}
        for row in rows:
            self._rows.setdefault(row.certificate_sha256, []).append(row)

    def knows(self, certificate_sha256: str) -> bool:
        """True when a row of any day names the certificate."""
        return certificate_sha256.lower() in self._rows

    def successors(self, certificate_sha256: str) -> list[Signer]:
        """Rows that take over when the certificate ends: same agency, role and title, a later last day.

        Persons without a title are not told apart, so they have none.
        """
        return [
            other
            for row in self._rows.get(certificate_sha256.lower(), ())
            for others in self._rows.values()
            for other in others
            if _takes_over(other, row)
        ]

    def find(self, certificate_sha256: str, on: date) -> Signer | None:
        """The row that holds on that Vietnamese day, or ``None``: not registered."""
        rows = self._rows.get(certificate_sha256.lower(), ())
        return next((row for row in rows if row.period.holds_on(on)), None)


def _takes_over(other: Signer, row: Signer) -> bool:
    if other.certificate_sha256 == row.certificate_sha256 or (row.role == "person" and not row.title):
        return False
    same = (other.agency, other.role, other.title) == (row.agency, row.role, row.title)
    last, other_last = row.period.end or date.max, other.period.end or date.max
    return same and (other_last > last or other.period.end is None)


def read_signers_csv(text: str, canonical: Callable[[str], AgencyCode] = AgencyCode) -> list[Signer]:
    """Rows of a CSV with the columns ``certificate_sha256,agency,title,role,valid_from,valid_to``.

    Dates are ``yyyy-mm-dd`` or empty (open), both days included. ``canonical`` turns any form of an agency's
    identifier into its canonical code and may raise ``ValueError``. ``BadRequest`` names the line at fault.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    missing = [column for column in _COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise BadRequest(_text_columns(missing), code="signers.malformed")
    rows = []
    for row in reader:
        try:
            rows.append(_signer(row, canonical))
        except (ValueError, AttributeError) as problem:  # AttributeError: a line with too few cells
            raise BadRequest(_text_line(reader.line_num, problem), code="signers.malformed") from problem
    return rows


def _signer(row: dict[str, str], canonical: Callable[[str], AgencyCode]) -> Signer:
    digest = row["certificate_sha256"].strip().lower().replace(":", "")
    if len(bytes.fromhex(digest)) != 32:
        raise ValueError("certificate_sha256 needs 64 hex digits")
    role = row["role"].strip()
    if role not in _ROLES:
        raise ValueError("role is person or agency")
    period = Period(_day(row["valid_from"]), _day(row["valid_to"]))
    return Signer(digest, canonical(row["agency"].strip()), nfc(row["title"].strip()), role, period)


def _day(text: str) -> date | None:
    return date.fromisoformat(text.strip()) if text.strip() else None


def _text_columns(missing: list[str]) -> Bilingual:
    names = ", ".join(missing)
    return Bilingual(
        f"Tệp danh sách người ký thiếu cột: {names}.", f"The signer register lacks these columns: {names}."
    )


def _text_line(line: int, problem: Exception) -> Bilingual:
    return Bilingual(
        f"Tệp danh sách người ký sai ở dòng {line}: {problem}. Hãy sửa dòng này rồi nạp lại.",
        f"The signer register is wrong in line {line}: {problem}. Correct the line and load it again.",
    )
