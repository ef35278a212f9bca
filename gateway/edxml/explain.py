"""Why a schema does not like a message, in sentences for a records clerk.

In charge of: turning a violation (of either validator) into a finding that names the field in Vietnamese and
says what it should look like. Not in charge of: validating (``schema.py``).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gateway.edxml import names
from gateway.edxml.problems import shorten
from gateway.edxml.tree import local
from gateway.model.finding import Finding, Severity
from gateway.model.text import Bilingual

_CLAUSE = "QCVN 102:2016"


class Fault(enum.Enum):
    """What can be wrong with an element; the value ends the rule code."""

    MISSING = "element_missing"  # a child that must be there is not
    UNEXPECTED = "element_unexpected"  # unknown, repeated, or at the wrong place
    FORM = "value_form"  # a date, number or code that is written otherwise
    TEXT = "text_not_allowed"  # text where only elements belong
    CHILDREN = "children_not_allowed"  # elements where only text belongs
    ATTRIBUTE = "attribute_unknown"
    OTHER = "invalid"


@dataclass(frozen=True, slots=True)
class Violation:
    """One violation: the element concerned (for MISSING and UNEXPECTED: the child), and where it stands."""

    fault: Fault
    element: str  # local name
    parent: str = ""  # local name
    value: str = ""
    detail: str = ""  # name of an attribute, or a validator's own words


_DAY = ("phải ghi dạng năm/tháng/ngày, ví dụ 2020/04/13", "must be year/month/day, e.g. 2020/04/13")
_MOMENT = (
    "phải ghi dạng năm/tháng/ngày giờ:phút:giây, ví dụ 2020/04/13 15:30:00",
    "must be year/month/day hour:minute:second, e.g. 2020/04/13 15:30:00",
)
_NUMBER = ("phải là số nguyên không âm", "must be a whole number")
_YES_NO = ("phải là true hoặc false (1 hoặc 0)", "must be true or false (1 or 0)")
_FORMS: dict[str, tuple[str, str]] = {
    "PromulgationDate": _DAY,
    "DueDate": _DAY,
    "Timestamp": _MOMENT,
    "Type": _NUMBER,
    "TypeDetail": _NUMBER,
    "PageAmount": _NUMBER,
    "PromulgationAmount": _NUMBER,
    "Paper": _NUMBER,
    "Direction": _YES_NO,
    "DocumentInfo": _YES_NO,
    "DocumentReceiver": _YES_NO,
    "ReceiverType": ("phải là 0 (bớt) hoặc 1 (thêm)", "must be 0 (removed) or 1 (added)"),
    "BussinessDocType": (
        "phải là 0 (mới), 1 (thu hồi), 2 (cập nhật) hoặc 3 (thay thế)",
        "must be 0 (new), 1 (revoke), 2 (update) or 3 (replace)",
    ),
    "SteeringType": ("phải là 0, 1, 2 hoặc 3", "must be 0, 1, 2 or 3"),
    "StatusCode": ("phải là 01 đến 06, 13, 15 hoặc 16", "must be 01 to 06, 13, 15 or 16"),
}
_ANY_FORM = ("không đúng dạng quy định", "is not in the prescribed form")


def explain(violation: Violation) -> Finding:
    """The finding for one violation. Always a warning: what cannot be routed is refused by the reader."""
    text = _sentence(violation)
    rule = f"schema.{violation.fault.value}"
    return Finding(rule, Severity.WARNING, _where(violation), text, _CLAUSE)


def _where(violation: Violation) -> str:
    """The element, with its parent where the name alone would be ambiguous."""
    if violation.parent in ("", names.MESSAGE_HEADER):
        return violation.element
    return f"{violation.parent}/{violation.element}"


def _sentence(violation: Violation) -> Bilingual:
    vi, en = names.words(violation.element, violation.parent)
    field_vi = f"{vi} ({violation.element})"
    field_en = f"{en[:1].upper()}{en[1:]} ({violation.element})"
    sentence = _SENTENCES[violation.fault]
    return sentence(violation, field_vi, field_en)


def _missing(violation: Violation, vi: str, en: str) -> Bilingual:
    where_vi, where_en = _part(violation)
    return Bilingual(f"Thiếu trường {vi} trong {where_vi}.", f"{en} is missing in {where_en}.")


def _unexpected(violation: Violation, vi: str, en: str) -> Bilingual:
    where_vi, where_en = _part(violation)
    if violation.element in names.ALL:
        return Bilingual(
            f"Trường {vi} bị lặp lại hoặc đặt sai chỗ trong {where_vi}.",
            f"{en} is repeated or misplaced in {where_en}.",
        )
    return Bilingual(
        f"Phần tử {violation.element} trong {where_vi} không có trong tiêu chuẩn; "
        "hệ thống nhận có thể bỏ qua.",
        f"The element {violation.element} in {where_en} is not in the standard; the recipient may drop it.",
    )


def _form(violation: Violation, vi: str, en: str) -> Bilingual:
    form_vi, form_en = _FORMS.get(violation.element, _ANY_FORM)
    value = shorten(violation.value)
    return Bilingual(f"Trường {vi} ghi “{value}”; {form_vi}.", f"{en} says “{value}”; it {form_en}.")


def _text(_: Violation, vi: str, en: str) -> Bilingual:
    return Bilingual(
        f"Phần {vi} có chữ nằm ngoài các trường; phần chữ này có thể bị bỏ qua.",
        f"{en} holds text outside its fields, which may be dropped.",
    )


def _children(_: Violation, vi: str, en: str) -> Bilingual:
    return Bilingual(
        f"Trường {vi} chỉ được chứa chữ, không được chứa phần tử khác.",
        f"{en} may hold only text, no other elements.",
    )


def _attribute(violation: Violation, vi: str, en: str) -> Bilingual:
    return Bilingual(
        f"{vi} có thuộc tính {violation.detail} không có trong tiêu chuẩn.",
        f"{en} has the attribute {violation.detail}, which the standard does not know.",
    )


def _other(violation: Violation, vi: str, en: str) -> Bilingual:
    detail = shorten(violation.detail)
    return Bilingual(f"{vi} không đúng tiêu chuẩn: {detail}", f"{en} does not conform: {detail}")


_SENTENCES = {
    Fault.MISSING: _missing,
    Fault.UNEXPECTED: _unexpected,
    Fault.FORM: _form,
    Fault.TEXT: _text,
    Fault.CHILDREN: _children,
    Fault.ATTRIBUTE: _attribute,
    Fault.OTHER: _other,
}


def _part(violation: Violation) -> tuple[str, str]:
    """Where the element stands, as words; the whole message when the validator did not say."""
    if not violation.parent:
        return "gói tin", "the message"
    vi, en = names.words(violation.parent)
    return f"phần “{vi}”", en


def name_of(tag: object) -> str:
    """The local name of an lxml or xmlschema tag; ``""`` for what is no element."""
    return local(tag) if isinstance(tag, str) else ""
