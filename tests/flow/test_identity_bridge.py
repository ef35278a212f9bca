"""Old codes and new: how codes are written for whom, and what becomes of documents to closed agencies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings, strategies

from gateway.directory.changes import merge
from gateway.directory.data import DirectoryData
from gateway.directory.load import read_directory, to_directory
from gateway.directory.snapshot import CODE_FORMS, Directory
from gateway.edxml.build import build_envelope
from gateway.edxml.digest import content_digest
from gateway.edxml.limits import Limits
from gateway.edxml.parse import parse_envelope
from gateway.errors import BadRequest, NotPermitted, Refused, WrongState
from gateway.flow import hold, look, office
from gateway.flow.choose import Choice, choose
from gateway.flow.dialect import recoded
from gateway.flow.door import Caller
from gateway.flow.operate import LOCAL, run
from gateway.flow.policies import decide, set_policy
from gateway.model.agency import Agency, Alias, Period, Profile, Succession, SuccessionKind
from gateway.model.delivery import Delivery, State
from gateway.model.envelope import Dialect, Envelope, Kind
from gateway.model.finding import Severity
from gateway.model.policy import Action, Direction
from gateway.model.text import AgencyCode
from gateway.practice import province
from gateway.practice.pki import DemoPki, Identity
from gateway.signature.seal import sign_envelope
from gateway.store.contract import Store
from gateway.store.people import Role
from tests.world import World, make_envelope, make_world

HOME, OFFICE, CLOSED = AgencyCode("H37"), AgencyCode("H37.03"), AgencyCode("H37.40")
CITY, DISTRICT = AgencyCode("H37.31"), AgencyCode("H37.32")
OLD_FORMS = {"H37": "000.00.00.H37", "H37.03": "000.00.03.H37", "H37.05": "000.00.05.H37"}
PROVINCE = to_directory(merge(province.data(), read_directory(province.reorganisation_csv(), "csv")))


# ---------------------------------------------------------------- in which form codes are written


def read(data: bytes) -> Envelope:
    return parse_envelope([data], Limits()).envelope


def codes_in(envelope: Envelope) -> dict[str, tuple[str, ...]]:
    return {
        "From": (envelope.sender.organ_id,),
        "To": tuple(one.organ_id for one in envelope.recipients),
        "Trace": tuple(one.organ_id for one in envelope.trace),
    }


def in_old_form(to: str = "H37.03", **fields: Any) -> bytes:
    return make_envelope(OLD_FORMS["H37"], [OLD_FORMS[to]], **fields)


async def wants(world: World, agency: AgencyCode, codes: str, adapter: str = "inbox") -> None:
    await office.set_profile(world.gw, LOCAL, Profile(agency, adapter, (("codes", codes),)))


async def events_of(world: World, document: str) -> list[dict[str, Any]]:
    rows = await world.rows("events_of_document", document=document)
    return [orjson.loads(bytes(row["body"])) for row in rows]  # type: ignore[call-overload]


async def test_by_default_codes_go_on_as_they_came(world: World) -> None:
    sent = in_old_form()
    await world.upload("H37", sent)
    assert [taken.data for taken in await world.fetch("H37.03")] == [sent]


async def test_a_partner_that_wants_new_codes_gets_them_everywhere(world: World) -> None:
    await wants(world, OFFICE, "qd20")
    await world.upload("H37", in_old_form())
    [taken] = await world.fetch("H37.03")
    assert codes_in(read(taken.data)) == {"From": ("H37",), "To": ("H37.03",), "Trace": ("H37",)}


async def test_a_partner_that_wants_old_codes_gets_them(world: World) -> None:
    await wants(world, OFFICE, "qcvn102")
    await world.send()
    [taken] = await world.fetch("H37.03")
    written = codes_in(read(taken.data))
    assert written == {"From": ("000.00.00.H37",), "To": ("000.00.03.H37",), "Trace": ("000.00.00.H37",)}


async def test_a_partner_gets_its_own_aliases_as_of_the_day(world: World) -> None:
    past, today = Period(None, date(2019, 12, 31)), Period(date(2020, 1, 1))
    names = tuple(
        Alias(alias, OFFICE, "vxp", period) for alias, period in (("vxp.so.01", past), ("vxp.so.02", today))
    )
    row = Agency(OFFICE, "Sở Thông tin và Truyền thông", "province", HOME)
    await office.import_directory(world.gw, LOCAL, DirectoryData((row,), names), apply=True)
    await wants(world, OFFICE, "vxp")
    await world.send()
    [taken] = await world.fetch("H37.03")
    assert codes_in(read(taken.data))["To"] == ("vxp.so.02",)


async def test_the_document_keeps_its_id_and_its_content(world: World) -> None:
    await wants(world, OFFICE, "qd20")
    sent = in_old_form(document_id="000.00.00.H37,2020/04/13,362/UBND-KGVX")
    await world.upload("H37", sent)
    [taken] = await world.fetch("H37.03")
    before, after = read(sent), read(taken.data)
    assert after.document_id == before.document_id
    canonical = world.gw.directory.canonical
    assert content_digest(after, canonical) == content_digest(before, canonical)


async def test_a_message_that_carries_the_wanted_codes_goes_on_unchanged(world: World) -> None:
    await wants(world, OFFICE, "qcvn102")
    sent = in_old_form()
    await world.upload("H37", sent)
    assert [taken.data for taken in await world.fetch("H37.03")] == [sent]


async def test_both_forms_are_kept_and_the_record_says_so(world: World) -> None:
    await wants(world, OFFICE, "qd20")
    submission = await world.upload("H37", in_old_form())
    [queued] = [e for e in await events_of(world, submission.document) if e["type"] == "delivery.queued"]
    assert (queued["rebuilt_as"], queued["rebuilt_codes"]) == ("java", "qd20")
    assert queued["xml_signature_dropped"] is False
    payloads = await world.rows("payloads_of_document", document=submission.document)
    kept = {bytes(row["sha256"]).hex() for row in payloads}  # type: ignore[call-overload]
    assert queued["rebuilt_sha256"] in kept
    assert len(kept) == 2


async def test_two_recipients_with_one_wish_share_one_file_that_stays(world: World) -> None:
    await wants(world, OFFICE, "qd20")
    await wants(world, AgencyCode("H37.05"), "qd20")
    large = {"a.pdf": b"%PDF-1.7\n" + bytes(900_000)}
    await world.upload("H37", make_envelope(OLD_FORMS["H37"], list(OLD_FORMS.values())[1:], files=large))
    first, second = [await world.fetch(code) for code in ("H37.03", "H37.05")]
    assert first[0].data == second[0].data
    assert codes_in(read(first[0].data))["To"] == ("H37.03", "H37.05")


async def test_a_status_of_the_gateway_comes_in_the_wanted_form(world: World) -> None:
    await wants(world, HOME, "qd20")
    await world.send()
    await world.fetch("H37.03")
    [arrived] = await world.fetch("H37")
    status = read(arrived.data)
    assert (status.sender.organ_id, status.response_for[0].organ_id) == ("H37.03", "H37")


async def test_a_form_that_nobody_can_write_is_refused(world: World) -> None:
    with pytest.raises(BadRequest) as refused:
        await wants(world, OFFICE, "utf8")
    assert refused.value.code == "profile.codes"


@settings(max_examples=150, deadline=None)
@given(
    row=strategies.sampled_from(PROVINCE.agencies),
    form=strategies.sampled_from(CODE_FORMS[1:]),
    on=strategies.dates(date(2018, 1, 1), date(2028, 12, 31)),
)
def test_what_is_written_for_an_agency_means_the_same_agency(row: Agency, form: str, on: date) -> None:
    assert PROVINCE.resolve(PROVINCE.written_form(row.code, form, on)) == row.code


@settings(max_examples=60, deadline=None)
@given(
    rows=strategies.lists(strategies.sampled_from(PROVINCE.agencies), min_size=2, max_size=5),
    forms=strategies.tuples(strategies.sampled_from(CODE_FORMS), strategies.sampled_from(CODE_FORMS)),
    dialect=strategies.sampled_from(Dialect),
    on=strategies.dates(date(2018, 1, 1), date(2028, 12, 31)),
)
def test_rebuilding_from_form_to_form_keeps_the_content(
    rows: list[Agency], forms: tuple[str, str], dialect: Dialect, on: date
) -> None:
    sender, *to = (PROVINCE.written_form(row.code, "qcvn102", on) for row in rows)
    sent = read(make_envelope(sender, to, files={}))
    written = recoded(recoded(sent, PROVINCE, forms[0], on), PROVINCE, forms[1], on)
    again = read(b"".join(build_envelope(written, lambda index: [b""], dialect)))
    assert content_digest(again, PROVINCE.canonical) == content_digest(sent, PROVINCE.canonical)


# ---------------------------------------------------------------- a closed agency with several successors


def closing(*heirs: AgencyCode, code: AgencyCode = CLOSED, until: date | None = None) -> DirectoryData:
    """``code`` was closed on the last of January and gave way to ``heirs``."""
    ended = Agency(code, "UBND huyện Cũ", "district", HOME, Period(end=date(2020, 1, 31)))
    kind = SuccessionKind.SPLIT if len(heirs) > 1 else SuccessionKind.MERGE
    steps = tuple(Succession(code, heir, kind, date(2020, 2, 1), until) for heir in heirs)
    return DirectoryData((ended,), (), steps)


@pytest.fixture
async def split(world: World) -> World:
    await office.import_directory(world.gw, LOCAL, closing(CITY, DISTRICT), apply=True)
    return world


async def held(world: World, **fields: Any) -> Delivery:
    """A document to the closed agency: its delivery waits for a person."""
    submission = await world.send(to=fields.pop("to", [CLOSED]), **fields)
    return await delivery_to(world, submission.document, CLOSED)


async def delivery_to(world: World, document: str, recipient: AgencyCode, kind: str = "new") -> Delivery:
    found = await look.trace(world.gw, LOCAL, document)
    [one] = [d for d in found.deliveries if d.recipient == recipient and d.kind == kind]
    return one


async def chosen(world: World, delivery: Delivery, *to: str) -> Choice:
    return await choose(world.gw, LOCAL, delivery.id, list(to), "Theo địa bàn của văn bản")


async def states(world: World, document: str, kind: str = "new") -> dict[str, str]:
    found = await look.trace(world.gw, LOCAL, document)
    return {d.recipient: d.state.value for d in found.deliveries if d.kind == kind}


async def test_a_document_to_one_successor_keeps_the_old_name(world: World) -> None:
    await office.import_directory(world.gw, LOCAL, closing(CITY), apply=True)
    submission = await world.send(to=[CLOSED])
    [item] = await world.waiting("H37.31")
    assert (item.recipient, item.addressed) == (CITY, CLOSED)
    assert (await delivery_to(world, submission.document, CITY)).addressed == CLOSED
    [queued] = [e for e in await events_of(world, submission.document) if e["type"] == "delivery.queued"]
    assert (queued["recipient"], queued["addressed"]) == (CITY, CLOSED)


async def test_the_chosen_successor_gets_the_document_under_the_old_name(split: World) -> None:
    delivery = await held(split)
    [moved] = (await chosen(split, delivery, CITY)).deliveries
    assert (moved.id, moved.state, moved.recipient) == (delivery.id, State.QUEUED, CITY)
    [taken] = await split.fetch("H37.31")
    assert taken.item.addressed == CLOSED
    assert await split.waiting("H37.32") == []


async def test_the_record_says_who_chose_whom_and_why(split: World) -> None:
    delivery = await held(split)
    await chosen(split, delivery, CITY)
    [event] = [e for e in await events_of(split, delivery.document) if e["type"] == "delivery.rerouted"]
    assert (event["actor"], event["recipient"], event["addressed"]) == ("local", CITY, CLOSED)
    assert (event["from_state"], event["to_state"], event["chosen"]) == ("held", "queued", [CITY])
    assert "Theo địa bàn" not in str(event)


async def test_the_sender_learns_it_from_the_arrival_in_the_successors_name(split: World) -> None:
    delivery = await held(split)
    await chosen(split, delivery, CITY)
    await split.fetch("H37.31")
    [arrived] = await split.fetch("H37")
    assert split.gw.directory.resolve(read(arrived.data).sender.organ_id) == CITY


async def test_the_receipt_stays_the_one_of_the_acceptance(split: World) -> None:
    delivery = await held(split)
    before = (await look.trace(split.gw, LOCAL, delivery.document)).receipts
    await chosen(split, delivery, CITY)
    assert (await look.trace(split.gw, LOCAL, delivery.document)).receipts == before


async def test_several_may_be_chosen_and_each_gets_it_once(split: World) -> None:
    delivery = await held(split)
    choice = await chosen(split, delivery, CITY, DISTRICT, CITY)
    assert [d.recipient for d in choice.deliveries] == [CITY, DISTRICT]
    for code in ("H37.31", "H37.32"):
        assert [taken.item.addressed for taken in await split.fetch(code)] == [CLOSED]


async def test_every_delivery_that_was_added_is_counted_as_new(split: World) -> None:
    """Conservation: what the sender opened is one held and one queued delivery; two arrive."""
    delivery = await held(split)
    await chosen(split, delivery, CITY, DISTRICT)
    for code in ("H37.31", "H37.32"):
        await split.fetch(code)
    types = [e["type"] for e in await events_of(split, delivery.document) if e.get("kind") == "new"]
    opened = [kind for kind in types if kind in ("delivery.held", "delivery.queued")]
    assert opened == ["delivery.held", "delivery.queued"]
    assert types.count("delivery.delivered") == len(opened)


async def test_nobody_but_a_successor_can_be_chosen(split: World) -> None:
    delivery = await held(split)
    for wrong in (["H37.03"], [CITY, "H37.03"], ["H99"], []):
        with pytest.raises(BadRequest) as refused:
            await chosen(split, delivery, *wrong)
        assert refused.value.code == "recipient.not_a_successor"
        assert "UBND thành phố Lạng Sơn (H37.31)" in refused.value.text.vi
    assert await states(split, delivery.document) == {CLOSED: "held"}


async def test_a_successor_may_be_named_by_its_old_code(split: World) -> None:
    delivery = await held(split)
    await chosen(split, delivery, "000.00.31.H37")
    assert await states(split, delivery.document) == {CITY: "queued"}


async def test_the_successor_of_a_successor_can_be_chosen(split: World) -> None:
    delivery = await held(split)
    ward = AgencyCode("H37.31.21")
    again = closing(ward, code=CITY)
    below = Agency(ward, "UBND phường Tam Thanh", "commune", HOME)
    data = DirectoryData((*again.agencies, below), (), again.successions)
    await office.import_directory(split.gw, LOCAL, data, apply=True)
    with pytest.raises(BadRequest):
        await chosen(split, delivery, CITY)
    await chosen(split, delivery, ward)
    assert await states(split, delivery.document) == {ward: "queued"}


async def test_only_operators_choose_and_they_say_why(split: World) -> None:
    delivery = await held(split)
    with pytest.raises(NotPermitted):
        await choose(split.gw, split.caller("H37.31"), delivery.id, [CITY], "Của chúng tôi")
    with pytest.raises(BadRequest) as refused:
        await choose(split.gw, LOCAL, delivery.id, [CITY], " ")
    assert refused.value.code == "reason.missing"


async def test_a_choice_is_made_once(split: World) -> None:
    delivery = await held(split)
    await chosen(split, delivery, CITY)
    with pytest.raises(WrongState) as refused:
        await chosen(split, delivery, DISTRICT)
    assert refused.value.code == "delivery.no_choice"
    assert await states(split, delivery.document) == {CITY: "queued"}


async def test_who_has_a_delivery_of_its_own_gets_no_second_one(split: World) -> None:
    delivery = await held(split, to=[CLOSED, CITY])
    choice = await chosen(split, delivery, CITY, DISTRICT)
    assert choice.had_it == (CITY,)
    assert await states(split, delivery.document) == {CITY: "queued", DISTRICT: "queued"}
    assert len(await split.fetch("H37.31")) == 1


async def test_a_choice_that_adds_nobody_closes_the_delivery_without_a_refusal(split: World) -> None:
    delivery = await held(split, to=[CLOSED, CITY])
    [closed] = (await chosen(split, delivery, CITY)).deliveries
    assert (closed.state, closed.reason_code) == (State.CANCELLED, "recipient.merged")
    assert await split.waiting("H37") == []


async def test_what_is_held_for_another_reason_too_stays_held(split: World) -> None:
    delivery = await held(split, files={"BC-MAT.pdf": b"%PDF-1.7\n%%EOF\n"})
    [kept] = (await chosen(split, delivery, CITY)).deliveries
    assert kept.state is State.HELD
    assert kept.reason_code.startswith("secrecy.")
    await hold.release(split.gw, LOCAL, kept.id, "Không phải tài liệu mật")
    assert len(await split.fetch("H37.31")) == 1


async def demands(split: World, action: Action, reason: str) -> None:
    """The city's policy about what it receives; two persons decide it."""
    second = Caller("bình", "Bình", Role.ADMINISTRATOR, frozenset())
    rule, direction = "signature.pdf_unsigned", Direction.RECEIVES
    new = await set_policy(split.gw, LOCAL, rule, action, reason, CITY, direction)
    await decide(split.gw, second, new.id, True, "Đồng ý")


