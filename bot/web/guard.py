"""Around every page: headers that keep it private, limits to what comes in, and an answer whatever fails inside."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot import log
from bot.limits import Network, RateLimits, network_of
from bot.web.pages import error_page
from bot.web.parts import site_of

CSP: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; media-src 'self'; font-src 'self'; script-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": CSP,
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), microphone=(self), geolocation=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}
STRICTER: Final = frozenset({"Content-Security-Policy"})
"""What a page may have set itself: the copy of a file that somebody sent may do nothing at all."""
LARGEST: Final = 64 * 1024 * 1024
"""Bytes of a citizen's form that are read. Only 12 MB of files are kept (`form.py`): the rest is let go of as it comes, so that
a video that is too large does not take the words and the press of the danger button with it."""
LARGEST_ELSEWHERE: Final = 64 * 1024
"""Bytes of any other form (sign-in, an officer's action)."""

REFUSALS: Final = frozenset({400, 401, 403, 404, 405, 413, 422})
"""Answers that say no: something was wrong, replayed or forged. They are counted by network and by kind, and never said why."""
KINDS: Final = (
    ("/officers/sign-in", "sign_in"),
    ("/officers/join", "invite"),
    ("/officers/exports", "export"),
    ("/officers", "console"),
    ("/telegram", "webhook"),
    ("/zalo-bot", "webhook"),
)
"""What was refused, by where it was tried; `page` for anything else."""
DOORS: Final = ("/officers/sign-in", "/officers/join")
"""Where passwords and codes can be tried: each try costs a tenth of a second of a core."""
SESSION: Final = "canbo"
WAIT_S: Final = 60


class TooLarge(Exception):
    """A body is larger than its door takes."""


class Guard:
    """ASGI middleware. Platforms' webhooks (`free`: paths) cap their own bodies, and get the headers all the same."""

    def __init__(
        self, app: ASGIApp, free: frozenset[str] = frozenset(), limits: RateLimits | None = None,
        proxies: Sequence[Network] = (),
    ) -> None:  # fmt: skip
        self._app = app
        self._free = free
        self._limits = limits or RateLimits()
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer it here when it is too large or when something fails unexpectedly."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        network = self._network(scope)
        scope.setdefault("state", {})["network"] = network
        if network and not self._lets_in(scope, network):
            self._limits.refused("request")
            await _too_fast(scope, receive, answer)
            return
        try:
            await self._app(scope, self._capped(scope, receive), answer)
        except TooLarge:
            await _fail(scope, receive, answer, 413, "")
        except Exception as error:
            number = secrets.token_hex(5)
            # Only the kind of the failure is written: its text could hold what somebody wrote.
            log.warn("page.failed", error=number, what=type(error).__name__, where=_place(error))
            await _fail(scope, receive, answer, 500, number)
        self._count(scope, answer, network)

    def _network(self, scope: Scope) -> bytes:
        """The mark of the network that a request comes from; empty where nobody knows."""
        peer = scope["client"][0] if scope.get("client") else ""
        forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        network = network_of(peer, forwarded.decode("latin-1"), self._proxies)
        return self._limits.mark(network) if network else b""

    def _lets_in(self, scope: Scope, network: bytes) -> bool:
        """Whether their network may ask this now. A form of the citizens' page is read first: it may be a cry for help."""
        path, is_post = scope["path"], scope["method"] == "POST"
        if is_post and path == "/":
            return True
        if path in self._free:
            return self._limits.may("wrong", network)  # a platform sends everything from one network
        if is_post and path.startswith(DOORS) and not self._limits.take("doors", network):
            return False
        if path.startswith("/officers") and not _has_cookie(scope, SESSION) and not self._limits.may("wrong", network):
            return False
        return self._limits.take("requests", network)

    def _count(self, scope: Scope, answer: _Answer, network: bytes) -> None:
        """Remember what was refused: by kind for the operator, by network for what comes next."""
        path = scope["path"]
        is_forged = answer.to_sign_in and _has_cookie(scope, SESSION)
        if path == "/" or not (is_forged or answer.status in REFUSALS):
            return
        kind = next((kind for start, kind in KINDS if path.startswith(start)), "page")
        self._limits.refused("session" if is_forged else kind)
        if network:
            self._limits.use("wrong", network)

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
        self.status = 0
        self.to_sign_in = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            self.status = message["status"]
            self.to_sign_in = headers.get("location", "").startswith("/officers/sign-in?")
            for name, value in HEADERS.items():
                if name not in headers or name not in STRICTER:
                    headers[name] = value
        await self._send(message)


async def _fail(scope: Scope, receive: Receive, answer: _Answer, status: int, number: str) -> None:
    if answer.begun:
        # Half an answer cannot be taken back; the connection is broken off so that nobody takes it for whole.
        raise RuntimeError(f"an answer broke off ({number})") from None
    response = error_page(Request(scope, receive), status, number)
    await response(scope, receive, answer)


async def _too_fast(scope: Scope, receive: Receive, answer: _Answer) -> None:
    """429, the same for whatever was asked. Plain, for it must cost less than asking."""
    book = site_of(Request(scope)).book
    text = book.flows.everywhere.sentences["too_fast"]
    lines = dict.fromkeys(book.catalogues.translate(one, "everywhere.too_fast", text) for one in ("vi", "en"))
    response = PlainTextResponse("\n".join(lines) + "\n", 429, {"Retry-After": str(WAIT_S)})
    await response(scope, receive, answer)


def _has_cookie(scope: Scope, name: str) -> bool:
    given = b"; ".join(value for key, value in scope["headers"] if key == b"cookie").decode("latin-1")
    return any(one.strip().startswith(f"{name}=") for one in given.split(";"))


def _place(error: BaseException) -> str:
    trace: Any = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rsplit('/', 2)[-1]}:{trace.tb_lineno}" if trace else "?"
