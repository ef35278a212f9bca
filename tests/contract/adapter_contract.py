"""What every adapter must do, whatever its partner speaks.

A kind passes when a test class inherits ``AdapterContract`` and gives it a ``Bench``: the adapter, settings
that work, and a partner that behaves as told. ``Mood`` lists the ways in which partners behave; a kind whose
partner cannot behave so (a folder never refuses) leaves the mood out of ``moods``.

    class TestMine(AdapterContract):
        @pytest.fixture
        async def bench(self) -> AsyncIterator[Bench]: ...
"""

from __future__ import annotations

import enum
import hashlib
import logging
import tracemalloc
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adapters import KINDS
from gateway.clock import ScenarioClock, from_datetime
from gateway.model.envelope import Kind
from gateway.model.text import AgencyCode, Bilingual, DocumentId
from gateway.port import Adapter, Delivered, Outcome, Parcel, Refused, TryLater
from tests.world import make_envelope

START = from_datetime(datetime(2020, 4, 13, 8, 30, tzinfo=UTC))
SECRET = "bi-mat-chi-hai-ben-biet-0123456789"  # what a bench uses for every secret it needs
BIG = 24 * 1_048_576
HELD = 6 * 1_048_576  # more than this of a big parcel in memory is not streaming


class Mood(enum.Enum):
    """How a partner behaves."""

    GOOD = "good"
    DOWN = "down"  # nobody listens, or the folder is gone
    SLOW = "slow"  # no answer in time
    BUSY = "busy"  # says: not now
    RUBBISH = "rubbish"  # HTML, half an object, an empty answer
    REFUSING = "refusing"  # says no, for good


class Bench(ABC):
    """One adapter and its partner. Made anew for each test."""

    adapter: Adapter
    settings: Mapping[str, str]
    clock: ScenarioClock
    # Each wrong setting on its own: what to lay over ``settings`` (an empty text takes it away).
    wrong_settings: tuple[dict[str, str], ...]
    moods: frozenset[Mood] = frozenset(Mood)

    @abstractmethod
    async def behave(self, mood: Mood) -> None:
        """From now on the partner is like that."""

    @abstractmethod
    def stored(self) -> list[bytes]:
        """The messages that the partner keeps, each repeat only once if it recognised it."""

    async def sink(self) -> Mapping[str, str]:
        """Settings that lead to a partner which keeps nothing of what it gets."""
        return self.settings


