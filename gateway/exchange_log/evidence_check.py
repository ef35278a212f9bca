"""Does an evidence container hold? Offline, with the gateway's public keys from elsewhere. Fails closed.

In charge of: the rows of the table that ``gateway evidence verify`` prints. Pure: bytes and keys in, rows
out; whatever goes wrong while reading a stranger's file is a row that does not hold. A container never
vouches for its own keys: without a given key nothing is concluded. Not in charge of: making one
(``evidence.py``), XML and PDF signatures (their verdicts are in the container, their bytes too), the plain
verifier that travels along (``plain_verifier.py`` does the same on its own).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import orjson
from cryptography import x509

from gateway.exchange_log import evidence
from gateway.exchange_log.checkpoint import (
    NotANote,
    Note,
    PublicKey,
    Seen,
    is_key_of,
    read_checkpoint,
    read_note,
    read_signature,
    verify,
)
from gateway.exchange_log.compromised import SECOND, Compromised, judged
from gateway.exchange_log.container import Broken
from gateway.exchange_log.evidence_facts import messages_fit, record_fits
from gateway.exchange_log.evidence_open import Opened, Wrong, open_container
from gateway.exchange_log.merkle import leaf_hash, verify_inclusion
from gateway.model.canonical import canonical_json
from gateway.model.event import commitment
from gateway.model.text import Bilingual, Instant
from gateway.model.verdict import Indication
from gateway.signature.cades import check_detached
from gateway.signature.keyring import key_id
from gateway.signature.seal import read_receipt
from gateway.signature.timestamp import judge_token
from gateway.signature.trust import TrustStore


@dataclass(frozen=True, slots=True)
class Trusted:
    """What the verifier believes before it opens anything."""

    certificates: tuple[x509.Certificate, ...] = ()  # of receipts
    log_keys: tuple[PublicKey, ...] = ()  # of the log, and of witnesses
    store: TrustStore | None = None  # for timestamps; ``None``: their authority is not judged
    compromised: Compromised = field(default_factory=Compromised)  # believed only for what was seen in time

    @property
    def with_lost(self) -> Trusted:
        """The same with the lost keys among the others: their signatures are checked, then weighed."""
        certificates = (*self.certificates, *self.compromised.certificates)
        return replace(self, certificates=certificates, log_keys=(*self.log_keys, *self.compromised.log_keys))

    @property
    def is_empty(self) -> bool:
        """True when nothing was given."""
        return not self.certificates and not self.log_keys and self.compromised.is_empty


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was checked. ``holds``: ``None`` means that it could not be concluded from what was
    given, which is said and harms nothing."""

    code: str
    holds: bool | None
    text: Bilingual


@dataclass(frozen=True, slots=True)
class Checked:
    """The whole table."""

    rows: tuple[Row, ...]
    document: str = ""
    gateway: str = ""

    @property
    def holds(self) -> bool:
        """True when every row that had to hold does, and there was a key to believe."""
        return all(row.holds is not False for row in self.rows)


def check_container(data: bytes, trusted: Trusted, now: Instant) -> Checked:
    """Every row. The first three say whether the container is as it was made; when one fails, nothing else is
    looked at."""
    trusted = trusted.with_lost
    try:
        opened = open_container(data)
    except Broken as broken:
        return Checked((Row(broken.code, False, broken.text),))
    except Wrong as wrong:
        return Checked((Row("container.members", False, wrong.text),))
    rows = [
        Row(
            "container.members",
            True,
            Bilingual(
                f"{len(opened.members)} thành phần đều đúng mã băm, không thừa, không thiếu",
                f"{len(opened.members)} members fit their hashes; none is missing, none was added",
            ),
        ),
        _run("container.signature", lambda: _signature(opened, trusted)),
    ]
    if rows[-1].holds:
        rows += [_run(code, lambda work=work: work(opened, trusted)) for code, work in _CHECKS.items()]  # type: ignore[misc]
        rows += _timestamp(opened, trusted, now)
        rows += _compromised(opened, trusted, now)
    return Checked(tuple(rows), opened.manifest["document"], opened.manifest["gateway"])


def _run(code: str, work: Callable[[], Bilingual | None]) -> Row:
    try:
        said = work()
    except Wrong as wrong:
        return Row(code, False, wrong.text)
    except NotANote as problem:
        return Row(
            code, False, Bilingual(f"Mốc chốt không đọc được: {problem}", f"Unreadable checkpoint: {problem}")
        )
    except Exception as problem:  # a stranger's bytes: whatever comes up means that it does not hold
        told = f"{type(problem).__name__}: {problem}"[:200]
        return Row(code, False, Bilingual(f"Không đọc được: {told}", f"Unreadable: {told}"))
    if said is None:
        return Row(code, None, _ABSENT[code])
    return Row(code, True, said)


