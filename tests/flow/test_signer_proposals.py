"""Signers that nobody registered: proposed by a valid signature, decided by a person, never guessed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path

import orjson
import pytest

from gateway.errors import BadRequest, NotFound, NotPermitted, Refused, WrongState
from gateway.flow import office, signers
from gateway.flow.operate import LOCAL, run
from gateway.flow.submit import Submission
from gateway.model.agency import Period, Signer
from gateway.model.text import AgencyCode
from gateway.practice.pki import DemoPki, Identity, Knobs
from gateway.signature.certificates import fingerprint
from gateway.signature.seal import sign_envelope
from gateway.store import rechecks
from gateway.store.contract import Store
from gateway.store.signers import SignerProposal
from tests.world import World, make_envelope, make_world

H37, H05 = AgencyCode("H37"), AgencyCode("H37.05")


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DemoPki:
    return DemoPki.create(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def seal(pki: DemoPki) -> Identity:
    return pki.issue_agency("000.00.00.H37", "UBND tỉnh Lạng Sơn")


@pytest.fixture
async def world(store: Store, tmp_path: Path, pki: DemoPki) -> AsyncIterator[World]:
    async with make_world(store, tmp_path, trust=pki.trust_folder) as made:
        yield made


async def send(world: World, identity: Identity, number: str = "362") -> Submission:
    """Hand in an envelope signed by ``identity``."""
    data = make_envelope(number=number)
    return await world.upload("H37", sign_envelope(data, identity.private_key, identity.chain))


async def proposed(world: World) -> list[SignerProposal]:
    return await signers.list_proposals(world.gw, LOCAL)


async def waits(world: World, message: str) -> list[rechecks.Recheck]:
    return await world.gw.store.read(lambda tx: rechecks.of_message(tx, message))


async def test_the_first_valid_signature_of_a_stranger_proposes_its_signer(
    world: World, seal: Identity
) -> None:
    await send(world, seal)
    [proposal] = await proposed(world)
    assert proposal.certificate_sha256 == fingerprint(seal.certificate)
    assert (proposal.agency, proposal.role) == ("H37", "agency")  # from the old form of the code
    assert proposal.period == Period(date(2019, 1, 1), date(2039, 1, 1))


async def test_the_second_signature_proposes_nothing_and_records_nothing(
    world: World, seal: Identity
) -> None:
    await send(world, seal)
    await send(world, seal, number="363")
    assert len(await proposed(world)) == 1
    assert (await world.event_types()).count("signer.proposed") == 1


async def test_a_person_is_proposed_as_a_person(world: World, pki: DemoPki) -> None:
    await send(world, pki.issue_person("H37", "UBND tỉnh Lạng Sơn", "Nguyễn Văn Mẫu"))
    [proposal] = await proposed(world)
    assert (proposal.agency, proposal.role) == ("H37", "person")


async def test_a_certificate_that_says_no_agency_proposes_none(world: World, pki: DemoPki) -> None:
    await send(world, pki.issue_agency("Văn phòng", "UBND tỉnh Lạng Sơn"))
    [proposal] = await proposed(world)
    assert (proposal.agency, proposal.role) == ("", "")


async def test_a_name_stands_beside_the_event_and_not_in_it(world: World, pki: DemoPki) -> None:
    await send(world, pki.issue_person("H37", "UBND tỉnh Lạng Sơn", "Nguyễn Văn Mẫu"))
    rows = await world.rows("events_after", at=0, id="", limit=10_000)
    [event] = [row for row in rows if row["type"] == "signer.proposed"]
    assert "Nguyễn" not in bytes(event["body"]).decode()  # type: ignore[call-overload]
    private = await world.rows("private_of", event=str(event["id"]))
    assert "Nguyễn" in str(private[0]["value"])


async def test_a_registered_signer_is_not_proposed(world: World, seal: Identity) -> None:
    await office.import_signers(world.gw, LOCAL, [seal.signer(H37)])
    await send(world, seal)
    assert await proposed(world) == []


async def test_a_signer_registered_for_other_days_is_not_proposed_again(world: World, seal: Identity) -> None:
    past = Period(date(2019, 1, 1), date(2019, 12, 31))
    row = Signer(fingerprint(seal.certificate), H37, "", "agency", past)
    await office.import_signers(world.gw, LOCAL, [row])
    submission = await send(world, seal)
    assert "signature.not_registered" in [finding.rule for finding in submission.findings]
    assert await proposed(world) == []


async def test_a_signature_that_does_not_hold_proposes_nobody(
    store: Store, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    own = DemoPki.create(tmp_path_factory.mktemp("expired"))
    expired = own.issue_agency("H37", "UBND", Knobs(not_after=datetime(2020, 1, 1, tzinfo=UTC)))
    async with make_world(store, tmp_path, trust=own.trust_folder) as world:
        await send(world, expired)
        assert await proposed(world) == []


async def test_a_refused_message_proposes_nobody(world: World, seal: Identity) -> None:
    data = sign_envelope(make_envelope(to=["H99.99"]), seal.private_key, seal.chain)
    with pytest.raises(Refused):
        await world.upload("H37", data)
    assert await proposed(world) == []


async def test_confirming_registers_what_was_proposed(world: World, seal: Identity) -> None:
    await send(world, seal)
    digest = fingerprint(seal.certificate)
    await signers.confirm(world.gw, LOCAL, digest, "Theo danh sách của tỉnh")
    assert await signers.list_signers(world.gw, LOCAL, "000.00.00.H37") == [
        Signer(digest, H37, "", "agency", Period(date(2019, 1, 1), date(2039, 1, 1)))
    ]
    assert await proposed(world) == []
    assert "signer.decided" in await world.event_types()
    assert "signature.not_registered" not in [f.rule for f in (await send(world, seal, "363")).findings]


async def test_confirming_has_the_messages_with_that_certificate_judged_again(
    world: World, seal: Identity, pki: DemoPki
) -> None:
    mine, other = await send(world, seal), await send(world, pki.issue_agency("H37", "Khác"), "363")
    assert await waits(world, mine.message) == []
    await signers.confirm(world.gw, LOCAL, fingerprint(seal.certificate), "Đúng")
    [recheck] = await waits(world, mine.message)
    assert recheck.cause is rechecks.Cause.SIGNER
    assert await waits(world, other.message) == []


async def test_an_import_decides_about_proposals_too(world: World, seal: Identity) -> None:
    submission = await send(world, seal)
    await office.import_signers(world.gw, LOCAL, [seal.signer(H37)])
    assert await proposed(world) == []
    assert [recheck.cause for recheck in await waits(world, submission.message)] == [rechecks.Cause.SIGNER]


async def test_a_message_that_arrives_while_the_decision_is_made_is_judged_again(
    world: World, seal: Identity
) -> None:
    await send(world, seal)
    old = world.gw.signers
    await signers.confirm(world.gw, LOCAL, fingerprint(seal.certificate), "Đúng")
    world.gw.signers = old  # the snapshot of a process that has not read the register again
    late = await send(world, seal, number="363")
    assert [recheck.cause for recheck in await waits(world, late.message)] == [rechecks.Cause.SIGNER]


async def test_what_the_certificate_does_not_say_must_be_given(world: World, pki: DemoPki) -> None:
    unclear = pki.issue_agency("Văn phòng", "UBND tỉnh Lạng Sơn")
    await send(world, unclear)
    digest = fingerprint(unclear.certificate)
    with pytest.raises(BadRequest) as refused:
        await signers.confirm(world.gw, LOCAL, digest, "Đúng", role="agency")
    assert refused.value.code == "signer.agency_missing"
    with pytest.raises(BadRequest) as refused:
        await signers.confirm(world.gw, LOCAL, digest, "Đúng", agency="H37")
    assert refused.value.code == "signer.role_missing"
    with pytest.raises(NotFound):
        await signers.confirm(world.gw, LOCAL, digest, "Đúng", agency="H99", role="agency")
    signer = await signers.confirm(world.gw, LOCAL, digest, "Đúng", agency="H37", role="agency")
    assert (signer.agency, signer.role) == ("H37", "agency")


async def test_declining_leaves_the_signature_not_machine_checkable(world: World, seal: Identity) -> None:
    await send(world, seal)
    declined = await signers.decline(world.gw, LOCAL, fingerprint(seal.certificate), "Không rõ nguồn gốc")
    assert declined.decision == "declined"
    assert await proposed(world) == []
    submission = await send(world, seal, number="363")
    assert "signature.not_registered" in [finding.rule for finding in submission.findings]
    assert await proposed(world) == []


async def test_a_declined_signer_may_still_be_confirmed_but_not_the_other_way_round(
    world: World, seal: Identity
) -> None:
    await send(world, seal)
    digest = fingerprint(seal.certificate)
    await signers.decline(world.gw, LOCAL, digest, "Chưa rõ")
    await signers.confirm(world.gw, LOCAL, digest, "Đã rõ")
    with pytest.raises(WrongState):
        await signers.decline(world.gw, LOCAL, digest, "Nhầm")


async def test_only_an_administrator_decides_and_always_with_a_reason(world: World, seal: Identity) -> None:
    await send(world, seal)
    digest = fingerprint(seal.certificate)
    with pytest.raises(NotPermitted):
        await signers.confirm(world.gw, world.caller("H37"), digest, "Của tôi")
    with pytest.raises(BadRequest):
        await signers.confirm(world.gw, LOCAL, digest, "  ")
    with pytest.raises(NotFound):
        await signers.confirm(world.gw, LOCAL, "0" * 64, "Đúng")


async def test_a_preview_of_an_import_changes_nothing(world: World, seal: Identity) -> None:
    digest = fingerprint(seal.certificate)
    head = "certificate_sha256,agency,title,role,valid_from,valid_to\n"
    first = f"{head}{digest},H37,,agency,2019-01-01,2039-01-01\n"
    answer = await run(world.gw, "signers.import", {"text": first, "preview": True})
    assert (len(answer["changes"]["added"]), answer["rows"]) == (1, 0)
    assert await signers.list_signers(world.gw, LOCAL) == []
    await run(world.gw, "signers.import", {"text": first})
    second = first.replace("2039", "2030") + f"{digest},H37.05,,agency,2019-01-01,\n"
    changes = (await run(world.gw, "signers.import", {"text": second, "preview": True}))["changes"]
    assert (len(changes["added"]), len(changes["changed"]), changes["unchanged"]) == (1, 1, 0)


async def test_the_operations_of_the_command_line_speak_of_proposals(world: World, seal: Identity) -> None:
    await send(world, seal)
    digest = fingerprint(seal.certificate)
    [row] = await run(world.gw, "signers.proposals", {})
    assert row["certificate_sha256"] == digest
    given = {"certificate_sha256": digest, "reason": "Đúng", "valid_to": "2025-12-31"}
    signer = await run(world.gw, "signers.confirm", given)
    assert orjson.loads(orjson.dumps(signer))["period"] == {"start": "2019-01-01", "end": "2025-12-31"}
    assert len(await run(world.gw, "signers.list", {"agency": "H37"})) == 1
