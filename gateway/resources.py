"""Where shipped data lies: schemas, public trust anchors.

In charge of: finding ``schemas/`` and ``keys/trust`` both in a checkout (beside ``gateway/``) and in an
installed wheel (inside ``gateway/_shipped``). Not in charge of: reading what is in them.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def shipped(*parts: str) -> Path:
    """Path of a shipped file or folder, e.g. ``shipped("schemas", "edxml", "accept.xsd")``.

    ``FileNotFoundError`` names what is missing: a broken installation must not look like an empty folder.
    """
    for root in (_PACKAGE / "_shipped", _PACKAGE.parent):
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise FileNotFoundError(f"not shipped with this installation: {'/'.join(parts)}")


def packaged(*parts: str) -> Path:
    """Path of data that lies inside the package itself, e.g. ``packaged("practice", "fonts")``."""
    return _PACKAGE.joinpath(*parts)
