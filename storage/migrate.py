"""Brings a database to the schema of this version, or says in a sentence why it cannot be used and what to do.

Alembic does the work, all of it in one transaction. It takes 0.4 s to import, so a database that is up to date is
recognised without it. Here is what both databases share, and SQLite; PostgreSQL is in migrate_postgres.py.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy.exc import DBAPIError

from storage.base import StorageUnfit, WrongKey
from storage.schema import metadata
from storage.seal import Sealer

LATEST: Final = "0017"
"""The newest migration in storage/migrations/versions."""

WORKS_WITH: Final = "0001"
"""The oldest program, by its newest migration, that may still use the newest schema: the release before this one.

So a migration adds tables, and columns that have a default or may be empty; what nobody reads any more goes a release later.
It is written into the database, for the older program to find.
"""

Moved = tuple[str, str]
"""From which schema (empty: there was none) to which."""

WELL_BYTES: Final = 64 * 1024 * 1024
"""Up to this size a database is read through at start (well under a second); `backup` reads larger ones."""

SCRIPTS: Final = Path(__file__).parent / "migrations"

HELD: Final = "held"
"""The name in `meta` that a restored database has until it is released (restored.py); its value is the moment of its backup."""

VERSION_TABLE: Final = "alembic_version"

WORKS_WITH_NAME: Final = "works_with"
CANARY: Final = "canary"
LOOKUP: Final = "lookup"
"""Names in `meta`: of a sealed word that tells whether the key is the right one, and of the sealed key of look-ups, which is
there once the service key was rotated."""

_CANARY: Final = b"nhip-cau"
_ABOUT_CANARY: Final = b"meta/canary"


@dataclass(frozen=True, slots=True)
class Found:
    """A database as it was found: its version (empty: none), its columns, the oldest program that may use it."""

    name: str
    version: str
    columns: frozenset[tuple[str, str]]
    works_with: str


def is_behind(found: Found, another: str) -> bool:
    """Whether a database must be migrated. `another`: what to use instead of it.

    Raises StorageUnfit where it must not be touched.
    """
    name, version = found.name, found.version
    if version > LATEST and not "" < found.works_with <= LATEST:
        raise StorageUnfit(
            f"{name} has schema {version}, this program knows those up to {LATEST}: start the newer program"
        )
    if version >= LATEST:
        if missing := _missing(found.columns):
            raise StorageUnfit(f"{name} is half migrated, {', '.join(missing)} missing: restore the last backup")
        return False
    if not version and found.columns:
        raise StorageUnfit(f"{name} has tables but no version: it is not ours or half migrated; use another {another}")
    if version and not any(SCRIPTS.glob(f"versions/{version}_*.py")):
        raise StorageUnfit(f"{name} has schema {version}, which no program of ours has made: use another {another}")
    return True


def _missing(columns: Iterable[tuple[str, str]]) -> list[str]:
    """The tables that are not there, and the columns that the others lack."""
    there = set(columns)
    tables = {table for table, _ in there}
    needed = {(table.name, column.name) for table in metadata.tables.values() for column in table.columns}
    return sorted({f"{table}.{column}" if table in tables else table for table, column in needed - there})


def the_one(name: str, versions: list[Any]) -> str:
    """The version out of the rows that hold it. Raises StorageUnfit where it is not one."""
    if len(versions) != 1:
        raise StorageUnfit(f"{name} is half migrated: restore the last backup")
    return str(versions[0][0])


def note_works_with(binary: str) -> str:
    """The statement that writes down WORKS_WITH; `binary` is the database's type of bytes."""
    return (
        f"INSERT INTO meta (name, value) VALUES ('{WORKS_WITH_NAME}', CAST('{WORKS_WITH}' AS {binary})) "  # noqa: S608 - ours
        # A database whose service key was rotated needs a newer one than its schema does.
        "ON CONFLICT (name) DO UPDATE SET value = CASE WHEN meta.value > excluded.value THEN meta.value "
        "ELSE excluded.value END;"
    )


def make_canary(sealer: Sealer) -> bytes:
    """A sealed word that tells later whether the key is the one that everything else was sealed with."""
    return sealer.seal(_CANARY, _ABOUT_CANARY)


def make_lookup(sealer: Sealer) -> bytes:
    """The key of look-ups as it is kept."""
    return sealer.kept_lookup()


