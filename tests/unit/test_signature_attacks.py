"""Every attack of the tables is refused, by the verifier and by the gate, and no mutation ever passes."""

from __future__ import annotations

import asyncio
import copy
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.clock import ScenarioClock
from gateway.directory.snapshot import Directory
from gateway.edxml.limits import Limits
from gateway.flow.door import take_in
from gateway.flow.examine import Bench, Examination, examine, read
from gateway.flow.identity import NOTHING_KNOWN
from gateway.model.agency import Profile
from gateway.model.finding import Decision, Severity
from gateway.model.verdict import Indication
from gateway.store.blobs import Blobs
from tests.unit import signature_world as w
from tests.unit.trap import Trap, open_trap
from tests.unit.xml_cases import XmlCase
from tests.unit.xml_cases_keys import HARMLESS, STRIPPED, WEAK, XML_CASES
from tests.unit.xml_workshop import Workshop, build_workshop
from tests.world import AGENCIES, KINDS

ATTACKS = [case for case in XML_CASES if case not in HARMLESS]
REFUSED = [
    case
    for case in ATTACKS
    if case.indication is Indication.FAILED and case.sub_indication != WEAK and case not in STRIPPED
]
TRAVELLING = [case for case in ATTACKS if case not in REFUSED and case not in STRIPPED]


def name(case: XmlCase) -> str:
    return case.name


@pytest.fixture(scope="module")
def trap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trap]:
    with open_trap(tmp_path_factory.mktemp("trap")) as made:
        yield made


