"""Templates → answers. Everything is escaped by itself; what a person wrote cannot become markup, control or direction."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bot.channels.base import Button
from bot.web.form import fresh_nonce
from bot.web.look import look_of
from bot.web.parts import site_of
from bot.web.visitor import token_of

FOLDER: Final = Path(__file__).resolve().parent
_STRANGE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")
_RECEIPT = re.compile(r"(?<!\d)\d{4}(?: \d{4}){3}(?!\d)")

Translate = Callable[[str, str], str]


def visible(text: str) -> str:
    """Characters that cannot be seen, or that turn the direction of writing, shown by their number instead."""
    return _STRANGE.sub(lambda found: f"⟦U+{ord(found[0]):04X}⟧", text)


def environment() -> Environment:
    """The templates, with escaping on and unknown names refused."""
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["visible"] = visible
    return made


TEMPLATES: Final = environment()


def translate_for(request: Request, locale: str) -> Translate:
    """`pgettext(context, text)` in a language: the page's own sentences, from the same catalogues as the bot's."""
    catalogues = site_of(request).book.catalogues
    return lambda context, text: catalogues.translate(locale, context, text)


def locale_of(request: Request) -> str:
    """The language of somebody without a conversation: what they chose, else what their browser asks for first."""
    offered = site_of(request).book.catalogues.locales
    first = request.headers.get("accept-language", "").partition(",")[0].partition(";")[0].partition("-")[0].lower()
    wished = [request.query_params.get("lang", ""), first]
    return next((locale for locale in wished if locale in offered), "vi")


def render(request: Request, template: str, status: int = 200, *, locale: str = "vi", **values: Any) -> Response:
    """A page. Every template has `pgettext`, `locale`, `root` and `trial`; officers' pages speak through `t` and `look`."""
    parts = site_of(request)
    look = look_of(request)
    text = TEMPLATES.get_template(template).render(
        pgettext=translate_for(request, locale),
        locale=locale,
        trial=parts.settings.trial,
        t=look.say,
        look=look,
        root=root_of(request),
        **{"here": request.url.path, **values},
    )
    return HTMLResponse(text, status)


def root_of(request: Request) -> str:
    """The way from this page to the first one. No page of the citizens' names a host or a path from the top, so that a proxy
    may put all of them below any folder of any host.
    """
    return "../" * (request.url.path.count("/") - 1) or "./"


def error_page(request: Request, status: int, number: str = "") -> Response:
    """The page for whatever went wrong: citizens see whom to call, officers a plain sentence."""
    if request.url.path.startswith("/officers"):
        return render(request, "console/error.html", status, number=number, answer=status, officer=None, here="")
    locale = locale_of(request)
    # Without a token the button would not be heard; the first page, one tap away, gives one.
    danger = danger_button(request, locale, quiet=False) if status < 500 and token_of(request) else None
    return render(
        request, "error.html", status, locale=locale, answer=status, number=number, danger=danger, nonce=fresh_nonce(),
        safe=safe(request, locale), dial=lambda text: dialable(request, text),
    )  # fmt: skip


def danger_button(request: Request, locale: str, *, quiet: bool) -> Button:
    """The button that works on every page, in its neutral words where somebody may read along."""
    book = site_of(request).book
    way = book.flows.way("danger")
    neutral = book.flows.everywhere.quiet_labels.get("danger", way.label)
    context, label = ("everywhere.quiet.danger", neutral) if quiet else (way.context, way.label)
    return Button("p0:danger", book.catalogues.translate(locale, context, label), "danger", "danger")


def safe(request: Request, locale: str) -> Markup:
    """The sentence shown when anything at all fails: whom to call."""
    book = site_of(request).book
    text = book.flows.everywhere.sentences["safe_sentence"]
    return dialable(request, book.catalogues.translate(locale, "everywhere.safe_sentence", text))


def dialable(request: Request, text: str) -> Markup:
    """The text, escaped, with the numbers of the directory as links that a thumb dials, and a receipt set apart."""
    numbers = site_of(request).book.referral.hotlines
    spoken = sorted({*(hotline.number for hotline in numbers.values()), *numbers}, key=len, reverse=True)
    spoken = [number for number in spoken if number.replace(" ", "").lstrip("+").isdigit()]
    pattern = "|".join([_RECEIPT.pattern, *(rf"(?<![\d+]){re.escape(number)}(?! ?\d)" for number in spoken)])
    made, at = Markup(""), 0
    for found in re.finditer(pattern, text):
        made += escape(text[at : found.start()]) + _marked(found[0])
        at = found.end()
    return made + escape(text[at:])


def _marked(text: str) -> Markup:
    if _RECEIPT.fullmatch(text):
        return Markup('<strong class="receipt">{}</strong>').format(text)
    return Markup('<a class="number" href="tel:{}">{}</a>').format(text.replace(" ", ""), text)