async def test_an_agency_whose_policy_does_not_take_the_document_cannot_be_chosen(split: World) -> None:
    await demands(split, Action.REFUSE, "Chỉ nhận bản ký số")
    delivery = await held(split)
    with pytest.raises(WrongState) as refused:
        await chosen(split, delivery, CITY)
    assert "Chỉ nhận bản ký số" in refused.value.text.vi
    assert await states(split, delivery.document) == {CLOSED: "held"}


async def test_an_agency_whose_policy_wants_the_document_held_has_it_held(split: World) -> None:
    await demands(split, Action.HOLD, "Xem trước")
    [kept] = (await chosen(split, await held(split), CITY)).deliveries
    assert (kept.state, kept.reason_code) == (State.HELD, "signature.pdf_unsigned")


async def test_the_chosen_successor_gets_the_form_that_it_wants(split: World) -> None:
    await wants(split, CITY, "qcvn102")
    large = {"a.pdf": b"%PDF-1.7\n" + bytes(900_000)}
    delivery = await held(split, files=large)
    await chosen(split, delivery, CITY, DISTRICT)
    [rebuilt] = await split.fetch("H37.31")
    [as_sent] = await split.fetch("H37.32")
    assert codes_in(read(rebuilt.data))["From"] == ("000.00.00.H37",)
    assert codes_in(read(as_sent.data))["From"] == ("H37",)


