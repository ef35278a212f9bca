"""Every fault knob of the simulated axis: nothing is lost, nothing is delivered twice unnoticed."""

from __future__ import annotations

import pytest

from gateway.practice.axis_knobs import Fault
from tests.flow.fault_matrix import BEGIN, DOCUMENTS, END, KINDS_OF_SIDE, PAGE, Row, measure


@pytest.mark.parametrize("side", KINDS_OF_SIDE)
@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.value)
async def test_everything_survives_and_the_page_says_so(fault: Fault, side: str) -> None:
    row = await measure(fault, side)
    assert row.struck > 0
    assert (row.lost, row.doubled, row.open_items) == (0, 0, 0), row
    if fault is Fault.DUPLICATE:
        assert row.repeats > 0  # they came, and were noticed
    section = PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    assert row.line() in section.splitlines(), "run: python -m tests.flow.fault_matrix"


def test_a_loss_a_double_and_a_knob_that_never_struck_are_no_survival() -> None:
    sound = Row(Fault.HTML, "system", struck=1, lost=0, doubled=0, repeats=2, open_items=0)
    assert sound.survived
    assert not any(
        Row(Fault.HTML, "system", *counts).survived
        for counts in ((0, 0, 0, 0, 0), (1, 1, 0, 0, 0), (1, 0, 1, 0, 0), (1, 0, 0, 0, DOCUMENTS))
    )
