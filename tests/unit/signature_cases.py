"""What a case of the signature tables is: one attack or one certificate, and the verdict that must follow.

The tables (``xml_cases``, ``pki_cases``, ``pdf_cases``) are run by the tests and printed into
``docs/signatures.md`` by ``signature_table``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from gateway.model.verdict import Indication

W = TypeVar("W")  # the world that the case is built in
B = TypeVar("B")  # what is built: bytes to judge


@dataclass(frozen=True, slots=True)
class Case(Generic[W, B]):
    """``build`` makes the thing to judge from a world with genuine signatures; ``sub_indication`` is ``""``
    for a pass."""

    name: str  # short and stable, e.g. "wrapping-sibling"
    title_vi: str
    title_en: str
    build: Callable[[W], B]
    indication: Indication
    sub_indication: str = ""
