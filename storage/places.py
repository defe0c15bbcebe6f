"""A database as a `Place` of backup.py: read as of one moment, or filled and kept in one go. Here is SQLite.

Nothing is written for a backup. A restore fills a file aside, which is put in place once it is proved: nothing half
restored can be met.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote

from sqlalchemy import Delete, Insert, Update
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError

from storage.backup import BadBackup, Place, Shape
from storage.base import StorageUnfit
from storage.lasting import make_lasting
from storage.migrate import LATEST, sentence, upgrade
from storage.statements import Row

Use = Literal["read", "fill", "change"]
"""Read a database as it is now; fill an empty place; change a database."""

WAIT_S: Final = 5.0
"""How long a lock held by the service is waited for."""
LEFT_OVER: Final = ("-wal", "-shm", "-journal")


@contextmanager
def opened(database: str, use: Use) -> Iterator[Place]:
    """A database by its setting, in one transaction: what was written is kept only if nothing is raised meanwhile.

    Raises BadBackup where a place to fill is not empty, StorageUnfit and StorageAway.
    """
    if database.startswith(("postgresql://", "postgres://")):
        from storage.place_postgres import opened_postgres  # its driver is loaded by those who use it only

        with opened_postgres(database, use) as place:
            yield place
        return
    path = Path(database.removeprefix("sqlite:///"))
    try:
        with _filled(path) if use == "fill" else _opened(path, use) as place:
            yield place
    except (sqlite3.Error, DBAPIError) as cause:
        raise StorageUnfit(sentence(path, getattr(cause, "orig", None) or cause)) from None


def as_text(statement: Insert | Update | Delete, dialect: Dialect) -> str:
    """A statement with its values in it: for numbers and codes of our own, not for bytes."""
    return str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def columns_of(shape: Shape) -> str:
    """The names as SQL, in the order of the shape."""
    return ", ".join(f'"{name}"' for name in shape.columns)


@contextmanager
def _opened(path: Path, use: Use) -> Iterator[Place]:
    if not path.exists():
        raise StorageUnfit(f"there is no database {path.name}: set NHIPCAU_HOME or NHIPCAU_DATABASE to where it is")
    # In WAL a reader keeps nobody waiting, and sees the moment of its first look until it ends.
    with closing(_connect(path, "ro" if use == "read" else "rw")) as database:
        database.execute("BEGIN" if use == "read" else "BEGIN IMMEDIATE")
        yield SqlitePlace(path, database)
        database.execute("COMMIT")


@contextmanager
def _filled(path: Path) -> Iterator[Place]:
    taken = [each for each in (path, *(Path(f"{path}{end}") for end in LEFT_OVER)) if each.exists()]
    if any(each != path or each.stat().st_size for each in taken):
        raise BadBackup(f"{taken[-1].name} is there already: restore into an empty place, or move it away first")
    aside = Path(f"{path}.restoring")
    with _told(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with closing(_connect(aside, "rw")) as database:
            yield SqlitePlace(aside, database)
        with _told(path):
            _put_in_place(aside, path)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise BadBackup(
            f"{path.name}.restoring is left from a restore that did not end, or one is running: remove it"
        ) from None
    except OSError as cause:
        raise BadBackup(f"{path.name} cannot be made ({cause.strerror}): look at its folder and its rights") from None


def _put_in_place(aside: Path, path: Path) -> None:
    """The bytes are on the disk before the name is, and the name before anybody is told."""
    make_lasting(aside)
    aside.replace(path)
    make_lasting(path.parent)


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path))}?mode={mode}", uri=True, isolation_level=None, timeout=WAIT_S)


class SqlitePlace:
    """A database in a file."""

    def __init__(self, path: Path, database: sqlite3.Connection) -> None:
        self._path = path
        self._database = database

    def version(self) -> str | None:
        """The schema's version; None where there is none."""
        if not self._database.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchall():
            return None
        (version,) = self._database.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(version)

    def rows(self, shape: Shape) -> Iterator[Row]:
        """Every row, in the order of the key's bytes."""
        order = ", ".join(f'"{name}"' for name in shape.key)
        text = f'SELECT {columns_of(shape)} FROM "{shape.name}" ORDER BY {order}'  # noqa: S608 - a Name needs no quoting
        yield from self._database.execute(text)

    def make(self, schema: str) -> None:
        """The tables of this version, and a transaction on them. A file aside needs no journal: it is kept or removed."""
        upgrade(self._path, schema)
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "foreign_keys=ON"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.execute("BEGIN")

    def load(self, shape: Shape, rows: list[Row]) -> None:
        """Insert rows. Raises BadBackup where one breaks a rule of the table."""
        marks = ", ".join("?" * len(shape.columns))
        try:
            self._database.executemany(
                f'INSERT INTO "{shape.name}" ({columns_of(shape)}) VALUES ({marks})',  # noqa: S608 - see rows
                rows,
            )
        except sqlite3.IntegrityError as cause:
            raise BadBackup(f"{shape.name} was refused ({cause.sqlite_errorname}): take another backup") from None

    def finish(self) -> None:
        """Check what was loaded, keep it, and bring it to this program's schema. Raises BadBackup."""
        self._database.execute("COMMIT")
        (well,) = self._database.execute("PRAGMA integrity_check(1)").fetchone()
        if well != "ok" or self._database.execute("PRAGMA foreign_key_check").fetchone():
            raise BadBackup("what was restored does not hold together: nothing was kept; take another backup")
        if self.version() != LATEST:
            upgrade(self._path)

    def run(self, statement: Insert | Update | Delete) -> int:
        """Make a change; how many rows."""
        return self._database.execute(as_text(statement, sqlite.dialect())).rowcount
