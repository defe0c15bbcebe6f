"""Put dated rows in the outbox under unique keys, and find conversations that were left alone. Performs nothing itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from bot import log
from bot.held import pause
from bot.retention import ErasedList, sweep_rows
from bot.week import Week, before, week_at
from storage.accounts import Accounts
from storage.base import Commit, OutboxRow, Storage, StorageAway

PLAN_S = 3600.0
"""Seconds between two looks at what is due: less than the time between two Mondays by far, so that none is passed over."""
SWEEP_S = 60.0
ABANDONED_AFTER = timedelta(hours=24)
"""A draft that nobody touched for so long is erased (design §6)."""
SWEEP_MOST = 100
LOWEST = 3
"""Priority of an export: behind every person."""


class Abandons(Protocol):
    """Who erases the draft of an abandoned conversation: bot/receive.py."""

    async def abandoned(self, conversation: str, version: int = 0) -> None: ...


def due_rows(now: datetime) -> list[OutboxRow]:
    """The weekly exports of the last Monday 06:00 in Viet Nam and of the coming one, the earlier first.

    Their keys are unique, so two workers or a restart still make one row each; and a service that was off on Monday makes up
    for it as soon as it is on.
    """
    week = week_at(now)
    ended = before(week)
    last = ended if ended.due_at <= now else before(ended)
    return [_weekly(last), _weekly(week if last is ended else ended)]


async def run(
    storage: Storage,
    receiver: Abandons,
    stop: asyncio.Event,
    now: Callable[[], datetime],
    erased: ErasedList | None = None,
    accounts: Accounts | None = None,
) -> None:
    """Plan at once and every hour, sweep every minute, until `stop` is set. A database that is away is tried again.

    What was erased is listed in its file within the same minute; officers' keys go as soon from sessions that are over.
    """
    planned: datetime | None = None
    while not stop.is_set():
        at = now()
        try:
            if planned is None or not timedelta() <= at - planned < timedelta(seconds=PLAN_S):
                await plan(storage, at)
                planned = at
            await sweep(storage, receiver, at)
            if accounts is not None:
                await accounts.forget_keys(at=at)
            if erased is not None:
                await erased.keep_up(at)
        except StorageAway:
            log.warn("schedule.storage_away")
        except OSError as error:
            log.warn("erased.not_listed", what=type(error).__name__)
        await pause(stop, SWEEP_S)


async def plan(storage: Storage, at: datetime) -> None:
    """Put the dated rows in. Those that are there already stay as they are. Raises StorageAway."""
    await storage.commit(Commit(at=at, outbox=(*due_rows(at), *sweep_rows(at))))


async def sweep(storage: Storage, receiver: Abandons, at: datetime) -> int:
    """Erase the drafts that were left alone for a day; how many were tried. Raises StorageAway."""
    found = await storage.abandoned(at - ABANDONED_AFTER, SWEEP_MOST)
    for conversation, version in found:
        try:
            await receiver.abandoned(conversation, version)
        except StorageAway:
            raise
        except Exception as error:
            # One draft that cannot be erased must not keep the others; it is found again in a minute, and an operator reads this.
            log.warn("draft.not_erased", what=type(error).__name__)
    return len(found)


def _weekly(week: Week) -> OutboxRow:
    return OutboxRow(
        key=f"export/weekly/{week.name}",
        kind="export",
        lane="export",
        priority=LOWEST,
        due_at=week.due_at,
        body={"week": week.name},
    )
