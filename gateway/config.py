"""Every setting once: name, type, default, one sentence.

In charge of: reading ``gateway.toml`` of the home folder, then the environment (``GATEWAY_SERVER_PORT``),
then secrets from files (``GATEWAY_DATABASE_URL_FILE``), each overriding the one before; and describing all
settings for ``gateway config describe``. Not in charge of: acting on them.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.errors import NotReady
from gateway.model.text import Bilingual

FILE = "gateway.toml"
KEYS, PAYLOADS, CHECKPOINTS = "keys", "payloads", "log"  # folders of an installation: it is one with keys
BACKUP_MARK = "last-backup"  # file of the home; its age is that of the last whole backup
PREFIX = "GATEWAY_"
_PASSWORD = re.compile(r"://[^:/]*:.*@|password\s*=")  # in an address: rather too often than too seldom
_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class GatewaySection(_Section):
    name: str = Field("truc-lien-thong", description="Name of this gateway, as it stands in receipts.")
    code: str = Field("", description="Agency code under which the gateway itself writes notices to senders.")
    synthetic: bool = Field(
        False, description="All of it is made up: pages and reports say DỮ LIỆU MÔ PHỎNG / SYNTHETIC."
    )


class ServerSection(_Section):
    host: str = Field(
        "127.0.0.1", description="Address to listen on; put a TLS proxy in front, or set tls_*."
    )
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on; 0 takes any free one.")
    workers: int = Field(
        0,
        ge=0,
        le=64,
        description="On PostgreSQL so many whole nodes in processes of their own on this machine; on SQLite "
        "one node with so many processes that read PDFs; 0: one node, two such processes.",
    )
    drain_seconds: float = Field(
        5,
        ge=0,
        description="Seconds for which a node that is told to stop still serves open connections while "
        "/readyz fails, so that proxies and callers go elsewhere; none is open: it does not wait.",
    )
    notice_seconds: float = Field(
        0,
        ge=0,
        description="Seconds before that for which new connections are still taken while /readyz fails: as "
        "long as a proxy in front needs to notice; 0: there is none that asks.",
    )
    tls_certificate: str = Field(
        "", description="PEM file with the server's certificate chain; empty: no TLS."
    )
    tls_key: str = Field("", description="PEM file with the server's private key.")
    proxies: str = Field(
        "127.0.0.0/8, ::1/128",
        description="Networks of our own reverse proxies, comma-separated: only they may say where a request "
        "comes from (X-Forwarded-For) and that it came over TLS (X-Forwarded-Proto).",
    )
    client_ca: str = Field(
        "", description="PEM file with the CAs of client certificates; empty: only API keys prove a caller."
    )


class DatabaseSection(_Section):
    url: str = Field(
        "sqlite:///gateway.db",
        description="sqlite:///FILE (relative to the home folder) or postgresql://USER:PASSWORD@HOST/NAME.",
    )

    listen_url: str = Field(
        "",
        description="Address for LISTEN when `url` leads through a pooler in transaction mode, which passes "
        "no notices on; '' = the same as `url`.",
    )
    keep_months: int = Field(
        24,
        ge=2,
        description="Months before the present one that always stay in a PostgreSQL database; older ones may "
        "be taken out by `gateway archive detach`.",
    )

    @property
    def is_shared(self) -> bool:
        """True when several nodes may work on it (contracts: one writer)."""
        return not self.url.startswith("sqlite:")


class LimitsSection(_Section):
    upload_bytes: int = Field(146_800_640, gt=0, description="Largest envelope taken, in bytes.")
    attachment_bytes: int = Field(52_428_800, gt=0, description="Largest decoded attachment, in bytes.")
    bytes_in_flight: int = Field(
        268_435_456,
        gt=0,
        description="Bytes of uploads a node holds at one time, the first 64 KiB of each not counted; above "
        "it callers get 503, and one caller that holds more than half gets 429.",
    )
    requests_per_second: int = Field(
        1000,
        gt=0,
        description="Requests per second and caller, averaged, on all nodes together; above it the caller "
        "gets 429.",
    )


class TrustSection(_Section):
    folder: str = Field(
        "trust", description="Folder with anchors, intermediates and CRLs (see keys/README.md)."
    )
    timestamp_url: str = Field(
        "",
        description="Address of an RFC 3161 timestamp service that stamps checkpoints of the exchange log, "
        "and so all receipts below them; empty: none is asked.",
    )
    timestamp_seconds: int = Field(
        60, gt=0, description="Time between two timestamps; longer while the service does not answer."
    )
    fetch: bool = Field(
        True,
        description="Fetch CRLs and OCSP answers from the addresses that certificates name; false on a site "
        "without a way out, which puts CRLs into the folder.",
    )


class DeliverySection(_Section):
    concurrency: int = Field(32, gt=0, description="Attempts that may run at one time.")
    per_destination: int = Field(4, gt=0, description="Attempts that may run towards one destination.")
    lease_seconds: int = Field(
        90, gt=0, description="Time after which an attempt that never came back is lost."
    )
    timeout_seconds: int = Field(30, gt=0, description="Time that a partner has to answer one attempt.")


class RecallSection(_Section):
    remind_hours: int = Field(
        24, gt=0, description="Hours after which a recipient that has not answered a recall is reminded."
    )
    reminders: int = Field(3, ge=0, description="Reminders to one recipient; after them a person calls.")
    backup_days: int = Field(
        30, ge=0, description="Days that backups are kept: until then they hold what was destroyed here."
    )


class NetSection(_Section):
    allow_private: str = Field(
        "",
        description="Networks in private address space that may be called, comma-separated, "
        "e.g. 10.64.0.0/16; empty: none.",
    )
    folders: str = Field(
        "",
        description="Folder below which the drop folders of agencies lie (connections of kind folder), as an "
        "absolute path; empty: none.",
    )
    tls_certificate: str = Field(
        "", description="PEM file with the client certificate that proves this gateway to other gateways."
    )
    tls_key: str = Field("", description="PEM file with its private key; empty: in the same file.")
    tls_ca: str = Field(
        "", description="PEM file with CAs that other gateways' servers have, beside those of this machine."
    )


class ExchangeLogSection(_Section):
    checkpoint_seconds: int = Field(
        60, gt=0, description="Time between two checkpoints of the exchange log, if anything new is in it."
    )
    witnesses: str = Field(
        "",
        description="Public keys of witnesses whose cosignatures are taken (name+hash+base64), "
        "comma-separated; empty: none.",
    )


class DurabilitySection(_Section):
    second_copy: str = Field(
        "",
        description="Folder on another disk or a mounted share, as an absolute path: nothing is acknowledged "
        "before what its receipt promises is on disk there too; empty: one disk.",
    )


class PayloadsSection(_Section):
    url: str = Field(
        "", description="Bucket that keeps payloads, as s3://bucket/prefix; empty: files in the home folder."
    )
    new: Literal["bucket", "files"] = Field(
        "bucket",
        description="Where new payloads go if there is a bucket; files: while they are moved back from it.",
    )
    endpoint: str = Field("", description="Address of the S3-compatible store; empty: AWS.")
    region: str = Field("us-east-1", description="Its region, as signatures of calls name it.")
    access_key: str = Field("", description="Key id; better in GATEWAY_PAYLOADS_ACCESS_KEY_FILE.")
    secret_key: str = Field("", description="Its secret; better in GATEWAY_PAYLOADS_SECRET_KEY_FILE.")
    path_style: bool = Field(True, description="Name the bucket in the path; false: in the host name.")
    allow_http: bool = Field(
        False,
        description="Call the store without TLS: payloads are encrypted before that, names are not.",
    )
    cache_bytes: int = Field(
        1_073_741_824,
        ge=0,
        description="Bytes of payloads of the bucket that each process keeps in the home folder for reading.",
    )
    timeout_seconds: float = Field(
        30, gt=0, description="Time for one call; the largest payload has to fit through in it."
    )


class ConsoleSection(_Section):
    second_factor: bool = Field(
        False, description="Operators and administrators must set up a second factor (TOTP) to sign in."
    )


class OidcSection(_Section):
    issuer: str = Field(
        "",
        description="Address of the identity provider (OpenID Connect) for persons; empty: passwords only.",
    )
    client_id: str = Field("", description="Name under which the provider knows this gateway.")
    client_secret: str = Field(
        "", description="Its secret there; better in GATEWAY_OIDC_CLIENT_SECRET_FILE; empty: a public client."
    )
    redirect_url: str = Field(
        "",
        description="https://HOST/console/sign-in/oidc/return, exactly as it is registered at the provider.",
    )


class FiguresSection(_Section):
    morning_until: str = Field(
        "12:00",
        pattern=_TIME,
        description="When the morning ends within which a document must be sent on the working day after "
        "signing (QĐ 28/2018 Đ6.2), as HH:MM at +07:00.",
    )
    working_until: str = Field(
        "17:00",
        pattern=_TIME,
        description="When working hours end: what arrives later counts, in the second reading, as arrived on "
        "the next working day.",
    )
    urgent_minutes: int = Field(
        60, gt=0, description="Minutes after signing within which an urgent document counts as sent at once."
    )
    pull_hours: int = Field(
        48,
        gt=0,
        description="Hours after which a document that its recipient has not fetched counts as late.",
    )
    status_days: int = Field(
        15, gt=0, description="Days after acceptance within which a recipient reports a further status."
    )
    clock_seconds: int = Field(
        300, gt=0, description="Seconds by which a declared time may differ from the gateway's clock."
    )


class AlertsSection(_Section):
    email_to: str = Field("", description="Who is told of alerts by e-mail, comma-separated; empty: nobody.")
    email_from: str = Field("", description="Sender of these e-mails; empty: gateway@ and smtp_host.")
    smtp_host: str = Field(
        "", description="Mail server; one in private address space has to lie in net.allow_private."
    )
    smtp_port: int = Field(587, gt=0, le=65535, description="Its port.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="starttls, tls (from the first byte) or none (only within a closed network)."
    )
    smtp_user: str = Field("", description="Account at the mail server; empty: no login.")
    smtp_password: str = Field("", description="Its password; better in GATEWAY_ALERTS_SMTP_PASSWORD_FILE.")
    webhook_url: str = Field("", description="Address that alerts are POSTed to as JSON; empty: none.")
    webhook_secret: str = Field(
        "", description="Secret of 16 characters or more that signs these calls (adapters/README.md)."
    )
    quiet_hours: int = Field(
        12, ge=0, description="Hours within which the same alert is recorded again, but not told again."
    )


class LogSection(_Section):
    level: str = Field(
        "info", pattern="^(debug|info|warning|error)$", description="Least level that is logged."
    )
    json_lines: bool = Field(False, description="Write the log as JSON lines instead of text.")


class Config(_Section):
    """All settings of an installation."""

    gateway: GatewaySection = GatewaySection()
    server: ServerSection = ServerSection()
    database: DatabaseSection = DatabaseSection()
    limits: LimitsSection = LimitsSection()
    trust: TrustSection = TrustSection()
    delivery: DeliverySection = DeliverySection()
    recall: RecallSection = RecallSection()
    net: NetSection = NetSection()
    exchange_log: ExchangeLogSection = ExchangeLogSection()
    durability: DurabilitySection = DurabilitySection()
    payloads: PayloadsSection = PayloadsSection()
    console: ConsoleSection = ConsoleSection()
    oidc: OidcSection = OidcSection()
    figures: FiguresSection = FiguresSection()
    alerts: AlertsSection = AlertsSection()
    log: LogSection = LogSection()


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of ``gateway config describe``."""

    name: str  # "server.port"
    type: str
    default: str
    sentence: str


