"""Several processes on one PostgreSQL: who serves, who works, what only one of them does, and one that is killed."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from bot import export, held, schedule
from bot.book import Book
from bot.channels.base import Inbound
from bot.commands import invite
from bot.deliver import Deliverer, Work
from bot.held import while_held
from bot.receive import Receiver
from bot.settings import Settings
from bot.watch import UNATTENDED_AFTER, Watch
from bot.web.site import Site, build_site
from flows.model import Said
from storage.base import Done, OutboxRow, StorageAway
from storage.store import DatabaseStorage
from tests import postgres
from tests.databases import Database, database
from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.postgres import until
from tests.service import ROOT, SECRET, free_port
from tests.stories import Expected, at_rest, everybody_writes, everything_arrived
from tests.world import World

MONDAY = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
"""After 06:00 in Viet Nam: the week before is due."""


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Database]:
    async with database("postgresql", tmp_path) as made:
        yield made


# --------------------------------------------------------------------------------------------- what only one of them does


async def test_a_part_is_at_work_in_one_process_and_goes_on_in_another_when_that_one_ends(
    home: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "LOOK_S", 0.01)
    at_work: list[str] = []
    began: asyncio.Queue[str] = asyncio.Queue()

    async def part(name: str, stop: asyncio.Event) -> None:
        at_work.append(name)
        began.put_nowait(name)
        await stop.wait()
        at_work.remove(name)

    async def away(name: str) -> bool:
        raise StorageAway(name)

    stop = asyncio.Event()
    storages = {name: await home.open() for name in ("one", "another")}
    tasks = {
        name: asyncio.create_task(while_held(storage, "telegram/1", partial(part, name), stop))
        for name, storage in storages.items()
    }
    other = {"one": "another", "another": "one"}
    first = await asyncio.wait_for(began.get(), 60)
    assert at_work == [first]
    with monkeypatch.context() as cut_off:  # it no longer reaches the database, which takes the name from it
        cut_off.setattr(storages[first], "hold", away)
        await home.ask("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
        assert await asyncio.wait_for(began.get(), 60) == other[first]
        await until(lambda: at_work == [other[first]])
    tasks[other[first]].cancel()  # this one dies
    await storages[other[first]].close()
    assert await asyncio.wait_for(began.get(), 60) == first
    stop.set()
    await asyncio.wait(tasks.values())


async def test_a_part_that_fails_is_not_begun_again_in_silence(home: Database) -> None:
    async def part(stop: asyncio.Event) -> None:
        raise RuntimeError("and nothing comes in any more")

    with pytest.raises(RuntimeError, match="nothing comes in"):
        await asyncio.wait_for(while_held(await home.open(), "telegram/1", part, asyncio.Event()), 60)


async def test_two_that_schedule_and_deliver_make_one_export(home: Database, book: Book, tmp_path: Path) -> None:
    made: list[str] = []
    parts = []
    for name in ("one", "another"):
        storage = await home.open()

        async def run_export(body: Any, storage: DatabaseStorage = storage, name: str = name) -> None:
            made.append(name)
            await export.export_weekly(storage, book, str(body["week"]), tmp_path / name, MONDAY)

        receiver = Receiver(storage, book)
        parts.append((storage, Deliverer(Work(storage, book, receiver, {}, "", lambda: MONDAY, run_export))))
    for _ in range(2):
        await asyncio.gather(*(schedule.plan(storage, MONDAY) for storage, _ in parts))
        await asyncio.gather(*(deliverer.drain() for _, deliverer in parts))
    assert len(made) == 1
    assert await home.ask("SELECT key FROM export_run") == [("weekly/2026-W47",)]


async def test_an_abandoned_draft_is_erased_once_and_not_if_it_was_written_on(home: Database, book: Book) -> None:
    """Between finding it and erasing it another process may have been there, or the person."""
    one, another = await home.open(), await home.open()
    early = Receiver(one, book, now=lambda: MONDAY - timedelta(days=2))
    for who in ("lan", "minh"):
        await early.citizen(Inbound("web", f"{who}-1", who, Said("tôi muốn kể một chuyện")))
    receiver = Receiver(another, book, now=lambda: MONDAY)
    found = await another.abandoned(MONDAY - schedule.ABANDONED_AFTER, 10)
    await receiver.citizen(Inbound("web", "minh-2", "minh", Said("tôi kể tiếp")))
    assert await schedule.sweep(one, Receiver(one, book, now=lambda: MONDAY), MONDAY) == 1
    for conversation, version in found:
        await receiver.abandoned(conversation, version)
    assert len(found) == 2
    assert await home.ask("SELECT count(*) FROM audit WHERE action = 'draft.erased'") == [(1,)]
    assert await home.ask("SELECT count(*) FROM conversation WHERE ended = 0") == [(1,)]


# ---------------------------------------------------------------------------------------------- whether anybody delivers


def row(key: str, priority: int, due: datetime) -> OutboxRow:
    return OutboxRow(key, "say", key, priority, due, {"texts": [key]})


async def test_a_process_that_leaves_the_outbox_to_others_sees_when_nobody_empties_it(
    home: Database, book: Book, leak_guard: Any
) -> None:
    storage = await home.open()
    at = MONDAY
    watch = Watch(storage, lambda: at)
    site = build_site(Site(Receiver(storage, book), storage, book, Settings(home=Path()), problem=watch.problem))
    await storage.finish((), [row("photo", 3, at), row("later", 0, at + timedelta(hours=1))])
    await storage.finish((), [row(f"reply/{n}", 2, at) for n in range(3)])
    await watch.look()
    for _ in range(3):  # in a flood the photograph waits long, and all is well: somebody takes what is next
        at += UNATTENDED_AFTER - timedelta(seconds=1)
        await watch.look()
        (claimed,) = await storage.claim(at, 1)
        await storage.finish([Done(claimed.id, "done", at)])
        await watch.look()
        assert watch.problem() == ""
    at += UNATTENDED_AFTER
    await watch.look()
    assert "start `python -m bot work`" in watch.problem()
    assert '"outbox.unattended", "wait_s": 15' in leak_guard.getvalue()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(site), base_url="http://127.0.0.1") as client:
        health = await client.get("/health")
    # Not an error: a balancer would take the page with the numbers to call away.
    assert (health.status_code, health.text) == (200, watch.problem() + "\n")
    (claimed,) = await storage.claim(at, 1)
    await watch.look()
    assert watch.problem() == ""


# ------------------------------------------------------------------------------------------------------- real processes

PEOPLE = 40
FIRST = 1_500_000_000
OFFICER = 1_400_000_000
STARTS_WITHIN_S, TURNS_WITHIN_S, REST_WITHIN_S = 120.0, 180.0, 120.0


class Balanced(FakeTelegram):
    """Telegram before a balancer that hands each update to the next of several doors."""

    def __init__(self, doors: list[str]) -> None:
        super().__init__()
        self._doors = itertools.cycle(doors)

    def _door(self) -> str:
        return next(self._doors)


class Process:
    """`python -m bot COMMAND` with the platforms' pace lifted, as a process of its own."""

    def __init__(self, command: str, environ: dict[str, str]) -> None:
        self.said = ""
        self._command = command
        self._environ = environ

    async def __aenter__(self) -> Self:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("NHIPCAU_")}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.service", self._command, cwd=ROOT, env={**inherited, **self._environ},
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        self._reading = asyncio.create_task(self._read())
        started = '"work.started"' if self._command == "work" else '"service.started"'
        await until(lambda: started in self.said or self._reading.done(), STARTS_WITHIN_S)
        assert started in self.said, self.said
        return self

    async def _read(self) -> None:
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            self.said += line.decode()

    @property
    def pid(self) -> int:
        return self._process.pid

    async def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reading

    async def __aexit__(self, *_: object) -> None:
        await self.kill()


