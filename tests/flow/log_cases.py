"""What can be done to a log behind the gateway's back, and what verifying it says.

Each case changes one thing, directly in the database or among the checkpoints; ``docs/log.md`` shows the
table. Run ``python -m tests.flow.log_cases`` to write it anew.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.clock import SECOND, SystemClock
from gateway.exchange_log.checkpoint import Checkpoint, PublicKey, read_checkpoint, read_note, sign
from gateway.exchange_log.merkle import Tree, leaf_hash
from gateway.exchange_log.sequence import checkpoint_of, log_keys, log_origin, log_signer
from gateway.flow.log_verify import Verified, verify_store
from gateway.flow.record import GATEWAY, event
from gateway.model.event import EventType
from gateway.model.text import Instant
from gateway.signature.keyring import LOG
from gateway.store import events, log, open_store
from gateway.store.contract import Store, Tx
from tests.world import World, make_world

EVENTS = 700  # two complete groups of 256 and a rest
DOC = Path("docs/log.md")
BEGIN, END = "<!-- cases -->", "<!-- /cases -->"


@dataclass
class Scene:
    """A world with a published log, and hands that reach around the program."""

    world: World
    raw: Callable[[str], Awaitable[None]]  # runs SQL of ours on the database
    given: list[str] = field(default_factory=list)  # checkpoints that an auditor brings along
    keys: list[PublicKey] = field(default_factory=list)  # to believe; empty: the keyring's

    async def verify(self) -> Verified:
        """As ``gateway log verify`` does."""
        gw = self.world.gw
        return await verify_store(gw, self.keys or log_keys(gw.keyring), self.given)

    async def entries(self) -> list[log.Entry]:
        return await self.world.gw.store.read(lambda tx: log.entries(tx, 0, EVENTS * 2))

    async def grow(self, count: int = 1) -> None:
        """Record and publish more."""
        await record(self.world, count)
        await self.world.gw.sequencer.advance(publish=True)

    async def newest(self) -> str:
        head = await self.world.gw.store.read(log.published)
        assert head is not None
        return head.note

    def signed(self, size: int, root: bytes, at: Instant) -> str:
        """A checkpoint with the gateway's own key, made elsewhere: two gateways with one key."""
        keyring = self.world.gw.keyring
        return str(sign(checkpoint_of(keyring, size, root, at, ""), *log_signer(keyring)))


async def record(world: World, count: int) -> None:
    def unit(tx: Tx) -> None:
        for number in range(count):
            at = world.clock.now()
            facts = {"number": number}
            events.record(tx, event(world.gw, EventType.PERSON_VIEWED, GATEWAY, at, facts=facts))

    await world.gw.store.write(unit)


async def nothing(scene: Scene) -> None:
    """The log as the gateway wrote it."""


async def change_body(scene: Scene) -> None:
    body = (await scene.entries())[300].body.replace(b'"number"', b'"numbed"')
    await scene.raw(f"UPDATE event SET body = {hexed(body)} WHERE id = '{await at(scene, 300)}'")


async def change_body_and_hash(scene: Scene) -> None:
    body = (await scene.entries())[300].body.replace(b'"number"', b'"numbed"')
    await scene.raw(f"UPDATE event SET body = {hexed(body)} WHERE id = '{await at(scene, 300)}'")
    await scene.raw(f"UPDATE log_leaf SET hash = {hexed(leaf_hash(body))} WHERE leaf = 300")


async def change_body_hash_and_nodes(scene: Scene) -> None:
    await change_body_and_hash(scene)
    tree = Tree(entry.hash for entry in (await scene.entries())[256:512])
    await scene.raw(f"UPDATE log_node SET hash = {hexed(tree.root())} WHERE level = 8 AND node = 1")


async def change_column(scene: Scene) -> None:
    await scene.raw(f"UPDATE event SET sender = 'H37.99' WHERE id = '{await at(scene, 300)}'")


async def delete_event(scene: Scene) -> None:
    await unbound(scene, f"DELETE FROM event WHERE id = '{await at(scene, 300)}'")


async def delete_event_and_leaf(scene: Scene) -> None:
    gone = await at(scene, 300)
    await scene.raw("DELETE FROM log_leaf WHERE leaf = 300")
    await scene.raw(f"DELETE FROM event WHERE id = '{gone}'")


async def delete_and_close_the_gap(scene: Scene) -> None:
    await delete_event_and_leaf(scene)
    await scene.raw(f"UPDATE log_leaf SET leaf = -leaf WHERE leaf > 300 AND leaf < {EVENTS * 2}")
    await scene.raw("UPDATE log_leaf SET leaf = -leaf - 1 WHERE leaf < 0")
    await scene.raw("UPDATE log_state SET sequenced = sequenced - 1, integrated = integrated - 1")


