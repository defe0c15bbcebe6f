"""The service with its pages: everything of app.py behind a port, with the doors that platforms knock at."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from bot import log
from bot.app import STOP_WITHIN_S, Parts, at_work, open_parts, todays_book
from bot.book import Book
from bot.channels.telegram.read import CHANNEL as TELEGRAM
from bot.channels.zalo_bot.read import CHANNEL as ZALO_BOT
from bot.channels.zalo_oa.read import CHANNEL as ZALO_OA
from bot.demo import PASSWORD
from bot.interpreter import settle
from bot.official import Official, read_official
from bot.receive import utc_now
from bot.settings import BadSetting, Settings
from bot.web.site import Site, build_site
from storage.open import place_of


def site_over(parts: Parts, leaving: Callable[[], bool] = lambda: False, official: Official | None = None) -> Starlette:
    """Citizens' and officers' pages, and the doors at which platforms knock. `leaving`: the service was told to stop."""
    routes: tuple[Any, ...] = ()
    if parts.settings.telegram_webhook and TELEGRAM in parts.channels:
        from bot.over_telegram import door

        routes = (door(parts.channels[TELEGRAM], parts.settings, parts.receiver),)
    if parts.settings.zalo_bot_webhook and ZALO_BOT in parts.channels:
        from bot import over_zalo_bot

        routes = (*routes, over_zalo_bot.door(parts.channels[ZALO_BOT], parts.settings, parts.receiver))
    if ZALO_OA in parts.channels:
        from bot import over_zalo_oa

        routes = (*routes, over_zalo_oa.door(parts.channels[ZALO_OA], parts.settings.zalo_oa, parts.receiver))
    return build_site(
        Site(
            receiver=parts.receiver, storage=parts.storage, book=parts.book, settings=parts.settings, now=utc_now,
            extra_routes=routes, problem=parts.problem, leaving=leaving, official=official,
            push_key=parts.push_key,
        )
    )  # fmt: skip


async def serve(settings: Settings) -> int:
    """Run the service until it is told to stop; its exit status. Raises BadSetting, and what `open_parts` raises."""
    if not (settings.work_here or settings.shared):
        raise BadSetting("NHIPCAU_WORK is `elsewhere`, but a database file has one process: leave the setting out")
    official = read_official(settings.official)
    log.set_up()
    book = todays_book()
    place = place_of(settings.database)
    with alone(place) if isinstance(place, Path) else nullcontext():
        return await _serve(settings, book, official)


@contextmanager
def alone(database: Path) -> Iterator[None]:
    """Raises BadSetting where another process serves this file: both would send everything. It ends with the process."""
    try:
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(f"{database}.lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as cause:
        why = type(cause).__name__
        raise BadSetting(f"the database's folder cannot be written ({why}): let the service's user write it") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise BadSetting("another process serves this database: stop it first, or use PostgreSQL") from None
    finally:
        os.close(lock)


async def _serve(settings: Settings, book: Book, official: Official | None) -> int:
    parts = await open_parts(settings, book)
    server: _Server

    def leaving() -> bool:
        return server.should_exit

    server = _Server(
        uvicorn.Config(
            site_over(parts, leaving, official),
            host=settings.host,
            port=settings.port,
            log_config=None,  # its lines go the way of every library's: without their text
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,  # whom a proxy speaks for is said in bot/limits.py, by the proxies of our settings
            timeout_graceful_shutdown=STOP_WITHIN_S,
        ),
        lambda: _say_started(settings),
    )
    settle()
    lost: list[str] = []

    def end(name: str) -> None:
        lost.append(name)
        server.should_exit = True

    async with at_work(parts, end, here=settings.work_here):
        await server.serve()
    return 1 if lost else 0


class _Server(uvicorn.Server):
    """Says when it listens, and on a signal stops without raising it again, so that what is under way is finished."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[Any] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:
            log.warn(
                "service.no_port", port=self.config.port, problem="another program listens there, or it may not be used"
            )
            raise
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
    log.say("service.started", port=settings.port, mode=settings.mode)
    sys.stdout.write(banner(settings))
    sys.stdout.flush()


def banner(settings: Settings) -> str:
    """What the person who started it sees."""
    at = f"http://{settings.host}:{settings.port}"
    lines = [f"Nhịp Cầu: {at}/ (citizens) · {at}/officers/ (officers)"]
    if settings.trial:
        lines.append("BẢN DÙNG THỬ / TRIAL: nothing here reaches a real agency.")
        lines.append(f"Demo officers: hotline_111-1 (111), police-5 (national police), … password {PASSWORD}")
    if settings.zalo_bot_token:
        people, messages = settings.zalo_bot_plan
        lines.append(f"Zalo bot: on (its plan: {people} people, {messages} messages a month)")
    if settings.zalo_oa.app:
        lines.append("Zalo Official Account: on")
    lines.append("Telegram: on" if settings.telegram_token else "Telegram: off (set NHIPCAU_TELEGRAM_TOKEN)")
    return "\n".join(lines) + "\n"
