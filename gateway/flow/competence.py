"""What the list of authorised signers says of the signer of one message (C2; NĐ 30/2020 Đ13).

In charge of: who signed the main file as a person of the signer register, on which day, for whom; and asking
the list. Not in charge of: the rule (``checks/authority.py``), the list (``authority.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from gateway.checks.authority import AuthorityList, Signatory, ask, finding_of, prefixes_of
from gateway.clock import from_datetime, local_day
from gateway.directory.snapshot import Directory
from gateway.model.authority import SignerAuthority
from gateway.model.envelope import Envelope, Kind
from gateway.model.finding import Finding
from gateway.model.text import AgencyCode
from gateway.model.verdict import SignerRole, Verdict
from gateway.signature.register import SignerRegister

MAKES_A_DOCUMENT = frozenset({Kind.NEW, Kind.REPLACE})


@dataclass(frozen=True, slots=True)
class Registers:
    """What is asked. ``None``: no directory, no register at hand."""

    lists: AuthorityList
    directory: Directory | None
    signers: SignerRegister | None


def judge_signer(
    envelope: Envelope,
    main: Sequence[Verdict],
    sender: AgencyCode | None,
    registers: Registers,
    today: date,
) -> tuple[SignerAuthority, Finding | None]:
    """Whether the signer of the main file (its verdicts) may sign for ``sender``, and what is said of it.

    Recalls, updates and statuses sign nothing anew: ``no_list``, as for a sender nobody knows.
    """
    directory = registers.directory
    if envelope.kind not in MAKES_A_DOCUMENT or sender is None or directory is None:
        return SignerAuthority.NO_LIST, None
    people = list(_people(main, registers.signers, today))
    served = [AgencyCode(one.agency) for one in people if one.agency != sender]
    serving = [code for code in served if directory.signs_for(code, sender, today) is not None]
    prefixes = prefixes_of(envelope)
    found = ask(registers.lists, (sender, *serving), people, prefixes, envelope.document_type.name, today)
    return found, finding_of(found, prefixes)


def _people(main: Sequence[Verdict], signers: SignerRegister | None, today: date) -> Iterator[Signatory]:
    """Signatures that failed name nobody: their verdicts have no role."""
    for verdict in main:
        if verdict.role is SignerRole.PERSON:
            on = _day(verdict.signing_time) or today
            row = signers.find(verdict.certificate_sha256, on) if signers else None
            yield Signatory(verdict.certificate_sha256, verdict.agency, row.title if row else "", on)


def _day(signing_time: str) -> date | None:
    return local_day(from_datetime(datetime.fromisoformat(signing_time))) if signing_time else None
