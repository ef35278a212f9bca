"""XML-signed envelopes through the gate: policy, register, and that only verified bytes are used."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.errors import Refused, Unreadable
from gateway.flow import office
from gateway.flow.operate import LOCAL
from gateway.model.agency import Profile
from gateway.model.finding import Decision
from gateway.model.text import AgencyCode
from gateway.practice.pki import DemoPki, Identity
from gateway.signature.seal import sign_envelope
from gateway.store.contract import Store
from tests.world import PDF, World, make_envelope, make_world

H37, H05 = AgencyCode("H37"), AgencyCode("H37.05")


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DemoPki:
    made = DemoPki.create(tmp_path_factory.mktemp("pki"))
    made.publish_crls()
    return made


@pytest.fixture(scope="module")
def identity(pki: DemoPki) -> Identity:
    return pki.issue_agency("H37", "UBND tỉnh Lạng Sơn")


@pytest.fixture
async def world(store: Store, tmp_path: Path, pki: DemoPki, identity: Identity) -> AsyncIterator[World]:
    async with make_world(store, tmp_path, trust=pki.trust_folder) as made:
        await office.import_signers(made.gw, LOCAL, [identity.signer(H37)])
        yield made


def signed(identity: Identity, data: bytes | None = None) -> bytes:
    return sign_envelope(data or make_envelope(), identity.private_key, identity.chain)


def rules(error: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [f.rule for f in error.value.findings if f.severity.name == "REFUSE"]


async def test_a_signature_of_the_sender_passes_and_the_bytes_go_on_unchanged(
    world: World, identity: Identity
) -> None:
    sent = signed(identity)
    submission = await world.upload("H37", sent)
    assert submission.decision is Decision.ACCEPT
    [message] = await world.rows("messages_of_document", document=submission.document)
    assert '"TOTAL-PASSED"' in str(message["verdicts"])
    [taken] = await world.fetch("H37.03")
    assert taken.data == sent


async def test_a_changed_byte_is_refused_and_says_so(world: World, identity: Identity) -> None:
    sent = signed(identity).replace("Chính quyền".encode(), "Chính  quyền".encode(), 1)
    with pytest.raises(Refused) as refused:
        await world.upload("H37", sent)
    assert rules(refused) == ["signature.tampered"]


async def test_a_header_added_around_a_signed_one_is_not_what_the_gate_reads(
    world: World, identity: Identity
) -> None:
    """Signature wrapping: what is used comes from the verified bytes, so a forged recipient never counts."""
    original = signed(identity)
    forged = original.replace(
        b"<edXML:To>", b"<edXML:To><edXML:OrganId>H37.05</edXML:OrganId></edXML:To><edXML:To>", 1
    )
    with pytest.raises(Refused):
        await world.upload("H37", forged)
    assert await world.waiting("H37.05") == []


async def test_a_certificate_registered_to_another_agency_is_a_forgery(world: World, pki: DemoPki) -> None:
    other = pki.issue_agency("H37.05", "Sở Y tế")
    await office.import_signers(world.gw, LOCAL, [other.signer(H05)])
    with pytest.raises(Refused) as refused:
        await world.upload("H37", signed(other))
    assert rules(refused) == ["signature.wrong_agency"]


async def test_an_unregistered_certificate_travels_as_not_machine_checkable(
    world: World, pki: DemoPki
) -> None:
    stranger = pki.issue_agency("H37", "UBND tỉnh Lạng Sơn")
    submission = await world.upload("H37", signed(stranger))
    assert submission.decision is Decision.ACCEPT
    assert "signature.not_registered" in [finding.rule for finding in submission.findings]


async def test_where_a_signature_is_required_an_unsigned_envelope_is_refused(
    world: World, identity: Identity
) -> None:
    await office.set_profile(world.gw, LOCAL, Profile(H37, envelope_signature="required"))
    with pytest.raises(Refused) as refused:
        await world.send()
    assert rules(refused) == ["signature.required"]
    assert (await world.upload("H37", signed(identity))).decision is Decision.ACCEPT


async def test_a_signed_envelope_above_the_parsers_limit_travels_undecided_unless_required(
    world: World, identity: Identity
) -> None:
    large = make_envelope(files={"a.pdf": PDF + bytes(8_000_000)})
    head, tail = signed(identity).split(b"<ds:Signature", 1)
    signature = b"<ds:Signature" + tail.split(b"</ds:Signature>")[0] + b"</ds:Signature>"
    sent = large.replace(b"</edXML:edXMLHeader>", signature + b"</edXML:edXMLHeader>", 1)
    assert head
    submission = await world.upload("H37", sent)
    assert "signature.indeterminate" in [finding.rule for finding in submission.findings]
    await office.set_profile(world.gw, LOCAL, Profile(H37, envelope_signature="required"))
    other = sent.replace(b",362/", b",363/")
    with pytest.raises(Refused) as refused:
        await world.upload("H37", other)
    assert rules(refused) == ["signature.indeterminate"]


async def test_a_revoked_certificate_is_refused(
    store: Store, tmp_path: Path, pki: DemoPki, tmp_path_factory: pytest.TempPathFactory
) -> None:
    own = DemoPki.create(tmp_path_factory.mktemp("revoking"))
    identity = own.issue_agency("H37", "UBND tỉnh Lạng Sơn")
    own.revoke(identity.certificate, datetime(2020, 4, 1, tzinfo=UTC))
    own.publish_crls()
    async with make_world(store, tmp_path, trust=own.trust_folder) as world:
        await office.import_signers(world.gw, LOCAL, [identity.signer(H37)])
        with pytest.raises(Refused) as refused:
            await world.upload("H37", signed(identity))
    assert rules(refused) == ["signature.revoked"]


async def test_a_bomb_that_calls_itself_signed_is_refused_before_a_tree_is_built(world: World) -> None:
    sent = make_envelope()
    end = sent.rindex(b"</")
    bomb = b'<x xmlns="http://www.w3.org/2000/09/xmldsig#"/>' + b"<a/>x" * 6_000_000
    started = time.process_time()
    with pytest.raises(Unreadable) as refused:
        await world.upload("H37", sent[:end] + bomb + sent[end:])
    assert [finding.rule for finding in refused.value.findings] == ["envelope.too_many_elements"]
    assert time.process_time() - started < 1


async def test_a_signature_does_not_excuse_another_encoding(world: World, identity: Identity) -> None:
    """The signature covers the canonical form, which has no declaration; the recipient gets the bytes."""
    text = signed(identity).removeprefix(b"<?xml version='1.0' encoding='UTF-8'?>\n")
    with pytest.raises(Unreadable) as refused:
        await world.upload("H37", b'<?xml version="1.0" encoding="UTF-7"?>' + text)
    assert [finding.rule for finding in refused.value.findings] == ["envelope.encoding"]
