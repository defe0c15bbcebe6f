"""Leaving at once, and the page it leads to: a calendar, which nobody wonders about and which needs nobody else.

What it takes to leave no way back is written in docs/decisions/0017-web-chat.md.
"""

from __future__ import annotations

from calendar import Calendar
from dataclasses import dataclass
from datetime import datetime, timedelta
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
ON_ITS_WAY: Final = timedelta(seconds=5)
"""So long after somebody left, what they had sent before is still heard: the last press travels beside the request that forgets
the way in, on a connection of its own, and the network may turn the two round. At the 40 kbit/s of decision 0017 a new
connection costs 2 s more than one that is open, and a lost packet another."""


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
    response.background = BackgroundTask(forget, request, token_of(request), site_of(request).now())
    return response


def left_after(request: Request) -> datetime:
    """A form that has come now belongs to the conversation that was left at this moment or later, if one was."""
    return site_of(request).now() - ON_ITS_WAY


def heard(request: Request) -> Response:
    """The answer to a form that came after its page was left: the same whatever was in it, and nothing of what followed."""
    response = RedirectResponse("lich", 303)
    clear_token(response)
    return response


async def heard_last(request: Request, token: str) -> Response:
    """204 to the form that the page itself sent while it was left: from now on its token leads nowhere, came the other or not."""
    await forget(request, token, site_of(request).now())
    response = Response(status_code=204)
    clear_token(response)
    return response


def calendar(request: Request) -> Response:
    """This month, as Viet Nam has it."""
    now = site_of(request).now().astimezone(VIET_NAM)
    weeks = tuple(map(tuple, Calendar(MONDAY).monthdayscalendar(now.year, now.month)))
    return render(request, "away.html", locale=locale_of(request), month=Month(now.year, now.month, weeks, now.day))


async def forget(request: Request, token: str, left_at: datetime | None = None) -> None:
    """From this token nobody comes back: neither from a stolen cookie nor from a browser that restores its session.

    `left_at`: what is on its way now is still heard. Not after stop, which ends all.
    """
    if not token:
        return
    try:
        await site_of(request).storage.forget_way_in(Address(CHANNEL, token), left_at)
    except StorageAway:
        # The browser's cookie is gone all the same, and nobody else has the token.
        log.warn("page.storage_away")
