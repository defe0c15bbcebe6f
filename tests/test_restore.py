"""A restore brings everything back into either database, proves it, holds it; and refuses what is no sound backup."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pyrage import x25519

from bot.book import Book
from flows.model import Said
from storage import schema
from storage.base import Commit, OutboxRow, StorageUnfit
from storage.migrate import LATEST
from storage.place_postgres import PostgresPlace
from storage.places import SqlitePlace
from tests import postgres
from tests.databases import BOTH, Database, database
from tests.desk import CRY, Desk, contents, empty, some_turns, turn
from tests.world import START, World


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path / "home", monkeypatch, capsys)


@pytest.fixture(params=BOTH)
async def full(request: pytest.FixtureRequest, tmp_path: Path, book: Book) -> AsyncIterator[Database]:
    async with database(request.param, tmp_path) as made:
        await some_turns(made, book)
        yield made


# ------------------------------------------------------------------------------------------------- either into either


@pytest.mark.parametrize("kind", BOTH)
async def test_everything_comes_back_in_either_database_and_the_service_goes_on(
    full: Database, kind: str, tmp_path: Path, book: Book, desk: Desk
) -> None:
    said = await desk.back_up(full.place)
    assert "service.key" in said
    async with empty(kind, tmp_path) as target:
        status, said = await desk.restore(target.place, identity=1)
        assert status == 0
        assert "keys/service.key here opens it" in said
        assert await contents(target) == await contents(full)
        with pytest.raises(StorageUnfit, match=r"held.*restore --release"):
            await target.open()
        assert (await desk.run(target.place, "restore", "--release"))[0] == 0

        world = World(await target.open(), book)
        await world.deliverer.drain()
        assert await target.ask("SELECT kind FROM outbox WHERE finished = 0 AND kind <> 'wake'") == []
        world._count = itertools.count(1000)
        world.uses("lan", "telegram")
        assert await world.say("lan", CRY), "numbers that the database gives must go on where they were"
        assert (await desk.run(target.place, "restore", "--release"))[0] == 2


async def test_a_server_that_sorts_in_another_language_proves_the_same(tmp_path: Path, desk: Desk) -> None:
    server = postgres.wanted()
    async with database("sqlite", tmp_path) as made:
        await made.open()
        await made.ask("INSERT INTO export_run (key, at) VALUES ('a', 1), ('B', 1), ('c', 1), ('_d', 1), ('đ', 1)")
        await desk.back_up(made.place)
    await postgres.ask(
        server.dsn(), "CREATE DATABASE other TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'vi' ENCODING 'UTF8'"
    )
    try:
        status, said = await desk.restore(server.dsn("other"))
        assert status == 0, said
    finally:
        await postgres.ask(server.dsn(), "DROP DATABASE other WITH (FORCE)")


async def test_without_a_place_only_the_file_is_read_through(full: Database, desk: Desk) -> None:
    await desk.back_up(full.place)
    for name in ("NHIPCAU_HOME", "NHIPCAU_DATABASE"):
        desk.monkeypatch.delenv(name)
    there = sorted(desk.home.rglob("*"))
    status, said = await desk.restore(None)
    assert status == 0
    assert "Only the file was read" in said
    assert sorted(desk.home.rglob("*")) == there


@pytest.mark.parametrize(("key", "what"), [(None, "none here"), (b"x" * 32, "NOT the backup's")])
async def test_a_restore_says_whether_the_key_at_hand_is_the_right_one(
    full: Database, tmp_path: Path, desk: Desk, key: bytes | None, what: str
) -> None:
    await desk.back_up(full.place)
    path = desk.home / "keys" / "service.key"
    path.write_text(key.hex()) if key else path.unlink()
    async with empty("sqlite", tmp_path) as target:
        status, said = await desk.restore(target.place)
    assert (status, what in said) == (0, True), said
    assert path.exists() == bool(key), "no key may be made up"


@pytest.fixture
def a_later_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Makes this program one that has one more migration; the number of its schema."""

    def become() -> str:
        later, scripts = f"{int(LATEST) + 1:04}", tmp_path / "migrations"
        shutil.copytree(Path(schema.__file__).parent / "migrations", scripts)
        (scripts / "versions" / f"{later}_more.py").write_text(
            f"import sqlalchemy as sa\nfrom alembic import op\nrevision = {later!r}\ndown_revision = {LATEST!r}\n"
            "def upgrade():\n    op.add_column('export_run', sa.Column('more', sa.Text))\n"
        )
        for module in ("migrate", "migrate_postgres", "backup", "places", "place_postgres"):
            for name, value in (("LATEST", later), ("SCRIPTS", scripts)):
                monkeypatch.setattr(f"storage.{module}.{name}", value, raising=False)
        return later

    return become


