"""The servers of the demo CA: each knob, read by software of others (cryptography, openssl, aiohttp)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from gateway.clock import ScenarioClock, from_datetime
from gateway.practice.pki import GOOD, DemoPki, Identity, KeyKind, Knobs
from gateway.practice.pki_http import CrlMistake, Fault, OcspMistake, PkiServers, Revoked, TsaMistake

NOW = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
P256 = Knobs(key=KeyKind.P256)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DemoPki:
    return DemoPki.create(tmp_path_factory.mktemp("pki") / "var", key=KeyKind.P256)


@pytest.fixture(scope="module")
def person(pki: DemoPki) -> Identity:
    return pki.issue_person("H37", "UBND tỉnh Lạng Sơn", "Nguyễn Văn A", P256)


@pytest.fixture
async def servers(pki: DemoPki) -> AsyncIterator[PkiServers]:
    async with PkiServers(pki, ScenarioClock(from_datetime(NOW))) as found:
        yield found


@dataclass
class Got:
    """What an HTTP client saw."""

    status: int
    body: bytes
    content_type: str = ""


async def fetch(url: str, body: bytes | None = None, seconds: float = 5.0) -> Got:
    method = "GET" if body is None else "POST"
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(seconds)) as session,
        session.request(method, url, data=body) as answer,
    ):
        return Got(answer.status, await answer.read(), answer.content_type)


async def ask_ocsp(servers: PkiServers, who: Identity, nonce: bytes = b"") -> ocsp.OCSPResponse:
    return ocsp.load_der_ocsp_response((await fetch(servers.ocsp_url, ocsp_request(who, nonce))).body)


def ocsp_request(who: Identity, nonce: bytes = b"") -> bytes:
    builder = ocsp.OCSPRequestBuilder().add_certificate(who.certificate, who.issuers[0], hashes.SHA256())
    if nonce:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


def signed_by_responder_it_carries(answer: ocsp.OCSPResponse) -> bool:
    key = answer.certificates[0].public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(answer.signature, answer.tbs_response_bytes, ec.ECDSA(hashes.SHA256()))
    return True


def usages(certificate: x509.Certificate) -> list[x509.ObjectIdentifier]:
    return list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)


# CRL


async def test_the_crl_lists_what_the_pki_revoked(servers: PkiServers, pki: DemoPki) -> None:
    gone = pki.issue_person("H37", "UBND tỉnh Lạng Sơn", "Người thôi việc", P256)
    pki.revoke(gone.certificate, NOW - timedelta(days=3), x509.ReasonFlags.superseded)
    got = await fetch(servers.crl_url)
    crl = x509.load_der_x509_crl(got.body)
    assert (got.status, got.content_type) == (200, "application/pkix-crl")
    assert crl.is_signature_valid(pki.issuing.certificate.public_key())  # type: ignore[arg-type]
    assert crl.last_update_utc < NOW < (crl.next_update_utc or NOW)
    entry = crl.get_revoked_certificate_by_serial_number(gone.certificate.serial_number)
    assert entry is not None
    assert entry.revocation_date_utc == NOW - timedelta(days=3)
    assert (
        entry.extensions.get_extension_for_class(x509.CRLReason).value.reason is x509.ReasonFlags.superseded
    )
    assert servers.requests == {"crl": 1}


async def test_the_roots_crl_has_an_address_of_its_own(servers: PkiServers, pki: DemoPki) -> None:
    crl = x509.load_der_x509_crl((await fetch(servers.crl_url_of("root"))).body)
    assert crl.issuer == pki.root.certificate.subject
    assert (await fetch(servers.crl_url_of("nobody"))).status == 404


async def test_a_stale_and_a_future_crl(servers: PkiServers) -> None:
    servers.knobs.crl.mistake = CrlMistake.STALE
    stale = x509.load_der_x509_crl((await fetch(servers.crl_url)).body)
    servers.knobs.crl.mistake = CrlMistake.FUTURE
    future = x509.load_der_x509_crl((await fetch(servers.crl_url)).body)
    assert stale.next_update_utc is not None
    assert stale.next_update_utc < NOW < future.last_update_utc


@pytest.mark.parametrize("mistake", [CrlMistake.STRANGER, CrlMistake.OTHER_ISSUER])
async def test_a_crl_of_a_stranger(servers: PkiServers, pki: DemoPki, mistake: CrlMistake) -> None:
    servers.knobs.crl.mistake = mistake
    crl = x509.load_der_x509_crl((await fetch(servers.crl_url)).body)
    assert crl.issuer == pki.issuing.certificate.subject
    assert not crl.is_signature_valid(pki.issuing.certificate.public_key())  # type: ignore[arg-type]


# certificates with addresses


async def test_certificates_carry_the_addresses_of_their_issuer(servers: PkiServers, pki: DemoPki) -> None:
    addressed = servers.addressed(P256)
    certificate = pki.issue_person("H37", "UBND", "Nguyễn Văn A", addressed).certificate
    point = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value[0]
    ways = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    found = {way.access_method: way.access_location.value for way in ways}
    assert point.full_name is not None
    assert point.full_name[0].value == servers.crl_url
    assert found[AuthorityInformationAccessOID.OCSP] == servers.ocsp_url
    issuer = x509.load_der_x509_certificate(
        (await fetch(found[AuthorityInformationAccessOID.CA_ISSUERS])).body
    )
    assert issuer == pki.issuing.certificate


def test_certificates_have_no_addresses_unless_asked(person: Identity) -> None:
    with pytest.raises(x509.ExtensionNotFound):
        person.certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints)


async def test_two_issuing_cas_overlap_at_a_roll_over(servers: PkiServers, pki: DemoPki) -> None:
    second = pki.add_authority("G2", servers.addressed(Knobs(key=KeyKind.P256, issued_by="root")))
    new = pki.issue_agency("H37", "UBND tỉnh Lạng Sơn", replace(servers.addressed(P256), issued_by="G2"))
    new.certificate.verify_directly_issued_by(second.certificate)
    second.certificate.verify_directly_issued_by(pki.root.certificate)
    crl = x509.load_der_x509_crl((await fetch(servers.crl_url_of("G2"))).body)
    assert crl.is_signature_valid(second.certificate.public_key())  # type: ignore[arg-type]
    assert (await ask_ocsp(servers, new)).certificate_status is ocsp.OCSPCertStatus.GOOD
    again = DemoPki.open(pki.folder)
    loaded = again.load(hashlib.sha256(new.certificate.public_bytes(Encoding.DER)).hexdigest())
    assert again.authorities["G2"].certificate == second.certificate
    assert loaded.issuers == new.issuers


async def test_an_issuing_ca_can_be_revoked_and_can_expire(servers: PkiServers, pki: DemoPki) -> None:
    ended = Knobs(key=KeyKind.P256, issued_by="root", not_after=NOW - timedelta(days=1))
    old = pki.add_authority("G0", ended)
    pki.revoke(old.certificate, NOW - timedelta(days=9), x509.ReasonFlags.ca_compromise)
    assert old.certificate.not_valid_after_utc < NOW
    answer = await ask_ocsp(servers, old)
    assert answer.revocation_reason is x509.ReasonFlags.ca_compromise


def test_a_second_root_can_be_crossed(pki: DemoPki, tmp_path: Path) -> None:
    other = DemoPki.create(tmp_path / "other", "DEMO-2", KeyKind.P256)
    bridge = pki.cross_certify(other.issuing)
    leaf = other.issue_person("H37", "UBND", "Nguyễn Văn B", P256)
    leaf.certificate.verify_directly_issued_by(bridge)
    bridge.verify_directly_issued_by(pki.root.certificate)


# OCSP


async def test_ocsp_says_good_and_gives_the_nonce_back(
    servers: PkiServers, pki: DemoPki, person: Identity
) -> None:
    answer = await ask_ocsp(servers, person, b"0123456789abcdef")
    responder = answer.certificates[0]
    assert answer.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert answer.serial_number == person.certificate.serial_number
    assert answer.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == b"0123456789abcdef"
    assert answer.this_update_utc < NOW < (answer.next_update_utc or NOW)
    assert signed_by_responder_it_carries(answer)
    responder.verify_directly_issued_by(pki.issuing.certificate)
    assert usages(responder) == [ExtendedKeyUsageOID.OCSP_SIGNING]
    assert servers.requests == {"ocsp": 1}


async def test_ocsp_can_be_asked_by_get(servers: PkiServers, person: Identity) -> None:
    text = base64.b64encode(ocsp_request(person)).decode().replace("+", "%2B").replace("/", "%2F")
    got = await fetch(f"{servers.ocsp_url}/{text}")
    assert ocsp.load_der_ocsp_response(got.body).certificate_status is ocsp.OCSPCertStatus.GOOD


async def test_ocsp_knows_what_stands_on_the_crl(servers: PkiServers, pki: DemoPki) -> None:
    gone = pki.issue_person("H37", "UBND tỉnh Lạng Sơn", "Người mất thẻ", P256)
    pki.revoke(gone.certificate, NOW - timedelta(hours=5), x509.ReasonFlags.key_compromise)
    answer = await ask_ocsp(servers, gone)
    assert answer.certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert answer.revocation_reason is x509.ReasonFlags.key_compromise


async def test_ocsp_says_revoked_superseded_and_unknown_on_demand(
    servers: PkiServers, person: Identity
) -> None:
    servers.knobs.ocsp.says = Revoked(NOW - timedelta(days=2), x509.ReasonFlags.superseded)
    revoked = await ask_ocsp(servers, person)
    servers.knobs.ocsp.says = ocsp.OCSPCertStatus.UNKNOWN
    unknown = await ask_ocsp(servers, person)
    assert revoked.revocation_time_utc == NOW - timedelta(days=2)
    assert revoked.revocation_reason is x509.ReasonFlags.superseded
    assert unknown.certificate_status is ocsp.OCSPCertStatus.UNKNOWN


async def test_ocsp_stale_and_future(servers: PkiServers, person: Identity) -> None:
    servers.knobs.ocsp.mistake = OcspMistake.STALE
    stale = await ask_ocsp(servers, person)
    servers.knobs.ocsp.mistake = OcspMistake.FUTURE
    future = await ask_ocsp(servers, person)
    assert stale.next_update_utc is not None
    assert stale.next_update_utc < NOW < future.this_update_utc


async def test_ocsp_responder_that_expired_or_is_for_something_else(
    servers: PkiServers, pki: DemoPki, person: Identity
) -> None:
    servers.knobs.ocsp.mistake = OcspMistake.EXPIRED_RESPONDER
    expired = (await ask_ocsp(servers, person)).certificates[0]
    servers.knobs.ocsp.mistake = OcspMistake.WRONG_USAGE
    wrong = (await ask_ocsp(servers, person)).certificates[0]
    expired.verify_directly_issued_by(pki.issuing.certificate)
    wrong.verify_directly_issued_by(pki.issuing.certificate)
    assert expired.not_valid_after_utc < NOW < wrong.not_valid_after_utc
    assert ExtendedKeyUsageOID.OCSP_SIGNING not in usages(wrong)


async def test_ocsp_answer_of_a_stranger(servers: PkiServers, pki: DemoPki, person: Identity) -> None:
    servers.knobs.ocsp.mistake = OcspMistake.STRANGER
    answer = await ask_ocsp(servers, person)
    responder = answer.certificates[0]
    assert signed_by_responder_it_carries(answer)
    assert responder.issuer == pki.issuing.certificate.subject
    with pytest.raises(InvalidSignature):
        responder.verify_directly_issued_by(pki.issuing.certificate)


async def test_ocsp_answer_about_another_certificate(servers: PkiServers, person: Identity) -> None:
    servers.knobs.ocsp.mistake = OcspMistake.OTHER_CERTIFICATE
    assert (await ask_ocsp(servers, person)).serial_number != person.certificate.serial_number


async def test_ocsp_that_has_no_answer(servers: PkiServers, person: Identity, tmp_path: Path) -> None:
    servers.knobs.ocsp.mistake = OcspMistake.TRY_LATER
    assert (await ask_ocsp(servers, person)).response_status is ocsp.OCSPResponseStatus.TRY_LATER
    servers.knobs.ocsp.mistake = OcspMistake.NONE
    foreign = DemoPki.create(tmp_path / "other", "DEMO-2", KeyKind.P256).issue_agency("H37", "UBND", P256)
    assert (await ask_ocsp(servers, foreign)).response_status is ocsp.OCSPResponseStatus.UNAUTHORIZED
    assert (await fetch(servers.ocsp_url, b"no request")).status == 400


async def test_openssl_finds_a_good_ocsp_answer_good(
    servers: PkiServers, pki: DemoPki, person: Identity, tmp_path: Path
) -> None:
    (tmp_path / "answer.der").write_bytes((await fetch(servers.ocsp_url, ocsp_request(person))).body)
    (tmp_path / "person.pem").write_bytes(person.certificate.public_bytes(Encoding.PEM))
    trust = pki.trust_folder
    arguments = ["ocsp", "-respin", "answer.der", "-issuer", trust / "issuing.crt.pem", "-sha256", "-cert"]
    arguments += ["person.pem", "-CAfile", trust / "root.crt.pem", "-attime", int(NOW.timestamp())]
    arguments += ["-validity_period", "999999999"]
    text = await openssl(*arguments, cwd=tmp_path)
    assert "Response verify OK" in text
    assert "person.pem: good" in text


# timestamps


@dataclass
class Asked:
    """A request for a timestamp as openssl makes it, and where it lies."""

    folder: Path
    data: bytes = b"receipts of one minute"
    request: bytes = field(init=False)

    async def make(self) -> Asked:
        (self.folder / "data").write_bytes(self.data)
        await openssl(
            "ts", "-query", "-data", "data", "-sha256", "-cert", "-out", "query.tsq", cwd=self.folder
        )
        self.request = (self.folder / "query.tsq").read_bytes()
        return self

    async def verify(self, answer: bytes, trust: Path) -> str:
        """What openssl says; it checks imprint, nonce, usage, chain and signature."""
        (self.folder / "answer.tsr").write_bytes(answer)
        arguments = ["ts", "-verify", "-queryfile", "query.tsq", "-in", "answer.tsr"]
        arguments += ["-CAfile", trust / "root.crt.pem", "-untrusted", trust / "issuing.crt.pem"]
        arguments += ["-attime", int(NOW.timestamp())]
        said = await openssl("ts", "-reply", "-in", "answer.tsr", "-text", cwd=self.folder)
        return said + await openssl(*arguments, cwd=self.folder)


async def openssl(*arguments: object, cwd: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        "openssl", *map(str, arguments), cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    output, _ = await process.communicate()
    return output.decode()


@pytest.fixture
async def asked(tmp_path: Path) -> Asked:
    return await Asked(tmp_path).make()


async def test_openssl_accepts_a_timestamp(servers: PkiServers, pki: DemoPki, asked: Asked) -> None:
    got = await fetch(servers.tsa_url, asked.request)
    assert got.content_type == "application/timestamp-reply"
    assert "Verification: OK" in await asked.verify(got.body, pki.trust_folder)
    assert servers.requests == {"tsa": 1}


REASONS = {
    TsaMistake.IMPRINT: "message imprint mismatch",
    TsaMistake.NONCE: "nonce mismatch",
    TsaMistake.NO_NONCE: "nonce not returned",
    TsaMistake.REFUSED: "Status: Rejected",
    TsaMistake.EXPIRED: "certificate has expired",
    TsaMistake.WRONG_USAGE: "unsuitable certificate purpose|unsupported certificate purpose",
    TsaMistake.UNCRITICAL_USAGE: "unsuitable certificate purpose|unsupported certificate purpose",
    TsaMistake.STRANGER: "certificate signature failure|unable to get local issuer certificate",
    TsaMistake.BAD_SIGNATURE: "signature failure",
    TsaMistake.NO_CERTIFICATE: "signer certificate not found|certificate not found",
}


def test_every_mistake_of_a_timestamp_has_its_reason() -> None:
    assert set(REASONS) == set(TsaMistake) - {TsaMistake.NONE}


@pytest.mark.parametrize("mistake", REASONS)
async def test_openssl_refuses_each_mistaken_timestamp_for_its_reason(
    servers: PkiServers, pki: DemoPki, asked: Asked, mistake: TsaMistake
) -> None:
    servers.knobs.tsa.mistake = mistake
    text = await asked.verify((await fetch(servers.tsa_url, asked.request)).body, pki.trust_folder)
    assert "Verification: FAILED" in text
    assert any(reason in text for reason in REASONS[mistake].split("|")), text


async def test_what_is_no_request_for_a_timestamp_is_400(servers: PkiServers) -> None:
    assert (await fetch(servers.tsa_url, b"\x30\x03abc")).status == 400


# the way


def kinds_and_urls(servers: PkiServers) -> Iterator[tuple[str, str]]:
    yield from (("crl", servers.crl_url), ("ocsp", servers.ocsp_url), ("tsa", servers.tsa_url))


@pytest.mark.parametrize("kind", ["crl", "ocsp", "tsa"])
async def test_faults_of_the_way(servers: PkiServers, person: Identity, asked: Asked, kind: str) -> None:
    url = dict(kinds_and_urls(servers))[kind]
    body = {"crl": None, "ocsp": ocsp_request(person), "tsa": asked.request}[kind]
    line = getattr(servers.knobs, kind)
    good = await fetch(url, body)
    seen = {}
    for fault in (Fault.GARBAGE, Fault.HTML, Fault.EMPTY, Fault.NOT_FOUND, Fault.SERVER_ERROR):
        line.fault = fault
        seen[fault] = await fetch(url, body)
    assert seen[Fault.GARBAGE].content_type == good.content_type
    assert seen[Fault.GARBAGE].body not in (good.body, b"")
    assert (seen[Fault.HTML].status, seen[Fault.HTML].content_type) == (200, "text/html")
    assert (seen[Fault.EMPTY].status, seen[Fault.EMPTY].body) == (200, b"")
    assert (seen[Fault.NOT_FOUND].status, seen[Fault.SERVER_ERROR].status) == (404, 500)
    for fault, error in (
        (Fault.RESET, aiohttp.ClientConnectionError),
        (Fault.CUT_OFF, aiohttp.ClientPayloadError),
    ):
        line.fault = fault
        with pytest.raises(error):
            await fetch(url, body)
    line.fault = Fault.NONE
    assert (await fetch(url, body)).status == 200
    assert servers.requests[kind] == (10 if kind == "crl" else 9)  # aiohttp repeats a GET that was reset


async def test_a_huge_answer_is_sixty_four_mebibytes(servers: PkiServers) -> None:
    servers.knobs.crl.fault = Fault.HUGE
    async with aiohttp.ClientSession() as session, session.get(servers.crl_url) as answer:
        assert answer.content_length == 64 * 1024 * 1024
        assert len(await answer.content.readexactly(200_000)) == 200_000


async def test_a_slow_service_answers_late(servers: PkiServers) -> None:
    servers.knobs.crl.seconds = 0.4
    with pytest.raises(TimeoutError):
        await fetch(servers.crl_url, seconds=0.1)
    assert (await fetch(servers.crl_url)).status == 200


async def test_a_closed_service_refuses_connections_until_it_opens_again(servers: PkiServers) -> None:
    await servers.close("crl")
    with pytest.raises(aiohttp.ClientConnectorError):
        await fetch(servers.crl_url)
    assert (await fetch(servers.ocsp_url, b"x")).status == 400
    await servers.reopen("crl")
    assert (await fetch(servers.crl_url)).status == 200


def test_good_knobs_are_still_the_defaults() -> None:
    assert Knobs() == GOOD
