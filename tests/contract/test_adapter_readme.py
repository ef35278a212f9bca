"""The adapter that ``adapters/README.md`` shows is run as it stands there, and passes the contract."""

from __future__ import annotations

import ast
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gateway.port import Delivered
from tests.contract.adapter_contract import SECRET, AdapterContract, Bench, Mood, parcel
from tests.contract.test_adapters import Http, HttpBench

README = Path(__file__).parents[2] / "adapters" / "README.md"


def shown() -> str:
    """The module as the page shows it."""
    return README.read_text(encoding="utf-8").split("## Write one")[1].split("```python\n")[1].split("```")[0]


def mine() -> Any:
    """The class of the page."""
    module: dict[str, Any] = {"__name__": "adapters.mine"}
    exec(compile(shown(), "adapters/mine.py", "exec"), module)
    return module["Mine"]


class MineBench(HttpBench):
    """The partner of the page: stores each ``X-Id`` once."""

    def __init__(self) -> None:
        super().__init__(mine(), Http(self.take))
        self.wrong_settings = ({"url": ""}, {"url": "mine"}, {"secret": ""})

    def take(self, request: web.Request, body: bytes) -> web.Response:
        if self.http.mood is Mood.RUBBISH:
            return web.Response(text="<html>Welcome to nginx!")
        if self.http.mood is Mood.REFUSING:
            return web.json_response({"stored": False, "why": "Sai đơn vị"})
        if body:
            self.kept.setdefault(request.headers["X-Id"], body)
        return web.json_response({"stored": True})


class TestTheAdapterOfTheReadme(AdapterContract):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[Bench]:
        bench = MineBench()
        await bench.http.start()
        bench.settings = {"url": bench.http.url, "secret": SECRET}
        yield bench
        await bench.close()

    async def test_it_is_pushed_to_and_registered_under_its_own_name(self, bench: Bench) -> None:
        """It stands on a page and in no register."""
        assert (bench.adapter.kind, bench.adapter.pull) == ("mine", False)
        assert isinstance(await bench.adapter.deliver(parcel(bench.settings)), Delivered)


def test_the_example_is_as_long_as_its_heading_says() -> None:
    tree = ast.parse(shown())
    (made,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    code = [line for line in shown().splitlines()[made.lineno - 1 : made.end_lineno] if line.strip()]
    assert len(code) <= 40
    assert all(len(line) <= 110 for line in shown().splitlines())
