"""What events say for the figures: which file a verdict is about, pages, metadata, refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.errors import BadRequest, Refused, Unreadable
from gateway.flow.progress import report_status
from gateway.model.envelope import StaffInfo
from gateway.model.refusal import Refusal
from gateway.model.status import StatusCode
from gateway.signature.seal import sign_envelope
from gateway.store.contract import Store
from tests.files_world import Papers, make_papers
from tests.world import World, make_envelope, make_world

NAME = "362.signed.pdf"
DOCUMENT = "H37,2020/04/13,362/UBND-KGVX"


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return make_papers(tmp_path_factory.mktemp("papers") / "pki")


@pytest.fixture
async def world(store: Store, tmp_path: Path, papers: Papers) -> AsyncIterator[World]:
    async with make_world(store, tmp_path, trust=papers.pki.trust_folder) as made:
        await papers.join(made.gw)
        yield made


async def newest(world: World, kind: str) -> dict[str, Any]:
    """The body of the newest event of a type."""
    rows = await world.rows("events_after", at=0, id="", limit=10_000)
    bodies = [orjson.loads(bytes(row["body"])) for row in rows if row["type"] == kind]  # type: ignore[arg-type]
    body = bodies[-1]
    assert isinstance(body, dict)
    return body


async def test_verdicts_name_the_pdf_that_they_are_about(world: World, papers: Papers) -> None:
    files = {
        "bang.docx": papers.files["docx"],
        NAME: papers.files["signed"],
        "phu-luc.pdf": papers.files["agency only"],
    }
    data = sign_envelope(make_envelope(files=files), papers.seal.private_key, papers.seal.chain)
    await world.upload("H37", data)
    body = await newest(world, "document.accepted")
    assert [verdict["file"] for verdict in body["verdicts"]] == [-1, 0, 0, 1]


async def test_a_file_tells_whether_it_opens_and_how_many_pages_it_has(world: World, papers: Papers) -> None:
    await world.send(files={NAME: papers.files["signed"], "x.pdf": papers.files["garbage"], "a.docx": b"PK"})
    signed, garbage, other = (await newest(world, "document.accepted"))["files"]
    assert (signed["opens"], signed["pages"], signed["pdf_version"]) == (True, 1, "2.0")
    assert (garbage["opens"], garbage["pages"], garbage["pdf_version"]) == (False, 0, "1.7")
    assert "opens" not in other


async def test_a_complete_header_lacks_no_metadata_and_its_subject_is_present(world: World) -> None:
    await world.send()
    body = await newest(world, "document.accepted")
    assert (body["metadata"], body["subject_present"]) == ([], True)
    await world.send(number="", notation="", document_id="x", subject="")
    body = await newest(world, "document.accepted")
    assert body["metadata"] == ["Code/CodeNumber", "Code/CodeNotation", "Subject"]
    assert body["subject_present"] is False


async def test_a_refusal_names_the_document_that_it_would_have_been(world: World) -> None:
    with pytest.raises(Refused):
        await world.send(to=["W00.99"])
    refused = await newest(world, "submission.refused")
    assert (refused["document_id"], refused["kind"]) == (DOCUMENT, "new")


async def test_a_refusal_for_secrecy_says_nothing_of_the_document(world: World) -> None:
    with pytest.raises(Refused):
        await world.send(subject="MẬT")
    assert {"document_id", "kind"} & (await newest(world, "submission.refused")).keys() == set()


async def test_a_refusal_of_what_cannot_be_read_names_no_document(world: World) -> None:
    with pytest.raises(Unreadable):
        await world.upload("H37", b"<x/>")
    assert "document_id" not in await newest(world, "submission.refused")


@pytest.mark.parametrize(
    ("description", "refusal"),
    [
        ("R03: chữ ký của lãnh đạo", "R03"),
        ("[r07] đã có", "R07"),
        ("Văn bản gửi sai nơi nhận, đề nghị gửi lại", "R01"),
        ("Chưa rõ lý do", None),
        ("R55: không có mã này", None),
    ],
)
async def test_a_return_tells_the_code_that_its_reason_names(
    world: World, description: str, refusal: str | None
) -> None:
    await world.send()
    await world.report("H37.03", "02", DOCUMENT, description=description)
    assert (await newest(world, "status.reported")).get("refusal") == refusal


async def test_another_status_has_no_refusal_code(world: World) -> None:
    await world.send()
    await world.report("H37.03", "03", DOCUMENT, description="R01")
    assert "refusal" not in await newest(world, "status.reported")


async def test_a_code_given_through_the_api_travels_in_the_description(world: World) -> None:
    await world.send()
    [taken] = await world.fetch("H37.03")
    delivery, caller = taken.item.delivery, world.caller("H37.03")
    await report_status(world.gw, caller, delivery, StatusCode.REFUSED, "", StaffInfo(), Refusal.WRONG_PLACE)
    assert (await newest(world, "status.reported"))["refusal"] == "R01"
    word = (await world.fetch("H37"))[-1]
    assert "R01: Sai nơi nhận" in word.data.decode()


async def test_a_code_goes_with_a_return_only(world: World) -> None:
    await world.send()
    [taken] = await world.fetch("H37.03")
    with pytest.raises(BadRequest):
        await report_status(
            world.gw,
            world.caller("H37.03"),
            taken.item.delivery,
            StatusCode.ACCEPTED,
            "",
            StaffInfo(),
            Refusal.FORM,
        )
