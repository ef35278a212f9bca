"""A log that was tampered with is found, and the first position that does not fit is named."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.clock import SECOND
from gateway.exchange_log.replay import DoesNotFit, Report
from gateway.exchange_log.sequence import log_keys
from gateway.exchange_log.verify import verify_export
from gateway.flow.log_export import export_log
from tests.flow.log_cases import CASES, Case, Scene, all_rows, make_scene, outcome, table


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.en)
async def test_what_was_done_to_the_log_is_named(case: Case, tmp_path: Path) -> None:
    found = await outcome(case, tmp_path)
    if not case.what:
        assert found.problem is None
        assert found.report is not None
        return
    assert found.problem is not None
    said = (found.problem.what, found.problem.position, found.problem.until)
    if case.until is None:
        assert said[:2] == (case.what, case.position)
    else:
        assert said == (case.what, case.position, case.until)


async def test_a_fork_shows_both_checkpoints(tmp_path: Path) -> None:
    fork = next(case for case in CASES if case.what == "forked")
    found = await outcome(fork, tmp_path)
    assert found.problem is not None
    assert len(found.problem.notes) == 2
    assert len(set(found.problem.notes)) == 2


async def exported(scene: Scene, start: int = 0, stop: int = 0) -> bytes:
    return b"".join([part async for part in export_log(scene.world.gw, start, stop)])


def verified(scene: Scene, data: bytes) -> Report:
    keys = log_keys(scene.world.gw.keyring)
    return verify_export(io.BytesIO(data), keys, scene.world.clock.now() / SECOND)


def problem_of(scene: Scene, data: bytes) -> tuple[str, int | None]:
    with pytest.raises(DoesNotFit) as caught:
        verified(scene, data)
    return caught.value.problem.what, caught.value.problem.position


async def test_an_export_is_verified_without_the_gateway(tmp_path: Path) -> None:
    async with make_scene(tmp_path) as scene:
        whole, part = await exported(scene), await exported(scene, 300)
        assert (verified(scene, whole).leaves, verified(scene, whole).checkpoints) == (700, 3)
        assert (verified(scene, part).leaves, verified(scene, part).checkpoints) == (700, 3)
        assert part.splitlines()[1].startswith(b"256 ")
        assert verified(scene, part).root == verified(scene, whole).root


async def test_each_change_of_an_export_is_named(tmp_path: Path) -> None:
    async with make_scene(tmp_path) as scene:
        lines = (await exported(scene)).splitlines(keepends=True)
        changed = [*lines[:11], lines[11].replace(b"gateway", b"gatewax"), *lines[12:]]
        assert problem_of(scene, b"".join(changed)) == ("changed", 10)
        assert problem_of(scene, b"".join(lines[:11] + lines[12:])) == ("deleted", 10)
        assert problem_of(scene, b"".join(lines[:11] + lines[10:])) == ("inserted", 10)
        assert problem_of(scene, b"".join([*lines[:11], lines[12], lines[11], *lines[13:]])) == (
            "deleted",
            10,
        )
        assert problem_of(scene, b"".join(lines[:300])) == ("truncated", 299)
        assert problem_of(scene, b"something else\n") == ("unreadable", 0)
        assert problem_of(scene, b"".join([*lines[:20], b"noise\n", *lines[20:]])) == ("unreadable", 19)


async def test_an_export_is_not_believed_by_another_key(tmp_path: Path) -> None:
    async with make_scene(tmp_path) as scene:
        data = await exported(scene)
        with pytest.raises(DoesNotFit) as caught:
            verify_export(io.BytesIO(data), [], scene.world.clock.now() / SECOND)
        assert caught.value.problem.what == "unknown_key"


async def test_a_forged_beginning_of_a_partial_export_is_found(tmp_path: Path) -> None:
    async with make_scene(tmp_path) as scene:
        header, rest = (await exported(scene, 256)).split(b"\n", 1)
        left = header.split(b'"left":["')[1][:64]
        forged = header.replace(left, left[::-1])
        assert problem_of(scene, forged + b"\n" + rest) == ("rewritten", 256)


async def test_five_files_and_a_key_verify_an_export_alone(tmp_path: Path) -> None:
    """Nothing of the gateway is needed but these files, in a folder of their own."""
    root = Path(__file__).resolve().parents[2]
    room = tmp_path / "alone" / "gateway" / "exchange_log"
    room.mkdir(parents=True)
    for name in ("merkle", "checkpoint", "replay", "epochs", "verify"):
        shutil.copy(root / "gateway" / "exchange_log" / f"{name}.py", room)
    (room.parent / "__init__.py").touch()
    (room / "__init__.py").touch()
    async with make_scene(tmp_path / "home") as scene:
        (tmp_path / "log.txt").write_bytes(await exported(scene))
        (tmp_path / "keys.txt").write_text(str(log_keys(scene.world.gw.keyring)[0]))
    command = [sys.executable, "-m", "gateway.exchange_log.verify", str(tmp_path / "log.txt")]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "alone")}

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *more],
            capture_output=True,
            text=True,
            cwd=tmp_path / "alone",
            env=environment,
            check=False,
        )

    good = run("--key", str(tmp_path / "keys.txt"))
    assert (good.returncode, good.stderr) == (0, "")
    assert "700 leaves fit" in good.stdout
    data = (tmp_path / "log.txt").read_bytes()
    (tmp_path / "log.txt").write_bytes(data.replace(b'"number":5', b'"number":6', 1))
    bad = run("--key", str(tmp_path / "keys.txt"))
    assert bad.returncode == 1
    assert "The event was changed" in bad.stdout


async def test_the_table_in_the_documentation_says_what_is_said() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "log.md").read_text("utf-8")
    assert table(await all_rows()) in text
