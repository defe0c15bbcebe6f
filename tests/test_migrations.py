"""Migrations: from nothing they make exactly the schema; a database that cannot be used is refused with a remedy."""

from __future__ import annotations

import asyncio
import re
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

import storage.migrate
import storage.migrate_postgres
from flows.model import Conversation
from storage.base import Address, Commit, Done, OutboxRow, StorageUnfit
from storage.migrate import LATEST, Found, migrate
from storage.open import migrate_storage
from storage.schema import APPEND_ONLY, TABLES, metadata
from storage.seal import Sealer
from tests.databases import BOTH, KEY, Database, database

SEALER = Sealer(b"k" * 32)
MIGRATIONS = Path(__file__).parent.parent / "storage" / "migrations"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "nhipcau.db"


def run(path: Path, *statements: str) -> list[tuple[object, ...]]:
    database = sqlite3.connect(path)
    try:
        with database:
            for statement in statements:
                rows = database.execute(statement).fetchall()
    finally:
        database.close()
    return rows


def shape(path: Path) -> dict[str, tuple[object, ...]]:
    """Every table, index and trigger with what SQLite says of its columns and its text, whatever the layout."""
    found: dict[str, tuple[object, ...]] = {}
    database = sqlite3.connect(path)
    for kind, name, table, sql in database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall():
        if name in ("alembic_version", "sqlite_sequence") or "alembic_version" in table:
            continue
        clauses = sorted(filter(None, (part.strip() for part in re.split("[(),]", " ".join((sql or "").split())))))
        columns = database.execute(f"PRAGMA table_xinfo({name})").fetchall() if kind == "table" else ()
        keys = database.execute(f"PRAGMA foreign_key_list({name})").fetchall() if kind == "table" else ()
        found[f"{kind} {name}"] = (table, tuple(columns), tuple(keys), tuple(clauses))
    database.close()
    return found


def test_the_migrations_make_exactly_the_schema(path: Path, tmp_path: Path) -> None:
    assert migrate(path, SEALER) == ("", LATEST)
    described = tmp_path / "described.db"
    engine = create_engine(f"sqlite:///{described}")
    with engine.begin() as connection:
        metadata.create_all(connection)
        for trigger in APPEND_ONLY["sqlite"]:
            connection.exec_driver_sql(trigger)
    engine.dispose()
    migrated, expected = shape(path), shape(described)
    assert set(migrated) == set(expected)
    for name, described_as in expected.items():
        assert migrated[name] == described_as, name


def test_the_newest_migration_is_the_one_that_start_looks_for() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [LATEST]


def test_no_migration_imports_our_code() -> None:
    for script in (MIGRATIONS / "versions").glob("*.py"):
        assert "storage" not in script.read_text(encoding="utf-8").replace(script.name, "")


def test_migrating_twice_changes_nothing_and_keeps_the_rows(path: Path) -> None:
    migrate(path, SEALER)
    run(path, "INSERT INTO officer (id, name, active, created_at) VALUES ('o1', 'Trực ban', 1, 0)")
    before = shape(path)
    assert migrate(path, SEALER) == (LATEST, LATEST)
    assert shape(path) == before
    assert run(path, "SELECT name FROM officer") == [("Trực ban",)]


def test_only_this_user_may_read_the_file(path: Path) -> None:
    migrate(path, SEALER)
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def newer(path: Path) -> None:
    migrate(path, SEALER)
    run(
        path,
        "UPDATE alembic_version SET version_num = '9999'",
        "UPDATE meta SET value = '9999' WHERE name = 'works_with'",
    )


def half_migrated(path: Path) -> None:
    migrate(path, SEALER)
    run(path, "DROP TABLE outbox")


def without_version(path: Path) -> None:
    migrate(path, SEALER)
    run(path, "DELETE FROM alembic_version")


def of_another_program(path: Path) -> None:
    path.parent.mkdir()
    run(path, "CREATE TABLE songs (id)")


