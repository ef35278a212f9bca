"""The signature of the national axis SDK, against its recorded requests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from adapters.vxp import sign
from adapters.vxp.client import Failed, VxpClient, read_answer
from gateway.clock import SECOND, ScenarioClock
from gateway.model.text import Instant
from gateway.net import Net
from gateway.port import Unavailable

CORPUS = Path(__file__).parents[1] / "corpus"
RECORDED = json.loads((CORPUS / "vectors" / "vxp-requests.json").read_text())
REQUESTS: list[dict[str, Any]] = RECORDED["requests"]
SECRET = RECORDED["secret"].encode()
HOUR = 3600


def named(request: dict[str, Any]) -> str:
    return str(request["path"])


def values_in(headers: Sequence[Sequence[str]]) -> Callable[[str], list[str]]:
    return lambda name: [value for key, value in headers if key.lower() == name.lower()]


def signed(parameters: dict[str, str], *more: tuple[str, str]) -> list[tuple[str, str]]:
    """Headers of a call with these parameters, and ``more`` that were never signed."""
    common = {"systemid": "test.sys", "timestamp": "23112026T144719+0306"}
    return [*sign.sign(common | parameters, SECRET).items(), *more]


def changed(headers: list[tuple[str, str]], name: str, value: str) -> list[tuple[str, str]]:
    return [(key, value if key == sign.PREFIX + name else old) for key, old in headers]


@pytest.mark.parametrize("request_", REQUESTS, ids=named)
def test_each_recorded_request_is_proved_by_its_secret(request_: dict[str, Any]) -> None:
    found = sign.read_signed(values_in(request_["headers"]))
    assert found.system_id == "test.sys"
    assert found.proved_by(SECRET)
    assert not found.proved_by(SECRET + b"x")


@pytest.mark.parametrize("request_", REQUESTS, ids=named)
def test_signing_the_recorded_parameters_gives_the_recorded_headers(request_: dict[str, Any]) -> None:
    values = values_in(request_["headers"])
    keys = values(sign.PREFIX + sign.SIGN_KEYS)[0].split(";")
    made = sign.sign({key: values(sign.PREFIX + key)[0] for key in keys}, SECRET)
    assert {name: values(name) for name in made} == {name: [value] for name, value in made.items()}


CALLS: dict[str, Callable[[VxpClient], Any]] = {
    "/getAgenciesList": lambda client: client.agencies(),
    "/getAgenciesListQD20": lambda client: client.agencies_qd20("1"),
    "/registerAgency": lambda client: client.register_agency(json.loads(REQUESTS[2]["body"])),
    "/deleteAgency": lambda client: client.delete_agency("99.99.99.G21"),
    "/sendEdoc edoc": lambda client: client.send(
        (CORPUS / "good" / "new-cv-362.edxml").read_bytes(), "000.00.00.H37"
    ),
    "/sendEdoc status": lambda client: client.send(
        (CORPUS / "good" / "status-03-cv-362.edxml").read_bytes(), "000.00.03.H37", "status"
    ),
    "/getReceivedEdocList edoc": lambda client: client.received("edoc"),
    "/getReceivedEdocList status": lambda client: client.received(
        "status", "01/04/2020 00:00:00", "30/04/2020 23:59:59"
    ),
    "/getSentEdocList edoc": lambda client: client.sent("d1"),
    "/getEdoc": lambda client: client.get("abc"),
    "/downloadEdoc": lambda client: anext(client.download("abc")),
    "/updateStatus": lambda client: client.update_status("abc", "done"),
    "/countReceiveEdoc edoc": lambda client: client.count("edoc"),
    "/countReceiveStatus status": lambda client: client.count("status"),
    "/getSynchronizeUnit": lambda client: client.units(),
}


class Taken(Exception):
    """What a client was about to send."""

    def __init__(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> None:
        self.method, self.path, self.headers, self.body = method, path, headers, body
        super().__init__(path)


class Catching(Net):
    """Sends nothing: raises what would have been sent."""

    def __init__(self) -> None:
        super().__init__("", 1)

    async def post(self, url: str, data: Any, size: int, headers: Any, tls: Any = None) -> Any:
        body = b"".join([chunk async for chunk in data])
        assert len(body) == size
        raise Taken("POST", url.removeprefix("http://axis"), headers, body)

    def stream(self, method: str, url: str, headers: Any, data: bytes = b"", body: bool = False) -> Any:
        raise Taken(method, url.removeprefix("http://axis"), headers, data)


@pytest.mark.parametrize("request_", REQUESTS, ids=named)
async def test_the_client_sends_what_the_sdk_sent(request_: dict[str, Any]) -> None:
    values = values_in(request_["headers"])
    found = sign.read_signed(values)
    clock = ScenarioClock(Instant(found.at - 60 * SECOND))
    client = VxpClient(Catching(), "http://axis", "test.sys", "testsecret", clock, sticky=True)
    client._stamp = values(sign.PREFIX + "timestamp")[0]
    call = f"{request_['path']} {found.parameters.get('messagetype', '')}".strip()
    with pytest.raises(Taken) as caught:
        await CALLS[call](client)
    taken = caught.value
    recorded = {key: value for key, value in request_["headers"] if key != "Content-Length"}
    assert (taken.method, taken.path, dict(taken.headers)) == (request_["method"], request_["path"], recorded)
    assert hashlib.sha256(taken.body).hexdigest() == request_["body_sha256"]


async def test_a_long_lived_client_object_carries_old_headers_and_one_time() -> None:
    clock = ScenarioClock(Instant(1_600_000_000 * SECOND))
    client = VxpClient(Catching(), "http://axis", "s", "k", clock, sticky=True)
    with pytest.raises(Taken):
        await client.get("first")
    clock.jump_to(Instant(1_600_007_200 * SECOND))
    with pytest.raises(Taken) as caught:
        await client.update_status("second", "done")
    headers = list(caught.value.headers.items())
    assert values_in(headers)("XroadVnpt-docId") == ["first", "second"]
    found = sign.read_signed(values_in(headers))
    assert found.parameters["docid"] == "second"
    assert abs(found.at - 1_600_000_000 * SECOND) < SECOND


def test_an_unsigned_header_of_an_earlier_call_is_not_a_parameter() -> None:
    found = sign.read_signed(values_in(signed({}, ("XroadVnpt-from", "H37"))))
    assert "from" not in found.parameters


def test_header_names_count_in_any_letter_case() -> None:
    headers = [(key.upper(), value) for key, value in signed({"docId": "abc"})]
    assert sign.read_signed(values_in(headers)).parameters["docid"] == "abc"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        (changed(signed({"from": "H37"}), "from", "H37.03"), "signature.header_changed"),
        (signed({"docId": "a", "docid": "b"}), "signature.ambiguous"),
        (changed(signed({}), "systemid", "other.sys"), "signature.header_changed"),
        ([*signed({}), ("XroadVnpt-sign-header", "{}")], "signature.missing"),
        ([pair for pair in signed({}) if pair[0] != "XroadVnpt-hash-header"], "signature.missing"),
        (changed(signed({}), "sign-header", "no json"), "signature.malformed"),
        (changed(signed({}), "sign-header", "[]"), "signature.incomplete"),
        (changed(signed({}), "sign-header", '{"XroadVnpt-a":1}'), "signature.malformed"),
        (changed(signed({}), "sign-header", '"x"'), "signature.malformed"),
        (changed(signed({}), "sign-header", "[" * 5000), "signature.malformed"),
        (changed(signed({}), "sign-header", '{"Host":"x"}'), "signature.malformed"),
        (signed({"timestamp": "2026-11-23 14:47"}), "signature.timestamp"),
        (signed({"timestamp": "31022026T144719+0306"}), "signature.timestamp"),
        (signed({"systemid": ""}), "signature.incomplete"),
    ],
)
def test_headers_that_prove_nothing_are_refused(headers: list[tuple[str, str]], code: str) -> None:
    with pytest.raises(sign.BadSignature) as caught:
        sign.read_signed(values_in(headers))
    assert caught.value.code == code


def test_the_hmac_counts_over_the_exact_text_and_not_over_a_reserialised_object() -> None:
    headers = signed({"docId": "abc"})
    text = dict(headers)["XroadVnpt-sign-header"]
    spaced = changed(headers, "sign-header", text.replace('":"', '": "'))
    assert not sign.read_signed(values_in(spaced)).proved_by(SECRET)


def test_vietnamese_words_are_proved_as_utf8_and_as_latin1() -> None:
    headers = signed({"description": "Thiếu tệp, số hiệu sai: é"})
    assert sign.read_signed(values_in(headers)).proved_by(SECRET)
    latin = signed({"description": "déjà"})
    as_sent = [(key, value.encode("latin-1").decode("utf-8", "surrogateescape")) for key, value in latin]
    assert sign.read_signed(values_in(as_sent)).proved_by(SECRET)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("23112026T144719+0306", 0.306),
        ("23112026T144719+0000", 0),
        ("23112026T144719+999", 0.999),
        ("23112026T144719+0700", 0.7),
        ("23112026T144719+1030", 0),
    ],
)
def test_the_last_part_of_a_time_is_milliseconds_and_never_a_zone(text: str, seconds: float) -> None:
    quarter_to_eight_utc = 1_795_420_039  # 2026-11-23 07:47:19 UTC
    assert sign.read_stamp(text) == quarter_to_eight_utc * SECOND + int(seconds * SECOND)


def test_a_time_text_is_read_as_it_was_written() -> None:
    at = Instant(1_795_420_039_306_000)
    assert sign.stamp(at) == "23112026T144719+0306"
    assert sign.read_stamp(sign.stamp(at)) == at


def test_freshness_reaches_both_ways() -> None:
    found = sign.read_signed(values_in(signed({})))
    for shift in (-HOUR, HOUR):
        assert found.fresh(Instant(found.at + shift * SECOND), HOUR)
        assert not found.fresh(Instant(found.at + shift * SECOND + (1 if shift > 0 else -1)), HOUR)


def test_a_hash_without_padding_is_the_recorded_one() -> None:
    data = (CORPUS / "good" / "status-03-cv-362.edxml").read_bytes()
    digest = hashlib.sha256(data).digest()
    assert sign.hash_texts(digest)[0] == "9fa8a74f772329b5ed462d66707a17a2c5869efbe95858f3ba68db4fbff726"
    assert sign.same_hash(digest.hex().upper(), digest)
    assert not sign.same_hash(digest.hex()[:-1], digest)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, b"", "answer.empty"),
        (502, b"<html>Bad Gateway</html>", "answer.not_json"),
        (200, b"[]", "answer.not_json"),
        (200, b'{"error":"x"}', "answer.not_json"),
    ],
)
def test_rubbish_is_no_answer(status: int, body: bytes, code: str) -> None:
    with pytest.raises(Unavailable) as caught:
        read_answer(status, body)
    assert caught.value.code == code


def test_the_axis_saying_no_keeps_its_words() -> None:
    with pytest.raises(Failed) as caught:
        read_answer(200, '{"status":"FAIL","ErrorCode":"18","ErrorDesc":"Không có nơi nhận"}'.encode())
    assert (caught.value.code, caught.value.words) == ("18", "Không có nơi nhận")
