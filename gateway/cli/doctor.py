"""``gateway doctor``: is this machine fit, and is this installation in order?

In charge of: looking, without changing anything and beside a running server. Each line is a finding with what
to do; the exit code is 1 when something needs doing. Not in charge of: repairing.
"""

from __future__ import annotations

import enum
import fcntl
import platform
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from gateway import config
from gateway.cli import doctor_nodes, doctor_partners, doctor_payloads, doctor_second, output
from gateway.cli.frame import Frame, common_options
from gateway.cli.reach import wait
from gateway.clock import SECOND, SystemClock, from_datetime, kernel_discipline, local_day, to_rfc3339
from gateway.errors import GatewayError
from gateway.flow.certificates import DAY, IN_USE, days_left
from gateway.flow.trust import crl_concern, source_concerns
from gateway.model.certificate import UsedCertificate
from gateway.model.text import Bilingual, Instant
from gateway.signature.trust import TrustStore
from gateway.store import certificates, conservation, log, open_store
from gateway.store.revocation import Source, all_sources

WARN_DAYS = 14
LATE = 3600 * SECOND  # a timestamp service may be away for an hour before it is worth a line
FREE_BYTES = 2 * 1024**3  # below this a busy day may fill the disk
WAL_FIXED = (
    3,
    51,
    3,
)  # SQLite before it can corrupt a WAL database that two processes checkpoint at one time


