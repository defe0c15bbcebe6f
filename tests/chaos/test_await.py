"""One turn, told again for every moment at which its process can be ended: at each await of receive and deliver, before each
statement of its transactions. Then the platform sends again what was not answered, and all must be as if nothing had been.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.book import Book
from tests.chaos.points import Kind
from tests.chaos.stories import Story
from tests.chaos.tally import Tally
from tests.chaos.told_again import Nursery, told
from tests.fakes.telegram import FakeTelegram

FEWEST, MOST = 20, 1000
"""Points of one turn: fewer would mean that they are not counted, more that it does not come to its end."""
TURNS = {"a cry for help": ("danger", 0), "a tip is sent": ("tip", 7)}


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def nursery() -> AsyncIterator[Nursery]:
    async with Nursery.open() as made:
        yield made


@pytest.mark.parametrize(
    ("kind", "points", "what", "every"),
    [
        ("sqlite", "awaits", "a cry for help", 1),
        ("sqlite", "awaits", "a tip is sent", 1),
        ("sqlite", "statements", "a cry for help", 1),
        ("sqlite", "statements", "a tip is sent", 1),
        ("postgresql", "awaits", "a cry for help", 5),  # all 270 take a minute
    ],
)
async def test_killed_at_every_point_of_a_turn_nothing_is_lost_or_done_twice(
    kind: str, points: Kind, what: str, every: int, tmp_path: Path, telegram: FakeTelegram, nursery: Nursery, book: Book,
    stories: dict[str, Story], tally: Tally,
) -> None:  # fmt: skip
    name, turn = TURNS[what]
    async with told(kind, tmp_path, telegram, nursery, book, stories[name], turn) as story:
        for fatal in range(1, MOST, every):
            killed, wrong = await story.killed_at(points, fatal, tally)
            assert wrong == {}, f"killed at point {fatal}"
            if not killed:
                break
            tally.faults[f"killed at each of a turn's {points}, {kind}"] += 1
    assert FEWEST < fatal < MOST - every
