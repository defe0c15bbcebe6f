"""Years of stored data in minutes: `python -m benchmarks.stored --conversations N --intakes M --to FILE_OR_DSN`.

Every conversation is cast from a mould that the real service left (benchmarks/moulds.py), so the service reads each as its
own: ids, keyed hashes and sealed values are real. 90 % lie in the past year, more by day than by night, and more this month
than last. The same seed gives the same conversations at the same times.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import logging
import os
import sqlite3
import time
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, Final, Protocol

from benchmarks.moulds import COLUMNS, TABLES, Life, Mould, Rows, add_officers, lives
from bot import log
from bot.book import Book, read_book
from bot.receive import utc_now
from storage.open import open_storage
from storage.rows import to_ms
from storage.seal import Sealer

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
YEAR_MS: Final = 365 * DAY_MS
YEARS_BEFORE: Final = 2
LAST_YEAR: Final = 0.9
"""How much of it lies in the past year; the rest lies in the two before."""
GROWS: Final = 2.0
"""How many times more is written at the end of the past year than at its beginning."""
VIET_NAM_H: Final = 7
BY_HOUR: Final = (2, 1, 1, 1, 1, 2, 4, 6, 8, 9, 10, 10, 9, 8, 9, 10, 10, 9, 9, 10, 11, 10, 7, 4)
"""How much is written in each hour of the day, Viet Nam's time: a made-up rhythm of day and night."""
URGENT_SHARE: Final = 0.3
"""The dialogues dwell on danger more than people do, so an urgent mould counts less."""
CLOSED_BY_MS: Final = 21 * DAY_MS
"""A referral is closed with the more likelihood the nearer its conversation is to this age."""
BATCH: Final = 5_000


@dataclass(frozen=True, slots=True)
class Size:
    """How much to store. `every`: of how many dialogues one becomes a mould. `within_ms`: all of it that short ago."""

    conversations: int
    intakes: int
    every: int = 1
    within_ms: int = 0


QUICK, FULL = Size(50_000, 5_000, every=5), Size(1_000_000, 100_000)


@dataclass(frozen=True, slots=True)
class Stored:
    """What was written: rows by table, and the seconds that it took."""

    rows: dict[str, int]
    seconds: float


class Writer(Protocol):
    """Takes rows in bulk. Its indexes are made when everything is there."""

    async def put(self, rows: Rows) -> None: ...
    async def close(self) -> None: ...


async def fill(place: Path | str, key: bytes, size: Size, book: Book, now: datetime, seed: int = 1) -> Stored:
    """Fill an empty database. Raises ValueError for one that holds conversations."""
    began = time.perf_counter()
    storage = await open_storage(place, key)
    await add_officers(storage, book, now)
    await storage.close()
    made = await lives(book, key, size.every)
    writer = await PostgresWriter.open(place) if _is_dsn(place) else SqliteWriter(Path(place))
    rows = dict.fromkeys(TABLES, 0)
    for batch in casts(made, size, Sealer(key), to_ms(now), Random(seed)):
        for table, lines in batch.items():
            rows[table] += len(lines)
        await writer.put(batch)
    await writer.close()
    return Stored(rows, time.perf_counter() - began)


def _is_dsn(place: Path | str) -> bool:
    return str(place).startswith("postgres")


# ---------------------------------------------------------------------------------------------------------------- casts


def casts(made: Sequence[Life], size: Size, sealer: Sealer, now: int, chance: Random) -> Iterator[Rows]:
    """The rows of all conversations, the oldest first, in batches."""
    with_intake = _weighted(
        [life for life in made if life.kind], lambda life: URGENT_SHARE if life.level == "L4" else 1
    )
    without = _weighted([life for life in made if not life.kind], lambda life: 1 / _turns(life.fresh) ** 2)
    leave_one = set(chance.sample(range(size.conversations), size.intakes))
    rows: Rows = {table: [] for table in TABLES}
    for number, start in enumerate(_moments(size, now, chance), 1):
        life = _pick(with_intake if number - 1 in leave_one else without, chance)
        _stage(life, now - start, chance).cast(number, start, chance, sealer, rows)
        if number % BATCH == 0 or number == size.conversations:
            yield rows
            rows = {table: [] for table in TABLES}


def _turns(mould: Mould) -> int:
    return len(dict(mould.lines)["inbox"])


def _stage(life: Life, age: int, chance: Random) -> Mould:
    if age < DAY_MS:
        return life.fresh
    return life.settled if chance.random() < age / CLOSED_BY_MS else life.left


def _weighted(made: Sequence[Life], weight: Any) -> tuple[Sequence[Life], list[float]]:
    return made, list(itertools.accumulate(weight(life) for life in made))


def _pick(among: tuple[Sequence[Life], list[float]], chance: Random) -> Life:
    made, sums = among
    return made[bisect(sums, chance.random() * sums[-1])]


