"""What the tests of faults share: the stories people tell, a service under siege, and the run's one tally."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from bot.book import Book
from tests.chaos.siege import Siege
from tests.chaos.stories import Story, learn
from tests.chaos.tally import TALLY, Tally


@pytest.fixture
def tally(pytestconfig: pytest.Config) -> Tally:
    return pytestconfig.stash[TALLY]


@pytest.fixture(scope="session")
def stories(tmp_path_factory: pytest.TempPathFactory, book: Book) -> dict[str, Story]:
    return asyncio.run(learn(tmp_path_factory.mktemp("stories"), book))


Besieged = Callable[..., Awaitable[Siege]]


@pytest.fixture
async def besieged(tmp_path: Path, stories: dict[str, Story], book: Book, tally: Tally) -> AsyncIterator[Besieged]:
    """Starts services in this test's folder; they are ended with it."""
    async with AsyncExitStack() as ended:

        async def start(**how: Any) -> Siege:
            made = Siege(tmp_path / "home", stories, book, tally, **how)
            ended.push_async_callback(made.stop)
            await made.start()
            return made

        yield start


@pytest.fixture
async def siege(besieged: Besieged) -> Siege:
    """A running service on a file of its own."""
    return await besieged()