class Weight(enum.Enum):
    """How a line of the report weighs."""

    GOOD = "good"
    NOTE = "note"  # worth knowing
    BAD = "bad"  # needs doing


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at."""

    weight: Weight
    topic: str
    text: Bilingual

    def as_json(self) -> dict[str, str]:
        """The shape of a line in ``--json``."""
        return {"weight": self.weight.value, "topic": self.topic, **self.text.as_json()}


@click.command()
@common_options
@click.pass_obj
def doctor(frame: Frame) -> int:
    """Kiểm tra máy và bản cài đặt. Look at the machine and the installation; changes nothing."""
    lines = list(examine(frame.home))
    bad = any(line.weight is Weight.BAD for line in lines)
    answer = {"ok": not bad, "lines": [line.as_json() for line in lines]}
    output.show(frame, answer, lambda console: _print_lines(console, lines))
    return 1 if bad else 0


def examine(home: Path) -> Iterator[Line]:
    """Everything that is looked at, in order. Stops early where nothing further can be seen."""
    yield _python()
    yield _clock()
    if not (home / config.KEYS).exists():
        vi = f"{home} chưa phải là một bản cài đặt. Hãy chạy: gateway init --home {home}"
        yield _bad("home", vi, f"{home} is no installation yet. Run: gateway init --home {home}")
        return
    yield _disk(home)
    yield from _permissions(home)
    try:
        loaded = config.load(home)
    except GatewayError as error:
        yield Line(Weight.BAD, "config", error.text)
        return
    yield from _exposure(loaded)
    yield from _trust(home, loaded)
    yield from _store(home, loaded)
    yield from _payloads(home, loaded)
    if loaded.trust.timestamp_url:
        yield from _timestamps(home, loaded)
    yield from _nodes(home, loaded)
    for good, topic, text in doctor_second.look(home, loaded, FREE_BYTES):
        yield Line(Weight.GOOD if good else Weight.BAD, topic, text)
    try:
        found = wait(doctor_partners.concerns(home, loaded))
    except GatewayError:
        return  # said of the store already
    for concern in found:
        yield Line(Weight.NOTE, "partners", concern)


def _python() -> Line:
    return _good(
        "python",
        f"Python {platform.python_version()}",
        f"Python {platform.python_version()}, {sys.executable}",
    )


def _clock() -> Line:
    """A clock that is wrong makes every record wrong: gross errors, and whether somebody keeps it right."""
    now = SystemClock().now()
    text, kept = to_rfc3339(now), kernel_discipline()
    if local_day(now).year < 2024:
        return _bad("clock", f"Đồng hồ máy sai: {text}. Hãy bật đồng bộ NTP.", f"The clock is wrong: {text}.")
    if not kept.synchronised:
        return _note(
            "clock",
            f"Giờ máy: {text}; máy chưa đồng bộ giờ. Hãy bật chrony hoặc systemd-timesyncd.",
            f"Machine time {text}; the kernel says that nobody keeps it right. Turn NTP on.",
        )
    off = f"{(kept.offset or 0) / 1000:.1f} ms"
    return _good(
        "clock", f"Giờ máy: {text}, đã đồng bộ, lệch {off}", f"Machine time {text}, kept right, {off} off."
    )


def _disk(home: Path) -> Line:
    free = shutil.disk_usage(home).free
    text = f"{free / 1024**3:.1f} GB"
    if free < FREE_BYTES:
        return _bad(
            "disk", f"Ổ đĩa chỉ còn {text}; hãy giải phóng hoặc mở rộng.", f"Only {text} free on the disk."
        )
    return _good("disk", f"Ổ đĩa còn {text}", f"{text} free on the disk.")


def _permissions(home: Path) -> Iterator[Line]:
    """Nobody but the owner may look into the home folder, its keys and payloads."""
    loose = [
        str(path)
        for path in (home, home / config.KEYS, home / config.PAYLOADS)
        if path.exists() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    ]
    if loose:
        listed = ", ".join(loose)
        yield _bad(
            "permissions",
            f"Tài khoản khác đọc được: {listed}. Hãy chạy: chmod 700 {listed}",
            f"Others can read {listed}. Run chmod 700 on it.",
        )
    else:
        yield _good(
            "permissions", "Chỉ chủ sở hữu đọc được thư mục cài đặt", "Only the owner reads the home folder."
        )


def _exposure(loaded: config.Config) -> Iterator[Line]:
    local_only = loaded.server.host in ("127.0.0.1", "::1", "localhost")
    if not local_only and not loaded.server.tls_certificate:
        yield _note(
            "network",
            f"Trục nghe trên {loaded.server.host} không có TLS; khóa API đi qua mạng ở dạng rõ. Hãy đặt "
            "server.tls_certificate hoặc đặt sau một proxy TLS.",
            f"Listening on {loaded.server.host} without TLS: API keys travel in the clear.",
        )


def _trust(home: Path, loaded: config.Config) -> Iterator[Line]:
    try:
        trust = TrustStore.load(home / loaded.trust.folder)
    except GatewayError as error:
        yield Line(Weight.BAD, "trust", error.text)
        return
    if not trust.anchors:
        vi = "Chưa tin cậy CA nào nên mọi chữ ký số sẽ là “chưa đủ căn cứ kết luận”. Xem keys/README.md."
        yield _note(
            "trust", vi, "No trust anchor: every signature will be indeterminate. See keys/README.md."
        )
    else:
        count = len(trust.anchors)
        yield _good("trust", f"{count} CA gốc được tin cậy", f"{count} trust anchors.")
    now = SystemClock().now()
    for anchor in trust.anchors:
        if from_datetime(anchor.certificate.not_valid_after_utc) < now:
            yield _note(
                "trust", f"CA gốc đã hết hạn: {anchor.file}", f"The anchor {anchor.file} has expired."
            )
    for problem in trust.problems:
        yield Line(Weight.BAD, "trust", problem)
    for concern in (crl_concern(crl, now) for crl in trust.crls):
        if concern is not None:
            yield Line(Weight.NOTE, "revocation", concern)


def _payloads(home: Path, loaded: config.Config) -> Iterator[Line]:
    good, concerns = doctor_payloads.look(home, loaded)
    if good is not None:
        yield Line(Weight.GOOD, "payloads", good)
    for concern in concerns:
        yield Line(Weight.BAD, "payloads", concern)


def _store(home: Path, loaded: config.Config) -> Iterator[Line]:
    scheme, _, rest = loaded.database.url.partition(":///")
    if scheme == "sqlite":
        yield _lock(home / rest)
    try:
        facts, ending, sources = wait(_describe(home, loaded))
    except GatewayError as error:
        yield Line(Weight.BAD, "store", error.text)
        return
    shown = ", ".join(f"{name} {facts[name]}" for name in _STORE_FACTS if name in facts)
    yield _good("store", f"Cơ sở dữ liệu: {shown}", f"Store: {shown}.")
    if "sqlite" in facts:
        yield from _sqlite_caveat(str(facts["sqlite"]))
    yield from _certificates(ending)
    yield from _conservation(home, loaded)
    for concern in source_concerns(sources, SystemClock().now()):
        yield Line(Weight.NOTE, "revocation", concern)


def _certificates(ending: list[UsedCertificate]) -> Iterator[Line]:
    """Certificates in use that end within days: an agency's documents would become invalid overnight."""
    now = SystemClock().now()
    for one in ending:
        left = days_left(one, now)
        vi = (
            f"Chứng thư số sắp hết hạn, còn {left} ngày: {one.subject}. Xem: gateway certificates --within 14"
        )
        en = f"A certificate ends in {left} days: {one.subject}. See: gateway certificates --within 14"
        yield _note("certificates", vi, en)


def _conservation(home: Path, loaded: config.Config) -> Iterator[Line]:
    """Deliveries whose events and rows differ: somebody changed one without the other."""
    differences = wait(_differences(home, loaded))
    if not differences:
        yield _good("conservation", "Số lượt gửi khớp với các sự kiện", "Deliveries agree with the events.")
        return
    yield _bad(
        "conservation",
        f"{differences} lượt gửi có sự kiện và dữ liệu không khớp. Hãy chạy: gateway conservation",
        f"The events and rows of {differences} deliveries differ. Run: gateway conservation",
    )