@pytest.mark.parametrize("kind", BOTH)
async def test_a_backup_of_an_older_schema_is_restored_and_brought_up(
    full: Database, kind: str, tmp_path: Path, desk: Desk, a_later_program: Callable[[], str]
) -> None:
    await desk.back_up(full.place)
    later = a_later_program()
    async with empty(kind, tmp_path) as target:
        status, said = await desk.restore(target.place)
        assert status == 0, said
        assert await target.ask("SELECT version_num FROM alembic_version") == [(later,)]
        assert await target.ask("SELECT more FROM export_run") == []
        assert len(await target.ask("SELECT * FROM inbox")) == 2
    desk.file.unlink()
    assert (await desk.run(full.place, "backup", "--to", str(desk.file), "--recipient", "age1x"))[0] == 2


# ------------------------------------------------------------------------------------------------------------- release


def row(key: str, kind: str, hours: float = 0, due: float = 0) -> tuple[Commit, str]:
    at = START + timedelta(hours=hours)
    made = OutboxRow(key, kind, key, 2, START + timedelta(hours=due or hours), {"texts": ["x"]})
    return Commit(at=at, outbox=(made,)), key


@pytest.mark.parametrize(("arguments", "given_up"), [((), {"old reply"}), (("--with-replies",), set())])
@pytest.mark.parametrize("kind", BOTH)
async def test_after_a_release_old_replies_do_not_leave_and_everything_else_does(
    kind: str, tmp_path: Path, desk: Desk, arguments: tuple[str, ...], given_up: set[str]
) -> None:
    async with database(kind, tmp_path) as made, empty(kind, tmp_path) as target:
        storage = await made.open()
        rows = [row("claimed notice", "notice"), row("old reply", "say"), row("new reply", "say", hours=9.5)]
        rows += [row("old notice", "notice", hours=1), row("reply for tomorrow", "say", due=24)]
        for commit, _ in rows:
            await storage.commit(commit)
        just_now = START + timedelta(hours=10, seconds=-10)  # whoever claimed it would still be at work
        assert [one.row.key for one in await storage.claim(just_now, 1)] == ["claimed notice"]
        await desk.back_up(made.place)
        desk.clock.now = START + timedelta(hours=10)
        assert (await desk.restore(target.place))[0] == 0
        status, said = await desk.run(target.place, "restore", "--release", *arguments)
        assert status == 0
        assert f"{len(given_up)} replies given up" in said
        assert await target.ask("SELECT key FROM outbox WHERE claimed_until <> 0") == []
        storage = await target.open()
        due = {one.row.key for one in await storage.claim(desk.clock.now, 32)}
        assert due == {"claimed notice", "old reply", "new reply", "old notice"} - given_up
        assert await target.ask("SELECT actor, action FROM audit") == [("operator", "database.released")]


# --------------------------------------------------------------------------------------------------------- bad files


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "a bit flipped in the header": lambda data: flipped(data, 60),
    "a bit flipped in the middle": lambda data: flipped(data, len(data) // 2),
    "a bit flipped at the end": lambda data: flipped(data, len(data) - 1),
    "cut in the middle": lambda data: data[: len(data) // 2],
    "cut by a byte": lambda data: data[:-1],
    "longer by a byte": lambda data: data + b"x",
    "nothing": lambda data: b"",
    "another file": lambda data: b"SQLite format 3\0" * 100,
}
FORGERIES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a newer schema": (lambda text: text.replace(b'"schema":"', b'"schema":"9', 1), "use program"),
    "a newer format": (lambda text: text.replace(b'"format":1', b'"format":2', 1), "use program"),
    "a schema that never was": (lambda text: text.replace(b'"schema":"0', b'"schema":"00', 1), "never was"),
    "no end": (lambda text: text[: text.rindex(b'{"is":"end"')], "ends too early"),
    "a row left out": (lambda text: without_a_row(text), "manifest"),
    "a row changed": (lambda text: text.replace(b'["telegram","', b'["telegraf","'), "manifest"),
    "a row of another kind": (lambda text: text.replace(b'["telegram",', b"[4711,", 1), "inbox that is none"),
    "a row of nobody": (lambda text: orphaned(text), "refused"),
    "no backup": (lambda text: b"MZ\n" * 1000, "no backup of ours"),
    "a name with more in it": (lambda text: text.replace(b'"name":"audit"', b'"name":"audit;--"'), "no backup of ours"),
}


