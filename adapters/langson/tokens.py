"""The token that a login gives: thirty minutes, the same on every node, nothing kept.

In charge of: making and reading it. It has the shape of a JWT (RFC 7519 section 3) because clients of the
dialect expect one, and holds who logged in with which secret and until when, under a tag of the keyring. It
ends earlier when that secret is withdrawn or runs out (``call.py`` looks). Not in charge of: who calls.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import orjson

from gateway.clock import SECOND
from gateway.model.text import Instant
from gateway.services import Services

PURPOSE = "langson.token"
SECONDS = 1_800
MAX_CHARACTERS = 2_000
_HEADER = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=")


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says, once its tag was proved. ``secret`` is the id of the credential that was shown."""

    username: str
    secret: str
    expires: Instant


def issue(gw: Services, username: str, secret: str) -> str:
    """A token for who showed that secret just now."""
    seconds = gw.clock.now() // SECOND
    body = {"sub": username, "cid": secret, "iat": seconds, "exp": seconds + SECONDS}
    signed = _HEADER + b"." + _encoded(orjson.dumps(body))
    return (signed + b"." + _encoded(gw.keyring.tag(PURPOSE, signed))).decode()


def read(gw: Services, text: str) -> Token | None:
    """What a token of ours says while it holds; ``None`` for any other text.

    Only our own header is taken, so nobody chooses another algorithm.
    """
    signed, _, tag = text.rpartition(".")
    header, _, body = signed.partition(".")
    if not text.isascii() or len(text) > MAX_CHARACTERS or header.encode() != _HEADER:
        return None
    try:
        if not gw.keyring.is_tag(PURPOSE, signed.encode(), _decoded(tag)):
            return None
        found = orjson.loads(_decoded(body))
    except (binascii.Error, ValueError):
        return None
    token = Token(found["sub"], found["cid"], Instant(found["exp"] * SECOND))
    return token if gw.clock.now() < token.expires else None


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
