"""PostgreSQL through asyncpg: each piece of work in a transaction of its own, on one of a few connections.

Any number of processes share the database. What one decided on and another changed meanwhile is found by the marks
that every turn carries (version, revision, state), under READ COMMITTED; claims of one lane exclude each other by an
advisory lock (outbox.py).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
from sqlalchemy.dialects import postgresql as dialect

from storage.base import StorageAway, StorageUnfit
from storage.connections import LET_GO, Connections, Names, opening
from storage.joined import joined, rounds
from storage.migrate import Moved
from storage.migrate_postgres import migrate
from storage.outbox import ADD_OUTBOX
from storage.seal import Sealer
from storage.spoken import spoken
from storage.statements import Change, Last, Piece, Sql, T, Values, Work
from storage.store import DatabaseStorage

DIALECT: Final = dialect.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]

OLDEST: Final = 14
"""The oldest PostgreSQL that lets go of a session which stands still."""

CONNECTIONS: Final = 10
"""Connections of one process, beside the one that listens and the one that holds names."""

LONG_AT_ONCE: Final = 2
"""How many of them lists and exports may take, so that people who wait always find one."""

CONNECT_S: Final = 5.0
"""How long one host is tried before the next."""

ANSWER_S: Final = 10.0
"""How long a short statement may take before the server itself ends it, so that its outcome is known."""

SILENT_S: Final = 2.0
"""How much longer an answer is waited for: then the server is gone without a word."""

LONG_S: Final = 120.0
"""The same for lists and exports."""

MIGRATE_S: Final = 3600.0
"""The same for a migration, or for waiting until another process has migrated."""

BELL: Final = "nhipcau_outbox"
"""The channel on which processes tell each other that something may be due."""

RING_EVERY_S: Final = 0.02
"""PostgreSQL commits those that notify one after another, so a process rings after its commits, once for many."""

AGAIN_S: Final = 1.0
"""Before a lost connection that listened is made anew."""

ALIVE_S: Final = 30.0
"""How often the connection that listens is asked whether it still is one."""

SETTINGS: Final = {
    "application_name": f"nhipcau {os.getpid()}",  # in pg_stat_activity: which process holds or waits
    "jit": "off",  # compiling pays for questions of a second, not of a millisecond
    "idle_in_transaction_session_timeout": "15s",  # a process that stands still loses what it had locked
    "tcp_keepalives_idle": "10",  # and so does one whose machine is gone, 25 s later
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}

SETTLES_S: Final = 5.0
"""How long is waited for those who write into the audit; their transactions take milliseconds."""

SETTLE_LOOK_S: Final = 0.02
LAST_NUMBER: Final = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM audit_id_seq"
WRITERS: Final = """
SELECT virtualtransaction FROM pg_locks
WHERE relation = 'audit'::regclass AND mode = 'RowExclusiveLock' AND database = (
    SELECT oid FROM pg_database WHERE datname = current_database())
"""

OTHERS: Final = """
SELECT count(DISTINCT (application_name, client_addr)) FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'nhipcau %'
AND application_name <> current_setting('application_name')
"""

NOTHING: Final[Mapping[str, str]] = {}

Connect = Callable[..., Any]


async def is_empty(dsn: str) -> bool:
    """Whether there is no table yet. Raises StorageUnfit and StorageAway, as all that opens."""
    async with _first(dsn) as connection:
        return not await connection.fetchval("SELECT 1 FROM pg_tables WHERE schemaname = current_schema() LIMIT 1")


async def bring_up(dsn: str, sealer: Sealer) -> Moved:
    """Make or update a database; from which schema to which. Raises StorageUnfit and StorageAway."""
    async with _first(dsn) as connection:
        moved: Moved = await migrate(connection, sealer, only_new=False)
    return moved


@asynccontextmanager
async def _first(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection for looking and migrating, with patience for another process that migrates."""
    with opening():
        connection = await _connector(dsn, MIGRATE_S)()
        try:
            if connection.get_server_version().major < OLDEST:
                raise StorageUnfit(f"the server is older than PostgreSQL {OLDEST}: use a newer one")
            yield connection
        finally:
            await connection.close(timeout=CONNECT_S)


def _connector(dsn: str, answer_s: float) -> Connect:
    async def connect(settings: Mapping[str, str] = NOTHING) -> asyncpg.Connection:
        return await asyncpg.connect(
            dsn, timeout=CONNECT_S, command_timeout=answer_s + SILENT_S, target_session_attrs="read-write",
            statement_cache_size=256, max_cached_statement_lifetime=0,
            server_settings={**SETTINGS, **settings, "statement_timeout": f"{answer_s:.3f}s"},
        )  # fmt: skip

    return connect


