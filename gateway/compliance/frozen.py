"""A frozen report: what it counted, of which data, under whose signature, and how a later count differs.

In charge of: the form ``frozen-report/1`` (canonical JSON, SHA-256 over the body, a signed statement about
it), reading it back, verifying it offline, comparing two. Pure but for the key that signs. Not in charge of:
counting (``counting``), keeping it (``reports.py``), printing it (``forms``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from cryptography import x509

from gateway.errors import BadRequest
from gateway.exchange_log.compromised import Compromised
from gateway.model.canonical import canonical_json
from gateway.model.text import Bilingual
from gateway.signature.keyring import Keyring
from gateway.signature.seal import read_statement, sign_statement

FORM = "frozen-report/1"
STATEMENT = "gateway-report+json"  # header ``typ`` of the signature
MOST_BYTES = 268_435_456
_TEXTS = ("id", "gateway", "published_at", "publisher", "query", "clauses_version")
_OBJECTS = ("period", "data_as_of", "level_set", "calendar", "clocks", "counts", "levels", "recalls")
_LISTS = ("rule_sets", "outages", "excluded", "agencies", "declared", "rates")


@dataclass(frozen=True, slots=True)
class Frozen:
    """A report as it was published; nothing in it changes any more."""

    body: Mapping[str, Any]
    sha256: str
    jws: str

    @property
    def id(self) -> str:
        """Its id, a UUIDv7."""
        return str(self.body["id"])

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """Agency -> name -> how many, summed over the period (``docs/figures.md``)."""
        counts: Mapping[str, Mapping[str, int]] = self.body["counts"]
        return counts

    def file(self) -> bytes:
        """The bytes of the file: equal reports give equal bytes."""
        return canonical_json({"body": dict(self.body), "sha256": self.sha256, "jws": self.jws})


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that verification looked at; ``None``: it could not be told."""

    code: str
    holds: bool | None
    text: Bilingual


def freeze(keyring: Keyring, body: Mapping[str, Any]) -> Frozen:
    """Sign a body. ``ValueError`` when it is none of this form, ``TypeError`` for a float in it."""
    if problem := _problem(body):
        raise ValueError(problem)
    digest = digest_of(body)
    payload = {"sha256": digest, "id": body["id"], "published_at": body["published_at"]}
    return Frozen(body, digest, sign_statement(keyring, STATEMENT, payload))


def digest_of(body: Mapping[str, Any]) -> str:
    """Hex SHA-256 over the canonical form (RFC 8785)."""
    return hashlib.sha256(canonical_json(dict(body))).hexdigest()


