"""A PostgreSQL database as a `Place` of backup.py. A backup is one REPEATABLE READ snapshot, a restore one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import asyncpg
from sqlalchemy import Delete, Insert, Update
from sqlalchemy.dialects import postgresql

from storage.backup import BadBackup, Shape
from storage.base import StaleConversation
from storage.connections import NotTaken, opening, our_words
from storage.migrate import LATEST
from storage.migrate_postgres import script
from storage.places import Use, as_text, columns_of
from storage.statements import Row

T = TypeVar("T")

CONNECT_S: Final = 10.0
_DIALECT: Final = postgresql.dialect()  # type: ignore[no-untyped-call]
_BYTES: Final = ' COLLATE "C"'
FETCHED: Final = 500
"""Rows asked for at once."""
FILES: Final = "attachment"
"""Its rows may have many megabytes each, and are asked for one by one."""
PATIENT: Final = {
    "application_name": "nhipcau backup",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",  # between two rows a slow disk may take its time
}


@contextmanager
def opened_postgres(dsn: str, use: Use) -> Iterator[PostgresPlace]:
    """The database that takes writes, in one transaction; of the standbys one may be behind what was acknowledged."""
    how = {"isolation": "repeatable_read", "readonly": True} if use == "read" else {}
    with asyncio.Runner() as runner:
        with opening():
            connection = runner.run(
                asyncpg.connect(
                    dsn, timeout=CONNECT_S, target_session_attrs="read-write", server_settings=PATIENT,
                    statement_cache_size=0,
                )
            )  # fmt: skip
        place = PostgresPlace(connection, runner)
        transaction = connection.transaction(**how)
        try:
            place.wait(transaction.start())
            if use == "fill" and place.tables():
                raise BadBackup("the database has tables already: restore into an empty one (createdb)")
            yield place
            place.wait(transaction.commit())
        finally:
            connection.terminate()  # what was not committed is no more


class PostgresPlace:
    """A database on a server, within a transaction."""

    def __init__(self, connection: asyncpg.Connection, runner: asyncio.Runner) -> None:
        self._connection = connection
        self._runner = runner
        self._loaded: list[Shape] = []

    def wait(self, answer: Coroutine[Any, Any, T]) -> T:
        """The answer; what the driver raises is told in our words."""
        with our_words():
            return self._runner.run(answer)

    def tables(self) -> set[str]:
        """The tables that are there, of whomever."""
        found = self._ask("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        return {row[0] for row in found}

    def version(self) -> str | None:
        """The schema's version; None where there is none."""
        if "alembic_version" not in self.tables():
            return None
        return str(self._ask("SELECT version_num FROM alembic_version")[0][0])

    def rows(self, shape: Shape) -> Iterator[Row]:
        """Every row, in the order of the key's bytes, whatever language the database sorts in."""
        order = ", ".join(f'"{name}"{_BYTES if shape.columns[name] == "text" else ""}' for name in shape.key)
        text = f'SELECT {columns_of(shape)} FROM "{shape.name}" ORDER BY {order}'  # noqa: S608 - a Name needs no quoting
        self._do(f"DECLARE at NO SCROLL CURSOR FOR {text}")
        while found := self._ask(f"FETCH {1 if shape.name == FILES else FETCHED} FROM at"):
            for row in found:
                yield tuple(row)
        self._do("CLOSE at")  # while it is open its table cannot be migrated

    def make(self, schema: str) -> None:
        """The tables of this version."""
        self._do(script(None, schema))
        self._schema = schema

    def load(self, shape: Shape, rows: list[Row]) -> None:
        """Insert rows. Raises BadBackup where one breaks a rule of the table."""
        if shape not in self._loaded:
            self._loaded.append(shape)
        try:
            self.wait(self._connection.copy_records_to_table(shape.name, records=rows, columns=list(shape.columns)))
        except (NotTaken, StaleConversation) as refused:
            why = str(refused) or "a key is there twice"
            raise BadBackup(f"{shape.name} was refused ({why}): take another backup") from None

    def finish(self) -> None:
        """Number on from where the rows end, and bring them to this program's schema. Keys were checked as they came."""
        for shape in self._loaded:
            if len(shape.key) == 1 and shape.columns[key := shape.key[0]] == "number":
                sequence = f"pg_get_serial_sequence('{shape.name}', '{key}')"
                self._ask(f'SELECT setval({sequence}, max("{key}")) FROM "{shape.name}"')  # noqa: S608 - see rows
        if self._schema != LATEST:
            self._do(script(self._schema))

    def run(self, statement: Insert | Update | Delete) -> int:
        """Make a change; how many rows."""
        return int(self._do(as_text(statement, _DIALECT)).rpartition(" ")[2])

    def _do(self, text: str) -> str:
        status: str = self.wait(self._connection.execute(text))
        return status

    def _ask(self, text: str) -> list[Any]:
        answer: list[Any] = self.wait(self._connection.fetch(text))
        return answer