async def test_a_form_made_for_the_closed_agency_goes_with_it(split: World) -> None:
    await wants(split, CLOSED, "qcvn102")
    delivery = await held(split)
    await chosen(split, delivery, CITY)
    [taken] = await split.fetch("H37.31")
    assert codes_in(read(taken.data))["From"] == ("H37",)
    assert len(await split.rows("payloads_of_document", document=delivery.document)) == 2  # and the 01


async def test_later_messages_of_the_document_follow_the_choice(split: World) -> None:
    delivery = await held(split)
    await chosen(split, delivery, DISTRICT, CITY)
    for code in ("H37.31", "H37.32"):
        await split.fetch(code)
    update = await split.send(to=[CLOSED], kind=Kind.UPDATE, document_id=delivery.document_id, reason="Sửa")
    assert "recipient.chosen_before" in [finding.rule for finding in update.findings]
    assert await states(split, delivery.document, "update") == {CITY: "queued", DISTRICT: "queued"}


async def test_a_later_message_follows_the_choice_through_a_further_succession(split: World) -> None:
    delivery = await held(split)
    await chosen(split, delivery, CITY)
    await split.fetch("H37.31")
    await office.import_directory(split.gw, LOCAL, closing(AgencyCode("H37.05"), code=CITY), apply=True)
    await split.send(to=[CLOSED], kind=Kind.UPDATE, document_id=delivery.document_id, reason="Sửa")
    assert await states(split, delivery.document, "update") == {"H37.05": "queued"}


