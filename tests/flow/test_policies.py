"""Policies decided, applied, exempted from and rehearsed; a recipient's policy touches only its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta

import orjson
import pytest

from gateway.clock import SECOND
from gateway.errors import BadRequest, NotFound, NotPermitted, Refused, WrongState
from gateway.flow import office, policies
from gateway.flow.door import Caller, receive
from gateway.flow.operate import LOCAL, run
from gateway.flow.policy_rehearsal import Rehearsal, rehearse
from gateway.flow.submit import preflight
from gateway.model.finding import Decision
from gateway.model.policy import Action, Direction, Policy
from gateway.model.text import Instant
from gateway.store import policies as store_policies
from gateway.store import policy_proposals
from gateway.store.people import Role
from gateway.store.policy_proposals import PolicyProposal
from tests.world import World, make_envelope, make_status

UNSIGNED = "signature.pdf_unsigned"
TODAY = date(2020, 4, 13)
DAY = 86_400 * SECOND


async def boss(world: World, name: str = "Bình") -> Caller:
    """An administrator with an account."""
    found = next((p for p in world.gw.people.principals if p.name == name), None)
    if found is None:
        found = await office.add_principal(world.gw, LOCAL, name, Role.ADMINISTRATOR)
        await world.gw.refresh()
    return Caller(found.id, name, Role.ADMINISTRATOR, frozenset())


async def agreed(world: World, proposal: PolicyProposal) -> Policy:
    """A second person approves it."""
    await policies.decide(world.gw, await boss(world), proposal.id, True, "Đồng ý.")
    return next(one for one in await world.gw.store.read(store_policies.read) if one.id == proposal.policy)


async def strict(world: World, action: Action = Action.REFUSE, **fields: object) -> Policy:
    made = await policies.set_policy(world.gw, LOCAL, UNSIGNED, action, "Chỉ thị số 1.", **fields)  # type: ignore[arg-type]
    return await agreed(world, made)


async def exempted(world: World, agency: str = "H37", **fields: object) -> Policy:
    given = {"valid_to": TODAY + timedelta(days=30)} | fields
    made = await policies.exempt(world.gw, LOCAL, UNSIGNED, agency, reason="Đang xin cấp lại.", **given)  # type: ignore[arg-type]
    return await agreed(world, made)


async def ended(world: World, policy: str) -> Policy:
    return await agreed(world, await policies.end_policy(world.gw, LOCAL, policy, "Hết cần."))


def wait(world: World, time: int) -> None:
    world.clock.jump_to(Instant(world.clock.now() + time))


async def states(world: World, message: str) -> dict[str, str]:
    rows = await world.rows("deliveries_of_message", message=message)
    return {str(row["recipient"]): str(row["state"]) for row in rows}


async def test_by_default_an_unsigned_pdf_travels(world: World) -> None:
    assert (await world.send()).decision is Decision.ACCEPT


async def test_a_policy_refuses_from_its_first_moment(world: World) -> None:
    made = await strict(world)
    with pytest.raises(Refused) as refused:
        await world.send()
    [finding] = [f for f in refused.value.findings if f.rule == UNSIGNED]
    assert finding.policy == made.id
    assert "Chỉ thị số 1." in finding.text.vi


async def test_the_refusal_in_the_log_names_the_policy(world: World) -> None:
    made = await strict(world)
    with pytest.raises(Refused):
        await world.send()
    events = await world.rows("events_after", at=0, id="", limit=1000)
    [body] = [orjson.loads(e["body"]) for e in events if e["type"] == "submission.refused"]
    assert {"rule": UNSIGNED, "severity": "refuse", "policy": made.id} in body["findings"]


async def test_a_policy_for_another_agency_does_not_concern_us(world: World) -> None:
    await strict(world, agency="H37.05")
    assert (await world.send()).decision is Decision.ACCEPT


async def test_a_policy_may_hold_the_whole_message(world: World) -> None:
    await strict(world, Action.HOLD)
    sent = await world.send(to=["H37.03", "H37.05"])
    assert sent.decision is Decision.HOLD
    assert set((await states(world, sent.message)).values()) == {"held"}


async def test_preflight_says_what_the_gate_will_say(world: World) -> None:
    await strict(world)
    upload = await receive(world.gw, _chunks(make_envelope()))
    assert (await preflight(world.gw, world.caller("H37"), upload)).decision is Decision.REFUSE


async def test_a_future_policy_waits_for_its_day(world: World) -> None:
    await strict(world, valid_from=TODAY + timedelta(days=1))
    assert (await world.send()).decision is Decision.ACCEPT
    wait(world, DAY)
    with pytest.raises(Refused):
        await world.send(number="363")


async def test_a_withdrawn_policy_counts_no_more(world: World) -> None:
    made = await strict(world)
    await ended(world, made.id)
    assert (await world.send()).decision is Decision.ACCEPT
    with pytest.raises(NotFound):
        await policies.end_policy(world.gw, LOCAL, made.id, "Hết cần.")


async def test_another_node_hears_of_a_policy_at_its_next_refresh(world: World) -> None:
    made = await strict(world)
    world.gw.policies, world.gw._revisions = (), {}
    await world.gw.refresh()
    assert world.gw.policies == (made,)


async def test_an_exemption_lets_one_agency_through_and_stands_in_the_figures(world: World) -> None:
    await strict(world)
    exemption = await exempted(world)
    sent = await world.send()
    assert sent.decision is Decision.ACCEPT
    events = await world.rows("events_after", at=0, id="", limit=1000)
    [body] = [orjson.loads(e["body"]) for e in events if e["type"] == "document.accepted"]
    assert {"rule": UNSIGNED, "severity": "warning", "exempted_by": exemption.id} in body["findings"]
    with pytest.raises(Refused):
        await world.send("H37.05", to=["H37"])


async def test_an_exemption_ends_by_itself(world: World) -> None:
    await strict(world)
    await exempted(world)
    wait(world, 31 * DAY)
    with pytest.raises(Refused):
        await world.send()


async def test_nothing_changes_by_a_proposal_alone(world: World) -> None:
    await policies.set_policy(world.gw, LOCAL, UNSIGNED, Action.REFUSE, "Chỉ thị số 1.")
    assert (await world.send()).decision is Decision.ACCEPT
    [waiting] = await policies.list_proposals(world.gw, LOCAL)
    assert (waiting.change, waiting.decision) == ("set", "")


@pytest.mark.parametrize("change", ["set", "exempted", "ended"])
async def test_one_person_cannot_do_both_halves(world: World, change: str) -> None:
    gw, an = world.gw, await boss(world, "An")
    made = await strict(world)
    if change == "set":
        new = await policies.set_policy(gw, an, "form.*", Action.HOLD, "Vì.")
    elif change == "exempted":
        new = await policies.exempt(gw, an, UNSIGNED, "H37", TODAY, "Vì.")
    else:
        new = await policies.end_policy(gw, an, made.id, "Vì.")
    with pytest.raises(NotPermitted) as refused:
        await policies.decide(gw, an, new.id, True, "Đồng ý.")
    assert refused.value.code == "policy.same_person"
    assert gw.policies == (made,)
    await policies.decide(gw, await boss(world), new.id, True, "Đồng ý.")
    assert gw.policies != (made,)


async def test_the_database_itself_refuses_one_person_for_both(world: World) -> None:
    new = await policies.set_policy(world.gw, LOCAL, UNSIGNED, Action.HOLD, "Vì.")
    at = world.clock.now()
    with pytest.raises(Exception, match=r"(?i)check constraint"):
        await world.gw.store.write(lambda tx: policy_proposals.decide(tx, new.id, True, LOCAL.principal, at))


async def test_a_second_persons_key_approves_at_once_and_ones_own_does_not(world: World) -> None:
    an = await boss(world, "An")
    key = await office.issue_api_key(world.gw, LOCAL, an.principal)
    with pytest.raises(NotPermitted):
        await policies.set_policy(world.gw, an, UNSIGNED, Action.HOLD, "Vì.", key=key)
    assert await policies.list_proposals(world.gw, LOCAL) == []
    made = await policies.set_policy(world.gw, LOCAL, UNSIGNED, Action.HOLD, "Vì.", key=key)
    assert (made.decision, made.decided_by) == ("approved", an.principal)
    [policy] = world.gw.policies
    assert (policy.id, policy.decided_by, policy.approved_by) == (made.id, "local", an.principal)


async def test_a_declined_proposal_changes_nothing_and_is_decided_once(world: World) -> None:
    new = await policies.set_policy(world.gw, LOCAL, UNSIGNED, Action.REFUSE, "Vì.")
    await policies.decide(world.gw, LOCAL, new.id, False, "Rút lại.")
    with pytest.raises(WrongState):
        await policies.decide(world.gw, await boss(world), new.id, True, "Đồng ý.")
    assert world.gw.policies == ()
    told = [kind for kind in await world.event_types() if kind.startswith("policy.")]
    assert told == ["policy.proposed", "policy.declined"]


async def test_a_policy_is_ended_once_however_many_proposed_it(world: World) -> None:
    made = await strict(world)
    first, second = [await policies.end_policy(world.gw, LOCAL, made.id, "Vì.") for _ in range(2)]
    await agreed(world, first)
    with pytest.raises(WrongState) as refused:
        await agreed(world, second)
    assert refused.value.code == "policy.over"


async def test_an_approval_that_comes_after_the_last_day_is_too_late(world: World) -> None:
    new = await policies.set_policy(world.gw, LOCAL, UNSIGNED, Action.HOLD, "Vì.", valid_to=TODAY)
    wait(world, DAY)
    with pytest.raises(WrongState):
        await agreed(world, new)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"valid_to": TODAY - timedelta(days=1)}, "policy.period"),
        ({"agency": ""}, "policy.agency_missing"),
        ({"direction": Direction.RECEIVES}, "policy.nothing_to_exempt"),
    ],
)
async def test_an_exemption_that_does_not_add_up_is_not_taken(
    world: World, fields: dict[str, object], code: str
) -> None:
    await strict(world)
    with pytest.raises(BadRequest) as refused:
        await exempted(world, **fields)  # type: ignore[arg-type]
    assert refused.value.code == code


async def test_what_the_gate_always_refuses_cannot_be_exempted(world: World) -> None:
    with pytest.raises(BadRequest) as refused:
        await policies.exempt(world.gw, LOCAL, "signature.tampered", "H37", TODAY, "Xin.")
    assert refused.value.code == "policy.nothing_to_exempt"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"rule": "không hợp lệ"}, "policy.rule"),
        ({"rule": "signature.*.x"}, "policy.rule"),
        ({"rule": ""}, "policy.rule"),
        ({"reason": " "}, "reason.missing"),
        ({"action": "accept_and_report"}, "policy.use_exempt"),
        ({"valid_from": "2020-04-12"}, "policy.past"),
    ],
)
async def test_a_policy_that_does_not_add_up_is_not_taken(
    world: World, arguments: dict[str, str], code: str
) -> None:
    given = {"rule": UNSIGNED, "action": "refuse", "reason": "Chỉ thị."} | arguments
    with pytest.raises(BadRequest) as refused:
        await run(world.gw, "policy.set", given)
    assert refused.value.code == code


async def test_only_administrators_decide(world: World) -> None:
    with pytest.raises(NotPermitted):
        await policies.set_policy(world.gw, world.caller("H37"), UNSIGNED, Action.HOLD, "Vì.")


async def test_each_decision_is_recorded_with_its_reason_outside_the_body(world: World) -> None:
    made = await strict(world)
    await exempted(world)
    await ended(world, made.id)
    events = await world.rows("events_after", at=0, id="", limit=1000)
    bodies = [orjson.loads(e["body"]) for e in events if e["type"] == "policy.changed"]
    assert [body["change"] for body in bodies] == ["set", "exempted", "ended"]
    assert all("reason" in body["commitments"] and "Chỉ thị" not in str(body) for body in bodies)


async def test_a_recipient_may_have_its_own_deliveries_held(world: World) -> None:
    await strict(world, Action.HOLD, agency="H37.03", direction=Direction.RECEIVES)
    sent = await world.send(to=["H37.03", "H37.05"])
    assert sent.decision is Decision.ACCEPT
    assert await states(world, sent.message) == {"H37.03": "held", "H37.05": "queued"}
    assert [f.where for f in sent.findings if f.rule == "policy.delivery_held"] == ["H37.03"]


async def test_what_a_recipient_does_not_take_is_rejected_and_the_sender_told(world: World) -> None:
    await strict(world, agency="H37.03", direction=Direction.RECEIVES)
    sent = await world.send(to=["H37.03", "H37.05"])
    assert await states(world, sent.message) == {"H37.03": "rejected", "H37.05": "queued"}
    [notice] = await world.fetch("H37")
    assert "Chỉ thị số 1." in notice.data.decode()
    assert await world.waiting("H37.03") == []
    assert len(await world.waiting("H37.05")) == 1


async def test_a_rejection_by_policy_is_no_persons_act(world: World) -> None:
    made = await strict(world, agency="H37.03", direction=Direction.RECEIVES)
    await world.send()
    events = await world.rows("events_after", at=0, id="", limit=1000)
    [body] = [orjson.loads(e["body"]) for e in events if e["type"] == "delivery.rejected"]
    assert (body["actor"], body["policy"], body["reason_code"]) == ("policy", made.id, UNSIGNED)


async def test_statuses_travel_whatever_their_addressee_demands(world: World) -> None:
    new = await policies.set_policy(
        world.gw, LOCAL, "*", Action.REFUSE, "Không nhận.", agency="H37", direction=Direction.RECEIVES
    )
    await agreed(world, new)
    await world.send()
    [taken] = await world.fetch("H37.03")
    early = await world.report("H37.03", "05", taken.item.document_id)
    assert [f.rule for f in early.findings] == ["status.odd_order"]
    assert await states(world, early.message) == {"H37": "queued"}


async def test_a_repeat_is_not_rejected_again(world: World) -> None:
    await strict(world, agency="H37.03", direction=Direction.RECEIVES)
    data = make_envelope()
    await world.upload("H37", data)
    assert (await world.upload("H37", data)).repeated
    assert (await world.event_types()).count("delivery.rejected") == 1


async def tried(world: World, **fields: object) -> Rehearsal:
    return await rehearse(world.gw, LOCAL, **({"rule": UNSIGNED} | fields))  # type: ignore[arg-type]


async def test_a_rehearsal_counts_what_would_have_been_refused(world: World) -> None:
    first = await world.send()
    await world.send(number="363")
    await world.send("H37.05", to=["H37"], files={})
    wait(world, SECOND)
    found = await tried(world)
    assert (found.messages, found.refused, found.held) == (3, 2, 0)
    [row] = found.rows
    assert (row.agency, row.rule, row.action, row.count) == ("H37", UNSIGNED, Action.REFUSE, 2)
    known = await world.rows("document_by_id", id=first.document)
    assert known[0]["document_id"] in row.documents


async def test_a_rehearsal_changes_nothing(world: World) -> None:
    await world.send()
    wait(world, SECOND)
    before = await world.event_types()
    await tried(world)
    assert await world.event_types() == before
    assert (await world.send(number="363")).decision is Decision.ACCEPT


async def test_a_rehearsal_looks_back_as_far_as_it_is_told(world: World) -> None:
    await world.send()
    wait(world, 8 * DAY)
    assert (await tried(world, days=7)).messages == 0
    assert (await tried(world, days=9)).messages == 1


async def test_a_rehearsal_of_what_agencies_receive_counts_deliveries(world: World) -> None:
    await world.send(to=["H37.03", "H37.05"])
    wait(world, SECOND)
    found = await tried(world, direction=Direction.RECEIVES, action=Action.HOLD, agency="H37.05")
    assert (found.refused, found.deliveries_held) == (0, 1)
    assert [(row.agency, row.count) for row in found.rows] == [("H37.05", 1)]


async def test_without_a_rule_the_policies_to_come_are_rehearsed(world: World) -> None:
    await world.send()
    wait(world, SECOND)
    with pytest.raises(BadRequest) as nothing:
        await tried(world, rule="")
    assert nothing.value.code == "policy.nothing_to_rehearse"
    await strict(world, valid_from=TODAY + timedelta(days=30))
    assert (await tried(world, rule="")).refused == 1


async def test_exemptions_count_in_a_rehearsal(world: World) -> None:
    await world.send()
    await world.send("H37.05", to=["H37"])
    wait(world, SECOND)
    await strict(world, valid_from=TODAY + timedelta(days=20))
    await exempted(world)
    found = await tried(world, rule="")
    assert (found.refused, found.exempted) == (1, 1)


async def test_a_rehearsal_reads_page_by_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.flow.policy_rehearsal.PAGE", 2)
    for number in range(5):
        await world.send(number=str(number))
    wait(world, SECOND)
    assert (await tried(world)).refused == 5


async def test_a_status_is_counted_by_its_own_findings(world: World) -> None:
    await world.send()
    [taken] = await world.fetch("H37.03")
    await world.upload("H37.03", make_status("H37.03", "03", taken.item.document_id))
    wait(world, SECOND)
    assert (await tried(world)).refused == 1


async def _chunks(data: bytes) -> AsyncIterator[bytes]:
    yield data
