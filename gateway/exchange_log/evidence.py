"""What an auditor takes away: one ASiC-E container about one document, to be believed without us.

In charge of: which members a container has, its two lists of SHA-256 (``manifest.json`` for people and
scripts, ``META-INF/ASiCManifest.xml`` for tools of ETSI EN 319 162-1 section 4.4), and the signature over
the latter: CAdES baseline B-B with the gateway's receipt key, whose certificate is self-signed. It says that
the gateway put this together, no more; what happened when is proved by the members themselves. Not in charge
of: gathering (``flow/evidence.py``), the printed page (``evidence_page.py``), checking
(``evidence_check.py``).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.clock import to_rfc3339
from gateway.exchange_log.checkpoint import PublicKey, read_keys
from gateway.exchange_log.container import pack
from gateway.exchange_log.evidence_page import Page, make_page
from gateway.exchange_log.evidence_texts import report_text
from gateway.model.canonical import canonical_json
from gateway.model.text import Instant
from gateway.model.verdict import Proof
from gateway.signature.cades import sign_detached
from gateway.signature.keyring import Keyring, key_id

VERSION = 1
MANIFEST = "manifest.json"
ASIC_MANIFEST = "META-INF/ASiCManifest.xml"
SIGNATURE = "META-INF/signature.p7s"
RECORD = "record.json"
PRIVATE = "private.json"
KEYS = "keys.txt"
LOG_PROOFS = "log/proofs.json"
LOG_CHECKPOINT = "log/checkpoint.txt"
LOG_COSIGNATURES = "log/cosignatures.txt"
LOG_TOKEN = "log/checkpoint.tst"
VERIFIER = "verify.py"
PAGE_HTML, PAGE_PDF = "page.html", "page.pdf"
PLACES = {  # roles that are checked, and where such members lie
    "receipt": r"receipts/.*",
    "event": r"events/.*",
    "received": r"messages/[^/]*/received\.edxml",
    "file": r"messages/[^/]*/files/.*",
}
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_SAFE = re.compile(r"[^A-Za-z0-9._-]+")
_ENDINGS = {"certificate": "cer", "crl": "crl", "ocsp": "ocsp", "timestamp": "tst"}


@dataclass(frozen=True, slots=True)
class File:
    """One attachment, decoded; ``name`` as the sender wrote it."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Letter:
    """One message of the document. ``received`` is ``None`` where ``withheld`` says why."""

    id: str
    kind: str
    verdicts: Sequence[Mapping[str, Any]]  # as ``Verdict.as_json``
    findings: Sequence[Mapping[str, Any]]
    received: bytes | None = field(default=None, repr=False)
    sent: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)  # recipient -> bytes, where rebuilt
    files: tuple[File, ...] = ()
    withheld: str = ""  # a key of ``evidence_texts.WITHHELD``


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """One event, its stored bytes, and the values behind its commitments: name -> (salt, text)."""

    id: str
    body: bytes = field(repr=False)
    private: Mapping[str, tuple[bytes, str]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class LogProof:
    """A checkpoint, the lines of its witnesses, its timestamp if it has one, and the way up of each event."""

    note: str  # the text and the log's own signature: what was timestamped
    size: int
    root: bytes
    leaves: Mapping[str, tuple[int, tuple[bytes, ...]]]  # event id -> (leaf, inclusion proof)
    cosignatures: tuple[str, ...] = ()
    token: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything that goes into one container. ``record``: the summary that the page is made of."""

    gateway: str
    made_at: Instant
    record: Mapping[str, Any]
    letters: tuple[Letter, ...]
    receipts: Mapping[str, str]  # id -> compact JWS
    events: tuple[KeptEvent, ...]
    proofs: tuple[Proof, ...]
    certificates: tuple[x509.Certificate, ...]
    log_keys: tuple[PublicKey, ...] = ()
    log: LogProof | None = None


@dataclass(slots=True)
class _Shelf:
    """Members in the order in which they are put in, and what the manifest says of each."""

    members: dict[str, bytes] = field(default_factory=dict)
    entries: list[dict[str, Any]] = field(default_factory=list)

    def put(self, path: str, data: bytes, role: str, **more: str) -> None:
        self.members[path] = data
        digest = hashlib.sha256(data).hexdigest()
        self.entries.append({"path": path, "size": len(data), "sha256": digest, "role": role, **more})


def make_container(dossier: Dossier, keyring: Keyring) -> bytes:
    """The signed container. Equal dossiers give equal members but for the signature."""
    shelf = _Shelf()
    _put_words(shelf, dossier)
    for number, letter in enumerate(dossier.letters, start=1):
        _put_letter(shelf, f"messages/{number:02d}-{letter.kind}", letter)
    for proof in sorted(dossier.proofs, key=lambda one: (one.kind.value, one.sha256)):
        name = f"proofs/{proof.kind.value}-{proof.sha256}.{_ENDINGS[proof.kind.value]}"
        shelf.put(name, proof.data, proof.kind.value)
    for receipt, jws in dossier.receipts.items():
        shelf.put(f"receipts/{receipt}.jws", jws.encode("ascii"), "receipt")
    for number, event in enumerate(dossier.events, start=1):
        shelf.put(f"events/{number:04d}-{event.id}.json", event.body, "event")
    _put_log(shelf, dossier.log)
    manifest = {
        "v": VERSION,
        "gateway": dossier.gateway,
        "document": dossier.record["document"]["id"],
        "made_at": to_rfc3339(dossier.made_at),
        "files": shelf.entries,
    }
    members = {MANIFEST: _pretty(manifest), **shelf.members}
    digests = {entry["path"]: bytes.fromhex(entry["sha256"]) for entry in shelf.entries}
    listed = asic_manifest({MANIFEST: hashlib.sha256(members[MANIFEST]).digest(), **digests})
    signature = sign_detached(keyring, listed, dossier.made_at)
    return pack({ASIC_MANIFEST: listed, SIGNATURE: signature, **members})


def asic_manifest(digests: Mapping[str, bytes]) -> bytes:
    """ETSI EN 319 162-1 section 4.4: where the signature lies, and the SHA-256 of every member beside it, in
    their order."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/02918/v1.2.1#"'
        ' xmlns:ds="http://www.w3.org/2000/09/xmldsig#">',
        f'<asic:SigReference URI="{SIGNATURE}" MimeType="application/pkcs7-signature"/>',
    ]
    for name, value in digests.items():
        digest = base64.b64encode(value).decode()
        lines += [
            f'<asic:DataObjectReference URI="{name}">',
            '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>',
            f"<ds:DigestValue>{digest}</ds:DigestValue>",
            "</asic:DataObjectReference>",
        ]
    return "\n".join([*lines, "</asic:ASiCManifest>", ""]).encode("ascii")


