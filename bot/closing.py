"""Every hour, whoever can be reached for a day only is asked for a word (bot/window.py). Run by one process of all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from bot import log
from bot.held import pause
from bot.receive import Receiver
from bot.window import ASK_AFTER, MARGIN, WINDOWS, may_ask
from storage.base import StorageAway
from storage.closing import closing
from storage.store import DatabaseStorage

NAME = "window"
LOOK_S = 3600.0


async def run(storage: DatabaseStorage, receiver: Receiver, now: Callable[[], datetime], stop: asyncio.Event) -> None:
    """Look every hour until `stop` is set. A database that is away is asked again at the next."""
    while not stop.is_set():
        try:
            await look(storage, receiver, now())
        except StorageAway:
            log.warn("schedule.storage_away")
        await pause(stop, LOOK_S)


async def look(storage: DatabaseStorage, receiver: Receiver, at: datetime) -> int:
    """Ask those whose window closes soon, by daylight; how many referrals were looked at. Raises StorageAway."""
    if not may_ask(at):
        return 0
    count = 0
    for channel, window in WINDOWS.items():
        for one in await closing(storage, channel, at - window + MARGIN, at - ASK_AFTER):
            await receiver.window_closes(one.referral, one.heard_at)
            count += 1
    return count
