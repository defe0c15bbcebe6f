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
_UNFIT: Final[tuple[tuple[type[Exception], str], ...]] = (
    (asyncpg.InvalidAuthorizationSpecificationError, "the database refused this user or password: correct the address"),
    (asyncpg.InvalidCatalogNameError, "the server has no such database: make it with createdb"),
    (asyncpg.InsufficientPrivilegeError, "this user may not make tables: let the database belong to it"),
    (asyncpg.UndefinedFileError, "the server has no such database: make it with createdb"),
    (ValueError, "the database's address cannot be read: write postgresql://user:password@host:port/database"),
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
