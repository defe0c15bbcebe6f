"""Updates by long polling: ask, hand over, and acknowledge only what was committed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from bot import log
from bot.channels.base import Ignored, Inbound, SendError
from bot.channels.telegram.read import UNREADABLE, read
from bot.channels.telegram.send import TelegramChannel
from storage.base import StorageAway

Receive = Callable[[Inbound], Awaitable[None]]
"""Commits one thing a person did. Raises StorageAway if nothing was written."""

USED: Final = ("message", "edited_message", "callback_query", "my_chat_member")
"""The kinds of update that are asked for: https://core.telegram.org/bots/api#update"""

LONG_POLL_S: Final = 50
MOST_UPDATES: Final = 100
LONGEST_WAIT_S: Final = 30.0
MOST_AT_ONCE: Final = 32
MOST_TRIES: Final = 5
"""Tries of one update whose handling fails in a way nobody foresaw; then it is passed over, loudly."""


async def poll(channel: TelegramChannel, receive: Receive, stop: asyncio.Event, *, first_wait_s: float = 1.0) -> None:
    """Receive updates until `stop` is set.

    One chat's updates are received in order, different chats' at the same time. An update is acknowledged to Telegram
    only when it and all before it were received; one that storage could not take is tried again, and the later ones of
    the same chat wait for it. Errors of the network are waited out, `first_wait_s` seconds and twice as long each time.
    """
    inbox = _Inbox(receive)
    failures = 0
    while not stop.is_set():
        try:
            updates = await _unless(stop, _asked(channel, inbox.offset, failures))
        except SendError as error:
            _say_why(error)
            failures += 1
            await _wait(stop, max(error.after_s if error.code == "flood" else 0.0, _backoff(first_wait_s, failures)))
            continue
        if updates is None:
            return
        if await inbox.take(updates):
            failures = 0
        else:
            failures += 1
            await _wait(stop, _backoff(first_wait_s, failures))


class _Inbox:
    """What was received and what not yet: `offset` is the first update that Telegram must keep."""

    def __init__(self, receive: Receive) -> None:
        self.offset = 0
        self._receive = receive
        self._unreadable = 0
        self._done: set[int] = set()
        self._tries: dict[int, int] = {}
        self._room = asyncio.Semaphore(MOST_AT_ONCE)

    async def take(self, updates: Sequence[Any]) -> bool:
        """Receive these updates. False if some must be asked for again."""
        if not updates:
            # Everything before the offset is acknowledged. After a quiet week Telegram numbers from anywhere, so the
            # next question is for all that is there: https://core.telegram.org/bots/api#update
            self.offset = 0
            return True
        ids = [update["update_id"] for update in updates if _has_id(update)]
        fresh = [update for update in updates if _has_id(update) and update["update_id"] not in self._done]
        lanes: dict[str, list[tuple[int, Inbound]]] = {}
        for update in fresh:
            self._sort_in(update, lanes)
        await asyncio.gather(*(self._lane(lane) for lane in lanes.values()))
        missing = [one for one in ids if one not in self._done]
        self.offset = min(missing) if missing else max(ids, default=self.offset - 1) + 1
        self._done = {one for one in self._done if one > self.offset}
        return not missing and len(ids) == len(updates)

    def _sort_in(self, update: dict[str, Any], lanes: dict[str, list[tuple[int, Inbound]]]) -> None:
        inbound = read(update)
        if isinstance(inbound, Ignored):
            if inbound is UNREADABLE:
                self._unreadable += 1
                log.warn("telegram.unreadable", count=self._unreadable)
            self._done.add(update["update_id"])
            return
        lanes.setdefault(inbound.address, []).append((update["update_id"], inbound))

    async def _lane(self, lane: Sequence[tuple[int, Inbound]]) -> None:
        async with self._room:
            for update_id, inbound in lane:
                if not await self._received(update_id, inbound):
                    return
                self._done.add(update_id)
                self._tries.pop(update_id, None)

    async def _received(self, update_id: int, inbound: Inbound) -> bool:
        try:
            await self._receive(inbound)
        except StorageAway:
            log.warn("telegram.storage_away")  # not acknowledged, so it comes again
            return False
        except Exception as error:
            # `receive` answers for its own faults; this is the last net, so that one update cannot stop all others.
            # Only the kind of error is logged: its text could hold what the person wrote.
            tries = self._tries[update_id] = self._tries.get(update_id, 0) + 1
            log.warn("telegram.update_failed", what=type(error).__name__, attempts=tries)
            return tries >= MOST_TRIES
        return True


def _has_id(update: Any) -> bool:
    return isinstance(update, dict) and isinstance(update.get("update_id"), int)


async def _asked(channel: TelegramChannel, offset: int, failures: int) -> list[Any]:
    # After a failure the waiting is done here, so ask for what is there and not for a long poll.
    wait = 0 if failures else LONG_POLL_S
    fields = {"offset": offset, "timeout": wait, "limit": MOST_UPDATES, "allowed_updates": USED}
    updates = await channel.call("getUpdates", fields, read_timeout=wait + 10.0)
    return updates if isinstance(updates, list) else []


async def _unless(stop: asyncio.Event, asking: Awaitable[list[Any]]) -> list[Any] | None:
    """The answer, or None as soon as `stop` is set. What was asked for and not received stays with Telegram."""
    asked = asyncio.ensure_future(asking)
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({asked, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return None if stop.is_set() else asked.result()
    finally:
        for task in (asked, stopped):
            task.cancel()
        await asyncio.gather(asked, stopped, return_exceptions=True)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


def _backoff(first_s: float, failures: int) -> float:
    return min(first_s * 2.0 ** min(failures - 1, 10), LONGEST_WAIT_S)


def _say_why(error: SendError) -> None:
    if error.what == "misconfigured":
        log.warn("telegram.misconfigured", code=error.code, problem=_REMEDIES.get(error.code, error.code))
    else:
        log.warn("telegram.no_updates", code=error.code)


_REMEDIES: Final = {
    "conflict": (
        "Nothing comes in: another process polls with this bot's token, or a webhook is set for it. "
        "Stop the other process, or set NHIPCAU_TELEGRAM_WEBHOOK here as well."
    ),
    "token": "Nothing comes in: Telegram refuses the bot's token. Check NHIPCAU_TELEGRAM_TOKEN.",
}