def parcel(settings: Mapping[str, str], data: bytes | None = None, **changes: object) -> Parcel:
    """A document of H37 for H37.03. Fields in ``changes`` replace."""
    content = make_envelope("H37", ["H37.03"]) if data is None else data

    async def opened() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 65_536):
            yield content[start : start + 65_536]

    made = Parcel(
        delivery_id="01900000-0000-7000-8000-000000000001",
        message_id="01900000-0000-7000-8000-000000000002",
        kind=Kind.NEW,
        sender=AgencyCode("H37"),
        document_id=DocumentId("H37,2020/04/13,362/UBND-KGVX"),
        recipient=AgencyCode("H37.03"),
        urgency=0,
        envelope_sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        attempt=1,
        settings=settings,
        open=opened,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def big_parcel(settings: Mapping[str, str]) -> Parcel:
    """A parcel whose bytes are made while they are read; whoever collects them holds them all."""
    chunk = b"<!--" + b"x" * 65_528 + b"-->\n"
    digest = hashlib.sha256()
    for _ in range(BIG // len(chunk)):
        digest.update(chunk)

    async def opened() -> AsyncIterator[bytes]:
        for _ in range(BIG // len(chunk)):
            yield bytes(bytearray(chunk))

    size = BIG // len(chunk) * len(chunk)
    return replace(parcel(settings), envelope_sha256=digest.hexdigest(), size=size, open=opened)


def says_both(text: Bilingual) -> bool:
    """True when there is a sentence in each language."""
    return bool(text.vi.strip()) and bool(text.en.strip()) and text.vi != text.en


def words_of(outcome: Outcome) -> str:
    """Everything of an outcome that is kept or shown."""
    return repr(outcome)


class AdapterContract:
    """The tests. ``bench`` is the kind's own fixture."""

    async def test_a_good_partner_has_the_very_bytes_and_the_proof_says_so(self, bench: Bench) -> None:
        sent = make_envelope("H37", ["H37.03"])
        outcome = await bench.adapter.deliver(parcel(bench.settings, sent))
        assert isinstance(outcome, Delivered), outcome
        assert outcome.proof.strip()
        assert bench.stored() == [sent]

    async def test_a_repeat_is_recognised_by_its_delivery_id_and_hash(self, bench: Bench) -> None:
        first = await bench.adapter.deliver(parcel(bench.settings))
        again = await bench.adapter.deliver(parcel(bench.settings, attempt=2))
        assert isinstance(first, Delivered), first
        assert isinstance(again, Delivered), again
        assert len(bench.stored()) == 1

    @pytest.mark.parametrize("mood", [Mood.DOWN, Mood.SLOW, Mood.BUSY, Mood.RUBBISH])
    async def test_an_unavailable_partner_is_tried_later(self, bench: Bench, mood: Mood) -> None:
        if mood not in bench.moods:
            return
        await bench.behave(mood)
        outcome = await bench.adapter.deliver(parcel(bench.settings))
        assert isinstance(outcome, TryLater), outcome
        assert outcome.code
        assert says_both(outcome.text)
        await bench.behave(Mood.GOOD)
        assert isinstance(await bench.adapter.deliver(parcel(bench.settings, attempt=2)), Delivered)

    async def test_a_refusal_is_final_and_speaks_both_languages(self, bench: Bench) -> None:
        if Mood.REFUSING not in bench.moods:
            return
        await bench.behave(Mood.REFUSING)
        outcome = await bench.adapter.deliver(parcel(bench.settings))
        assert isinstance(outcome, Refused), outcome
        assert outcome.code
        assert says_both(outcome.text)

    async def test_a_secret_stands_in_no_text_no_proof_and_no_log(
        self, bench: Bench, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
    ) -> None:
        caplog.set_level(logging.DEBUG)
        for mood in sorted(bench.moods, key=lambda mood: mood.value):
            await bench.behave(mood)
            outcome = await bench.adapter.deliver(parcel(bench.settings))
            assert SECRET not in words_of(outcome)
        shown = capsys.readouterr()
        assert SECRET not in caplog.text + shown.out + shown.err

    async def test_a_large_parcel_is_never_held_in_memory(self, bench: Bench) -> None:
        await bench.behave(Mood.GOOD)
        await bench.adapter.deliver(parcel(bench.settings))  # connections and buffers are there
        large = big_parcel(await bench.sink())
        tracemalloc.start()
        try:
            await bench.adapter.deliver(replace(large, delivery_id=large.delivery_id[:-1] + "9"))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < HELD

    async def test_each_wrong_setting_is_named_in_both_languages_before_use(self, bench: Bench) -> None:
        assert bench.adapter.check_settings(bench.settings) == []
        assert bench.wrong_settings
        for change in bench.wrong_settings:
            settings = {**bench.settings, **change}
            settings = {name: value for name, value in settings.items() if value or name not in change}
            problems = bench.adapter.check_settings(settings)
            assert len(problems) == 1, (change, problems)
            assert says_both(problems[0])
            outcome = await bench.adapter.deliver(parcel(settings))
            assert isinstance(outcome, TryLater), outcome  # an administrator can mend it
            assert outcome.code == "settings.wrong"

    async def test_no_settings_at_all_are_problems_and_no_exception(self, bench: Bench) -> None:
        assert bench.adapter.check_settings({})
        assert isinstance(await bench.adapter.deliver(parcel({})), TryLater)

    async def test_it_is_pushed_to_and_registered_under_its_own_name(self, bench: Bench) -> None:
        assert bench.adapter.pull is False
        assert isinstance(bench.adapter, KINDS[bench.adapter.kind])  # type: ignore[arg-type]

    async def test_closing_twice_is_closing_once(self, bench: Bench) -> None:
        await bench.adapter.deliver(parcel(bench.settings))
        await bench.adapter.close()
        await bench.adapter.close()
