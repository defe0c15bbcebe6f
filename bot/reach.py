"""Whether each officer is reached by a notice, and by what: for the officer, for their chief and for the operator."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from bot import log
from bot.held import pause
from bot.settings import Settings
from storage.accounts import Accounts
from storage.base import Door, StorageAway
from storage.doors import Doors
from storage.staff import Entry
from storage.store import DatabaseStorage

NOTIFIED: Final = frozenset({"duty", "chief"})
"""Roles that are told of a new case."""
FAILS_AFTER: Final = timedelta(minutes=10)
"""A door at which notices fail for so long reaches nobody: the ladder's second rung is long past."""
LOOK_S: Final = 60.0
MOST_NAMED: Final = 5

State = Literal["new", "taken", "failing", "blocked", "off"]
"""Nothing sent yet; took the last notice; fails now; leads nowhere any more; its channel is switched off here."""


def doors_on(settings: Settings) -> frozenset[str]:
    """The channels through which this installation can reach an officer."""
    given = {
        "telegram": settings.telegram_token, "zalo_bot": settings.zalo_bot_token, "zalo_oa": settings.zalo_oa.app,
        "email": settings.mail, "push": True,
    }  # fmt: skip
    return frozenset(name for name, value in given.items() if value)


def state_of(door: Door, on: frozenset[str]) -> State:
    """How a door has proved."""
    if door.address.channel not in on:
        return "off"
    if door.blocked:
        return "blocked"
    if door.failing_since is not None:
        return "failing"
    return "taken" if door.taken_at else "new"


def reaches(door: Door, on: frozenset[str], now: datetime) -> bool:
    """Whether a notice to this door can be hoped to arrive."""
    state = state_of(door, on)
    if state == "failing" and door.failing_since is not None:
        return now - door.failing_since < FAILS_AFTER
    return state in ("new", "taken")


def by_officer(doors: Iterable[Door]) -> Mapping[str, Sequence[Door]]:
    """Each officer's doors; an officer without one is not named."""
    found: defaultdict[str, list[Door]] = defaultdict(list)
    for door in doors:
        found[door.officer.id].append(door)
    return found


def unreached(roster: Iterable[Entry], doors: Iterable[Door], on: frozenset[str], now: datetime) -> tuple[str, ...]:
    """The officers who should be told of new cases and whom no notice reaches."""
    there = {door.officer.id for door in doors if reaches(door, on, now)}
    told = (one.officer for one in roster if one.joined and one.officer.active and one.officer.role in NOTIFIED)
    return tuple(one.id for one in told if one.id not in there)


class Reach:
    """Looks every minute whether all officers are reached. A trial's demo officers have no phones, so it is not asked there."""

    def __init__(self, storage: DatabaseStorage, on: frozenset[str], now: Callable[[], datetime]) -> None:
        self._storage = storage
        self._on = on
        self._now = now
        self.without: tuple[str, ...] = ()

    async def run(self, stop: asyncio.Event) -> None:
        """Look until `stop` is set."""
        while not stop.is_set():
            try:
                await self.look()
            except StorageAway:
                log.warn("reach.storage_away")
            await pause(stop, LOOK_S)

    async def look(self) -> None:
        """Look once, and log where it became worse. Raises StorageAway."""
        roster, doors = await Accounts(self._storage).roster(), await Doors(self._storage).all()
        before, self.without = self.without, unreached(roster, doors, self._on, self._now())
        if set(self.without) - set(before):
            log.warn("officers.unreached", count=len(self.without), problem=self.problem())

    def problem(self) -> str:
        """A sentence for the operator, empty where every officer is reached."""
        if not self.without:
            return ""
        named = ", ".join(self.without[:MOST_NAMED]) + (", …" if len(self.without) > MOST_NAMED else "")
        return f"{len(self.without)} officers are reached by no notice: {named}; see `python -m bot officers`"
