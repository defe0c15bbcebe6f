"""The clock jumps while rows are claimed by a process that died, and others wait to be tried again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.book import Book
from storage.claims import LEASE_MS
from tests.chaos.rehearsal import rehearsal
from tests.chaos.stories import Story
from tests.chaos.tally import Tally
from tests.databases import BOTH


@pytest.mark.parametrize("jump", [timedelta(days=1), timedelta(hours=-1)], ids=["forwards a day", "back an hour"])
@pytest.mark.parametrize("kind", BOTH)
async def test_a_clock_that_jumps(
    kind: str, jump: timedelta, tmp_path: Path, book: Book, stories: dict[str, Story], tally: Tally
) -> None:
    async with rehearsal(kind, tmp_path, book, stories) as it:
        updates = await it.open()
        some, more = len(updates) // 3, len(updates) // 2
        await it.hear(updates[:some])
        it.telegram.fault("sendMessage", times=3)
        await it.world.deliverer.once()
        await it.hear(updates[some:more])
        assert await it.world.storage.claim(it.world.now, 8, "telegram")  # by a process that dies
        it.world.now += jump
        tally.faults["clock jumps"] += 1
        await it.hear(updates[more:])
        await it.world.deliverer.drain()
        it.world.now += timedelta(milliseconds=LEASE_MS)  # whoever died holds what it had for no longer than this
        await it.come_to_rest()
        assert tally.check(str(tmp_path), *await it.outcome()) == {}
