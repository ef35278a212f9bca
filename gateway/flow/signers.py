"""Who signs with which certificate: proposed by a valid signature, decided by a person, never guessed.

In charge of: proposing an unregistered certificate at its first valid use, a person's confirming or declining
it, and having the messages that carry it judged again (contracts: who signed). Not in charge of: imports of a
whole register (``office.py``), judging (``delivery/recheck.py``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from gateway.errors import BadRequest, NotFound, WrongState
from gateway.flow import facts, record
from gateway.flow.door import Caller, stated
from gateway.flow.look import SEES_ALL
from gateway.model.agency import Period, Signer
from gateway.model.event import Event, EventType
from gateway.model.text import AgencyCode, Bilingual, Instant
from gateway.model.verdict import Indication, SignerRole, Verdict
from gateway.services import Services
from gateway.signature.proposal import propose
from gateway.store import events, registry, signers
from gateway.store.contract import Tx
from gateway.store.people import Role
from gateway.store.signers import CONFIRMED, DECLINED, SignerProposal


@dataclass(frozen=True, slots=True)
class SignerChanges:
    """What an import would do to the register: each row by its certificate, agency, role and first day."""

    added: tuple[Signer, ...]
    changed: tuple[Signer, ...]
    unchanged: int


def note_unregistered(
    tx: Tx,
    gw: Services,
    verdicts: Iterable[Verdict],
    at: Instant,
    *,
    message: str,
    document: str,
    sender: AgencyCode,
) -> None:
    """Propose the certificates of valid signatures that no register row names, each once; the message waits
    for what is decided. A certificate that is registered for other days was decided about already."""
    for verdict in verdicts:
        is_open = verdict.indication is Indication.PASSED and verdict.role is SignerRole.NOT_CHECKABLE
        digest = verdict.certificate_sha256
        if not is_open or gw.signers.knows(digest) or signers.wait_for(tx, digest, message, at):
            continue
        said = propose(verdict, gw.directory.resolve)
        new = SignerProposal(digest, said.subject, said.agency, said.role, said.period, message, sender, at)
        if signers.propose(tx, new):
            events.record(tx, _proposed_event(gw, new, document))
        signers.wait_for(tx, digest, message, at)


async def list_signers(gw: Services, caller: Caller, agency: str = "") -> list[Signer]:
    """The register, or the rows of one agency."""
    caller.require(*SEES_ALL)
    code = gw.directory.canonical(agency) if agency else ""
    rows = await gw.store.read(registry.read_signers)
    return [row for row in rows if not code or row.agency == code]


async def list_proposals(gw: Services, caller: Caller, decided: bool = False) -> list[SignerProposal]:
    """What somebody has to decide; with ``decided`` also what was."""
    caller.require(*SEES_ALL)
    return await gw.store.read(signers.all_proposals if decided else signers.undecided)


async def confirm(
    gw: Services,
    caller: Caller,
    certificate_sha256: str,
    reason: str,
    agency: str = "",
    role: str = "",
    title: str = "",
    valid_from: date | None = None,
    valid_to: date | None = None,
) -> Signer:
    """Register a proposed certificate. What is not given is taken from the proposal.

    ``BadRequest`` names what the proposal does not say either, ``WrongState``: it is registered already.
    """
    digest, reason = _checked(caller, certificate_sha256, reason)

    def unit(tx: Tx) -> Signer:
        at = gw.clock.now()
        proposal = _undecided(tx, digest)
        signer = Signer(
            digest,
            _agency(gw, agency or proposal.agency),
            title,
            _role(role or proposal.role),
            Period(valid_from or proposal.period.start, valid_to or proposal.period.end),
        )
        signers.registered(tx, [digest], caller.principal, reason, at)
        registry.write_signers(tx, [signer])
        decided = {"decision": CONFIRMED, "agency": signer.agency, "role": signer.role}
        events.record(tx, _decided_event(gw, caller, digest, reason, at, decided))
        return signer

    signer = await gw.store.write(unit)
    await gw.refresh()
    return signer


async def decline(gw: Services, caller: Caller, certificate_sha256: str, reason: str) -> SignerProposal:
    """Leave a proposed certificate unregistered; its signatures stay "not machine-checkable"."""
    digest, reason = _checked(caller, certificate_sha256, reason)

    def unit(tx: Tx) -> SignerProposal:
        at = gw.clock.now()
        _undecided(tx, digest)
        signers.decide(tx, digest, DECLINED, caller.principal, reason, at)
        events.record(tx, _decided_event(gw, caller, digest, reason, at, {"decision": DECLINED}))
        return _undecided(tx, digest)

    return await gw.store.write(unit)


def compare(register: Iterable[Signer], rows: Iterable[Signer]) -> SignerChanges:
    """What importing ``rows`` would change."""
    known = {_key(row): row for row in register}
    given = {_key(row): row for row in rows}
    added = tuple(row for key, row in given.items() if key not in known)
    changed = tuple(row for key, row in given.items() if key in known and known[key] != row)
    return SignerChanges(added, changed, len(given) - len(added) - len(changed))


def _key(row: Signer) -> tuple[str, str, str, date | None]:
    return row.certificate_sha256, row.agency, row.role, row.period.start


def _checked(caller: Caller, certificate_sha256: str, reason: str) -> tuple[str, str]:
    caller.require(Role.ADMINISTRATOR)
    return certificate_sha256.strip().lower().replace(":", ""), stated(reason)


def _undecided(tx: Tx, digest: str) -> SignerProposal:
    """The proposal; a declined one may still be confirmed."""
    found = signers.find(tx, digest)
    if found is None:
        raise NotFound(_UNKNOWN, code="signer.unknown")
    if found.decision == CONFIRMED:
        raise WrongState(_REGISTERED, code="signer.registered")
    return found


def _agency(gw: Services, text: str) -> AgencyCode:
    if not text:
        raise BadRequest(_NO_AGENCY, code="signer.agency_missing")
    code = gw.directory.resolve(text)
    if code is None:
        raise NotFound(_unknown_agency(text), code="agency.unknown")
    return code


def _role(text: str) -> str:
    if text not in (SignerRole.PERSON.value, SignerRole.AGENCY.value):
        raise BadRequest(_NO_ROLE, code="signer.role_missing")
    return text


def _proposed_event(gw: Services, new: SignerProposal, document: str) -> Event:
    """The subject of a person's certificate is a name, so it stays outside the body."""
    said = {"agency": new.agency, "role": new.role}
    return record.event(
        gw,
        EventType.SIGNER_PROPOSED,
        record.GATEWAY,
        new.seen_at,
        document=document,
        message=new.message,
        sender=new.sender,
        facts={"certificate_sha256": new.certificate_sha256}
        | {f"proposed_{name}": value for name, value in said.items() if value},
        private=facts.salted({"signer": new.subject}),
    )


