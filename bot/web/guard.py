"""Around every page: headers that keep it private, a cap on what comes in, and an answer whatever fails inside."""

from __future__ import annotations

import secrets
from typing import Any, Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot import log
from bot.web.pages import error_page

CSP: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": CSP,
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}
LARGEST: Final = 64 * 1024 * 1024
"""Bytes of a citizen's form that are read. Only 12 MB of files are kept (`form.py`): the rest is let go of as it comes, so that
a video that is too large does not take the words and the press of the danger button with it."""
LARGEST_ELSEWHERE: Final = 64 * 1024
"""Bytes of any other form (sign-in, an officer's action)."""


class TooLarge(Exception):
    """A body is larger than its door takes."""


class Guard:
    """ASGI middleware. Platforms' webhooks (`free`: paths) cap their own bodies, and get the headers all the same."""

    def __init__(self, app: ASGIApp, free: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._free = free

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer it here when it is too large or when something fails unexpectedly."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        try:
            await self._app(scope, self._capped(scope, receive), answer)
        except TooLarge:
            await _fail(scope, receive, answer, 413, "")
        except Exception as error:
            number = secrets.token_hex(5)
            # Only the kind of the failure is written: its text could hold what somebody wrote.
            log.warn("page.failed", error=number, what=type(error).__name__, where=_place(error))
            await _fail(scope, receive, answer, 500, number)

    def _capped(self, scope: Scope, receive: Receive) -> Receive:
        if scope["path"] in self._free:
            return receive
        left = LARGEST if scope["path"] == "/" else LARGEST_ELSEWHERE

        async def counted() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise TooLarge
            return message

        return counted


class _Answer:
    """`send` that adds the headers and knows whether the answer has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
        await self._send(message)


async def _fail(scope: Scope, receive: Receive, answer: _Answer, status: int, number: str) -> None:
    if answer.begun:
        # Half an answer cannot be taken back; the connection is broken off so that nobody takes it for whole.
        raise RuntimeError(f"an answer broke off ({number})") from None
    response = error_page(Request(scope, receive), status, number)
    await response(scope, receive, answer)


def _place(error: BaseException) -> str:
    trace: Any = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rsplit('/', 2)[-1]}:{trace.tb_lineno}" if trace else "?"
