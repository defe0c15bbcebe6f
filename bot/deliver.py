"""Empty the outbox: claim what is due, perform it, write how it ended. Never decides.

Rows come in strict priority, one a lane, so that one person's messages keep their order and a stuck row holds back only its
own lane. A crash between sending and marking sends twice: we choose twice over never.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from bot import log
from bot.book import Book
from bot.channels.base import Button, Channel, Fetches, Message, SendError, Sent
from bot.channels.pace import Pace
from bot.receive import Clock, Receiver
from referral.model import Referral
from referral.notice import notice
from storage.base import DAMAGED, Address, Claimed, Done, Officer, OutboxRow, Storage, StorageAway, Wanted

BATCH = 32
"""Rows claimed at once: about one second of Telegram's 30 a second, so that what is urgent never waits behind more."""
IDLE_S = 5.0
"""The longest sleep without a look at the outbox: the safety net below the wake-ups."""
BUSY_S = 1.0
"""The same while rows are under way: one may come due meanwhile."""
HANGS_S = 3.0
"""A row under way for longer waits for its platform, and no longer takes the room of others."""
MOST_UNDER_WAY = 1024
BACKOFF_S = (2, 5, 15, 60, 300)
"""Seconds before the next try, by tries so far; the last one repeats."""
STOP_WITHIN_S = 5.0
PATIENCE_S = 2.0
"""A row whose turn under the platform's pace comes later than this goes back, so that others may go before it."""
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
NOT_THEIRS = frozenset({"proposed", "withdrawn", "returned", "transferred", "closed"})
"""States in which an office is told nothing of a referral: not handed over, taken back, or no longer there."""

More = tuple[OutboxRow, ...]
Ended = tuple[Done, More]


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
    paces: Mapping[str, Pace] = field(default_factory=dict)


