"""``MessageHeader`` of a document or a status, from nodes to the words of the model.

In charge of: who sends what to whom. Liberal: any order, empty or missing elements. What cannot be guessed
(sender, recipients, identifier) is a refusing finding and no exception, so that a sender hears of everything
that is wrong at once. Not in charge of: what kind of document message it is (``read_trace.py``), files
(``read_files.py``), whether the agencies exist (``directory/``).
"""

from __future__ import annotations

from gateway.edxml import names
from gateway.edxml.notes import Notes
from gateway.edxml.place import Place
from gateway.edxml.problems import unreadable
from gateway.edxml.read_values import read_flag, read_priority
from gateway.edxml.tree import Node
from gateway.model.envelope import (
    Dialect,
    DocumentType,
    Envelope,
    Kind,
    Organization,
    OtherInfo,
    ResponseFor,
    SignerInfo,
    StaffInfo,
    StatusReport,
)
from gateway.model.status import read_status_code


def is_status(message: Node) -> bool:
    """A message with a status code is a status message, whatever else it holds."""
    return any(child.name.lower() == "statuscode" for child in message.children)


def read_document(message: Node, path: str, notes: Notes) -> Envelope:
    """The header of a document message; its kind is set later."""
    top = Place(message, "document", path, notes)
    code, promulgation = top.sub("Code"), top.sub("PromulgationInfo")
    document_id = top.text("DocumentId")
    if not document_id:
        notes.add("document_id.missing", "DocumentId")
    due_date = top.date("DueDate")
    if due_date.raw and due_date.value is None:  # the date of issue is judged by checks/form
        notes.add("due_date.impossible", "DueDate", found=due_date.raw)
    return Envelope(
        kind=Kind.NEW,
        sender=_sender(top, notes),
        recipients=_recipients(top, notes),
        document_id=document_id,
        code_number=code.text("CodeNumber"),
        code_notation=code.text("CodeNotation"),
        place=promulgation.text("Place"),
        promulgation_date=promulgation.date("PromulgationDate"),
        document_type=DocumentType(**top.sub("DocumentType").texts(names.DOCUMENT_TYPE)),
        subject=top.text("Subject"),
        content=top.text("Content"),
        signer=SignerInfo(**top.sub("SignerInfo").texts(names.SIGNER)),
        due_date=due_date,
        to_places=top.sub("ToPlaces").every_text("Place"),
        other=_other(top.sub("OtherInfo")),
        response_for=_answers(top),
        steering_type=top.text("SteeringType"),
        task_codes=top.sub("ResponseForTask").every_text("TaskCode"),
        application_type=top.text("ApplicationType"),
        dialect=_dialect_of_document(message),
    )


def read_status(message: Node, path: str, notes: Notes) -> Envelope:
    """A status message (reference section 3): header only; the addressee is ``ResponseFor/OrganId``.

    Raises ``Unreadable`` for a code that does not exist.
    """
    top = Place(message, "status", path, notes)
    answers = _answers(top)
    answer = answers[0] if answers else ResponseFor()
    if not answer.document_id:
        notes.add("status.document_missing", "ResponseFor/DocumentId")
    if not answer.organ_id:
        notes.add("status.addressee_missing", "ResponseFor/OrganId")
    return Envelope(
        kind=Kind.STATUS,
        sender=_sender(top, notes),
        document_id=answer.document_id,
        response_for=answers,
        status=_report(top),
        dialect=_dialect_of_status(top),
    )


def _report(top: Place) -> StatusReport:
    raw = top.text("StatusCode")
    code = read_status_code(raw)
    if code is None:
        raise unreadable("status.unknown_code", "StatusCode", found=raw)
    staff = StaffInfo(**top.sub("StaffInfo").texts(names.STAFF))
    return StatusReport(code.value, top.text("Description"), top.text("Timestamp"), staff)


def _sender(top: Place, notes: Notes) -> Organization:
    senders = [_organization(place) for place in top.every("From", "Organization")]
    if len(senders) != 1:
        notes.add("from.not_exactly_one", "From", found=len(senders))
    sender = senders[0] if senders else Organization("")
    if senders and not sender.organ_id:
        notes.add("from.organ_id_missing", "From/OrganId")
    return sender


def _recipients(top: Place, notes: Notes) -> tuple[Organization, ...]:
    """All ``To`` that say anything; an empty one is as good as a missing one."""
    everybody = [_organization(place) for place in top.every("To", "Organization")]
    recipients = tuple(one for one in everybody if one != Organization(""))
    if not recipients:
        notes.add("to.missing", "To")
    for number, one in enumerate(recipients, 1):
        if not one.organ_id:
            notes.add("to.organ_id_missing", "To/OrganId", number=number, found=one.name or "–")
    return recipients


def _organization(place: Place) -> Organization:
    return Organization(**{"organ_id": ""} | place.texts(names.ORGANIZATION))


def _other(other: Place) -> OtherInfo:
    priority = other.text("Priority")
    return OtherInfo(
        priority=read_priority(priority),
        priority_raw=priority,
        sphere=other.text("SphereOfPromulgation"),
        typer_notation=other.text("TyperNotation"),
        promulgation_amount=other.text("PromulgationAmount"),
        page_amount=other.text("PageAmount"),
        direction=read_flag(other.text("Direction")),
        reply_fors=other.text("ReplyFors"),
        reference_codes=other.text("ReferenceCodes"),
        appendixes=other.sub("Appendixes").every_text("Appendix"),
    )


def _answers(top: Place) -> tuple[ResponseFor, ...]:
    """All ``ResponseFor`` that say anything (the national axis returns ``<ResponseFor/>``)."""
    found = (_answer(place) for place in top.every("ResponseFor"))
    return tuple(one for one in found if one != ResponseFor())


def _answer(place: Place) -> ResponseFor:
    date = place.date("PromulgationDate")
    return ResponseFor(place.text("OrganId"), place.text("Code"), date, place.text("DocumentId"))


def _dialect_of_document(message: Node) -> Dialect:
    """DocumentId right after To is Java, behind the subject is .NET (reference section 1.6)."""
    order = [child.name for child in message.children]
    behind = "DocumentId" in order and "Subject" in order[: order.index("DocumentId")]
    return Dialect.DOTNET if behind else Dialect.JAVA


def _dialect_of_status(top: Place) -> Dialect:
    """The Java library writes Email before Mobile, the others Mobile before Email."""
    staff = top.nodes("StaffInfo")
    order = [child.name for child in staff[0].children] if staff else []
    mobile_first = "Mobile" in order and "Email" in order[order.index("Mobile") :]
    return Dialect.DOTNET if mobile_first else Dialect.JAVA
