"""What grows with what is stored: the same work on an empty database and on one of years, in turns, in one run.

`python -m benchmarks.growth [--quick] [--postgres]`. Rounds go empty, grown, grown, empty, so that what else the machine does
falls on both; ratios are of one run. `--postgres` starts a server of its own, on this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.moulds import add_officers, person
from benchmarks.questions import ASKED, Asked, fall_behind, week_log
from benchmarks.start import started
from benchmarks.stored import FULL, QUICK, Size, Stored, fill
from benchmarks.turns import Running, rss_mb, service
from benchmarks.work import turns_of
from bot import log
from bot.book import Book, read_book
from bot.channels.base import Inbound
from bot.demo import demo_officers
from bot.interpreter import settle
from bot.receive import utc_now
from storage.open import open_storage
from storage.store import DatabaseStorage

KEY: Final = bytes(32)
ORDER: Final = "EGGE"
"""Empty, grown, grown, empty: what slowly changes meanwhile falls on both alike."""
AT_ONCE: Final = 64
OPENED: Final = Size(100_000, 10_000, every=5, within_ms=3_600_000)
"""Conversations that are all under way."""
_people = itertools.count(1_500_000_000)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured. `rate`: turns a second of the paced rounds, well below what can be taken in."""

    size: Size
    rounds: int
    paced_people: int
    rate: float
    closed_people: int
    asked: int
    whole: bool


IN_SHORT = Plan(QUICK, rounds=2, paced_people=15, rate=400, closed_people=0, asked=10, whole=False)
IN_FULL = Plan(FULL, rounds=3, paced_people=80, rate=400, closed_people=250, asked=40, whole=True)


@dataclass(frozen=True, slots=True)
class Pair:
    """One figure on both databases, milliseconds."""

    name: str
    empty: float
    grown: float

    def row(self) -> str:
        """One line of the table."""
        return f"{self.name:<48} {self.empty:>9.2f} {self.grown:>9.2f} {self.grown / self.empty:>7.2f}"


@dataclass(frozen=True, slots=True)
class Growth:
    """What was stored, the pairs, and what has no pair."""

    stored: Stored
    pairs: tuple[Pair, ...]
    alone: tuple[tuple[str, str], ...]

    @property
    def p99_ratio(self) -> float:
        """p99 of a turn at a steady rate, grown over empty. At saturation a p99 would only say how long the queue is."""
        return next(pair.grown / pair.empty for pair in self.pairs if pair.name == PACED_P99)

    def rows(self) -> list[str]:
        """The table."""
        held = ", ".join(f"{count:,} {table}" for table, count in self.stored.rows.items() if count)
        return [
            f"grown: {held}; written in {self.stored.seconds:.0f} s",
            f"{'milliseconds':<48} {'empty':>9} {'grown':>9} {'ratio':>7}",
            *(pair.row() for pair in self.pairs),
            *(f"{name:<48} {figure}" for name, figure in self.alone),
        ]


PACED_P99: Final = "a turn at a steady rate, p99"
Took = dict[str, list[list[float]]]
"""Seconds, by database and round."""
Places = Mapping[str, Path | str]


def both() -> Took:
    return {"E": [], "G": []}


def pair(name: str, took: Took, share: float = 0.5) -> Pair:
    """Below which figure this share of a round lies: of all rounds the middle one, so that one bad round says nothing."""
    figures = [median(sorted(one)[int(len(one) * share)] for one in took[which]) * 1e3 for which in "EG"]
    return Pair(name, figures[0], figures[1])


async def measure(
    book: Book, plan: Plan, servers: Mapping[str, str] | None = None, server_s: Callable[[], float] = lambda: 0.0
) -> Growth:
    """Fill a database, then measure it against an empty one: files, gone afterwards, or the two of `servers` ("E", "G").

    `server_s` is the processor time that their server has taken so far.
    """
    with TemporaryDirectory(prefix="nhipcau-growth-") as name:
        folder = Path(name)
        places: Places = servers or {"E": folder / "empty.db", "G": folder / "nhipcau.db"}
        stored = await fill(places["G"], KEY, plan.size, book, utc_now())
        storage = await open_storage(places["E"], KEY)
        await add_officers(storage, book, utc_now())
        await storage.close()
        pairs = await _turns(book, plan, places, server_s)
        asked, alone = await _questions(book, plan, places, folder)
        if servers is None:
            alone.append(("file", _per_conversation(folder / "nhipcau.db", plan.size)))
        if plan.whole and servers is None:
            alone += [*await _sizes(book, folder), *await _whole(book, folder)]
    return Growth(stored, (*pairs, *asked), tuple(alone))


