"""How each door stands: when something last came in and left, and since when it fails; one that fails too long is told of.

Down is decided from failures alone, never from silence: nobody writes through a rarely used door at night, and it is open all
the same. What processes find out is kept in the database, one small record a door, so that any of them can say it. No content,
no person, no number of messages of anybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from bot import log
from bot.held import pause
from referral.clocks import VIET_NAM
from storage.base import Commit, OutboxRow, StorageAway
from storage.record import Record
from storage.store import DatabaseStorage

LOOK_S: Final = 20.0
STILL: Final = timedelta(minutes=11)
"""A failure that was seen so recently still stands: whatever waits is tried every five minutes at least (bot/perform.py)."""
TRIES: Final = 5
"""Of writing a record that several processes write."""
TITLES: Final = {"web": "Web", "telegram": "Telegram", "zalo_oa": "Zalo OA", "zalo_bot": "Zalo Bot"}
"""Every door there is, by its channel's name."""
RECEIVE, SEND, TOKEN = "receive", "send", "token"
"""What of a door can fail by itself."""

Late = Callable[[datetime], Awaitable[datetime | None]]
"""Since when the renewal of a door's token is late; None where it is not. May raise StorageAway."""


class Trouble(Struct, frozen=True):
    """Failures of one part of a door with nothing that worked between them: the first, the last, the last one's code."""

    since: datetime
    last: datetime
    code: str


class Standing(Struct, frozen=True):
    """One door as all processes together know it. `troubles` by part."""

    received_at: datetime | None = None
    sent_at: datetime | None = None
    troubles: Mapping[str, Trouble] = {}

    def failing(self, now: datetime) -> tuple[tuple[str, Trouble], ...]:
        """What fails at this time, and still did lately."""
        return tuple((part, one) for part, one in sorted(self.troubles.items()) if now - one.last <= STILL)

    def down_since(self, now: datetime, after: timedelta) -> datetime | None:
        """Since when something of it fails, where it has failed for so long; one failure and then silence is not long."""
        return min((one.since for _, one in self.failing(now) if one.last - one.since >= after), default=None)


