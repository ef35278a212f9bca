"""Certificates, paths and revocation answers, each with the verdict that must follow, and who signed what.

A case gets an empty folder for a PKI of its own. Signing time and present are handed in, so a case says the
same on any day; answers of OCSP responders are real ones, without the network between
(``test_revocation_*`` has that).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from gateway.clock import from_datetime
from gateway.model.finding import Finding
from gateway.model.text import AgencyCode
from gateway.model.verdict import Indication
from gateway.practice.pki import CA_KNOBS, START, DemoPki, Identity, KeyKind, Knobs, Usage, signed_with_sha1
from gateway.practice.pki_answers import Answers, OcspMistake, Revoked
from gateway.signature.pdf_findings import judge_file
from gateway.signature.register import SignerRegister
from gateway.signature.revocation import Unusable
from gateway.signature.revocation_cache import Place, RevocationCache
from gateway.signature.trust import PathResult, TrustStore
from gateway.signature.verify import Trust
from tests.unit import pdf_world as p
from tests.unit.signature_cases import Case

PkiCase = Case[Path, PathResult]
SIGNED = datetime.fromisoformat("2020-04-14T08:00:00+00:00")
LATER = datetime.fromisoformat("2020-06-01T08:00:00+00:00")
OCSP = "http://ocsp.example.vn/"
CRL = "http://crl.example.vn/issuing.crl"
PASSED, UNCLEAR, FAILED = Indication.PASSED, Indication.INDETERMINATE, Indication.FAILED


@dataclass(frozen=True)
class Bench:
    """One PKI and one person with a certificate of it."""

    pki: DemoPki
    person: Identity

    def check(self, now: datetime = SIGNED, cache: RevocationCache | None = None) -> PathResult:
        store = TrustStore.load(self.pki.trust_folder, [cache] if cache else [])
        return store.check_path(self.person.certificate, [], from_datetime(SIGNED), from_datetime(now))

    @property
    def crl(self) -> Path:
        return self.pki.trust_folder / "issuing.crl.pem"


def bench(folder: Path, knobs: Knobs | None = None, key: KeyKind = KeyKind.P256) -> Bench:
    pki = DemoPki.create(folder / "pki", key=key)
    made = knobs or Knobs(key=key)
    return Bench(pki, pki.issue_person("H37", "UBND tỉnh Lạng Sơn", "Nguyễn Văn A", made))


def day(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}T00:00:00+00:00")


def certificate(
    name: str, vi: str, en: str, indication: Indication, sub: str = "", rsa: bool = False, **knobs: object
) -> PkiCase:
    """A person's certificate made with these knobs, checked on the day of signing."""
    key = KeyKind.RSA_2048 if rsa else KeyKind.P256

    def build(folder: Path) -> PathResult:
        return bench(folder, replace(Knobs(key=key), **knobs), key).check()  # type: ignore[arg-type]

    return Case(name, vi, en, build, indication, sub)


def changed(
    name: str,
    vi: str,
    en: str,
    change: Callable[[Bench], object],
    indication: Indication,
    sub: str = "",
    now: datetime = SIGNED,
) -> PkiCase:
    """A good certificate in a PKI to which something happened."""

    def build(folder: Path) -> PathResult:
        made = bench(folder)
        change(made)
        return made.check(now)

    return Case(name, vi, en, build, indication, sub)


CERTIFICATES: tuple[PkiCase, ...] = (
    certificate(
        "certificate-good", "Chứng thư số còn hiệu lực, chưa bị thu hồi", "A good certificate", PASSED
    ),
    certificate(
        "certificate-expired",
        "Chứng thư số hết hạn trước khi ký",
        "Expired before signing",
        FAILED,
        "EXPIRED",
        not_after=day("2020-04-01"),
    ),
    certificate(
        "certificate-not-yet-valid",
        "Chứng thư số chưa có hiệu lực khi ký",
        "Not yet valid at signing",
        FAILED,
        "NOT_YET_VALID",
        not_before=day("2020-05-01"),
    ),
    certificate(
        "certificate-usage",
        "Chứng thư số chỉ dùng để mã hóa",
        "A certificate for encryption only",
        FAILED,
        "CHAIN_CONSTRAINTS_FAILURE",
        usage=Usage.ENCRYPT,
    ),
    certificate(
        "certificate-sha1",
        "Chứng thư số được ký bằng SHA-1",
        "A certificate signed with SHA-1",
        FAILED,
        "CRYPTO_CONSTRAINTS_FAILURE",
        rsa=True,
        sha1=True,
    ),
    certificate(
        "certificate-rsa-1024",
        "Chứng thư số có khóa RSA 1024 bit",
        "A certificate with an RSA key of 1024 bits",
        FAILED,
        "CRYPTO_CONSTRAINTS_FAILURE",
        key=KeyKind.RSA_1024,
    ),
)