# ---------------------------------------------------------------------------------------------------------------- turns


async def _turns(book: Book, plan: Plan, places: Places, server_s: Callable[[], float]) -> list[Pair]:
    steady, full, ours, servers = both(), both(), both(), both()
    async with AsyncExitStack() as open_ones:
        running = {which: await open_ones.enter_async_context(service(book, place)) for which, place in places.items()}
        for one in running.values():
            await _paced(one, 10, plan.rate)
        for which in ORDER * plan.rounds:
            steady[which].append(await _paced(running[which], plan.paced_people, plan.rate))
        for which in ORDER * plan.rounds if plan.closed_people else "":
            cpu, server = time.process_time(), server_s()
            full[which].append(await _closed(running[which], plan.closed_people))
            ours[which].append([(time.process_time() - cpu) / len(full[which][-1])])
            servers[which].append([(server_s() - server) / len(full[which][-1])])
    made = [pair("a turn at a steady rate, p50", steady), pair(PACED_P99, steady, 0.99)]
    if plan.closed_people:
        made += [pair(f"a turn of {AT_ONCE} at once, p50", full), pair(f"a turn of {AT_ONCE} at once, p99", full, 0.99)]
        made += [pair("processor time of such a turn", ours)]
        made += [pair("processor time of such a turn on the server", servers)] if server_s() else []
    return made


async def _paced(running: Running, people: int, rate: float) -> list[float]:
    """Everybody's tip, one turn due every 1/rate s whether or not the one before is done; from due to committed, s."""
    took: list[float] = []
    scripts = [turns_of(next(_people)) for _ in range(people)]
    due = time.perf_counter()
    turns = []
    for raw in itertools.chain.from_iterable(zip(*scripts, strict=True)):
        due += 1 / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        turns.append(asyncio.create_task(_turn(running, raw, due, took)))
    await asyncio.gather(*turns)
    await _quiet(running.storage)
    return took


async def _closed(running: Running, people: int) -> list[float]:
    """So many tips, some at once, each person's next turn as soon as the last was committed."""
    took: list[float] = []
    queue = iter([turns_of(next(_people)) for _ in range(people)])

    async def one_after_another() -> None:
        for script in queue:
            for raw in script:
                await _turn(running, raw, time.perf_counter(), took)

    await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))
    await _quiet(running.storage)
    return took


async def _turn(running: Running, raw: bytes, due: float, took: list[float]) -> None:
    inbound = running.channel.read(raw, {})
    assert isinstance(inbound, Inbound)
    await running.receiver.citizen(inbound)
    took.append(time.perf_counter() - due)


async def _quiet(storage: DatabaseStorage) -> None:
    """Until the outbox has nothing due: the next round begins as the last one did."""
    for _ in range(12_000):
        due = await storage.next_due()
        if due is None or due > utc_now():
            return
        await asyncio.sleep(0.005)
    raise RuntimeError("the outbox does not drain")


# ------------------------------------------------------------------------------------------------------------ questions


async def _questions(book: Book, plan: Plan, places: Places, folder: Path) -> tuple[list[Pair], list[tuple[str, str]]]:
    """What officers and the outbox ask, first of one database, then of the other."""
    officer = next(one for one in demo_officers(book.referral) if one.route == "hotline_111")
    async with AsyncExitStack() as open_ones:
        asked = {}
        for which, place in places.items():
            storage = await open_storage(place, KEY)
            open_ones.push_async_callback(storage.close)
            await fall_behind(storage)
            asked[which] = Asked(storage, officer)
        took = {name: both() for name in ASKED}
        for _, which, name in itertools.product(range(plan.asked), "EG", ASKED):
            began = time.perf_counter()
            await ASKED[name](asked[which])
            took[name][which].append([time.perf_counter() - began])
        pairs = [pair(name, figures) for name, figures in took.items()]
        return pairs, [await week_log(asked["G"].storage, book, folder)]


