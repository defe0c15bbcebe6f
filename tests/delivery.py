"""A channel that does what a test says, and somebody who delivers to it; time that passes only when everybody waits."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from bot.channels.base import Channel, Ignored, Inbound, Limits, Message, Sent
from bot.channels.pace import Pace
from bot.deliver import Deliverer, Work
from storage.base import Commit, OutboxRow, Storage
from tests.world import World

_keys = itertools.count(1)


class Platform:
    """A channel that does what the test says: by address, the errors of the next sends, or hanging until let go."""

    limits = Limits(4096, 100, True, True)

    def __init__(self, name: str = "telegram") -> None:
        self.name = name
        self.sent: list[tuple[str, str]] = []
        self.cleared: list[tuple[str, tuple[str, ...]]] = []
        self.errors: dict[str, list[Exception]] = {}
        self.hangs: dict[str, asyncio.Event] = {}
        self.changed = asyncio.Event()
        self.entered = asyncio.Event()
        self.times: list[float] = []
        self.clock: Callable[[], float] = lambda: 0.0
        self._ids = itertools.count(1)

    def read(self, raw: bytes, headers: Mapping[str, str]) -> Inbound | Ignored:
        return Ignored("nothing comes from here")

    async def send(self, address: str, message: Message) -> Sent:
        self.entered.set()
        if address in self.hangs:
            await self.hangs[address].wait()
        if self.errors.get(address):
            raise self.errors[address].pop(0)
        self.sent.append((address, "\n".join(message.texts)))
        self.times.append(self.clock())
        self.changed.set()
        return Sent((f"m{next(self._ids)}",))

    async def clear(self, address: str, message_ids: tuple[str, ...]) -> None:
        self.cleared.append((address, message_ids))

    async def close(self) -> None:
        return

    def texts(self, address: str) -> list[str]:
        return [text for to, text in self.sent if to == address]

    async def until(self, count: int) -> None:
        """Return when so many messages were sent."""
        async with asyncio.timeout(60):
            while len(self.sent) < count:
                self.changed.clear()
                await self.changed.wait()


def deliverer(
    world: World, *platforms: Channel, storage: Storage | None = None, paces: Mapping[str, Pace] | None = None
) -> Deliverer:
    """Somebody who delivers from the world's outbox, as another process would."""
    channels = {one.name: one for one in platforms}
    work = Work(
        storage or world.storage, world.book, world.receiver, channels, "http://here", lambda: world.now, None, paces or {},
        steady=lambda: world.now.timestamp(),
    )  # fmt: skip
    return Deliverer(work)


def row(
    to: str, text: str = "", *, channel: str = "telegram", lane: str = "", priority: int = 2, after_s: int = 0
) -> Any:
    """A message to somebody, due so many seconds from the world's beginning."""
    body = {"to": {"channel": channel, "external": to}, **msgspec.to_builtins(Message((text or to,)))}
    return lambda world: OutboxRow(
        f"row/{next(_keys)}", "say", lane, priority, world.now + timedelta(seconds=after_s), body, sender=channel
    )


async def queue(world: World, *rows: Any) -> list[str]:
    """Put these in the outbox; their keys."""
    made = tuple(one(world) for one in rows)
    await world.storage.commit(Commit(at=world.now, outbox=made))
    return [one.key for one in made]


def states(folder: Path) -> dict[str, tuple[str, str]]:
    """Key → (state, code) of every row of the outbox."""
    with closing(sqlite3.connect(f"file:{folder / 'world.db'}?mode=ro", uri=True)) as database:
        return {key: (state, code) for key, state, code in database.execute("SELECT key, state, code FROM outbox")}


@asynccontextmanager
async def running(one: Deliverer) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(one.run(stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, 60)


class Driven:
    """A clock that goes on to the next moment at which something happens, once everybody waits for it.

    What the test does at a moment is done when the clock gets there.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._start = world.now
        self._seconds = 0.0
        self._end = 0.0
        self._script: list[tuple[float, Callable[[], Awaitable[object]]]] = []
        self._stop = asyncio.Event()
        self._of: Deliverer | None = None

    def steady(self) -> float:
        return self._seconds

    def at(self, seconds: float, act: Callable[[], Awaitable[object]]) -> None:
        """Do this when so many seconds have passed since the beginning."""
        self._script.append((seconds, act))
        self._script.sort(key=lambda one: one[0])

    async def play(self, one: Deliverer, seconds: float) -> None:
        """Let somebody deliver for so many seconds."""
        self._of, self._end = one, self._seconds + seconds
        self._stop.clear()
        async with asyncio.timeout(60):
            await one.run(self._stop)

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        if self._of is not None and self._of.under_way:
            await event.wait()  # a row that asks the database ends in real time, which is not counted
        if event.is_set():
            return
        until = self._seconds + max(seconds, 1e-6)
        if self._script and self._script[0][0] <= until:
            at, act = self._script.pop(0)
            self._go_to(max(at, self._seconds))
            await act()
            return
        self._go_to(until)
        if until >= self._end:
            self._stop.set()

    def _go_to(self, seconds: float) -> None:
        self._seconds = seconds
        self._world.now = self._start + timedelta(seconds=seconds)
