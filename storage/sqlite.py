"""SQLite through aiosqlite: one writer that commits whatever waits at once, readers beside it.

This is the only file that knows SQLite's driver.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic
from urllib.parse import quote

import aiosqlite
from sqlalchemy.dialects import sqlite as dialect

from storage.audit import last_row
from storage.base import AlreadyHandled, StaleConversation, StorageAway
from storage.cache import MOST
from storage.many import by_statement, for_many, in_portions
from storage.seal import Sealer
from storage.spoken import spoken
from storage.statements import Change, Compiled, Last, Piece, Sql, T, Values, Work
from storage.store import DatabaseStorage

DIALECT: Final = dialect.dialect(paramstyle="qmark")

MOST_TOGETHER: Final = 512
"""How many pieces of work share one transaction at most, so that what comes later waits some 50 ms and not longer."""

MOST_WAITING: Final = 10_000
"""How many may wait before more are refused: their senders will come again, and memory stays bounded."""

BUSY_MS: Final = 5_000
"""How long a lock held by another process is waited for. Platforms give up on a webhook later than that."""


BRING_IN_S: Final = 1.0
"""How often what was committed is brought from the log into the file."""

MOST_PAGES: Final = 16_000
"""In the log (64 MB), before it is begun anew: the one moment of it for which commits wait, some 15 ms."""

EMPTY_S: Final = 10.0
"""How often the log is cut to nothing: in it stands what was erased or written over since. In the file itself nothing of it
stays (`secure_delete`)."""


class Connection(aiosqlite.Connection):
    """An aiosqlite connection that runs one function with many statements in one visit to its thread.

    Each await of aiosqlite is a visit, and under a busy event loop each visit waits for the interpreter's lock:
    measured 57 commits/s. `_execute` is how aiosqlite itself visits the thread; it is protected, and
    tests/test_storage.py holds the version to it. The function carries no arguments: aiosqlite's debug log prints them.
    """

    async def visit(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run `function` on the connection's thread. Raises StorageAway where the connection is closed."""
        if not self._running or self._connection is None:
            raise StorageAway("the database was closed: start the service again")
        connection = self._conn

        def run() -> T:
            return function(connection)

        result: T = await self._execute(run)  # type: ignore[no-untyped-call]
        return result


def _connect(path: Path, *, writes: bool, busy_ms: int) -> Connection:
    def connector() -> sqlite3.Connection:
        where = f"file:{quote(str(path))}?mode={'rw' if writes else 'ro'}"
        made = sqlite3.connect(where, uri=True, isolation_level=None, cached_statements=256, timeout=busy_ms / 1000)
        made.execute("PRAGMA foreign_keys=ON")
        if writes:
            made.execute("PRAGMA journal_mode=WAL")
            made.execute("PRAGMA synchronous=FULL")
            made.execute("PRAGMA wal_autocheckpoint=0")  # see Keeper
            made.execute("PRAGMA secure_delete=ON")
        return made

    return Connection(connector, iter_chunk_size=64)


@dataclass(slots=True)
class _Waiting(Generic[T]):
    """A piece of work, the future of whoever waits for it, and what must follow whether or not they still wait."""

    work: Piece[T]
    answer: asyncio.Future[T]
    then: Callable[[T], None] | None


Outcome = tuple[Any, Exception | None]


