"""Events by webhook: Zalo posts each one, and gets its 200 only after the commit (channels.md §1.1 "Webhook")."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot import log
from bot.channels.base import Ignored, Inbound
from bot.channels.wire.receiving import Receive, body_of, why_not_stored
from bot.channels.zalo_bot.nameless import named
from bot.channels.zalo_bot.read import UNREADABLE
from bot.channels.zalo_bot.send import ZaloBotChannel

HEADER: Final = "X-Bot-Api-Secret-Token"
PATH: Final = "/zalo-bot"
SAME_FOR_S: Final = 60.0
"""Of events that name no message, the same bytes within one minute are one."""


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
        body = await body_of(request)
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
        if why := await why_not_stored(self._receive, inbound):
            log.warn("zalo_bot.not_stored", what=why)
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
