"""Attacks on the console: forms of other sites, guesses side by side, bodies made to break the reader."""

from __future__ import annotations

import asyncio
import re

import aiohttp
import pytest

from gateway.config import Config, LimitsSection, ServerSection
from gateway.flow import sign_in
from gateway.web.console.forms import FILE_CHUNK
from gateway.web.console.pages import PAGES
from tests.console.conftest import PASSWORD, ROLES, Answer, Console, Person, _read, account

UPLOADS = [page for page in PAGES if page.upload]
TYPE = "multipart/form-data; boundary=B"
LIMIT = 2 * FILE_CHUNK


@pytest.fixture
def config() -> Config:
    return Config(
        server=ServerSection(port=0), limits=LimitsSection(upload_bytes=LIMIT, attachment_bytes=LIMIT)
    )


def part(name: str, value: bytes, more: str = "") -> bytes:
    head = f'--B\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
    return head.encode() + value + b"\r\n"


async def send(person: Person, path: str, body: object, kind: str = TYPE, **headers: str) -> Answer:
    """A body as it is; chunked when it is an iterator."""
    async with person.session.post(
        f"{person.base}/console{path}", data=body, headers={"Content-Type": kind} | headers
    ) as response:
        return await _read(response)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_page_of_another_site_signs_nobody_in_and_fills_in_no_form(
    console: Console, site: str
) -> None:
    await account(console.gw, "auditor")
    person = console.stranger()
    body = f"login=auditor&password={PASSWORD}&resume=/console/people&keep:name=Mallory".encode()
    kind = "application/x-www-form-urlencoded"
    for path in ("/sign-in", "/people", "/language"):  # /people: a form without session is kept at the door
        answer = await send(person, path, body, kind, **{"Sec-Fetch-Site": site})
        assert answer.status == 403
        assert "Mallory" not in answer.text
    assert not person.session.cookie_jar.filter_cookies(console.base)


async def test_a_lock_does_not_tell_which_logins_exist(console: Console) -> None:
    await account(console.gw, "operator")
    seen = {}
    for login in ("operator", "nobody"):
        answers = [await console.stranger().sign_in(login, "x") for _ in range(sign_in.FREE_FAILURES + 1)]
        seen[login] = [(answer.status, answer.words) for answer in answers]
    assert seen["operator"][-1][0] == 429
    assert seen["operator"] == seen["nobody"]


async def test_guesses_side_by_side_lock_like_guesses_in_a_row(console: Console) -> None:
    await account(console.gw, "operator")
    people = [console.stranger() for _ in range(12)]
    await asyncio.gather(*(person.sign_in("operator", "x") for person in people))
    assert (await console.stranger().sign_in("operator")).status == 429


@pytest.mark.filterwarnings("ignore::aiohttp.BadContentDispositionParam")
@pytest.mark.parametrize("page", UPLOADS, ids=lambda page: page.path)
async def test_a_form_with_files_that_cannot_be_read_is_refused_and_nothing_breaks(
    console: Console, page: object
) -> None:
    path, role = _open_to(page)
    person = await console.person(role)
    word, end, name = (
        part("csrf", person.csrf.encode()),
        b"--B--\r\n",
        "Content-Disposition: form-data; name=f",
    )
    bodies = {
        "no boundary": (word + end, "multipart/form-data"),
        "an empty boundary": (word + end, "multipart/form-data; boundary="),
        "a long boundary": (word + end, f"multipart/form-data; boundary={'B' * 200}"),
        "another boundary": (word + end, "multipart/form-data; boundary=Z"),
        "no end": (word + part("f", b"x", '; filename="a"'), TYPE),
        "a name in no encoding": (
            word + f"--B\r\n{name}; filename*=nope''%FF\r\n\r\nx\r\n".encode() + end,
            TYPE,
        ),
        "half a letter": (
            word + f"--B\r\n{name}; filename*=UTF-8''%ED%A0%80\r\n\r\nx\r\n".encode() + end,
            TYPE,
        ),
        "a form in a form": (word + f"--B\r\nContent-Type: multipart/mixed\r\n{name}\r\n\r\n".encode(), TYPE),
        "a long head": (word + b"--B\r\nX: " + b"a" * 100_000 + b"\r\n\r\nx\r\n" + end, TYPE),
        "nothing": (b"", TYPE),
    }
    for what, (body, kind) in bodies.items():
        answer = await send(person, path, body, kind)
        assert answer.status < 500, (what, answer.words)


@pytest.mark.parametrize("page", UPLOADS, ids=lambda page: page.path)
async def test_files_of_other_sites_are_refused_before_they_are_read(console: Console, page: object) -> None:
    path, role = _open_to(page)
    person = await console.person(role)
    file, end = part("file", b"%PDF-1.7", '; filename="a.pdf"'), b"--B--\r\n"
    word = part("csrf", person.csrf.encode())
    for body in (file + end, part("csrf", b"x") + file + end, file + word + end):
        assert (await send(person, path, body)).status == 403


async def test_many_files_without_announced_size_are_no_way_around_the_limit(console: Console) -> None:
    person = await console.person("clerk")
    file = part("more", b"x" * FILE_CHUNK, '; filename="a.pdf"')

    async def endless() -> object:
        yield part("csrf", person.csrf.encode())
        for _ in range(40):
            yield file
        yield b"--B--\r\n"

    try:
        answer = await send(person, "/compose", endless())
    except aiohttp.ClientConnectionError:
        return  # the gateway stopped listening
    assert answer.status == 413


async def test_the_log_up_to_the_last_day_of_the_calendar_is_a_page(console: Console) -> None:
    person = await console.person("auditor")
    for day in ("9999-12-31", "0001-01-01"):
        assert (await person.get(f"/audit?from={day}&to={day}")).status == 200


async def test_zeros_before_a_number_do_not_make_an_overlap_of_years(console: Console) -> None:
    person = await console.person("administrator")
    await person.post("/agencies/H37/systems", name="Phần mềm")
    system = next(one for one in console.gw.people.principals if one.name == "Phần mềm")
    path = f"/agencies/H37/systems/{system.id}/key"
    assert (await person.post(path, overlap="0000000009999")).status == 400
    assert (await person.post(path, overlap="9999")).status == 400
    assert (await person.post(path, overlap="7")).status == 200


def _open_to(page: object) -> tuple[str, str]:
    role = next(name for name in ("clerk", "administrator") if ROLES[name][0] in page.roles)  # type: ignore[attr-defined]
    return re.sub(r"[{}]", "", page.path), role  # type: ignore[attr-defined]
