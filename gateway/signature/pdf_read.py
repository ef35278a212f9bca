"""The signatures of a PDF, read with pyHanko: the one module that opens an untrusted PDF.

In charge of: one parse of the file, and for each signature whether its bytes hold, what it covers and what
came later. Not in charge of: trust (``pdf_judge``), time and memory limits (``workers``), catching what a
hostile file makes pyHanko raise (``pdf.read_pdf_signatures``). Importing it costs more than a second: only
worker processes do.
"""

# mypy: disable-error-code="no-untyped-call"
# (pyHanko and asn1crypto carry few annotations)

from __future__ import annotations

import io
import logging
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from pyhanko.pdf_utils.misc import PdfReadError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESIndeterminate
from pyhanko.sign.diff_analysis import (
    CatalogModificationRule,
    DiffResult,
    DocInfoRule,
    DSSCompareRule,
    FormUpdatingRule,
    MetadataUpdateRule,
    ModificationLevel,
    ObjectStreamRule,
    SigFieldCreationRule,
    SigFieldModificationRule,
    StandardDiffPolicy,
    XrefStreamRule,
)
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.general import extract_signer_info
from pyhanko.sign.validation import generic_cms
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator.util import get_pyca_cryptography_hash

from gateway.clock import from_datetime
from gateway.model.text import Instant
from gateway.model.verdict import Indication
from gateway.signature import pdf_fast
from gateway.signature import pdf_texts as texts
from gateway.signature.certificates import key_text
from gateway.signature.pdf_facts import Coverage, Failure, Later, PdfSignature, Token

logging.getLogger("pyhanko").setLevel(logging.CRITICAL)  # a sender must not fill our log
_log = logging.getLogger(__name__)
pdf_fast.install()

_STRONG = frozenset({"sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512"})
_SHA1_FORMS = frozenset({"/adbe.pkcs7.sha1", "/adbe.x509.rsa_sha1"})  # ISO 32000-1 section 12.8.3
_END = b"%%EOF"
_TAIL = re.compile(rb"\s*(startxref\s+\d+\s+)?%%EOF(\r\n|\n|\r)?")

# pyHanko's own policy without the filling of form fields: in a document of an agency that is a change.
_LTA = ModificationLevel.LTA_UPDATES
_MAY_FOLLOW = StandardDiffPolicy(
    global_rules=[
        CatalogModificationRule(),
        DocInfoRule().as_qualified(_LTA),
        XrefStreamRule().as_qualified(_LTA),
        ObjectStreamRule().as_qualified(_LTA),
        DSSCompareRule().as_qualified(_LTA),
        MetadataUpdateRule().as_qualified(_LTA),
    ],
    form_rule=FormUpdatingRule(field_rules=[SigFieldCreationRule(), SigFieldModificationRule()]),
)


def read_signatures(data: bytes) -> list[PdfSignature]:
    """The signatures of ``data``, first signed first. Raises whatever pyHanko raises on a broken file."""
    end = data.rfind(_END)
    if end < 0:
        return [PdfSignature("", Failure("FORMAT_FAILURE", texts.truncated()))]
    end += len(_END) + len(_line_end(data[end + len(_END) :]))
    trailing = len(data) - end
    reader, strict = _open(data[:end])
    fault = _fault_of_file(reader)
    if fault is not None:
        return [PdfSignature("", fault, trailing_bytes=trailing)]
    opened, broken = _open_signatures(reader)
    if not opened and not broken:
        reason = texts.detached_from_form()
        return [PdfSignature("", Failure("SIGNED_DATA_NOT_FOUND", reason, Indication.INDETERMINATE))]
    trailing += _uncovered(reader, data[:end], opened)
    fields = frozenset(one.fq_name for one in opened) | {one.field for one in broken if one.is_old_form}
    read = [_read_one(one, fields, trailing, strict) for one in opened]
    return [*read, *broken]


def _line_end(tail: bytes) -> bytes:
    return next((e for e in (b"\r\n", b"\n", b"\r") if tail.startswith(e)), b"")


def _open(data: bytes) -> tuple[PdfFileReader, bool]:
    """Strictly if possible. Office programs write files that only a lenient reader takes (hybrid tables)."""
    try:
        reader = PdfFileReader(io.BytesIO(data), strict=True)
        if not reader.xrefs.hybrid_xrefs_present:
            return reader, True
    except MemoryError:
        raise
    except Exception as problem:  # also ValueError, RecursionError, …; the second try may raise on
        _log.debug("strict reading failed: %s", problem)
    return PdfFileReader(io.BytesIO(data), strict=False), False


def _fault_of_file(reader: PdfFileReader) -> Failure | None:
    if reader.encrypt_dict is not None:
        return Failure("FORMAT_FAILURE", texts.encrypted())
    if int(reader.root["/Pages"]["/Count"]) < 1:
        return Failure("FORMAT_FAILURE", texts.no_pages())
    return None


