"""`python -m benchmarks.urgent [--quick]`: 10,000 replies wait behind Telegram's 30 a second; then somebody calls for help.

Measured is the time from the bytes of their message to the bytes of the last officer's request: reading, deciding, the
commit, the claim, handing the referral over, the notices, and their places under the cap. Storage, receiver, deliverer and
channel are the real ones; only the socket is left out, so a request's own travel is not in it.

Nobody sleeps. The clock is the machine's own, and where everybody waits for a later moment, it is set forward to that
moment: all processor time, all commits and all waiting for the disk pass on it as they pass on the wall, and only the time in
which nothing at all would happen is skipped. While a row is being sent or a turn committed, nothing is skipped.

Nobody acknowledges, so the same two phones also get what the ladders send for the calls before; a phone takes one message a
second, and the worst cases are those that came within that second.
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import itertools
import logging
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from benchmarks.turns import CountingRequest
from bot import log
from bot.book import Book, read_book
from bot.channels.base import Button, Inbound, Message
from bot.channels.pace import Pace
from bot.channels.telegram.send import TelegramChannel
from bot.deliver import Deliverer, Work
from bot.interpreter import settle
from bot.perform import wait_for
from bot.receive import Receiver
from storage.accounts import Accounts
from storage.base import Officer, OutboxRow
from storage.open import open_storage
from storage.store import DatabaseStorage

TRIALS = 100
QUEUED = 10_000
PAUSE_S = (1.1, 2.1)
"""Between two trials, by chance: so the call comes at any point between two places, and phones have had their second."""
WITHIN_S = 60.0
CRY = "cứu em với, họ nhốt em trong phòng không cho ra"
START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
OFFICERS, CITIZENS, WAITING = 1_400_000_000, 1_500_000_000, 2_000_000_000
SEED = 30


class SkippingClock:
    """The machine's clock, set forward where all who take part wait for a later moment. Seconds since it was made."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._skipped = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []
        self._number = itertools.count()
        self._awake = 1
        self.at_work: Callable[[], bool] = lambda: False

    def steady(self) -> float:
        return time.perf_counter() - self._began + self._skipped

    def now(self) -> datetime:
        return START + timedelta(seconds=self.steady())

    async def sleep(self, seconds: float) -> None:
        """Whoever drives the measurement lets time pass."""
        woken = asyncio.Event()
        heapq.heappush(self._sleepers, (self.steady() + seconds, next(self._number), woken))
        self._awake -= 1
        await woken.wait()

    async def until(self, event: asyncio.Event) -> None:
        """Whoever drives the measurement waits for something that others do."""
        self._awake -= 1
        try:
            await asyncio.wait_for(event.wait(), WITHIN_S)
        finally:
            self._awake += 1

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """How the deliverer waits: until the event, or so many seconds."""
        deadline = self.steady() + seconds
        while not event.is_set():
            await asyncio.sleep(0)
            if self._awake or self.at_work():
                await wait_for(event, max(0.0, deadline - self.steady()))
                return
            wakes_one = bool(self._sleepers) and self._sleepers[0][0] <= deadline
            self._skipped += max(0.0, (self._sleepers[0][0] if wakes_one else deadline) - self.steady())
            if not wakes_one:
                return
            self._awake += 1
            heapq.heappop(self._sleepers)[2].set()


class Phones(CountingRequest):
    """Carries nothing, and notes which of the officers' phones a message left for."""

    def __init__(self, officers: set[int]) -> None:
        super().__init__()
        self._officers = officers
        self._missing: set[int] = set()
        self.told = asyncio.Event()

    def expect(self) -> None:
        """From now on, `told` is set when a message to each of them has left."""
        self._missing = set(self._officers)
        self.told.clear()

    async def _carried(self, url: str, method: str, request_data: Any, waits: Any) -> tuple[int, bytes]:
        if url.endswith("sendMessage"):
            self._missing.discard(int(msgspec.json.decode(request_data)["chat_id"]))
            if not self._missing:
                self.told.set()
        return await super()._carried(url, method, request_data, waits)


@dataclass(frozen=True, slots=True)
class Urgent:
    """Seconds from a call for help to the last officer's request, with so many replies queued before it."""

    queued: int
    trials: int
    p50_s: float
    p99_s: float
    worst_s: float

    def row(self) -> str:
        """One line of the table."""
        return f"{self.queued:>13} {self.trials:>7} {self.p50_s:>9.3f} {self.p99_s:>9.3f} {self.worst_s:>9.3f}"


HEAD = f"{'queued before':>13} {'trials':>7} {'p50 s':>9} {'p99 s':>9} {'worst s':>9}"


