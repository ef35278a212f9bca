"""The peer's own environment in ``var/peers``: made once from PyPI, apart from ours.

In charge of: installing the pinned packages and the one line that its ``oscrypto`` needs. Not in charge of:
running it (``as2``).
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

PINS = Path(__file__).with_name("requirements.txt")
# It finds no version in "OpenSSL 3.0.17": two digits where it looks for one.
OLD, NEW = r"\\b(\\d\\.\\d\\.\\d[a-z]*)\\b", r"\\b(\\d+\\.\\d+\\.\\d+[a-z]*)\\b"


def environment(folder: Path) -> Path:
    """The Python of the peer's environment; made anew when the pins changed."""
    python = folder / "bin" / "python"
    marker, wanted = folder / "pins", hashlib.sha256(PINS.read_bytes()).hexdigest()
    if marker.exists() and marker.read_text() == wanted:
        return python
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", PINS], check=True)
    for file in folder.glob("lib/*/site-packages/oscrypto/_openssl/_libcrypto_*.py"):
        file.write_text(file.read_text("utf-8").replace(OLD, NEW), "utf-8")
    marker.write_text(wanted)
    return python
