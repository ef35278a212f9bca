"""What ``store.contract`` promises, held against both engines."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.store.contract import Conflict, Impossible, Store, Tx
from tests.contract.things import OpenStore, add, count, find, keys

only_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
only_postgres = pytest.mark.parametrize("engine", ["postgres"], indirect=True)


@pytest.fixture
def sql(things: Path) -> Path:
    return things


async def test_what_a_unit_wrote_is_there_after_it_returns(store: Store) -> None:
    assert await store.write(add("a")) == 1
    assert await store.read(keys) == ["a"]


async def test_a_failing_unit_leaves_nothing(store: Store) -> None:
    def unit(tx: Tx) -> None:
        tx.run("add_thing", key="a", value=1)
        raise LookupError("the unit changed its mind")

    with pytest.raises(LookupError, match="changed its mind"):
        await store.write(unit)
    assert await store.read(count) == 0


async def test_a_failing_unit_leaves_the_others_of_its_moment_alone(store: Store) -> None:
    def fails(tx: Tx) -> None:
        tx.run("add_thing", key="lost", value=1)
        tx.run("add_thing", key="lost too", value=-1)

    units = [add("a"), fails, add("b"), fails, add("c")]
    outcomes = await asyncio.gather(*map(store.write, units), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [int, Impossible, int, Impossible, int]
    assert await store.read(keys) == ["a", "b", "c"]


async def test_a_swallowed_database_error_undoes_the_unit_all_the_same(store: Store) -> None:
    def unit(tx: Tx) -> str:
        tx.run("add_thing", key="a", value=1)
        with pytest.raises(Impossible):
            tx.run("add_thing", key="b", value=-1)
        return "as if nothing had happened"

    with pytest.raises(Impossible):
        await store.write(unit)
    assert await store.read(count) == 0


async def test_after_an_error_the_unit_can_do_nothing_more(store: Store) -> None:
    seen: list[type[BaseException]] = []

    def unit(tx: Tx) -> None:
        for _ in range(2):
            try:
                tx.run("add_thing", key="a", value=-1)
            except Exception as error:
                seen.append(type(error))
        tx.run("count_things")

    with pytest.raises(Impossible):
        await store.write(unit)
    assert seen == [Impossible, Impossible]


async def test_a_reader_keeps_its_snapshot_while_others_write(store: Store) -> None:
    begun, written = threading.Event(), threading.Event()

    def reader(tx: Tx) -> tuple[int, int]:
        before = count(tx)
        begun.set()
        assert written.wait(10)
        return before, count(tx)

    reading = asyncio.create_task(store.read(reader))
    await asyncio.to_thread(begun.wait, 10)
    await store.write(add("a"))
    written.set()
    assert await reading == (0, 0)
    assert await store.read(count) == 1


async def test_a_read_cannot_write(store: Store) -> None:
    with pytest.raises(Exception, match=r"readonly|read-only"):
        await store.read(add("a"))
    assert await store.read(count) == 0


async def test_two_hundred_writers_all_get_their_rows(store: Store) -> None:
    done = await asyncio.gather(*(store.write(add(f"{number:03}")) for number in range(200)))
    assert done == [1] * 200
    assert await store.read(keys) == [f"{number:03}" for number in range(200)]
    assert (await store.read(lambda tx: tx.one("total")))["sum"] == 200


@only_sqlite
async def test_writers_that_wait_together_share_a_commit(store: Store) -> None:
    await asyncio.gather(*(store.write(add(str(number))) for number in range(200)))
    facts = await store.describe()
    assert facts["units"] == 200
    assert int(facts["batches"]) < 10


async def test_of_two_units_for_one_key_one_wins_and_the_other_hears_conflict(store: Store) -> None:
    outcomes = await asyncio.gather(*(store.write(add("same")) for _ in range(8)), return_exceptions=True)
    conflicts = [outcome for outcome in outcomes if isinstance(outcome, Conflict)]
    assert outcomes.count(1) == 1
    assert len(conflicts) == 7
    assert {conflict.table for conflict in conflicts} == {"thing"}


async def test_a_unit_that_looks_first_never_hears_conflict(store: Store) -> None:
    def unit(tx: Tx) -> str:
        if tx.one("thing", key="same"):
            return "found"
        tx.run("add_thing", key="same", value=1)
        return "made"

    outcomes = await asyncio.gather(*(store.write(unit) for _ in range(20)))
    assert sorted(outcomes) == ["found"] * 19 + ["made"]


@only_postgres
async def test_a_unit_that_lost_a_race_is_run_again_and_finds_the_winner(store: Store) -> None:
    both_have_looked, tries = threading.Barrier(2), threading.local()

    def unit(tx: Tx) -> str:
        if tx.one("thing", key="same"):
            return "found"
        if not hasattr(tries, "first"):
            tries.first = both_have_looked.wait(10)
        tx.run("add_thing", key="same", value=1)
        return "made"

    assert sorted(await asyncio.gather(store.write(unit), store.write(unit))) == ["found", "made"]
    assert (await store.describe())["reruns"] == 1


@only_postgres
async def test_of_two_units_in_a_deadlock_both_get_through(store: Store) -> None:
    await asyncio.gather(store.write(add("a")), store.write(add("b")))
    both_have_one, tries = threading.Barrier(2), threading.local()

    def crossing(first: str, second: str) -> Any:
        def unit(tx: Tx) -> int:
            tx.run("raise_thing", key=first, by=10)
            if not hasattr(tries, "first"):
                tries.first = both_have_one.wait(10)
            return tx.run("raise_thing", key=second, by=10)

        return unit

    await asyncio.gather(store.write(crossing("a", "b")), store.write(crossing("b", "a")))
    assert [(await store.read(find(key)))["value"] for key in "ab"] == [21, 21]


async def test_a_cancelled_caller_disturbs_nobody(store: Store) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(tx: Tx) -> None:
        tx.run("add_thing", key="slow", value=1)
        begun.set()
        assert go_on.wait(10)

    leaving = asyncio.create_task(store.write(slow))
    await asyncio.to_thread(begun.wait, 10)
    staying = asyncio.create_task(store.write(add("b")))
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    go_on.set()
    assert await staying == 1
    await store.close()  # what had begun is finished


@only_sqlite
async def test_a_unit_that_had_begun_is_committed_although_its_caller_left(store: Store) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(tx: Tx) -> None:
        begun.set()
        assert go_on.wait(10)
        tx.run("add_thing", key="begun", value=1)

    first = asyncio.create_task(store.write(slow))
    await asyncio.to_thread(begun.wait, 10)
    waiting = asyncio.create_task(store.write(add("never begun")))
    await asyncio.sleep(0)
    first.cancel()
    waiting.cancel()
    await asyncio.gather(first, waiting, return_exceptions=True)
    go_on.set()
    await store.write(add("next"))
    assert await store.read(keys) == ["begun", "next"]


@only_sqlite
async def test_a_cancelled_read_stops_its_query_and_frees_its_connection(store: Store) -> None:
    endless = [asyncio.create_task(store.read(lambda tx: tx.one("slow", upto=10**12))) for _ in range(2)]
    await asyncio.sleep(0.1)
    for task in endless:
        task.cancel()
    await asyncio.gather(*endless, return_exceptions=True)
    assert await asyncio.wait_for(store.read(count), 5) == 0


async def test_an_async_unit_is_refused_before_it_runs(store: Store) -> None:
    async def unit(tx: Tx) -> None:
        tx.run("add_thing", key="a", value=1)

    with pytest.raises(TypeError, match="plain function"):
        await store.write(unit)
    assert await store.read(count) == 0


async def test_stop_iteration_in_a_unit_reaches_its_caller(store: Store) -> None:
    def unit(tx: Tx) -> object:
        return next(iter(tx.all("keys")))

    with pytest.raises(RuntimeError, match="StopIteration"):
        await asyncio.wait_for(store.write(unit), 10)
    with pytest.raises(RuntimeError, match="StopIteration"):
        await asyncio.wait_for(store.read(unit), 10)


async def test_a_transaction_is_of_no_use_after_its_unit(store: Store) -> None:
    def lazy(tx: Tx) -> Iterator[int]:
        return (count(tx) for _ in range(1))

    late = await store.read(lazy)
    with pytest.raises(RuntimeError, match="is over"):
        next(late)


@pytest.mark.parametrize("params", [{}, {"key": "a"}, {"key": "a", "value": 1, "colour": "red"}])
async def test_parameters_must_be_exactly_those_of_the_query(store: Store, params: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="add_thing"):
        await store.write(lambda tx: tx.run("add_thing", **params))
    with pytest.raises(TypeError, match="add_thing"):
        await store.write(lambda tx: tx.many("add_thing", [{"key": "b", "value": 1}, params]))
    assert await store.read(count) == 0


async def test_an_unknown_query_is_named(store: Store) -> None:
    with pytest.raises(LookupError, match="no_such_query"):
        await store.read(lambda tx: tx.all("no_such_query"))


async def test_one_refuses_to_choose_between_two_rows(store: Store) -> None:
    assert await store.read(lambda tx: tx.one("keys")) is None
    await store.write(lambda tx: tx.many("add_thing", [{"key": key, "value": 1} for key in "ab"]))
    with pytest.raises(ValueError, match="2 rows"):
        await store.read(lambda tx: tx.one("keys"))


async def test_many_and_run_count_the_rows_they_touched(store: Store) -> None:
    rows = [{"key": str(number), "value": 1} for number in range(5)]
    assert await store.write(lambda tx: tx.many("add_thing", rows)) == 5
    assert await store.write(lambda tx: tx.many("add_thing", [])) == 0
    assert await store.write(lambda tx: tx.run("raise_thing", key="0", by=1)) == 1
    assert await store.write(lambda tx: tx.run("raise_thing", key="none", by=1)) == 0


async def test_rows_that_the_schema_forbids_are_impossible(store: Store) -> None:
    for query, params in (
        ("add_thing", {"key": "a", "value": -1}),
        ("add_thing", {"key": None, "value": 1}),
        ("add_child", {"key": "a", "parent": "nobody"}),
    ):
        with pytest.raises(Impossible):
            await store.write(lambda tx, query=query, params=params: tx.run(query, **params))


async def test_values_come_back_as_they_went_in(store: Store) -> None:
    went_in = {"key": "Công văn số 1: 50%", "value": 2**62, "ratio": 0.1, "body": bytes(range(256))}
    added = await store.write(lambda tx: tx.one("add_full", **went_in))
    assert added is not None
    assert added["id"] == 1
    thing = await store.read(find("Công văn số 1: 50%"))
    assert thing == went_in | {"id": 1, "parent": None, "kind": "INTEGER; TEXT"}
    assert isinstance(thing["body"], bytes)


async def test_truth_sums_and_averages_have_one_type_on_both_engines(store: Store) -> None:
    await store.write(
        lambda tx: tx.many("add_thing", [{"key": "a", "value": True}, {"key": "b", "value": 3}])
    )
    row = await store.read(lambda tx: tx.one("figures", x=None))
    assert row is not None
    assert [row["sum"], row["avg"], row["same"], row["empty"]] == [4, 2.0, 1, 1]
    assert [type(row[name]) for name in ("sum", "avg", "same", "empty")] == [int, float, int, int]


async def test_text_sorts_by_bytes_and_like_tells_cases_apart(store: Store) -> None:
    for key in ("b%", "B%", "a-b%", "a.b%", "ab%", "Đ%", "é%", "E"):
        await store.write(add(key))
    assert await store.read(keys) == ["B%", "E", "a-b%", "a.b%", "ab%", "b%", "é%", "Đ%"]
    found = await store.read(lambda tx: tx.all("keys_like", pattern="b%"))
    assert [row["key"] for row in found] == ["b%"]


async def test_the_engines_own_text_replaces_the_common_one(store: Store, engine: str) -> None:
    row = await store.read(lambda tx: tx.one("mine"))
    assert row is not None
    assert row["engine"] == engine == store.engine


@only_sqlite
async def test_units_run_on_the_connections_thread(store: Store) -> None:
    """Fails when a new aiosqlite no longer runs a function in one hop on its own thread."""
    threads: set[threading.Thread] = set()
    for _ in range(3):
        await store.write(lambda tx: threads.add(threading.current_thread()))
    assert len(threads) == 1
    assert threading.main_thread() not in threads
    await store.close()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


@only_sqlite
async def test_every_commit_is_flushed_to_the_disk(store: Store) -> None:
    facts = await store.describe()
    assert facts["synchronous"] == 2  # FULL
    assert facts["journal_mode"] == "wal"


async def test_two_stores_share_what_is_committed(store_factory: OpenStore) -> None:
    writer, reader = await store_factory(), await store_factory(read_only=True)
    await writer.write(add("a"))
    assert await reader.read(keys) == ["a"]