def read(data: bytes) -> Frozen:
    """The report in a file, believed by nobody yet. ``BadRequest`` (``report.unreadable``): it is none."""
    if len(data) > MOST_BYTES:
        raise BadRequest(_unreadable("too large"), code="report.unreadable")
    try:
        orjson.loads(data)  # strict: UTF-8, no NaN
        value = json.loads(data, object_pairs_hook=_each_name_once)
    except (ValueError, RecursionError) as error:
        raise BadRequest(_unreadable(f"no JSON: {error}"), code="report.unreadable") from error
    match value:
        case {"body": dict(body), "sha256": str(digest), "jws": str(jws), **others}:
            if others:
                raise BadRequest(_unreadable("something stands beside the body"), code="report.unreadable")
            if problem := _problem(body):
                raise BadRequest(_unreadable(problem), code="report.unreadable")
            return Frozen(body, digest, jws)
        case _:
            raise BadRequest(_unreadable("no body, sha256 and jws"), code="report.unreadable")


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """``ValueError`` for a name that stands twice: two readers could take two different values for signed."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def verify(
    report: Frozen, certificates: Sequence[x509.Certificate], lost: Compromised | None = None
) -> list[Checked]:
    """Whether the report is what one of ``certificates`` signed; offline. ``lost``: keys believed no more."""
    return [_hash_row(report), _signature_row(report, certificates, lost or Compromised())]


def holds(rows: Sequence[Checked]) -> bool:
    """True when everything that was looked at holds."""
    return all(row.holds for row in rows)


def _hash_row(report: Frozen) -> Checked:
    try:
        same = digest_of(report.body) == report.sha256
    except TypeError:  # a float, or a name that is no text: nothing of ours
        same = False
    if same:
        text = Bilingual(
            "Nội dung khớp với mã băm SHA-256 của báo cáo", "The content has the SHA-256 that is stated"
        )
    else:
        text = Bilingual(
            "Nội dung đã bị sửa sau khi công bố: mã băm SHA-256 không khớp",
            "The content was changed after publication: its SHA-256 is another",
        )
    return Checked("report.hash", same, text)


def _signature_row(report: Frozen, certificates: Sequence[x509.Certificate], lost: Compromised) -> Checked:
    if _signed_by(report, tuple(lost.certificates)) is True:
        return Checked("report.key_lost", False, _LOST)
    if not certificates:
        return Checked("report.no_key", None, _NO_KEY)
    signed = _signed_by(report, certificates)
    if signed is True:
        return Checked("report.signature", True, _SIGNED)
    return Checked("report.signature", False, _not_signed(signed))


def _signed_by(report: Frozen, certificates: Sequence[x509.Certificate]) -> bool | str:
    """True, or what is wrong with the signature."""
    try:
        said = read_statement(report.jws, STATEMENT, certificates)
    except ValueError as error:
        return str(error)
    body = report.body
    stated = {"sha256": report.sha256, "id": body["id"], "published_at": body["published_at"]}
    return True if said == stated else "the signature is about another report"


def _problem(body: Mapping[str, Any]) -> str:
    """Why a body is none of this form, or ``""``."""
    if body.get("form") != FORM:
        return f"its form is not {FORM}"
    shapes = ((_TEXTS, str), (_OBJECTS, dict), (_LISTS, list))
    wrong = [name for names, kind in shapes for name in names if not isinstance(body.get(name), kind)]
    if wrong:
        return f"missing or of another kind: {', '.join(wrong)}"
    period, data = body["period"], body["data_as_of"]
    if not all(isinstance(period.get(name), str) for name in ("name", "from", "to")):
        return "its period has no name, from and to"
    if type(data.get("size")) is not int or not isinstance(data.get("root"), str):
        return "data_as_of has no size and root"
    if not all(_is_row(row) for row in body["counts"].values()):
        return "its counts are not numbers by agency and name"
    return ""


def _is_row(row: Any) -> bool:
    return isinstance(row, dict) and all(type(count) is int for count in row.values())


# ---------------------------------------------------------------- what differs, and why


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that differs between two counts beside the figures. ``key`` is stable."""

    key: str
    text: Bilingual


@dataclass(frozen=True, slots=True)
class Difference:
    """One number that differs. ``causes``: which of the causes can move it; none: nothing explains it."""

    agency: str
    name: str
    before: int
    after: int
    causes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """As a later report of the same period names it."""
        return {
            "agency": self.agency,
            "name": self.name,
            "before": self.before,
            "after": self.after,
            "causes": list(self.causes),
        }


def compare(old: Frozen, new: Frozen, why: Sequence[Cause] | None = None) -> list[Difference]:
    """Every count that differs, by agency and name; a count that is not there is 0. ``why``: as ``causes``
    gives it, and what else is known."""
    keys = [cause.key for cause in (causes(old, new) if why is None else why)]
    found = []
    for agency in sorted(old.counts.keys() | new.counts.keys()):
        had, has = old.counts.get(agency, {}), new.counts.get(agency, {})
        for name in sorted(had.keys() | has.keys()):
            one, other = had.get(name, 0), has.get(name, 0)
            if one != other:
                moved_by = tuple(key for key in keys if _moves(key, name))
                found.append(Difference(agency, name, one, other, moved_by))
    return found


def causes(old: Frozen, new: Frozen) -> list[Cause]:
    """What else differs, in the order in which one should ask: the log first."""
    found = [*_of_the_log(old.body["data_as_of"], new.body["data_as_of"])]
    for key, name, text in _REFERENCE:
        if old.body[name] != new.body[name]:
            found.append(Cause(key, _with_versions(text, old.body[name], new.body[name])))
    return found


def days_changed(old: Frozen, new: Frozen) -> list[str]:
    """The days of which the two calendars say different things, as far as both hold them."""
    had = {day["date"]: day for day in old.body["calendar"].get("days", ())}
    has = {day["date"]: day for day in new.body["calendar"].get("days", ())}
    return sorted(day for day in had.keys() | has.keys() if had.get(day) != has.get(day))


def _of_the_log(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Cause]:
    more = new["size"] - old["size"]
    if more < 0:
        return [Cause("log.shorter", _SHORTER)]
    if more == 0 and old["root"] != new["root"]:
        return [Cause("log.changed", _CHANGED)]
    if more == 0:
        return [Cause("moment", _MOMENT)] if old.get("at") != new.get("at") else []
    return [Cause("events", _more_events(more))]


def _moves(key: str, name: str) -> bool:
    """Whether that cause can move that count (``docs/figures.md``)."""
    begins = _MOVED.get(key)
    if begins is None:
        return key in ("events", "excluded", "log.shorter", "log.changed")
    return name.startswith(begins)