async def test_a_recall_under_the_old_code_reaches_every_chosen_agency(split: World) -> None:
    delivery = await held(split)
    await chosen(split, delivery, CITY, DISTRICT)
    await split.report("H37", "13", delivery.document_id, about=CLOSED)
    assert await states(split, delivery.document) == {CITY: "cancelled", DISTRICT: "cancelled"}


async def test_a_revocation_under_the_old_code_reaches_every_chosen_agency(split: World) -> None:
    delivery = await held(split)
    await chosen(split, delivery, CITY, DISTRICT)
    await split.send(to=[CLOSED], kind=Kind.REVOKE, document_id=delivery.document_id, reason="Thu hồi")
    assert await states(split, delivery.document) == {CITY: "cancelled", DISTRICT: "cancelled"}


async def test_a_choice_for_one_document_is_none_for_another(split: World) -> None:
    await chosen(split, await held(split), CITY)
    other = await split.send(to=[CLOSED], number="363")
    assert await states(split, other.document) == {CLOSED: "held"}


async def test_the_same_message_again_adds_nobody(split: World) -> None:
    delivery = await held(split)
    await chosen(split, delivery, DISTRICT, CITY)
    again = await split.send(to=[CLOSED])
    assert again.repeated
    assert await states(split, delivery.document) == {CITY: "queued", DISTRICT: "queued"}


