"""`python -m benchmarks [--quick]`: every measurement in one run, each with its table.

The last line is one JSON object with the figures that are followed from change to change. Each module also runs alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
from pathlib import Path

from benchmarks import beside, growth, turns, urgent
from benchmarks.start import start_s
from bot import log
from bot.book import Book, read_book
from bot.interpreter import settle

QUICK, FULL = ((1, 400), (64, 4000)), ((1, 2000), (64, 20_000), (512, 40_000))
"""(conversations at once, turns)."""


async def main(quick: bool, harness: Path) -> None:
    """Measure and print."""
    log.set_up(logging.CRITICAL)
    book, _ = read_book()
    settle()
    at_64 = await _turns(book, QUICK if quick else FULL)
    waits = await _urgent(book, quick)
    started = await start_s()
    print(f"start to first reply {started:.2f} s\n")
    peers = await _beside(harness, quick)
    grown = await growth.measure(book, growth.IN_SHORT if quick else growth.IN_FULL)
    print("\n".join(grown.rows()), end="\n\n")
    print(
        json.dumps(
            {
                "turn_cpu_us": round(at_64.cpu_us), "turns_s_64": round(at_64.turns_s),
                "turn_p99_ms_64": round(at_64.p99_ms, 1), "peer_ratio": peers and round(peers, 1),
                "urgent_p99_s": round(waits.p99_s, 2), "growth_p99_ratio": round(grown.p99_ratio, 2),
                "rss_mb": round(at_64.rss_mb), "start_s": round(started, 2),
            }
        )
    )  # fmt: skip


async def _turns(book: Book, sizes: tuple[tuple[int, int], ...]) -> turns.Figures:
    print(
        "A durable turn: webhook bytes in, one commit (FULL sync), request bytes out; encryption, audit, catalogues on."
    )
    print(turns.HEAD)
    found: dict[int, turns.Figures] = {}
    for conversations, count in sizes:
        found[conversations] = await turns.measure(book, conversations, count)
        print(found[conversations].row(), flush=True)
    print()
    return found[64]


async def _urgent(book: Book, quick: bool) -> urgent.Urgent:
    print("A call for help behind queued replies under a cap of 30 a second: seconds to the last officer's request.")
    print(urgent.HEAD)
    waits = await urgent.measure_urgent(book, 40 if quick else urgent.TRIALS)
    print(waits.row(), end="\n\n", flush=True)
    return waits


async def _beside(harness: Path, quick: bool) -> float | None:
    """Ours over the best durable peer over loopback HTTP, or None where none is installed."""
    print(beside.HEAD)
    ratio = None
    for transport in ("loop",) if quick else ("inproc", "loop"):
        table = await beside.measure_beside(harness, 1 if quick else 3, 2.5 if quick else 4.0, transport)
        if table is None:
            print("no peer is installed here: see benchmarks/beside.py\n")
            return None
        ratio = table.ratio
        print("\n".join(table.rows()))
        print(f"ours over the best of them: {ratio:.1f}\n", flush=True)
    return ratio


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What the service costs")
    parser.add_argument("--quick", action="store_true", help="at most 45 seconds")
    parser.add_argument("--peers", type=Path, default=beside.HARNESS, help="the folder of the peers' harness")
    chosen = parser.parse_args()
    asyncio.run(main(chosen.quick, chosen.peers))
