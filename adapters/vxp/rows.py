"""A long list answer of the axis, row by row as it comes.

In charge of: ``{"status": …, "data": [ {…}, {…} ]}`` of any length, held one row at a time, and what stands
around the rows as the answer that it is. Not in charge of: calling (``client.py``), what a row means.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

_ROWS = re.compile(r'"data"\s*:\s*\[')
_BETWEEN = " \t\r\n,"
HEAD_CHARACTERS = 65_536  # before the rows; an answer without rows is no longer than that
ROW_CHARACTERS = 65_536  # of one row, and of what stands behind the last


class RowReader:
    """Feed it the body; it gives each row once it is whole. ``rest`` is the answer without its rows.

    ``ValueError`` for what is no such answer.
    """

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("strict").decode
        self._json = json.JSONDecoder()
        self._text = ""
        self._head = ""  # up to and with the bracket; "" before it came
        self._ended = False

    def feed(self, chunk: bytes) -> Iterator[dict[str, Any]]:
        """The rows that are complete now."""
        self._text += self._decode(chunk)
        if not self._head:
            found = _ROWS.search(self._text)
            if found is None:
                if len(self._text) > HEAD_CHARACTERS:
                    raise ValueError("no rows")
                return
            self._head, self._text = self._text[: found.end()], self._text[found.end() :]
        if not self._ended:
            yield from self._rows()
        if len(self._text) > ROW_CHARACTERS:
            raise ValueError("a row without end")

    def rest(self) -> bytes:
        """What stood around the rows, to be judged as an answer; empty rows in their place."""
        return (self._head + self._text if self._ended or not self._head else self._text).encode()

    def _rows(self) -> Iterator[dict[str, Any]]:
        text, at = self._text, 0
        while True:
            while at < len(text) and text[at] in _BETWEEN:
                at += 1
            if at == len(text) or text[at] == "]":
                self._ended = at < len(text)
                break
            try:
                row, end = self._json.raw_decode(text, at)
            except ValueError:  # not whole yet, or never
                break
            if not isinstance(row, dict):
                raise ValueError("a row is no object")
            at = end
            yield row
        self._text = text[at:]


async def read_rows(chunks: AsyncIterator[bytes], reader: RowReader) -> AsyncIterator[dict[str, Any]]:
    """The rows of a body."""
    async for chunk in chunks:
        for row in reader.feed(chunk):
            yield row
