"""A key of the gateway is lost: it ends at once; what it signed counts only where others saw it in time."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from gateway.clock import SECOND, to_rfc3339
from gateway.errors import BadRequest, NotFound, NotPermitted
from gateway.exchange_log.checkpoint import PublicKey, compromised_keys, cosign, read_keys, read_note
from gateway.exchange_log.compromised import lines_of, of_keyring, read_lines
from gateway.exchange_log.container import unpack
from gateway.exchange_log.evidence import read_trusted
from gateway.exchange_log.evidence_check import Checked, Trusted, check_container
from gateway.exchange_log.plain_verifier import run as plain
from gateway.exchange_log.verify import verify_export
from gateway.flow import compromise, inbox
from gateway.flow.evidence import export_evidence, own_key_text
from gateway.flow.log_export import export_log
from gateway.flow.log_verify import verify_log
from gateway.flow.operate import LOCAL, run
from gateway.model.agency import Profile
from gateway.model.text import AgencyCode, Instant
from gateway.signature.key_files import self_signed
from gateway.signature.keyring import LOG, WITNESS, Keyring
from gateway.signature.seal import read_receipt
from gateway.store import log, registry
from gateway.store.log import Cosigned
from tests.unit.evidence_cases import relisted
from tests.world import World

HOUR = 3600 * SECOND


def now(world: World) -> str:
    return to_rfc3339(world.clock.now())


async def lose(world: World, key: str, since: str = "") -> dict[str, Any]:
    answer: dict[str, Any] = await run(
        world.gw,
        "key.compromised",
        {"key": key, "since": since or now(world), "reason": "Mất máy chứa bản sao khóa"},
    )
    return answer


def report_of(answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(Path(answer["report"]).read_bytes())
    return found


async def witnessed(world: World) -> PublicKey:
    """The newest checkpoint is cosigned by a witness (our own key plays it) now."""
    world.gw.keyring.ensure_note_key(WITNESS, world.clock.now())
    key = PublicKey("nhan-chung", world.gw.keyring.note_keys(WITNESS)[0], 0x04)
    head = await world.gw.sequencer.advance(publish=True)
    assert head is not None
    seconds = world.clock.now() // SECOND
    line = cosign(
        read_note(head.note).text, key, seconds, lambda data: world.gw.keyring.sign_note(WITNESS, data)
    )
    cosigned = Cosigned(key.name, line.line(), Instant(seconds * SECOND))
    await world.gw.store.write(lambda tx: log.cosign(tx, head.number, cosigned, world.clock.now()))
    return key


def later(world: World, microseconds: int = HOUR) -> None:
    world.clock.jump_to(Instant(world.clock.now() + microseconds))


def checked(world: World, data: bytes, *witnesses: PublicKey) -> Checked:
    """As a stranger verifies, with our published list of keys and those of witnesses."""
    text = own_key_text(world.gw.keyring)
    certificates, keys = read_trusted(text)
    trusted = Trusted(certificates, (*keys, *witnesses), None, read_lines(text))
    return check_container(data, trusted, world.clock.now())


def row(found: Checked, code: str) -> list[bool | None]:
    return [one.holds for one in found.rows if one.code == code]


# ------------------------------------------------------------------ the key ends


@pytest.mark.parametrize("kind", ["receipt", "log", "wrapping"])
async def test_a_lost_key_is_replaced_at_once_and_never_used_again(world: World, kind: str) -> None:
    answer = await lose(world, f"{kind}-0001")
    assert f"{kind}-0002" in answer["in_use"]
    opened = Keyring.open(world.gw.keyring.folder)
    [lost] = [one for one in opened.describe() if one.compromised_since is not None]
    assert (lost.name, lost.current) == (f"{kind}-0001", False)


async def test_the_event_says_which_key_and_since_when_and_keeps_the_reason_beside(world: World) -> None:
    await world.send()
    answer = await lose(world, "receipt-0001")
    rows = await world.rows("events_after", at=0, id="", limit=99)
    [body] = [orjson.loads(bytes(r["body"])) for r in rows if r["type"] == "key.compromised"]  # type: ignore[call-overload]
    assert (body["key"], body["receipts"], body["to_confirm"]) == ("receipt-0001", 1, 1)
    assert "Mất máy" not in str(body)
    assert answer["checkpoint"] is not None


async def test_saying_it_again_keeps_the_earlier_moment(world: World) -> None:
    early = now(world)
    later(world)
    await lose(world, "receipt-0001", early)
    await lose(world, "receipt-0001")
    [since] = [since for _, since in world.gw.keyring.compromised_certificates()]
    assert to_rfc3339(since) == early
    assert len([one for one in world.gw.keyring.describe() if one.name.startswith("receipt")]) == 2


@pytest.mark.parametrize("since", ["hôm qua", "2099-01-01T00:00:00+07:00", "1900-01-01T00:00:00+07:00"])
async def test_a_moment_that_is_none_or_lies_ahead_is_refused(world: World, since: str) -> None:
    with pytest.raises(BadRequest):
        await lose(world, "receipt-0001", since)
    assert world.gw.keyring.compromised_certificates() == ()


async def test_an_unknown_key_is_named(world: World) -> None:
    with pytest.raises(NotFound, match="receipt-0009"):
        await lose(world, "receipt-0009")


async def test_only_an_administrator_ends_a_key(world: World) -> None:
    with pytest.raises(NotPermitted):
        await compromise.compromise_key(world.gw, world.caller("H37"), "log-0001", now(world), "Thử")


# ------------------------------------------------------------------ receipts


async def test_the_report_lists_every_receipt_of_the_key_and_no_other(world: World) -> None:
    first = await world.send()
    await lose(world, "receipt-0001")
    await world.send(number="363")
    listed = report_of(await lose(world, "receipt-0001"))
    assert listed["documents"] == [first.document]
    assert [one["document"] for one in listed["receipts"]] == [first.document]


async def test_a_receipt_seen_by_a_witness_in_time_need_not_be_confirmed(world: World) -> None:
    seen = await world.send()
    await witnessed(world)
    unseen = await world.send(number="363")
    later(world)
    answer = await lose(world, "receipt-0001")
    proved = {one["document"]: one["proved"] for one in report_of(answer)["receipts"]}
    assert proved == {seen.document: True, unseen.document: False}
    assert answer["to_confirm"] == 1


async def test_evidence_with_a_receipt_of_a_lost_key_holds_only_through_a_witness(world: World) -> None:
    document = (await world.send()).document
    witness = await witnessed(world)
    later(world)
    before = await export_evidence(world.gw, LOCAL, document, "Lưu hồ sơ")
    await witnessed(world)
    await lose(world, "receipt-0001")
    assert row(checked(world, before.data), "keys.compromised") == [False]
    assert not checked(world, before.data).holds
    after = await export_evidence(world.gw, LOCAL, document, "Lập lại sau khi thay khóa")
    alone, helped = checked(world, after.data), checked(world, after.data, witness)
    assert (alone.holds, row(alone, "keys.compromised")) == (False, [False])
    assert row(helped, "keys.compromised") == [True]
    assert helped.holds


async def test_evidence_made_after_the_loss_does_not_hold_although_its_signature_does(world: World) -> None:
    """Whoever has the key signs a container; the witness saw the log only later."""
    since = now(world)
    later(world)
    document = (await world.send()).document
    witness = await witnessed(world)
    forged = await export_evidence(world.gw, LOCAL, document, "Giả")
    await lose(world, "receipt-0001", since)
    found = checked(world, forged.data, witness)
    assert row(found, "container.signature") == [True]
    assert row(found, "keys.compromised")[0] is False
    assert not found.holds


async def test_a_container_signed_with_a_lost_key_does_not_hold_though_its_head_was_seen_in_time(
    world: World,
) -> None:
    """Whoever has the key changes the page of an old container, whose head a witness saw, and signs again."""
    document = (await world.send()).document
    await world.gw.sequencer.advance()
    witness = await witnessed(world)
    old = await export_evidence(world.gw, LOCAL, document, "Lưu hồ sơ")
    members = unpack(old.data)
    forged = relisted({**members, "page.html": b"<p>kh\xc3\xa1c</p>"}, world.gw.keyring)
    later(world)
    await lose(world, "receipt-0001")
    found = checked(world, forged, witness)
    assert row(found, "log") == [True]
    assert False in row(found, "keys.compromised")
    assert not found.holds


async def test_a_verifier_that_does_not_know_of_lost_keys_believes_nothing_of_them(world: World) -> None:
    document = (await world.send()).document
    made = await export_evidence(world.gw, LOCAL, document, "Lưu")
    assert list(plain(made.data, own_key_text(world.gw.keyring)))
    await lose(world, "receipt-0001")
    with pytest.raises(Exception, match="no given key"):
        list(plain(made.data, own_key_text(world.gw.keyring)))


async def test_new_receipts_hold_and_need_nobody(world: World) -> None:
    await lose(world, "receipt-0001")
    submission = await world.send()
    certificates, _ = read_trusted(own_key_text(world.gw.keyring))
    assert read_receipt(submission.jws, certificates)["message"] == submission.message
    made = await export_evidence(world.gw, LOCAL, submission.document, "Lưu")
    assert checked(world, made.data).holds
    assert row(checked(world, made.data), "keys.compromised") == []


async def test_the_list_of_keys_reads_back(world: World) -> None:
    await lose(world, "receipt-0001")
    await lose(world, "log-0001")
    lost = of_keyring(world.gw.keyring)
    assert read_lines("".join(lines_of(lost))) == lost
    text = own_key_text(world.gw.keyring)
    certificates, keys = read_trusted(text)
    assert not set(certificates) & set(lost.certificates)
    assert not set(keys) & set(lost.log_keys)


# ------------------------------------------------------------------ the log


async def test_a_log_verifies_after_its_key_was_lost(world: World) -> None:
    await world.send()
    await world.gw.sequencer.advance(publish=True)
    answer = await lose(world, "log-0001")
    assert [one["proved"] for one in report_of(answer)["checkpoints"]] == [False]
    found = await verify_log(world.gw, LOCAL)
    assert found["fits"]
    assert found["checkpoints"] == 1  # that of the next key; the doubtful one counts for nothing


async def test_a_checkpoint_that_a_witness_saw_in_time_still_counts(world: World) -> None:
    await world.send()
    await witnessed(world)
    later(world)
    answer = await lose(world, "log-0001")
    assert [one["proved"] for one in report_of(answer)["checkpoints"]] == [True]
    assert (await verify_log(world.gw, LOCAL))["checkpoints"] == 2


async def test_evidence_after_the_loss_is_proved_by_the_next_log_key(world: World) -> None:
    document = (await world.send()).document
    await world.gw.sequencer.advance(publish=True)
    await lose(world, "log-0001")
    made = await export_evidence(world.gw, LOCAL, document, "Lưu")
    found = checked(world, made.data)
    assert found.holds
    assert row(found, "keys.compromised") == []


async def test_an_export_verifies_with_the_list_that_names_the_lost_key(world: World) -> None:
    await world.send()
    await world.gw.sequencer.advance(publish=True)
    await lose(world, "log-0001")
    data = b"".join([part async for part in export_log(world.gw)])
    text = "\n".join(
        (await run(world.gw, "log.keys", {}))["log"] + (await run(world.gw, "log.keys", {}))["compromised"]
    )
    seconds = world.clock.now() / SECOND
    report = verify_export(io.BytesIO(data), read_keys(text), seconds, lost=compromised_keys(text))
    assert report.checkpoints == 1
    assert len(world.gw.keyring.note_keys(LOG)) == 2


# ------------------------------------------------------------------ payloads and secrets


async def test_everything_under_a_lost_wrapping_key_is_wrapped_anew_and_still_opens(world: World) -> None:
    document = (await world.send()).document
    profile = Profile(AgencyCode("H37.05"), "webhook", (("url", "https://h37-05.example"),))
    sealed = world.gw.keyring.encrypt_secret(b"bi mat")
    await world.gw.store.write(lambda tx: registry.write_profile(tx, profile, sealed, world.clock.now()))
    answer = await lose(world, "wrapping-0001")
    assert (answer["payloads"], answer["secrets"]) == (1, 1)
    assert report_of(answer)["documents"] == [document]
    for stored in await world.rows("payloads_after", after=b"", limit=99):
        assert world.gw.keyring.is_wrapped_by(bytes(stored["wrapped_key"]), "wrapping-0002")  # type: ignore[call-overload]
    kept = await world.gw.store.read(lambda tx: registry.sealed_secret(tx, AgencyCode("H37.05")))
    assert kept is not None
    assert world.gw.keyring.is_wrapped_by(kept, "wrapping-0002")
    assert world.gw.keyring.decrypt_secret(kept) == b"bi mat"
    [item] = await inbox_of(world)
    assert item.startswith(b"<")


async def inbox_of(world: World) -> list[bytes]:
    [waiting] = await world.waiting("H37.03")
    parcel = await inbox.fetch(world.gw, world.caller("H37.03"), waiting.delivery)
    return [b"".join([chunk async for chunk in parcel.chunks])]


async def test_what_was_proved_by_a_lost_wrapping_key_proves_nothing_any_more(world: World) -> None:
    tag = world.gw.keyring.tag("token", b"x")
    assert world.gw.keyring.is_tag("token", b"x", tag)
    await lose(world, "wrapping-0001")
    assert not world.gw.keyring.is_tag("token", b"x", tag)


# ------------------------------------------------------------------ PKCS#12


def container(key: Any, certificate: x509.Certificate) -> bytes:
    return pkcs12.serialize_key_and_certificates(
        b"receipt", key, certificate, None, BestAvailableEncryption(b"mat khau")
    )


async def test_a_receipt_key_comes_from_a_pkcs12_file(world: World) -> None:
    other = Keyring.create(world.home / "other", "khac", world.clock.now())
    key = other._current_receipt_key
    await compromise.import_receipt_key(
        world.gw, LOCAL, container(key.private_key, key.certificate), "mat khau"
    )
    submission = await world.send()
    assert read_receipt(submission.jws, [key.certificate])["message"] == submission.message
    assert Keyring.open(world.gw.keyring.folder).receipt_certificate == key.certificate


@pytest.mark.parametrize("password", ["sai", "mat khau"])
async def test_a_pkcs12_file_that_does_not_fit_is_refused(world: World, password: str) -> None:
    """A wrong password, and a key of another curve."""
    other = Keyring.create(world.home / "other", "khac", world.clock.now())
    key, certificate = other._current_receipt_key.private_key, other.receipt_certificate
    if password == "mat khau":
        key = ec.generate_private_key(ec.SECP384R1())
        certificate = self_signed(key, "khac", world.clock.now())
    with pytest.raises(BadRequest):
        await compromise.import_receipt_key(world.gw, LOCAL, container(key, certificate), password)
    assert len(world.gw.keyring.receipt_certificates) == 1