def _valid_now_only(folder: Path) -> PathResult:
    return bench(folder, Knobs(key=KeyKind.P256, not_before=day("2020-05-01"))).check(now=LATER)


def _valid_then_only(folder: Path) -> PathResult:
    made = bench(folder, Knobs(key=KeyKind.P256, not_after=day("2020-05-15")))
    made.pki.publish_crls(day("2020-05-01"), day("2020-06-30"))
    return made.check(now=LATER)


def _unknown_root(folder: Path) -> PathResult:
    other = DemoPki.create(folder / "other", "Không rõ", KeyKind.P256)
    person = other.issue_person("H37", "UBND tỉnh Lạng Sơn", "Nguyễn Văn A", Knobs(key=KeyKind.P256))
    return replace(bench(folder), person=person).check()


def _same_names(folder: Path) -> PathResult:
    other = DemoPki.create(folder / "other", key=KeyKind.P256)
    person = other.issue_person("H37", "UBND tỉnh Lạng Sơn", "Nguyễn Văn A", Knobs(key=KeyKind.P256))
    return replace(bench(folder), person=person).check()


def _second_authority(knobs: Knobs, folder: Path) -> PathResult:
    pki = DemoPki.create(folder / "pki", key=KeyKind.P256)
    pki.add_authority("second", knobs)
    person = pki.issue_person(
        "H37", "UBND tỉnh Lạng Sơn", "Nguyễn Văn A", Knobs(key=KeyKind.P256, issued_by="second")
    )
    return Bench(pki, person).check()


def _sidecar(text: str) -> Callable[[Bench], object]:
    return lambda made: (made.pki.trust_folder / "trust.toml").write_text(
        f'[anchors."root.crt.pem"]\n{text}\n', "utf-8"
    )


def _no_crls(made: Bench) -> None:
    for file in made.pki.trust_folder.glob("*.crl.pem"):
        file.unlink()


def _not_published(made: Bench) -> None:
    _no_crls(made)
    _sidecar('revocation = "not_published"')(made)


def _issued_by_person(folder: Path) -> PathResult:
    made = bench(folder)
    made.pki.issuing = Identity(made.person.private_key, made.person.certificate, made.person.issuers, "ca")
    victim = made.pki.issue_person("H37", "UBND tỉnh Lạng Sơn", "Nguyễn Văn B", Knobs(key=KeyKind.P256))
    store = TrustStore.load(made.pki.trust_folder)
    return store.check_path(victim.certificate, victim.issuers, from_datetime(SIGNED))


def _weak_authority(folder: Path) -> PathResult:
    made = bench(folder, key=KeyKind.RSA_2048)
    weak = signed_with_sha1(made.pki.issuing.certificate, made.pki.root.private_key)
    (made.pki.trust_folder / "issuing.crt.pem").write_bytes(weak.public_bytes(Encoding.PEM))
    return made.check()


