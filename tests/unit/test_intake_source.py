"""Where a request comes from, and who may say so."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request

from gateway.intake import is_secure, source_of

OURS = "127.0.0.0/8, 10.1.0.0/16"


@pytest.mark.parametrize(
    ("remote", "forwarded", "source"),
    [
        ("198.51.100.4", "", "198.51.100.4"),
        ("198.51.100.4", "203.0.113.9", "198.51.100.4"),  # a stranger's word
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "6.6.6.6, 203.0.113.9, 10.1.2.3", "203.0.113.9"),  # two proxies of ours
        ("127.0.0.1", "nonsense", "nonsense"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("", "203.0.113.9", ""),
    ],
)
def test_only_our_own_proxies_say_where_a_request_comes_from(
    remote: str, forwarded: str, source: str
) -> None:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = make_mocked_request("GET", "/", headers).clone(remote=remote)
    assert source_of(request, OURS) == source


@pytest.mark.parametrize(("remote", "secure"), [("127.0.0.1", True), ("198.51.100.4", False)])
def test_only_our_own_proxies_say_that_it_came_over_tls(remote: str, secure: bool) -> None:
    request = make_mocked_request("GET", "/", {"X-Forwarded-Proto": "https"}).clone(remote=remote)
    assert is_secure(request, OURS) is secure
