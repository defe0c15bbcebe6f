"""Which storage an address names. The one place that knows all of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from storage.base import StorageUnfit
from storage.migrate import migrate
from storage.seal import Sealer
from storage.sqlite import SqliteStorage
from storage.store import DatabaseStorage


async def open_storage(place: Path | str, key: bytes) -> DatabaseStorage:
    """Open the database at a path (or `sqlite:///path`), made or migrated as needed, under a service key of 32 bytes.

    Raises StorageUnfit for a database that cannot be used, StorageAway for one that cannot be reached now.
    """
    text = str(place)
    if text.startswith(("postgresql://", "postgres://")):
        raise StorageUnfit("PostgreSQL comes with a later version: name a file, and SQLite keeps it")
    path = Path(text.removeprefix("sqlite:///"))
    sealer = Sealer(key)
    await asyncio.to_thread(migrate, path, sealer)
    return await SqliteStorage.open(path, sealer)
