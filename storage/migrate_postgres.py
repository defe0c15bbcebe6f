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
from storage.migrate import HELD, SCRIPTS, check_canary, check_held, is_behind, make_canary
from storage.seal import Sealer

ONE_AT_A_TIME: Final = 0x6E686970
"""The advisory lock under which a process looks and migrates; another that starts meanwhile waits, and finds it done."""

_ASIDE: Final = "alembic_version"


async def migrate(connection: asyncpg.Connection, sealer: Sealer) -> bool:
    """Make or update the connection's database, in one transaction. True where something was migrated.

    Raises StorageUnfit for a database that is newer, half migrated, of another program, or sealed with another key;
    nothing was changed then. Raises what asyncpg raises.
    """
    async with connection.transaction():
        await connection.execute(f"SELECT pg_advisory_xact_lock({ONE_AT_A_TIME})")
        name = await connection.fetchval("SELECT current_database()")
        version, tables = await _found(connection, name)
        behind = is_behind(name, version, tables, "database")
        if behind:
            await connection.execute(await asyncio.to_thread(script, version))
        await _check_key(connection, name, sealer)
    return behind


async def _found(connection: asyncpg.Connection, name: str) -> tuple[str | None, set[str]]:
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    tables = {row[0] for row in rows}
    if _ASIDE not in tables:
        return None, tables
    versions = await connection.fetch("SELECT version_num FROM alembic_version")
    if len(versions) != 1:
        raise StorageUnfit(f"{name} is half migrated: restore the last backup")
    return versions[0][0], tables - {_ASIDE}


def script(version: str | None, to: str = "head") -> str:
    """The statements from a version (None: from nothing) to another."""
    from alembic import command
    from alembic.config import Config

    written = io.StringIO()
    config = Config(output_buffer=written)
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["dialect"] = "postgresql"
    command.upgrade(config, f"{version or 'base'}:{to}", sql=True)
    return written.getvalue()


async def _check_key(connection: asyncpg.Connection, name: str, sealer: Sealer) -> None:
    canary = await connection.fetchval("SELECT value FROM meta WHERE name = 'canary'")
    if canary is None:
        await connection.execute("INSERT INTO meta (name, value) VALUES ('canary', $1)", make_canary(sealer))
    else:
        check_canary(name, canary, sealer)
    check_held(name, await connection.fetchval("SELECT value FROM meta WHERE name = $1", HELD))
