"""A short run of every target; ``make fuzz`` goes on for as long as you like."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import SEEDS, Targets

CORPUS = Path(__file__).parents[1] / "corpus"
EXAMPLES = 60
ODD = (
    b"\x00",
    b"<",
    b"&#x1F;",
    b"]]>",
    b"\xff\xfe",
    b"%00",
    b"9" * 30,
    "ộ".encode() * 20,
    b"\xef\xbb\xbf",
    b'"',
    b"=",
)


@pytest.fixture(scope="module")
def targets() -> Iterator[Targets]:
    made = Targets()
    yield made
    made.close()


def seeds(name: str) -> list[bytes]:
    files = sorted(CORPUS.glob("*/*.edxml")) if name == "envelope" else []
    return [*SEEDS[name], *(file.read_bytes() for file in files if file.stat().st_size < 50_000)]


@st.composite
def spoiled(draw: st.DrawFn, name: str) -> bytes:
    """A seed with pieces cut out, doubled, replaced by odd bytes, or from another seed."""
    data = draw(st.sampled_from(seeds(name)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        stop = min(len(data), start + draw(st.integers(0, 200)))
        piece = draw(st.sampled_from(ODD) | st.binary(max_size=20) | st.just(data[start:stop] * 2))
        data = data[:start] + piece + data[stop:]
    return data


@pytest.mark.parametrize("name", list(SEEDS))
def test_whatever_comes_gets_an_answer(name: str, targets: Targets) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(spoiled(name))
    def feed(data: bytes) -> None:
        targets.all[name](data)

    for seed in SEEDS[name]:
        targets.all[name](seed)
    feed()


def test_a_mistake_of_the_program_would_be_seen(targets: Targets, monkeypatch: pytest.MonkeyPatch) -> None:
    async def wrong(*args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("gateway.flow.inbox.list_inbox", wrong)
    with pytest.raises(AssertionError, match="500"):
        targets.api(b"GET api/v1/inbox?agency=H37.03\n\n")
