"""How much of the Zalo bot's plan is used, for the operator: before it is used up, for then people get no answer there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

from bot import log
from bot.held import pause
from referral.clocks import VIET_NAM
from storage.base import StorageAway
from storage.store import DatabaseStorage

LOOK_S: Final = 600.0
NEARLY: Final = 0.8
"""From this part of the plan on it is said."""
REMEDY: Final = "take a larger plan (NHIPCAU_ZALO_BOT_PLAN) or the Official Account; other doors stay open"


class Plan:
    """Looks how much of the plan is used. `most`: people, and messages a month (channels.md §0.2)."""

    def __init__(self, storage: DatabaseStorage, most: tuple[int, int], now: Callable[[], datetime]) -> None:
        self._storage = storage
        self._most = most
        self._now = now
        self.people = self.messages = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Look every ten minutes until `stop` is set."""
        while not stop.is_set():
            try:
                await self.look()
            except StorageAway:
                log.warn("zalo_bot.storage_away")
            await pause(stop, LOOK_S)

    async def look(self) -> None:
        """Count once, and log it where it becomes much. Raises StorageAway."""
        self.people, self.messages = await self._storage.plan_used(month_of(self._now()))
        if self.problem():
            log.warn("zalo_bot.plan", count=self.messages, problem=self.problem())

    def problem(self) -> str:
        """A sentence for the operator, empty while there is enough left."""
        people, messages = self._most
        if self.people < NEARLY * people and self.messages < NEARLY * messages:
            return ""
        is_over = self.people >= people or self.messages >= messages
        return (
            f"the Zalo bot's plan is {'used up' if is_over else 'nearly used up'}: {self.people} of {people} people, "
            f"{self.messages} of {messages} messages this month; {REMEDY}"
        )


def month_of(now: datetime) -> datetime:
    """When the month began, in Viet Nam. That Zalo counts calendar months is assumed (channels.md §4.5)."""
    return now.astimezone(VIET_NAM).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
