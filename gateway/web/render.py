"""HTML: the only room that writes it.

In charge of: templates (autoescape on, an unknown name is an error), how instants, numbers and other people's
words are shown, and the Content-Security-Policy. Not in charge of: what a page says (``console/``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from gateway.clock import local, to_rfc3339
from gateway.model.text import Bilingual, Instant
from gateway.resources import packaged

LANGUAGES = ("vi", "en")
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
# What steers direction or shows nothing, in a subject or a file name: it is shown as its code point.
_UNSEEN = re.compile("[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5"
                     "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
                     "\ufff9-\ufffb\U000e0000-\U000e0fff]")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Words:
    """The language of one page. In templates ``t("Văn bản", "Documents")`` and ``say(bilingual)``."""

    lang: str

    def t(self, vi: str, en: str) -> str:
        """One of two texts."""
        return en if self.lang == "en" else vi

    def say(self, text: Bilingual) -> str:
        """The page's language of a text in both."""
        return text.en if self.lang == "en" else text.vi

    def number(self, value: int | None) -> str:
        """1.234 in Vietnamese, 1,234 in English; "—" for none."""
        if value is None:
            return "—"
        return f"{value:,}" if self.lang == "en" else f"{value:,}".replace(",", ".")

    def size(self, value: int) -> str:
        """Bytes as KB or MB."""
        amount, unit = (value / 1_048_576, "MB") if value >= 1_048_576 else (value / 1024, "KB")
        text = f"{amount:,.1f}" if amount < 100 else f"{amount:,.0f}"
        return f"{text if self.lang == 'en' else text.translate(_VIETNAMESE)} {unit}"

    def span(self, seconds: float) -> str:
        """How long something takes or waits: the two largest units."""
        for length, vi, en, less, less_vi, less_en in _SPANS:
            if seconds >= length:
                first, rest = divmod(int(seconds), length)
                second = rest // less if less else 0
                text = f"{first} {self.t(vi, en)}"
                return f"{text} {second} {self.t(less_vi, less_en)}" if second else text
        return f"{int(seconds * 1000)} ms" if seconds < 1 else f"{int(seconds)} {self.t('giây', 's')}"


_VIETNAMESE = str.maketrans(",.", ".,")
_SPANS = (
    (86_400, "ngày", "d", 3600, "giờ", "h"),
    (3600, "giờ", "h", 60, "phút", "min"),
    (60, "phút", "min", 0, "", ""),
)


def shown(text: object) -> Markup:
    """Somebody else's words: isolated, and what cannot be seen is shown as its code point."""
    parts, last, words = [], 0, str(text)
    for found in _UNSEEN.finditer(words):
        parts.append(escape(words[last : found.start()]))
        parts.append(Markup('<span class="unseen">U+{:04X}</span>').format(ord(found.group())))
        last = found.end()
    parts.append(escape(words[last:]))
    return Markup('<bdi class="said">{}</bdi>').format(Markup("").join(parts))


def when(instant: Instant | None) -> Markup:
    """23/11/2026 15:04:05, at +07:00 whatever the browser's zone; "—" for none."""
    if instant is None:
        return Markup("—")
    moment: datetime = local(instant)
    return Markup('<time datetime="{}">{}</time>').format(to_rfc3339(instant), f"{moment:%d/%m/%Y %H:%M:%S}")


def day(value: date | str | None) -> str:
    """23/11/2026; a text that is no ISO day as it is."""
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            return value if isinstance(value, str) else "—"
    return f"{value:%d/%m/%Y}" if value else "—"


@cache
def _templates() -> Environment:
    folder = packaged("web", "templates")
    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {"when": when, "day": day, "shown": shown}
    return made


def offer(**functions: Callable[..., Any]) -> None:
    """Functions that all templates may call; the console names its own at start."""
    _templates().globals.update(functions)


def hidden(name: str, value: str) -> Markup:
    """A hidden field of a form."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(name, value)


def text_of(template: str, lang: str, **values: Any) -> str:
    """The HTML of a template. ``t``, ``say``, ``number``, ``size`` and ``span`` speak ``lang``."""
    words = Words(lang if lang in LANGUAGES else "vi")
    given = {
        "lang": words.lang,
        "t": words.t,
        "say": words.say,
        "number": words.number,
        "size": words.size,
        "span": words.span,
    }
    return _templates().get_template(template).render(given | values)


def html(template: str, lang: str, *, status: int = 200, **values: Any) -> web.Response:
    """A page. Nothing of it is kept by browsers or proxies."""
    return web.Response(
        text=text_of(template, lang, **values),
        status=status,
        content_type="text/html",
        charset="utf-8",
        headers={"Content-Security-Policy": POLICY},
    )


def page(
    title: Bilingual, paragraphs: Sequence[Bilingual], links: Sequence[tuple[str, Bilingual]]
) -> web.Response:
    """A page of plain sentences and links, Vietnamese first, English beneath."""
    return html("plain.html", "vi", title=title, paragraphs=paragraphs, links=links)
