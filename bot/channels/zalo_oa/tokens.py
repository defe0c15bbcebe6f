"""The pair of tokens without which nothing leaves: stored before it is used, renewed by one process of all.

channels.md §1.2 "OAuth v4": the access token lives 25 hours, the refresh token works **once** and brings a new pair; the old
access token dies in the moment in which a new one is made. So a renewal is claimed in the database before Zalo is asked, the new
pair is stored before anybody uses it, and a renewal of which nobody knows how it ended is never tried again: an operator is told,
and gives a new refresh token.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from msgspec import Struct
from msgspec.structs import replace

from bot import log
from bot.channels.base import SendError

RENEW_BEFORE_S: Final = 3600.0
"""So long before its end a pair is renewed."""
ASKS_FOR_S: Final = 60.0
"""Longer than the longest renewal takes: one that is under way for longer has ended unknown to anybody."""
LOOK_S: Final = 60.0
SAVE_TRIES: Final = 30
REMEDY: Final = "get a new refresh token from Zalo, put it into NHIPCAU_ZALO_OA_REFRESH_TOKEN and start again"


class Pair(Struct, frozen=True):
    """One pair, as it is stored (sealed). `expires_at` and `asked_at` are seconds since 1970; 0: no renewal is under way.

    `given` is a mark of the refresh token in the settings that this pair descends from. `trouble`: `unknown` (nobody knows how
    the renewal ended) or `refused`.
    """

    access: str
    refresh: str
    expires_at: float
    serial: int = 0
    given: str = ""
    asked_at: float = 0.0
    trouble: str = ""

    def __repr__(self) -> str:
        return f"Pair(serial={self.serial}, …)"


class Renewed(Struct, frozen=True):
    """What Zalo answered to a renewal."""

    access: str
    refresh: str
    lives_s: float

    def __repr__(self) -> str:
        return "Renewed(…)"


class NotAsked(Exception):
    """Zalo was not reached: the refresh token was not used, and works the next time."""


class Refused(Exception):
    """Zalo answered, and gave no pair."""


class Unknown(Exception):
    """Zalo may have made a new pair, and we did not get it."""


class Shelf(Protocol):
    """Where the pair is stored, for all processes. Both may raise what the storage raises."""

    async def read(self) -> tuple[Pair | None, bytes]:
        """The pair, and a mark of what is stored."""

    async def put(self, pair: Pair, mark: bytes) -> bool:
        """Store it, whole and lasting; False where something else is stored than had this mark."""


Renew = Callable[[str], Awaitable[Renewed]]
"""Exchange a refresh token. Raises NotAsked, Refused or Unknown."""
Alarm = Callable[[str, int], Awaitable[None]]
"""Tell the staff, once for each trouble and serial."""


class Tokens:
    """The present pair of this process, over the shelf that all share."""

    def __init__(
        self, shelf: Shelf, renew: Renew, alarm: Alarm, *, given: str = "", now: Callable[[], float] = time.time,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self._shelf = shelf
        self._renew = renew
        self._alarm = alarm
        self._given = given
        self._now = now
        self._pause = pause
        self._pair: Pair | None = None
        self._lock = asyncio.Lock()

    def problem(self) -> str:
        """A sentence for the operator, empty where all is well as far as this process knows."""
        trouble = self._pair.trouble if self._pair else ""
        return f"Zalo OA: the renewal of its token ended {trouble}; {REMEDY}" if trouble else ""

    async def access(self) -> str:
        """The access token. Raises SendError where there is none that may work."""
        pair = self._pair
        if pair is None or pair.expires_at <= self._now():
            pair = await self._current()
        if not pair.access or pair.expires_at <= self._now():
            pair = await self._renewed(pair.access)
        return pair.access

    async def refused(self, access: str) -> str:
        """Another access token than this one, which Zalo did not take. Raises SendError where there is none."""
        pair = await self._current()
        return pair.access if pair.access != access else (await self._renewed(access)).access

    async def keep(self, stop: asyncio.Event, wait: Callable[[asyncio.Event, float], Awaitable[None]]) -> None:
        """Renew in time, until `stop` is set. Run by one process of all."""
        while not stop.is_set():
            try:
                pair = await self._current()
                if not pair.trouble and pair.expires_at - self._now() < RENEW_BEFORE_S:
                    await self._renewed(pair.access)
            except SendError as error:
                log.warn("zalo_oa.token", code=error.code)
            except Exception as error:
                log.warn("zalo_oa.token", what=type(error).__name__, where=log.place(error))
            await wait(stop, LOOK_S)

    async def _current(self) -> Pair:
        """What is stored now; the token of the settings at first, or where the stored one came to nothing and this one is new."""
        stored, mark = await self._shelf.read()
        given = _mark(self._given)
        if given and (stored is None or (stored.trouble and stored.given != given)):
            serial = stored.serial + 1 if stored else 1
            fresh = Pair("", self._given, 0.0, serial, given)
            stored = fresh if await self._shelf.put(fresh, mark) else (await self._shelf.read())[0]
        if stored is None:
            raise SendError("misconfigured", "no_token")
        self._pair = stored
        return stored

    async def _renewed(self, access: str) -> Pair:
        """A pair with another access token than this. One task of this process asks; the claim keeps other processes out."""
        async with self._lock:
            pair = await self._current()
            if pair.access != access:
                return pair
            pair, mark = await self._claimed()
            try:
                answer = await self._renew(pair.refresh)
            except NotAsked:
                await self._save(replace(pair, asked_at=0.0), mark)
                raise SendError("again", "token_server_away", 5.0) from None
            except Refused:
                await self._trouble(pair, mark, "refused")
                raise SendError("misconfigured", "token_refused") from None
            except asyncio.CancelledError:
                await asyncio.shield(self._trouble(pair, mark, "unknown"))
                raise
            except Exception:
                await self._trouble(pair, mark, "unknown")
                raise SendError("misconfigured", "token_unknown") from None
            fresh = Pair(answer.access, answer.refresh, self._now() + answer.lives_s, pair.serial + 1, pair.given)
            return await asyncio.shield(self._taken(fresh, mark))

    async def _taken(self, fresh: Pair, mark: bytes) -> Pair:
        """Use a new pair, once it is stored."""
        await self._save(fresh, mark)
        stored, _ = await self._shelf.read()
        self._pair = stored or fresh
        log.say("zalo_oa.token_renewed", count=self._pair.serial)
        return self._pair

    async def _claimed(self) -> tuple[Pair, bytes]:
        """The stored pair, marked as being renewed by this process. Raises SendError where another is at it, or nobody may."""
        pair, mark = await self._shelf.read()
        if pair is None:
            raise SendError("misconfigured", "no_token")
        self._pair = pair
        if pair.trouble:
            raise SendError("misconfigured", f"token_{pair.trouble}")
        if pair.asked_at and self._now() - pair.asked_at >= ASKS_FOR_S:
            await self._trouble(pair, mark, "unknown")
            raise SendError("misconfigured", "token_unknown")
        claimed = replace(pair, asked_at=self._now())
        if pair.asked_at or not await self._shelf.put(claimed, mark):
            raise SendError("again", "token_being_renewed", 2.0)
        return claimed, (await self._shelf.read())[1]

    async def _trouble(self, pair: Pair, mark: bytes, trouble: str) -> None:
        self._pair = replace(pair, asked_at=0.0, trouble=trouble)
        log.warn("zalo_oa.token_trouble", outcome=trouble, problem=REMEDY)
        await self._save(self._pair, mark)
        try:
            await self._alarm(trouble, pair.serial)
        except Exception as error:
            log.warn("zalo_oa.alarm_failed", what=type(error).__name__)  # /health and the log say it all the same

    async def _save(self, pair: Pair, mark: bytes) -> None:
        """Store it, however long the storage is away: a pair that is lost cannot be had again.

        Where another process has meanwhile taken this renewal for lost, its word is replaced by what is known better.
        """
        for _ in range(SAVE_TRIES):
            try:
                if await self._shelf.put(pair, mark):
                    return
                stored, mark = await self._shelf.read()
                if (
                    stored is None
                    or stored.serial > pair.serial
                    or (stored.serial == pair.serial and not stored.asked_at)
                ):
                    return
            except Exception as error:
                log.warn("zalo_oa.token_not_stored", what=type(error).__name__)
                await self._pause(1.0)
        raise SendError("misconfigured", "token_not_stored")


def _mark(given: str) -> str:
    return hashlib.sha256(given.encode()).hexdigest()[:16] if given else ""
