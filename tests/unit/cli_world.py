"""Running commands in tests: ``call("init", home=…)`` gives exit code and JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main

CORPUS = Path(__file__).resolve().parent.parent / "corpus"
GOOD = CORPUS / "good"


@dataclass
class Commands:
    """The command line on one home folder."""

    home: Path
    capture: pytest.CaptureFixture[str]

    def run(self, *words: str | Path) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        self.capture.readouterr()
        code = main([*map(str, words), "--home", str(self.home)])
        out, err = self.capture.readouterr()
        return code, out, err

    def json(self, *words: str | Path) -> tuple[int, Any]:
        """Exit code and the JSON document; nothing else may be on standard output."""
        code, out, _ = self.run(*words, "--json")
        return code, json.loads(out)

    def done(self, *words: str | Path) -> Any:
        """The JSON document of a command that must succeed."""
        code, answer = self.json(*words)
        assert code == 0, answer
        return answer
