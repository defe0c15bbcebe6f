"""Events by webhook: Zalo posts each one, and wants its 200 within two seconds (channels.md §1.2 "Webhook events").

What is not signed is answered 200 and goes nowhere: another answer would have Zalo show the address as broken. What is signed
gets its 200 when it is stored. What cannot be stored in time gets 503 and is tried again here as well, for nobody is sure that
Zalo repeats it (it says so only of connections that failed); a repeat is known by its id.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot import log
from bot.channels.base import Ignored, Inbound
from bot.channels.wire.receiving import Receive, body_of, why_not_stored
from bot.channels.zalo_oa.read import UNREADABLE, read
from bot.channels.zalo_oa.send import ZaloOaChannel
from bot.channels.zalo_oa.signature import HEADER, MOMENT_HEADER, is_signed

PATH: Final = "/zalo-oa"
ANSWER_WITHIN_S: Final = 1.7
AGAIN_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 60.0, 60.0, 60.0, 60.0)
"""Seconds before each further try of what could not be stored: some six minutes."""
MOST_LATER: Final = 1000
SAY_EVERY_S: Final = 60.0

Pause = Callable[[float], Awaitable[None]]


def webhook_route(
    channel: ZaloOaChannel, app_id: str, key: str, receive: Receive, path: str = PATH, *, pause: Pause = asyncio.sleep
) -> Route:
    """GET and POST `path`. `key` is the OA Secret Key. Raises ValueError if it or the app's id is empty."""
    if not (app_id and key):
        raise ValueError("the app's id or the OA Secret Key is empty: anybody could post as Zalo. Set both.")
    return Route(path, _Door(channel, app_id, key, receive, pause).answer, methods=["GET", "POST"])


class _Door:
    def __init__(self, channel: ZaloOaChannel, app_id: str, key: str, receive: Receive, pause: Pause) -> None:
        self._channel = channel
        self._app_id = app_id
        self._key = key
        self._receive = receive
        self._pause = pause
        self._dropped = 0
        self._said_at = float("-inf")
        self._under_way: set[asyncio.Task[bool]] = set()

    async def answer(self, request: Request) -> Response:
        body = await body_of(request) if request.method == "POST" else b""
        if body is not None and body.strip() in (b"", b"{}"):
            return Response()  # Zalo tries the address when it is saved, unsigned (channels.md §1.2 "URL save probe")
        headers = request.headers
        if body is None or not is_signed(
            body, headers.get(HEADER, ""), self._app_id, self._key, headers.get(MOMENT_HEADER, "")
        ):
            self._drop("unsigned" if body is not None else "too_large")
            return Response()
        found = read(body, self._channel.account)
        if isinstance(found, Ignored):
            if found is UNREADABLE:
                self._drop("unreadable")
            return Response()
        return Response(status_code=200 if await self._stored_in_time(found) else 503)

    async def _stored_in_time(self, found: Sequence[Inbound]) -> bool:
        task = asyncio.create_task(self._stored(found))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        done, _ = await asyncio.wait({task}, timeout=ANSWER_WITHIN_S)
        return bool(done) and task.result()

    async def _stored(self, found: Sequence[Inbound]) -> bool:
        """Store all of an event. False as soon as one could not be: they are tried again beside."""
        for at, inbound in enumerate(found):
            if not await self._received(inbound):
                self._try_later(found[at:])
                return False
        return True

    async def _received(self, inbound: Inbound) -> bool:
        if why := await why_not_stored(self._receive, inbound):
            log.warn("zalo_oa.not_stored", what=why)
        return not why

    def _try_later(self, found: Sequence[Inbound]) -> None:
        if len(self._under_way) >= MOST_LATER:
            return
        task = asyncio.create_task(self._later(found))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _later(self, found: Sequence[Inbound]) -> bool:
        """Store them as soon as it can be done. What Zalo repeats meanwhile is the same event, and stored once."""
        waiting = list(found)
        for seconds in AGAIN_S:
            await self._pause(seconds)
            while waiting and await self._received(waiting[0]):
                del waiting[0]
            if not waiting:
                return True
        log.warn("zalo_oa.given_up", count=len(waiting))
        return False

    def _drop(self, why: str) -> None:
        """Count what went nowhere; at most once a minute the log says so."""
        self._dropped += 1
        now = time.monotonic()
        if now - self._said_at >= SAY_EVERY_S:
            self._said_at = now
            log.warn("zalo_oa.dropped", count=self._dropped, what=why)
