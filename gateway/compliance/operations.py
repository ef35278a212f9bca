"""Operations of this room, for the command line and the control socket (``flow/operate.py``).

In charge of: the table. ``app.py`` hands it to the services, because flows never import what counts them.
"""

from __future__ import annotations

from gateway.services import Operation

OPERATIONS: dict[str, Operation] = {}

__all__ = ["OPERATIONS"]
