"""``make bundle``: one file that installs the gateway where no package index can be reached.

In charge of: the project's wheel, every wheel that uv.lock names for this Python and this platform (fetched
with their hashes checked), an SBOM (CycloneDX 1.5, JSON), checksums, and an archive whose bytes depend on
these alone. Not in charge of: installing (``install.sh``, which travels in it).

Run it with the Python that the servers have: ``make bundle PYTHON=python3.12`` in a checkout of its own.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import uuid
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = ROOT / "docs" / "operations"
CARRIED = (
    "docs/backup.md",
    "docs/object-storage.md",
    "docs/operations/alerts.yml",
    "docs/operations/dashboard.json",
    "docs/operations/gateway.service",
    "docs/operations/gateway-backup.service",
    "docs/operations/gateway-backup.timer",
    "docs/operations/haproxy.cfg",
    "docs/operations/prometheus.yml",
    "docs/postgresql.md",
    "docs/recovery.md",
    "docs/runbook.md",
    "docs/settings.md",
    "docs/vi/README.md",
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
)  # fmt: skip


def main() -> None:
    """Build ``dist/gateway-VERSION-…-bundle.tar.gz`` and print its name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "dist")
    output = parser.parse_args().output
    output.mkdir(parents=True, exist_ok=True)
    made = build(output, changed_at())
    print(made)


def build(output: Path, moment: int) -> Path:
    """The archive, in ``output``; every time in it is ``moment`` (UTC seconds)."""
    staging = output / "bundle"
    shutil.rmtree(staging, ignore_errors=True)
    wheels = staging / "wheels"
    wheels.mkdir(parents=True)
    own = build_own_wheel(wheels, moment)
    fetch_wheels(staging, wheels)
    version = facts_of(own)["Version"]
    name = f"gateway-{version}-py{sys.version_info[0]}{sys.version_info[1]}-{platform_tag()}-bundle"
    write_requirements(staging, wheels)
    write_sbom(staging, wheels, own, moment)
    for path in CARRIED:
        (staging / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, staging / path)
    install = (OPERATIONS / "install.sh").read_text("utf-8")
    needed = f"{sys.version_info[0]}.{sys.version_info[1]}"
    (staging / "install.sh").write_text(
        install.replace("@PYTHON@", needed).replace("@VERSION@", version), encoding="utf-8"
    )
    write_sums(staging)
    archive = output / f"{name}.tar.gz"
    pack(staging, archive, name, moment)
    shutil.rmtree(staging)
    return archive


