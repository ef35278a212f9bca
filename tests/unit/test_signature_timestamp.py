"""Timestamps over the log of receipts: each mistake of a service has its name, and nothing changed passes."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import rfc3161_client
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.clock import from_datetime
from gateway.exchange_log.checkpoint import Checkpoint, PublicKey, sign
from gateway.exchange_log.merkle import EMPTY_ROOT, Tree, leaf_hash
from gateway.exchange_log.receipts import Attachment, receipt_digest, stamped_bytes, verify_receipt
from gateway.model.canonical import canonical_json
from gateway.model.verdict import Indication
from gateway.practice.pki import DemoPki, KeyKind, Knobs
from gateway.practice.pki_answers import Answers, TsaMistake
from gateway.signature.certificates import fingerprint
from gateway.signature.timestamp import Judged, judge_response, judge_token, make_request
from gateway.signature.trust import TrustStore

NOW = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
AT = from_datetime(NOW)
TST_INFO = b"\x02\x01\x01\x06\x03\x88\x37\x01"  # how it begins: version 1, policy 2.999.1
DATA, NONCE = b"what is stamped", 2**63 + 5
LOG = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
LOG_KEY = PublicKey("truc/1", LOG.public_key().public_bytes_raw())
RECEIPTS = [f"eyJhbGciOiJFUzI1NiJ9.{number:04d}.c2lnbmF0dXJl" for number in range(7)]


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DemoPki:
    return DemoPki.create(tmp_path_factory.mktemp("pki") / "var", key=KeyKind.P256)


@pytest.fixture(scope="module")
def answers(pki: DemoPki) -> Answers:
    return Answers(pki)


@pytest.fixture(scope="module")
def trust(pki: DemoPki) -> TrustStore:
    return TrustStore.load(pki.trust_folder)


def answer(answers: Answers, mistake: TsaMistake = TsaMistake.NONE, data: bytes = DATA) -> bytes:
    return answers.timestamp_answer(make_request(data, NONCE), mistake, NOW)


def judge(answers: Answers, trust: TrustStore, mistake: TsaMistake = TsaMistake.NONE) -> Judged:
    return judge_response(answer(answers, mistake), DATA, NONCE, trust, AT)


def test_a_good_timestamp_passes_and_says_when_and_who(answers: Answers, trust: TrustStore) -> None:
    found = judge(answers, trust)
    assert (found.indication, found.problem, found.time) == (Indication.PASSED, "", AT)
    assert found.authority.startswith("CN=TSA")
    assert judge_token(found.token, DATA, trust, AT).indication is Indication.PASSED


PROBLEMS = {
    TsaMistake.IMPRINT: "timestamp.imprint",
    TsaMistake.NONCE: "timestamp.nonce",
    TsaMistake.NO_NONCE: "timestamp.nonce",
    TsaMistake.REFUSED: "timestamp.refused",
    TsaMistake.EXPIRED: "timestamp.path",
    TsaMistake.WRONG_USAGE: "timestamp.usage",
    TsaMistake.UNCRITICAL_USAGE: "timestamp.usage",
    TsaMistake.STRANGER: "timestamp.path",
    TsaMistake.BAD_SIGNATURE: "timestamp.signature",
    TsaMistake.NO_CERTIFICATE: "timestamp.certificate_missing",
}


def test_every_mistake_has_its_name() -> None:
    assert set(PROBLEMS) == set(TsaMistake) - {TsaMistake.NONE}


@pytest.mark.parametrize("mistake", PROBLEMS)
def test_a_mistaken_timestamp_is_not_worth_keeping(
    answers: Answers, trust: TrustStore, mistake: TsaMistake
) -> None:
    found = judge(answers, trust, mistake)
    assert found.problem == PROBLEMS[mistake]
    assert found.indication is not Indication.PASSED
    assert not found.worth_keeping
    assert found.text.vi != found.text.en


@pytest.mark.parametrize("body", [b"", b"\x30", b"<html>", bytes(300), b"\x30\x80\x00\x00", b"\x30\x84" * 90])
def test_garbage_is_unreadable(trust: TrustStore, body: bytes) -> None:
    assert judge_response(body, DATA, NONCE, trust, AT).problem == "timestamp.unreadable"
    assert judge_token(body, DATA, trust, AT).problem == "timestamp.unreadable"


def test_a_service_with_stale_revocation_data_is_kept_but_not_valid(
    answers: Answers, pki: DemoPki, tmp_path: Path
) -> None:
    for part in ("root", "issuing"):
        source = pki.trust_folder / f"{part}.crt.pem"
        (tmp_path / source.name).write_bytes(source.read_bytes())
    found = judge_response(answer(answers), DATA, NONCE, TrustStore.load(tmp_path), AT)
    assert found.problem == "timestamp.revocation_unknown"
    assert found.indication is Indication.INDETERMINATE
    assert found.worth_keeping


def test_a_service_revoked_before_the_token_fails(tmp_path: Path) -> None:
    pki = DemoPki.create(tmp_path / "var", key=KeyKind.P256)
    answers = Answers(pki)
    token = answer(answers)
    (service,) = (pki.folder / "signers").glob("*.role")
    certificate = pki.load(service.stem).certificate
    pki.revoke(certificate, NOW - timedelta(days=1))
    trust = TrustStore.load(pki.trust_folder)
    assert judge_response(token, DATA, NONCE, trust, AT).problem == "timestamp.path"


def test_no_changed_byte_of_a_token_passes(answers: Answers, trust: TrustStore) -> None:
    """Each byte, one at a time. Only what nobody relies on may be changed unnoticed, as the CA's certificate
    that travels along: time and authority stay what they were."""
    good = judge(answers, trust)
    signed = range(good.token.index(TST_INFO), good.token.index(TST_INFO) + 80)
    unnoticed = []
    for place in range(len(good.token)):
        changed = good.token[:place] + bytes([good.token[place] ^ 0x11]) + good.token[place + 1 :]
        found = judge_token(changed, DATA, trust, AT)
        if found.indication is Indication.PASSED:
            assert (found.time, found.authority) == (good.time, good.authority)
            unnoticed.append(place)
    assert not set(unnoticed) & set(signed)
    assert len(unnoticed) < len(good.token) / 2


def test_an_independent_client_accepts_what_we_accept(answers: Answers, pki: DemoPki) -> None:
    response = rfc3161_client.decode_timestamp_response(answer(answers))
    builder = rfc3161_client.VerifierBuilder().add_root_certificate(pki.root.certificate).nonce(NONCE)
    verifier = builder.add_intermediate_certificate(pki.issuing.certificate).build()
    assert verifier.verify_message(response, DATA)


def test_an_independent_service_is_accepted(pki: DemoPki, trust: TrustStore, tmp_path: Path) -> None:
    """openssl as timestamp service: RSA, its own attributes, our verification."""
    service = pki.issue_service("TSA", Knobs(purpose=ExtendedKeyUsageOID.TIME_STAMPING))
    key = pki.folder / "signers" / f"{fingerprint(service.certificate)[:16]}.key.pem"
    (tmp_path / "tsa.pem").write_bytes(service.certificate.public_bytes(Encoding.PEM))
    (tmp_path / "query.tsq").write_bytes(make_request(DATA, NONCE))
    (tmp_path / "serial").write_text("01\n")
    (tmp_path / "tsa.cnf").write_text(CONFIG)
    command = ["openssl", "ts", "-reply", "-config", "tsa.cnf", "-section", "tsa", "-queryfile", "query.tsq"]
    command += ["-signer", "tsa.pem", "-inkey", str(key), "-chain", str(pki.trust_folder / "issuing.crt.pem")]
    subprocess.run([*command, "-out", "answer.tsr"], cwd=tmp_path, check=True, capture_output=True)
    response = (tmp_path / "answer.tsr").read_bytes()
    found = judge_response(response, DATA, NONCE, trust, from_datetime(datetime.now(UTC)))
    assert (found.indication, found.problem) == (Indication.PASSED, "")


CONFIG = """
[tsa]
serial = serial
default_policy = 1.2.3.4
digests = sha256
signer_digest = sha256
ess_cert_id_alg = sha256
"""


# receipts


def event_of(jws: str) -> bytes:
    return canonical_json({"type": "document.accepted", "receipt_sha256": receipt_digest(jws)})


def note_of(size: int, root: bytes, key: Ed25519PrivateKey = LOG) -> str:
    return str(sign(Checkpoint("truc/1", size, root), LOG_KEY, key.sign))


@pytest.fixture(scope="module")
def attachments(answers: Answers, trust: TrustStore) -> list[Attachment]:
    events = [event_of(jws) for jws in RECEIPTS]
    tree = Tree(leaf_hash(event) for event in events)
    note = note_of(len(tree), tree.root())
    data = stamped_bytes(note)
    token = judge_response(answer(answers, data=data), data, NONCE, trust, AT).token
    return [
        Attachment(event, place, tree.inclusion_proof(place), note, token)
        for place, event in enumerate(events)
    ]


def test_each_receipt_below_a_checkpoint_is_proved_by_the_one_token(
    attachments: list[Attachment], trust: TrustStore
) -> None:
    for jws, attachment in zip(RECEIPTS, attachments, strict=True):
        found = verify_receipt(jws, attachment, [LOG_KEY], trust, AT)
        assert (found.indication, found.time) == (Indication.PASSED, AT)
    assert len({attachment.token for attachment in attachments}) == 1


def test_no_other_receipt_event_place_proof_or_checkpoint_passes(
    attachments: list[Attachment], trust: TrustStore
) -> None:
    jws, good = RECEIPTS[3], attachments[3]
    for place in range(len(jws)):
        changed = jws[:place] + chr(ord(jws[place]) ^ 1) + jws[place + 1 :]
        assert refused(changed, good, trust)
        assert refused(changed, replace(good, event=event_of(changed)), trust)
    for other in (0, 1, 2, 4, 5, 6, 7, -1):
        assert refused(jws, replace(good, leaf=other), trust)
    root = Tree(leaf_hash(event_of(jws)) for jws in RECEIPTS).root()
    for size in (1, 3, 4, 5, 6, 8, 9, 16):
        assert refused(jws, replace(good, note=note_of(size, root)), trust)
    for place, part in enumerate(good.inclusion_proof):
        proof = list(good.inclusion_proof)
        proof[place] = bytes([part[0] ^ 1]) + part[1:]
        assert refused(jws, replace(good, inclusion_proof=tuple(proof)), trust)
    assert refused(jws, replace(good, inclusion_proof=good.inclusion_proof[:-1]), trust)
    assert refused(jws, replace(good, note=note_of(7, EMPTY_ROOT)), trust)
    assert refused(jws, replace(good, note="no note"), trust)
    assert refused(jws, replace(good, event=b"no json"), trust)
    assert refused(jws, replace(good, token=good.token[:-1]), trust)


def test_a_checkpoint_of_another_key_passes_nothing(attachments: list[Attachment], trust: TrustStore) -> None:
    forged = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
    root = Tree(leaf_hash(event_of(jws)) for jws in RECEIPTS).root()
    assert refused(RECEIPTS[3], replace(attachments[3], note=note_of(7, root, forged)), trust)


def test_without_a_token_the_log_alone_proves_and_says_that_the_timestamp_waits(
    attachments: list[Attachment], trust: TrustStore
) -> None:
    found = verify_receipt(RECEIPTS[3], replace(attachments[3], token=b""), [LOG_KEY], trust, AT)
    assert (found.indication, found.problem) == (Indication.INDETERMINATE, "timestamp.pending")


def refused(jws: str, attachment: Attachment, trust: TrustStore) -> bool:
    return verify_receipt(jws, attachment, [LOG_KEY], trust, AT).indication is Indication.FAILED
