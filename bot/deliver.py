"""Empty the outbox: claim what may leave soon, begin it when its turn comes, write how it ended. Never decides.

Rows are claimed channel by channel and one a lane, so that one person's messages keep their order, and neither a stuck row
nor a channel that must wait holds back another. A row is claimed about a second before its turn, and its turn is not fixed
before it comes: what is urgent takes the very next one (`bot/sender.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import partial

from bot import log
from bot.held import pause
from bot.perform import Ended, Work, later, perform
from bot.sender import Sender, target
from storage.base import Claimed, StorageAway, Wanted

__all__ = ["Deliverer", "Work"]

IDLE_S = 5.0
"""The longest sleep without a look at the outbox: the safety net below the wake-ups."""
BUSY_S = 1.0
"""The same while rows are under way or have just ended: one may come due meanwhile, and asking when costs a visit."""
KEEP_S = 1.0
"""How often it is asked whether this process sends for a channel: so long nobody does after another has died."""
RENEW_S = 3.0
"""How often what is claimed is held for longer. A lease is three times as long."""
STOP_WITHIN_S = 5.0
BACK = timedelta(seconds=1)
"""A clock that is set back by less makes nobody wait for long."""


class Deliverer:
    """The loop over the outbox of this process."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._wake = asyncio.Event()
        self._woken = True
        self._senders = {name: Sender(name, work.paces.get(name)) for name in ("", *work.channels)}
        self._under_way: set[asyncio.Task[Ended]] = set()
        self._ended: list[Ended] = []
        self._look_at = self._keep_at = float("-inf")
        self._renew_at = work.steady() + RENEW_S
        self._latest = work.now()

    @property
    def under_way(self) -> int:
        """How many rows are being performed."""
        return len(self._under_way)

    def wake(self) -> None:
        """Something new may be due: look now."""
        self._woken = True
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set. A database that is away is waited for; a platform that hangs holds up only its rows."""
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self._wake.set())
        try:
            await self._until(stop)
        finally:
            stopping.cancel()
        await self._finish()

    async def _until(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._wake.clear()
            try:
                await self._work.wait(self._wake, await self._round())
            except StorageAway:
                log.warn("outbox.storage_away")
                await pause(stop, BUSY_S)
            except Exception as error:
                # Whatever it is, the outbox must not fall silent: it looks again, and an operator reads this.
                log.warn("outbox.broken", what=type(error).__name__, where=log.place(error))
                await pause(stop, BUSY_S)

    async def once(self) -> int:
        """Claim what is due, perform what may leave now, write how it ended; how many rows that was."""
        known = len(self._senders)
        await self._keep()
        await self._exchange()
        if len(self._senders) > known:
            await self._exchange()
        self._begin()
        count = len(self._under_way)
        if count:
            await asyncio.wait(self._under_way)
            await self._exchange(())
        return count

    async def drain(self, most: int = 1000) -> int:
        """Perform until nothing may leave (at most `most` rounds); how many rows that was. For tests and the talk door."""
        count = 0
        for _ in range(most):
            worked = await self.once()
            if not worked:
                return count
            count += worked
        raise RuntimeError("the outbox does not drain: rows make rows without end")

    async def _round(self) -> float:
        """Do all that can be done now; in how many seconds there is more, if nothing happens before."""
        await self._keep()
        if self._woken or self._ended or self._work.steady() >= self._look_at:
            await self._exchange()
        self._begin()
        now = self._work.steady()
        keep_at = self._keep_at if self._paced() or self._under_way else float("inf")
        opens_at = min(sender.opens_at(now) for sender in self._senders.values() if sender.ours)
        return max(0.0, min(self._look_at, keep_at, opens_at) - now)

    async def _keep(self) -> None:
        """See to it that this process alone sends where there is a pace, and hold what it has claimed."""
        now = self._work.steady()
        if now < self._keep_at:
            return
        for sender in self._paced():
            was_ours, sender.ours = sender.ours, await self._holds(sender)
            self._woken = self._woken or (sender.ours and not was_ours)
            if not sender.ours:
                self._give_back(sender)
        if now >= self._renew_at:
            rows = [row for sender in self._senders.values() for row in sender.claimed()]
            if rows:
                await self._work.storage.renew(rows, self._work.now())
            self._renew_at = now + RENEW_S
        self._keep_at = now + KEEP_S

    def _paced(self) -> Sequence[Sender]:
        return [sender for sender in self._senders.values() if sender.pace is not None]

    async def _holds(self, sender: Sender) -> bool:
        try:
            return await self._work.storage.hold(f"sender/{sender.name}")
        except StorageAway:
            return False  # who cannot ask does not know, and another may send

    def _give_back(self, sender: Sender) -> None:
        """Whoever sends for it now, or next, need not wait for the end of our leases."""
        self._ended += [(later(self._work, one, "given_back", 0.001), ()) for one in sender.let_go()]

    async def _exchange(self, wanted: Iterable[Wanted] | None = None) -> None:
        """Write how rows ended and claim those there is room for, in one commit. Raises StorageAway, and forgets nothing."""
        now = self._work.steady()
        await self._catch_up()
        if wanted is None:
            wanted = [sender.wanted(now) for sender in self._senders.values() if sender.ours]
        ended, self._ended, self._woken = self._ended, [], False
        done, more = [done for done, _ in ended], [row for _, rows in ended for row in rows]
        try:
            claimed = await self._work.storage.exchange(self._work.now(), wanted, done, more)
        except Exception as error:
            self._ended, self._woken = [*ended, *self._ended], True
            if isinstance(error, StorageAway) or not ended:
                raise
            await self._end_apart(len(ended))
            return
        for one in claimed:
            self._home(one).put(one)
        busy = bool(claimed or ended or self._under_way)
        self._look_at = now + (BUSY_S if busy else await self._sleep_s())

    async def _catch_up(self) -> None:
        """Where the clock was set back, nobody waits until it is as late again."""
        now = self._work.now()
        if now < self._latest - BACK:
            await self._work.storage.catch_up(now)
        self._latest = now

    def _home(self, one: Claimed) -> Sender:
        """Whose turn it waits for: its channel's, even if it was queued for another (the officer has a new phone since)."""
        address = target(one)
        there = self._senders.get(address.channel) if address else None
        return there if there is not None and there.pace is not None else self._senders[one.row.sender]

    async def _end_apart(self, count: int) -> None:
        """One end that cannot be written must not keep the others: they would all be sent again."""
        for _ in range(count):
            done, more = self._ended[0]
            try:
                await self._work.storage.finish([done], more)
            except StorageAway:
                raise
            except Exception as error:
                log.warn("outbox.not_marked", what=type(error).__name__, where=log.place(error))
            del self._ended[0]

    async def _sleep_s(self) -> float:
        """How long nothing will be due, of what is ours to send. Channels that are not known yet are remembered."""
        due = await self._work.storage.next_due_by_sender()
        for name in due:
            self._senders.setdefault(name, Sender(name))
        soonest = min((at for name, at in due.items() if self._senders[name].ours), default=None)
        if soonest is None:
            return IDLE_S
        return min(IDLE_S, max(0.01, (soonest - self._work.now()).total_seconds()))

    def _begin(self) -> None:
        """Begin what may leave now."""
        now = self._work.steady()
        for sender in self._senders.values():
            while sender.ours and (one := sender.take(now)) is not None:
                task = asyncio.create_task(perform(self._work, one))
                self._under_way.add(task)
                task.add_done_callback(partial(self._over, sender, one.id))

    def _over(self, sender: Sender, row: int, task: asyncio.Task[Ended]) -> None:
        self._under_way.discard(task)
        sender.over(row)
        if not task.cancelled():
            self._ended.append(task.result())
            self._wake.set()

    async def _finish(self) -> None:
        """What is under way is waited for; what is not, another process may begin at once."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=STOP_WITHIN_S)
        for sender in self._senders.values():
            self._give_back(sender)
        try:
            if self._ended:
                await self._exchange(())
        except StorageAway:
            log.warn("outbox.storage_away", count=len(self._ended))
