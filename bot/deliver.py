"""Empty the outbox: claim what is due, perform it, write how it ended. Never decides.

Rows come in strict priority, one a lane, so that one person's messages keep their order and a stuck row holds back only its
own lane. A crash between sending and marking sends twice: we choose twice over never.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from bot import log
from bot.book import Book
from bot.channels.base import Button, Channel, Message, SendError, Sent
from bot.receive import Clock, Receiver
from referral.model import Referral
from referral.notice import notice
from storage.base import Address, Claimed, Done, Officer, OutboxRow, Storage, StorageAway

BATCH = 32
"""Rows claimed at once: about one second of Telegram's 30 a second, so that what is urgent never waits behind more."""
IDLE_S = 5.0
"""The longest sleep without a look at the outbox: the safety net below the wake-ups."""
BACKOFF_S = (2, 5, 15, 60, 300)
"""Seconds before the next try, by tries so far; the last one repeats."""
CLEAR_WITHIN = timedelta(hours=48)
"""Telegram deletes a bot's messages of the last 48 h (channels.md §2.1)."""
ROLES = {
    "duty": ("duty", "chief"),
    "chief": ("chief",),
    "everyone": ("duty", "chief", "admin"),
    "next_office": ("chief",),
}
"""Who a rung of the ladder reaches. A chief is told of everything from the start: one phone is never the only one."""
TAKE = "Tôi nhận"