@dataclass(frozen=True, slots=True)
class Running:
    """The parts that the measurement touches."""

    storage: DatabaseStorage
    receiver: Receiver
    channel: TelegramChannel
    phones: Phones
    clock: SkippingClock


async def measure_urgent(book: Book, trials: int = TRIALS, queued: int = QUEUED) -> Urgent:
    """Queue replies, call for help so many times, each time with so many before it. Raises TimeoutError if nobody is told."""
    chance = random.Random(SEED)
    with TemporaryDirectory() as folder:
        async with _service(book, Path(folder)) as running:
            sent, waiting, took = 0, itertools.count(WAITING), []
            for number in range(trials):
                missing = queued if not number else running.phones.messages - sent
                sent = running.phones.messages
                await running.storage.finish((), [_reply(next(waiting), running.clock.now()) for _ in range(missing)])
                running.receiver.wake()
                await running.clock.sleep(chance.uniform(*PAUSE_S))
                took.append(await _call(running, CITIZENS + number))
    took.sort()
    return Urgent(queued, trials, took[trials // 2], took[int(trials * 0.99)], took[-1])


async def _call(running: Running, who: int) -> float:
    raw = _update(who, CRY)
    running.phones.expect()
    began = running.clock.steady()
    await _comes(running, raw)
    await running.clock.until(running.phones.told)
    return running.clock.steady() - began


async def _comes(running: Running, raw: bytes) -> None:
    inbound = running.channel.read(raw, {})
    if not isinstance(inbound, Inbound):
        raise RuntimeError("the bench's own update was not read")
    await running.receiver.citizen(inbound)


@asynccontextmanager
async def _service(book: Book, folder: Path) -> AsyncIterator[Running]:
    """A service under the cap of Telegram, with an officer and a chief of the national hotline on their phones."""
    storage, clock = await open_storage(folder / "bench.db", bytes(32)), SkippingClock()
    phones = Phones({OFFICERS, OFFICERS + 1})
    channel = TelegramChannel("1:bench", request=phones, clock=clock.steady)
    receiver = Receiver(storage, book, now=clock.now)
    work = Work(
        storage, book, receiver, {"telegram": channel}, "http://127.0.0.1", clock.now, None, {"telegram": Pace()},
        steady=clock.steady, wait=clock.wait,
    )  # fmt: skip
    deliverer = Deliverer(work)
    receiver.wake, clock.at_work = deliverer.wake, lambda: deliverer.under_way > 0
    running = Running(storage, receiver, channel, phones, clock)
    await _officers_join(running, book)
    stop = asyncio.Event()
    delivering = asyncio.create_task(deliverer.run(stop))
    try:
        yield running
    finally:
        stop.set()
        deliverer.wake()
        await delivering
        await storage.close()


async def _officers_join(running: Running, book: Book) -> None:
    office = next(one for one in book.referral.offices if one.route == "hotline_111")
    accounts, now = Accounts(running.storage), running.clock.now()
    for number, role in enumerate(("duty", "chief")):
        officer, code = Officer(f"officer-{number}", role, office.id, office.route, role), f"bench-code-{number:04}"
        await accounts.add(officer, code, now + timedelta(days=1), by="operator", at=now)
        await _comes(running, _update(OFFICERS + number, f"/canbo {code}"))


_updates = itertools.count(900_000_000)


def _update(who: int, text: str) -> bytes:
    user = {"id": who, "is_bot": False, "first_name": "Hồng", "language_code": "vi"}
    chat = {"id": who, "first_name": "Hồng", "type": "private"}
    message = {"message_id": 10, "from": user, "chat": chat, "date": 1_790_000_000, "text": text}
    return msgspec.json.encode({"update_id": next(_updates), "message": message})


_MESSAGE = msgspec.to_builtins(
    Message(("Bạn đang ở đâu lúc này?",), (Button("p1:in_vn", "Ở Việt Nam"), Button("p1:abroad", "Ở nước ngoài")))
)


def _reply(who: int, at: datetime) -> OutboxRow:
    body = {"to": {"channel": "telegram", "external": str(who)}, **_MESSAGE}
    return OutboxRow(f"bench/{who}", "say", f"c:{who}", 2, at, body, sender="telegram")


async def main(quick: bool) -> None:
    """Measure and print."""
    log.set_up(logging.CRITICAL)
    book, _ = read_book()
    settle()
    print("From a call for help to the request to the last of its officers' phones, behind Telegram's 30 a second.")
    print(HEAD)
    for queued in (QUEUED,) if quick else (0, QUEUED, 10 * QUEUED):
        print((await measure_urgent(book, queued=queued)).row(), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.urgent", description="How long a call for help waits")
    parser.add_argument("--quick", action="store_true", help="at most 10 seconds")
    asyncio.run(main(parser.parse_args().quick))
