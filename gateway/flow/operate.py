"""The table of what operators and administrators may do from the command line.

In charge of: names, arguments and JSON answers of operations. The same table is served on the Unix socket of
a running server (``web/control.py``) and run in-process when no server runs, so a command does the same
either way. What the room above the flows adds (``compliance/operations.py``) comes with the services. Not in
charge of: doing it (``hold.py``, ``office.py``, ``look.py``).

Arguments are validated from the functions' annotations; a wrong one is a ``BadRequest`` that names it.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import inspect
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from gateway.errors import BadRequest
from gateway.flow import (
    accounts,
    archive,
    conform,
    footprints,
    hold,
    incident,
    local,
    office,
    operations,
    peers,
    policies,
    requests,
    retention,
    second_copy,
    sign_in,
    trust,
)
from gateway.flow import log as exchange_log
from gateway.flow.authority import import_authority, list_authority
from gateway.flow.certificates import list_certificates
from gateway.flow.choose import choose
from gateway.flow.compromise import compromise_key
from gateway.flow.conservation import recount, show_conservation
from gateway.flow.directory_rehearsal import rehearse_directory
from gateway.flow.door import Caller
from gateway.flow.evidence import export_evidence_file, public_keys
from gateway.flow.payload_places import move_payloads, verify_payloads
from gateway.flow.policy_rehearsal import rehearse
from gateway.flow.recall import show_recall, silent_recalls
from gateway.flow.receipts import show_receipt
from gateway.flow.recovered import accept_restore, reconcile, restore_report
from gateway.flow.rejudge import recheck_document
from gateway.flow.signers import confirm, decline, list_proposals, list_signers
from gateway.model.text import Bilingual
from gateway.services import Operation, Services
from gateway.store.people import Role

LOCAL = Caller("local", "command line on this machine", Role.ADMINISTRATOR, frozenset())


async def run(gw: Services, name: str, arguments: dict[str, Any], caller: Caller = LOCAL) -> Any:
    """Do one operation; a JSON value. ``BadRequest`` for an unknown name or a wrong argument."""
    operation = OPERATIONS.get(name) or gw.operations.get(name)
    if operation is None:
        raise BadRequest(
            Bilingual(f"Không có thao tác “{name}”.", f"There is no operation “{name}”."),
            code="operation.unknown",
        )
    try:
        checked = _arguments(operation).model_validate(arguments)
    except ValidationError as error:
        problem = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise BadRequest(
            Bilingual(f"Tham số không hợp lệ: {problem}", f"Wrong argument: {problem}"),
            code="operation.argument",
        ) from error
    given = {field: getattr(checked, field) for field in checked.model_fields_set}
    answer = plain(await operation(gw, caller, **given))
    if name in LOOKS:
        await footprints.viewed(gw, caller, name, searched=given)
    return answer


@functools.cache
def _arguments(operation: Operation) -> type[BaseModel]:
    """A model of what the operation takes besides the services and the caller."""
    parameters = list(inspect.signature(operation, eval_str=True).parameters.values())[2:]
    fields: dict[str, Any] = {
        p.name: (p.annotation, ... if p.default is p.empty else p.default) for p in parameters
    }
    return create_model("Arguments", __config__=ConfigDict(extra="forbid"), **fields)


def plain(value: Any) -> Any:
    """Values of the gateway as JSON values: dataclasses become objects, enums their value, bytes hex."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(plain(item) for item in value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else value


