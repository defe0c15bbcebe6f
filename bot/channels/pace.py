"""How fast a platform may be written to: so many messages a second overall, and a space between two to one address.

Driven by the clock of whoever uses it: times are seconds of any steady clock, and nothing here waits.
"""

from __future__ import annotations

from typing import Final

MANY_ADDRESSES: Final = 10_000


class Pace:
    """Says when the next message may leave. Never more than `per_second` in any second, spread evenly.

    `burst` messages may leave at once after a pause; the rest keep an even distance, so that a message that may go
    before the others waits milliseconds, not for a whole second's burst to pass. For Telegram: 30 a second and one a
    second to one chat (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this).
    """

    def __init__(self, per_second: float = 30.0, per_address_s: float = 1.0, burst: int = 2) -> None:
        if not 1 <= burst < per_second:
            raise ValueError("burst: at least 1 and less than per_second")
        self._gap = 1.0 / (per_second - burst)
        self._slack = (burst - 1) * self._gap
        self._per_address = per_address_s
        self._next = float("-inf")
        self._held = float("-inf")
        self._addresses: dict[str, float] = {}

    def ready_at(self, address: str, now: float) -> float:
        """The moment, `now` or later, at which a message to this address may leave. Changes nothing."""
        return max(now, self._held, self._next - self._slack, self._addresses.get(address, now))

    def took(self, address: str, now: float, messages: int = 1) -> None:
        """So many messages left for this address at `now`."""
        self._next = max(self._next, now) + messages * self._gap
        self._addresses[address] = now + messages * self._per_address
        if len(self._addresses) > MANY_ADDRESSES:
            self._addresses = {one: at for one, at in self._addresses.items() if at > now}

    def hold(self, until: float) -> None:
        """Nothing leaves before `until`: the platform said to wait. A shorter hold does not end a longer one."""
        self._held = max(self._held, until)
