"""One upload through the gate: accepted, repeated, refused; and what is on disk after each."""

from __future__ import annotations

import asyncio
import hashlib
import json
import resource
import unicodedata
from collections.abc import AsyncIterator

import pytest

from gateway.edxml.parse import parse_envelope
from gateway.errors import Busy, DuplicateConflict, NotPermitted, Refused, TooLarge, Unreadable
from gateway.flow import office
from gateway.flow.door import receive
from gateway.flow.operate import LOCAL
from gateway.flow.submit import preflight
from gateway.model.agency import Profile
from gateway.model.envelope import Dialect, Kind
from gateway.model.finding import Decision
from gateway.model.text import AgencyCode
from gateway.signature.seal import read_receipt
from tests.world import PDF, World, make_envelope

DOCUMENT = "H37,2020/04/13,362/UBND-KGVX"


async def test_what_was_accepted_is_in_the_recipients_inbox_byte_for_byte(world: World) -> None:
    sent = make_envelope("H37", ["H37.03", "H37.31.21"])
    await world.upload("H37", sent)
    for recipient in ("H37.03", "H37.31.21"):
        [taken] = await world.fetch(recipient)
        assert taken.data == sent
        assert taken.item.document_id == DOCUMENT


async def test_the_receipt_names_the_bytes_and_verifies(world: World) -> None:
    submission = await world.send()
    claims = read_receipt(submission.jws, [world.gw.keyring.receipt_certificate])
    assert claims["document_id"] == DOCUMENT
    assert claims["decision"] == "accept"
    assert claims["recipients"] == ["H37.03"]
    [message] = await world.rows("messages_of_document", document=submission.document)
    assert claims["envelope_sha256"] == bytes(message["envelope_sha256"]).hex()


async def test_the_same_upload_again_gets_the_first_receipt_and_no_new_delivery(world: World) -> None:
    first = await world.send()
    second = await world.send()
    assert second.repeated
    assert second.jws == first.jws
    assert len(await world.waiting("H37.03")) == 1
    assert "document.repeated" in await world.event_types()


async def test_a_retry_rebuilt_by_another_library_is_the_same_message(world: World) -> None:
    first = await world.send(dialect=Dialect.JAVA)
    second = await world.send(dialect=Dialect.DOTNET)
    assert second.repeated
    assert second.message == first.message


async def test_the_same_upload_twice_at_the_same_moment_is_one_document(world: World) -> None:
    sent = make_envelope()
    answers = await asyncio.gather(*(world.upload("H37", sent) for _ in range(12)))
    assert len({answer.jws for answer in answers}) == 1
    assert sorted(answer.repeated for answer in answers) == [False] + [True] * 11
    assert len(await world.waiting("H37.03")) == 1


async def test_two_messages_at_the_same_moment_keep_their_own_receipts(world: World) -> None:
    numbers = [str(number) for number in range(400, 430)]
    sent = {number: make_envelope(number=number) for number in numbers}
    answers = await asyncio.gather(*(world.upload("H37", sent[number]) for number in numbers))
    certificate = [world.gw.keyring.receipt_certificate]
    for number, answer in zip(numbers, answers, strict=True):
        assert f",{number}/" in read_receipt(answer.jws, certificate)["document_id"]


async def test_a_known_document_id_with_other_content_is_a_conflict_that_names_the_first(
    world: World,
) -> None:
    first = await world.send()
    with pytest.raises(DuplicateConflict) as refused:
        await world.send(subject="Một trích yếu khác")
    texts = " ".join(finding.text.vi + finding.text.en for finding in refused.value.findings)
    assert refused.value.code == "duplicate.conflict"
    assert first.message in texts
    assert len(await world.waiting("H37.03")) == 1


async def test_a_sender_that_is_not_the_caller_is_not_permitted(world: World) -> None:
    with pytest.raises(NotPermitted) as refused:
        await world.upload("H37.05", make_envelope("H37"))
    assert refused.value.code == "sender.not_yours"


async def test_another_agency_cannot_get_somebodys_receipt_by_sending_the_same_bytes(world: World) -> None:
    await world.send()
    with pytest.raises(NotPermitted):
        await world.upload("H37.05", make_envelope("H37"))


async def test_one_unknown_recipient_among_thirty_refuses_the_whole_submission(world: World) -> None:
    to = ["H37.03", *(f"H37.03.{number:02d}" for number in range(28)), "H37.05"]
    with pytest.raises(Refused) as refused:
        await world.send(to=to)
    unknown = [finding for finding in refused.value.findings if finding.rule == "recipient.unknown"]
    assert len(unknown) == 28
    assert await world.waiting("H37.03") == []


