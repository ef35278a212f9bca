"""What the schemas say, in sentences that name the field."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import xmlschema

from gateway.edxml import schema
from gateway.edxml.parse import parse_envelope
from gateway.edxml.safe_xml import load_schema
from gateway.edxml.schema import check_schema
from gateway.model.finding import Finding, Severity
from gateway.resources import shipped
from tests.unit import edxml_world as w


def only_finding(data: bytes) -> Finding:
    (finding,) = check_schema(parse_envelope(data))
    return finding


def with_element(xml: str) -> bytes:
    return w.message(header=xml)


def test_a_missing_field_is_named_in_vietnamese_with_its_place() -> None:
    finding = only_finding(w.change(w.message(), "<edXML:Place>Lạng Sơn</edXML:Place>", ""))
    assert (finding.rule, finding.where) == ("schema.element_missing", "PromulgationInfo/Place")
    assert finding.text.vi == "Thiếu trường Địa danh (Place) trong phần “Địa danh và ngày ban hành”."
    assert finding.text.en == "Place of issue (Place) is missing in place and date of issue."


def test_a_date_in_another_form_is_told_with_an_example() -> None:
    finding = only_finding(w.change(w.message(), "2020/04/13</edXML:Prom", "13/04/2020</edXML:Prom"))
    assert finding.where == "PromulgationInfo/PromulgationDate"
    assert finding.text.vi == (
        "Trường Ngày ban hành (PromulgationDate) ghi “13/04/2020”; "
        "phải ghi dạng năm/tháng/ngày, ví dụ 2020/04/13."
    )


@pytest.mark.parametrize(
    ("xml", "field"),
    [
        ("<edXML:DueDate>mai</edXML:DueDate>", "Hạn trả lời"),
        ("<edXML:SteeringType>7</edXML:SteeringType>", "Loại chỉ đạo"),
        ("<edXML:OtherInfo><edXML:PageAmount>ba</edXML:PageAmount></edXML:OtherInfo>", "Số trang"),
        ("<edXML:OtherInfo><edXML:Direction>có</edXML:Direction></edXML:OtherInfo>", "Văn bản chỉ đạo"),
    ],
)
def test_a_value_in_another_form_names_its_field(xml: str, field: str) -> None:
    finding = only_finding(with_element(xml))
    assert finding.rule == "schema.value_form"
    assert finding.text.vi.startswith(f"Trường {field} (")


def test_an_unknown_element_is_told_from_a_misplaced_one() -> None:
    unknown = only_finding(with_element("<edXML:HanXuLy>1</edXML:HanXuLy>"))
    misplaced = only_finding(w.change(w.message(), "<edXML:Code>", "<edXML:Code><edXML:Subject/>"))
    assert "không có trong tiêu chuẩn" in unknown.text.vi
    assert "lặp lại hoặc đặt sai chỗ" in misplaced.text.vi


def test_schema_findings_never_refuse() -> None:
    for path in w.BAD:
        if path.name.startswith("schema."):
            findings = check_schema(parse_envelope(path.read_bytes()))
            assert findings
            assert {finding.severity for finding in findings} == {Severity.WARNING}


def test_at_most_twenty_violations_are_told() -> None:
    data = with_element("".join(f"<edXML:DueDate>{n}</edXML:DueDate>" for n in range(50)))
    assert len(check_schema(parse_envelope(data))) == 20


def test_every_violation_is_told_once() -> None:
    data = with_element("<edXML:DueDate>mai</edXML:DueDate>" * 5)
    assert len(check_schema(parse_envelope(data))) == 1


def test_a_message_too_big_for_the_slow_validator_is_still_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "_reasons", lambda: pytest.fail("the slow validator was asked"))
    to = "<edXML:To><edXML:OrganId>H37.03</edXML:OrganId></edXML:To>" * 2_000
    finding = only_finding(with_element(to + "<edXML:DueDate>mai</edXML:DueDate>"))
    assert (finding.rule, finding.where) == ("schema.value_form", "DueDate")


SCHEMA_CASES = [path for path in w.BAD if path.name.startswith("schema.")]


@pytest.mark.parametrize("path", SCHEMA_CASES, ids=lambda path: path.stem)
def test_both_validators_are_explained_alike(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = only_finding(path.read_bytes())
    monkeypatch.setattr(schema, "_MAX_EXPLAINED", 0)
    fast = only_finding(path.read_bytes())
    assert fast.rule == slow.rule
    assert fast.where.rpartition("/")[2] == slow.where.rpartition("/")[2]


@pytest.mark.parametrize("name", ["accept.xsd", "strict-java.xsd", "strict-dotnet.xsd"])
def test_both_validators_compile_every_shipped_schema(name: str) -> None:
    path = shipped("schemas", "edxml", name)
    load_schema(path)
    assert xmlschema.XMLSchema10(str(path)).built


@pytest.mark.parametrize("name", ["accept.xsd", "strict-java.xsd", "strict-dotnet.xsd"])
def test_every_schema_says_in_itself_and_in_sources_that_it_is_reconstructed(name: str) -> None:
    assert "RECONSTRUCTED" in shipped("schemas", "edxml", name).read_text(encoding="utf-8")
    sources = shipped("schemas", "SOURCES.md").read_text(encoding="utf-8")
    assert f"| `edxml/{name}` | **reconstructed** |" in sources


def test_valid_messages_never_load_the_slow_validator() -> None:
    code = """
import sys
from pathlib import Path
from gateway.edxml.parse import parse_envelope
from gateway.edxml.schema import check_schema
assert check_schema(parse_envelope(Path(sys.argv[1]).read_bytes())) == ()
assert "xmlschema" not in sys.modules
"""
    sample = w.CORPUS / "good" / "new-cv-362.edxml"
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", code, str(sample)], cwd=root, check=True, timeout=60)


def test_threads_do_not_mix_up_their_findings() -> None:
    good, bad = (
        parse_envelope(w.message()),
        parse_envelope(with_element("<edXML:DueDate>mai</edXML:DueDate>")),
    )
    expected = check_schema(bad)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(check_schema, [good, bad] * 100))
    assert results == [(), expected] * 100
