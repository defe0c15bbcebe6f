"""`kill -9` at any moment of many conversations: no answered turn is lost, nobody is referred twice, every reply leaves."""

from __future__ import annotations

import random

from tests import postgres
from tests.chaos.conftest import Besieged
from tests.chaos.faults import killed, worker_killed
from tests.chaos.siege import Siege

SEED = 1147
KILLS = 3
CHANCE = random.Random(SEED)  # noqa: S311 - repeatable moments, no secret


async def test_killed_at_random_moments(siege: Siege) -> None:
    turns = siege.write(90)
    for _ in range(KILLS - 1):
        await siege.answered(CHANCE.randrange(20, turns // KILLS))
        await killed(siege, CHANCE)
    await siege.all_answered()
    await killed(siege, CHANCE)  # everything was answered, and much has not left yet
    siege.tally.faults["killed with -9 under load, SQLite"] += KILLS
    assert await siege.check() == {}


async def test_killed_at_random_moments_where_others_deliver(besieged: Besieged) -> None:
    async with postgres.database(postgres.wanted()) as dsn:
        siege = await besieged(dsn=dsn, workers=2)
        turns = siege.write(40)
        for kill in (worker_killed, killed, worker_killed):
            await siege.answered(CHANCE.randrange(20, turns // KILLS))
            await kill(siege, CHANCE)
            siege.tally.faults["killed with -9 under load, PostgreSQL"] += 1
        assert await siege.check() == {}