PATHS: tuple[PkiCase, ...] = (
    Case(
        "valid-today-not-at-signing",
        "Chứng thư số còn hiệu lực hôm nay nhưng chưa có hiệu lực khi ký",
        "Valid today, but not at signing",
        _valid_now_only,
        FAILED,
        "NOT_YET_VALID",
    ),
    Case(
        "valid-at-signing-not-today",
        "Chứng thư số có hiệu lực khi ký, nay đã hết hạn",
        "Valid at signing, expired today",
        _valid_then_only,
        PASSED,
    ),
    Case(
        "issuer-expired",
        "Chứng thư số của tổ chức cấp đã hết hạn khi ký",
        "The issuing CA's certificate had expired at signing",
        lambda folder: _second_authority(
            replace(CA_KNOBS, key=KeyKind.P256, not_after=day("2020-04-01")), folder
        ),
        UNCLEAR,
        "CERTIFICATE_CHAIN_GENERAL_FAILURE",
    ),
    Case(
        "issuer-sha1",
        "Chứng thư số của tổ chức cấp được ký bằng SHA-1",
        "The issuing CA's certificate is signed with SHA-1",
        _weak_authority,
        FAILED,
        "CRYPTO_CONSTRAINTS_FAILURE",
    ),
    Case(
        "second-issuer",
        "Tổ chức cấp mới cùng gốc, khi chuyển đổi khóa",
        "A second issuing CA under the same root, at a roll-over",
        lambda folder: _second_authority(replace(CA_KNOBS, key=KeyKind.P256), folder),
        PASSED,
    ),
    Case(
        "issued-by-person",
        "Chứng thư số do một người dùng tự cấp",
        "A certificate issued by an end user",
        _issued_by_person,
        UNCLEAR,
        "CERTIFICATE_CHAIN_GENERAL_FAILURE",
    ),
    Case(
        "unknown-root",
        "Tổ chức chứng thực gốc không nằm trong thư mục tin cậy",
        "An unknown root",
        _unknown_root,
        UNCLEAR,
        "NO_CERTIFICATE_CHAIN_FOUND",
    ),
    Case(
        "same-names",
        "Tổ chức chứng thực khác mang cùng tên",
        "Another CA of the same names",
        _same_names,
        UNCLEAR,
        "CERTIFICATE_CHAIN_GENERAL_FAILURE",
    ),
    changed(
        "anchor-ended",
        "Gốc không còn được tin cậy vào ngày ký",
        "The root was no longer trusted on the day of signing",
        _sidecar("valid_to = 2020-04-01"),
        UNCLEAR,
        "NO_CERTIFICATE_CHAIN_FOUND",
    ),
    changed(
        "not-published",
        "Tổ chức cấp không công bố thông tin thu hồi",
        "A CA that publishes no revocations",
        _not_published,
        PASSED,
    ),
)


# revocation lists in the trust folder


def _revoked(at: str, reason: x509.ReasonFlags | None = None) -> Callable[[Bench], object]:
    return lambda made: made.pki.revoke(made.person.certificate, day(at), reason)


def _strangers_crl(made: Bench) -> None:
    other = DemoPki.create(made.pki.folder / "other", key=KeyKind.P256)
    made.crl.write_bytes((other.trust_folder / "issuing.crl.pem").read_bytes())


LISTS: tuple[PkiCase, ...] = (
    changed(
        "revoked-before",
        "Bị thu hồi trước khi ký vì lộ khóa",
        "Revoked before signing, key compromised",
        _revoked("2020-04-01", x509.ReasonFlags.key_compromise),
        FAILED,
        "REVOKED",
    ),
    changed(
        "revoked-superseded",
        "Bị thu hồi trước khi ký vì đã có chứng thư số thay thế",
        "Revoked before signing, superseded",
        _revoked("2020-04-01", x509.ReasonFlags.superseded),
        FAILED,
        "REVOKED",
    ),
    changed(
        "revoked-after",
        "Bị thu hồi sau khi ký",
        "Revoked after signing",
        _revoked("2020-05-01"),
        PASSED,
        now=LATER,
    ),
    changed(
        "revoked-issuer",
        "Tổ chức cấp bị thu hồi",
        "The issuing CA was revoked",
        lambda made: made.pki.revoke(made.pki.issuing.certificate, day("2020-04-01")),
        FAILED,
        "REVOKED",
    ),
    changed(
        "suspended",
        "Đang bị tạm dừng",
        "Suspended",
        _revoked("2020-04-01", x509.ReasonFlags.certificate_hold),
        UNCLEAR,
        "TRY_LATER",
    ),
    changed(
        "crl-absent",
        "Không có danh sách thu hồi",
        "No CRL",
        lambda made: made.crl.unlink(),
        UNCLEAR,
        "TRY_LATER",
    ),
    changed(
        "crl-stale",
        "Danh sách thu hồi đã quá hạn",
        "A stale CRL",
        lambda made: made.pki.publish_crls(START, day("2020-04-10")),
        UNCLEAR,
        "TRY_LATER",
    ),
    changed(
        "crl-stale-revoked",
        "Danh sách thu hồi quá hạn nhưng đã ghi thu hồi",
        "A stale CRL that knows of the revocation",
        lambda made: (_revoked("2020-04-01")(made), made.pki.publish_crls(START, day("2020-04-10"))),
        FAILED,
        "REVOKED",
    ),
    changed(
        "crl-of-stranger",
        "Danh sách thu hồi do kẻ khác ký",
        "A CRL signed by somebody else",
        _strangers_crl,
        UNCLEAR,
        "TRY_LATER",
    ),
    changed(
        "crl-after-expiry",
        "Danh sách thu hồi lập sau khi chứng thư số hết hạn",
        "A CRL made after the certificate expired",
        lambda made: made.pki.publish_crls(day("2040-01-01"), day("2041-01-01")),
        UNCLEAR,
        "TRY_LATER",
        now=day("2040-02-01"),
    ),
)


