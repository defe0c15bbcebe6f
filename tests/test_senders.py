"""Several processes deliver from one outbox: one of them sends for a bot, and what a dead one had comes back in seconds."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bot.book import Book
from bot.channels.base import Channel, Message
from bot.channels.pace import Pace
from bot.deliver import Deliverer, Work
from bot.receive import Receiver
from storage.base import Done, OutboxRow, Wanted
from storage.postgres import PostgresStorage
from storage.store import DatabaseStorage
from tests.databases import BOTH, Database, database
from tests.delivery import Platform

NOW = datetime(2026, 11, 23, 7, 5, tzinfo=UTC)
LEASE = timedelta(seconds=10)
_numbers = itertools.count(1)


@pytest.fixture(params=BOTH)
async def home(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with database(request.param, tmp_path) as made:
        yield made


def said(to: str, sender: str = "telegram", *, priority: int = 2, lane: str = "", due: datetime = NOW) -> OutboxRow:
    body = {"to": {"channel": sender, "external": to}, **msgspec.to_builtins(Message((to,)))}
    return OutboxRow(f"row/{next(_numbers)}", "say", lane, priority, due, body, sender=sender)


async def keys(storage: DatabaseStorage, *wanted: Wanted, at: datetime = NOW) -> list[str]:
    """To whom the rows go that are handed out now."""
    return [one.row.body["to"]["external"] for one in await storage.exchange(at, wanted)]


# ------------------------------------------------------------------------------------------------------------- storage


async def test_rows_are_handed_out_for_the_senders_that_are_wanted(home: Database) -> None:
    storage = await home.open()
    rows = [said(f"t{number}") for number in range(3)] + [said("z", "zalo_bot"), said("danger", priority=0)]
    await storage.finish((), [*rows, said("w", "web")])
    assert await keys(storage, Wanted("zalo_bot", 9), Wanted("viber", 9)) == ["z"]
    assert await keys(storage, Wanted("telegram", 2), Wanted("web", 0)) == ["danger", "t0"]
    assert await keys(storage, Wanted("telegram", 9), Wanted("web", 9)) == ["t1", "t2", "w"]


async def test_the_least_of_each_class_comes_whatever_fills_the_room(home: Database) -> None:
    storage = await home.open()
    await storage.finish((), [said(f"{priority}{n}", priority=priority) for priority in (3, 2, 1, 0) for n in range(4)])
    assert await keys(storage, Wanted("telegram", 2, (0, 0, 1, 2))) == ["00", "01", "20", "30", "31"]
    assert await keys(storage, Wanted("telegram", 0, (1, 0, 0, 0))) == ["02"]
    assert await keys(storage, Wanted("telegram", 3, (0, 1, 0, 1))) == ["03", "10", "11", "32"]


async def test_a_lane_that_is_freed_is_handed_out_in_the_same_commit_and_what_follows_too(home: Database) -> None:
    storage = await home.open()
    await storage.finish((), [said("1", lane="a"), said("2", lane="a")])
    (first,) = await storage.exchange(NOW, [Wanted("telegram", 9)])
    follows = said("follows", priority=0)
    found = await storage.exchange(NOW, [Wanted("telegram", 9)], [Done(first.id, "done", NOW)], [follows])
    assert [one.row.body["to"]["external"] for one in found] == ["follows", "2"]
    assert (found[0].row.key, found[0].row.sender) == (follows.key, "telegram")


async def test_what_is_renewed_stays_and_what_is_not_comes_back_in_ten_seconds(home: Database) -> None:
    storage = await home.open()
    await storage.finish((), [said("lives"), said("dies")])
    lives, _ = await storage.exchange(NOW, [Wanted("telegram", 9)])
    soon = NOW + LEASE / 2
    assert await storage.renew([lives.id], soon) == 1
    assert await keys(storage, Wanted("telegram", 9), at=NOW + LEASE - timedelta(milliseconds=1)) == []
    assert await keys(storage, Wanted("telegram", 9), at=NOW + LEASE) == ["dies"]
    await storage.finish([Done(lives.id, "done", soon)])
    assert await storage.renew([lives.id], soon) == 0, "what ended is held by nobody"
    assert await keys(storage, Wanted("telegram", 9), at=NOW + LEASE * 1.5) == []


async def test_each_sender_knows_when_its_next_is_due(home: Database) -> None:
    storage = await home.open()
    assert await storage.next_due_by_sender() == {}
    soon, later = NOW + timedelta(seconds=5), NOW + timedelta(seconds=50)
    await storage.finish((), [said("a"), said("b", "web", due=later), said("c", "web", priority=0, due=soon)])
    assert await storage.next_due_by_sender() == {"telegram": NOW, "web": soon}
    assert await storage.next_due() == NOW


async def test_a_channel_at_work_is_not_taken_for_one_that_nobody_empties(home: Database) -> None:
    storage = await home.open()
    await storage.finish((), [said("a"), said("b"), said("c", "web")])
    assert await storage.first_waiting(NOW - timedelta(seconds=1)) is None
    (a,) = await storage.exchange(NOW, [Wanted("telegram", 1)])
    assert await storage.first_waiting(NOW) == a.id + 2, "the one for the web; `b` waits for its turn"
    await storage.exchange(NOW, [Wanted("web", 1)])
    assert await storage.first_waiting(NOW) is None


# ----------------------------------------------------------------------------------------------------------- processes


class Fleet:
    """Processes that deliver from one database, as far as that can tell, and the one platform that they all reach."""

    def __init__(self, home: Database, book: Book) -> None:
        self._home = home
        self._book = book
        self.now = NOW
        self.platform, self.web = Platform(), Platform("web")
        self._stops: list[tuple[asyncio.Task[None], asyncio.Event]] = []

    async def process(
        self, sent: list[str], *, per_second: float = 1000.0
    ) -> tuple[DatabaseStorage, asyncio.Task[None]]:
        """One more; what leaves through it is noted."""
        storage = await self._home.open()

        class Through(Platform):
            async def send(_, address: str, message: Message) -> Any:
                sent.append(address)
                return await self.platform.send(address, message)

        channels: dict[str, Channel] = {"telegram": Through(), "web": self.web}
        receiver = Receiver(storage, self._book, now=lambda: self.now)
        pace = Pace(per_second, 0.0)
        work = Work(storage, self._book, receiver, channels, "", lambda: self.now, None, {"telegram": pace})
        one, stop = Deliverer(work), asyncio.Event()
        await storage.listen(one.wake)
        task = asyncio.create_task(one.run(stop))
        self._stops.append((task, stop))
        return storage, task

    async def close(self) -> None:
        for task, stop in self._stops:
            stop.set()
            await asyncio.wait({task}, timeout=60)


@pytest.fixture
async def fleet(home: Database, book: Book, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Fleet]:
    monkeypatch.setattr("bot.deliver.KEEP_S", 0.02)
    monkeypatch.setattr("storage.connections.ALIVE_FOR_S", 0.0)
    made = Fleet(home, book)
    yield made
    await made.close()


async def until(true: Callable[[], Awaitable[Any]]) -> None:
    for _ in range(500):
        if await true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("what was waited for did not come within 5 s")


async def test_the_row_of_a_channel_without_a_token_is_tried_and_not_forgotten(home: Database, fleet: Fleet) -> None:
    storage, _ = await fleet.process([])
    await storage.finish((), [said("an", "viber")])
    await until(lambda: home.ask("SELECT 1 FROM outbox WHERE code = 'channel_off'"))


async def _marked(home: Database, count: int) -> bool:
    return bool(await home.ask("SELECT count(*) FROM outbox WHERE finished = 1") == [(count,)])


@pytest.mark.parametrize("home", ["postgresql"], indirect=True)
async def test_one_process_sends_for_a_bot_and_another_takes_over_when_it_dies(home: Database, fleet: Fleet) -> None:
    first: list[str] = []
    second: list[str] = []
    storage, task = await fleet.process(first)
    await storage.finish((), [said("0")])
    await fleet.platform.until(1)
    other, _ = await fleet.process(second)
    await other.finish((), [said("w", "web")])
    for number in range(1, 40):
        await other.finish((), [said(f"{number}")])
        await fleet.platform.until(number + 1)
    await fleet.web.until(1)
    assert (len(first), second) == (40, [])
    # It dies with a row under way, at once and without a word: its connections are gone, nothing is given back.
    fleet.platform.hangs = {"stuck": asyncio.Event()}
    fleet.platform.entered.clear()
    await other.finish((), [said("stuck", lane="c:an"), said("behind", lane="c:an")])
    await asyncio.wait_for(fleet.platform.entered.wait(), 60)
    assert isinstance(storage, PostgresStorage)
    # What had left and was not marked would leave twice, which is allowed and not what this is about.
    await until(partial(_marked, home, 41))
    task.cancel()
    storage._names.close()
    await other.finish((), [said("danger", priority=0), said("next")])
    await fleet.platform.until(42)
    assert second == ["danger", "next"]
    # What it had comes back when its lease is over, and keeps its lane's order.
    fleet.platform.hangs = {}
    fleet.now += LEASE
    await fleet.platform.until(44)
    assert second == ["danger", "next", "stuck", "behind"]


async def test_one_that_loses_the_bot_gives_back_what_it_has_in_hand(
    home: Database, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    storage, _ = await fleet.process(sent, per_second=2.0 + 1e-3)
    await storage.finish((), [said(f"{number}") for number in range(6)])
    await fleet.platform.until(1)

    async def lost(name: str) -> bool:
        return False

    monkeypatch.setattr(storage, "hold", lost)
    await until(partial(_none, home, "SELECT 1 FROM outbox WHERE finished = 0 AND claimed_until > 0"))
    count = len(sent)
    fleet.now += timedelta(seconds=1)
    assert len(await storage.exchange(fleet.now, [Wanted("telegram", 9)])) == 6 - count


async def _none(home: Database, sql: str) -> bool:
    return not await home.ask(sql)


async def test_a_row_that_takes_long_is_held_for_as_long(
    home: Database, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.deliver.RENEW_S", 0.02)
    storage, _ = await fleet.process([])
    fleet.platform.hangs = {"slow": asyncio.Event()}
    await storage.finish((), [said("slow")])
    await asyncio.wait_for(fleet.platform.entered.wait(), 60)
    for _ in range(3):
        fleet.now += LEASE / 2
        held = int((fleet.now + LEASE).timestamp() * 1000)
        await until(partial(home.ask, f"SELECT 1 FROM outbox WHERE claimed_until = {held}"))  # noqa: S608 - a number
    fleet.platform.hangs["slow"].set()
    await until(lambda: home.ask("SELECT 1 FROM outbox WHERE state = 'done' AND attempts = 1"))
