"""`python -m benchmarks [--quick]`: the cost of a durable turn at 1, 64 and 512 conversations, memory and start-up.

The last line is one JSON object with the figures that are followed from change to change.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging

from benchmarks.start import start_s
from benchmarks.turns import HEAD, Figures, measure
from bot import log
from bot.book import read_book
from bot.interpreter import settle

QUICK, FULL = ((1, 400), (64, 4000)), ((1, 2000), (64, 20_000), (512, 40_000))
"""(conversations at once, turns)."""


async def main(quick: bool) -> None:
    """Measure and print."""
    log.set_up(logging.CRITICAL)
    book, _ = read_book()
    settle()
    print(
        "A durable turn: webhook bytes in, one commit (FULL sync), request bytes out; encryption, audit, catalogues on."
    )
    print(HEAD)
    found: dict[int, Figures] = {}
    for conversations, turns in QUICK if quick else FULL:
        found[conversations] = await measure(book, conversations, turns)
        print(found[conversations].row(), flush=True)
    started = await start_s()
    print(f"start to first reply {started:.2f} s")
    at_64 = found[64]
    print(
        json.dumps(
            {
                "turn_cpu_us": round(at_64.cpu_us), "turns_s_64": round(at_64.turns_s),
                "turn_p99_ms_64": round(at_64.p99_ms, 1), "peer_ratio": None, "urgent_p99_s": None,
                "growth_p99_ratio": None, "rss_mb": round(at_64.rss_mb), "start_s": round(started, 2),
            }
        )
    )  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What the service costs")
    parser.add_argument("--quick", action="store_true", help="at most 45 seconds")
    asyncio.run(main(parser.parse_args().quick))
