"""Leaving at once, and the page it leads to: a calendar, which nobody wonders about and which needs nobody else.

What it takes to leave no way back is written in docs/decisions/0017-web-chat.md.
"""

from __future__ import annotations

from calendar import Calendar
from dataclasses import dataclass
from typing import Final

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot import log
from bot.channels.web import CHANNEL
from bot.web.pages import locale_of, render
from bot.web.parts import site_of
from bot.web.visitor import clear_token, token_of
from referral.clocks import VIET_NAM
from storage.base import Address, StorageAway

MONDAY: Final = 0


@dataclass(frozen=True, slots=True)
class Month:
    """A sheet of a calendar: weeks of seven days that begin on Monday, 0 for a day of another month."""

    year: int
    number: int
    weeks: tuple[tuple[int, ...], ...]
    today: int


async def leave(request: Request) -> Response:
    """GET or POST /lich: the token goes from the browser and leads nowhere any more; then a page about nothing.

    The page is on its way before anything is stored: nobody waits for a disk while somebody comes into the room.
    """
    elsewhere = site_of(request).settings.away
    response = RedirectResponse(elsewhere, 303) if elsewhere else calendar(request)
    clear_token(response)
    response.background = BackgroundTask(forget, request, token_of(request))
    return response


def calendar(request: Request) -> Response:
    """This month, as Viet Nam has it."""
    now = site_of(request).now().astimezone(VIET_NAM)
    weeks = tuple(map(tuple, Calendar(MONDAY).monthdayscalendar(now.year, now.month)))
    return render(request, "away.html", locale=locale_of(request), month=Month(now.year, now.month, weeks, now.day))


async def forget(request: Request, token: str) -> None:
    """From this token nobody comes back: neither from a stolen cookie nor from a browser that restores its session."""
    if not token:
        return
    try:
        await site_of(request).storage.forget_way_in(Address(CHANNEL, token))
    except StorageAway:
        # The browser's cookie is gone all the same, and nobody else has the token.
        log.warn("page.storage_away")
