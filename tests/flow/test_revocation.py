"""Revocation over real HTTP on loopback: what is asked, how often, and what verdicts say meanwhile."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509 import ocsp

from gateway.clock import SECOND, local
from gateway.delivery import revocation as keeper_module
from gateway.delivery.retry import HOUR, MINUTE
from gateway.delivery.revocation import DAY, RevocationKeeper, next_question
from gateway.delivery.trust_folder import TrustFolder
from gateway.errors import NotPermitted
from gateway.flow import office, trust
from gateway.flow.operate import LOCAL
from gateway.model.finding import Decision
from gateway.model.text import AgencyCode, Instant
from gateway.model.verdict import Indication
from gateway.net import Net
from gateway.practice.pki import DemoPki, Identity, KeyKind, Knobs
from gateway.practice.pki_http import CrlMistake, Fault, OcspMistake, PkiServers, Revoked
from gateway.services import Services
from gateway.signature import revocation_crl
from gateway.signature.revocation import Standing
from gateway.signature.revocation_cache import RevocationCache
from gateway.signature.seal import sign_envelope
from gateway.signature.trust import PathResult, TrustStore
from gateway.store import proofs, rechecks, revocation
from gateway.store.contract import Store
from gateway.store.people import Role
from tests.world import MONDAY, World, make_envelope, make_world

PASSED, FAILED, UNCLEAR = Indication.PASSED, Indication.FAILED, Indication.INDETERMINATE
P256 = Knobs(key=KeyKind.P256)
LOOPBACK = "127.0.0.0/8"


@dataclass
class Scene:
    """A gateway whose trust folder has no CRL of the issuing CA, and the servers of that CA."""

    world: World
    pki: DemoPki
    servers: PkiServers
    keeper: RevocationKeeper

    @property
    def gw(self) -> Services:
        return self.world.gw

    def person(self, *names: str) -> Identity:
        """A certificate that names a CRL, an OCSP responder, or both."""
        full = self.servers.addressed(P256)
        named = {"crl": full.crl_url, "ocsp": full.ocsp_url}
        urls = {f"{name}_url": named[name] for name in names}
        return self.pki.issue_person("H37", "UBND tỉnh", "Người ký", replace(P256, **urls))

    def check(self, who: Identity) -> PathResult:
        now = self.gw.clock.now()
        return self.gw.trust_store.check_path(who.certificate, [], now)

    async def ask(self) -> None:
        """One round of the loop, and all its answers."""
        await self.keeper.round()
        await self.keeper.settle()

    async def checked(self, who: Identity) -> PathResult:
        """The verdict once the question that the first one raised is answered."""
        self.check(who)
        await self.ask()
        return self.check(who)

    async def sources(self) -> tuple[revocation.Source, ...]:
        return await self.gw.store.read(revocation.all_sources)

    async def wait(self, span: int) -> None:
        """Let time pass."""
        self.world.clock.jump_to(Instant(self.world.clock.now() + span))


@pytest.fixture
async def scene(store: Store, tmp_path: Path) -> AsyncIterator[Scene]:
    pki = DemoPki.create(tmp_path / "pki", key=KeyKind.P256)
    folder = tmp_path / "trust"
    shutil.copytree(pki.trust_folder, folder)
    (folder / "issuing.crl.pem").unlink()
    net = Net(LOOPBACK, 1)
    async with make_world(store, tmp_path, trust=folder) as world, PkiServers(pki, world.clock) as servers:
        yield Scene(world, pki, servers, RevocationKeeper(world.gw, net))
    await net.close()


def outcome(result: PathResult) -> tuple[Indication, str]:
    return result.indication, result.sub_indication


# answers


async def test_before_anybody_was_asked_the_verdict_is_open_and_says_so(scene: Scene) -> None:
    result = scene.check(scene.person("crl"))
    assert outcome(result) == (UNCLEAR, "TRY_LATER")
    assert f"đang hỏi tình trạng thu hồi tại {scene.servers.crl_url}" in result.reason.vi
    assert scene.servers.requests.total() == 0


@pytest.mark.parametrize("kind", ["crl", "ocsp"])
async def test_good_by_either_source_passes_and_names_the_bytes(scene: Scene, kind: str) -> None:
    result = await scene.checked(scene.person(kind))
    assert outcome(result) == (PASSED, "")
    leaf = result.answers[0]
    assert (leaf.standing, leaf.kind) == (Standing.GOOD, kind)
    kept = await scene.gw.store.read(lambda tx: proofs.find(tx, leaf.source_sha256))
    assert kept is not None
    assert (kept.kind.value, kept.data) == (kind, leaf.data)


async def test_revoked_by_crl_fails_with_date_and_reason(scene: Scene) -> None:
    who = scene.person("crl")
    scene.pki.revoke(who.certificate, datetime(2020, 4, 1, tzinfo=UTC), x509.ReasonFlags.key_compromise)
    result = await scene.checked(who)
    assert outcome(result) == (FAILED, "REVOKED")
    assert "từ 01/04/2020 07:00 (lý do: lộ khóa bí mật), trước thời điểm ký" in result.reason.vi


async def test_revoked_by_ocsp_fails_with_date_and_reason(scene: Scene) -> None:
    yesterday = local(MONDAY) - timedelta(days=1)
    scene.servers.knobs.ocsp.says = Revoked(yesterday.replace(microsecond=0), x509.ReasonFlags.superseded)
    result = await scene.checked(scene.person("ocsp"))
    assert outcome(result) == (FAILED, "REVOKED")
    assert "đã cấp chứng thư số thay thế" in result.reason.vi


async def test_revoked_after_signing_passes_and_it_is_said(scene: Scene) -> None:
    signed_at, who = scene.gw.clock.now(), scene.person("crl")
    await scene.wait(2 * DAY)
    scene.pki.revoke(who.certificate, local(signed_at) + timedelta(days=1))
    await scene.checked(who)
    result = scene.gw.trust_store.check_path(who.certificate, [], signed_at, scene.gw.clock.now())
    assert outcome(result) == (PASSED, "")
    assert "sau đó đã bị thu hồi" in result.reason.vi


async def test_suspended_certificate_is_open_until_the_suspension_ends(scene: Scene) -> None:
    hold = Revoked(local(MONDAY).replace(microsecond=0), x509.ReasonFlags.certificate_hold)
    scene.servers.knobs.ocsp.says = hold
    who = scene.person("ocsp")
    result = await scene.checked(who)
    assert outcome(result) == (UNCLEAR, "TRY_LATER")
    assert "tạm dừng" in result.reason.vi
    scene.servers.knobs.ocsp.says = ocsp.OCSPCertStatus.GOOD
    await scene.wait(DAY)
    await scene.ask()
    assert outcome(scene.check(who)) == (PASSED, "")


async def test_responder_that_does_not_know_the_certificate_is_an_answer_of_its_own(scene: Scene) -> None:
    scene.servers.knobs.ocsp.says = ocsp.OCSPCertStatus.UNKNOWN
    result = await scene.checked(scene.person("ocsp"))
    assert outcome(result) == (UNCLEAR, "TRY_LATER")
    assert "không biết chứng thư số" in result.reason.vi
    assert result.answers[0].standing is Standing.UNKNOWN


async def test_one_source_that_says_revoked_outweighs_the_other(scene: Scene) -> None:
    scene.servers.knobs.ocsp.says = Revoked(datetime(2020, 4, 1, tzinfo=UTC))
    assert outcome(await scene.checked(scene.person("crl", "ocsp"))) == (FAILED, "REVOKED")


async def test_ocsp_helps_where_the_crl_does_not_come(scene: Scene) -> None:
    await scene.servers.close("crl")
    assert outcome(await scene.checked(scene.person("crl", "ocsp"))) == (PASSED, "")


# sources that fail


async def test_unreachable_source_is_open_and_passes_once_it_answers(scene: Scene) -> None:
    await scene.servers.close("crl")
    who = scene.person("crl")
    result = await scene.checked(who)
    assert outcome(result) == (UNCLEAR, "TRY_LATER")
    assert result.answers[0].standing is Standing.UNREACHABLE
    assert "không trả lời" in result.reason.vi
    await scene.servers.reopen("crl")
    await scene.ask()
    assert outcome(scene.check(who)) == (UNCLEAR, "TRY_LATER")  # it rests after a failure
    await scene.wait(MINUTE)
    await scene.ask()
    assert outcome(scene.check(who)) == (PASSED, "")


FAULTS = [
    (Fault.RESET, "unreachable.answer.cut_off", "không trả lời"),
    (Fault.CUT_OFF, "unreachable.answer.cut_off", "không trả lời"),
    (Fault.NOT_FOUND, "unreachable.http.404", "không trả lời"),
    (Fault.SERVER_ERROR, "unreachable.http.500", "không trả lời"),
    (Fault.GARBAGE, "garbage", "không đọc được"),
    (Fault.HTML, "garbage", "không đọc được"),
    (Fault.EMPTY, "garbage", "không đọc được"),
    (Fault.HUGE, "too_large", "quá lớn"),
]


@pytest.mark.parametrize("kind", ["crl", "ocsp"])
@pytest.mark.parametrize(("fault", "problem", "words"), FAULTS)
async def test_every_fault_on_the_way_is_named_and_never_a_pass(
    scene: Scene, kind: str, fault: Fault, problem: str, words: str
) -> None:
    getattr(scene.servers.knobs, kind).fault = fault
    result = await scene.checked(scene.person(kind))
    assert outcome(result) == (UNCLEAR, "TRY_LATER")
    assert words in result.reason.vi
    [source] = await scene.sources()
    assert (source.problem, source.failures) == (problem, 1)


CRL_MISTAKES = [
    (CrlMistake.FUTURE, "future"),
    (CrlMistake.STRANGER, "forged"),
    (CrlMistake.OTHER_ISSUER, "forged"),  # the other PKI has the same names
    (CrlMistake.STALE, "stale"),
]


@pytest.mark.parametrize(("mistake", "problem"), CRL_MISTAKES)
async def test_crl_with_a_mistake_is_named_and_never_a_pass(
    scene: Scene, mistake: CrlMistake, problem: str
) -> None:
    scene.servers.knobs.crl.mistake = mistake
    assert outcome(await scene.checked(scene.person("crl"))) == (UNCLEAR, "TRY_LATER")
    assert [s.problem for s in await scene.sources()] == [problem]


OCSP_MISTAKES = [
    (OcspMistake.FUTURE, "future"),
    (OcspMistake.STALE, "stale"),
    (OcspMistake.EXPIRED_RESPONDER, "untrusted_responder"),
    (OcspMistake.WRONG_USAGE, "untrusted_responder"),
    (OcspMistake.STRANGER, "untrusted_responder"),
    (OcspMistake.OTHER_CERTIFICATE, "wrong_certificate"),
    (OcspMistake.TRY_LATER, "refused"),
]


@pytest.mark.parametrize(("mistake", "problem"), OCSP_MISTAKES)
async def test_ocsp_answer_with_a_mistake_is_named_and_never_a_pass(
    scene: Scene, mistake: OcspMistake, problem: str
) -> None:
    scene.servers.knobs.ocsp.mistake = mistake
    assert outcome(await scene.checked(scene.person("ocsp"))) == (UNCLEAR, "TRY_LATER")
    assert [s.problem for s in await scene.sources()] == [problem]


async def test_stale_answer_is_stale_with_its_date(scene: Scene) -> None:
    scene.servers.knobs.crl.mistake = CrlMistake.STALE
    result = await scene.checked(scene.person("crl"))
    assert result.answers[0].standing is Standing.STALE
    assert "đã quá hạn từ 12/04/2020" in result.reason.vi


async def test_stale_crl_still_fails_whom_it_revoked(scene: Scene) -> None:
    scene.servers.knobs.crl.mistake = CrlMistake.STALE
    who = scene.person("crl")
    scene.pki.revoke(who.certificate, datetime(2020, 4, 1, tzinfo=UTC))
    assert outcome(await scene.checked(who)) == (FAILED, "REVOKED")


async def test_slow_source_delays_neither_the_round_nor_another_source(scene: Scene) -> None:
    scene.servers.knobs.crl.seconds = 60
    slow, quick = scene.person("crl"), scene.person("ocsp")
    scene.check(slow)
    started = time.monotonic()
    await scene.keeper.round()
    assert time.monotonic() - started < 0.5
    scene.check(quick)
    await scene.keeper.round()
    await asyncio.sleep(0.3)
    assert outcome(scene.check(quick)) == (PASSED, "")
    await scene.keeper.settle()
    assert scene.check(slow).answers[0].standing is Standing.UNREACHABLE


async def test_source_that_fails_is_asked_less_and_less_often(scene: Scene) -> None:
    await scene.servers.close("crl")
    scene.check(scene.person("crl"))
    waits = []
    for _ in range(9):
        asked_at = scene.gw.clock.now()
        await scene.ask()
        [source] = await scene.sources()
        waits.append((source.due_at - asked_at) // SECOND)
        scene.world.clock.jump_to(source.due_at)
    assert waits == sorted(waits)
    assert 30 <= waits[0] <= 34
    assert HOUR // SECOND <= waits[-1] <= HOUR * 11 // 10 // SECOND


async def test_figures_count_what_fails_and_how_old_answers_are(scene: Scene) -> None:
    def figure(name: str, kind: str) -> float | None:
        return scene.gw.metrics.registry.get_sample_value(name, {"kind": kind})

    await scene.servers.close("crl")
    scene.check(scene.person("ocsp"))
    await scene.checked(scene.person("crl"))
    await scene.wait(2 * MINUTE)
    await scene.ask()
    assert figure("gateway_revocation_failing", "crl") == 1
    assert figure("gateway_revocation_failing", "ocsp") == 0
    age = figure("gateway_revocation_oldest_seconds", "ocsp")
    assert age is not None
    assert 3600 <= age <= 3600 + 180  # the responder's answers begin an hour back


# what may be asked at all


@pytest.mark.parametrize("address", ["http://10.1.2.3/a.crl", "http://169.254.169.254/a.crl"])
async def test_addresses_that_are_not_public_are_not_dialled(scene: Scene, address: str) -> None:
    net = Net("", 1)
    keeper = RevocationKeeper(scene.gw, net)
    who = scene.pki.issue_person("H37", "UBND tỉnh", "Người ký", replace(P256, crl_url=address))
    scene.check(who)
    await keeper.round()
    await keeper.settle()
    await net.close()
    assert [s.problem for s in await scene.sources()] == ["forbidden"]
    assert "không được phép gọi" in scene.check(who).reason.vi


async def test_addresses_in_a_strangers_certificate_are_never_asked(scene: Scene, tmp_path: Path) -> None:
    stranger = DemoPki.create(tmp_path / "stranger", key=KeyKind.P256)
    who = stranger.issue_person("H37", "UBND tỉnh", "Người ký", scene.servers.addressed(P256))
    result = scene.gw.trust_store.check_path(who.certificate, who.issuers, scene.gw.clock.now())
    await scene.ask()
    assert outcome(result) == (UNCLEAR, "CERTIFICATE_CHAIN_GENERAL_FAILURE")
    assert scene.servers.requests.total() == 0
    assert await scene.sources() == ()


async def test_site_without_a_way_out_asks_nobody_and_asks_for_a_crl(scene: Scene) -> None:
    folder = scene.world.home / "trust"
    store = TrustStore.load(folder, (RevocationCache(enabled=False),))
    result = store.check_path(scene.person("crl", "ocsp").certificate, [], scene.gw.clock.now())
    assert outcome(result) == (UNCLEAR, "TRY_LATER")
    assert "cần nạp danh sách thu hồi" in result.reason.vi


# how often


async def test_a_thousand_messages_with_one_certificate_ask_once(scene: Scene) -> None:
    who = scene.person("crl")
    for number in range(1000):
        scene.check(who)
        if number % 100 == 0:
            await scene.ask()
    assert scene.servers.requests == {"crl": 1}


async def test_two_signers_of_one_ca_share_its_crl_and_ask_no_ocsp(scene: Scene) -> None:
    await scene.checked(scene.person("crl"))
    assert outcome(scene.check(scene.person("crl", "ocsp"))) == (PASSED, "")
    await scene.ask()
    assert scene.servers.requests == {"crl": 1}


async def test_answer_is_renewed_before_it_runs_out_while_it_is_needed(scene: Scene) -> None:
    who = scene.person("crl")
    await scene.checked(who)
    for _ in range(10):  # a CRL of the demo CA lives a week
        await scene.wait(DAY + HOUR)
        assert outcome(scene.check(who)) == (PASSED, "")
        await scene.ask()
    assert scene.servers.requests["crl"] == 11


async def test_source_that_nobody_needs_rests_and_wakes_with_the_next_need(scene: Scene) -> None:
    who = scene.person("crl")
    await scene.checked(who)
    await scene.wait(40 * DAY)
    await scene.ask()
    assert scene.servers.requests == {"crl": 1}
    result = scene.check(who)
    assert result.answers[0].standing is Standing.STALE
    await scene.ask()
    assert outcome(scene.check(who)) == (PASSED, "")
    await scene.wait(401 * DAY)
    await scene.ask()
    assert await scene.sources() == ()


def test_next_question_comes_before_the_answer_runs_out() -> None:
    def turn(this_update: int, next_update: int, now: int) -> float:
        crl = revocation_crl.Crl("", "", b"", Instant(this_update * HOUR), Instant(next_update * HOUR),
                                 {}, frozenset(), b"", None)  # type: ignore[arg-type]  # fmt: skip
        return next_question(crl, Instant(now * HOUR)) / HOUR

    assert turn(0, 10, 0) == 8
    assert turn(0, 10, 9) == 9.5
    assert turn(0, 10_000, 5) == 5 + 24
    assert turn(0, 10, 10) == pytest.approx(10 + 1 / 60)


async def test_big_crl_is_read_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        scene.pki.revoke(scene.person("crl").certificate, datetime(2020, 4, 1, tzinfo=UTC))
    read = 0
    real = revocation_crl._read

    def counted(*args: object) -> revocation_crl.Crl:
        nonlocal read
        read += 1
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(revocation_crl, "_read", counted)
    who = scene.person("crl")
    await scene.checked(who)
    for _ in range(100):
        scene.check(who)
        await scene.gw.refresh()
    assert read == 1


# memory and disk


async def test_restarted_gateway_knows_the_answers_without_asking(scene: Scene) -> None:
    crl, by_ocsp = scene.person("crl"), scene.person("ocsp")
    scene.check(by_ocsp)
    await scene.checked(crl)
    asked = scene.servers.requests.copy()
    fresh = RevocationCache()
    again = Services(
        config=scene.gw.config, clock=scene.gw.clock, store=scene.gw.store, blobs=scene.gw.blobs,
        keyring=scene.gw.keyring, kinds={}, revocation=fresh,
        trust_store=TrustStore.load(scene.world.home / "trust", (fresh,)),
    )  # fmt: skip
    await again.refresh()
    for who in (crl, by_ocsp):
        result = again.trust_store.check_path(who.certificate, [], again.clock.now())
        assert outcome(result) == (PASSED, "")
    assert fresh.take_wishes() == []
    assert scene.servers.requests == asked


async def test_two_nodes_ask_a_source_once(scene: Scene) -> None:
    scene.check(scene.person("crl"))
    await scene.keeper.round()
    net = Net(LOOPBACK, 1)
    other = RevocationKeeper(scene.gw, net)
    await other.round()
    await other.settle()
    await scene.keeper.settle()
    await net.close()
    assert scene.servers.requests == {"crl": 1}


async def test_new_answer_makes_the_waiting_messages_due(scene: Scene) -> None:
    who = scene.person("crl")
    seal = sign_envelope(make_envelope(), who.private_key, who.chain)
    await office.import_signers(scene.gw, LOCAL, [who.signer(AgencyCode("H37"))])
    submission = await scene.world.upload("H37", seal)
    assert submission.decision is Decision.ACCEPT
    due = await scene.gw.store.read(lambda tx: rechecks.due(tx, scene.gw.clock.now(), 10))
    assert due == []
    await scene.ask()
    due = await scene.gw.store.read(lambda tx: rechecks.due(tx, scene.gw.clock.now(), 10))
    assert due == [submission.message]


async def test_gate_never_waits_for_a_source(scene: Scene) -> None:
    scene.servers.knobs.crl.seconds = 60
    running = asyncio.create_task(scene.keeper.run())
    who = scene.person("crl")
    await office.import_signers(scene.gw, LOCAL, [who.signer(AgencyCode("H37"))])
    started = time.monotonic()
    for number in range(3):
        data = make_envelope(number=str(400 + number))
        submission = await scene.world.upload("H37", sign_envelope(data, who.private_key, who.chain))
        assert submission.decision is Decision.ACCEPT
        assert "signature.indeterminate" in [finding.rule for finding in submission.findings]
    assert time.monotonic() - started < 2
    scene.keeper.stop()
    await running


async def test_the_running_loop_answers_within_a_second(scene: Scene) -> None:
    running = asyncio.create_task(scene.keeper.run())
    who = scene.person("crl")
    scene.check(who)
    await asyncio.sleep(1)
    assert outcome(scene.check(who)) == (PASSED, "")
    scene.keeper.stop()
    await running


async def test_new_crl_on_the_old_address_after_a_roll_over_of_the_ca(scene: Scene) -> None:
    """Old and new key of one CA share an address; the CRL counts for the key that signed it."""
    old = scene.person("crl")
    assert outcome(await scene.checked(old)) == (PASSED, "")
    scene.pki.add_authority("second", replace(P256, issued_by="root"))
    shutil.copy(scene.pki.trust_folder / "second.crt.pem", scene.world.home / "trust")
    scene.gw.trust_store = TrustStore.load(scene.world.home / "trust", (scene.gw.revocation,))
    knobs = replace(P256, issued_by="second", crl_url=scene.servers.crl_url)
    new = scene.pki.issue_person("H37", "UBND tỉnh", "Người mới", knobs)
    assert outcome(scene.check(new)) == (UNCLEAR, "TRY_LATER")
    assert outcome(scene.check(old)) == (PASSED, "")


# the folder


async def test_crl_put_into_the_folder_counts_without_a_restart(scene: Scene) -> None:
    folder, who = scene.world.home / "trust", scene.person()
    watch = TrustFolder(scene.gw, folder)
    assert not await watch.look()
    shutil.copy(scene.pki.trust_folder / "issuing.crl.pem", folder)
    assert outcome(scene.check(who)) == (UNCLEAR, "TRY_LATER")
    assert not await watch.look()  # it may still be being copied
    assert await watch.look()
    assert outcome(scene.check(who)) == (PASSED, "")
    assert not await watch.look()


async def test_anchor_that_cannot_be_read_leaves_what_is_known_in_force(scene: Scene) -> None:
    folder, watch = scene.world.home / "trust", TrustFolder(scene.gw, scene.world.home / "trust")
    before = scene.gw.trust_store
    (folder / "new-root.crt.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    assert [await watch.look() for _ in range(3)] == [False, False, False]
    assert scene.gw.trust_store is before


async def test_second_root_is_trusted_beside_the_first(scene: Scene, tmp_path: Path) -> None:
    folder, watch = scene.world.home / "trust", TrustFolder(scene.gw, scene.world.home / "trust")
    other = DemoPki.create(tmp_path / "other", "NEXT", key=KeyKind.P256)
    for file in other.trust_folder.iterdir():
        shutil.copy(file, folder / f"next-{file.name}")
    await watch.look()
    assert await watch.look()
    assert outcome(scene.check(other.issue_person("H37", "UBND tỉnh", "A", P256))) == (PASSED, "")
    assert outcome(await scene.checked(scene.person("crl"))) == (PASSED, "")


async def test_a_fault_of_the_program_in_one_question_harms_no_other(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> bytes:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(keeper_module, "ocsp_request", broken)
    scene.check(scene.person("ocsp"))
    assert outcome(await scene.checked(scene.person("crl"))) == (PASSED, "")


async def test_trust_is_shown_to_overseers_and_refreshed_by_operators_only(scene: Scene) -> None:
    auditor = replace(LOCAL, role=Role.AUDITOR)
    assert (await trust.list_trust(scene.gw, auditor))["anchors"]
    with pytest.raises(NotPermitted):
        await trust.refresh_trust(scene.gw, auditor)
    with pytest.raises(NotPermitted):
        await trust.list_trust(scene.gw, scene.world.caller("H37"))
    operator, before = replace(LOCAL, role=Role.OPERATOR), scene.gw.clock.now()
    assert (await trust.refresh_trust(scene.gw, operator))["asked_at"] >= before
