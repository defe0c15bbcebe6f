"""Updates by long polling: ask, hand over, and acknowledge only what was committed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from bot import log
from bot.channels.base import Ignored, Inbound, SendError
from bot.channels.telegram.read import UNREADABLE, read
from bot.channels.telegram.send import TelegramChannel
from bot.channels.wire import waits
from bot.channels.wire.receiving import Receive, Told, why_not_stored
from bot.channels.wire.waits import backoff_s, unless, wait

USED: Final = ("message", "edited_message", "callback_query", "my_chat_member")
"""The kinds of update that are asked for: https://core.telegram.org/bots/api#update"""

LONG_POLL_S: Final = 50
MOST_UPDATES: Final = 100
MOST_AT_ONCE: Final = 32
LONGEST_REST_S: Final = 2.0
"""After an update that was not stored. Short, because everybody's next message waits for it."""


async def poll(
    channel: TelegramChannel,
    receive: Receive,
    stop: asyncio.Event,
    *,
    first_wait_s: float = 1.0,
    told: Told = lambda code: None,
) -> None:
    """Receive updates until `stop` is set.

    One chat's updates are received in order, different chats' at the same time. An update is acknowledged to Telegram
    only when it and all before it were received; one whose `receive` raised is tried again, and the later ones of the
    same chat wait for it. Errors of the network are waited out, `first_wait_s` seconds and twice as long each time.
    """
    inbox = _Inbox(receive, channel.largest)
    failures = 0
    while not stop.is_set():
        try:
            updates = await unless(stop, _asked(channel, inbox.offset, failures))
        except SendError as error:
            told(error.code)
            say_why(error)
            failures += 1
            await rest(stop, error, first_wait_s, failures)
            continue
        if updates is None:
            return
        told("")
        if await inbox.take(updates):
            failures = 0
        else:
            failures += 1
            await wait(stop, min(backoff_s(first_wait_s, failures), LONGEST_REST_S))


class _Inbox:
    """What was received and what not yet: `offset` is the first update that Telegram must keep (0: all it has)."""

    def __init__(self, receive: Receive, largest: int) -> None:
        self.offset = 0
        self._largest = largest
        self._receive = receive
        self._unreadable = 0
        self._done: set[int] = set()
        self._parked: dict[int, Inbound] = {}
        self._room = asyncio.Semaphore(MOST_AT_ONCE)

    async def take(self, updates: Sequence[Any]) -> bool:
        """Receive these updates. False if some were not received and have to be tried again."""
        ids = [update["update_id"] for update in updates if _has_id(update)]
        waiting = {**self._parked, **self._read([update for update in updates if _has_id(update)])}
        await asyncio.gather(*(self._lane(lane) for lane in _lanes(waiting)))
        waiting = {number: inbound for number, inbound in waiting.items() if number not in self._done}
        kept = [number for number in ids if number in waiting]
        if len(updates) >= MOST_UPDATES and len(kept) < len(ids):
            # Telegram shows no more than these until the first is acknowledged, so those few that fail would keep
            # everybody else from being heard. They stay here, are tried again, and come before their chat's next ones.
            log.warn("telegram.parked", count=len(waiting))
            kept = []
        self._parked = {number: inbound for number, inbound in waiting.items() if number not in kept}
        # With nothing left to acknowledge, ask for all there is: after a quiet week Telegram numbers from anywhere
        # (https://core.telegram.org/bots/api#update).
        self.offset = min(kept) if kept else max(ids, default=-1) + 1
        self._done = {number for number in self._done if number > self.offset}
        return not waiting and len(ids) == len(updates)

    def _read(self, updates: Sequence[dict[str, Any]]) -> dict[int, Inbound]:
        """Those that ask something of us and were not received before. The others are done with."""
        found = {}
        for update in updates:
            number, inbound = update["update_id"], read(update, self._largest)
            if isinstance(inbound, Ignored):
                self._count(inbound)
                self._done.add(number)
            elif number not in self._done:
                found[number] = inbound
        return found

    def _count(self, ignored: Ignored) -> None:
        if ignored is UNREADABLE:
            self._unreadable += 1
            log.warn("telegram.unreadable", count=self._unreadable)

    async def _lane(self, lane: Sequence[tuple[int, Inbound]]) -> None:
        """One chat's updates in order, up to the first that is not received."""
        async with self._room:
            for number, inbound in lane:
                if not await self._received(inbound):
                    return
                self._done.add(number)

    async def _received(self, inbound: Inbound) -> bool:
        if why := await why_not_stored(self._receive, inbound):
            log.warn("telegram.not_stored", what=why)
        return not why


def _lanes(waiting: Mapping[int, Inbound]) -> Iterable[list[tuple[int, Inbound]]]:
    """The updates of each chat, in order."""
    lanes: dict[str, list[tuple[int, Inbound]]] = {}
    for number, inbound in waiting.items():
        lanes.setdefault(inbound.address, []).append((number, inbound))
    return lanes.values()


def _has_id(update: Any) -> bool:
    return isinstance(update, dict) and isinstance(update.get("update_id"), int)


async def _asked(channel: TelegramChannel, offset: int, failures: int) -> list[Any]:
    # After a failure the waiting is done here, so ask for what is there and not for a long poll.
    wait = 0 if failures else LONG_POLL_S
    fields = {"offset": offset, "timeout": wait, "limit": MOST_UPDATES, "allowed_updates": USED}
    updates = await channel.call("getUpdates", fields, read_timeout=wait + 10.0)
    return updates if isinstance(updates, list) else []


async def rest(stop: asyncio.Event, error: SendError, first_s: float, failures: int) -> None:
    """Wait after this many failures in a row, at least as long as Telegram asks for, and never past `stop`."""
    asked = error.after_s if error.code == "flood" else 0.0
    await waits.rest(stop, first_s, failures, least_s=asked)


def say_why(error: SendError) -> None:
    """Log that Telegram cannot be reached or refuses us, with what to do about it."""
    if error.what == "misconfigured":
        log.warn("telegram.misconfigured", code=error.code, problem=_REMEDIES.get(error.code, error.code))
    else:
        log.warn("telegram.away", code=error.code)


_REMEDIES: Final = {
    "conflict": (
        "Nothing comes in: another process polls with this bot's token, or a webhook is set for it. "
        "Stop the other process, or set NHIPCAU_TELEGRAM_WEBHOOK here as well."
    ),
    "token": "Nothing comes in: Telegram refuses the bot's token. Check NHIPCAU_TELEGRAM_TOKEN.",
}
