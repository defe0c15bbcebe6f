"""Brings a database to the schema of this version, or says in a sentence why it cannot be used and what to do.

Alembic does the work, all of it in one transaction. It takes 0.4 s to import, so a database that is up to date is
recognised without it. Here is what both databases share, and SQLite; PostgreSQL is in migrate_postgres.py.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DBAPIError

from storage.base import StorageUnfit
from storage.schema import TABLES
from storage.seal import Sealer

LATEST: Final = "0001"
"""The newest migration in storage/migrations/versions."""

WELL_BYTES: Final = 64 * 1024 * 1024
"""Up to this size a database is read through at start (well under a second); `backup` reads larger ones."""

SCRIPTS: Final = Path(__file__).parent / "migrations"

HELD: Final = "held"
"""The name in `meta` that a restored database has until it is released (held.py); its value is the moment of its backup."""

_CANARY: Final = b"nhip-cau"
_ABOUT_CANARY: Final = b"meta/canary"


def is_behind(name: str, version: str | None, tables: set[str], another: str) -> bool:
    """Whether a database of this version with these tables must be migrated. `another`: what to use instead of it.

    Raises StorageUnfit where it must not be touched.
    """
    if version == LATEST:
        if missing := sorted(set(TABLES) - tables):
            raise StorageUnfit(f"{name} is half migrated, {', '.join(missing)} missing: restore the last backup")
        return False
    if version is None and tables:
        raise StorageUnfit(f"{name} has tables but no version: it is not ours or half migrated; use another {another}")
    if version is not None and version > LATEST:
        raise StorageUnfit(
            f"{name} has schema {version}, this program knows those up to {LATEST}: start the newer program"
        )
    return True


def make_canary(sealer: Sealer) -> bytes:
    """A sealed word that tells later whether the key is the one that everything else was sealed with."""
    return sealer.seal(_CANARY, _ABOUT_CANARY)


def check_canary(name: str, canary: bytes, sealer: Sealer) -> None:
    """Raises StorageUnfit where the database was sealed with another key."""
    try:
        sealer.open(canary, _ABOUT_CANARY)
    except StorageUnfit as cause:
        raise StorageUnfit(f"{name} was sealed with another key: give the key it was made with") from cause


def check_held(name: str, held: bytes | None) -> None:
    """Raises StorageUnfit where the database was restored and not released yet: nobody may write to anybody from it."""
    if held is not None:
        raise StorageUnfit(
            f"{name} was restored from a backup of {held.decode()} and is held, so that no old message leaves unasked: "
            "run `python -m bot restore --release`"
        )


# ------------------------------------------------------------------------------------------------------------- SQLite


def migrate(path: Path | str, sealer: Sealer) -> bool:
    """Make or update the database at `path`, with the key of `sealer`. True where something was migrated.

    Only this user may read a file that is made. Raises StorageUnfit for a database that is newer, half migrated,
    damaged, of another program, sealed with another key, or held after a restore; nothing was changed then.
    """
    place = Path(path)
    try:
        _touch(place)
        migrated = _bring_up(place)
        _check_key(place, sealer)
    except (sqlite3.DatabaseError, DBAPIError, OSError) as cause:
        raise StorageUnfit(_sentence(place, getattr(cause, "orig", None) or cause)) from cause
    return migrated


def _touch(place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(place, os.O_CREAT | os.O_RDWR, 0o600))


def _bring_up(place: Path) -> bool:
    version, tables = _found(place)
    if not is_behind(place.name, version, tables, "file"):
        return False
    upgrade(place)
    return True


def _found(place: Path) -> tuple[str | None, set[str]]:
    """The database's version and tables. Reads a small one through, so that damage shows here and not in a turn."""
    database = sqlite3.connect(place)
    try:
        if place.stat().st_size <= WELL_BYTES:
            (well,) = database.execute("PRAGMA quick_check(1)").fetchone()
            if well != "ok":
                raise StorageUnfit(f"{place.name} is damaged: restore the last backup")
        names = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        versions = (
            database.execute("SELECT version_num FROM alembic_version").fetchall() if "alembic_version" in names else []
        )
    finally:
        database.close()
    if "alembic_version" in names and len(versions) != 1:
        raise StorageUnfit(f"{place.name} is half migrated: restore the last backup")
    return (versions[0][0] if versions else None), names - {"sqlite_sequence", "alembic_version"}


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
    engine.dispose()


def _check_key(place: Path, sealer: Sealer) -> None:
    database = sqlite3.connect(place)
    try:
        found = database.execute("SELECT value FROM meta WHERE name = 'canary'").fetchone()
        held = database.execute("SELECT value FROM meta WHERE name = ?", (HELD,)).fetchone()
        if found is None:
            with database:
                database.execute("INSERT INTO meta VALUES ('canary', ?)", (make_canary(sealer),))
            return
    finally:
        database.close()
    check_canary(place.name, found[0], sealer)
    check_held(place.name, held and held[0])


def _sentence(place: Path, cause: BaseException) -> str:
    name = getattr(cause, "sqlite_errorname", type(cause).__name__)
    if name in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
        return f"{place.name} is damaged or no database: restore the last backup"
    if name in ("SQLITE_BUSY", "SQLITE_LOCKED"):
        return f"{place.name} is in use by another program: stop it, then start again"
    return f"{place.name} cannot be opened ({name}): look at its folder, its rights and the free space"