def changed_at() -> int:
    """When the commit was made; SOURCE_DATE_EPOCH says otherwise. UTC seconds."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    return int(run("git", "log", "-1", "--format=%ct"))


def build_own_wheel(wheels: Path, moment: int) -> Path:
    """The wheel of this checkout."""
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels), epoch=moment)
    [own] = wheels.glob("*.whl")
    return own


def fetch_wheels(staging: Path, wheels: Path) -> None:
    """Everything that uv.lock names for a server, hashes checked, and the pip that installs it."""
    wanted = staging / "wanted.txt"
    wanted.write_text(exported("requirements.txt"), encoding="utf-8")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "download", "-d", str(wheels))
    run(*pip, "--no-deps", "--only-binary=:all:", "--require-hashes", "-r", str(wanted))
    run(*pip, "--no-deps", "--only-binary=:all:", f"pip=={pip_version()}")
    wanted.unlink()


def exported(form: str) -> str:
    """What a server needs, as uv.lock has it."""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}") or "uv"
    options = ("--frozen", "--no-default-groups", "--all-extras", "--no-emit-project", "--quiet")
    return run(uv, "export", *options, "--format", form)


def pip_version() -> str:
    """The version of pip that runs here."""
    return run(sys.executable, "-m", "pip", "--version").split()[1]


def write_requirements(staging: Path, wheels: Path) -> None:
    """Exactly what is here, each with its hash: what install.sh installs."""
    lines = []
    for wheel in sorted(wheels.glob("*.whl")):
        facts = facts_of(wheel)
        if facts["Name"] != "pip":
            lines.append(f"{facts['Name']}=={facts['Version']} --hash=sha256:{sha256(wheel)}\n")
    (staging / "requirements.txt").write_text("".join(lines), encoding="utf-8")


def write_sbom(staging: Path, wheels: Path, own: Path, moment: int) -> None:
    """uv's CycloneDX list of what is really here, with the licence and the hash of each wheel."""
    found: dict[str, Any] = json.loads(exported("cyclonedx1.5"))
    shipped = {canonical(facts_of(wheel)["Name"]): wheel for wheel in wheels.glob("*.whl")}
    kept = []
    for component in found["components"]:
        wheel = shipped.get(component["name"])
        if wheel is not None and facts_of(wheel)["Version"] == component["version"]:
            kept.append(described(component, wheel))
    refs = {one["bom-ref"] for one in kept} | {found["metadata"]["component"]["bom-ref"]}
    found["components"] = sorted(kept, key=lambda one: str(one["bom-ref"]))
    found["dependencies"] = [
        one | {"dependsOn": [ref for ref in one.get("dependsOn", ()) if ref in refs]}
        for one in found["dependencies"]
        if one["ref"] in refs
    ]
    found["metadata"]["component"] = described(found["metadata"]["component"], own) | {"type": "application"}
    found["metadata"]["timestamp"] = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    content = json.dumps(found["components"], sort_keys=True)
    found["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}"
    text = json.dumps(found, indent=1, ensure_ascii=False)
    (staging / "sbom.cdx.json").write_text(text + "\n", encoding="utf-8")


def described(component: dict[str, Any], wheel: Path) -> dict[str, Any]:
    """The component with licence and hash of the wheel that is here."""
    facts = facts_of(wheel)
    if expression := facts["License-Expression"]:
        licences: list[dict[str, Any]] = [{"expression": expression}]
    else:
        licences = [{"license": {"name": name}} for name in named_licences(facts)]
    kept = {key: value for key, value in component.items() if key not in ("externalReferences", "properties")}
    hashes = [{"alg": "SHA-256", "content": sha256(wheel)}]
    file = [{"name": "file", "value": wheel.name}]
    return kept | {"licenses": licences, "hashes": hashes, "properties": file}


def named_licences(facts: Any) -> list[str]:
    """What an older wheel says of its licence, in its classifiers or in one line."""
    classifiers = [one for one in facts.get_all("Classifier", []) if one.startswith("License ::")]
    names = sorted(one.rsplit(" :: ", 1)[1] for one in classifiers if one != "License :: OSI Approved")
    return names or [(facts["License"] or "unknown").strip().splitlines()[0]]


def facts_of(wheel: Path) -> Any:
    """The METADATA of a wheel: headers, missing ones are ``None``."""
    with zipfile.ZipFile(wheel) as opened:
        [name] = [one for one in opened.namelist() if one.endswith(".dist-info/METADATA")]
        return HeaderParser().parsestr(opened.read(name).decode("utf-8"))


def canonical(name: str) -> str:
    """A package's name as uv writes it."""
    return name.lower().replace("_", "-").replace(".", "-")


def write_sums(staging: Path) -> None:
    """SHA256SUMS of everything else, as ``sha256sum -c`` reads it."""
    lines = [f"{sha256(path)}  {path.relative_to(staging).as_posix()}\n" for path in files_in(staging)]
    (staging / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


def files_in(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in folder.rglob("*") if path.is_file())


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pack(staging: Path, archive: Path, name: str, moment: int) -> None:
    """Names in order, owners and times the same everywhere."""
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=moment) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in files_in(staging):
            entry = tar.gettarinfo(path, f"{name}/{path.relative_to(staging).as_posix()}")
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = "root"
            entry.mtime = moment
            entry.mode = 0o755 if path.suffix == ".sh" else 0o644
            with path.open("rb") as content:
                tar.addfile(entry, content)


def platform_tag() -> str:
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")


def run(*command: str, epoch: int | None = None) -> str:
    """What a command prints; ends the program with its errors when it fails."""
    env = os.environ | ({"SOURCE_DATE_EPOCH": str(epoch)} if epoch is not None else {})
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        sys.exit(f"{' '.join(command[:4])} …: {done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