More = tuple[OutboxRow, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """What performing a row needs to know beside the row."""

    storage: Storage
    book: Book
    receiver: Receiver
    channels: Mapping[str, Channel]
    url: str
    now: Clock
    export: Callable[[Mapping[str, Any]], Awaitable[None]] | None = None


class Deliverer:
    """The loop over the outbox of this process."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Something new may be due: look now."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set. A database that is away is waited for, not given up on."""
        while not stop.is_set():
            self._wake.clear()
            try:
                worked = await self.once()
                sleep_s = 0.0 if worked else await self._sleep_s()
            except StorageAway:
                log.warn("outbox.storage_away")
                sleep_s = IDLE_S
            if sleep_s > 0:
                await self._pause(sleep_s, stop)

    async def once(self) -> int:
        """Claim and perform what is due now; how many rows that was."""
        now = self._work.now()
        claimed = await self._work.storage.claim(now, BATCH)
        if not claimed:
            return 0
        ended = await asyncio.gather(*(perform(self._work, one) for one in claimed))
        await self._work.storage.finish([done for done, _ in ended], [row for _, more in ended for row in more])
        return len(claimed)

    async def drain(self, most: int = 1000) -> int:
        """Perform until nothing is due (at most `most` rounds); how many rows that was. For tests and the talk door."""
        count = 0
        for _ in range(most):
            worked = await self.once()
            if not worked:
                return count
            count += worked
        raise RuntimeError("the outbox does not drain: rows make rows without end")

    async def _sleep_s(self) -> float:
        due = await self._work.storage.next_due()
        if due is None:
            return IDLE_S
        return min(IDLE_S, max(0.01, (due - self._work.now()).total_seconds()))

    async def _pause(self, seconds: float, stop: asyncio.Event) -> None:
        waits = [asyncio.ensure_future(self._wake.wait()), asyncio.ensure_future(stop.wait())]
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()


async def perform(work: Work, claimed: Claimed) -> tuple[Done, More]:
    """Perform one row; how it ended and the rows that follow from it. Raises only StorageAway."""
    try:
        return await PERFORMERS[claimed.row.kind](work, claimed)
    except SendError as error:
        return _after_send_error(work, claimed, error), ()
    except StorageAway:
        raise
    except Exception as error:
        # A row that cannot be performed must not stop the others: it is tried again later and an operator is told.
        log.warn("outbox.failed", kind=claimed.row.kind, what=type(error).__name__, attempts=claimed.attempts)
        return _later(work, claimed, "failed"), ()


# ------------------------------------------------------------------------------------------------------ kinds of rows


async def _say(work: Work, claimed: Claimed) -> tuple[Done, More]:
    if claimed.address is None:
        return _done(work, claimed, "dead", "no_address"), ()
    message = msgspec.convert(claimed.row.body, Message)
    sent = await _channel(work, claimed.address).send(claimed.address.external, message)
    return _done(work, claimed, "done", sent=sent), ()


async def _notice(work: Work, claimed: Claimed) -> tuple[Done, More]:
    if claimed.address is None:
        return _done(work, claimed, "dead", "no_phone"), ()
    message = msgspec.convert(claimed.row.body["message"], Message)
    sent = await _channel(work, claimed.address).send(claimed.address.external, message)
    return replace(_done(work, claimed, "done", sent=sent), delivered=bool(claimed.row.referral)), ()


async def _notify_agency(work: Work, claimed: Claimed) -> tuple[Done, More]:
    """Hand the referral to its office (once, if consent or ground still stand) and tell its officers' phones."""
    body = claimed.row.body
    now = work.now()
    if body.get("again"):
        referral = (await work.storage.load_referral(body["referral"])).referral
    else:
        referral = await work.storage.hand_over(body["referral"], now)
    if referral is None or referral.state in {"withdrawn", "closed"}:
        return _done(work, claimed, "cancelled", "withdrawn"), ()
    found = await work.storage.officers_of(referral.office)
    rows = [
        _notice_row(work, claimed, referral, officer)
        for officer, address in found
        if address is not None and officer.active and officer.role in ROLES[body["to"]]
    ]
    if not rows:
        log.warn("notice.no_phone", office=referral.office, referral=referral.code)
    return _done(work, claimed, "done"), tuple(rows)


async def _wake(work: Work, claimed: Claimed) -> tuple[Done, More]:
    await work.receiver.clock(claimed.row.body["referral"], int(claimed.row.body["rung"]))
    return _done(work, claimed, "done"), ()


async def _clear(work: Work, claimed: Claimed) -> tuple[Done, More]:
    if claimed.address is None:
        return _done(work, claimed, "dead", "no_address"), ()
    ids = await work.storage.shown(claimed.row.conversation, work.now() - CLEAR_WITHIN)
    await _channel(work, claimed.address).clear(claimed.address.external, tuple(ids))
    return _done(work, claimed, "done"), ()


async def _alarm(work: Work, claimed: Claimed) -> tuple[Done, More]:
    """Tell the staff of the national hotline that deciding failed for somebody, by the error's number and nothing else."""
    text = f"Hệ thống gặp lỗi {claimed.row.body['error']}. Người nhắn đã thấy số 111 và 113. Hãy báo người vận hành."
    rows = []
    for office in work.book.referral.offices:
        if office.route != "hotline_111":
            continue
        for officer, address in await work.storage.officers_of(office.id):
            if address is not None and officer.active:
                rows.append(_to_phone(claimed, officer, Message((text,)), work.now()))
    return _done(work, claimed, "done"), tuple(rows)


async def _export(work: Work, claimed: Claimed) -> tuple[Done, More]:
    if work.export is not None:
        await work.export(claimed.row.body)
    return _done(work, claimed, "done"), ()


PERFORMERS: Mapping[str, Callable[[Work, Claimed], Awaitable[tuple[Done, More]]]] = {
    "say": _say,
    "notice": _notice,
    "notify_agency": _notify_agency,
    "wake": _wake,
    "clear": _clear,
    "alarm": _alarm,
    "export": _export,
}
"""Every kind of outbox row and who performs it."""


# ------------------------------------------------------------------------------------------------------------- parts


def _notice_row(work: Work, claimed: Claimed, referral: Referral, officer: Officer) -> OutboxRow:
    link = f"{work.url}/officers/r/{referral.id}"
    button = Button(data=f"o:acknowledge:{referral.id}", label=TAKE, role="officer", id="acknowledge")
    message = Message((notice(referral, link, "vi", work.book.referral.provinces),), buttons=(button,), link=link)
    return _to_phone(claimed, officer, message, work.now())


def _to_phone(claimed: Claimed, officer: Officer, message: Message, now: datetime) -> OutboxRow:
    body = {"officer": officer.id, "message": msgspec.to_builtins(message)}
    return OutboxRow(
        key=f"{claimed.row.key}/{officer.id}", kind="notice", lane=f"o:{officer.id}", priority=claimed.row.priority,
        due_at=now, body=body, referral=claimed.row.referral,
    )  # fmt: skip


def _channel(work: Work, address: Address) -> Channel:
    channel = work.channels.get(address.channel)
    if channel is None:
        raise SendError("misconfigured", f"{address.channel} is not switched on")
    return channel


def _after_send_error(work: Work, claimed: Claimed, error: SendError) -> Done:
    log.warn("send.failed", kind=claimed.row.kind, outcome=error.what, code=error.code, attempts=claimed.attempts)
    if error.what in {"never", "blocked"}:
        return replace(_done(work, claimed, "dead", error.code), blocked=error.what == "blocked")
    return _later(work, claimed, error.code, error.after_s)


def _later(work: Work, claimed: Claimed, code: str, after_s: float = 0.0) -> Done:
    wait = max(after_s, BACKOFF_S[min(claimed.attempts, len(BACKOFF_S) - 1)] if not after_s else 0.0)
    return replace(_done(work, claimed, "later", code), again_at=work.now() + timedelta(seconds=wait))


def _done(work: Work, claimed: Claimed, outcome: Any, code: str = "", *, sent: Sent | None = None) -> Done:
    return Done(claimed.id, outcome, work.now(), code, message_ids=sent.message_ids if sent else ())
