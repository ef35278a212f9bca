"""The house holds: who may import whom, and which room holds which dangerous tool (docs/architecture.md)."""

from __future__ import annotations

import ast
import functools
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOP_LEVEL = {
    "gateway", "schemas", "adapters", "keys", "pyproject.toml", "tests", "docker-compose.yml", "README.md",
    "Makefile", "uv.lock", "docs", ".ci", "CHANGELOG.md", "LICENSE", ".gitignore",
}  # fmt: skip

# Arrows point down only: a room may import rooms with a higher number, itself, and what BESIDE adds.
LAYERS = {
    "__main__": 0, "cli": 0,
    "app": 1, "practice": 1,
    "web": 2, "adapters": 2,
    "delivery": 3, "compliance": 3,
    "flow": 4,
    "services": 5,
    "exchange_log": 6, "checks": 6, "signature": 6, "store": 6, "directory": 6, "edxml": 6,
    "net": 6, "mail": 6, "intake": 6, "port": 6, "addresses": 6,
    "model": 7, "config": 7, "errors": 7, "metrics": 7, "clock": 7, "resources": 7,
    "calendar_data": 7,
}  # fmt: skip
BESIDE = {
    ("__main__", "cli"),
    ("cli", "__main__"),
    ("checks", "directory"),
    ("signature", "edxml"),
    ("net", "addresses"),
    ("mail", "addresses"),
    ("exchange_log", "store"),
    ("exchange_log", "signature"),
    ("adapters", "flow"),
    ("practice", "app"),
    ("delivery", "compliance"),
    ("errors", "model"),
    ("config", "errors"),
    ("config", "model"),
    ("clock", "model"),
    ("calendar_data", "errors"),
    ("calendar_data", "model"),
    ("calendar_data", "resources"),
}
PURE = [
    "model",
    "edxml",
    "checks",
    "directory/route.py",
    "addresses.py",
    "signature/judge.py",
    "delivery/retry.py",
    "exchange_log/merkle.py",
    "exchange_log/checkpoint.py",
    "exchange_log/replay.py",
    "compliance/objectives.py",
]
NO_IO = {"socket", "asyncio", "aiohttp", "sqlite3", "aiosqlite", "psycopg", "subprocess", "os", "time"}

# Dangerous tool -> the only files that may import it (relative to the repository).
ROOMS = {
    "sqlite3": {"gateway/store/sqlite.py", "gateway/store/rows_sqlite.py", "gateway/store/migrate.py"},
    "aiosqlite": {"gateway/store/sqlite.py"},
    "psycopg": {"gateway/store/postgres.py", "gateway/store/rows_postgres.py", "gateway/store/migrate.py"},
    "psycopg_pool": {"gateway/store/postgres.py"},
    "lxml": {"gateway/edxml/", "gateway/signature/"},  # trees; parser settings stand in safe_xml.py alone
    "signxml": {"gateway/signature/"},
    "smtplib": {"gateway/mail.py"},
    "obstore": {"gateway/store/objects.py"},  # it dials past net.py: only the bucket of the settings
    "random": set(),
    "secrets": {"gateway/signature/keyring.py"},
}  # fmt: skip


def python_files() -> list[Path]:
    return sorted([*ROOT.glob("gateway/**/*.py"), *ROOT.glob("adapters/**/*.py")])


def room_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts[0] == "adapters":
        return "adapters"
    return parts[1] if parts[1] != "__init__" else "model"


@functools.cache
def imported_modules(path: Path) -> frozenset[str]:
    found = set[str]()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def rooms_imported(path: Path) -> set[str]:
    rooms = set()
    for module in imported_modules(path):
        parts = module.split(".")
        if parts[0] == "adapters":
            rooms.add("adapters")
        elif parts[0] == "gateway" and len(parts) > 1 and parts[1] in LAYERS:
            rooms.add(parts[1])
    return rooms


def violations(path: Path) -> list[str]:
    room = room_of(path)
    return [
        f"{path.relative_to(ROOT)} ({room}) imports {other}"
        for other in sorted(rooms_imported(path))
        if other != room and LAYERS[other] <= LAYERS[room] and (room, other) not in BESIDE
    ]


def test_every_room_has_a_layer() -> None:
    assert {room_of(path) for path in python_files()} <= set(LAYERS)


def test_imports_only_point_down() -> None:
    assert [text for path in python_files() for text in violations(path)] == []


