"""TLS files that are renewed on disk are taken up without a restart, whole or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.config import Config, ServerSection
from gateway.web import tls
from gateway.web.server import make_web_app, serve_web
from gateway.web.tls import ServerTls
from tests.web.certificates import Issued, issue
from tests.world import World


@dataclass(frozen=True, slots=True)
class Connection:
    """One TLS connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def certificate(self) -> bytes:
        """Of the server, DER."""
        found: bytes = self.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return found

    async def ask(self) -> bool:
        self.writer.write(b"GET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n")
        return b" 200 " in await self.reader.readuntil(b'{"status":"ok"}')


@dataclass(slots=True)
class Door:
    """A gateway behind ``live.pem``, which the test renews."""

    folder: Path
    port: int
    authority: Issued

    def renew(self, name: str, issuer: Issued | None = None) -> Issued:
        fresh = issue(self.folder, name, issuer or self.authority)
        fresh.file.replace(self.folder / "live.pem")
        return fresh

    def context(self, client: Issued | None = None, trusts: Issued | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str((trusts or self.authority).file))
        if client is not None:
            context.load_cert_chain(client.file)
        return context

    @contextlib.asynccontextmanager
    async def connected(self, context: ssl.SSLContext) -> AsyncIterator[Connection]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=context)
        try:
            yield Connection(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def once(self, context: ssl.SSLContext) -> bytes:
        """The server's certificate (DER) as one caller saw it, whose request was answered."""
        async with self.connected(context) as connection:
            assert await connection.ask()
            return connection.certificate


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls.ServerTls.watch, "__defaults__", (0.05,))


async def until_shown(door: Door, expected: Issued, context: ssl.SSLContext) -> None:
    for _ in range(400):
        if await door.once(context) == expected.der:
            return
    raise AssertionError("the renewed certificate was never shown")


@pytest.mark.usefixtures("quick")
async def test_a_renewed_certificate_is_shown_to_the_next_caller_and_nobody_is_cut_off(
    world: World, tmp_path: Path
) -> None:
    authority = issue(tmp_path, "authority")
    first = issue(tmp_path, "first", authority)
    first.file.replace(tmp_path / "live.pem")
    section = ServerSection(port=0, tls_certificate="live.pem")
    async with serve_web(make_web_app(world.gw), Config(server=section), tmp_path) as port:
        door = Door(tmp_path, port, authority)
        async with door.connected(door.context()) as standing:
            assert await standing.ask()
            assert standing.certificate == first.der
            await until_shown(door, door.renew("second"), door.context())
            assert await standing.ask()


@pytest.mark.usefixtures("quick")
async def test_a_ca_that_clients_may_have_is_taken_up_and_one_that_is_gone_is_trusted_no_longer(
    world: World, tmp_path: Path
) -> None:
    ours, old, new = (issue(tmp_path, name) for name in ("ours", "old", "new"))
    issue(tmp_path, "server", ours).file.replace(tmp_path / "live.pem")
    (tmp_path / "clients.pem").write_bytes(old.file.read_bytes())
    section = ServerSection(port=0, tls_certificate="live.pem", client_ca="clients.pem")
    async with serve_web(make_web_app(world.gw), Config(server=section), tmp_path) as port:
        door = Door(tmp_path, port, ours)
        of_old, of_new = issue(tmp_path, "of-old", old), issue(tmp_path, "of-new", new)
        await door.once(door.context(of_old))
        before = door.context(of_old)  # one context: it would resume its session
        await door.once(before)
        (tmp_path / "clients.next").write_bytes(new.file.read_bytes())
        (tmp_path / "clients.next").replace(tmp_path / "clients.pem")
        second = door.renew("second")
        await until_shown(door, second, door.context())
        assert await door.once(door.context(of_new)) == second.der
        with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
            await door.once(before)


def test_half_a_renewal_changes_nothing_until_the_rest_is_there(tmp_path: Path) -> None:
    first, second = issue(tmp_path, "first"), issue(tmp_path, "second")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_bytes(first.file.read_bytes())
    key.write_bytes(first.file.read_bytes())
    ends: list[float] = []
    server = ServerTls(
        ServerSection(tls_certificate="certificate.pem", tls_key="key.pem"), tmp_path, ends.append
    )
    assert not server.look()
    certificate.write_bytes(second.file.read_bytes())
    assert not server.look()
    key.unlink()
    assert not server.look()
    assert len(ends) == 1
    key.write_bytes(second.file.read_bytes())
    assert server.look()
    assert ends == [first.certificate.not_valid_after_utc.timestamp()] * 2
