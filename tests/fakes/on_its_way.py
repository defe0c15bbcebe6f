"""What the small platforms have in common but for the network: what is on its way to the bot, what goes wrong, who waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar


@dataclass
class Fault:
    """What goes wrong with `times` calls of this method (`*`: any), after `skip` good ones.

    kind: hang (never answers) · drop (closes before doing anything) · lost (does it, then closes) · else it is refused.
    """

    method: str
    kind: str = "status"
    times: int = 1
    skip: int = 0

    @property
    def cuts(self) -> bool:
        """Whether the connection ends without an answer."""
        return self.kind in ("hang", "drop", "lost")

    @property
    def whom(self) -> int | str:
        """Whose calls are struck; 0 or empty for anybody's."""
        return ""

    def hits(self, method: str, whom: int | str) -> bool:
        """Whether this call is struck; counts it if it could be."""
        if self.times == 0 or self.method not in (method, "*") or (self.whom and self.whom != whom):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


Item = TypeVar("Item")
AFault = TypeVar("AFault", bound=Fault)


class OnItsWay(Generic[Item, AFault]):
    """One bot's `pending` updates, and its faults. Whoever carries updates to the bot overrides `_changed`."""

    def __init__(self, kind_of_fault: Callable[..., AFault]) -> None:
        self.url = ""
        self.files: dict[str, bytes] = {}
        self.pending: list[Item] = []
        self.held = False
        self.faults: list[AFault] = []
        self._kind_of_fault = kind_of_fault
        self._pulse = asyncio.Event()

    # -------------------------------------------------------------------------------------- what the network does

    def hold(self) -> None:
        """Deliver nothing until `release`."""
        self.held = True

    def release(self, *, reverse: bool = False) -> None:
        """Deliver what was held, the newest first if `reverse`."""
        self.held = False
        if reverse:
            self.pending.reverse()
        self._changed()

    def fault(self, method: str, **how: Any) -> None:
        """The next calls of this method (`*`: any) go wrong; see `Fault`."""
        self.faults.append(self._kind_of_fault(method, **how))

    def _struck(self, method: str, whom: int | str) -> AFault | None:
        return next((fault for fault in self.faults if fault.hits(method, whom)), None)

    # ----------------------------------------------------------------------------------------------------- waiting

    async def until(self, check: Callable[[], Any], seconds: float = 5.0) -> None:
        """Return as soon as `check()` holds; TimeoutError after `seconds`. Looked at after every change in here."""
        async with asyncio.timeout(seconds):
            while not check():
                await self._pulse.wait()

    async def settled(self) -> None:
        """Return when every update was taken by the bot (polling Telegram: acknowledged)."""
        await self.until(lambda: not self.pending, 15)

    def _changed(self) -> None:
        """Wake whoever waits for something in here."""
        self._pulse.set()
        self._pulse = asyncio.Event()
