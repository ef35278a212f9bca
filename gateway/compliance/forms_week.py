"""F1: the line of the weekly notice, and the ranking of units against the week before.

In charge of: that form. Not in charge of: how the week is counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.compliance.forms_data import (
    SYNTHETIC,
    Counts,
    Data,
    Unit,
    added,
    connected,
    day_text,
    head_of,
    level_name,
    rate,
)
from gateway.compliance.sheet import (
    Chart,
    Column,
    Kind,
    Ratio,
    Row,
    Say,
    Series,
    Sheet,
    Tenths,
    rate_text,
    speaking,
    thousands,
)

SHOWN = ("K2", "K3", "K5", "K9")
NAMES = {
    "K2": ("K2 Ký số hợp lệ (lãnh đạo và cơ quan)", "K2 Validly signed (person and agency)"),
    "K3": ("K3 Gửi đúng hạn (QĐ 28/2018)", "K3 Sent in time (QĐ 28/2018)"),
    "K5": ("K5 Thông báo đã nhận trong ngày", "K5 Acknowledged the same day"),
    "K9": ("K9 Đáp ứng đầy đủ yêu cầu", "K9 Meets all requirements"),
}

SHORT = {
    "K2": ("K2 Ký số", "K2 Signed"),
    "K3": ("K3 Đúng hạn", "K3 In time"),
    "K5": ("K5 Báo nhận", "K5 Acknowledged"),
    "K9": ("K9 Đạt đầy đủ", "K9 All requirements"),
}  # beside a picture


@dataclass(frozen=True, slots=True)
class Past:
    """A week before, for the change and the trend: its name and the counts of each agency."""

    name: str
    counts: Mapping[str, Counts]


def make(data: Data, lang: str, past: Sequence[Past] = ()) -> list[Sheet]:
    """The notice by level, and the ranking. ``past``: earlier weeks, the oldest first."""
    return [_notice(data, lang, past), _ranking(data, lang, past)]


def _notice(data: Data, lang: str, past: Sequence[Past]) -> Sheet:
    say = speaking(lang)
    groups = [(level_name(level, say), data.at(level)) for level in data.levels]
    rows = [_level_row(name, data, units) for name, units in groups]
    rows.append(_level_row(say("Toàn tỉnh", "Whole province"), data, data.units, strong=True))
    return Sheet(
        name=say("F1 Thông báo", "F1 Notice"),
        title=say(
            "THÔNG BÁO TUẦN VỀ GỬI, NHẬN VĂN BẢN ĐIỆN TỬ", "WEEKLY NOTICE ON THE EXCHANGE OF E-DOCUMENTS"
        ),
        subtitle=f"{day_text(data.first)} – {day_text(data.last)}",
        head=head_of(data, say),
        lead=(notice_line(data, lang),),
        columns=_level_columns(say),
        rows=tuple(rows),
        notes=notes(say),
        charts=tuple(filter(None, (by_level(data, say), trend(data, past, say)))),
        mark=say(*SYNTHETIC) if data.synthetic else "",
        lang=lang,
    )


def notice_line(data: Data, lang: str) -> str:
    """The one sentence that goes into the weekly notice."""
    say, whole = speaking(lang), data.whole()
    linked = connected(data, data.units)
    sent, received = thousands(whole["D.sent"]), thousands(whole["R.n"])
    k2, k3, k5, k9 = (rate_text(rate(whole, key)) for key in SHOWN)
    return say(
        f"Từ {day_text(data.first)} đến {day_text(data.last)}, {thousands(linked.numerator)}/"
        f"{thousands(linked.denominator)} đơn vị có gửi và nhận văn bản qua trục; gửi {sent} văn bản, nhận "
        f"{received} lượt. Ký số hợp lệ {k2}; gửi đúng hạn {k3}; thông báo đã nhận trong ngày {k5}; đáp ứng "
        f"đầy đủ yêu cầu {k9}.",
        f"From {day_text(data.first)} to {day_text(data.last)}, {thousands(linked.numerator)} of "
        f"{thousands(linked.denominator)} agencies sent and received through the gateway: {sent} documents "
        f"sent, {received} deliveries received. Validly signed {k2}; sent in time {k3}; acknowledged the "
        f"same day {k5}; meeting all requirements {k9}.",
    )


def _level_columns(say: Say) -> tuple[Column, ...]:
    return (
        Column(say("Cấp", "Level"), width=18),
        Column(say("Đơn vị liên thông (K0)", "Connected agencies (K0)"), width=14),
        Column(say("Văn bản gửi", "Documents sent"), Kind.COUNT, 10),
        Column(say("Lượt nhận", "Deliveries received"), Kind.COUNT, 10),
        *(Column(say(*NAMES[key]), Kind.RATE, 15) for key in SHOWN),
        Column(say("K9 chưa đủ căn cứ", "K9 not checkable"), Kind.RATE, 11),
        Column(say("K9 lần gửi đầu", "K9 first submissions"), Kind.RATE, 11),
    )


def _level_row(name: str, data: Data, units: Sequence[Unit], strong: bool = False) -> Row:
    counts = data.whole() if strong else data.sum_of(units)
    linked = connected(data, units)
    return Row(
        (
            name,
            f"{thousands(linked.numerator)}/{thousands(linked.denominator)}",
            counts["D.sent"],
            counts["R.n"],
            *(rate(counts, key) for key in (*SHOWN, "K9.unchecked", "K9f")),
        ),
        strong,
    )


def by_level(data: Data, say: Say) -> Chart:
    """The four rates of each level side by side."""
    sums = [data.sum_of(data.at(level)) for level in data.levels]
    names = tuple(level_name(level, say) for level in data.levels)
    return Chart(say("Chỉ tiêu theo cấp (%)", "Rates by level (%)"), names, _series(sums, say))


def trend(data: Data, past: Sequence[Past], say: Say) -> Chart | None:
    """The four rates from week to week; nothing to draw without a week before."""
    if not past:
        return None
    weeks = [*((one.name, added(one.counts.values())) for one in past), (data.period, data.whole())]
    title = say("Xu hướng toàn tỉnh (%)", "Trend of the whole province (%)")
    return Chart(title, tuple(name for name, _ in weeks), _series([one for _, one in weeks], say), lines=True)


def _series(sums: Sequence[Counts], say: Say) -> tuple[Series, ...]:
    return tuple(
        Series(say(*SHORT[key]), tuple(percent(rate(counts, key)) for counts in sums)) for key in SHOWN
    )


def percent(ratio: Ratio) -> float | None:
    """What a picture shows of a rate."""
    return None if ratio.tenths is None else ratio.tenths / 10


def notes(say: Say) -> tuple[str, ...]:
    """What every table of rates has to say about itself."""
    return (
        say(
            "“—”: không có văn bản (lượt) nào để tính. “*”: mẫu số dưới 20, chỉ để tham khảo.",
            "“—”: nothing to count. “*”: fewer than 20 in the denominator, for information only.",
        ),
        say(
            "K2, K3, K9 tính theo văn bản của đơn vị gửi; K5 tính theo lượt nhận của đơn vị nhận. Văn bản "
            "mật không đi qua trục và không được tính. Cách tính: docs/figures.md.",
            "K2, K3, K9 are counted by document of the sender, K5 by delivery of the recipient. Secret "
            "documents never enter the gateway and are not counted. Definitions: docs/figures.md.",
        ),
    )


# ---- the ranking


def _ranking(data: Data, lang: str, past: Sequence[Past]) -> Sheet:
    say = speaking(lang)
    before = past[-1] if past else None
    return Sheet(
        name=say("F1 Xếp hạng", "F1 Ranking"),
        title=say(
            "XẾP HẠNG ĐƠN VỊ VỀ GỬI, NHẬN VĂN BẢN ĐIỆN TỬ", "RANKING OF AGENCIES BY EXCHANGE OF E-DOCUMENTS"
        ),
        subtitle=f"{day_text(data.first)} – {day_text(data.last)}",
        head=head_of(data, say),
        columns=(
            Column(say("Hạng", "Rank"), Kind.COUNT, 5),
            Column(say("Đơn vị", "Agency"), width=34),
            Column(say("Mã", "Code"), width=13),
            Column(say("Gửi", "Sent"), Kind.COUNT, 8),
            Column(say("Nhận", "Received"), Kind.COUNT, 8),
            *(Column(key, Kind.RATE, 9) for key in SHOWN),
            Column(say("K9 tuần trước", "K9 the week before"), Kind.RATE, 9),
            Column(say("Thay đổi (điểm %)", "Change (points)"), Kind.POINTS, 9),
            Column(say("Hạng tuần trước", "Rank the week before"), Kind.COUNT, 8),
        ),
        rows=tuple(_ranking_rows(data, before, say)),
        notes=(_how(say), *notes(say)),
        mark=say(*SYNTHETIC) if data.synthetic else "",
        lang=lang,
    )


def _ranking_rows(data: Data, before: Past | None, say: Say) -> list[Row]:
    rows: list[Row] = []
    for level in data.levels:
        units = data.at(level)
        now = ranks({unit.code: data.of(unit.code) for unit in units})
        was = ranks({unit.code: before.counts.get(unit.code, {}) for unit in units}) if before else {}
        rows.append(Row(("", level_name(level, say), "", *[""] * 9), strong=True))
        last = len(units) + 1
        ordered = sorted(units, key=lambda unit: (now.get(unit.code, last), unit.code))
        rows += [_unit_row(data, unit, before, now, was) for unit in ordered]
    return rows


def _unit_row(
    data: Data, unit: Unit, before: Past | None, now: Mapping[str, int], was: Mapping[str, int]
) -> Row:
    counts = data.of(unit.code)
    earlier = rate(before.counts.get(unit.code, {}) if before else {}, "K9")
    k9 = rate(counts, "K9")
    change = None
    if k9.tenths is not None and earlier.tenths is not None:
        change = Tenths(k9.tenths - earlier.tenths, signed=True)
    return Row(
        (
            now.get(unit.code),
            unit.name,
            unit.code,
            counts.get("D.sent", 0),
            counts.get("R.n", 0),
            *(rate(counts, key) for key in SHOWN),
            earlier,
            change,
            was.get(unit.code),
        )
    )


def ranks(counts: Mapping[str, Counts]) -> dict[str, int]:
    """Place of each unit that sent anything: by K9, then K2, K3, K5; equals share a place (1, 2, 2, 4)."""
    scores = {
        code: tuple(rate(one, key).tenths or 0 for key in ("K9", "K2", "K3", "K5"))
        for code, one in counts.items()
        if one.get("D.sent", 0) > 0
    }
    ordered = sorted(scores.values(), reverse=True)
    return {code: ordered.index(score) + 1 for code, score in scores.items()}


def _how(say: Say) -> str:
    return say(
        "Xếp hạng trong từng cấp theo K9, nếu bằng nhau thì theo K2, K3, K5; đơn vị bằng điểm cùng hạng. Đơn "
        "vị không gửi văn bản trong tuần không xếp hạng. Một phần điểm có thể giảm do sự cố hệ thống: xem "
        "các khoảng sự cố đã duyệt và tỷ lệ loại trừ sự cố ở biểu F2.",
        "Ranked within each level by K9, then K2, K3, K5; equals share a place. Who sent nothing has no "
        "place. Some points may be lost to faults of systems: see approved outages and rates without them "
        "in form F2.",
    )


__all__ = ["NAMES", "SHOWN", "Past", "by_level", "make", "notes", "notice_line", "percent", "ranks", "trend"]