def check_canary(name: str, canary: bytes, sealer: Sealer) -> None:
    """Raises StorageUnfit where the database was sealed with another key."""
    try:
        sealer.open(canary, _ABOUT_CANARY)
    except StorageUnfit as cause:
        raise WrongKey(f"{name} was sealed with another key: give the key it was made with") from cause


def check_held(name: str, held: bytes | None) -> None:
    """Raises StorageUnfit where the database was restored and not released yet: nobody may write to anybody from it."""
    if held is not None:
        raise StorageUnfit(
            f"{name} was restored from a backup of {held.decode()} and is held, so that no old message leaves unasked: "
            "run `python -m bot restore --release`"
        )


# ------------------------------------------------------------------------------------------------------------- SQLite


def migrate(path: Path | str, sealer: Sealer) -> Moved:
    """Make or update the database at `path`, with the key of `sealer`; from which schema to which.

    Only this user may read a file that is made. Raises StorageUnfit for a database that is newer, half migrated,
    damaged, of another program, sealed with another key, or held after a restore; nothing was changed then.
    """
    place = Path(path)
    try:
        _touch(place)
        found = _found(place)
        if behind := is_behind(found, "file"):
            upgrade(place)
        _check_key(place, sealer)
    except (sqlite3.DatabaseError, DBAPIError, OSError) as cause:
        raise StorageUnfit(sentence(place, getattr(cause, "orig", None) or cause)) from cause
    return found.version, LATEST if behind else found.version


def _touch(place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(place, os.O_CREAT | os.O_RDWR, 0o600))


def _found(place: Path) -> Found:
    """What the database holds. Reads a small one through, so that damage shows here and not in a turn."""
    database = sqlite3.connect(place)
    try:
        if place.stat().st_size <= WELL_BYTES:
            (well,) = database.execute("PRAGMA quick_check(1)").fetchone()
            if well != "ok":
                raise StorageUnfit(f"{place.name} is damaged: restore the last backup")
        columns = set(
            database.execute(
                "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'"
            )
        )
        version = works_with = ""
        if (VERSION_TABLE, "version_num") in columns:
            version = the_one(place.name, database.execute("SELECT version_num FROM alembic_version").fetchall())
        if ("meta", "value") in columns:
            rows = database.execute("SELECT CAST(value AS TEXT) FROM meta WHERE name = 'works_with'").fetchall()
            works_with = "".join(value for (value,) in rows)
    finally:
        database.close()
    ours = frozenset(each for each in columns if each[0] not in (VERSION_TABLE, "sqlite_sequence"))
    return Found(place.name, version, ours, works_with)


def upgrade(place: Path, to: str = "head") -> None:
    """Run the migrations up to a version on a SQLite database, in one transaction."""
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import NullPool

    engine = create_engine(f"sqlite:///{place}", poolclass=NullPool)

    # Left to itself, the driver begins a transaction only at the first INSERT, after the tables were made.
    @event.listens_for(engine, "begin")
    def _begin(connection: object) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # type: ignore[attr-defined]

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, to)
        if to == "head":
            connection.exec_driver_sql(note_works_with("BLOB"))
    engine.dispose()


def _check_key(place: Path, sealer: Sealer) -> None:
    database = sqlite3.connect(place)
    try:
        found = database.execute("SELECT value FROM meta WHERE name = 'canary'").fetchone()
        held, lookup = (
            database.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone() for name in (HELD, LOOKUP)
        )
        if found is None:
            with database:
                database.execute("INSERT INTO meta VALUES ('canary', ?)", (make_canary(sealer),))
            return
    finally:
        database.close()
    check_canary(place.name, found[0], sealer)
    sealer.look_up_with(lookup and lookup[0])
    check_held(place.name, held and held[0])


def sentence(place: Path, cause: BaseException) -> str:
    """What SQLite refused, and what to do."""
    name = getattr(cause, "sqlite_errorname", type(cause).__name__)
    if name in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
        return f"{place.name} is damaged or no database: restore the last backup"
    if name in ("SQLITE_BUSY", "SQLITE_LOCKED"):
        return f"{place.name} is in use by another program: stop it, then start again"
    if name == "SQLITE_ERROR":
        return f"{place.name} could not be migrated and was left as it is: restore the last backup, or use another file"
    return f"{place.name} cannot be opened ({name}): look at its folder, its rights and the free space"