async def test_the_operation_is_there_for_the_command_line(split: World) -> None:
    delivery = await held(split)
    arguments = {"delivery_id": delivery.id, "to": [CITY], "reason": "Theo địa bàn"}
    answer = await run(split.gw, "queue.choose", arguments)
    assert [(d["recipient"], d["addressed"]) for d in answer["deliveries"]] == [(CITY, CLOSED)]


# ---------------------------------------------------------------- certificates of a predecessor


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DemoPki:
    made = DemoPki.create(tmp_path_factory.mktemp("pki"))
    made.publish_crls()
    return made


@pytest.fixture(scope="module")
def seal(pki: DemoPki) -> Identity:
    return pki.issue_agency("H37.40", "UBND huyện Cũ")


@pytest.fixture
async def signing(store: Store, tmp_path: Path, pki: DemoPki, seal: Identity) -> AsyncIterator[World]:
    async with make_world(store, tmp_path, agencies=closing(CITY), trust=pki.trust_folder) as made:
        await office.import_signers(made.gw, LOCAL, [seal.signer(CLOSED)])
        yield made


def signed_by(seal: Identity) -> bytes:
    return sign_envelope(make_envelope(CITY), seal.private_key, seal.chain)


async def lend(world: World, until: date | None) -> None:
    await office.import_directory(world.gw, LOCAL, closing(CITY, until=until), apply=True)


