"""What one process of all must do alone: where a name is held, a part is at work; where it is lost, the part ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from storage.base import Storage, StorageAway

LOOK_S = 2.0
"""Seconds between two looks whether the name is held: so long two may be at work, and so long nobody."""

Part = Callable[[asyncio.Event], Awaitable[None]]
"""Works until the event is set."""


async def while_held(storage: Storage, name: str, part: Part, stop: asyncio.Event) -> None:
    """Keep `part` at work while this process holds `name`, until `stop` is set. Raises what the part raises."""
    while not stop.is_set():
        if await _held(storage, name):
            await _until_lost(storage, name, part, stop)
        else:
            await pause(stop, LOOK_S)


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait so many seconds, or until `stop` is set."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


async def _until_lost(storage: Storage, name: str, part: Part, stop: asyncio.Event) -> None:
    lost, stopped = asyncio.Event(), asyncio.create_task(stop.wait())
    working = asyncio.ensure_future(part(lost))
    try:
        while not (working.done() or stopped.done()) and await _held(storage, name):
            await asyncio.wait({working, stopped}, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
        lost.set()
        await working
    finally:
        for task in (working, stopped):
            task.cancel()
        await asyncio.gather(working, stopped, return_exceptions=True)


async def _held(storage: Storage, name: str) -> bool:
    try:
        return await storage.hold(name)
    except StorageAway:
        return False  # who cannot ask does not hold it; whoever delivers says in the log that storage is away
