"""The secrecy marks, as dated data: what ``secrecy.py`` looks for.

In charge of: words only. The standard has no secrecy element, so a mark can only be recognised where software
or clerks write it. Change a list, and change ``VERSION`` with it.
All words are lower case and NFC; the folded lists are without accents.
"""

from __future__ import annotations

from datetime import date

VERSION = "secrecy-1"
VALID_FROM = date(2026, 11, 24)
CLAUSE = "QĐ 28/2018 Đ1.2"

# Luật 29/2018/QH14 Đ8: tuyệt mật, tối mật, mật; in the accent forms that careless typing leaves.
TOP_WORDS = ("tuyệt", "tuyêt", "tuyet", "tối", "tôi", "toi")
SECRET_WORDS = ("mật", "mât", "mat")

# Without accents these two words are also "tôi mất" (I lost): outside a slot of their own a person decides.
AMBIGUOUS = frozenset({"toi mat"})

# Words that introduce a mark within its slot, folded, longest first.
FRAMES = (
    "muc do mat",
    "cap do mat",
    "van ban do mat",
    "tai lieu do mat",
    "do mat",
    "muc mat",
    "cap mat",
    "dau do mat",
    "tai lieu",
    "van ban",
    "ho so",
    "dong dau",
    "dau",
    "loai",
    "muc",
    "cap",
)

# In file names, often unaccented, "mat" is also a part of common harmless words: bảo mật, mặt bằng, mật độ.
# Only these neighbours make it one; a word too many lets a secret through, a word too few costs a click.
HARMLESS_BEFORE = ("bảo", "bí", "giải", "bề", "tiền", "thay", "khuôn", "vắng", "gặp")
HARMLESS_AFTER = ("ong", "độ", "mã", "khẩu", "bằng", "trận", "đường")
# Without accents "bao" is not always "bảo": a notice (thông báo) or warning may well be secret.
NOT_BEFORE = frozenset({"thong bao", "canh bao", "dien bao", "tinh bao", "du bao"})

# Elements and attributes of other systems that carry a secrecy level: letters and digits, folded.
ELEMENTS = frozenset(
    {
        "domat",
        "mucdomat",
        "capdomat",
        "mucmat",
        "capmat",
        "daumat",
        "daudomat",
        "tinhmat",
        "domatid",
        "madomat",
    }
    | {"bimat", "bimatnhanuoc", "bmnn", "secret", "issecret", "secretlevel", "secrecy", "secrecylevel"}
    | {"securitylevel", "securitylabel", "securityclass", "securityclassification", "classified"}
    | {"confidential", "confidentiality", "confidentiallevel", "confidentialitylevel"}
)
HARMLESS_VALUES = frozenset(
    {"", "thuong", "binh thuong", "khong", "khong mat", "cong khai", "no", "none", "false", "0", "n", "null"}
    | {"normal", "public", "unclassified", "n/a", "-"}
)
