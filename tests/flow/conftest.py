"""A world on each engine. The store fixtures are those of the contract tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.store.contract import Store
from tests.world import World, make_world


@pytest.fixture
async def world(store: Store, tmp_path: Path) -> AsyncIterator[World]:
    async with make_world(store, tmp_path) as made:
        yield made
