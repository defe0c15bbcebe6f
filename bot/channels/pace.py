"""How fast a platform may be written to: so many messages a second and a minute, and a space between two to one address.

Driven by the clock of whoever uses it: times are seconds of any steady clock, and nothing here waits.
"""

from __future__ import annotations

from collections import deque
from typing import Final

MANY_ADDRESSES: Final = 10_000
MINUTE_S: Final = 60.0
OUT_OF_ORDER: Final = 50
"""Answers overtake each other: only by more than this is what a platform says is left a new minute's."""
MOST_AHEAD: Final = 64


class Pace:
    """Says when the next message may leave. Never more than `per_second` in any second, spread evenly.

    `burst` messages may leave at once after a pause; the rest keep an even distance, so that a message that may go
    before the others waits milliseconds, not for a whole second's burst to pass. For Telegram: 30 a second and one a
    second to one chat (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this).

    `per_minute`, where a platform counts so: never more in any minute (Zalo OA: 4,000 calls, channels.md §1.2).
    """

    def __init__(
        self, per_second: float = 30.0, per_address_s: float = 1.0, burst: int = 2, per_minute: int | None = None
    ) -> None:
        if not 1 <= burst < per_second:
            raise ValueError("burst: at least 1 and less than per_second")
        if per_minute is not None and per_minute < 1:
            raise ValueError("per_minute: at least 1, or none")
        self._gap = 1.0 / (per_second - burst)
        self._slack = (burst - 1) * self._gap
        self._per_address = per_address_s
        self._next = float("-inf")
        self._held = float("-inf")
        self._addresses: dict[str, float] = {}
        self._per_minute = per_minute
        self._in_minute: deque[float] = deque()
        self._left = 0
        self._left_until = float("-inf")
        self.ahead: Final = min(MOST_AHEAD, max(2, int(per_second)))
        """How many messages are about a second's worth: more need not be at hand."""

    def opens_at(self, now: float) -> float:
        """The moment, `now` or later, at which a message to somebody may leave. Changes nothing that is seen."""
        at = max(now, self._held, self._next - self._slack)
        if self._left < 1:
            at = max(at, self._left_until)
        if self._per_minute is not None:
            while self._in_minute and self._in_minute[0] + MINUTE_S <= now:
                self._in_minute.popleft()
            if len(self._in_minute) >= self._per_minute:
                at = max(at, self._in_minute[0] + MINUTE_S)
        return at

    def ready_at(self, address: str, now: float) -> float:
        """The same for a message to this address."""
        return max(self.opens_at(now), self._addresses.get(address, now))

    def spaced(self, address: str, now: float) -> bool:
        """Whether the space after the last message to this address is over, whatever else must be waited for."""
        return self._addresses.get(address, now) <= now

    def took(self, address: str, now: float, messages: int = 1) -> None:
        """So many messages left for this address at `now`."""
        self._next = max(self._next, now) + messages * self._gap
        self._addresses[address] = now + messages * self._per_address
        if len(self._addresses) > MANY_ADDRESSES:
            self._addresses = {one: at for one, at in self._addresses.items() if at > now}
        self._left -= messages
        if self._per_minute is not None:
            self._in_minute.extend([now] * messages)

    def hold(self, until: float) -> None:
        """Nothing leaves before `until`: the platform said to wait. A shorter hold does not end a longer one."""
        self._held = max(self._held, until)

    def left(self, calls: int, now: float) -> None:
        """The platform said how many calls are left of its minute (`X-RateLimit-Remain`), whoever made the others.

        It does not say when that minute ends: at most 60 s after it was first heard of.
        """
        if now >= self._left_until or calls > self._left + OUT_OF_ORDER:
            self._left, self._left_until = calls, now + MINUTE_S
        self._left = min(self._left, calls)