def test_an_import_that_points_up_would_be_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above can fail: a file in ``flow`` that imports ``delivery`` is a violation."""
    forged = tmp_path / "gateway" / "flow" / "x.py"
    forged.parent.mkdir(parents=True)
    forged.write_text("from gateway.delivery.worker import Worker\n")
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    assert violations(forged) == ["gateway/flow/x.py (flow) imports delivery"]


def test_adapters_outbound_halves_see_only_the_port() -> None:
    allowed = {
        "port",
        "net",
        "intake",
        "edxml",
        "model",
        "config",
        "errors",
        "metrics",
        "clock",
        "resources",
        "adapters",
        "flow",
        "services",
    }
    for path in ROOT.glob("adapters/**/*.py"):
        assert rooms_imported(path) <= allowed, path


@pytest.mark.parametrize("tool", sorted(ROOMS))
def test_dangerous_tools_stay_in_their_room(tool: str) -> None:
    allowed = ROOMS[tool]
    users = {
        path.relative_to(ROOT).as_posix()
        for path in python_files()
        if any(module == tool or module.startswith(f"{tool}.") for module in imported_modules(path))
    }
    strangers = {user for user in users if not any(user == a or user.startswith(a) for a in allowed if a)}
    assert strangers - PRACTICE == set()


# The demo and the simulators play other people's software, so they hold keys and parse what they receive.
PRACTICE = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("gateway/practice/**/*.py")}


def test_private_keys_are_loaded_in_one_room() -> None:
    pattern = re.compile(r"load_pem_private_key|load_der_private_key|generate_private_key")
    users = {p.relative_to(ROOT).as_posix() for p in python_files() if pattern.search(p.read_text("utf-8"))}
    assert users - PRACTICE <= {"gateway/signature/keyring.py", "gateway/signature/key_files.py"}


def test_xml_parser_settings_stand_in_one_file() -> None:
    pattern = re.compile(r"XMLParser\(|XMLPullParser\(|iterparse\(|etree\.parse\(")
    users = {p.relative_to(ROOT).as_posix() for p in python_files() if pattern.search(p.read_text("utf-8"))}
    assert users - PRACTICE <= {"gateway/edxml/safe_xml.py"}


def test_outbound_sessions_are_opened_in_one_room() -> None:
    pattern = re.compile(r"ClientSession\(|urlopen\(|create_connection\(|open_connection\(")
    users = {p.relative_to(ROOT).as_posix() for p in python_files() if pattern.search(p.read_text("utf-8"))}
    # The command line speaks to its own server over a Unix socket; the demo plays the agencies.
    assert users - PRACTICE <= {"gateway/net.py", "gateway/web/control_call.py"}


def test_time_and_randomness_come_from_the_clock() -> None:
    pattern = re.compile(r"time\.time\(|datetime\.now\(|date\.today\(|utcnow\(|os\.urandom\(|uuid4\(|uuid1\(")
    users = {p.relative_to(ROOT).as_posix() for p in python_files() if pattern.search(p.read_text("utf-8"))}
    allowed = {"gateway/clock.py", "gateway/signature/keyring.py"}
    allowed |= {"gateway/exchange_log/verify.py"}  # its command runs without the gateway, and so its clock
    assert users - PRACTICE - allowed == set()


def test_pure_rooms_do_no_input_or_output() -> None:
    for pure in PURE:
        paths = [ROOT / "gateway" / pure] if pure.endswith(".py") else ROOT.glob(f"gateway/{pure}/**/*.py")
        for path in paths:
            used = {module.split(".")[0] for module in imported_modules(path)}
            assert used & NO_IO == set(), path


def test_no_private_key_is_in_the_tree() -> None:
    marker = "PRIVATE" + " KEY-----"
    files = [
        p for d in ("gateway", "adapters", "keys", "schemas", "tests", "docs") for p in (ROOT / d).rglob("*")
    ]
    guilty = [p for p in files if p.is_file() and p.suffix != ".pyc" and marker.encode() in p.read_bytes()]
    assert guilty == []


def test_the_top_level_holds_only_what_the_house_names() -> None:
    if not (ROOT / ".git").exists():
        pytest.fail("run the tests in a checkout")
    import subprocess

    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {line.split("/")[0] for line in tracked.splitlines()} <= TOP_LEVEL


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        p.relative_to(ROOT) for p in python_files() if not ast.get_docstring(ast.parse(p.read_text("utf-8")))
    ]
    assert silent == []
