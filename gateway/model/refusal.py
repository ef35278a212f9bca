"""Why a recipient returns a document (status 02): R01 to R99.

In charge of: the codes, their words, and recognising one in the reason that a recipient writes. edXML has no
field for it, so a code stands at the beginning of the status's description, where every system shows it. Not
in charge of: statuses (``status.py``), counting (``compliance/``).

QĐ 28/2018 Đ5.4 and NĐ 30/2020 Đ21.2 ask for a reason; the list itself is ours (docs/figures.md).
"""

from __future__ import annotations

import enum
import re
import unicodedata

from gateway.model.text import Bilingual


class Refusal(enum.Enum):
    """The code on the wire, in events and in figures."""

    WRONG_PLACE = "R01"
    NOT_INTACT = "R02"
    SIGNATURE = "R03"
    INCOMPLETE = "R04"
    FORM = "R05"
    COMPETENCE = "R06"
    DUPLICATE = "R07"
    SECRET = "R08"
    TECHNICAL = "R09"
    OTHER = "R99"

    @property
    def words(self) -> Bilingual:
        """What a screen prints for the code."""
        return _WORDS[self]


_WORDS = {
    Refusal.WRONG_PLACE: Bilingual("Sai nơi nhận", "Wrong recipient"),
    Refusal.NOT_INTACT: Bilingual("Không toàn vẹn", "Not intact"),
    Refusal.SIGNATURE: Bilingual("Chữ ký số không hợp lệ hoặc thiếu", "Signature invalid or missing"),
    Refusal.INCOMPLETE: Bilingual("Thiếu tệp hoặc siêu dữ liệu", "File or metadata missing"),
    Refusal.FORM: Bilingual("Sai thể thức, định dạng", "Wrong form or format"),
    Refusal.COMPETENCE: Bilingual("Không đúng thẩm quyền", "Not within competence"),
    Refusal.DUPLICATE: Bilingual("Trùng lặp", "Duplicate"),
    Refusal.SECRET: Bilingual("Có dấu hiệu bí mật nhà nước", "Signs of a state secret"),
    Refusal.TECHNICAL: Bilingual("Lỗi kỹ thuật", "Technical fault"),
    Refusal.OTHER: Bilingual("Lý do khác", "Other reason"),
}
# The words of the list, as people write them: folded, whole words.
_SAID = {
    Refusal.WRONG_PLACE: ("sai noi nhan", "wrong recipient"),
    Refusal.NOT_INTACT: ("khong toan ven", "not intact"),
    Refusal.SIGNATURE: (
        "chu ky khong hop le", "chu ky so khong hop le", "thieu chu ky", "signature invalid",
    ),
    Refusal.INCOMPLETE: ("thieu tep", "thieu sieu du lieu", "file missing", "metadata missing"),
    Refusal.FORM: ("sai the thuc", "sai dinh dang", "wrong form"),
    Refusal.COMPETENCE: ("khong dung tham quyen", "not within competence"),
    Refusal.DUPLICATE: ("trung lap", "duplicate"),
    Refusal.SECRET: ("bi mat nha nuoc", "dau hieu bmnn", "state secret"),
    Refusal.TECHNICAL: ("loi ky thuat", "technical fault"),
    Refusal.OTHER: ("ly do khac", "other reason"),
}  # fmt: skip
_CODE = re.compile(r"[\s\[(]*(R\d\d)(?!\w)", re.IGNORECASE)
_READ = 400  # letters of a reason that are looked at


def read_refusal(text: str) -> Refusal | None:
    """The code at the beginning of a reason, else the one whose words come first in it; ``None``: neither."""
    found = _CODE.match(text)
    if found:
        return next((one for one in Refusal if one.value == found[1].upper()), None)
    folded = f" {_fold(text[:_READ])} "
    places = [
        (folded.find(f" {words} "), one)
        for one, phrases in _SAID.items()
        for words in phrases
        if f" {words} " in folded
    ]
    return min(places, key=lambda place: place[0])[1] if places else None


def with_refusal(code: Refusal | None, description: str) -> str:
    """A description that begins with the code; the words of the list where nothing else was written."""
    if code is None or read_refusal(description) is code:
        return description
    return f"{code.value}: {description.strip() or code.words.vi}"


def _fold(text: str) -> str:
    """Small letters without accents, words apart by one blank."""
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return " ".join(re.findall(r"\w+", bare.lower().replace("đ", "d")))