class Standings:
    """What this process finds out about the doors that are on. Noting costs nothing; `look` shares it."""

    def __init__(
        self,
        storage: DatabaseStorage,
        names: Iterable[str],
        down_after: timedelta,
        now: Callable[[], datetime],
        late: Mapping[str, Late] | None = None,
    ) -> None:
        self._storage = storage
        self._down_after = down_after
        self._now = now
        self._late = late or {}
        self._news = {name: Standing() for name in names if name in TITLES}
        self._worked: dict[str, set[str]] = {name: set() for name in self._news}
        self._known: dict[str, Standing] = {}
        self._told: set[str] = set()

    def received(self, name: str) -> None:
        """Something came in through this door."""
        if name in self._news:
            self._news[name] = replace(self._news[name], received_at=self._now())
            self.told(name, RECEIVE, "")

    def sent(self, name: str, code: str) -> None:
        """A message left (an empty code), or did not for a reason that lies with the door."""
        if name in self._news and not code:
            self._news[name] = replace(self._news[name], sent_at=self._now())
        self.told(name, SEND, code)

    def told(self, name: str, part: str, code: str) -> None:
        """This part worked (an empty code), or failed with this code."""
        if name not in self._news:
            return
        news, now = self._news[name], self._now()
        troubles = {one: trouble for one, trouble in news.troubles.items() if one != part}
        if code:
            since = news.troubles[part].since if part in news.troubles else now
            troubles[part] = Trouble(since, now, code)
        else:
            self._worked[name].add(part)
        self._news[name] = replace(news, troubles=troubles)

    def receiving(self, name: str) -> Callable[[str], None]:
        """For whoever asks a platform for what came: told a code each time, empty where it worked."""
        return partial(self.told, name, RECEIVE)

    async def run(self, stop: asyncio.Event) -> None:
        """Share what was found out every 20 s, until `stop` is set."""
        while not stop.is_set():
            await pause(stop, LOOK_S)
            try:
                await self.look()
            except StorageAway:
                log.warn("doors.storage_away")
            except Exception as error:
                # Only what is known of the doors is at stake: the service must not end for it.
                log.warn("doors.failed", what=type(error).__name__, where=log.place(error))

    async def look(self) -> None:
        """Share it once, see what others found out, and tell the staff of 111 of a door that is down. Raises StorageAway."""
        for name in self._news:
            await self._token(name)
            await self._share(name)
            await self._tell(name)

    def problem(self) -> str:
        """Sentences for the operator, empty where every door works as far as anybody knows."""
        now = self._now()
        found = []
        for name, standing in self._known.items():
            since = standing.down_since(now, self._down_after)
            if since is not None:
                codes = ", ".join(f"{part} {one.code}" for part, one in standing.failing(now))
                minutes = int((now - since).total_seconds() // 60)
                found.append(f"{name} is down for {minutes} min ({codes}); see `python -m bot doors`")
        return " · ".join(found)

    async def _token(self, name: str) -> None:
        if name not in self._late:
            return
        since = await self._late[name](self._now())
        self.told(name, TOKEN, "late" if since else "")
        if since:
            news = self._news[name]
            trouble = Trouble(since, self._now(), "late")
            self._news[name] = replace(news, troubles={**news.troubles, TOKEN: trouble})

    async def _share(self, name: str) -> None:
        """Write what is new to what is known. What cannot be written now is kept, with what is noted meanwhile."""
        news, worked = self._news[name], self._worked[name]
        self._news[name], self._worked[name] = Standing(), set()
        try:
            shared = await self._written(name, news, frozenset(worked))
        except BaseException:
            self._keep(name, news, worked)
            raise
        if not shared:
            self._keep(name, news, worked)

    async def _written(self, name: str, news: Standing, worked: frozenset[str]) -> bool:
        record = record_of(self._storage, name)
        for _ in range(TRIES):
            content, mark = await record.read_or_begin()
            stored = read(content)
            merged = _merged(stored, news, worked)
            if merged == stored or await record.replace(msgspec.json.encode(merged), mark):
                self._known[name] = merged
                return True
        return False

    def _keep(self, name: str, news: Standing, worked: set[str]) -> None:
        self._news[name] = _merged(news, self._news[name], frozenset(self._worked[name]))
        self._worked[name] |= worked

    async def _tell(self, name: str) -> None:
        """Once for each time that a door goes down, whichever process sees it: the row's key says which."""
        now = self._now()
        since = self._known.get(name, Standing()).down_since(now, self._down_after)
        if since is None or (number := f"door-{name}-{int(since.timestamp())}") in self._told:
            return
        body = {"door": TITLES[name], "since": since.astimezone(VIET_NAM).strftime("%H:%M %d/%m/%Y")}
        row = OutboxRow(f"alarm/{number}", "alarm", f"alarm:{number}", 1, now, body)
        log.warn("door.down", channel=name, problem=self.problem())
        await self._storage.commit(Commit(at=now, outbox=(row,)))
        self._told.add(number)


def record_of(storage: DatabaseStorage, name: str) -> Record:
    """Where the standing of a door is kept."""
    return Record(storage, f"door/{name}")


def read(content: bytes | None) -> Standing:
    """A standing from its record's content; of a door of which nothing is known where there is none."""
    return msgspec.json.decode(content, type=Standing) if content is not None else Standing()


def _merged(stored: Standing, news: Standing, worked: frozenset[str]) -> Standing:
    """What is known with what is new. A failure goes on with those before it, unless something worked between them."""
    troubles = {part: one for part, one in stored.troubles.items() if part not in worked}
    for part, one in news.troubles.items():
        before = troubles.get(part)
        goes_on = before is not None and one.since - before.last <= STILL
        troubles[part] = replace(one, since=min(before.since, one.since)) if before and goes_on else one
    return Standing(_later(stored.received_at, news.received_at), _later(stored.sent_at, news.sent_at), troubles)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((each for each in (one, other) if each is not None), default=None)