def _signature(opened: Opened, trusted: Trusted) -> Bilingual:
    if not trusted.certificates:
        raise Wrong(
            "Chưa có khóa công khai của trục nên không kết luận được: hồ sơ không thể tự bảo đảm cho khóa "
            "của nó. Hãy đưa khóa bằng --key, hoặc chạy trên trục đã lập hồ sơ (--home)",
            "No public key of the gateway was given, so nothing is concluded: a container cannot vouch for "
            "its own key. Give one with --key, or name the gateway's home",
        )
    try:
        by = check_detached(
            opened.members[evidence.SIGNATURE], opened.members[evidence.ASIC_MANIFEST], trusted.certificates
        )
    except ValueError as problem:
        raise Wrong(
            "Chữ ký của hồ sơ không phải của khóa đã cho, hoặc hồ sơ bị sửa sau khi ký",
            f"The container's signature does not hold under the given keys: {problem}",
        ) from problem
    name = by.subject.rfc4514_string()
    return Bilingual(f"Chữ ký CAdES B-B của {name}", f"CAdES B-B signature of {name}")


def _receipts(opened: Opened, trusted: Trusted) -> Bilingual | None:
    receipts = opened.with_role("receipt")
    messages = {message["id"]: message for message in opened.record["messages"]}
    for entry in receipts:
        try:
            claims = read_receipt(opened.members[entry["path"]].decode("ascii"), trusted.certificates)
        except ValueError as problem:
            raise Wrong(
                f"Phiếu xác nhận {entry['path']} không đúng: chữ ký không khớp khóa đã cho",
                f"Receipt {entry['path']} does not hold: {problem}",
            ) from problem
        message = messages.get(claims["message"])
        if message is None or message["envelope_sha256"] != claims["envelope_sha256"]:
            raise Wrong(
                f"Phiếu xác nhận {entry['path']} không thuộc gói tin nào trong hồ sơ",
                f"Receipt {entry['path']} belongs to no message of this container",
            )
    if not receipts:
        return None
    return Bilingual(
        f"{len(receipts)} phiếu xác nhận (JWS) đúng chữ ký của trục",
        f"{len(receipts)} receipts (JWS) are signed by the gateway",
    )


def _events(opened: Opened, _: Trusted) -> Bilingual:
    last = (0, "")
    for entry in opened.with_role("event"):
        body = opened.members[entry["path"]]
        event = orjson.loads(body)
        if canonical_json(event) != body or not entry["path"].endswith(f"-{event['id']}.json"):
            raise Wrong(
                f"Sự kiện {entry['path']} không ở dạng chuẩn hoặc mang mã khác",
                f"Event {entry['path']} is not in canonical form, or has another id",
            )
        if event["document"] != opened.manifest["document"] or (event["at"], event["id"]) <= last:
            raise Wrong(
                f"Sự kiện {entry['path']} thuộc văn bản khác hoặc sai thứ tự",
                f"Event {entry['path']} is of another document, or out of order",
            )
        last = (event["at"], event["id"])
        opened.events[event["id"]] = event
    committed = _commitments(opened)
    return Bilingual(
        f"{len(opened.events)} sự kiện nguyên văn, đúng thứ tự; {committed} giá trị khớp cam kết",
        f"{len(opened.events)} events as recorded, in order; {committed} values fit their commitments",
    )


def _commitments(opened: Opened) -> int:
    private = orjson.loads(opened.members.get(evidence.PRIVATE, b"{}"))
    count = 0
    for event, values in private.items():
        for name, value in values.items():
            expected = commitment(bytes.fromhex(value["salt"]), value["text"])
            if opened.events[event]["commitments"][name] != expected:
                raise Wrong(
                    f"Giá trị “{name}” của sự kiện {event} không khớp cam kết đã ghi",
                    f"The value “{name}” of event {event} does not fit its commitment",
                )
            count += 1
    return count


