"""The platform under load answers wrongly, late or not at all, or takes the message first; updates come again or in any order."""

from __future__ import annotations

import random

from tests.chaos.faults import ANYWHERE, reordered, repeated
from tests.chaos.siege import Siege

CHANCE = random.Random(1147)  # noqa: S311 - repeatable moments, no secret
PEOPLE = 60


async def test_a_platform_that_answers_wrongly_or_not_at_all(siege: Siege) -> None:
    siege.write(PEOPLE)
    for name in [one for one in ANYWHERE if one.startswith("platform")]:
        await siege.answered(20)
        await ANYWHERE[name](siege, CHANCE)
        siege.tally.faults[name] += 1
    assert await siege.check() == {}


async def test_updates_that_come_again_and_in_another_order(siege: Siege) -> None:
    siege.write(PEOPLE)
    for _ in range(3):
        await siege.answered(60)
        await repeated(siege, CHANCE)
        siege.tally.faults["updates repeated"] += 1
    assert await siege.check() == {}
    siege.write(PEOPLE)
    for _ in range(3):
        await siege.answered(60)
        await reordered(siege, CHANCE)
        siege.tally.faults["updates reordered"] += 1
    assert None in siege.people.values(), "nobody's updates were reordered"
    assert await siege.check() == {}
