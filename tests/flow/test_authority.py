"""Who may sign: the dated list of authorised signers, imported with a preview, asked by the gate."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.compliance.clauses import Clause, Outcome, judge_clauses
from gateway.compliance.facts import Timeliness, document_made
from gateway.errors import BadRequest, NotPermitted
from gateway.flow import office
from gateway.flow.authority import import_authority, list_authority
from gateway.flow.operate import LOCAL
from gateway.flow.rejudge import recheck_document
from gateway.flow.submit import Submission
from gateway.model.finding import Severity
from gateway.model.text import AgencyCode
from gateway.signature.certificates import fingerprint
from gateway.store.contract import Store
from tests.files_world import H37, Papers, make_papers
from tests.world import World, make_world

HEAD = "agency,certificate_sha256,title,prefixes,types,valid_from,valid_to,source\n"
NAME = "362.signed.pdf"
NOBODY = "ab" * 32


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return make_papers(tmp_path_factory.mktemp("papers") / "pki")


@pytest.fixture
async def world(store: Store, tmp_path: Path, papers: Papers) -> AsyncIterator[World]:
    async with make_world(store, tmp_path, trust=papers.pki.trust_folder) as made:
        await papers.join(made.gw)
        yield made


@pytest.fixture
def leader(papers: Papers) -> str:
    """SHA-256 of the certificate of the person who signs for H37."""
    return fingerprint(papers.register[0][0].certificate)


async def listed(world: World, *rows: str) -> None:
    await import_authority(world.gw, LOCAL, HEAD + "\n".join(rows))


async def accepted(world: World, submission: Submission) -> dict[str, Any]:
    """The body of the event that accepted it."""
    [row] = await world.rows("messages_of_document", document=submission.document)
    events = await world.rows("events_after", at=0, id="", limit=10_000)
    [body] = [orjson.loads(bytes(e["body"])) for e in events if e["id"] == row["event"]]  # type: ignore[arg-type]
    assert isinstance(body, dict)
    return body


async def found(world: World, papers: Papers, paper: str = "signed") -> tuple[str, list[str]]:
    """The fact, and the rules of warnings about competence."""
    submission = await world.send(files={NAME: papers.files[paper]})
    told = [f.rule for f in submission.findings if f.rule.startswith("competence.")]
    assert all(f.severity is Severity.WARNING for f in submission.findings if f.rule in told)
    return (await accepted(world, submission))["authority"], told


async def test_without_a_list_nothing_is_said(world: World, papers: Papers) -> None:
    await listed(world, f"H37.05,{NOBODY},,*,,,,QĐ 1")
    assert await found(world, papers) == ("no_list", [])


async def test_a_listed_signer_with_an_allowed_prefix_is_competent(
    world: World, papers: Papers, leader: str
) -> None:
    await listed(world, f"H37,{leader},,TM. KT.,,2020-01-01,,QĐ 12/QĐ-UBND")
    assert await found(world, papers) == ("listed", [])


async def test_a_registered_signer_who_is_not_listed_travels_with_a_warning(
    world: World, papers: Papers
) -> None:
    await listed(world, f"H37,{NOBODY},,*,,,,QĐ 1")
    assert await found(world, papers) == ("not_listed", ["competence.not_listed"])


async def test_the_day_of_signing_decides(world: World, papers: Papers, leader: str) -> None:
    await listed(world, f"H37,{leader},,*,,,2020-04-12,QĐ 1", f"H37,{NOBODY},,*,,,,QĐ 1")
    assert (await found(world, papers))[0] == "not_listed"


async def test_a_list_that_has_not_begun_is_no_list(world: World, papers: Papers, leader: str) -> None:
    await listed(world, f"H37,{leader},,*,,2020-04-14,,QĐ 1")
    assert (await found(world, papers))[0] == "no_list"


@pytest.mark.parametrize("prefixes", ["TL.", "none", ""])
async def test_a_prefix_that_the_title_may_not_use_travels_with_a_warning(
    world: World, papers: Papers, leader: str, prefixes: str
) -> None:
    await listed(world, f"H37,{leader},,{prefixes},,,,QĐ 1")
    assert await found(world, papers) == ("prefix_not_allowed", ["competence.prefix"])


async def test_a_list_for_other_kinds_of_documents_does_not_cover_this_one(
    world: World, papers: Papers, leader: str
) -> None:
    await listed(world, f"H37,{leader},,*,Quyết định;Thông báo,,,QĐ 1")
    assert (await found(world, papers))[0] == "not_listed"


async def test_a_title_names_the_person_whose_certificate_is_registered_under_it(
    world: World, papers: Papers
) -> None:
    signer = papers.register[0][0].signer(H37, "Phó Chủ tịch")
    await office.import_signers(world.gw, LOCAL, [signer])
    await listed(world, "H37,,PHÓ CHỦ TỊCH,KT.,Công văn,,,QĐ 1")
    assert await found(world, papers) == ("listed", [])


async def test_who_is_in_no_register_cannot_be_checked(world: World, papers: Papers, leader: str) -> None:
    await listed(world, f"H37,{leader},,*,,,,QĐ 1")
    assert await found(world, papers, "unregistered") == ("unregistered", [])
    assert (await accepted(world, await world.send(number="363")))["authority"] == "unregistered"


async def test_registering_the_signer_later_asks_the_list_again(world: World, papers: Papers) -> None:
    await listed(world, f"H37,{NOBODY},,*,,,,QĐ 1")
    submission = await world.send(files={NAME: papers.files["unregistered"]})
    [proposal] = await world.rows("undecided_signer_proposals")
    digest = str(proposal["certificate_sha256"])
    row = f"certificate_sha256,agency,title,role,valid_from,valid_to\n{digest},H37,,person,,\n"
    from gateway.flow.operations import import_signers

    await import_signers(world.gw, LOCAL, row)
    await recheck_document(world.gw, LOCAL, submission.document, "đã đăng ký")
    events = await world.rows("events_after", at=0, id="", limit=10_000)
    bodies = [orjson.loads(bytes(e["body"])) for e in events]  # type: ignore[arg-type]
    [again] = [body for body in bodies if body["type"] == "document.rejudged"]
    assert again["authority"] == "not_listed"
    assert "competence.not_listed" in [finding["rule"] for finding in again["findings"]]


async def test_the_clause_of_competence_follows_the_event(world: World, papers: Papers, leader: str) -> None:
    await listed(world, f"H37,{leader},,TL.,,,,QĐ 1")
    body = await accepted(world, await world.send(files={NAME: papers.files["signed"]}))
    results = judge_clauses(document_made(body), Timeliness(None))
    assert results[Clause.C2].outcome is Outcome.FAIL
    assert results[Clause.C4].outcome is Outcome.PASS


async def test_a_preview_changes_nothing(world: World, leader: str) -> None:
    changes = await import_authority(world.gw, LOCAL, HEAD + f"H37,{leader},,*,,,,QĐ 1", preview=True)
    assert (len(changes.added), changes.removed, changes.agencies) == (1, (), ("H37",))
    assert await list_authority(world.gw, LOCAL) == []
    assert "authority.imported" not in await world.event_types()


async def test_an_import_replaces_the_lists_it_names_and_no_other(world: World, leader: str) -> None:
    await listed(world, f"H37,{leader},,*,,,,QĐ 1", f"H37.05,{NOBODY},,TM.,,,,QĐ 2")
    changes = await import_authority(world.gw, LOCAL, HEAD + f"000.00.00.H37,{leader},,KT.,,,,QĐ 3")
    assert (len(changes.added), len(changes.removed), changes.unchanged) == (1, 1, 0)
    rows = await list_authority(world.gw, LOCAL)
    assert [(row.agency, row.prefixes) for row in rows] == [("H37", ("KT",)), ("H37.05", ("TM",))]
    assert (await list_authority(world.gw, LOCAL, "H37.05"))[0].source == "QĐ 2"


async def test_only_an_administrator_imports(world: World, leader: str) -> None:
    with pytest.raises(NotPermitted):
        await import_authority(world.gw, world.caller("H37"), HEAD + f"H37,{leader},,*,,,,QĐ 1")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("H37,,,TM.,,,,QĐ 1", "title"),
        ("H37,abcd,,TM.,,,,QĐ 1", "64"),
        (f"H37,{NOBODY},,PP.,,,,QĐ 1", "PP"),
        (f"H37,{NOBODY},,TM.,,,,", "source"),
        (f"H37,{NOBODY},,TM.,,2020-02-30,,QĐ 1", "day"),
        (f"H37,{NOBODY},,TM.,,2020-02-02,2020-02-01,QĐ 1", "valid_to"),
        (f"H37,{NOBODY},,TM.,,,,QĐ 1\nH37,{NOBODY},,KT.,,,,QĐ 2", "twice"),
        ("H37,x", "dòng 2"),
        (f"W99,{NOBODY},,TM.,,,,QĐ 1", "W99"),
    ],
)
async def test_a_wrong_line_is_named_and_nothing_is_imported(world: World, row: str, problem: str) -> None:
    with pytest.raises(BadRequest) as refused:
        await import_authority(world.gw, LOCAL, HEAD + row)
    assert problem in refused.value.text.vi
    assert await list_authority(world.gw, LOCAL) == []


async def test_a_file_without_columns_or_rows_is_refused(world: World) -> None:
    for text in ("agency,title\nH37,A\n", HEAD):
        with pytest.raises(BadRequest, match="authority"):
            await import_authority(world.gw, LOCAL, text)


async def test_the_list_of_an_agency_that_has_nothing_to_do_with_it_does_not_help(
    world: World, papers: Papers, leader: str
) -> None:
    """The signer stands on the list of H37.05, the sender is H37."""
    await listed(world, f"{AgencyCode('H37.05')},{leader},,*,,,,QĐ 1", f"H37,{NOBODY},,*,,,,QĐ 1")
    assert (await found(world, papers))[0] == "not_listed"