def _log(opened: Opened, trusted: Trusted) -> Bilingual:
    """Every event is a leaf under a head that a key of the log signed."""
    if evidence.LOG_CHECKPOINT not in opened.members:
        raise Wrong(
            "Hồ sơ không kèm mốc chốt nhật ký: không có gì ngoài lời của trục",
            "There is no checkpoint in it: nothing but the gateway's own word",
        )
    note = _note(opened)
    head = read_checkpoint(note.text)
    seen = verify(note, trusted.log_keys)
    if not any(one.time is None and is_key_of(one.key, head.origin) for one in seen):
        raise Wrong(
            "Mốc chốt nhật ký không được ký bằng khóa nhật ký đã cho",
            "The checkpoint is not signed by a given key of the log",
        )
    proofs = orjson.loads(opened.members[evidence.LOG_PROOFS])["events"]
    for entry in opened.with_role("event"):
        event = entry["path"].rpartition("/")[2][5:-5]
        place = proofs.get(event)
        path = [] if place is None else [bytes.fromhex(one) for one in place["proof"]]
        leaf = leaf_hash(opened.members[entry["path"]])
        if place is None or not verify_inclusion(leaf, place["leaf"], head.size, path, head.root):
            raise Wrong(
                f"Sự kiện {event} không nằm trong nhật ký dưới mốc chốt này",
                f"Event {event} is not in the log under this checkpoint",
            )
    witnesses = len({one.key.key for one in seen if one.time is not None})  # of several lines it is one
    return Bilingual(
        f"Mọi sự kiện nằm trong nhật ký {head.origin}, mốc chốt {head.size} lá; "
        f"nhân chứng đã biết: {witnesses}",
        f"All events are in the log {head.origin} under a head over {head.size} leaves; "
        f"known witnesses: {witnesses}",
    )


def _note(opened: Opened) -> Note:
    note = read_note(opened.members[evidence.LOG_CHECKPOINT].decode())
    lines = opened.members.get(evidence.LOG_COSIGNATURES, b"").decode().splitlines()
    return Note(note.text, (*note.signatures, *(read_signature(line) for line in lines)))


def _timestamp(opened: Opened, trusted: Trusted, now: Instant) -> Iterator[Row]:
    token = opened.members.get(evidence.LOG_TOKEN)
    if token is None:
        return
    stamped = opened.members[evidence.LOG_CHECKPOINT]
    judged = judge_token(token, stamped, trusted.store or TrustStore(()), now)
    imprint_holds = judged.time is not None  # it was read: imprint and signature fit
    if judged.indication is Indication.PASSED:
        yield Row("log.timestamp", True, judged.text)
    elif imprint_holds:
        yield Row("log.timestamp", None, judged.text)
    else:
        yield Row("log.timestamp", False, judged.text)


def _compromised(opened: Opened, trusted: Trusted, now: Instant) -> Iterator[Row]:
    """A row for each lost key that signed something here."""
    if trusted.compromised.is_empty:
        return
    try:
        note = _note(opened)
        seen = verify(note, trusted.log_keys)
        signed = (opened.members[evidence.SIGNATURE], opened.members[evidence.ASIC_MANIFEST])
        signer = check_detached(*signed, trusted.certificates)
        kids = {json_header(opened.members[one["path"]])["kid"] for one in opened.with_role("receipt")}
    except (ValueError, KeyError):
        return  # said in the rows above
    # Nobody saw the container's own signature: a head seen in time says nothing of its page and its lists.
    for holds, text in judged(trusted.compromised, [signer], None, Bilingual("", "")):
        yield Row("keys.compromised", holds, text)
    used: list[x509.Certificate | PublicKey] = [one.key for one in seen if one.time is None]
    used += [one for one in trusted.compromised.certificates if key_id(one) in kids and one != signer]
    at, by = _seen_at(opened, trusted, now, seen)
    for holds, text in judged(trusted.compromised, used, at, by):
        yield Row("keys.compromised", holds, text)


def json_header(jws: bytes) -> dict[str, str]:
    """The header of a compact JWS, unverified."""
    part = jws.split(b".")[0]
    found: dict[str, str] = orjson.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
    return found


def _seen_at(
    opened: Opened, trusted: Trusted, now: Instant, seen: Sequence[Seen]
) -> tuple[Instant | None, Bilingual]:
    """The earliest time at which somebody whom the verifier believes saw the head, and who that was."""
    found: list[tuple[Instant, Bilingual]] = [
        (
            Instant(one.time * SECOND),
            Bilingual(f"nhân chứng {one.key.name} đã ký", f"{one.key.name} cosigned"),
        )
        for one in seen
        if one.time is not None
    ]
    if (token := opened.members.get(evidence.LOG_TOKEN)) is not None:
        stamped = opened.members[evidence.LOG_CHECKPOINT]
        stamp = judge_token(token, stamped, trusted.store or TrustStore(()), now)
        if stamp.indication is Indication.PASSED and stamp.time is not None:
            found.append((stamp.time, Bilingual("mốc chốt đã có dấu thời gian", "it was timestamped")))
    return min(found, key=lambda one: one[0], default=(None, Bilingual("", "")))


_CHECKS: dict[str, Callable[[Opened, Trusted], Bilingual | None]] = {
    "receipts": _receipts,
    "events": _events,
    "messages": lambda opened, _: messages_fit(opened),
    "record": lambda opened, _: record_fits(opened),
    "log": _log,
}
_ABSENT: dict[str, Bilingual] = {
    "receipts": Bilingual("Hồ sơ không kèm phiếu xác nhận", "There is no receipt in it"),
}


__all__ = ["Checked", "Row", "Trusted", "check_container"]
