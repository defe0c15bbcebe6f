"""Events by webhook: Zalo posts each one, and gets its 200 only after the commit (channels.md §1.1 "Webhook")."""

from __future__ import annotations

import hmac
import time
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from bot import log
from bot.channels.base import Ignored, Inbound
from bot.channels.zalo_bot.nameless import named
from bot.channels.zalo_bot.read import UNREADABLE
from bot.channels.zalo_bot.send import ZaloBotChannel

LARGEST_BODY: Final = 1024 * 1024
"""Bytes. A real event takes a kilobyte."""
HEADER: Final = "X-Bot-Api-Secret-Token"
PATH: Final = "/zalo-bot"
SAME_FOR_S: Final = 60.0
"""Of events that name no message, the same bytes within one minute are one."""

Receive = Callable[[Inbound], Awaitable[None]]


def webhook_route(
    channel: ZaloBotChannel, secret: str, receive: Receive, path: str = PATH, clock: Callable[[], float] = time.time
) -> Route:
    """POST `path`. 403 without the secret, 413 above 1 MiB, 503 if `receive` raises, 200 after it returned.

    A body without a byte is Zalo's probe of the address: 200, whatever its headers (channels.md §1.1). One that is signed and
    cannot be read gets 200 too and is counted without its content. Raises ValueError if the secret is empty.
    """
    if not secret:
        raise ValueError("the webhook's secret is empty: anybody could post as Zalo. Set one.")
    return Route(path, _Door(channel, secret, receive, clock).post, methods=["POST"])


class _Door:
    def __init__(self, channel: ZaloBotChannel, secret: str, receive: Receive, clock: Callable[[], float]) -> None:
        self._channel = channel
        self._secret = secret.encode()
        self._receive = receive
        self._clock = clock
        self._unreadable = 0

    async def post(self, request: Request) -> Response:
        signed = hmac.compare_digest(request.headers.get(HEADER, "").encode(), self._secret)
        if not signed and not _is_probe(request):
            return Response(status_code=403)
        body = await _body(request)
        if body is None:
            return Response(status_code=413)
        if not signed:
            return Response()
        inbound = self._channel.read(body, request.headers)
        if isinstance(inbound, Ignored):
            self._count(inbound)
            return Response()
        return Response(status_code=await self._received(named(inbound, body, self._clock(), SAME_FOR_S)))

    async def _received(self, inbound: Inbound) -> int:
        try:
            await self._receive(inbound)
        except Exception as error:
            # Nothing was stored, so Zalo must send it again, whatever the reason. Only the kind of error is logged: its text
            # could hold what the person wrote.
            log.warn("zalo_bot.not_stored", what=type(error).__name__)
            return 503
        return 200

    def _count(self, ignored: Ignored) -> None:
        if ignored is UNREADABLE:
            self._unreadable += 1
            log.warn("zalo_bot.unreadable", count=self._unreadable)


def _is_probe(request: Request) -> bool:
    """Whether the head promises no body: nobody's words can be in it."""
    length = request.headers.get("content-length", "0")
    return length == "0" and "transfer-encoding" not in request.headers


async def _body(request: Request) -> bytes | None:
    """The body, or None as soon as it is known to be larger than `LARGEST_BODY`."""
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > LARGEST_BODY:
        return None
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_BODY:
                return None
    except ClientDisconnect:
        return None  # nobody is left to read the answer
    return bytes(body)