async def test_two_that_serve_and_two_that_work_lose_nothing_when_one_is_killed(
    tmp_path: Path, book: Book, world: World
) -> None:
    expected = Expected()
    await expected.learn(world)
    ports = [free_port(), free_port()]
    chats = range(FIRST, FIRST + PEOPLE)
    async with (
        postgres.database(postgres.wanted()) as dsn,
        Balanced([f"http://127.0.0.1:{port}/telegram" for port in ports]) as telegram,
        AsyncExitStack() as processes,
    ):
        environ = {
            "NHIPCAU_HOME": str(tmp_path / "home"), "NHIPCAU_DATABASE": dsn, "NHIPCAU_WORK": "elsewhere",
            "NHIPCAU_TELEGRAM_TOKEN": TOKEN, "NHIPCAU_TELEGRAM_API": telegram.url,
            "NHIPCAU_TELEGRAM_WEBHOOK": "https://balancer.example/telegram", "NHIPCAU_TELEGRAM_SECRET": SECRET,
        }  # fmt: skip
        # All four at once, on an empty database and without a key.
        one, another, *_ = await asyncio.gather(
            *(processes.enter_async_context(Process("work", environ)) for _ in range(2)),
            *(processes.enter_async_context(Process("serve", {**environ, "NHIPCAU_PORT": str(p)})) for p in ports),
        )
        works = {each.pid: each for each in (one, another)}
        office = next(one.id for one in book.referral.offices if one.route == "hotline_111")
        settings = Settings(home=tmp_path / "home", database=dsn)
        code = (await invite(settings, office, "Cán bộ thử", "duty")).partition("\n")[0]
        await telegram.until(lambda: telegram.webhook, TURNS_WITHIN_S)
        telegram.say(OFFICER, f"/canbo {code}")
        await telegram.until(lambda: telegram.texts(OFFICER), TURNS_WITHIN_S)
        turns = everybody_writes(telegram, chats, expected)
        await telegram.until(lambda: len(telegram.posted) > turns / 2, TURNS_WITHIN_S)
        await works[await sender(dsn)].kill()
        await telegram.until(lambda: not telegram.pending, TURNS_WITHIN_S)
        await until(lambda: at_rest(dsn), REST_WITHIN_S)

        assert {status for _, status in telegram.posted} == {200}
        key = bytes.fromhex((tmp_path / "home" / "keys" / "service.key").read_text("ascii"))
        await everything_arrived(dsn, telegram, chats, expected, key, (OFFICER, office))
        assert len(await postgres.ask(dsn, "SELECT 1 FROM export_run")) == 1


async def sender(dsn: str) -> int:
    """The process that sends to Telegram, by its id."""
    found = await postgres.ask(
        dsn,
        "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted "
        "AND (classid::bigint << 32) + objid::bigint = hashtextextended('sender/telegram', 1)",
    )
    return int(str(found[0][0]).split()[1])
