"""The wheel, installed where nothing of the checkout is: schemas, SQL, fonts and demo data travel in it."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def install(tmp_path: Path) -> Path:
    """A new environment with the wheel; its dependencies are borrowed from ours, the checkout is not."""
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "dist", cwd=ROOT)
    [wheel] = (tmp_path / "dist").glob("*.whl")
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel, cwd=tmp_path)
    [site] = (environment / "lib").glob("python*/site-packages")
    # A folder named in a .pth file is searched, but its own .pth files (our editable checkout) are not read.
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return environment / "bin"


def test_an_installed_wheel_runs_the_demo(tmp_path: Path) -> None:
    commands = install(tmp_path)
    where = run(commands / "python", "-c", "import gateway; print(gateway.__file__)", cwd=tmp_path)
    assert str(tmp_path) in where
    printed = run(commands / "gateway", "demo", "--once", "--json", cwd=tmp_path)
    result = json.loads(printed.splitlines()[-1])
    assert (result["lost"], result["duplicated"]) == (0, 0)
    assert result["deliveries"] == result["delivered"] > 0
