"""The guards of conftest.py notice what they are there for, and its tally of faults is said last."""

from __future__ import annotations

import io
import logging
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests import world as a_world
from tests.world import World

ROOT = Path(__file__).parents[1]


async def test_words_names_and_numbers_in_a_log_are_noticed(world: World, leak_guard: io.StringIO) -> None:
    await world.say("p", "Em tên Lò Thị Hoa Ban, số 0912345678")
    for line in ("x Lò Thị Hoa x", "call 0912345678", "to chat-of-p", "Em tên Lò Thị Hoa Ban, số 0912345678"):
        assert a_world.leaked(line), line
    assert not a_world.leaked("intake.received kind=info channel=web")


async def test_whatever_is_logged_is_looked_through(leak_guard: io.StringIO) -> None:
    logging.getLogger("nhipcau").info("ours")
    logging.getLogger("aiosqlite").warning("a library's")
    assert "ours" in leak_guard.getvalue()
    assert "a library's" in leak_guard.getvalue()


def test_a_connection_to_elsewhere_is_refused_and_noticed(network_guard: list[str]) -> None:
    with socket.socket() as outward, pytest.raises(ConnectionRefusedError):
        outward.connect(("192.0.2.1", 80))
    assert network_guard == ["192.0.2.1"]
    network_guard.clear()


def test_a_connection_here_is_let_through(network_guard: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as near:
        near.connect(server.getsockname())
    assert network_guard == []


FAULT = """
from tests.chaos.tally import TALLY, Outcome

def test_a_fault(pytestconfig):
    tally = pytestconfig.stash[TALLY]
    tally.faults["killed"] += 2
    tally.outcomes[__file__] = Outcome(3, 1, 0)
"""


def test_the_table_of_faults_is_the_last_thing_that_several_processes_say(tmp_path: Path) -> None:
    (tmp_path / "test_fault.py").write_text(FAULT)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\nasyncio_mode = auto\n")
    ran = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-n", "1", "--dist", "loadfile"]
    where = ["-c", str(tmp_path / "pytest.ini"), "-p", "no:cacheprovider", str(tmp_path)]
    said = subprocess.run([*ran, *where], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True).stdout  # noqa: S603
    _, passed, last = said.rpartition("1 passed")
    assert passed, said
    table = " ".join(last.split())
    assert "faults killed 2" in table
    assert "turns answered with 200 3" in table
    assert table.endswith("all 0")