def no_database(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"These are not the tables that were looked for. " * 100)


def damaged(path: Path) -> None:
    migrate(path, SEALER)
    run(
        path,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) "
        "INSERT INTO meta SELECT 'm' || i, zeroblob(2000) FROM n",
    )
    content = bytearray(path.read_bytes())
    content[-40_000:-20_000] = b"\xff" * 20_000
    path.write_bytes(content)


def a_folder(path: Path) -> None:
    path.mkdir(parents=True)


def sealed_with_another_key(path: Path) -> None:
    migrate(path, Sealer(b"j" * 32))


@pytest.mark.parametrize(
    ("spoil", "remedy"),
    [
        (newer, "start the newer program"),
        (half_migrated, "half migrated, outbox missing: restore the last backup"),
        (without_version, "half migrated: restore the last backup"),
        (of_another_program, "use another file"),
        (no_database, "damaged or no database: restore the last backup"),
        (damaged, "restore the last backup"),
        (a_folder, "look at its folder"),
        (sealed_with_another_key, "give the key it was made with"),
    ],
)
def test_a_database_that_cannot_be_used_is_refused_with_a_remedy_and_left_alone(
    path: Path, spoil: Callable[[Path], None], remedy: str
) -> None:
    spoil(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(StorageUnfit, match=remedy) as refused:
        migrate(path, SEALER)
    assert str(path.parent) not in str(refused.value)
    assert (path.read_bytes() if path.is_file() else b"") == before


def test_a_migration_that_fails_leaves_nothing_behind(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.parent.mkdir()
    # The first table is made, then the index of the second meets an index that is there already.
    run(path, "CREATE TABLE x (a)", "CREATE INDEX ix_outbox_due ON x (a)")
    monkeypatch.setattr("storage.migrate._found", lambda place: Found(place.name, "", frozenset(), ""))
    with pytest.raises(StorageUnfit, match="could not be migrated and was left as it is"):
        migrate(path, SEALER)
    assert {name for (name,) in run(path, "SELECT name FROM sqlite_master")} == {"x", "ix_outbox_due"}


def test_every_table_is_part_of_the_seam() -> None:
    assert set(TABLES) == {
        "address", "attachment", "attachment_key", "attachment_piece", "audit", "audit_detail", "audit_link",
        "breach", "consent", "conversation", "device", "erased", "erasure", "export_run", "inbox", "intake",
        "intake_grant", "intake_key", "intake_part", "invite", "link", "meta", "office_grant", "office_key",
        "officer", "officer_key", "outbox", "referral", "right_request", "session",
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------------ another release

NEXT = f"{int(LATEST) + 1:04}"
CHANGE = f'''
import sqlalchemy as sa
from alembic import op

revision, down_revision = "{NEXT}", "{LATEST}"


def upgrade() -> None:
    op.create_table("letter", sa.Column("id", sa.Text(), primary_key=True))
    op.add_column("outbox", sa.Column("colour", sa.Text(), nullable=False, server_default="grey"))
    op.add_column("conversation", sa.Column("weather", sa.Text()))
'''
"""What a migration may do: add a table, and columns that have a default or may be empty."""


@pytest.fixture
def next_release(tmp_path: Path) -> Callable[[str], AbstractContextManager[None]]:
    """While it is open, this program is the next release, whose schema works with the release given."""

    @contextmanager
    def as_next(works_with: str) -> Iterator[None]:
        scripts = tmp_path / "next"
        shutil.copytree(MIGRATIONS, scripts, dirs_exist_ok=True)
        (scripts / "versions" / f"{NEXT}_next.py").write_text(CHANGE)
        with pytest.MonkeyPatch.context() as patch:
            for module in (storage.migrate, storage.migrate_postgres):
                patch.setattr(module, "LATEST", NEXT)
                patch.setattr(module, "SCRIPTS", scripts)
            patch.setattr(storage.migrate, "WORKS_WITH", works_with)
            yield

    return as_next


@pytest.fixture(params=BOTH)
async def home(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with database(request.param, tmp_path) as made:
        yield made


NOW = datetime(2026, 11, 23, 7, 5, tzinfo=UTC)
LAN = Address("telegram", "77700042")


def turn(number: int) -> Commit:
    row = OutboxRow(f"say/{number}", "say", "c:lan", 2, NOW, {"texts": ["…"]}, "lan")
    talk = Conversation("lan", version=number + 1)
    return Commit(NOW, "telegram", f"u{number}", LAN, conversation=talk, expects=number, outbox=(row,))


async def test_rows_live_through_a_migration_and_the_release_before_goes_on_beside_it(
    home: Database, next_release: Callable[[str], AbstractContextManager[None]]
) -> None:
    """The order of an upgrade without a pause: the database first, then one process after the other."""
    before = await home.open()
    await before.commit(turn(0))
    with next_release(LATEST):
        assert await migrate_storage(home.place, KEY) == (LATEST, NEXT)
        assert await migrate_storage(home.place, KEY) == (NEXT, NEXT)
    await before.commit(turn(1))  # it was open all the while
    after = await home.open()  # and one of the old release that is started anew
    assert (await after.load(LAN)).conversation == turn(1).conversation
    await after.commit(turn(2))
    for number in range(3):
        (claimed,) = await after.claim(NOW, 9)
        assert claimed.row.key == f"say/{number}"
        await after.finish([Done(claimed.id, "done", NOW)])
    assert await home.ask("SELECT colour FROM outbox") == [("grey",)] * 3
    assert await migrate_storage(home.place, KEY) == (NEXT, NEXT)


async def test_a_release_that_is_too_old_for_the_schema_is_refused(
    home: Database, next_release: Callable[[str], AbstractContextManager[None]]
) -> None:
    await (await home.open()).close()
    with next_release(NEXT):
        await migrate_storage(home.place, KEY)
    with pytest.raises(StorageUnfit, match="start the newer program"):
        await home.open()
    with pytest.raises(StorageUnfit, match="start the newer program"):
        await migrate_storage(home.place, KEY)


async def test_only_a_file_is_migrated_by_a_start(
    home: Database, next_release: Callable[[str], AbstractContextManager[None]]
) -> None:
    await (await home.open()).close()
    with next_release(LATEST):
        if isinstance(home.place, Path):
            await (await home.open()).close()
        else:
            with pytest.raises(StorageUnfit, match=f"has schema {LATEST}, this program needs {NEXT}.*bot migrate"):
                await home.open()
    assert await home.ask("SELECT version_num FROM alembic_version") == [
        (NEXT if isinstance(home.place, Path) else LATEST,)
    ]


async def test_a_half_applied_migration_is_refused_and_left_as_it_is(
    home: Database, next_release: Callable[[str], AbstractContextManager[None]]
) -> None:
    """As it would be after somebody had run half of it by hand: it says the old version, and part of the new is there."""
    await (await home.open()).close()
    await home.ask("ALTER TABLE outbox ADD COLUMN colour TEXT")
    with next_release(LATEST), pytest.raises(StorageUnfit, match="migrated"):
        await migrate_storage(home.place, KEY)
    assert await home.ask("SELECT version_num FROM alembic_version") == [(LATEST,)]
    assert await home.ask("SELECT count(*) FROM meta WHERE name = 'works_with'") == [(1,)]
    with pytest.raises(Exception, match="letter"):
        await home.ask("SELECT * FROM letter")


@pytest.mark.parametrize("home", ["postgresql"], indirect=True)
async def test_four_that_migrate_at_once_do_it_once(
    home: Database, next_release: Callable[[str], AbstractContextManager[None]]
) -> None:
    await (await home.open()).close()
    with next_release(LATEST):
        moved = await asyncio.gather(*(migrate_storage(home.place, KEY) for _ in range(4)))
    assert sorted(moved) == [(LATEST, NEXT)] + [(NEXT, NEXT)] * 3