# ------------------------------------------------------------------------------------------------- what has no pair


def _per_conversation(path: Path, size: Size) -> str:
    held = path.stat().st_size
    return f"{held / 1e6:,.0f} MB, {held / size.conversations / 1e3:.1f} kB a conversation with its share of intakes"


async def _sizes(book: Book, folder: Path) -> list[tuple[str, str]]:
    """Bytes of a conversation without an intake, and of one with."""
    count = 20_000
    held = []
    for intakes in (0, count):
        path = folder / f"size-{intakes}.db"
        await fill(path, KEY, Size(count, intakes), book, utc_now())
        held.append(path.stat().st_size / count / 1e3)
    return [("file, kB a conversation without and with an intake", f"{held[0]:.1f}, {held[1]:.1f}")]


async def _whole(book: Book, folder: Path) -> list[tuple[str, str]]:
    """Start-up with the grown file, and memory with many conversations under way: each in a process of its own."""
    (folder / "keys").mkdir(mode=0o700)
    (folder / "keys" / "service.key").write_text(KEY.hex())
    (folder / "keys" / "service.key").chmod(0o600)
    starts = sorted([await started(str(folder)) for _ in range(3)])
    path = folder / "opened.db"
    await fill(path, KEY, OPENED, book, utc_now())
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.growth", "--opened", str(path), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await child.communicate()
    return [
        ("start to first reply, grown", f"{starts[1]:.2f} s"),
        (f"memory with {OPENED.conversations:,} conversations open", said.decode().strip()),
    ]


async def _opened(place: str) -> None:
    """Load everybody's conversation as their next turn would, and say how much memory the service has then."""
    import bot.app  # noqa: F401 - all that the service loads

    book, _ = read_book()
    settle()
    async with service(book, place) as running:
        at_first = rss_mb()
        for number in range(1, OPENED.conversations + 1):
            assert (await running.storage.load(person("telegram", number))).conversation is not None
        print(f"{rss_mb():.0f} MB ({at_first:.0f} MB before the first)")


# -------------------------------------------------------------------------------------------------------------- command


async def main(quick: bool, on_postgres: bool) -> None:
    """Measure and print."""
    log.set_up(logging.CRITICAL)
    book, plan = read_book()[0], IN_SHORT if quick else IN_FULL
    settle()
    growth = await (_on_a_server(book, plan) if on_postgres else measure(book, plan))
    print("\n".join(growth.rows()))


async def _on_a_server(book: Book, plan: Plan) -> Growth:
    """The same on a PostgreSQL of our own that keeps what it acknowledges."""
    from tests import postgres  # brings pytest, which only this needs

    server = postgres.new_server()
    try:
        server.make()
        server.start(fsync="on")
        for name in ("empty", "grown"):
            await postgres.ask(server.dsn(), f"CREATE DATABASE {name}")
        places = {"E": server.dsn("empty"), "G": server.dsn("grown")}
        growth = await measure(book, plan, places, partial(_processor_s, server.home / "data" / "postmaster.pid"))
        (held,) = await postgres.ask(server.dsn(), "SELECT pg_database_size('grown')")
        size = f"{int(str(held[0])) / 1e6:,.0f} MB, {int(str(held[0])) / plan.size.conversations / 1e3:.1f} kB a conversation"
        return replace(growth, alone=(*growth.alone, ("database", size)))
    finally:
        postgres.forget(server)


def _processor_s(pid_file: Path) -> float:
    """Processor time of a server and of its processes, those that ended too."""
    ticks, postmaster = 0, pid_file.read_text().split()[0]
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it ended just now, and is counted with its parent's
            fields = stat.read_text().rpartition(")")[2].split()
            if fields[1] == postmaster:
                ticks += int(fields[11]) + int(fields[12])
            elif stat.parent.name == postmaster:
                ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description="What grows with what is stored")
    parser.add_argument("--quick", action="store_true", help="50,000 conversations instead of 1,000,000")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL of its own instead of files")
    parser.add_argument("--opened", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.opened:
        asyncio.run(_opened(arguments.opened))
    else:
        asyncio.run(main(arguments.quick, arguments.postgres))
