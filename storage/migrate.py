"""Brings a database to the schema of this version, or says in a sentence why it cannot be used and what to do.

Alembic does the work, all of it in one transaction. It takes 0.4 s to import, so a database that is up to date is
recognised without it.
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

_CANARY: Final = b"nhip-cau"


def migrate(path: Path | str, sealer: Sealer) -> bool:
    """Make or update the database at `path`, with the key of `sealer`. True where something was migrated.

    Only this user may read a file that is made. Raises StorageUnfit for a database that is newer, half migrated,
    damaged, of another program, or sealed with another key; nothing was changed then.
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
    if version == LATEST:
        if missing := sorted(set(TABLES) - tables):
            raise StorageUnfit(f"{place.name} is half migrated, {', '.join(missing)} missing: restore the last backup")
        return False
    if version is None and tables:
        raise StorageUnfit(f"{place.name} has tables but no version: it is not ours or half migrated; use another file")
    if version is not None and version > LATEST:
        raise StorageUnfit(
            f"{place.name} has schema {version}, this program knows those up to {LATEST}: start the newer program"
        )
    _upgrade(place)
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


def _upgrade(place: Path) -> None:
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
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()


def _check_key(place: Path, sealer: Sealer) -> None:
    """A sealed word tells whether the key is the one that everything else was sealed with."""
    database = sqlite3.connect(place)
    try:
        found = database.execute("SELECT value FROM meta WHERE name = 'canary'").fetchone()
        if found is None:
            with database:
                database.execute("INSERT INTO meta VALUES ('canary', ?)", (sealer.seal(_CANARY, b"meta/canary"),))
            return
    finally:
        database.close()
    try:
        sealer.open(found[0], b"meta/canary")
    except StorageUnfit as cause:
        raise StorageUnfit(f"{place.name} was sealed with another key: give the key it was made with") from cause


def _sentence(place: Path, cause: BaseException) -> str:
    name = getattr(cause, "sqlite_errorname", type(cause).__name__)
    if name in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
        return f"{place.name} is damaged or no database: restore the last backup"
    if name in ("SQLITE_BUSY", "SQLITE_LOCKED"):
        return f"{place.name} is in use by another program: stop it, then start again"
    return f"{place.name} cannot be opened ({name}): look at its folder, its rights and the free space"
