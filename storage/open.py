"""Which storage an address names. The one place that knows all of them."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Final

from storage.base import StorageUnfit
from storage.migrate import Moved, migrate
from storage.seal import Sealer
from storage.sqlite import SqliteStorage
from storage.store import DatabaseStorage

POSTGRES: Final = ("postgresql://", "postgres://")
_AN_ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]+:/|.*\b(host|dbname)=", re.IGNORECASE)
"""What is meant as an address and would otherwise become a file of that name."""

Place = Path | str
"""A path, `sqlite:///path`, or a DSN of PostgreSQL, which may name several hosts (`postgresql://user@one:5432,two:5432/name`)."""


async def open_storage(place: Place, key: bytes) -> DatabaseStorage:
    """Open a database under a service key of 32 bytes. It is made where it is new; a file is migrated too.

    Of several hosts the one that takes writes is used. Raises StorageUnfit for a database that cannot be used, one of
    PostgreSQL that must be migrated first among them, and StorageAway for one that cannot be reached now.
    """
    found = place_of(place)
    if isinstance(found, str):
        from storage.postgres import PostgresStorage  # its driver is loaded by those who use it only

        return await PostgresStorage.open(found, Sealer(key))
    sealer = Sealer(key)
    await asyncio.to_thread(migrate, found, sealer)
    return await SqliteStorage.open(found, sealer)


async def migrate_storage(place: Place, key: bytes) -> Moved:
    """Bring a database to this program's schema; from which (empty: it is new) to which. Raises as `open_storage` does."""
    found = place_of(place)
    if isinstance(found, str):
        from storage.postgres import bring_up

        return await bring_up(found, Sealer(key))
    return await asyncio.to_thread(migrate, found, Sealer(key))


async def is_new(place: Place) -> bool:
    """Whether nothing was ever stored there. Raises StorageUnfit and StorageAway."""
    found = place_of(place)
    if isinstance(found, str):
        from storage.postgres import is_empty

        return await is_empty(found)
    return not found.exists() or not found.stat().st_size


def place_of(place: Place) -> Path | str:
    """The path of a database file, or a DSN of PostgreSQL. Raises StorageUnfit for an address of anything else."""
    text = str(place)
    if text.startswith(POSTGRES):
        return text
    path = text.removeprefix("sqlite:///")
    if _AN_ADDRESS.match(path):
        raise StorageUnfit(
            "the database's address is of no known kind: write a path, or postgresql://user:password@host:port/database"
        )
    return Path(path)
