"""The database goes away under load and comes back: locked, full, not to be written, its server ended."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import postgres
from tests.chaos.conftest import Besieged
from tests.chaos.disk import Disk, SizeLimit, small_disk
from tests.chaos.faults import cannot_grow, full, locked, server_gone
from tests.chaos.siege import SERVE, Siege
from tests.service import NotStarted

CHANCE = random.Random(1147)  # noqa: S311 - repeatable moments, no secret
PEOPLE = 60


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with small_disk(tmp_path / "home") as made:
        yield made


async def test_the_write_lock_held_by_another_process_for_longer_than_it_is_waited_for(siege: Siege) -> None:
    siege.write(PEOPLE)
    await siege.answered(40)
    await locked(siege, CHANCE)
    siege.tally.faults["write lock held by another process"] += 1
    assert await siege.check() == {}


async def test_a_full_disk_refuses_what_it_cannot_keep_and_goes_on_when_there_is_room(
    disk: Disk, besieged: Besieged
) -> None:
    siege = await besieged()
    turns = siege.write(PEOPLE)
    for _ in range(2):
        await siege.answered(turns // 4)
        await full(siege, disk)
        siege.tally.faults[disk.name] += 1
    assert await siege.check() == {}


async def test_files_that_cannot_grow_refuse_what_they_cannot_keep(siege: Siege) -> None:
    turns = siege.write(PEOPLE)
    for _ in range(2):
        await siege.answered(turns // 4)
        await cannot_grow(siege, CHANCE)
        siege.tally.faults[SizeLimit.name] += 1
    assert await siege.check() == {}


async def test_a_folder_that_cannot_be_written_stops_the_start_with_a_sentence_and_nothing_is_lost(
    besieged: Besieged,
) -> None:
    siege = await besieged(command=(*without_privilege(), *SERVE))
    siege.write(PEOPLE)
    await siege.answered(100)
    await siege.kill()
    with read_only(siege.service.home), pytest.raises(NotStarted, match="folder") as why:
        await siege.start_again()
    assert "Traceback" not in str(why.value)
    siege.tally.faults["folder not to be written at the start"] += 1
    await siege.start_again()
    assert await siege.check() == {}


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    inside = [folder, *folder.iterdir()]
    modes = [one.stat().st_mode for one in inside]
    for one in inside:
        one.chmod(0o500 if one.is_dir() else 0o400)
    try:
        yield
    finally:
        for one, mode in zip(inside, modes, strict=True):
            one.chmod(mode)


def without_privilege() -> tuple[str, ...]:
    """What makes a process of root obey the modes of files; nobody else needs it."""
    if os.geteuid() != 0:
        return ()
    rights = "-dac_override,-dac_read_search"
    return (shutil.which("setpriv") or "setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}")


async def test_a_server_that_is_ended_at_once_and_started_again(besieged: Besieged) -> None:
    postgres.wanted()
    server = postgres.new_server()
    try:
        server.make()
        server.start()
        siege = await besieged(dsn=server.dsn())
        siege.write(PEOPLE)
        for _ in range(2):
            await siege.answered(60)
            await server_gone(siege, server)
            siege.tally.faults["PostgreSQL ended at once and started"] += 1
        assert await siege.check() == {}
    finally:
        postgres.forget(server)
