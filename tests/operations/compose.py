"""The services of ``docker-compose.yml`` as plain processes: same commands, settings, volumes and secrets.

A volume is a folder of the test; one that is mounted into another is a symbolic link. A secret is a file
with the name that the compose file gives it. Names of services become ports of this machine.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
COMPOSE = REPOSITORY / "docker-compose.yml"
OPERATIONS = REPOSITORY / "docs" / "operations"
GATEWAYS = ("gateway-1", "gateway-2")
ACCESS, SECRET = "access-of-the-test", "secret-of-the-test"
_DEFAULT = re.compile(r"\$\{\w+:-([^}]*)\}")


def parsed() -> dict[str, Any]:
    """The compose file, anchors and merges resolved."""
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text("utf-8"))
    return found


def first_run() -> list[str]:
    """The shell commands of the file's head, each on one line."""
    head = COMPOSE.read_text("utf-8").split("x-hardened:")[0]
    lines = "\n".join(line.removeprefix("#") for line in head.splitlines()).replace("\\\n", "")
    return [line.strip() for line in lines.splitlines() if line.startswith("   docker compose")]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@dataclass(frozen=True, slots=True)
class Answer:
    """``headers`` have names in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Site:
    """A folder with volumes and secrets, and the processes that run in it."""

    folder: Path
    services: dict[str, Any]
    ports: dict[str, int] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None

    def secret(self, name: str) -> Path:
        return self.folder / "var" / "secrets" / name

    def volume(self, name: str) -> Path:
        return self.folder / "volumes" / name

    def make_volumes(self, service: str) -> None:
        """Folders as the image leaves them in new volumes."""
        mounts = [mount.split(":")[:2] for mount in self.services[service]["volumes"]]
        root = next(self.volume(name) for name, target in mounts if target == self._home_inside(service))
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, target in mounts:
            inside = Path(target).relative_to(self._home_inside(service))
            self.volume(name).mkdir(mode=0o700, parents=True, exist_ok=True)
            if inside != Path():
                (root / inside).symlink_to(self.volume(name), target_is_directory=True)

    def environment(self, service: str) -> dict[str, str]:
        """As the compose file says, with folders, files and addresses of this machine."""
        given = {
            name: _DEFAULT.sub(r"\1", value) for name, value in self.services[service]["environment"].items()
        }
        home = self._home_inside(service)
        mounts = dict(mount.split(":")[1::-1] for mount in self.services[service]["volumes"])
        changed = {
            "GATEWAY_HOME": str(self.volume(mounts[home])),
            "GATEWAY_SERVER_HOST": "127.0.0.1",
            "GATEWAY_SERVER_PORT": str(self.ports[service]),
            "GATEWAY_SERVER_PROXIES": "127.0.0.0/8",
            "GATEWAY_PAYLOADS_ENDPOINT": f"http://127.0.0.1:{self.ports['objects']}",
        }
        for name, value in given.items():
            if value.startswith("/run/secrets/"):
                changed[name] = str(self.secret(value.removeprefix("/run/secrets/")))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
        return kept | given | changed | {"PYTHONPATH": str(REPOSITORY)}

    def _home_inside(self, service: str) -> str:
        return str(self.services[service]["environment"]["GATEWAY_HOME"])

    def shell(self, line: str) -> str:
        """Run a line of the file's head as a process of this machine."""
        own = re.sub(r"docker compose run --rm (?:-T )?(\S+)", f'"{sys.executable}" -m gateway', line)
        service = re.findall(r"docker compose run --rm (?:-T )?(\S+)", line)[0]
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", own],
            cwd=self.folder,
            env=self.environment(service),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, service: str) -> None:
        """Start a gateway host; wait until it is ready."""
        command = [sys.executable, "-m", "gateway", *self.services[service]["command"]]
        self.running[service] = subprocess.Popen(
            command, env=self.environment(service), cwd=self.folder, stdout=subprocess.DEVNULL
        )
        self.until(lambda: self.ask(service, "/readyz").status == 200)

    def start_proxy(self) -> None:
        """HAProxy with the shipped file, on ports of this machine."""
        text = (OPERATIONS / "haproxy.cfg").read_text("utf-8")
        for service in GATEWAYS:
            text = text.replace(f"{service}:8080", f"127.0.0.1:{self.ports[service]}")
        text = text.replace("bind :8443", f"bind 127.0.0.1:{self.ports['proxy']}")
        text = text.replace("127.0.0.1:8404", f"127.0.0.1:{self.ports['health']}")
        text = text.replace("/run/secrets/proxy_tls", str(self.secret("proxy_tls")))
        text = text.replace("timeout http-request 20s", "timeout http-request 2s")
        (self.folder / "haproxy.cfg").write_text(text, encoding="utf-8")
        program = shutil.which("haproxy") or "/usr/sbin/haproxy"
        command = [program, "-db", "-f", str(self.folder / "haproxy.cfg")]
        self.running["proxy"] = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self.until(lambda: self.ask("health", "/").status == 200)

    def stop(self, service: str) -> int:
        """Tell it to stop; its exit code."""
        process = self.running.pop(service)
        process.send_signal(signal.SIGTERM)
        return process.wait(90)

    def ask(
        self, service: str, path: str, key: str = "", data: bytes | None = None, method: str | None = None
    ) -> Answer:
        """One request to a host, or through the proxy. 0: nobody answers."""
        scheme = "https" if service == "proxy" else "http"
        headers = {"Content-Type": "application/xml"} | ({"Authorization": f"Bearer {key}"} if key else {})
        request = urllib.request.Request(
            f"{scheme}://localhost:{self.ports[service]}{path}", data, headers, method=method
        )
        context = self.tls if service == "proxy" else None
        try:
            with urllib.request.urlopen(request, timeout=30, context=context) as response:
                return Answer(response.status, response.read(), _lower(response.headers))
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read(), _lower(error.headers))
        except OSError:
            return Answer(0, b"", {})

    @staticmethod
    def until(holds: Any, seconds: float = 60) -> None:
        """Wait; ``TimeoutError`` when it never holds."""
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                raise TimeoutError
            time.sleep(0.1)


@contextlib.contextmanager
def site(folder: Path, database_url: str) -> Iterator[Site]:
    """Volumes and secrets made, nothing started; whatever was started is ended."""
    made = Site(folder, parsed()["services"])
    made.ports = {name: free_port() for name in (*GATEWAYS, "proxy", "health", "objects")}
    made.secret("x").parent.mkdir(mode=0o700, parents=True)
    made.secret("database_url").write_text(database_url)
    made.secret("objects_access_key").write_text(f"{ACCESS}\n")
    made.secret("objects_secret_key").write_text(f"{SECRET}\n")
    for service in GATEWAYS:
        made.make_volumes(service)
    try:
        yield made
    finally:
        for process in made.running.values():
            process.terminate()
        for process in made.running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(90)
            process.kill()
            process.wait()