def load(home: Path, environment: Mapping[str, str] = os.environ) -> Config:
    """Settings of the installation in ``home``. ``NotReady`` names the setting that is wrong."""
    values: dict[str, dict[str, Any]] = {}
    file = home / FILE
    if file.exists():
        try:
            values = tomllib.loads(file.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise _not_ready(f"{file}: {error}") from error
    for section, name in _names():
        text = _from_environment(environment, f"{PREFIX}{section}_{name}".upper())
        if text is not None:
            values.setdefault(section, {})[name] = text
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise _not_ready(f"{file}: {problems}") from error


def describe() -> list[Setting]:
    """Every setting, in the order of the file."""
    rows = []
    for section, name in _names():
        field = _section(section).model_fields[name]
        kind = getattr(field.annotation, "__name__", str(field.annotation))
        rows.append(Setting(f"{section}.{name}", kind, str(field.default), field.description or ""))
    return rows


def holds_secret(name: str, value: str = "") -> bool:
    """True for a setting that is a secret, as its name says, and for an address with a password in it."""
    return "secret" in name or "password" in name or _PASSWORD.search(value) is not None


def _names() -> Iterator[tuple[str, str]]:
    for section in Config.model_fields:
        for name in _section(section).model_fields:
            yield section, name


def _section(name: str) -> type[BaseModel]:
    annotation = Config.model_fields[name].annotation
    assert isinstance(annotation, type)
    assert issubclass(annotation, BaseModel)
    return annotation


def _from_environment(environment: Mapping[str, str], variable: str) -> str | None:
    if file := environment.get(f"{variable}_FILE"):
        return Path(file).read_text(encoding="utf-8").strip()
    return environment.get(variable)


def _not_ready(detail: str) -> NotReady:
    return NotReady(
        Bilingual(f"Cấu hình không hợp lệ: {detail}", f"The settings are wrong: {detail}"),
        code="config.wrong",
    )
