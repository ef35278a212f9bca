"""``make fuzz TARGET=envelope SECONDS=600``: one target under atheris, led by coverage.

What it finds lies in ``var/fuzz/TARGET`` (a crash is a file ``crash-…``; ``python -m tests.fuzz TARGET FILE``
feeds it once).
"""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path("var/fuzz")


def main(name: str, *options: str) -> None:
    """Run until the time is over or something is found."""
    import atheris  # installed beside the project by the Makefile; not needed for tests

    with atheris.instrument_imports(include=["gateway", "adapters"]):
        from tests.fuzz.targets import SEEDS, Targets
    targets = Targets()
    corpus = FOLDER / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[name]):
        (corpus / f"seed-{number}").write_bytes(seed)
    known = Path("tests/corpus") if name == "envelope" else None
    for file in sorted(known.glob("*/*.edxml")) if known else []:
        (corpus / file.name).write_bytes(file.read_bytes())
    given = [option for option in options if option.startswith("-")]
    files = [option for option in options if not option.startswith("-")]
    atheris.Setup(
        [sys.argv[0], *given, f"-artifact_prefix={corpus}/", *(files or [str(corpus)])], targets.all[name]
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
