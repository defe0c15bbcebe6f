"""What every test gets: a book, a world to talk in, and two guards that nobody has to ask for.

The leak guard fails a test in whose logs a citizen's words, chat id or file occur. The network guard fails a test that tries to
reach anything but this machine.

The tally of faults is here and not beside its tests: of several processes only the tests' own read tests/chaos/conftest.py, not
the one that speaks.
"""

from __future__ import annotations

import asyncio
import io
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.book import Book, read_book
from tests import world as a_world
from tests.chaos.tally import TALLY, Tally

HERE = ("127.0.0.1", "::1", "localhost", "0.0.0.0", "")  # noqa: S104 - what a test may connect to, nothing listens on it
LOGGERS = ("", "nhipcau")
"""The root, and ours, which may have been told not to hand on what it says."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update", action="store_true", help="write what was said anew into tests/conversations; then read it"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TALLY] = Tally()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where the tests run in several processes, each hands its tally to the first."""
    handed: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if handed is not None:
        handed["tally"] = session.config.stash[TALLY].plain()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """One of those processes ended."""
    node.config.stash[TALLY].add(getattr(node, "workeroutput", {}).get("tally", Tally().plain()))


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """After everything else was said: what was done to the service, and that nothing was lost."""
    speaks: pytest.TerminalReporter | None = config.pluginmanager.get_plugin("terminalreporter")
    if speaks is not None and config.stash[TALLY].outcomes:
        speaks.section("faults and losses")
        speaks.write_line(config.stash[TALLY].table())


@pytest.fixture(scope="session")
def book() -> Book:
    """The real data files, read and proved once."""
    return read_book()[0]


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return asyncio.run(a_world.empty_database(tmp_path_factory.mktemp("empty")))


@pytest.fixture
async def world(tmp_path: Path, book: Book, empty_database: Path) -> AsyncIterator[a_world.World]:
    opened = await a_world.new_world(tmp_path, book, empty_database)
    yield opened
    await opened.storage.close()


@pytest.fixture(autouse=True)
def leak_guard() -> Iterator[io.StringIO]:
    """Everything that is logged while a test runs; nothing of it may be a citizen's."""
    a_world.SAID.clear()
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    handlers = {name: logging.getLogger(name).handlers[:] for name in LOGGERS}
    for name in LOGGERS:
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).setLevel(logging.INFO)
    yield written
    for name, level in levels.items():
        # What the test set up for its log goes with it: it writes to a stream that is closed soon.
        logging.getLogger(name).handlers[:] = handlers[name]
        logging.getLogger(name).setLevel(level)
    found = a_world.leaked(written.getvalue())
    assert not found, f"a citizen's words stand in the log: {found}"


@pytest.fixture(autouse=True)
def network_guard(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """No test reaches beyond this machine, not even when the error of trying is swallowed."""
    tried: list[str] = []
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, _only_here(getattr(socket.socket, name), tried))
    yield tried
    assert not tried, f"tried to reach {tried}"


def _only_here(connect: Any, tried: list[str]) -> Any:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in HERE:
            tried.append(str(address[0]))
            raise ConnectionRefusedError("tests reach nothing but this machine")
        return connect(self, address)

    return guarded
