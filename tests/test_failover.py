"""A server that goes away, and a standby that takes over: what was acknowledged is there, and what was to leave leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from bot import app, held, perform
from bot.book import Book
from bot.channels.pace import Pace
from bot.settings import Secret, Settings
from flows.model import Conversation
from storage.accounts import Accounts
from storage.base import Address, Commit, StorageAway
from storage.open import open_storage
from tests import postgres
from tests.databases import KEY
from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.postgres import until
from tests.stories import Expected, at_rest, everybody_writes, everything_arrived
from tests.world import World

NOW = datetime(2026, 11, 23, 7, 5, tzinfo=UTC)
PEOPLE = 40
FIRST = 1_500_000_000
OFFICER = 1_400_000_000
WITHIN_S = 120.0


@asynccontextmanager
async def a_server() -> AsyncIterator[postgres.Server]:
    postgres.wanted()
    server = postgres.new_server()
    try:
        server.make()
        server.start()
        yield server
    finally:
        postgres.forget(server)


@asynccontextmanager
async def standing_by(primary: postgres.Server) -> AsyncIterator[postgres.Server]:
    """A synchronous standby: the primary acknowledges nothing that is not here too."""
    standby = postgres.new_server()
    try:
        standby.follow(primary)
        standby.start()
        await postgres.ask(primary.dsn(), "ALTER SYSTEM SET synchronous_standby_names = '*'")
        await postgres.ask(primary.dsn(), "SELECT pg_reload_conf()")
        await until(lambda: postgres.ask(primary.dsn(), "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"))
        yield standby
    finally:
        postgres.forget(standby)


async def take_over(standby: postgres.Server) -> None:
    await asyncio.to_thread(standby.promote)
    await postgres.ask(standby.dsn(), "ALTER SYSTEM SET synchronous_standby_names = ''")
    await postgres.ask(standby.dsn(), "SELECT pg_reload_conf()")


def turn(number: int) -> Commit:
    talk = Conversation("lan", version=number + 1)
    return Commit(NOW, "telegram", f"u{number}", Address("telegram", "lan"), conversation=talk, expects=number)


async def test_a_database_that_goes_away_is_away_and_comes_back() -> None:
    async with a_server() as server:
        storage = await open_storage(server.dsn(), KEY)
        await storage.commit(turn(0))
        assert await storage.hold("sender")
        server.stop("immediate")
        for _ in range(2):
            with pytest.raises(StorageAway):
                await storage.commit(turn(1))
            with pytest.raises(StorageAway):
                await storage.load(Address("telegram", "lan"))
            with pytest.raises(StorageAway):
                await storage.hold("sender")
        server.start()
        await storage.commit(turn(1))
        assert await storage.hold("sender")
        assert (await storage.load(Address("telegram", "lan"))).conversation == Conversation("lan", version=2)
        await storage.close()


async def test_a_standby_alone_takes_no_writes_and_says_so() -> None:
    async with a_server() as primary, standing_by(primary) as standby:
        with pytest.raises(StorageAway, match="promote a standby"):
            await open_storage(standby.dsn(), KEY)


async def test_when_a_standby_takes_over_under_load_no_turn_is_lost_and_every_notice_arrives(
    tmp_path: Path, book: Book, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole service, by polling: what Telegram was told is received is never shown again, so it must be stored."""
    expected = Expected()
    await expected.learn(world)
    monkeypatch.setattr(app, "Pace", partial(Pace, per_second=10_000.0, per_address_s=0.0, burst=64))
    monkeypatch.setattr(perform, "notice_after", lambda clock, number: timedelta())
    monkeypatch.setattr(app, "read_book", lambda on: (book, []))
    monkeypatch.setattr(held, "LOOK_S", 0.1)
    chats = range(FIRST, FIRST + PEOPLE)
    async with a_server() as primary, standing_by(primary) as standby, FakeTelegram() as telegram:
        settings = Settings(
            home=tmp_path, database=f"postgresql://{postgres.USER}@{primary.address},{standby.address}/{postgres.USER}",
            telegram_token=Secret(TOKEN), telegram_api=telegram.url, exports=tmp_path / "exports",
        )  # fmt: skip
        parts = await app.open_parts(settings)
        async with app.at_work(parts):
            accounts = Accounts(parts.storage)
            officer = next(one for one in await accounts.officers() if one.route == "hotline_111")
            await accounts.invite(officer.id, "c0de-c0de-c0de", NOW.replace(year=2099), by="operator", at=NOW)
            telegram.say(OFFICER, "/canbo c0de-c0de-c0de")
            await telegram.until(lambda: telegram.texts(OFFICER), WITHIN_S)
            turns = everybody_writes(telegram, chats, expected)
            await telegram.until(lambda: len(telegram.pending) < turns * 2 / 3, WITHIN_S)
            assert telegram.pending
            await asyncio.to_thread(primary.stop, "immediate")
            await take_over(standby)
            await telegram.until(lambda: not telegram.pending, WITHIN_S)
            await until(lambda: at_rest(standby.dsn()), WITHIN_S)
            shown = [one.code for one in await parts.storage.list_referrals(officer)]
        key = bytes.fromhex((tmp_path / "keys" / "service.key").read_text("ascii"))
        await everything_arrived(standby.dsn(), telegram, chats, expected, key, (OFFICER, officer.office))
        made = await postgres.ask(standby.dsn(), f"SELECT code FROM referral WHERE office = '{officer.office}'")  # noqa: S608
        assert sorted(shown) == sorted(str(code) for (code,) in made)  # each stands once on the officer's page
