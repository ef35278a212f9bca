"""Receipts: what they say, who can verify them, and that no byte of them can be changed."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.canonical import canonical_json
from gateway.model.receipt import Receipt
from gateway.signature.keyring import Keyring
from gateway.signature.seal import issue_receipt, read_receipt
from tests.unit.signature_world import AT

RECEIPT = Receipt(
    id="01900000-0000-7000-8000-000000000001",
    gateway="truc-langson",
    message="01900000-0000-7000-8000-000000000002",
    sender="H37",
    document_id="000.00.00.H37,2020/04/14,373/UBND-KT",
    kind="new",
    envelope_sha256="ab" * 32,
    content_digest="cd" * 32,
    accepted_at=AT,
    decision="accept",
    recipients=("H37.03", "H37.05"),
)


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring.create(tmp_path_factory.mktemp("receipts") / "keys", "truc-langson", AT)


@pytest.fixture(scope="module")
def jws(keyring: Keyring) -> str:
    return issue_receipt(keyring, RECEIPT)


def part(jws: str, index: int) -> bytes:
    text = jws.split(".")[index]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def reassemble(header: bytes, payload: bytes, signature: bytes) -> str:
    return ".".join(
        base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in (header, payload, signature)
    )


def test_receipt_says_what_was_promised(keyring: Keyring, jws: str) -> None:
    assert read_receipt(jws, [keyring.receipt_certificate]) == RECEIPT.payload()
    assert part(jws, 1) == canonical_json(RECEIPT.payload())


def test_header_names_algorithm_key_and_certificate(keyring: Keyring, jws: str) -> None:
    header = json.loads(part(jws, 0))
    assert (header["alg"], header["kid"]) == ("ES256", keyring.receipt_key_id)
    assert header["typ"] == "gateway-receipt+json"
    pem = keyring.receipt_certificate_pem.replace(b"\n", b"")
    assert header["x5c"][0].encode() in pem


def test_receipt_of_a_rotated_key_stays_verifiable(tmp_path: Path) -> None:
    ring = Keyring.create(tmp_path / "keys", "g", AT)
    jws = issue_receipt(ring, RECEIPT)
    ring.rotate_receipt_key(AT)
    assert read_receipt(jws, ring.receipt_certificates) == RECEIPT.payload()
    with pytest.raises(ValueError, match="not among the given certificates"):
        read_receipt(jws, [ring.receipt_certificate])


def test_receipt_of_another_gateway_does_not_verify(keyring: Keyring, tmp_path: Path) -> None:
    """Its own certificate in x5c counts for nothing."""
    other = Keyring.create(tmp_path / "keys", "g", AT)
    with pytest.raises(ValueError, match="not among the given certificates"):
        read_receipt(issue_receipt(other, RECEIPT), [keyring.receipt_certificate])


@given(st.data())
def test_any_changed_character_fails(keyring: Keyring, jws: str, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(jws) - 1))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ "
    letter = data.draw(st.sampled_from([c for c in alphabet if c != jws[position]]))
    with pytest.raises(ValueError, match=r"\S"):
        read_receipt(jws[:position] + letter + jws[position + 1 :], [keyring.receipt_certificate])


def test_every_last_character_counts(keyring: Keyring, jws: str) -> None:
    """Four bits of the last letter are unused: another letter would decode to the same bytes."""
    twins = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" if c != jws[-1]]
    for letter in twins:
        with pytest.raises(ValueError, match=r"only form|changed"):
            read_receipt(jws[:-1] + letter, [keyring.receipt_certificate])


@pytest.mark.parametrize("added", ["=", "\n", ".x", ".", "A"])
def test_nothing_can_be_added(keyring: Keyring, jws: str, added: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        read_receipt(jws + added, [keyring.receipt_certificate])


def test_algorithm_none_is_refused(keyring: Keyring, jws: str) -> None:
    header = json.loads(part(jws, 0)) | {"alg": "none"}
    forged = reassemble(json.dumps(header).encode(), part(jws, 1), b"")
    with pytest.raises(ValueError, match="wrong alg"):
        read_receipt(forged, [keyring.receipt_certificate])


def test_token_of_another_kind_with_the_same_key_is_no_receipt(keyring: Keyring, jws: str) -> None:
    header = json.dumps(json.loads(part(jws, 0)) | {"typ": "checkpoint"}).encode()
    unsigned = reassemble(header, part(jws, 1), b"").rstrip(".")
    token = reassemble(header, part(jws, 1), keyring.sign_receipt(unsigned.encode()))
    with pytest.raises(ValueError, match="wrong alg or typ"):
        read_receipt(token, [keyring.receipt_certificate])


def test_changed_claim_fails(keyring: Keyring, jws: str) -> None:
    payload = part(jws, 1).replace(b'"accept"', b'"hold"')
    with pytest.raises(ValueError, match="changed after it was signed"):
        read_receipt(reassemble(part(jws, 0), payload, part(jws, 2)), [keyring.receipt_certificate])


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c.d", "e30.e30.e30", "W10.W10.W10", "..."])
def test_something_else_is_no_receipt(keyring: Keyring, text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        read_receipt(text, [keyring.receipt_certificate])