async def insert_event(scene: Scene) -> None:
    await scene.raw(
        "INSERT INTO event (id, at, type, body) SELECT '01890000-0000-7000-8000-000000000000', at + 1, type, "
        f"body FROM event WHERE id = '{await at(scene, 300)}'"
    )


async def insert_leaf(scene: Scene) -> None:
    await insert_event(scene)
    await scene.raw(f"UPDATE log_leaf SET leaf = -leaf WHERE leaf >= 300 AND leaf < {EVENTS * 2}")
    await scene.raw("UPDATE log_leaf SET leaf = 1 - leaf WHERE leaf < 0")
    await scene.raw(
        "INSERT INTO log_leaf (leaf, event, hash) SELECT 300, '01890000-0000-7000-8000-000000000000', hash "
        "FROM log_leaf WHERE leaf = 301"
    )
    await scene.raw("UPDATE log_state SET sequenced = sequenced + 1, integrated = integrated + 1")


async def swap_events(scene: Scene) -> None:
    first, second = await at(scene, 300), await at(scene, 301)
    await swap(scene, f"event = CASE leaf WHEN 300 THEN '{second}' ELSE '{first}' END")


async def swap_leaves(scene: Scene) -> None:
    await scene.raw("UPDATE log_leaf SET leaf = -1 WHERE leaf = 300")
    await scene.raw("UPDATE log_leaf SET leaf = 300 WHERE leaf = 301")
    await scene.raw("UPDATE log_leaf SET leaf = 301 WHERE leaf = -1")


async def swap_leaves_in_the_rest(scene: Scene) -> None:
    """Below the newest checkpoint, where no node is stored."""
    await scene.raw("UPDATE log_leaf SET leaf = -1 WHERE leaf = 600")
    await scene.raw("UPDATE log_leaf SET leaf = 600 WHERE leaf = 601")
    await scene.raw("UPDATE log_leaf SET leaf = 601 WHERE leaf = -1")


async def truncate(scene: Scene) -> None:
    await scene.raw("DELETE FROM log_leaf WHERE leaf >= 650")
    await scene.raw("UPDATE log_state SET sequenced = 650, integrated = 650")


async def truncate_with_its_checkpoint(scene: Scene) -> None:
    """The auditor kept the checkpoint that the database no longer knows."""
    scene.given = [await scene.newest()]
    await scene.raw("DELETE FROM log_checkpoint")
    await truncate(scene)


async def fork(scene: Scene) -> None:
    """Another gateway with the same key signed other leaves."""
    other = Tree(leaf_hash(b"%d" % number) for number in range(500))
    scene.given = [scene.signed(500, other.root(), scene.world.clock.now())]


async def checkpoint_of_the_future(scene: Scene) -> None:
    head = read_checkpoint(read_note(await scene.newest()).text)
    tomorrow = Instant(scene.world.clock.now() + 86_400 * SECOND)
    scene.given = [scene.signed(head.size, head.root, tomorrow)]


async def checkpoint_of_a_stranger(scene: Scene) -> None:
    head = read_checkpoint(read_note(await scene.newest()).text)
    stranger = Ed25519PrivateKey.generate()
    key = PublicKey(log_origin(scene.world.gw.keyring), stranger.public_key().public_bytes_raw())
    scene.given = [str(sign(Checkpoint(head.origin, head.size, head.root), key, stranger.sign))]


async def checkpoint_changed(scene: Scene) -> None:
    await scene.raw("UPDATE log_checkpoint SET note = REPLACE(note, 'time 20', 'time 19') WHERE number = 1")


async def checkpoint_of_another_log(scene: Scene) -> None:
    stranger = Ed25519PrivateKey.generate()
    key = PublicKey("another/log", stranger.public_key().public_bytes_raw())
    scene.keys = [*log_keys(scene.world.gw.keyring), key]
    scene.given = [str(sign(Checkpoint("another/log", 3, bytes(32)), key, stranger.sign))]


async def rotate_key(scene: Scene) -> None:
    """Old and new key are believed: nothing is wrong."""
    scene.world.gw.keyring.rotate_note_key(LOG, scene.world.clock.now())
    await scene.grow()


async def rotate_key_untold(scene: Scene) -> None:
    """The auditor has only the key from before."""
    scene.keys = log_keys(scene.world.gw.keyring)
    await rotate_key(scene)


async def insert_leaf_beyond(scene: Scene) -> None:
    """Event and leaf, far behind the last place: the numbers add up."""
    await insert_event(scene)
    await scene.raw(
        "INSERT INTO log_leaf (leaf, event, hash) SELECT 9000000, '01890000-0000-7000-8000-000000000000', "
        "hash FROM log_leaf WHERE leaf = 301"
    )


