"""A message in several parts of which some went out: who sends it again goes on behind those."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from hashlib import blake2b
from typing import Final, TypeVar

from bot.channels.base import SendError, Sent

KEPT_S: Final = 900.0
MOST_KEPT: Final = 1000

Part = TypeVar("Part")


class Unfinished:
    """Remembers for 15 minutes, by a hash of the whole message, which of its parts went out before one failed with `again`.

    In this process only. A restart forgets it: then a part may come twice, never not at all. `clock`: steady seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[float, tuple[str, ...]]] = OrderedDict()

    async def sent(self, whole: str, parts: Sequence[Part], show: Callable[[Part], Awaitable[str]]) -> Sent:
        """Show the parts that are not out yet; `show` returns the id of the message that it made, or empty.

        `whole` is the same for the same message to the same address, and nothing can be read from what is kept of it.
        Raises what `show` raises.
        """
        mark = blake2b(whole.encode("utf-8", "replace"), digest_size=16).digest()
        made = self._taken_up(mark)
        for part in parts[len(made) :]:
            try:
                made = (*made, await show(part))
            except SendError as failure:
                if made and failure.what == "again":
                    self._keep(mark, made)
                raise
        return Sent(tuple(one for one in made if one))

    def _taken_up(self, mark: bytes) -> tuple[str, ...]:
        since, made = self._kept.pop(mark, (0.0, ()))
        return made if self._clock() - since <= KEPT_S else ()

    def _keep(self, mark: bytes, made: tuple[str, ...]) -> None:
        self._kept[mark] = (self._clock(), made)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