_JUDGED = ("K9", "K9f")
# Cause -> beginnings of the counts that it can move; a cause that is not here moves all or none.
_MOVED: dict[str, tuple[str, ...]] = {
    "calendar": ("K3", "D.rest_day", "K5.next_day", "K5.later", "K5w.", "C6.", *_JUDGED),
    "outages": ("K3x.", "K5x."),
    "clocks": ("K3", "K4.", "K5w.", "K8.", "K11.", "K13.", "C6.", *_JUDGED),
    "clauses": ("C", "K12.", *_JUDGED),
    "moment": ("K8.", "K11."),
    "declared": (),  # no count: the denominators of K1 and K2b
    "levels": (),  # where a count is added up, not the count
}
_REFERENCE = (
    ("calendar", "calendar", Bilingual("Lịch ngày làm việc đã khác", "The calendar is another")),
    ("outages", "outages", Bilingual("Danh sách sự cố được trừ đã khác", "The list of outages is another")),
    ("clocks", "clocks", Bilingual("Các mốc thời gian thiết lập đã khác", "The clocks are set otherwise")),
    (
        "clauses",
        "clauses_version",
        Bilingual("Bảng quy tắc của các điều kiện C1–C7 đã khác", "The rules of clauses C1 to C7 are others"),
    ),
    (
        "excluded",
        "excluded",
        Bilingual("Danh sách đơn vị không tính đã khác", "Other agencies are left out of the figures"),
    ),
    ("levels", "level_set", Bilingual("Bộ phân cấp đơn vị đã khác", "The level set is another")),
    ("declared", "declared", Bilingual("Số liệu đơn vị tự khai đã khác", "Other totals were declared")),
)


def _with_versions(text: Bilingual, old: Any, new: Any) -> Bilingual:
    """The sentence with both versions, where there are such."""
    one, other = (value.get("version", "") if isinstance(value, dict) else value for value in (old, new))
    if not isinstance(one, str) or not isinstance(other, str) or one == other:
        return text
    return Bilingual(f"{text.vi} ({one} → {other})", f"{text.en} ({one} → {other})")


def _more_events(more: int) -> Bilingual:
    shown = f"{more:,}".replace(",", ".")
    return Bilingual(
        f"Nhật ký có thêm {shown} sự kiện sau lần đếm trước (trạng thái báo muộn, văn bản mới)",
        f"The log holds {more:,} more events than were counted then (late statuses, new documents)",
    )


def _unreadable(why: str) -> Bilingual:
    return Bilingual(
        f"Tệp này không phải báo cáo đã công bố của trục ({FORM}). Hãy kiểm tra lại tên tệp. Chi tiết: {why}",
        f"This file is no published report ({FORM}): {why}",
    )


def _not_signed(why: bool | str) -> Bilingual:
    return Bilingual(
        f"Chữ ký của trục không đúng với báo cáo này (chi tiết: {why})",
        f"The signature does not hold: {why}",
    )


_SIGNED = Bilingual("Chữ ký của trục trên báo cáo đúng", "The gateway's signature over the report holds")
_LOST = Bilingual(
    "Báo cáo được ký bằng khóa đã bị lộ; hãy đối chiếu mã băm với sự kiện công bố trong nhật ký",
    "It was signed with a key that was lost; compare its SHA-256 with the event in the exchange log",
)
_NO_KEY = Bilingual(
    "Chưa kiểm tra được chữ ký vì không có khóa công khai của trục. Hãy dùng --key hoặc --home.",
    "The signature was not checked, for want of the gateway's public key. Use --key or --home.",
)
_SHORTER = Bilingual(
    "Nhật ký bây giờ ngắn hơn lúc công bố: đã mất sự kiện. Hãy chạy gateway log verify.",
    "The log is shorter than at publication: events were lost. Run gateway log verify.",
)
_CHANGED = Bilingual(
    "Nhật ký dài bằng lúc công bố nhưng nội dung khác: sự kiện đã bị sửa. Hãy chạy gateway log verify.",
    "The log is as long as at publication, but another: events were changed. Run gateway log verify.",
)
_MOMENT = Bilingual(
    "Thời điểm đếm khác; các mốc “chưa lấy về” và “chưa cập nhật” đã lớn tuổi hơn",
    "It was counted at another moment: what was not fetched or moved on is older now",
)

__all__ = [
    "FORM",
    "STATEMENT",
    "Cause",
    "Checked",
    "Difference",
    "Frozen",
    "causes",
    "compare",
    "days_changed",
    "digest_of",
    "freeze",
    "holds",
    "read",
    "verify",
]
