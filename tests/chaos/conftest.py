"""One tally for all tests of faults, printed at the end of the run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.book import Book
from tests.chaos.siege import Siege
from tests.chaos.stories import Story, learn
from tests.chaos.tally import Tally

TALLY = pytest.StashKey[Tally]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TALLY] = Tally()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.stash[TALLY].checks:
        terminalreporter.section("faults and losses")
        terminalreporter.write_line(config.stash[TALLY].table())


@pytest.fixture
def tally(pytestconfig: pytest.Config) -> Tally:
    return pytestconfig.stash[TALLY]


@pytest.fixture(scope="session")
def stories(tmp_path_factory: pytest.TempPathFactory, book: Book) -> dict[str, Story]:
    return asyncio.run(learn(tmp_path_factory.mktemp("stories"), book))


Besieged = Callable[..., "AsyncIterator[Siege]"]


@pytest.fixture
async def siege(tmp_path: Path, stories: dict[str, Story], book: Book, tally: Tally) -> AsyncIterator[Siege]:
    """A running service on a file of its own."""
    made = Siege(tmp_path / "home", stories, book, tally)
    async with AsyncExitStack() as ended:
        ended.push_async_callback(made.stop)
        await made.start()
        yield made
