"""HTML: the only room that writes it.

In charge of: escaping. Not in charge of: what a page says. For now there is one small page; the console of a
later version uses the same room.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from html import escape

from aiohttp import web

from gateway.model.text import Bilingual

_STYLE = (
    "body{font:16px/1.6 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem;color:#1c2b33}"
    "h1{font-size:1.5rem}p[lang=en]{color:#5b6b74}code{background:#eef2f4;padding:.1rem .3rem}"
    "a{color:#0b5cad}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'; base-uri 'none'"


def page(
    title: Bilingual, paragraphs: Sequence[Bilingual], links: Sequence[tuple[str, Bilingual]]
) -> web.Response:
    """A page of plain sentences and links, Vietnamese first. Everything is escaped."""
    body = "".join(_pair(text) for text in paragraphs)
    listed = "".join(
        f'<li><a href="{escape(href)}">{escape(text.vi)}</a> <span lang="en">({escape(text.en)})</span></li>'
        for href, text in links
    )
    html = (
        '<!doctype html><html lang="vi"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title.vi)}</title><style>{_STYLE}</style></head>"
        f'<body><h1>{escape(title.vi)}</h1><p lang="en">{escape(title.en)}</p>'
        f"{body}<ul>{listed}</ul></body></html>"
    )
    return web.Response(
        text=html, content_type="text/html", charset="utf-8", headers={"Content-Security-Policy": _POLICY}
    )


def _pair(text: Bilingual) -> str:
    return f'<p>{escape(text.vi)}</p><p lang="en">{escape(text.en)}</p>'