async def test_a_predecessors_certificate_serves_until_the_decided_day(
    signing: World, seal: Identity
) -> None:
    await lend(signing, date(2020, 4, 13))
    submission = await signing.upload("H37.31", signed_by(seal))
    [said] = [f for f in submission.findings if f.rule == "signature.predecessor"]
    assert said.severity is Severity.INFO
    assert "H37.40" in said.text.vi
    assert "13/04/2020" in said.text.vi


@pytest.mark.parametrize("until", [None, date(2020, 4, 12)])
async def test_without_a_decision_or_after_its_day_it_is_anothers(
    signing: World, seal: Identity, until: date | None
) -> None:
    await lend(signing, until)
    with pytest.raises(Refused) as refused:
        await signing.upload("H37.31", signed_by(seal))
    assert "signature.wrong_agency" in [f.rule for f in refused.value.findings]


async def test_where_a_signature_is_required_a_predecessors_counts(signing: World, seal: Identity) -> None:
    await lend(signing, date(2020, 12, 31))
    await office.set_profile(signing.gw, LOCAL, Profile(CITY, envelope_signature="required"))
    submission = await signing.upload("H37.31", signed_by(seal))
    assert "signature.predecessor" in [f.rule for f in submission.findings]


async def test_an_xml_signature_does_not_travel_into_another_form(signing: World, seal: Identity) -> None:
    await lend(signing, date(2020, 12, 31))
    await wants(signing, OFFICE, "qcvn102")
    submission = await signing.upload("H37.31", signed_by(seal))
    [queued] = [e for e in await events_of(signing, submission.document) if e["type"] == "delivery.queued"]
    assert queued["xml_signature_dropped"] is True
    [taken] = await signing.fetch("H37.03")
    assert b"SignatureValue" not in taken.data


