"""Where a process leaves the outbox to others: whether anybody empties it. A silent outbox must be seen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from bot import log
from bot.held import pause
from storage.base import StorageAway
from storage.store import DatabaseStorage

LOOK_S = 5.0
UNATTENDED_AFTER = timedelta(seconds=15)
"""How long the row that is next may stay next. In a flood others wait longer, but not the one that is next."""
SAY_EVERY = timedelta(minutes=1)
REMEDY = "start `python -m bot work`, or look why it does not deliver"


class Watch:
    """Looks whether the row that whoever delivers would take first is taken."""

    def __init__(self, storage: DatabaseStorage, now: Callable[[], datetime]) -> None:
        self._storage = storage
        self._now = now
        self._next: int | None = None
        self._next_since = self._said_at = datetime.min.replace(tzinfo=now().tzinfo)
        self.waited_s = 0
        """Seconds for which nobody has taken what is next; 0 where somebody does."""

    async def run(self, stop: asyncio.Event) -> None:
        """Look every few seconds until `stop` is set."""
        while not stop.is_set():
            try:
                await self.look()
            except StorageAway:
                log.warn("outbox.storage_away")
            await pause(stop, LOOK_S)

    async def look(self) -> None:
        """Look once, and log if nobody delivers. Raises StorageAway."""
        at = self._now()
        found = await self._storage.first_waiting(at)
        if found is None or found != self._next:
            self._next, self._next_since = found, at
        waited = at - self._next_since
        self.waited_s = int(waited.total_seconds()) if waited >= UNATTENDED_AFTER else 0
        if self.waited_s and at - self._said_at >= SAY_EVERY:
            self._said_at = at
            log.warn("outbox.unattended", wait_s=self.waited_s, problem=REMEDY)

    def problem(self) -> str:
        """A sentence for the operator, empty where all is well."""
        return f"nothing leaves: what is next has waited for {self.waited_s} s; {REMEDY}" if self.waited_s else ""
