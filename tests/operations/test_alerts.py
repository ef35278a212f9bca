"""Alarms, dashboard and runbook fit each other, the metrics and the commands."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.metrics import Metrics
from tests.operations.compose import OPERATIONS, REPOSITORY
from tests.test_docs import names_a_command

RUNBOOK = (REPOSITORY / "docs" / "runbook.md").read_text("utf-8")
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((OPERATIONS / "alerts.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads((OPERATIONS / "dashboard.json").read_text("utf-8"))
VIETNAMESE = re.compile("[ăâđêôơưáàảãạắằẳẵặấầẩẫậéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵ]", re.I)
_METRIC = re.compile(r"\bgateway_\w+")
_LABELS = re.compile(r"(gateway_\w+)\{([^}]*)\}")
_COMMAND = re.compile(r"(?:^|`)gateway ([a-z][a-z -]*)", re.MULTILINE)


def families() -> dict[str, frozenset[str]]:
    """Name of each series as Prometheus has it -> its labels."""
    found: dict[str, frozenset[str]] = {}
    metrics = Metrics()
    for metric in vars(metrics).values():
        if metric is metrics.registry:
            continue
        (family,) = metric.describe()
        endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
        labels = frozenset(metric._labelnames) | {"process", "instance", "job"}
        found |= {
            family.name + ending: labels | ({"le"} if ending == "_bucket" else set()) for ending in endings
        }
    return found


FAMILIES = families()


def dashboard_queries() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]


QUERIES = [rule["expr"] for rule in RULES] + list(dashboard_queries())


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_names_metrics_and_labels_that_there_are(query: str) -> None:
    named = set(_METRIC.findall(query))
    assert named or "up{" in query
    assert named <= set(FAMILIES)
    for metric, matchers in _LABELS.findall(query):
        assert set(re.findall(r"(\w+)\s*[=!]", matchers)) <= FAMILIES[metric]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alarm_says_how_grave_it_is_in_both_languages_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    said = rule["annotations"]
    assert VIETNAMESE.search(said["summary_vi"])
    assert not VIETNAMESE.search(said["summary_en"])
    assert rule["for"]
    assert said["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
    assert f"\n### {rule['alert']}\n" in RUNBOOK


def test_the_runbook_knows_no_alarm_that_is_not_there() -> None:
    assert set(re.findall(r"^### (Gateway\w+)$", RUNBOOK, re.M)) == {rule["alert"] for rule in RULES}


@pytest.mark.parametrize(
    "section", re.split(r"^### ", RUNBOOK, flags=re.M)[1:], ids=lambda s: s.split("\n")[0][:30]
)
def test_a_section_speaks_vietnamese_first_and_names_commands_that_there_are(section: str) -> None:
    title, body = section.split("\n", 1)
    first = next(line for line in body.splitlines() if line and not line.startswith("```"))
    assert VIETNAMESE.search(first) or first.startswith("gateway "), title
    words = [found.split() for found in _COMMAND.findall(body)]
    assert [" ".join(command) for command in words if not names_a_command(command)] == []


def test_the_runbook_names_many_commands() -> None:
    assert len(set(_COMMAND.findall(RUNBOOK))) > 25


def test_prometheus_takes_the_rules() -> None:
    program = shutil.which("promtool")
    if program is None:
        if os.environ.get("REQUIRE_OPERATIONS"):
            pytest.fail("promtool is missing: apt-get install prometheus")
        pytest.skip("promtool is not installed")
    checked = [program, "check", "rules", str(OPERATIONS / "alerts.yml")]
    done = subprocess.run(checked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_alarms_cry_when_they_should(tmp_path: Path) -> None:
    """Series as a gateway would give them, through Prometheus itself."""
    program = shutil.which("promtool")
    if program is None:
        if os.environ.get("REQUIRE_OPERATIONS"):
            pytest.fail("promtool is missing: apt-get install prometheus")
        pytest.skip("promtool is not installed")
    file = tmp_path / "alerts.test.yml"
    text = (OPERATIONS.parents[1] / "tests" / "operations" / "alerts.test.yml").read_text("utf-8")
    file.write_text(text.replace("RULES", str(OPERATIONS / "alerts.yml")), encoding="utf-8")
    done = subprocess.run([program, "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
