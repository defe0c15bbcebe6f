"""A durable turn from the webhook's bytes to the bytes of the answer: encryption, audit, catalogues and outbox all on.

Only the socket is left out: requests end in a carrier that counts them and answers like the Bot API.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.work import TURNS, turns_of
from bot.book import Book
from bot.channels.base import Inbound
from bot.channels.telegram.request import AiohttpRequest
from bot.channels.telegram.send import TelegramChannel
from bot.deliver import Deliverer, Work
from bot.receive import Receiver, utc_now
from storage.open import open_storage
from storage.store import DatabaseStorage

FIRST_PERSON = 1_000_000_000


SHOWS = ("sendMessage", "editMessageText")
"""The calls of which every turn makes one: a new message, or the same question with another box ticked."""


class CountingRequest(AiohttpRequest):
    """Carries nothing: counts the calls and answers as the Bot API does."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.messages = 0

    async def _carried(self, url: str, method: str, request_data: Any, waits: Any) -> tuple[int, bytes]:
        self.calls += 1
        if url.endswith(SHOWS):
            self.messages += 1
            return 200, b'{"ok":true,"result":{"message_id":%d,"date":1790000000,"chat":{"id":1}}}' % self.calls
        return 200, b'{"ok":true,"result":true}'


@dataclass(frozen=True, slots=True)
class Figures:
    """One measurement. Times of a turn are milliseconds from its bytes to its commit; CPU is of the whole process."""

    conversations: int
    turns: int
    turns_s: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    rss_mb: float
    calls: int

    def row(self) -> str:
        """One line of the table."""
        return (
            f"{self.conversations:>13} {self.turns:>7} {self.turns_s:>9.0f} {self.cpu_us:>9.0f}"
            f" {self.p50_ms:>8.1f} {self.p99_ms:>8.1f} {self.rss_mb:>7.0f}"
        )


HEAD = f"{'conversations':>13} {'turns':>7} {'turns/s':>9} {'CPU µs':>9} {'p50 ms':>8} {'p99 ms':>8} {'RSS MB':>7}"


@dataclass(frozen=True, slots=True)
class Running:
    """The parts of a service that a measurement touches."""

    storage: DatabaseStorage
    receiver: Receiver
    channel: TelegramChannel
    request: CountingRequest


@asynccontextmanager
async def service(book: Book, place: Path | str, channel: TelegramChannel | None = None) -> AsyncIterator[Running]:
    """Storage, receiver and a running outbox over a database under a key of zeros; without a channel, one that counts."""
    storage = await open_storage(place, bytes(32))
    request = CountingRequest()
    channel = channel or TelegramChannel("1:bench", request=request)
    receiver = Receiver(storage, book)
    deliverer = Deliverer(Work(storage, book, receiver, {"telegram": channel}, "http://127.0.0.1", utc_now))
    receiver.wake = deliverer.wake
    stop = asyncio.Event()
    delivering = asyncio.create_task(deliverer.run(stop))
    try:
        yield Running(storage, receiver, channel, request)
    finally:
        stop.set()
        deliverer.wake()
        await delivering
        await storage.close()


async def measure(book: Book, conversations: int, turns: int) -> Figures:
    """So many conversations at once, each person's next turn as soon as the last was committed, until `turns` are done."""
    with TemporaryDirectory() as name:
        async with service(book, Path(name) / "bench.db") as running:
            await _play(running, 1, FIRST_PERSON)
            took: list[float] = []
            people = max(conversations, -(-turns // len(TURNS)))
            queue = iter(range(FIRST_PERSON + 1, FIRST_PERSON + 1 + people))
            wall, cpu = time.perf_counter(), time.process_time()
            await asyncio.gather(*(_person(running, queue, took) for _ in range(conversations)))
            await _all_left(running.request, len(took))
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            calls = running.request.calls
            now = utc_now()
            period = await running.storage.period(now - timedelta(hours=1), now + timedelta(hours=1))
            if len(period.intakes) != people:
                raise RuntimeError(f"{people} people sent a tip and {len(period.intakes)} intakes are stored")
    took.sort()
    count = len(took)
    return Figures(
        conversations, count, count / wall, cpu / count * 1e6, took[count // 2] * 1e3, took[int(count * 0.99)] * 1e3,
        rss_mb(), calls,
    )  # fmt: skip


async def _person(running: Running, queue: Iterator[int], took: list[float]) -> None:
    for person in queue:
        await _play(running, len(TURNS), person, took)


async def _play(running: Running, turns: int, person: int, took: list[float] | None = None) -> None:
    for raw in [*islice(turns_of(person), turns)]:
        began = time.perf_counter()
        inbound = running.channel.read(raw, {})
        if not isinstance(inbound, Inbound):
            raise RuntimeError("the bench's own update was not read")
        await running.receiver.citizen(inbound)
        if took is not None:
            took.append(time.perf_counter() - began)


async def _all_left(request: CountingRequest, turns: int) -> None:
    """Until every turn's answer has left. Raises RuntimeError when one does not within five minutes."""
    for _ in range(60_000):
        if request.messages >= turns:
            return
        await asyncio.sleep(0.005)
    raise RuntimeError(f"{turns} turns were committed and {request.messages} messages left")


def rss_mb() -> float:
    """The resident memory of this process, MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 1e6
