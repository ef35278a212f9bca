"""The folder of keys as one encrypted file, for backups.

In charge of: sealing it under a passphrase and opening it again. Not in charge of: where the file lies
(``flow/backup.py``), using keys (``keyring``).

AES-256-GCM (NIST SP 800-38D) under a key that scrypt (RFC 7914) makes of the passphrase: 64 MiB of memory for
each guess. The first line says the parameters and is authenticated with the rest.
"""

from __future__ import annotations

import base64
from pathlib import Path

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from gateway.clock import random_bytes
from gateway.errors import BadRequest, NotReady
from gateway.model.text import Bilingual
from gateway.signature.key_files import (
    INDEX,
    LOG,
    one_at_a_time,
    public_note_keys,
    refuse_loose_permissions,
    write_new,
)

FORM = "gateway-keys/1"
SHORTEST = 12  # characters of a passphrase
_N, _R, _P = 65_536, 8, 1
_NONCE = bytes(12)  # constant: the salt makes a new key for each file, used once


def seal(folder: Path, passphrase: str) -> bytes:
    """Every file of the keyring in ``folder``, encrypted. ``BadRequest``: the passphrase is too short."""
    refuse_short(passphrase)
    refuse_loose_permissions(folder)
    with one_at_a_time(folder):
        files = {
            path.name: base64.b64encode(path.read_bytes()).decode()
            for path in sorted(folder.iterdir())
            if path.is_file() and not path.name.endswith(".new")
        }
    salt = random_bytes(16)
    head = orjson.dumps({"form": FORM, "n": _N, "r": _R, "p": _P, "salt": salt.hex()}) + b"\n"
    return head + AESGCM(_key(passphrase, salt)).encrypt(_NONCE, orjson.dumps(files), head)


def refuse_short(passphrase: str) -> None:
    """``BadRequest`` for one that can be guessed."""
    if len(passphrase) < SHORTEST:
        raise BadRequest(_SHORT, code="backup.passphrase")


def opened(sealed: bytes, passphrase: str) -> dict[str, bytes]:
    """The files by name. ``BadRequest``: another passphrase, or a byte was changed."""
    head, line, body = sealed.partition(b"\n")
    try:
        told = orjson.loads(head)
        if (told["form"], told["n"], told["r"], told["p"]) != (FORM, _N, _R, _P):
            raise ValueError("form")
        key = _key(passphrase, bytes.fromhex(told["salt"]))
        files = orjson.loads(AESGCM(key).decrypt(_NONCE, body, head + line))
    except (ValueError, KeyError, TypeError, InvalidTag) as error:
        raise BadRequest(_WRONG, code="backup.passphrase") from error
    return {name: base64.b64decode(text) for name, text in files.items()}


def log_keys_of(files: dict[str, bytes]) -> set[bytes]:
    """The public keys of the log (32 bytes each) in an opened keyring. ``BadRequest``: it is none."""
    try:
        return public_note_keys(files, LOG)
    except (ValueError, KeyError, TypeError) as error:
        raise BadRequest(_WRONG, code="backup.passphrase") from error


def lay_out(files: dict[str, bytes], folder: Path) -> None:
    """Write the files into a new folder; the index last, so that a half written keyring is none. ``NotReady``
    when there is a keyring: keys are never overwritten."""
    if (folder / INDEX).exists():
        raise NotReady(_EXISTS, code="keyring.exists")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name in sorted(files, key=lambda name: name == INDEX):
        if Path(name).name != name or name.startswith("."):
            raise BadRequest(_WRONG, code="backup.passphrase")
        write_new(folder / name, files[name])


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=_N, r=_R, p=_P).derive(passphrase.encode("utf-8"))


_SHORT = Bilingual(
    f"Câu mật khẩu bảo vệ khóa trong bản sao lưu phải có ít nhất {SHORTEST} ký tự.",
    f"The passphrase that protects the keys in a backup needs at least {SHORTEST} characters.",
)
_WRONG = Bilingual(
    "Không mở được khóa trong bản sao lưu: sai câu mật khẩu, hoặc tệp đã bị thay đổi.",
    "The keys in the backup cannot be opened: another passphrase, or the file was changed.",
)
_EXISTS = Bilingual(
    "Ở đây đã có bộ khóa; khóa không bao giờ bị ghi đè.",
    "There is a keyring here; keys are never overwritten.",
)
