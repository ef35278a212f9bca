"""``sendEdoc``: one edXML file, document or status, through the gate.

In charge of: the file within the body, its hash, for whom it is sent and to whom it is narrowed. What is
wrong with the call is recorded with the bytes, like any refusal at the gate. Not in charge of: judging the
message (``flow/submit.py``). Whether it is a document or a status, the message itself says.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from adapters.vxp import sign, wire
from adapters.vxp.call import Answer, Call
from gateway.errors import BadRequest, TooLarge
from gateway.flow.door import Upload, receive
from gateway.flow.submit import submit, turn_back
from gateway.intake import chunks_of
from gateway.model.finding import Finding, Severity
from gateway.model.text import AgencyCode, Bilingual

CRLF = b"\r\n"
MAX_NARROWED = 1_000


async def send(call: Call) -> Answer:
    """One edXML file, document or status, through the gate. ``DocId`` is the message's id here."""
    gw, sent = call.gw, SentFile(call.required("hash-file"))
    narrowed = _narrowed(call.optional("to"))
    kind, sender = call.required("messagetype").lower(), _sender(call)
    limit = gw.config.limits.upload_bytes
    size = call.request.content_length or 0
    if size > limit + len(CRLF):
        raise TooLarge(_too_large(limit))
    with call.admission.room(gw, call.caller.principal, size) as room:
        upload = await receive(gw, sent.without_crlf(room.filled(chunks_of(call.request))))
        if (problem := _wrong_about(sent, kind, sender)) is not None:
            raise await turn_back(gw, call.caller, upload, problem)
        return await _submitted(call, upload, sender, narrowed)


@dataclass(slots=True)
class SentFile:
    """The body of ``sendEdoc``: a file, and behind it the CRLF of the SDK, which is not part of the file.

    Exactly one CRLF is taken away: files of the Java library end with one of their own. ``matches`` holds
    once the body was read: the file, with the CRLF or without, is the one that was hashed.
    """

    declared: str
    matches: bool = False
    _hash: Any = field(default_factory=hashlib.sha256)

    async def without_crlf(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The file's bytes as they come; the last two wait until it is known what they are."""
        held = b""
        async for chunk in chunks:
            held += chunk
            ready, held = held[:-2], held[-2:]
            if ready:
                self._hash.update(ready)
                yield ready
        whole = self._hash.copy()
        whole.update(held)
        if held == CRLF and not sign.same_hash(self.declared, whole.digest()):
            self.matches = sign.same_hash(self.declared, self._hash.digest())
            return
        self.matches = sign.same_hash(self.declared, whole.digest())
        if held:
            yield held


async def _submitted(call: Call, upload: Upload, sender: AgencyCode | None, to: list[str]) -> Answer:
    """Through the gate in the name of the agency that the call names, and of no other."""
    own = frozenset({sender}) if sender is not None else frozenset()
    submission = await submit(call.gw, replace(call.caller, agencies=own), upload, to)
    return wire.ok(DocId=submission.message)


def _wrong_about(sent: SentFile, kind: str, sender: AgencyCode | None) -> Finding | None:
    """What only the call can show: these are recorded with the bytes, as refusals at the gate."""
    if not sent.matches:
        return Finding("upload.hash_mismatch", Severity.REFUSE, "hash-file", _WRONG_HASH)
    if kind not in (wire.EDOC, wire.STATUS):
        return Finding("message.type_unknown", Severity.REFUSE, "messagetype", _NO_TYPE)
    if sender is None:
        return Finding("sender.not_yours", Severity.REFUSE, "from", _NOT_YOURS)
    return None


def _sender(call: Call) -> AgencyCode | None:
    """The agency that ``from`` names, if it is the caller's. The system id itself stands for its only one."""
    text, own = call.required("from"), call.caller.agencies
    code = call.gw.directory.resolve(text)
    if code in own:
        return code
    return next(iter(own)) if text == call.system_id and len(own) == 1 else None


def _narrowed(text: str) -> list[str]:
    """The recipients to which ``to`` restricts a send: a JSON array as text, or one code as it is."""
    if not text:
        return []
    try:
        codes = orjson.loads(text) if text.startswith("[") else [text]
    except orjson.JSONDecodeError as error:
        raise BadRequest(_NO_ARRAY, code="parameter.to") from error
    if not all(isinstance(code, str) for code in codes) or len(codes) > MAX_NARROWED:
        raise BadRequest(_NO_ARRAY, code="parameter.to")
    return [code.strip() for code in codes if code.strip()]


def _too_large(limit: int) -> Bilingual:
    megabytes = limit // 1_048_576
    return Bilingual(
        f"Gói tin lớn hơn {megabytes} MB, là mức tối đa trục nhận. Hãy giảm dung lượng tệp đính kèm.",
        f"The envelope is larger than {megabytes} MB, the most this gateway takes. Reduce the attachments.",
    )


_WRONG_HASH = Bilingual(
    "Nội dung nhận được không khớp hash-file: tệp bị thay đổi hoặc thiếu trên đường truyền. Hãy gửi lại.",
    "The body does not match hash-file: the file was changed or cut on its way. Send it again.",
)
_NO_TYPE = Bilingual(
    "messagetype phải là edoc (văn bản) hoặc status (trạng thái).", "messagetype is edoc or status."
)
_NOT_YOURS = Bilingual(
    "Mã ở tham số from không thuộc hệ thống gọi. Mỗi hệ thống chỉ gửi thay cho các cơ quan của mình.",
    "The code in from does not belong to the calling system: it sends for its own agencies only.",
)
_NO_ARRAY = Bilingual(
    "Tham số to phải là mảng JSON gồm các mã cơ quan.", "The parameter to is a JSON array of agency codes."
)
