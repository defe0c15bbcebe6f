"""The switches of language and of light and dark. They change two cookies and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.web.console.access import PATH, where_to
from bot.web.look import LANGUAGE_COOKIE, LANGUAGES, THEME_COOKIE, THEMES
from bot.web.visitor import is_https

KEPT: Final = timedelta(days=365)
SWITCHES: Final = {"tieng": (LANGUAGE_COOKIE, LANGUAGES), "nen": (THEME_COOKIE, THEMES)}


async def switch(request: Request) -> Response:
    """GET look?tieng=en or ?nen=dark: back to the page it was pressed on. What is unknown changes nothing."""
    response = RedirectResponse(where_to(request.query_params.get("ve", "")), 303)
    for name, (cookie, known) in SWITCHES.items():
        wished = request.query_params.get(name, "")
        if wished in known:
            response.set_cookie(
                cookie, wished, max_age=int(KEPT.total_seconds()), path=PATH, httponly=True, samesite="strict",
                secure=is_https(request),
            )  # fmt: skip
    return response
