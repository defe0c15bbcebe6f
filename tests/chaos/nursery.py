"""`python -m tests.chaos.nursery`: reads jobs, a JSON line each, and does in a fork of its own each that is to be killed.

Starting Python and reading the book takes two seconds, a fork a few milliseconds: so a turn can be told again for every moment
at which it could be ended. A job is answered by lines: `ack ID` where a platform gets its 200, `over STATUS` at the end.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import msgspec

from bot import app, book, receive
from bot.channels.base import Inbound
from bot.channels.telegram.send import TelegramChannel
from bot.settings import Secret, Settings
from flows.model import Said
from tests.chaos.hurried import hurry
from tests.chaos.points import Kind, Points
from tests.fakes.telegram import TOKEN


@dataclass(frozen=True)
class Job:
    """Receive these updates and deliver what follows, on this database; be killed at point `fatal` (0: come to the end).

    `ahead_s`: how far this process's clock is ahead.
    """

    home: str
    database: str
    api: str
    updates: list[dict[str, Any]]
    kind: Kind = "awaits"
    fatal: int = 0
    ahead_s: int = 0


async def do(job: Job) -> None:
    """One job, with the parts of the real service."""
    vars(receive)["datetime"] = Ahead(job.ahead_s)
    points = Points(job.kind, job.fatal)
    if job.fatal:
        points.watch(asyncio.get_running_loop())
    parts = await app.open_parts(
        Settings(Path(job.home), database=job.database, telegram_token=Secret(TOKEN), telegram_api=job.api)
    )
    telegram = parts.channels["telegram"]
    assert isinstance(telegram, TelegramChannel)
    points.count(True)
    await asyncio.create_task(_turns(job, parts, telegram))
    points.count(False)
    await telegram.close()
    await parts.storage.close()


async def _turns(job: Job, parts: app.Parts, telegram: TelegramChannel) -> None:
    for update in job.updates:
        inbound = telegram.read(json.dumps(update).encode(), {})
        assert isinstance(inbound, Inbound)
        await parts.receiver.citizen(inbound)
        _say(f"ack {update['update_id']}")
    await parts.deliverer.drain()


@dataclass(frozen=True)
class Ahead:
    """Stands where receive.py asks what time it is."""

    seconds: int

    def now(self, zone: tzinfo) -> datetime:
        return datetime.now(zone) + timedelta(seconds=self.seconds)


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def _done(job: Job) -> int:
    """The status of whoever did this job: 0, or the signal that ended it. A fork only where it may be killed."""
    if not job.fatal:
        asyncio.run(do(job))
        return 0
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 1
    try:
        asyncio.run(do(job))
        status = 0
    finally:
        sys.stderr.flush()
        os._exit(status)


async def _warm() -> None:
    """Tell one turn here, so that whatever is made once and kept is there before the first fork."""
    with tempfile.TemporaryDirectory() as folder:
        parts = await app.open_parts(Settings(Path(folder), database=f"{folder}/warm.db"))
        await parts.receiver.citizen(Inbound("telegram", "1", "1", Said("/start")))
        await parts.storage.close()


def serve() -> None:
    """Do the jobs of standard input until it ends."""
    hurry()
    read = book.read_book()
    vars(app)["read_book"] = lambda on=None: read
    asyncio.run(_warm())
    gc.freeze()
    _say("ready")
    for line in sys.stdin:
        _say(f"over {_done(msgspec.json.decode(line, type=Job))}")


if __name__ == "__main__":
    serve()
