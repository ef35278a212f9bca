"""The compose file: what must hold for every service, and the same services run as plain processes."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from gateway import config
from gateway.practice import province
from tests import buckets
from tests.operations.compose import (
    ACCESS,
    GATEWAYS,
    OPERATIONS,
    REPOSITORY,
    SECRET,
    Site,
    first_run,
    parsed,
    site,
)
from tests.web.certificates import issue
from tests.world import make_envelope

SERVICES: dict[str, Any] = parsed()["services"]
KNOWN = {f"GATEWAY_{one.name.replace('.', '_').upper()}" for one in config.describe()} | {"GATEWAY_HOME"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_has_no_rights_that_it_does_not_need(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])
    assert not {"privileged", "cap_add", "network_mode", "pid"} & set(service)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_is_bounded_and_watched(name: str) -> None:
    service = SERVICES[name]
    assert {"mem_limit", "pids_limit", "healthcheck", "tmpfs", "restart", "logging"} <= set(service)
    assert service["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_an_image_is_named_with_its_version(name: str) -> None:
    assert re.search(r":v?\d[\w.-]*$", SERVICES[name]["image"])


def test_no_secret_stands_in_the_file_or_in_an_environment() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|_KEY|DATABASE_URL", name):
                assert name.endswith("_FILE")
                assert value.startswith("/run/secrets/")
        assert set(service.get("secrets", ())) <= set(parsed()["secrets"])
    assert all(set(one) == {"file"} for one in parsed()["secrets"].values())


def test_only_the_proxy_listens_to_the_outside() -> None:
    open_ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    outside = {n for n, ports in open_ports.items() if not all(p.startswith("127.0.0.1:") for p in ports)}
    assert outside == {"proxy"}
    assert SERVICES["postgres"]["networks"] == ["back"]
    assert parsed()["networks"]["back"]["internal"] is True


@pytest.mark.parametrize("name", GATEWAYS)
def test_each_variable_of_a_gateway_is_a_setting(name: str) -> None:
    given = SERVICES[name]["environment"]
    assert {variable.removesuffix("_FILE") for variable in given} <= KNOWN
    assert given["GATEWAY_SERVER_PROXIES"] == parsed()["networks"]["front"]["ipam"]["config"][0]["subnet"]


def test_both_hosts_share_keys_and_trust_and_nothing_else() -> None:
    first, second = ({m.split(":")[0] for m in SERVICES[name]["volumes"]} for name in GATEWAYS)
    assert first & second == {"keys", "trust"}
    assert first ^ second == {"home-1", "home-2"}


def test_files_that_are_mounted_or_copied_exist() -> None:
    mounted = [
        m.split(":")[0] for s in SERVICES.values() for m in s.get("volumes", ()) if m.startswith("./docs")
    ]
    text = (OPERATIONS / "Dockerfile").read_text("utf-8")
    copied = [w for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.M) for w in line.split()[:-1]]
    assert [path for path in (*mounted, *copied) if not (REPOSITORY / path).exists()] == []
    let_in = (OPERATIONS / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    assert {f"!{path}" for path in copied} == {line for line in let_in if line.startswith("!")}


# -- as plain processes


@pytest.fixture(scope="module")
def running(postgres_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin") is None:
        if os.environ.get("REQUIRE_OPERATIONS"):
            pytest.fail("haproxy is missing: apt-get install haproxy")
        pytest.skip("haproxy is not installed")
    name = f"gwt_{uuid.uuid4().hex}"
    parts = {key: value for key, value in conninfo_to_dict(postgres_dsn).items() if key != "dbname"}
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        url = f"postgresql:///{name}?" + "&".join(f"{key}={value}" for key, value in parts.items())
        with buckets.moto() as objects, site(tmp_path_factory.mktemp("site"), url) as made:
            _make_bucket(objects)
            made.ports["objects"] = int(objects.rsplit(":", 1)[1])
            _set_up(made)
            for service in GATEWAYS:
                made.start(service)
            made.start_proxy()
            yield made
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _make_bucket(url: str) -> None:
    """The bucket that the gateways of the compose file expect."""
    [name] = {SERVICES[one]["environment"]["GATEWAY_PAYLOADS_URL"].split("/")[2] for one in GATEWAYS}
    keys = {"aws_access_key_id": ACCESS, "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=url, **keys)
    client.create_bucket(Bucket=name)
    client.close()


def _set_up(made: Site) -> None:
    """What the head of the compose file tells an operator to do, word for word."""
    (made.folder / "agencies.csv").write_text(province.agencies_csv(), encoding="utf-8")
    certificate = issue(made.folder, "localhost")
    certificate.file.replace(made.secret("proxy_tls"))
    made.tls = ssl.create_default_context(cafile=str(made.secret("proxy_tls")))
    made.tls.check_hostname = False  # the certificate is for the address
    lines = [line for line in first_run() if "compose run" in line]
    assert len(lines) == 4
    for line in lines:
        made.shell(line)
    for agency in ("H37", "H37.03"):
        line = (
            f"docker compose run --rm gateway-2 agency add {agency} --agency {agency} --key-file {agency}.key"
        )
        made.shell(line)


def key(made: Site, agency: str) -> str:
    return (made.folder / f"{agency}.key").read_text().strip()


def submit(made: Site, number: str) -> int:
    envelope = make_envelope("H37", ["H37.03"], number=number)
    return made.ask("proxy", "/api/v1/documents", key(made, "H37"), envelope).status


def waiting(made: Site, service: str) -> list[str]:
    found, cursor = [], ""
    while True:
        page = made.ask(service, f"/api/v1/inbox?cursor={cursor}", key(made, "H37.03")).json
        found += [item["delivery"] for item in page["items"]]
        cursor = page.get("cursor") or page.get("next") or ""
        if not cursor:
            return found


def test_what_came_in_through_the_proxy_is_fetched_at_either_host(running: Site) -> None:
    assert submit(running, "1/TEST") == 202
    for service in GATEWAYS:
        (delivery, *_) = waiting(running, service)
        fetched = running.ask(service, f"/api/v1/inbox/{delivery}", key(running, "H37.03"))
        assert fetched.status == 200
        assert b"1/TEST" in fetched.body


def test_a_large_document_lies_in_the_bucket_and_is_handed_out_by_the_other_host(running: Site) -> None:
    envelope = make_envelope("H37", ["H37.03"], number="2/LARGE", files={"phu-luc.docx": os.urandom(400_000)})
    before = set(waiting(running, "gateway-2"))
    at_first = running.ask("gateway-1", "/api/v1/documents", key(running, "H37"), envelope)
    assert at_first.status == 202, at_first.body
    [delivery] = set(waiting(running, "gateway-2")) - before
    fetched = running.ask("gateway-2", f"/api/v1/inbox/{delivery}", key(running, "H37.03"))
    assert fetched.body == envelope
    assert not any(path.is_file() for path in (running.volume("home-1") / "payloads").glob("??/*"))


def test_one_host_is_stopped_and_started_again_and_no_request_fails(running: Site) -> None:
    answers: list[int] = []
    ended = threading.Event()

    def send() -> None:
        while not ended.is_set():
            answers.append(submit(running, f"{len(answers)}/STOP"))

    sender = threading.Thread(target=send)
    sender.start()
    try:
        running.until(lambda: len(answers) > 5)
        assert running.stop("gateway-1") == 0
        after = len(answers)
        running.until(lambda: len(answers) > after + 5)
        running.start("gateway-1")
        back = len(answers)
        running.until(lambda: len(answers) > back + 5)
    finally:
        ended.set()
        sender.join()
    assert set(answers) == {202}
    assert len(waiting(running, "gateway-1")) >= len(answers)


def test_metrics_are_for_prometheus_and_hold_every_process(running: Site) -> None:
    assert running.ask("proxy", "/metrics").status == 404
    assert running.ask("proxy", "/%6detrics").status == 404
    text = running.ask(
        "gateway-2", "/metrics", running.secret("metrics_key").read_text().strip()
    ).body.decode()
    processes = set(re.findall(r'gateway_ready\{process="(\d+)"\} 1\.0', text))
    assert len(processes) == int(SERVICES["gateway-2"]["command"][-1])


def test_a_caller_who_never_ends_a_head_is_cut(running: Site) -> None:
    assert running.tls is not None
    with (
        socket.create_connection(("127.0.0.1", running.ports["proxy"]), 10) as plain,
        running.tls.wrap_socket(plain, server_hostname="localhost") as slow,
    ):
        began = time.monotonic()
        slow.sendall(b"GET /api/v1/inbox HTTP/1.1\r\nHost: gateway\r\nX-Slow: ")
        assert b" 408 " in slow.recv(1000)
        assert time.monotonic() - began < 5


def test_the_proxy_itself_answers_in_both_languages_when_no_host_is_left(running: Site) -> None:
    for service in GATEWAYS:
        assert running.stop(service) == 0
    running.until(lambda: running.ask("health", "/").status == 503)
    answer = running.ask("proxy", "/api/v1/inbox", key(running, "H37.03"))
    assert answer.status == 503
    assert answer.headers["retry-after"] == "10"
    assert {"title", "title_en", "detail", "detail_en", "code"} <= set(answer.json)
    for service in GATEWAYS:
        running.start(service)