def _open_signatures(reader: PdfFileReader) -> tuple[list[EmbeddedPdfSignature], list[PdfSignature]]:
    """Signatures whose container could be read, in the order of signing, and those where it could not."""
    opened, broken = [], []
    for name, value, field in enumerate_sig_fields(reader, filled_status=True):
        try:
            if str(value.get_object().get("/SubFilter", "")) in _SHA1_FORMS:
                failure = Failure("CRYPTO_CONSTRAINTS_FAILURE", texts.weak_algorithm("SHA-1"))
                broken.append(PdfSignature(str(name), failure, is_old_form=True))
            else:
                opened.append(_opened(reader, field, name))
        except Exception as problem:  # one unreadable signature must not hide the others
            broken.append(PdfSignature(str(name), _malformed(problem)))
    opened.sort(key=lambda one: (one.signed_revision, int(one.byte_range[2])))
    return opened, broken


def _opened(reader: PdfFileReader, field: Any, name: str) -> EmbeddedPdfSignature:
    one = EmbeddedPdfSignature(reader, field, name)
    numbers = [int(number) for number in one.byte_range]
    if len(numbers) != 4 or min(numbers) < 0:  # ISO 32000-1 section 12.8.1: pairs; a signature has two
        raise PdfReadError("byte range")
    return one


def _uncovered(reader: PdfFileReader, data: bytes, opened: Sequence[EmbeddedPdfSignature]) -> int:
    """How many bytes at the end belong neither to what is signed nor to a later revision of the file."""
    last = reader.xrefs.total_revisions - 1
    if opened and opened[-1].signed_revision == last:
        return max(0, len(data) - int(opened[-1].byte_range[2]) - int(opened[-1].byte_range[3]))
    after = reader.xrefs.get_xref_container_info(last).end_location
    return 0 if _TAIL.fullmatch(data, data.find(b"startxref", after)) else len(data) - after


def _read_one(one: EmbeddedPdfSignature, fields: frozenset[str], trailing: int, strict: bool) -> PdfSignature:
    stamp = one.sig_object.get("/Type") == "/DocTimeStamp"
    try:
        certificate = one.signer_cert.dump()
        coverage, later = _coverage(one, fields)
        failure = _integrity(one, "tst_info" if stamp else "data") or _weakness(one.signer_info)
        failure = failure or _fault_of_coverage(coverage, trailing, strict)
        return PdfSignature(
            str(one.fq_name),  # plain text: pyHanko's own strings hold the whole file
            failure,
            coverage,
            later,
            trailing,
            _algorithm(certificate, one.md_algorithm),
            certificate,
            tuple(c.dump() for c in one.other_embedded_certs),
            _claimed_time(one),
            _token(one.signer_info),
            stamp,
        )
    except Exception as problem:  # one unreadable signature must not hide the others
        return PdfSignature(
            str(one.fq_name), _malformed(problem), trailing_bytes=trailing, is_timestamp=stamp
        )


def _malformed(problem: Exception) -> Failure:
    sub = getattr(problem, "ades_subindication", None)
    if sub is AdESIndeterminate.NO_SIGNING_CERTIFICATE_FOUND:
        return Failure(sub.name, texts.no_certificate())
    return Failure("FORMAT_FAILURE", texts.malformed_signature(type(problem).__name__))


def _integrity(one: EmbeddedPdfSignature, content_type: str) -> Failure | None:
    """Do the signed bytes and the signature hold? The strength of the algorithms is another question."""
    content = one.signed_data["encap_content_info"]
    digest = one.compute_digest()
    if content_type == "tst_info":
        if content["content"].parsed["message_imprint"]["hashed_message"].native != digest:
            return Failure("HASH_FAILURE", texts.content_changed())
        digest = _hash(one.md_algorithm, bytes(content["content"]))
    elif content["content"].native is not None:
        return Failure("FORMAT_FAILURE", texts.malformed_signature("content inside the signature"))
    intact, valid = generic_cms.validate_sig_integrity(one.signer_info, one.signer_cert, content_type, digest)
    if not intact:
        return Failure("HASH_FAILURE", texts.content_changed())
    return None if valid else Failure("SIG_CRYPTO_FAILURE", texts.key_does_not_fit())


def _weakness(info: Any) -> Failure | None:
    """A digest below SHA-256. Keys are weighed with the certificate's path."""
    names = [info["digest_algorithm"]["algorithm"].native]
    with suppress(ValueError):  # rsaEncryption names none: the digest algorithm decides (RFC 5652 5.3)
        names.append(info["signature_algorithm"].hash_algo)
    weak = next((name for name in names if name not in _STRONG), None)
    if weak is None:
        return None
    return Failure("CRYPTO_CONSTRAINTS_FAILURE", texts.weak_algorithm(_hash_text(weak)))