def without_a_row(text: bytes) -> bytes:
    lines = text.splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(b'["telegram",'))


def orphaned(text: bytes) -> bytes:
    """Referrals that point to an intake that is not there."""
    kept, table = [], b""
    for line in text.splitlines(keepends=True):
        table = line if line.startswith(b"{") else table
        if line == table or b'"name":"intake"' not in table:
            kept.append(line)
    return b"".join(kept)


async def refused(desk: Desk, place: Database, identity: int = 0) -> str:
    """A restore that must fail with one sentence, and leave nothing."""
    status, said = await desk.restore(place.place, identity)
    assert status == 2, said
    assert len(said.splitlines()) == 1
    assert "Traceback" not in said
    if isinstance(place.place, Path):
        assert list(place.place.parent.glob("*")) == []
    else:
        assert await place.ask("SELECT FROM pg_tables WHERE schemaname = 'public'") == []
    return said


@pytest.mark.parametrize("kind", BOTH)
async def test_a_file_that_is_damaged_or_no_backup_is_refused_and_nothing_is_left(
    kind: str, tmp_path: Path, book: Book, desk: Desk
) -> None:
    async with database("sqlite", tmp_path) as made, empty(kind, tmp_path) as target:
        await turn(World(await made.open(), book), Said(CRY))
        await desk.back_up(made.place)
        good, plain = desk.file.read_bytes(), desk.plain()
        for name, damage in DAMAGES.items():
            desk.file.write_bytes(damage(good))
            assert "backup" in await refused(desk, target), name
        for name, (forgery, expected) in FORGERIES.items():
            forged = forgery(plain)
            assert forged != plain, name
            desk.forge(forged)
            assert expected in await refused(desk, target), name

        desk.file.write_bytes(good)
        desk.people = [x25519.Identity.generate()]
        desk.identity().write_text(str(desk.people[0]))
        assert "does not open" in await refused(desk, target)
        for text in ("", "AGE-SECRET-KEY-1NOTONE", "\0"):
            desk.identity().write_text(text)
            said = await refused(desk, target)
            assert "identity" in said
            assert "NOTONE" not in said


@pytest.mark.parametrize("kind", BOTH)
async def test_a_database_that_does_not_keep_what_it_was_given_is_noticed(
    kind: str, tmp_path: Path, book: Book, desk: Desk
) -> None:
    where: Any = {"sqlite": SqlitePlace, "postgresql": PostgresPlace}[kind]
    load = where.load
    desk.monkeypatch.setattr(
        where, "load", lambda place, shape, rows: load(place, shape, rows[shape.name == "outbox" :])
    )
    async with database("sqlite", tmp_path) as made, empty(kind, tmp_path) as target:
        await some_turns(made, book)
        await desk.back_up(made.place)
        assert "was not restored as it was" in await refused(desk, target)


async def test_a_place_that_is_not_empty_is_left_alone(full: Database, tmp_path: Path, desk: Desk) -> None:
    await desk.back_up(full.place)
    before = await contents(full)
    status, said = await desk.restore(full.place)
    assert (status, "empty" in said) == (2, True), said
    assert await contents(full) == before
    for end in ("-wal", ".restoring"):
        folder = tmp_path / f"left{end}"
        folder.mkdir()
        (folder / f"nhipcau.db{end}").write_bytes(b"of another database")
        status, said = await desk.restore(folder / "nhipcau.db")
        assert (status, end in said) == (2, True), said
        assert [one.name for one in folder.iterdir()] == [f"nhipcau.db{end}"]
