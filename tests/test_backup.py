"""A backup taken under load has everything that was acknowledged, opens for its recipients only, and leaks nothing."""

from __future__ import annotations

import asyncio
import shutil
import stat
import threading
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pyrage
import pytest

from bot import age
from bot.book import Book
from flows.model import Said
from tests.databases import BOTH, Database, database
from tests.desk import CRY, MARKER, WAIT_S, Desk, empty, some_turns, turn
from tests.world import World


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path / "home", monkeypatch, capsys)


@pytest.fixture(params=BOTH)
async def full(request: pytest.FixtureRequest, tmp_path: Path, book: Book) -> AsyncIterator[Database]:
    async with database(request.param, tmp_path) as made:
        await some_turns(made, book)
        yield made


# ---------------------------------------------------------------------------------------------------------- under load


@pytest.fixture
def halfway(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, threading.Event]]:
    """A backup that stops after its first line: it says so, and goes on when it may."""
    began, go_on = threading.Event(), threading.Event()
    encrypt = age.encrypt

    def slowly(pieces: Iterator[bytes], *others: Any) -> None:
        def held() -> Iterator[bytes]:
            yield next(pieces)
            began.set()
            assert go_on.wait(WAIT_S)
            yield from pieces

        encrypt(held(), *others)

    monkeypatch.setattr(age, "encrypt", slowly)
    yield began, go_on
    go_on.set()


@pytest.mark.parametrize("kind", BOTH)
async def test_a_backup_under_load_has_all_that_was_acknowledged_and_keeps_nobody_waiting(
    kind: str, tmp_path: Path, book: Book, desk: Desk, halfway: tuple[threading.Event, threading.Event]
) -> None:
    began, go_on = halfway
    async with database(kind, tmp_path) as made, empty(kind, tmp_path) as target:
        world = World(await made.open(), book)
        acknowledged: list[str] = []
        done = asyncio.Event()

        async def keep_writing() -> None:
            for number in range(2000):
                if done.is_set():
                    return
                acknowledged.append(await turn(world, Said(CRY if number % 4 == 0 else "xin chào")))

        people = [asyncio.create_task(keep_writing()) for _ in range(4)]
        await many(acknowledged, 40)
        before = set(acknowledged)
        running = asyncio.create_task(desk.back_up(made.place))
        assert await asyncio.to_thread(began.wait, WAIT_S)
        began_after = len(acknowledged) + len(people)  # the turns that were under way then may be in it or not
        await many(acknowledged, began_after + 40)  # the snapshot is open all this time
        after = set(acknowledged[began_after:])
        go_on.set()
        await running
        done.set()
        await asyncio.gather(*people)

        status, said = await desk.restore(target.place)
        assert status == 0, said
        kept = {external for (external,) in await target.ask("SELECT external_id FROM inbox")}
        assert before <= kept
        assert not kept & after
        assert await broken(target) == []


async def many(turns: list[str], wanted: int) -> None:
    """Wait until so many turns were acknowledged."""
    async with asyncio.timeout(WAIT_S):
        while len(turns) < wanted:  # noqa: ASYNC110 - whoever acknowledges rings no bell
            await asyncio.sleep(0)


async def broken(place: Database) -> list[str]:
    """What does not hold in a database, by name."""
    wrong = {
        "an intake without referral": "FROM intake i WHERE NOT EXISTS (SELECT 1 FROM referral r WHERE r.intake = i.id)",
        "a referral without notice": "FROM referral r WHERE NOT EXISTS "
        "(SELECT 1 FROM outbox o WHERE o.referral = r.id AND o.kind = 'notify_agency')",
        "a mark without conversation": "FROM inbox i WHERE NOT EXISTS "
        "(SELECT 1 FROM conversation c WHERE c.id = i.conversation)",
        "a turn without answer": "FROM inbox i WHERE NOT EXISTS "
        "(SELECT 1 FROM outbox o WHERE o.conversation = i.conversation AND o.kind = 'say')",
    }
    return [name for name, sql in wrong.items() if await place.ask(f"SELECT 1 {sql}")]


# ---------------------------------------------------------------------------------------------------- whom and where to