# Looking, where the flow behind does not say so itself.
LOOKS = frozenset({
    "directory.show", "signers.list", "signers.proposals", "agency.principals", "key.list", "inbox.list",
    "authority.list",
    "recall.show", "recall.silent", "incident.show", "incident.list", "receipt.show", "conservation.show",
    "document.views", "retention.show", "policy.proposals", "outage.list", "totals.list", "alerts.show",
    "scorecard.show", "scorecard.documents", "scorecard.deliveries",
})  # fmt: skip
OPERATIONS: dict[str, Operation] = {
    "directory.import": operations.import_directory,
    "directory.sync": operations.sync_directory,
    "directory.show": operations.show_directory,
    "directory.resolve": operations.resolve_agency,
    "signers.import": operations.import_signers,
    "signers.list": list_signers,
    "signers.proposals": list_proposals,
    "signers.confirm": confirm,
    "signers.decline": decline,
    "authority.import": import_authority,
    "authority.list": list_authority,
    "certificates.list": list_certificates,
    "signatures.recheck": recheck_document,
    "agency.connect": operations.connect_agency,
    "agency.add_system": operations.add_system,
    "agency.principals": operations.list_principals,
    "partner.reconcile": operations.reconcile_partner,
    "partner.add_system": operations.add_partner_system,
    "partner.renew_secret": operations.renew_partner_secret,
    "partner.freshness": operations.set_partner_freshness,
    "directory.rehearse": rehearse_directory,
    "directory.requests": requests.list_requests,
    "directory.approve": requests.approve,
    "directory.decline": requests.decline,
    "policy.list": policies.list_policies,
    "policy.proposals": policies.list_proposals,
    "policy.set": policies.set_policy,
    "policy.end": policies.end_policy,
    "policy.exempt": policies.exempt,
    "policy.decide": policies.decide,
    "policy.rehearse": rehearse,
    "key.issue": operations.issue_key,
    "key.add_certificate": operations.add_certificate,
    "key.revoke": operations.revoke_credential,
    "key.rotate": operations.rotate_key,
    "key.list": operations.list_keys,
    "key.compromised": compromise_key,
    "key.import": operations.import_key,
    "queue.show": operations.show_queue,
    "queue.hold": hold.hold,
    "queue.release": hold.release,
    "queue.choose": choose,
    "queue.reject": hold.reject,
    "queue.retry": hold.retry,
    "queue.give_up": hold.give_up,
    "document.send": local.send_file,
    "inbox.list": local.list_inbox,
    "inbox.fetch": local.fetch_file,
    "inbox.done": local.confirm,
    "inbox.report": local.report,
    "recall.send": local.recall,
    "recall.show": show_recall,
    "recall.silent": silent_recalls,
    "incident.open": incident.open_incident,
    "incident.confirm": incident.confirm_incident,
    "incident.dismiss": incident.dismiss_incident,
    "incident.close": incident.close_incident,
    "incident.show": incident.show_incident,
    "incident.list": incident.list_incidents,
    "receipt.show": show_receipt,
    "log.checkpoint": exchange_log.make_checkpoint,
    "log.keys": exchange_log.show_keys,
    "log.remembered": exchange_log.remembered,
    "log.witness": exchange_log.witness,
    "recovery.accept": accept_restore,
    "recovery.reconcile": reconcile,
    "recovery.report": restore_report,
    "recovery.prepare": second_copy.prepare,
    "recovery.prune": second_copy.prune,
    "evidence.export": export_evidence_file,
    "evidence.keys": public_keys,
    "payloads.move": move_payloads,
    "payloads.verify": verify_payloads,
    "conservation.show": show_conservation,
    "conservation.recount": recount,
    "archive.list": archive.list_months,
    "archive.detach": archive.detach,
    "archive.attach": archive.attach,
    "retention.show": retention.show,
    "retention.propose": retention.propose,
    "retention.decide": retention.decide,
    "retention.run": retention.run_decision,
    "retention.freeze": retention.freeze,
    "retention.thaw": retention.thaw,
    "document.views": footprints.views_of,
    "document.open": local.open_file,
    "agency.erase_name": office.erase_name,
    "account.open": accounts.open_account,
    "account.list": accounts.list_accounts,
    "account.reset_password": accounts.reset_password,
    "account.drop_second_factor": accounts.drop_second_factor,
    "account.set_active": accounts.set_active,
    "account.sessions": sign_in.list_sessions,
    "account.end_session": sign_in.end_session,
    "trace.show": operations.show_trace,
    "trace.peers": peers.stages,
    "trace.list": operations.list_traces,
    "trust.list": trust.list_trust,
    "trust.refresh": trust.refresh_trust,
    "conform.who": conform.who,
    "conform.look": conform.look,
    "conform.teach": conform.teach,
    "status": operations.describe_store,
}
