"""What people are told of nodes."""

from __future__ import annotations

import pytest

from gateway.flow.nodes import concerns
from gateway.model.node import Node, Seen
from gateway.model.text import Instant


def seen(name: str, *, alive: bool = True, keys: str = "k", version: str = "1.0") -> Seen:
    return Seen(
        Node(name, f"máy-{name}", 1, version, keys, Instant(0), Instant(0), 1), 0.0 if alive else 60.0, alive
    )


def test_nodes_that_agree_and_a_leader_are_no_concern() -> None:
    assert concerns([seen("a"), seen("b")], "b") == []
    assert concerns([], "") == []


@pytest.mark.parametrize(
    ("every", "leader", "words", "urgent"),
    [
        ([seen("a"), seen("b")], "", "Chưa có nút nào làm nút chính", True),
        ([seen("a"), seen("b", alive=False)], "b", "Chưa có nút nào làm nút chính", True),
        ([seen("a"), seen("b", keys="khác")], "a", "không có cùng bộ khóa", True),
        ([seen("a"), seen("b", version="2.0")], "a", "các phiên bản khác nhau", False),
        ([seen("a"), seen("b", alive=False, keys="cũ")], "a", "máy-b (pid 1) đã im lặng 60 giây", False),
    ],
)
def test_what_is_wrong_with_nodes_is_said_with_a_next_step(
    every: list[Seen], leader: str, words: str, urgent: bool
) -> None:
    first = concerns(every, leader)[0]
    assert words in first.text.vi
    assert first.urgent is urgent
    assert first.step.vi
    assert first.step.en