async def delete_node(scene: Scene) -> None:
    await scene.raw("DELETE FROM log_node WHERE level = 8 AND node = 1")


async def insert_node(scene: Scene) -> None:
    await scene.raw("INSERT INTO log_node (level, node, hash) VALUES (8, 77, X'00')")


async def delete_head(scene: Scene) -> None:
    await scene.raw("DELETE FROM log_checkpoint WHERE number = 2")


async def delete_newest_head(scene: Scene) -> None:
    await scene.raw("DELETE FROM log_checkpoint WHERE number = 3")


async def change_time_of_head(scene: Scene) -> None:
    await scene.raw("UPDATE log_checkpoint SET signed_at = 1 WHERE number = 2")


async def restore_old_copy(scene: Scene) -> None:
    """The whole database as it was at 550 leaves; the newest head still lies in the folder."""
    await scene.raw("DELETE FROM log_checkpoint WHERE size > 550")
    await scene.raw("DELETE FROM log_leaf WHERE leaf >= 550")
    await scene.raw("DELETE FROM event WHERE id NOT IN (SELECT event FROM log_leaf)")
    await scene.raw("UPDATE log_state SET sequenced = 550, integrated = 550")


async def change_private_value(scene: Scene) -> None:
    await scene.world.send()
    await scene.raw("UPDATE event_private SET value = 'khác'")


@dataclass(frozen=True)
class Case:
    """What is done, in Vietnamese and English, and what is to be said: nothing, or what and where."""

    vi: str
    en: str
    do: Callable[[Scene], Awaitable[None]]
    what: str = ""
    position: int | None = None
    until: int | None = None


CASES = (
    Case("Không đụng gì", "Nothing was touched", nothing),
    Case("Sửa nội dung một sự kiện", "An event's bytes changed", change_body, "changed", 300),
    Case(
        "Sửa nội dung cùng mã băm của lá",
        "Bytes and leaf hash changed together",
        change_body_and_hash,
        "rewritten",
        256,
        400,
    ),
    Case(
        "Sửa nội dung, mã băm và nút của cây",
        "Bytes, leaf hash and tree node changed together",
        change_body_hash_and_nodes,
        "rewritten",
        0,
        400,
    ),
    Case("Sửa một cột của sự kiện", "A column of an event changed", change_column, "column", 300),
    Case("Xóa một sự kiện", "An event deleted", delete_event, "deleted", 300),
    Case("Xóa sự kiện cùng lá", "An event deleted with its leaf", delete_event_and_leaf, "deleted", 300),
    Case(
        "Xóa sự kiện rồi dồn các lá sau lên",
        "An event deleted, later leaves moved up",
        delete_and_close_the_gap,
        "rewritten",
        256,
        400,
    ),
    Case("Chèn một sự kiện", "An event inserted", insert_event, "inserted", None),
    Case(
        "Chèn sự kiện vào giữa các lá",
        "An event inserted among the leaves",
        insert_leaf,
        "rewritten",
        256,
        400,
    ),
    Case("Đổi chỗ hai sự kiện", "Two events exchanged", swap_events, "reordered", 300),
    Case(
        "Đổi chỗ hai lá cùng mã băm", "Two leaves exchanged with their hashes", swap_leaves, "reordered", 300
    ),
    Case(
        "Đổi chỗ hai lá ở phần chưa đủ nhóm",
        "Two leaves exchanged where no node is stored",
        swap_leaves_in_the_rest,
        "reordered",
        600,
    ),
    Case("Cắt phần cuối nhật ký", "The end of the log cut off", truncate, "truncated", 650),
    Case(
        "Cắt phần cuối cùng các mốc chốt, kiểm toán giữ mốc",
        "The end cut off with its checkpoints; the auditor kept one",
        truncate_with_its_checkpoint,
        "truncated",
        650,
    ),
    Case(
        "Chèn sự kiện cùng lá ở xa phía sau",
        "An event inserted with a leaf far behind the last",
        insert_leaf_beyond,
        "inserted",
    ),
    Case("Xóa một nút của cây", "A tree node deleted", delete_node, "column", 0, 700),
    Case("Chèn một nút của cây", "A tree node inserted", insert_node, "column"),
    Case("Xóa một mốc chốt đã lưu", "A stored checkpoint deleted", delete_head, "head_deleted", 700),
    Case(
        "Xóa mốc chốt mới nhất, mốc vẫn còn trong thư mục",
        "The newest checkpoint deleted, it still lies in the folder",
        delete_newest_head,
        "head_deleted",
        700,
    ),
    Case(
        "Sửa thời điểm của một mốc chốt",
        "The time column of a checkpoint changed",
        change_time_of_head,
        "column",
        550,
    ),
    Case(
        "Khôi phục cơ sở dữ liệu cũ, mốc chốt mới còn trong thư mục",
        "An old database put back, the newest checkpoint still lies in the folder",
        restore_old_copy,
        "truncated",
        550,
    ),
    Case(
        "Sửa giá trị riêng lưu cạnh nhật ký",
        "A private value beside the log changed",
        change_private_value,
        "private",
    ),
    Case("Hai trục dùng chung một khóa", "Two gateways with one key", fork, "forked", 500),
    Case(
        "Mốc chốt của tương lai",
        "A checkpoint of the future",
        checkpoint_of_the_future,
        "future",
        700,
    ),
    Case(
        "Mốc chốt do khóa lạ ký",
        "A checkpoint of a strange key",
        checkpoint_of_a_stranger,
        "unknown_key",
        700,
    ),
    Case("Sửa một mốc chốt đã lưu", "A stored checkpoint changed", checkpoint_changed, "bad_signature", 400),
    Case("Mốc chốt của nhật ký khác", "A checkpoint of another log", checkpoint_of_another_log, "foreign", 3),
    Case("Đổi khóa nhật ký", "The log key rotated", rotate_key),
    Case(
        "Đổi khóa mà kiểm toán chỉ có khóa cũ",
        "The log key rotated, the auditor has the old key only",
        rotate_key_untold,
        "unknown_key",
        701,
    ),
)


