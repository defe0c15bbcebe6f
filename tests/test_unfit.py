"""What a start cannot go on with: one sentence that says what to do, nothing repaired, nothing made up, no secret shown."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from bot import app, serve
from bot.__main__ import main
from bot.book import Book
from bot.keys import KeyLost, open_with_key
from storage.base import StorageUnfit
from storage.migrate import LATEST
from tests import postgres

SECRET = "pass-marker"
Spoil = Callable[[Path], None]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, book: Book) -> Path:
    """The home of an installation that is started here; a start that is not refused fails the test."""

    async def started(*_: object) -> None:
        raise AssertionError("it started")

    monkeypatch.setattr(app, "read_book", lambda on: (book, []))
    monkeypatch.setattr(serve._Server, "serve", started)
    monkeypatch.setenv("NHIPCAU_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("NHIPCAU_DATABASE", raising=False)
    return tmp_path / "home"


def refusal(capsys: pytest.CaptureFixture[str], command: str = "serve") -> str:
    """The one sentence with which a command ends."""
    assert main([command]) in (1, 2)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1, err
    assert "Traceback" not in err
    assert SECRET not in err
    return err


def contents(home: Path) -> dict[Path, bytes]:
    """Every file but the mark of who serves."""
    return {each: each.read_bytes() for each in home.rglob("*") if each.is_file() and each.suffix != ".lock"}


def run(path: Path, *statements: str) -> None:
    database = sqlite3.connect(path)
    with database:
        for statement in statements:
            database.execute(statement)
    database.close()


# ------------------------------------------------------------------------------------------------------------- a file


def newer(path: Path) -> None:
    run(
        path,
        "UPDATE alembic_version SET version_num = '9999'",
        "UPDATE meta SET value = '9999' WHERE name = 'works_with'",
    )


def of_no_release(path: Path) -> None:
    run(path, "UPDATE alembic_version SET version_num = '0000'")


def without_a_table(path: Path) -> None:
    run(path, "DROP TABLE session")


def without_a_column(path: Path) -> None:
    run(path, "ALTER TABLE officer DROP COLUMN role")


def with_two_versions(path: Path) -> None:
    run(path, "INSERT INTO alembic_version VALUES ('0000')")


def without_version(path: Path) -> None:
    run(path, "DROP TABLE alembic_version")


def corrupt_page(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[8192:12288] = b"\xff" * 4096
    path.write_bytes(content)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:10_000])


def no_database(path: Path) -> None:
    path.write_bytes(b"These are not the tables that were looked for. " * 100)


def key_lost(path: Path) -> None:
    (path.parent / "keys" / "service.key").unlink()


def key_damaged(path: Path) -> None:
    (path.parent / "keys" / "service.key").write_text("not hex\n")


def key_is_a_folder(path: Path) -> None:
    key_lost(path)
    (path.parent / "keys" / "service.key").mkdir()


def key_of_another(path: Path) -> None:
    (path.parent / "keys" / "service.key").write_text("ab" * 32 + "\n")


@pytest.mark.parametrize(
    ("spoil", "remedy"),
    [
        (newer, "start the newer program"),
        (of_no_release, "use another file"),
        (without_a_table, "half migrated, session missing: restore the last backup"),
        (without_a_column, "half migrated, officer.role missing: restore the last backup"),
        (with_two_versions, "half migrated: restore the last backup"),
        (without_version, "half migrated; use another file"),
        (corrupt_page, "restore the last backup"),
        (cut_short, "restore the last backup"),
        (no_database, "damaged or no database: restore the last backup"),
        (key_lost, "keys/service.key is not: bring the key back from your backup"),
        (key_damaged, "should hold 64 hex digits: bring it back from your backup"),
        (key_is_a_folder, "cannot be read"),
        (key_of_another, "give the key it was made with"),
    ],
)
def test_a_file_that_cannot_be_used_stops_the_start_and_is_left_alone(
    home: Path, capsys: pytest.CaptureFixture[str], spoil: Spoil, remedy: str
) -> None:
    path = home / "nhipcau.db"
    assert main(["migrate"]) == 0
    capsys.readouterr()
    spoil(path)
    before = contents(home)
    assert remedy in refusal(capsys)
    assert contents(home) == before


@pytest.mark.parametrize("place", ["/dev/null", "/proc/nowhere"])
def test_a_home_that_cannot_be_one_stops_the_start(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    monkeypatch.setenv("NHIPCAU_HOME", place)
    assert "folder cannot be written" in refusal(capsys)
    assert "keys/service.key cannot be" in refusal(capsys, "migrate")


def test_a_file_that_is_served_already_is_not_served_again(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both would send every message."""
    assert main(["migrate"]) == 0
    capsys.readouterr()
    with serve.alone(home / "nhipcau.db"):
        assert "another process serves this database: stop it first" in refusal(capsys)


