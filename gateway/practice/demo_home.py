"""The folder of the demo: an installation, a PKI, and a drawer for each agency.

In charge of: making ``var/demo`` anew, and opening the accounts of its agencies through the same operations
that an administrator uses. A folder without the demo's marker is never touched. Not in charge of: what
happens then (``demo``).

    gateway.toml  keys/  trust/  gateway.db …   the installation
    pki/                                        keys of the demo CA and of the signers
    signers.csv                                 the register: who signs with which certificate
    agencies/CODE/                              api-key, sent/ and received/ of each agency
    try/                                        files for whoever looks at the demo
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from gateway import app
from gateway.clock import Clock
from gateway.errors import NotReady
from gateway.flow.operate import run
from gateway.model.agency import Signer
from gateway.model.text import AgencyCode, Bilingual
from gateway.practice import province
from gateway.practice.pki import DemoPki, Identity
from gateway.practice.scenario import HABITS, YOURS, Door, Habit, Signatory
from gateway.services import Services

MARKER = ".gateway-demo"
NAME = "truc-lang-son-demo"
FIRST_PORT, PORTS = 8080, 20
THREADS = 2  # makes keys and papers while the gateway starts

YOUR_HABIT = Habit(YOURS, "Bắc Sơn", Signatory("Người xem thử", "Chánh Văn phòng", "TL. CHỦ TỊCH"))


@dataclass(frozen=True, slots=True)
class Signers:
    """The two that sign the papers of one office."""

    person: Identity
    agency: Identity


@dataclass(frozen=True, slots=True)
class Folder:
    """Where things lie below ``home``."""

    home: Path

    def drawer(self, code: str) -> Path:
        """What belongs to one agency's software."""
        return self.home / "agencies" / code

    def key_file(self, code: str) -> Path:
        """The API key of one agency's software, or its secret when it speaks the SDK's calls."""
        return self.drawer(code) / "api-key"

    @property
    def signers_csv(self) -> Path:
        """The signer register, as it was imported."""
        return self.home / "signers.csv"

    @property
    def try_folder(self) -> Path:
        """Files to play with."""
        return self.home / "try"


def make_folder(home: Path, port: int, clock: Clock) -> Folder:
    """An empty demo at ``home``. ``NotReady`` when something else lies there."""
    if home.exists() and any(home.iterdir()):
        if not (home / MARKER).is_file():
            raise NotReady(_not_a_demo(home), code="demo.folder")
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    (home / MARKER).write_text("This folder is made anew by `gateway demo`.\n", encoding="utf-8")
    (home / "gateway.toml").write_text(_settings(port), encoding="utf-8")
    app.init_home(home, NAME, clock)
    folder = Folder(home)
    folder.try_folder.mkdir()
    return folder


def make_signers(folder: Folder) -> dict[AgencyCode, Signers]:
    """A demo CA, two certificates for each office that writes, the trust folder and the register."""
    pki = DemoPki.create(folder.home / "pki")
    shutil.copytree(pki.trust_folder, folder.home / "trust", dirs_exist_ok=True)
    writing = [habit for habit in (*HABITS, YOUR_HABIT) if habit.signatory]
    with ThreadPoolExecutor(THREADS) as threads:
        made = dict(threads.map(lambda habit: (habit.code, _signers_of(pki, habit)), writing))
    rows = [row for habit in writing for row in _rows(habit, made[habit.code])]
    folder.signers_csv.write_text(_csv(rows), encoding="utf-8")
    return made


async def open_accounts(gw: Services, folder: Folder) -> None:
    """Import directory, signers and who may sign; each agency's software gets an account with an API key."""
    await run(gw, "directory.import", {"text": province.agencies_csv(), "format": "csv", "apply": True})
    await run(gw, "signers.import", {"text": folder.signers_csv.read_text(encoding="utf-8")})
    await run(gw, "authority.import", {"text": _authority_csv()})
    for habit in (*HABITS, YOUR_HABIT):
        if habit.door is not Door.AXIS:
            _write_key(folder.key_file(habit.code), await _account(gw, habit))
        if habit.reads:
            await run(gw, "agency.connect", {"agency": habit.code, "dialect": habit.reads})


