"""Properties over made-up messages: what is written is read, whatever bytes come there is an answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.edxml.attachments import Base64Decoder
from gateway.edxml.build import build_envelope, build_status
from gateway.edxml.parse import EnvelopeReader, Parsed, parse_envelope
from gateway.edxml.safe_xml import parse_tree
from gateway.edxml.schema import check_schema, check_strict
from gateway.errors import Unreadable
from gateway.model.envelope import (
    Attachment,
    Business,
    DateText,
    Dialect,
    DocumentType,
    Envelope,
    Kind,
    Organization,
    OtherInfo,
    ReceiverChange,
    ReplacementInfo,
    ResponseFor,
    SignerInfo,
    StaffInfo,
    StatusReport,
    TraceHeader,
)
from tests.unit import edxml_world as w

EXAMPLES = settings(max_examples=60, deadline=None)

# Texts as the model keeps them: composed, stripped, and never the text "null".
LETTERS = (
    "aăâđêôơưạảấầẩẫậắằẳẵặẹẽếềểỄịỉọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹĐNUL0123456789" + "<>&\"'`;/=-–“”…]\t\n    \u00a0🙂漢"
)


def texts(most: int, least: int = 0) -> st.SearchStrategy[str]:
    stripped = st.text(LETTERS, min_size=least, max_size=most).map(str.strip)
    return stripped.filter(bool) if least else stripped


words = texts(40)
codes = st.from_regex(r"H37(\.[0-9]{2}){0,3}", fullmatch=True)
ids = st.from_regex(r"[A-Za-z0-9,/.-]{1,40}", fullmatch=True)
dates = st.one_of(
    st.just(DateText()),
    st.dates(date(1950, 1, 1), date(2100, 1, 1)).map(lambda day: DateText(day.strftime("%Y/%m/%d"), day)),
)
organizations = st.builds(Organization, codes, in_charge=words, name=words, address=words, email=words)
staff = st.builds(StaffInfo, department=words, staff=words, email=words, mobile=words)
answers = st.builds(ResponseFor, codes, words, dates, ids)
businesses = st.builds(
    Business,
    document_id=st.one_of(st.just(""), ids),
    reason=words,
    paper=st.sampled_from(["", "0", "1"]),
    content_changed=st.booleans(),
    receivers_changed=st.booleans(),
    receiver_changes=st.lists(st.builds(ReceiverChange, codes, st.booleans()), max_size=3).map(tuple),
    replacements=st.lists(
        st.builds(ReplacementInfo, ids, st.lists(codes, max_size=3).map(tuple)), max_size=2
    ).map(tuple),
    staff=staff,
)
others = st.builds(
    OtherInfo,
    priority=st.integers(0, 4),
    sphere=words,
    typer_notation=words,
    page_amount=st.sampled_from(["", "1", "12"]),
    direction=st.booleans(),
    appendixes=st.lists(texts(40, 1), max_size=3).map(tuple),
)
envelopes = st.builds(
    Envelope,
    kind=st.sampled_from([Kind.NEW, Kind.REVOKE, Kind.UPDATE, Kind.REPLACE]),
    sender=organizations,
    recipients=st.lists(organizations, min_size=1, max_size=4).map(tuple),
    document_id=ids,
    code_number=words,
    code_notation=words,
    place=words,
    promulgation_date=dates,
    document_type=st.builds(
        DocumentType, st.sampled_from(["", "1", "18"]), st.sampled_from(["", "0"]), words
    ),
    subject=texts(200),
    content=texts(200),
    signer=st.builds(SignerInfo, words, words, words),
    due_date=dates,
    to_places=st.lists(texts(40, 1), max_size=3).map(tuple),
    other=others,
    response_for=st.lists(answers, max_size=2).map(tuple),
    steering_type=st.sampled_from(["", "0", "1", "3"]),
    task_codes=st.lists(ids, max_size=2).map(tuple),
    application_type=st.sampled_from(["", "MCDT_DT"]),
    business=businesses,
    trace=st.lists(st.builds(TraceHeader, codes, st.just("2020/04/13 15:30:00")), max_size=2).map(tuple),
)
statuses = st.builds(
    Envelope,
    kind=st.just(Kind.STATUS),
    sender=organizations,
    response_for=answers.map(lambda answer: (answer,)),
    status=st.builds(
        StatusReport,
        st.sampled_from(["01", "02", "06", "13", "16"]),
        words,
        st.sampled_from(["", "2020/04/13 16:02:00"]),
        staff,
    ),
)
files = st.lists(
    st.tuples(texts(30, 1).map(lambda name: f"{name}.bin"), st.binary(min_size=1, max_size=500)), max_size=3
)


def with_files(envelope: Envelope, made: list[tuple[str, bytes]]) -> Envelope:
    attachments = tuple(
        Attachment(f"f{index}", name, len(data), w.sha(data)) for index, (name, data) in enumerate(made)
    )
    return replace(envelope, attachments=attachments)


@EXAMPLES
@given(envelopes, files, st.sampled_from(Dialect))
def test_what_is_written_is_read_again(
    envelope: Envelope, made: list[tuple[str, bytes]], dialect: Dialect
) -> None:
    envelope = with_files(envelope, made)
    data = b"".join(build_envelope(envelope, lambda index: [made[index][1]], dialect))
    parsed = parse_envelope(data)
    assert [finding.rule for finding in parsed.findings] == []
    read = parsed.envelope
    assert w.digest_of(read) == w.digest_of(envelope)
    assert read.recipients == envelope.recipients
    assert (read.subject, read.to_places, read.trace) == (
        envelope.subject,
        envelope.to_places,
        envelope.trace,
    )
    assert read.business.staff == envelope.business.staff
    assert [one.sha256 for one in read.attachments] == [w.sha(data) for _, data in made]
    assert read.dialect is dialect


@EXAMPLES
@given(envelopes, files, st.sampled_from(Dialect))
def test_what_is_written_holds_to_its_schema(
    envelope: Envelope, made: list[tuple[str, bytes]], dialect: Dialect
) -> None:
    envelope = with_files(envelope, made)
    data = b"".join(build_envelope(envelope, lambda index: [made[index][1]], dialect))
    assert check_strict(data, dialect) == []


@EXAMPLES
@given(statuses, st.sampled_from(Dialect))
def test_a_status_that_is_written_is_read_again(envelope: Envelope, dialect: Dialect) -> None:
    data = build_status(envelope, dialect)
    parsed = parse_envelope(data)
    assert parsed.findings == ()
    assert check_schema(parsed) == ()
    assert (parsed.envelope.status, parsed.envelope.response_for) == (envelope.status, envelope.response_for)
    assert check_strict(data, dialect) == []


@EXAMPLES
@given(st.binary(max_size=2_000), st.lists(st.integers(1, 500), min_size=1, max_size=20))
def test_base64_in_any_pieces_is_decoded(data: bytes, sizes: list[int]) -> None:
    text, decoder, out = w.b64(data), Base64Decoder(), b""
    while text:
        size = sizes[len(text) % len(sizes)]
        out += decoder.feed(text[:size])
        text = text[size:]
    decoder.finish()
    assert out == data


def outcome(data: bytes) -> Parsed | None:
    """The message, or ``None`` after a refusal that says why; any other exception is a crash."""
    refusal = None
    try:
        return parse_envelope(data)
    except Unreadable as error:
        refusal = error
    assert refusal.findings
    return None


MUTABLE = w.message(w.b64(w.zipped(w.PDF)))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(MUTABLE) - 1), st.integers(0, 40), st.binary(max_size=30))
def test_a_message_with_any_bytes_changed_gets_an_answer(at: int, length: int, inserted: bytes) -> None:
    data = MUTABLE[:at] + inserted + MUTABLE[at + length :]
    parsed = outcome(data)
    if parsed is not None:
        check_schema(parsed)
        elements = [one for one in parse_tree(data).iter() if isinstance(one.tag, str)]
        assert len(elements) == len(list(parsed.skeleton.iter())), "two parsers, two messages"


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_get_an_answer(data: bytes) -> None:
    assert outcome(data) is None


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 400), st.binary(min_size=1, max_size=8))
def test_a_damaged_zip_gets_an_answer(at: int, inserted: bytes) -> None:
    archive = w.zipped(w.PDF * 4, stream=True)
    outcome(w.message(w.b64(archive[:at] + inserted + archive[at + len(inserted) :])))


@EXAMPLES
@given(st.lists(st.integers(1, 3_000), min_size=1, max_size=8))
def test_the_cut_of_the_chunks_does_not_matter(sizes: list[int]) -> None:
    reader, rest = EnvelopeReader(), MUTABLE
    while rest:
        size = sizes[len(rest) % len(sizes)]
        reader.feed(rest[:size])
        rest = rest[size:]
    assert reader.close().envelope == parse_envelope(MUTABLE).envelope