def key_text(
    certificates: Sequence[x509.Certificate], log_keys: Sequence[PublicKey], compromised: Iterable[str] = ()
) -> str:
    """The gateway's public keys as a text for people and for ``--key``: keys of the log as lines of C2SP
    signed-note, certificates of receipts in PEM."""
    parts = ["# Public keys of the gateway. Compare them with those that it published; see README.txt.\n"]
    parts += [f"{key}\n" for key in log_keys]
    for certificate in certificates:
        parts.append(f"# receipts, kid {key_id(certificate)}\n")
        parts.append(certificate.public_bytes(Encoding.PEM).decode())
    return "".join([*parts, *compromised])


def read_trusted(text: str) -> tuple[tuple[x509.Certificate, ...], tuple[PublicKey, ...]]:
    """Certificates (PEM) and keys of logs and witnesses (C2SP signed-note) in one text. ``ValueError`` says
    what cannot be read."""
    certificates, rest = [], []
    block: list[str] = []
    for line in text.splitlines():
        if block or line.strip() == _BEGIN:
            block.append(line)
            if line.strip() == _END:
                certificates.append(x509.load_pem_x509_certificate("\n".join(block).encode()))
                block = []
        else:
            rest.append(line)
    if block:
        raise ValueError("a certificate without its end")
    return tuple(certificates), tuple(read_keys("\n".join(rest)))


def beside(name: str) -> bytes:
    """A file that lies beside this module and goes along: the README, the plain verifier."""
    return Path(__file__).with_name(name).read_bytes()


def _put_words(shelf: _Shelf, dossier: Dossier) -> None:
    """What people read first, and what every check needs."""
    from gateway.exchange_log.evidence_pdf import pdf_of  # heavy; most processes export nothing

    bodies = [orjson.loads(event.body) for event in dossier.events]
    page: Page = make_page(dossier.record, bodies, dossier.log)
    shelf.put("README.txt", beside("evidence_readme.txt"), "readme")
    shelf.put(PAGE_PDF, pdf_of(page), "page")
    shelf.put(PAGE_HTML, page.html().encode(), "page")
    shelf.put(VERIFIER, beside("plain_verifier.py"), "verifier")
    shelf.put(KEYS, key_text(dossier.certificates, dossier.log_keys).encode(), "keys")
    shelf.put(RECORD, _pretty(dossier.record), "record")
    private = {
        event.id: {name: {"salt": salt.hex(), "text": text} for name, (salt, text) in event.private.items()}
        for event in dossier.events
        if event.private
    }
    if private:
        shelf.put(PRIVATE, _pretty(private), "private")


def _put_letter(shelf: _Shelf, folder: str, letter: Letter) -> None:
    told = {"message": letter.id}
    if letter.received is not None:
        shelf.put(f"{folder}/received.edxml", letter.received, "received", **told)
    for recipient, data in letter.sent:
        shelf.put(f"{folder}/sent-{_safe(recipient)}.edxml", data, "sent", recipient=recipient, **told)
    for number, file in enumerate(letter.files, start=1):
        path = f"{folder}/files/{number:02d}-{_safe(file.name)}"
        shelf.put(path, file.data, "file", name=file.name, **told)
    if letter.verdicts or letter.findings:
        report = {"signatures": list(letter.verdicts), "findings": list(letter.findings)}
        shelf.put(f"{folder}/verification.json", _pretty(report), "verification", **told)
        shelf.put(f"{folder}/verification.txt", report_text(report).encode(), "verification", **told)


def _put_log(shelf: _Shelf, log: LogProof | None) -> None:
    if log is None:
        return
    leaves = {
        event: {"leaf": leaf, "proof": [one.hex() for one in path]}
        for event, (leaf, path) in log.leaves.items()
    }
    shelf.put(LOG_CHECKPOINT, log.note.encode(), "checkpoint")
    if log.cosignatures:
        lines = "".join(f"{line}\n" for line in log.cosignatures)
        shelf.put(LOG_COSIGNATURES, lines.encode(), "cosignatures")
    if log.token:
        shelf.put(LOG_TOKEN, log.token, "timestamp")
    proofs = {"size": log.size, "root": log.root.hex(), "events": leaves}
    shelf.put(LOG_PROOFS, _pretty(proofs), "inclusion")


def _pretty(value: Any) -> bytes:
    """Readable JSON with sorted names; one form, as the canonical one."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(orjson.loads(canonical_json(value)), option=options)


def _safe(name: str) -> str:
    """A name for a member: ASCII, no separators, not hidden; what it was called stands in the manifest."""
    stem = _SAFE.sub("_", name).strip("._-")
    return stem[-80:].lstrip("._-") or "file"
