"""Operations of this room, for the command line and the control socket (``flow/operate.py``).

In charge of: the table. ``app.py`` hands it to the services, because flows never import what counts them.
"""

from __future__ import annotations

from gateway.compliance import deadlines
from gateway.flow import calendar
from gateway.services import Operation

OPERATIONS: dict[str, Operation] = {
    "calendar.show": calendar.show,
    "calendar.versions": calendar.versions,
    "calendar.import": calendar.import_calendar,
    "calendar.check": deadlines.check,
}

__all__ = ["OPERATIONS"]
