"""A whole service under faults: its process, a small Telegram, people who tell their stories, officers with phones."""

from __future__ import annotations

import asyncio
import itertools
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.book import Book
from storage.accounts import Accounts
from storage.base import Address, Officer
from storage.open import open_storage
from storage.seal import Sealer
from storage.turns import address_id
from tests.chaos.invariants import Person, Seen, Shown, read
from tests.chaos.stories import Story, write
from tests.chaos.tally import Tally
from tests.databases import Database
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram_world import chat_of
from tests.service import ROOT, Service

SERVE = (sys.executable, "-m", "tests.chaos.hurried", "serve")
WORK = (*SERVE[:-1], "work")
FIRST_PERSON = 1_500_000_000
FIRST_OFFICER = 1_400_000_000
MOST_WRITING = 50
TURNS_WITHIN_S = 180.0
REST_WITHIN_S = 120.0


class Worker:
    """A process that delivers beside the one that serves (`python -m bot work`)."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it is at work when it is."""
        nothing = subprocess.DEVNULL
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            WORK, cwd=ROOT, env=self._service.environ, stdin=nothing, stdout=nothing, stderr=nothing
        )

    def kill(self) -> None:
        """`kill -9`."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


class Siege:
    """One service on one database. `told` are all people who have told, or are telling, a story."""

    def __init__(
        self,
        home: Path,
        stories: Mapping[str, Story],
        book: Book,
        tally: Tally,
        *,
        dsn: str = "",
        workers: int = 0,
        command: Sequence[str] = SERVE,
    ) -> None:
        self.telegram = FakeTelegram(retry_s=0.05)
        environ = {"NHIPCAU_DATABASE": dsn} if dsn else {}
        if workers:
            environ["NHIPCAU_WORK"] = "elsewhere"
        self.service = Service(home, environ=environ, command=command)
        self.workers = [Worker(self.service) for _ in range(workers)]
        self.database = Database(dsn or self.service.database)
        self.tally = tally
        self.people: dict[int, Story | None] = {}
        self.written: list[dict[str, Any]] = []
        self.phones: dict[str, int] = {}
        self._stories, self._book = stories, book
        self._chats = itertools.count(FIRST_PERSON)

    # ------------------------------------------------------------------------------------------------------- the service

    async def start(self) -> None:
        """Start the service, and give every office that the stories reach a phone."""
        await self.telegram.start()
        await asyncio.to_thread(self.service.with_telegram(self.telegram, webhook=True).start)
        for worker in self.workers:
            worker.start()
        await self.telegram.until(lambda: self.telegram.webhook, TURNS_WITHIN_S)
        offices = sorted({office for story in self._stories.values() for office in story.offices})
        async with self._storage() as accounts:
            for number, office in enumerate(offices):
                self.phones[office] = FIRST_OFFICER + number
                self.telegram.say(self.phones[office], f"/canbo {await invited(accounts, self._book, office)}")
        await self.telegram.until(lambda: all(map(self.telegram.texts, self.phones.values())), TURNS_WITHIN_S)

    async def stop(self) -> None:
        """End everything."""
        for worker in self.workers:
            worker.kill()
        await asyncio.to_thread(self.service.kill)
        await self.telegram.stop()

    @asynccontextmanager
    async def _storage(self) -> AsyncIterator[Accounts]:
        storage = await open_storage(self.database.place, self.service.key)
        try:
            yield Accounts(storage)
        finally:
            await storage.close()

    async def kill(self) -> None:
        """`kill -9`; updates wait at the platform."""
        self.service.kill()
        self.telegram.hold()

    async def start_again(self) -> None:
        await asyncio.to_thread(self.service.start)
        self.telegram.release()

    # --------------------------------------------------------------------------------------------------------- the load

    def write(self, count: int) -> int:
        """So many more people begin to write, all at once; how many turns that is."""
        names = itertools.cycle(self._stories)
        self.telegram.hold()
        before = len(self.telegram.pending)
        for chat, name in zip(itertools.islice(self._chats, count), names, strict=False):
            self.people[chat] = self._stories[name]
            self.written += write(self.telegram, chat, self._stories[name])
        self.telegram.release()
        return len(self.telegram.pending) - before

    def shuffle(self, chance: random.Random) -> None:
        """Everything on its way comes in another order; what those should hear of whom several things come, nobody knows."""
        chance.shuffle(self.telegram.pending)
        for chat, count in Counter(map(chat_of, self.telegram.pending)).items():
            if count > 1 and chat in self.people:
                self.people[chat] = None

    async def answered(self, count: int) -> None:
        """Return when so many more updates were answered with 200."""
        goal = self._answers() + count
        await self.telegram.until(lambda: self._answers() >= goal or not self.telegram.pending, TURNS_WITHIN_S)

    async def refused(self) -> None:
        """Return when one more update was answered with 503; more people write as long as none is."""
        goal = self._answers(503) + 1
        for _ in range(MOST_WRITING):
            await self.telegram.until(lambda: self._answers(503) >= goal or not self.telegram.pending, TURNS_WITHIN_S)
            if self._answers(503) >= goal:
                return
            self.write(20)
        raise AssertionError("whatever was done to the service, it refused nothing")

    def _answers(self, kind: int = 200) -> int:
        return sum(status == kind for _, status in self.telegram.posted)

    async def all_answered(self) -> None:
        await self.telegram.until(lambda: not self.telegram.pending, TURNS_WITHIN_S)

    async def at_rest(self) -> None:
        """Return when every update was answered and nothing in the outbox is due or waits to be tried again."""
        await self.all_answered()
        due = "SELECT count(*) FROM outbox WHERE finished = 0 AND (attempts > 0 OR due_at <= {})"

        async def empty() -> bool:
            return bool(await self.database.ask(due.format(_now() + 1000)) == [(0,)])

        await self.service.until(empty, REST_WITHIN_S)

    # ------------------------------------------------------------------------------------------------- what came of it

    async def check(self) -> dict[str, list[str]]:
        """Wait for rest, then hold everything to the invariants; what is wrong, by what it breaks."""
        await self.at_rest()
        return self.tally.check(str(self.service.home), await read(self.database.ask, _now()), self.seen())

    def seen(self) -> Seen:
        sealer = self.service.sealer
        people = {
            where(chat, sealer): Person(chat, story.replies, story.offices) if story else Person(chat)
            for chat, story in self.people.items()
        }
        return seen_by(self.telegram, acknowledged(self.telegram), self.phones, people)


def acknowledged(telegram: FakeTelegram) -> frozenset[str]:
    """The updates that a webhook answered with 200."""
    return frozenset(str(number) for number, status in telegram.posted if status == 200)


def seen_by(
    telegram: FakeTelegram, answered: Iterable[str], phones: Mapping[str, int], people: Mapping[str, Person]
) -> Seen:
    """What this Telegram saw. A message that it took before it closed the line counts: it is on the phone."""
    taken = (call for call in telegram.called("sendMessage") if call.made)
    shown = [Shown(int(call.fields["chat_id"]), call.made, call.fields["text"]) for call in taken]
    return Seen(frozenset(answered), tuple(sorted(shown, key=lambda one: one.message_id)), phones, people)


def where(chat: int, sealer: Sealer) -> str:
    """The id of this chat's address in the database."""
    return address_id(Address("telegram", str(chat)), sealer)


async def invited(accounts: Accounts, book: Book, office: str) -> str:
    """A one-time code for a new officer of this office."""
    route = next(one.route for one in book.referral.offices if one.id == office)
    code, at = f"code-of-{office}", datetime.now(UTC)
    officer = Officer(f"phone-of-{office}", f"Trực {office}", office, route, "duty")
    await accounts.add(officer, code, at + timedelta(days=1), by="operator", at=at)
    return code


def _now() -> int:
    return int(time.time() * 1000)
