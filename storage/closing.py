"""Whom a platform lets be reached for a little while only (window.py), and who still waits for an answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from storage.rows import from_ms, to_ms
from storage.statements import Row, Work
from storage.store import DatabaseStorage
from storage.window import CLOSING

PAGE: Final = 200
MOST_PAGES: Final = 500


class Closing(Struct, frozen=True):
    """Somebody with this open referral who was last heard at this moment."""

    referral: str
    heard_at: datetime


async def closing(storage: DatabaseStorage, channel: str, after: datetime, before: datetime) -> Sequence[Closing]:
    """Whoever was last heard there after `after` and not after `before`, for each open referral. Raises StorageAway."""
    found: list[Closing] = []
    values = {"is_channel": channel, "after": to_ms(after), "before": to_ms(before), "most": PAGE}
    last_at, last = to_ms(after), ""
    for _ in range(MOST_PAGES):
        rows = await _page(storage, {**values, "last_at": last_at, "last": last})
        found += [Closing(referral, from_ms(at)) for at, referral in rows]
        if len(rows) < PAGE:
            break
        last_at, last = rows[-1]
    return found


async def _page(storage: DatabaseStorage, values: dict[str, Any]) -> list[Row]:
    def work() -> Work[list[Row]]:
        rows: list[Row] = yield CLOSING, values
        return rows

    return await storage.read(work, long=True)
