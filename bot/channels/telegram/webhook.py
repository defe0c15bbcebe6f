"""Updates by webhook: Telegram posts each one, and gets its 200 only after the commit."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from bot import log
from bot.channels.base import Ignored, Inbound
from bot.channels.telegram.read import UNREADABLE
from bot.channels.telegram.send import TelegramChannel
from storage.base import StorageAway

LARGEST_BODY: Final = 1024 * 1024
"""Bytes. A real update takes a few kilobytes."""
HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"
PATH: Final = "/telegram"


def webhook_route(
    channel: TelegramChannel, secret: str, receive: Callable[[Inbound], Awaitable[None]], path: str = PATH
) -> Route:
    """POST `path`. 403 without the secret, 413 above 1 MiB, 503 while storage is away, 200 after the commit.

    A body that cannot be read gets 200 as well, and is counted in the log without its content: Telegram would repeat
    it, and hold back all that comes after it. Raises ValueError if the secret is empty.
    """
    if not secret:
        raise ValueError("the webhook's secret is empty: anybody could post as Telegram. Set one.")
    door = _Door(channel, secret, receive)
    return Route(path, door.post, methods=["POST"])


class _Door:
    def __init__(self, channel: TelegramChannel, secret: str, receive: Callable[[Inbound], Awaitable[None]]) -> None:
        self._channel = channel
        self._secret = secret.encode()
        self._receive = receive
        self._unreadable = 0

    async def post(self, request: Request) -> Response:
        if not hmac.compare_digest(request.headers.get(HEADER, "").encode(), self._secret):
            return Response(status_code=403)
        body = await _body(request)
        if body is None:
            return Response(status_code=413)
        inbound = self._channel.read(body, request.headers)
        if isinstance(inbound, Ignored):
            self._count(inbound)
            return Response()
        return Response(status_code=await self._received(inbound))

    async def _received(self, inbound: Inbound) -> int:
        try:
            await self._receive(inbound)
        except StorageAway:
            log.warn("telegram.storage_away")  # Telegram sends the update again
            return 503
        except Exception as error:
            # The text of the error could hold what the person wrote, so only its kind reaches the log.
            log.warn("telegram.update_failed", what=type(error).__name__)
            return 500
        return 200

    def _count(self, ignored: Ignored) -> None:
        if ignored is UNREADABLE:
            self._unreadable += 1
            log.warn("telegram.unreadable", count=self._unreadable)


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
        return None  # nobody is left to read the answer, and Telegram sends the update again
    return bytes(body)
