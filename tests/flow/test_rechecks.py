"""Messages whose signatures are judged again: when an answer comes, a signer is registered, a person asks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.delivery.recheck import Rechecker
from gateway.errors import BadRequest, NotFound, NotPermitted
from gateway.flow import look, office, rejudge, signers
from gateway.flow.operate import LOCAL, run
from gateway.flow.payload import of_message
from gateway.flow.rejudge import Outcome
from gateway.flow.submit import Submission
from gateway.model.delivery import State
from gateway.model.finding import Decision
from gateway.model.text import AgencyCode, Instant
from gateway.practice.papers import sign_paper
from gateway.practice.pki import DemoPki, Identity
from gateway.signature import pdf as pdf_reader
from gateway.signature import pdf_texts as texts
from gateway.signature.certificates import fingerprint
from gateway.signature.pdf import undecided
from gateway.signature.pdf_facts import Failure, PdfFacts
from gateway.signature.seal import sign_envelope
from gateway.signature.trust import TrustStore
from gateway.signature.workers import PdfWorkers
from gateway.store import deliveries, rechecks
from gateway.store.contract import Store
from tests.unit.pdf_world import make_page
from tests.world import MONDAY, World, make_envelope, make_world

H37 = AgencyCode("H37")
OLD = datetime(2020, 4, 1, tzinfo=UTC)  # a CRL that ran out before the message came
MORNING = datetime(2020, 4, 13, 1, tzinfo=UTC)
NEXT_YEAR = datetime(2021, 1, 1, tzinfo=UTC)
DAY = 86_400_000_000
MINUTE = 60_000_000


@pytest.fixture
def pki(tmp_path_factory: pytest.TempPathFactory) -> DemoPki:
    """A PKI whose CRLs are stale: no signature can be concluded about yet."""
    made = DemoPki.create(tmp_path_factory.mktemp("pki"))
    made.publish_crls(next_update=OLD)
    return made


@pytest.fixture
def seal(pki: DemoPki) -> Identity:
    return pki.issue_agency("H37", "UBND tỉnh Lạng Sơn")


@pytest.fixture
def person(pki: DemoPki) -> Identity:
    return pki.issue_person("H37", "UBND tỉnh Lạng Sơn", "Nguyễn Văn Mẫu")


@pytest.fixture
def pdf(person: Identity, seal: Identity) -> bytes:
    """Signed and sealed on the morning of the day on which it is sent."""
    return sign_paper(make_page(), person, seal, MORNING, MORNING + timedelta(hours=1))


@pytest.fixture
async def world(store: Store, tmp_path: Path, pki: DemoPki, seal: Identity) -> AsyncIterator[World]:
    async with make_world(store, tmp_path, trust=pki.trust_folder) as made:
        await office.import_signers(made.gw, LOCAL, [seal.signer(H37)])
        yield made


async def send(world: World, identity: Identity, **fields: Any) -> Submission:
    data = sign_envelope(make_envelope(**fields), identity.private_key, identity.chain)
    return await world.upload("H37", data)


async def answer(world: World, pki: DemoPki, revoked: Identity | None = None, on: datetime = OLD) -> None:
    """Fresh CRLs come; on them ``revoked``, if given, as of ``on``."""
    if revoked is not None:
        pki.revoke(revoked.certificate, on)
    pki.publish_crls(next_update=NEXT_YEAR)
    world.gw.trust_store = TrustStore.load(pki.trust_folder)
    now = world.gw.clock.now()
    await world.gw.store.write(lambda tx: rechecks.answer_came(tx, now))


async def waiting(world: World, message: str) -> list[rechecks.Recheck]:
    return await world.gw.store.read(lambda tx: rechecks.of_message(tx, message))


async def shown(world: World, submission: Submission, agency: str = "H37") -> dict[str, Any]:
    """The message as the API shows it to an agency."""
    trace = await look.trace(world.gw, world.caller(agency), submission.document)
    return next(message for message in trace.messages if message["id"] == submission.message)


async def body_of(world: World, kind: str) -> list[dict[str, Any]]:
    rows = await world.rows("events_after", at=0, id="", limit=10_000)
    return [orjson.loads(bytes(row["body"])) for row in rows if row["type"] == kind]  # type: ignore[call-overload]


def rules(message: dict[str, Any]) -> list[str]:
    return [finding["rule"] for finding in message["findings"] if finding["rule"].startswith("signature.")]


async def state_of(world: World, submission: Submission) -> list[tuple[str, str]]:
    rows = await world.rows("deliveries_of_message", message=submission.message)
    return [(str(row["state"]), str(row["reason_code"])) for row in rows]


async def test_a_missing_answer_has_the_message_judged_again_after_a_minute(
    world: World, seal: Identity
) -> None:
    submission = await send(world, seal)
    [recheck] = await waiting(world, submission.message)
    assert recheck.waits_for == fingerprint(seal.certificate)
    assert 0 < recheck.due_at - world.gw.clock.now() <= MINUTE


async def test_the_status_of_the_gateway_says_how_many_wait_and_since_when(
    world: World, seal: Identity
) -> None:
    assert (await run(world.gw, "status", {}))["rechecks"] == {"messages": 0, "oldest": None}
    submission = await send(world, seal)
    [recheck] = await waiting(world, submission.message)
    found = (await run(world.gw, "status", {}))["rechecks"]
    assert found == {"messages": 1, "oldest": recheck.since}


async def test_a_signature_that_is_settled_is_not_judged_again(
    world: World, pki: DemoPki, seal: Identity
) -> None:
    await answer(world, pki)
    submission = await send(world, seal)
    assert await waiting(world, submission.message) == []


async def test_an_answer_turns_not_yet_concluded_into_valid(
    world: World, pki: DemoPki, seal: Identity
) -> None:
    submission = await send(world, seal)
    assert "signature.indeterminate" in rules(await shown(world, submission))
    await answer(world, pki)
    assert await Rechecker(world.gw).round() == 1
    message = await shown(world, submission)
    assert [verdict["indication"] for verdict in message["verdicts"]] == ["TOTAL-PASSED"]
    assert "signature.indeterminate" not in rules(message)
    assert message["rejudged_at"] is not None
    assert await waiting(world, submission.message) == []


async def test_the_recipient_sees_the_new_verdict_too(world: World, pki: DemoPki, seal: Identity) -> None:
    submission = await send(world, seal)
    await world.fetch("H37.03")
    await answer(world, pki)
    await Rechecker(world.gw).round()
    message = await shown(world, submission, "H37.03")
    assert [verdict["indication"] for verdict in message["verdicts"]] == ["TOTAL-PASSED"]


async def test_a_change_is_one_event_with_cause_and_verdicts(
    world: World, pki: DemoPki, seal: Identity
) -> None:
    submission = await send(world, seal)
    await answer(world, pki)
    await Rechecker(world.gw).round()
    [body] = await body_of(world, "document.rejudged")
    assert (body["cause"], body["message"]) == ("answer", submission.message)
    assert body["verdicts"][0]["indication"] == "TOTAL-PASSED"
    [row] = await world.rows("judgements_of", message=submission.message)
    assert row["event"] == body["id"]


async def test_what_the_first_verdict_rested_on_stays_as_it_was(
    world: World, pki: DemoPki, seal: Identity
) -> None:
    submission = await send(world, seal)
    before = await world.rows("message_by_id", id=submission.message)
    await answer(world, pki)
    await Rechecker(world.gw).round()
    assert await world.rows("message_by_id", id=submission.message) == before


async def test_without_an_answer_nothing_is_recorded_and_the_next_try_comes_later(
    world: World, seal: Identity
) -> None:
    submission = await send(world, seal)
    pauses = []
    for _ in range(9):
        [recheck] = await waiting(world, submission.message)
        world.clock.jump_to(recheck.due_at)
        await Rechecker(world.gw).round()
        [later] = await waiting(world, submission.message)
        pauses.append(round((later.due_at - recheck.due_at) / MINUTE))
    assert pauses == [1, 2, 5, 15, 30, 60, 180, 360, 360]
    assert "document.rejudged" not in await world.event_types()


async def test_after_sixty_days_the_last_verdict_stands(world: World, seal: Identity) -> None:
    submission = await send(world, seal)
    world.clock.jump_to(Instant(world.gw.clock.now() + 60 * DAY))
    await Rechecker(world.gw).round()
    assert await waiting(world, submission.message) == []
    message = await shown(world, submission)
    assert [verdict["indication"] for verdict in message["verdicts"]] == ["INDETERMINATE"]


async def test_a_signature_is_judged_as_of_the_day_on_which_it_came(
    world: World, pki: DemoPki, seal: Identity
) -> None:
    """Revoked a week after the message was received: the signature was good and stays so."""
    submission = await send(world, seal)
    world.clock.jump_to(Instant(world.gw.clock.now() + 30 * DAY))
    await answer(world, pki, revoked=seal, on=datetime(2020, 4, 20, tzinfo=UTC))
    await Rechecker(world.gw).round()
    message = await shown(world, submission)
    assert [verdict["indication"] for verdict in message["verdicts"]] == ["TOTAL-PASSED"]
    assert await state_of(world, submission) == [("queued", "")]


async def test_revoked_before_signing_holds_what_nobody_has_yet(
    world: World, pki: DemoPki, seal: Identity
) -> None:
    submission = await send(world, seal, to=["H37.03", "H37.05"])
    await world.fetch("H37.05")
    await answer(world, pki, revoked=seal)
    await Rechecker(world.gw).round()
    rows = await world.rows("deliveries_of_message", message=submission.message)
    found = {str(row["recipient"]): (row["state"], row["reason_code"]) for row in rows}
    assert found == {"H37.03": ("held", "signature.revoked"), "H37.05": ("delivered", "")}
    assert await world.waiting("H37.03") == []


async def test_who_has_the_document_sees_that_its_signature_was_revoked(
    world: World, pki: DemoPki, seal: Identity
) -> None:
    submission = await send(world, seal)
    await world.fetch("H37.03")
    await answer(world, pki, revoked=seal)
    await Rechecker(world.gw).round()
    for agency in ("H37", "H37.03"):
        assert "signature.revoked" in rules(await shown(world, submission, agency))
    assert await state_of(world, submission) == [("delivered", "")]


async def test_a_held_delivery_is_recorded_with_its_rule_and_a_person_decides(
    world: World, pki: DemoPki, seal: Identity
) -> None:
    submission = await send(world, seal)
    await answer(world, pki, revoked=seal)
    await Rechecker(world.gw).round()
    [held] = await body_of(world, "delivery.held")
    assert (held["reason_code"], held["actor"]) == ("signature.revoked", "gateway")
    rows = await world.rows("deliveries_of_message", message=submission.message)
    given = {"delivery_id": rows[0]["id"], "reason": "Đã xác minh với đơn vị gửi"}
    released = await run(world.gw, "queue.release", given)
    assert released["state"] == State.QUEUED.value


async def test_a_fetched_message_is_not_taken_away_before_it_is_confirmed(
    world: World, pki: DemoPki, seal: Identity
) -> None:
    submission = await send(world, seal)
    await world.fetch("H37.03", done=False)
    await answer(world, pki, revoked=seal)
    await Rechecker(world.gw).round()
    assert await state_of(world, submission) == [("queued", "")]


async def test_an_attempt_that_runs_is_not_disturbed(world: World, pki: DemoPki, seal: Identity) -> None:
    submission = await send(world, seal)
    [row] = await world.rows("deliveries_of_message", message=submission.message)
    now = world.gw.clock.now()
    leased = replace(deliveries.from_row(row), attempts=1, leased_until=Instant(now + DAY), due_at=None)
    await world.gw.store.write(lambda tx: deliveries.lease(tx, [(leased, "x")], now))
    await answer(world, pki, revoked=seal)
    await Rechecker(world.gw).round()
    assert await state_of(world, submission) == [("queued", "")]
    assert "signature.revoked" in rules(await shown(world, submission))


async def test_a_signer_who_is_confirmed_stands_with_the_messages_that_came_before(
    world: World, pki: DemoPki
) -> None:
    await answer(world, pki)
    stranger = pki.issue_agency("H37", "UBND tỉnh Lạng Sơn")
    submission = await send(world, stranger)
    await signers.confirm(world.gw, LOCAL, fingerprint(stranger.certificate), "Đúng")
    await Rechecker(world.gw).round()
    message = await shown(world, submission)
    assert [(verdict["agency"], verdict["role"]) for verdict in message["verdicts"]] == [("H37", "agency")]
    assert rules(message) == ["signature.pdf_unsigned"]
    assert [body["cause"] for body in await body_of(world, "document.rejudged")] == ["signer"]


async def test_a_signer_who_turns_out_to_be_another_agency_is_a_forgery(world: World, pki: DemoPki) -> None:
    await answer(world, pki)
    stranger = pki.issue_agency("H37", "UBND tỉnh Lạng Sơn")
    submission = await send(world, stranger)
    await signers.confirm(world.gw, LOCAL, fingerprint(stranger.certificate), "Của Sở Y tế", agency="H37.05")
    await Rechecker(world.gw).round()
    assert await state_of(world, submission) == [("held", "signature.wrong_agency")]


async def test_a_first_valid_use_may_come_with_the_answer(world: World, pki: DemoPki) -> None:
    """Nothing is proposed while the signature is not concluded about; when it is, it is the first use."""
    stranger = pki.issue_agency("H37", "UBND tỉnh Lạng Sơn")
    await send(world, stranger)
    assert await signers.list_proposals(world.gw, LOCAL) == []
    await answer(world, pki)
    await Rechecker(world.gw).round()
    [proposal] = await signers.list_proposals(world.gw, LOCAL)
    assert proposal.certificate_sha256 == fingerprint(stranger.certificate)


async def test_an_answer_that_comes_while_the_message_is_judged_is_not_lost(
    world: World, seal: Identity
) -> None:
    submission = await send(world, seal)
    [seen] = await waiting(world, submission.message)
    await world.gw.store.write(lambda tx: rechecks.answer_came(tx, world.gw.clock.now()))
    assert not await world.gw.store.write(lambda tx: rechecks.postpone(tx, seen, Instant(seen.due_at + DAY)))
    [recheck] = await waiting(world, submission.message)
    assert recheck.due_at <= world.gw.clock.now()


async def test_an_answer_wakes_only_those_that_wait_for_one(world: World, seal: Identity) -> None:
    submission = await send(world, seal)
    later = Instant(world.gw.clock.now() + DAY)
    await world.gw.store.write(
        lambda tx: rechecks.add(tx, submission.message, "", rechecks.Cause.SIGNER, MONDAY, later)
    )
    now = world.gw.clock.now()
    assert await world.gw.store.write(lambda tx: rechecks.answer_came(tx, now)) == 1
    due = {recheck.waits_for: recheck.due_at for recheck in await waiting(world, submission.message)}
    assert due == {"": later, fingerprint(seal.certificate): now}


async def test_two_processes_judge_one_message_once(world: World, pki: DemoPki, seal: Identity) -> None:
    submission = await send(world, seal)
    await answer(world, pki)
    due = await waiting(world, submission.message)
    first = await rejudge.rejudge_due(world.gw, submission.message)
    assert first.outcome is Outcome.CHANGED
    again = await rejudge._rejudge(world.gw, submission.message, due, rechecks.Cause.ANSWER, "gateway")
    assert again.outcome is Outcome.UNCHANGED
    assert len(await world.rows("judgements_of", message=submission.message)) == 1


async def test_destroyed_content_is_not_judged_again(
    world: World, pki: DemoPki, seal: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = await send(world, seal)
    await answer(world, pki)
    kept = await world.gw.store.read(lambda tx: of_message(tx, submission.message))
    assert kept is not None
    monkeypatch.setattr(rejudge, "of_message", lambda tx, message: replace(kept, wrapped_key=None))
    await Rechecker(world.gw).round()
    assert await waiting(world, submission.message) == []
    assert await world.rows("judgements_of", message=submission.message) == []


async def test_one_message_that_fails_keeps_no_other_from_its_turn(
    world: World, pki: DemoPki, seal: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = await send(world, seal)
    good = await send(world, seal, number="363")
    await answer(world, pki)
    real = rejudge.rejudge_due

    async def failing(gw: Any, message: str) -> Any:
        if message == bad.message:
            raise OSError("disk")
        return await real(gw, message)

    monkeypatch.setattr("gateway.delivery.recheck.rejudge_due", failing)
    await Rechecker(world.gw).round()
    assert await waiting(world, good.message) == []
    [recheck] = await waiting(world, bad.message)
    assert recheck.due_at > world.gw.clock.now()


async def test_a_person_may_ask_with_a_reason(world: World, pki: DemoPki, seal: Identity) -> None:
    submission = await send(world, seal)
    await answer(world, pki)
    given = {"reference": submission.document, "reason": "Đơn vị nhận hỏi lại"}
    [judged] = await run(world.gw, "signatures.recheck", given)
    assert judged["outcome"] == "changed"
    [body] = await body_of(world, "document.rejudged")
    assert (body["cause"], body["actor"]) == ("person", "local")
    assert "Đơn vị" not in str(body)
    [again] = await run(world.gw, "signatures.recheck", given)
    assert again["outcome"] == "unchanged"


async def test_only_operators_ask_and_only_about_what_is_there(world: World, seal: Identity) -> None:
    submission = await send(world, seal)
    with pytest.raises(NotPermitted):
        await rejudge.recheck_document(world.gw, world.caller("H37"), submission.document, "Xem lại")
    with pytest.raises(BadRequest):
        await rejudge.recheck_document(world.gw, LOCAL, submission.document, " ")
    with pytest.raises(NotFound):
        await rejudge.recheck_document(world.gw, LOCAL, "nothing", "Xem lại")


async def test_both_signatures_of_a_pdf_are_judged_again_at_the_time_of_signing(
    world: World, pki: DemoPki, seal: Identity, person: Identity, pdf: bytes
) -> None:
    """The seal was revoked between signing and receipt: when it signed is known from the signature alone, and
    whoever holds a stolen key states what he likes."""
    await office.import_signers(world.gw, LOCAL, [person.signer(H37, "Chủ tịch")])
    submission = await world.send(files={"362.signed.pdf": pdf})
    assert {recheck.waits_for for recheck in await waiting(world, submission.message)} == {
        fingerprint(person.certificate),
        fingerprint(seal.certificate),
    }
    await answer(world, pki, revoked=seal, on=MORNING + timedelta(hours=5))
    await Rechecker(world.gw).round()
    message = await shown(world, submission)
    found = [(verdict["indication"], verdict["role"]) for verdict in message["verdicts"]]
    assert found == [("TOTAL-PASSED", "person"), ("INDETERMINATE", "agency")]
    assert message["verdicts"][1]["sub_indication"] == "REVOKED_NO_POE"
    assert rules(message) == ["signature.pdf_not_valid"]


async def test_a_pdf_whose_seal_was_revoked_before_signing_is_held(
    world: World, pki: DemoPki, seal: Identity, pdf: bytes
) -> None:
    submission = await world.send(files={"362.signed.pdf": pdf})
    await answer(world, pki, revoked=seal)
    await Rechecker(world.gw).round()
    assert await state_of(world, submission) == [("held", "signature.pdf_revoked")]
    [row] = await world.rows("deliveries_of_message", message=submission.message)
    assert "362.signed.pdf" in str(row["reason_vi"])


class _Failing(PdfWorkers):
    """Every process dies."""

    async def read_file(self, data: bytes) -> PdfFacts:
        failure = Failure("SIGNED_DATA_NOT_FOUND", texts.worker_died(), is_passing=True)
        return PdfFacts((undecided(failure),))


async def test_a_worker_that_fails_later_costs_no_verdict_and_no_recheck(
    world: World, pki: DemoPki, seal: Identity, pdf: bytes
) -> None:
    submission = await world.send(files={"362.signed.pdf": pdf})
    before = (await shown(world, submission))["verdicts"]
    await answer(world, pki, revoked=seal)
    reading, world.gw.pdf_workers = world.gw.pdf_workers, _Failing()
    await Rechecker(world.gw).round()
    assert (await shown(world, submission))["verdicts"] == before
    assert len(await waiting(world, submission.message)) == 2
    world.gw.pdf_workers = reading
    world.clock.jump_to(Instant(world.clock.now() + DAY))
    await Rechecker(world.gw).round()
    assert await state_of(world, submission) == [("held", "signature.pdf_revoked")]


async def send_unread(world: World, pdf: bytes) -> Submission:
    """A file whose worker dies while the gate judges it."""
    reading, world.gw.pdf_workers = world.gw.pdf_workers, _Failing()
    submission = await world.send(files={"362.signed.pdf": pdf})
    world.gw.pdf_workers = reading
    assert submission.decision is Decision.ACCEPT
    assert "signature.pdf_not_valid" in [finding.rule for finding in submission.findings]
    return submission


def tampered(pdf: bytes) -> bytes:
    spoiled = bytearray(pdf)
    spoiled[spoiled.index(b"stream") + 12] ^= 1
    return bytes(spoiled)


async def next_round(world: World, submission: Submission) -> float:
    """The next try of a message that waits for one thing; how many minutes later the one after it is due."""
    [before] = await waiting(world, submission.message)
    world.clock.jump_to(before.due_at)
    await Rechecker(world.gw).round()
    after = await waiting(world, submission.message)
    return round((after[0].due_at - before.due_at) / MINUTE) if after else 0


async def test_a_tampered_file_that_could_not_be_read_is_found_when_it_is_read_later(
    world: World, pdf: bytes
) -> None:
    submission = await send_unread(world, tampered(pdf))
    [recheck] = await waiting(world, submission.message)
    assert (recheck.cause, recheck.waits_for) == (rechecks.Cause.UNREAD, rechecks.A_FILE)
    await next_round(world, submission)
    assert await state_of(world, submission) == [("held", "signature.pdf_tampered")]
    assert "signature.pdf_tampered" in rules(await shown(world, submission))
    assert [body["cause"] for body in await body_of(world, "document.rejudged")] == ["unread"]
    assert await waiting(world, submission.message) == []


async def test_a_good_file_that_could_not_be_read_is_valid_when_it_is_read_later(
    world: World, pki: DemoPki, pdf: bytes
) -> None:
    await answer(world, pki)
    submission = await send_unread(world, pdf)
    await next_round(world, submission)
    assert await state_of(world, submission) == [("queued", "")]
    verdicts = (await shown(world, submission))["verdicts"]
    assert [verdict["indication"] for verdict in verdicts] == ["TOTAL-PASSED"] * 2


async def test_a_file_that_can_never_be_read_is_tried_five_times_and_keeps_its_verdict(
    world: World, pdf: bytes
) -> None:
    submission = await send_unread(world, pdf)
    before = (await shown(world, submission))["verdicts"]
    world.gw.pdf_workers = _Failing()
    assert [await next_round(world, submission) for _ in range(5)] == [1, 2, 5, 15, 0]
    counted = world.gw.metrics.registry.get_sample_value
    assert counted("gateway_rechecks_total", {"outcome": "unread"}) == 4
    assert counted("gateway_rechecks_total", {"outcome": "given_up"}) == 1
    assert (await shown(world, submission))["verdicts"] == before
    assert await state_of(world, submission) == [("queued", "")]
    assert "document.rejudged" not in await world.event_types()


async def test_a_revocation_answer_does_not_hurry_the_reading_of_a_file(world: World, pdf: bytes) -> None:
    submission = await send_unread(world, pdf)
    before = await waiting(world, submission.message)
    assert await world.gw.store.write(lambda tx: rechecks.answer_came(tx, world.gw.clock.now())) == 0
    assert await waiting(world, submission.message) == before


async def test_a_file_over_the_size_limit_is_not_read_again(
    world: World, pdf: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Reading(PdfWorkers):
        async def read_file(self, data: bytes) -> PdfFacts:
            return pdf_reader.read_pdf(data)

    monkeypatch.setattr(pdf_reader, "MAX_BYTES", 100)
    world.gw.pdf_workers = Reading()
    submission = await world.send(files={"362.signed.pdf": pdf})
    assert [v["sub_indication"] for v in (await shown(world, submission))["verdicts"]] == [
        "SIGNED_DATA_NOT_FOUND"
    ]
    assert await waiting(world, submission.message) == []
