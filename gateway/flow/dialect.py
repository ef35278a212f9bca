"""A message rebuilt for a recipient whose software writes the other dialect, or wants other agency codes.

In charge of: deciding who needs another form (bytes go on unchanged unless the recipient's connection asks
for a dialect or for codes that the message does not have), building it once for each wish, and making it
durable. Both forms are kept. An XML signature cannot survive a rebuild; the event of the delivery says so.
Not in charge of: writing edXML (``edxml/build.py``), what a code is called (``directory/snapshot.py``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from gateway.clock import local_day
from gateway.directory.snapshot import AS_RECEIVED, Directory
from gateway.edxml.build import build_envelope, build_status
from gateway.edxml.parse import EnvelopeReader
from gateway.edxml.recode import with_codes
from gateway.flow.door import Upload, limits_of
from gateway.flow.examine import Examination
from gateway.model.envelope import Dialect, Envelope, Kind, SignatureForm
from gateway.model.text import AgencyCode, Instant
from gateway.services import Services
from gateway.store import payloads
from gateway.store.blobs import Staging
from gateway.store.contract import Tx
from gateway.store.payloads import StoredPayload


@dataclass(frozen=True, slots=True)
class Wish:
    """How a connection wants messages written. ``codes``: one of ``directory.snapshot.CODE_FORMS``."""

    dialect: Dialect
    codes: str


@dataclass(frozen=True, slots=True)
class Form:
    """A rebuilt envelope, durable, and what the record says about it."""

    payload: StoredPayload
    wish: Wish
    signature_dropped: bool
    unknown_dropped: int  # elements and attributes that the standard does not know

    def facts(self) -> dict[str, Any]:
        """What the delivery's event says: the recipient gets other bytes than the sender sent."""
        return {
            "rebuilt_as": self.wish.dialect.value,
            "rebuilt_codes": self.wish.codes,
            "rebuilt_sha256": self.payload.sha256.hex(),
            "xml_signature_dropped": self.signature_dropped,
            "unknown_parts_dropped": self.unknown_dropped,
        }


async def forms_for(gw: Services, upload: Upload, exam: Examination) -> dict[AgencyCode, Form]:
    """Recipient -> the form to send, for those that need another than the bytes as received."""
    assert exam.envelope is not None
    return await forms_of(gw, upload, exam.envelope, (hop.recipient for hop in exam.hops))


async def forms_of(
    gw: Services, upload: Upload, envelope: Envelope, recipients: Iterable[AgencyCode]
) -> dict[AgencyCode, Form]:
    """The same for recipients of a message that was read before. On return every form is on disk."""
    on = local_day(gw.clock.now())
    rewritten: dict[Wish, Envelope] = {}
    wanted: dict[AgencyCode, Wish] = {}
    for recipient in recipients:
        wish = wish_of(gw.directory, recipient, envelope)
        if wish not in rewritten:
            rewritten[wish] = recoded(envelope, gw.directory, wish.codes, on)
        if wish.dialect is not envelope.dialect or rewritten[wish] != envelope:
            wanted[recipient] = wish
    built: dict[Wish, Form] = {}
    for wish in dict.fromkeys(wanted.values()):
        rebuild = partial(_rebuild, gw, upload, rewritten[wish], wish)
        if gw.blobs.objects is None:
            built[wish] = await gw.offload(upload.size, rebuild)
        else:  # it waits for the bucket, and another dialect may take more bytes than this one
            built[wish] = await gw.on_disk(2 * upload.size, rebuild)
    return {recipient: built[wish] for recipient, wish in wanted.items()}


def keep_forms(tx: Tx, forms: Iterable[Form], at: Instant) -> list[StoredPayload]:
    """Count one reference for each; payloads whose bytes were kept already, in a file of their own. The same
    form for two recipients is one file."""
    ours: set[StoredPayload] = set()
    unused: dict[StoredPayload, None] = {}
    for form in forms:
        if payloads.keep(tx, form.payload, at):
            ours.add(form.payload)
        elif form.payload not in ours:
            unused[form.payload] = None
    return list(unused)


def wish_of(directory: Directory, recipient: AgencyCode, envelope: Envelope) -> Wish:
    """How the recipient's connection wants this message; as it is where it does not say."""
    spoken = directory.profile(recipient).dialect
    return Wish(Dialect(spoken) if spoken else envelope.dialect, directory.preferred_codes(recipient))


def recoded(envelope: Envelope, directory: Directory, codes: str, on: date) -> Envelope:
    """The message with the codes of known agencies in that form, as of the day; unknown ones stay."""
    if codes == AS_RECEIVED:
        return envelope

    def write(text: str) -> str:
        code = directory.resolve(text)
        return directory.written_form(code, codes, on) if code else text

    return with_codes(envelope, write)


def _rebuild(gw: Services, upload: Upload, envelope: Envelope, wish: Wish) -> Form:
    staging = gw.blobs.stage()
    try:
        for chunk in _bytes_of(gw, upload, envelope, wish.dialect):
            staging.write(chunk)
        kept = staging.make_durable()
        wrapped = gw.keyring.wrap(staging.data_key)
        payload = StoredPayload(staging.sha256, staging.size, wrapped, kept.file, kept.inline)
    finally:
        staging.discard()
    signed = envelope.signature is SignatureForm.XMLDSIG
    return Form(payload, wish, signed, len(envelope.extensions))


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
