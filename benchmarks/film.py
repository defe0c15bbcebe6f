"""A film that somebody sends: sealed and stored as it comes, opened and read piece by piece. `python -m benchmarks.film [MB]`."""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bot.receive import utc_now
from storage.open import open_storage

CHUNK: Final = 64 * 1024
MEBIBYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Film:
    """One measurement: seconds of the wall clock, and by how many MB the process grew at its highest."""

    size_mb: int
    in_s: float
    out_s: float
    grew_mb: float

    def row(self) -> str:
        """As a sentence."""
        return f"{self.size_mb} MB: in {self.in_s:.1f} s, out {self.out_s:.1f} s, memory at most {self.grew_mb:.0f} MB more"


async def measure(size_mb: int) -> Film:
    """A film of so many MB into a fresh SQLite file and out again."""
    with TemporaryDirectory() as folder:
        storage = await open_storage(Path(folder) / "film.db", bytes(32))
        try:
            await storage.keep_file("warm", "c", "video", _film(2), utc_now())
            before, began = _highest_mb(), time.perf_counter()
            await storage.keep_file("film", "c", "video", _film(size_mb), utc_now())
            came = time.perf_counter()
            opened = await storage.open_file("film")
            assert opened is not None
            read = 0
            async for piece in opened.pieces():
                read += len(piece)
            assert read == size_mb * MEBIBYTE
            return Film(size_mb, came - began, time.perf_counter() - came, _highest_mb() - before)
        finally:
            await storage.close()


async def _film(size_mb: int) -> AsyncIterator[bytes]:
    chunk = bytes(range(256)) * (CHUNK // 256)
    for _ in range(size_mb * MEBIBYTE // CHUNK):
        yield chunk


def _highest_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    print(asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 100)).row())
