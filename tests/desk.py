"""Where an operator backs up and restores: commands on a database, the keys of those who may open a backup, a clock."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyrage
import pytest
from pyrage import x25519

from bot import __main__ as command
from bot.book import Book
from bot.channels.base import Inbound
from flows.model import CitizenEvent, Said
from storage import schema
from tests import postgres
from tests.databases import KEY, Database
from tests.world import SAID, START, World

CRY = "cứu em với, họ nhốt em trong phòng không cho ra"
MARKER = "quanghoaphuongtim"
"""A word that a citizen wrote, for finding where it must not be."""
WAIT_S = 90
_numbers = itertools.count(1)


@dataclass
class Clock:
    now: Any = START


@dataclass
class Desk:
    """Where the operator sits: a home with a service key, and the keys of two people who may open backups."""

    home: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    clock: Clock = field(default_factory=Clock)
    people: list[x25519.Identity] = field(default_factory=lambda: [x25519.Identity.generate() for _ in range(2)])

    def __post_init__(self) -> None:
        (self.home / "keys").mkdir(parents=True)
        (self.home / "keys" / "service.key").write_text(KEY.hex())
        for number, person in enumerate(self.people):
            self.identity(number).write_text(f"# a person who may open backups\n{person}\n")
        self.monkeypatch.setattr(command, "utc_now", lambda: self.clock.now)
        self.monkeypatch.setenv("NHIPCAU_HOME", str(self.home))

    @property
    def file(self) -> Path:
        return self.home / "backup.age"

    def identity(self, number: int = 0) -> Path:
        return self.home / f"identity-{number}"

    async def run(self, place: Path | str | None, *arguments: str) -> tuple[int, str]:
        """A command on this database; its exit status and what it said."""
        if place is not None:
            self.monkeypatch.setenv("NHIPCAU_DATABASE", str(place))
        status = await asyncio.to_thread(command.main, list(arguments))
        spoken = self.capsys.readouterr()
        return status, spoken.out + spoken.err

    async def back_up(self, place: Path | str) -> str:
        to = [part for person in self.people for part in ("--recipient", str(person.to_public()))]
        status, said = await self.run(place, "backup", "--to", str(self.file), *to)
        assert status == 0, said
        return said

    async def restore(self, place: Path | str | None, identity: int = 0) -> tuple[int, str]:
        who = ("--from", str(self.file), "--identity", str(self.identity(identity)))
        return await self.run(place, "restore", *who, "--verify")

    def plain(self) -> bytes:
        """What stands in the file, for whoever may open it."""
        return pyrage.decrypt(self.file.read_bytes(), self.people)

    def forge(self, plain: bytes) -> None:
        """Another file of these people with this in it."""
        self.file.write_bytes(pyrage.encrypt(plain, [person.to_public() for person in self.people]))


@asynccontextmanager
async def empty(kind: str, folder: Path) -> AsyncIterator[Database]:
    """A place of this kind with nothing in it."""
    if kind == "sqlite":
        made = Database(folder / "new" / "restored.db")
        try:
            yield made
        finally:
            await made.close()
        return
    async with postgres.database(postgres.wanted()) as dsn:
        made = Database(dsn)
        try:
            yield made
        finally:
            await made.close()


async def some_turns(place: Database, book: Book) -> None:
    """A few people write; their answers and the officers' notices wait."""
    world = World(await place.open(), book)
    await turn(world, Said("xin chào"))
    await turn(world, Said(f"{CRY} {MARKER}"))


async def turn(world: World, event: CitizenEvent) -> str:
    """Somebody new writes; the platform's number of what was acknowledged. Nothing is delivered yet."""
    number = str(next(_numbers))
    SAID.update({f"chat-of-{number}", event.text if isinstance(event, Said) else ""})
    await world.receiver.citizen(Inbound("telegram", number, f"chat-of-{number}", event, message_id=number))
    return number


async def contents(place: Database) -> dict[str, list[tuple[Any, ...]]]:
    found = {name: await place.ask(f'SELECT * FROM "{name}"') for name in schema.TABLES}  # noqa: S608
    found["meta"] = [row for row in found["meta"] if row[0] != "held"]
    return {name: sorted((tuple(row) for row in rows), key=repr) for name, rows in found.items()}
