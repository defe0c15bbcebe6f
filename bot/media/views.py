"""Copies for viewing, in memory and for a short time: a film is asked for in pieces, and cleaning it costs seconds."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bot.media.clean import cleaned
from bot.media.result import PASSES, Clean, Quarantined

KEPT: Final = timedelta(minutes=3)
MOST_BYTES: Final = 96 * 1024 * 1024
"""Of all copies together; the oldest go first."""
AT_ONCE: Final = 2
"""Files that are cleaned at the same time: each may take 1.5 GB and a core."""

Key = tuple[str, ...]
View = Clean | Quarantined


@dataclass
class Views:
    """What officers are looking at now. Nothing of it touches a disk, and nobody finds it but by the key of who asked."""

    _kept: OrderedDict[Key, tuple[datetime, View]] = field(default_factory=OrderedDict)
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _clean: Callable[..., Awaitable[View]] = cleaned

    def get(self, key: Key, now: datetime) -> View | None:
        """What was made for this key and is still kept."""
        self._forget(now)
        _, view = self._kept.get(key, (now, None))
        return view

    async def make(self, key: Key, content: bytes, now: datetime, *, changed: bool) -> View:
        """Clean a file and keep the copy; `changed`: voices in it are to sound otherwise.

        A process that died is tried once more: another may have taken its memory. What the machine had no room or time for is
        not kept, so that whoever opens the file again tries again.
        """
        async with self._room:
            made = await self._clean(content, changed=changed)
            if isinstance(made, Quarantined) and made.why == "gave_up":
                made = await self._clean(content, changed=changed)
        if isinstance(made, Clean) or made.why not in PASSES:
            self._kept[key] = (now, made)
            self._kept.move_to_end(key)
            self._forget(now)
        return made

    def _forget(self, now: datetime) -> None:
        size = sum(_size(view) for _, view in self._kept.values())
        while self._kept:
            at, oldest = next(iter(self._kept.values()))
            if size <= MOST_BYTES and now - at < KEPT:
                return
            size -= _size(oldest)
            self._kept.popitem(last=False)


def _size(view: View) -> int:
    return len(view.content) if isinstance(view, Clean) else 0
