"""The parts of one service in this process, on either database, its clock set by hand, and the people who write to it."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.book import Book
from bot.channels.base import Inbound
from bot.channels.telegram.send import TelegramChannel
from storage.accounts import Accounts
from tests.chaos.invariants import Person, Seen, Stored, read
from tests.chaos.siege import FIRST_OFFICER, FIRST_PERSON, invited, seen_by, where
from tests.chaos.stories import Story, write
from tests.databases import Database, database
from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.world import World

SEED = 1147
PEOPLE = 12


class Rehearsal:
    """Nothing happens by itself: updates are heard, and the outbox is emptied, when that is asked for."""

    def __init__(
        self, world: World, home: Database, telegram: FakeTelegram, channel: TelegramChannel, stories: Mapping[str, Story]
    ) -> None:  # fmt: skip
        self.world, self.home, self.telegram = world, home, telegram
        self._channel = channel
        names = list(stories)
        self._people = {FIRST_PERSON + n: stories[names[n % len(names)]] for n in range(PEOPLE)}
        offices = sorted({office for story in stories.values() for office in story.offices})
        self.phones = {office: FIRST_OFFICER + n for n, office in enumerate(offices)}
        self._answered: list[str] = []

    async def open(self) -> list[dict[str, Any]]:
        """Officers join; then everybody's updates, those of one person in order, mixed by chance."""
        self.telegram.hold()
        for office, chat in self.phones.items():
            self.telegram.say(chat, f"/canbo {await invited(Accounts(self.world.storage), self.world.book, office)}")
        await self.hear(self.telegram.pending[:])
        await self.world.deliverer.drain()
        queues = [write(self.telegram, chat, story) for chat, story in self._people.items()]
        chance = random.Random(SEED)  # noqa: S311 - a repeatable order, no secret
        mixed = []
        while queues:
            queue = chance.choice(queues)
            mixed.append(queue.pop(0))
            queues = [one for one in queues if one]
        return mixed

    async def hear(self, updates: Sequence[dict[str, Any]]) -> None:
        """Receive these updates, one after the other."""
        for update in updates:
            inbound = self._channel.read(json.dumps(update).encode(), {})
            assert isinstance(inbound, Inbound)
            await self.world.receiver.citizen(inbound)
            self._answered.append(str(update["update_id"]))

    async def come_to_rest(self) -> None:
        """Let all leave that waits, and whatever was to wait for a while because it is not urgent."""
        await self.world.deliverer.drain()
        self.world.now += timedelta(seconds=self.world.book.referral.clocks["ordinary"].notice_to_s)
        await self.world.deliverer.drain()

    async def outcome(self) -> tuple[Stored, Seen]:
        """What is stored now, and what was seen."""
        sealer = self.world.storage.sealer
        people = {where(chat, sealer): Person(chat, it.replies, it.offices) for chat, it in self._people.items()}
        seen = seen_by(self.telegram, self._answered, self.phones, people)
        return await read(self.home.ask, int(self.world.now.timestamp() * 1000)), seen


@asynccontextmanager
async def rehearsal(kind: str, folder: Path, book: Book, stories: Mapping[str, Story]) -> AsyncIterator[Rehearsal]:
    """A service on a database of this kind."""
    async with database(kind, folder) as home, FakeTelegram() as telegram:
        channel = TelegramChannel(TOKEN, api=telegram.url)
        world = World(await home.open(), book, screens={"telegram": channel})  # type: ignore[dict-item] # a real one
        try:
            yield Rehearsal(world, home, telegram, channel, stories)
        finally:
            await channel.close()
