"""``sendEdoc``: one edXML file in a form, document or status, through the gate.

In charge of: the file within the form, and what else the form says. Fields may come in any order; the body
may have a Content-Length, as clients of the real axis send it, or be chunked. Not in charge of: judging the
message (``flow/submit.py``). Whether it is a document or a status, the message itself says; who sends it, its
``From``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from adapters.langson import wire
from adapters.langson.call import Answer, Call
from adapters.langson.multipart import AROUND_BYTES, Part, boundary_of, parts
from gateway.errors import BadRequest, TooLarge
from gateway.flow.door import Upload, receive
from gateway.flow.submit import submit, turn_back
from gateway.intake import chunks_of
from gateway.model.finding import Finding, Severity
from gateway.model.text import Bilingual

FILE, TYPE = "edocFile", "messageType"
FIELD_BYTES = 1_024


@dataclass(slots=True)
class Form:
    """What the form held. ``file`` is staged: whoever stops here discards it."""

    file: Upload | None = None
    kind: str = ""


async def send(call: Call) -> Answer:
    """One edXML file through the gate. ``docId`` is the message's id here, the same again for a repeat."""
    gw, size = call.gw, call.request.content_length or 0
    boundary = boundary_of(call.request.headers.get("Content-Type", ""))
    most = gw.config.limits.upload_bytes + 2 * AROUND_BYTES
    if size > most:
        raise TooLarge()
    with call.admission.room(gw, call.caller.principal, size) as room:
        body = room.filled(_up_to(most, chunks_of(call.request)))
        upload, kind = await _form(call, parts(body, boundary))
        if kind.lower() not in (wire.EDOC, wire.STATUS):
            problem = Finding("message.type_unknown", Severity.REFUSE, TYPE, _NO_TYPE)
            raise await turn_back(gw, call.caller, upload, problem)
        submission = await submit(gw, call.caller, upload)
    return wire.sent(submission.message)


async def _up_to(most: int, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The body; ``TooLarge`` above ``most`` bytes. A field that nobody reads must not fill all room."""
    received = 0
    async for chunk in chunks:
        received += len(chunk)
        if received > most:
            raise TooLarge()
        yield chunk


async def _form(call: Call, fields: AsyncIterator[Part]) -> tuple[Upload, str]:
    """The file and the message type; ``BadRequest`` when the form holds no file, or two."""
    form = Form()
    try:
        async for part in fields:
            await _take(call, form, part)
    except BaseException:
        if form.file is not None:
            form.file.staging.discard()
        raise
    if form.file is None:
        raise BadRequest(_NO_FILE, code="form.file_missing")
    return form.file, form.kind


async def _take(call: Call, form: Form, part: Part) -> None:
    if part.name == TYPE:
        form.kind = await part.text(FIELD_BYTES)
    elif part.name == FILE:
        if form.file is not None:
            raise BadRequest(_TWO_FILES, code="form.two_files")
        form.file = await receive(call.gw, part.chunks)


_NO_TYPE = Bilingual(
    "messageType phải là edoc (văn bản) hoặc status (trạng thái).", "messageType is edoc or status."
)
_NO_FILE = Bilingual(
    "Lời gọi không có tệp edXML (trường edocFile).", "The call holds no edXML file (field edocFile)."
)
_TWO_FILES = Bilingual(
    "Mỗi lời gọi chỉ gửi một tệp edXML (trường edocFile).", "One call sends one edXML file (edocFile)."
)
