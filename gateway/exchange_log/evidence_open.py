"""Opening an evidence container: its members, when they are exactly those that both of its lists name.

In charge of: the two lists of SHA-256 against what is there. Not in charge of: the ZIP (``container.py``),
the signature and what the members say (``evidence_check.py``).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.exchange_log import evidence
from gateway.exchange_log.container import unpack
from gateway.model.text import Bilingual


class Wrong(Exception):
    """What does not hold, for people."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.text = Bilingual(vi, en)


@dataclass(slots=True)
class Opened:
    """A container whose lists of hashes fit its members."""

    members: Mapping[str, bytes]
    manifest: dict[str, Any]
    record: dict[str, Any]
    events: dict[str, dict[str, Any]] = field(default_factory=dict)  # id -> decoded body

    def with_role(self, role: str) -> list[dict[str, Any]]:
        """Entries of the manifest with that role, in order."""
        return [entry for entry in self.manifest["files"] if entry["role"] == role]


def open_container(data: bytes) -> Opened:
    """``Broken`` or ``Wrong`` unless the members are exactly those that both lists name."""
    members = unpack(data)
    for name in (evidence.ASIC_MANIFEST, evidence.SIGNATURE, evidence.MANIFEST, evidence.RECORD):
        if name not in members:
            raise Wrong(f"Thiếu thành phần “{name}”", f"The member “{name}” is missing")
    inside = {name: body for name, body in members.items() if not name.startswith("META-INF/")}
    digests = {name: hashlib.sha256(body).digest() for name, body in inside.items()}
    try:
        manifest = orjson.loads(members[evidence.MANIFEST])
        listed = {entry["path"]: entry for entry in manifest["files"]}
        wrong = _first_unlisted(inside, digests, listed, len(manifest["files"]))
        wrong = wrong or next((name for name in listed if not _is_of_role(name, listed[name]["role"])), "")
        record = orjson.loads(members[evidence.RECORD])
        opened = Opened(members, manifest, record)
        fits = bool(record["document"]["id"] == manifest["document"] and manifest["v"] == evidence.VERSION)
        fits = fits and isinstance(manifest["gateway"], str)
    except (ValueError, KeyError, TypeError) as problem:
        raise Wrong("Không đọc được manifest.json", "manifest.json cannot be read") from problem
    if wrong:
        raise Wrong(
            f"Thành phần “{wrong}” không đúng với manifest.json: bị sửa, thừa hoặc thiếu",
            f"The member “{wrong}” does not fit manifest.json: changed, added or missing",
        )
    if members[evidence.ASIC_MANIFEST] != evidence.asic_manifest(digests):
        raise Wrong(
            "META-INF/ASiCManifest.xml không liệt kê đúng các thành phần của hồ sơ",
            "META-INF/ASiCManifest.xml is not the list of the members",
        )
    if set(members) - set(inside) != {evidence.ASIC_MANIFEST, evidence.SIGNATURE}:
        raise Wrong("Thư mục META-INF có thành phần lạ", "META-INF holds something else")
    if not fits:
        raise Wrong("record.json không thuộc hồ sơ này", "record.json is not of this container")
    return opened


def _first_unlisted(
    inside: Mapping[str, bytes], digests: Mapping[str, bytes], listed: Mapping[str, Any], count: int
) -> str:
    """The first member that is not as the manifest says; empty when all are."""
    for name, body in inside.items():
        entry = listed.get(name)
        if name == evidence.MANIFEST:
            continue
        if entry is None or entry["sha256"] != digests[name].hex() or entry["size"] != len(body):
            return name
    missing = sorted(set(listed) - set(inside))
    if missing:
        return missing[0]
    return evidence.MANIFEST if count != len(inside) - 1 else ""


def _is_of_role(path: str, role: str) -> bool:
    """Members that are checked by their role lie where that role lies, and nothing else lies there."""
    found = next((kind for kind, place in evidence.PLACES.items() if re.fullmatch(place, path)), "")
    return found == (role if role in evidence.PLACES else "")


__all__ = ["Opened", "Wrong", "open_container"]
