"""A database in which somebody has told a story up to one turn, and that turn told again, killed at one point after the other."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from bot.book import Book
from storage.accounts import Accounts
from storage.claims import LEASE_MS
from storage.open import open_storage
from storage.seal import Sealer
from tests.chaos.invariants import Person, read
from tests.chaos.nursery import Job
from tests.chaos.points import Kind
from tests.chaos.siege import FIRST_OFFICER, FIRST_PERSON, invited, seen_by, where
from tests.chaos.stories import Story, write
from tests.chaos.tally import Tally
from tests.databases import KEY, Database, database
from tests.fakes.telegram import FakeTelegram
from tests.service import ROOT

CHAT = FIRST_PERSON
KILLED = -9
LEASE_IS_OVER_S = LEASE_MS // 1000 + 1
WITHIN_S = 120.0


FORGET = """
SET session_replication_role = replica;
DELETE FROM conversation; DELETE FROM inbox; DELETE FROM intake; DELETE FROM consent; DELETE FROM referral;
DELETE FROM outbox; DELETE FROM audit; DELETE FROM address WHERE officer IS NULL;
"""
"""Forget all but the officers. To copy a database of PostgreSQL takes half a second; this, a few milliseconds."""


class Nursery:
    """The process that does jobs, each so that it can be killed (tests/chaos/nursery.py)."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[Nursery]:
        command = (sys.executable, "-m", "tests.chaos.nursery")
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=pipe, stdout=pipe)
        made = cls(process)
        try:
            assert await made._line() == "ready"
            yield made
        finally:
            process.kill()
            await process.wait()

    async def do(self, job: Job) -> tuple[int, list[str]]:
        """Do a job: how it ended, and the updates that were answered."""
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(asdict(job)) + b"\n")
        answered: list[str] = []
        while True:
            word, _, rest = (await self._line()).partition(" ")
            if word != "ack":
                assert word == "over", f"the nursery says {word!r}"
                return int(rest), answered
            answered.append(rest)

    async def _line(self) -> str:
        assert self._process.stdout is not None
        async with asyncio.timeout(WITHIN_S):
            return (await self._process.stdout.readline()).decode().strip()


@dataclass
class Told:
    """Somebody has told a story up to one turn: that turn, and what comes after it."""

    home: Path
    database: Database
    person: Person
    phones: dict[str, int]
    telegram: FakeTelegram
    nursery: Nursery
    told: list[dict[str, Any]]
    turn: list[dict[str, Any]]
    rest: list[dict[str, Any]]

    def job(self, place: Path | str, updates: list[dict[str, Any]], **more: Any) -> Job:
        return Job(str(self.home), str(place), self.telegram.url, updates, **more)

    @asynccontextmanager
    async def copy(self) -> AsyncIterator[Database]:
        """A database in which no more than this was told: on SQLite another, on PostgreSQL the same, put back."""
        place = self.database.place
        if isinstance(place, str):
            assert not self.told, "a database of PostgreSQL is put back to where nobody has written yet"
            yield self.database
            await _forget(place)
            return
        yield Database(Path(shutil.copyfile(place, place.with_name("copy.db"))))
        for file in place.parent.glob("copy.db*"):
            file.unlink()

    async def killed_at(self, kind: Kind, fatal: int, tally: Tally) -> tuple[bool, dict[str, list[str]]]:
        """Tell the turn and be killed at this point, tell the rest in a new process: whether it was, and what is wrong."""
        before = self.telegram.calls[:]
        async with self.copy() as copy:
            ended, answered = await self.nursery.do(self.job(copy.place, self.turn, kind=kind, fatal=fatal))
            assert ended in (0, KILLED)
            again = [] if answered else self.turn
            ahead = LEASE_IS_OVER_S if isinstance(copy.place, str) else 0
            then, more = await self.nursery.do(self.job(copy.place, [*again, *self.rest], ahead_s=ahead))
            assert then == 0
            people = {where(CHAT, Sealer(KEY)): self.person}
            seen = seen_by(self.telegram, [*answered, *more], self.phones, people)
            wrong = tally.check(
                f"{self.home} {kind} {fatal}", await read(copy.ask, int(time.time() + ahead) * 1000), seen
            )
        self.telegram.calls[:] = before
        return ended == KILLED, wrong


@asynccontextmanager
async def told(
    kind: str, folder: Path, telegram: FakeTelegram, nursery: Nursery, book: Book, story: Story, turn: int
) -> AsyncIterator[Told]:
    """A database of this kind in which officers have joined, and somebody has told a story up to this turn."""
    _write_key(folder)
    telegram.hold()
    async with database(kind, folder) as made:
        phones = {office: FIRST_OFFICER + number for number, office in enumerate(story.offices)}
        storage = await open_storage(made.place, KEY)
        for office, chat in phones.items():
            telegram.say(chat, f"/canbo {await invited(Accounts(storage), book, office)}")
        await storage.close()
        joins = telegram.pending[:]
        updates = write(telegram, CHAT, story)
        person = Person(CHAT, story.replies, story.offices)
        parts = updates[:turn], updates[turn : turn + 1], updates[turn + 1 :]
        ready = Told(folder, made, person, phones, telegram, nursery, *parts)
        assert (await nursery.do(ready.job(made.place, [*joins, *ready.told])))[0] == 0
        yield ready


async def _forget(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(FORGET)
    await connection.close()


def _write_key(home: Path) -> None:
    (home / "keys").mkdir()
    (home / "keys" / "service.key").write_text(KEY.hex(), "ascii")