def _coverage(one: EmbeddedPdfSignature, fields: frozenset[str]) -> tuple[Coverage, Later]:
    start, first, second, rest = (int(number) for number in one.byte_range)
    stream = one.reader.stream
    stream.seek(first)
    opening = stream.read(1)
    stream.seek(second - 1)
    framed = (opening, stream.read(1)) == (b"<", b">")
    contiguous = start == 0 and second == first + 2 * len(one.pkcs7_content) + 2
    level: SignatureCoverageLevel = one.evaluate_signature_coverage()
    one.coverage = level  # type: ignore[assignment]  # evaluate_modifications looks there
    if not (framed and contiguous and rest > 0) or level < SignatureCoverageLevel.ENTIRE_REVISION:
        return Coverage.UNCLEAR, Later.NOTHING
    if level is SignatureCoverageLevel.ENTIRE_FILE:
        return Coverage.WHOLE_FILE, Later.NOTHING
    later = _later(one, fields)
    return (Coverage.CHANGED if later is Later.OTHER else Coverage.REVISION), later


def _later(one: EmbeddedPdfSignature, fields: frozenset[str]) -> Later:
    result = one.evaluate_modifications(_MAY_FOLLOW)
    if not isinstance(result, DiffResult):
        return Later.OTHER
    level, permitted = result.modification_level, one.docmdp_level
    if permitted is not None and level.value > permitted.value:
        return Later.OTHER
    # A signature field that nobody signed may still show anything over the page.
    if not set(result.changed_form_fields) <= fields:
        return Later.OTHER
    if level is ModificationLevel.NONE:
        return Later.NOTHING
    if level is ModificationLevel.LTA_UPDATES:
        signed_later = any(name != one.fq_name for name in result.changed_form_fields)
        return Later.SIGNATURES if signed_later else Later.LONG_TERM_DATA
    return Later.SIGNATURES if level is ModificationLevel.FORM_FILLING else Later.OTHER


def _fault_of_coverage(coverage: Coverage, trailing: int, strict: bool) -> Failure | None:
    if trailing:
        return Failure("SIG_CONSTRAINTS_FAILURE", texts.trailing(trailing))
    if coverage is Coverage.UNCLEAR:
        return Failure("SIG_CONSTRAINTS_FAILURE", texts.unclear_coverage())
    if coverage is Coverage.CHANGED:
        return Failure("SIG_CONSTRAINTS_FAILURE", texts.changed_later())
    if not strict and coverage is Coverage.REVISION:
        return Failure("SIGNED_DATA_NOT_FOUND", texts.ambiguous_structure(), Indication.INDETERMINATE)
    return None


def _claimed_time(one: EmbeddedPdfSignature) -> Instant | None:
    try:
        moment: datetime | None = one.self_reported_timestamp
        return from_datetime(moment) if moment is not None else None
    except (ValueError, TypeError, OverflowError, KeyError, AttributeError):
        return None  # a time that cannot be read is no time: the next source counts
    except Exception as problem:
        if type(problem).__module__.startswith("pyhanko"):
            return None
        raise


def _token(info: Any) -> Token | None:
    """The first timestamp over the signature's value that holds with a strong digest."""
    for signed in generic_cms.extract_tst_data_iter(info, signed=False):
        try:
            token = _read_token(signed, info["signature"].native)
        except Exception:  # an unreadable token proves nothing; the signing time counts
            continue
        if token is not None:
            return token
    return None


def _read_token(signed: Any, value: bytes) -> Token | None:
    content = signed["encap_content_info"]["content"]
    facts, info = content.parsed, extract_signer_info(signed)
    imprint = facts["message_imprint"]
    name = imprint["hash_algorithm"]["algorithm"].native
    if name not in _STRONG or _weakness(info) is not None:
        return None
    if imprint["hashed_message"].native != _hash(name, value):
        return None
    found = generic_cms.extract_certs_for_validation(signed)
    digest = _hash(info["digest_algorithm"]["algorithm"].native, bytes(content))
    if generic_cms.validate_sig_integrity(info, found.signer_cert, "tst_info", digest) != (True, True):
        return None
    others = tuple(c.dump() for c in found.other_certs)
    der = cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump()
    return Token(from_datetime(facts["gen_time"].native), found.signer_cert.dump(), others, der)


def _hash(name: str, data: bytes) -> bytes:
    digest = hashes.Hash(get_pyca_cryptography_hash(name))
    digest.update(data)
    return digest.finalize()


def _algorithm(certificate: bytes, digest: str) -> str:
    return f"{key_text(x509.load_der_x509_certificate(certificate))} {_hash_text(digest)}"


def _hash_text(name: Any) -> str:
    text = str(name).upper()
    return text.replace("SHA", "SHA-", 1) if text.startswith("SHA") and "_" not in text else text
