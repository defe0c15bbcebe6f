"""The key by which push services know our notices: made at the first start, sealed, the same for every process."""

from __future__ import annotations

from typing import Final

from bot.channels.push import PushKey, new_private_key, private_key
from storage.record import NEW, Record
from storage.store import DatabaseStorage

NAME: Final = "push/vapid"
NOBODY: Final = "https://nhip-cau.invalid"
"""Whom a push service may write to, where this installation has no https address of its own."""


async def push_key(storage: DatabaseStorage, url: str) -> PushKey:
    """The key of this installation. A lost one ends every browser's subscription, so it is never made twice."""
    record = Record(storage, NAME)
    kept, _ = await record.read()
    if kept is None:
        await record.replace(new_private_key(), NEW)
        kept, _ = await record.read()  # another process may have been first
    if kept is None:
        raise RuntimeError("the key of push notices was stored and is not there")
    return PushKey(private_key(kept), url if url.startswith("https://") else NOBODY)
