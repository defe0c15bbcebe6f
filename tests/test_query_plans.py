"""No statement of the storage reads more the longer the service runs: its plan is looked at, on both databases.

Every statement that storage/spoken.py names is looked at, so a new one is too. What may be read whole is a table of the staff;
any other exception stands in MAY_READ_ALL with its reason.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Table, UniqueConstraint, select

from benchmarks.stored import Size, fill
from bot.book import Book
from storage import schema
from storage.postgres import DIALECT as POSTGRES
from storage.schema import metadata
from storage.spoken import SPEAKING, spoken
from storage.sqlite import DIALECT as SQLITE
from storage.statements import Sql, compiled, question
from tests.databases import KEY, database
from tests.world import START

OF_THE_STAFF = {"officer", "invite", "export_run", "meta", "breach", "office_key", "officer_key", "office_grant"}
"""Tables that grow with the staff or with the weeks, and not with the people who write."""

GROWING = {name: table for name, table in metadata.tables.items() if name not in OF_THE_STAFF}

MAY_READ_ALL = {
    "audit.LAST_LINK": "reads its key from the newest end, and stops at the first",
    "audit.LAST_ROW": "reads its key from the newest end, and stops at the first",
    "cases.LIST_ENDED_ALL": "reads its index from the newest end, and stops where the page is full",
    "cases.LIST_OPEN_ALL": "the same, of what is open",
    "matters.UNFILED_ALL": "reads an index of what is open, which officers close, and stops where the page is full",
    "parked.LIST": "an operator's command, once in a while, beside the service",
    "plans.PEOPLE": "an index of one pilot's people alone: a plan takes 50 of them",
    "requests.OPEN": "reads an index of what waits for an officer from the nearest deadline, and stops where the page is full",
}
MAY_SORT = {
    "cases.LEFT_SINCE": "the conversations that one browser left in the last seconds",
    "window.CLOSING": "the referrals of those who were heard in the same millisecond",
    "files.LEFT_SINCE": "the intakes of one conversation: a handful",
}
"""Statements that want the first few and sort what they find; what they find must be short for another reason."""

NAMES = {
    sql: f"{module.__name__.rpartition('.')[2]}.{name}"
    for module in SPEAKING
    for name, sql in vars(module).items()
    if isinstance(sql, Sql)
}


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[Any]:
    """SQLite plans by the schema alone, so an empty one does."""
    async with database("sqlite", tmp_path) as made:
        await made.open()
        yield made


@pytest.fixture
async def server(tmp_path: Path, book: Book) -> AsyncIterator[asyncpg.Connection]:
    """PostgreSQL plans by what it counted: 500 real conversations, said to be a million, when nothing waited. A plan must do
    for any value, and for the hour in which thousands wait."""
    async with database("postgresql", tmp_path) as made:
        await fill(made.place, KEY, Size(500, 200, every=7), book, START)
        connection = await asyncpg.connect(made.place, server_settings={"plan_cache_mode": "force_generic_plan"})
        for name in GROWING:
            # Else it may count anew beside us, and find hundreds where a million are said to be.
            await connection.execute(f"ALTER TABLE {name} SET (autovacuum_enabled = false)")
        for statement in FILLED_UP:
            await connection.execute(statement)
        yield connection
        await connection.close()


FILLED_UP = (
    "INSERT INTO session (token, officer, created_at, expires_at, seen_at, sealed_key) "
    "SELECT o.id || n, o.id, n, n, n, ''::bytea FROM officer o, generate_series(1, 100) n",
    "INSERT INTO device (id, officer, created_at, seen_at) SELECT id, id, 0, 0 FROM officer",
    "INSERT INTO attachment (id, conversation, created_at) SELECT id, id, 0 FROM conversation",
    "INSERT INTO audit_detail (id) SELECT id FROM audit",
    "INSERT INTO audit_link (id, previous, at) SELECT id, id - 1, at FROM audit",
    "INSERT INTO right_request (id, intake, at, answer_by, done_by) SELECT id, id, 0, 0, 0 FROM intake",
    "INSERT INTO erased (id, what, at) SELECT id, 'conversation', active_at FROM conversation",
    "INSERT INTO link (id, one, other, at) SELECT id, id, conversation, 0 FROM intake",
    "INSERT INTO attachment_key (id) SELECT id FROM attachment",
    "UPDATE attachment SET stream = id WHERE id < '8'",
    "INSERT INTO attachment_piece (id, stream, number, created_at, sealed) SELECT id || n, id, n, 0, '' FROM attachment, "
    "generate_series(0, 9) n",
    "INSERT INTO intake_key (id, intake, conversation, created_at, sealed_keys) SELECT i.id || n, i.id, i.conversation, 0, "
    "CASE n WHEN 1 THEN ''::bytea END FROM intake i, generate_series(1, 20) n ON CONFLICT DO NOTHING",
    "INSERT INTO intake_part (intake_key, intake, part, created_at, sealed) SELECT id, intake, 'words', 0, '' FROM intake_key",
    "INSERT INTO intake_grant (id, intake_key, intake, office_key, created_at, wrapped) SELECT id, id, intake, 'x', 0, '' "
    "FROM intake_key ON CONFLICT DO NOTHING",
    "VACUUM ANALYZE",
    f"""
    UPDATE pg_class SET reltuples = reltuples * 2000
    WHERE relname IN {tuple(GROWING)}
    OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid IN (SELECT oid FROM pg_class WHERE relname IN {tuple(GROWING)}))
    """,  # noqa: S608 - names of the schema
)


# ------------------------------------------------------------------------------------------------------------- SQLite


async def plan_of_sqlite(file: Any, sql: Sql) -> list[str]:
    text = compiled(sql, SQLITE).text
    rows = await file.ask("EXPLAIN QUERY PLAN " + text.replace("?", "NULL"))
    return [row[3] for row in rows]


def read_whole_by_sqlite(plan: list[str]) -> list[str]:
    """Whole tables, by whatever name. What the statement itself put together before is no table."""
    made = {line.split()[1] for line in plan if line.startswith(("CO-ROUTINE ", "MATERIALIZE "))}
    found = [line for line in plan if re.match(r"SCAN (?!CONSTANT ROW|\S+ VIRTUAL TABLE)", line)]
    return [line for line in found if line.split()[1] not in made | OF_THE_STAFF]


async def test_no_statement_reads_a_growing_table_whole_on_sqlite(file: Any) -> None:
    whole = {
        NAMES[sql]: read_whole_by_sqlite(await plan_of_sqlite(file, sql)) for sql in spoken(SQLITE) if sql in NAMES
    }
    assert {name: plan for name, plan in whole.items() if plan and name not in MAY_READ_ALL} == {}


async def test_no_statement_sorts_all_to_give_a_few(file: Any) -> None:
    """`TEMP B-TREE FOR LAST TERM` and the like sort what is equal before it, row by row, and stop."""
    sorts = {
        NAMES[sql]: plan
        for sql, made in spoken(SQLITE).items()
        if sql in NAMES
        if "LIMIT" in made.text
        and (plan := [line for line in await plan_of_sqlite(file, sql) if "TEMP B-TREE" in line])
    }
    assert {name: plan for name, plan in sorts.items() if name not in MAY_SORT} == {}


async def test_a_statement_without_an_index_would_be_found(file: Any) -> None:
    by_level = question(select(schema.intake.c.id).where(schema.intake.c.level == "L4"))
    assert read_whole_by_sqlite(await plan_of_sqlite(file, by_level))


async def test_no_statement_is_prepared_anew_each_time_it_is_run(file: Any) -> None:
    """SQLite does so where a bare parameter stands beside a column that a partial index names a value of (`given`)."""
    connection = sqlite3.connect(file.place, isolation_level=None, cached_statements=1000)
    if ("ENABLE_STMTVTAB",) not in connection.execute("PRAGMA compile_options").fetchall():
        pytest.skip("this SQLite does not count what it prepares")
    connection.execute("BEGIN")
    for made in spoken(SQLITE).values():
        for _ in range(3):
            with suppress(sqlite3.IntegrityError):
                connection.execute(made.text, ["[]"] * made.text.count("?")).fetchall()
    prepared = connection.execute("SELECT sql FROM sqlite_stmt WHERE reprep > 0").fetchall()
    connection.close()
    again = {text for (text,) in prepared}
    assert sorted(name for sql, name in NAMES.items() if spoken(SQLITE)[sql].text in again) == []


# --------------------------------------------------------------------------------------------------------- PostgreSQL


async def plan_of_postgres(server: asyncpg.Connection, sql: Sql) -> dict[str, Any]:
    text = compiled(sql, POSTGRES).text
    count = max((int(number) for number in re.findall(r"\$(\d+)", text)), default=0)
    await server.execute(f"PREPARE asked AS {text}")
    given = f"({', '.join(['NULL'] * count)})" if count else ""
    (explained,) = await server.fetchrow(f"EXPLAIN (FORMAT JSON) EXECUTE asked{given}")
    await server.execute("DEALLOCATE asked")
    plan: dict[str, Any] = json.loads(explained)[0]["Plan"]
    return plan


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def read_whole_by_postgres(plan: dict[str, Any]) -> list[str]:
    """Whole tables, and whole indexes: an index that is read without a condition is no better."""
    return [
        f"{node['Node Type']} {node.get('Relation Name', '')} {node.get('Index Name', '')}"
        for node in nodes(plan)
        if node["Node Type"] in {"Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Index Scan"}
        and "Index Cond" not in node
        and node.get("Relation Name") not in OF_THE_STAFF
    ]


def sorted_for_a_few(plan: dict[str, Any]) -> list[str]:
    limits = [node for node in nodes(plan) if node["Node Type"] == "Limit"]
    return [str(node["Sort Key"]) for limit in limits for node in nodes(limit) if node["Node Type"] == "Sort"]


async def test_no_statement_reads_a_growing_table_whole_on_postgres(server: asyncpg.Connection) -> None:
    plans = {NAMES[sql]: await plan_of_postgres(server, sql) for sql in spoken(POSTGRES) if sql in NAMES}
    whole = {name: found for name, plan in plans.items() if (found := read_whole_by_postgres(plan))}
    assert {name: found for name, found in whole.items() if name not in MAY_READ_ALL} == {}
    sorts = {name: found for name, plan in plans.items() if (found := sorted_for_a_few(plan))}
    assert {name: found for name, found in sorts.items() if name not in MAY_SORT} == {}
    by_level = question(select(schema.intake.c.id).where(schema.intake.c.level == "L4"))
    assert read_whole_by_postgres(await plan_of_postgres(server, by_level))


def test_every_exception_is_of_a_statement_that_is_there() -> None:
    assert set(NAMES.values()) >= {*MAY_READ_ALL, *MAY_SORT}


# ------------------------------------------------------------------------------------------------------- distribution

SECOND_KEYS = {
    "audit_link": {("previous",)},  # one link after another; one process writes them
    "intake": {("receipt",)},  # a code leads to one intake
    "outbox": {("key",)},  # the same thing is queued once; its number is the order in which it was written
}
"""Growing tables with another unique constraint than their key: what hash partitioning must change first (docs/scaling.md)."""


def unique_keys(table: Table) -> set[tuple[str, ...]]:
    """The columns of every unique constraint and index but the primary key."""
    made = [rule.columns for rule in table.constraints if isinstance(rule, UniqueConstraint)]
    made += [index.columns for index in table.indexes if index.unique]
    return {tuple(column.name for column in columns) for columns in made}


def test_no_growing_table_is_unique_in_more_than_its_own_key_but_those_named() -> None:
    found = {name: keys for name, table in GROWING.items() if (keys := unique_keys(table))}
    assert found == SECOND_KEYS


def test_a_growing_table_has_a_key_of_one_column_but_the_inbox() -> None:
    keys = {name: tuple(column.name for column in table.primary_key) for name, table in GROWING.items()}
    assert keys.pop("inbox") == ("channel", "external_id")
    assert {columns for name, columns in keys.items() if name != "session"} == {("id",)}
    assert keys["session"] == ("token",)


async def test_postgres_would_part_each_by_its_key_but_those_named(tmp_path: Path) -> None:
    refused = set()
    async with database("postgresql", tmp_path) as made:
        for name, table in GROWING.items():
            key = next(iter(table.primary_key)).name
            try:
                await made.ask(f"CREATE TABLE parted_{name} (LIKE {name} INCLUDING ALL) PARTITION BY HASH ({key})")
            except asyncpg.FeatureNotSupportedError:
                refused.add(name)
    assert refused == set(SECOND_KEYS)