async def at(scene: Scene, leaf: int) -> str:
    """The event of a leaf."""
    return (await scene.entries())[leaf].event


async def swap(scene: Scene, assignment: str) -> None:
    """Exchange the events of leaves 300 and 301 past the unique key: by way of two others."""
    entries = await scene.entries()
    first, second = entries[300].event, entries[301].event
    spare = "01890000-0000-7000-8000-ffffffffffff"
    await scene.raw(
        f"INSERT INTO event (id, at, type, body) SELECT '{spare}', at, type, body FROM event WHERE id = "
        f"'{first}'"
    )
    await scene.raw(f"UPDATE log_leaf SET event = '{spare}' WHERE leaf = 300")
    await scene.raw(f"UPDATE log_leaf SET event = '{first}' WHERE leaf = 301")
    await scene.raw(f"UPDATE log_leaf SET event = '{second}' WHERE leaf = 300")
    await scene.raw(f"DELETE FROM event WHERE id = '{spare}'")


async def unbound(scene: Scene, sql: str) -> None:
    """Past the foreign key, as somebody with the file in hand would."""
    await scene.raw(sql)


def hexed(data: bytes) -> str:
    """Bytes in SQL of SQLite."""
    return f"X'{data.hex()}'"


@asynccontextmanager
async def make_scene(home: Path) -> AsyncIterator[Scene]:
    """A log of ``EVENTS`` leaves with checkpoints over 400, 550 and all of them, on SQLite."""
    store = await open_store("sqlite:///gateway.db", home, clock=SystemClock())
    try:
        async with make_world(store, home) as world:
            world.gw.log_folder = home / "log"
            already = len(await world.event_types())
            for size in (400, 550, EVENTS):
                await record(world, size - already)
                already = size
                await world.gw.sequencer.advance(publish=True)
            yield Scene(world, lambda sql: execute(store, sql))
    finally:
        await store.close()


async def execute(store: Store, sql: str) -> None:
    """SQL that is in no file of queries, on the store's own writing connection."""
    writer = store.writer  # type: ignore[attr-defined]
    await writer.execute("PRAGMA foreign_keys=OFF")
    await writer.execute(sql)


async def outcome(case: Case, home: Path) -> Verified:
    async with make_scene(home) as scene:
        await case.do(scene)
        return await scene.verify()


def table(rows: list[tuple[Case, Verified]]) -> str:
    """The table of ``docs/log.md``."""
    from gateway.flow.log_verify import problem_json

    lines = ["| việc đã làm | điều được báo |", "|---|---|"]
    for case, found in rows:
        said = "✓ khớp, *everything fits*"
        if found.problem is not None:
            detail = found.problem
            plain = type(detail)(detail.what, detail.position, detail.until)
            text = problem_json(plain)["text"]
            said = f"`{detail.what}` {text['vi']}<br>*{text['en']}*"
        lines.append(f"| {case.vi}<br>*{case.en}* | {said} |")
    return "\n".join(lines) + "\n"


async def all_rows() -> list[tuple[Case, Verified]]:
    rows = []
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            rows.append((case, await outcome(case, Path(folder))))
    return rows


def main() -> None:
    """Write the table into the document."""
    text = DOC.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    DOC.write_text(f"{before}{BEGIN}\n{table(asyncio.run(all_rows()))}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
