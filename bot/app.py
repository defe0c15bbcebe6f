"""Builds everything but the pages, and keeps at work what needs none: storage, book, channels, deliverer, schedule."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from bot import audit, closing, export, log, retention, schedule
from bot.audio.store import heard_too
from bot.book import Book, read_book
from bot.channels.base import Channel, HasProblem
from bot.channels.email import CHANNEL as EMAIL
from bot.channels.email import MailChannel
from bot.channels.pace import Pace
from bot.channels.push import CHANNEL as PUSH
from bot.channels.push import PushChannel
from bot.channels.telegram.read import CHANNEL as TELEGRAM
from bot.channels.web import WebChannel
from bot.channels.zalo_bot.read import CHANNEL as ZALO_BOT
from bot.channels.zalo_oa.read import CHANNEL as ZALO_OA
from bot.deliver import Deliverer, Work
from bot.demo import add_demo_keys, add_demo_officers, refuse_demo_officers, refuse_without_escrow
from bot.held import while_held
from bot.interpreter import settle
from bot.keys import open_with_key
from bot.languages.model import turned_on
from bot.plan import Plan
from bot.reach import Reach, doors_on
from bot.receive import Receiver, utc_now
from bot.settings import BadSetting, Settings
from bot.standing import Late, Standings
from bot.vapid import push_key
from bot.watch import Watch
from storage.accounts import Accounts
from storage.keyring import Keyring
from storage.sqlite import SqliteStorage
from storage.store import DatabaseStorage

STOP_WITHIN_S = 10


@dataclass(frozen=True, slots=True)
class Parts:
    """The service put together, not yet running."""

    settings: Settings
    book: Book
    storage: DatabaseStorage
    receiver: Receiver
    deliverer: Deliverer
    channels: Mapping[str, Channel]
    watch: Watch
    standings: Standings
    plan: Plan | None = None
    reach: Reach | None = None

    def problem(self) -> str:
        """Sentences for the operator, empty where all is well."""
        knowing = [channel for channel in self.channels.values() if isinstance(channel, HasProblem)]
        parts = (self.watch, self.standings, self.reach, self.plan, *knowing)
        told = (one.problem() for one in parts if one is not None)
        return " · ".join(one for one in told if one)

    @property
    def push_key(self) -> str:
        """What a browser needs to take our notices."""
        push = self.channels.get(PUSH)
        return push.key.public if isinstance(push, PushChannel) else ""


def todays_book() -> Book:
    """The book as it holds today. Raises BadBook: whoever starts reads it first, so that a bad one leaves nothing behind."""
    book, warnings = read_book(on=utc_now().date())
    book = heard_too(book)
    if warnings:
        log.say(
            "book.warnings", count=len(warnings), problem="for the operator to supply: python -m bot check lists them"
        )
    return book


def offered_in(book: Book, settings: Settings) -> Book:
    """The book with the languages that are on here: in a trial all. Raises BadSetting for one that there is not."""
    known = book.catalogues.languages
    strange = sorted(set(settings.languages) - set(known))
    if strange:
        raise BadSetting(f"NHIPCAU_LANGUAGES names {strange[0]}; known are {', '.join(known)}")
    on = turned_on(known.values(), settings.languages, trial=settings.trial)
    return replace(book, catalogues=book.catalogues.offering(on), sounds=book.sounds.allowed(trial=settings.trial))


async def open_parts(settings: Settings, book: Book | None = None) -> Parts:
    """Open the storage, build every part over the book (today's). Raises BadBook, KeyLost, StorageUnfit, DemoInProduction."""
    book = offered_in(book or todays_book(), settings)
    storage = await open_with_key(settings.home, settings.database, settings.key_at)
    try:
        return await _built(settings, book, storage)
    except BaseException:
        await storage.close()
        raise


async def _built(settings: Settings, book: Book, storage: DatabaseStorage) -> Parts:
    accounts = Accounts(storage)
    if settings.trial:
        await add_demo_officers(accounts, book.referral, utc_now())
        await add_demo_keys(Keyring(storage), settings.home / "keys", book.referral, utc_now())
    else:
        await refuse_demo_officers(accounts, book.referral)
        await refuse_without_escrow(Keyring(storage))
    paces = {TELEGRAM: Pace(), ZALO_BOT: Pace()}
    push = PushChannel(await push_key(storage, settings.url))
    channels = {**_channels(settings, storage, paces), push.name: push}
    receiver = Receiver(storage, book)

    async def run_export(body: Mapping[str, Any]) -> None:
        await export.export_weekly(storage, book, str(body["week"]), settings.exports, utc_now())

    async def run_erase() -> None:
        await retention.sweep(storage, book.referral, utc_now())

    if isinstance(storage, SqliteStorage):
        # One process delivers from this file, so what is claimed was claimed by one that is no more: a person in danger
        # does not wait for its lease to end.
        await storage.give_back(utc_now())
    await storage.catch_up(utc_now())  # the clock may have been set back while nothing ran
    standings = Standings(
        storage, channels, timedelta(minutes=settings.down_minutes), utc_now, _late(settings, storage)
    )
    work = Work(
        storage,
        book,
        receiver,
        channels,
        settings.url,
        utc_now,
        run_export,
        paces,
        erase=run_erase,
        told=standings.sent,
    )
    deliverer = Deliverer(work)
    receiver.wake, receiver.heard = deliverer.wake, standings.received
    await storage.listen(deliverer.wake)
    plan = Plan(storage, settings.zalo_bot_plan, utc_now) if ZALO_BOT in channels else None
    reach = None if settings.trial else Reach(storage, doors_on(settings), utc_now)
    return Parts(
        settings, book, storage, receiver, deliverer, channels, Watch(storage, utc_now), standings, plan, reach
    )


def _late(settings: Settings, storage: DatabaseStorage) -> dict[str, Late]:
    """Doors whose token is renewed, and how it is known that this is late."""
    if not settings.zalo_oa.app:
        return {}
    from bot import over_zalo_oa

    return {ZALO_OA: partial(over_zalo_oa.late_since, settings.zalo_oa, storage)}


def _channels(settings: Settings, storage: DatabaseStorage, paces: dict[str, Pace]) -> dict[str, Channel]:
    """Every channel that is set. One that has a pace of its own is given it here."""
    channels: dict[str, Channel] = {"web": WebChannel()}
    if settings.mail:
        channels[EMAIL] = MailChannel(settings.mail)
    if settings.telegram_token:
        from bot.over_telegram import channel_of

        channels[TELEGRAM] = channel_of(settings)
    if settings.zalo_bot_token:
        from bot import over_zalo_bot

        channels[ZALO_BOT] = over_zalo_bot.channel_of(settings)
    if settings.zalo_oa.app:
        from bot import over_zalo_oa

        paces[ZALO_OA] = over_zalo_oa.pace()
        channels[ZALO_OA] = over_zalo_oa.channel_of(settings.zalo_oa, storage, paces[ZALO_OA])
    return channels


@asynccontextmanager
async def at_work(
    parts: Parts, lost: Callable[[str], None] = lambda name: None, *, here: bool = True
) -> AsyncIterator[None]:
    """The outbox, the schedule and Telegram run while this is open; afterwards all are at rest and the storage closed.

    `lost` is told the name of one that ended before its time: nothing would leave or come in, and nobody would notice.
    Not `here`: other processes do it, and this one watches whether they do.
    """
    stop = asyncio.Event()
    work = list(_work(parts, stop)) if here else [("watch", parts.watch.run(stop))]
    work.append(("standings", parts.standings.run(stop)))
    if parts.plan is not None:
        work.append(("plan", parts.plan.run(stop)))
    if parts.reach is not None:
        work.append(("reach", parts.reach.run(stop)))
    tasks = [asyncio.create_task(each, name=name) for name, each in work]
    for task in tasks:
        task.add_done_callback(lambda ended: _notice_loss(ended, stop, lost))
    try:
        yield
    finally:
        stop.set()
        _, slow = await asyncio.wait(tasks, timeout=STOP_WITHIN_S)
        for task in slow:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        for channel in parts.channels.values():
            await channel.close()
        await parts.storage.close()


def _notice_loss(ended: asyncio.Task[None], stop: asyncio.Event, lost: Callable[[str], None]) -> None:
    error = None if ended.cancelled() else ended.exception()
    if error is not None:
        log.warn("service.part_failed", what=type(error).__name__, file=ended.get_name(), where=log.place(error))
    if error is not None and not stop.is_set():
        lost(ended.get_name())


def _work(parts: Parts, stop: asyncio.Event) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
    yield "deliver", parts.deliverer.run(stop)
    erased = retention.ErasedList(parts.storage, parts.settings.home / retention.LIST_NAME)
    accounts = Accounts(parts.storage)
    yield "schedule", schedule.run(parts.storage, parts.receiver, stop, utc_now, erased, accounts)
    yield audit.NAME, while_held(parts.storage, audit.NAME, partial(audit.run, parts.storage, utc_now), stop)
    if TELEGRAM in parts.channels:
        from bot.over_telegram import keep_up

        part = partial(
            keep_up, parts.channels[TELEGRAM], parts.settings, parts.receiver, parts.standings.receiving(TELEGRAM)
        )
        # Two that poll one bot take each other's updates. The number before the colon of a token is the bot's.
        name = f"telegram/{parts.settings.telegram_token.value.partition(':')[0]}"
        yield TELEGRAM, while_held(parts.storage, name, part, stop)
    if ZALO_BOT in parts.channels:
        from bot import over_zalo_bot

        part = partial(
            over_zalo_bot.keep_up,
            parts.channels[ZALO_BOT],
            parts.settings,
            parts.receiver,
            parts.standings.receiving(ZALO_BOT),
        )
        name = f"zalo_bot/{parts.settings.zalo_bot_token.value.partition(':')[0]}"
        yield ZALO_BOT, while_held(parts.storage, name, part, stop)
    if ZALO_OA in parts.channels:
        from bot import over_zalo_oa

        part = partial(over_zalo_oa.keep_up, parts.channels[ZALO_OA])
        yield ZALO_OA, while_held(parts.storage, f"zalo_oa/{parts.settings.zalo_oa.app}", part, stop)
        window = partial(closing.run, parts.storage, parts.receiver, utc_now)
        yield closing.NAME, while_held(parts.storage, closing.NAME, window, stop)


async def work(settings: Settings) -> int:
    """Run all but the pages until it is told to stop; its exit status. Raises BadSetting, and what `open_parts` raises."""
    if not settings.shared:
        raise BadSetting("`work` is for PostgreSQL: with a database file `serve` is the one process and does it all")
    log.set_up()
    parts = await open_parts(settings)
    settle()
    stop = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, stop.set)
    lost: list[str] = []

    def end(name: str) -> None:
        lost.append(name)
        stop.set()

    async with at_work(parts, end):
        log.say("work.started", mode=settings.mode)
        await stop.wait()
    return 1 if lost else 0
