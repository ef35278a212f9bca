"""An installation that can be put back to an earlier copy of itself, as a restored backup would.

In charge of: opening it as ``gateway`` does, copying home and database while nobody has it open, putting a
copy back. Not in charge of: ``gateway backup`` and ``restore``, which have tests of their own.
"""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from gateway import app
from gateway.clock import ScenarioClock
from gateway.config import Config
from gateway.directory.data import DirectoryData
from gateway.flow import office
from gateway.flow.operate import LOCAL
from tests.world import AGENCIES, MONDAY, World


@dataclass
class Installation:
    """``url``: its database; ``dsn``: the server of a PostgreSQL one."""

    home: Path
    url: str
    dsn: str = ""
    second_copy: str = ""
    clock: ScenarioClock = field(default_factory=lambda: ScenarioClock(MONDAY))
    copies: list[str] = field(default_factory=list)

    @property
    def config(self) -> Config:
        durability = {"second_copy": self.second_copy}
        return Config.model_validate({"database": {"url": self.url}, "durability": durability})

    async def make(self) -> None:
        """A new one with the small directory of the tests."""
        app.init_home(self.home, "truc-thu", self.clock)
        async with self.opened() as world:
            await office.import_directory(world.gw, LOCAL, DirectoryData(AGENCIES), apply=True)

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[World]:
        """Its services, as a command has them."""
        gw = await app.open_services(self.home, self.config, self.clock, "test")
        try:
            yield World(gw, self.clock, self.home)
        finally:
            await gw.close()

    def copy(self, target: Path) -> None:
        """The whole of it, as it is now."""
        shutil.copytree(self.home, target)
        if self.dsn:
            name = f"gwt_{uuid.uuid4().hex}"
            self._admin(f"CREATE DATABASE {name} TEMPLATE {self._name}")
            self.copies.append(name)

    def put_back(self, source: Path, *, published: bool = True) -> None:
        """Home and database as they were copied; what was published meanwhile still lies in its folder,
        unless that disk is lost too."""
        aside = self.home.with_name("published")
        shutil.copytree(self.home / "log", aside)
        shutil.rmtree(self.home)
        shutil.copytree(source, self.home)
        if published:
            shutil.rmtree(self.home / "log", ignore_errors=True)
            shutil.copytree(aside, self.home / "log")
        shutil.rmtree(aside)
        if self.dsn:
            self._admin(f"DROP DATABASE {self._name} WITH (FORCE)")
            self._admin(f"CREATE DATABASE {self._name} TEMPLATE {self.copies[-1]}")

    def drop_copies(self) -> None:
        for name in self.copies:
            self._admin(f"DROP DATABASE {name} WITH (FORCE)")

    @property
    def _name(self) -> str:
        return self.url.partition("postgresql:///")[2].partition("?")[0]

    def _admin(self, statement: str) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(statement.encode())
