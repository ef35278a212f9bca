"""A PDF whose seal broke on the way from the axis is fetched again before anybody says ``fail``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from adapters.vxp.axis import Axis
from gateway.flow.collect import FETCHES
from gateway.port import Waiting
from gateway.practice.papers import Paper, make_paper, sign_paper
from gateway.practice.pki import DemoPki
from gateway.store.contract import Store
from tests.flow.axis_bed import Bed, make_bed
from tests.world import make_envelope


@pytest.fixture
async def bed(store: Store, tmp_path: Path) -> AsyncIterator[Bed]:
    async with make_bed(store, tmp_path) as made:
        yield made


def sealed_letter(folder: Path) -> bytes:
    """A document of a ministry's office with a PDF that two signed."""
    pki = DemoPki.create(folder / "pki")
    person, agency = pki.issue_person("G09.01", "Cục", "Người ký"), pki.issue_agency("G09.01", "Cục")
    at = datetime(2020, 4, 13, tzinfo=UTC)
    page = make_paper(
        Paper("Cục", "1", "CCĐS", "Hà Nội", date(2020, 4, 13), "thử", ("Nội dung.",), "Cục trưởng", "A", at)
    )
    return make_envelope("G09.01", ["H37.03"], files={"a.pdf": sign_paper(page, person, agency, at, at)})


def on_a_bad_line(bed: Bed, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """The first ``times`` fetches change one letter of the file's base64, always the same one."""
    whole, left = Axis.fetch, [times]

    async def fetch(self: Axis, waiting: Waiting, settings: Mapping[str, str]) -> AsyncIterator[bytes]:
        data = b"".join([chunk async for chunk in whole(self, waiting, settings)])
        if left[0]:
            left[0] -= 1
            at = len(data) // 2
            data = data[:at] + (b"A" if data[at : at + 1] != b"A" else b"B") + data[at + 1 :]
        yield data

    monkeypatch.setattr(Axis, "fetch", fetch)


async def test_a_pdf_that_broke_on_its_way_is_taken_when_it_comes_whole(
    bed: Bed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bed.axis.put(await asyncio.to_thread(sealed_letter, tmp_path))
    on_a_bad_line(bed, monkeypatch, FETCHES - 1)
    for _ in range(FETCHES - 1):
        await bed.look()
        assert (await bed.collected(), len(bed.axis.open_items("H37"))) == ({}, 1)
    await bed.look()
    assert list((await bed.collected()).values()) == ["accepted"]


async def test_a_pdf_that_was_sent_broken_is_refused_in_the_end(
    bed: Bed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bed.axis.put(await asyncio.to_thread(sealed_letter, tmp_path))
    on_a_bad_line(bed, monkeypatch, FETCHES)
    for _ in range(FETCHES):
        await bed.look()
    assert list((await bed.collected()).values()) == ["refused"]
    assert [item.state for item in bed.axis.items.values()] == ["fail"]
