"""The gateway's keys: who may read the files, what a rotation keeps, what a changed byte does."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import NotReady
from gateway.model.text import Instant
from gateway.signature.keyring import LOG, RECEIPT_KEY_DAYS, WITNESS, Keyring, key_id
from tests.unit.signature_world import AT

DAY = 86_400_000_000
DATA_KEY = bytes(range(32))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def keyring(folder: Path) -> Keyring:
    return Keyring.create(folder, "Trục tỉnh Lạng Sơn", AT)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring.create(tmp_path_factory.mktemp("shared") / "keys", "gateway", AT)


def verifies(keyring: Keyring, data: bytes, signature: bytes) -> bool:
    key = keyring.receipt_certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    der = utils.encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
    key.verify(der, data, ec.ECDSA(hashes.SHA256()))
    return True


# files


def test_only_the_owner_can_read_the_files(keyring: Keyring, folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_keyring_reads_back_what_it_wrote(keyring: Keyring, folder: Path) -> None:
    again = Keyring.open(folder)
    assert again.unwrap(keyring.wrap(DATA_KEY)) == DATA_KEY
    assert again.receipt_certificate == keyring.receipt_certificate
    assert again.describe() == keyring.describe()


@pytest.mark.parametrize("name", ["keyring.json", "wrapping-0001.key", "receipt-0001.key.pem", "."])
def test_files_that_others_can_read_are_refused_with_the_command_that_helps(
    keyring: Keyring, folder: Path, name: str
) -> None:
    path = folder / name
    path.chmod(path.stat().st_mode | 0o040)
    with pytest.raises(NotReady) as refusal:
        Keyring.open(folder)
    assert refusal.value.code == "keyring.permissions"
    assert f"chmod {'700' if name == '.' else '600'} {path}" in refusal.value.text.vi


def test_loose_umask_does_not_loosen_the_files(folder: Path) -> None:
    before = os.umask(0)
    try:
        Keyring.create(folder, "gateway", AT)
    finally:
        os.umask(before)
    assert Keyring.open(folder).describe()


def test_existing_keyring_is_never_overwritten(keyring: Keyring, folder: Path) -> None:
    wrapped = keyring.wrap(DATA_KEY)
    with pytest.raises(NotReady, match=r"keyring\.exists"):
        Keyring.create(folder, "another", AT)
    assert Keyring.open(folder).unwrap(wrapped) == DATA_KEY


def test_missing_keyring_is_said(folder: Path) -> None:
    with pytest.raises(NotReady, match=r"keyring\.missing"):
        Keyring.open(folder)


@pytest.mark.parametrize("name", ["wrapping-0001.key", "receipt-0001.key.pem", "receipt-0001.crt.pem"])
@pytest.mark.parametrize("body", [None, b"", b"nonsense"])
def test_damaged_keyring_is_said(keyring: Keyring, folder: Path, name: str, body: bytes | None) -> None:
    if body is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(body)
    with pytest.raises(NotReady, match=r"keyring\.damaged"):
        Keyring.open(folder)


def test_key_and_certificate_of_different_receipts_are_refused(keyring: Keyring, folder: Path) -> None:
    keyring.rotate_receipt_key(AT)
    (folder / "receipt-0002.crt.pem").write_bytes((folder / "receipt-0001.crt.pem").read_bytes())
    with pytest.raises(NotReady, match="do not belong together"):
        Keyring.open(folder)


# wrapping


def test_wrapped_key_opens_and_does_not_show(keyring: Keyring) -> None:
    wrapped = keyring.wrap(DATA_KEY)
    assert keyring.unwrap(wrapped) == DATA_KEY
    assert DATA_KEY not in wrapped


@given(st.integers(3, 42), st.integers(1, 255))
def test_changed_wrap_does_not_open(shared: Keyring, position: int, flip: int) -> None:
    wrapped = bytearray(shared.wrap(DATA_KEY))
    wrapped[position] ^= flip
    with pytest.raises(ValueError, match="changed"):
        shared.unwrap(bytes(wrapped))


@pytest.mark.parametrize(
    "wrapped", [b"", b"\x01\x00", b"\x02\x00\x01" + bytes(40), b"\x01\x00\x01" + bytes(3)]
)
def test_something_else_is_no_wrapped_key(shared: Keyring, wrapped: bytes) -> None:
    with pytest.raises(ValueError, match="keyring"):
        shared.unwrap(wrapped)


def test_wrap_of_another_keyring_does_not_open(keyring: Keyring, shared: Keyring) -> None:
    with pytest.raises(ValueError, match="another keyring"):
        keyring.unwrap(shared.wrap(DATA_KEY))


def test_old_wraps_open_after_a_rotation(keyring: Keyring, folder: Path) -> None:
    old = keyring.wrap(DATA_KEY)
    keyring.rotate_wrapping_key(Instant(AT + DAY))
    new = keyring.wrap(DATA_KEY)
    assert old != new
    for ring in (keyring, Keyring.open(folder)):
        assert (ring.unwrap(old), ring.unwrap(new)) == (DATA_KEY, DATA_KEY)
        assert ring.wrap(DATA_KEY) == new


def test_wrap_of_a_lost_key_says_which_backup_helps(keyring: Keyring, folder: Path) -> None:
    before = Keyring.open(Path(shutil.copytree(folder, folder.with_name("backup"))))
    keyring.rotate_wrapping_key(AT)
    with pytest.raises(NotReady, match=r"keyring\.key_missing"):
        before.unwrap(keyring.wrap(DATA_KEY))


# secrets


@given(st.binary(max_size=300))
def test_secret_comes_back(shared: Keyring, secret: bytes) -> None:
    encrypted = shared.encrypt_secret(secret)
    assert shared.decrypt_secret(encrypted) == secret
    assert len(secret) < 8 or secret not in encrypted


def test_equal_secrets_look_different(shared: Keyring) -> None:
    assert shared.encrypt_secret(b"hmac") != shared.encrypt_secret(b"hmac")


@given(st.data())
def test_changed_secret_does_not_open(shared: Keyring, data: st.DataObject) -> None:
    encrypted = bytearray(shared.encrypt_secret(b"hmac of the axis"))
    position = data.draw(st.integers(0, len(encrypted) - 1))
    encrypted[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises((ValueError, NotReady)):
        shared.decrypt_secret(bytes(encrypted))


def test_secret_opens_after_a_rotation(keyring: Keyring, folder: Path) -> None:
    encrypted = keyring.encrypt_secret(b"hmac")
    keyring.rotate_wrapping_key(AT)
    assert Keyring.open(folder).decrypt_secret(encrypted) == b"hmac"


# receipt keys


def test_receipt_signature_is_r_and_s(keyring: Keyring) -> None:
    signature = keyring.sign_receipt(b"data")
    assert len(signature) == 64
    assert verifies(keyring, b"data", signature)


def test_rotation_signs_with_the_new_key_and_keeps_the_old_certificate(
    keyring: Keyring, folder: Path
) -> None:
    old = keyring.receipt_certificate
    keyring.rotate_receipt_key(Instant(AT + DAY))
    new = keyring.receipt_certificate
    assert verifies(keyring, b"data", keyring.sign_receipt(b"data"))
    assert keyring.receipt_key_id == key_id(new) != key_id(old)
    assert keyring.receipt_certificates == (new, old)
    assert Keyring.open(folder).receipt_certificates == (new, old)


def test_rotation_cut_off_before_its_last_step_can_be_repeated(keyring: Keyring, folder: Path) -> None:
    """The key files were written, the list was not: the old key stays in use, the next rotation works."""
    (folder / "receipt-0002.key.pem").write_bytes(b"half")
    (folder / "receipt-0002.key.pem").chmod(0o600)
    (folder / "keyring.json.new").touch(mode=0o600)
    again = Keyring.open(folder)
    assert again.receipt_certificate == keyring.receipt_certificate
    again.rotate_receipt_key(AT)
    assert Keyring.open(folder).receipt_certificate == again.receipt_certificate


def test_list_of_keys_shows_dates_and_no_secret(keyring: Keyring) -> None:
    keyring.rotate_receipt_key(Instant(AT + DAY))
    rows = keyring.describe()
    assert [(r.name, r.algorithm, r.created, r.current) for r in rows] == [
        ("wrapping-0001", "AES-256 key wrap", AT, True),
        ("receipt-0001", "ECDSA P-256 SHA-256", AT, False),
        ("log-0001", "Ed25519", AT, True),
        ("receipt-0002", "ECDSA P-256 SHA-256", AT + DAY, True),
    ]
    assert [r.expires for r in rows] == [
        None,
        AT + RECEIPT_KEY_DAYS * DAY,
        None,
        AT + (RECEIPT_KEY_DAYS + 1) * DAY,
    ]


def test_receipt_certificate_names_the_gateway(keyring: Keyring) -> None:
    assert keyring.receipt_certificate.subject.rfc4514_string() == "CN=Trục tỉnh Lạng Sơn"
    assert keyring.receipt_certificate_pem.startswith(b"-----BEGIN CERTIFICATE-----")


def test_a_tag_proves_one_purpose_and_one_text_only(keyring: Keyring) -> None:
    tag = keyring.tag("token", b"text")
    assert keyring.is_tag("token", b"text", tag)
    assert not keyring.is_tag("other", b"text", tag)
    assert not keyring.is_tag("token", b"texs", tag)
    assert not keyring.is_tag("token", b"text", tag[:-1])


def test_every_node_with_the_same_keys_knows_the_tag_also_after_a_rotation(
    keyring: Keyring, folder: Path
) -> None:
    tag = keyring.tag("token", b"text")
    keyring.rotate_wrapping_key(Instant(AT + DAY))
    other = Keyring.open(folder)
    assert other.is_tag("token", b"text", tag)
    assert other.tag("token", b"text") != tag


def test_another_gateway_makes_another_tag(keyring: Keyring, shared: Keyring) -> None:
    assert not shared.is_tag("token", b"text", keyring.tag("token", b"text"))


# keys that sign notes


def test_a_log_key_that_was_rotated_still_stands_in_the_list_of_public_keys(
    keyring: Keyring, folder: Path
) -> None:
    (first,) = keyring.note_keys(LOG)
    keyring.rotate_note_key(LOG, Instant(AT + DAY))
    newest, oldest = Keyring.open(folder).note_keys(LOG)
    assert oldest == first
    ed25519.Ed25519PublicKey.from_public_bytes(newest).verify(keyring.sign_note(LOG, b"head"), b"head")


def test_a_keyring_of_an_earlier_release_gets_its_log_key_once(keyring: Keyring, folder: Path) -> None:
    assert keyring.note_keys(WITNESS) == ()
    with pytest.raises(LookupError):
        keyring.sign_note(WITNESS, b"head")
    keyring.ensure_note_key(WITNESS, AT)
    keyring.ensure_note_key(WITNESS, Instant(AT + DAY))
    assert len(Keyring.open(folder).note_keys(WITNESS)) == 1


# several processes on one folder


def test_what_another_process_wrapped_under_a_new_key_is_opened_at_once(
    keyring: Keyring, folder: Path
) -> None:
    other = Keyring.open(folder)
    other.rotate_wrapping_key(Instant(AT + DAY))
    assert keyring.unwrap(other.wrap(DATA_KEY)) == DATA_KEY


def test_two_processes_that_rotate_one_after_the_other_lose_no_key(keyring: Keyring, folder: Path) -> None:
    """Each once knew of one key only; a second “wrapping-0002” would overwrite the first."""
    other = Keyring.open(folder)
    first = (other.rotate_wrapping_key(AT), other.wrap(DATA_KEY))[1]
    second = (keyring.rotate_wrapping_key(AT), keyring.wrap(DATA_KEY))[1]
    again = Keyring.open(folder)
    assert [again.unwrap(wrapped) for wrapped in (first, second)] == [DATA_KEY, DATA_KEY]
    assert len([row for row in again.describe() if row.name.startswith("wrapping")]) == 3


def test_a_key_that_another_process_gave_up_signs_nothing_after_a_look(
    keyring: Keyring, folder: Path
) -> None:
    other = Keyring.open(folder)
    other.compromise("receipt-0001", AT, Instant(AT + DAY))
    assert keyring.reread() is True
    assert keyring.receipt_key_id == other.receipt_key_id
    assert keyring.compromised_certificates() == other.compromised_certificates()
    assert keyring.reread() is False


def test_a_folder_that_another_process_left_damaged_leaves_the_keys_in_use(
    keyring: Keyring, folder: Path
) -> None:
    (folder / "keyring.json").write_bytes(b"{")
    wrapped = keyring.wrap(DATA_KEY)
    with pytest.raises(NotReady):
        keyring.reread()
    assert keyring.unwrap(wrapped) == DATA_KEY