async def _differences(home: Path, loaded: config.Config) -> int:
    store = await open_store(loaded.database.url, home, clock=SystemClock(), purpose="doctor", read_only=True)
    try:
        return await store.read(conservation.count_differences)
    finally:
        await store.close()


def _sqlite_caveat(version: str) -> Iterator[Line]:
    if tuple(int(part) for part in version.split(".")) < WAL_FIXED:
        fixed = ".".join(map(str, WAL_FIXED))
        yield _note(
            "sqlite",
            f"SQLite {version} cũ hơn {fixed}: chỉ một tiến trình được ghi. Trục đã bảo đảm bằng tệp khóa; "
            "không mở cơ sở dữ liệu bằng công cụ khác khi trục đang chạy.",
            f"SQLite {version} is older than {fixed}, so one process writes (the lock file sees to it). "
            "Do not open the database with other tools while the gateway runs.",
        )


def _nodes(home: Path, loaded: config.Config) -> Iterator[Line]:
    try:
        seen = wait(doctor_nodes.look(home, loaded))
    except GatewayError:
        return  # said of the store already
    if seen is None:
        return
    text, found = seen
    yield Line(Weight.GOOD, "nodes", text)
    for concern in found:
        words = Bilingual(f"{concern.text.vi} {concern.step.vi}.", f"{concern.text.en} {concern.step.en}.")
        yield Line(Weight.BAD if concern.urgent else Weight.NOTE, "nodes", words)


def _lock(database: Path) -> Line:
    holder = lock_holder(database.with_name(database.name + ".lock"))
    if holder:
        return _good("lock", f"Đang được ghi bởi: {holder}", f"Locked by {holder}.")
    return _good("lock", "Không có tiến trình nào đang ghi", "Nobody holds the lock: no server runs.")


def lock_holder(file: Path) -> str:
    """Who holds the writer's lock, or ``""``. A file left by a process that died does not count."""
    if not file.exists():
        return ""
    with file.open("rb") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return opened.read(300).decode("utf-8", "replace").strip() or "pid ?"
    return ""


def _timestamps(home: Path, loaded: config.Config) -> Iterator[Line]:
    """Since when the timestamp service has owed us a token for the exchange log."""
    try:
        waiting = wait(_unstamped(home, loaded))
    except GatewayError:
        return  # said of the store already
    url = loaded.trust.timestamp_url
    late = waiting is not None and SystemClock().now() - waiting.signed_at > LATE
    if waiting is None or not late:
        yield _good("timestamps", f"Dấu thời gian: {url}", f"Timestamps come from {url}.")
        return
    since = to_rfc3339(waiting.signed_at)
    yield _note(
        "timestamps",
        f"Mốc chốt nhật ký từ {since} chưa có dấu thời gian của {url}. Văn bản vẫn được chuyển bình thường; "
        "hãy kiểm tra địa chỉ và kết nối mạng.",
        f"{url} has given no timestamp for checkpoints since {since}. Documents travel as always; check the "
        "address and the network.",
    )


async def _unstamped(home: Path, loaded: config.Config) -> log.SignedHead | None:
    """The first published head over leaves that no timestamp covers."""
    store = await open_store(loaded.database.url, home, clock=SystemClock(), purpose="doctor", read_only=True)
    try:
        stamped = await store.read(log.stamped)
        return await store.read(lambda tx: log.over(tx, stamped.size if stamped else 0))
    finally:
        await store.close()


_STORE_FACTS = ("engine", "sqlite", "postgres", "schema", "journal_mode", "bytes", "wal_bytes")


async def _describe(
    home: Path, loaded: config.Config
) -> tuple[dict[str, str | int], list[UsedCertificate], tuple[Source, ...]]:
    """What the store says of itself, certificates in use that end within 14 days, revocation sources."""
    clock = SystemClock()
    now, until = clock.now(), Instant(clock.now() + WARN_DAYS * DAY)
    store = await open_store(loaded.database.url, home, clock=clock, purpose="doctor", read_only=True)
    try:
        ending = await store.read(lambda tx: certificates.ending(tx, now, until, Instant(now - IN_USE)))
        return await store.describe(), ending, await store.read(all_sources)
    finally:
        await store.close()


def _good(topic: str, vi: str, en: str) -> Line:
    return Line(Weight.GOOD, topic, Bilingual(vi, en))


def _note(topic: str, vi: str, en: str) -> Line:
    return Line(Weight.NOTE, topic, Bilingual(vi, en))


def _bad(topic: str, vi: str, en: str) -> Line:
    return Line(Weight.BAD, topic, Bilingual(vi, en))


def _print_lines(console: Console, lines: list[Line]) -> None:
    marks = {Weight.GOOD: "[green]✓[/]", Weight.NOTE: "[yellow]![/]", Weight.BAD: "[bold red]✗[/]"}
    for line in lines:
        console.print(f"{marks[line.weight]} {escape(line.text.vi)}")
        if line.text.en != line.text.vi:
            console.print(f"  [dim]{escape(line.text.en)}[/]")