class Together:
    """Runs whatever waits in one transaction; those who come meanwhile form the next. Idle, it adds no delay.

    The transaction belongs to a task of its own, so a caller who is cancelled leaves nothing half done.
    """

    def __init__(self, connection: Connection, statements: dict[Sql, Compiled], begin: str) -> None:
        self._connection = connection
        self._statements = statements
        self._begin = begin
        self._texts: dict[tuple[str, int], str] = {}
        self._waiting: list[_Waiting[Any]] = []
        self._draining: asyncio.Task[None] | None = None

    async def run(self, work: Piece[T], then: Callable[[T], None] | None = None) -> T:
        """The work's result once its transaction is committed. Raises what the work raises, or StorageAway.

        `then` is called with the result first, even if the caller was cancelled meanwhile.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise StorageAway(f"{MOST_WAITING} writes are waiting: the disk is too slow for what comes in")
        waiting = _Waiting(work, asyncio.get_running_loop().create_future(), then)
        self._waiting.append(waiting)
        if self._draining is None:
            self._draining = asyncio.create_task(self._drain())
        result: T = await waiting.answer
        return result

    async def close(self) -> None:
        """Wait for what is under way, then close."""
        if self._draining is not None:
            await asyncio.wait([self._draining])
        await self._connection.close()

    async def _drain(self) -> None:
        try:
            while self._waiting:
                taken, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
                await self._perform([each for each in taken if not each.answer.done()])
        finally:
            self._draining = None

    async def _perform(self, taken: list[_Waiting[Any]]) -> None:
        if not taken:
            return
        try:
            outcomes = await self._connection.visit(lambda database: self._transact(database, taken))
        except Exception as failed:  # whatever it is, nobody may be left waiting
            outcomes = [(None, failed)] * len(taken)
        for each, (result, error) in zip(taken, outcomes, strict=True):
            if error is None and each.then is not None:
                each.then(result)
            if each.answer.done():
                continue  # whoever waited was cancelled; what they asked for is stored all the same
            if error is None:
                each.answer.set_result(result)
            else:
                each.answer.set_exception(error)

    # From here on: on the connection's thread.

    def _transact(self, database: sqlite3.Connection, taken: Sequence[_Waiting[Any]]) -> list[Outcome]:
        try:
            database.execute(self._begin)
            outcomes = self._plainly(database, taken)
            if not outcomes:
                database.execute("ROLLBACK")
                database.execute(self._begin)
                outcomes = [self._apart(database, each.work()) for each in taken]
            database.execute("COMMIT")
        except sqlite3.Error as cause:
            _roll_back(database)
            raise StorageAway(f"the database did not take it ({_name_of(cause)}): free the disk or the lock") from cause
        except BaseException:
            _roll_back(database)
            raise
        return outcomes

    def _plainly(self, database: sqlite3.Connection, taken: Sequence[_Waiting[Any]]) -> list[Outcome]:
        """Every result, or nothing where one piece of work was refused: the rest must then be done without what it wrote.

        That is rare, and a savepoint for each would cost 45 µs a turn: SQLite copies every page that is changed after it.
        """
        try:
            return self._all(database, [each.work() for each in taken])
        except sqlite3.IntegrityError:
            return []
        except sqlite3.Error:
            raise
        except Exception:
            return []

    def _all(self, database: sqlite3.Connection, works: Sequence[Work[Any]]) -> list[Outcome]:
        """Every result. Turns that write nothing but their last changes are written together. Raises where one is refused."""
        outcomes: list[Outcome] = [(None, None)] * len(works)
        plain: list[tuple[int, Last]] = []
        for number, work in enumerate(works):
            try:
                step = work.send(None)
            except StopIteration as end:
                outcomes[number] = end.value, None
                continue
            if isinstance(step, Last):
                plain.append((number, step))
            else:
                outcomes[number] = self._speak(database, work, self._answer(database, step)), None
        for sql, (rows, must) in by_statement(last for _, last in plain).items():
            if self._change(database, sql, rows) < len(rows) and must:
                raise StaleConversation  # whose it was is found out when each is written by itself
        for number, last in plain:
            outcomes[number] = self._speak(database, works[number], [1] * len(last)), None
        return outcomes

    def _change(self, database: sqlite3.Connection, sql: Sql, rows: Sequence[Values]) -> int:
        """Make one change for all of these rows; how many it changed."""
        statement = self._statements[sql]
        if not sql.many:
            return sum(self._ask(database, sql, values) for values in rows)
        return sum(
            database.execute(self._for_many(statement.text, size), parameters).rowcount
            for size, parameters in in_portions(statement, rows)
        )

    def _for_many(self, text: str, rows: int) -> str:
        if (text, rows) not in self._texts:
            self._texts[text, rows] = for_many(text, rows)
        return self._texts[text, rows]

    def _apart(self, database: sqlite3.Connection, work: Work[Any]) -> Outcome:
        """Run one piece of work so that its failure is its own. What befalls the whole database is raised."""
        database.execute("SAVEPOINT apart")
        try:
            result = self._speak(database, work)
        except (StaleConversation, AlreadyHandled, sqlite3.IntegrityError) as refused:
            error: Exception = refused
        except sqlite3.Error:
            raise
        except Exception as fault:
            error = fault
        else:
            database.execute("RELEASE apart")
            return result, None
        database.execute("ROLLBACK TO apart")
        database.execute("RELEASE apart")
        return None, error

    def _speak(self, database: sqlite3.Connection, work: Work[T], answer: Any = None) -> T:
        try:
            while True:
                answer = self._answer(database, work.send(answer))
        except StopIteration as end:
            result: T = end.value
            return result

    def _answer(self, database: sqlite3.Connection, step: Change | list[Change]) -> Any:
        if isinstance(step, list):
            return [self._ask(database, sql, values) for sql, values in step]
        return self._ask(database, *step)

    def _ask(self, database: sqlite3.Connection, sql: Sql, values: Values) -> Any:
        statement = self._statements[sql]
        cursor = database.execute(statement.text, statement.pick(values))
        return cursor.fetchall() if statement.rows else cursor.rowcount


def _roll_back(database: sqlite3.Connection) -> None:
    # A full disk may have rolled back already.
    if database.in_transaction:
        database.execute("ROLLBACK")


def _name_of(cause: sqlite3.Error) -> str:
    return getattr(cause, "sqlite_errorname", type(cause).__name__)


class Keeper:
    """Brings what was committed from the log into the file, beside the writer.

    SQLite itself does so within a commit. In a file of a million conversations the pages lie far apart: with 400 turns/s
    one turn in a hundred waited 75 to 280 ms for it, and waits 4 to 20 ms so.
    """

    def __init__(self, connection: Connection, writer: Connection) -> None:
        self._connection = connection
        self._writer = writer
        self._keeping = asyncio.create_task(self._keep())

    async def bring_in(self) -> None:
        """All of it. A long log is begun anew with the next commit, for which the writer must bring in the rest."""
        if await self._connection.visit(_checkpoint) > MOST_PAGES:
            await self._writer.visit(_checkpoint)

    async def empty(self) -> bool:
        """All of it, and cut the log to nothing: what was erased is nowhere any more. False where somebody reads in it."""
        for _ in range(2):  # the second time it is little, so that the writer has next to nothing left to bring in
            await self.bring_in()
        return await self._writer.visit(_cut)

    async def close(self) -> None:
        self._keeping.cancel()
        await asyncio.wait([self._keeping])
        await self._connection.close()

    async def _keep(self) -> None:
        since = 0.0
        while True:
            await asyncio.sleep(BRING_IN_S)
            since += BRING_IN_S
            # It stands in the log meanwhile; a disk that takes nothing is told to whoever writes.
            with suppress(sqlite3.Error, StorageAway):
                if since < EMPTY_S:
                    await self.bring_in()
                elif await self.empty():
                    since = 0.0


def _checkpoint(database: sqlite3.Connection) -> int:
    """Bring in what nobody needs in the log any more; how many pages it has."""
    _, pages, _ = database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return int(pages)


def _cut(database: sqlite3.Connection) -> bool:
    """Begin the log anew with no byte in it, if nobody reads in it now: whoever writes waits for no reader."""
    (patience,) = database.execute("PRAGMA busy_timeout").fetchone()
    database.execute("PRAGMA busy_timeout=0")
    try:
        busy, _, _ = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        database.execute(f"PRAGMA busy_timeout={int(patience)}")
    return not busy


class SqliteStorage(DatabaseStorage):
    """`Storage` in one file. One process writes; others may read it, and the command line may write now and then."""

    def __init__(
        self, writer: Together, quick: Together, long: Together, keeper: Keeper, sealer: Sealer, most_snapshots: int
    ) -> None:
        super().__init__(sealer, most_snapshots)
        self._writer = writer
        self._quick = quick
        self._long = long
        self._keeper = keeper

    @classmethod
    async def open(
        cls, path: Path | str, sealer: Sealer, *, busy_ms: int = BUSY_MS, most_snapshots: int = MOST
    ) -> SqliteStorage:
        """Open a database that `migrate` has made. Raises StorageAway where it cannot be opened."""
        statements = spoken(DIALECT)
        opened: list[Connection] = []
        try:
            for writes in (True, False, False, True):
                connection = _connect(Path(path), writes=writes, busy_ms=busy_ms)
                await connection
                opened.append(connection)
        except sqlite3.Error as cause:
            for each in opened:
                await each.close()
            raise StorageAway(f"the database cannot be opened ({_name_of(cause)}): look at its folder") from cause
        writer, quick, long, keeper = opened
        return cls(
            Together(writer, statements, "BEGIN IMMEDIATE"), Together(quick, statements, "BEGIN"),
            Together(long, statements, "BEGIN"), Keeper(keeper, writer), sealer, most_snapshots,
        )  # fmt: skip

    async def read(self, work: Piece[T], *, long: bool = False) -> T:
        return await (self._long if long else self._quick).run(work)

    async def write(self, work: Piece[T], then: Callable[[T], None] | None = None) -> T:
        return await self._writer.run(work, then)

    async def listen(self, woken: Callable[[], None]) -> None:
        """Never calls `woken`: one process has the file, and it knows what it wrote."""

    async def settled(self) -> int:
        """The newest: one writer numbers its rows in the order in which they are committed."""
        return await self.read(lambda: last_row())

    async def empty_log(self) -> bool:
        """What the keeper does every EMPTY_S: nothing that was erased is in the log afterwards. False where somebody reads."""
        return await self._keeper.empty()

    async def close(self) -> None:
        for each in (self._keeper, self._quick, self._long, self._writer):
            await each.close()
