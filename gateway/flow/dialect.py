"""A message rebuilt for a recipient whose software writes the other dialect.

In charge of: deciding who needs another form (bytes go on unchanged unless the recipient's dialect differs),
building it once per dialect, and making it durable. Both forms are kept. An XML signature cannot survive a
rebuild; the event of the delivery says so. Not in charge of: writing edXML (``edxml/build.py``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gateway.edxml.build import build_envelope, build_status
from gateway.edxml.parse import EnvelopeReader
from gateway.flow.door import Upload, limits_of
from gateway.flow.examine import Examination
from gateway.model.envelope import Dialect, Envelope, Kind, SignatureForm
from gateway.model.text import AgencyCode
from gateway.services import Services
from gateway.store.blobs import Staging
from gateway.store.payloads import StoredPayload


@dataclass(frozen=True, slots=True)
class Form:
    """A rebuilt envelope, durable, and what the record says about it."""

    payload: StoredPayload
    dialect: Dialect
    signature_dropped: bool

    def facts(self) -> dict[str, Any]:
        """What the delivery's event says: the recipient gets other bytes than the sender sent."""
        return {
            "rebuilt_as": self.dialect.value,
            "rebuilt_sha256": self.payload.sha256.hex(),
            "xml_signature_dropped": self.signature_dropped,
        }


async def forms_for(gw: Services, upload: Upload, exam: Examination) -> dict[AgencyCode, Form]:
    """Recipient -> the form to send, for those that need another than the bytes as received."""
    envelope = exam.envelope
    assert envelope is not None
    wanted: dict[AgencyCode, Dialect] = {}
    for hop in exam.hops:
        spoken = gw.directory.profile(hop.recipient).dialect
        if spoken and spoken != envelope.dialect.value:
            wanted[hop.recipient] = Dialect(spoken)
    built: dict[Dialect, Form] = {}
    for dialect in set(wanted.values()):
        built[dialect] = await gw.offload(upload.size, _rebuild, gw, upload, envelope, dialect)
    return {recipient: built[dialect] for recipient, dialect in wanted.items()}


def _rebuild(gw: Services, upload: Upload, envelope: Envelope, dialect: Dialect) -> Form:
    staging = gw.blobs.stage()
    try:
        for chunk in _bytes_of(gw, upload, envelope, dialect):
            staging.write(chunk)
        kept = staging.make_durable()
        wrapped = gw.keyring.wrap(staging.data_key)
        payload = StoredPayload(staging.sha256, staging.size, wrapped, kept.file, kept.inline)
    finally:
        staging.discard()
    return Form(payload, dialect, envelope.signature is SignatureForm.XMLDSIG)


def _bytes_of(gw: Services, upload: Upload, envelope: Envelope, dialect: Dialect) -> Iterable[bytes]:
    if envelope.kind is Kind.STATUS:
        yield build_status(envelope, dialect)
        return
    files = _files_of(gw, upload)
    try:
        yield from build_envelope(envelope, lambda index: files[index].chunks(), dialect)
    finally:
        for file in files.values():
            file.discard()


def _files_of(gw: Services, upload: Upload) -> dict[int, Staging]:
    """The decoded attachments, each in an encrypted staging file, by their index in the envelope."""
    files: dict[int, Staging] = {}

    def open_file(index: int) -> Staging:
        files[index] = gw.blobs.stage()
        return files[index]

    reader = EnvelopeReader(limits_of(gw), open_file)
    for chunk in upload.staging.chunks():
        reader.feed(chunk)
    reader.close()
    return files
