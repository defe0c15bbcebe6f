"""Updates by webhook: Telegram posts each one, and gets its 200 only after the commit.

The 200 to a pressed button also carries the call that ends the button's waiting, so that it costs no request of its own and
the phone shows at once that the press was taken: https://core.telegram.org/bots/api#making-requests-when-getting-updates
"""

from __future__ import annotations

import hmac
from typing import Final

import msgspec
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot import log
from bot.channels.base import Ignored, Inbound
from bot.channels.telegram.read import UNREADABLE
from bot.channels.telegram.send import TelegramChannel
from bot.channels.wire.receiving import Receive, body_of, why_not_stored

HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"
PATH: Final = "/telegram"


def webhook_route(channel: TelegramChannel, secret: str, receive: Receive, path: str = PATH) -> Route:
    """POST `path`. 403 without the secret, 413 above 1 MiB, 503 if `receive` raises, 200 after it returned.

    A body that cannot be read gets 200 as well, and is counted in the log without its content: Telegram would repeat
    it, and hold back all that comes after it. Raises ValueError if the secret is empty.
    """
    if not secret:
        raise ValueError("the webhook's secret is empty: anybody could post as Telegram. Set one.")
    door = _Door(channel, secret, receive)
    return Route(path, door.post, methods=["POST"])


class _Door:
    def __init__(self, channel: TelegramChannel, secret: str, receive: Receive) -> None:
        self._channel = channel
        self._secret = secret.encode()
        self._receive = receive
        self._unreadable = 0

    async def post(self, request: Request) -> Response:
        if not hmac.compare_digest(request.headers.get(HEADER, "").encode(), self._secret):
            return Response(status_code=403)
        body = await body_of(request)
        if body is None:
            return Response(status_code=413)
        inbound = self._channel.read(body, request.headers)
        if isinstance(inbound, Ignored):
            self._count(inbound)
            return Response()
        pressed = inbound.press.get("id", "")
        if pressed:
            inbound = replace(inbound, press={name: value for name, value in inbound.press.items() if name != "id"})
        status = await self._received(inbound)
        return _closing(pressed) if pressed and status == 200 else Response(status_code=status)

    async def _received(self, inbound: Inbound) -> int:
        if why := await why_not_stored(self._receive, inbound):
            log.warn("telegram.not_stored", what=why)
            return 503
        return 200

    def _count(self, ignored: Ignored) -> None:
        if ignored is UNREADABLE:
            self._unreadable += 1
            log.warn("telegram.unreadable", count=self._unreadable)


def _closing(pressed: str) -> Response:
    call = {"method": "answerCallbackQuery", "callback_query_id": pressed}
    return Response(msgspec.json.encode(call), media_type="application/json")