def _decided_event(
    gw: Services, caller: Caller, digest: str, reason: str, at: Instant, what: dict[str, str]
) -> Event:
    return record.event(
        gw,
        EventType.SIGNER_DECIDED,
        caller.principal,
        at,
        facts={"certificate_sha256": digest, **what},
        private=facts.salted({"reason": reason}),
    )


def _unknown_agency(text: str) -> Bilingual:
    return Bilingual(
        f"Danh mục chưa có đơn vị {text}. Hãy kiểm tra mã định danh, hoặc nhập danh mục trước.",
        f"The directory does not know {text}. Check the code, or import the directory first.",
    )


_UNKNOWN = Bilingual(
    "Không có đề xuất nào cho chứng thư số này. Hãy xem lại mã SHA-256 trong danh sách đề xuất.",
    "Nothing was proposed about this certificate. Look at the SHA-256 in the list of proposals.",
)
_NO_AGENCY = Bilingual(
    "Chứng thư số không cho biết thuộc cơ quan, đơn vị nào; hãy nêu mã định danh cơ quan.",
    "The certificate does not say which agency it belongs to; name the agency's code.",
)
_NO_ROLE = Bilingual(
    "Hãy nêu đây là chứng thư số của người có thẩm quyền (person) hay của cơ quan, tổ chức (agency).",
    "Say whether the certificate is a person's (person) or the agency's (agency).",
)
_REGISTERED = Bilingual(
    "Chứng thư số này đã được đăng ký. Để ngừng sử dụng, hãy nạp danh sách người ký với ngày hết hiệu lực.",
    "This certificate is registered already. To end that, import the register with a last day.",
)
