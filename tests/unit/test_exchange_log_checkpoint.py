"""Signed notes, checkpoints and cosignatures: the forms of C2SP, and what is not taken for one."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.exchange_log.checkpoint import (
    LOG_KEY,
    WITNESS_KEY,
    Checkpoint,
    NotANote,
    Note,
    PublicKey,
    cosign,
    key_name,
    read_checkpoint,
    read_key,
    read_keys,
    read_note,
    sign,
    signed_by_log,
    verify,
)

ORIGIN = "truc-lang-son/3f2a9c1d"
ROOT = hashlib.sha256(b"root").digest()
HEAD = Checkpoint(ORIGIN, 1234, ROOT, ("time 2026-11-23T17:00:00.000000+07:00",))
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = PublicKey(ORIGIN, PRIVATE.public_key().public_bytes_raw())
WITNESS_PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
WITNESS = PublicKey("so-noi-vu", WITNESS_PRIVATE.public_key().public_bytes_raw(), WITNESS_KEY)
NOTE = sign(HEAD, KEY, PRIVATE.sign)


def test_the_text_is_origin_size_head_and_further_lines() -> None:
    coded = base64.b64encode(ROOT).decode()
    assert HEAD.text() == f"{ORIGIN}\n1234\n{coded}\ntime 2026-11-23T17:00:00.000000+07:00\n"
    assert read_checkpoint(HEAD.text()) == HEAD
    assert HEAD.stated("time") == "2026-11-23T17:00:00.000000+07:00"
    assert HEAD.stated("closes") == ""


def test_the_note_of_the_specification_is_read_and_its_signature_holds() -> None:
    """The example of C2SP signed-note: key, text and line as they stand there."""
    key = read_key("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    text = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
    )
    line = "— PeterNeumann " + (
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    note = read_note(f"{text}\n{line}")
    assert [seen.key for seen in verify(note, [key])] == [key]


def test_the_key_hash_is_over_name_algorithm_and_key() -> None:
    expected = hashlib.sha256(ORIGIN.encode() + b"\n\x01" + KEY.key).digest()[:4]
    assert NOTE.signatures[0].key_hash == expected
    assert read_key(str(KEY)) == KEY
    assert read_key(str(WITNESS)) == WITNESS
    assert KEY.algorithm == LOG_KEY


def test_a_note_is_read_back_as_it_was_written() -> None:
    assert read_note(str(NOTE)) == NOTE
    assert signed_by_log(NOTE, [KEY])
    assert not signed_by_log(NOTE, [WITNESS])


def test_a_cosignature_binds_the_time_of_the_witness() -> None:
    line = cosign(NOTE.text, WITNESS, 1_700_000_000, WITNESS_PRIVATE.sign)
    note = Note(NOTE.text, (*NOTE.signatures, line))
    log, witness = verify(note, [KEY, WITNESS])
    assert (log.time, witness.time) == (None, 1_700_000_000)
    moved = line.value[:7] + b"\x01" + line.value[8:]
    with pytest.raises(NotANote, match="does not hold"):
        verify(Note(NOTE.text, (type(line)(line.name, line.key_hash, moved),)), [WITNESS])


def test_a_witness_is_no_log_even_under_the_origin_as_its_name() -> None:
    imposter = PublicKey(ORIGIN, WITNESS.key, WITNESS_KEY)
    line = cosign(NOTE.text, imposter, 1, WITNESS_PRIVATE.sign)
    assert not signed_by_log(Note(NOTE.text, (line,)), [imposter])


def test_signatures_of_unknown_keys_are_passed_over() -> None:
    assert verify(NOTE, [WITNESS]) == []


@given(place=st.integers(0, len(str(NOTE)) - 1), letter=st.sampled_from("0aZ+/\n —"))
def test_a_changed_letter_never_passes(place: int, letter: str) -> None:
    changed = str(NOTE)[:place] + letter + str(NOTE)[place + 1 :]
    if changed == str(NOTE):
        return
    try:
        held = signed_by_log(read_note(changed), [KEY])
    except NotANote:
        return
    assert not held


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("o\n1\n", "fewer"),
        ("o\n01\n" + base64.b64encode(ROOT).decode() + "\n", "number"),
        ("o\n-1\n" + base64.b64encode(ROOT).decode() + "\n", "number"),
        ("o\n1\nAAAA\n", "32 bytes"),
        ("o\n1\n" + base64.b64encode(ROOT).decode().rstrip("=") + "\n", "32 bytes"),
        ("\n1\n" + base64.b64encode(ROOT).decode() + "\n", "origin"),
        ("o\n1\n" + base64.b64encode(ROOT).decode() + "\n\nx\n", "empty"),
        ("o\n1\n" + base64.b64encode(ROOT).decode(), "line feed"),
    ],
)
def test_what_is_no_checkpoint_says_where(text: str, says: str) -> None:
    with pytest.raises(NotANote, match=says):
        read_checkpoint(text)


@pytest.mark.parametrize(
    "note",
    [
        "",
        HEAD.text(),
        f"{HEAD.text()}\n",
        f"{HEAD.text()}\nsignature\n",
        f"{HEAD.text()}\n— name AAAA\n",
        f"{HEAD.text()}\n— na+me {base64.b64encode(bytes(68)).decode()}\n",
        f"{HEAD.text()}\n{NOTE.signatures[0].line()}",
        f"{HEAD.text()}\x00\n{NOTE.signatures[0].line()}\n",
        "x" * 100_001,
    ],
)
def test_what_is_no_note_is_not_read(note: str) -> None:
    with pytest.raises(NotANote):
        read_note(note)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        f"other+{KEY.key_hash.hex()}+{base64.b64encode(bytes([1]) + KEY.key).decode()}",
        f"{ORIGIN}+{KEY.key_hash.hex()}+{base64.b64encode(bytes([2]) + KEY.key).decode()}",
        f"{ORIGIN}+{KEY.key_hash.hex()}+AAAA",
    ],
)
def test_what_is_no_key_is_not_read(text: str) -> None:
    with pytest.raises(NotANote):
        read_key(text)


def test_a_key_file_may_have_comments() -> None:
    assert read_keys(f"# trục Lạng Sơn\n\n{KEY}\n{WITNESS}\n") == [KEY, WITNESS]


def test_the_name_of_a_key_has_no_spaces() -> None:
    assert key_name(" Trục tỉnh +\u00a0Lạng Sơn ") == "Trục-tỉnh-Lạng-Sơn"
    assert key_name("  ") == "log"