async def test_a_refusal_is_recorded_once_and_counted_after_that(world: World) -> None:
    for _ in range(3):
        with pytest.raises(Refused):
            await world.send(to=["H37.77"])
    assert (await world.event_types()).count("submission.refused") == 1
    [counted] = await world.rows("count_refusals")
    assert (counted["refusals"], counted["times"]) == (1, 3)


async def test_a_refused_upload_leaves_no_row_and_nothing_readable(world: World) -> None:
    marker = b"NOI-DUNG-BI-MAT-4711"
    with pytest.raises(Refused):
        await world.send(subject="TUYỆT MẬT", files={"a.pdf": PDF + marker * 20_000})
    assert await world.rows("recent_documents", before=2**62, limit=10) == []
    assert await world.rows("payload_files", first=b"", last=b"\xff" * 32) == []
    on_disk = [path.read_bytes() for path in (world.home / "payloads").rglob("*") if path.is_file()]
    assert all(marker not in data for data in on_disk)
    assert [data for data in on_disk if data] == []


async def test_a_refusal_of_a_secret_document_keeps_no_word_of_it(world: World) -> None:
    with pytest.raises(Refused) as refused:
        await world.send(subject="TỐI MẬT: Phương án Alpha")
    assert all("Alpha" not in f.text.vi + f.text.en for f in refused.value.findings)
    rows = await world.rows("events_after", at=0, id="", limit=100)
    assert all(b"Alpha" not in bytes(row["body"]) for row in rows)  # type: ignore[arg-type]
    assert await world.gw.store.read(lambda tx: tx.all("private_of", event=rows[-1]["id"])) == []


async def test_an_unreadable_upload_is_refused_with_its_reason_and_recorded(world: World) -> None:
    with pytest.raises(Unreadable) as refused:
        await world.upload("H37", b"this is not XML")
    assert refused.value.findings
    assert (await world.event_types())[-1] == "submission.refused"


