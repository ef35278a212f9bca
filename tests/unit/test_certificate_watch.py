"""Certificates in use are watched: 60 and 14 days before the end somebody hears of it, once each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.clock import SystemClock, from_datetime
from gateway.delivery.watch import CertificateWatch
from gateway.flow import office
from gateway.flow.certificates import list_certificates
from gateway.flow.operate import LOCAL, run
from gateway.model.agency import Period, Signer
from gateway.model.certificate import GATEWAY, UsedCertificate
from gateway.model.text import AgencyCode, Instant
from gateway.model.verdict import Indication, Proof, ProofKind
from gateway.practice.pki import DemoPki, Identity, Knobs
from gateway.signature.certificates import fingerprint
from gateway.signature.in_use import CertificatesInUse
from gateway.signature.register import SignerRegister
from gateway.signature.seal import sign_envelope
from gateway.signature.trust import TrustStore
from gateway.signature.verify import Trust, verify_envelope
from gateway.store import certificates, open_store
from tests.world import MONDAY, World, make_envelope, make_world

H37 = AgencyCode("H37")
END = datetime(2020, 9, 1, 12, tzinfo=UTC)
DAY = 86_400_000_000


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DemoPki:
    return DemoPki.create(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def seal(pki: DemoPki) -> Identity:
    """The seal of H37; it ends on 1 September 2020."""
    return pki.issue_agency("H37", "UBND tỉnh Lạng Sơn", Knobs(not_after=END))


@pytest.fixture
async def world(tmp_path: Path, pki: DemoPki, seal: Identity) -> AsyncIterator[World]:
    store = await open_store("sqlite:///gateway.db", tmp_path, clock=SystemClock(), purpose="test")
    async with make_world(store, tmp_path, trust=pki.trust_folder) as made:
        await office.import_signers(made.gw, LOCAL, [seal.signer(H37)])
        yield made
    await store.close()


async def use(world: World, identity: Identity, number: str = "362") -> None:
    data = make_envelope(number=number)
    await world.upload("H37", sign_envelope(data, identity.private_key, identity.chain))


def before_end(days: float) -> Instant:
    return from_datetime(END - timedelta(days=days))


async def warnings(world: World) -> list[dict[str, Any]]:
    rows = await world.rows("events_after", at=0, id="", limit=10_000)
    bodies = [orjson.loads(bytes(row["body"])) for row in rows]  # type: ignore[call-overload]
    return [body for body in bodies if body["type"] == "certificate.expiring"]


async def look_at(world: World, instant: Instant) -> None:
    """A round of a gateway that was started at that moment."""
    if instant > world.gw.clock.now():
        world.clock.jump_to(instant)
    await CertificateWatch(world.gw).round()


async def test_a_valid_signature_puts_signer_and_issuers_under_watch(
    world: World, pki: DemoPki, seal: Identity
) -> None:
    await use(world, seal)
    await world.gw.keep_certificates()
    rows = await list_certificates(world.gw, LOCAL)
    used_by = {row.sha256: row.used_by for row in rows}
    assert used_by[fingerprint(seal.certificate)] == "H37"
    assert used_by[fingerprint(pki.issuing.certificate)] == "issuer"
    assert used_by[fingerprint(pki.root.certificate)] == "issuer"


async def test_the_gateways_own_certificate_is_under_watch_from_the_start(world: World) -> None:
    own = [row for row in await list_certificates(world.gw, LOCAL) if row.used_by == GATEWAY]
    assert [row.sha256 for row in own] == [fingerprint(world.gw.keyring.receipt_certificate)]


async def test_nothing_is_said_more_than_sixty_days_ahead(world: World, seal: Identity) -> None:
    await use(world, seal)
    await look_at(world, before_end(61))
    assert await warnings(world) == []


async def test_sixty_and_fourteen_days_ahead_there_is_one_warning_each(world: World, seal: Identity) -> None:
    await use(world, seal)
    for days in (60, 60, 59, 30, 15, 14, 14, 13, 1, 0):
        await look_at(world, before_end(days))
    found = [(body["days"], body["days_left"], body["agency"]) for body in await warnings(world)]
    assert found == [(60, 60, "H37"), (14, 14, "H37")]


async def test_a_gateway_that_was_down_on_the_day_warns_when_it_is_back(world: World, seal: Identity) -> None:
    await use(world, seal)
    await world.gw.keep_certificates()
    await look_at(world, before_end(40))
    await look_at(world, before_end(3))
    assert [(body["days"], body["days_left"]) for body in await warnings(world)] == [(60, 40), (14, 3)]


async def test_a_gateway_that_was_down_until_the_end_says_so_once(world: World, seal: Identity) -> None:
    await use(world, seal)
    await world.gw.keep_certificates()
    await look_at(world, before_end(-2))
    await look_at(world, before_end(-3))
    assert [(body["days"], body["days_left"]) for body in await warnings(world)] == [(14, -2)]


async def test_one_that_is_found_within_fourteen_days_is_warned_of_once(world: World, pki: DemoPki) -> None:
    late = pki.issue_agency("H37", "UBND", Knobs(not_after=datetime(2020, 4, 20, tzinfo=UTC)))
    await use(world, late)
    watch = CertificateWatch(world.gw)
    await watch.round()
    await look_at(world, Instant(MONDAY + DAY))
    assert [body["days"] for body in await warnings(world)] == [14]


async def test_a_warning_names_no_person(world: World, pki: DemoPki) -> None:
    knobs = Knobs(not_after=datetime(2020, 5, 1, tzinfo=UTC))
    await use(world, pki.issue_person("H37", "UBND", "Nguyễn Văn Mẫu", knobs))
    await look_at(world, Instant(MONDAY + DAY))
    [body] = await warnings(world)
    assert "Nguyễn" not in str(body)


async def test_an_old_document_with_an_expired_certificate_puts_nothing_under_watch(
    world: World, pki: DemoPki
) -> None:
    """It was valid when it signed, and nobody signs with it any more."""
    gone = UsedCertificate("ab" * 32, "CN=cũ", "H37", Instant(MONDAY - 30 * DAY), MONDAY)
    await world.gw.store.write(lambda tx: certificates.touch(tx, [gone]))
    await look_at(world, Instant(MONDAY + DAY))
    assert await warnings(world) == []
    assert gone.sha256 not in [row.sha256 for row in await list_certificates(world.gw, LOCAL)]


async def test_a_seal_that_nobody_used_for_long_is_in_use_no_more(world: World) -> None:
    unused = UsedCertificate(
        "ab" * 32, "CN=bỏ", "H37", Instant(MONDAY + 30 * DAY), Instant(MONDAY - 500 * DAY)
    )
    await world.gw.store.write(lambda tx: certificates.touch(tx, [unused]))
    await look_at(world, Instant(MONDAY + DAY))
    assert await warnings(world) == []


async def test_the_warning_says_that_a_successor_is_registered(
    world: World, pki: DemoPki, seal: Identity
) -> None:
    await use(world, seal)
    following = pki.issue_agency("H37", "UBND tỉnh Lạng Sơn")
    await office.import_signers(world.gw, LOCAL, [following.signer(H37)])
    await look_at(world, before_end(50))
    [body] = await warnings(world)
    assert body["successor"] == fingerprint(following.certificate)
    [line] = await list_certificates(world.gw, LOCAL, within=55)
    assert line.next_step.vi.startswith("Chứng thư số kế tiếp đã có")


async def test_without_a_successor_the_next_step_is_to_apply_for_one(world: World, seal: Identity) -> None:
    await use(world, seal)
    await look_at(world, before_end(50))
    [line] = await list_certificates(world.gw, LOCAL, within=55)
    assert (line.days_left, line.name, line.warned_days) == (50, "UBND tỉnh Lạng Sơn", 60)
    assert "cấp chứng thư số mới" in line.next_step.vi
    assert (await warnings(world))[0].get("successor") is None


async def test_a_rotated_receipt_key_is_the_successor_of_the_old_one(world: World) -> None:
    [own] = [row for row in await list_certificates(world.gw, LOCAL) if row.used_by == GATEWAY]
    assert own.successor == ""
    assert "gateway key rotate receipt" in own.next_step.vi
    await look_at(world, Instant(own.not_after - 20 * DAY))
    world.gw.keyring.rotate_receipt_key(world.gw.clock.now())
    rows = {row.sha256: row for row in await list_certificates(world.gw, LOCAL)}
    assert rows[own.sha256].successor == fingerprint(world.gw.keyring.receipt_certificate)


async def test_the_metric_counts_what_ends_soon(world: World, seal: Identity) -> None:
    await use(world, seal)
    await look_at(world, before_end(30))
    gauge = world.gw.metrics.certificates_expiring
    assert [gauge.labels(days)._value.get() for days in ("60", "14")] == [1, 0]


async def test_a_list_within_days_leaves_out_the_rest(world: World, seal: Identity) -> None:
    await use(world, seal)
    await look_at(world, before_end(20))
    assert [row["days_left"] for row in await run(world.gw, "certificates.list", {"within": 20})] == [20]
    assert await run(world.gw, "certificates.list", {"within": 19}) == []
    ends = [row["not_after"] for row in await run(world.gw, "certificates.list", {})]
    assert ends == sorted(ends)
    assert len(ends) > 1


async def test_a_certificate_that_is_registered_later_belongs_to_its_agency_then(
    world: World, pki: DemoPki
) -> None:
    stranger = pki.issue_agency("H37", "UBND tỉnh Lạng Sơn")
    await use(world, stranger)
    await world.gw.keep_certificates()
    await office.import_signers(world.gw, LOCAL, [stranger.signer(H37)])
    await use(world, stranger, number="363")
    await world.gw.keep_certificates()
    rows = {row.sha256: row.used_by for row in await list_certificates(world.gw, LOCAL)}
    assert rows[fingerprint(stranger.certificate)] == "H37"


def test_a_certificate_is_noted_once_a_day(pki: DemoPki, seal: Identity, world_trust: Trust) -> None:
    data = sign_envelope(make_envelope(), seal.private_key, seal.chain)
    verdict = verify_envelope(data, world_trust, MONDAY).verdict
    assert verdict.indication is Indication.PASSED
    in_use = CertificatesInUse()
    in_use.note([verdict], MONDAY)
    assert len(in_use.take()) == 3
    in_use.note([verdict], Instant(MONDAY + 1))
    assert in_use.take() == ()
    in_use.note([verdict], Instant(MONDAY + DAY))
    assert len(in_use.take()) == 3


def test_what_could_not_be_kept_is_handed_out_again(pki: DemoPki, seal: Identity, world_trust: Trust) -> None:
    data = sign_envelope(make_envelope(), seal.private_key, seal.chain)
    in_use = CertificatesInUse()
    in_use.note([verify_envelope(data, world_trust, MONDAY).verdict], MONDAY)
    taken = in_use.take()
    in_use.give_back(taken)
    assert set(in_use.take()) == set(taken)


@pytest.fixture
def world_trust(pki: DemoPki, seal: Identity) -> Trust:
    return Trust(TrustStore.load(pki.trust_folder), SignerRegister([seal.signer(H37)]))


def row_of(digest: str, role: str, title: str, end: date | None) -> Signer:
    return Signer(digest * 32, H37, title, role, Period(date(2019, 1, 1), end))


@pytest.mark.parametrize(
    ("role", "title", "end", "found"),
    [
        ("agency", "", date(2022, 1, 1), True),
        ("agency", "", None, True),
        ("agency", "", date(2020, 1, 1), False),
        ("person", "Chủ tịch", date(2022, 1, 1), False),
    ],
)
def test_a_successor_has_the_same_agency_role_and_title_and_a_later_end(
    role: str, title: str, end: date | None, found: bool
) -> None:
    register = SignerRegister([row_of("aa", "agency", "", date(2021, 1, 1)), row_of("bb", role, title, end)])
    assert bool(register.successors("aa" * 32)) is found


def test_persons_are_told_apart_by_their_title() -> None:
    register = SignerRegister(
        [
            row_of("aa", "person", "Chủ tịch", date(2021, 1, 1)),
            row_of("bb", "person", "Phó Chủ tịch", date(2022, 1, 1)),
            row_of("cc", "person", "Chủ tịch", date(2022, 1, 1)),
            row_of("dd", "person", "", date(2021, 1, 1)),
            row_of("ee", "person", "", date(2022, 1, 1)),
        ]
    )
    assert [row.certificate_sha256 for row in register.successors("aa" * 32)] == ["cc" * 32]
    assert register.successors("dd" * 32) == []


def test_a_certificate_that_cannot_be_read_is_passed_over(world_trust: Trust, seal: Identity) -> None:
    data = sign_envelope(make_envelope(), seal.private_key, seal.chain)
    verdict = verify_envelope(data, world_trust, MONDAY).verdict
    broken = Proof(ProofKind.CERTIFICATE, "ff" * 32, b"no certificate")
    in_use = CertificatesInUse()
    in_use.note([replace(verdict, proofs=(broken,))], MONDAY)
    assert in_use.take() == ()
