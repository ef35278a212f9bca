"""docs/doors.md names the numbers that the code has."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway import intake
from gateway.config import Config
from gateway.edxml.limits import Limits
from gateway.flow import door, sign_in
from gateway.web import server

PAGE = (Path(__file__).parents[2] / "docs" / "doors.md").read_text("utf-8")
LIMITS, CONFIG = Limits(), Config().limits
ROWS = {
    "a connection that has not sent": [server.FIRST_REQUEST_SECONDS],
    "a head:": [server.MAX_LINE, server.MAX_HEADERS],
    "a body that stalls": [intake.IDLE_SECONDS],
    "a body that drips": [intake.SLOWEST_BYTES_PER_SECOND, intake.IDLE_SECONDS],
    "a JSON body": [intake.SMALL_BYTES],
    "an envelope (": [CONFIG.upload_bytes],
    "requests of one caller": [CONFIG.requests_per_second],
    "bytes in flight (": [CONFIG.bytes_in_flight, door.SMALL_BYTES],
    "wrong passwords": [sign_in.FREE_FAILURES],
    "in an envelope: depth": [
        LIMITS.max_depth,
        LIMITS.max_elements,
        LIMITS.max_attributes,
        LIMITS.max_attachments,
    ],
    "in an envelope: one file": [CONFIG.attachment_bytes, LIMITS.max_unpacked, LIMITS.max_ratio],
}


@pytest.mark.parametrize("row", ROWS)
def test_a_row_names_the_numbers_of_the_code(row: str) -> None:
    [line] = [line for line in PAGE.splitlines() if line.startswith(f"| {row}")]
    assert all(f"{number:.0f}" in line for number in ROWS[row])
