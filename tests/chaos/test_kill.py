"""`kill -9` at any moment of many conversations: no answered turn is lost, nobody is referred twice, every reply leaves."""

from __future__ import annotations

import random

from tests.chaos.siege import Siege

PEOPLE = 120
KILLS = 5
SEED = 1147


async def test_killed_at_random_moments_nothing_is_lost_and_nobody_referred_twice(siege: Siege) -> None:
    chance = random.Random(SEED)  # noqa: S311 - repeatable moments, no secret
    turns = siege.write(PEOPLE)
    for _ in range(KILLS - 1):
        await siege.answered(chance.randrange(20, turns // KILLS))
        await siege.kill()
        siege.tally.faults["killed with -9 under load"] += 1
        await siege.start_again()
    await siege.all_answered()
    await siege.kill()  # everything was answered, and much has not left yet
    siege.tally.faults["killed with -9 under load"] += 1
    await siege.start_again()
    assert await siege.check() == {}
