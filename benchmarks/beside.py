"""The same intake in other frameworks, in the same run, over real HTTP on loopback: `python -m benchmarks.beside [HARNESS]`.

The harness and its peers are no part of this repository. Where its folder or a peer's packages are missing, that peer is
left out and said so; where none is left, there is no ratio. Figures of two runs are not compared: only ratios of one.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
HARNESS: Final = ROOT.parent / "shared" / "bench"
OURS: Final = "benchmarks.peers:Product"
NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "ptb-sqlite-full": ("telegram", "aiosqlite", "httpx", "psutil"),
    "aiogram-redis-always": ("aiogram", "redis", "psutil"),
    "dialog-redis-always": ("aiogram_dialog", "redis", "psutil"),
}
"""Peers that lose nothing on a crash, and the packages each needs (those on Redis its server as well)."""
MOST_S: Final = 60.0
"""One measurement takes no longer, start and end included."""


@dataclass(frozen=True, slots=True)
class Beside:
    """Figures of every peer, each the median of its rounds, and ours over the best of the others."""

    transport: str
    figures: Mapping[str, Mapping[str, float]]

    @property
    def ratio(self) -> float | None:
        """Turns a second of ours over those of the best durable peer; None where there is none to compare with."""
        others = [each["turns_s"] for name, each in self.figures.items() if name != OURS]
        return self.figures[OURS]["turns_s"] / max(others) if others else None

    def rows(self) -> list[str]:
        """The table."""
        return [
            f"{'Nhịp Cầu' if name == OURS else name:<24} {self.transport:<8} {each['turns_s']:>9.0f} {each['cpu_us_turn']:>9.0f}"
            f" {each['other_cpu_us_turn']:>9.0f} {each['p50_ms']:>8.1f} {each['p99_ms']:>8.1f} {each['rss_peak_mb']:>7.0f}"
            for name, each in self.figures.items()
        ]


HEAD: Final = (
    f"{'peer, 64 conversations':<24} {'way':<8} {'turns/s':>9} {'CPU µs':>9} {'+ server':>9}"
    f" {'p50 ms':>8} {'p99 ms':>8} {'RSS MB':>7}"
)


def present(harness: Path) -> list[str]:
    """The peers that can be measured here."""
    if not (harness / "run.py").is_file():
        return []
    has_redis = shutil.which("redis-server") is not None
    return [
        name
        for name, packages in NEEDS.items()
        if all(map(importlib.util.find_spec, packages)) and (has_redis or "redis" not in packages)
    ]


async def measure_beside(harness: Path, rounds: int, seconds: float, transport: str = "loop") -> Beside | None:
    """Every peer that is present and ours in turn, `rounds` times. None where no peer is present."""
    peers = present(harness)
    if not peers:
        return None
    names = [OURS, *peers]
    found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            found[name].append(await _one(harness, name, seconds, transport))
    return Beside(transport, {name: _middle(each) for name, each in found.items()})


async def _one(harness: Path, peer: str, seconds: float, transport: str) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        told = Path(folder) / "row.jsonl"
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(harness / "run.py"), "table", "--peers", peer, "--concs", "64", "--repeat", "1",
            "--seconds", str(seconds), "--transport", transport, "--json", str(told),
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            await asyncio.wait_for(process.wait(), MOST_S)
        except TimeoutError:
            process.kill()
            await process.wait()
        if not told.is_file():
            raise RuntimeError(f"{peer} could not be measured: run {harness.name}/run.py one {peer} by hand to see why")
        row: dict[str, Any] = json.loads(told.read_text())
        return row


def _middle(rows: list[dict[str, float]]) -> dict[str, float]:
    names = ("turns_s", "cpu_us_turn", "other_cpu_us_turn", "p50_ms", "p99_ms", "rss_peak_mb")
    return {name: median(row[name] for row in rows) for name in names}


async def main(harness: Path, rounds: int, seconds: float) -> None:
    """Measure and print, over HTTP and in-process."""
    print(HEAD)
    for transport in ("loop", "inproc"):
        beside = await measure_beside(harness, rounds, seconds, transport)
        if beside is None:
            print("no peer is installed here")
            return
        print("\n".join(beside.rows()))
        print(f"ours over the best of them: {beside.ratio:.1f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.beside", description="This service beside its peers")
    parser.add_argument("harness", nargs="?", type=Path, default=HARNESS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4)
    chosen = parser.parse_args()
    asyncio.run(main(chosen.harness, chosen.rounds, chosen.seconds))
