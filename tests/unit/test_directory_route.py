"""From recipients to hops."""

from __future__ import annotations

from checks_world import AGENCIES, CLOSED_ON, ON, SUCCESSIONS, agency, code, directory, succession

from gateway.directory.route import NO_ADAPTER, SEVERAL_SUCCESSORS, Routing, route
from gateway.model.agency import Profile
from gateway.model.delivery import Hop
from gateway.model.finding import Decision, Severity, decide

KINDS = {"inbox": True, "webhook": False}


def routed(*codes: str, profiles: tuple[Profile, ...] = ()) -> Routing:
    return route([code(text) for text in codes], directory(profiles=profiles), ON, KINDS)


def test_active_recipients_get_a_hop_each_in_order() -> None:
    routing = routed("H37.05", "H37.03")
    assert routing.hops == (
        Hop(code("H37.05"), code("H37.05"), "inbox", pull=True, addressed=code("H37.05")),
        Hop(code("H37.03"), code("H37.03"), "inbox", pull=True, addressed=code("H37.03")),
    )
    assert routing.findings == ()


def test_profile_decides_the_adapter_and_whether_the_recipient_comes_for_it() -> None:
    [hop] = routed("H37.05", profiles=(Profile(code("H37.05"), "webhook"),)).hops
    assert (hop.adapter, hop.pull) == ("webhook", False)


def test_agency_served_by_the_one_above_waits_in_its_lane() -> None:
    shared = Profile(code("H37.31"), "webhook", (("serves", "subtree"),))
    [hop] = routed("H37.31.21", profiles=(shared,)).hops
    assert (hop.recipient, hop.destination, hop.adapter) == ("H37.31.21", "H37.31", "webhook")


def test_closed_with_one_successor_is_rerouted_with_a_warning() -> None:
    routing = routed("H37.61")
    assert [(hop.recipient, hop.addressed) for hop in routing.hops] == [("H37.03", "H37.61")]
    [finding] = routing.findings
    assert (finding.rule, finding.severity, finding.where) == (
        "recipient.rerouted",
        Severity.WARNING,
        "H37.61",
    )
    assert "Sở Thông tin và Truyền thông" in finding.text.vi


def test_closed_with_several_successors_holds_only_that_delivery() -> None:
    routing = routed("H37.62", "H37.31")
    held, free = routing.hops
    assert (held.recipient, held.held_code) == ("H37.62", SEVERAL_SUCCESSORS)
    assert held.held is not None
    assert "H37.03" in held.held.vi
    assert "H37.05" in held.held.vi
    assert free.held is None
    assert decide(routing.findings) is Decision.ACCEPT


def test_recipient_named_again_after_rerouting_gets_one_hop() -> None:
    routing = routed("H37.61", "H37.03")
    assert [hop.recipient for hop in routing.hops] == ["H37.03"]
    assert [finding.rule for finding in routing.findings] == ["recipient.rerouted", "recipient.merged"]


def test_two_closed_agencies_with_one_successor_get_one_hop() -> None:
    rows = (*AGENCIES, agency("H37.65", end=CLOSED_ON))
    steps = (*SUCCESSIONS, *succession("H37.65", "H37.03"))
    known = directory(rows, successions=steps)
    routing = route([code("H37.61"), code("H37.65")], known, ON, KINDS)
    assert [hop.recipient for hop in routing.hops] == ["H37.03"]


def test_agency_that_nobody_can_reach_gets_no_hop_and_is_recorded() -> None:
    routing = routed("H37.99", "W00.01", "H37.63", "H37.64", "H37.05")
    assert [hop.recipient for hop in routing.hops] == ["H37.05"]
    assert {finding.rule for finding in routing.findings} == {"recipient.unreachable"}
    assert [finding.where for finding in routing.findings] == ["H37.99", "W00.01", "H37.63", "H37.64"]


def test_a_test_code_reaches_test_codes_and_nobody_else_does() -> None:
    known = directory()
    test_code = next(row.code for row in known.agencies if row.test)
    by_test = route([test_code], known, ON, KINDS, test_code)
    assert [hop.recipient for hop in by_test.hops] == [test_code]
    assert route([test_code], known, ON, KINDS, code("H37")).hops == ()


def test_connection_of_a_kind_not_installed_is_held_for_an_administrator() -> None:
    [hop] = routed("H37.05", profiles=(Profile(code("H37.05"), "pigeon"),)).hops
    assert hop.held_code == NO_ADAPTER
    assert hop.held is not None
    assert "pigeon" in hop.held.en


def test_agency_closed_tomorrow_still_gets_its_document_today() -> None:
    routing = route([code("H37.61")], directory(), CLOSED_ON, KINDS)
    assert [hop.recipient for hop in routing.hops] == ["H37.61"]
    assert routing.findings == ()
