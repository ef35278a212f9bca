"""Canonical JSON (RFC 8785) for everything that is hashed, signed or kept as evidence.

In charge of: one function. The values we canonicalise hold strings, integers below 2**53, booleans, nulls,
lists and objects with ASCII keys, so sorted, compact UTF-8 JSON is RFC 8785; a test compares with the
reference implementation. Floats are refused: their text form is where implementations differ.
"""

from __future__ import annotations

from typing import Any

import orjson


def canonical_json(value: Any) -> bytes:
    """Bytes of ``value`` in RFC 8785 form. ``TypeError`` for a float, a non-string key or a foreign type."""
    _refuse_floats(value)
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER)


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError("canonical JSON of this project holds no floats")
    if isinstance(value, dict):
        for item in value.values():
            _refuse_floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item)
