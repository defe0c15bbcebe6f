"""A few connections to PostgreSQL, lent one at a time; and what the driver raises, told in our words.

asyncpg has a pool of its own, which resets each connection at each return (one more journey) and arms a timer; both
cost more here than they give.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import asyncpg

from storage.base import StaleConversation, StorageAway, StorageUnfit

ALIVE_FOR_S: Final = 1.0
"""How long it is believed that a connection which holds names is still one."""

ANSWERS_IN_S: Final = 5.0
"""How long an answer on it is waited for. Together with the above less than LET_GO, so nobody thinks they hold in vain."""

LET_GO: Final = {"idle_session_timeout": "20s"}
"""How soon the server takes the names from a process that stands still: from one that died it does so at once."""

MOST_WAITING: Final = 10_000
"""How many may wait before more are refused: their senders will come again, and memory stays bounded."""

_OVERTAKEN: Final = (asyncpg.UniqueViolationError, asyncpg.TransactionRollbackError)
_REFUSED: Final = (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError, ValueError)
_AWAY: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
_NOT_NOW: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
_UNREADABLE: Final = "the database's address cannot be read: write postgresql://user:password@host:port/database"
_UNFIT: Final[tuple[tuple[type[Exception], str], ...]] = (
    (asyncpg.InvalidAuthorizationSpecificationError, "the database refused this user or password: correct the address"),
    (asyncpg.InvalidCatalogNameError, "the server has no such database: make it with createdb"),
    (asyncpg.InsufficientPrivilegeError, "this user may not make tables: let the database belong to it"),
    (asyncpg.UndefinedFileError, "the server has no such database: make it with createdb"),
    (ValueError, _UNREADABLE),
    (OverflowError, _UNREADABLE),  # a port of more than 65535
)


class NotTaken(Exception):
    """A fault of ours: the database refused a value. Names the kind and the rule, never what was written."""


class Connections:
    """At most so many connections, made when first needed; the one that was used last is lent first."""

    def __init__(self, connect: Callable[[], Awaitable[asyncpg.Connection]], most: int) -> None:
        self._connect = connect
        self._room = asyncio.Semaphore(most)
        self._idle: list[asyncpg.Connection] = []
        self._waiting = 0
        self._closed = False

    @asynccontextmanager
    async def one(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection outside any transaction. Raises StorageAway, and tells what the driver raises in our words."""
        if self._waiting >= MOST_WAITING:
            raise StorageAway(f"{MOST_WAITING} pieces of work wait: the database is too slow for what comes in")
        self._waiting += 1
        try:
            async with self._room:
                with our_words():
                    connection = await self._take()
                    try:
                        yield connection
                    except (TimeoutError, asyncpg.ReadOnlySQLTransactionError):
                        connection.terminate()  # it answers no more, or became a standby: a new one finds the primary
                        raise
                    finally:
                        self._give(connection)
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """Close what is idle; what is lent closes when it comes back."""
        self._closed = True
        while self._idle:
            connection = self._idle.pop()
            with our_words():
                await connection.close(timeout=1)

    async def _take(self) -> asyncpg.Connection:
        if self._closed:
            raise StorageAway("the database was closed: start the service again")
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await self._connect()

    def _give(self, connection: asyncpg.Connection) -> None:
        if connection.is_closed():
            return
        if self._closed or connection.is_in_transaction():
            connection.terminate()
        else:
            self._idle.append(connection)


class Names:
    """Names of which each is held by one process at a time, as advisory locks of one connection: lost when it is lost."""

    def __init__(self, connect: Callable[[], Awaitable[asyncpg.Connection]]) -> None:
        self._connect = connect
        self._connection: asyncpg.Connection | None = None
        self._held: set[str] = set()
        self._seen_s = 0.0
        self._turn = asyncio.Lock()

    async def hold(self, name: str) -> bool:
        """Whether this process holds the name now; it is taken where nobody does. Raises StorageAway, and then it does not."""
        async with self._turn:
            with our_words():
                try:
                    connection = await self._alive()
                    if name not in self._held and await connection.fetchval(
                        "SELECT pg_try_advisory_lock(hashtextextended($1, 1))", name, timeout=ANSWERS_IN_S
                    ):
                        self._held.add(name)
                except BaseException:
                    self.close()  # who cannot ask does not know
                    raise
            return name in self._held

    def close(self) -> None:
        """Let go of all of them."""
        self._held.clear()
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _alive(self) -> asyncpg.Connection:
        now = asyncio.get_running_loop().time()
        if self._connection is None or self._connection.is_closed():
            self.close()
            self._connection = await self._connect()
            self._seen_s = now
        elif now - self._seen_s > ALIVE_FOR_S:
            await self._connection.execute("SELECT 1", timeout=ANSWERS_IN_S)
            self._seen_s = now
        return self._connection


@contextmanager
def our_words() -> Iterator[None]:
    """Tell what the driver raises in our words. Its own may repeat a whole row, so none of them is kept."""
    try:
        yield
    except _OVERTAKEN:
        raise StaleConversation from None
    except _REFUSED as fault:
        rule = getattr(fault, "constraint_name", None) or "a value"
        raise NotTaken(f"{type(fault).__name__}: {rule}") from None
    except _AWAY as cause:
        raise StorageAway(f"the database did not take it ({type(cause).__name__}): look at its server") from None


@contextmanager
def opening() -> Iterator[None]:
    """The same at start, where some of it means that the address or the database must be put right."""
    try:
        yield
    except tuple(kind for kind, _ in _UNFIT) as cause:
        raise StorageUnfit(next(sentence for kind, sentence in _UNFIT if isinstance(cause, kind))) from None
    except asyncpg.TargetServerAttributeNotMatched:
        raise StorageAway("no server of the address takes writes: promote a standby or start the primary") from None
    except _NOT_NOW as cause:
        raise StorageAway(f"no database answers at the address ({type(cause).__name__}): start its server") from None
    except asyncpg.PostgresError as cause:
        why = type(cause).__name__
        raise StorageUnfit(f"the database refused to be migrated ({why}), nothing was changed: read its log") from None
