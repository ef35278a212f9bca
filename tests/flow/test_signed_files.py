"""The signatures of attached PDFs at the gate: what is refused, what travels with a warning, what is kept."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.clock import SECOND
from gateway.errors import Refused
from gateway.flow.door import receive
from gateway.flow.report import examination_json
from gateway.flow.submit import Submission, preflight
from gateway.model.finding import Decision, Severity
from gateway.model.text import Instant
from gateway.signature.seal import sign_envelope
from gateway.signature.workers import PdfWorkers
from gateway.store.contract import Store
from tests.files_world import Papers, make_page, make_papers
from tests.world import MONDAY, World, make_envelope, make_world

NAME = "362.signed.pdf"


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return make_papers(tmp_path_factory.mktemp("papers") / "pki")


@pytest.fixture
async def world(store: Store, tmp_path: Path, papers: Papers) -> AsyncIterator[World]:
    async with make_world(store, tmp_path, trust=papers.pki.trust_folder) as made:
        await papers.join(made.gw)
        yield made


def said(submission: Submission) -> list[tuple[str, Severity]]:
    """Findings on signatures."""
    return [(f.rule, f.severity) for f in submission.findings if f.rule.startswith("signature.")]


async def verdicts(world: World, submission: Submission) -> list[dict[str, Any]]:
    """As they are stored with the message."""
    [message] = await world.rows("messages_of_document", document=submission.document)
    found: list[dict[str, Any]] = orjson.loads(str(message["verdicts"]))
    return found


async def test_a_document_signed_by_person_and_agency_passes_and_both_are_named(
    world: World, papers: Papers
) -> None:
    submission = await world.send(files={NAME: papers.files["signed"]})
    assert (submission.decision, said(submission)) == (Decision.ACCEPT, [])
    told = [(v["where"], v["indication"], v["role"], v["agency"]) for v in await verdicts(world, submission)]
    assert told == [(NAME, "TOTAL-PASSED", "person", "H37"), (NAME, "TOTAL-PASSED", "agency", "H37")]


@pytest.mark.parametrize(
    ("paper", "rule"),
    [
        ("tampered", "signature.pdf_tampered"),
        ("changed later", "signature.pdf_changed"),
        ("revoked before", "signature.pdf_revoked"),
    ],
)
async def test_what_is_forged_or_revoked_is_refused(
    world: World, papers: Papers, paper: str, rule: str
) -> None:
    with pytest.raises(Refused) as refused:
        await world.send(files={NAME: papers.files[paper]})
    assert rule in [f.rule for f in refused.value.findings if f.severity is Severity.REFUSE]
    assert await world.waiting("H37.03") == []


@pytest.mark.parametrize(
    ("paper", "rules"),
    [
        ("revoked after", []),
        ("leader only", ["signature.pdf_no_agency"]),
        ("agency only", ["signature.pdf_no_person"]),
        ("wrong order", ["signature.pdf_order"]),
        ("other agency", ["signature.pdf_other_agency"]),
        ("unsigned", ["signature.pdf_unsigned"]),
        ("garbage", ["signature.pdf_not_valid"]),
        ("docx", ["signature.not_a_pdf"]),
    ],
)
async def test_what_lacks_something_travels_with_a_warning(
    world: World, papers: Papers, paper: str, rules: list[str]
) -> None:
    submission = await world.send(files={NAME: papers.files[paper]})
    assert submission.decision is Decision.ACCEPT
    assert said(submission) == [(rule, Severity.WARNING) for rule in rules]


async def test_a_signer_that_nobody_registered_is_no_failure(world: World, papers: Papers) -> None:
    submission = await world.send(files={NAME: papers.files["unregistered"]})
    assert said(submission) == [("signature.pdf_signer_unknown", Severity.INFO)]


async def test_another_format_beside_the_document_is_worth_knowing_only(world: World, papers: Papers) -> None:
    files = {NAME: papers.files["signed"], "bang.docx": papers.files["docx"]}
    assert said(await world.send(files=files)) == [("signature.not_a_pdf", Severity.INFO)]


async def test_a_separate_attachment_needs_the_agency_only(world: World, papers: Papers) -> None:
    files = {NAME: papers.files["signed"], "phu-luc.pdf": papers.files["agency only"]}
    assert said(await world.send(files=files)) == []


async def test_a_file_that_calls_itself_otherwise_is_judged_by_its_bytes(
    world: World, papers: Papers
) -> None:
    with pytest.raises(Refused):
        await world.send(files={"van-ban.docx": papers.files["tampered"]})


async def test_files_of_one_name_are_told_apart(world: World, papers: Papers) -> None:
    """The second is tampered with: its finding names the second."""
    data = make_envelope(files={NAME: papers.files["signed"], "b.pdf": papers.files["tampered"]})
    with pytest.raises(Refused) as refused:
        await world.upload("H37", data.replace(b"b.pdf", NAME.encode()))
    refusing = [f.where for f in refused.value.findings if f.severity is Severity.REFUSE]
    assert set(refusing) == {f"{NAME} (2)"}


async def test_a_file_called_envelope_says_nothing_about_the_message(world: World, papers: Papers) -> None:
    submission = await world.send(files={"envelope": papers.files["signed"]})
    assert {v["where"] for v in await verdicts(world, submission)} == {"envelope (2)"}


async def test_of_a_signed_message_only_covered_files_are_judged(world: World, papers: Papers) -> None:
    """A file that is slipped in beside the signed ones breaks the signature of the message."""
    seal = papers.seal
    files = {NAME: papers.files["signed"]}
    forged = sign_envelope(make_envelope(files=files), seal.private_key, seal.chain)
    other = make_envelope(files={NAME: papers.files["leader only"]})
    slipped = other[other.index(b"<Attachment>") : other.index(b"</AttachmentEncoded>")]
    at = forged.index(b"<Attachment>")
    with pytest.raises(Refused) as refused:
        await world.upload("H37", forged[:at] + slipped + forged[at:])
    assert "signature.tampered" in [f.rule for f in refused.value.findings]


async def test_a_signed_message_has_its_files_judged_as_well(world: World, papers: Papers) -> None:
    data = make_envelope(files={NAME: papers.files["signed"]})
    submission = await world.upload("H37", sign_envelope(data, papers.seal.private_key, papers.seal.chain))
    told = [(v["where"], v["coverage"]) for v in await verdicts(world, submission)]
    assert told == [("envelope", "message"), (NAME, "revision"), (NAME, "whole file")]


async def kept_by(world: World, verdict: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of what a verdict rests on, in its order."""
    rows = [await world.rows("proof_by_hash", sha256=proof["sha256"]) for proof in verdict["proofs"]]
    return [row for (row,) in rows]


