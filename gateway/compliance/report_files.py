"""Forms as files on this machine, for the command line.

In charge of: writing a form to a path. Not in charge of: what it holds (``forms``).
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from gateway.compliance import forms
from gateway.flow.door import Caller
from gateway.flow.local import created
from gateway.services import Services


async def form_file(
    gw: Services,
    caller: Caller,
    form: str,
    path: str,
    period: str = "",
    kind: str = "xlsx",
    report: str = "",
    agency: str = "",
    lang: str = "vi",
) -> dict[str, Any]:
    """Write a form to ``path``, which must not exist. On return it is on disk."""
    made = await forms.write(gw, caller, form, period, kind, report=report, agency=agency, lang=lang)
    with created(path) as file:
        await asyncio.to_thread(file.write, made.data)
        file.flush()
        await asyncio.to_thread(os.fsync, file.fileno())
    return {"path": path, "size": len(made.data), "media_type": made.media_type}


__all__ = ["form_file"]
