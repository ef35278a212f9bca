"""The commands on an installation without a running server."""

from __future__ import annotations

import importlib
import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli import COMMANDS, HIDDEN, main
from gateway.cli.config import _without_password
from gateway.cli.doctor import lock_holder
from gateway.cli.output import next_step, span
from gateway.config import describe, holds_secret
from gateway.store.lock import WriterLock
from tests.unit.cli_world import GOOD, Commands

LETTER = GOOD / "new-cv-362.edxml"


@pytest.fixture
def empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(tmp_path / "home", capsys)


@pytest.fixture
def commands(empty: Commands) -> Commands:
    empty.done("init", "--demo-directory")
    return empty


def test_every_command_of_the_table_has_a_help_text(capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMMANDS:
        assert main([name, "--help"]) == 0
        assert len(capsys.readouterr().out.splitlines()) > 4


def test_the_table_of_commands_says_what_each_command_says_of_itself(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for name, (module, function) in COMMANDS.items():
        command = getattr(importlib.import_module(f"gateway.cli.{module}"), function)
        words = command.get_short_help_str(200)
        assert (f"  {name} " in shown) is (name not in HIDDEN)
        assert (words[:30] in shown) is (name not in HIDDEN)


def test_help_and_the_check_of_a_status_load_only_what_they_need() -> None:
    status = GOOD / "status-01-cv-362.edxml"
    assert loaded_by("--help") <= {"click", "rich"}
    assert loaded_by("check", str(status)) <= {"click", "rich", "pydantic", "lxml", "cryptography"}


def loaded_by(*words: str) -> set[str]:
    """Which of the packages that are slow to import a command loads, in a process of its own."""
    program = (
        "import sys; from gateway.cli import main; main(sys.argv[1:]); "
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, check=True, timeout=60
    )
    slow = {"adapters", "aiohttp", "click", "cryptography", "lxml", "psycopg", "pydantic", "pyhanko"}
    return set(done.stderr.split()) & (slow | {"reportlab", "rich", "structlog"})


def test_home_may_stand_before_or_after_the_command(
    commands: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--home", str(commands.home), "--json", "status"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["deliveries"] == commands.done("status")["deliveries"]


def test_gateway_home_names_the_folder_when_no_option_does(
    commands: Commands, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_HOME", str(commands.home))
    assert main(["trace", "--list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"documents": []}


def test_a_missing_installation_says_how_to_make_one(empty: Commands) -> None:
    code, answer = empty.json("status")
    assert (code, answer["error"]["code"]) == (1, "home.missing")
    assert "gateway init" in answer["error"]["next"]


def test_init_never_overwrites(commands: Commands) -> None:
    code, answer = commands.json("init")
    assert (code, answer["error"]["code"]) == (1, "home.exists")


def test_a_name_with_quotes_stays_a_name(empty: Commands) -> None:
    empty.done("init", "--name", 'Trục "thử"')
    settings = {row["name"]: row["value"] for row in empty.done("config", "describe")["settings"]}
    assert settings["gateway.name"] == 'Trục "thử"'


def test_an_error_for_people_is_vietnamese_first_then_english_code_and_next_step(empty: Commands) -> None:
    code, out, err = empty.run("status")
    lines = err.splitlines()
    assert (code, out) == (1, "")
    assert lines[0].startswith("✗")
    assert "chưa phải là một bản cài đặt" in lines[0]
    assert "is no installation yet" in err
    assert "home.missing" in err
    assert "gateway init" in lines[-1]


def test_a_wrong_call_gives_exit_code_2(commands: Commands) -> None:
    code, answer = commands.json("queue", "hold", "some-id")  # without a reason
    assert (code, answer["error"]["code"]) == (2, "command.usage")
    assert "--reason" in answer["error"]["en"]


def test_an_api_key_is_written_for_its_owner_only_and_never_twice(commands: Commands, tmp_path: Path) -> None:
    file = tmp_path / "key"
    answer = commands.done("agency", "add", "Phần mềm", "--agency", "H37.03", "--key-file", file)
    assert "api_key" not in answer
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().startswith("gw_")
    code, _ = commands.json("agency", "add", "Phần mềm", "--agency", "H37.03", "--key-file", file)
    assert code == 2


def test_keys_are_never_listed_only_their_hashes(commands: Commands) -> None:
    key = commands.done("agency", "add", "Phần mềm", "--agency", "H37.03")["api_key"]
    _, out, _ = commands.run("key", "list", "--json")
    assert key not in out
    _, out, _ = commands.run("key", "list")
    assert "Phần mềm" in out


def test_a_further_key_may_let_the_older_ones_run_out(commands: Commands) -> None:
    added = commands.done("agency", "add", "Phần mềm", "--agency", "H37.03")
    commands.done("key", "issue", added["principal"]["id"], "--overlap-days", "7")
    ends = [c["valid_until"] for c in commands.done("agency", "list")["credentials"]]
    assert [end is None for end in ends] == [False, True]


def test_a_revoked_key_is_shown_as_revoked(commands: Commands) -> None:
    commands.done("agency", "add", "Phần mềm", "--agency", "H37.03")
    [credential] = commands.done("key", "list")["credentials"]
    commands.done("key", "revoke", credential["id"])
    [credential] = commands.done("key", "list")["credentials"]
    assert credential["revoked_at"] is not None


def test_rotation_keeps_the_old_key_and_begins_a_new_one(commands: Commands) -> None:
    commands.done("key", "rotate", "receipt")
    names = [key["name"] for key in commands.done("key", "list")["gateway"] if key["current"]]
    assert "receipt-0002" in names


def test_an_import_is_a_preview_until_apply_is_said(empty: Commands, tmp_path: Path) -> None:
    empty.done("init")
    file = tmp_path / "agencies.csv"
    file.write_text("code,name,level,parent\nH37,UBND tỉnh Lạng Sơn,province,\n", encoding="utf-8")
    preview = empty.done("directory", "import", file)
    assert (preview["applied"], len(preview["added"])) == (False, 1)
    assert empty.done("directory", "show") == {"agencies": []}
    assert empty.done("directory", "import", file, "--apply")["applied"]
    assert [agency["code"] for agency in empty.done("directory", "show")["agencies"]] == ["H37"]


def test_an_import_with_mistakes_names_every_line(commands: Commands, tmp_path: Path) -> None:
    file = tmp_path / "agencies.csv"
    file.write_text("code,name,level,parent\nH37.77,,province,H37\nH37.78,Sở,cấp,H37\n", encoding="utf-8")
    code, answer = commands.json("directory", "import", file)
    assert (code, answer["error"]["code"]) == (1, "directory.invalid")
    assert [finding["where"] for finding in answer["error"]["findings"]] == ["line 2", "line 3"]


def test_a_code_of_the_old_scheme_resolves(commands: Commands) -> None:
    assert commands.done("directory", "resolve", "000.21.31.H37")["code"] == "H37.31.21"
    code, answer = commands.json("directory", "resolve", "H37.99.99")
    assert (code, answer["error"]["code"]) == (1, "agency.unknown")


def test_signers_of_unknown_agencies_are_refused(commands: Commands, tmp_path: Path) -> None:
    file = tmp_path / "signers.csv"
    head = "certificate_sha256,agency,title,role,valid_from,valid_to\n"
    file.write_text(f"{head}{'ab' * 32},H37,Chủ tịch,person,2019-01-01,\n", encoding="utf-8")
    assert commands.done("signers", "import", file) == {"rows": 1}
    file.write_text(f"{head}{'ab' * 32},H88.99,Chủ tịch,person,2019-01-01,\n", encoding="utf-8")
    code, answer = commands.json("signers", "import", file)
    assert (code, answer["error"]["code"]) == (1, "signers.unknown_agency")


def test_a_document_goes_from_one_agency_to_another_by_commands_alone(
    commands: Commands, tmp_path: Path
) -> None:
    sent = commands.done("send", LETTER, "--as", "H37")
    assert (sent["decision"], sent["repeated"]) == ("accept", False)
    [item] = commands.done("inbox", "--as", "000.00.03.H37")["items"]
    target = tmp_path / "fetched.edxml"
    commands.done("inbox", "--fetch", item["delivery"], "-o", target, "--reason", "đối chiếu")
    assert target.read_bytes() == LETTER.read_bytes()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert commands.done("inbox", "--done", item["delivery"])["state"] == "delivered"
    commands.done("inbox", "--report", item["delivery"], "03", "--text", "Đã vào sổ")
    trace = commands.done("trace", sent["document"])
    assert [status["code"] for status in trace["statuses"]] == ["01", "03"]
    assert [reason["reason"] for reason in trace["statuses"]][1] == "Đã vào sổ"


def test_sending_twice_gives_the_first_receipt_again(commands: Commands) -> None:
    first = commands.done("send", LETTER, "--as", "H37")
    second = commands.done("send", LETTER, "--as", "H37")
    assert (second["repeated"], second["receipt"]) == (True, first["receipt"])


def test_sending_for_another_agency_is_refused(commands: Commands) -> None:
    code, answer = commands.json("send", LETTER, "--as", "H37.03")
    assert (code, answer["error"]["code"]) == (1, "sender.not_yours")
    assert commands.done("trace", "--list") == {"documents": []}


def test_a_fetch_never_overwrites_a_file(commands: Commands, tmp_path: Path) -> None:
    commands.done("send", LETTER, "--as", "H37")
    [item] = commands.done("inbox", "--as", "H37.03")["items"]
    target = tmp_path / "mine.edxml"
    target.write_text("mine")
    code, _ = commands.json("inbox", "--fetch", item["delivery"], "-o", target, "--reason", "đối chiếu")
    assert (code, target.read_text()) == (1, "mine")


def test_done_before_fetch_is_refused(commands: Commands) -> None:
    commands.done("send", LETTER, "--as", "H37")
    [item] = commands.done("inbox", "--as", "H37.03")["items"]
    code, answer = commands.json("inbox", "--done", item["delivery"])
    assert (code, answer["error"]["code"]) == (1, "delivery.not_fetched")


def test_a_person_holds_and_releases_a_delivery_with_a_reason(commands: Commands) -> None:
    commands.done("send", LETTER, "--as", "H37")
    [item] = commands.done("inbox", "--as", "H37.03")["items"]
    held = commands.done("queue", "hold", item["delivery"], "--reason", "chờ xác minh")
    assert (held["state"], held["reason"]["vi"]) == ("held", "chờ xác minh")
    assert commands.done("inbox", "--as", "H37.03")["items"] == []
    assert commands.done("queue", "release", item["delivery"], "--reason", "đã rõ")["state"] == "queued"


def test_an_agency_is_connected_and_shown(commands: Commands, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("bí mật dùng chung đủ dài\n", encoding="utf-8")
    url = "url=https://vanban.example.invalid/edxml"
    words = ("agency", "connect", "H37.05", "--adapter", "webhook", "--setting", url, "--dialect", "dotnet")
    commands.done(*words, "--secret-file", secret)
    connection = commands.done("directory", "resolve", "H37.05")["connection"]
    assert (connection["adapter"], connection["dialect"]) == ("webhook", "dotnet")
    _, out, _ = commands.run("agency", "list", "--json")
    assert "bí mật dùng chung" not in out


def test_a_webhook_without_secret_or_with_a_bad_address_is_refused_at_once(commands: Commands) -> None:
    words = ("agency", "connect", "H37.05", "--adapter", "webhook", "--setting")
    for setting in ("url=https://vanban.example.invalid/x", "url=ftp://vanban.example.invalid/x"):
        code, answer = commands.json(*words, setting)
        assert (code, answer["error"]["code"]) == (1, "profile.settings")
    assert commands.done("directory", "resolve", "H37.05")["connection"]["adapter"] == "inbox"


def test_the_secret_of_a_connection_stays_when_only_its_address_changes(
    commands: Commands, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("bí mật dùng chung đủ dài\n", encoding="utf-8")
    words = ("agency", "connect", "H37.05", "--adapter", "webhook", "--setting")
    commands.done(*words, "url=https://one.example.invalid/x", "--secret-file", secret)
    commands.done(*words, "url=https://two.example.invalid/x")
    settings = commands.done("directory", "resolve", "H37.05")["connection"]["settings"]
    assert settings == [["url", "https://two.example.invalid/x"]]


def test_a_table_saved_in_another_encoding_is_explained(commands: Commands, tmp_path: Path) -> None:
    file = tmp_path / "agencies.csv"
    file.write_bytes("code,name,level,parent\nH37.77,Sở,province,H37\n".encode("utf-16"))
    code, answer = commands.json("directory", "import", file)
    assert (code, answer["error"]["code"]) == (1, "file.encoding")


def test_a_setting_without_value_is_a_wrong_call(commands: Commands) -> None:
    code, answer = commands.json("agency", "connect", "H37.05", "--setting", "url")
    assert (code, answer["error"]["code"]) == (2, "command.usage")


@pytest.mark.parametrize("words", [("trace",), ("trace", "x", "--list"), ("inbox", "--fetch", "x")])
def test_half_a_call_is_a_wrong_call(commands: Commands, words: tuple[str, ...]) -> None:
    assert commands.json(*words)[0] == 2


@pytest.mark.parametrize(
    "words",
    [
        *(("status",), ("trace", "--list"), ("inbox",), ("queue", "show"), ("agency", "list")),
        *(("key", "list"), ("config", "describe"), ("directory", "show"), ("inbox", "--as", "H37.03")),
    ],
    ids=" ".join,
)
def test_everything_that_can_be_looked_at_has_a_table_for_people(
    commands: Commands, words: tuple[str, ...]
) -> None:
    commands.done("send", LETTER, "--as", "H37")
    code, out, err = commands.run(*words)
    assert (code, err) == (0, "")
    assert len(out.splitlines()) > 3


def test_a_trace_for_people_shows_timings_recipients_and_statuses(commands: Commands) -> None:
    sent = commands.done("send", LETTER, "--as", "H37")
    code, out, _ = commands.run("trace", sent["document"])
    assert code == 0
    assert "362/UBND-KGVX" in out
    assert "chữ ký" in out
    assert "H37.05" in out


def test_doctor_is_content_with_a_fresh_installation(commands: Commands) -> None:
    answer = commands.done("doctor")
    topics = {line["topic"]: line["weight"] for line in answer["lines"]}
    assert (topics["permissions"], topics["store"], topics["lock"]) == ("good", "good", "good")
    assert "note" in {topics["trust"]}  # nobody is trusted yet: worth knowing, not an error


def test_doctor_sees_a_folder_that_others_can_read(commands: Commands) -> None:
    (commands.home / "keys").chmod(0o755)
    code, answer = commands.json("doctor")
    assert (code, answer["ok"]) == (1, False)
    assert [line["topic"] for line in answer["lines"] if line["weight"] == "bad"] == ["permissions"]


def test_doctor_sees_wrong_settings(commands: Commands) -> None:
    (commands.home / "gateway.toml").write_text("[server]\nport = 'x'\n")
    code, answer = commands.json("doctor")
    assert (code, answer["lines"][-1]["topic"]) == (1, "config")


def test_doctor_names_the_holder_of_the_lock_and_forgets_the_dead(tmp_path: Path) -> None:
    file = tmp_path / "gateway.db.lock"
    lock = WriterLock(file, "gateway serve")
    lock.take()
    assert "gateway serve" in lock_holder(file)
    lock.release()
    file.write_text("pid 1 (long dead)\n")
    assert lock_holder(file) == ""


def test_a_password_in_the_database_address_is_never_shown(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_DATABASE_URL", "postgresql://gw:s3cret@db.example.invalid/gateway")
    _, out, _ = commands.run("config", "describe", "--json")
    assert "s3cret" not in out
    assert _without_password("postgresql://gw:s3cret@db/x") == "postgresql://gw:…@db/x"
    assert _without_password("postgresql://gw@db/x?password=s3cret") == "…"
    assert _without_password("sqlite:///gateway.db") == "sqlite:///gateway.db"


@pytest.mark.parametrize("name", [one.name for one in describe() if holds_secret(one.name)])
def test_a_secret_setting_is_never_shown(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(f"GATEWAY_{name.replace('.', '_')}".upper(), "s3cret-of-sixteen-and-more")
    _, out, _ = commands.run("config", "describe", "--json")
    assert name in out
    assert "s3cret" not in out


def test_the_next_step_is_that_of_the_longest_prefix() -> None:
    assert next_step("delivery.unknown") == "gateway queue show"
    assert next_step("delivery.held") == "gateway trace DOCUMENT"
    assert next_step("nothing.such") == ""


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        *((None, ""), (900, "0,9 ms"), (1_500_000, "1,5 s"), (125_000_000, "2 phút 5 s")),
        *((600_000_000, "10 phút"), (5_400_000_000, "1 giờ 30 phút")),
    ],
)
def test_durations_are_written_as_people_say_them(microseconds: int | None, text: str) -> None:
    assert span(microseconds) == text
