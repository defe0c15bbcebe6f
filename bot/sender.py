"""What this process has claimed for one channel: in hand until its turn comes, then under way.

The order is strict: what is urgent (priority 0) takes the very next place, then other notices, then replies, then the
rest. That nobody waits for ever behind a class that alone fills the channel, of every 16 places that are not taken by what
is urgent one goes to whoever of the lower classes has waited longest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from bot.channels.pace import Pace
from storage.base import Address, Claimed, Wanted

AT_ONCE: Final = 64
"""Rows of a channel without a pace that may be under way together."""
LEAST: Final = (2, 2, 2, 2)
"""Rows of each class that are kept ready, whatever the others fill."""
LEAST_AT_ONCE: Final = (2, 2, 0, 0)
"""The same where there is no pace: replies come as soon as there is room again, and that is soon."""
SHARE: Final = 16
"""Of so many places, one is for a lower class that waits."""
URGENT: Final = 0
HANGS_S: Final = 3.0
"""A row under way for longer waits for its platform, and no longer takes the room of others."""
MOST_UNDER_WAY: Final = 1024


class Sender:
    """One channel's rows (or, with an empty name, those that leave through none). Times are seconds of a steady clock."""

    def __init__(self, name: str, pace: Pace | None = None) -> None:
        self.name = name
        self.pace = pace
        self.ours = pace is None
        """Whether this process sends for it: where there is a pace, one process of all does."""
        self._hand: tuple[dict[int, Claimed], ...] = ({}, {}, {}, {})  # by class and number, in their order
        self._under_way: dict[int, tuple[float, int]] = {}
        self._passed = 0

    def wanted(self, now: float) -> Wanted:
        """How many more rows there is room for: about as many as can leave within a second.

        Rows that wait for the space between two messages to one address take no room: they cannot be next.
        """
        if len(self._under_way) >= MOST_UNDER_WAY:
            return Wanted(self.name, 0)
        busy = [0, 0, 0, 0]
        if self.pace is None:
            for began, priority in self._under_way.values():
                busy[priority] += began > now - HANGS_S
        else:
            busy = [sum(self.pace.spaced(_whom(one), now) for one in rows.values()) for rows in self._hand]
        room, least = (self.pace.ahead, LEAST) if self.pace else (AT_ONCE, LEAST_AT_ONCE)
        room -= sum(busy)
        first, second, third, fourth = (max(0, few - count) for few, count in zip(least, busy, strict=True))
        return Wanted(self.name, max(0, room), (first, second, third, fourth))

    def put(self, claimed: Claimed) -> None:
        """Take a row in hand."""
        self._hand[claimed.row.priority][claimed.id] = claimed

    def take(self, now: float) -> Claimed | None:
        """The row that leaves now, if one may; it is under way from here on."""
        if not any(self._hand) or (self.pace is not None and self.pace.opens_at(now) > now):
            return None
        ready = [one for rows in self._hand if (one := self._first(rows, now)) is not None]
        if not ready:
            return None
        one = self._chosen(ready)
        del self._hand[one.row.priority][one.id]
        self._under_way[one.id] = (now, one.row.priority)
        if self.pace is not None:
            self.pace.took(_whom(one), now)
        return one

    def opens_at(self, now: float) -> float:
        """When something in hand may leave; infinite where nothing is in hand."""
        if self.pace is None or not any(self._hand):
            return now if any(self._hand) else float("inf")
        return min(self.pace.ready_at(_whom(one), now) for rows in self._hand for one in rows.values())

    def over(self, row: int) -> None:
        """A row is no longer under way."""
        self._under_way.pop(row, None)

    def let_go(self) -> list[Claimed]:
        """Everything in hand, which is no longer ours to send."""
        rows = [one for each in self._hand for one in each.values()]
        for each in self._hand:
            each.clear()
        return rows

    def claimed(self) -> Iterator[int]:
        """The numbers of all rows in hand and under way."""
        yield from self._under_way
        for rows in self._hand:
            yield from rows

    def _first(self, rows: Mapping[int, Claimed], now: float) -> Claimed | None:
        """The first of a class, past those whose address must be spared a moment longer."""
        pace = self.pace
        return next((one for one in rows.values() if pace is None or pace.spaced(_whom(one), now)), None)

    def _chosen(self, ready: list[Claimed]) -> Claimed:
        first, lower = ready[0], ready[1:]
        if first.row.priority == URGENT:
            return first
        if not lower:
            self._passed = 0
            return first
        self._passed += 1
        if self._passed < SHARE:
            return first
        self._passed = 0
        return min(lower, key=lambda one: (one.row.due_at, one.id))


def target(claimed: Claimed) -> Address | None:
    """Where a row goes: what its body names, or else whoever it was written for."""
    to = claimed.row.body.get("to") if claimed.row.kind == "say" else None
    return Address(to["channel"], to["external"]) if to else claimed.address


def _whom(claimed: Claimed) -> str:
    address = target(claimed)
    return address.external if address else f"nobody {claimed.id}"
