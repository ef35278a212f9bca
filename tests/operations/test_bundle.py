"""``make bundle``: built twice it is the same; installed without a network it runs; changed it is refused."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.operations.compose import OPERATIONS, REPOSITORY

MOMENT = 1_700_000_000


def _module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bundle", OPERATIONS / "bundle.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


bundle = _module()


TRAVELS = ("gateway", "adapters", "schemas", "keys", "docs", "pyproject.toml", "uv.lock")


@pytest.fixture(scope="module", autouse=True)
def checkout(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A copy, so that nobody changes it between two builds."""
    copy = tmp_path_factory.mktemp("checkout")
    for path in (REPOSITORY / name for name in (*TRAVELS, "README.md", "CHANGELOG.md", "LICENSE")):
        if path.is_dir():
            shutil.copytree(path, copy / path.name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(path, copy / path.name)
    bundle.ROOT, bundle.OPERATIONS = copy, copy / "docs" / "operations"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built here; it takes some twenty seconds and, the first time, a package index."""
    try:
        made: Path = bundle.build(tmp_path_factory.mktemp("dist"), MOMENT)
    except SystemExit as problem:
        if "download" in str(problem) and not os.environ.get("REQUIRE_OPERATIONS"):
            pytest.skip(f"no package index at hand: {problem}")
        raise
    return made


@pytest.fixture
def unpacked(archive: Path, tmp_path: Path) -> Iterator[Path]:
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    [folder] = tmp_path.iterdir()
    yield folder
    shutil.rmtree(folder)


def without_network(*command: str | Path) -> list[str]:
    """The command in a network namespace of its own, where one may be made."""
    probe = ["unshare", "--net", "--map-root-user", "true"]
    allowed = (
        shutil.which("unshare") and not subprocess.run(probe, capture_output=True, check=False).returncode
    )
    return [*(probe[:-1] if allowed else []), *map(str, command)]


def install(folder: Path, target: Path) -> subprocess.CompletedProcess[str]:
    options = ("--prefix", target / "opt", "--link", target / "bin", "--python", sys.executable)
    command = without_network("sh", folder / "install.sh", *options)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=kept, cwd=target)


@pytest.mark.timeout(300)
def test_it_installs_without_a_network_and_runs_a_week_of_a_province(unpacked: Path, tmp_path: Path) -> None:
    done = install(unpacked, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Installed in" in done.stdout
    gateway = tmp_path / "bin" / "gateway"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    ran = subprocess.run(
        [gateway, "demo", "--once", "--json", "--home", tmp_path / "demo"],
        cwd=tmp_path, env=kept, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout.splitlines()[-1])["lost"] == 0
    again = install(unpacked, tmp_path)
    assert again.returncode == 1
    assert "is there already" in again.stderr


def test_a_bundle_that_was_changed_is_not_installed(unpacked: Path, tmp_path: Path) -> None:
    wheel = next((unpacked / "wheels").glob("aiohttp-*.whl"))
    wheel.write_bytes(wheel.read_bytes()[:-1] + b"x")
    done = install(unpacked, tmp_path)
    assert done.returncode == 1
    assert "The bundle is damaged or was changed" in done.stderr
    assert not (tmp_path / "opt").exists()


def test_a_file_that_was_slipped_in_is_noticed(unpacked: Path, tmp_path: Path) -> None:
    (unpacked / "wheels" / "aiohttp-99-py3-none-any.whl").write_bytes(b"")
    done = install(unpacked, tmp_path)
    assert done.returncode == 1
    assert "files that do not belong to it: wheels/aiohttp-99" in done.stderr


def test_the_checksums_name_every_file(unpacked: Path) -> None:
    lines = dict(reversed(line.split("  ", 1)) for line in (unpacked / "SHA256SUMS").read_text().splitlines())
    files = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    assert set(lines) == files - {"SHA256SUMS"}
    assert all(hashlib.sha256((unpacked / name).read_bytes()).hexdigest() == lines[name] for name in lines)


def test_every_wheel_is_the_one_that_uv_lock_names(unpacked: Path) -> None:
    locked = (REPOSITORY / "uv.lock").read_text("utf-8")
    own = ("document_gateway-", "pip-")
    wheels = [path for path in (unpacked / "wheels").iterdir() if not path.name.startswith(own)]
    assert len(wheels) > 30
    missing = [w.name for w in wheels if hashlib.sha256(w.read_bytes()).hexdigest() not in locked]
    assert missing == []


def test_the_sbom_names_what_is_there_with_licence_and_hash(unpacked: Path) -> None:
    sbom: dict[str, Any] = json.loads((unpacked / "sbom.cdx.json").read_text("utf-8"))
    assert (sbom["bomFormat"], sbom["specVersion"]) == ("CycloneDX", "1.5")
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", sbom["serialNumber"])
    parts = sbom["components"] + [sbom["metadata"]["component"]]
    named = {part["properties"][0]["value"]: part for part in parts}
    wheels = {path.name: path for path in (unpacked / "wheels").iterdir() if not path.name.startswith("pip-")}
    assert set(named) == set(wheels)
    for name, part in named.items():
        assert part["hashes"][0]["content"] == hashlib.sha256(wheels[name].read_bytes()).hexdigest()
        assert part["licenses"]
        assert "unknown" not in json.dumps(part["licenses"]).lower()
    direct = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    names = {part["name"] for part in parts}
    assert {re.split(r"[\[<>=~]", one)[0] for one in direct} <= names
    known = {part["bom-ref"] for part in parts}
    assert all({one["ref"], *one.get("dependsOn", ())} <= known for one in sbom["dependencies"])


def test_the_same_checkout_gives_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    again = bundle.build(tmp_path, MOMENT)
    assert again.name == archive.name
    assert again.read_bytes() == archive.read_bytes()
