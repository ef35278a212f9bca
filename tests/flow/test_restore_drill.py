"""The drill: a living gateway is backed up under load, is killed and loses its disk, and comes back."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import shutil
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest

from gateway.app import open_services
from gateway.clock import SystemClock
from gateway.config import load
from gateway.flow import payload as payload_flow
from gateway.flow.accounts import NewAccount, open_account
from gateway.flow.conservation import recount
from gateway.flow.log_verify import keys_of, verify_store
from gateway.flow.operate import LOCAL
from gateway.flow.sign_in import sign_in
from gateway.services import Services
from gateway.signature.seal import read_receipt
from gateway.store import messages, payloads
from gateway.store.people import Role
from tests.client import Client
from tests.server import Bed, prepare, served
from tests.world import make_envelope

PASSPHRASE = "một mật khẩu đủ dài"
FILE = random.Random(5).randbytes(30_000)


@dataclass
class Load:
    """Documents handed in one after another, until it is told to stop."""

    client: Client
    receipts: list[str] = field(default_factory=list)
    more: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: bool = False

    async def run(self) -> None:
        while not self.stopped:
            number = len(self.receipts)
            data = make_envelope(number=str(number), files={"a.pdf": b"%PDF-1.4\n" + FILE})
            self.receipts.append(await self.client.submit(data))
            self.more.set()

    async def until(self, count: int) -> None:
        while len(self.receipts) < count:
            self.more.clear()
            await self.more.wait()


@pytest.fixture
def empty(engine: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """Where the database is restored: another empty PostgreSQL database; a SQLite file needs no address."""
    if engine == "sqlite":
        yield ""
        return
    dsn, name = request.getfixturevalue("postgres_dsn"), f"gwt_{uuid.uuid4().hex}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        base, _, query = dsn.partition("?")
        yield f"{base.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


async def gateway(*words: str | Path) -> Any:
    """The JSON of a command in a process of its own, which must succeed."""
    command = [sys.executable, "-m", "gateway", *map(str, words), "--json"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    return json.loads(out)


async def with_account(home: Path) -> NewAccount:
    gw = await open_services(home, load(home), SystemClock(), "test")
    try:
        return await open_account(gw, LOCAL, "nguyen.van.an", "Nguyễn Văn An", Role.OPERATOR)
    finally:
        await gw.close()


async def lived(bed: Bed, backups: Path, secret: Path) -> tuple[list[str], list[str]]:
    """A gateway under load, backed up meanwhile, killed. Receipts given before the backup began, and all."""
    async with served(bed) as (base, process), aiohttp.ClientSession() as session:
        load = Load(Client(session, base, bed.keys["H37"], "H37"))
        running = asyncio.create_task(load.run())
        await load.until(12)
        before = list(load.receipts)
        made = await gateway("backup", backups, "--home", bed.home, "--passphrase-file", secret)
        assert made["missing"] == []
        assert len(load.receipts) > len(before)  # it went on meanwhile
        await load.until(len(load.receipts) + 5)
        load.stopped = True
        await running
        process.kill()
        return before, load.receipts


async def everything_is_there(gw: Services, before: list[str], account: NewAccount) -> None:
    for jws in before:
        claims = read_receipt(jws, gw.keyring.receipt_certificates)
        row = await gw.store.read(lambda tx, one=claims: messages.receipt(tx, one["receipt"]))  # type: ignore[misc]
        assert row is not None
        assert row["jws"] == jws
        sha256 = bytes.fromhex(claims["envelope_sha256"])
        kept = await gw.store.read(lambda tx, one=sha256: payloads.find(tx, one))  # type: ignore[misc]
        opened = await payload_flow.open_stored(gw, kept)
        assert hashlib.sha256(b"".join(list(opened.chunks))).digest() == sha256
    assert (await verify_store(gw, keys_of(gw, ""))).as_json()["fits"]
    assert (await recount(gw, LOCAL))["unlike"] == []
    assert (await sign_in(gw, account.login, account.password, "", "127.0.0.1", "test")).token


@pytest.mark.timeout(400)  # seven processes, one after another
async def test_what_was_promised_before_the_backup_outlives_the_disk(
    database_url: str, empty: str, tmp_path: Path
) -> None:
    bed = await prepare(tmp_path / "home", database_url)
    account = await with_account(bed.home)
    secret, backups, home = tmp_path / "passphrase", tmp_path / "backups", tmp_path / "new"
    secret.write_text(PASSPHRASE + "\n")
    before, receipts = await lived(bed, backups, secret)
    shutil.rmtree(bed.home)
    assert (await gateway("backup", "verify", backups, "--deep", "--passphrase-file", secret))["holds"]
    to = ["--database", empty] if empty else []
    await gateway("restore", backups, "--home", home, "--passphrase-file", secret, *to)
    await gateway("recovery", "accept", "--home", home, "--reason", "Hỏng ổ đĩa")
    again = Bed(home, bed.keys, bed.signer)
    async with served(again) as (base, _), aiohttp.ClientSession() as session:
        client = Client(session, base, bed.keys["H37.03"], "H37.03")
        await client.take(str((await client.items())[0]["delivery"]))
        sender = Client(session, base, bed.keys["H37"], "H37")
        number = len(receipts) + 1
        after = await sender.submit(make_envelope(number=str(number), files={"a.pdf": FILE}))
    gw = await open_services(home, load(home), SystemClock(), "test")
    try:
        await gw.sequencer.integrate()
        await everything_is_there(gw, [*before, after], account)
    finally:
        await gw.close()