def _moments(size: Size, now: int, chance: Random) -> list[int]:
    if size.within_ms:
        return sorted(now - chance.randrange(size.within_ms) for _ in range(size.conversations))
    return moments(size.conversations, now, chance)


def moments(count: int, now: int, chance: Random) -> list[int]:
    """So many moments of the past years, in order: UTC milliseconds."""
    hours = range(now // HOUR_MS - (YEARS_BEFORE + 1) * YEAR_MS // HOUR_MS, now // HOUR_MS)
    year = now // HOUR_MS - YEAR_MS // HOUR_MS
    before, last = [hour for hour in hours if hour < year], [hour for hour in hours if hour >= year]
    recent = round(count * LAST_YEAR)
    drawn = chance.choices(before, _rhythm(before, 1.0), k=count - recent)
    drawn += chance.choices(last, _rhythm(last, GROWS), k=recent)
    return sorted(hour * HOUR_MS + chance.randrange(HOUR_MS) for hour in drawn)


def _rhythm(hours: Sequence[int], grows: float) -> list[float]:
    step = (grows - 1) / len(hours)
    return [BY_HOUR[(hour + VIET_NAM_H) % 24] * (1 + step * at) for at, hour in enumerate(hours)]


# -------------------------------------------------------------------------------------------------------------- writers


class SqliteWriter:
    """Into a file that nobody else has open: no journal while it is written, for it can be made again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database = database = sqlite3.connect(path, isolation_level=None)
        if database.execute("SELECT 1 FROM conversation LIMIT 1").fetchone():
            raise ValueError(f"{path.name} holds conversations: name a new file")
        database.execute("PRAGMA journal_mode=OFF")
        database.execute("PRAGMA synchronous=OFF")
        database.execute("PRAGMA cache_size=-400000")
        self._indexes = database.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        ).fetchall()
        for name, _ in self._indexes:
            database.execute(f"DROP INDEX {name}")
        database.execute("BEGIN")

    async def put(self, rows: Rows) -> None:
        for table, lines in rows.items():
            columns = COLUMNS[table]
            marks = ", ".join("?" * len(columns))
            self._database.executemany(
                f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})",  # noqa: S608 - names of the schema
                lines,
            )

    async def close(self) -> None:
        for _, sql in self._indexes:
            self._database.execute(sql)
        self._database.execute("COMMIT")
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.close()
        with self._path.open("rb+") as file:
            os.fsync(file.fileno())  # or whoever commits first would wait for all of it


class PostgresWriter:
    """By COPY, into a database of its own; then its statistics are gathered, as the server's own housekeeping would."""

    def __init__(self, connection: Any, indexes: list[tuple[str, str]]) -> None:
        self._connection = connection
        self._indexes = indexes

    @classmethod
    async def open(cls, dsn: Path | str) -> PostgresWriter:
        import asyncpg  # only those who fill a PostgreSQL need its driver

        connection = await asyncpg.connect(str(dsn))
        if await connection.fetchval("SELECT 1 FROM conversation LIMIT 1"):
            raise ValueError("the database holds conversations: name an empty one")
        found = await connection.fetch(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()"
            " AND (indexname LIKE 'ix_%' OR indexname = 'uq_address_officer')"
        )
        for name, _ in found:
            await connection.execute(f"DROP INDEX {name}")
        return cls(connection, [tuple(row) for row in found])

    async def put(self, rows: Rows) -> None:
        for table, lines in rows.items():
            if lines:
                await self._connection.copy_records_to_table(table, records=lines, columns=COLUMNS[table])

    async def close(self) -> None:
        await self._connection.execute("SET maintenance_work_mem = '512MB'")
        for _, sql in self._indexes:
            await self._connection.execute(sql)
        await self._connection.execute("VACUUM ANALYZE")
        await self._connection.execute("CHECKPOINT")  # or it would come while turns are measured
        await self._connection.close()


# -------------------------------------------------------------------------------------------------------------- command


async def main(arguments: argparse.Namespace) -> None:
    """Fill and say what was written."""
    log.set_up(logging.CRITICAL)
    key = bytes.fromhex(arguments.key.read_text().strip()) if arguments.key else bytes(32)
    size = Size(arguments.conversations, arguments.intakes)
    stored = await fill(arguments.to, key, size, read_book()[0], utc_now(), arguments.seed)
    print(", ".join(f"{count:,} {table}" for table, count in stored.rows.items()), f"in {stored.seconds:.0f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stored", description="Fill an empty database")
    parser.add_argument("--conversations", type=int, default=FULL.conversations)
    parser.add_argument("--intakes", type=int, default=FULL.intakes)
    parser.add_argument("--to", required=True, help="a new file, or the address of an empty PostgreSQL database")
    parser.add_argument("--key", type=Path, help="the service's keys/service.key; without it, 32 zero bytes")
    parser.add_argument("--seed", type=int, default=1)
    asyncio.run(main(parser.parse_args()))