def chained(dates: Mapping[tuple[str, str], date | None]) -> Directory:
    """Agencies X1 to X9 that gave way to each other on the first of February 2020."""
    names = sorted({name for step in dates for name in step})
    steps = tuple(
        Succession(AgencyCode(old), AgencyCode(new), SuccessionKind.MERGE, date(2020, 2, 1), until)
        for (old, new), until in dates.items()
    )
    return Directory(tuple(Agency(AgencyCode(n), n, "province", None) for n in names), (), steps)


ON, MAY, JUNE = date(2020, 4, 13), date(2020, 5, 31), date(2020, 6, 30)


@pytest.mark.parametrize(
    ("dates", "until"),
    [
        ({("H01", "H02"): MAY}, MAY),
        ({("H01", "H02"): None}, None),
        ({("H02", "H01"): MAY}, None),  # a successor's certificate never serves its predecessor
        ({("H01", "H03"): JUNE, ("H03", "H02"): MAY}, MAY),
        ({("H01", "H03"): MAY, ("H03", "H02"): JUNE}, MAY),
        ({("H01", "H03"): MAY, ("H03", "H02"): None}, None),
        ({("H01", "H03"): MAY, ("H03", "H02"): JUNE, ("H01", "H02"): JUNE}, JUNE),
        ({("H01", "H02"): date(2020, 4, 12)}, None),
    ],
)
def test_a_certificate_serves_as_long_as_every_step_allows(
    dates: dict[tuple[str, str], date | None], until: date | None
) -> None:
    assert chained(dates).signs_for(AgencyCode("H01"), AgencyCode("H02"), ON) == until


def test_a_succession_that_has_not_happened_lends_nothing() -> None:
    directory = chained({("H01", "H02"): MAY})
    assert directory.signs_for(AgencyCode("H01"), AgencyCode("H02"), date(2020, 1, 31)) is None


def test_an_agencys_own_certificate_serves_it_always() -> None:
    assert chained({("H01", "H02"): None}).signs_for(AgencyCode("H01"), AgencyCode("H01"), ON) == date.max
