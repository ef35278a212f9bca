"""Events and deliveries by month on PostgreSQL: the conversion of a filled database, months that are made."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gateway.clock import SystemClock, from_datetime, local_day, new_id
from gateway.model.text import Instant
from gateway.store import archive, open_store
from gateway.store.contract import Conflict, Impossible, Store, Tx, Value
from gateway.store.queries import SHIPPED

NOW = SystemClock().now()
THIS = archive.month_of(local_day(NOW))
SPRING = from_datetime(datetime(2026, 3, 31, 17, 30, tzinfo=UTC))  # 00:30 of 1 April in Vietnam
FAR = from_datetime(datetime(2031, 5, 5, tzinfo=UTC))
DELIVERY: dict[str, Value] = {
    "document_id": "D", "sender": "S", "kind": "new", "adapter": "inbox", "pull": 1, "order_key": "",
    "urgency": 0, "urgency_rank": 3, "state": "queued", "due_at": None,
    "payload": None, "reason_code": "", "reason_vi": "",
    "reason_en": "", "in_place_of": None,
}  # fmt: skip


@pytest.fixture(params=["postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def before_months(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SQL that ships, without the steps from 23 on."""
    folder = tmp_path_factory.mktemp("sql") / "before"
    shutil.copytree(SHIPPED, folder)
    for file in (folder / "migrations").glob("*.sql"):
        if int(file.name[:4]) > 22:
            file.unlink()
    return folder


def some_id(at: int) -> str:
    """An id as of any time; those of ``new_id`` never go back."""
    digits = f"{at // 1000:012x}"
    return f"{digits[:8]}-{digits[8:]}{new_id(NOW)[13:]}"


def add_document(tx: Tx, at: Instant) -> tuple[str, str]:
    """A document and its message: their ids."""
    document, message = some_id(at), some_id(at)
    key: dict[str, Value] = {"sha256": message.encode(), "size": 1}
    tx.run("add_payload", wrapped_key=b"k", file=None, inline=b"x", stored_at=at, **key)
    tx.run(
        "add_document", id=document, sender="S", document_id=document, first_message=message, number_key="",
        created_at=at,
    )  # fmt: skip
    tx.run(
        "add_message", id=message, document=document, kind="new", duplicate_key=message.encode(), sender="S",
        envelope_sha256=message.encode(), content_digest=b"", size=1, dialect="", decision="accept",
        caller="", rule_set="", urgency=0, header="{}", findings="[]", verdicts="[]", timings="{}", event="",
        accepted_at=at,
    )  # fmt: skip
    return document, message


def add_delivery(tx: Tx, document: str, message: str, at: Instant, to: str = "R") -> str:
    """A delivery made at a moment; its id."""
    made = some_id(at)
    to_whom: dict[str, Value] = {"addressed": to, "recipient": to, "destination": to}
    tx.run("add_delivery", **DELIVERY | to_whom, id=made, document=document, message=message, accepted_at=at)
    return made


def add_event(tx: Tx, at: Instant, event: str = "") -> str:
    made = event or some_id(at)
    none = dict.fromkeys(("document", "message", "delivery", "sender", "recipient"))
    tx.run("add_event", id=made, at=at, type="x", body=b"{}", **none)
    return made


async def put(store: Store, at: Instant) -> str:
    """A document of a moment with one delivery; the delivery's id."""

    def unit(tx: Tx) -> str:
        return add_delivery(tx, *add_document(tx, at), at)

    return await store.write(unit)


def rows(url: str, statement: str) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return [row[0] for row in cursor.fetchall()] if cursor.description else []


def defined(url: str) -> Counter[str]:
    """What defines the tables that get months, in words, less what cannot go through them."""
    indexes = rows(
        url,
        "SELECT indexdef FROM pg_indexes "
        "WHERE tablename IN ('event', 'delivery', 'attempt', 'delivery_answer') "
        "AND indexdef NOT LIKE 'CREATE UNIQUE%'",
    )
    constraints = rows(
        url,
        "SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conrelid IN ('event'::regclass, 'delivery'::regclass, 'delivery_answer'::regclass) "
        "AND contype <> 'u' AND confrelid NOT IN ('event'::regclass, 'delivery'::regclass)",
    )
    return Counter(one.replace(" ON ONLY ", " ON ") for one in [*indexes, *constraints])


async def test_a_filled_database_is_cut_by_months_and_keeps_rows_indexes_and_constraints(
    postgres_template: Any, postgres_dsn: str, before_months: Path, database_url: str, tmp_path: Path
) -> None:
    """The database of the test gives only the address of a server; a second one is filled before step 23."""
    name = f"gwt_old_{new_id(NOW).replace('-', '')}"
    rows(postgres_dsn, f"CREATE DATABASE {name} TEMPLATE {postgres_template(before_months)}")
    url = database_url.replace(database_url.partition("///")[2].partition("?")[0], name)
    try:
        old = await open_store(url, tmp_path, clock=SystemClock(), sql=before_months)
        for at in (SPRING - 3_600_000_000, SPRING, NOW):
            delivery = await put(old, Instant(at))
            rows(url, f"INSERT INTO attempt VALUES ('{some_id(NOW)}', '{delivery}', 1, 1, 2, '', '', '')")
        await old.write(lambda tx: (add_event(tx, NOW), add_event(tx, NOW, "of-another-kind")))
        await old.close()
        before = defined(url)
        new = await open_store(url, tmp_path, clock=SystemClock())
        assert await new.read(archive.present) == sorted(
            {
                "202603",
                "202604",
                THIS,
                archive.month_after(THIS),
                archive.month_after(archive.month_after(THIS)),
            }
        )
        await new.close()
        assert before - defined(url) == Counter()
        assert rows(url, "SELECT count(*) FROM attempt") == [3]
        for table, many in {
            "delivery_202603": 1,
            "delivery_202604": 1,
            f"delivery_{THIS}": 1,
            "event_default": 1,
        }.items():
            assert rows(url, f"SELECT count(*) FROM {table}") == [many], table
    finally:
        rows(postgres_dsn, f"DROP DATABASE {name} WITH (FORCE)")


