"""One `Message` → `message/cs` → `Sent`, or a `SendError` typed by what to do next (channels.md §1.2)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from bot import log
from bot.channels.base import Ignored, Inbound, Limits, Message, SendError, Sent
from bot.channels.wire.unfinished import Unfinished
from bot.channels.zalo_oa.api import ZaloOaApi
from bot.channels.zalo_oa.errors import ABOUT_THE_MESSAGE, send_error
from bot.channels.zalo_oa.read import CHANNEL, read
from bot.channels.zalo_oa.shape import LONGEST, MOST_BUTTONS, bodies, without_buttons
from bot.channels.zalo_oa.tokens import Tokens

WINDOW_S: Final = 7 * 86_400.0
"""So long after a person was last heard Zalo takes messages for them (channels.md §0.4)."""
WORDS_ONLY_S: Final = 600.0
"""So long no buttons are tried after some were refused: their shape is not certain (channels.md §4.2), the numbers work."""
ABOUT_BUTTONS: Final = frozenset(send_error(code).code for code in ABOUT_THE_MESSAGE)


class ZaloOaChannel:
    """The OA's door (see `bot.channels.base.Channel`). The tokens stay in `tokens`."""

    name = CHANNEL
    limits = Limits(text=LONGEST, buttons=MOST_BUTTONS, has_buttons=True, can_clear=False, window_s=WINDOW_S)

    def __init__(
        self, api: ZaloOaApi, tokens: Tokens, *, account: str = "", clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`account`: our OA's id, where the app has several. `clock`: steady seconds."""
        self.api = api
        self.tokens = tokens
        self.account = account
        self._clock = clock
        self._words_until = float("-inf")
        self._unfinished = Unfinished(clock)

    def read(self, raw: bytes, headers: Mapping[str, str]) -> Inbound | Ignored:
        """The first that an event says (`webhook` takes all). The signature in the headers is checked there."""
        found = read(raw, self.account)
        return found if isinstance(found, Ignored) else found[0]

    async def send(self, address: str, message: Message) -> Sent:
        """Show the message, in parts where it is long. Raises only SendError."""
        made_of = bodies(address, message)
        return await self._unfinished.sent(repr(made_of), made_of, self._shown)

    async def clear(self, address: str, message_ids: tuple[str, ...]) -> None:
        """Nothing: Zalo takes no message back (channels.md §1.2). The person is told to do it themselves (stop.on_phone)."""

    async def fetch(self, ref: str) -> bytes:
        """The bytes of a file that was sent to us; `ref` is where it lies. Raises SendError."""
        return await self.api.carrier.fetch(ref)

    async def close(self) -> None:
        await self.api.carrier.close()

    def problem(self) -> str:
        """A sentence for the operator, empty where all is well."""
        return self.tokens.problem()

    async def _shown(self, body: dict[str, Any]) -> str:
        """The id of the message that this made. Where the buttons are refused, it is sent without."""
        words = without_buttons(body)
        if self._clock() < self._words_until or body == words:
            return _made(await self.api.post(words, self.tokens))
        try:
            return _made(await self.api.post(body, self.tokens))
        except SendError as failure:
            if failure.code not in ABOUT_BUTTONS:
                raise
            log.warn("zalo_oa.buttons_refused", code=failure.code)
        made = _made(await self.api.post(words, self.tokens))
        self._words_until = self._clock() + WORDS_ONLY_S
        return made


def _made(data: Mapping[str, Any]) -> str:
    return str(data.get("message_id") or "")
