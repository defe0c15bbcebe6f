"""The databases that promise to be a Storage, each as the one database of a test, opened as often as it likes."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from storage.open import open_storage
from storage.postgres import PostgresStorage
from storage.sqlite import SqliteStorage
from storage.store import DatabaseStorage
from tests import postgres

KEY = b"k" * 32
BOTH = ("sqlite", "postgresql")
TEMPLATE = "migrated"
"""A migrated database that each test copies: migrating it anew would take longer than the test."""


class Database:
    """One database of one test. What it opened is closed with it."""

    def __init__(self, place: Path | str) -> None:
        self.place = place
        self._opened: list[DatabaseStorage] = []

    async def open(self) -> DatabaseStorage:
        storage = await open_storage(self.place, KEY)
        self._opened.append(storage)
        return storage

    async def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Look into the database, or change it, behind the storage's back."""
        if isinstance(self.place, str):
            return await postgres.ask(self.place, sql)
        database = sqlite3.connect(self.place)
        try:
            with database:
                return database.execute(sql).fetchall()
        finally:
            database.close()

    async def close(self) -> None:
        for storage in self._opened:
            await storage.close()


@asynccontextmanager
async def database(kind: str, folder: Path) -> AsyncIterator[Database]:
    """A new database of this kind."""
    if kind == "sqlite":
        made = Database(folder / "nhipcau.db")
        try:
            yield made
        finally:
            await made.close()
        return
    server = postgres.wanted()
    await _have_template(server)
    async with postgres.database(server, TEMPLATE) as dsn:
        made = Database(dsn)
        try:
            yield made
        finally:
            await made.close()


async def _have_template(server: postgres.Server) -> None:
    if await postgres.ask(server.dsn(), f"SELECT FROM pg_database WHERE datname = '{TEMPLATE}'"):
        return
    await postgres.ask(server.dsn(), f"CREATE DATABASE {TEMPLATE}")
    await (await open_storage(server.dsn(TEMPLATE), KEY)).close()


async def asked(storage: DatabaseStorage, sql: str) -> list[tuple[Any, ...]]:
    """Ask through a storage's own connection."""
    if isinstance(storage, PostgresStorage):
        async with storage._connections.one() as connection:
            return [tuple(row) for row in await connection.fetch(sql)]
    assert isinstance(storage, SqliteStorage)
    return await storage._quick._connection.visit(lambda database: database.execute(sql).fetchall())
