"""One `Message` → plain texts → `Sent`, or a `SendError` typed by what to do next (channels.md §1.1 "sendMessage").

No parse_mode is ever set: nothing that a person or an officer wrote is markup. Nothing that was sent can be edited or taken back.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, Final

from bot.channels.base import Ignored, Inbound, Limits, Message, SendError, Sent
from bot.channels.zalo_bot.api import API, ZaloApi
from bot.channels.zalo_bot.read import CHANNEL, read
from bot.numbered import numbered
from bot.split import split

LONGEST: Final = 2000
"""UTF-16 units a text, the narrower reading: in which unit Zalo counts is not known (channels.md §4.5)."""
KEPT_S: Final = 900.0
MOST_KEPT: Final = 1000


class ZaloBotChannel:
    """The Zalo Bot door (see `bot.channels.base.Channel`). The token stays in here.

    A message whose later parts fail remembers for 15 minutes, by a hash of itself, which went out; the next `send` of the same
    goes on behind them. A restart forgets it: then a part may come twice, never not at all.
    """

    name = CHANNEL
    limits = Limits(text=LONGEST, buttons=0, has_buttons=False, can_clear=False)

    def __init__(
        self, token: str, *, api: str = API, proxy: str = "", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.api = ZaloApi(token, api=api, proxy=proxy)
        self._clock = clock
        self._unfinished: OrderedDict[bytes, tuple[float, tuple[str, ...]]] = OrderedDict()

    def read(self, raw: bytes, headers: Mapping[str, str]) -> Inbound | Ignored:
        """What one event says. The secret in the headers is checked before, by `webhook`."""
        return read(raw)

    async def send(self, address: str, message: Message) -> Sent:
        """Show the message as numbered text, in parts where it is long. Raises only SendError."""
        text = numbered(message)
        if not address:
            raise SendError("never", "no_chat")  # Zalo told that somebody wrote, not who (channels.md §0.1)
        mark = blake2b(f"{address}\0{text}".encode("utf-8", "replace"), digest_size=16).digest()
        made = self._taken_up(mark)
        for part in split(text, LONGEST)[len(made) :]:
            try:
                result = await self.api.call("sendMessage", {"chat_id": address, "text": part})
            except SendError as failure:
                if made and failure.what == "again":
                    self._keep(mark, made)
                raise
            made = (*made, _made(result))
        return Sent(tuple(one for one in made if one))

    async def clear(self, address: str, message_ids: tuple[str, ...]) -> None:
        """Nothing: the platform cannot delete (channels.md §0.3). The person is told to do it themselves (stop.on_phone)."""

    async def fetch(self, ref: str) -> bytes:
        """The bytes of a photo or voice message. Its address ends soon, so this is asked at once. Raises SendError."""
        return await self.api.carrier.fetch(ref)

    async def close(self) -> None:
        await self.api.carrier.close()

    def _taken_up(self, mark: bytes) -> tuple[str, ...]:
        since, made = self._unfinished.pop(mark, (0.0, ()))
        return made if self._clock() - since <= KEPT_S else ()

    def _keep(self, mark: bytes, made: tuple[str, ...]) -> None:
        self._unfinished[mark] = (self._clock(), made)
        while len(self._unfinished) > MOST_KEPT:
            self._unfinished.popitem(last=False)


def _made(result: Any) -> str:
    return str(result.get("message_id") or "") if isinstance(result, dict) else ""
