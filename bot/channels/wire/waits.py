"""Waiting for a platform, and never past the end of the service. Times are seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final, TypeVar

LONGEST_WAIT_S: Final = 30.0

Answer = TypeVar("Answer")


async def unless(stop: asyncio.Event, asking: Awaitable[Answer]) -> Answer | None:
    """The answer, or None as soon as `stop` is set. What was asked for and not received stays with the platform."""
    asked, stopped = asyncio.ensure_future(asking), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({asked, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return None if stop.is_set() else asked.result()
    finally:
        for task in (asked, stopped):
            task.cancel()
        await asyncio.gather(asked, stopped, return_exceptions=True)


async def rest(stop: asyncio.Event, first_s: float, failures: int, *, least_s: float = 0.0) -> None:
    """Wait after this many failures in a row: `first_s`, and twice as long each time; at least what a platform asks for."""
    await wait(stop, max(least_s, backoff_s(first_s, failures)))


async def wait(stop: asyncio.Event, seconds: float) -> None:
    """So long, or until `stop` is set."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


def backoff_s(first_s: float, failures: int) -> float:
    """How long to wait after this many failures in a row, at most `LONGEST_WAIT_S`."""
    return min(first_s * 2.0 ** min(failures - 1, 10), LONGEST_WAIT_S)