async def test_a_backup_needs_somebody_who_can_open_it(full: Database, desk: Desk) -> None:
    to = ("backup", "--to", str(desk.file))
    secret = str(desk.people[0])
    for more in ((), ("--recipient", "age1nobody"), ("--recipient", secret)):
        status, said = await desk.run(full.place, *to, *more)
        assert (status, len(said.splitlines())) == (2, 1), said
        assert secret not in said
        assert not desk.file.exists()
    listed = desk.home / "recipients"
    listed.write_text("# who\n" + "".join(f"{person.to_public()}\n" for person in desk.people))
    desk.monkeypatch.setenv("NHIPCAU_BACKUP_RECIPIENTS", str(listed))
    status, said = await desk.run(full.place, *to)
    assert (status, "for 2 recipients" in said) == (0, True), said
    assert stat.S_IMODE(desk.file.stat().st_mode) == 0o600
    for person in desk.people:
        assert pyrage.decrypt(desk.file.read_bytes(), [person]).startswith(b'{"is":"backup"')


@pytest.mark.skipif(shutil.which("age") is None, reason="the program age is not on this machine")
async def test_the_program_age_opens_it_too(full: Database, desk: Desk) -> None:
    await desk.back_up(full.place)
    for number in range(2):
        command = ("age", "-d", "-i", str(desk.identity(number)), str(desk.file))
        running = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        opened, _ = await asyncio.wait_for(running.communicate(), WAIT_S)
        assert opened == desk.plain()


async def test_a_backup_never_replaces_a_file_and_leaves_none_that_is_not_whole(full: Database, desk: Desk) -> None:
    who = ("--recipient", str(desk.people[0].to_public()))
    desk.file.write_bytes(b"the backup of yesterday")
    places = (desk.file, desk.home / "nowhere" / "b.age", desk.file / "b.age", desk.home / "keys")
    for place in places:
        there = sorted(desk.home.rglob("*"))
        status, said = await desk.run(full.place, "backup", "--to", str(place), *who)
        assert (status, len(said.splitlines())) == (2, 1), said
        assert sorted(desk.home.rglob("*")) == there
    assert desk.file.read_bytes() == b"the backup of yesterday"


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
async def test_a_disk_that_fills_and_an_operator_who_stops_leave_no_file(
    full: Database, desk: Desk, failure: BaseException
) -> None:
    class Full(age._Sink):
        """Takes the header and nothing more."""

        full = False

        def write(self, chunk: bytes) -> int:
            if self.full:
                self.failed = failure
                raise failure
            self.full = True
            return super().write(chunk)

    desk.monkeypatch.setattr(age, "_Sink", Full)
    status, said = await desk.run(
        full.place, "backup", "--to", str(desk.file), "--recipient", str(desk.people[0].to_public())
    )
    assert status == (2 if isinstance(failure, OSError) else 130)
    assert ("make room" in said) == isinstance(failure, OSError)
    assert list(desk.home.glob("backup*")) == []


async def test_no_word_of_a_citizen_is_in_a_backup_nor_anywhere_beside_it(
    full: Database, tmp_path: Path, desk: Desk, halfway: tuple[threading.Event, threading.Event]
) -> None:
    began, go_on = halfway
    aside = tmp_path / "temporary"
    aside.mkdir()
    desk.monkeypatch.setenv("TMPDIR", str(aside))
    running = asyncio.create_task(desk.back_up(full.place))
    assert await asyncio.to_thread(began.wait, WAIT_S)
    assert [one.name for one in desk.home.glob("backup*")] == ["backup.age.part"]
    go_on.set()
    await running
    assert b'"intake"' in desk.plain()
    assert b'"intake"' not in desk.file.read_bytes()
    assert MARKER.encode() not in desk.plain()
    async with empty("sqlite", tmp_path) as target:
        assert (await desk.restore(target.place))[0] == 0
    assert list(aside.iterdir()) == []
    assert with_the_marker(tmp_path) == []


def with_the_marker(folder: Path) -> list[Path]:
    files = [one for one in folder.rglob("*") if one.is_file()]
    assert len(files) > 4
    return [one for one in files if MARKER.encode() in one.read_bytes()]


async def test_memory_does_not_grow_with_the_database(tmp_path: Path, desk: Desk) -> None:
    async with database("sqlite", tmp_path) as made:
        await made.open()
        await made.ask(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO attachment "
            "(id, created_at, sealed_content) SELECT 'file-' || i, i, randomblob(1000) FROM n"
        )
        await desk.back_up(made.place)
        assert desk.file.stat().st_size > 20_000_000
        async with empty("sqlite", tmp_path) as target:
            tracemalloc.start()
            desk.file.rename(desk.home / "first.age")
            await desk.back_up(made.place)
            status, _ = await desk.restore(target.place)
            most = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert (status, await target.ask("SELECT count(*) FROM attachment")) == (0, [(20000,)])
    assert most < 12_000_000
