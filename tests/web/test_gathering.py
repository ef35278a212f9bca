"""One scrape shows every process behind a shared socket."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from gateway.metrics import Metrics
from gateway.web.gathering import Gathering


def counted(decisions: int) -> Metrics:
    made = Metrics()
    made.submissions.labels("accept").inc(decisions)
    made.stage_seconds.labels("parse").observe(0.002)
    return made


def samples(text: bytes, name: str) -> dict[str, float]:
    """Value by process."""
    return {
        one.labels["process"]: one.value
        for family in text_string_to_metric_families(text.decode())
        for one in family.samples
        if one.name == name
    }


def test_each_process_stands_beside_the_others_with_its_own_counts(tmp_path: Path) -> None:
    mine, other = os.getpid(), os.getppid()
    Gathering(tmp_path, counted(5).registry, other).write()
    text = Gathering(tmp_path, counted(3).registry, mine).text()
    assert samples(text, "gateway_submissions_total") == {str(mine): 3.0, str(other): 5.0}
    assert samples(text, "gateway_stage_seconds_count") == {str(mine): 1.0, str(other): 1.0}
    assert text.count(b"# TYPE gateway_submissions_total counter") == 1


def test_a_process_that_was_killed_is_shown_no_longer(tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    Gathering(tmp_path, counted(5).registry, ended.pid).write()
    text = Gathering(tmp_path, counted(3).registry).text()
    assert list(samples(text, "gateway_submissions_total")) == [str(os.getpid())]
    assert list((tmp_path / "metrics").glob(f"{ended.pid}.*")) == []


def test_what_a_process_shows_of_itself_is_never_old(tmp_path: Path) -> None:
    metrics = counted(1)
    gathering = Gathering(tmp_path, metrics.registry)
    gathering.write()
    metrics.submissions.labels("accept").inc()
    assert list(samples(gathering.text(), "gateway_submissions_total").values()) == [2.0]
