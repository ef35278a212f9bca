"""The peer at work: two nodes of django-pyas2, each with its own database, the receiving one under gunicorn.

In charge of: its certificates, its homes, one timed round. Not in charge of: its environment.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.bench.peers import SENDERS, Round
from tests.server import family_pss, family_seconds

GUNICORN_WORKERS = 4
_ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Peer:
    """Two nodes that know each other."""

    python: Path
    folder: Path
    port: int
    pid: int  # of gunicorn's master

    async def round(self, count: int, size: int, seed: int) -> Round:
        """Send ``count`` documents from ``SENDERS`` processes; each ends with its receipt verified."""
        share, loop = count // SENDERS, asyncio.get_running_loop()
        args = ["ours", "theirs", str(share), str(size)]
        senders = [
            await self._python("tests.bench.peers.node.send", *args, str(seed * SENDERS + number))
            for number in range(SENDERS)
        ]
        await asyncio.gather(*map(_heard_ready, senders))
        cpu, began = family_seconds(self.pid), loop.time()
        answers = await asyncio.gather(*map(_go, senders))
        wall, cpu = loop.time() - began, family_seconds(self.pid) - cpu
        return Round(
            documents=share * SENDERS,
            failed=sum(one["failed"] for one in answers),
            wall=wall,
            cpu=cpu + sum(one["cpu"] for one in answers),
            seconds=[second for one in answers for second in one["seconds"]],
            pss=family_pss(self.pid),
        )

    async def _python(self, module: str, *args: str) -> Process:
        command, env = [self.python, "-m", module, *args], _env(self.folder / "ours")
        return await asyncio.create_subprocess_exec(*command, cwd=_ROOT, env=env, stdin=PIPE, stdout=PIPE)


@contextlib.asynccontextmanager
async def serving(python: Path, folder: Path) -> AsyncIterator[Peer]:
    """Both nodes, the receiving one listening."""
    port = _free_port()
    for name in ("ours", "theirs"):
        (folder / name / "files").mkdir(parents=True)
        _certify(folder, name)
    for own, other in (("ours", "theirs"), ("theirs", "ours")):
        url = f"http://127.0.0.1:{port}/pyas2/as2receive"
        setup = [python, "-m", "tests.bench.peers.node.setup", own, other, url, folder]
        made = await asyncio.create_subprocess_exec(*setup, cwd=_ROOT, env=_env(folder / own))
        if await made.wait():
            raise RuntimeError("the peer's node was not set up")
    command = [python, "-m", "gunicorn", "-w", str(GUNICORN_WORKERS), "-b", f"127.0.0.1:{port}"]
    command += ["--log-level", "error", "tests.bench.peers.node.wsgi"]
    master = await asyncio.create_subprocess_exec(*command, cwd=_ROOT, env=_env(folder / "theirs"))
    try:
        await _listening(port)
        yield Peer(python, folder, port, master.pid)
    finally:
        master.terminate()
        await master.wait()


def _env(home: Path) -> dict[str, str]:
    return {"PEER_HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": str(_ROOT)}


async def _heard_ready(sender: Process) -> None:
    assert sender.stdout is not None
    if (await sender.stdout.readline()).strip() != b"ready":
        raise RuntimeError("a sender of the peer did not start")


async def _go(sender: Process) -> dict[str, float | int | list[float]]:
    out, _ = await sender.communicate(b"go\n")
    answer: dict[str, float | int | list[float]] = orjson.loads(out.splitlines()[-1])
    return answer


async def _listening(port: int) -> None:
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await asyncio.sleep(3)  # its workers import Django
                return
            await asyncio.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _certify(folder: Path, name: str) -> None:
    """A key of 2048 bits and a certificate of its own, as its documentation makes them."""
    key, now = rsa.generate_private_key(65_537, 2048), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=30))
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    sealed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"bench"))
    (folder / f"{name}.pem").write_bytes(certificate)
    (folder / f"{name}.key.pem").write_bytes(sealed + certificate)
