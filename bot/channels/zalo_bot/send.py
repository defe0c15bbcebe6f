"""One `Message` → plain texts → `Sent`, or a `SendError` typed by what to do next (channels.md §1.1 "sendMessage").

No parse_mode is ever set: nothing that a person or an officer wrote is markup. Nothing that was sent can be edited or taken back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from bot.channels.base import Ignored, Inbound, Limits, Message, SendError, Sent
from bot.channels.wire.numbered import numbered
from bot.channels.wire.split import split
from bot.channels.wire.unfinished import Unfinished
from bot.channels.zalo_bot.api import API, ZaloApi
from bot.channels.zalo_bot.read import CHANNEL, read

LONGEST: Final = 2000
"""UTF-16 units a text, the narrower reading: in which unit Zalo counts is not known (channels.md §4.5)."""


class ZaloBotChannel:
    """The Zalo Bot door (see `bot.channels.base.Channel`). The token stays in here."""

    name = CHANNEL
    limits = Limits(text=LONGEST, buttons=0, has_buttons=False, can_clear=False)

    def __init__(
        self, token: str, *, api: str = API, proxy: str = "", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.api = ZaloApi(token, api=api, proxy=proxy)
        self._unfinished = Unfinished(clock)

    def read(self, raw: bytes, headers: Mapping[str, str]) -> Inbound | Ignored:
        """What one event says. The secret in the headers is checked before, by `webhook`."""
        return read(raw)

    async def send(self, address: str, message: Message) -> Sent:
        """Show the message as numbered text, in parts where it is long. Raises only SendError."""
        text = numbered(message)
        if not address:
            raise SendError("never", "no_chat")  # Zalo told that somebody wrote, not who (channels.md §0.1)
        parts = split(text, LONGEST)
        return await self._unfinished.sent(f"{address}\0{text}", parts, partial(self._shown, address))

    async def clear(self, address: str, message_ids: tuple[str, ...]) -> None:
        """Nothing: the platform cannot delete (channels.md §0.3). The person is told to do it themselves (stop.on_phone)."""

    async def fetch(self, ref: str) -> bytes:
        """The bytes of a photo or voice message. Its address ends soon, so this is asked at once. Raises SendError."""
        return await self.api.carrier.fetch(ref)

    async def close(self) -> None:
        await self.api.carrier.close()

    async def _shown(self, address: str, text: str) -> str:
        """The id of the message that this made."""
        result = await self.api.call("sendMessage", {"chat_id": address, "text": text})
        return str(result.get("message_id") or "") if isinstance(result, dict) else ""