async def test_a_cut_off_upload_is_unreadable(world: World) -> None:
    sent = make_envelope()
    with pytest.raises(Unreadable):
        await world.upload("H37", sent[: len(sent) // 2])


async def test_an_upload_over_the_limit_is_too_large_and_leaves_nothing(world: World) -> None:
    world.gw.config = world.gw.config.model_copy(
        update={"limits": world.gw.config.limits.model_copy(update={"upload_bytes": 100_000})}
    )
    with pytest.raises(TooLarge):
        await world.send(files={"a.pdf": PDF * 5000})
    assert [path for path in (world.home / "payloads").rglob("*") if path.is_file()] == []


async def test_a_document_that_a_rule_holds_gets_a_receipt_and_waits_for_a_person(world: World) -> None:
    submission = await world.send(files={"QD_123_MAT.pdf": PDF})
    assert submission.decision is Decision.HOLD
    assert read_receipt(submission.jws, [world.gw.keyring.receipt_certificate])["decision"] == "hold"
    assert await world.waiting("H37.03") == []
    [row] = await world.rows("deliveries_of_document", document=submission.document)
    assert row["state"] == "held"
    assert row["reason_vi"]


async def test_a_repeat_of_a_held_document_answers_hold_again(world: World) -> None:
    await world.send(files={"QD_123_MAT.pdf": PDF})
    again = await world.send(files={"QD_123_MAT.pdf": PDF})
    assert again.repeated
    assert again.decision is Decision.HOLD


async def test_a_narrowed_call_delivers_to_some_and_a_repeat_adds_the_rest(world: World) -> None:
    sent = make_envelope("H37", ["H37.03", "H37.05"])
    first = await world.upload("H37", sent, ["000.00.03.H37"])
    assert len(await world.waiting("H37.03")) == 1
    assert await world.waiting("H37.05") == []
    second = await world.upload("H37", sent)
    assert second.message == first.message
    claims = read_receipt(second.jws, [world.gw.keyring.receipt_certificate])
    assert claims["recipients"] == ["H37.05"]
    assert claims["supplement_to"] == first.receipt
    assert len(await world.waiting("H37.03")) == 1
    assert len(await world.waiting("H37.05")) == 1


@pytest.mark.parametrize("kind", [Kind.REVOKE, Kind.UPDATE])
async def test_revoking_or_updating_an_unknown_document_is_refused(world: World, kind: Kind) -> None:
    with pytest.raises(Refused) as refused:
        await world.send(kind=kind, document_id=DOCUMENT)
    assert [f.rule for f in refused.value.findings if f.severity.name == "REFUSE"] == [
        "amendment.unknown_document"
    ]


async def test_an_update_joins_its_document(world: World) -> None:
    first = await world.send()
    update = await world.send(kind=Kind.UPDATE, document_id=DOCUMENT, subject="V/v đã sửa")
    assert update.document == first.document


async def test_a_replacement_is_a_document_of_its_own_linked_to_the_old(world: World) -> None:
    first = await world.send()
    second = await world.send(number="363", kind=Kind.REPLACE, replaces=[DOCUMENT])
    assert second.document != first.document
    assert [row["replaces"] for row in await world.rows("links_of", document=second.document)] == [DOCUMENT]


async def test_a_recipient_of_the_other_dialect_gets_a_rebuilt_form_with_the_same_content(
    world: World,
) -> None:
    await office.set_profile(world.gw, LOCAL, Profile(AgencyCode("H37.05"), dialect="dotnet"))
    sent = make_envelope("H37", ["H37.03", "H37.05"], files={"a.pdf": PDF * 4000})
    await world.upload("H37", sent)
    [same] = await world.fetch("H37.03")
    [other] = await world.fetch("H37.05")
    assert same.data == sent
    assert other.data != sent
    before, after = parse_envelope(sent).envelope, parse_envelope(other.data).envelope
    assert after.dialect is Dialect.DOTNET
    assert [f.sha256 for f in after.attachments] == [f.sha256 for f in before.attachments]
    assert after.subject == before.subject


async def test_preflight_says_what_the_gate_would_and_keeps_nothing(world: World) -> None:
    upload = await receive(world.gw, _once(make_envelope(to=["H37.77"])))
    exam = await preflight(world.gw, world.caller("H37"), upload)
    assert exam.decision is Decision.REFUSE
    assert await world.event_types() == ["directory.imported"]


async def test_the_events_of_a_document_carry_no_personal_value(world: World) -> None:
    submission = await world.send(subject="V/v bổ nhiệm Hoàng Văn Thụ")
    rows = await world.rows("events_of_document", document=submission.document)
    bodies = [bytes(row["body"]).decode() for row in rows]  # type: ignore[arg-type]
    assert all("Hoàng Văn Thụ" not in body and "Người ký mẫu" not in body for body in bodies)
    accepted = json.loads(bodies[0])
    assert set(accepted["commitments"]) >= {"subject", "signer"}
    assert accepted["sender_level"] == "province"


async def test_five_hundred_characters_of_decomposed_vietnamese_survive(world: World) -> None:
    subject = unicodedata.normalize("NFD", "Kế hoạch phòng, chống dịch ở địa phương ") * 12
    await world.send(subject=subject[:500])
    [item] = await world.waiting("H37.03")
    assert item.subject == unicodedata.normalize("NFC", subject[:500]).strip()


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def test_a_full_disk_refuses_nothing_for_good_and_leaves_nothing_behind(world: World) -> None:
    """The sender is told to try again (503), and the same upload is accepted once there is room."""
    sent = make_envelope(files={"a.pdf": PDF * 5000})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(Busy) as full:
            await world.upload("H37", sent)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (full.value.http_status, full.value.retry_after > 0) == (503, True)
    files = (world.home / "payloads").rglob("*")
    assert [path for path in files if path.is_file() and path.name != ".now"] == []
    assert not (await world.upload("H37", sent)).repeated


async def test_a_refusal_is_never_recorded_under_somebody_elses_name_or_free_text(world: World) -> None:
    for sender in ("H37", "Tôi là ai " * 50):
        with pytest.raises((NotPermitted, Refused)):
            await world.upload("H37.05", make_envelope(sender, subject="TUYỆT MẬT"))
    rows = await world.rows("events_after", at=0, id="", limit=10)
    refused = [row for row in rows if row["type"] == "submission.refused"]
    assert [row["sender"] for row in refused] == [None, None]
    assert all("Tôi là ai" not in bytes(row["body"]).decode() for row in refused)  # type: ignore[arg-type]


async def test_somebody_elses_system_learns_nothing_about_a_document(world: World) -> None:
    await world.send()
    with pytest.raises(NotPermitted) as refused:
        await world.upload("H37.05", make_envelope("H37", subject="Nội dung khác"))
    assert [finding.rule for finding in refused.value.findings] == ["sender.not_yours"]


async def test_a_supplementary_receipt_names_the_bytes_that_are_delivered(world: World) -> None:
    java = make_envelope("H37", ["H37.03", "H37.05"])
    await world.upload("H37", java, ["H37.03"])
    rebuilt = make_envelope("H37", ["H37.03", "H37.05"], dialect=Dialect.DOTNET)
    second = await world.upload("H37", rebuilt)
    claims = read_receipt(second.jws, [world.gw.keyring.receipt_certificate])
    [taken] = await world.fetch("H37.05")
    assert claims["envelope_sha256"] == hashlib.sha256(taken.data).hexdigest()
