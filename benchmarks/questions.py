"""What officers, the outbox and the schedule ask of a storage, each as one function that can be timed."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from bot.book import Book
from bot.export import export_weekly
from bot.receive import utc_now
from bot.week import before, week_at
from referral.disclose import visible
from storage.base import Commit, Done, Officer, OutboxRow
from storage.store import DatabaseStorage

BATCH: Final = 32
"""Rows that are handed out at once."""
BACKLOG: Final = 5_000
"""Rows that wait for a channel meanwhile."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One database and the officer who asks it."""

    storage: DatabaseStorage
    officer: Officer


async def _list(of: Asked) -> None:
    assert await of.storage.list_referrals(of.officer)


async def _over(of: Asked) -> None:
    await of.storage.list_referrals(of.officer, closed=True)


async def _case(of: Asked) -> None:
    newest = (await of.storage.list_referrals(of.officer))[-1]
    assert await of.storage.open_case(newest.id, of.officer, utc_now(), visible)


async def _claims(of: Asked) -> None:
    """Queue a batch, hand it out, end it."""
    now = utc_now()
    keys = [f"bench/{time.perf_counter_ns()}/{number}" for number in range(BATCH)]
    rows = tuple(OutboxRow(key, "say", key, 2, now, {"texts": ["…"]}) for key in keys)
    await of.storage.commit(Commit(at=now, outbox=rows))
    claimed = await of.storage.claim(now, BATCH)
    assert len(claimed) == BATCH
    await of.storage.finish([Done(one.id, "done", now) for one in claimed])


async def fall_behind(storage: DatabaseStorage) -> None:
    """Let so many replies wait, each of another person."""
    now = utc_now()
    rows = (OutboxRow(f"behind/{one}", "say", f"c:{one}", 2, now, {}, sender="telegram") for one in range(BACKLOG))
    await storage.commit(Commit(at=now, outbox=tuple(rows)))


async def _behind(of: Asked) -> None:
    assert len(await of.storage.claim(utc_now(), BATCH, "telegram")) == BATCH


async def _next(of: Asked) -> None:
    await of.storage.next_due()


async def _abandoned(of: Asked) -> None:
    await of.storage.abandoned(utc_now() - timedelta(hours=24), 100)


ASKED: Final[dict[str, Callable[[Asked], Awaitable[None]]]] = {
    "an office's list of what is open": _list,
    "an office's list of what is over (empty: none is)": _over,
    "the list, then opening its last case": _case,
    f"{BATCH} rows queued, claimed and ended": _claims,
    f"{BATCH} of {BACKLOG:,} that wait, claimed": _behind,
    "when the next row is due": _next,
    "which drafts were left alone": _abandoned,
}


async def week_log(storage: DatabaseStorage, book: Book, folder: Path) -> tuple[str, str]:
    """The last whole week's log, from the question to the files."""
    week = before(week_at(utc_now()))
    began = time.perf_counter()
    period = await storage.period(week.start, week.end)
    read_s = time.perf_counter() - began
    await export_weekly(storage, book, week.name, folder / "exports", utc_now())
    whole_s = time.perf_counter() - began - read_s
    return (
        "one week's log",
        f"{len(period.intakes):,} intakes: read in {read_s:.2f} s, written whole in {whole_s:.1f} s",
    )
