"""How much of anything one message may hold.

In charge of: the numbers, in one frozen value, so that a deployment can tighten them. Not in charge of:
enforcing them (``stream.py``, ``attachments.py``, ``wrapper.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes are bytes; texts count characters. A message over a limit is unreadable, never cut."""

    max_bytes: int = 140 * MIB  # the whole envelope: 100 MiB of files grow by a third in base64
    max_attachment: int = 50 * MIB  # one file, decoded and unwrapped (52428800)
    max_unpacked: int = 200 * MIB  # all files together, decoded and unwrapped
    max_attachments: int = 100
    max_ratio: int = 200  # unwrapped / packed, looked at once a file unpacks to more than 1 MiB
    max_depth: int = 32
    max_elements: int = 60_000  # a list of all 3 321 communes needs 33 000
    max_attributes: int = 4_000
    max_text: int = 64 * KIB  # one ordinary field
    max_texts: int = 4 * MIB  # all ordinary fields and attributes together
    max_extensions: int = 1_000  # elements and attributes that the standard does not know
    max_token: int = 256 * KIB  # bytes without any element or text: one huge tag or comment
