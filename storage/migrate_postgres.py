"""Brings a PostgreSQL database to the schema of this version, by the same migrations as SQLite.

Alembic writes the statements as text and asyncpg runs them, so that no second driver is needed: a migration here may
change tables and rows by SQL, and never reads rows into Python.
"""

from __future__ import annotations

import asyncio
import io
from typing import Final

import asyncpg

from storage.base import StorageUnfit
from storage.migrate import (
    HELD,
    LATEST,
    LOOKUP,
    SCRIPTS,
    VERSION_TABLE,
    Found,
    Moved,
    check_canary,
    check_held,
    is_behind,
    make_canary,
    note_works_with,
    the_one,
)
from storage.seal import Sealer

ONE_AT_A_TIME: Final = 0x6E686970
"""The advisory lock under which a process looks and migrates; another that starts meanwhile waits, and finds it done."""


async def migrate(connection: asyncpg.Connection, sealer: Sealer, *, only_new: bool) -> Moved:
    """Make or update the connection's database, in one transaction; from which schema to which.

    Raises StorageUnfit for a database that is newer, half migrated, of another program, sealed with another key, or,
    with `only_new`, older; nothing was changed then. Raises what asyncpg raises.
    """
    async with connection.transaction():
        await connection.execute(f"SELECT pg_advisory_xact_lock({ONE_AT_A_TIME})")
        found = await _found(connection)
        behind = is_behind(found, "database")
        if behind and found.version and only_new:
            raise StorageUnfit(
                f"{found.name} has schema {found.version}, this program needs {LATEST}: back it up and run "
                "`python -m bot migrate`, then start"
            )
        if behind:
            await connection.execute(await asyncio.to_thread(script, found.version))
        await _check_key(connection, found.name, sealer)
    return found.version, LATEST if behind else found.version


async def _found(connection: asyncpg.Connection) -> Found:
    name = await connection.fetchval("SELECT current_database()")
    rows = await connection.fetch(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
    )
    columns = {(row[0], row[1]) for row in rows}
    version = works_with = ""
    if (VERSION_TABLE, "version_num") in columns:
        version = the_one(name, await connection.fetch("SELECT version_num FROM alembic_version"))
    if ("meta", "value") in columns:
        rows = await connection.fetch("SELECT value FROM meta WHERE name = 'works_with'")
        works_with = "".join(row[0].decode() for row in rows)
    return Found(name, version, frozenset(each for each in columns if each[0] != VERSION_TABLE), works_with)


def script(version: str | None, to: str = "head") -> str:
    """The statements from a version (None: from nothing) to another."""
    from alembic import command
    from alembic.config import Config

    written = io.StringIO()
    config = Config(output_buffer=written)
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["dialect"] = "postgresql"
    command.upgrade(config, f"{version or 'base'}:{to}", sql=True)
    return written.getvalue() + (note_works_with("bytea") if to == "head" else "")


async def _check_key(connection: asyncpg.Connection, name: str, sealer: Sealer) -> None:
    canary = await connection.fetchval("SELECT value FROM meta WHERE name = 'canary'")
    if canary is None:
        await connection.execute("INSERT INTO meta (name, value) VALUES ('canary', $1)", make_canary(sealer))
    else:
        check_canary(name, canary, sealer)
        sealer.look_up_with(await connection.fetchval("SELECT value FROM meta WHERE name = $1", LOOKUP))
    check_held(name, await connection.fetchval("SELECT value FROM meta WHERE name = $1", HELD))
