"""The table of routes, the middleware around them, and what answers when something is not there. No handlers."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from bot import log
from bot.web import away, chat, listen, real
from bot.web.console.live import Board
from bot.web.console.routes import ROUTES as CONSOLE
from bot.web.guard import Guard
from bot.web.news import Lines, news
from bot.web.packed import Packed
from bot.web.pages import error_page
from bot.web.parts import Site as Site
from bot.web.parts import site_of
from storage.base import StorageAway

STATIC: Final = Path(__file__).resolve().parent / "static"
TYPES: Final = {
    ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
    ".png": "image/png", ".webmanifest": "application/manifest+json",
}  # fmt: skip
COMMENT: Final = re.compile(rb"^\s*//.*\n", re.MULTILINE)
"""A line of a script that is for who reads the file: a phone at 40 kbit/s need not wait half a second for them."""
HEALTH_WITHIN_S: Final = 5.0


def _sent(path: Path) -> bytes:
    content = path.read_bytes()
    return COMMENT.sub(b"", content) if path.suffix == ".js" else content


FILES: Final = {path.name: _sent(path) for path in sorted(STATIC.iterdir()) if path.suffix in TYPES}


async def worker(request: Request) -> Response:
    """GET /sw.js: the script of the page on a home screen. It lies beside the pages, because it may act for no others."""
    return Response(FILES["sw.js"], media_type=TYPES[".js"])


CITIZENS: Final[tuple[BaseRoute, ...]] = (
    Route("/", chat.show, methods=["GET"]),
    Route("/", chat.post, methods=["POST"]),
    Route("/news", news, methods=["GET"]),
    Route("/nghe/{language}/{key}", listen.sound, methods=["GET"]),
    Route("/left", chat.left, methods=["GET"]),
    Route("/lich", away.leave, methods=["GET", "POST"]),
    Route("/that", real.real, methods=["GET"]),
    Route("/that.txt{ending}", real.signed, methods=["GET"]),
    Route("/that.txt", real.signed, methods=["GET"]),
    Route("/cho", chat.offline, methods=["GET"]),
    Route("/sw.js", worker, methods=["GET"]),
    Route("/exit", away.leave, methods=["GET", "POST"]),  # of a page that was open while the program was renewed
)


def build_site(parts: Site) -> Starlette:
    """The whole web application over these parts."""
    free = frozenset(route.path for route in parts.extra_routes if isinstance(route, Route))
    site = Starlette(
        routes=[
            *CITIZENS,
            *CONSOLE,
            Route("/static/{name}", static, methods=["GET"]),
            Route("/health", health, methods=["GET"]),
            *parts.extra_routes,
        ],
        middleware=[
            Middleware(Guard, free=free, limits=parts.receiver.limits, proxies=parts.settings.proxies),
            Middleware(Packed),
        ],
        exception_handlers={StorageAway: _away, HTTPException: _refused},
        lifespan=parts.lifespan,
    )
    site.router.redirect_slashes = False  # such a redirect would repeat the Host header that somebody sent
    site.state.parts = parts
    site.state.board = Board()
    site.state.lines = Lines()
    return site


async def static(request: Request) -> Response:
    """A file of ours, held in memory."""
    name = request.path_params["name"]
    if name not in FILES:
        raise HTTPException(404)
    return Response(FILES[name], media_type=TYPES[Path(name).suffix])


async def health(request: Request) -> Response:
    """200 while storage answers, 503 otherwise; and what an operator must do.

    Still 200 where nobody delivers: a balancer that took this page away for it would take the numbers to call with it.
    """
    try:
        await asyncio.wait_for(site_of(request).storage.next_due(), HEALTH_WITHIN_S)
    except (StorageAway, TimeoutError):
        return PlainTextResponse("storage is away\n", 503)
    return PlainTextResponse(f"{site_of(request).problem() or 'ok'}\n")


async def _away(request: Request, error: Exception) -> Response:
    log.warn("page.storage_away")
    return error_page(request, 503)


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    response = error_page(request, status)
    if isinstance(error, HTTPException) and error.headers:
        response.headers.update(error.headers)
    return response