@pytest.fixture(scope="module")
def shop(trap: Trap, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return build_workshop(tmp_path_factory.mktemp("shop"), trap.http, trap.file)


def gate(shop: Workshop, data: bytes, folder: Path, policy: str = "if_present") -> Examination:
    """What the gate would decide on these bytes, sent by the agency's own system."""
    profiles = {w.SENDER: Profile(w.SENDER, envelope_signature=policy)}
    directory = Directory(AGENCIES, profiles=tuple(profiles.values()))
    clock = ScenarioClock(w.AT)
    bench = Bench(clock, Limits(), shop.world.trust, directory, KINDS, frozenset({w.SENDER}))
    upload = asyncio.run(take_in(Blobs(folder), bench.limits, clock, _whole(data)))
    reading = read(upload, bench)
    exam = reading if isinstance(reading, Examination) else examine(upload, reading, NOTHING_KNOWN, bench)
    upload.staging.discard()
    return exam


async def _whole(data: bytes) -> AsyncIterator[bytes]:
    yield data


def rules(exam: Examination, severity: Severity) -> list[str]:
    return [finding.rule for finding in exam.findings if finding.severity is severity]


def test_cases_are_told_apart_by_their_names() -> None:
    assert len({case.name for case in XML_CASES}) == len(XML_CASES)
    assert len(XML_CASES) > 150


@pytest.mark.parametrize("case", ATTACKS, ids=name)
def test_an_attack_gets_its_verdict_and_no_bytes_to_use(shop: Workshop, case: XmlCase) -> None:
    result = shop.world.verify(case.build(shop))
    verdict = result.verdict
    assert (verdict.indication, verdict.sub_indication) == (case.indication, case.sub_indication)
    assert verdict.agency == ""
    assert verdict.reason.vi
    assert verdict.reason.en
    if case.indication is Indication.FAILED:
        assert result.signed_bytes is None


@pytest.mark.parametrize("case", REFUSED, ids=name)
def test_an_attack_is_refused_by_the_gate(shop: Workshop, case: XmlCase, tmp_path: Path) -> None:
    exam = gate(shop, case.build(shop), tmp_path)
    assert exam.decision is Decision.REFUSE
    assert rules(exam, Severity.REFUSE)


@pytest.mark.parametrize("case", TRAVELLING, ids=name)
def test_what_proves_nothing_travels_marked_and_is_refused_where_a_signature_is_required(
    shop: Workshop, case: XmlCase, tmp_path: Path
) -> None:
    data = case.build(shop)
    exam = gate(shop, data, tmp_path)
    assert exam.decision is Decision.ACCEPT
    assert {"signature.weak", "signature.indeterminate"} & set(rules(exam, Severity.WARNING))
    assert gate(shop, data, tmp_path, "required").decision is Decision.REFUSE


@pytest.mark.parametrize("case", STRIPPED, ids=name)
def test_a_signature_taken_away_never_counts_as_one(shop: Workshop, case: XmlCase, tmp_path: Path) -> None:
    data = case.build(shop)
    exam = gate(shop, data, tmp_path)
    assert [verdict for verdict in exam.verdicts if verdict.indication is Indication.PASSED] == []
    required = gate(shop, data, tmp_path, "required")
    assert rules(required, Severity.REFUSE) == ["signature.required"]


@pytest.mark.parametrize("case", HARMLESS, ids=name)
def test_what_changes_nothing_that_is_signed_passes_with_the_same_bytes(
    shop: Workshop, case: XmlCase, tmp_path: Path
) -> None:
    data = case.build(shop)
    result = shop.world.verify(data)
    assert (result.verdict.indication, result.verdict.agency) == (Indication.PASSED, w.SENDER)
    assert result.signed_bytes == shop.world.verify(shop.signed).signed_bytes
    assert "UBND tỉnh Lạng Sơn" in result.verdict.signer
    assert gate(shop, data, tmp_path).decision is Decision.ACCEPT


def test_nothing_that_an_attack_names_is_fetched_or_opened(
    shop: Workshop, trap: Trap, tmp_path: Path
) -> None:
    trap.touched()
    for case in XML_CASES:
        data = case.build(shop)
        shop.world.verify(data)
        gate(shop, data, tmp_path)
    assert not trap.touched()


def test_no_attack_takes_long(shop: Workshop) -> None:
    for case in XML_CASES:
        data = case.build(shop)
        started = time.process_time()
        shop.world.verify(data)
        assert time.process_time() - started < 1, case.name


def test_the_trap_would_notice(tmp_path: Path) -> None:
    with open_trap(tmp_path) as trap:
        assert not trap.touched()
        etree.parse(str(trap.file))
        assert trap.touched()
        with pytest.raises(OSError, match="timed out"):
            urllib.request.urlopen(trap.http, timeout=0.2)
        assert trap.touched()


# whatever else somebody does


def _never_passes_changed(shop: Workshop, data: bytes) -> None:
    result = shop.world.verify(data)
    if result.verdict.indication is Indication.PASSED:
        assert result.signed_bytes == shop.world.verify(shop.signed).signed_bytes
    assert result.signed_bytes in (None, shop.world.verify(shop.signed).signed_bytes)


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_row_of_edits_to_the_bytes_passes_with_other_content(shop: Workshop, data: st.DataObject) -> None:
    body = bytearray(shop.signed)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(body)))
        end = min(len(body), start + data.draw(st.integers(0, 40)))
        source = data.draw(st.integers(0, len(body)))
        piece = data.draw(st.one_of(st.binary(max_size=6), st.just(bytes(body[source : source + 60]))))
        body[start:end] = piece
    _never_passes_changed(shop, bytes(body))


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_row_of_edits_to_the_tree_passes_with_other_content(shop: Workshop, data: st.DataObject) -> None:
    root = etree.fromstring(shop.signed)
    for _ in range(data.draw(st.integers(1, 4))):
        elements = list(root.iter(etree.Element))
        target = data.draw(st.sampled_from(elements))
        other = data.draw(st.sampled_from(elements))
        _mutate(data.draw(st.sampled_from(MUTATIONS)), target, other)
    _never_passes_changed(shop, etree.tostring(root))


MUTATIONS = (
    "remove", "copy before", "copy inside", "move", "swap text", "text", "tail", "rename", "attribute",
    "comment", "instruction", "empty", "id",
)  # fmt: skip


def _mutate(kind: str, target: etree._Element, other: etree._Element) -> None:
    """One change to the tree; what the tree does not allow is left out."""
    parent = target.getparent()
    if kind == "remove" and parent is not None:
        parent.remove(target)
    elif kind == "copy before" and other.getparent() is not None:
        other.addprevious(copy.deepcopy(target))
    elif kind == "copy inside":
        other.append(copy.deepcopy(target))
    elif kind == "move" and other is not target and target not in other.iterancestors():
        other.append(target)
    elif kind == "swap text":
        target.text, other.text = other.text, target.text
    elif kind in ("text", "tail"):
        setattr(target, kind, f"{getattr(target, kind) or ''}x")
    elif kind == "rename":
        target.tag = other.tag
    elif kind == "attribute":
        target.set("a", "1")
    elif kind == "comment":
        target.append(etree.Comment("x"))
    elif kind == "instruction":
        target.append(etree.ProcessingInstruction("x", "y"))
    elif kind == "empty":
        target.clear()
    elif kind == "id":
        target.set("Id", other.get("Id", "vb"))
