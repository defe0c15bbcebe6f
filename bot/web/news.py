"""What tells a page that stays open that an officer wrote: server-sent events that hold a mark, nothing of what was said.

Only somebody whose report is with an office is told, and nobody in quiet mode: there nothing comes by itself.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from bot.web import said
from bot.web.parts import site_of
from bot.web.visitor import token_of
from storage.base import StorageAway

LOOK_S: Final = 3.0
PING_EVERY: Final = 8
"""Looks between two signs of life: proxies cut a line that is silent for a minute."""
LOOKS: Final = 600
"""Half an hour; then the browser connects anew by itself."""
RETRY_MS: Final = 20_000
"""Before a browser connects anew: for whom no line is free, this is how often they ask."""
MOST: Final = 500
"""Lines of one process that are open at once, each with a look every LOOK_S; MOST_EACH of one visitor."""
MOST_EACH: Final = 3

Look = Callable[[], Awaitable[str]]
Pause = Callable[[float], Awaitable[None]]


class Lines:
    """How many are open, all together and of each visitor. Kept in memory only."""

    def __init__(self, most: int = MOST, most_each: int = MOST_EACH) -> None:
        self._most, self._most_each = most, most_each
        self._open: Counter[str] = Counter()

    @contextmanager
    def one(self, token: str) -> Iterator[bool]:
        """Whether a line is free for this visitor; it is taken for as long as this is open."""
        free = self._open.total() < self._most and self._open[token] < self._most_each
        if free:
            self._open[token] += 1
        try:
            yield free
        finally:
            if free:
                self._open[token] -= 1
                self._open += Counter()  # forgets those at nought


async def news(request: Request) -> Response:
    """GET /news: the marks of what would be shown, one now and one for each change. `gone` where nothing may be told."""
    token, parts = token_of(request), site_of(request)
    lines: Lines = request.app.state.lines

    async def look() -> str:
        shown = await said.shown(request, token)
        return shown.mark if shown.waits else ""

    async def told() -> AsyncIterator[bytes]:
        with lines.one(token) as free:
            async for piece in marks(look, parts.leaving, looks=LOOKS if free else 1):
                yield piece

    return StreamingResponse(told(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def marks(
    look: Look, leaving: Callable[[], bool], pause: Pause = asyncio.sleep, looks: int = LOOKS
) -> AsyncIterator[bytes]:
    """The stream itself. While storage is away nothing is told; the browser notices nothing, and hears the next change."""
    yield f"retry: {RETRY_MS}\n\n".encode()
    before = ""
    for count in range(looks):
        try:
            mark = await look()
        except StorageAway:
            mark = before
        else:
            if not mark:
                yield b"event: gone\ndata: \n\n"
                return
        if mark != before:
            yield f"event: mark\ndata: {mark}\n\n".encode()
        elif count % PING_EVERY == 0:
            yield b": \n\n"
        before = mark
        if leaving() or count + 1 == looks:
            return
        await pause(LOOK_S)
        if leaving():
            return
