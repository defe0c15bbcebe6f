"""Events by getUpdates, for trying the bot without an address of one's own (channels.md §1.1 "getUpdates behaviour").

One event an answer; no offset, no acknowledgement. HTTP 408 means that nobody wrote. What was taken comes again with every
later answer, at once: it is known by its id, and nobody asks more than once a second. An event that could not be stored is kept
here and tried again before the next is asked for, for nobody knows whether it would come again.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import OrderedDict
from typing import Any, Final

from bot import log
from bot.channels.base import Ignored, SendError
from bot.channels.wire.receiving import Receive, Told, why_not_stored
from bot.channels.wire.waits import rest, unless, wait
from bot.channels.zalo_bot.api import NOBODY_THERE
from bot.channels.zalo_bot.nameless import named
from bot.channels.zalo_bot.read import UNREADABLE, read
from bot.channels.zalo_bot.send import ZaloBotChannel

LONG_POLL_S: Final = 30
FLOOR_S: Final = 1.0
"""Between two questions, so that what is answered at once does not spin."""
MOST_SEEN: Final = 10_000
SAME_FOR_S: Final = 3600.0
"""Of events that name no message, the same bytes within one hour are one: each of them comes again all the time."""


async def poll(
    channel: ZaloBotChannel,
    receive: Receive,
    stop: asyncio.Event,
    *,
    first_wait_s: float = FLOOR_S,
    told: Told = lambda code: None,
) -> None:
    """Receive events until `stop` is set. Errors are waited out, `first_wait_s` seconds and twice as long each time."""
    seen: OrderedDict[str, None] = OrderedDict()
    failures = 0
    while not stop.is_set():
        try:
            event = await unless(stop, channel.api.call("getUpdates", {"timeout": LONG_POLL_S}, LONG_POLL_S + 10.0))
        except SendError as error:
            failures = 0 if error.code == NOBODY_THERE else failures + 1
            told(error.code if failures else "")
            if failures:
                say_why(error)
                await rest(stop, first_wait_s, failures)
            continue
        failures = 0
        told("")
        for one in _events(event):
            await _take(one, seen, receive, stop, first_wait_s)
        await wait(stop, first_wait_s)


def _events(result: Any) -> list[Any]:
    """One object, as documented; a list of them from a server that answers like Telegram's."""
    if isinstance(result, list):
        return result
    return [result] if isinstance(result, dict) else []


async def _take(
    event: Any, seen: OrderedDict[str, None], receive: Receive, stop: asyncio.Event, first_wait_s: float
) -> None:
    inbound = read(event) if isinstance(event, dict) else UNREADABLE
    if isinstance(inbound, Ignored):
        if inbound is UNREADABLE:
            log.warn("zalo_bot.unreadable", count=1)
        return
    inbound = named(inbound, json.dumps(event, sort_keys=True).encode(), time.time(), SAME_FOR_S)
    if inbound.external_id in seen:
        return
    failures = 0
    while not stop.is_set():
        if why := await why_not_stored(receive, inbound):
            log.warn("zalo_bot.not_stored", what=why)
            failures += 1
            await rest(stop, first_wait_s, failures)
            continue
        seen[inbound.external_id] = None
        while len(seen) > MOST_SEEN:
            seen.popitem(last=False)
        return


def say_why(error: SendError) -> None:
    """Log that Zalo cannot be reached or refuses us, with what to do about it."""
    if error.what == "misconfigured":
        log.warn("zalo_bot.misconfigured", code=error.code, problem=_REMEDIES.get(error.code, error.code))
    else:
        log.warn("zalo_bot.away", code=error.code)


_REMEDIES: Final = {
    "webhook_set": (
        "Nothing comes in: a webhook is set for this bot, and then nobody can poll. Set NHIPCAU_ZALO_BOT_WEBHOOK here as "
        "well, or restart, which removes it."
    ),
    "token": "Nothing comes in or goes out: Zalo refuses the bot's token. Check NHIPCAU_ZALO_BOT_TOKEN.",
}
