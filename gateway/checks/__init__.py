"""May this message be sent? An ordered table of rules, each one function that cites its clause.

In charge of: ``run_checks``. Pure: what a rule needs from the store is handed in as ``Earlier``. Not in
charge of: reading the message (``edxml/``), signatures (``signature/``), deciding (``model/finding.py``).
"""

from gateway.checks.subject import Earlier, Subject
from gateway.checks.table import run_checks

__all__ = ["Earlier", "Subject", "run_checks"]