@pytest.mark.parametrize(
    "address",
    [
        "postgre://u:pass-marker@127.0.0.1/x",
        "postgresql+asyncpg://u:pass-marker@127.0.0.1/x",
        "postgresql:/u:pass-marker@127.0.0.1/x",
        "mysql://u:pass-marker@127.0.0.1/x",
        "host=127.0.0.1 dbname=x password=pass-marker",
    ],
)
def test_a_slip_in_the_address_is_not_taken_for_a_file(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NHIPCAU_DATABASE", address)
    assert "write a path, or postgresql://" in refusal(capsys)
    assert list(tmp_path.iterdir()) == []


def test_a_file_leaves_its_work_to_nobody(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NHIPCAU_WORK", "elsewhere")
    assert "a database file has one process" in refusal(capsys)
    assert "`serve` is the one process" in refusal(capsys, "work")
    assert not home.exists()


# --------------------------------------------------------------------------------------------------------- PostgreSQL


@pytest.fixture
async def dsn(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """An empty database, for which this installation is started."""
    async with postgres.database(postgres.wanted()) as made:
        monkeypatch.setenv("NHIPCAU_DATABASE", made)
        yield made


async def refused(capsys: pytest.CaptureFixture[str], command: str = "serve") -> str:
    return await asyncio.to_thread(refusal, capsys, command)


async def everything(dsn: str) -> list[Any]:
    """All columns, and the rows that say what the database is."""
    columns = (
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
    )
    found: list[Any] = await postgres.ask(dsn, columns)
    if ("meta", "value") in found:
        found += await postgres.ask(dsn, "SELECT name, value FROM meta ORDER BY 1")
    return found


@pytest.mark.parametrize(
    ("spoil", "remedy"),
    [
        (
            "UPDATE alembic_version SET version_num = '9999'; DELETE FROM meta WHERE name = 'works_with'",
            "start the newer",
        ),
        ("UPDATE alembic_version SET version_num = '0000'", "use another database"),
        ("DROP TABLE session", "half migrated, session missing: restore the last backup"),
        ("ALTER TABLE officer DROP COLUMN role", "half migrated, officer.role missing: restore the last backup"),
        ("INSERT INTO alembic_version VALUES ('0000')", "half migrated: restore the last backup"),
        ("DROP TABLE alembic_version", "half migrated; use another database"),
    ],
)
async def test_a_database_that_cannot_be_used_stops_the_start_and_is_left_alone(
    home: Path, dsn: str, capsys: pytest.CaptureFixture[str], spoil: str, remedy: str
) -> None:
    await (await open_with_key(home, dsn)).close()
    await postgres.run(dsn, spoil)
    before = await everything(dsn)
    for command in ("serve", "work", "migrate"):
        assert remedy in await refused(capsys, command)
    assert await everything(dsn) == before


async def test_a_key_that_is_lost_is_not_made_anew(home: Path, dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A new one would be kept beside the database, in the next backup too, and the right one would be missed later."""
    await (await open_with_key(home, dsn)).close()
    key_lost(home / "nhipcau.db")
    for command in ("serve", "work", "migrate", "officers"):
        assert "bring the key back from your backup" in await refused(capsys, command)
    assert list((home / "keys").iterdir()) == []


async def test_another_key_is_refused(home: Path, dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    await (await open_with_key(home, dsn)).close()
    key_of_another(home / "nhipcau.db")
    assert "give the key it was made with" in await refused(capsys)


async def test_four_that_start_at_once_in_one_home_make_one_key_and_one_database(home: Path, dsn: str) -> None:
    for storage in await asyncio.gather(*(open_with_key(home, dsn) for _ in range(4))):
        await storage.close()
    assert [each.name for each in (home / "keys").iterdir()] == ["service.key"]
    assert await postgres.ask(dsn, "SELECT version_num FROM alembic_version") == [(LATEST,)]


async def test_of_two_homes_that_start_at_once_one_has_the_key_and_the_other_makes_none_up(
    home: Path, dsn: str
) -> None:
    homes = [home / "one", home / "two"]
    ended = await asyncio.gather(*(open_with_key(each, dsn) for each in homes), return_exceptions=True)
    opened = [each for each in ended if not isinstance(each, BaseException)]
    kept = [each for each in homes if (each / "keys" / "service.key").exists()]
    assert (len(opened), len(kept)) == (1, 1)
    assert any(isinstance(each, StorageUnfit | KeyLost) for each in ended)
    await opened[0].close()
    await (await open_with_key(kept[0], dsn)).close()


@pytest.fixture
async def locked(dsn: str) -> AsyncIterator[str]:
    """The database, for a user who needs a password, which is not the one in this address."""
    server = postgres.wanted()
    rules = server.home / "data" / "pg_hba.conf"
    before = rules.read_text()
    await postgres.run(dsn, "CREATE ROLE locked LOGIN PASSWORD 'right'")
    rules.write_text("host all locked 127.0.0.1/32 scram-sha-256\n" + before)
    await postgres.ask(dsn, "SELECT pg_reload_conf()")
    yield dsn.replace(f"{postgres.USER}@", f"locked:{SECRET}@")
    rules.write_text(before)
    await postgres.run(dsn, "DROP ROLE locked; SELECT pg_reload_conf()")


async def test_a_wrong_password_is_not_shown(
    home: Path, locked: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NHIPCAU_DATABASE", locked)
    assert "refused this user or password: correct the address" in await refused(capsys)
    assert not (await asyncio.to_thread(home.exists))


@pytest.mark.parametrize(
    ("place", "remedy"),
    [
        ("{address}/nowhere", "make it with createdb"),
        ("127.0.0.1:1/postgres", "start its server"),
        ("nowhere.invalid:5432/postgres", "start its server"),
        ("127.0.0.1:port/postgres", "cannot be read: write postgresql://"),
        ("127.0.0.1:99999/postgres", "cannot be read: write postgresql://"),
        ("[127.0.0.1/postgres", "cannot be read: write postgresql://"),
        ("{address}/postgres?sslmode=wrong", "cannot be read: write postgresql://"),
    ],
)
async def test_an_address_that_leads_nowhere_stops_the_start_and_leaves_no_key(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], place: str, remedy: str
) -> None:
    address = place.format(address=postgres.wanted().address)
    monkeypatch.setenv("NHIPCAU_DATABASE", f"postgresql://{postgres.USER}:{SECRET}@{address}")
    assert remedy in await refused(capsys)
    assert not (await asyncio.to_thread(home.exists))
