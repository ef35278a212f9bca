"""The replacements in ``pdf_fast`` say what pyHanko says: on good files, on odd ones, on spoiled ones."""

# mypy: disable-error-code="no-untyped-call"
# (pyHanko carries few annotations)

from __future__ import annotations

import io
import random
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from asn1crypto import tsp, x509
from pdf_world import P256, SEALED_AT, PdfWorld, add_revision, build_pdf_world, sign_once
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, NameObject, NullObject, NumberObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader, RawPdfPath
from pyhanko.sign import general

from gateway.signature import pdf_fast
from gateway.signature.pdf import read_pdf_signatures

STRINGS = (
    b"<>",
    b"<0>",
    b"<414>",
    b"<4 1\n4\t2\r\x0043>",
    b"<41 % a comment > here\n42>",
    b"<4x>",
    b"<41",
    b"<41%",
    b"<feff1ea4>",
    b"<" + b"41" * 9000 + b">",
    b"<" + b" " * 8191 + b"41> after",
)
NAMES = (
    b"/A ",
    b"/",
    b"/Long" * 30 + b"]",
    b"/A#20B<",
    b"/A#2",
    b"/A#zz ",
    b"/\xc3\xa9 ",
    b"/A\x01 ",
    b"/~!/B",
    b"/A",
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> PdfWorld:
    return build_pdf_world(tmp_path_factory.mktemp("fast") / "pki")


def outcome(read: Callable[[Any], Any], data: bytes) -> tuple[Any, ...]:
    """What is read and where the stream stands afterwards, or the kind of error and its text."""
    stream = io.BytesIO(data)
    try:
        value = read(stream)
        return type(value), value, getattr(value, "autodetected_encoding", None), stream.tell()
    except Exception as problem:
        return type(problem), str(problem)


def read_both(read: Callable[[], Any]) -> tuple[Any, Any]:
    with pdf_fast.upstream():
        slow = read()
    return slow, read()


@pytest.mark.parametrize("data", STRINGS)
def test_hex_strings_are_read_as_upstream(data: bytes) -> None:
    slow, fast = read_both(lambda: outcome(lambda s: generic.read_hex_string_from_stream(s), data))
    assert fast == slow


@pytest.mark.parametrize("data", NAMES)
def test_names_are_read_as_upstream(data: bytes) -> None:
    slow, fast = read_both(lambda: outcome(generic.NameObject.read_from_stream, data))
    assert fast == slow


def test_the_replacements_are_in_use_and_can_be_taken_out() -> None:
    fast = generic.read_hex_string_from_stream
    with pdf_fast.upstream():
        assert generic.read_hex_string_from_stream is not fast
    assert generic.read_hex_string_from_stream is fast


def test_certificates_are_matched_as_upstream(world: PdfWorld) -> None:
    (signature,) = PdfFileReader(io.BytesIO(world.leader)).embedded_signatures
    wanted = signature.signer_info["sid"].chosen
    certificates = [signature.signer_cert, *signature.other_embedded_certs]
    slow, fast = read_both(lambda: [general.match_issuer_serial(wanted, c) for c in certificates])
    assert fast == slow
    assert fast.count(True) == 1


def test_issuers_within_general_names_are_matched_as_upstream(world: PdfWorld) -> None:
    """The form in which the signing-certificate attribute names the issuer (RFC 5035)."""
    (signature,) = PdfFileReader(io.BytesIO(world.leader)).embedded_signatures
    certificates = [signature.signer_cert, *signature.other_embedded_certs]
    matched = 0
    for issuer in (certificates[0].issuer, certificates[0].subject):
        names = x509.GeneralNames([x509.GeneralName("directory_name", issuer)])
        for serial in (certificates[0].serial_number, 5):
            wanted = tsp.IssuerSerial({"issuer": names, "serial_number": serial})
            slow, fast = read_both(partial(outcomes_of, wanted, certificates))
            assert fast == slow
            matched += fast.count(True)
    assert matched == 1


def outcomes_of(wanted: Any, certificates: list[Any]) -> list[bool]:
    return [general.match_issuer_serial(wanted, certificate) for certificate in certificates]


def with_structure(writer: IncrementalPdfFileWriter) -> None:
    """A structure tree with elements that point up and to the page, and an index that points into it."""
    page = writer.root["/Pages"]["/Kids"].raw_get(0)
    top = DictionaryObject({NameObject("/Type"): NameObject("/StructTreeRoot")})
    top_ref = writer.add_object(top)
    leaf = DictionaryObject(
        {NameObject("/P"): top_ref, NameObject("/Pg"): page, NameObject("/K"): NumberObject(0)}
    )
    bare = DictionaryObject({NameObject("/Type"): NameObject("/StructElem"), NameObject("/K"): NullObject()})
    leaf_ref = writer.add_object(leaf)
    content = DictionaryObject({NameObject("/Type"): NameObject("/MCR"), NameObject("/Pg"): page})
    top[NameObject("/K")] = ArrayObject([leaf_ref, bare, content, NumberObject(3)])
    top[NameObject("/ParentTree")] = DictionaryObject({NameObject("/Nums"): ArrayObject([leaf_ref, page])})
    writer.root[NameObject("/StructTreeRoot")] = top_ref
    writer.root[NameObject("/OpenAction")] = ArrayObject([page, NameObject("/Fit")])
    writer.update_root()


def usages(data: bytes) -> dict[tuple[int, int], set[RawPdfPath]]:
    """Every path to every object of the file, revision by revision."""
    reader = PdfFileReader(io.BytesIO(data))
    found = {}
    for revision in range(reader.total_revisions):
        resolver = reader.get_historical_resolver(revision)
        resolver._load_reverse_xref_cache()
        for number in range(1, 60):
            paths = resolver._get_usages_of_ref(generic.Reference(number, 0, resolver))
            found[revision, number] = paths
    return found


@pytest.mark.parametrize("change", [None, with_structure])
def test_paths_to_objects_are_those_of_upstream(
    change: Callable[[IncrementalPdfFileWriter], None] | None, world: PdfWorld
) -> None:
    data = add_revision(world.signed, change) if change else world.signed
    slow, fast = read_both(lambda: usages(data))
    assert fast == slow
    assert sum(len(paths) for paths in fast.values()) > 50


def test_signatures_are_those_of_upstream(world: PdfWorld) -> None:
    third = sign_once(world.signed, world.pki.issue_agency("H37.03", "Sở", P256), "So", SEALED_AT)
    for data in (world.page, world.leader, world.signed, third, world.signed + b"tail", world.signed[:-30]):
        slow, fast = read_both(partial(read_pdf_signatures, data))
        assert fast == slow


def test_two_hundred_spoiled_files_are_read_as_upstream(world: PdfWorld) -> None:
    """Spoiled where objects stand, not within streams, so that most changes reach the parser."""
    chance = random.Random(38)
    hidden = re.sub(rb"stream\r?\n.*?endstream", lambda found: b"x" * len(found[0]), world.signed, flags=re.S)
    structural = [at for at in range(len(hidden)) if hidden[at] in b"/<>[]() \n"]
    kinds = set()
    for number in range(200):
        spoiled = bytearray(world.signed)
        at = chance.choice(structural)
        if number % 3 == 0:
            spoiled[at : at + chance.randint(1, 3)] = b""
        elif number % 3 == 1:
            spoiled[at] = chance.choice(b"/<>[]()% \n\x00#5Rz")
        else:
            spoiled[at:at] = chance.choice([b"%x\n", b" ", b"<<", b">", b"#41", b"/P 1 0 R "])
        slow, fast = read_both(partial(read_pdf_signatures, bytes(spoiled)))
        assert fast == slow, number
        kinds |= {one.failure.sub_indication if one.failure else "" for one in fast}
    assert len(kinds) > 3
