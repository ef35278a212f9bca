"""A clerk asks every page for things of another agency, by their real ids."""

from __future__ import annotations

import re

import pytest

from gateway.web.console.page import DESK, Page
from gateway.web.console.pages import PAGES
from tests.console.conftest import Answer, Console, Person
from tests.console.test_desk import clerk

WORDS = "Việc riêng của Sở"
NUMBER = "4711"
DESK_PAGES = [page for page in PAGES if DESK & page.roles and not page.path.startswith(("/me", "/sign-out"))]


async def their_ids(console: Console) -> dict[str, str]:
    """A document between two other agencies, delivered and answered, and what belongs to it."""
    sent = await console.world.send("H37.03", to=["H37.05"], number=NUMBER, subject=WORDS)
    [delivery] = [
        str(row["id"])
        for row in await console.world.rows("deliveries_of_document", document=sent.document)
        if row["kind"] == "new"
    ]
    return {
        "document": sent.document,
        "delivery": delivery,
        "receipt": sent.receipt,
        "number": "0",
        "session": "x",
        "search": "x",
        "measure": "K2",
        "name": "D.sent",
    }


def tells(answer: Answer) -> bool:
    return WORDS in answer.text or f"{NUMBER}/" in answer.text or "%PDF" in answer.text


def paths(page: Page, ids: dict[str, str]) -> list[str]:
    path = re.sub(r"{(\w+)}", lambda found: ids[found.group(1)], page.path)
    asked = f"agency=H37.03&sender=H37.03&number={NUMBER}&from=2020-04-01&to=2020-04-30&by=agency"
    return [path, f"{path}?{asked}", f"{path}?agency=H37.05&q={ids['document']}&level=province"]


@pytest.mark.parametrize(
    "page", [page for page in DESK_PAGES if page.method == "GET"], ids=lambda page: page.path
)
async def test_no_page_tells_a_clerk_of_other_agencies_documents(console: Console, page: Page) -> None:
    ids, person = await their_ids(console), await clerk(console, "H37.31")
    for path in paths(page, ids):
        answer = await person.get(path)
        assert answer.status in (200, 400, 403, 404), path
        assert not tells(answer), path


async def test_the_same_pages_tell_their_own_clerk(console: Console) -> None:
    """The walk above can fail: the sender's clerk sees what it looks for."""
    ids, person = await their_ids(console), await clerk(console, "H37.03")
    assert tells(await person.get(f"/documents/{ids['document']}"))
    assert tells(await person.get(f"/desk/sent/{ids['document']}"))
    recipient = await clerk(console, "H37.05")
    assert tells(await recipient.get(f"/incoming/{ids['delivery']}"))


async def attempts(person: Person, ids: dict[str, str]) -> list[Answer]:
    """Everything that changes something, about their document."""
    document, delivery = ids["document"], ids["delivery"]
    return [
        await person.post(f"/incoming/{delivery}/status", code="03", description="x"),
        await person.post(f"/incoming/{delivery}/status", code="02", refusal="R01", description="x"),
        await person.post(f"/incoming/{delivery}/taken"),
        await person.post(f"/desk/sent/{document}/recall", reason="x"),
        await person.post(f"/documents/{document}/evidence", reason="x"),
        await person.post("/desk/statuses/take", delivery=delivery, agency="H37.05"),
        await person.post(
            "/totals",
            agency="H37.03",
            **{"from": "2020-04-01", "to": "2020-04-10", "outgoing_total": "5", "paper_only": "0"},
            secret_count="0",
            to_non_state="0",
        ),
    ]


async def test_a_clerk_changes_nothing_of_other_agencies(console: Console) -> None:
    ids, person = await their_ids(console), await clerk(console, "H37.31")
    for answer in await attempts(person, ids):
        assert answer.status in (400, 403, 404) or "Đã" not in answer.words, answer.words
        assert not tells(answer)
    row = await console.gw.store.read(lambda tx: tx.one("delivery_by_id", id=ids["delivery"]))
    assert row is not None
    assert (row["state"], row["status_code"]) == ("queued", "")
    kinds = {str(one["type"]) for one in await console.world.rows("events_after", at=0, id="", limit=9999)}
    assert kinds.isdisjoint({"recall.asked", "status.reported", "evidence.exported", "totals.declared"})