async def test_no_foreign_key_points_at_a_table_with_months(store: Store, database_url: str) -> None:
    """It would forbid to take a month out."""
    cut = "SELECT partrelid FROM pg_partitioned_table"
    pointing = f"SELECT conname FROM pg_constraint WHERE contype = 'f' AND confrelid IN ({cut})"
    assert rows(database_url, pointing) == []


async def test_a_month_is_made_once(store: Store) -> None:
    assert await store.write(lambda tx: archive.make(tx, "202509"))
    assert not await store.write(lambda tx: archive.make(tx, "202509"))


async def test_what_the_default_partition_held_of_a_month_moves_into_it(
    store: Store, database_url: str
) -> None:
    delivery = await put(store, FAR)
    event = await store.write(lambda tx: add_event(tx, FAR))
    assert rows(database_url, "SELECT id FROM event_default") == [event]
    assert await store.write(lambda tx: archive.make(tx, "203105"))
    assert rows(database_url, "SELECT id FROM event_203105") == [event]
    assert rows(database_url, "SELECT id FROM delivery_203105") == [delivery]
    assert rows(database_url, "SELECT count(*) FROM event_default") == [0]
    assert (await store.read(lambda tx: tx.one("delivery_by_id", id=delivery))) is not None


@pytest.mark.parametrize("later", [0, 40 * 86_400_000_000], ids=["in one month", "in another month"])
async def test_a_message_has_one_delivery_for_one_address(store: Store, later: int) -> None:
    def unit(tx: Tx) -> None:
        document, message = add_document(tx, NOW)
        add_delivery(tx, document, message, NOW)
        add_delivery(tx, document, message, NOW, "another")
        add_delivery(tx, document, message, Instant(NOW + later))

    with pytest.raises(Conflict) as taken:
        await store.write(unit)
    assert taken.value.table == "delivery"


async def test_a_delivery_of_no_message_is_impossible_in_every_month(store: Store) -> None:
    await store.write(lambda tx: archive.make(tx, "203105"))
    with pytest.raises(Impossible):
        await store.write(lambda tx: add_delivery(tx, "none", "none", FAR))


async def test_a_delivery_is_looked_for_in_its_month_and_a_document_along_indexes(
    store: Store, database_url: str
) -> None:
    """Else every month would make every call a little slower."""
    delivery = await put(store, NOW)
    await store.write(lambda tx: archive.make(tx, "203105"))
    rows(database_url, "ANALYZE")
    plan = rows(database_url, f"EXPLAIN SELECT * FROM delivery WHERE id = '{delivery}'")
    assert {f"delivery_{THIS}"} == {word for line in plan for word in line.split() if "delivery_2" in word}
    by_document = "SELECT * FROM delivery WHERE document = 'x' ORDER BY accepted_at, id"
    with psycopg.connect(database_url) as other:
        other.execute(b"SET enable_seqscan = off")
        plan = [row[0] for row in other.execute(f"EXPLAIN {by_document}".encode())]
    assert [line for line in plan if "Seq Scan" in line] == []


RIGHTS = """
GRANT USAGE ON SCHEMA public TO {0};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {0};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {0};
GRANT EXECUTE ON FUNCTION make_month, lay_month, fill_month, attach_month TO {0};
GRANT EXECUTE ON FUNCTION detach_month, month_rows, drop_month TO {0};
"""


async def test_an_account_that_may_change_no_table_serves_and_makes_months(
    database_url: str, tmp_path: Path
) -> None:
    """The rights that docs/postgresql.md gives it, word for word."""
    page = (Path(__file__).parents[2] / "docs" / "postgresql.md").read_text("utf-8")
    assert RIGHTS.format("gateway_app").strip() in page
    role = f"gwt_role_{new_id(NOW).replace('-', '')}"
    rows(database_url, f"CREATE ROLE {role} LOGIN")
    for statement in RIGHTS.format(role).strip().split("\n"):
        rows(database_url, statement)
    store = await open_store(f"{database_url}&user={role}", tmp_path, clock=SystemClock())
    try:
        assert await store.write(lambda tx: archive.make(tx, "203105"))
        delivery = await put(store, FAR)
        assert rows(database_url, "SELECT id FROM delivery_203105") == [delivery]
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege),
            psycopg.connect(f"{database_url}&user={role}") as other,
        ):
            other.execute(b"DROP TABLE event")
    finally:
        await store.close()
        rows(database_url, f"DROP OWNED BY {role}")
        rows(database_url, f"DROP ROLE {role}")
