"""The directory, an agency's page, its connection and keys, imports and requests."""

from __future__ import annotations

import re

from tests.console.conftest import Console


async def test_the_tree_opens_at_its_top_and_each_branch_is_a_page_of_its_own(console: Console) -> None:
    person = await console.person("auditor")
    page = await person.get("/agencies")
    assert "UBND tỉnh Lạng Sơn H37" in page.words
    assert "UBND thành phố Lạng Sơn" in page.words
    assert "UBND phường Tam Thanh" not in page.words
    link = re.search(r'href="/console(/agencies\?under=H37\.31)"', page.text)
    assert link
    assert "UBND phường Tam Thanh" in (await person.get(link.group(1))).words
    piece = await person.get("/agencies/below?under=H37.31")
    assert "<html" not in piece.text
    assert "UBND phường Tam Thanh" in piece.text


async def test_an_agencys_page(console: Console) -> None:
    person = await console.person("administrator")
    page = await person.get("/agencies/H37.31.21")
    assert page.status == 200, page.words
    assert "UBND phường Tam Thanh" in page.words
