"""Which storage an address names. The one place that knows all of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from storage.migrate import migrate
from storage.seal import Sealer
from storage.sqlite import SqliteStorage
from storage.store import DatabaseStorage


async def open_storage(place: Path | str, key: bytes) -> DatabaseStorage:
    """Open a database under a service key of 32 bytes, made or migrated as needed: a path, `sqlite:///path` or a DSN.

    A DSN of PostgreSQL may name several hosts (`postgresql://user@one:5432,two:5432/name`): the one that takes writes is used.

    Raises StorageUnfit for a database that cannot be used, StorageAway for one that cannot be reached now.
    """
    text = str(place)
    if text.startswith(("postgresql://", "postgres://")):
        from storage.postgres import PostgresStorage  # its driver is loaded by those who use it only

        return await PostgresStorage.open(text, Sealer(key))
    path = Path(text.removeprefix("sqlite:///"))
    sealer = Sealer(key)
    await asyncio.to_thread(migrate, path, sealer)
    return await SqliteStorage.open(path, sealer)