# answers that were asked for over the network


def asked(
    name: str,
    vi: str,
    en: str,
    indication: Indication,
    sub: str,
    answer: Callable[[Bench, RevocationCache, Place], object],
) -> PkiCase:
    """No CRL in the folder; the certificate names an OCSP responder, which ``answer`` plays."""

    def build(folder: Path) -> PathResult:
        made = bench(folder, Knobs(key=KeyKind.P256, ocsp_url=OCSP))
        made.crl.unlink()
        cache = RevocationCache()
        made.check(cache=cache)  # makes the wish
        (wish,) = cache.take_wishes()
        answer(made, cache, wish.place)
        return made.check(cache=cache)

    return Case(name, vi, en, build, indication, sub)


def _ocsp(
    says: ocsp.OCSPCertStatus | Revoked | None = None, mistake: OcspMistake = OcspMistake.NONE
) -> Callable[[Bench, RevocationCache, Place], None]:
    """What the fetcher does with a real answer: keep it, or note what is wrong with it."""

    def play(made: Bench, cache: RevocationCache, place: Place) -> None:
        leaf, issuer = made.person.certificate, made.pki.issuing.certificate
        request = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, hashes.SHA1()).build()
        data = Answers(made.pki).ocsp_answer(request, says, mistake, SIGNED - timedelta(hours=2))
        try:
            cache.put(place, cache.read(place, data, leaf, [issuer], from_datetime(SIGNED)))
        except Unusable as problem:
            cache.note(place, problem.problem)

    return play


def _problem(word: str) -> Callable[[Bench, RevocationCache, Place], None]:
    """What the fetcher notes when no usable answer came."""
    return lambda _, cache, place: cache.note(place, word)


_LOST = Revoked(day("2020-04-01"), x509.ReasonFlags.key_compromise)
_UNKNOWN = ocsp.OCSPCertStatus.UNKNOWN
ANSWERS: tuple[PkiCase, ...] = (
    asked("ocsp-good", "OCSP trả lời: tốt", "OCSP says good", PASSED, "", _ocsp()),
    asked("ocsp-revoked", "OCSP trả lời: đã thu hồi", "OCSP says revoked", FAILED, "REVOKED", _ocsp(_LOST)),
    asked(
        "ocsp-unknown", "OCSP trả lời: không biết", "OCSP says unknown", UNCLEAR, "TRY_LATER", _ocsp(_UNKNOWN)
    ),
    asked("ocsp-pending", "OCSP đang được hỏi", "OCSP is being asked", UNCLEAR, "TRY_LATER", lambda *_: None),
    asked(
        "ocsp-unreachable",
        "Máy chủ OCSP không trả lời, hoặc quá chậm",
        "OCSP unreachable or too slow",
        UNCLEAR,
        "TRY_LATER",
        _problem("unreachable"),
    ),
    asked(
        "ocsp-too-large",
        "Máy chủ OCSP trả về dữ liệu quá lớn",
        "OCSP sends too much",
        UNCLEAR,
        "TRY_LATER",
        _problem("too_large"),
    ),
    asked(
        "ocsp-internal",
        "Địa chỉ OCSP nằm trong mạng nội bộ",
        "An OCSP address inside the own network",
        UNCLEAR,
        "TRY_LATER",
        _problem("forbidden"),
    ),
    asked(
        "ocsp-garbage",
        "OCSP trả về dữ liệu hỏng",
        "OCSP sends garbage",
        UNCLEAR,
        "TRY_LATER",
        _problem("garbage"),
    ),
    *(
        asked(f"ocsp-{mistake.value.replace(' ', '-')}", vi, en, UNCLEAR, "TRY_LATER", _ocsp(None, mistake))
        for mistake, vi, en in (
            (OcspMistake.STALE, "Trả lời OCSP đã quá hạn", "A stale OCSP answer"),
            (OcspMistake.FUTURE, "Trả lời OCSP ghi ngày ở tương lai", "An OCSP answer from the future"),
            (OcspMistake.STRANGER, "Trả lời OCSP do kẻ khác ký", "An OCSP answer of a stranger"),
            (
                OcspMistake.WRONG_USAGE,
                "Bên trả lời OCSP không được ủy quyền",
                "A responder not meant for OCSP",
            ),
            (OcspMistake.EXPIRED_RESPONDER, "Bên trả lời OCSP đã hết hạn", "An expired OCSP responder"),
            (
                OcspMistake.OTHER_CERTIFICATE,
                "OCSP trả lời về chứng thư số khác",
                "OCSP about another certificate",
            ),
            (OcspMistake.TRY_LATER, "OCSP hẹn trả lời sau", "OCSP says: try later"),
        )
    ),
)
PKI_CASES: tuple[PkiCase, ...] = CERTIFICATES + PATHS + LISTS + ANSWERS


