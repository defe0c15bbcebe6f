"""Builds everything and hands it to each other: storage, book, channels, web, deliverer. The only place that does."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from bot import export, log, schedule
from bot.book import Book, read_book
from bot.channels.base import Channel
from bot.channels.pace import Pace
from bot.channels.telegram.poll import poll
from bot.channels.telegram.send import TelegramChannel
from bot.channels.telegram.set_up import Way, set_up_at_last
from bot.channels.telegram.webhook import webhook_route
from bot.channels.web import WebChannel
from bot.deliver import Deliverer, Work
from bot.demo import PASSWORD, add_demo_officers, refuse_demo_officers
from bot.keys import service_key
from bot.receive import Receiver, utc_now
from bot.settings import Settings
from bot.web.site import Site, build_site
from storage.accounts import Accounts
from storage.open import open_storage
from storage.sqlite import SqliteStorage
from storage.store import DatabaseStorage

TELEGRAM = TelegramChannel.name
STOP_WITHIN_S = 10
SWITCH_S = 0.0001
"""How soon a busy event loop lets the database's thread go on: at Python's 5 ms a full loop leaves it 50 commits a second."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The service put together, not yet running."""

    settings: Settings
    book: Book
    storage: DatabaseStorage
    receiver: Receiver
    deliverer: Deliverer
    channels: Mapping[str, Channel]
    site: Starlette


async def open_parts(settings: Settings) -> Parts:
    """Read the book, open the storage, build every part. Raises BadBook, KeyLost, StorageUnfit, DemoInProduction."""
    book, warnings = read_book(on=utc_now().date())
    if warnings:
        log.say(
            "book.warnings", count=len(warnings), problem="for the operator to supply: python -m bot check lists them"
        )
    storage = await open_storage(settings.database, service_key(settings.home, Path(settings.database)))
    try:
        return await _built(settings, book, storage)
    except BaseException:
        await storage.close()
        raise


async def _built(settings: Settings, book: Book, storage: DatabaseStorage) -> Parts:
    accounts = Accounts(storage)
    if settings.trial:
        await add_demo_officers(accounts, book.referral, utc_now())
    else:
        await refuse_demo_officers(accounts, book.referral)
    channels = _channels(settings)
    receiver = Receiver(storage, book)

    async def run_export(body: Mapping[str, Any]) -> None:
        await export.export_weekly(storage, book, str(body["week"]), settings.exports, utc_now())

    if isinstance(storage, SqliteStorage):
        # One process delivers from this file, so what is claimed was claimed by one that is no more: a person in danger
        # does not wait for its lease to end.
        await storage.give_back(utc_now())
    work = Work(storage, book, receiver, channels, settings.url, utc_now, run_export, {TELEGRAM: Pace()})
    deliverer = Deliverer(work)
    receiver.wake = deliverer.wake
    await storage.listen(deliverer.wake)
    routes = _webhooks(settings, channels, receiver)
    site = build_site(
        Site(receiver=receiver, storage=storage, book=book, settings=settings, now=utc_now, extra_routes=routes)
    )
    return Parts(settings, book, storage, receiver, deliverer, channels, site)


def _channels(settings: Settings) -> dict[str, Channel]:
    channels: dict[str, Channel] = {"web": WebChannel()}
    if settings.telegram_token:
        channels["telegram"] = TelegramChannel(
            settings.telegram_token.value, api=settings.telegram_api, proxy=settings.telegram_proxy
        )
    return channels


def _webhooks(settings: Settings, channels: Mapping[str, Channel], receiver: Receiver) -> tuple[Any, ...]:
    telegram = channels.get("telegram")
    if not settings.telegram_webhook or not isinstance(telegram, TelegramChannel):
        return ()
    return (webhook_route(telegram, settings.telegram_secret.value, receiver.citizen),)


@asynccontextmanager
async def at_work(parts: Parts, lost: Callable[[str], None] = lambda name: None) -> AsyncIterator[None]:
    """The outbox, the schedule and the polling run while this is open; afterwards all are at rest and the storage closed.

    `lost` is told the name of one that ended before its time: nothing would leave or come in, and nobody would notice.
    """
    stop = asyncio.Event()
    tasks = [
        asyncio.create_task(parts.deliverer.run(stop), name="deliver"),
        asyncio.create_task(schedule.run(parts.storage, parts.receiver, stop, utc_now), name="schedule"),
    ]
    telegram = parts.channels.get("telegram")
    if isinstance(telegram, TelegramChannel):
        tasks.append(asyncio.create_task(_telegram(parts, telegram, stop), name="telegram"))
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


async def _telegram(parts: Parts, telegram: TelegramChannel, stop: asyncio.Event) -> None:
    way = Way(parts.settings.telegram_webhook, parts.settings.telegram_secret.value)
    await set_up_at_last(telegram.bot, way, stop)
    if not stop.is_set() and not parts.settings.telegram_webhook:
        await poll(telegram, parts.receiver.citizen, stop)


async def serve(settings: Settings) -> int:
    """Run the whole service until it is told to stop; its exit status. Raises what `open_parts` raises."""
    log.set_up()
    sys.setswitchinterval(SWITCH_S)
    parts = await open_parts(settings)
    server = _Server(
        uvicorn.Config(
            parts.site,
            host=settings.host,
            port=settings.port,
            log_level="warning",
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=STOP_WITHIN_S,
        ),
        lambda: _say_started(settings),
    )
    lost: list[str] = []

    def end(name: str) -> None:
        lost.append(name)
        server.should_exit = True

    async with at_work(parts, end):
        await server.serve()
    return 1 if lost else 0


class _Server(uvicorn.Server):
    """Says when it listens, and on a signal stops without raising it again, so that what is under way is finished."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[Any] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._listening()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {one: signal.signal(one, self.handle_exit) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)


def _say_started(settings: Settings) -> None:
    log.say("service.started", port=settings.port, mode="trial" if settings.trial else "production")
    sys.stdout.write(banner(settings))
    sys.stdout.flush()


def banner(settings: Settings) -> str:
    """What the person who started it sees."""
    at = f"http://{settings.host}:{settings.port}"
    lines = [f"Nhịp Cầu: {at}/ (citizens) · {at}/officers/ (officers)"]
    if settings.trial:
        lines.append("BẢN DÙNG THỬ / TRIAL: nothing here reaches a real agency.")
        lines.append(f"Demo officers: hotline_111-1 (111), police-5 (national police), … password {PASSWORD}")
    lines.append("Telegram: on" if settings.telegram_token else "Telegram: off (set NHIPCAU_TELEGRAM_TOKEN)")
    return "\n".join(lines) + "\n"
