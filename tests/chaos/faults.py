"""What is done to a running service under load. Each fault is over when its function returns; nothing is checked here."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from typing import Any

from tests import postgres
from tests.chaos.disk import Disk, SizeLimit
from tests.chaos.siege import Siege

Fault = Callable[[Siege, random.Random], Awaitable[None]]

STRUCK = 8
"""Calls to the platform that one fault of it strikes."""


async def killed(siege: Siege, chance: random.Random) -> None:
    """`kill -9`, and a new process on the same database."""
    await siege.kill()
    await siege.start_again()


async def worker_killed(siege: Siege, chance: random.Random) -> None:
    """`kill -9` of a process that delivers; the others go on."""
    worker = chance.choice(siege.workers)
    worker.kill()
    worker.start()


async def locked(siege: Siege, chance: random.Random) -> None:
    """Another process holds SQLite's write lock until the service has given up waiting for it."""
    with closing(sqlite3.connect(siege.service.database, isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN IMMEDIATE")
        await siege.refused()
        other.execute("ROLLBACK")


async def full(siege: Siege, disk: Disk) -> None:
    """The disk has no room until the service has refused something."""
    disk.fill(siege.service.pid)
    await siege.refused()
    disk.free(siege.service.pid)


async def cannot_grow(siege: Siege, chance: random.Random) -> None:
    await full(siege, SizeLimit())


async def server_gone(siege: Siege, server: postgres.Server) -> None:
    """The server of PostgreSQL is ended at once and started when the service has refused something."""
    await asyncio.to_thread(server.stop, "immediate")
    await siege.refused()
    await asyncio.to_thread(server.start)


def platform(**how: Any) -> Fault:
    """Some calls to the platform go wrong in this way (tests/fakes/telegram_world.py)."""

    async def strike(siege: Siege, chance: random.Random) -> None:
        siege.telegram.fault("*", times=STRUCK, skip=chance.randrange(STRUCK), **how)
        await siege.telegram.until(lambda: not siege.telegram.faults[-1].times, 30)

    return strike


async def repeated(siege: Siege, chance: random.Random) -> None:
    """Updates come again that came before, answered or not."""
    for update in chance.sample(siege.written, min(STRUCK, len(siege.written))):
        siege.telegram.raw(update)


async def reordered(siege: Siege, chance: random.Random) -> None:
    """Everything on its way comes in another order."""
    siege.telegram.hold()
    siege.shuffle(chance)
    siege.telegram.release()


ANYWHERE: Mapping[str, Fault] = {
    "killed with -9 under load": killed,
    "platform answers 500": platform(status=500),
    "platform hangs": platform(kind="hang"),
    "platform drops the connection": platform(kind="drop"),
    "platform takes it, then drops the connection": platform(kind="lost"),
    "platform asks for slowness (429)": platform(retry_after=1),
    "updates repeated": repeated,
    "updates reordered": reordered,
}
"""Faults that can befall any service."""

ON_SQLITE: Mapping[str, Fault] = {
    "write lock held by another process": locked,
    SizeLimit.name: cannot_grow,
}
