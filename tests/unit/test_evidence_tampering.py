"""Whatever is changed in a container is found and named, by the gateway and by the plain verifier."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from gateway.exchange_log import evidence, plain_verifier
from gateway.exchange_log.checkpoint import WITNESS_KEY, PublicKey, cosign, read_note
from gateway.exchange_log.compromised import Compromised, lines_of
from gateway.exchange_log.container import Broken, pack, unpack
from gateway.exchange_log.evidence import read_trusted
from gateway.exchange_log.evidence_check import Trusted, check_container
from gateway.flow.evidence import trusted_of
from gateway.signature.keyring import WITNESS
from tests.unit.evidence_cases import (
    CASES,
    MEMBERS,
    PAGE,
    SIGNED,
    Case,
    Sample,
    changed_in,
    other_keyring,
    relisted,
    sample,
    with_table,
)
from tests.world import MONDAY


@pytest.fixture(scope="module")
def made() -> Sample:
    return sample()


def plainly(data: bytes, keys: str) -> str:
    """What the plain verifier says; empty when everything holds."""
    try:
        for _ in plain_verifier.run(data, keys):
            pass
    except Exception as problem:  # as its ``main`` does
        return f"{type(problem).__name__}: {problem}"
    return ""


def first_wrong(data: bytes, trusted: Trusted) -> str:
    """The first row that does not hold; empty when all do."""
    rows = check_container(data, trusted, MONDAY).rows
    return next((row.code for row in rows if row.holds is False), "")


def test_an_unchanged_container_holds(made: Sample) -> None:
    checked = check_container(made.data, made.trusted, MONDAY)
    assert checked.holds
    assert [row.code for row in checked.rows if row.holds] == [
        MEMBERS, SIGNED, "receipts", "events", "messages", "record", "log",
    ]  # fmt: skip
    assert plainly(made.data, made.keys) == ""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title_en)
def test_every_change_is_found_and_named(case: Case, made: Sample) -> None:
    bad = case.change(made)
    assert bad != made.data
    assert first_wrong(bad, made.trusted) == case.code
    assert plainly(bad, made.keys) != ""


def test_one_byte_of_any_member_is_found_though_it_was_rightly_packed(made: Sample) -> None:
    for name in made.members:
        bad = pack(changed_in(made.members, name))
        assert first_wrong(bad, made.trusted) in (MEMBERS, SIGNED), name
        assert plainly(bad, made.keys) != "", name


def test_one_bit_anywhere_in_the_file_is_found(made: Sample) -> None:
    for place in range(0, len(made.data), 97):
        bad = bytearray(made.data)
        bad[place] ^= 0x10
        with pytest.raises(Broken):
            unpack(bytes(bad))
        with pytest.raises(Exception, match=r".+"):
            plain_verifier.open_zip(bytes(bad))


def test_every_bit_of_the_signature_counts(made: Sample) -> None:
    signature = made.members[evidence.SIGNATURE]
    for place in range(len(signature)):
        body = signature[:place] + bytes([signature[place] ^ 1]) + signature[place + 1 :]
        bad = pack({**made.members, evidence.SIGNATURE: body})
        assert first_wrong(bad, made.trusted) == SIGNED
        assert plainly(bad, made.keys) != ""


def test_a_container_cut_off_anywhere_is_found(made: Sample) -> None:
    for size in range(0, len(made.data), 501):
        assert first_wrong(made.data[:size], made.trusted) != ""


def test_without_a_given_key_nothing_is_concluded(made: Sample) -> None:
    assert first_wrong(made.data, Trusted()) == SIGNED
    assert "no key was given" in plainly(made.data, "")


def test_the_key_of_another_gateway_does_not_do(made: Sample) -> None:
    other = trusted_of(other_keyring())
    assert first_wrong(made.data, other) == SIGNED
    text = evidence.key_text(other.certificates, other.log_keys)
    assert plainly(made.data, text) != ""


def test_without_the_log_key_the_log_is_not_believed(made: Sample) -> None:
    assert first_wrong(made.data, Trusted(made.trusted.certificates)) == "log"


def test_keys_that_were_given_out_are_read_back(made: Sample) -> None:
    certificates, log_keys = read_trusted(made.keys)
    assert (certificates, log_keys) == (made.trusted.certificates, made.trusted.log_keys)


def test_lost_keys_are_not_believed_by_the_plain_verifier(made: Sample) -> None:
    """They stand in lines of their own, which it passes over; the gateway weighs them (``compromised``)."""
    lost = Compromised(
        dict.fromkeys(made.trusted.certificates, MONDAY), dict.fromkeys(made.trusted.log_keys, MONDAY)
    )
    assert plainly(made.data, evidence.key_text((), made.trusted.log_keys, lines_of(lost))) != ""
    only_log = Compromised({}, lost.log_keys)
    assert "log" in plainly(made.data, evidence.key_text(made.trusted.certificates, (), lines_of(only_log)))
    assert first_wrong(made.data, Trusted(compromised=lost)) == "keys.compromised"


def test_a_witness_that_signed_several_times_counts_once(made: Sample) -> None:
    made.keyring.ensure_note_key(WITNESS, MONDAY)
    key = PublicKey("nhan-chung", made.keyring.note_keys(WITNESS)[0], WITNESS_KEY)
    text = read_note(made.members[evidence.LOG_CHECKPOINT].decode()).text
    lines = [
        cosign(text, key, at, lambda data: made.keyring.sign_note(WITNESS, data)).line() for at in (1, 2)
    ]
    manifest = orjson.loads(made.members[evidence.MANIFEST])
    manifest["files"].append({"path": evidence.LOG_COSIGNATURES, "role": "cosignatures"})
    more = {
        evidence.MANIFEST: orjson.dumps(manifest),
        evidence.LOG_COSIGNATURES: "".join(f"{line}\n" for line in lines).encode(),
    }
    data = relisted({**made.members, **more}, made.keyring)
    known = replace(made.trusted, log_keys=(*made.trusted.log_keys, key))
    told = next(row for row in check_container(data, known, MONDAY).rows if row.code == "log")
    assert (told.holds, told.text.en[-18:]) == (True, "known witnesses: 1")
    assert list(plain_verifier.run(data, f"{made.keys}\n{key}\n"))[-1].endswith("known witnesses: 1")


def test_a_manifest_without_a_gateway_is_refused_and_nothing_breaks(made: Sample) -> None:
    manifest = orjson.loads(made.members[evidence.MANIFEST])
    del manifest["gateway"]
    bad = relisted({**made.members, evidence.MANIFEST: orjson.dumps(manifest)}, None)
    assert first_wrong(bad, made.trusted) == MEMBERS


def test_equal_members_give_equal_bytes(made: Sample) -> None:
    assert pack(made.members) == made.data


def test_a_name_that_leaves_the_folder_is_not_written(made: Sample) -> None:
    for name in ("../x", "/x", "a//b", "a/../b", "a\\b", "", ".hidden", "á"):
        with pytest.raises(ValueError, match="fit"):
            pack({name: b"x"})


def test_the_verifier_that_goes_along_is_ours_and_short(made: Sample, tmp_path: Path) -> None:
    source = Path(plain_verifier.__file__).read_text("utf-8")
    assert made.members[evidence.VERIFIER].decode() == source
    assert len(source.splitlines()) < 300
    assert "import gateway" not in source
    assert "from gateway" not in source


@pytest.mark.parametrize("change", [lambda data: data, lambda data: data[:-1]], ids=["whole", "cut off"])
def test_the_verifier_runs_alone(made: Sample, tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    data = change(made.data)
    (tmp_path / "verify.py").write_bytes(made.members[evidence.VERIFIER])
    (tmp_path / "keys.txt").write_text(made.keys, "utf-8")
    (tmp_path / "hoso.asice").write_bytes(data)
    call = [sys.executable, "-I", "verify.py", "hoso.asice", "--key", "keys.txt"]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == (0 if data == made.data else 1)


def test_public_tools_check_the_hashes_and_the_signature(made: Sample, tmp_path: Path) -> None:
    """The commands of README.txt."""
    (tmp_path / "keys.txt").write_text(made.keys, "utf-8")
    for name, body in made.members.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(body)
    openssl = (
        "openssl cms -verify -binary -inform DER -in META-INF/signature.p7s"
        " -content META-INF/ASiCManifest.xml -CAfile keys.txt -purpose any -no_check_time -out /dev/null"
    )
    assert subprocess.run(openssl.split(), cwd=tmp_path, capture_output=True, check=False).returncode == 0


def test_the_table_of_the_documentation_is_current() -> None:
    page = PAGE.read_text("utf-8")
    assert with_table(page) == page
