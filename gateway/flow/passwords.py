"""Passwords and one-time codes: making, checking, and when they are good enough.

In charge of: argon2id off the event loop, RFC 6238 codes, and the rule for new passwords. Not in charge of:
who signs in (``sign_in.py``), rows (``store/accounts.py``).
"""

from __future__ import annotations

import asyncio
import base64
import functools
import unicodedata

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from gateway.clock import SECOND, random_bytes
from gateway.errors import BadRequest
from gateway.model.text import Bilingual, Instant

LEAST = 12  # characters
MOST_BYTES = 1024  # hashing takes time with the length
STEP_SECONDS = 30  # RFC 6238 section 4
_HASHER = PasswordHasher()  # argon2id, RFC 9106's second recommendation


def normal(password: str) -> str:
    """One form for one password, whichever keyboard wrote it (RFC 8265 section 4.2: NFC)."""
    return unicodedata.normalize("NFC", password)


def checked_new(password: str, login: str) -> str:
    """A password fit to be set; ``BadRequest`` says what is wrong with it."""
    password = normal(password)
    if len(password) < LEAST or len(password.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise BadRequest(_LENGTH, code="password.length")
    if len(set(password)) < 5 or (login and login.lower() in password.lower()):
        raise BadRequest(_GUESSED, code="password.guessed")
    return password


async def hashed(password: str) -> str:
    """The hash to keep."""
    return await asyncio.to_thread(_HASHER.hash, normal(password))


async def matches(kept: str, password: str) -> bool:
    """True when it is the password; takes the same time when nothing is kept (``""``)."""
    if len(password.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        return False
    return await asyncio.to_thread(_verify, kept, normal(password)) and bool(kept)


@functools.cache
def _nobody() -> str:
    """What a stranger's password is compared with, so that the answer takes as long as for a known login."""
    return _HASHER.hash(base64.b64encode(random_bytes(18)).decode())


def _verify(kept: str, password: str) -> bool:
    try:
        return _HASHER.verify(kept or _nobody(), password)
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False


def temporary_password() -> str:
    """Eighteen random characters, to be changed at the first sign-in."""
    return base64.b32encode(random_bytes(12)).decode().rstrip("=")[:18].lower()


def new_code_secret() -> str:
    """160 random bits in base32, as authenticator apps take them (RFC 4226 section 4)."""
    return base64.b32encode(random_bytes(20)).decode()


def code_link(secret: str, login: str, gateway: str) -> str:
    """The ``otpauth:`` address that stands in the QR code."""
    return pyotp.TOTP(secret, interval=STEP_SECONDS).provisioning_uri(name=login, issuer_name=gateway)


def step_of_code(secret: str, code: str, now: Instant) -> int | None:
    """The time step that a code belongs to: this one or a neighbour (RFC 6238 section 5.2); else ``None``."""
    digits = code.replace(" ", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) == 6):
        return None
    totp = pyotp.TOTP(secret, interval=STEP_SECONDS)
    here = now // (STEP_SECONDS * SECOND)
    for step in (here, here - 1, here + 1):
        if pyotp.utils.strings_equal(totp.generate_otp(step), digits):
            return step
    return None


_LENGTH = Bilingual(
    f"Mật khẩu phải có ít nhất {LEAST} ký tự. Một câu ngắn dễ nhớ là tốt nhất.",
    f"A password has at least {LEAST} characters. A short sentence is best.",
)
_GUESSED = Bilingual(
    "Mật khẩu này dễ đoán: lặp lại ký tự hoặc chứa tên đăng nhập. Hãy chọn mật khẩu khác.",
    "This password is easily guessed: it repeats characters or holds the login. Choose another one.",
)