class Deliverer:
    """The loop over the outbox of this process."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._wake = asyncio.Event()
        self._began: dict[asyncio.Task[Ended], float] = {}

    def wake(self) -> None:
        """Something new may be due: look now."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set. A database that is away is waited for; a platform that hangs holds up only its rows."""
        busy: set[asyncio.Task[Ended]] = set()
        while not stop.is_set():
            self._wake.clear()
            try:
                busy |= await self._begin(self._room(busy))
                wait_s = BUSY_S if busy else await self._sleep_s()
                busy = await self._end(await self._some(busy, wait_s, stop), busy)
            except StorageAway:
                log.warn("outbox.storage_away")
                await self._some(set(), BUSY_S, stop)
            except Exception as error:
                # Whatever it is, the outbox must not fall silent: it looks again, and an operator reads this.
                log.warn("outbox.broken", what=type(error).__name__, where=log.place(error))
                await self._some(set(), BUSY_S, stop)
        if busy:
            finished, _ = await asyncio.wait(busy, timeout=STOP_WITHIN_S)
            try:
                await self._end(finished, busy)
            except StorageAway:
                log.warn("outbox.storage_away", count=len(finished))

    async def once(self) -> int:
        """Claim and perform what is due now; how many rows that was."""
        tasks = await self._begin(BATCH)
        if tasks:
            await self._end((await asyncio.wait(tasks))[0], tasks)
        return len(tasks)

    async def drain(self, most: int = 1000) -> int:
        """Perform until nothing is due (at most `most` rounds); how many rows that was. For tests and the talk door."""
        count = 0
        for _ in range(most):
            worked = await self.once()
            if not worked:
                return count
            count += worked
        raise RuntimeError("the outbox does not drain: rows make rows without end")

    def _room(self, busy: set[asyncio.Task[Ended]]) -> int:
        """How many rows may begin beside those under way. Those that hang are not counted, up to a bound."""
        late = asyncio.get_running_loop().time() - HANGS_S
        quick = sum(self._began[task] > late for task in busy)
        return min(BATCH - quick, MOST_UNDER_WAY - len(busy))

    async def _begin(self, most: int) -> set[asyncio.Task[Ended]]:
        if most <= 0:
            return set()
        senders = await self._work.storage.next_due_by_sender()
        claimed = await self._work.storage.exchange(self._work.now(), [Wanted(name, most) for name in senders])
        tasks = {asyncio.create_task(perform(self._work, one)) for one in claimed}
        self._began.update(dict.fromkeys(tasks, asyncio.get_running_loop().time()))
        return tasks

    async def _end(
        self, finished: set[asyncio.Task[Ended]], busy: set[asyncio.Task[Ended]]
    ) -> set[asyncio.Task[Ended]]:
        """Write how the finished rows ended, in one commit; the others. Raises StorageAway, and then to be called again."""
        ended = [task.result() for task in finished]
        try:
            await self._work.storage.finish([done for done, _ in ended], [row for _, more in ended for row in more])
        except StorageAway:
            raise
        except Exception:
            await self._end_apart(ended)
        for task in finished:
            self._began.pop(task, None)
        return busy - finished

    async def _end_apart(self, ended: list[Ended]) -> None:
        """One end that cannot be written must not keep the others: they would all be sent again."""
        for done, more in ended:
            try:
                await self._work.storage.finish([done], more)
            except StorageAway:
                raise
            except Exception as error:
                log.warn("outbox.not_marked", what=type(error).__name__, where=log.place(error))

    async def _sleep_s(self) -> float:
        due = await self._work.storage.next_due()
        if due is None:
            return IDLE_S
        return min(IDLE_S, max(0.01, (due - self._work.now()).total_seconds()))

    async def _some(
        self, busy: set[asyncio.Task[Ended]], seconds: float, stop: asyncio.Event
    ) -> set[asyncio.Task[Ended]]:
        """Wait for a row to end, for new work, for `stop` or for so many seconds; the rows that ended."""
        bells = {asyncio.create_task(self._wake.wait()), asyncio.create_task(stop.wait())}
        done, _ = await asyncio.wait({*busy, *bells}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for bell in bells:
            bell.cancel()
        return {task for task in busy if task in done}


async def perform(work: Work, claimed: Claimed) -> Ended:
    """Perform one row; how it ended and the rows that follow from it. Never raises."""
    try:
        return await PERFORMERS[claimed.row.kind](work, claimed)
    except SendError as error:
        return _after_send_error(work, claimed, error), ()
    except StorageAway:
        return _later(work, claimed, "storage_away"), ()
    except Exception as error:
        # A row that cannot be performed must not stop the others: it is tried again later and an operator is told.
        log.warn("outbox.failed", kind=claimed.row.kind, what=type(error).__name__, attempts=claimed.attempts)
        return _later(work, claimed, "failed"), ()


# ------------------------------------------------------------------------------------------------------ kinds of rows


async def _say(work: Work, claimed: Claimed) -> Ended:
    to = claimed.row.body.get("to")
    address = Address(to["channel"], to["external"]) if to else claimed.address
    if address is None:
        return _done(work, claimed, "dead", "no_address"), ()
    message = msgspec.convert({key: value for key, value in claimed.row.body.items() if key != "to"}, Message)
    return _done(work, claimed, "done", sent=await _send(work, address, message)), ()


async def _notice(work: Work, claimed: Claimed) -> Ended:
    if claimed.address is None:
        return _done(work, claimed, "dead", "no_phone"), ()
    message = msgspec.convert(claimed.row.body["message"], Message)
    sent = await _send(work, claimed.address, message)
    return replace(_done(work, claimed, "done", sent=sent), delivered=bool(claimed.row.referral)), ()


async def _notify_agency(work: Work, claimed: Claimed) -> Ended:
    """Hand the referral to its office (once, if consent or ground still stand) and tell its officers' phones."""
    body = claimed.row.body
    referral = await work.storage.hand_over(body["referral"], work.now())
    if referral is None:
        # Handed over before: this is another notice of it, or a crash came before the first was marked.
        referral = (await work.storage.load_referral(body["referral"])).referral
    if referral is None or referral.state in NOT_THEIRS:
        return _done(work, claimed, "cancelled", "withdrawn"), ()
    found = await work.storage.officers_of(referral.office)
    rows = [
        _notice_row(work, claimed, referral, officer)
        for officer, address in found
        if address is not None and officer.active and officer.role in ROLES[body["to"]]
    ]
    if not rows:
        log.warn("notice.no_phone", office=referral.office, referral=referral.code)
    return _done(work, claimed, "done", "" if rows else "no_phone"), tuple(rows)


async def _wake(work: Work, claimed: Claimed) -> Ended:
    await work.receiver.clock(claimed.row.body["referral"], int(claimed.row.body["rung"]))
    return _done(work, claimed, "done"), ()


async def _clear(work: Work, claimed: Claimed) -> Ended:
    if claimed.address is None:
        return _done(work, claimed, "dead", "no_address"), ()
    ids = await work.storage.shown(claimed.row.conversation, work.now() - CLEAR_WITHIN)
    await _channel(work, claimed.address).clear(claimed.address.external, tuple(ids))
    return _done(work, claimed, "done"), ()


async def _alarm(work: Work, claimed: Claimed) -> Ended:
    """Tell the staff of the national hotline that something failed for somebody, by a number and nothing else."""
    text = _alarm_text(claimed.row.body)
    rows = []
    for office in work.book.referral.offices:
        if office.route != "hotline_111":
            continue
        for officer, address in await work.storage.officers_of(office.id):
            if address is not None and officer.active:
                rows.append(_to_phone(claimed, officer, Message((text,)), work.now()))
    return _done(work, claimed, "done"), tuple(rows)


def _alarm_text(body: Mapping[str, Any]) -> str:
    if "nobody" in body:
        return f"Hồ sơ {body['nobody']} đã bị mọi nơi trả lại, chưa ai giữ. Hãy mở trang cán bộ."
    seen = "Có một tin không gửi đi được." if body.get("unsent") else "Người nhắn đã thấy số 111 và 113."
    return f"Hệ thống gặp lỗi {body['error']}. {seen} Hãy báo người vận hành."


async def _fetch(work: Work, claimed: Claimed) -> Ended:
    """Bring in a file that a person sent while the platform still has it: it may be evidence."""
    body = claimed.row.body
    channel = work.channels.get(body["channel"])
    if not isinstance(channel, Fetches):
        return _done(work, claimed, "dead", "no_files_here"), ()
    content = await channel.fetch(body["ref"])
    sent_at = datetime.fromisoformat(body["sent_at"])
    await work.storage.keep_file(body["ref"], claimed.row.conversation, body["kind"], content, work.now(), sent_at)
    return _done(work, claimed, "done"), ()


async def _export(work: Work, claimed: Claimed) -> Ended:
    if work.export is not None:
        await work.export(claimed.row.body)
    return _done(work, claimed, "done"), ()


async def _damaged(work: Work, claimed: Claimed) -> Ended:
    """What was to leave cannot be read: it is given up, and the staff are told, for somebody waits for it."""
    log.warn("outbox.damaged", kind=claimed.row.body["kind"], referral=claimed.row.referral, count=claimed.id)
    number = f"outbox-{claimed.id}"
    body = {"error": number, "unsent": "yes"}
    alarm = OutboxRow(f"alarm/{number}", "alarm", f"alarm:{number}", 1, work.now(), body)
    return _done(work, claimed, "dead", "damaged"), (alarm,)


PERFORMERS: Mapping[str, Callable[[Work, Claimed], Awaitable[Ended]]] = {
    "say": _say,
    "notice": _notice,
    "notify_agency": _notify_agency,
    "wake": _wake,
    "clear": _clear,
    "alarm": _alarm,
    "fetch": _fetch,
    "export": _export,
    DAMAGED: _damaged,
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
        raise SendError("misconfigured", "channel_off")
    return channel


async def _send(work: Work, address: Address, message: Message) -> Sent:
    """Send within the platform's pace. A refusal for speed holds back everything to that platform for the time it named."""
    channel, pace = _channel(work, address), work.paces.get(address.channel)
    if pace is None:
        return await channel.send(address.external, message)
    now = work.now().timestamp()
    ready = pace.ready_at(address.external, now)
    if ready - now > PATIENCE_S:
        raise SendError("again", "pace", ready - now)
    pace.took(address.external, ready)
    if ready > now:
        await asyncio.sleep(ready - now)
    try:
        return await channel.send(address.external, message)
    except SendError as error:
        if error.code == "flood":
            pace.hold(work.now().timestamp() + error.after_s)
        raise


def _after_send_error(work: Work, claimed: Claimed, error: SendError) -> Done:
    if error.code == "pace":
        return _later(work, claimed, error.code, error.after_s)
    log.warn("send.failed", kind=claimed.row.kind, outcome=error.what, code=error.code, attempts=claimed.attempts)
    if error.what in {"never", "blocked"}:
        return replace(_done(work, claimed, "dead", error.code), blocked=error.what == "blocked")
    return _later(work, claimed, error.code, error.after_s)


def _later(work: Work, claimed: Claimed, code: str, after_s: float = 0.0) -> Done:
    wait = after_s or BACKOFF_S[min(claimed.attempts, len(BACKOFF_S)) - 1]
    return replace(_done(work, claimed, "later", code), again_at=work.now() + timedelta(seconds=wait))


def _done(work: Work, claimed: Claimed, outcome: Any, code: str = "", *, sent: Sent | None = None) -> Done:
    return Done(claimed.id, outcome, work.now(), code, message_ids=sent.message_ids if sent else ())
