"""Report forms F1 to F7, from a published report or from counts of now, as a workbook, CSV, PDF or JSON.

In charge of: which form is made of what, and handing it to a writer. Not in charge of: any form
(``forms_*.py``, ``registers.py``), counting (``counting``), publishing (``reports``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.clock import to_rfc3339
from gateway.compliance import (
    forms_307,
    forms_exceptions,
    forms_operator,
    forms_tables,
    forms_week,
    periods,
    plain,
    registers,
    reports,
)
from gateway.compliance.facts import midnight
from gateway.compliance.failures import of_period, told
from gateway.compliance.forms_data import Data, data_of
from gateway.compliance.forms_exceptions import Failure
from gateway.compliance.forms_week import Past
from gateway.compliance.frozen import Frozen
from gateway.compliance.gathering import Count, counted
from gateway.compliance.periods import Period
from gateway.compliance.sheet import LANGUAGES, Sheet
from gateway.errors import BadRequest, NotPermitted
from gateway.flow import footprints
from gateway.flow.door import Caller
from gateway.flow.look import SEES_ALL
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.services import Services
from gateway.store import register_rows

FORMS: dict[str, Bilingual] = {
    "F1": Bilingual("Thông báo tuần và xếp hạng", "Weekly notice and ranking"),
    "F2": Bilingual("Tổng hợp tháng theo cấp và đơn vị", "Monthly table by level and agency"),
    "F3": Bilingual("Báo cáo quý gửi Văn phòng Chính phủ", "Quarterly report to the Government Office"),
    "F4": Bilingual("Báo cáo 6 tháng của đơn vị vận hành", "Six-month report of the operator"),
    "F5": Bilingual("Biểu năm theo NĐ 307/2025", "Yearly sheet of NĐ 307/2025"),
    "F6": Bilingual("Sổ văn bản đi và bản trích văn bản đến", "Registers"),
    "F7": Bilingual("Danh sách văn bản không đạt", "Exceptions"),
}
MEDIA_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "pdf": "application/pdf",
    "json": "application/json",
}
WEEKS_BEFORE = 4  # of the trend
LARGE = 1_000_000  # made on a thread, whatever its size turns out to be
_WITH_PAST: dict[str, Callable[[Data, str, Sequence[Past]], list[Sheet]]] = {
    "F1": forms_week.make,
    "F2": forms_tables.monthly,
    "F3": forms_tables.quarterly,
}


@dataclass(frozen=True, slots=True)
class File:
    """A finished form."""

    name: str
    media_type: str
    data: bytes


def make(
    form: str,
    source: Frozen | Mapping[str, Any],
    lang: str = "vi",
    *,
    past: Sequence[Past] = (),
    failures: tuple[Sequence[Failure], bool] = ((), False),
    happened: tuple[Mapping[str, int], Sequence[register_rows.Happened]] = ({}, ()),
) -> list[Sheet]:
    """The sheets of a form from a published report, or from a body that was not published. F6 is made from
    documents and not from counts (``registers.make``). ``BadRequest`` for an unknown form."""
    data = data_of(source.body, source.sha256) if isinstance(source, Frozen) else data_of(source)
    if form in _WITH_PAST:
        return _WITH_PAST[form](data, lang, past)
    if form == "F4":
        return forms_operator.make(data, lang, *happened)
    if form == "F5":
        return forms_307.make(data, lang)
    if form == "F7":
        return forms_exceptions.make(data, lang, failures[0], more=failures[1], told=told)
    raise _unknown_form(form)


async def sheets(
    gw: Services,
    caller: Caller,
    form: str,
    period: str = "",
    *,
    report: str = "",
    agency: str = "",
    lang: str = "vi",
    count: Count | None = None,
) -> list[Sheet]:
    """A form of a published ``report``, or of a ``period`` as counted now. F6 needs ``agency`` and a
    period; F7 takes one agency or all.

    ``BadRequest`` for a form, language or period that there is none of.
    """
    form = form.upper()
    if form not in FORMS:
        raise _unknown_form(form)
    if lang not in LANGUAGES:
        raise _unknown("ngôn ngữ", "language", lang, LANGUAGES)
    if form == "F6":
        chosen, code = periods.parse(period), _agency(gw, agency)
        return await registers.make(gw, caller, code, chosen.from_, chosen.to, lang)
    source = await _source(gw, caller, period, report, count)
    body = source.body if isinstance(source, Frozen) else source
    chosen = periods.parse(body["period"]["name"])
    past = await _past(gw, caller, chosen, count) if form in _WITH_PAST else ()
    happened = await _happened(gw, caller, chosen) if form == "F4" else ({}, ())
    failed: tuple[Sequence[Failure], bool] = ((), False)
    if form == "F7":
        failed = await _failures(gw, caller, chosen, agency)
    return make(form, source, lang, past=past, happened=happened, failures=failed)


async def write(
    gw: Services,
    caller: Caller,
    form: str,
    period: str = "",
    kind: str = "xlsx",
    *,
    report: str = "",
    agency: str = "",
    lang: str = "vi",
    count: Count | None = None,
) -> File:
    """A form as a file of ``kind``: xlsx, csv, pdf, json."""
    if kind not in MEDIA_TYPES:
        raise _unknown("dạng tệp", "kind of file", kind, tuple(MEDIA_TYPES))
    made = await sheets(gw, caller, form, period, report=report, agency=agency, lang=lang, count=count)
    data = await gw.offload(LARGE, written, made, kind)
    about = re.sub(r"[^0-9A-Za-z.-]+", "_", "_".join(filter(None, (form.upper(), agency, period or report))))
    return File(f"{about}.{kind}", MEDIA_TYPES[kind], data)


def written(made: Sequence[Sheet], kind: str) -> bytes:
    """Sheets as bytes of a file of ``kind``."""
    match kind:
        case "xlsx":
            from gateway.compliance import xlsx  # heavy; no other command needs it

            return xlsx.write(made)
        case "pdf":
            from gateway.compliance import report_pdf  # heavy as well

            return report_pdf.write(made)
        case "csv":
            return plain.csv_text(made).encode()
    return plain.json_text(made)


async def _source(
    gw: Services, caller: Caller, period: str, report: str, count: Count | None
) -> Frozen | dict[str, Any]:
    if report:
        return await reports.load(gw, report)
    body = await reports.make(gw, caller, period, count=count)
    return body | {"published_at": to_rfc3339(gw.clock.now())}


async def _past(gw: Services, caller: Caller, period: Period, count: Count | None) -> list[Past]:
    """The periods before, oldest first: as published where they were, else (for who may) as counted now."""
    found: list[Past] = []
    for _ in range(WEEKS_BEFORE):
        period = periods.before(period)
        known = await reports.published(gw, period=period.name, limit=1)
        if known and not known[0].provisional:
            counts = dict((await reports.load(gw, known[0].id)).counts)
        elif caller.role not in SEES_ALL:
            counts = {}
        else:
            counts = dict((await (count or counted)(gw, period)).counts)
        found.append(Past(period.name, counts))
    while found and not any(found[-1].counts.values()):
        found.pop()  # before the gateway began
    return found[::-1]


async def _failures(gw: Services, caller: Caller, period: Period, agency: str) -> tuple[list[Failure], bool]:
    """As the records stand now: a published report holds no lists. Of one agency for its own people."""
    code = _agency(gw, agency) if agency else AgencyCode("")
    if caller.role not in SEES_ALL and not (code and caller.acts_for(code)):
        raise NotPermitted(code="documents.not_yours")
    found, more = await of_period(gw, period.from_, period.to, code)
    searched = {"form": "F7", "agency": code, "period": period.name}
    await footprints.viewed(gw, caller, "exceptions", searched=searched, found=len(found))
    return found, more


async def _happened(
    gw: Services, caller: Caller, period: Period
) -> tuple[dict[str, int], list[register_rows.Happened]]:
    caller.require(*SEES_ALL)
    start, stop = midnight(period.from_), Instant(midnight(period.to) + forms_operator.DAY)
    kinds = tuple(forms_operator.KINDS)
    return await gw.store.read(lambda tx: register_rows.happened(tx, kinds, start, stop))


def _agency(gw: Services, text: str) -> AgencyCode:
    code = gw.directory.resolve(text) if text else None
    if code is None:
        raise BadRequest(
            Bilingual(
                f"Không có đơn vị “{text[:60]}”. Sổ (F6) lập riêng cho từng đơn vị: hãy ghi mã đơn vị.",
                f"There is no agency “{text[:60]}”. Registers (F6) are of one agency: name its code.",
            ),
            code="report.agency",
        )
    return code


def _unknown_form(form: str) -> BadRequest:
    return _unknown("biểu mẫu", "form", form, tuple(FORMS))


def _unknown(vi: str, en: str, given: str, known: Sequence[str]) -> BadRequest:
    listed = ", ".join(known)
    return BadRequest(
        Bilingual(
            f"Không có {vi} “{given[:40]}”. Hãy chọn: {listed}.",
            f"There is no {en} “{given[:40]}”. Choose: {listed}.",
        ),
        code="report.form",
    )


__all__ = ["FORMS", "MEDIA_TYPES", "File", "make", "sheets", "write", "written"]
