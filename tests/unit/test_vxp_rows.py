"""Long lists of the axis are read row by row, however they are cut into pieces."""

from __future__ import annotations

import orjson
import pytest

from adapters.vxp.rows import HEAD_CHARACTERS, RowReader

ROWS = [{"code": "H37", "name": 'Sở "Văn hóa", [Thể thao] {và} Du lịch'}, {"code": "G09", "name": "\\"}]
BODY = orjson.dumps({"status": "OK", "ErrorCode": "0", "data": ROWS, "ErrorDesc": "hết"})


@pytest.mark.parametrize("size", [1, 2, 3, 7, 10_000])
def test_rows_are_whole_wherever_the_pieces_end(size: int) -> None:
    reader = RowReader()
    found = []
    for start in range(0, len(BODY), size):
        found += list(reader.feed(BODY[start : start + size]))
    assert found == ROWS
    assert orjson.loads(reader.rest()) == orjson.loads(BODY) | {"data": []}


def test_an_answer_without_rows_is_given_back_whole() -> None:
    reader = RowReader()
    body = b'{"status":"FAIL","ErrorCode":"9","data":null}'
    assert list(reader.feed(body)) == []
    assert reader.rest() == body


@pytest.mark.parametrize("cut", [10, 60, len(BODY) - 1])
def test_what_is_left_of_a_list_that_breaks_off_is_no_answer(cut: int) -> None:
    reader = RowReader()
    list(reader.feed(BODY[:cut]))
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(reader.rest())


@pytest.mark.parametrize("body", [b'{"data":[1]}', b"x" * (HEAD_CHARACTERS + 1)])
def test_what_can_be_no_list_is_said_at_once(body: bytes) -> None:
    with pytest.raises(ValueError, match="row"):
        list(RowReader().feed(body))
