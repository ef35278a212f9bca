"""The control page of a simulated axis: its knobs and what it holds, as a page and as JSON.

In charge of: turning knobs while somebody practises. Not in charge of: what knobs do. Every request needs the
token that was made at start: the page lies beside the calls, and a vendor's machine may reach it.
"""

from __future__ import annotations

import hmac
import html
from dataclasses import asdict
from typing import Any

import orjson
from aiohttp import web

from gateway.practice.axis import SimulatedAxis
from gateway.practice.axis_calls import NAMES
from gateway.practice.axis_knobs import ALL_CALLS, WORDS

SHOWN = 200  # items on the page, newest first
_STYLE = (
    "body{font:11pt sans-serif;margin:2em}table{border-collapse:collapse}"
    "td,th{border:1px solid #999;padding:3px 6px}"
)


class ControlPage:
    """The routes ``/``, ``/_knobs`` and ``/_items`` of one axis."""

    def __init__(self, axis: SimulatedAxis, token: str) -> None:
        self._axis = axis
        self._token = token
        axis.extra_routes += [
            web.get("/", self._page),
            web.get("/_knobs", self._knobs),
            web.post("/_knobs", self._turn),
            web.get("/_items", self._items),
        ]

    async def _page(self, request: web.Request) -> web.Response:
        self._admit(request.query.get("token", ""))
        return web.Response(text=self._html(), content_type="text/html")

    async def _knobs(self, request: web.Request) -> web.Response:
        self._admit(request.headers.get("X-Practice-Token", request.query.get("token", "")))
        return _json({"turned": self._turned(), "requests": dict(self._axis.requests)})

    async def _items(self, request: web.Request) -> web.Response:
        self._admit(request.headers.get("X-Practice-Token", request.query.get("token", "")))
        return _json({"items": [asdict(item) for item in self._axis.items.values()]})

    async def _turn(self, request: web.Request) -> web.Response:
        """JSON ``{"set": "sendEdoc:502=3x"}`` (or a list of such), or the page's form."""
        as_json = request.content_type == "application/json"
        asked: dict[str, Any] = orjson.loads(await request.read()) if as_json else dict(await request.post())
        self._admit(request.headers.get("X-Practice-Token", str(asked.get("token", ""))))
        words = asked.get("set") or f"{asked.get('call', ALL_CALLS)}:{asked.get('name')}={asked.get('how')}"
        if not as_json:
            words = words.removeprefix(f"{ALL_CALLS}:")
        try:
            for one in words if isinstance(words, list) else [words]:
                self._axis.knobs.set(str(one))
        except ValueError as error:
            return _json({"error": str(error)}, 400)
        if as_json:
            return _json({"turned": self._turned()})
        raise web.HTTPSeeOther(f"/?token={self._token}")

    def _admit(self, token: str) -> None:
        if not hmac.compare_digest(token.encode(), self._token.encode()):
            raise web.HTTPForbidden(text="token")

    def _turned(self) -> list[dict[str, Any]]:
        return [knob.described() for knob in self._axis.knobs.turned]

    def _html(self) -> str:
        options = "".join(
            f'<option value="{fault.value}">{fault.value}: {html.escape(words[0])}</option>'
            for fault, words in WORDS.items()
        )
        calls = "".join(f"<option>{name}</option>" for name in (ALL_CALLS, *NAMES))
        turned = "".join(
            f"<tr><td>{knob['fault']}</td><td>{knob['call']}</td><td>{knob['probability']}</td>"
            f"<td>{knob['times']}</td><td>{html.escape(knob['argument'])}</td><td>{knob['struck']}</td></tr>"
            for knob in self._turned()
        )
        newest = list(self._axis.items.values())[: -SHOWN - 1 : -1]
        items = "".join(
            "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells) + "</tr>"
            for cells in (
                (item.doc_id, item.kind, item.sender, item.recipient, item.title, item.state, item.fetched)
                for item in newest
            )
        )
        return (
            f'<!doctype html><html lang="vi"><meta charset="utf-8"><title>Trục mô phỏng</title>'
            f"<style>{_STYLE}</style><h1>Trục mô phỏng</h1><form method=post action=/_knobs>"
            f'<input type=hidden name=token value="{html.escape(self._token)}">'
            f"<select name=name>{options}</select> <select name=call>{calls}</select> "
            f'<input name=how value="1x" size=12 title="on, off, 0.3, 3x, on@5"> <button>Vặn</button></form>'
            "<h2>Đang vặn</h2><table><tr><th>Núm<th>Lời gọi<th>Xác suất<th>Số lần còn<th>Tham số"
            "<th>Đã gây</tr>"
            f"{turned}</table><h2>Gói tin</h2><table><tr><th>docId<th>Loại<th>Từ<th>Đến<th>Trích yếu"
            f"<th>Trạng thái<th>Số lần lấy</tr>{items}</table></html>"
        )


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")