# who signed a PDF


@dataclass(frozen=True, slots=True)
class WhoCase:
    """Valid signatures on the document's PDF, and the rules of the findings that follow (none: all well)."""

    name: str
    title_vi: str
    title_en: str
    build: Callable[[p.PdfWorld], list[Finding]]
    rules: tuple[str, ...] = ()


def _who(*signers: str, is_main: bool = True) -> Callable[[p.PdfWorld], list[Finding]]:
    """Signed by these in this order: ``person`` and ``agency`` of the sender, ``other`` of another agency,
    ``stranger`` with a good certificate that nobody registered."""

    def build(world: p.PdfWorld) -> list[Finding]:
        knobs = Knobs(key=KeyKind.P256)
        other = world.pki.issue_person("H37.05", "Sở Y tế", "Trần Thị B", knobs)
        stranger = world.pki.issue_person("H37", "UBND tỉnh Lạng Sơn", "Lê Văn C", knobs)
        known = {"person": world.person, "agency": world.agency, "other": other, "stranger": stranger}
        pdf = world.page
        for index, who in enumerate(signers):
            pdf = p.sign_once(pdf, known[who], f"Ky{index}", p.SIGNED_AT + timedelta(minutes=index))
        rows = [world.person.signer(p.SENDER), world.agency.signer(p.SENDER)]
        register = SignerRegister([*rows, other.signer(AgencyCode("H37.05"))])
        trust = Trust(world.trust.store, register)
        verdicts = p.judge_pdf("vb.pdf", p.read_pdf_signatures(pdf), trust, p.RECEIVED, None)
        return judge_file("vb.pdf", verdicts, is_main, p.SENDER)

    return build


WHO_CASES: tuple[WhoCase, ...] = (
    WhoCase(
        "both", "Người có thẩm quyền ký, rồi cơ quan ký", "Person, then agency", _who("person", "agency")
    ),
    WhoCase(
        "leader-only",
        "Chỉ có người có thẩm quyền ký",
        "The person only",
        _who("person"),
        ("signature.pdf_no_agency",),
    ),
    WhoCase(
        "agency-only", "Chỉ có cơ quan ký", "The agency only", _who("agency"), ("signature.pdf_no_person",)
    ),
    WhoCase(
        "wrong-order",
        "Cơ quan ký trước người có thẩm quyền",
        "The agency before the person",
        _who("agency", "person"),
        ("signature.pdf_order",),
    ),
    WhoCase(
        "attachment-agency",
        "Tệp kèm theo chỉ có cơ quan ký",
        "A separate attachment signed by the agency",
        _who("agency", is_main=False),
    ),
    WhoCase(
        "other-agency",
        "Người của cơ quan khác ký",
        "A person of another agency",
        _who("other", "agency"),
        ("signature.pdf_other_agency",),
    ),
    WhoCase(
        "not-registered",
        "Người ký chưa có trong danh sách người ký",
        "A signer who is not in the register",
        _who("stranger", "agency"),
        ("signature.pdf_signer_unknown",),
    ),
    WhoCase(
        "unsigned", "PDF không có chữ ký số", "A PDF without signatures", _who(), ("signature.pdf_unsigned",)
    ),
)