async def _account(gw: Services, habit: Habit) -> str:
    """The key or secret. The system id of an SDK is the agency's code."""
    asked = {"name": f"Phần mềm quản lý văn bản ({habit.code})", "agencies": [habit.code]}
    if habit.door is Door.SDK:
        answer = await run(gw, "partner.add_system", {"dialect": "vxp", "system_id": habit.code, **asked})
        return str(answer["secret"])
    return str((await run(gw, "agency.add_system", asked))["api_key"])


async def connect_push(gw: Services, code: AgencyCode, url: str, secret: str) -> None:
    """Let the gateway push to ``url`` what ``code`` receives."""
    settings = {"agency": code, "adapter": "webhook", "settings": {"url": url}, "secret": secret}
    await run(gw, "agency.connect", settings)


async def connect_axis(gw: Services, code: AgencyCode, url: str, system_id: str, secret: str) -> None:
    """Let the gateway exchange with the national axis at ``url``: it is the way to everybody outside."""
    settings = {"url": url, "system_id": system_id, "serves": "others", "ours": system_id, "codes": "qcvn102"}
    await run(
        gw, "agency.connect", {"agency": code, "adapter": "axis", "settings": settings, "secret": secret}
    )


def free_port(wanted: int | None) -> int:
    """``wanted``, or the first free one from 8080 on. ``NotReady`` when there is none."""
    candidates = range(FIRST_PORT, FIRST_PORT + PORTS) if wanted is None else (wanted,)
    for port in candidates:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise NotReady(_no_port(candidates), code="demo.port")


def _signers_of(pki: DemoPki, habit: Habit) -> Signers:
    assert habit.signatory is not None
    name = province.directory().name(habit.code, province.as_of())
    return Signers(
        pki.issue_person(habit.code, name, habit.signatory.name), pki.issue_agency(habit.code, name)
    )


def _rows(habit: Habit, signers: Signers) -> tuple[Signer, Signer]:
    assert habit.signatory is not None
    title = habit.signatory.position
    return signers.person.signer(habit.code, title), signers.agency.signer(habit.code)


def _csv(rows: Iterable[Signer]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("certificate_sha256", "agency", "title", "role", "valid_from", "valid_to"))
    for row in rows:
        period = row.period
        writer.writerow((row.certificate_sha256, row.agency, row.title, row.role, period.start, period.end))
    return text.getvalue()


def _authority_csv() -> str:
    """Who signs for each office, and with which prefix: the writer of the scenario."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ("agency", "certificate_sha256", "title", "prefixes", "types", "valid_from", "valid_to", "source")
    )
    for habit in (*HABITS, YOUR_HABIT):
        if habit.signatory:
            prefix = habit.signatory.competence.partition(" ")[0]
            title = habit.signatory.position
            writer.writerow((habit.code, "", title, prefix, "", "", "", "Quy chế làm việc (dữ liệu mẫu)"))
    return text.getvalue()


def _settings(port: int) -> str:
    """The demo's receivers listen on loopback, which a real installation never calls."""
    return (
        f'[gateway]\nname = "{NAME}"\n\n[server]\nport = {port}\n\n'
        '[net]\nallow_private = "127.0.0.0/8"\n\n[log]\nlevel = "warning"\n'
    )


def _write_key(path: Path, key: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key + "\n")


def _not_a_demo(home: Path) -> Bilingual:
    return Bilingual(
        f"Thư mục {home} không phải do lệnh demo tạo ra nên không bị xóa. Hãy chọn thư mục khác bằng --home.",
        f"{home} was not made by the demo, so it is not deleted. Choose another folder with --home.",
    )


def _no_port(candidates: Iterable[int]) -> Bilingual:
    tried = list(candidates)
    span = str(tried[0]) if len(tried) == 1 else f"{tried[0]}–{tried[-1]}"
    return Bilingual(
        f"Cổng {span} đang bận. Hãy chọn cổng khác bằng --port.",
        f"Port {span} is taken. Choose another one with --port.",
    )
