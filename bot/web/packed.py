"""Citizens' pages and all style and script travel compressed: a phone on an old network pays for every kilobyte."""

from __future__ import annotations

from typing import Final

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

LEVEL: Final = 6
LEAST_BYTES: Final = 500


class Packed:
    """ASGI middleware: gzip for whoever accepts it, but never for the officers' pages and platforms' doors.

    Compression beside a secret tells its length to whoever can have a victim's browser ask with words of theirs (BREACH). The
    officers' pages hold such secrets. A citizen's page does not answer to another site: its cookie is `SameSite=strict`, and
    without it there is nothing of anybody in the page.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._packing = GZipMiddleware(app, minimum_size=LEAST_BYTES, compresslevel=LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and the answer back, packed or not."""
        packs = scope["type"] == "http" and not scope["path"].startswith("/officers")
        await (self._packing if packs else self._app)(scope, receive, send)
