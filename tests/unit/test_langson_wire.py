"""The Lạng Sơn dialect on the wire: codes, answers, days, tokens, forms in pieces, and answers in pieces."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.langson import reading, tokens, wire
from adapters.langson.axis import FINAL, RETRIED, LangsonAxis
from adapters.langson.guard import SECONDS, TRIES, Guard
from adapters.langson.multipart import Part, boundary_of, parts
from adapters.langson.pull import LangsonInbox
from gateway.clock import SECOND, ScenarioClock, local
from gateway.errors import (
    BadRequest,
    Busy,
    DuplicateConflict,
    GatewayError,
    NotFound,
    NotPermitted,
    Refused,
    TooLarge,
    TooMany,
    TooSlow,
    Unreadable,
)
from gateway.metrics import Metrics
from gateway.model.finding import Finding, Severity
from gateway.model.text import Bilingual, Instant
from gateway.net import Net
from gateway.port import Unavailable
from gateway.services import Services
from gateway.signature.keyring import Keyring
from tests.unit.signature_world import AT

WORDS = Bilingual("câu", "sentence")
BOUNDARY = b"----WebKitFormBoundary7MA4YWxk"


async def pieces(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


# ---------------------------------------------------------------- codes


def refused(*rules: str) -> Refused:
    return Refused(findings=tuple(Finding(rule, Severity.REFUSE, "", WORDS) for rule in rules))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Unreadable(), "10"),
        (Unreadable(findings=(Finding("envelope.not_xml", Severity.REFUSE, "", WORDS),)), "10"),
        (Unreadable(findings=(Finding("envelope.wrong_namespace", Severity.REFUSE, "", WORDS),)), "22"),
        (Unreadable(findings=(Finding("element.no_namespace", Severity.REFUSE, "", WORDS),)), "22"),
        (refused("attachment.too_large"), "10"),
        (TooLarge(), "10"),
        (BadRequest(WORDS, code="form.file_missing"), "10"),
        (NotPermitted(WORDS, code="caller.system"), "15"),
        (refused("recipient.unknown"), "18"),
        (refused("recipient.test_code"), "18"),
        (NotPermitted(WORDS, code="sender.not_yours"), "19"),
        (refused("sender.closed"), "19"),
        (GatewayError(), "20"),
        (Busy(), "20"),
        (TooMany(), "20"),
        (TooSlow(), "21"),
        (BadRequest(WORDS, code="upload.cut_off"), "21"),
        (refused("secrecy.marked"), "22"),
        (DuplicateConflict(), "22"),
        (NotFound(code="delivery.unknown"), "22"),
        (refused("recipient.closed"), "23"),
        (refused("recipient.closed", "recipient.unknown"), "23"),
    ],
)
def test_each_error_has_one_of_the_nine_codes(error: GatewayError, code: str) -> None:
    assert wire.code_of(error).value == code
    answer = wire.failure(error)
    assert answer["success"] is False
    assert answer["data"]["errorCode"] == code
    assert answer["errorDetail"][0]["errorCode"] == code


def test_what_is_only_a_warning_does_not_choose_the_code() -> None:
    warning = Finding("recipient.rerouted", Severity.WARNING, "", WORDS)
    error = Refused(findings=(warning, Finding("secrecy.marked", Severity.REFUSE, "", WORDS)))
    assert wire.code_of(error) is wire.Code.NOT_CONFORMING


def test_a_sentence_carries_our_rule_and_how_many_reasons_more_there_are() -> None:
    error = refused("recipient.unknown", "recipient.unknown", "subject.missing")
    assert wire.sentence(error) == "câu (và 2 lý do khác) [recipient.unknown]"


def test_a_refusal_is_200_with_its_code() -> None:
    assert wire.http_status(refused("recipient.unknown")) == 200
    assert wire.http_status(NotFound()) == 200


@pytest.mark.parametrize(
    "error", [Busy(), TooMany(), TooSlow(), BadRequest(WORDS, code="upload.cut_off"), GatewayError()]
)
def test_what_passes_by_itself_is_5xx_because_clients_take_every_code_for_final(error: GatewayError) -> None:
    assert wire.http_status(error) in (500, 503)


def test_every_code_is_final_or_retried_by_our_own_client() -> None:
    codes = {code.value for code in wire.Code} - {wire.Code.OK.value}
    assert FINAL.keys() | RETRIED.keys() == codes
    assert not FINAL.keys() & RETRIED.keys()
    assert {"20", "21"} <= RETRIED.keys()


def test_the_401_body_is_that_of_the_axis_to_the_letter() -> None:
    expected = (
        '{"errorDetail":null,"code":401,"message":"Unauthorized","licenseInfo":"invalid","totalTime":0}'
    )
    assert expected.encode() == wire.UNAUTHORIZED


# ---------------------------------------------------------------- days


def test_a_span_of_days_holds_both_days_whole() -> None:
    span = wire.day_span("2026/11/23", "2026/11/24")
    assert span is not None
    assert local(span[0]).isoformat() == "2026-11-23T00:00:00+07:00"
    assert local(span[1]).isoformat() == "2026-11-24T23:59:59.999999+07:00"


def test_missing_days_leave_the_span_open() -> None:
    assert wire.day_span("", "") == (0, 2**62)


@pytest.mark.parametrize("day", ["23/11/2026", "2026-11-23", "2026/13/01", "2026/11/23 10:00:00", "x"])
def test_what_is_no_day_is_not_read(day: str) -> None:
    assert wire.day_span(day, "") is None
    assert wire.day_span("", day) is None


# ---------------------------------------------------------------- tokens


class Node:
    """What a token needs of a gateway."""

    def __init__(self, keyring: Keyring, clock: ScenarioClock) -> None:
        self.keyring = keyring
        self.clock = clock
        self.metrics = Metrics()


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring.create(tmp_path_factory.mktemp("langson") / "keys", "truc-thu", AT)


@pytest.fixture
def node(keyring: Keyring) -> Services:
    return Node(keyring, ScenarioClock(AT))  # type: ignore[return-value]


def later(node: Services, seconds: int) -> None:
    clock = node.clock
    assert isinstance(clock, ScenarioClock)
    clock.jump_to(Instant(clock.now() + seconds * SECOND))


def test_a_token_says_who_logged_in_with_which_secret(node: Services) -> None:
    token = tokens.read(node, tokens.issue(node, "langson", "credential-1"))
    assert token is not None
    assert (token.username, token.secret) == ("langson", "credential-1")


def test_a_token_has_the_shape_of_a_jwt(node: Services) -> None:
    header, body, _ = tokens.issue(node, "langson", "credential-1").split(".")
    assert orjson.loads(base64.urlsafe_b64decode(header + "==")) == {"alg": "HS256", "typ": "JWT"}
    claims = orjson.loads(base64.urlsafe_b64decode(body + "=="))
    assert claims["exp"] - claims["iat"] == 1_800


def test_a_token_holds_for_thirty_minutes(node: Services) -> None:
    text = tokens.issue(node, "langson", "c")
    later(node, 1_790)
    assert tokens.read(node, text) is not None
    later(node, 20)
    assert tokens.read(node, text) is None


def test_another_gateway_does_not_take_it(node: Services, tmp_path: Path) -> None:
    other = Node(Keyring.create(tmp_path / "keys", "truc-khac", AT), ScenarioClock(AT))
    assert tokens.read(other, tokens.issue(node, "langson", "c")) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "é.é.é", "x" * 5_000])
def test_what_is_no_token_is_none(node: Services, text: str) -> None:
    assert tokens.read(node, text) is None


def test_a_token_without_algorithm_or_with_a_changed_letter_is_none(node: Services) -> None:
    header, body, tag = tokens.issue(node, "langson", "c").split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    claims = orjson.loads(base64.urlsafe_b64decode(body + "==")) | {"sub": "other"}
    forged = base64.urlsafe_b64encode(orjson.dumps(claims)).rstrip(b"=").decode()
    for text in (f"{none}.{body}.", f"{none}.{body}.{tag}", f"{header}.{forged}.{tag}", f"{header}.{body}."):
        assert tokens.read(node, text) is None


# ---------------------------------------------------------------- guessing


def test_after_ten_wrong_tries_even_a_right_one_waits(node: Services) -> None:
    guard = Guard()
    for _ in range(TRIES):
        guard.require_patience(node, "10.0.0.1", "langson")
        guard.note_wrong(node, "10.0.0.1", "langson")
    with pytest.raises(TooMany) as caught:
        guard.require_patience(node, "10.0.0.1", "langson")
    assert 0 < caught.value.retry_after <= SECONDS
    guard.require_patience(node, "10.0.0.1", "other")
    guard.require_patience(node, "10.0.0.2", "langson")
    later(node, SECONDS + 1)
    guard.require_patience(node, "10.0.0.1", "langson")


def test_a_source_that_tries_many_names_waits_too(node: Services) -> None:
    guard = Guard()
    for number in range(50):
        guard.note_wrong(node, "10.0.0.1", f"name-{number}")
    with pytest.raises(TooMany):
        guard.require_patience(node, "10.0.0.1", "one more")


def test_wrong_tries_take_bounded_memory(node: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.langson.guard.MAX_KEPT", 100)
    guard = Guard()
    for number in range(1_000):
        guard.note_wrong(node, f"source-{number}", "x" * 1_000)
    assert len(guard._wrong) <= 102


# ---------------------------------------------------------------- forms


def form(*fields: tuple[str, bytes], boundary: bytes = BOUNDARY) -> bytes:
    made = b""
    for name, value in fields:
        head = f'Content-Disposition: form-data; name="{name}"; filename="{name}.edxml"'.encode()
        made += b"--" + boundary + b"\r\n" + head + b"\r\nContent-Type: text/plain\r\n\r\n" + value + b"\r\n"
    return made + b"--" + boundary + b"--\r\n"


async def fields_of(data: bytes, size: int, boundary: bytes = BOUNDARY) -> list[tuple[str, bytes]]:
    return [
        (part.name, b"".join([chunk async for chunk in part.chunks]))
        async for part in parts(pieces(data, size), boundary)
    ]


@given(
    values=st.lists(st.binary(max_size=200) | st.sampled_from([b"\r\n--", b"--" + BOUNDARY, b"\r\n"])),
    size=st.integers(1, 300),
)
async def test_a_form_is_read_whatever_the_size_of_the_pieces(values: list[bytes], size: int) -> None:
    values = [value for value in values[:10] if b"\r\n--" + BOUNDARY not in b"\r\n" + value]
    sent = [(f"f{number}", value) for number, value in enumerate(values)]
    assert await fields_of(form(*sent), size) == sent


async def test_what_stands_before_and_behind_a_form_is_passed_over() -> None:
    data = b"preamble\r\n" + form(("a", b"1")) + b"epilogue"
    assert await fields_of(data, 7) == [("a", b"1")]


async def test_a_part_that_nobody_reads_is_passed_over() -> None:
    data = form(("a", b"1" * 100), ("b", b"2"))
    assert [part.name async for part in parts(pieces(data, 9), BOUNDARY)] == ["a", "b"]


async def test_names_without_quotes_and_parts_without_headers_are_read() -> None:
    plain = b"--b\r\nContent-Disposition: form-data; name=messageType\r\n\r\nedoc\r\n"
    data = plain + b"--b \t\r\n\r\nnothing said\r\n--b--"
    assert await fields_of(data, 3, b"b") == [("messageType", b"edoc"), ("", b"nothing said")]


@pytest.mark.parametrize("cut", [1, 20, 60, 130, 170])
async def test_a_form_that_breaks_off_is_told_so(cut: int) -> None:
    with pytest.raises(BadRequest) as caught:
        await fields_of(form(("a", b"1" * 50))[:cut], 10)
    assert caught.value.code == "upload.cut_off"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"x" * 20_000, "form.malformed"),
        (b"--b\r\n" + b"X: " + b"y" * 20_000, "form.malformed"),
        (b"--bx\r\n\r\n\r\n--b--", "form.malformed"),
        (form(*((f"f{n}", b"") for n in range(20)), boundary=b"b"), "form.too_many_parts"),
        (form(("a", b""), boundary=b"b") + b"z" * 20_000, "form.malformed"),
    ],
)
async def test_a_form_has_bounds(data: bytes, code: str) -> None:
    with pytest.raises(BadRequest) as caught:
        await fields_of(data, 4_096, b"b")
    assert caught.value.code == code


async def test_a_short_field_is_short_and_text() -> None:
    assert await Part("a", pieces(b" edoc\r\n", 2)).text(10) == "edoc"
    for value in (b"x" * 11, b"\xff\xfe"):
        with pytest.raises(BadRequest):
            await Part("a", pieces(value, 100)).text(10)


@pytest.mark.parametrize(
    ("header", "boundary"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('Multipart/Form-Data; charset=utf-8; boundary="a b:c"', b"a b:c"),
    ],
)
def test_the_boundary_is_read(header: str, boundary: bytes) -> None:
    assert boundary_of(header) == boundary


@pytest.mark.parametrize(
    "header", ["", "application/json", "multipart/form-data", "multipart/mixed; boundary=a"]
)
def test_what_is_no_form_is_refused(header: str) -> None:
    with pytest.raises(BadRequest):
        boundary_of(header)


# ---------------------------------------------------------------- answers


def test_a_success_is_read_in_either_shape() -> None:
    assert reading.read_answer(200, b'{"success":true,"docId":"1"}')["docId"] == "1"
    assert reading.read_answer(200, b'{"code":0,"data":[]}')["data"] == []
    assert reading.read_answer(200, b'{"code":"200","message":"null","errorDetail":"null","data":null}')


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (
            '{"success":false,"message":"m","data":{"docId":null,"errorCode":"18","errorDesc":"lạ"}}',
            "18",
            "lạ",
        ),
        ('{"success":false,"message":"m","data":{"errorCode":22,"errorDesc":"null"}}', "22", "m"),
        ('{"code":15,"message":"sai khóa","errorDetail":null,"data":null}', "15", "sai khóa"),
        ('{"code":422,"message":"m","errorDetail":[{"errorCode":"23"}],"data":"null"}', "23", "m"),
        ('{"success":false,"code":200,"message":"m"}', "http.200", "m"),
        ('{"success":"false","code":"0","message":"m"}', "http.200", "m"),
    ],
)
def test_the_axis_own_no_is_read_wherever_it_stands(body: str, code: str, words: str) -> None:
    with pytest.raises(reading.Failed) as caught:
        reading.read_answer(200, body.encode())
    assert (caught.value.code, caught.value.words) == (code, words)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, b"", "answer.empty"),
        (200, b"<html>login</html>", "answer.not_json"),
        (200, b"[1]", "answer.not_json"),
        (200, b'{"error":"proxy"}', "answer.not_json"),
        (502, b"<html>", "answer.502"),
        (503, b'{"success":false,"code":503,"data":{"errorCode":"20"}}', "answer.503"),
        (429, b"", "answer.429"),
    ],
)
def test_what_is_no_answer_is_unavailable(status: int, body: bytes, code: str) -> None:
    with pytest.raises(Unavailable) as caught:
        reading.read_answer(status, body)
    assert caught.value.code == code


def test_the_axis_says_when_to_come_again() -> None:
    with pytest.raises(reading.Later) as caught:
        reading.read_answer(503, b"", {"retry-after": "7"})
    assert caught.value.retry_after == 7


async def file_of(answer: bytes, size: int = 50, status: int = 200) -> bytes:
    return b"".join([chunk async for chunk in reading.file_in(status, pieces(answer, size))])


@given(data=st.binary(min_size=1, max_size=400), size=st.integers(1, 100), escaped=st.booleans())
async def test_a_file_is_decoded_as_it_comes(data: bytes, size: int, escaped: bool) -> None:
    text = base64.b64encode(data)
    if escaped:
        text = text.replace(b"/", rb"\/").replace(b"+", rb"\u002B").replace(b"=", rb"\u003d")
    answer = b'{"code":200,"message":"OK","data": {"docId":"1", "data" : "' + text + b'"},"totalTime":3}'
    assert await file_of(answer, size) == data


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b'{"code":200,"data":{"data":"QUJD', "answer.cut_off"),
        (b'{"code":200,"data":{"data":""}}', "answer.no_file"),
        (b'{"code":200,"data":{"data":"null"}}', "answer.no_file"),
        (b'{"code":200,"data":{"data":null}}', "answer.no_file"),
        (b'{"code":200,"data":{"data":"QUJ*"}}', "answer.not_base64"),
        (b'{"code":200,"data":{"data":"QUJDR"}}', "answer.not_base64"),
        (b"<html></html>", "answer.not_json"),
        (b"", "answer.empty"),
        (b"x" * 100_000, "answer.not_json"),
    ],
)
@pytest.mark.parametrize("size", [1, 4, 1_000])
async def test_an_answer_without_a_whole_file_is_unavailable(answer: bytes, code: str, size: int) -> None:
    with pytest.raises(Unavailable) as caught:
        await file_of(answer, size)
    assert caught.value.code == code


async def test_a_refusal_instead_of_a_file_is_the_axis_no() -> None:
    with pytest.raises(reading.Failed) as caught:
        await file_of(orjson.dumps(wire.failure(NotFound(code="delivery.unknown"))))
    assert caught.value.code == "22"


async def rows_of(answer: bytes, size: int = 50) -> list[object]:
    return [row async for row in reading.rows_in(200, pieces(answer, size))]


@given(
    rows=st.lists(
        st.fixed_dictionaries({"orgCode": st.text(), "n": st.lists(st.integers(0, 99))}), max_size=20
    ),
    size=st.integers(1, 200),
)
async def test_rows_are_read_as_they_come(rows: list[dict[str, object]], size: int) -> None:
    answer = b'{"code":200,"message":"OK","data":' + orjson.dumps(rows) + b',"count":2}'
    assert await rows_of(answer, size) == rows


async def test_a_refusal_with_an_empty_list_is_no_empty_list() -> None:
    with pytest.raises(reading.Failed) as caught:
        await rows_of(b'{"code":403,"data":[],"errorDetail":[{"errorCode":"15"}],"message":"no"}')
    assert caught.value.code == "15"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b'{"code":200,"data":[{"orgCode":"1"},', "answer.cut_off"),
        (b'{"code":200,"data":[1]}', "answer.no_list"),
        (b'{"code":200,"data":7}', "answer.no_list"),
        (b"<html>", "answer.not_json"),
    ],
)
async def test_a_list_that_is_not_whole_is_unavailable(answer: bytes, code: str) -> None:
    with pytest.raises(Unavailable) as caught:
        await rows_of(answer, 10)
    assert caught.value.code == code


@pytest.mark.parametrize("nothing", [b"null", b'"null"', b"[]"])
async def test_a_list_of_nothing_is_empty(nothing: bytes) -> None:
    assert await rows_of(b'{"code":200,"data":' + nothing + b"}") == []


# ---------------------------------------------------------------- settings

RIGHT = {"url": "https://truc.example/api", "username": "u", "system_id": "s", "secret": "p\nk"}


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        ({}, 0),
        ({"secret": "both"}, 0),
        ({"days": "7"}, 0),
        ({"url": "truc.example"}, 1),
        ({"username": ""}, 1),
        ({"system_id": ""}, 1),
        ({"secret": ""}, 1),
        ({"secret": "a\nb\nc"}, 1),
        ({"days": "0"}, 1),
        ({"days": "x"}, 1),
        ({"url": "", "username": "", "system_id": "", "secret": "", "days": "-"}, 5),
    ],
)
def test_settings_of_an_axis_are_looked_at_before_anybody_relies_on_them(
    change: dict[str, str], problems: int
) -> None:
    adapter = LangsonAxis(Net("", 1), ScenarioClock(AT))
    found = adapter.check_settings(RIGHT | change)
    assert len(found) == problems
    assert all(text.vi and text.en for text in found)


def test_an_inbox_has_one_setting() -> None:
    adapter = LangsonInbox(Net("", 1), ScenarioClock(AT))
    assert adapter.check_settings({"codes": "qcvn102"}) == []
    assert len(adapter.check_settings({"codes": "other"})) == 1
