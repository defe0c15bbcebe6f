"""`python -m tests.chaos --seconds 60 --seed 7`: services under a random mix of faults, then the table. Status 1 on a loss.

Every round some people begin to write, two faults strike one after the other, and when all is at rest everything that was ever
written to this service is held to the invariants; after ten rounds it is the turn of a new service on a new database. The seed
decides what strikes and after how many answers; what the machine makes of it in between is its own.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bot import log
from bot.book import read_book
from tests import postgres
from tests.chaos.disk import small_disk
from tests.chaos.faults import ANYWHERE, ON_SQLITE, Fault, full, server_gone, worker_killed
from tests.chaos.siege import Siege
from tests.chaos.stories import learn
from tests.chaos.tally import Tally

PEOPLE = 40
FAULTS_A_ROUND = 2
ROUNDS = 10


async def soak(seconds: float, seed: int, database: str) -> int:
    """Besiege services for so long, and print what came of it; 1 where something was lost."""
    _print(f"seed {seed}, {seconds:g} s, {database}")
    chance = random.Random(seed)  # noqa: S311 - repeatable moments, no secret
    end = time.monotonic() + seconds
    tally = Tally()
    try:
        while time.monotonic() < end and not tally.lost:
            with tempfile.TemporaryDirectory() as folder:
                async with besieged(Path(folder), database, tally) as (siege, faults):
                    for _ in range(ROUNDS):
                        await round_of(siege, faults, chance)
                        if time.monotonic() > end or tally.lost:
                            break
    finally:
        _print(tally.table())
    return int(bool(tally.lost))


async def round_of(siege: Siege, faults: Mapping[str, Fault], chance: random.Random) -> None:
    """People begin to write, faults strike, all comes to rest and is checked."""
    turns = siege.write(PEOPLE)
    for name in chance.sample([*faults], FAULTS_A_ROUND):
        await siege.answered(chance.randrange(turns // FAULTS_A_ROUND))
        await faults[name](siege, chance)
        siege.tally.faults[name] += 1
    for name, wrong in (await siege.check()).items():
        _print(f"{name}: " + "; ".join(wrong[:5]))


@asynccontextmanager
async def besieged(folder: Path, database: str, tally: Tally) -> AsyncIterator[tuple[Siege, Mapping[str, Fault]]]:
    """A service on a database of this kind, and the faults that can befall it."""
    book, home = read_book()[0], folder / "home"
    stories = await learn(folder, book)
    async with AsyncExitStack() as ended:
        if database == "sqlite":
            disk = ended.enter_context(small_disk(home, "100m"))
            siege = Siege(home, stories, book, tally)
            own: dict[str, Fault] = {**ON_SQLITE, disk.name: lambda siege, chance: full(siege, disk)}
        else:
            server = postgres.new_server()
            ended.callback(postgres.forget, server)
            server.make()
            server.start()
            siege = Siege(home, stories, book, tally, dsn=server.dsn(), workers=2)
            own = {
                "PostgreSQL ended at once and started": lambda siege, chance: server_gone(siege, server),
                "a process that delivers killed with -9": worker_killed,
            }
        ended.push_async_callback(siege.stop)
        await siege.start()
        yield siege, {**ANYWHERE, **own}


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="A service under a random mix of faults")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long (default 60)")
    parser.add_argument("--seed", type=int, default=7, help="decides what strikes when (default 7)")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    chosen = parser.parse_args()
    log.set_up()
    return asyncio.run(soak(chosen.seconds, chosen.seed, chosen.database))


if __name__ == "__main__":
    sys.exit(main())