class PostgresStorage(DatabaseStorage):
    """`Storage` in PostgreSQL, for any number of processes.

    No snapshot is kept: another process may have moved a referral or bound an officer, of which a conversation's
    version knows nothing, and a turn that must be decided again costs more than a read.
    """

    def __init__(self, connect: Connect, sealer: Sealer, connections: int) -> None:
        super().__init__(sealer, most_snapshots=0)
        self._connect = connect
        self._connections = Connections(connect, connections)
        self._names = Names(lambda: connect(settings=LET_GO))
        self._statements = spoken(DIALECT)
        self._shapes: dict[tuple[int | Sql, ...], str] = {}
        self._long = asyncio.Semaphore(LONG_AT_ONCE)
        self._writing: set[asyncio.Task[Any]] = set()
        self._bells: set[asyncio.Task[None]] = set()
        self._ringing: asyncio.Task[None] | None = None
        self._to_ring = False

    @classmethod
    async def open(
        cls, dsn: str, sealer: Sealer, *, connections: int = CONNECTIONS, answer_s: float = ANSWER_S
    ) -> PostgresStorage:
        """Open a database, made where it is empty. Of several hosts the one that takes writes is used.

        Raises StorageUnfit for a database that cannot be used, StorageAway for one that cannot be reached now.
        """
        async with _first(dsn) as connection:
            await migrate(connection, sealer, only_new=True)
            if await connection.fetchval("SHOW synchronous_commit") == "off":
                raise StorageUnfit("the database acknowledges what it may lose: set synchronous_commit = on")
        return cls(_connector(dsn, answer_s), sealer, connections)

    async def read(self, work: Piece[T], *, long: bool = False) -> T:
        if not long:
            async with self._connections.one() as connection:
                return await self._speak(connection, work())
        async with (
            self._long,
            self._connections.one() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await connection.execute(f"SET LOCAL statement_timeout = '{LONG_S:.0f}s'")
            return await self._speak(connection, work(), LONG_S + SILENT_S)

    async def write(self, work: Piece[T], then: Callable[[T], None] | None = None) -> T:
        # A task of its own, so that a caller who is cancelled leaves nothing half done.
        task = asyncio.create_task(self._transact(work(), then))
        self._writing.add(task)
        task.add_done_callback(self._written)
        return await asyncio.shield(task)

    def _written(self, task: asyncio.Task[Any]) -> None:
        self._writing.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waited may have been cancelled, and would not ask for it

    async def _transact(self, work: Work[T], then: Callable[[T], None] | None) -> T:
        async with self._connections.one() as connection:
            try:
                result = await self._write(connection, work)
            except TimeoutError:
                raise  # the server does not answer: `one` lets go of it
            except Exception:
                if not connection.is_closed() and connection.is_in_transaction():
                    await connection.execute("ROLLBACK")
                raise
        if then is not None:
            then(result)
        if self._to_ring:
            self._ring()
        return result

    async def _write(self, connection: asyncpg.Connection, work: Work[T]) -> T:
        """Run work in a transaction; where it is one list of changes, in one journey."""
        answer: Any = None
        begun = False
        try:
            while True:
                step = work.send(answer)
                if not begun and isinstance(step, Last) and (answer := await self._at_once(connection, step)):
                    continue
                if not begun:
                    await connection.execute("BEGIN")
                    begun = True
                answer = await self._step(connection, step)
        except StopIteration as end:
            if begun:
                await connection.execute("COMMIT")
            result: T = end.value
            return result

    async def _speak(self, connection: asyncpg.Connection, work: Work[T], wait_s: float | None = None) -> T:
        answer: Any = None
        try:
            while True:
                answer = await self._step(connection, work.send(answer), wait_s)
        except StopIteration as end:
            result: T = end.value
            return result

    async def _step(
        self, connection: asyncpg.Connection, step: Change | list[Change], wait_s: float | None = None
    ) -> Any:
        if isinstance(step, list):
            return await self._change_all(connection, step)
        return await self._ask(connection, *step, wait_s)

    async def _ask(self, connection: asyncpg.Connection, sql: Sql, values: Values, wait_s: float | None) -> Any:
        statement = self._statements[sql]
        if statement.rows:
            return await connection.fetch(statement.text, *statement.pick(values), timeout=wait_s)
        status = await connection.execute(statement.text, *statement.pick(values), timeout=wait_s)
        self._note(sql)
        return int(status.rpartition(" ")[2])

    async def _change_all(self, connection: asyncpg.Connection, changes: list[Change]) -> list[int]:
        counts = [0] * len(changes)
        for places in rounds(changes):
            row = await connection.fetchrow(*self._joined([changes[place] for place in places]))
            for place, count in zip(places, row, strict=True):
                counts[place] = count
        return counts

    async def _at_once(self, connection: asyncpg.Connection, last: Last) -> list[int] | None:
        """Make and commit the changes. None, and nothing is written, where it takes more, or one that must wrote nothing."""
        if len(rounds(last)) != 1:
            return None
        try:
            await connection.fetchrow(*self._joined(last, last.must))
        except asyncpg.DivisionByZeroError:
            return None
        return [1] * len(last)

    def _joined(self, changes: list[Change], must: int = 0) -> list[Any]:
        """The statement that makes these changes, and its parameters."""
        shape: tuple[int | Sql, ...] = (must, *(sql for sql, _ in changes))
        if shape not in self._shapes:
            self._shapes[shape] = joined([self._statements[sql] for sql, _ in changes], must)
        made: list[Any] = [self._shapes[shape]]
        for sql, values in changes:
            made += self._statements[sql].pick(values)
            self._note(sql)
        return made

    def _note(self, sql: Sql) -> None:
        self._to_ring = self._to_ring or sql is ADD_OUTBOX

    # ---------------------------------------------------------------------------------------------------------- bells

    async def listen(self, woken: Callable[[], None]) -> None:
        """Call `woken` when any process has queued something, until closed; and whenever one may have gone unheard."""
        task = asyncio.create_task(self._listen(woken))
        self._bells.add(task)
        task.add_done_callback(self._bells.discard)

    async def _listen(self, woken: Callable[[], None]) -> None:
        while True:
            try:
                await self._hear(await self._connect(), woken)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError):
                # Whoever delivers still looks every few seconds.
                await asyncio.sleep(AGAIN_S)

    async def _hear(self, connection: asyncpg.Connection, woken: Callable[[], None]) -> None:
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        try:
            await connection.add_listener(BELL, lambda *_: woken())
            woken()
            while not lost.is_set():
                try:
                    await asyncio.wait_for(lost.wait(), ALIVE_S)
                except TimeoutError:
                    await connection.execute("SELECT 1")
            raise ConnectionResetError
        finally:
            connection.terminate()

    def _ring(self) -> None:
        if self._ringing is None:
            self._ringing = asyncio.create_task(self._ring_until_quiet())

    async def _ring_until_quiet(self) -> None:
        try:
            while self._to_ring:
                self._to_ring = False
                async with self._connections.one() as connection:
                    await connection.execute(f"NOTIFY {BELL}")
                await asyncio.sleep(RING_EVERY_S)
        except StorageAway:
            # Nobody hears it: whoever delivers finds it when they look.
            self._to_ring = False
        finally:
            self._ringing = None

    async def give_back(self, now: Any) -> int:
        """Nothing: what is claimed may be another process's, which is at work. The lease says when it is not."""
        return 0

    async def others(self) -> int:
        """How many other processes of ours are connected to this database."""
        async with self._connections.one() as connection:
            return int(await connection.fetchval(OTHERS))

    async def settled(self) -> int:
        """See `DatabaseStorage.settled`. Numbers are given before a commit, so a lower one may be committed later.

        Whoever takes a number has locked the table before, and keeps that lock until what they wrote can be seen. So the
        newest number is settled once all are gone who had the table locked after it was looked up.
        """
        number = 0
        writing: set[str] | None = None
        until = asyncio.get_running_loop().time() + SETTLES_S
        while writing is None or writing:
            async with self._connections.one() as connection:
                if writing is None:
                    number = await connection.fetchval(LAST_NUMBER)
                    writing = await _writers(connection)
                else:
                    writing &= await _writers(connection)
            if writing and asyncio.get_running_loop().time() > until:
                return 0
            if writing:
                await asyncio.sleep(SETTLE_LOOK_S)
        return int(number)

    async def hold(self, name: str) -> bool:
        return await self._names.hold(name)

    async def close(self) -> None:
        if self._writing:
            await asyncio.wait(self._writing)
        bells = [*self._bells, *([self._ringing] if self._ringing else ())]
        for task in bells:
            task.cancel()
        await asyncio.gather(*bells, return_exceptions=True)
        await self._connections.close()
        self._names.close()


async def _writers(connection: asyncpg.Connection) -> set[str]:
    """Who may have taken a number of the audit and not committed yet: transactions by the server's own ids."""
    return {row[0] for row in await connection.fetch(WRITERS)}
