"""What tells an open list that something changed: server-sent events that hold a mark and two counts, nothing of a case.

The page then asks for itself anew. One look at the list serves everybody of an office who has it open.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from bot.web.console.access import OPENS, Desk, list_open, still_signed_in
from bot.web.words import WAITING, due
from storage.base import StorageAway

LOOK_S: Final = 2.0
PING_EVERY: Final = 7
"""Looks between two signs of life: proxies cut a line that is silent for a minute."""
LOOKS: Final = 900
"""Half an hour; then the browser connects anew by itself."""
RETRY_MS: Final = 3000

Pause = Callable[[float], Awaitable[None]]


class Mark(msgspec.Struct, frozen=True):
    """What stands for a list: a digest of where its referrals are, how many wait, how many of these are urgent."""

    mark: str
    waiting: int
    urgent: int


@dataclass
class Board:
    """The latest mark of each office, so that a hundred open pages ask the database no more often than one."""

    _seen: dict[str, tuple[float, Mark]] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic

    async def look(self, desk: Desk) -> Mark:
        """The mark of the officer's list, at most LOOK_S old. Raises StorageAway."""
        key = "*" if desk.officer.role == "admin" else f"{desk.officer.office}/{desk.officer.role in OPENS}"
        kept = self._seen.get(key)
        if kept is not None and self.clock() - kept[0] < LOOK_S:
            return kept[1]
        made = await mark_of(desk)
        self._seen[key] = (self.clock(), made)
        return made


async def mark_of(desk: Desk) -> Mark:
    """The mark of the officer's list as it is now: it changes whenever a row would."""
    now = desk.parts.now()
    rows = await list_open(desk)
    told = [(one.id, one.state, one.level, one.urgent, one.officer, due(one, now)[1]) for one in rows]
    waiting = [one for one in rows if one.state in WAITING]
    digest = hashlib.sha256(msgspec.json.encode(sorted(told))).hexdigest()[:16]
    return Mark(digest, len(waiting), sum(one.urgent for one in waiting))


async def changes(
    desk: Desk, board: Board, leaving: Callable[[], bool], pause: Pause = asyncio.sleep
) -> AsyncIterator[bytes]:
    """The stream: `mark` at once and on every change, `away` while the database is, `gone` when the session is over."""
    yield f"retry: {RETRY_MS}\n\n".encode()
    told: Mark | None = None
    for count in range(LOOKS):
        try:
            if count % PING_EVERY == 0 and not await still_signed_in(desk):
                yield _event("gone", b"{}")
                return
            mark = await board.look(desk)
        except StorageAway:
            told = None
            yield _event("away", b"{}")
        else:
            if mark != told:
                yield _event("mark", msgspec.json.encode(mark))
            elif count % PING_EVERY == 0:
                yield b": \n\n"
            told = mark
        if leaving():
            return
        await pause(LOOK_S)
        if leaving():
            return


def _event(name: str, body: bytes) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), body)


async def stream(request: Request, desk: Desk) -> Response:
    """GET /live: the stream, told not to be gathered up by a proxy on the way."""
    told = changes(desk, request.app.state.board, desk.parts.leaving)
    return StreamingResponse(told, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
