"""One `Message` → Bot API calls → `Sent`, or a `SendError` typed by what to do next."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from telegram import Bot
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    TelegramError,
    TimedOut,
)

from bot.channels.base import Ignored, Inbound, Limits, Message, SendError, Sent
from bot.channels.telegram.read import CHANNEL, FETCHED_FILE, read
from bot.channels.telegram.request import LARGEST_FILE, AiohttpRequest, Flooded, TooLarge
from bot.channels.telegram.shape import LONGEST, MOST_BUTTONS, Call, calls

AGAIN_S: Final = 2.0
"""Seconds before the next try where Telegram does not name them."""
FILE_S: Final = 60.0
"""Seconds between two reads of a file."""
CLOSING_S: Final = 3.0
"""Seconds that ending a button's waiting may take: the words must not wait longer for it."""
MOST_DELETED: Final = 100
"""Messages one deleteMessages call takes: https://core.telegram.org/bots/api#deletemessages"""
PIECE: Final = 256 * 1024
KEPT_S: Final = 900.0
MOST_KEPT: Final = 1000


@dataclass(slots=True)
class Unfinished:
    """What of a message already went out when it failed: number of the call → id of the message it made."""

    since: float
    done: dict[int, str] = field(default_factory=dict)


class TelegramChannel:
    """The Telegram door (see `bot.channels.base.Channel`). The token stays in here.

    A message that fails half-way with `again` remembers, for 15 minutes and by a hash of itself, which of its calls
    went through; the next `send` of the same message goes on behind them. A restart forgets it: then a bubble may
    come twice, never not at all. A call that timed out counts as not gone through, for the same reason.
    """

    name = CHANNEL
    limits = Limits(text=LONGEST, buttons=MOST_BUTTONS, has_buttons=True, can_clear=True)

    def __init__(
        self,
        token: str,
        *,
        api: str = "https://api.telegram.org",
        proxy: str = "",
        files: Path | None = None,
        request: AiohttpRequest | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`api`: where the Bot API is (an own server's address in a closed network). `files`: the folder in which an own server
        that runs with `--local` puts files (channels.md §2.8). `clock`: steady seconds."""
        self._request = request or AiohttpRequest(proxy=proxy)
        self._calls = f"{api}/bot{token}/"
        self._files = f"{api}/file/bot{token}/"
        self._folder = files
        self.largest = LARGEST_FILE if files else FETCHED_FILE
        self._clock = clock
        self._unfinished: OrderedDict[bytes, Unfinished] = OrderedDict()
        self.bot = Bot(
            token,
            base_url=f"{api}/bot",
            base_file_url=f"{api}/file/bot",
            request=self._request,
            get_updates_request=self._request,
        )

    def read(self, raw: bytes, headers: Mapping[str, str]) -> Inbound | Ignored:
        """What one update says. The secret in the headers is checked before, by `webhook`."""
        return read(raw, self.largest)

    async def send(self, address: str, message: Message) -> Sent:
        """Close the button that led here, then show the message. Raises only SendError."""
        unfinished = self._taken_up(address, message)
        for number, call in enumerate(calls(address, message)):
            if number in unfinished.done:
                continue
            try:
                await self._step(number, call, unfinished)
            except TelegramError as error:
                failure = send_error(error)
                if failure.what == "again":
                    self._keep(address, message, unfinished)
                raise failure from None
        return Sent(tuple(made for _, made in sorted(unfinished.done.items()) if made))

    async def clear(self, address: str, message_ids: tuple[str, ...]) -> None:
        """Delete these messages of the chat. Those gone, or older than 48 hours, are passed over. Raises SendError."""
        ids = [int(one) for one in message_ids if one.isdecimal()]
        for start in range(0, len(ids), MOST_DELETED):
            await self._delete(address, ids[start : start + MOST_DELETED])

    async def fetch(self, ref: str) -> bytes:
        """The bytes of a file that was sent to us, all at once. Raises SendError."""
        return b"".join([piece async for piece in self.pieces(ref)])

    async def pieces(self, ref: str) -> AsyncIterator[bytes]:
        """The same as they come, at most `LARGEST_FILE`. Raises SendError."""
        found = await self.call("getFile", {"file_id": ref})
        path = found.get("file_path") if isinstance(found, dict) else None
        if not path or found.get("file_size", 0) > LARGEST_FILE:
            raise SendError("never", "file_unavailable")
        if path.startswith("/"):
            async for piece in self._local(Path(path)):
                yield piece
            return
        try:
            async for piece in self._request.pieces(self._files + quote(path), FILE_S):
                yield piece
        except InvalidToken:  # getFile accepted the token, so this 404 is a link that ran out after its hour
            raise SendError("again", "file_link_expired", AGAIN_S) from None
        except TelegramError as error:
            raise send_error(error) from None

    async def _local(self, path: Path) -> AsyncIterator[bytes]:
        """A file that our own server put into its folder. What lies elsewhere is not read, whatever the server says."""
        if self._folder is None or not await asyncio.to_thread(_lies_in, self._folder, path):
            raise SendError("misconfigured", "local_files")
        try:
            with await asyncio.to_thread(path.open, "rb") as file:
                while piece := await asyncio.to_thread(file.read, PIECE):
                    yield piece
        except OSError:
            raise SendError("misconfigured", "local_files") from None

    async def call(self, method: str, fields: Mapping[str, Any], read_timeout: float | None = None) -> Any:
        """The result of one method of the Bot API. Raises only SendError."""
        try:
            return await self._request.call(self._calls + method, fields, read_timeout)
        except TelegramError as error:
            raise send_error(error) from None

    async def close(self) -> None:
        await self._request.shutdown()

    async def _step(self, number: int, call: Call, unfinished: Unfinished) -> None:
        wait = CLOSING_S if call.optional else None
        try:
            result = await self._request.call(self._calls + call.method, call.fields, wait)
        except BadRequest as error:
            if not (call.optional or _is_as_wished(error)):
                if call.instead is None:
                    raise
                await self._step(number, call.instead, unfinished)
                return
            result = None
        except NetworkError:
            if call.optional:
                return  # not marked done: tried again if the words fail too
            raise
        unfinished.done[number] = _made(call, result)

    async def _delete(self, address: str, ids: Sequence[int]) -> None:
        try:
            await self._request.call(self._calls + "deleteMessages", {"chat_id": address, "message_ids": ids})
        except BadRequest:
            # One message that cannot be deleted must not keep the others on the phone.
            for one in ids:
                await self._delete_one(address, one)
        except TelegramError as error:
            raise send_error(error) from None

    async def _delete_one(self, address: str, one: int) -> None:
        try:
            await self._request.call(self._calls + "deleteMessage", {"chat_id": address, "message_id": one})
        except BadRequest:
            return  # gone already, or older than 48 hours: nothing more can be done about it
        except TelegramError as error:
            raise send_error(error) from None

    def _taken_up(self, address: str, message: Message) -> Unfinished:
        now = self._clock()
        if self._unfinished:
            kept = self._unfinished.pop(_mark(address, message), None)
            if kept is not None and now - kept.since <= KEPT_S:
                return kept
        return Unfinished(now)

    def _keep(self, address: str, message: Message, unfinished: Unfinished) -> None:
        self._unfinished[_mark(address, message)] = unfinished
        while len(self._unfinished) > MOST_KEPT:
            self._unfinished.popitem(last=False)


def send_error(error: TelegramError) -> SendError:
    """What to do about an error of the Bot API. Takes over its kind and its wait, never its words."""
    if isinstance(error, Flooded):
        return SendError("again", "flood", error.seconds)
    if isinstance(error, BadRequest) and "chat not found" in error.message.lower():
        return SendError("blocked", "chat_not_found")
    for kind, (what, code) in _ERRORS.items():
        if isinstance(error, kind):
            return SendError(what, code, AGAIN_S if what == "again" else 0.0)
    return SendError("again", "unreadable_answer", AGAIN_S)


_ERRORS: Final[Mapping[type[TelegramError], tuple[Any, str]]] = {
    # BadRequest and TimedOut are kinds of NetworkError, so they come first.
    BadRequest: ("never", "bad_request"),
    TimedOut: ("again", "timeout"),
    NetworkError: ("again", "network"),
    Forbidden: ("blocked", "forbidden"),
    ChatMigrated: ("never", "chat_migrated"),
    InvalidToken: ("misconfigured", "token"),
    Conflict: ("misconfigured", "conflict"),
    TooLarge: ("never", "too_large"),
}


def _lies_in(folder: Path, path: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _is_as_wished(error: BadRequest) -> bool:
    return "message is not modified" in error.message.lower()


def _made(call: Call, result: Any) -> str:
    """The id of the message that this call made; an edited one was made before."""
    if call.method != "sendMessage" or not isinstance(result, dict):
        return ""
    return str(result.get("message_id", ""))


def _mark(address: str, message: Message) -> bytes:
    """The same for the same message to the same address, and nothing can be read from it."""
    shown = (address, message.texts, message.link, message.press.get("id"), [b.data for b in message.buttons])
    return blake2b(repr(shown).encode("utf-8", "replace"), digest_size=16).digest()
