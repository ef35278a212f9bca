#!/usr/bin/env python3
"""Kiểm tra một hồ sơ minh chứng mà không cần trục. Check an evidence container without the gateway.

    python3 verify.py HOSO.asice --key KEYS.txt [--key MORE.pem]

Needs Python 3.9 and the package “cryptography”; no network. KEYS are public keys of the gateway that you had
before (PEM, and keys of its log): those in the container are not believed. Exit code 0: all holds. Left to
public tools: signatures inside PDF and XML files, the authority of the timestamp (openssl ts -verify).
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.serialization import Encoding

LIST, SIGNATURE, MANIFEST = "META-INF/ASiCManifest.xml", "META-INF/signature.p7s", "manifest.json"
PLACES = {"receipts/.*": "receipt", "events/.*": "event"}
PLACES |= {r"messages/[^/]*/received\.edxml": "received", "messages/[^/]*/files/.*": "file"}
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
ONE, ORDER = b"\2\1\1", 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
XML = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<asic:ASiCManifest'
    ' xmlns:asic="http://uri.etsi.org/02918/v1.2.1#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">\n'
    f'<asic:SigReference URI="{SIGNATURE}" MimeType="application/pkcs7-signature"/>\n'
)
XML_ENTRY = (
    '<asic:DataObjectReference URI="{}">\n'
    '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>\n'
    "<ds:DigestValue>{}</ds:DigestValue>\n</asic:DataObjectReference>\n"
)
Members = dict[str, bytes]
Keys = list[tuple[str, int, bytes]]  # name, 1 for a log or 4 for a witness, Ed25519
Certificates = list[x509.Certificate]


class Wrong(Exception): ...


def need(holds: Any, said: str) -> None:
    if not holds:
        raise Wrong(said)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def local_record(name: str, body: bytes) -> bytes:
    facts = (20, 0, 0, 0, 0x21, zlib.crc32(body), len(body), len(body), len(name), 0)
    return struct.pack("<4s5H3I2H", b"PK\3\4", *facts) + name.encode()


def zip_of(members: Members) -> bytes:
    """The only ZIP that the gateway writes with these members."""
    bodies, listed, offset = bytearray(), b"", 0
    for name, body in members.items():
        facts = (20, 20, 0, 0, 0, 0x21, zlib.crc32(body), len(body), len(body), len(name), 0, 0, 0, 0, 0)
        listed += struct.pack("<4s6H3I5H2I", b"PK\1\2", *facts, offset) + name.encode()
        bodies += local_record(name, body) + body
        offset = len(bodies)
    end = (0, 0, len(members), len(members), len(listed), offset, 0)
    return bytes(bodies) + listed + struct.pack("<4s4H2IH", b"PK\5\6", *end)


def open_zip(data: bytes) -> Members:
    """Members by name; whatever is not exactly as the gateway writes it is refused."""
    members: Members = {}
    at = 0
    while data[at : at + 4] == b"PK\3\4":
        method, packed, size, name_size, extra = struct.unpack_from("<8xH8xIIHH", data, at)
        name = data[at + 30 : at + 30 + name_size].decode("latin-1")
        need(NAME.fullmatch(name) and len(name) < 200, f"a name that is never written: {name!r}")
        need(method == 0 and packed == size, f"{name} is compressed, which is never done")
        start = at + 30 + name_size + extra
        need(name not in members, f"two members are named {name}")
        members[name] = data[start : start + size]
        need(data[at:start] == local_record(name, members[name]), f"{name}: header, extra field or CRC")
        at = start + size
    need(members and next(iter(members)) == "mimetype", "not a container: mimetype does not come first")
    need(zip_of(members) == data, "cut off, or the directory, a comment or bytes at the end differ")
    need(members.pop("mimetype") == b"application/vnd.etsi.asic-e+zip", "another mimetype")
    return members


def check_lists(members: Members) -> dict[str, Any]:
    """manifest.json, which with ASiCManifest.xml names exactly these members with these hashes."""
    need({LIST, SIGNATURE, MANIFEST, "record.json"} <= set(members), "a member is missing")
    inside = {name: body for name, body in members.items() if not name.startswith("META-INF/")}
    need(set(members) - set(inside) == {LIST, SIGNATURE}, "META-INF holds something else")
    manifest: dict[str, Any] = json.loads(members[MANIFEST])
    listed = {entry["path"]: (entry["sha256"], entry["size"]) for entry in manifest["files"]}
    found = {name: (sha256(body).hex(), len(body)) for name, body in inside.items() if name != MANIFEST}
    wrong = sorted(name for name in {*listed, *found} if listed.get(name) != found.get(name))
    need(not wrong, f"not as manifest.json says: {', '.join(wrong[:3])}")
    need(len(listed) == len(manifest["files"]), "manifest.json names a member twice")
    for path, role in ((entry["path"], entry["role"]) for entry in manifest["files"]):
        place = [kind for where, kind in PLACES.items() if re.fullmatch(where, path)]
        need(place == [role] * (role in PLACES.values()), f"{path}: not what lies there")
    digests = [(name, base64.b64encode(sha256(body)).decode()) for name, body in inside.items()]
    xml = XML + "".join(XML_ENTRY.format(*one) for one in digests) + "</asic:ASiCManifest>\n"
    need(members[LIST] == xml.encode(), f"{LIST} is another list")
    return manifest


def tlv(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    raw = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag]) + (bytes([len(body)]) if len(body) < 128 else bytes([128 | len(raw)]) + raw) + body


def cms(certificate: x509.Certificate, time: bytes, digest: bytes, value: bytes) -> tuple[bytes, bytes]:
    """The signature file as the gateway writes it, and what is signed in it (RFC 5652, RFC 5035)."""
    der, serial = certificate.public_bytes(Encoding.DER), certificate.serial_number
    hashed = tlv(48, tlv(6, bytes.fromhex("608648016503040201")), tlv(5))
    data = tlv(6, bytes.fromhex("2a864886f70d010701"))
    named = tlv(48, tlv(48, tlv(48, tlv(4, sha256(der)))))
    kinds = {"010903": data, "010905": tlv(23, time), "010904": tlv(4, digest), "010910022f": named}
    signed_attributes = b"".join(
        sorted(tlv(48, tlv(6, bytes.fromhex("2a864886f70d" + k)), tlv(49, v)) for k, v in kinds.items())
    )
    number = tlv(2, serial.to_bytes(serial.bit_length() // 8 + 1, "big"))
    who = tlv(48, certificate.issuer.public_bytes(), number)
    ecdsa = tlv(48, tlv(6, bytes.fromhex("2a8648ce3d040302")))
    signer = tlv(48, ONE, who, hashed, tlv(0xA0, signed_attributes), ecdsa, tlv(4, value))
    signed = tlv(48, ONE, tlv(49, hashed), tlv(48, data), tlv(0xA0, der), tlv(49, signer))
    whole = tlv(48, tlv(6, bytes.fromhex("2a864886f70d010702")), tlv(0xA0, signed))
    return whole, tlv(49, signed_attributes)


def check_es256(certificate: x509.Certificate, value: bytes, signed: bytes) -> None:
    key: Any = certificate.public_key()
    key.verify(value, signed, ec.ECDSA(hashes.SHA256()))


def check_signature(members: Members, certificates: Certificates) -> None:
    der, digest = members[SIGNATURE], sha256(members[LIST])
    time = re.search(rb"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x05\x31\x0f\x17\x0d(\d{12}Z)", der)
    for certificate in certificates if time else []:
        for value in (der[-size:] for size in range(60, 73)):  # ECDSA with P-256 in DER
            whole, signed = cms(certificate, time[1] if time else b"", digest, value)
            if whole == der:
                need(utils.decode_dss_signature(value)[1] <= ORDER // 2, "the twin of the signature")
                return check_es256(certificate, value, signed)
    raise Wrong("no given key signed this container, or it was changed")


def check_receipt(path: str, jws: str, certificates: Certificates) -> str:
    header, claims, value = (base64.urlsafe_b64decode(part + "==") for part in jws.split("."))
    told = json.loads(header)
    need(told["alg"] == "ES256" and told["typ"] == "gateway-receipt+json" and len(value) == 64, "no receipt")
    for certificate in certificates:
        if sha256(certificate.public_bytes(Encoding.DER)).hex()[:16] == told["kid"]:
            r, s = int.from_bytes(value[:32], "big"), int.from_bytes(value[32:], "big")
            check_es256(certificate, utils.encode_dss_signature(r, s), jws.rpartition(".")[0].encode())
            need(path == f"receipts/{json.loads(claims)['receipt']}.jws", f"{path} is another receipt")
            return str(json.loads(claims)["message"])
    raise Wrong("a receipt is signed with a key that was not given")


def check_note(members: Members, keys: Keys) -> tuple[int, bytes, int]:
    """Size and head of the tree that a given key of the log signed; how many known witnesses there are."""
    text, gap, lines = members["log/checkpoint.txt"].decode().rpartition("\n\n")
    (origin, size, head), by_log, witnesses = text.split("\n")[:3], 0, set()
    for line in (lines + members.get("log/cosignatures.txt", b"").decode()).splitlines():
        dash, name, coded = line.split(" ")
        value = base64.b64decode(coded, validate=True)
        for log, kind, key in keys:  # a log goes on under a longer name after an older backup was restored
            of = origin if kind == 1 and re.fullmatch(re.escape(log) + r"/e\d+-[0-9a-f]{8}", origin) else log
            hashed = sha256(of.encode() + b"\n" + bytes([kind]) + key)[:4]
            if (dash, name, value[:4]) == ("\u2014", of, hashed):
                public = ed25519.Ed25519PublicKey.from_public_bytes(key)
                when = f"cosignature/v1\ntime {int.from_bytes(value[4:12], 'big')}\n" if kind == 4 else ""
                public.verify(value[12:] if kind == 4 else value[4:], (when + text + "\n").encode())
                witnesses |= {key} if kind == 4 else set()
                by_log += kind == 1 and name == origin
    need(gap and by_log, "no given key of the log signed the checkpoint")
    return int(size), base64.b64decode(head), len(witnesses)


def check_inclusion(value: bytes, index: int, size: int, path: list[bytes], root: bytes) -> None:
    need(0 <= index < size, "no such leaf")  # RFC 9162 section 2.1.3.2
    place, last = index, size - 1
    for sibling in path:
        need(last, "the proof is too long")
        if place % 2 or place == last:
            value = sha256(b"\1" + sibling + value)
            while place and not place % 2:
                place, last = place >> 1, last >> 1
        else:
            value = sha256(b"\1" + value + sibling)
        place, last = place >> 1, last >> 1
    need(last == 0 and value == root, "an event is not in the log under this checkpoint")


def check_events(members: Members, paths: list[str], document: str) -> dict[str, Any]:
    events: dict[str, Any] = {}
    last: tuple[int, str] = (0, "")
    for path in paths:
        event = json.loads(members[path])
        plain = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        need(plain == members[path] and path.endswith(f"-{event['id']}.json"), f"{path}: form or id")
        need((event["at"], event["id"]) > last and event["document"] == document, f"{path}: order")
        last, events[event["id"]] = (event["at"], event["id"]), event
    for event_id, values in json.loads(members.get("private.json", b"{}")).items():
        for name, value in values.items():
            made = sha256(bytes.fromhex(value["salt"]) + value["text"].encode()).hex()
            need(events[event_id]["commitments"][name] == made, f"private.json: {name} of event {event_id}")
    return events


def check_record(manifest: dict[str, Any], record: dict[str, Any], events: dict[str, Any]) -> None:
    messages = {message["id"]: message for message in record["messages"]}
    told = {e["message"]: e["envelope_sha256"] for e in events.values() if "envelope_sha256" in e}
    for entry in (one for one in manifest["files"] if one["role"] in ("received", "file")):
        message, digest = messages[entry["message"]], entry["sha256"]
        wanted = {message["envelope_sha256"], told.get(message["id"], digest)}
        files = {file["sha256"] for file in message["files"]}
        fits = wanted == {digest} if entry["role"] == "received" else digest in files
        need(fits, f"{entry['path']} is not what the event names")
    moves = [e for e in events.values() if e.get("delivery") and e.get("to_state")]
    moves.sort(key=lambda e: "from_state" in e)  # how a delivery began never counts after how it went on
    moved = {event["delivery"]: (event["to_state"], event["recipient"]) for event in moves}
    reported = {(e["message"], e["status"], e["sender"]) for e in events.values() if "status" in e}
    need(moved == {d["id"]: (d["state"], d["recipient"]) for d in record["deliveries"]}, "a delivery's state")
    shown = {(one["message"], one["code"], one["reporter"]) for one in record["statuses"]}
    need(shown == reported or not record["whole"], "a status is not what its event says")


def read_keys(text: str) -> tuple[Certificates, Keys]:
    pem = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.S)
    lines = [line.strip().split("+", 2) for line in pem.sub("", text).splitlines()]
    found = [(one[0], base64.b64decode(one[2])) for one in lines if len(one) == 3 and one[0][0] != "#"]
    certificates = [x509.load_pem_x509_certificate(one.encode()) for one in pem.findall(text)]
    return certificates, [(name, data[0], data[1:]) for name, data in found]


def run(data: bytes, key_text: str) -> Iterator[str]:
    certificates, keys = read_keys(key_text)
    members = open_zip(data)
    manifest = check_lists(members)
    yield f"container: {len(members)} members fit both lists of SHA-256"
    need(certificates, "no key was given (--key): a container cannot vouch for its own")
    check_signature(members, certificates)
    yield "signature: CAdES B-B with a given key"
    record = json.loads(members["record.json"])
    need(record["document"]["id"] == manifest["document"], "record.json is of another document")
    of = {role: [e["path"] for e in manifest["files"] if e["role"] == role] for role in ("receipt", "event")}
    events = check_events(members, of["event"], manifest["document"])
    said = {e["message"]: e["receipt_sha256"] for e in events.values() if "receipt_sha256" in e}
    jws = {path: members[path].decode() for path in of["receipt"]}
    held = {check_receipt(p, one, certificates): sha256(one.encode()).hex() for p, one in jws.items()}
    need(set(held) <= {m["id"] for m in record["messages"]}, "a receipt of another message")
    fits = held == said if record["whole"] else held.items() <= {**held, **said}.items()
    need(fits and len(held) == len(jws), "not the receipt that an event names, or left out")
    yield f"receipts: {len(held)} signed with a given key"
    check_record(manifest, record, events)
    yield f"events: {len(events)} as recorded; values, messages, files and states are those that they name"
    size, root, witnesses = check_note(members, keys)
    proofs = json.loads(members["log/proofs.json"])["events"]
    for path in of["event"]:
        place = proofs[path[-41:-5]]
        way = [bytes.fromhex(one) for one in place["proof"]]
        check_inclusion(sha256(b"\0" + members[path]), place["leaf"], size, way, root)
    stamp = members.get("log/checkpoint.tst")
    need(stamp is None or sha256(members["log/checkpoint.txt"]) in stamp, "the timestamp is of another head")
    yield f"log: all events under a signed head over {size} leaves; known witnesses: {witnesses}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--key", type=Path, action="append", default=[], help="keys that you had before")
    given = parser.parse_args()
    try:
        for line in run(given.file.read_bytes(), "\n".join(path.read_text("utf-8") for path in given.key)):
            print("OK    " + line)
    except Exception as problem:  # a stranger's bytes: whatever comes up means that it does not hold
        print(f"WRONG {type(problem).__name__}: {problem}")
        return 1
    print("HOLDS / ĐỨNG VỮNG")
    return 0


if __name__ == "__main__":
    sys.exit(main())