async def test_all_that_a_verdict_rests_on_is_in_the_store(world: World, papers: Papers) -> None:
    submission = await world.send(files={NAME: papers.files["signed"]})
    for verdict in await verdicts(world, submission):
        assert verdict["signed_sha256"] == hashlib.sha256(papers.files["signed"]).hexdigest()
        kept = await kept_by(world, verdict)
        assert [row["kind"] for row in kept] == ["certificate"] * 3 + ["crl"] * 2
        assert all(hashlib.sha256(bytes(row["bytes"])).hexdigest() == row["sha256"] for row in kept)


async def test_proofs_are_kept_once(world: World, papers: Papers) -> None:
    first = await world.send(files={NAME: papers.files["signed"]})
    before = [await kept_by(world, verdict) for verdict in await verdicts(world, first)]
    world.clock.jump_to(Instant(MONDAY + 60 * SECOND))
    second = await world.send(number="363", files={NAME: papers.files["signed"]})
    for earlier, later in zip(await verdicts(world, first), await verdicts(world, second), strict=True):
        assert earlier["checked_at"] != later["checked_at"]
        assert earlier["proofs"] == later["proofs"]
    assert [await kept_by(world, verdict) for verdict in await verdicts(world, second)] == before


async def test_a_repeat_adds_nothing(world: World, papers: Papers) -> None:
    data = make_envelope(files={NAME: papers.files["signed"]})
    first = await world.upload("H37", data)
    told = await verdicts(world, first)
    world.clock.jump_to(Instant(MONDAY + 60 * SECOND))
    again = await world.upload("H37", data)
    assert (again.repeated, await verdicts(world, again)) == (True, told)


async def test_the_event_names_what_a_verdict_rests_on_and_nobody(world: World, papers: Papers) -> None:
    submission = await world.send(files={NAME: papers.files["signed"]})
    rows = await world.rows("events_of_document", document=submission.document)
    body = orjson.loads(next(bytes(r["body"]) for r in rows if r["type"] == "document.accepted"))  # type: ignore[call-overload]
    person = body["verdicts"][0]
    assert (person["coverage"], person["algorithm"]) == ("revision", "ECDSA-P256 SHA-256")
    assert (len(person["chain"]), len(person["revocation"])) == (3, 2)
    assert "Nguyễn" not in orjson.dumps(body["verdicts"]).decode()


@pytest.mark.parametrize("mark", ["MẬT", "TUYỆT MẬT"])
async def test_a_mark_of_secrecy_on_the_first_page_holds_the_document(
    world: World, papers: Papers, mark: str
) -> None:
    submission = await world.send(files={NAME: make_page(kind=mark)})
    assert submission.decision is Decision.HOLD
    [finding] = [f for f in submission.findings if f.severity is Severity.HOLD]
    assert (finding.rule, finding.where) == ("secrecy.on_page", "Attachment 1")
    assert await world.waiting("H37.03") == []


async def test_worker_processes_say_what_is_said_here(world: World, papers: Papers) -> None:
    world.gw.pdf_workers = PdfWorkers(count=1)  # closed by the world
    submission = await world.send(files={NAME: papers.files["signed"], "b.pdf": make_page(kind="MẬT")})
    assert [v["indication"] for v in await verdicts(world, submission)] == ["TOTAL-PASSED"] * 2
    assert submission.decision is Decision.HOLD
    with pytest.raises(Refused):
        await world.send(number="363", files={NAME: papers.files["tampered"]})


async def test_of_a_secret_document_no_file_is_named(world: World, papers: Papers) -> None:
    data = make_envelope(subject="TUYỆT MẬT", files={NAME: papers.files["signed"]})
    exam = await preflight(world.gw, world.caller("H37"), await receive(world.gw, _whole(data)))
    assert exam.decision is Decision.REFUSE
    assert NAME not in orjson.dumps(examination_json(exam)).decode()


async def _whole(data: bytes) -> AsyncIterator[bytes]:
    yield data
