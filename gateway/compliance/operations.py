"""Operations of this room, for the command line and the control socket (``flow/operate.py``).

In charge of: the table. ``app.py`` hands it to the services, because flows never import what counts them.
"""

from __future__ import annotations

from gateway.compliance import board, deadlines, report_files, reports
from gateway.flow import alerts, calendar, declared, outages
from gateway.services import Operation

OPERATIONS: dict[str, Operation] = {
    "calendar.show": calendar.show,
    "calendar.versions": calendar.versions,
    "calendar.import": calendar.import_calendar,
    "calendar.check": deadlines.check,
    "report.make": reports.make_json,
    "report.publish": reports.publish_json,
    "report.list": reports.list_json,
    "report.show": reports.show_json,
    "report.compare": reports.compare_json,
    "report.form": report_files.form_file,
    "scorecard.show": board.show_json,
    "scorecard.documents": board.documents,
    "scorecard.deliveries": board.deliveries,
    "outage.propose": outages.propose_outage,
    "outage.decide": outages.decide_outage,
    "outage.withdraw": outages.withdraw_outage,
    "outage.list": outages.list_outages,
    "totals.declare": declared.declare_one,
    "totals.import": declared.declare_csv,
    "totals.list": declared.list_declared,
    "alerts.show": alerts.show_alerts,
    "alerts.set": alerts.set_objective,
    "alerts.end": alerts.end_objective,
    "alerts.try": alerts.try_channels,
}

__all__ = ["OPERATIONS"]
