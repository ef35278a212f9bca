"""The whole corpus: everything good is read, valid and rebuilt; everything bad gets its rule."""

from __future__ import annotations

from pathlib import Path

import pytest
import xmlschema
from lxml import etree

from gateway.edxml.parse import Parsed, parse_envelope
from gateway.edxml.problems import rules
from gateway.edxml.safe_xml import load_schema
from gateway.edxml.schema import check_schema, check_strict
from gateway.errors import Unreadable
from gateway.model.envelope import Dialect, Kind
from gateway.model.finding import Finding, Severity
from gateway.resources import shipped
from tests.unit import edxml_world as w

# Too big to lie in a folder: made in test_edxml_limits.py and test_edxml_attachments.py.
MADE_BY_TESTS = {
    "envelope.too_large",
    "envelope.too_many_elements",
    "envelope.too_many_attributes",
    "envelope.too_many_unknown",
    "envelope.token_too_long",
    "envelope.field_too_long",
    "envelope.texts_too_long",
    "attachment.too_large",
    "attachment.unpacked_too_large",
    "attachment.too_many",
}


def name(path: Path) -> str:
    return path.stem


def read_all(path: Path) -> tuple[Parsed | None, tuple[Finding, ...]]:
    try:
        parsed = parse_envelope(path.read_bytes())
    except Unreadable as error:
        return None, error.findings
    return parsed, parsed.findings + check_schema(parsed)


@pytest.fixture(scope="module")
def second_opinion() -> xmlschema.XMLSchema10:
    return xmlschema.XMLSchema10(str(shipped("schemas", "edxml", "accept.xsd")))


@pytest.mark.parametrize("path", w.GOOD, ids=name)
def test_a_good_message_is_read_without_any_finding(path: Path) -> None:
    parsed, findings = read_all(path)
    assert parsed is not None
    assert findings == ()
    assert parsed.envelope.extensions == ()


@pytest.mark.parametrize("path", w.BAD, ids=name)
def test_a_bad_message_gets_the_finding_it_was_made_for(path: Path) -> None:
    _, findings = read_all(path)
    expected = path.stem.split("--")[0]
    assert expected in {finding.rule for finding in findings}


@pytest.mark.parametrize("path", w.BAD, ids=name)
def test_every_sentence_is_complete_and_in_both_languages(path: Path) -> None:
    for finding in read_all(path)[1]:
        for sentence in (finding.text.vi, finding.text.en):
            assert sentence[0].isupper()
            assert sentence.endswith(".")
            assert "{" not in sentence
        assert finding.text.vi != finding.text.en


def test_every_rule_of_the_reader_has_an_example() -> None:
    shown = {path.stem.split("--")[0] for path in w.BAD} | MADE_BY_TESTS
    assert set(rules()) - shown == set()


@pytest.mark.parametrize("path", w.BAD, ids=name)
def test_a_refusing_rule_raises_or_refuses(path: Path) -> None:
    expected = path.stem.split("--")[0]
    _, findings = read_all(path)
    severities = {finding.severity for finding in findings if finding.rule == expected}
    assert severities == {rules().get(expected, Severity.WARNING)}


@pytest.mark.parametrize("path", [*w.GOOD, *w.BAD], ids=name)
def test_both_validators_give_one_verdict(path: Path, second_opinion: xmlschema.XMLSchema10) -> None:
    parsed, _ = read_all(path)
    if parsed is not None:
        schema = load_schema(shipped("schemas", "edxml", "accept.xsd"))
        assert schema.validate(parsed.skeleton) == second_opinion.is_valid(parsed.skeleton)


@pytest.mark.parametrize("dialect", Dialect, ids=lambda dialect: dialect.value)
@pytest.mark.parametrize("path", w.GOOD, ids=name)
def test_a_rebuilt_message_is_the_same_message(path: Path, dialect: Dialect) -> None:
    original = path.read_bytes()
    again = w.rebuilt(original, dialect)
    assert w.digest(again) == w.digest(original)
    assert parse_envelope(again).envelope.dialect is dialect or "status" in path.name


@pytest.mark.parametrize("dialect", Dialect, ids=lambda dialect: dialect.value)
@pytest.mark.parametrize("path", w.GOOD, ids=name)
def test_what_we_write_holds_to_the_strict_schema(path: Path, dialect: Dialect) -> None:
    assert check_strict(w.rebuilt(path.read_bytes(), dialect), dialect) == []


@pytest.mark.parametrize("path", w.NATIONAL, ids=name)
def test_a_message_of_the_national_library_is_rebuilt_byte_for_byte(path: Path) -> None:
    assert w.rebuilt(path.read_bytes(), Dialect.JAVA) == path.read_bytes()


@pytest.mark.parametrize("path", w.NATIONAL, ids=name)
def test_the_strict_java_schema_fits_the_national_library(path: Path) -> None:
    assert check_strict(path.read_bytes(), Dialect.JAVA) == []


def test_the_strict_dotnet_schema_fits_the_sample() -> None:
    sample = w.CORPUS / "good" / "dotnet-cv-366.edxml"
    assert check_strict(sample.read_bytes(), Dialect.DOTNET) == []
    assert check_strict(sample.read_bytes(), Dialect.JAVA) != []


@pytest.mark.parametrize("path", w.GOOD, ids=name)
def test_the_skeleton_is_the_tree_without_contents(path: Path) -> None:
    whole = etree.fromstring(path.read_bytes())
    skeleton = parse_envelope(path.read_bytes()).skeleton
    local = [etree.QName(element).localname for element in whole.iter() if isinstance(element.tag, str)]
    assert [etree.QName(element).localname for element in skeleton.iter()] == local
    assert not any(element.text for element in skeleton.iter("{*}ContentTransferEncoded"))


def test_kinds_of_the_samples_are_what_their_names_say() -> None:
    for path in w.NATIONAL:
        assert parse_envelope(path.read_bytes()).envelope.kind is Kind(path.stem.split("-")[0])
